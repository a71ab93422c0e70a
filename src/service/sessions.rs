//! Sessions and the connections that they outlive (SPEC §4).

use super::abroad::Abroad;
use super::effect::{Administered, ConnectionKey, Effect, Notice, Octets, Route, SessionState};
use super::limit::Limit;
use super::outbox::Outbox;
use super::pace::TooFast;
use super::rare::Rare;
use super::users::Held;
use super::weight::{Scale, Weight};
use super::{Closed, Opening, Service};
use crate::model::acl::{Acl, Action, Op, Watcher};
use crate::model::response::error_to;
use crate::model::{Address, Answer, ByeCause, ConnectionId, ErrorKind, Method, Now};
use crate::wire::Frame;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Octets of a request that the memory of all always has room for.
const SMALL_OCTETS: u64 = 16_384;

/// A session's name in the whole relay.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey {
    /// Whose.
    pub user: Address,
    /// The Connection-ID.
    pub id: ConnectionId,
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    /// Tells it from an earlier one of the same name.
    serial: u64,
    pub(super) connection: Option<ConnectionKey>,
    pub(super) anonymous: bool,
    /// Whose presence it watches.
    pub(super) subscriptions: Rare<BTreeSet<Address>>,
    /// The same in other domains.
    pub(super) abroad: Rare<BTreeMap<Address, Abroad>>,
    /// Requests without an answer.
    unanswered: u32,
    /// Their octets, which stay in memory.
    unanswered_octets: u64,
}

/// An authenticated connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) session: SessionKey,
    /// Whose messages it takes.
    pub(super) inbox: Option<Address>,
    pub(super) max_body: u64,
    /// It left a message unanswered for the delivery timeout, and has answered none since.
    pub(super) silent: bool,
    /// What was sent and what waits.
    pub(super) outbox: Outbox,
}

/// Who is owed an answer to which request.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) session: SessionKey,
    pub(super) frame: Frame,
    via: Via,
    /// Where it came from a stranger.
    _weight: Option<Weight>,
}

/// By which way the answer goes.
#[derive(Clone, Debug)]
enum Via {
    /// To the session, if it is still this one.
    Session(u64),
    /// To the domain of the asking user.
    Route(Route, ConnectionKey),
    /// To the administrator who asked under this number.
    Administrator(u64),
}

impl Asker {
    /// A user of another domain, whose request came by this link.
    pub(super) fn abroad(session: SessionKey, frame: Frame, route: Route, link: ConnectionKey, weight: Weight) -> Self {
        Self { session, frame, via: Via::Route(route, link), _weight: Some(weight) }
    }

    /// An administrator who acts for this user.
    pub(super) fn administrator(user: Address, frame: Frame, number: u64) -> Self {
        Self { session: SessionKey { user, id: ConnectionId::server() }, frame, via: Via::Administrator(number), _weight: None }
    }

    /// Whether it is an administrator who asks.
    pub(super) fn is_administrator(&self) -> bool {
        matches!(self.via, Via::Administrator(_))
    }

    /// Whether the request came by a link.
    pub(super) fn is_abroad(&self) -> bool {
        matches!(self.via, Via::Route(..))
    }
}

impl Session {
    /// Requests without an answer.
    pub(super) fn unanswered(&self) -> u32 {
        self.unanswered
    }
}

impl Service {
    /// The connection's own user's record is there.
    pub(super) fn open_own(&mut self, now: Now, connection: ConnectionKey, opening: Opening) {
        let Some(user) = self.users.get(&opening.identity) else { return };
        if user.account.as_ref().is_none_or(|account| account.disabled) {
            return self.refuse_opening(connection, Answer::new(ErrorKind::AuthenticationFailed));
        }
        if !user.sessions.contains(&opening.connection) && user.sessions.len() >= self.config.sessions_per_user {
            let keys = user.sessions.iter().map(|id| SessionKey { user: opening.identity.clone(), id: *id });
            let away =
                |key: &SessionKey| self.sessions.get(key).filter(|session| session.connection.is_none()).map(|at| at.serial);
            // One that nobody uses makes room: a client that crashes often must not lock its user out.
            let Some((_, oldest)) = keys.filter_map(|key| Some((away(&key)?, key))).min() else {
                let answer = self.over(Limit::ConnectionsPerUser, &opening.identity, "too many sessions");
                return self.refuse_opening(connection, answer);
            };
            self.end_session(now, &oldest);
        }
        let wish = opening.inbox.as_ref().filter(|_| opening.accepts_messages);
        let wish = wish.map(|wish| wish.canonical_local().unwrap_or_else(|| wish.clone()));
        match wish {
            None => self.establish(now, connection, opening, None),
            Some(wish) if wish == opening.identity => self.establish(now, connection, opening, None),
            // The right to `read` is for users of the same domain.
            Some(wish) if wish.is_domain() || wish.domain_str() != opening.identity.domain_str() => {
                self.refuse_opening(connection, Answer::new(ErrorKind::PermissionDenied));
            }
            Some(wish) => self.enter(now, &wish, Held::Inbox(connection, Box::new(opening))),
        }
    }

    /// The record of the user whose messages the connection wants is there.
    pub(super) fn open_inbox(&mut self, now: Now, connection: ConnectionKey, opening: Opening, inbox: &Address) {
        // The own record may have changed, or been forgotten, while the other one was read.
        let own = self.users.get(&opening.identity).and_then(|user| user.account.as_ref());
        if own.is_none_or(|account| account.disabled) {
            self.refuse_opening(connection, Answer::new(ErrorKind::TryLater).retry_after(Duration::from_secs(1)));
        } else if self.may_read(inbox, &opening.identity) {
            self.establish(now, connection, opening, Some(inbox.clone()));
        } else {
            self.refuse_opening(connection, Answer::new(ErrorKind::PermissionDenied));
        }
    }

    /// Whether one user's rules let another take the messages. Nobody without an account has any.
    pub(super) fn may_read(&self, inbox: &Address, reader: &Address) -> bool {
        let Some(user) = self.users.get(inbox) else { return false };
        if user.account.as_ref().is_none_or(|account| account.disabled) {
            return false;
        }
        let rules: Option<&Acl> = user.acl.as_deref().map(|acl| &acl.rules);
        let rule = rules.and_then(|rules| rules.decide(&Watcher::new(reader, inbox), Op::Read));
        rule.is_some_and(|rule| rule.action == Action::Allow)
    }

    /// The ERROR to an AUTH.
    pub(super) fn refuse_opening(&mut self, connection: ConnectionKey, answer: Answer) {
        if self.opening.remove(&connection) {
            self.effects.push_back(Effect::Opened { connection, outcome: Err(answer) });
        }
    }

    /// The connection becomes its session's, in place of an older one that still stands.
    pub(super) fn establish(&mut self, now: Now, connection: ConnectionKey, opening: Opening, inbox: Option<Address>) {
        if !self.opening.remove(&connection) {
            return;
        }
        let key = SessionKey { user: opening.identity.clone(), id: opening.connection };
        let inbox = match inbox {
            // Nobody can send to an anonymous session.
            _ if !opening.accepts_messages || opening.anonymous => None,
            Some(inbox) => Some(inbox),
            None => Some(opening.identity.clone()),
        };
        let old = self.sessions.get(&key).map(|session| session.connection);
        if opening.anonymous && old.is_some() {
            let outcome = Err(Answer::new(ErrorKind::AuthenticationFailed));
            self.effects.push_back(Effect::Opened { connection, outcome });
            return;
        }
        let mut owed = None;
        if let Some(old) = old.flatten() {
            self.effects.push_back(Effect::Close { connection: old, cause: ByeCause::Replaced });
            self.effects.push_back(Effect::Notice(Notice::SessionTakenOver { user: key.user.clone(), session: key.id }));
            owed = self.detach(old).map(|gone| (gone, old));
        }
        self.next_serial += 1;
        let serial = self.next_serial;
        let session = self.sessions.entry(key.clone()).or_insert_with(|| Session {
            serial,
            connection: None,
            anonymous: opening.anonymous,
            subscriptions: Rare::default(),
            abroad: Rare::default(),
            unanswered: 0,
            unanswered_octets: 0,
        });
        session.connection = Some(connection);
        let subscriptions: Vec<Address> = session.subscriptions.iter().cloned().collect();
        let abroad: Vec<Address> = session.abroad.keys().cloned().collect();
        let endings: Vec<Address> = self.endings.get(&key).map(|endings| endings.keys().cloned().collect()).unwrap_or_default();
        if let Some(user) = self.users.get_mut(&key.user) {
            user.sessions.insert(key.id);
        }
        if let Some(user) = inbox.as_ref().and_then(|inbox| self.users.get_mut(inbox)) {
            user.inboxes.insert(connection);
        }
        let outbox = Outbox::new(opening.max_outstanding, self.config.unacknowledged_octets);
        let made = Connection { session: key.clone(), inbox: inbox.clone(), max_body: opening.max_body, silent: false, outbox };
        self.connections.insert(connection, Box::new(made));
        let state = if old.is_some() { SessionState::Resumed } else { SessionState::New };
        self.effects.push_back(Effect::Opened { connection, outcome: Ok(state) });
        if let Some((gone, old)) = owed {
            self.move_deliveries(now, gone, old, connection);
        }
        for presentity in endings {
            self.tell_ending(now, &presentity, &key);
        }
        for presentity in subscriptions {
            self.tell(now, &presentity, &key);
        }
        for presentity in abroad {
            self.relay(now, &key, &presentity);
        }
        if let Some(inbox) = inbox {
            self.drain(now, &inbox);
        }
    }

    /// Takes the connection out of everything; what had been sent to it without an answer, or waited, is given back.
    pub(super) fn detach(&mut self, connection: ConnectionKey) -> Option<Connection> {
        let gone = *self.connections.remove(&connection)?;
        if let Some(session) = self.sessions.get_mut(&gone.session) {
            session.connection = None;
        }
        if let Some(user) = gone.inbox.as_ref().and_then(|inbox| self.users.get_mut(inbox)) {
            user.inboxes.remove(&connection);
            if let Some(mailbox) = user.mailbox.changed() {
                mailbox.offering.lost(connection);
            }
        }
        self.unsent(&gone);
        Some(gone)
    }

    /// A connection ended, or is being closed.
    pub(super) fn disconnect(&mut self, now: Now, connection: ConnectionKey, how: Closed) {
        self.opening.remove(&connection);
        let Some(gone) = self.detach(connection) else { return };
        let key = gone.session.clone();
        let inbox = gone.inbox.clone();
        let anonymous = self.sessions.get(&key).is_some_and(|session| session.anonymous);
        if how == Closed::Bye || anonymous {
            self.end_session(now, &key);
        } else {
            self.free_session(&key);
        }
        self.lose_deliveries(now, gone, connection);
        if let Some(inbox) = inbox {
            self.drain(now, &inbox);
        }
    }

    /// Tells the connection to go; its session stays.
    pub(super) fn close(&mut self, now: Now, connection: ConnectionKey, cause: ByeCause) {
        self.effects.push_back(Effect::Close { connection, cause });
        self.disconnect(now, connection, Closed::Lost);
    }

    /// The session is over, with all that it watched.
    pub(super) fn end_session(&mut self, now: Now, key: &SessionKey) {
        let Some(session) = self.sessions.remove(key) else { return };
        for presentity in session.subscriptions.into_inner() {
            self.drop_subscription(now, &presentity, key);
        }
        for (presentity, abroad) in session.abroad.into_inner() {
            self.leave_abroad(now, key, &presentity, abroad);
        }
        for (_, mut ending) in self.endings.remove(key).unwrap_or_default() {
            self.timers.clear(&mut ending.timer);
        }
        if let Some(user) = self.users.get_mut(&key.user) {
            user.sessions.remove(&key.id);
        }
    }

    /// Forgets the session if nothing is left that anybody could come back for.
    pub(super) fn free_session(&mut self, key: &SessionKey) {
        let purposeless = self.sessions.get(key).is_some_and(|session| {
            session.connection.is_none()
                && session.subscriptions.is_empty()
                && session.abroad.is_empty()
                && session.unanswered == 0
                && !self.endings.contains_key(key)
        });
        if purposeless {
            self.sessions.remove(key);
            if let Some(user) = self.users.get_mut(&key.user) {
                user.sessions.remove(&key.id);
            }
        }
    }

    /// Notes that a request of this connection is owed an answer, unless it is one too many.
    pub(super) fn ask(&mut self, now: Now, connection: ConnectionKey, frame: Frame) -> Option<Asker> {
        let key = self.connections.get(&connection)?.session.clone();
        let session = self.sessions.get_mut(&key)?;
        let octets = frame.octets().len() as u64;
        let held = session.unanswered_octets.saturating_add(octets);
        let message = frame.method() == Method::Send.as_str();
        let pace = self.paces.take(now.instant, &key.user, message, self.config.requests, self.config.messages);
        let over = if session.unanswered >= self.config.outstanding {
            Some(Limit::Outstanding)
        } else if session.unanswered > 0 && held > self.config.outstanding_octets {
            // However large, one alone is taken.
            Some(Limit::OutstandingOctets)
        } else if is_too_much(&self.scale, octets, self.config.memory_octets) {
            Some(Limit::Memory)
        } else {
            pace.err().map(|fast| if fast.messages { Limit::MessagesPerSecond } else { Limit::RequestsPerSecond })
        };
        if let Some(limit) = over {
            self.refuse_over(now, connection, &key.user, &frame, limit, pace.err());
            return None;
        }
        session.unanswered += 1;
        session.unanswered_octets = held;
        let via = Via::Session(session.serial);
        Some(Asker { session: key, frame, via, _weight: Some(self.scale.weigh(octets)) })
    }

    /// Answers one request too many (SPEC §5.1). Whoever goes on as if it had not been answered is sent away.
    fn refuse_over(
        &mut self,
        now: Now,
        connection: ConnectionKey,
        user: &Address,
        frame: &Frame,
        limit: Limit,
        fast: Option<TooFast>,
    ) {
        let reason = match limit {
            Limit::Memory => "too much at a time for this server",
            Limit::MessagesPerSecond => "too many messages at a time",
            Limit::RequestsPerSecond => "too many requests at a time",
            _ => "too many unanswered requests",
        };
        let mut answer = self.over(limit, user, reason);
        if let (Limit::MessagesPerSecond | Limit::RequestsPerSecond, Some(fast)) = (limit, fast) {
            answer = answer.retry_after(fast.wait);
        }
        let head = answer.write(error_to(frame)).finish();
        self.effects.push_back(Effect::Send { connection, octets: head.into() });
        if fast.is_some_and(|fast| fast.deaf) {
            self.close(now, connection, ByeCause::Limit);
        }
    }

    /// Whether this request is more than all who ask may have in memory at a time.
    pub(super) fn is_out_of_memory(&self, frame: &Frame) -> bool {
        is_too_much(&self.scale, frame.octets().len() as u64, self.config.memory_octets)
    }

    /// Answers a request on its session's connection of today, without one the answer is dropped; or over any link.
    pub(super) fn answer(&mut self, asker: &Asker, octets: Octets) {
        let serial = match &asker.via {
            Via::Session(serial) => *serial,
            Via::Route(route, link) => {
                return self.answer_abroad(route, *link, asker.frame.octets().len() as u64, octets);
            }
            Via::Administrator(number) => {
                let outcome = Administered::Answered(octets);
                return self.effects.push_back(Effect::Administered { number: *number, outcome });
            }
        };
        let Some(session) = self.sessions.get_mut(&asker.session) else { return };
        if session.serial != serial {
            return;
        }
        session.unanswered = session.unanswered.saturating_sub(1);
        session.unanswered_octets = session.unanswered_octets.saturating_sub(asker.frame.octets().len() as u64);
        match session.connection {
            Some(connection) => self.effects.push_back(Effect::Send { connection, octets }),
            None => self.free_session(&asker.session),
        }
    }

    /// Whether the session that asked is still the one of its name.
    pub(super) fn is_current(&self, asker: &Asker) -> bool {
        let Via::Session(serial) = &asker.via else { return false };
        self.sessions.get(&asker.session).is_some_and(|session| session.serial == *serial)
    }

    /// Answers a request with an ERROR.
    pub(super) fn refuse(&mut self, asker: &Asker, answer: &Answer) {
        let head = answer.write(error_to(&asker.frame)).finish();
        self.answer(asker, head.into());
    }

    /// Answers a request with an ERROR that needs no words.
    pub(super) fn refuse_with(&mut self, asker: &Asker, kind: ErrorKind) {
        self.refuse(asker, &Answer::new(kind));
    }
}

/// Whether so many octets more are too many. What is small is always taken: the number of those is limited otherwise.
fn is_too_much(scale: &Scale, octets: u64, max: u64) -> bool {
    octets > SMALL_OCTETS && scale.read().saturating_add(octets) > max
}
