//! Whether a certificate proves that who shows it is the server of a domain: what the DNS says of that domain's servers decides,
//! else the authorities do (SPEC §9.1).

use crate::model::{Domain, UnixMillis};
use crate::net::client::Error;
use crate::net::clock::Clock;
use crate::net::connect::lookup::expected;
use crate::net::connect::{Candidate, Candidates, ConnectError, Family, TlsKind};
use crate::net::dns::{Addresses, Failure, Outcome, Published, Resolver, Role};
use crate::net::tls::{AcceptedBy, Prepared, Reference, prove};
use rustls::pki_types::CertificateDer;
use std::fmt;
use std::time::Duration;
use tokio::task::JoinSet;

/// Time for all that the DNS has to say of one domain: the peer waits for it with the rest of its time to log in.
const ASK_TIME: Duration = Duration::from_secs(10);

/// The servers of a domain, and what tells that somebody is one of them.
#[derive(Clone, Debug)]
pub struct Servers {
    /// What each has to prove. The first is the domain itself, whoever runs it.
    pub expected: Vec<Reference>,
    /// Where each of them is; the domain itself is nowhere.
    pub places: Vec<Option<Candidate>>,
    /// A question that was not answered and might have decided.
    pub unanswered: Option<ConnectError>,
}

/// What a certificate proved, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What made it good enough.
    pub by: AcceptedBy,
    /// For which of the domain's servers.
    pub server: Reference,
    /// Where that one is, if the DNS says so.
    pub place: Option<Candidate>,
}

/// Judges a chain, leaf first. `resolver`: `None` for a domain whose server a person named; the DNS then has no say, as it has none
/// where a key is pinned.
///
/// # Errors
/// [`Error::Unreachable`] if it cannot be decided now, [`Error::Tls`] if the certificate does not prove it.
pub async fn judge(
    domain: &Domain,
    chain: &[CertificateDer<'_>],
    authorities: &Prepared,
    resolver: Option<&Resolver>,
) -> Result<Proof, Error> {
    let servers = match resolver.filter(|_| authorities.heeds_tlsa()) {
        Some(resolver) => Servers::ask(domain, resolver).await?,
        None => Servers::unpublished(domain),
    };
    servers.prove(authorities, chain, Clock::now().unix)
}

impl Servers {
    /// Nothing is known but the domain's name.
    #[must_use]
    pub fn unpublished(domain: &Domain) -> Self {
        Self { expected: vec![domain.clone().into()], places: vec![None], unanswered: None }
    }

    /// What the DNS says.
    ///
    /// # Errors
    /// If it does not say what servers there are.
    pub async fn ask(domain: &Domain, resolver: &Resolver) -> Result<Self, ConnectError> {
        let late = || {
            let question = format!("{} SRV", Role::Server.question(TlsKind::Require, domain));
            ConnectError::Undecided { question, why: Failure::Timeout }
        };
        tokio::time::timeout(ASK_TIME, Self::find(domain, resolver)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn find(domain: &Domain, resolver: &Resolver) -> Result<Self, ConnectError> {
        let published = Published::ask(resolver, domain, Role::Server).await;
        let mut servers = Self::unpublished(domain);
        // The order is no matter: all of them count.
        let candidates = match Candidates::published(&published, TlsKind::Require, &mut |_| 0) {
            Ok(candidates) => candidates.list,
            // It takes no links; it may open them all the same.
            Err(ConnectError::NotOffered(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut asking = JoinSet::new();
        for candidate in candidates {
            let (domain, resolver) = (domain.clone(), resolver.clone());
            asking.spawn(async move { (look(&domain, &candidate, &resolver).await, candidate) });
        }
        while let Some(asked) = asking.join_next().await {
            match asked {
                Ok((Ok(expected), candidate)) => {
                    servers.expected.push(expected);
                    servers.places.push(Some(candidate));
                }
                Ok((Err(error), _)) => servers.unanswered = servers.unanswered.or(Some(error)),
                // The runtime is being torn down.
                Err(_) => servers.unanswered = Some(ConnectError::NoResolver),
            }
        }
        Ok(servers)
    }

    /// Judges a chain, leaf first.
    ///
    /// # Errors
    /// As [`judge`].
    pub fn prove(&self, authorities: &Prepared, chain: &[CertificateDer<'_>], now: UnixMillis) -> Result<Proof, Error> {
        let undecided = self.unanswered.clone().map(Error::Unreachable);
        match (prove(&self.expected, authorities, chain, now), undecided) {
            // No answer is not "no TLSA": an authority's word must not be enough because the zone's was suppressed.
            (Ok((at, by)), None) | (Ok((at, by @ AcceptedBy::Tlsa(_))), _) => {
                let server = self.expected.get(at).cloned();
                let place = self.places.get(at).cloned().flatten();
                server.map(|server| Proof { by, server, place }).ok_or(Error::Closed)
            }
            (_, Some(undecided)) => Err(undecided),
            (Err(fault), None) => Err(Error::Tls(fault)),
        }
    }
}

/// What the server at one place has to prove. Addresses are asked for only where they matter.
async fn look(domain: &Domain, candidate: &Candidate, resolver: &Resolver) -> Result<Reference, ConnectError> {
    let tlsa = match candidate.may_have_tlsa(domain) {
        true => Some(resolver.tlsa(&candidate.tlsa_name()).await),
        false => None,
    };
    let addresses = match &tlsa {
        Some(Outcome::Failed(_)) => resolver.addresses(&candidate.host, Family::Any).await,
        _ => Addresses { v6: None, v4: None },
    };
    expected(domain, candidate, tlsa, &addresses)
}

impl fmt::Display for Proof {
    /// *Shape:* `TLSA 3 1 1 at _5773._tcp.im1.example.org`, `the name example.org`, `the host im1.example.org, which DNSSEC proves`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = &self.server.domain;
        let host = self.server.host.as_deref().unwrap_or(domain.as_str());
        match self.by {
            AcceptedBy::Domain => write!(f, "the name {domain}"),
            AcceptedBy::Host => write!(f, "the host {host}, which DNSSEC proves"),
            AcceptedBy::Tlsa(at) => {
                f.write_str("TLSA")?;
                if let Some(record) = self.server.tlsa.get(at) {
                    write!(f, " {} {} {}", record.usage, record.selector, record.matching)?;
                }
                self.place.as_ref().map_or(Ok(()), |place| write!(f, " at {}", place.tlsa_name()))
            }
        }
    }
}
