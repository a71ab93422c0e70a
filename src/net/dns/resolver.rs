//! Asking the DNS: fully qualified names only, through the system's resolver or a named one, validated where that is possible.
//!
//! Validation is done here and not left to the resolver: nobody on the way need be trusted. What the resolver crate cannot
//! prove it calls bogus, so that its gaps end in a temporary failure and never in a wrong "secure" (0.26 does not accept
//! answers made from a wildcard in a zone with NSEC; with NSEC3 it does).

use super::anchors::Anchors;
use super::answer::{Absent, Addresses, Answer, Outcome, Security, Srv, Tlsa};
use super::read::{ALIASES, Found, Raw, outcome, text};
use super::trusting::Trusting;
use crate::net::clock::Clock;
use crate::net::connect::Family;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The port of name servers.
pub const PORT_DNS: u16 = 53;
/// How long it is believed that a resolver passes signatures on, or does not: a laptop changes its network.
const CAPABLE_FOR: Duration = Duration::from_secs(60);
/// Names that private networks use and that no zone below the root delegates: the root proves that they do not exist, so
/// that an answer from one's own network cannot be validated (RFC 6762 appendix G, RFC 8375, ICANN's `internal`).
const PRIVATE: &[&str] = &["corp", "home", "home.arpa", "internal", "intranet", "lan", "local", "private", "test"];

/// Whether answers are validated.
#[derive(Clone, Debug, Default)]
pub enum Validation {
    /// From the root's keys, if the resolver passes signatures on; otherwise answers are [`Security::Unchecked`] and the
    /// domain's certificate alone decides. Names that only private networks know are never validated.
    ///
    /// Whoever can change what passes between us and the resolver can switch this off, and gains no more than to make us
    /// forget DANE: without proof no other name than the domain's own is ever accepted in a certificate.
    #[default]
    IfPossible,
    /// From these keys and always: a resolver that strips signatures makes every answer bogus.
    From(Anchors),
    /// By the resolver, which is on this machine and does it well: what it calls authentic is secure.
    ByResolver,
    /// Never.
    Off,
}

/// Which resolver, and how it is asked.
#[derive(Clone, Debug)]
pub struct ResolverOptions {
    /// The name servers; empty: the system's (`/etc/resolv.conf`; `127.0.0.1` where that names none).
    pub servers: Vec<SocketAddr>,
    /// Whether answers are validated.
    pub validation: Validation,
    /// Time for one attempt; every question is tried twice.
    pub timeout: Duration,
    /// Whether the server shall find out what it does not know. Without it an authoritative server is asked for its own.
    pub recursion: bool,
    /// No answer is believed for longer, whatever its zone says; a longer TTL reads as this one.
    pub longest_ttl: Duration,
}

/// The longest TTL that there is (RFC 2181, section 8): for whoever wants to see what a zone says.
pub const TTL_MAX: Duration = Duration::from_secs(i32::MAX as u64);
/// Nobody's mistake shall outlast a day in a process that goes on.
const TTL_USUAL: Duration = Duration::from_secs(86_400);

impl Default for ResolverOptions {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            validation: Validation::IfPossible,
            timeout: Duration::from_secs(3),
            recursion: true,
            longest_ttl: TTL_USUAL,
        }
    }
}

/// Asks the DNS. Cheap to clone; clones share what they know.
#[derive(Clone)]
pub struct Resolver {
    shared: Arc<Shared>,
}

struct Shared {
    way: Way,
    /// Whether the resolver passes signatures on, and until when that is believed.
    capable: Mutex<Option<(bool, Instant)>>,
    timeout: Duration,
}

/// As [`Validation`] says.
#[allow(clippy::large_enum_variant, reason = "a process has one or two of them")]
enum Way {
    IfPossible { validating: TokioResolver, plain: TokioResolver },
    Always(TokioResolver),
    ByResolver(Trusting),
    Never(TokioResolver),
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

/// A resolver that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResolverError {
    /// The system's settings make no sense.
    SystemSettings,
    /// Only a resolver on this machine can be believed that it has validated.
    Elsewhere(IpAddr),
}

impl fmt::Display for ResolverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SystemSettings => f.write_str("the system's resolver settings (/etc/resolv.conf) make no sense"),
            Self::Elsewhere(address) => write!(
                f,
                "the name server {address} is not on this machine: anybody between could say in its place that an answer is authentic"
            ),
        }
    }
}

impl std::error::Error for ResolverError {}

impl Resolver {
    /// The system's resolver.
    ///
    /// # Errors
    /// If its settings cannot be used.
    pub fn system() -> Result<Self, ResolverError> {
        Self::new(&ResolverOptions::default())
    }

    /// A resolver; nothing is asked yet.
    ///
    /// # Errors
    /// If the system's settings are needed and cannot be used.
    pub fn new(options: &ResolverOptions) -> Result<Self, ResolverError> {
        let config = config(&options.servers)?;
        let settings = |validating| {
            let mut settings = ResolverOpts::default();
            settings.timeout = options.timeout;
            settings.attempts = 1;
            settings.recursion_desired = options.recursion;
            settings.positive_max_ttl = Some(options.longest_ttl);
            settings.preserve_intermediates = true;
            // Signatures do not fit without EDNS; for anything else it may only be an obstacle.
            settings.edns0 = validating;
            // A person who names a resolver wants its answers, not those of a file.
            settings.use_hosts_file = if options.servers.is_empty() { ResolveHosts::Auto } else { ResolveHosts::Never };
            settings
        };
        let make = |anchors: Option<&Anchors>| {
            let mut builder = TokioResolver::builder_with_config(config.clone(), TokioRuntimeProvider::default());
            *builder.options_mut() = settings(anchors.is_some());
            if let Some(anchors) = anchors {
                builder = builder.with_trust_anchor(anchors.0.clone());
            }
            // Fails only for TLS and for systems without settings of their own; neither is asked for.
            builder.build().map_err(|_| ResolverError::SystemSettings)
        };
        let way = match &options.validation {
            Validation::IfPossible => Way::IfPossible { validating: make(Some(&Anchors::default()))?, plain: make(None)? },
            Validation::From(anchors) => Way::Always(make(Some(anchors))?),
            Validation::ByResolver => {
                let elsewhere = config.name_servers().iter().find(|server| !server.ip.to_canonical().is_loopback());
                if let Some(server) = elsewhere {
                    return Err(ResolverError::Elsewhere(server.ip));
                }
                Way::ByResolver(Trusting::new(&config, settings(true)).ok_or(ResolverError::SystemSettings)?)
            }
            Validation::Off => Way::Never(make(None)?),
        };
        Ok(Self { shared: Arc::new(Shared { way, capable: Mutex::new(None), timeout: options.timeout }) })
    }

    /// The time for one attempt to ask.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.shared.timeout
    }

    /// Whether answers about names outside private networks are validated; asks, if it was not yet asked.
    pub async fn validates(&self) -> bool {
        match &self.shared.way {
            Way::Always(_) | Way::ByResolver(_) => true,
            Way::IfPossible { validating, .. } => self.passes_signatures(validating).await,
            Way::Never(_) => false,
        }
    }

    /// Whether the root's own SOA arrives with a signature that holds. Its keys are needed anyway, and are kept. Everybody
    /// waits for the one who asks.
    async fn passes_signatures(&self, validating: &TokioResolver) -> bool {
        let mut known = self.shared.capable.lock().await;
        let now = Clock::instant();
        if let Some((capable, until)) = *known
            && now < until
        {
            return capable;
        }
        let root = Name::root();
        let asking = validating.lookup(root.clone(), RecordType::SOA);
        let capable = match tokio::time::timeout(self.shared.timeout, asking).await {
            Ok(result) => {
                let answer =
                    outcome(
                        &root,
                        result.map(Found::Lookup),
                        true,
                        |data| if let RData::SOA(_) = data { Some(()) } else { None },
                    );
                answer.security() == Some(Security::Secure)
            }
            Err(_) => false,
        };
        *known = Some((capable, now.checked_add(CAPABLE_FOR).unwrap_or(now)));
        capable
    }

    /// The SRV records of a name.
    pub async fn srv(&self, name: &str) -> Outcome<Srv> {
        self.follow(name, RecordType::SRV, |data| match data {
            RData::SRV(srv) => {
                Some(Srv { priority: srv.priority, weight: srv.weight, port: srv.port, target: text(&srv.target) })
            }
            _ => None,
        })
        .await
    }

    /// The TLSA records of a name.
    pub async fn tlsa(&self, name: &str) -> Outcome<Tlsa> {
        self.ask(name, RecordType::TLSA, |data| match data {
            RData::TLSA(tlsa) => Some(Tlsa {
                usage: tlsa.cert_usage.into(),
                selector: tlsa.selector.into(),
                matching: tlsa.matching.into(),
                data: tlsa.cert_data.clone(),
            }),
            _ => None,
        })
        .await
    }

    /// The addresses of a host, both kinds asked side by side.
    pub async fn addresses(&self, host: &str, family: Family) -> Addresses {
        let six = async { if family == Family::V4 { None } else { Some(self.v6(host).await) } };
        let four = async { if family == Family::V6 { None } else { Some(self.v4(host).await) } };
        let (v6, v4) = tokio::join!(six, four);
        Addresses { v6, v4 }
    }

    /// The IPv6 addresses of a host.
    pub async fn v6(&self, host: &str) -> Outcome<std::net::Ipv6Addr> {
        self.ask(host, RecordType::AAAA, |data| match data {
            RData::AAAA(address) => Some(address.0),
            _ => None,
        })
        .await
    }

    /// The IPv4 addresses of a host.
    pub async fn v4(&self, host: &str) -> Outcome<std::net::Ipv4Addr> {
        self.ask(host, RecordType::A, |data| match data {
            RData::A(address) => Some(address.0),
            _ => None,
        })
        .await
    }

    /// What a name is an alias of.
    pub async fn alias(&self, name: &str) -> Outcome<String> {
        self.ask(name, RecordType::CNAME, |data| match data {
            RData::CNAME(alias) => text(&alias.0),
            _ => None,
        })
        .await
    }

    /// The name servers of a zone.
    pub async fn name_servers(&self, zone: &str) -> Outcome<String> {
        self.ask(zone, RecordType::NS, |data| match data {
            RData::NS(server) => text(&server.0),
            _ => None,
        })
        .await
    }

    /// As [`Resolver::ask`]. The crate takes the target of an SRV record for an alias and misses records behind a real one,
    /// so that those are followed here.
    async fn follow<T>(&self, name: &str, kind: RecordType, pick: impl Fn(&Raw) -> Option<T> + Copy) -> Outcome<T> {
        let (mut owner, mut security, mut ttl) = (name.to_owned(), Security::Secure, Duration::MAX);
        for _ in 0..=ALIASES {
            let found = match self.ask(&owner, kind, pick).await {
                Outcome::Absent(absence) => absence,
                Outcome::Records(answer) => {
                    let canonical = answer.canonical.or((owner != name).then_some(owner));
                    let (security, ttl) = (security.min(answer.security), ttl.min(answer.ttl));
                    return Outcome::Records(Answer { records: answer.records, security, ttl, canonical });
                }
                failed @ Outcome::Failed(_) => return failed,
            };
            match self.alias(&owner).await {
                Outcome::Records(answer) => {
                    security = security.min(answer.security);
                    ttl = ttl.min(answer.ttl);
                    match answer.records.into_iter().next() {
                        Some(next) => owner = next,
                        None => return Outcome::Failed(super::Failure::Malformed),
                    }
                }
                Outcome::Absent(absence) => {
                    // A name without this kind of record may have others, which a confused answer to the first question hid.
                    let what = if absence.what == Absent::Name { Absent::Name } else { found.what };
                    let security = security.min(found.security).min(absence.security);
                    return Outcome::Absent(super::Absence { what, security, ttl: found.ttl });
                }
                Outcome::Failed(failure) => return Outcome::Failed(failure),
            }
        }
        Outcome::Failed(super::Failure::Malformed)
    }

    /// Asks one question. The name is taken as fully qualified, whether or not it ends in a dot: search lists would make
    /// somebody else's records its own.
    async fn ask<T>(&self, name: &str, kind: RecordType, pick: impl Fn(&Raw) -> Option<T>) -> Outcome<T> {
        let Ok(mut name) = Name::from_ascii(name) else { return Outcome::Failed(super::Failure::Malformed) };
        name.set_fqdn(true);
        let (result, checked) = self.look_up(&name, kind).await;
        outcome(&name, result, checked, pick)
    }

    async fn look_up(&self, name: &Name, kind: RecordType) -> (Result<Found, NetError>, bool) {
        let (resolver, checked) = match &self.shared.way {
            Way::ByResolver(resolver) => return (resolver.lookup(name.clone(), kind).await.map(Found::Records), true),
            Way::IfPossible { plain, .. } if is_private(name) || !self.validates().await => (plain, false),
            Way::IfPossible { validating, .. } | Way::Always(validating) => (validating, true),
            Way::Never(plain) => (plain, false),
        };
        (resolver.lookup(name.clone(), kind).await.map(Found::Lookup), checked)
    }
}

fn is_private(name: &Name) -> bool {
    let text = text(name).unwrap_or_default();
    // A single label is not a name of the global DNS either.
    !text.contains('.')
        || PRIVATE.iter().any(|zone| text.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn config(servers: &[SocketAddr]) -> Result<ResolverConfig, ResolverError> {
    let server = |address: &SocketAddr| {
        let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
        (udp.port, tcp.port) = (address.port(), address.port());
        NameServerConfig::new(address.ip(), true, vec![udp, tcp])
    };
    let servers = match servers {
        [] => return system(),
        named => named.iter().map(server).collect(),
    };
    Ok(ResolverConfig::from_parts(None, Vec::new(), servers))
}

#[cfg(unix)]
fn system() -> Result<ResolverConfig, ResolverError> {
    // As resolv.conf(5) has it: no file, or one without name servers, means this machine.
    let here = || ResolverConfig::from_parts(None, vec![], vec![NameServerConfig::udp_and_tcp(IpAddr::from([127, 0, 0, 1]))]);
    match std::fs::read("/etc/resolv.conf") {
        Ok(text) => match hickory_resolver::system_conf::parse_resolv_conf(&text) {
            Ok((config, _)) => Ok(config),
            Err(_) if !text.split(|c| *c == b'\n').any(|line| line.starts_with(b"nameserver")) => Ok(here()),
            Err(_) => Err(ResolverError::SystemSettings),
        },
        Err(_) => Ok(here()),
    }
}

#[cfg(not(unix))]
fn system() -> Result<ResolverConfig, ResolverError> {
    let (config, _) = hickory_resolver::system_conf::read_system_conf().map_err(|_| ResolverError::SystemSettings)?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_names_are_not_validated() {
        for (name, private) in [
            ("localhost", true),
            ("im.lan", true),
            ("_impps-client._tcp.office.lan", true),
            ("nas.home.arpa", true),
            ("home.arpa", true),
            ("lab.internal", true),
            ("example.org", false),
            ("internal.example.org", false),
            ("notlan.example", false),
            ("plan.net", false),
            ("a.plan", false),
            ("4.3.2.1.in-addr.arpa", false),
        ] {
            assert_eq!(is_private(&Name::from_ascii(name).unwrap()), private, "{name}");
        }
    }
}
