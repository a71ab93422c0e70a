//! Where a domain's server may be, best first: what a person named, or what the DNS says (SPEC §2.2).

use super::error::ConnectError;
use super::{HostPort, TlsKind};
use crate::model::Domain;
use crate::net::dns::{NoOffer, Offer, Published, Security};

/// Candidates that are tried at most: a zone must not send its users round the world.
const CANDIDATES: usize = 32;

/// Where a domain's server may be, best first. Whoever fills it has decided the order; here all of it is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    /// The domain.
    pub domain: Domain,
    /// The places; never none.
    pub list: Vec<Candidate>,
}

/// One place where a server may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// A name or, if a person gave it, perhaps an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How to begin there.
    pub tls: TlsKind,
    /// Who said so.
    pub origin: Origin,
}

/// Who said that a server is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A person, or a server that proved who it is: the DNS is asked for nothing but the address.
    Named,
    /// An SRV record: this host's name and TLSA records count, if the answer was secure.
    Record {
        /// Whether it was.
        secure: bool,
    },
    /// Nobody: it is the domain itself, as there is no SRV record.
    Itself,
}

impl Candidates {
    /// The one server that a person named.
    #[must_use]
    pub fn named(domain: &Domain, server: &HostPort, tls: TlsKind) -> Self {
        let port = server.port.unwrap_or(tls.port());
        let candidate = Candidate { host: server.host.clone(), port, tls, origin: Origin::Named };
        Self { domain: domain.clone(), list: vec![candidate] }
    }

    /// What the DNS says. `tls`: [`TlsKind::Require`] takes both kinds, each with its TLS; the others only what has a plain
    /// start. `below(n)` is a random number below `n`.
    ///
    /// # Errors
    /// Why there is none: [`ConnectError::Undecided`] for now, [`ConnectError::NotOffered`] for good.
    pub fn published(published: &Published, tls: TlsKind, below: &mut dyn FnMut(u64) -> u64) -> Result<Self, ConnectError> {
        let domain = &published.domain;
        let offers = published.offers(below).map_err(|none| match none {
            NoOffer::Declined => ConnectError::NotOffered(domain.clone()),
            NoOffer::Undecided(kind, why) => {
                ConnectError::Undecided { question: format!("{} SRV", published.role.question(kind, domain)), why }
            }
        })?;
        let wanted = offers.into_iter().filter(|offer| tls == TlsKind::Require || offer.tls != TlsKind::Require);
        let list: Vec<Candidate> = wanted.take(CANDIDATES).map(|offer| Candidate::of(offer, tls)).collect();
        if list.is_empty() { Err(ConnectError::NotOffered(domain.clone())) } else { Ok(Self { domain: domain.clone(), list }) }
    }
}

impl Candidate {
    fn of(offer: Offer, tls: TlsKind) -> Self {
        let origin = match offer.record {
            Some(_) => Origin::Record { secure: offer.security == Security::Secure },
            None => Origin::Itself,
        };
        let tls = if tls == TlsKind::Off { TlsKind::Off } else { offer.tls };
        Self { host: offer.host, port: offer.port, tls, origin }
    }

    /// Whether the host's name may stand in the certificate in place of the domain's.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.origin == Origin::Record { secure: true }
    }

    /// Whether TLSA records of the host count (SPEC §2.4).
    #[must_use]
    pub fn may_have_tlsa(&self, domain: &Domain) -> bool {
        self.tls != TlsKind::Off && (self.is_proven() || (self.origin != Origin::Named && self.host == domain.as_str()))
    }

    /// The name of its TLSA records.
    ///
    /// *Shape:* `_5773._tcp.im1.example.org`
    #[must_use]
    pub fn tlsa_name(&self) -> String {
        format!("_{}._tcp.{}", self.port, self.host)
    }
}
