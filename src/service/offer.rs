//! Offering stored messages: oldest first, to one connection at a time, deleted on its OK (SPEC §5).

use super::effect::{ConnectionKey, Effect, Notice};
use super::mailbox::{Mailbox, Row, has_expired};
use super::outbox::{About, Identity, Sent, identity_of};
use super::store::{Read, StoreError, StoredMessage};
use super::timers::{Timer, TimerKey};
use super::{Service, Task};
use crate::model::error_kind::Lasting;
use crate::model::{Address, Answer, ErrorKind, Method, Now};
use crate::wire::{Frame, Piece, Splitter, limits};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// Messages of one read.
pub(super) const BATCH: usize = 16;
/// Octets of one read.
pub(super) const BATCH_OCTETS: u64 = 4 * 1024 * 1024;
/// Messages that pause at the same time; with more, nothing further is offered.
const PAUSING: usize = 256;
/// The first pause before another try.
const PAUSE: Duration = Duration::from_secs(30);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// How far a mailbox has been offered.
#[derive(Debug, Default)]
pub(super) struct Offering {
    /// To whom, for now.
    connection: Option<ConnectionKey>,
    /// The last message read.
    after: u64,
    /// Nothing lies behind it.
    end: bool,
    /// The read whose messages come next.
    reading: Option<u64>,
    /// A message came behind the last one since that read was asked for, which may not have seen it.
    grew: bool,
    /// A read failed; this is when to read again.
    reread: Option<Instant>,
    /// Messages read.
    ready: VecDeque<StoredMessage>,
    /// Messages sent and not answered.
    offered: BTreeSet<u64>,
    /// Messages that were refused for a while.
    holds: BTreeMap<u64, Hold>,
    /// A message was too large for the connection.
    skipped: bool,
    /// Until when the connection may leave all that it was offered unanswered and not count as silent.
    patience: Option<Instant>,
    timer: Option<TimerKey>,
}

#[derive(Debug)]
struct Hold {
    failures: u32,
    due: Instant,
}

impl Offering {
    pub(super) fn is_idle(&self) -> bool {
        self.offered.is_empty() && self.reading.is_none()
    }

    /// Whether nothing is at hand to be offered, and nothing waits for a moment.
    pub(super) fn is_spent(&self) -> bool {
        self.ready.is_empty() && self.holds.is_empty() && self.reread.is_none() && self.patience.is_none()
    }

    pub(super) fn timer(&mut self) -> &mut Option<TimerKey> {
        &mut self.timer
    }

    /// Begins with the oldest message, for this connection or for the next one that comes.
    pub(super) fn restart(&mut self, connection: Option<ConnectionKey>) {
        *self = Self { connection, timer: self.timer.take(), ..Self::default() };
    }

    /// The connection is gone: the next one begins with the oldest message.
    pub(super) fn lost(&mut self, connection: ConnectionKey) {
        if self.connection == Some(connection) {
            self.restart(None);
        }
    }

    /// Something lies behind the last message read.
    pub(super) fn extend(&mut self) {
        self.end = false;
        self.grew = true;
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.offered.contains(&number)
    }

    /// The message is gone.
    pub(super) fn forget(&mut self, number: u64) {
        self.offered.remove(&number);
        self.holds.remove(&number);
    }

    /// Goes back so that this message is read again.
    fn rewind(&mut self, number: u64) {
        if number <= self.after {
            self.after = number.saturating_sub(1);
            self.ready.clear();
            self.reading = None;
        }
        self.end = false;
    }

    /// The message pauses, for longer each time that it was refused.
    fn hold(&mut self, number: u64, now: Instant, wish: Option<Duration>) {
        let hold = self.holds.entry(number).or_insert(Hold { failures: 0, due: now });
        let grown = PAUSE.saturating_mul(1 << hold.failures.min(8));
        hold.failures = hold.failures.saturating_add(1);
        hold.due = now + wish.map_or(grown, |wish| wish.max(grown)).min(PAUSE_MAX);
    }

    fn pauses(&self, number: u64, now: Instant) -> bool {
        self.holds.get(&number).is_some_and(|hold| hold.due > now)
    }

    fn is_crowded(&self, now: Instant) -> bool {
        self.holds.len() >= PAUSING && self.holds.values().filter(|hold| hold.due > now).count() >= PAUSING
    }
}

impl Service {
    /// Offers stored messages while the connection whose turn it is has room.
    pub(super) fn drain(&mut self, now: Now, address: &Address) {
        // Most mailboxes are empty, and every answer of a client comes by here.
        if self.users.get(address).is_none_or(|user| user.mailbox.is_spent()) {
            return;
        }
        self.choose_connection(address);
        let more = self.offer_ready(now, address);
        self.arm_offer(now, address);
        if more {
            self.read_more(address);
        }
    }

    /// Offers what was read; whether the connection takes more than that.
    fn offer_ready(&mut self, now: Now, address: &Address) -> bool {
        let rules = self.mailbox_rules(address);
        loop {
            let Some(user) = self.users.get_mut(address) else { return false };
            let Mailbox { offering, gone, .. } = &mut *user.mailbox;
            let Some(connection) = offering.connection else { return false };
            let Some(at) = self.connections.get_mut(&connection).filter(|at| at.outbox.is_free()) else { return false };
            if offering.is_crowded(now.instant) {
                return false;
            }
            let Some(message) = offering.ready.pop_front() else { return true };
            let row = Row { user: address.clone(), number: message.number, octets: message.frame.len() as u64 };
            if offering.pauses(row.number, now.instant) || gone.contains_key(&row.number) || offering.has(row.number) {
                continue;
            }
            if has_expired(&message, &rules, now.unix) {
                self.expire_message(&row);
                continue;
            }
            // What cannot be read cannot be sent; it stays until it is too old.
            let Some((head, identity)) = read_head(&message.frame) else { continue };
            if message.frame.len().saturating_sub(head) as u64 > at.max_body {
                offering.skipped = true;
                continue;
            }
            if at.outbox.has(&identity) {
                // The same message from before it was stored, or another of the same name, awaits its answer.
                offering.hold(row.number, now.instant, None);
                continue;
            }
            offering.offered.insert(row.number);
            offering.patience.get_or_insert(now.instant + rules.delivery_timeout);
            let (about, octets) = (About::Stored(row), message.frame.len() as u64);
            at.outbox.sent(identity, Sent { method: Method::Send, about, over: connection, octets });
            self.effects.push_back(Effect::Send { connection, octets: message.frame.into() });
        }
    }

    /// The connection with the largest Max-Body, of several the oldest, but one that is silent only if all are; kept
    /// while it stands and answers (SPEC §5.7).
    fn choose_connection(&mut self, address: &Address) {
        let Some(user) = self.users.get_mut(address) else { return };
        if user.mailbox.size.messages == 0 {
            return;
        }
        let offering = &mut user.mailbox.offering;
        let max_body = |connection: &ConnectionKey| self.connections.get(connection).map_or(0, |at| at.max_body);
        let answers = |connection: &ConnectionKey| self.connections.get(connection).is_some_and(|at| !at.silent);
        let best = user.inboxes.iter().rev().copied().max_by_key(|one| (answers(one), max_body(one)));
        match (offering.connection, best) {
            (None, Some(best)) => offering.restart(Some(best)),
            (Some(now), Some(best)) if !answers(&now) && answers(&best) => {
                offering.restart(Some(best));
                // What it was offered the other one gets too; its answers still count.
                let silent = self.connections.get_mut(&now).into_iter().flat_map(|at| at.outbox.sent_about_mut());
                for about in silent {
                    if let About::Stored(row) = about {
                        *about = About::Late(row.clone());
                    }
                }
            }
            // What this connection does not take another one might.
            (Some(now), Some(best)) if offering.skipped && offering.offered.is_empty() && max_body(&best) > max_body(&now) => {
                offering.restart(Some(best));
            }
            _ => {}
        }
    }

    fn read_more(&mut self, address: &Address) {
        let ticket = self.ticket(Task::Offer(address.clone()));
        let mailbox = self.users.get_mut(address).and_then(|user| user.mailbox.changed());
        let wanted = |mailbox: &&mut Mailbox| {
            let offering = &mailbox.offering;
            mailbox.size.messages > 0 && !offering.end && offering.reading.is_none() && offering.reread.is_none()
        };
        let Some(mailbox) = mailbox.filter(wanted) else {
            self.tasks.remove(&ticket);
            return;
        };
        mailbox.offering.reading = Some(ticket.0);
        mailbox.offering.grew = false;
        mailbox.reads += 1;
        let after = mailbox.offering.after;
        let read = Read::Mailbox { user: address.clone(), after, messages: BATCH, octets: BATCH_OCTETS };
        self.effects.push_back(Effect::Read { ticket, read });
    }

    /// Messages were read that are to be offered.
    pub(super) fn offer_read(
        &mut self,
        now: Now,
        address: &Address,
        ticket: u64,
        outcome: Result<Vec<StoredMessage>, StoreError>,
    ) {
        let Some(mailbox) = self.users.get_mut(address).and_then(|user| user.mailbox.changed()) else { return };
        let Mailbox { offering, gone, .. } = mailbox;
        // Otherwise the walk has begun anew since, and its own read comes.
        if offering.reading == Some(ticket) {
            offering.reading = None;
            match outcome {
                Ok(messages) => {
                    offering.end = messages.is_empty() && !offering.grew;
                    offering.after = messages.last().map_or(offering.after, |message| message.number);
                    offering.ready.extend(messages.into_iter().filter(|message| !gone.contains_key(&message.number)));
                }
                Err(_) => {
                    self.effects.push_back(Effect::Notice(Notice::StoreFailed { user: address.clone() }));
                    offering.reread = Some(now.instant + PAUSE);
                }
            }
        }
        mailbox.read_done();
        self.drain(now, address);
    }

    /// The client answered an offer.
    pub(super) fn stored_answered(&mut self, now: Now, row: &Row, outcome: Result<(), Answer>) {
        let patience = self.mailbox_rules(&row.user).delivery_timeout;
        let Some(mailbox) = self.users.get_mut(&row.user).and_then(|user| user.mailbox.changed()) else { return };
        if !mailbox.offering.offered.remove(&row.number) {
            return;
        }
        let offering = &mut mailbox.offering;
        offering.patience = (!offering.offered.is_empty()).then(|| now.instant + patience);
        match outcome {
            Ok(()) => self.delete_message(row),
            Err(answer) if answer.kind == ErrorKind::MessageTooLarge => mailbox.offering.skipped = true,
            Err(answer) if answer.kind.lasting() == Lasting::Permanent => {
                let (user, message) = (row.user.clone(), row.number);
                self.effects.push_back(Effect::Notice(Notice::StoredMessageRefused { user, message, error: answer.kind }));
                self.delete_message(row);
            }
            Err(answer) => {
                mailbox.offering.hold(row.number, now.instant, answer.retry_after);
                self.arm_offer(now, &row.user);
            }
        }
    }

    /// The client answered a SEND that was stored meanwhile.
    pub(super) fn late_answered(&mut self, row: &Row, outcome: Result<(), Answer>) {
        if outcome.is_ok() {
            return self.delete_message(row);
        }
        // It may be offered as a stored one now, and will be refused as such.
        if let Some(mailbox) = self.users.get_mut(&row.user).and_then(|user| user.mailbox.changed()) {
            mailbox.offering.holds.remove(&row.number);
            mailbox.offering.rewind(row.number);
        }
    }

    /// Messages whose pause is over are read again.
    pub(super) fn offer_timer(&mut self, now: Now, address: &Address) {
        let Some(mailbox) = self.users.get_mut(address).and_then(|user| user.mailbox.changed()) else { return };
        let offering = &mut mailbox.offering;
        offering.reread = offering.reread.filter(|at| *at > now.instant);
        if offering.patience.take_if(|at| *at <= now.instant).is_some()
            && let Some(at) = offering.connection.and_then(|connection| self.connections.get_mut(&connection))
        {
            at.silent |= !offering.offered.is_empty();
        }
        let due = offering.holds.iter().find(|(_, hold)| hold.due <= now.instant).map(|(number, _)| *number);
        if let Some(number) = due {
            offering.rewind(number);
        }
        self.drain(now, address);
    }

    /// Sets the timer for the next pause that ends.
    fn arm_offer(&mut self, now: Now, address: &Address) {
        let Some(offering) =
            self.users.get_mut(address).and_then(|user| user.mailbox.changed()).map(|mailbox| &mut mailbox.offering)
        else {
            return;
        };
        let pauses = offering.holds.values().map(|hold| hold.due).filter(|due| *due > now.instant);
        if let Some(at) = pauses.chain(offering.reread).chain(offering.patience).min() {
            self.timers.set(&mut offering.timer, at, Timer::Offer(address.clone()));
        }
    }
}

/// Reads a stored frame's head without copying its body: how long the head is, and whose answer will be whose.
fn read_head(octets: &Bytes) -> Option<(usize, Identity)> {
    let head = octets.get(..limits::HEAD_OCTETS.min(octets.len()))?;
    let end = head.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    // Nothing fits into no octets, so the head comes out as soon as it is whole.
    let mut splitter = Splitter::new(0);
    splitter.push(octets.get(..end)?);
    let head: Frame = match splitter.poll().ok()?? {
        Piece::TooLarge { head, .. } => head,
        Piece::Frame(_) => return None,
    };
    identity_of(&head).map(|identity| (end, identity))
}
