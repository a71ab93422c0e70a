//! Telling subscribers: one CHANGE-NOTIFY outstanding per subscription, the newest value next, and the end (SPEC §5).

use super::Service;
use super::effect::{ConnectionKey, Effect, Octets};
use super::outbox::{About, Identity, Waiting};
use super::presence::entity_head;
use super::sessions::SessionKey;
use super::timers::{Timer, TimerKey, Timers};
use crate::model::request::Cause;
use crate::model::{Address, Answer, ErrorKind, Method, Now, RequestId, UserCall, UserRequest};
use std::time::{Duration, Instant};

/// How long a client may take to answer; also the first pause before another try.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// Where one thing to tell stands.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// Stands in line for the connection.
    queued: bool,
    /// Was sent and not answered.
    sent: Option<RequestId>,
    /// Tries that failed, one after the other.
    failures: u32,
    /// While sent: when to give up waiting. Else: when to try again.
    pub(super) timer: Option<TimerKey>,
}

/// A subscription whose end the client has to learn.
#[derive(Debug)]
pub(super) struct Ending {
    cause: Cause,
    /// Then it ends for the client by itself.
    until: Instant,
    telling: Telling,
    pub(super) timer: Option<TimerKey>,
}

impl Telling {
    fn is_idle(&self) -> bool {
        !self.queued && self.sent.is_none() && self.timer.is_none()
    }

    /// The connection is gone: what was under way begins anew on the next one.
    fn restart(&mut self) {
        *self = Self { timer: self.timer, ..Self::default() };
    }

    /// The client is there after all: a pause between tries is over, and the next failure is the first.
    pub(super) fn recover(&mut self, timers: &mut Timers) {
        self.failures = 0;
        if self.sent.is_none() {
            timers.clear(&mut self.timer);
        }
    }

    /// How long to wait after one more failure.
    fn pause(&mut self, wish: Option<Duration>) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let grown = SILENCE.saturating_mul(1 << (self.failures - 1).min(8));
        wish.map_or(grown, |wish| wish.max(grown)).min(PAUSE_MAX)
    }
}

impl Service {
    /// The subscriber must learn the present value; `lapsed`: it shows because a lease ended.
    pub(super) fn must_tell(&mut self, now: Now, presentity: &Address, session: &SessionKey, lapsed: bool) {
        if let Some(subscription) = self.subscription(presentity, session) {
            subscription.behind = true;
            subscription.lapsed = lapsed;
        }
        self.tell(now, presentity, session);
    }

    /// Tells the subscriber, if there is something to tell, nothing is outstanding, and there is a connection.
    pub(super) fn tell(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        let connection = self.sessions.get(session).and_then(|session| session.connection);
        let (Some(connection), Some(subscription)) = (connection, self.subscription(presentity, session)) else { return };
        if subscription.behind && subscription.telling.is_idle() {
            subscription.telling.queued = true;
            self.line_up(now, connection, Waiting::Notify(presentity.clone()));
        }
    }

    /// Its turn has come.
    pub(super) fn send_notify(&mut self, now: Now, connection: ConnectionKey, presentity: &Address) {
        let Some(session) = self.connections.get(&connection).map(|at| at.session.clone()) else { return };
        let Some(identity) = self.own_identity(presentity) else { return };
        let Some(user) = self.users.get_mut(presentity) else { return };
        let Some(subscription) = user.subscriptions.get_mut(&session) else { return };
        subscription.behind = false;
        subscription.telling.queued = false;
        subscription.telling.sent = Some(identity.id);
        let timer = Timer::Notify(presentity.clone(), session.clone());
        self.timers.set(&mut subscription.telling.timer, now.instant + SILENCE, timer);
        let (access, lapsed) = (subscription.access.clone(), subscription.lapsed);
        let (version, entity) = user.shown(&access);
        let call = UserCall::ChangeNotify { origin: presentity.clone(), target_connection: session.id, version, lapsed };
        let head = entity_head(own_request(&identity, &session, call).write(&identity.from), entity);
        let octets = Octets { head, body: entity.octets.clone() };
        self.send_own(connection, identity, Method::ChangeNotify, About::Notify(presentity.clone()), octets);
    }

    /// The client answered a CHANGE-NOTIFY.
    pub(super) fn notify_answered(
        &mut self,
        now: Now,
        presentity: &Address,
        session: &SessionKey,
        id: RequestId,
        outcome: Result<(), Answer>,
    ) {
        let Some(user) = self.users.get_mut(presentity) else { return };
        let Some(subscription) = user.subscriptions.get_mut(session) else { return };
        if subscription.telling.sent != Some(id) {
            return;
        }
        subscription.telling.sent = None;
        self.timers.clear(&mut subscription.telling.timer);
        match outcome {
            Ok(()) => subscription.telling.failures = 0,
            Err(answer) if answer.kind == ErrorKind::SubscriptionUnknown => {
                self.drop_subscription(presentity, session);
                self.forget_subscription(presentity, session);
                return;
            }
            Err(answer) => {
                subscription.behind = true;
                let pause = subscription.telling.pause(answer.retry_after);
                let timer = Timer::Notify(presentity.clone(), session.clone());
                self.timers.set(&mut subscription.telling.timer, now.instant + pause, timer);
            }
        }
        self.tell(now, presentity, session);
    }

    /// No answer in time, or time to try again.
    pub(super) fn notify_timer(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        let connection = self.sessions.get(session).and_then(|session| session.connection);
        let Some(user) = self.users.get_mut(presentity) else { return };
        let Some(subscription) = user.subscriptions.get_mut(session) else { return };
        subscription.telling.timer = None;
        if let Some(id) = subscription.telling.sent.take() {
            subscription.behind = true;
            let pause = subscription.telling.pause(None);
            let timer = Timer::Notify(presentity.clone(), session.clone());
            self.timers.set(&mut subscription.telling.timer, now.instant + pause, timer);
            self.give_up(now, connection, presentity, id);
        } else {
            self.tell(now, presentity, session);
        }
    }

    /// The subscription ends, and the subscriber must learn it.
    pub(super) fn end_subscription(&mut self, now: Now, presentity: &Address, session: &SessionKey, cause: Cause) {
        let Some(ends) = self.drop_subscription(presentity, session) else { return };
        let Some(known) = self.sessions.get_mut(session) else { return };
        known.subscriptions.remove(presentity);
        let until = if cause == Cause::Expired { now.instant + SILENCE } else { ends };
        // A client that is away finds out by itself that a lease has run out.
        let told = cause != Cause::Expired || known.connection.is_some();
        if told && known.endings.len() < self.config.subscriptions_per_session {
            let ending = Ending { cause, until, telling: Telling::default(), timer: None };
            known.endings.insert(presentity.clone(), ending);
            self.arm_ending(presentity, session, until);
            self.tell_ending(now, presentity, session);
        }
        self.free_session(session);
    }

    fn arm_ending(&mut self, presentity: &Address, session: &SessionKey, at: Instant) {
        let ending = self.sessions.get_mut(session).and_then(|known| known.endings.get_mut(presentity));
        if let Some(ending) = ending {
            self.timers.set(&mut ending.timer, at, Timer::Ending(presentity.clone(), session.clone()));
        }
    }

    /// Tells the subscriber about the end, if that is not under way and there is a connection.
    pub(super) fn tell_ending(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        let Some(known) = self.sessions.get_mut(session) else { return };
        let (Some(connection), Some(ending)) = (known.connection, known.endings.get_mut(presentity)) else { return };
        if !ending.telling.queued && ending.telling.sent.is_none() {
            ending.telling.queued = true;
            self.line_up(now, connection, Waiting::Ending(presentity.clone()));
        }
    }

    /// Its turn has come.
    pub(super) fn send_ending(&mut self, now: Now, connection: ConnectionKey, presentity: &Address) {
        let Some(session) = self.connections.get(&connection).map(|at| at.session.clone()) else { return };
        let Some(identity) = self.own_identity(presentity) else { return };
        let ending = self.sessions.get_mut(&session).and_then(|known| known.endings.get_mut(presentity));
        let Some(ending) = ending else { return };
        ending.telling.queued = false;
        ending.telling.sent = Some(identity.id);
        let cause = ending.cause;
        self.arm_ending(presentity, &session, now.instant + SILENCE);
        let call = UserCall::TerminateSubscription { origin: presentity.clone(), target_connection: session.id, cause };
        let octets = own_request(&identity, &session, call).write(&identity.from).finish();
        self.send_own(connection, identity, Method::TerminateSubscription, About::Ending(presentity.clone()), octets.into());
    }

    /// The client answered a TERMINATE-SUBSCRIPTION.
    pub(super) fn ending_answered(
        &mut self,
        now: Now,
        presentity: &Address,
        session: &SessionKey,
        id: RequestId,
        outcome: Result<(), Answer>,
    ) {
        let ending = self.sessions.get_mut(session).and_then(|known| known.endings.get_mut(presentity));
        let Some(ending) = ending.filter(|ending| ending.telling.sent == Some(id)) else { return };
        ending.telling.sent = None;
        match outcome.err().filter(|answer| answer.kind != ErrorKind::SubscriptionUnknown) {
            None => self.forget_ending(presentity, session),
            Some(answer) => {
                let at = now.instant + ending.telling.pause(answer.retry_after);
                let at = at.min(ending.until);
                self.arm_ending(presentity, session, at);
            }
        }
    }

    /// No answer in time, time to try again, or the lease is over.
    pub(super) fn ending_timer(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        let Some(known) = self.sessions.get_mut(session) else { return };
        let connection = known.connection;
        let Some(ending) = known.endings.get_mut(presentity) else { return };
        let sent = ending.telling.sent.take();
        let over = ending.until <= now.instant;
        let at = if sent.is_some() { now.instant + ending.telling.pause(None) } else { ending.until };
        let at = at.min(ending.until);
        if over {
            self.forget_ending(presentity, session);
        } else {
            self.arm_ending(presentity, session, at);
        }
        match sent {
            Some(id) => self.give_up(now, connection, presentity, id),
            None => self.tell_ending(now, presentity, session),
        }
    }

    /// Nothing more is said about that end: it was learnt, or there is a new subscription.
    pub(super) fn forget_ending(&mut self, presentity: &Address, session: &SessionKey) {
        if let Some(mut ending) = self.sessions.get_mut(session).and_then(|known| known.endings.remove(presentity)) {
            self.timers.clear(&mut ending.timer);
            self.free_session(session);
        }
    }

    /// What was under way on a connection that is gone waits for the session's next one.
    pub(super) fn unsent(&mut self, gone: &super::sessions::Connection) {
        let sent = gone.outbox.sent_about().filter_map(|about| match about {
            About::Notify(presentity) | About::Ending(presentity) => Some(presentity),
            _ => None,
        });
        let waiting = gone.outbox.waiting().filter_map(|waiting| match waiting {
            Waiting::Notify(presentity) | Waiting::Ending(presentity) => Some(presentity),
            Waiting::Live(_) => None,
        });
        for presentity in sent.chain(waiting) {
            let user = self.users.get_mut(presentity);
            if let Some(subscription) = user.and_then(|user| user.subscriptions.get_mut(&gone.session)) {
                subscription.behind |= subscription.telling.queued || subscription.telling.sent.is_some();
                subscription.telling.restart();
            }
            let known = self.sessions.get_mut(&gone.session);
            if let Some(ending) = known.and_then(|known| known.endings.get_mut(presentity)) {
                ending.telling.restart();
                self.timers.set(&mut ending.timer, ending.until, Timer::Ending(presentity.clone(), gone.session.clone()));
            }
        }
        // Those that only paused begin anew as well.
        let watched = self.sessions.get(&gone.session).map(|known| known.subscriptions.iter().cloned().collect::<Vec<_>>());
        for presentity in watched.unwrap_or_default() {
            let user = self.users.get_mut(&presentity);
            if let Some(subscription) = user.and_then(|user| user.subscriptions.get_mut(&gone.session)) {
                self.timers.clear(&mut subscription.telling.timer);
                subscription.telling.restart();
            }
        }
    }

    fn send_own(&mut self, connection: ConnectionKey, identity: Identity, method: Method, about: About, octets: Octets) {
        if let Some(at) = self.connections.get_mut(&connection) {
            at.outbox.sent(identity, method, about);
            self.effects.push_back(Effect::Send { connection, octets });
        }
    }

    /// The place that an unanswered request took up is free again; its answer would be ignored.
    fn give_up(&mut self, now: Now, connection: Option<ConnectionKey>, presentity: &Address, id: RequestId) {
        let Some(connection) = connection else { return };
        if let Some(at) = self.connections.get_mut(&connection) {
            let from = Address::of_domain(&presentity.domain());
            at.outbox.give_up(&Identity { from, connection: crate::model::ConnectionId::server(), id });
        }
        self.pump(now, connection);
    }
}

fn own_request(identity: &Identity, session: &SessionKey, call: UserCall) -> UserRequest {
    UserRequest { id: identity.id, connection: identity.connection, target: session.user.clone(), call }
}
