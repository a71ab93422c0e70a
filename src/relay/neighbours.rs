//! What the relay knows of other domains: how to tell their servers, and how to reach them.

use super::authorities::Authorities;
use super::config::Config;
use super::config::Dnssec;
use super::config::secret;
use super::config::secret::SecretFault;
use super::turns::Turns;
use crate::engine::PeerPolicy;
use crate::engine::sasl;
use crate::model::Credentials;
use crate::model::Domain;
use crate::model::Secret;
use crate::net::ServerTls;
use crate::net::TlsFileError;
use crate::net::client::Error;
use crate::net::client::Options;
use crate::net::connect::HostPort;
use crate::net::connect::TlsKind;
use crate::net::dns::AnchorError;
use crate::net::dns::Anchors;
use crate::net::dns::Resolver;
use crate::net::dns::ResolverError;
use crate::net::dns::ResolverOptions;
use crate::net::dns::Validation;
use crate::net::link;
use crate::net::link::Proof;
use crate::net::random;
use crate::net::tls::Prepared;
use crate::net::tls::Trust;
use crate::service::Route;
use core::fmt;
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Other domains that are judged at the same time; more of them wait, and their time to log in goes on.
const JUDGED_AT_ONCE: usize = 256;
/// The same of those that come from one address.
const JUDGED_OF_ONE: usize = 16;
/// Time for a link to stand, from the first question to the DNS on.
const OPEN_TIME: Duration = Duration::from_secs(30);

/// All of it.
pub(super) struct Neighbours {
    peers: BTreeMap<Domain, Known>,
    resolver: Resolver,
    authorities: Authorities,
    tls: Option<Arc<ServerTls>>,
    judging: Turns,
    agent: &'static str,
    max_body: u64,
    max_outstanding: u32,
}

/// What is known of one domain beyond its name.
struct Known {
    server: Option<HostPort>,
    secret: Option<(Secret, Credentials)>,
    pin: Option<Prepared>,
    insecure: bool,
}

/// Why nothing can be known.
#[derive(Debug)]
pub enum NeighboursError {
    /// The file of trust anchors.
    Anchors(AnchorError),
    /// The resolver.
    Resolver(ResolverError),
    /// The file of authorities.
    Authorities(TlsFileError),
    /// The file of a secret.
    Secret {
        /// Which.
        file: PathBuf,
        /// What the system says; `None`: there is no secret in it.
        error: Option<io::ErrorKind>,
    },
}

impl fmt::Display for NeighboursError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anchors(error) => error.fmt(f),
            Self::Resolver(error) => {
                write!(f, "{error}; name the resolvers in [dns], or set enabled = false in [interdomain]")
            }
            Self::Authorities(error) => error.fmt(f),
            Self::Secret { file, error: Some(error) } => write!(f, "cannot read the secret in {}: {error}", file.display()),
            Self::Secret { file, error: None } => write!(f, "{} must have a secret alone on its first line", file.display()),
        }
    }
}

/// How a relay introduces itself to others.
pub(super) struct Introduction {
    pub(super) agent: &'static str,
    pub(super) max_body: u64,
    pub(super) max_outstanding: u32,
}

impl Neighbours {
    /// Reads files and hashes secrets: it blocks.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub(super) fn load(config: &Config, tls: Option<Arc<ServerTls>>, us: Introduction) -> Result<Self, NeighboursError> {
        let mut peers = BTreeMap::new();
        for peer in &config.interdomain.peers {
            let secret = match &peer.secret_file {
                None => None,
                Some(file) => {
                    let none = |error| NeighboursError::Secret { file: file.clone(), error };
                    let secret = secret::read(file).map_err(|fault| match fault {
                        SecretFault::Unreadable(kind) => none(Some(kind)),
                        SecretFault::None => none(None),
                    })?;
                    let salt: [u8; sasl::SALT_OCTETS] = random::octets();
                    let record = sasl::derive(&secret, config.auth.scram_iterations, &salt).map_err(|_| none(None))?;
                    Some((secret, record))
                }
            };
            let pin = peer.pin.map(|pin| Trust::Pins(vec![pin]).prepared()).transpose().map_err(NeighboursError::Authorities)?;
            let known = Known { server: peer.server.clone(), secret, pin, insecure: peer.insecure };
            peers.insert(peer.domain.clone(), known);
        }
        let Introduction { agent, max_body, max_outstanding } = us;
        Ok(Self {
            peers,
            resolver: resolver(config)?,
            authorities: Authorities::of(config).map_err(NeighboursError::Authorities)?,
            tls,
            judging: Turns::new(JUDGED_AT_ONCE, JUDGED_OF_ONE),
            agent,
            max_body,
            max_outstanding,
        })
    }

    /// Who is asked in the DNS.
    pub(super) fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// See [`Authorities::read_soon`].
    pub(super) fn read_authorities_soon(&self) {
        self.authorities.read_soon();
    }

    /// Who vouches for domains of which nothing is known.
    pub(super) fn authorities(&self) -> &Prepared {
        self.authorities.read()
    }

    /// What is known of a domain, in words.
    pub(super) fn describe(&self, domain: &Domain) -> String {
        let Some(known) = self.peers.get(domain) else {
            return format!("nothing is configured for {domain}: the DNS leads the way");
        };
        let server = known.server.as_ref().map(|server| format!("its server is {server}, and the DNS is not asked"));
        let secret = known.secret.is_some().then(|| "there is a secret to log in with".to_owned());
        let pin = known.pin.is_some().then(|| "its key is pinned".to_owned());
        let clear = known.insecure.then(|| "without TLS".to_owned());
        format!("[[peer]] {domain}: {}", [server, secret, pin, clear].into_iter().flatten().collect::<Vec<_>>().join("; "))
    }

    /// What the engines of accepted connections are told.
    pub(super) fn policies(&self) -> BTreeMap<Domain, PeerPolicy> {
        let policy = |known: &Known| PeerPolicy { secret: known.secret.is_some(), clear: known.insecure };
        self.peers.iter().map(|(domain, known)| (domain.clone(), policy(known))).collect()
    }

    /// What the secret of a domain is checked against.
    pub(super) fn credentials(&self, origin: &Domain) -> Option<Credentials> {
        self.peers.get(origin)?.secret.as_ref().map(|(_, record)| record.clone())
    }

    /// Whether a chain, leaf first, proves that its holder speaks for the domain.
    ///
    /// # Errors
    /// Why not, or why it cannot be decided now.
    pub(super) async fn judge(&self, origin: &Domain, chain: &[CertificateDer<'_>], peer: IpAddr) -> Result<Proof, Error> {
        let _turn = self.judging.turn(peer).await;
        let known = self.peers.get(origin);
        let authorities = known.and_then(|known| known.pin.as_ref()).unwrap_or_else(|| self.authorities.read());
        let named = known.is_some_and(|known| known.server.is_some());
        link::judge(origin, chain, authorities, (!named).then_some(&self.resolver)).await
    }

    /// How to open a link; `None` without a certificate to do it with.
    pub(super) fn options(&self, route: &Route) -> Option<Options> {
        let known = self.peers.get(&route.theirs);
        let clear = known.is_some_and(|known| known.insecure);
        let certificate = self.tls.as_ref().and_then(|tls| tls.identity(&route.ours));
        let secret = known.and_then(|known| known.secret.as_ref()).map(|(secret, _)| secret.clone());
        if certificate.is_none() && secret.is_none() {
            return None;
        }
        let pin = known.and_then(|known| known.pin.clone());
        Some(Options {
            server: known.and_then(|known| known.server.clone()),
            resolver: Some(self.resolver.clone()),
            tls: if clear { TlsKind::Off } else { TlsKind::Require },
            clear_anywhere: clear,
            trust: Trust::Prepared(pin.unwrap_or_else(|| self.authorities.read().clone())),
            timeout: OPEN_TIME,
            max_body: self.max_body,
            max_outstanding: self.max_outstanding,
            agent: self.agent.to_owned(),
            ..Options::link(&route.ours, &route.theirs, secret, certificate)
        })
    }
}

/// Who is asked in the DNS.
pub(super) fn resolver(config: &Config) -> Result<Resolver, NeighboursError> {
    let validation = match (&config.dns.trust_anchor, config.dns.dnssec) {
        (Some(file), _) => Validation::From(Anchors::read(file).map_err(NeighboursError::Anchors)?),
        (None, Dnssec::Validate) => Validation::IfPossible,
        (None, Dnssec::TrustAd) => Validation::ByResolver,
        (None, Dnssec::Off) => Validation::Off,
    };
    let options = ResolverOptions { servers: config.dns.resolvers.clone(), validation, ..ResolverOptions::default() };
    Resolver::new(&options).map_err(NeighboursError::Resolver)
}
