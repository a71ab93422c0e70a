//! What an administrator changed behind the rules' back takes effect on those who are there.

use super::Service;
use super::config::ServiceConfig;
use super::effect::{Effect, Notice};
use super::rare::Rare;
use super::sessions::SessionKey;
use super::store::{StoreError, UserRecord};
use super::users::OwnAcl;
use crate::model::request::Cause;
use crate::model::{Address, ByeCause, Domain, Now};
use std::collections::BTreeSet;

impl Service {
    /// The record of a user who is in use was read again.
    pub(super) fn user_reloaded(
        &mut self,
        now: Now,
        address: &Address,
        mark: Option<u64>,
        outcome: Result<UserRecord, StoreError>,
    ) {
        let read = outcome.and_then(|record| {
            let acl = record.acl.clone().map(OwnAcl::read).transpose()?;
            Ok((record, acl))
        });
        match read {
            Ok((record, acl)) => self.take_record(now, address, mark, record, acl),
            // What was known stays in force.
            Err(_) => self.effects.push_back(Effect::Notice(Notice::StoreFailed { user: address.clone() })),
        }
        self.release(now, address);
    }

    fn take_record(&mut self, now: Now, address: &Address, mark: Option<u64>, record: UserRecord, acl: Option<OwnAcl>) {
        self.expire_presence(now, address);
        let Some(user) = self.users.get_mut(address) else { return };
        let (old_account, old_presence) = (user.account.clone(), user.presence.clone());
        let rules_changed = user.acl.as_deref().map(|acl| &acl.stored) != acl.as_ref().map(|acl| &acl.stored);
        let mut presence = record.presence;
        presence.expire(now.unix);
        // Receivers drop what is not newer than what they have, and who was concealed has seen one version more.
        if presence.values != old_presence.values || rules_changed {
            presence.version = presence.version.max(old_presence.version.next(now.unix));
        }
        if rules_changed && presence.values.is_empty() && old_presence.version.0 == 0 {
            presence.version = old_presence.version;
        }
        user.presence = presence;
        user.acl = acl.map(Box::new);
        user.account = record.account.clone();
        if user.mailbox.size != record.mailbox {
            user.mailbox.reread(record.mailbox, mark);
        }
        let Some(account) = record.account else {
            user.refused = Rare::default();
            self.end_subscriptions(now, address, Cause::TargetUnknown);
            return self.expel(now, address);
        };
        if account.disabled {
            self.expel(now, address);
        }
        if !account.presence {
            self.end_subscriptions(now, address, Cause::TargetUnknown);
        }
        if account.moved.is_some() && old_account.is_none_or(|old| old.moved.is_none()) {
            self.end_subscriptions(now, address, Cause::Moved);
        }
        self.tell_changes(now, address, &old_presence, false);
        if rules_changed {
            self.judge_subscriptions(now, address);
            self.judge_readers(now, address);
        }
        self.drain(now, address);
    }

    /// Ends all sessions of a user, and takes the user's messages from everybody.
    fn expel(&mut self, now: Now, address: &Address) {
        let Some(user) = self.users.get(address) else { return };
        let sessions: Vec<SessionKey> = user.sessions.iter().map(|id| SessionKey { user: address.clone(), id: *id }).collect();
        let readers = user.inboxes.clone();
        for key in sessions {
            self.dismiss(now, &key, ByeCause::Disabled);
        }
        for connection in readers.iter().copied() {
            if self.connections.contains_key(&connection) {
                // Somebody else's connection, whose own account is well.
                self.close(now, connection, ByeCause::PermissionDenied);
            }
        }
    }

    /// Other settings hold: domains may be gone, and the domains' rules may have changed.
    pub(super) fn take_config(&mut self, now: Now, config: ServiceConfig) {
        let config = config.with_sound_prefix();
        let gone: BTreeSet<Domain> =
            self.config.domains.keys().filter(|domain| !config.domains.contains_key(*domain)).cloned().collect();
        self.recent.set_max(config.remembered_max);
        self.voices = config.voices();
        self.config = config;
        self.judge_links(now);
        let addresses: Vec<Address> = self.users.keys().cloned().collect();
        for address in addresses {
            if gone.contains(address.domain_str()) {
                self.end_subscriptions(now, &address, Cause::TargetUnknown);
                self.expel(now, &address);
            } else {
                self.forget_former_strangers(now, &address);
                self.judge_subscriptions(now, &address);
            }
        }
    }
}
