//! One link's life: it is let in, is silent for too long, is suspected, and ends; or there is none for now.

use super::super::effect::{ConnectionKey, Effect, Notice, Route, SessionState};
use super::super::limit::Limit;
use super::super::outbox::{About, Identity, Sent, Waiting};
use super::super::timers::{Timer, TimerKey};
use super::super::{LinkOpening, NoLink, Service};
use super::peer::OUTSTANDING_MAX;
use crate::model::acl::ANONYMOUS_DOMAIN;
use crate::model::{Address, Answer, ByeCause, ErrorKind, Now};
use std::time::{Duration, Instant};

/// A link that has been sent something, and on which nothing was heard for so long, is dead.
const DEAF: Duration = Duration::from_secs(30);

/// A link that stands.
#[derive(Debug)]
pub(in crate::service) struct Link {
    pub(in crate::service) route: Route,
    pub(super) max_body: u64,
    pub(in crate::service) dialled: bool,
    /// When something last went over it.
    pub(in crate::service) used: Instant,
    /// Since when it has been sent requests, and nothing was heard.
    pub(super) unheard: Option<Instant>,
    timer: Option<TimerKey>,
}

impl Service {
    /// A link was authenticated.
    pub(in crate::service) fn take_link(&mut self, now: Now, connection: ConnectionKey, opening: LinkOpening) {
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
    pub(in crate::service) fn miss_link(&mut self, now: Now, route: &Route, why: NoLink, pause: Duration) {
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

    /// A link ended. What was sent over it without an answer goes by another, where that is harmless.
    pub(in crate::service) fn lose_link(&mut self, now: Now, connection: ConnectionKey) {
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

    /// Something that went by this link was not answered in time. A link on which nothing at all was heard since is dead,
    /// and nothing more goes by it.
    pub(in crate::service) fn suspect(&mut self, now: Now, connection: ConnectionKey) {
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

    /// Whoever opened a link closes it first.
    fn idle_time(&self, dialled: bool) -> Duration {
        let idle = self.config.links.idle;
        if dialled { idle } else { idle.saturating_mul(2) }
    }

    /// A link may have been idle for long.
    pub(in crate::service) fn idle_timer(&mut self, now: Now, connection: ConnectionKey) {
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
    pub(in crate::service) fn heard_on(&mut self, now: Now, connection: ConnectionKey) -> Option<Route> {
        let link = self.links.get_mut(&connection)?;
        link.used = now.instant;
        link.unheard = None;
        Some(link.route.clone())
    }

    /// Ends links that the settings no longer allow.
    pub(in crate::service) fn judge_links(&mut self, now: Now) {
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
