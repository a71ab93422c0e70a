//! `impp-relay.toml`: what an operator decides, read strictly and whole.

mod build;
mod error;
pub mod keys;
mod peers;
mod read;
mod rules;
mod sample;
pub(super) mod secret;
pub mod units;

pub mod check;

pub use error::{ConfigError, ConfigFault};
pub use keys::{KEYS, Key, Kind, PEER_KEYS};
pub use sample::Sample;

use crate::model::acl::Acl;
use crate::model::{Domain, LeaseBounds, Services};
use crate::net::connect::HostPort;
use crate::net::tls::Pin;
use crate::service::Rate;
use read::Values;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The whole configuration. Paths are absolute or relative to the working directory; each value is within its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where it was read.
    pub file: PathBuf,
    /// The domains whose users live here; at least one.
    pub domains: Vec<Domain>,
    /// The store's folder.
    pub data_dir: PathBuf,
    /// What the domains offer; not nothing.
    pub services: Services,
    /// Where to listen.
    pub listen: Listen,
    /// Certificates.
    pub tls: Tls,
    /// Logins.
    pub auth: Auth,
    /// Who is asked in the DNS.
    pub dns: Dns,
    /// Other domains.
    pub interdomain: Interdomain,
    /// Leases that are granted.
    pub lease: LeaseBounds,
    /// How messages wait.
    pub mailbox: Mailbox,
    /// What one party may take.
    pub limits: Limits,
    /// Rules for users who set none.
    pub acl: Acl,
    /// What is logged, and how.
    pub log: Log,
}

/// Whether TLS comes first on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// HELLO in the clear, STARTTLS perhaps.
    Plain,
    /// TLS from the first octet.
    Tls,
}

/// Where to listen; not both are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// In the clear, with STARTTLS.
    pub plain: Vec<SocketAddr>,
    /// TLS from the first octet.
    pub tls: Vec<SocketAddr>,
    /// Where /metrics and /healthz are; `None`: nowhere.
    pub http: Option<SocketAddr>,
    /// The socket for administrators' commands.
    pub control: PathBuf,
    /// Its mode, as chmod takes it.
    pub control_mode: u32,
}

/// Certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// For every domain without its own.
    pub certificate: Option<KeyPair>,
    /// A domain's own.
    pub domains: BTreeMap<Domain, KeyPair>,
    /// Whether TLS is.
    pub required: bool,
    /// Whose client certificates prove users.
    pub client_ca: Option<PathBuf>,
}

/// A certificate with its chain, and its key; PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The leaf's private key.
    pub key: PathBuf,
}

/// Logins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// Names of SASL mechanisms, best first, from `SCRAM-SHA-256-PLUS`, `SCRAM-SHA-256`, `PLAIN` and `EXTERNAL`.
    pub mechanisms: Vec<&'static str>,
    /// PBKDF2 rounds for the passwords of a domain that has none yet.
    pub scram_iterations: u32,
    /// Whether ANONYMOUS is offered.
    pub anonymous: bool,
}

/// Who is asked in the DNS, and whether it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// Empty: the system's.
    pub resolvers: Vec<SocketAddr>,
    /// Who validates answers.
    pub dnssec: Dnssec,
    /// The file of keys from which on they are, always.
    pub trust_anchor: Option<PathBuf>,
}

/// Who validates the answers of the DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dnssec {
    /// We do.
    Validate,
    /// The resolvers, which are on this machine.
    TrustAd,
    /// Nobody.
    Off,
}

/// Other domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interdomain {
    /// Whether there is anything to do with them.
    pub enabled: bool,
    /// The file of those who vouch for them; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// How long they may take to answer.
    pub response_timeout: Duration,
    /// After how long a link on which nothing happens is closed.
    pub idle: Duration,
    /// What one of them may take.
    pub limits: DomainLimits,
    /// Those of which more is known than a name; each once, none of them ours.
    pub peers: Vec<Peer>,
}

/// What one other domain may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainLimits {
    /// Links at a time.
    pub links: usize,
    /// Requests without an answer.
    pub outstanding: u32,
    /// Their octets.
    pub outstanding_octets: u64,
    /// Requests in a second.
    pub requests_per_second: u32,
    /// Subscriptions of its users.
    pub subscriptions: usize,
}

/// What is known of another domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Which.
    pub domain: Domain,
    /// Where its server is.
    pub server: Option<HostPort>,
    /// The file of the secret that is shared with it.
    pub secret_file: Option<PathBuf>,
    /// Its server's key.
    pub pin: Option<Pin>,
    /// No TLS; there is a secret then, and no pin.
    pub insecure: bool,
}

/// How messages wait for users who do not acknowledge them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Whether they are stored at all.
    pub enabled: bool,
    /// Messages of one user.
    pub max_messages: u64,
    /// Octets of one user's messages.
    pub max_octets: u64,
    /// Older ones are deleted.
    pub max_age: Duration,
    /// How long a connected client may take.
    pub delivery_timeout: Duration,
}

/// What one party may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a body.
    pub body: u64,
    /// Unanswered requests of one connection.
    pub outstanding: u32,
    /// Octets of one session's unanswered requests.
    pub outstanding_octets: u64,
    /// Requests of one user.
    pub requests: Rate,
    /// Messages of one user.
    pub messages: Rate,
    /// Octets that one client has not acknowledged.
    pub unacknowledged: u64,
    /// Octets of everybody.
    pub memory: u64,
    /// Connections in all.
    pub connections: usize,
    /// Connections that have not logged in.
    pub logins: usize,
    /// Octets of one of these.
    pub login_octets: u64,
    /// Logins that may fail without consequence.
    pub failed_logins: u32,
    /// How long the next ones wait at most; less than the time that there is for a login.
    pub failed_login_delay: Duration,
    /// Connections from one IPv4 address or IPv6 /64.
    pub connections_per_address: usize,
    /// Sessions of one user.
    pub connections_per_user: usize,
    /// Subscriptions that one session holds.
    pub subscriptions_per_session: usize,
    /// Subscriptions to one user.
    pub subscribers_per_user: usize,
    /// Octets of one presence object.
    pub presence_octets: usize,
    /// Views of one user.
    pub views_per_user: usize,
    /// Rules of one user.
    pub acl_rules: usize,
    /// Deliveries known when sent again.
    pub remembered_deliveries: usize,
    /// Users in memory with whom nothing goes on.
    pub cached_users: usize,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: &'static str,
    /// JSON rather than text.
    pub json: bool,
}

impl Listen {
    /// The addresses of each kind of port.
    #[must_use]
    pub fn ports(&self) -> [(Start, &[SocketAddr]); 2] {
        [(Start::Plain, &self.plain), (Start::Tls, &self.tls)]
    }
}

impl Tls {
    /// Whether there is a certificate at all, and so TLS.
    #[must_use]
    pub fn has_certificate(&self) -> bool {
        self.certificate.is_some() || !self.domains.is_empty()
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`]; the first thing that is wrong.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|error| ConfigError {
            file: file.to_owned(),
            line: None,
            fault: ConfigFault::Read(error.kind()),
        })?;
        Self::parse(file, &text)
    }

    /// Reads the text of a file; `file` is named in errors, and relative paths begin in its folder.
    ///
    /// # Errors
    /// [`ConfigError`]; the first thing that is wrong.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let defaults = read::defaults_text();
        let defaults = read::parse(file, &defaults)?;
        let document = read::parse(file, text)?;
        build::Reader { values: Values::new(file, &document, &defaults)?, file }.config()
    }

    /// The configuration that `init` writes: what `sample` sets, and every other key in a comment with its default.
    #[must_use]
    pub fn sample(sample: &Sample<'_>) -> String {
        sample.write()
    }

    /// The certificate for a domain.
    #[must_use]
    pub fn key_pair(&self, domain: &Domain) -> Option<&KeyPair> {
        self.tls.domains.get(domain).or(self.tls.certificate.as_ref())
    }
}

#[cfg(test)]
mod tests;
