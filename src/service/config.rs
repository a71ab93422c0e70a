//! What an operator decides for the rules, and every limit that they hold strangers to.

use super::pace::Rate;
use crate::model::acl::Acl;
use crate::model::{Address, Domain, LeaseBounds, Services};
use std::collections::BTreeMap;
use std::time::Duration;

/// Octets of [`ServiceConfig::request_prefix`]: a hyphen and 15 digits must still fit.
const PREFIX_OCTETS: usize = 16;

/// The rules' settings. [`ServiceConfig::new`] gives the defaults.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// The domains that this relay answers for.
    pub domains: BTreeMap<Domain, DomainRules>,
    /// Starts the request-ids that the relay makes: unique per process start, at most 16 octets of a
    /// request-id's alphabet; so no answer to an earlier process is taken for one to this one.
    pub request_prefix: String,
    /// Unanswered requests of one session; one more is answered try-later.
    pub outstanding: u32,
    /// Octets of one session's unanswered requests, of which each is held in memory; a request that is alone is always taken.
    pub outstanding_octets: u64,
    /// Octets of everybody's unanswered requests; a larger one is answered try-later until there is room.
    pub memory_octets: u64,
    /// Octets that one client was sent and has not acknowledged, above which everything else waits.
    pub unacknowledged_octets: u64,
    /// Requests of one user, over all its sessions.
    pub requests: Rate,
    /// SENDs of one user.
    pub messages: Rate,
    /// Deliveries remembered, so that a repeated SEND is not delivered again.
    pub remembered_max: usize,
    /// Users kept in memory without anything going on.
    pub cached_users: usize,
    /// Sessions of one user, connected or not.
    pub sessions_per_user: usize,
    /// Subscriptions that one session holds.
    pub subscriptions_per_session: usize,
    /// Subscriptions to one user's presence.
    pub subscribers_per_user: usize,
    /// Views for which one user may publish a value.
    pub views_per_user: usize,
    /// Octets of one presence object.
    pub presence_octets: usize,
    /// Rules of one ACL.
    pub acl_rules: usize,
    /// Repetitions of one unsettled SEND that wait for its outcome.
    pub repeats: usize,
    /// What is taken from other domains, and given to them.
    pub links: LinkRules,
}

/// Links to other domains. Each number is for one of them.
#[derive(Clone, Copy, Debug)]
pub struct LinkRules {
    /// Whether there are any.
    pub enabled: bool,
    /// How long the answer to a request is waited for.
    pub response_timeout: Duration,
    /// A link on which nothing happens for so long is closed by whoever opened it, by the other side after twice as long.
    pub idle: Duration,
    /// Links at a time.
    pub connections: usize,
    /// Requests without an answer; one more is answered try-later.
    pub outstanding: u32,
    /// Their octets, in either direction; a request that is alone is always taken.
    pub outstanding_octets: u64,
    /// Requests in a second; one more is answered try-later.
    pub requests_per_second: u32,
    /// Subscriptions that its users hold here.
    pub subscriptions: usize,
}

impl Default for LinkRules {
    fn default() -> Self {
        Self {
            enabled: true,
            response_timeout: Duration::from_secs(30),
            idle: Duration::from_secs(300),
            connections: 8,
            outstanding: 1024,
            outstanding_octets: 128 << 20,
            requests_per_second: 10_000,
            subscriptions: 100_000,
        }
    }
}

/// The rules of one domain.
#[derive(Clone, Debug)]
pub struct DomainRules {
    /// What is offered; whatever belongs to another service is operation-not-supported.
    pub services: Services,
    /// The leases that are granted.
    pub lease: LeaseBounds,
    /// What holds where a user's own rules are silent, and for users that do not exist.
    pub default_acl: Acl,
    /// How messages wait.
    pub mailbox: MailboxRules,
}

impl Default for DomainRules {
    fn default() -> Self {
        let services = Services::ALL;
        Self { services, lease: LeaseBounds::default(), default_acl: Acl::shipped_default(), mailbox: MailboxRules::default() }
    }
}

/// How messages wait for a user who does not acknowledge them.
#[derive(Clone, Copy, Debug)]
pub struct MailboxRules {
    /// Whether messages are stored at all.
    pub enabled: bool,
    /// Messages of one user.
    pub max_messages: u64,
    /// Octets of one user's messages.
    pub max_octets: u64,
    /// A message older than this is deleted.
    pub max_age: Duration,
    /// How long a connected client may take to acknowledge before the message is stored.
    pub delivery_timeout: Duration,
}

impl Default for MailboxRules {
    fn default() -> Self {
        Self {
            enabled: true,
            max_messages: 10_000,
            max_octets: 100 << 20,
            max_age: Duration::from_secs(30 * 86_400),
            delivery_timeout: Duration::from_secs(10),
        }
    }
}

impl ServiceConfig {
    /// The addresses of the domains themselves.
    pub(super) fn voices(&self) -> BTreeMap<Domain, Address> {
        self.domains.keys().map(|domain| (domain.clone(), Address::of_domain(domain))).collect()
    }

    /// The defaults for these domains.
    #[must_use]
    pub fn new(domains: BTreeMap<Domain, DomainRules>, request_prefix: String) -> Self {
        Self {
            domains,
            request_prefix,
            outstanding: 64,
            outstanding_octets: 64 << 20,
            memory_octets: 256 << 20,
            unacknowledged_octets: 4 << 20,
            requests: Rate { per_second: 500, burst: 5000 },
            messages: Rate { per_second: 200, burst: 5000 },
            remembered_max: 500_000,
            cached_users: 10_000,
            sessions_per_user: 64,
            subscriptions_per_session: 1024,
            subscribers_per_user: 4096,
            views_per_user: 16,
            presence_octets: 65_536,
            acl_rules: 1024,
            repeats: 16,
            links: LinkRules::default(),
        }
    }

    /// A request-id made from the prefix is always one.
    pub(super) fn with_sound_prefix(mut self) -> Self {
        self.request_prefix.retain(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        self.request_prefix.truncate(PREFIX_OCTETS);
        self
    }
}
