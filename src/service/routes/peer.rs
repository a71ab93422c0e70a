//! Another domain beside one of ours: the queues to it, and what either asked of the other and is not answered.

use super::super::LinkRules;
use super::super::NoLink;
use super::super::effect::{ConnectionKey, Octets, Route};
use super::super::map::HashMap;
use super::super::outbox::{Identity, Outbox};
use super::super::pace::Bucket;
use super::super::status::RouteStatus;
use super::super::timers::TimerKey;
use crate::model::Address;
use std::collections::{HashSet, VecDeque};
use std::time::Instant;

/// Requests without an answer that another domain is sent, whatever it would take.
pub(super) const OUTSTANDING_MAX: usize = 4096;

#[derive(Debug)]
pub(in crate::service) struct Peer {
    /// The links that stand, oldest first, whoever opened them.
    pub(super) links: Vec<ConnectionKey>,
    /// Requests with small bodies.
    pub(super) small: Outbox,
    /// Requests with large ones.
    pub(super) large: Outbox,
    /// Answers for which no link stands.
    pub(super) answers: VecDeque<Octets>,
    pub(super) answers_octets: usize,
    /// A link is being opened.
    pub(super) dialling: bool,
    /// There is no link, and none is opened before.
    pub(super) pause: Option<(Instant, NoLink)>,
    /// There is no second link, and none is opened before.
    pub(super) single: Option<Instant>,
    pub(super) timer: Option<TimerKey>,
    /// Their requests that we have not answered, and their octets.
    pub(super) taken: u32,
    pub(super) taken_octets: u64,
    /// Our requests that they have not answered, sent or not; whose; and their octets.
    pub(super) given: HashSet<Identity>,
    pub(super) givers: HashMap<Address, usize>,
    pub(super) given_octets: u64,
    /// How many requests they may still make now: up to one second's worth.
    pub(super) allowance: Bucket,
}

impl Peer {
    pub(super) fn new(now: Instant) -> Self {
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

    pub(in crate::service) fn outbox(&mut self, large: bool) -> &mut Outbox {
        if large { &mut self.large } else { &mut self.small }
    }

    /// Whether a request of this identity awaits its answer, sent or not.
    pub(in crate::service) fn has(&self, identity: &Identity) -> bool {
        self.given.contains(identity)
    }

    /// When there will be no link before, and why.
    pub(in crate::service) fn pause(&self) -> Option<(Instant, NoLink)> {
        self.pause.filter(|_| self.links.is_empty() && !self.dialling)
    }

    /// Whether one more of our requests may be given: one user has a quarter of the places at most.
    pub(in crate::service) fn has_room(&self, from: &Address, octets: u64, rules: &LinkRules) -> bool {
        let places = usize::try_from(rules.outstanding).unwrap_or(usize::MAX);
        let own = self.givers.get(from).copied().unwrap_or_default();
        let heavy = self.given_octets > 0 && self.given_octets.saturating_add(octets) > rules.outstanding_octets;
        !heavy && self.given.len() < places && own < (places / 4).max(1)
    }

    /// Whether a request of this user awaits its answer.
    pub(in crate::service) fn asks(&self, user: &Address) -> bool {
        self.givers.contains_key(user)
    }

    /// One more request is ours to be answered.
    pub(in crate::service) fn give(&mut self, identity: Identity, octets: u64) {
        *self.givers.entry(identity.from.clone()).or_default() += 1;
        self.given_octets = self.given_octets.saturating_add(octets);
        self.given.insert(identity);
    }

    /// It is answered, or given up.
    pub(in crate::service) fn take_back(&mut self, identity: &Identity, octets: u64) {
        self.given.remove(identity);
        self.given_octets = self.given_octets.saturating_sub(octets);
        if let Some(own) = self.givers.get_mut(&identity.from) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.givers.remove(&identity.from);
            }
        }
    }

    pub(in crate::service) fn links(&self) -> &[ConnectionKey] {
        &self.links
    }

    /// What is known here; the rest is empty.
    pub(in crate::service) fn status(&self, route: &Route, now: Instant) -> RouteStatus {
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

    pub(super) fn link(&self, large: bool, most: usize) -> Option<ConnectionKey> {
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
    pub(super) fn wants_link(&self, most: usize) -> bool {
        let small = self.small.is_waiting() || !self.answers.is_empty();
        match self.links.len() {
            0 => small || self.large.is_waiting(),
            1 => self.large.is_waiting() && most > 1 && self.single.is_none(),
            _ => false,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
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
