//! What another domain asks of us: how much of it is taken, and how each answer goes back.

use super::super::Service;
use super::super::effect::{ConnectionKey, Effect, Octets, Route};
use super::super::pace::Rate;
use crate::model::Now;
use crate::wire::Frame;

/// Answers that wait for a link to go by, and their octets.
const ANSWERS: usize = 1024;
/// See [`ANSWERS`].
const ANSWERS_OCTETS: usize = 4 << 20;

impl Service {
    /// Whether another domain may make one more request now; else it is told when to come back.
    pub(in crate::service) fn allows(&mut self, now: Now, route: &Route) -> bool {
        let per_second = self.config.links.requests_per_second;
        let rate = Rate { per_second, burst: per_second };
        self.peer(now, route).allowance.take(now.instant, rate).is_ok()
    }

    /// Notes that a request of another domain is owed an answer; `false`: there are too many.
    pub(in crate::service) fn owe(&mut self, now: Now, route: &Route, frame: &Frame) -> bool {
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
    pub(in crate::service) fn answer_abroad(&mut self, route: &Route, over: ConnectionKey, request_octets: u64, octets: Octets) {
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
}
