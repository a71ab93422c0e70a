//! A store in memory: for scenes, demonstrations and tests of what rests on a store. Nothing outlives the process.

use super::{Backend, Remember, recent};
use crate::model::{Address, ConnectionId, Credentials, Fingerprint, UnixMillis};
use crate::service::store::{
    Account, Delivery, Loaded, MailboxSize, Read, Remembered, Start, StoreError, StoreRead, StoreWrite, StoredMessage,
    StoredSubscription, Totals, UserRecord, Write,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The store. Clones are the same store, so that one can write while another reads.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    users: BTreeMap<Address, User>,
    /// By presentity, subscriber and session.
    subscriptions: BTreeMap<Address, BTreeMap<(Address, ConnectionId), StoredSubscription>>,
    last_message: u64,
    remembered: Vec<Remembered>,
    changed_outside: bool,
}

#[derive(Debug, Default)]
struct User {
    record: UserRecord,
    credentials: Option<Credentials>,
    mailbox: BTreeMap<u64, (StoredMessage, Fingerprint)>,
}

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces an account, as an administrator would; what the user stored stays.
    pub fn put_account(&self, address: &Address, account: Account, credentials: Option<Credentials>) {
        let mut inner = self.lock();
        let user = inner.users.entry(address.clone()).or_default();
        user.record.account = Some(account);
        user.credentials = credentials;
        inner.changed_outside = true;
    }

    /// Removes an account and all that the user stored.
    pub fn remove_account(&self, address: &Address) {
        let mut inner = self.lock();
        inner.users.remove(address);
        inner.subscriptions.remove(address);
        inner.changed_outside = true;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoreRead for Memory {
    fn read(&self, read: &Read) -> Result<Loaded, StoreError> {
        let inner = self.lock();
        match read {
            Read::User(user) => {
                let record = inner.users.get(user).map(|user| {
                    let octets = user.mailbox.values().map(|(message, _)| message.frame.len() as u64).sum();
                    UserRecord { mailbox: MailboxSize { messages: user.mailbox.len() as u64, octets }, ..user.record.clone() }
                });
                let subscriptions = inner.subscriptions.get(user).into_iter().flatten().map(|(_, one)| one.clone()).collect();
                Ok(Loaded::User(UserRecord { subscriptions, ..record.unwrap_or_default() }))
            }
            Read::Mailbox { user, after, messages, octets } => {
                let mut so_far: u64 = 0;
                let mailbox = inner.users.get(user).map(|user| &user.mailbox);
                let waiting = mailbox.into_iter().flatten().filter(|(number, _)| *number > after);
                let chosen = waiting.map(|(_, (message, _))| message).take(*messages).take_while(|message| {
                    let wanted = so_far == 0 || so_far < *octets;
                    so_far = so_far.saturating_add(message.frame.len() as u64);
                    wanted
                });
                Ok(Loaded::Mailbox(chosen.cloned().collect()))
            }
            Read::Totals => {
                let messages = || inner.users.values().flat_map(|user| user.mailbox.values());
                let octets = messages().map(|(message, _)| message.frame.len() as u64).sum();
                let accounts = inner.users.values().filter(|user| user.record.account.is_some()).count() as u64;
                let mailboxes = MailboxSize { messages: messages().count() as u64, octets };
                Ok(Loaded::Totals(Totals { accounts, mailboxes }))
            }
        }
    }

    fn credentials(&self, user: &Address) -> Result<Option<Credentials>, StoreError> {
        let inner = self.lock();
        let enabled = inner.users.get(user).filter(|user| user.record.account.as_ref().is_some_and(|account| !account.disabled));
        Ok(enabled.and_then(|user| user.credentials.clone()))
    }
}

impl StoreWrite for Memory {
    fn start(&mut self, now: UnixMillis) -> Result<Start, StoreError> {
        let inner = self.lock();
        let waiting = inner
            .users
            .values()
            .flat_map(|user| user.mailbox.values())
            .map(|(message, fingerprint)| stored(*fingerprint, message));
        let all = waiting.chain(inner.remembered.iter().copied()).filter(|entry| entry.at.plus(MEMORY) > now);
        let watched = inner.subscriptions.iter().filter(|(_, some)| !some.is_empty()).map(|(user, _)| user.clone()).collect();
        Ok(Start { next_message: inner.last_message.saturating_add(1), remembered: recent::merge(all.collect()), watched })
    }

    fn write(&mut self, writes: &[&Write]) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let mut numbers = std::collections::BTreeSet::new();
        for write in writes {
            let known = inner.users.contains_key(write.user());
            let sound = match write {
                Write::Delete { .. } | Write::Subscribe { .. } | Write::Told { .. } | Write::Unsubscribe { .. } => true,
                Write::Store { message, .. } => {
                    let taken = inner.users.values().any(|user| user.mailbox.contains_key(&message.number));
                    known && !taken && i64::try_from(message.number).is_ok() && numbers.insert(message.number)
                }
                Write::Presence { .. } | Write::Acl { .. } => known,
            };
            if !sound {
                return Err(StoreError::Corrupt);
            }
        }
        for write in writes {
            inner.apply(write);
        }
        Ok(())
    }

    fn remember(&mut self, deliveries: &[Remembered]) -> Result<(), StoreError> {
        Remember::remember(self, deliveries)
    }
}

impl Remember for Memory {
    fn remember(&self, deliveries: &[Remembered]) -> Result<(), StoreError> {
        self.lock().remembered.extend_from_slice(deliveries);
        Ok(())
    }
}

impl Backend for Memory {
    fn changed_outside(&mut self) -> bool {
        std::mem::take(&mut self.lock().changed_outside)
    }
}

impl Inner {
    fn apply(&mut self, write: &Write) {
        match write {
            Write::Presence { user, presence } => self.change(user, |user| user.record.presence = presence.clone()),
            Write::Acl { user, acl } => self.change(user, |user| user.record.acl = Some(acl.clone())),
            Write::Store { user, from, message_id, message } => {
                self.last_message = self.last_message.max(message.number);
                let fingerprint = Fingerprint::new(from, user, message_id);
                self.change(user, |user| {
                    user.mailbox.insert(message.number, (message.clone(), fingerprint));
                });
            }
            Write::Subscribe { user, subscription } => {
                let key = (subscription.subscriber.clone(), subscription.connection);
                self.subscriptions.entry(user.clone()).or_default().insert(key, subscription.clone());
            }
            Write::Told { user, subscriber, connection, version } => {
                let known = self.subscriptions.get_mut(user).and_then(|some| some.get_mut(&(subscriber.clone(), *connection)));
                if let Some(subscription) = known {
                    subscription.told = *version;
                }
            }
            Write::Unsubscribe { user, subscriber, connection } => {
                if let Some(some) = self.subscriptions.get_mut(user) {
                    some.remove(&(subscriber.clone(), *connection));
                }
            }
            Write::Delete { user, number } => {
                let gone = self.users.get_mut(user).and_then(|user| user.mailbox.remove(number));
                self.remembered.extend(gone.map(|(message, fingerprint)| stored(fingerprint, &message)));
            }
        }
    }

    fn change(&mut self, user: &Address, change: impl FnOnce(&mut User)) {
        if let Some(user) = self.users.get_mut(user) {
            change(user);
        }
    }
}

const MEMORY: std::time::Duration = std::time::Duration::from_millis(recent::MEMORY_MILLIS);

fn stored(fingerprint: Fingerprint, message: &StoredMessage) -> Remembered {
    Remembered { fingerprint, delivery: Delivery::Stored, at: message.stored }
}
