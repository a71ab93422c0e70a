//! `impp-relay.toml`: what an operator decides, read strictly and whole.

mod error;
pub mod keys;
mod read;
mod rules;
mod sample;
pub mod units;

pub mod check;

pub use error::{ConfigError, ConfigFault};
pub use keys::{KEYS, Key, Kind};
pub use sample::Sample;

use crate::model::acl::Acl;
use crate::model::{Domain, LeaseBounds};
use crate::wire::limits::MAX_BODY_FLOOR;
use read::{Found, Values};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The least iteration count (SPEC §4).
const ITERATIONS_MIN: u64 = 4096;
/// More than this clients refuse (SPEC §4).
const ITERATIONS_MAX: u64 = 1_000_000;
/// The most that Content-Length can say and memory might hold.
const BODY_MAX: u64 = 1 << 30;

/// The whole configuration. Paths are absolute or relative to the working directory; each value is within its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where it was read.
    pub file: PathBuf,
    /// The domains whose users live here; at least one.
    pub domains: Vec<Domain>,
    /// The store's folder.
    pub data_dir: PathBuf,
    /// Where to listen.
    pub listen: Listen,
    /// Certificates.
    pub tls: Tls,
    /// Logins.
    pub auth: Auth,
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

/// Where to listen; not both are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// In the clear, with STARTTLS.
    pub plain: Vec<SocketAddr>,
    /// TLS from the first octet.
    pub tls: Vec<SocketAddr>,
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
    /// Connections in all.
    pub connections: usize,
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
        Reader { values: Values::new(file, &document, &defaults)?, file }.config()
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

struct Reader<'a> {
    values: Values<'a>,
    file: &'a Path,
}

impl Reader<'_> {
    fn config(&self) -> Result<Config, ConfigError> {
        let values = &self.values;
        let domains = values.domains()?;
        let tls = self.tls(&domains)?;
        Ok(Config {
            file: self.file.to_owned(),
            data_dir: self.path(values.text("data-dir")?),
            listen: self.listen(&tls)?,
            auth: self.auth()?,
            lease: self.lease()?,
            mailbox: Mailbox {
                enabled: values.switch("mailbox.enabled")?,
                max_messages: values.count("mailbox.max-messages", 1, u64::MAX)?,
                max_octets: values.size("mailbox.max-octets", 1, u64::MAX)?,
                max_age: values.time("mailbox.max-age")?,
                delivery_timeout: values.time("mailbox.delivery-timeout")?,
            },
            limits: self.limits()?,
            acl: rules::read(values, "acl.default")?,
            log: Log { level: self.word("log.level", keys::LEVELS)?, json: self.word("log.format", keys::FORMATS)? == "json" },
            tls,
            domains,
        })
    }

    fn path(&self, text: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(text)
    }

    fn listen(&self, tls: &Tls) -> Result<Listen, ConfigError> {
        let plain = self.values.list("listen.plain", |text| text.parse().ok())?;
        let secure = self.values.list("listen.tls", |text| text.parse().ok())?;
        let certificate = tls.certificate.is_some() || !tls.domains.is_empty();
        if !certificate && self.values.is_set("listen.tls") && !secure.is_empty() {
            return Err(self.values.refuse("listen.tls", ConfigFault::TlsWithoutCertificate));
        }
        let listen = Listen { plain, tls: if certificate { secure } else { Vec::new() } };
        if listen.plain.is_empty() && listen.tls.is_empty() {
            return Err(self.values.refuse("listen.plain", ConfigFault::NoListener));
        }
        Ok(listen)
    }

    fn tls(&self, domains: &[Domain]) -> Result<Tls, ConfigError> {
        let values = &self.values;
        let certificate = self.key_pair("tls", values.find("tls.certificate"), values.find("tls.key"))?;
        let mut own = BTreeMap::new();
        for (name, line, found) in &values.per_domain {
            let domain = Domain::parse(name).ok().filter(|domain| domains.contains(domain));
            let domain = domain.ok_or_else(|| values.error(*line, ConfigFault::DomainNotOurs(name.clone())))?;
            let section = format!("tls.\"{name}\"");
            let pair = self.key_pair(&section, found.get("certificate").copied(), found.get("key").copied())?;
            let pair = pair.ok_or_else(|| values.error(*line, ConfigFault::HalfKeyPair(section)))?;
            own.insert(domain, pair);
        }
        let required = values.switch("tls.required")?;
        let covered = certificate.is_some() || domains.iter().all(|domain| own.contains_key(domain));
        if required && !covered {
            return Err(values.refuse("tls.required", ConfigFault::NoCertificate));
        }
        let client_ca = values.find("tls.client-ca").map(|found| self.path_of("tls.client-ca", found)).transpose()?;
        Ok(Tls { certificate, domains: own, required, client_ca })
    }

    fn key_pair(
        &self,
        section: &str,
        certificate: Option<Found<'_>>,
        key: Option<Found<'_>>,
    ) -> Result<Option<KeyPair>, ConfigError> {
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(KeyPair {
                certificate: self.path_of(&format!("{section}.certificate"), certificate)?,
                key: self.path_of(&format!("{section}.key"), key)?,
            })),
            (None, None) => Ok(None),
            (Some(half), None) | (None, Some(half)) => {
                Err(self.values.error(half.line, ConfigFault::HalfKeyPair(section.to_owned())))
            }
        }
    }

    fn path_of(&self, name: &str, found: Found<'_>) -> Result<PathBuf, ConfigError> {
        found.value.as_str().map(|text| self.path(text)).ok_or_else(|| self.values.wrong_kind(name, found.line))
    }

    fn auth(&self) -> Result<Auth, ConfigError> {
        let name = "auth.mechanisms";
        let words = self.values.list(name, |text| Some(text.to_owned()))?;
        let known = words.iter().map(|word| keys::MECHANISMS.iter().find(|known| *known == word).copied());
        let known: Option<Vec<_>> = known.collect();
        let iterations = self.values.count("auth.scram-iterations", ITERATIONS_MIN, ITERATIONS_MAX)?;
        Ok(Auth {
            mechanisms: known
                .ok_or_else(|| self.values.refuse(name, ConfigFault::Word { key: name, words: keys::MECHANISMS }))?,
            scram_iterations: u32::try_from(iterations).unwrap_or(u32::MAX),
            anonymous: self.values.switch("auth.anonymous")?,
        })
    }

    fn lease(&self) -> Result<LeaseBounds, ConfigError> {
        let [min, max, default] = ["lease.min", "lease.max", "lease.default"].map(|name| self.values.time(name));
        let bounds = LeaseBounds { min: min?, max: max?, default: default? };
        if bounds.min.is_zero() || bounds.min > bounds.default || bounds.default > bounds.max {
            let set = ["lease.min", "lease.default", "lease.max"].into_iter().find(|name| self.values.is_set(name));
            return Err(self.values.refuse(set.unwrap_or_default(), ConfigFault::LeaseOrder));
        }
        Ok(bounds)
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        let values = &self.values;
        let some =
            |name, min| values.count(name, min, u64::from(u32::MAX)).map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        Ok(Limits {
            body: values.size("limits.body", MAX_BODY_FLOOR, BODY_MAX)?,
            outstanding: u32::try_from(values.count("limits.outstanding", 1, 65_536)?).unwrap_or(u32::MAX),
            connections: some("limits.connections", 1)?,
            connections_per_address: some("limits.connections-per-address", 1)?,
            connections_per_user: some("limits.connections-per-user", 1)?,
            subscriptions_per_session: some("limits.subscriptions-per-session", 0)?,
            subscribers_per_user: some("limits.subscribers-per-user", 0)?,
            presence_octets: usize::try_from(values.size("limits.presence-octets", 1024, BODY_MAX)?).unwrap_or(usize::MAX),
            views_per_user: some("limits.views-per-user", 0)?,
            acl_rules: some("limits.acl-rules", 1)?,
            remembered_deliveries: some("limits.remembered-deliveries", 0)?,
            cached_users: some("limits.cached-users", 1)?,
        })
    }

    fn word(&self, name: &'static str, words: &'static [&'static str]) -> Result<&'static str, ConfigError> {
        let text = self.values.text(name)?;
        let known = words.iter().find(|word| **word == text).copied();
        known.ok_or_else(|| self.values.refuse(name, ConfigFault::Word { key: name, words }))
    }
}

#[cfg(test)]
mod tests;
