//! Telling subscribers: one CHANGE-NOTIFY outstanding per subscription, the newest value next, and the end (SPEC §5).

use super::Service;
use super::effect::{ConnectionKey, Effect, Octets};
use super::outbox::{About, Identity, Sent, Waiting, Way};
use super::presence::entity_head;
use super::sessions::SessionKey;
use super::subscribe::Subscription;
use super::timers::{Alarm, Timer, TimerKey, Timers};
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
    pub(super) sent: Option<RequestId>,
    /// Tries that failed, one after the other.
    failures: u32,
    /// While sent: when to give up waiting. Else: when to try again.
    pub(super) alarm: Alarm,
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

/// A request of the relay's own, made and noted as sent.
pub(super) struct Own {
    pub(super) identity: Identity,
    pub(super) method: Method,
    pub(super) about: About,
    pub(super) octets: Octets,
}

impl Telling {
    fn is_idle(&self) -> bool {
        !self.queued && self.sent.is_none() && !self.alarm.is_set()
    }

    /// The connection is gone: what was under way begins anew on the next one.
    fn restart(&mut self) {
        *self = Self { alarm: std::mem::take(&mut self.alarm), ..Self::default() };
    }

    /// The same for another domain, whose links come and go without anybody being away: only what is under way begins anew.
    fn lose(&mut self) -> bool {
        let under_way = std::mem::take(&mut self.queued) | self.sent.take().is_some();
        if under_way {
            self.alarm.clear();
        }
        under_way
    }

    /// The client is there after all: a pause between tries is over, and the next failure is the first.
    pub(super) fn recover(&mut self) {
        self.failures = 0;
        if self.sent.is_none() {
            self.alarm.clear();
        }
    }

    /// Rings at that moment, for the subscription of this session.
    fn arm(&mut self, timers: &mut Timers, at: Instant, presentity: &Address, session: &SessionKey) {
        timers.arm(&mut self.alarm, at, || Timer::Notify(presentity.clone(), session.clone()));
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

    /// Tells the subscriber, if there is something to tell, nothing is outstanding, and there is a way.
    pub(super) fn tell(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        let Some(user) = self.users.get(presentity) else { return };
        let owed = |own: &&Subscription| own.behind && own.unwritten == 0 && own.telling.is_idle();
        // Nearly always there is nothing to tell: the way is asked for behind that.
        if user.subscriptions.get(session).filter(owed).is_none() {
            return;
        }
        let way = self.way(presentity, session);
        if let (Some(way), Some(subscription)) = (way, self.subscription(presentity, session)) {
            subscription.telling.queued = true;
            self.line_up_by(now, way, Waiting::Notify(presentity.clone(), session.clone()));
        }
    }

    /// Its turn has come.
    pub(super) fn make_notify(&mut self, now: Now, presentity: &Address, session: &SessionKey) -> Option<Own> {
        let identity = self.own_identity(presentity)?;
        let user = self.users.get_mut(presentity)?;
        // One that was queued for an earlier subscription of the same name is not sent for this one.
        let subscription = user.subscriptions.get_mut(session).filter(|subscription| subscription.telling.queued)?;
        let (access, lapsed) = (subscription.access.clone(), subscription.lapsed);
        subscription.behind = false;
        subscription.telling.queued = false;
        subscription.telling.sent = Some(identity.id);
        subscription.telling.arm(&mut self.timers, now.instant + SILENCE, presentity, session);
        let (version, entity) = user.shown(presentity, &access);
        let call = UserCall::ChangeNotify { origin: presentity.clone(), target_connection: session.id, version, lapsed };
        let head = entity_head(own_request(&identity, session, call).write(&identity.from), entity);
        let octets = Octets { head, body: entity.octets.clone() };
        if let Some(subscription) = user.subscriptions.get_mut(session) {
            subscription.saying = version;
        }
        let about = About::Notify(presentity.clone(), session.clone());
        Some(Own { identity, method: Method::ChangeNotify, about, octets })
    }

    /// The subscriber answered a CHANGE-NOTIFY.
    pub(super) fn notify_answered(
        &mut self,
        now: Now,
        presentity: &Address,
        session: &SessionKey,
        id: RequestId,
        outcome: Result<(), Answer>,
    ) {
        let Some(subscription) = self.users.get_mut(presentity).and_then(|user| user.subscriptions.get_mut(session)) else {
            return;
        };
        if subscription.telling.sent != Some(id) {
            return;
        }
        subscription.telling.sent = None;
        subscription.telling.alarm.clear();
        match outcome {
            Ok(()) => {
                subscription.telling.failures = 0;
                subscription.told = subscription.saying;
                self.note_told(now, presentity, session);
            }
            Err(answer) if answer.kind == ErrorKind::SubscriptionUnknown => {
                self.drop_subscription(now, presentity, session);
                self.forget_subscription(presentity, session);
                return;
            }
            Err(answer) => {
                subscription.behind = true;
                let pause = subscription.telling.pause(answer.retry_after);
                subscription.telling.arm(&mut self.timers, now.instant + pause, presentity, session);
            }
        }
        self.tell(now, presentity, session);
    }

    /// No answer in time, or time to try again.
    pub(super) fn notify_timer(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        let Some(subscription) = self.users.get_mut(presentity).and_then(|user| user.subscriptions.get_mut(session)) else {
            return;
        };
        let timer = || Timer::Notify(presentity.clone(), session.clone());
        if !self.timers.rang(&mut subscription.telling.alarm, now.instant, timer) {
            return;
        }
        if let Some(id) = subscription.telling.sent.take() {
            self.pause_telling(now, presentity, session);
            self.give_up(now, presentity, session, id);
        } else {
            self.tell(now, presentity, session);
        }
    }

    /// What was to be told could not be; it will be tried again.
    fn pause_telling(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        let subscription = self.users.get_mut(presentity).and_then(|user| user.subscriptions.get_mut(session));
        if let Some(subscription) = subscription {
            subscription.behind = true;
            subscription.telling.queued = false;
            let pause = subscription.telling.pause(None);
            subscription.telling.arm(&mut self.timers, now.instant + pause, presentity, session);
        }
    }

    /// The other domain cannot be reached; it will be tried again.
    pub(super) fn unreached(&mut self, now: Now, waiting: &Waiting) {
        match waiting {
            Waiting::Notify(presentity, session) => self.pause_telling(now, presentity, session),
            Waiting::Ending(presentity, session) => {
                let Some(ending) = self.endings.get_mut(session).and_then(|endings| endings.get_mut(presentity)) else { return };
                ending.telling.queued = false;
                let at = (now.instant + ending.telling.pause(None)).min(ending.until);
                self.arm_ending(presentity, session, at);
            }
            Waiting::Relayed(_) | Waiting::Live(_) | Waiting::Forwarded(_) => {}
        }
    }

    /// A link broke under what was sent over it: it goes by the next one.
    pub(super) fn tell_again(&mut self, now: Now, about: &About) {
        match about {
            About::Notify(presentity, session) => {
                let subscription = self.users.get_mut(presentity).and_then(|user| user.subscriptions.get_mut(session));
                if let Some(subscription) = subscription {
                    subscription.behind |= subscription.telling.lose();
                    self.tell(now, presentity, session);
                }
            }
            About::Ending(presentity, session) => {
                let Some(ending) = self.endings.get_mut(session).and_then(|endings| endings.get_mut(presentity)) else { return };
                ending.telling.restart();
                let until = ending.until;
                self.arm_ending(presentity, session, until);
                self.tell_ending(now, presentity, session);
            }
            _ => {}
        }
    }

    /// The subscription ends, and the subscriber must learn it.
    pub(super) fn end_subscription(&mut self, now: Now, presentity: &Address, session: &SessionKey, cause: Cause) {
        let Some(ends) = self.drop_subscription(now, presentity, session) else { return };
        if let Some(known) = self.sessions.get_mut(session) {
            known.subscriptions.remove(presentity);
        } else if !self.is_abroad(&session.user) {
            return;
        }
        let until = if cause == Cause::Expired { now.instant + SILENCE } else { ends };
        // A client that is away finds out by itself that a lease has run out.
        if cause != Cause::Expired || self.way(presentity, session).is_some() {
            self.must_tell_ending(now, presentity, session, cause, until);
        }
        self.free_session(session);
    }

    /// The session must learn that the subscription is over, if it can until then.
    pub(super) fn must_tell_ending(
        &mut self,
        now: Now,
        presentity: &Address,
        session: &SessionKey,
        cause: Cause,
        until: Instant,
    ) {
        self.drop_ending(now, presentity, session);
        let abroad = self.is_abroad(&session.user);
        // Those of another domain count with its subscriptions, or they could pile up behind them.
        let crowded = if abroad {
            self.is_crowded_by(&session.user.domain())
        } else {
            self.endings.get(session).is_some_and(|endings| endings.len() >= self.config.subscriptions_per_session)
        };
        if crowded {
            return;
        }
        if abroad {
            self.count_subscriber(session);
        }
        let ending = Ending { cause, until, telling: Telling::default(), timer: None };
        self.endings.entry(session.clone()).or_default().insert(presentity.clone(), ending);
        self.arm_ending(presentity, session, until);
        self.tell_ending(now, presentity, session);
    }

    /// Takes an ending out, with all that is under way for it.
    fn drop_ending(&mut self, now: Now, presentity: &Address, session: &SessionKey) -> bool {
        let Some(endings) = self.endings.get_mut(session) else { return false };
        let Some(mut gone) = endings.remove(presentity) else { return false };
        if endings.is_empty() {
            self.endings.remove(session);
        }
        self.timers.clear(&mut gone.timer);
        if self.is_abroad(&session.user) {
            self.uncount_subscriber(session);
        }
        if let Some(id) = gone.telling.sent {
            self.give_up(now, presentity, session, id);
        }
        true
    }

    fn arm_ending(&mut self, presentity: &Address, session: &SessionKey, at: Instant) {
        let ending = self.endings.get_mut(session).and_then(|endings| endings.get_mut(presentity));
        if let Some(ending) = ending {
            self.timers.set(&mut ending.timer, at, Timer::Ending(presentity.clone(), session.clone()));
        }
    }

    /// Tells the subscriber about the end, if that is not under way and there is a way.
    pub(super) fn tell_ending(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        let way = self.way(presentity, session);
        let ending = self.endings.get_mut(session).and_then(|endings| endings.get_mut(presentity));
        let (Some(way), Some(ending)) = (way, ending) else { return };
        if !ending.telling.queued && ending.telling.sent.is_none() {
            ending.telling.queued = true;
            self.line_up_by(now, way, Waiting::Ending(presentity.clone(), session.clone()));
        }
    }

    /// Its turn has come.
    pub(super) fn make_ending(&mut self, now: Now, presentity: &Address, session: &SessionKey) -> Option<Own> {
        let identity = self.own_identity(presentity)?;
        let ending = self.endings.get_mut(session)?.get_mut(presentity).filter(|ending| ending.telling.queued)?;
        ending.telling.queued = false;
        ending.telling.sent = Some(identity.id);
        let cause = ending.cause;
        self.arm_ending(presentity, session, now.instant + SILENCE);
        let call = UserCall::TerminateSubscription { origin: presentity.clone(), target_connection: session.id, cause };
        let octets = own_request(&identity, session, call).write(&identity.from).finish().into();
        let about = About::Ending(presentity.clone(), session.clone());
        Some(Own { identity, method: Method::TerminateSubscription, about, octets })
    }

    /// The subscriber answered a TERMINATE-SUBSCRIPTION.
    pub(super) fn ending_answered(
        &mut self,
        now: Now,
        presentity: &Address,
        session: &SessionKey,
        id: RequestId,
        outcome: Result<(), Answer>,
    ) {
        let ending = self.endings.get_mut(session).and_then(|endings| endings.get_mut(presentity));
        let Some(ending) = ending.filter(|ending| ending.telling.sent == Some(id)) else { return };
        ending.telling.sent = None;
        match outcome.err().filter(|answer| answer.kind != ErrorKind::SubscriptionUnknown) {
            None => self.forget_ending(now, presentity, session),
            Some(answer) => {
                let at = now.instant + ending.telling.pause(answer.retry_after);
                let at = at.min(ending.until);
                self.arm_ending(presentity, session, at);
            }
        }
    }

    /// No answer in time, time to try again, or the lease is over.
    pub(super) fn ending_timer(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        let Some(ending) = self.endings.get_mut(session).and_then(|endings| endings.get_mut(presentity)) else { return };
        let sent = ending.telling.sent.take();
        let over = ending.until <= now.instant;
        let at = if sent.is_some() { now.instant + ending.telling.pause(None) } else { ending.until };
        let at = at.min(ending.until);
        if over {
            self.forget_ending(now, presentity, session);
        } else {
            self.arm_ending(presentity, session, at);
        }
        match sent {
            Some(id) => self.give_up(now, presentity, session, id),
            None => self.tell_ending(now, presentity, session),
        }
    }

    /// Nothing more is said about that end: it was learnt, or there is a new subscription.
    pub(super) fn forget_ending(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        if self.drop_ending(now, presentity, session) {
            self.free_session(session);
        }
    }

    /// What was under way on a connection that is gone waits for the session's next one.
    pub(super) fn unsent(&mut self, gone: &super::sessions::Connection) {
        let sent = gone.outbox.sent_about().filter_map(|about| match about {
            About::Notify(presentity, _) | About::Ending(presentity, _) | About::Relayed(presentity) => Some(presentity),
            _ => None,
        });
        let waiting = gone.outbox.waiting().filter_map(|waiting| match waiting {
            Waiting::Notify(presentity, _) | Waiting::Ending(presentity, _) | Waiting::Relayed(presentity) => Some(presentity),
            Waiting::Live(_) | Waiting::Forwarded(_) => None,
        });
        for presentity in sent.chain(waiting) {
            let user = self.users.get_mut(presentity);
            if let Some(subscription) = user.and_then(|user| user.subscriptions.get_mut(&gone.session)) {
                subscription.behind |= subscription.telling.queued || subscription.telling.sent.is_some();
                subscription.telling.restart();
            }
            if let Some(ending) = self.endings.get_mut(&gone.session).and_then(|endings| endings.get_mut(presentity)) {
                ending.telling.restart();
                self.timers.set(&mut ending.timer, ending.until, Timer::Ending(presentity.clone(), gone.session.clone()));
            }
            if let Some(abroad) = self.sessions.get_mut(&gone.session).and_then(|known| known.abroad.get_mut(presentity)) {
                abroad.restart();
            }
        }
        // Those that only paused begin anew as well.
        let watched = self.sessions.get(&gone.session).map(|known| known.subscriptions.iter().cloned().collect::<Vec<_>>());
        for presentity in watched.unwrap_or_default() {
            let user = self.users.get_mut(&presentity);
            if let Some(subscription) = user.and_then(|user| user.subscriptions.get_mut(&gone.session)) {
                subscription.telling.alarm.clear();
                subscription.telling.restart();
            }
        }
    }

    pub(super) fn send_own(&mut self, connection: ConnectionKey, own: Own) {
        if let Some(at) = self.connections.get_mut(&connection) {
            let sent = Sent { method: own.method, about: own.about, over: connection, octets: own.octets.count() };
            at.outbox.sent(own.identity, sent);
            self.effects.push_back(Effect::Send { connection, octets: own.octets });
        }
    }

    /// The place that an unanswered request took up is free again; its answer would be ignored.
    pub(super) fn give_up(&mut self, now: Now, presentity: &Address, session: &SessionKey, id: RequestId) {
        let identity = Identity { from: self.voice(presentity), connection: crate::model::ConnectionId::server(), id };
        match self.way(presentity, session) {
            Some(Way::Client(connection)) => {
                if let Some(at) = self.connections.get_mut(&connection) {
                    at.outbox.give_up(&identity);
                }
                self.pump(now, connection);
            }
            Some(Way::Route(route)) => {
                if let Some(over) = self.give_up_abroad(&route, &identity) {
                    self.suspect(now, over);
                }
            }
            None => {}
        }
    }
}

fn own_request(identity: &Identity, session: &SessionKey, call: UserCall) -> UserRequest {
    UserRequest { id: identity.id, connection: identity.connection, target: session.user.clone(), call }
}
