//! What an administrator may want to see of what goes on; changes nothing.

use super::Service;
use super::effect::{ConnectionKey, Route};
use super::policy::Access;
use super::sessions::SessionKey;
use crate::model::{Address, Now, UnixMillis};
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

/// How much goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sessions, connected or not.
    pub sessions: usize,
    /// Those that have a connection.
    pub connected: usize,
    /// Users whose record is in memory.
    pub users: usize,
    /// Subscriptions to the presence of users here, whoever holds them.
    pub subscriptions: usize,
    /// Subscriptions of users here in other domains.
    pub abroad: usize,
    /// Messages that nobody acknowledged yet, and that are not stored.
    pub unsettled: usize,
    /// Requests to other domains that they have not answered.
    pub forwarded: usize,
    /// Links to other domains.
    pub links: usize,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStatus {
    /// `None`: it waits for its client to come back.
    pub connection: Option<ConnectionKey>,
    /// Whose messages it takes.
    pub inbox: Option<Address>,
    /// What it watches, here and in other domains.
    pub subscriptions: usize,
    /// Its requests that are not answered.
    pub unanswered: u32,
    /// Requests to it that it has not answered.
    pub outstanding: usize,
    /// What waits until it has.
    pub waiting: usize,
}

/// One subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionStatus {
    /// Who watches.
    pub watcher: SessionKey,
    /// Whom.
    pub presentity: Address,
    /// Since when; `None`: the other domain keeps it.
    pub since: Option<UnixMillis>,
    /// When its lease ends; `None`: nothing is granted yet.
    pub until: Option<UnixMillis>,
    /// The rules show closed, whatever is true.
    pub concealed: bool,
    /// There is a value that the watcher has not acknowledged.
    pub behind: bool,
}

impl Service {
    /// How much goes on.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            sessions: self.sessions.len(),
            connected: self.connections.len(),
            users: self.users.len(),
            subscriptions: self.users.values().map(|user| user.subscriptions.len()).sum(),
            abroad: self.sessions.values().map(|session| session.abroad.len()).sum(),
            unsettled: self.sends.len(),
            forwarded: self.forwarded.len(),
            links: self.links.len(),
        }
    }

    /// Whether this is a link to another domain.
    #[must_use]
    pub fn is_link(&self, connection: ConnectionKey) -> bool {
        self.links.contains_key(&connection)
    }

    /// The names of all sessions, or of one user's, in no order.
    #[must_use]
    pub fn session_keys(&self, user: Option<&Address>) -> Vec<SessionKey> {
        self.sessions.keys().filter(|key| user.is_none_or(|user| key.user == *user)).cloned().collect()
    }

    /// One session, if it is still there.
    #[must_use]
    pub fn session_status(&self, key: &SessionKey) -> Option<SessionStatus> {
        let session = self.sessions.get(key)?;
        let at = session.connection.and_then(|connection| self.connections.get(&connection));
        Some(SessionStatus {
            connection: session.connection,
            inbox: at.and_then(|at| at.inbox.clone()),
            subscriptions: self.subscriptions_of(key),
            unanswered: session.unanswered(),
            outstanding: at.map_or(0, |at| at.outbox.sent_about().count()),
            waiting: at.map_or(0, |at| at.outbox.waiting().count()),
        })
    }

    /// Users here to whose presence anybody subscribes, in no order.
    #[must_use]
    pub fn watched(&self) -> Vec<Address> {
        self.users.iter().filter(|(_, user)| !user.subscriptions.is_empty()).map(|(address, _)| address.clone()).collect()
    }

    /// Who subscribes to a user here, in the order of their addresses.
    #[must_use]
    pub fn subscriptions_to(&self, presentity: &Address) -> Vec<SubscriptionStatus> {
        let Some(user) = self.users.get(presentity) else { return Vec::new() };
        let mut all: Vec<_> = user.subscriptions.iter().collect();
        all.sort_unstable_by_key(|(watcher, _)| *watcher);
        let all = all.into_iter().map(|(watcher, subscription)| SubscriptionStatus {
            watcher: watcher.clone(),
            presentity: presentity.clone(),
            since: Some(subscription.since),
            until: Some(subscription.until),
            concealed: matches!(subscription.access, Access::Concealed(_)),
            behind: subscription.behind || subscription.telling.sent.is_some(),
        });
        all.collect()
    }

    /// What a session subscribes to in other domains.
    #[must_use]
    pub fn subscriptions_abroad(&self, now: Now, watcher: &SessionKey) -> Vec<SubscriptionStatus> {
        let Some(session) = self.sessions.get(watcher) else { return Vec::new() };
        let all = session.abroad.iter().map(|(presentity, abroad)| SubscriptionStatus {
            watcher: watcher.clone(),
            presentity: presentity.clone(),
            since: None,
            until: abroad.until().map(|at| now.unix.plus(at.saturating_duration_since(now.instant))),
            concealed: false,
            behind: abroad.is_behind(),
        });
        all.collect()
    }
}
