//! Between two domains: what waits for a link goes by one that stands, and one more is opened where that helps (SPEC §9.1, §9.5).
//!
//! What is sent does not care by which link it goes. Small things go by the oldest link, bodies above
//! [`SMALL_OCTETS`] by the second, so that no message waits behind a large one; an answer takes whatever link stands.

mod life;
mod owed;
mod peer;

pub(super) use life::Link;
pub(super) use peer::Peer;

use super::Service;
use super::effect::{ConnectionKey, Effect, Route};
use super::notify::Own;
use super::outbox::{About, Identity, Sent, Waiting};
use crate::model::acl::ANONYMOUS_DOMAIN;
use crate::model::{Address, ErrorKind, Now};
use crate::wire::Frame;

/// Octets of a body that travels with the small ones (LINK_SMALL_OCTETS).
pub(super) const SMALL_OCTETS: u64 = 65_536;

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

    /// A pause is over.
    pub(super) fn dial_timer(&mut self, route: Route) {
        if let Some(peer) = self.peers.get_mut(&route) {
            peer.timer = None;
            peer.pause = None;
            peer.single = None;
            self.restless.insert(route);
        }
    }

    fn free_peer(&mut self, route: &Route) {
        if self.peers.get(route).is_some_and(Peer::is_idle)
            && let Some(mut peer) = self.peers.remove(route)
        {
            self.timers.clear(&mut peer.timer);
        }
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
}
