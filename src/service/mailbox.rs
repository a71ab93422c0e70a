//! Messages that wait: what the store holds of them, what is being written or deleted, and when they have waited too long.

use super::MailboxRules;
use super::effect::{Effect, Notice};
use super::offer::{BATCH, BATCH_OCTETS, Offering};
use super::outbox::About;
use super::store::{MailboxSize, Read, StoreError, StoredMessage, Write};
use super::timers::{Timer, TimerKey, Timers};
use super::{Service, Task};
use crate::model::{Address, MessageId, Now, UnixMillis};
use crate::wire::{Frame, Name};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// No mailbox is walked through more often, however often a full one is written to.
const SWEEP_PAUSE: Duration = Duration::from_secs(60);

/// One stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) user: Address,
    pub(super) number: u64,
    pub(super) octets: u64,
}

/// One user's stored messages.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    /// What lies in the store, with what is being written; without what is deleted.
    pub(super) size: MailboxSize,
    pub(super) offering: Offering,
    /// Deleted messages that a read under way may still bring, and whether the store has deleted them.
    pub(super) gone: BTreeMap<u64, bool>,
    /// Reads under way.
    pub(super) reads: u32,
    /// Writes under way.
    writes: u32,
    /// Counts what changes the size, so that a size read from the store is known to be current.
    changes: u64,
    /// A walk looks for messages that have waited too long.
    sweeping: bool,
    /// When the next walk may begin.
    rested: Option<Instant>,
    /// When the first of the messages that are known will have waited too long.
    expiry: Option<UnixMillis>,
    expiry_timer: Option<TimerKey>,
}

impl Mailbox {
    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.reads == 0 && self.writes == 0 && self.offering.is_idle()
    }

    /// Whether there is nothing to offer.
    pub(super) fn is_spent(&self) -> bool {
        self.size.messages == 0 && self.offering.is_spent()
    }

    pub(super) fn clear_timers(&mut self, timers: &mut Timers) {
        timers.clear(self.offering.timer());
        timers.clear(&mut self.expiry_timer);
    }

    /// A mark by which [`Mailbox::reread`] knows whether the size in the store is current.
    pub(super) fn mark(&self) -> Option<u64> {
        (self.writes == 0).then_some(self.changes)
    }

    /// Takes the size that the store has, unless it was about to change.
    pub(super) fn reread(&mut self, size: MailboxSize, mark: Option<u64>) {
        if mark == Some(self.changes) && self.writes == 0 {
            self.size = size;
        }
    }

    pub(super) fn has_room(&self, octets: u64, rules: &MailboxRules) -> bool {
        self.size.messages < rules.max_messages && self.size.octets.saturating_add(octets) <= rules.max_octets
    }

    /// A read is over: what was deleted before it cannot come any more.
    pub(super) fn read_done(&mut self) {
        self.reads = self.reads.saturating_sub(1);
        if self.reads == 0 {
            self.gone.retain(|_, deleted| !*deleted);
        }
    }

    fn uncount(&mut self, row: &Row) {
        self.size.messages = self.size.messages.saturating_sub(1);
        self.size.octets = self.size.octets.saturating_sub(row.octets);
        self.changes += 1;
    }

    fn expects(&mut self, expires: Option<UnixMillis>) -> Option<UnixMillis> {
        let sooner = expires.filter(|at| self.expiry.is_none_or(|known| *at < known))?;
        self.expiry = Some(sooner);
        Some(sooner)
    }
}

impl Service {
    /// Writes a message; it counts from now on.
    pub(super) fn write_message(
        &mut self,
        now: Now,
        send: u64,
        user: &Address,
        message: (Frame, Address),
        expires: Option<UnixMillis>,
    ) -> Row {
        let number = self.next_message;
        self.next_message += 1;
        let (frame, from) = message;
        let octets = frame.octets().len() as u64;
        if let Some(mailbox) = self.users.get_mut(user).map(|user| &mut user.mailbox) {
            mailbox.size.messages += 1;
            mailbox.size.octets += octets;
            mailbox.writes += 1;
            mailbox.changes += 1;
        }
        let message_id = frame.header(Name::MessageId).and_then(MessageId::parse);
        let message = StoredMessage { number, frame: frame.octets().clone(), expires, stored: now.unix };
        let store = message_id.map(|message_id| Write::Store { user: user.clone(), from, message_id, message });
        let ticket = self.ticket(Task::Store(send));
        self.effects.push_back(Effect::Write { ticket, writes: store.into_iter().collect() });
        Row { user: user.clone(), number, octets }
    }

    /// The message could not be written.
    pub(super) fn unwrite_message(&mut self, row: &Row) {
        if let Some(mailbox) = self.users.get_mut(&row.user).and_then(|user| user.mailbox.changed()) {
            mailbox.writes = mailbox.writes.saturating_sub(1);
            mailbox.uncount(row);
        }
    }

    /// The message lies in the store.
    pub(super) fn message_stored(&mut self, now: Now, row: &Row, expires: Option<UnixMillis>) {
        if let Some(mailbox) = self.users.get_mut(&row.user).and_then(|user| user.mailbox.changed()) {
            mailbox.writes = mailbox.writes.saturating_sub(1);
            mailbox.offering.extend();
            self.expect_expiry(now, &row.user, expires);
        }
    }

    /// A message was stored that a client acknowledged meanwhile.
    pub(super) fn stored_in_vain(&mut self, now: Now, send: u64, outcome: Result<(), StoreError>) {
        let Some(row) = self.acknowledged.remove(&send) else { return };
        if outcome.is_ok() {
            self.message_stored(now, &row, None);
            self.delete_message(&row);
        } else {
            self.unwrite_message(&row);
        }
    }

    /// Deletes a message, once.
    pub(super) fn delete_message(&mut self, row: &Row) {
        if self.mark_deleted(row) {
            self.write_deletion(row, Task::Delete(row.clone()));
        }
    }

    /// From now on nobody is offered the message; `false`: it was so already.
    pub(super) fn mark_deleted(&mut self, row: &Row) -> bool {
        let Some(user) = self.users.get_mut(&row.user) else { return false };
        let mailbox = &mut user.mailbox;
        if mailbox.gone.contains_key(&row.number) {
            return false;
        }
        mailbox.gone.insert(row.number, false);
        mailbox.offering.forget(row.number);
        mailbox.writes += 1;
        mailbox.changes += 1;
        for connection in user.inboxes.iter() {
            let Some(at) = self.connections.get_mut(connection) else { continue };
            for about in at.outbox.sent_about_mut() {
                if matches!(about, About::Late(other) | About::Stored(other) if other.number == row.number) {
                    *about = About::Nothing;
                }
            }
        }
        true
    }

    pub(super) fn write_deletion(&mut self, row: &Row, task: Task) {
        let ticket = self.ticket(task);
        let write = Write::Delete { user: row.user.clone(), number: row.number };
        self.effects.push_back(Effect::Write { ticket, writes: vec![write] });
    }

    /// Waits until everything before it is written.
    pub(super) fn write_nothing(&mut self, task: Task) {
        let ticket = self.ticket(task);
        self.effects.push_back(Effect::Write { ticket, writes: Vec::new() });
    }

    /// A message was deleted, or was not; then it will be offered once more some day, and shown no second time.
    pub(super) fn message_deleted(&mut self, now: Now, row: &Row, outcome: Result<(), StoreError>) {
        let Some(mailbox) = self.users.get_mut(&row.user).and_then(|user| user.mailbox.changed()) else { return };
        mailbox.writes = mailbox.writes.saturating_sub(1);
        if outcome.is_err() {
            mailbox.gone.remove(&row.number);
            self.effects.push_back(Effect::Notice(Notice::StoreFailed { user: row.user.clone() }));
            return;
        }
        mailbox.uncount(row);
        if mailbox.reads == 0 {
            mailbox.gone.remove(&row.number);
        } else {
            mailbox.gone.insert(row.number, true);
        }
        if mailbox.size.messages == 0 {
            mailbox.offering.restart(None);
            mailbox.expiry = None;
            mailbox.clear_timers(&mut self.timers);
        }
        self.drain(now, &row.user);
    }

    /// Deletes a message that nobody wants any more.
    pub(super) fn expire_message(&mut self, row: &Row) {
        let (user, message) = (row.user.clone(), row.number);
        self.effects.push_back(Effect::Notice(Notice::StoredMessageExpired { user, message }));
        self.delete_message(row);
    }

    fn expect_expiry(&mut self, now: Now, address: &Address, expires: Option<UnixMillis>) {
        let Some(mailbox) = self.users.get_mut(address).and_then(|user| user.mailbox.changed()) else { return };
        if let Some(at) = mailbox.expects(expires) {
            let at = now.instant_of(at) + Duration::from_millis(1);
            self.timers.set(&mut mailbox.expiry_timer, at, Timer::Expiry(address.clone()));
        }
    }

    /// Walks through a mailbox, where some message has waited too long, or may have.
    pub(super) fn sweep(&mut self, now: Now, address: &Address) {
        let Some(mailbox) = self.users.get_mut(address).and_then(|user| user.mailbox.changed()) else { return };
        if mailbox.sweeping || mailbox.size.messages == 0 {
            return;
        }
        match mailbox.rested.filter(|rested| *rested > now.instant) {
            Some(rested) => self.timers.set(&mut mailbox.expiry_timer, rested, Timer::Expiry(address.clone())),
            None => {
                mailbox.rested = Some(now.instant + SWEEP_PAUSE);
                mailbox.expiry = None;
                self.sweep_from(address, 0);
            }
        }
    }

    fn sweep_from(&mut self, address: &Address, after: u64) {
        let Some(mailbox) = self.users.get_mut(address).and_then(|user| user.mailbox.changed()) else { return };
        mailbox.sweeping = true;
        mailbox.reads += 1;
        let read = Read::Mailbox { user: address.clone(), after, messages: BATCH, octets: BATCH_OCTETS };
        let ticket = self.ticket(Task::Sweep(address.clone()));
        self.effects.push_back(Effect::Read { ticket, read });
    }

    /// Messages were read that may have waited too long.
    pub(super) fn sweep_read(&mut self, now: Now, address: &Address, outcome: Result<Vec<StoredMessage>, StoreError>) {
        let rules = self.mailbox_rules(address);
        let Some(mailbox) = self.users.get_mut(address).and_then(|user| user.mailbox.changed()) else { return };
        mailbox.sweeping = false;
        let messages = outcome.unwrap_or_default();
        let last = messages.last().map(|message| message.number);
        let (mut expired, mut next) = (Vec::new(), None);
        for message in messages {
            if mailbox.gone.contains_key(&message.number) || mailbox.offering.has(message.number) {
                continue;
            }
            if has_expired(&message, &rules, now.unix) {
                expired.push(Row { user: address.clone(), number: message.number, octets: message.frame.len() as u64 });
            } else {
                next = next.into_iter().chain(message.expires).min();
            }
        }
        mailbox.read_done();
        for row in expired {
            self.expire_message(&row);
        }
        self.expect_expiry(now, address, next);
        if let Some(last) = last {
            self.sweep_from(address, last);
        }
    }
}

pub(super) fn has_expired(message: &StoredMessage, rules: &MailboxRules, now: UnixMillis) -> bool {
    message.expires.is_some_and(|expires| expires <= now) || now.since(message.stored) > rules.max_age
}
