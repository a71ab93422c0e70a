//! What was seen of a domain: its records, its hosts, and what answered at each address.

use crate::model::{Domain, UnixMillis};
use crate::net::connect::HostPort;
use crate::net::dns::{Addresses, Failure, NoOffer, Offer, Outcome, Published, Role, Srv, Tlsa};
use crate::net::survey::Probe;
use std::net::SocketAddr;

/// Everything that was seen of one domain.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The domain.
    pub domain: Domain,
    /// When it was seen.
    pub now: UnixMillis,
    /// Where the records come from.
    pub source: Source,
    /// Whether servers were visited.
    pub visited: bool,
    /// Each role that was looked at.
    pub roles: Vec<RoleFacts>,
    /// What each name server of the zone says, or why they could not be found; `None`: they were not asked one by one.
    pub authorities: Option<Result<Vec<Authority>, Failure>>,
    /// What somebody expects.
    pub expected: Option<Expected>,
    /// Names of the zone that have SRV records and are nearly those of a role; known of a master file alone.
    pub strays: Vec<(String, Vec<Srv>)>,
}

/// Where records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A resolver, whose cache counts TTLs down.
    Resolver,
    /// A master file.
    ZoneFile,
}

/// One role.
#[derive(Clone, Debug)]
pub struct RoleFacts {
    /// The SRV records.
    pub published: Published,
    /// Whether whoever asked wants the service to be there.
    pub wanted: bool,
    /// The places in the order in which a client might try them, or why there are none.
    pub offers: Result<Vec<Offer>, NoOffer>,
    /// What is behind each of the places, in their order.
    pub hosts: Vec<Host>,
}

/// What is behind one place.
#[derive(Clone, Debug)]
pub struct Host {
    /// What the name is an alias of.
    pub alias: Option<String>,
    /// Its addresses.
    pub addresses: Addresses,
    /// Its TLSA records at this port.
    pub tlsa: Outcome<Tlsa>,
    /// What answered at each address. Empty: nobody was there.
    pub visits: Vec<Visit>,
}

/// What answered at one address.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The address.
    pub address: SocketAddr,
    /// What was found there.
    pub probe: Probe,
    /// Whether the server answers if spoken to in the other way: TLS where a plain start failed, and the reverse.
    pub answers_the_other_way: bool,
}

/// What one name server of the zone says.
#[derive(Clone, Debug)]
pub struct Authority {
    /// Its name.
    pub name: String,
    /// Its address; `None`: it has none, or it could not be found out.
    pub address: Option<SocketAddr>,
    /// Why its address could not be found out.
    pub failure: Option<Failure>,
    /// What it says of each role.
    pub says: Vec<Published>,
}

/// What somebody expects.
#[derive(Clone, Debug)]
pub enum Expected {
    /// That one of the records of each role leads here.
    Place(HostPort),
    /// Exactly these SRV records at each of these names.
    Records(Vec<(String, Vec<Srv>)>),
}

impl RoleFacts {
    /// Whether there are SRV records.
    #[must_use]
    pub fn has_records(&self) -> bool {
        !self.published.tls_first.records().is_empty() || !self.published.plain_start.records().is_empty()
    }

    /// The role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.published.role
    }

    /// The places with what is behind them.
    pub fn places(&self) -> impl Iterator<Item = (&Offer, &Host)> {
        self.offers.iter().flatten().zip(&self.hosts)
    }
}

impl Facts {
    /// Whether a role without records stands beside one that has some: it was forgotten, and what its fallback meets is no
    /// fault of the servers there.
    #[must_use]
    pub fn is_forgotten(&self, role: &RoleFacts) -> bool {
        is_forgotten(&self.roles, role)
    }
}

/// As [`Facts::is_forgotten`].
pub(super) fn is_forgotten(roles: &[RoleFacts], role: &RoleFacts) -> bool {
    role.published.is_silent() && roles.iter().any(RoleFacts::has_records)
}

impl Visit {
    /// Whether a client could go on to log in: the certificate is accepted and HELLO answered.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let accepted = matches!(&self.probe.tls, Some(Ok(examined)) if examined.verdict.is_ok());
        accepted && matches!(self.probe.hello, Some(Ok(_)))
    }
}
