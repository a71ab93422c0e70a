//! SEND: to every connection that takes the target's messages; the first OK settles it, else it is stored (SPEC §5).

use super::effect::{ConnectionKey, Effect, Notice};
use super::few::Few;
use super::limit::Limit;
use super::outbox::{About, Copy, Identity, Sent, Waiting, identity_of};
use super::policy::Access;
use super::presence::entity_head;
use super::requests::absence;
use super::sessions::{Asker, Connection};
use super::store::{Delivery, Remembered, StoreError};
use super::{MailboxRules, Octets, Service, mailbox};
use crate::model::acl::Op;
use crate::model::response::ok_to;
use crate::model::{Address, Answer, ErrorKind, Fingerprint, MessageId, Method, Now, RequestId, UnixMillis};
use crate::wire::Name;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A message that is settled for its sender still goes to a slow connection where it waits, if no more than this
/// waits there and it is no larger than [`COPY_OCTETS`].
const COPIES: usize = 64;
/// See [`COPIES`].
const COPY_OCTETS: usize = 65_536;
/// When to try a full mailbox again: room comes when its owner does.
const FULL_PAUSE: Duration = Duration::from_secs(300);

/// A SEND whose sender has no answer yet.
#[derive(Debug)]
pub(super) struct Unsettled {
    /// The first to ask.
    asker: Asker,
    /// Those who repeated it.
    repeats: Vec<Asker>,
    target: Address,
    fingerprint: Fingerprint,
    wanted: Option<Duration>,
    arrived: UnixMillis,
    since: Instant,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Clients may acknowledge it.
    Offered {
        /// Connections that have not answered.
        pending: Few<ConnectionKey>,
        /// The first ERROR.
        refused: Option<Answer>,
        /// The largest Max-Body of those that take no body as large as this.
        too_large: Option<u64>,
        /// A connection was lost before it answered: not all refuse.
        lost: bool,
    },
    /// It is being stored.
    Storing { row: mailbox::Row, expires: Option<UnixMillis> },
    /// It seems to be stored.
    Concealed,
}

impl Service {
    /// SEND
    pub(super) fn send(
        &mut self,
        now: Now,
        asker: Asker,
        target: &Address,
        id: RequestId,
        message: &MessageId,
        wanted: Option<Duration>,
    ) {
        let sender = asker.session.user.clone();
        let fingerprint = Fingerprint::new(&sender, target, message);
        if let Some(delivery) = self.recent.find(&fingerprint, now.unix) {
            return self.answer_send(&asker, target, delivery);
        }
        if let Some(first) = self.unsettled.get(&fingerprint).and_then(|number| self.sends.get_mut(number)) {
            if first.repeats.len() < self.config.repeats {
                first.repeats.push(asker);
            } else {
                let answer = self.over(Limit::Outstanding, &sender, "too many repetitions");
                self.refuse(&asker, &answer);
            }
            return;
        }
        let user = self.users.get(target).map(Box::as_ref);
        let access = self.access_to(user, target, &sender, Op::Send);
        if access == Access::Denied {
            return self.deny(now, &asker, target, Op::Send);
        }
        let absence = absence(user).or_else(|| {
            let takes = user.and_then(|user| user.account.as_ref()).is_none_or(|account| account.inbox && !account.disabled);
            (!takes).then(|| Answer::new(ErrorKind::MailboxUnavailable))
        });
        let offered = State::Offered { pending: Few::default(), refused: None, too_large: None, lost: false };
        let connection = asker.session.id;
        let mut send = Unsettled {
            asker,
            repeats: Vec::new(),
            target: target.clone(),
            fingerprint,
            wanted,
            arrived: now.unix,
            since: now.instant,
            state: offered,
        };
        if let Access::Concealed(_) = access {
            return self.conceal(send);
        }
        if let Some(answer) = absence {
            return self.refuse(&send.asker, &answer);
        }
        let rules = self.mailbox_rules(target);
        let Some(user) = self.users.get_mut(target) else { return };
        // Behind those that wait; but a message for now or never would only wait in vain, and so would any where none
        // is stored any more.
        let behind = rules.enabled && user.mailbox.size.messages > 0 && wanted != Some(Duration::ZERO);
        let body = send.asker.frame.body().map_or(0, <[u8]>::len) as u64;
        if let (State::Offered { pending, too_large, .. }, false) = (&mut send.state, behind) {
            for connection in user.inboxes.iter() {
                match self.connections.get(connection) {
                    Some(at) if at.max_body < body => *too_large = (*too_large).max(Some(at.max_body)),
                    Some(_) => pending.insert(*connection),
                    None => {}
                }
            }
        }
        user.unsettled += 1;
        self.next_send += 1;
        let number = self.next_send;
        let lines = match &send.state {
            State::Offered { pending, .. } => pending.clone(),
            State::Storing { .. } | State::Concealed => Few::default(),
        };
        let frame = send.asker.frame.clone();
        // Not shortened by Lease-Time: whoever acknowledges within it has the message, and the sender hears so (SPEC §5.7).
        self.timers.set_delivery(now.instant, rules.delivery_timeout, number);
        self.unsettled.insert(fingerprint, number);
        self.sends.insert(number, send);
        if lines.is_empty() {
            return self.conclude(now, number);
        }
        for line in lines.iter().copied() {
            let identity = Identity { from: sender.clone(), connection, id };
            self.line_up_copy(now, line, Copy { send: number, identity, frame: frame.clone() });
        }
    }

    /// Its turn has come on this connection.
    pub(super) fn send_live(&mut self, connection: ConnectionKey, copy: Copy) {
        let about = if self.sends.contains_key(&copy.send) { About::Live(copy.send) } else { About::Nothing };
        if let Some(at) = self.connections.get_mut(&connection) {
            let octets = copy.frame.octets().len() as u64;
            at.outbox.sent(copy.identity, Sent { method: Method::Send, about, over: connection, octets });
            self.effects.push_back(Effect::Send { connection, octets: copy.frame.octets().clone().into() });
        }
    }

    /// A client answered.
    pub(super) fn live_answered(&mut self, now: Now, connection: ConnectionKey, number: u64, outcome: Result<(), Answer>) {
        let Err(answer) = outcome else { return self.settle_delivered(now, connection, number) };
        let Some(State::Offered { pending, refused, .. }) = self.sends.get_mut(&number).map(|send| &mut send.state) else {
            return;
        };
        pending.remove(&connection);
        refused.get_or_insert_with(|| passed_on(answer, self.connections.get(&connection).map(|at| at.max_body)));
        self.conclude(now, number);
    }

    /// Settles a SEND for which no connection is left to wait for.
    fn conclude(&mut self, now: Now, number: u64) {
        let Some(send) = self.sends.get_mut(&number) else { return };
        let State::Offered { pending, refused, too_large, lost } = &mut send.state else { return };
        if !pending.is_empty() {
            return;
        }
        let too_large = too_large.map(|max| Answer::new(ErrorKind::MessageTooLarge).with(Name::MaxBody, max.to_string()));
        match refused.take().or(too_large).filter(|_| !*lost) {
            Some(answer) => self.settle_refused(number, &answer),
            None => self.store(now, number),
        }
    }

    /// Nobody acknowledged it in time.
    pub(super) fn delivery_timer(&mut self, now: Now, number: u64) {
        if self.sends.get(&number).is_some_and(|send| matches!(send.state, State::Offered { .. })) {
            self.store(now, number);
        }
    }

    /// Writes the message to the mailbox, if that is wanted and there is room.
    fn store(&mut self, now: Now, number: u64) {
        let Some(send) = self.sends.get_mut(&number) else { return };
        let rules = self.config.domains.get(send.target.domain_str()).map(|rules| rules.mailbox).unwrap_or_default();
        let expires = send.wanted.map(|wanted| send.arrived.plus(wanted));
        if !rules.enabled || expires.is_some_and(|expires| expires <= now.unix) {
            return self.settle_refused(number, &Answer::new(ErrorKind::MailboxUnavailable));
        }
        let target = send.target.clone();
        let message = (send.asker.frame.clone(), send.asker.session.user.clone());
        let octets = message.0.octets().len() as u64;
        let Some(user) = self.users.get_mut(&target) else { return };
        if !user.mailbox.has_room(octets, &rules) {
            self.reached(Limit::Mailbox, &target);
            self.settle_refused(number, &Answer::new(ErrorKind::MailboxFull).retry_after(FULL_PAUSE));
            return self.sweep(now, &target);
        }
        let row = self.write_message(now, number, &target, message, expires);
        if let Some(send) = self.sends.get_mut(&number) {
            send.state = State::Storing { row, expires };
        }
    }

    /// Answers as for a user without a connection and with room, after as long a time.
    fn conceal(&mut self, mut send: Unsettled) {
        let rules = self.mailbox_rules(&send.target);
        if !rules.enabled || send.wanted == Some(Duration::ZERO) {
            return self.refuse_with(&send.asker, ErrorKind::MailboxUnavailable);
        }
        send.state = State::Concealed;
        self.next_send += 1;
        let number = self.next_send;
        if let Some(user) = self.users.get_mut(&send.target) {
            user.unsettled += 1;
        }
        self.unsettled.insert(send.fingerprint, number);
        self.sends.insert(number, send);
        let ticket = self.ticket(super::Task::Store(number));
        self.effects.push_back(Effect::Write { ticket, writes: Vec::new() });
    }

    /// The message lies in the store, or does not.
    pub(super) fn message_written(&mut self, now: Now, number: u64, outcome: Result<(), StoreError>) {
        let Some(send) = self.sends.get(&number) else {
            return self.stored_in_vain(now, number, outcome);
        };
        let target = send.target.clone();
        let stored = match &send.state {
            State::Storing { row, expires } => Some((row.clone(), *expires)),
            State::Concealed | State::Offered { .. } => None,
        };
        if let Err(error) = outcome {
            self.effects.push_back(Effect::Notice(Notice::StoreFailed { user: target.clone() }));
            if let Some((row, _)) = stored {
                self.unwrite_message(&row);
            }
            return self.settle_refused(number, &Answer::new(error.into()));
        }
        if let Some((row, expires)) = stored {
            self.make_late(number, &row);
            self.message_stored(now, &row, expires);
        }
        self.settle(now, number, Delivery::Stored);
        self.drain(now, &target);
    }

    /// From now on a client's OK means that the stored message is delivered.
    fn make_late(&mut self, number: u64, row: &mailbox::Row) {
        let inboxes = self.users.get(&row.user).map(|user| user.inboxes.clone()).unwrap_or_default();
        for connection in inboxes.iter() {
            let Some(at) = self.connections.get_mut(connection) else { continue };
            at.outbox.keep_waiting(|waiting| !matches!(waiting, Waiting::Live(copy) if copy.send == number));
            for about in at.outbox.sent_about_mut().filter(|about| **about == About::Live(number)) {
                *about = About::Late(row.clone());
                at.silent = true;
            }
        }
    }

    /// A client has it, by this connection.
    fn settle_delivered(&mut self, now: Now, by: ConnectionKey, number: u64) {
        let Some(send) = self.sends.get_mut(&number) else { return };
        let others: Few<ConnectionKey> = match &mut send.state {
            State::Offered { pending, .. } => std::mem::take(pending),
            State::Storing { row, .. } => {
                // The row may still come into being; it must go again then.
                self.acknowledged.insert(number, row.clone());
                self.users.get(&send.target).map(|user| user.inboxes.clone()).unwrap_or_default()
            }
            State::Concealed => Few::default(),
        };
        for connection in others.iter().copied().filter(|other| *other != by) {
            let Some(at) = self.connections.get_mut(&connection) else { continue };
            let crowded = at.outbox.waiting().count() > COPIES;
            at.outbox.keep_waiting(|waiting| match waiting {
                Waiting::Live(copy) if copy.send == number => !crowded && copy.frame.octets().len() <= COPY_OCTETS,
                _ => true,
            });
            for about in at.outbox.sent_about_mut().filter(|about| **about == About::Live(number)) {
                *about = About::Nothing;
            }
        }
        self.settle(now, number, Delivery::Delivered);
    }

    /// Tells the sender, after noting it for those who repeat.
    fn settle(&mut self, now: Now, number: u64, delivery: Delivery) {
        let Some(send) = self.take_send(number) else { return };
        let remembered = Remembered { fingerprint: send.fingerprint, delivery, at: now.unix };
        self.recent.insert(remembered);
        self.effects.push_back(Effect::Remember(remembered));
        let took = now.instant.saturating_duration_since(send.since);
        self.effects.push_back(Effect::Notice(Notice::Settled { stored: delivery == Delivery::Stored, took }));
        for asker in std::iter::once(&send.asker).chain(&send.repeats) {
            self.answer_send(asker, &send.target, delivery);
        }
    }

    fn settle_refused(&mut self, number: u64, answer: &Answer) {
        let Some(send) = self.take_send(number) else { return };
        for asker in std::iter::once(&send.asker).chain(&send.repeats) {
            self.refuse(asker, answer);
        }
        // What still waits for its turn somewhere is no longer wanted there.
        let inboxes = self.users.get(&send.target).map(|user| user.inboxes.clone()).unwrap_or_default();
        for connection in inboxes.iter() {
            if let Some(at) = self.connections.get_mut(connection) {
                at.outbox.keep_waiting(|waiting| !matches!(waiting, Waiting::Live(copy) if copy.send == number));
            }
        }
    }

    fn take_send(&mut self, number: u64) -> Option<Unsettled> {
        let send = self.sends.remove(&number)?;
        self.timers.settled(self.sends.len(), |other| self.sends.contains_key(&other));
        self.unsettled.remove(&send.fingerprint);
        if let Some(user) = self.users.get_mut(&send.target) {
            user.unsettled = user.unsettled.saturating_sub(1);
        }
        Some(send)
    }

    fn answer_send(&mut self, asker: &Asker, target: &Address, delivery: Delivery) {
        let writer = ok_to(&asker.frame).header(Name::Delivery, delivery.as_str());
        let octets = match self.note(target, &asker.session.user) {
            Some((version, entity)) => {
                let head = entity_head(writer.number(Name::PresenceVersion, version.0), &entity);
                Octets { head, body: entity.octets }
            }
            None => writer.finish().into(),
        };
        self.answer(asker, octets);
    }

    /// What a lost connection had not answered goes on without it.
    pub(super) fn lose_deliveries(&mut self, now: Now, gone: Connection, connection: ConnectionKey) {
        for number in live_sends(&gone) {
            if let Some(State::Offered { pending, lost, .. }) = self.sends.get_mut(&number).map(|send| &mut send.state) {
                pending.remove(&connection);
                *lost = true;
                self.conclude(now, number);
            }
        }
    }

    /// What the session's old connection had not answered goes to its new one, if that takes the same messages.
    pub(super) fn move_deliveries(&mut self, now: Now, gone: Connection, old: ConnectionKey, new: ConnectionKey) {
        let inbox = gone.inbox.clone();
        let Some(max_body) = self.connections.get(&new).filter(|at| at.inbox == inbox).map(|at| at.max_body) else {
            self.lose_deliveries(now, gone, old);
            if let Some(inbox) = inbox {
                self.drain(now, &inbox);
            }
            return;
        };
        for number in live_sends(&gone) {
            let Some(send) = self.sends.get_mut(&number) else { continue };
            let State::Offered { pending, too_large, .. } = &mut send.state else { continue };
            pending.remove(&old);
            let frame = send.asker.frame.clone();
            if frame.body().map_or(0, <[u8]>::len) as u64 > max_body {
                *too_large = (*too_large).max(Some(max_body));
            } else if let Some(identity) = identity_of(&frame) {
                pending.insert(new);
                self.line_up_copy(now, new, Copy { send: number, identity, frame });
            }
            self.conclude(now, number);
        }
    }

    pub(super) fn mailbox_rules(&self, user: &Address) -> MailboxRules {
        self.config.domains.get(user.domain_str()).map(|rules| rules.mailbox).unwrap_or_default()
    }
}

/// The unsettled messages that a connection had not answered, in the order of their arrival.
fn live_sends(gone: &Connection) -> BTreeSet<u64> {
    let sent = gone.outbox.sent_about().filter_map(|about| match about {
        About::Live(number) => Some(*number),
        _ => None,
    });
    let waiting = gone.outbox.waiting().filter_map(|waiting| match waiting {
        Waiting::Live(copy) => Some(copy.send),
        _ => None,
    });
    sent.chain(waiting).collect()
}

/// A receiving client's ERROR as its sender gets to see it.
fn passed_on(answer: Answer, max_body: Option<u64>) -> Answer {
    let detail = match (answer.kind, answer.detail) {
        (ErrorKind::MessageTooLarge, Some((Name::MaxBody, value))) => value.parse::<u64>().ok().or(max_body),
        (ErrorKind::MessageTooLarge, _) => max_body,
        _ => None,
    };
    let detail = detail.map(|max| (Name::MaxBody, max.to_string()));
    let kind = match answer.kind {
        kind @ (ErrorKind::PermissionDenied
        | ErrorKind::MailboxUnavailable
        | ErrorKind::MimeTypeNotUnderstood
        | ErrorKind::MessageTooLarge
        | ErrorKind::OperationNotSupported
        | ErrorKind::MailboxFull
        | ErrorKind::TryLater) => kind,
        // The others speak of the sender's own session or of addresses, of which a stranger's client knows nothing.
        _ => ErrorKind::ServerError,
    };
    Answer { kind, detail, ..answer }
}
