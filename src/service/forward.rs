//! Requests of our users to other domains: handed on octet for octet, and the answer back to whoever asked (SPEC §9.3).

use super::abroad::is_too_long;
use super::effect::{ConnectionKey, Octets, Route};
use super::limit::Limit;
use super::notify::Own;
use super::outbox::{About, Identity, Waiting, identity_of};
use super::routes::{Peer, SMALL_OCTETS};
use super::sessions::{Asker, SessionKey};
use super::timers::{Timer, TimerKey};
use super::{NoLink, Service};
use crate::model::lease::parse_seconds;
use crate::model::{Address, Answer, ErrorKind, Method, Now, UserCall, UserRequest, Version};
use crate::wire::{Frame, Name};
use std::time::Duration;

/// How often one request is sent, where a link broke under it or the other side was about to end it. More than the links that
/// two domains have: they break together, and the next may be dead as well without anybody knowing it yet.
const TRIES: u8 = 12;

/// Domains without a link that one user may have asked at the same time.
const SOUGHT: usize = 16;
/// At least so fast a request is expected to travel.
const OCTETS_PER_SECOND: u64 = 128 << 10;

/// A request that another domain has not answered.
#[derive(Debug)]
pub(super) struct Forwarded {
    /// `None`: nobody waits for the answer.
    asker: Option<Asker>,
    session: SessionKey,
    target: Address,
    method: Method,
    identity: Identity,
    octets: Octets,
    route: Route,
    /// Whether it goes by the second link.
    pub(super) large: bool,
    tries: u8,
    /// The link that it went by.
    over: Option<ConnectionKey>,
    timer: Option<TimerKey>,
}

impl Forwarded {
    fn octets(&self) -> u64 {
        (self.octets.head.len() + self.octets.body.len()) as u64
    }
}

impl Service {
    /// A request to another domain.
    pub(super) fn forward(&mut self, now: Now, asker: Asker, request: &UserRequest) {
        let method = request.call.method();
        let no = |reason| Answer::new(ErrorKind::OperationNotSupported).because(reason);
        let crosses = matches!(method, Method::Fetch | Method::Subscribe | Method::Unsubscribe | Method::Send);
        if !self.config.links.enabled {
            return self.refuse(&asker, &no("this relay has no links to other domains"));
        }
        if !crosses {
            return self.refuse(&asker, &no("only in one's own domain"));
        }
        if self.sessions.get(&asker.session).is_some_and(|session| session.anonymous) {
            return self.refuse(&asker, &no("an anonymous session stays in this domain"));
        }
        let Some(identity) = identity_of(&asker.frame) else { return };
        let route = Route { ours: asker.session.user.domain(), theirs: request.target.domain() };
        let octets = asker.frame.octets().len() as u64;
        if let Some(peer) = self.peers.get(&route) {
            let rules = &self.config.links;
            let last = now.instant + rules.response_timeout;
            let refused = if peer.has(&identity) {
                Some(Answer::new(ErrorKind::MalformedRequest).because("a request with this id is not answered yet"))
            } else if let Some((until, why)) = peer.pause().filter(|(until, why)| *until > last || *why == NoLink::NoService) {
                Some(unreachable(why, until.saturating_duration_since(now.instant)))
            } else if !peer.has_room(&identity.from, octets, rules) {
                Some(self.over(Limit::LinkOutstanding, &asker.session.user, "too much waits for that domain"))
            } else {
                None
            };
            if let Some(answer) = refused {
                return self.refuse(&asker, &answer);
            }
        }
        if self.seeks_too_many(&asker.session.user, &route) {
            let answer = self.over(Limit::LinkOutstanding, &asker.session.user, "too many domains are being looked for");
            return self.refuse(&asker, &answer);
        }
        if matches!(request.call, UserCall::Subscribe { .. }) && !self.subscribing_abroad(&asker.session, &request.target) {
            let answer = self.over(Limit::SubscriptionsPerSession, &asker.session.user, "too many subscriptions of this session");
            return self.refuse(&asker, &answer);
        }
        let large = asker.frame.body().map_or(0, <[u8]>::len) as u64 > SMALL_OCTETS;
        let forwarded = Forwarded {
            session: asker.session.clone(),
            target: request.target.clone(),
            method,
            identity,
            octets: asker.frame.octets().clone().into(),
            route,
            large,
            tries: 0,
            over: None,
            timer: None,
            asker: Some(asker),
        };
        self.hand_on(now, forwarded);
    }

    /// Whether a user has so many domains looked for that the others' would have to wait.
    fn seeks_too_many(&self, user: &Address, route: &Route) -> bool {
        let sought = |peer: &Peer| peer.links().is_empty() && peer.asks(user);
        let new = self.peers.get(route).is_none_or(|peer| peer.links().is_empty() && !peer.asks(user));
        new && self.peers.values().filter(|peer| sought(peer)).count() >= SOUGHT
    }

    /// UNSUBSCRIBE for a session that is over, or does not know of the subscription.
    pub(super) fn unsubscribe_abroad(&mut self, now: Now, session: &SessionKey, target: &Address) {
        if !self.config.links.enabled {
            return;
        }
        let Some(Identity { id, .. }) = self.own_identity(target) else { return };
        let request = UserRequest { id, connection: session.id, target: target.clone(), call: UserCall::Unsubscribe };
        let forwarded = Forwarded {
            asker: None,
            session: session.clone(),
            target: target.clone(),
            method: Method::Unsubscribe,
            identity: Identity { from: session.user.clone(), connection: session.id, id },
            octets: request.write(&session.user).finish().into(),
            route: Route { ours: session.user.domain(), theirs: target.domain() },
            large: false,
            tries: 0,
            over: None,
            timer: None,
        };
        self.hand_on(now, forwarded);
    }

    fn hand_on(&mut self, now: Now, mut forwarded: Forwarded) {
        self.next_forwarded += 1;
        let number = self.next_forwarded;
        let until = now.instant + self.config.links.response_timeout + on_its_way(forwarded.octets());
        self.timers.set(&mut forwarded.timer, until, Timer::Forward(number));
        let route = forwarded.route.clone();
        let (identity, octets) = (forwarded.identity.clone(), forwarded.octets());
        self.peer(now, &route).give(identity, octets);
        self.forwarded.insert(number, forwarded);
        self.line_up_abroad(now, &route, Waiting::Forwarded(number));
    }

    /// Its turn has come on a link.
    pub(super) fn make_forwarded(&mut self, number: u64, max_body: u64, over: ConnectionKey) -> Option<Own> {
        let forwarded = self.forwarded.get_mut(&number)?;
        let body = forwarded.asker.as_ref().and_then(|asker| asker.frame.body()).map_or(0, <[u8]>::len) as u64;
        if body > max_body {
            let answer = Answer::new(ErrorKind::MessageTooLarge).with(Name::MaxBody, max_body.to_string());
            self.end_forward(number, &answer);
            return None;
        }
        forwarded.tries += 1;
        forwarded.over = Some(over);
        Some(Own {
            identity: forwarded.identity.clone(),
            method: forwarded.method,
            about: About::Forwarded(number),
            octets: forwarded.octets.clone(),
        })
    }

    /// Whether a request may be sent once more though it may have arrived: what is done twice is done once then, but
    /// for UNSUBSCRIBE, whose second answer would be another one.
    pub(super) fn may_go_again(&self, number: u64) -> bool {
        let harmless = |one: &Forwarded| one.method != Method::Unsubscribe && one.tries < TRIES;
        self.forwarded.get(&number).is_some_and(harmless)
    }

    /// The other domain answered.
    pub(super) fn forward_answered(&mut self, now: Now, number: u64, frame: &Frame, outcome: Result<(), Answer>) {
        let ending = outcome.as_ref().is_err_and(|answer| answer.kind == ErrorKind::ShuttingDown);
        if let Some(forwarded) = self.forwarded.get(&number).filter(|one| ending && one.tries < TRIES) {
            // Said by a link that was ending already: nothing was done.
            let (route, large) = (forwarded.route.clone(), forwarded.large);
            return self.peer(now, &route).outbox(large).wait_first(Waiting::Forwarded(number));
        }
        let Some(forwarded) = self.take_forwarded(number) else { return };
        let too_long = is_too_long(frame, self.config.presence_octets).is_some();
        if let Some(asker) = &forwarded.asker {
            // All that an answer brings is a presence object. A longer one would only end the connection of who asked.
            match too_long {
                false => self.answer(asker, frame.octets().clone().into()),
                true => self.refuse_with(asker, ErrorKind::ServerError),
            }
        }
        let outcome = if too_long { Err(Answer::new(ErrorKind::ServerError)) } else { outcome };
        let (session, target) = (&forwarded.session, &forwarded.target);
        if !forwarded.asker.as_ref().is_none_or(|asker| self.is_current(asker)) {
            // Another session of the same name may have asked for itself meanwhile.
            if forwarded.method == Method::Subscribe && outcome.is_ok() && !self.asks_abroad(session, target) {
                self.unsubscribe_abroad(now, session, target);
            }
            return;
        }
        match (forwarded.method, outcome) {
            (Method::Subscribe, Ok(())) => {
                let lease = frame.header(Name::LeaseTime).and_then(parse_seconds).map(Duration::from_secs);
                let version = frame.header(Name::PresenceVersion).and_then(Version::parse).unwrap_or_default();
                self.subscribed_abroad(now, session, target, lease, version);
            }
            (Method::Subscribe, Err(_)) => self.not_subscribed_abroad(session, target),
            (Method::Unsubscribe, Ok(())) => self.unsubscribed_abroad(session, target),
            (Method::Unsubscribe, Err(answer)) if answer.kind == ErrorKind::SubscriptionUnknown => {
                self.unsubscribed_abroad(session, target);
            }
            _ => {}
        }
    }

    /// The other domain has not answered in time. An answer that still comes matches nothing.
    pub(super) fn forward_timer(&mut self, now: Now, number: u64) {
        if let Some(over) = self.forwarded.get(&number).and_then(|forwarded| forwarded.over) {
            self.suspect(now, over);
        }
        self.end_forward(number, &unreachable(NoLink::Unreachable, self.config.links.response_timeout));
    }

    /// There is no link to send it over.
    pub(super) fn forward_failed(&mut self, number: u64, why: NoLink, pause: Duration) {
        self.end_forward(number, &unreachable(why, pause));
    }

    fn end_forward(&mut self, number: u64, answer: &Answer) {
        let Some(forwarded) = self.take_forwarded(number) else { return };
        if let Some(peer) = self.peers.get_mut(&forwarded.route) {
            let outbox = peer.outbox(forwarded.large);
            outbox.give_up(&forwarded.identity);
            outbox.keep_waiting(|waiting| !matches!(waiting, Waiting::Forwarded(one) if *one == number));
        }
        if let Some(asker) = &forwarded.asker {
            self.refuse(asker, answer);
        }
        if forwarded.method == Method::Subscribe && forwarded.asker.as_ref().is_some_and(|asker| self.is_current(asker)) {
            self.not_subscribed_abroad(&forwarded.session, &forwarded.target);
        }
    }

    fn take_forwarded(&mut self, number: u64) -> Option<Forwarded> {
        let mut forwarded = self.forwarded.remove(&number)?;
        self.timers.clear(&mut forwarded.timer);
        if let Some(peer) = self.peers.get_mut(&forwarded.route) {
            peer.take_back(&forwarded.identity, forwarded.octets());
        }
        self.restless.insert(forwarded.route.clone());
        Some(forwarded)
    }
}

/// How much longer the answer to something large is waited for: it has to get there first.
fn on_its_way(octets: u64) -> Duration {
    Duration::from_secs(octets / OCTETS_PER_SECOND)
}

/// What a user hears of a domain that is not reached.
fn unreachable(why: NoLink, pause: Duration) -> Answer {
    match why {
        NoLink::NoService => Answer::new(ErrorKind::TargetUnknown).because("there is no such domain, or it has no IMPP service"),
        NoLink::Unreachable => {
            let answer = Answer::new(ErrorKind::ConnectionFailure).because("the target's domain cannot be reached");
            answer.retry_after(pause.max(Duration::from_secs(1)))
        }
    }
}
