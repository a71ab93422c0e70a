//! Looks at a domain as its clients would, but at everything: all records, all hosts, all addresses, side by side.

use super::facts::{Authority, Expected, Facts, Host, RoleFacts, Source, Visit, is_forgotten};
use crate::model::Domain;
use crate::net::clock::Clock;
use crate::net::connect::{Family, TlsKind};
use crate::net::dns::resolver::{PORT_DNS, TTL_MAX};
use crate::net::dns::{
    Absence, Absent, Addresses, Failure, Offer, Outcome, Published, Resolver, ResolverOptions, Role, Security,
};
use crate::net::dns::{Srv, Tlsa, Validation, ZoneFile};
use crate::net::survey::{HelloFault, Probe, probe};
use crate::net::tls::{ClientTls, Reference, dane};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Steps of a visit that may each take their whole time.
const STEPS: u32 = 4;
/// No step has less.
const STEP_LEAST: Duration = Duration::from_millis(250);
/// Name servers of a zone that are asked at most.
const AUTHORITIES: usize = 16;
/// Places of one role that are looked at: a zone must not send whoever judges it round the world.
const PLACES: usize = 64;
/// Addresses of one host that are visited; clients try no more.
const ADDRESSES: usize = 16;
/// Addresses that are visited in all, each with a connection of its own.
const DOORS: usize = 256;

/// What to look at.
#[derive(Clone, Debug)]
pub struct Look {
    /// The roles, and whether whoever asks wants the service to be there.
    pub roles: Vec<(Role, bool)>,
    /// Whether to visit servers.
    pub connect: bool,
    /// Which addresses.
    pub family: Family,
    /// Whether to ask each name server of the zone by itself, and at which port.
    pub authorities: Option<u16>,
    /// What is expected.
    pub expected: Option<Expected>,
    /// The time for each step of a visit.
    pub limit: Duration,
    /// When all must be over.
    pub deadline: Instant,
}

impl Look {
    /// Both roles with visits, within this time.
    #[must_use]
    pub fn within(time: Duration, limit: Duration) -> Self {
        let now = Clock::instant();
        let deadline = now.checked_add(time).unwrap_or(now);
        let roles = vec![(Role::Client, true), (Role::Server, false)];
        Self { roles, connect: true, family: Family::Any, authorities: None, expected: None, limit, deadline }
    }

    /// The usual port of name servers.
    pub const AUTHORITY_PORT: u16 = PORT_DNS;
}

/// Where records are looked up.
#[derive(Clone, Debug)]
pub struct Books {
    /// A master file, for what it has a say in.
    pub zone: Option<Arc<ZoneFile>>,
    /// The DNS for everything else.
    pub resolver: Resolver,
}

/// How far it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many addresses are to be visited.
    Found(usize),
    /// One of them was.
    Visited,
}

impl Books {
    /// What is said of one role.
    pub async fn published(&self, domain: &Domain, role: Role) -> Published {
        let Some(zone) = &self.zone else { return Published::ask(&self.resolver, domain, role).await };
        let srv = |tls| zone.srv(&role.question(tls, domain));
        let (tls_first, plain_start): (Outcome<Srv>, Outcome<Srv>) = (srv(TlsKind::Require), srv(TlsKind::StartTls));
        Published { domain: domain.clone(), role, tls_first, plain_start }
    }

    fn zone_of(&self, name: &str) -> Option<&ZoneFile> {
        self.zone.as_deref().filter(|zone| zone.has_say(name))
    }

    async fn tlsa(&self, name: &str) -> Outcome<Tlsa> {
        match self.zone_of(name) {
            Some(zone) => zone.tlsa(name),
            None => self.resolver.tlsa(name).await,
        }
    }

    async fn addresses(&self, host: &str, family: Family) -> Addresses {
        let Some(zone) = self.zone_of(host) else { return self.resolver.addresses(host, family).await };
        let all = zone.addresses(host);
        // An alias may lead out of the zone.
        if all.all().is_empty()
            && let Some(alias) = zone.alias(host).filter(|alias| !zone.has_say(alias))
        {
            return self.resolver.addresses(&alias, family).await;
        }
        Addresses { v6: all.v6.filter(|_| family != Family::V4), v4: all.v4.filter(|_| family != Family::V6) }
    }

    async fn alias(&self, host: &str) -> Option<String> {
        match self.zone_of(host) {
            Some(zone) => zone.alias(host),
            None => self.resolver.alias(host).await.records().first().cloned(),
        }
    }

    async fn host(&self, offer: &Offer, family: Family) -> Host {
        let tlsa_name = format!("_{}._tcp.{}", offer.port, offer.host);
        let (addresses, mut tlsa) = tokio::join!(self.addresses(&offer.host, family), self.tlsa(&tlsa_name));
        let mut alias = canonical(addresses.v6.as_ref()).or_else(|| canonical(addresses.v4.as_ref()));
        if alias.is_none() && (self.zone.is_some() || addresses.all().is_empty()) {
            alias = self.alias(&offer.host).await;
        }
        // Where nothing is signed no TLSA record counts, and servers may well choke on the question (RFC 7672, 2.2.2).
        let states = [addresses.v6.as_ref().and_then(Outcome::security), addresses.v4.as_ref().and_then(Outcome::security)];
        if tlsa.failure().is_some() && states.into_iter().flatten().any(|state| state != Security::Secure) {
            tlsa = Outcome::Absent(Absence { what: Absent::Data, security: Security::Insecure, ttl: None });
        }
        Host { alias, addresses, tlsa, visits: Vec::new() }
    }
}

fn canonical<T>(outcome: Option<&Outcome<T>>) -> Option<String> {
    match outcome {
        Some(Outcome::Records(answer)) => answer.canonical.clone(),
        _ => None,
    }
}

/// Looks at a domain.
pub async fn gather(domain: &Domain, look: &Look, books: &Books, tls: &ClientTls, tell: impl Fn(Progress)) -> Facts {
    let authorities = async {
        match look.authorities {
            Some(port) => Some(authorities(domain, look, &books.resolver, port).await),
            None => None,
        }
    };
    let (mut roles, authorities) = tokio::join!(roles(domain, look, books), authorities);
    if look.connect {
        visit(domain, look, tls, &mut roles, tell).await;
    }
    Facts {
        domain: domain.clone(),
        now: Clock::now().unix,
        source: if books.zone.is_some() { Source::ZoneFile } else { Source::Resolver },
        visited: look.connect,
        roles,
        authorities,
        expected: look.expected.clone(),
        strays: books.zone.iter().flat_map(|zone| strays(domain, zone)).collect(),
    }
}

/// Names below the domain that speak of the protocol and are none of those that anybody asks for.
fn strays(domain: &Domain, zone: &ZoneFile) -> Vec<(String, Vec<Srv>)> {
    let below = format!(".{}", domain.as_str());
    let is_asked = |name: &str| {
        let roles = [Role::Client, Role::Server];
        roles.iter().any(|role| [TlsKind::Require, TlsKind::StartTls].iter().any(|tls| role.question(*tls, domain) == name))
    };
    let all = zone.all_srv().into_iter();
    all.filter(|(name, _)| name.strip_suffix(&below).is_some_and(|own| own.contains("impp")) && !is_asked(name)).collect()
}

async fn roles(domain: &Domain, look: &Look, books: &Books) -> Vec<RoleFacts> {
    let mut tasks = JoinSet::new();
    for (at, (role, wanted)) in look.roles.iter().copied().enumerate() {
        let (domain, books, family) = (domain.clone(), books.clone(), look.family);
        tasks.spawn(async move {
            let published = books.published(&domain, role).await;
            let mut offers = published.offers(&mut |_| 0);
            if let Ok(offers) = &mut offers {
                // Chance would show another order each time: the likelier goes first.
                offers.sort_by_key(|offer| {
                    let (priority, weight) = offer.record.as_ref().map_or((0, 0), |srv| (srv.priority, srv.weight));
                    (priority, offer.tls != TlsKind::Require, std::cmp::Reverse(weight), offer.host.clone(), offer.port)
                });
            }
            let mut asked = JoinSet::new();
            for (at, offer) in offers.iter().flatten().take(PLACES).cloned().enumerate() {
                let books = books.clone();
                asked.spawn(async move { (at, books.host(&offer, family).await) });
            }
            let hosts = in_order(asked).await;
            (at, RoleFacts { published, wanted, offers, hosts })
        });
    }
    in_order(tasks).await
}

async fn in_order<T: 'static>(tasks: JoinSet<(usize, T)>) -> Vec<T> {
    let mut done = tasks.join_all().await;
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, value)| value).collect()
}

/// Whom to visit.
#[derive(Clone, PartialEq)]
struct Door {
    address: SocketAddr,
    kind: TlsKind,
    expected: Reference,
}

/// Every address of every place, each once however many records lead there.
async fn visit(domain: &Domain, look: &Look, tls: &ClientTls, roles: &mut [RoleFacts], tell: impl Fn(Progress)) {
    let mut doors: Vec<Door> = Vec::new();
    let mut of_hosts: Vec<(usize, usize, usize)> = Vec::new();
    for (at, role) in roles.iter().enumerate().filter(|(_, role)| !is_forgotten(roles, role)) {
        for (place, (offer, host)) in role.places().enumerate() {
            let expected = reference(domain, offer, host);
            for ip in host.addresses.all().into_iter().take(ADDRESSES) {
                let door = Door { address: SocketAddr::new(ip, offer.port), kind: offer.tls, expected: expected.clone() };
                let known = doors.iter().position(|known| *known == door);
                let number = known.unwrap_or(doors.len());
                if number == DOORS {
                    continue;
                }
                if known.is_none() {
                    doors.push(door);
                }
                of_hosts.push((at, place, number));
            }
        }
    }
    tell(Progress::Found(doors.len()));
    let left = look.deadline.saturating_duration_since(Clock::instant());
    let limit = look.limit.min(left / STEPS).max(STEP_LEAST);
    let mut tasks = JoinSet::new();
    for (at, door) in doors.iter().cloned().enumerate() {
        let (tls, deadline) = (tls.clone(), look.deadline);
        tasks.spawn(async move {
            let late = Visit {
                address: door.address,
                probe: Probe { tcp: Err(io::ErrorKind::TimedOut), before_tls: None, tls: None, hello: None },
                answers_the_other_way: false,
            };
            (at, tokio::time::timeout_at(deadline.into(), door.visit(&tls, limit)).await.unwrap_or(late))
        });
    }
    let mut visits: Vec<Option<Visit>> = doors.iter().map(|_| None).collect();
    while let Some(done) = tasks.join_next().await {
        tell(Progress::Visited);
        if let Ok((at, visit)) = done
            && let Some(slot) = visits.get_mut(at)
        {
            *slot = Some(visit);
        }
    }
    for (at, place, door) in of_hosts {
        let host = roles.get_mut(at).and_then(|role| role.hosts.get_mut(place));
        if let (Some(host), Some(Some(visit))) = (host, visits.get(door)) {
            host.visits.push(visit.clone());
        }
    }
}

impl Door {
    async fn visit(&self, tls: &ClientTls, limit: Duration) -> Visit {
        let look = async |kind| probe(self.address, kind, &self.expected, tls, limit).await;
        let found = look(self.kind).await;
        let answers_the_other_way = match (self.kind, &found.tls, &found.before_tls) {
            (TlsKind::Require, Some(Err(_)), _) => {
                matches!(look(TlsKind::StartTls).await.before_tls, Some(Ok(_) | Err(HelloFault::Refused(_))))
            }
            (TlsKind::StartTls, _, Some(Err(HelloFault::NotImpp | HelloFault::Broken(_) | HelloFault::Timeout))) => {
                matches!(look(TlsKind::Require).await.tls, Some(Ok(_)))
            }
            _ => false,
        };
        Visit { address: self.address, probe: found, answers_the_other_way }
    }
}

/// What a server has to prove there (SPEC §2.4).
fn reference(domain: &Domain, offer: &Offer, host: &Host) -> Reference {
    let itself = offer.host == domain.as_str();
    let proven = offer.security == Security::Secure;
    let secure = host.tlsa.security() == Some(Security::Secure);
    let decides = (proven || itself) && secure && host.tlsa.records().iter().any(dane::is_usable);
    let tlsa = if decides { host.tlsa.records().to_vec() } else { Vec::new() };
    let named = (proven && offer.record.is_some()) || decides;
    Reference { domain: domain.clone(), host: named.then(|| offer.host.clone()), tlsa }
}

/// What each name server of the zone says by itself.
async fn authorities(domain: &Domain, look: &Look, resolver: &Resolver, port: u16) -> Result<Vec<Authority>, Failure> {
    let mut zone = domain.as_str();
    let names = loop {
        let found = resolver.name_servers(zone).await;
        // Without an answer nobody knows whether the zone begins here or further up.
        if let Some(failure) = found.failure() {
            return Err(failure);
        }
        match (found.records(), zone.split_once('.')) {
            ([], Some((_, parent))) => zone = parent,
            (names, _) => break names.to_vec(),
        }
    };
    let roles: Vec<Role> = look.roles.iter().map(|(role, _)| *role).collect();
    let mut tasks = JoinSet::new();
    for (at, name) in names.into_iter().take(AUTHORITIES).enumerate() {
        let (resolver, domain, family, roles) = (resolver.clone(), domain.clone(), look.family, roles.clone());
        tasks.spawn(async move {
            let found = resolver.addresses(&name, family).await;
            let failures = [found.v6.as_ref().and_then(Outcome::failure), found.v4.as_ref().and_then(Outcome::failure)];
            let addresses = found.all();
            if addresses.is_empty() {
                let failure = failures.into_iter().flatten().next();
                return (at, vec![Authority { name, address: None, failure, says: Vec::new() }]);
            }
            let mut asked = JoinSet::new();
            for (at, ip) in addresses.into_iter().take(ADDRESSES).enumerate() {
                let (name, domain, roles) = (name.clone(), domain.clone(), roles.clone());
                let address = SocketAddr::new(ip, port);
                let options = ResolverOptions {
                    servers: vec![address],
                    validation: Validation::Off,
                    recursion: false,
                    timeout: resolver.timeout(),
                    longest_ttl: TTL_MAX,
                };
                asked.spawn(async move { (at, authority(name, address, &domain, &roles, &options).await) });
            }
            (at, in_order(asked).await.into_iter().flatten().collect())
        });
    }
    Ok(in_order(tasks).await.into_iter().flatten().collect())
}

/// What one of them says at one address, of all roles side by side: one that is silent costs the time of one question.
async fn authority(
    name: String,
    address: SocketAddr,
    domain: &Domain,
    roles: &[Role],
    options: &ResolverOptions,
) -> Option<Authority> {
    let alone = Resolver::new(options).ok()?;
    let mut asked = JoinSet::new();
    for (at, role) in roles.iter().copied().enumerate() {
        let (alone, domain) = (alone.clone(), domain.clone());
        asked.spawn(async move { (at, Published::ask(&alone, &domain, role).await) });
    }
    Some(Authority { name, address: Some(address), failure: None, says: in_order(asked).await })
}
