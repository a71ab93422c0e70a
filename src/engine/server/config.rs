//! What an accepting engine is told at its start; shared by all connections of a relay.

use crate::engine::Mechanism;
use crate::engine::TlsPolicy;
use crate::model::Domain;
use crate::model::LeaseBounds;
use crate::model::Services;
use crate::wire::limits;
use std::collections::BTreeMap;
use std::time::Duration;

/// Time in which a connection must be authenticated, TLS handshake included (SPEC §4).
pub const AUTH_TIMEOUT: Duration = Duration::from_secs(30);
/// See [`ServerConfig::login_octets`]: a login takes a few thousand.
const LOGIN_OCTETS: u64 = 65_536;
/// Iterations of PBKDF2 below which no domain may go (SPEC §4.4).
pub const MIN_ITERATIONS: u32 = 4096;

/// One listener's settings.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// `name/version`, for people.
    pub agent: String,
    /// The domains that are served.
    pub domains: BTreeMap<Domain, DomainConfig>,
    /// The largest body taken from an authenticated client, in octets.
    pub max_body: u64,
    /// Announced in HELLO; the service counts.
    pub max_outstanding: u32,
    /// What is asked of other domains.
    pub links: LinkPolicy,
    /// Whether STARTTLS may or must be used.
    pub tls: TlsPolicy,
    /// Octets of all frames that are taken before a connection is authenticated.
    pub login_octets: u64,
    /// See [`AUTH_TIMEOUT`].
    pub auth_timeout: Duration,
    /// Silence before a PING.
    pub ping_after: Duration,
    /// Silence after a PING before the connection counts as dead.
    pub ping_wait: Duration,
}

impl ServerConfig {
    /// The protocol's own numbers, no domain, TLS required.
    #[must_use]
    pub fn new(agent: impl Into<String>) -> Self {
        Self {
            agent: agent.into(),
            domains: BTreeMap::new(),
            max_body: 32 * limits::MAX_BODY_DEFAULT,
            max_outstanding: limits::OUTSTANDING_DEFAULT,
            links: LinkPolicy::default(),
            tls: TlsPolicy::Required,
            login_octets: LOGIN_OCTETS,
            auth_timeout: AUTH_TIMEOUT,
            ping_after: crate::engine::liveness::PING_AFTER,
            ping_wait: crate::engine::liveness::PING_WAIT,
        }
    }
}

/// How the servers of other domains may log in (SPEC §9.1).
#[derive(Clone, Debug, Default)]
pub struct LinkPolicy {
    /// Whether they may at all.
    pub enabled: bool,
    /// Announced to them in HELLO; the service counts.
    pub max_outstanding: u32,
    /// Those of which more is known than their name.
    pub peers: BTreeMap<Domain, PeerPolicy>,
}

/// How the server of one other domain logs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerPolicy {
    /// There is a shared secret: then it alone counts, and no certificate does.
    pub secret: bool,
    /// It may use that secret without TLS.
    pub clear: bool,
}

impl LinkPolicy {
    /// What holds for the server of this domain.
    pub(super) fn peer(&self, origin: &Domain) -> PeerPolicy {
        self.peers.get(origin).copied().unwrap_or_default()
    }
}

/// One domain's settings.
#[derive(Clone)]
pub struct DomainConfig {
    /// What users may log in with, best first; what a connection cannot do is left out of HELLO by the engine.
    /// ANONYMOUS is governed by `anonymous` alone.
    pub mechanisms: Vec<Mechanism>,
    /// PBKDF2 rounds of all accounts, at least [`MIN_ITERATIONS`].
    pub iterations: u32,
    /// Makes the salts of users who do not exist: random, kept across restarts, told nobody.
    pub decoy_key: [u8; 32],
    /// Whether ANONYMOUS is allowed.
    pub anonymous: bool,
    /// Announced in HELLO.
    pub services: Services,
    /// Announced in HELLO.
    pub lease: LeaseBounds,
}

impl std::fmt::Debug for DomainConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DomainConfig").field("mechanisms", &self.mechanisms).finish_non_exhaustive()
    }
}
