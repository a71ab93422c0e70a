//! A store in memory that can be told to wait and to fail.

use impp::model::{Address, ConnectionId, UnixMillis};
use impp::service::store::{
    Account, Delivery, Loaded, MailboxSize, Read, Remembered, Start, StoreError, StoredAcl, StoredMessage, StoredPresence,
    StoredSubscription, Totals, UserRecord, Write,
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) accounts: BTreeMap<Address, Account>,
    pub(crate) acls: BTreeMap<Address, StoredAcl>,
    pub(crate) presence: BTreeMap<Address, StoredPresence>,
    pub(crate) mail: BTreeMap<Address, BTreeMap<u64, StoredMessage>>,
    /// By presentity, subscriber and session.
    pub(crate) subscriptions: BTreeMap<(Address, Address, ConnectionId), StoredSubscription>,
    pub(crate) remembered: Vec<Remembered>,
    pub(crate) last_number: u64,
    pub(crate) fails: bool,
}

impl Store {
    pub(crate) fn start(&self) -> Start {
        let watched = self.subscriptions.keys().map(|(user, _, _)| user.clone()).collect::<BTreeSet<_>>();
        let watched = watched.into_iter().collect();
        Start { next_message: self.last_number + 1, remembered: self.remembered.clone(), watched }
    }

    pub(crate) fn read(&self, read: &Read) -> Result<Loaded, StoreError> {
        if self.fails {
            return Err(StoreError::Io);
        }
        Ok(match read {
            Read::User(user) => Loaded::User(UserRecord {
                account: self.accounts.get(user).cloned(),
                acl: self.acls.get(user).cloned(),
                presence: self.presence.get(user).cloned().unwrap_or_default(),
                mailbox: self.size(user),
                subscriptions: self.subscriptions.iter().filter(|((of, ..), _)| of == user).map(|(_, one)| one.clone()).collect(),
            }),
            Read::Mailbox { user, after, messages, octets } => {
                let mut found = Vec::new();
                let mut sum = 0;
                for message in
                    self.mail.get(user).into_iter().flat_map(|mail| mail.range(after + 1..)).map(|(_, message)| message)
                {
                    if found.len() >= *messages || sum >= *octets {
                        break;
                    }
                    sum += message.frame.len() as u64;
                    found.push(message.clone());
                }
                Loaded::Mailbox(found)
            }
            Read::Totals => Loaded::Totals(Totals::default()),
        })
    }

    pub(crate) fn size(&self, user: &Address) -> MailboxSize {
        let mut size = MailboxSize::default();
        for message in self.mail.get(user).into_iter().flat_map(BTreeMap::values) {
            size.messages += 1;
            size.octets += message.frame.len() as u64;
        }
        size
    }

    pub(crate) fn write(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        if self.fails {
            return Err(StoreError::Io);
        }
        for write in writes {
            match write.clone() {
                Write::Presence { user, presence } => drop(self.presence.insert(user, presence)),
                Write::Acl { user, acl } => drop(self.acls.insert(user, acl)),
                Write::Store { user, message, .. } => {
                    assert!(message.number > self.last_number, "numbers of messages must grow");
                    self.last_number = message.number;
                    self.mail.entry(user).or_default().insert(message.number, message);
                }
                Write::Subscribe { user, subscription } => {
                    let key = (user, subscription.subscriber.clone(), subscription.connection);
                    self.subscriptions.insert(key, subscription);
                }
                Write::Told { user, subscriber, connection, version } => {
                    if let Some(known) = self.subscriptions.get_mut(&(user, subscriber, connection)) {
                        known.told = version;
                    }
                }
                Write::Unsubscribe { user, subscriber, connection } => {
                    self.subscriptions.remove(&(user, subscriber, connection));
                }
                Write::Delete { user, number } => {
                    let gone = self.mail.entry(user).or_default().remove(&number);
                    assert!(gone.is_some(), "message {number} is deleted twice");
                }
            }
        }
        Ok(())
    }

    pub(crate) fn remember(&mut self, one: Remembered) {
        assert!(one.at > UnixMillis(0) && matches!(one.delivery, Delivery::Delivered | Delivery::Stored));
        self.remembered.push(one);
    }
}
