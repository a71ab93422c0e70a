//! What an administrator may want to see of what goes on; changes nothing.

use super::Service;
use super::effect::{ConnectionKey, Route};
use crate::model::Now;
use std::time::Duration;

/// What goes on between one of our domains and another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteStatus {
    /// Between whom.
    pub route: Route,
    /// The links that stand, oldest first.
    pub links: Vec<LinkStatus>,
    /// A link is being opened.
    pub dialling: bool,
    /// So long none is opened.
    pub pause: Option<Duration>,
    /// Requests and answers for which there is no link, or no room at the other side.
    pub waiting: usize,
    /// Our requests that they have not answered.
    pub sent: usize,
    /// Their requests that we have not answered.
    pub owed: u32,
    /// Subscriptions that their users hold at the domains of this relay.
    pub subscriptions: usize,
}

/// A link that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// Its connection.
    pub connection: ConnectionKey,
    /// Whether we opened it.
    pub dialled: bool,
    /// For how long nothing has happened on it.
    pub idle: Duration,
}

impl Service {
    /// All domains with which anything goes on, in the order of their names.
    #[must_use]
    pub fn routes(&self, now: Now) -> Vec<RouteStatus> {
        let status = |(route, peer): (&Route, &super::routes::Peer)| {
            let subscriptions = self.subscribers.get(&route.theirs).copied().unwrap_or_default();
            let links = peer.links().iter().filter_map(|connection| {
                let link = self.links.get(connection)?;
                let idle = now.instant.saturating_duration_since(link.used);
                Some(LinkStatus { connection: *connection, dialled: link.dialled, idle })
            });
            RouteStatus { links: links.collect(), subscriptions, ..peer.status(route, now.instant) }
        };
        let mut all: Vec<RouteStatus> = self.peers.iter().map(status).collect();
        all.sort_by(|one, other| one.route.cmp(&other.route));
        all
    }
}
