//! Between two domains: the links that stand, what waits for one, and when one more is opened (SPEC §9.1, §9.5).
//!
//! What is sent does not care by which link it goes. Small things go by the oldest link, bodies above
//! [`SMALL_OCTETS`] by the second, so that no message waits behind a large one; an answer takes whatever link stands.

use super::effect::{ConnectionKey, Effect, Notice, Octets, Route, SessionState};
use super::limit::Limit;
use super::map::HashMap;
use super::notify::Own;
use super::outbox::{About, Identity, Outbox, Sent, Waiting};
use super::pace::{Bucket, Rate};
use super::status::RouteStatus;
use super::timers::{Timer, TimerKey};
use super::{LinkOpening, LinkRules, NoLink, Service};
use crate::model::acl::ANONYMOUS_DOMAIN;
use crate::model::{Address, Answer, ByeCause, ErrorKind, Now};
use crate::wire::Frame;
use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// Octets of a body that travels with the small ones (LINK_SMALL_OCTETS).
pub(super) const SMALL_OCTETS: u64 = 65_536;
/// Requests without an answer that another domain is sent, whatever it would take.
const OUTSTANDING_MAX: usize = 4096;
/// Answers that wait for a link to go by, and their octets.
const ANSWERS: usize = 1024;
/// See [`ANSWERS`].
const ANSWERS_OCTETS: usize = 4 << 20;

/// A link that has been sent something, and on which nothing was heard for so long, is dead.
const DEAF: Duration = Duration::from_secs(30);

/// All that goes on between one of our domains and another.
#[derive(Debug)]
pub(super) struct Peer {
    /// The links that stand, oldest first, whoever opened them.
    links: Vec<ConnectionKey>,
    /// Requests with small bodies.
    small: Outbox,
    /// Requests with large ones.
    large: Outbox,
    /// Answers for which no link stands.
    answers: VecDeque<Octets>,
    answers_octets: usize,
    /// A link is being opened.
    dialling: bool,
    /// There is no link, and none is opened before.
    pause: Option<(Instant, NoLink)>,
    /// There is no second link, and none is opened before.
    single: Option<Instant>,
    timer: Option<TimerKey>,
    /// Their requests that we have not answered, and their octets.
    taken: u32,
    taken_octets: u64,
    /// Our requests that they have not answered, sent or not; whose; and their octets.
    given: HashSet<Identity>,
    givers: HashMap<Address, usize>,
    given_octets: u64,
    /// How many requests they may still make now: up to one second's worth.
    allowance: Bucket,
}

/// A link that stands.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) route: Route,
    max_body: u64,
    pub(super) dialled: bool,
    /// When something last went over it.
    pub(super) used: Instant,
    /// Since when it has been sent requests, and nothing was heard.
    unheard: Option<Instant>,
    timer: Option<TimerKey>,
}

impl Peer {
    fn new(now: Instant) -> Self {
        let outbox = || Outbox::bounded(crate::wire::limits::OUTSTANDING_DEFAULT, OUTSTANDING_MAX);
        Self {
            links: Vec::new(),
            small: outbox(),
            large: outbox(),
            answers: VecDeque::new(),
            answers_octets: 0,
            dialling: false,
            pause: None,
            single: None,
            timer: None,
            taken: 0,
            taken_octets: 0,
            given: HashSet::new(),
            givers: HashMap::default(),
            given_octets: 0,
            allowance: Bucket::full(now),
        }
    }

    pub(super) fn outbox(&mut self, large: bool) -> &mut Outbox {
        if large { &mut self.large } else { &mut self.small }
    }

    /// Whether a request of this identity awaits its answer, sent or not.
    pub(super) fn has(&self, identity: &Identity) -> bool {
        self.given.contains(identity)
    }

    /// When there will be no link before, and why.
    pub(super) fn pause(&self) -> Option<(Instant, NoLink)> {
        self.pause.filter(|_| self.links.is_empty() && !self.dialling)
    }

    /// Whether one more of our requests may be given: one user has a quarter of the places at most.
    pub(super) fn has_room(&self, from: &Address, octets: u64, rules: &LinkRules) -> bool {
        let places = usize::try_from(rules.outstanding).unwrap_or(usize::MAX);
        let own = self.givers.get(from).copied().unwrap_or_default();
        let heavy = self.given_octets > 0 && self.given_octets.saturating_add(octets) > rules.outstanding_octets;
        !heavy && self.given.len() < places && own < (places / 4).max(1)
    }

    /// Whether a request of this user awaits its answer.
    pub(super) fn asks(&self, user: &Address) -> bool {
        self.givers.contains_key(user)
    }

    /// One more request is ours to be answered.
    pub(super) fn give(&mut self, identity: Identity, octets: u64) {
        *self.givers.entry(identity.from.clone()).or_default() += 1;
        self.given_octets = self.given_octets.saturating_add(octets);
        self.given.insert(identity);
    }

    /// It is answered, or given up.
    pub(super) fn take_back(&mut self, identity: &Identity, octets: u64) {
        self.given.remove(identity);
        self.given_octets = self.given_octets.saturating_sub(octets);
        if let Some(own) = self.givers.get_mut(&identity.from) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.givers.remove(&identity.from);
            }
        }
    }

    pub(super) fn links(&self) -> &[ConnectionKey] {
        &self.links
    }

    /// What is known here; the rest is empty.
    pub(super) fn status(&self, route: &Route, now: Instant) -> RouteStatus {
        RouteStatus {
            route: route.clone(),
            links: Vec::new(),
            dialling: self.dialling,
            pause: self.pause.map(|(until, _)| until.saturating_duration_since(now)),
            waiting: self.small.waiting().count() + self.large.waiting().count() + self.answers.len(),
            sent: self.small.sent_about().count() + self.large.sent_about().count(),
            owed: self.taken,
            subscriptions: 0,
        }
    }

    fn link(&self, large: bool, most: usize) -> Option<ConnectionKey> {
        let first = self.links.first().copied();
        if !large {
            return first;
        }
        // Large ones keep their order: all go where one of them is under way.
        let same = self.large.sent_over().filter(|link| self.links.contains(link));
        // Where no second link can be had, the first one must do.
        let alone = most < 2 || (self.single.is_some() && !self.dialling);
        same.or_else(|| self.links.get(1).copied()).or_else(|| first.filter(|_| alone))
    }

    /// Whether a link more would be of use.
    fn wants_link(&self, most: usize) -> bool {
        let small = self.small.is_waiting() || !self.answers.is_empty();
        match self.links.len() {
            0 => small || self.large.is_waiting(),
            1 => self.large.is_waiting() && most > 1 && self.single.is_none(),
            _ => false,
        }
    }

    fn is_idle(&self) -> bool {
        self.links.is_empty()
            && self.small.is_empty()
            && self.large.is_empty()
            && self.answers.is_empty()
            && self.taken == 0
            && !self.dialling
            && self.given.is_empty()
            && self.pause.is_none()
            && self.single.is_none()
    }
}

impl Service {
    /// Whether this relay answers for the address's domain.
    pub(super) fn serves(&self, address: &Address) -> bool {
        self.config.domains.contains_key(address.domain_str())
    }

    /// Whether sessions of this user live elsewhere, and are reached by links.
    pub(super) fn is_abroad(&self, user: &Address) -> bool {
        !self.serves(user) && user.domain_str() != ANONYMOUS_DOMAIN
    }

    pub(super) fn peer(&mut self, now: Now, route: &Route) -> &mut Peer {
        self.peers.entry(route.clone()).or_insert_with(|| Peer::new(now.instant))
    }

    /// A link was authenticated.
    pub(super) fn take_link(&mut self, now: Now, connection: ConnectionKey, opening: LinkOpening) {
        let LinkOpening { route, dialled, max_body, max_outstanding } = opening;
        let most = self.config.links.connections;
        let theirs = Address::of_domain(&route.theirs);
        let refused = if !self.config.links.enabled {
            Some(Answer::new(ErrorKind::OperationNotSupported))
        } else if !self.config.domains.contains_key(&route.ours) {
            Some(Answer::new(ErrorKind::TargetUnknown))
        } else if self.serves(&theirs) || theirs.domain_str() == ANONYMOUS_DOMAIN {
            Some(Answer::new(ErrorKind::PermissionDenied).because("this relay speaks for that domain itself"))
        } else if !dialled && self.peer(now, &route).links.len() >= most {
            Some(self.over(Limit::Links, &theirs, "too many links"))
        } else {
            None
        };
        if dialled {
            self.peer(now, &route).dialling = false;
        }
        if let Some(answer) = refused {
            self.effects.push_back(Effect::Opened { connection, outcome: Err(answer) });
            return self.free_peer(&route);
        }
        let peer = self.peer(now, &route);
        peer.pause = None;
        peer.single = None;
        peer.links.push(connection);
        peer.small.allow(max_outstanding, OUTSTANDING_MAX);
        peer.large.allow(max_outstanding, OUTSTANDING_MAX);
        let mut link = Link { route: route.clone(), max_body, dialled, used: now.instant, unheard: None, timer: None };
        let at = now.instant + self.idle_time(dialled);
        self.timers.set(&mut link.timer, at, Timer::LinkIdle(connection));
        self.links.insert(connection, link);
        self.effects.push_back(Effect::Opened { connection, outcome: Ok(SessionState::New) });
        self.effects.push_back(Effect::Notice(Notice::LinkUp { route: route.clone(), dialled }));
        self.restless.insert(route);
    }

    /// There is no link, and none before `pause` is over.
    pub(super) fn miss_link(&mut self, now: Now, route: &Route, why: NoLink, pause: Duration) {
        let Some(peer) = self.peers.get_mut(route) else { return };
        peer.dialling = false;
        self.timers.set(&mut peer.timer, now.instant + pause, Timer::Dial(route.clone()));
        if !peer.links.is_empty() {
            peer.single = Some(now.instant + pause);
        } else {
            peer.pause = Some((now.instant + pause, why));
            // Whoever asked may ask somebody else again; answers would come too late.
            peer.answers.clear();
            peer.answers_octets = 0;
            let waiting: Vec<Waiting> = peer.small.take_waiting().into_iter().chain(peer.large.take_waiting()).collect();
            for waiting in waiting {
                match waiting {
                    Waiting::Forwarded(number) => self.forward_failed(number, why, pause),
                    other => self.unreached(now, &other),
                }
            }
        }
        self.restless.insert(route.clone());
    }

    /// A pause is over.
    pub(super) fn dial_timer(&mut self, route: Route) {
        if let Some(peer) = self.peers.get_mut(&route) {
            peer.timer = None;
            peer.pause = None;
            peer.single = None;
            self.restless.insert(route);
        }
    }

    /// A link ended. What was sent over it without an answer goes by another, where that is harmless.
    pub(super) fn lose_link(&mut self, now: Now, connection: ConnectionKey) {
        let Some(mut link) = self.links.remove(&connection) else { return };
        self.timers.clear(&mut link.timer);
        let route = link.route;
        self.effects.push_back(Effect::Notice(Notice::LinkDown { route: route.clone() }));
        let Some(peer) = self.peers.get_mut(&route) else { return };
        peer.links.retain(|other| *other != connection);
        let mut lost: Vec<(Identity, About, bool)> = Vec::new();
        for large in [false, true] {
            let sent = peer.outbox(large).take_sent_over(connection);
            lost.extend(sent.into_iter().map(|(identity, about)| (identity, about, large)));
        }
        // Newest first, each to the head of its line.
        lost.sort_by_key(|(_, about, _)| std::cmp::Reverse(if let About::Forwarded(number) = about { *number } else { 0 }));
        for (identity, about, large) in lost {
            match about {
                About::Forwarded(number) if self.may_go_again(number) => {
                    self.peer(now, &route).outbox(large).wait_first(Waiting::Forwarded(number));
                }
                // Its answer may still come.
                About::Forwarded(_) => {
                    let sent = Sent { method: crate::model::Method::Unsubscribe, about, over: connection, octets: 0 };
                    self.peer(now, &route).outbox(large).sent(identity, sent);
                }
                other => self.tell_again(now, &other),
            }
        }
        self.restless.insert(route);
    }

    /// Puts something in line for another domain.
    pub(super) fn line_up_abroad(&mut self, now: Now, route: &Route, waiting: Waiting) {
        let large = matches!(&waiting, Waiting::Forwarded(number) if self.forwarded.get(number).is_some_and(|one| one.large));
        self.peer(now, route).outbox(large).wait(waiting);
        self.restless.insert(route.clone());
    }

    /// What is under way is not waited for any longer; gives back by which link it went.
    pub(super) fn give_up_abroad(&mut self, route: &Route, identity: &Identity) -> Option<ConnectionKey> {
        let peer = self.peers.get_mut(route)?;
        let over = peer.small.give_up(identity).or(peer.large.give_up(identity));
        self.restless.insert(route.clone());
        over
    }

    /// Something that went by this link was not answered in time. A link on which nothing at all was heard since is dead,
    /// and nothing more goes by it.
    pub(super) fn suspect(&mut self, now: Now, connection: ConnectionKey) {
        let dead = self.links.get(&connection).and_then(|link| link.unheard).is_some_and(|since| now.instant - since >= DEAF);
        if dead {
            self.close_link(now, connection, ByeCause::Idle);
        }
    }

    /// Ends a link. What still comes on it is answered as by one that is ending.
    fn close_link(&mut self, now: Now, connection: ConnectionKey, cause: ByeCause) {
        self.effects.push_back(Effect::Close { connection, cause });
        self.closing.insert(connection);
        self.lose_link(now, connection);
    }

    /// Whether another domain may make one more request now; else it is told when to come back.
    pub(super) fn allows(&mut self, now: Now, route: &Route) -> bool {
        let per_second = self.config.links.requests_per_second;
        let rate = Rate { per_second, burst: per_second };
        self.peer(now, route).allowance.take(now.instant, rate).is_ok()
    }

    /// Notes that a request of another domain is owed an answer; `false`: there are too many.
    pub(super) fn owe(&mut self, now: Now, route: &Route, frame: &Frame) -> bool {
        let (most, most_octets) = (self.config.links.outstanding, self.config.links.outstanding_octets);
        let octets = frame.octets().len() as u64;
        let peer = self.peer(now, route);
        // However large, one alone is taken.
        let heavy = peer.taken > 0 && peer.taken_octets.saturating_add(octets) > most_octets;
        if heavy || peer.taken >= most {
            return false;
        }
        peer.taken += 1;
        peer.taken_octets = peer.taken_octets.saturating_add(octets);
        true
    }

    /// Answers a request of another domain: by the link that it came by, so that who does not read the answers is not
    /// asked any further, or if that is gone by whatever link stands.
    pub(super) fn answer_abroad(&mut self, route: &Route, over: ConnectionKey, request_octets: u64, octets: Octets) {
        let Some(peer) = self.peers.get_mut(route) else { return };
        peer.taken = peer.taken.saturating_sub(1);
        peer.taken_octets = peer.taken_octets.saturating_sub(request_octets);
        let same = peer.links.iter().find(|link| **link == over);
        if let Some(connection) = same.or(peer.links.first()) {
            self.effects.push_back(Effect::Send { connection: *connection, octets });
        } else {
            let weight = octets.head.len() + octets.body.len();
            if peer.answers.len() < ANSWERS && peer.answers_octets.saturating_add(weight) <= ANSWERS_OCTETS {
                peer.answers.push_back(octets);
                peer.answers_octets += weight;
            }
        }
        self.restless.insert(route.clone());
    }

    /// Sends what can be sent between domains, and opens links for the rest. Called at the end of whatever happens.
    pub(super) fn settle_routes(&mut self, now: Now) {
        while let Some(route) = self.restless.pop_first() {
            self.pump_route(now, &route);
            self.dial(now, &route);
            self.free_peer(&route);
        }
    }

    fn pump_route(&mut self, now: Now, route: &Route) {
        let Some(peer) = self.peers.get_mut(route) else { return };
        if let Some(connection) = peer.links.first().copied() {
            peer.answers_octets = 0;
            for octets in std::mem::take(&mut peer.answers) {
                self.effects.push_back(Effect::Send { connection, octets });
            }
        }
        let most = self.config.links.connections;
        for large in [false, true] {
            while let Some(peer) = self.peers.get_mut(route) {
                let Some(connection) = peer.link(large, most) else { break };
                let Some(next) = peer.outbox(large).next() else { break };
                self.send_abroad(now, connection, next, large);
            }
        }
    }

    fn send_abroad(&mut self, now: Now, connection: ConnectionKey, waiting: Waiting, large: bool) {
        let Some(link) = self.links.get_mut(&connection) else { return };
        link.used = now.instant;
        link.unheard.get_or_insert(now.instant);
        let (route, max_body) = (link.route.clone(), link.max_body);
        let own = match waiting {
            Waiting::Notify(presentity, session) => self.make_notify(now, &presentity, &session),
            Waiting::Ending(presentity, session) => self.make_ending(now, &presentity, &session),
            Waiting::Forwarded(number) => self.make_forwarded(number, max_body, connection),
            Waiting::Relayed(_) | Waiting::Live(_) => None,
        };
        if let (Some(Own { identity, method, about, octets }), Some(peer)) = (own, self.peers.get_mut(&route)) {
            let sent = Sent { method, about, over: connection, octets: octets.count() };
            peer.outbox(large).sent(identity, sent);
            self.effects.push_back(Effect::Send { connection, octets });
        }
    }

    /// Has one more link opened, if something waits for one and it is time.
    fn dial(&mut self, now: Now, route: &Route) {
        let Some(peer) = self.peers.get_mut(route) else { return };
        let paused = peer.pause.is_some_and(|(until, _)| until > now.instant);
        if peer.wants_link(self.config.links.connections) && !peer.dialling && !paused {
            peer.dialling = true;
            self.effects.push_back(Effect::Dial(route.clone()));
        }
    }

    fn free_peer(&mut self, route: &Route) {
        if self.peers.get(route).is_some_and(Peer::is_idle)
            && let Some(mut peer) = self.peers.remove(route)
        {
            self.timers.clear(&mut peer.timer);
        }
    }

    /// Whoever opened a link closes it first.
    fn idle_time(&self, dialled: bool) -> Duration {
        let idle = self.config.links.idle;
        if dialled { idle } else { idle.saturating_mul(2) }
    }

    /// A link may have been idle for long.
    pub(super) fn idle_timer(&mut self, now: Now, connection: ConnectionKey) {
        let Some(link) = self.links.get(&connection) else { return };
        let idle = self.idle_time(link.dialled);
        let busy = self
            .peers
            .get(&link.route)
            .is_some_and(|peer| peer.taken > 0 || peer.small.has_sent_over(connection) || peer.large.has_sent_over(connection));
        let until = if busy { now.instant + idle } else { link.used + idle };
        if until <= now.instant {
            return self.close_link(now, connection, ByeCause::Idle);
        }
        if let Some(link) = self.links.get_mut(&connection) {
            self.timers.set(&mut link.timer, until, Timer::LinkIdle(connection));
        }
    }

    /// The route of a link on which something came.
    pub(super) fn heard_on(&mut self, now: Now, connection: ConnectionKey) -> Option<Route> {
        let link = self.links.get_mut(&connection)?;
        link.used = now.instant;
        link.unheard = None;
        Some(link.route.clone())
    }

    /// A response from another domain. One that matches nothing that was asked of that domain is ignored (SPEC §9.3).
    pub(super) fn link_response(&mut self, now: Now, connection: ConnectionKey, frame: &Frame) {
        let Some(route) = self.heard_on(now, connection) else { return };
        let Some(peer) = self.peers.get_mut(&route) else { return };
        let found = peer.small.take_answered(frame).or_else(|| peer.large.take_answered(frame));
        let Some((identity, about)) = found else { return };
        self.restless.insert(route.clone());
        let outcome = super::outbox::outcome_of(frame);
        // It is ending, and does nothing any more: what is to be done goes by another.
        let ending = outcome.as_ref().is_err_and(|answer| answer.kind == ErrorKind::ShuttingDown);
        if let Some(peer) = self.peers.get_mut(&route).filter(|_| ending) {
            peer.links.retain(|link| *link != connection);
        }
        match about {
            About::Notify(presentity, session) => self.notify_answered(now, &presentity, &session, identity.id, outcome),
            About::Ending(presentity, session) => self.ending_answered(now, &presentity, &session, identity.id, outcome),
            About::Forwarded(number) => self.forward_answered(now, number, frame, outcome),
            About::Relayed(_) | About::Live(_) | About::Late(_) | About::Stored(_) | About::Nothing => {}
        }
    }

    /// Ends links that the settings no longer allow.
    pub(super) fn judge_links(&mut self, now: Now) {
        let unwanted = |link: &Link| {
            let domains = &self.config.domains;
            !self.config.links.enabled || !domains.contains_key(&link.route.ours) || domains.contains_key(&link.route.theirs)
        };
        let gone: Vec<ConnectionKey> =
            self.links.iter().filter(|(_, link)| unwanted(link)).map(|(connection, _)| *connection).collect();
        for connection in gone {
            self.close_link(now, connection, ByeCause::ShuttingDown);
        }
    }
}
