//! The judgement about records: what can be seen without going anywhere (S01 to S11, S21, S22, S24 to S28).

use super::catalogue::Id;
use super::facts::{Authority, Expected, Facts, Host, RoleFacts, Source};
use super::finding::{Finding, Severity};
use crate::model::Domain;
use crate::net::connect::{HostPort, TlsKind};
use crate::net::dns::{Absent, Addresses, Failure, NoOffer, Offer, Outcome, Published, Role, Security, Srv};
use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

/// The TTL that is proposed.
const TTL_USUAL: u32 = 3600;
const TTL_SHORT: Duration = Duration::from_secs(60);
const TTL_LONG: Duration = Duration::from_secs(7 * 86_400);
const KINDS: [TlsKind; 2] = [TlsKind::Require, TlsKind::StartTls];

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for role in &facts.roles {
        Records { facts, role, domain: &facts.domain }.judge(&mut found);
    }
    both_roles(facts, &mut found);
    strays(facts, &mut found);
    authorities(facts, &mut found);
    found
}

/// A record as it stands in a master file.
pub(super) fn line(owner: &str, srv: &Srv) -> String {
    format!("{owner}. {TTL_USUAL} IN SRV {srv}")
}

/// The records of one kind.
pub(super) fn set(published: &Published, tls: TlsKind) -> &Outcome<Srv> {
    if tls == TlsKind::Require { &published.tls_first } else { &published.plain_start }
}

/// One role's records.
struct Records<'a> {
    facts: &'a Facts,
    role: &'a RoleFacts,
    domain: &'a Domain,
}

impl Records<'_> {
    fn judge(&self, found: &mut Vec<Finding>) {
        let begin = found.len();
        self.answers(found);
        self.offer(found);
        for tls in KINDS {
            self.one_set(tls, found);
        }
        self.tiers(found);
        self.beyond(found);
        for (offer, host) in self.role.places() {
            self.target(offer, host, found);
        }
        self.expected(found);
        for finding in found.iter_mut().skip(begin) {
            finding.role = Some(self.role.role());
        }
    }

    fn question(&self, tls: TlsKind) -> String {
        self.role.role().question(tls, self.domain)
    }

    /// The change: this record in place of what stands there.
    fn instead(&self, tls: TlsKind, srv: &Srv) -> String {
        line(&self.question(tls), srv)
    }

    /// S22, S25, S27, S28: what kind of answers came at all.
    fn answers(&self, found: &mut Vec<Finding>) {
        let mut least = Security::Secure;
        for tls in KINDS {
            let (question, outcome) = (self.question(tls), set(&self.role.published, tls));
            if let Some(failure) = outcome.failure() {
                found.push(failed(&question, "SRV", failure));
            }
            least = least.min(outcome.security().unwrap_or(Security::Secure));
            let Outcome::Records(answer) = outcome else { continue };
            if let Some(owner) = answer.canonical.as_deref().and_then(|owner| appended(&question, owner)) {
                found.push(Finding::new(Id::SearchName, Severity::Warning, &question, owner).change(ASK_ANOTHER));
            }
            let counted_down = self.facts.source == Source::Resolver && self.facts.authorities.is_none();
            let said = self.facts.authorities.iter().flatten().flatten().flat_map(|authority| &authority.says);
            let said = said.filter(|says| says.role == self.role.role()).filter_map(|says| match set(says, tls) {
                Outcome::Records(answer) => Some(answer.ttl),
                _ => None,
            });
            let ttl = said.min().unwrap_or(answer.ttl);
            if !(TTL_SHORT..=TTL_LONG).contains(&ttl) {
                let cache = if counted_down && ttl < TTL_SHORT { " (a cache may have counted it down)" } else { "" };
                let text = format!("the records are kept for {} s{cache}", ttl.as_secs());
                let mut finding = Finding::new(Id::Ttl, Severity::Info, &question, text);
                finding.change = answer.records.iter().map(|srv| line(&question, srv)).collect();
                found.push(finding);
            }
        }
        let unsigned = match least {
            Security::Secure => return,
            Security::Insecure => "the zone is not signed: the certificate must name the domain, and TLSA records decide nothing",
            Security::Unchecked if self.facts.source == Source::ZoneFile => return,
            Security::Unchecked => "nobody validated the answers: the resolver passes no signatures on, or validation is off",
        };
        found.push(Finding::new(Id::Dnssec, Severity::Info, self.domain.as_str(), unsigned));
    }

    /// S01 to S04: whether the domain offers the service.
    fn offer(&self, found: &mut Vec<Finding>) {
        let example = |tls: TlsKind| {
            let target = Some(format!("im.{}", self.domain.as_str()));
            self.instead(tls, &Srv { priority: 10, weight: 100, port: tls.port(), target })
        };
        if self.role.published.is_silent() && !self.facts.is_forgotten(self.role) {
            let addresses = self.role.hosts.iter().map(|host| &host.addresses);
            let (mut any, mut undecided, mut no_name) = (false, false, true);
            for host in addresses {
                any |= !host.all().is_empty();
                undecided |= failures(host).next().is_some();
                no_name &= is_no_name(host);
            }
            if any {
                let text = "no SRV records; clients try the domain's own addresses, ports 5773 and 5772";
                found.push(Finding::new(Id::Fallback, Severity::Info, self.domain.as_str(), text));
            } else if undecided {
                self.unknown_addresses(self.domain.as_str(), found);
            } else {
                let text = if no_name { "the domain does not exist" } else { "no SRV records, and no address of its own" };
                let host = format!("im.{}. {TTL_USUAL} IN A (the server's address)", self.domain.as_str());
                let finding = Finding::new(Id::NoService, Severity::Error, self.domain.as_str(), text);
                found.push(finding.change(example(TlsKind::Require)).change(example(TlsKind::StartTls)).change(host));
            }
        }
        if self.role.offers == Err(NoOffer::Declined) {
            let severity = if self.role.wanted { Severity::Error } else { Severity::Info };
            let text = "the records say that the service is decidedly not offered (target \".\")";
            let about = KINDS.into_iter().find(|tls| !set(&self.role.published, *tls).records().is_empty());
            let about = self.question(about.unwrap_or(TlsKind::Require));
            let finding = Finding::new(Id::Declined, severity, about, text);
            found.push(if self.role.wanted { finding.change(example(TlsKind::Require)) } else { finding });
        }
        for tls in KINDS {
            let records = set(&self.role.published, tls).records();
            let roots = records.iter().filter(|srv| srv.target.is_none()).count();
            if roots > 0 && roots < records.len() {
                let question = self.question(tls);
                let text = "a record with target \".\" (no such service) stands beside records that name a host";
                let mut finding = Finding::new(Id::RootBeside, Severity::Error, &question, text);
                let root = records.iter().filter(|srv| srv.target.is_none());
                finding.change = root.map(|srv| format!("remove  {}", line(&question, srv))).collect();
                found.push(finding);
            }
        }
    }

    /// S08, S09, S11: the records of one name.
    fn one_set(&self, tls: TlsKind, found: &mut Vec<Finding>) {
        let question = self.question(tls);
        let records: Vec<&Srv> = set(&self.role.published, tls).records().iter().filter(|srv| srv.target.is_some()).collect();
        let mut seen: Vec<&Srv> = Vec::new();
        for srv in &records {
            let place = |other: &&&Srv| (other.priority, other.port, &other.target) == (srv.priority, srv.port, &srv.target);
            if seen.iter().any(|other| place(&other)) {
                continue;
            }
            seen.push(srv);
            let same: Vec<&&Srv> = records.iter().filter(place).collect();
            if same.len() > 1 {
                let weight = same.iter().fold(0_u16, |sum, srv| sum.saturating_add(srv.weight));
                let text = format!("{} records of priority {} lead to {}", same.len(), srv.priority, place_of(srv));
                let one = Srv { weight, ..(**srv).clone() };
                found.push(Finding::new(Id::Duplicate, Severity::Warning, &question, text).change(line(&question, &one)));
            }
            if srv.port != tls.port() {
                let other = if tls == TlsKind::Require { TlsKind::StartTls } else { TlsKind::Require };
                let (why, right) = match numbers_in_order(srv) {
                    Some(meant) => {
                        ("; the numbers stand for priority, weight and port, in this order", Some(line(&question, &meant)))
                    }
                    None if srv.port == other.port() => ("; it is that of the other kind", Some(self.instead(other, srv))),
                    None => ("", None),
                };
                let text = format!("port {} is not the customary {}{why}", srv.port, tls.port());
                let finding = Finding::new(Id::OddPort, Severity::Info, format!("{question} {}", place_of(srv)), text);
                found.push(Finding { change: right.into_iter().collect(), ..finding });
            }
        }
        for srv in records.iter().filter(|srv| srv.weight == 0) {
            let sum: u32 =
                records.iter().filter(|other| other.priority == srv.priority).map(|other| u32::from(other.weight)).sum();
            if sum > 0 {
                let text = format!("weight 0 beside others: {} is drawn first once in {} times", place_of(srv), sum + 1);
                let change = line(&question, &Srv { weight: 1, ..(*srv).clone() });
                found.push(Finding::new(Id::WeightZero, Severity::Warning, &question, text).change(change));
            }
        }
    }

    /// S10: priorities that come too late to be of use.
    fn tiers(&self, found: &mut Vec<Finding>) {
        let places: Vec<(u16, &Offer, &Host)> =
            self.role.places().filter_map(|(offer, host)| Some((offer.record.as_ref()?.priority, offer, host))).collect();
        let mut priorities: Vec<u16> = places.iter().map(|(priority, ..)| *priority).collect();
        priorities.sort_unstable();
        priorities.dedup();
        for priority in priorities {
            let known = |offer: &Offer, host: &Host| {
                let before = || {
                    places
                        .iter()
                        .filter(|(other, earlier, _)| *other < priority && earlier.tls == offer.tls && earlier.port == offer.port)
                };
                let addresses = host.addresses.all();
                let known: HashSet<IpAddr> = before().flat_map(|(.., host)| host.addresses.all()).collect();
                before().any(|(_, earlier, _)| earlier.host == offer.host)
                    || (!addresses.is_empty() && addresses.iter().all(|address| known.contains(address)))
            };
            let tier: Vec<_> = places.iter().filter(|(other, ..)| *other == priority).collect();
            if tier.iter().all(|(_, offer, host)| known(offer, host)) {
                let text = format!("priority {priority} leads only to where a better priority leads already");
                let mut finding = Finding::new(Id::Unreached, Severity::Warning, self.domain.as_str(), text);
                finding.change = tier
                    .iter()
                    .filter_map(|(_, offer, _)| Some(format!("remove  {}", self.instead(offer.tls, offer.record.as_ref()?))))
                    .collect();
                found.push(finding);
            }
        }
    }

    /// S28: more than anybody looks at.
    fn beyond(&self, found: &mut Vec<Finding>) {
        let (places, seen) = (self.role.offers.iter().flatten().count(), self.role.hosts.len());
        if places > seen {
            let text = format!("{places} places are published, of which only {seen} were looked at");
            let finding = Finding::new(Id::Undecided, Severity::Unknown, self.domain.as_str(), text);
            found.push(finding.change("publish fewer records: clients try 32 of them at most"));
        }
        if !self.facts.visited || self.facts.is_forgotten(self.role) {
            return;
        }
        for (offer, host) in self.role.places() {
            let (addresses, visited) = (host.addresses.all().len(), host.visits.len());
            if addresses > visited {
                let text = format!("the host has {addresses} addresses, of which only {visited} were visited");
                let finding = Finding::new(Id::Undecided, Severity::Unknown, &offer.host, text);
                found.push(finding.change("publish fewer addresses: clients try 16 of a host at most"));
            }
        }
    }

    /// S05 to S07, and S22, S28 for what is behind a name.
    fn target(&self, offer: &Offer, host: &Host, found: &mut Vec<Finding>) {
        if let Some(failure) = host.tlsa.failure() {
            found.push(failed(&format!("_{}._tcp.{}", offer.port, offer.host), "TLSA", failure));
        }
        let Some(srv) = &offer.record else { return };
        let renamed = |target: String| self.instead(offer.tls, &Srv { target: Some(target), ..srv.clone() });
        let within = format!(".{}", self.domain.as_str());
        let shortened = offer.host.strip_suffix(&within);
        let address = [Some(offer.host.as_str()), shortened].into_iter().flatten().find_map(|name| name.parse::<IpAddr>().ok());
        if let Some(address) = address {
            let text = format!("the target of the record is the address {address}, where only a name may stand");
            let kind = if address.is_ipv4() { "A" } else { "AAAA" };
            let name = format!("im{within}");
            let finding = Finding::new(Id::TargetIsAddress, Severity::Error, self.question(offer.tls), text);
            found.push(finding.change(renamed(name.clone())).change(format!("{name}. {TTL_USUAL} IN {kind} {address}")));
            return;
        }
        if let Some(alias) = &host.alias {
            if let Some(text) = appended(&offer.host, alias) {
                found.push(Finding::new(Id::SearchName, Severity::Warning, &offer.host, text).change(ASK_ANOTHER));
            } else {
                let text = format!("the target {} is an alias (CNAME) of {alias}", offer.host);
                let finding = Finding::new(Id::TargetIsAlias, Severity::Error, self.question(offer.tls), text);
                found.push(finding.change(renamed(alias.clone())));
            }
        }
        if failures(&host.addresses).next().is_some() {
            self.unknown_addresses(&offer.host, found);
        } else if host.addresses.all().is_empty() {
            let missing = if is_no_name(&host.addresses) { "does not exist" } else { "has no address" };
            let twice = shortened.filter(|rest| rest.ends_with(&within));
            let finding = |hint: &str| {
                let text = format!("the target {} {missing}{hint}", offer.host);
                Finding::new(Id::TargetUnknown, Severity::Error, self.question(offer.tls), text)
            };
            found.push(match twice {
                Some(meant) => finding("; the dot at its end is missing in the zone").change(renamed(meant.to_owned())),
                None => finding("").change(format!("{}. {TTL_USUAL} IN A (the server's address)", offer.host)),
            });
        }
    }

    fn unknown_addresses(&self, name: &str, found: &mut Vec<Finding>) {
        for host in self.role.places().filter(|(offer, _)| offer.host == name).map(|(_, host)| host) {
            for (kind, failure) in failures(&host.addresses) {
                found.push(failed(name, kind, failure));
            }
        }
    }

    /// S24.
    fn expected(&self, found: &mut Vec<Finding>) {
        match &self.facts.expected {
            None => {}
            Some(Expected::Place(place)) => {
                if self.role.offers.as_ref().is_err_and(|error| *error != NoOffer::Declined) {
                    return;
                }
                let HostPort { host, port } = place;
                let wanted = host.trim_end_matches('.').to_ascii_lowercase();
                let is_there = self
                    .role
                    .offers
                    .iter()
                    .flatten()
                    .any(|offer| offer.host == wanted && port.is_none_or(|port| port == offer.port));
                if !is_there {
                    let tls = KINDS.into_iter().find(|tls| Some(tls.port()) == *port).unwrap_or(TlsKind::Require);
                    let srv = Srv { priority: 10, weight: 100, port: port.unwrap_or(tls.port()), target: Some(wanted) };
                    let text = format!("no record leads to {place}");
                    let finding = Finding::new(Id::Unexpected, Severity::Error, self.question(tls), text);
                    found.push(finding.change(self.instead(tls, &srv)));
                }
            }
            Some(Expected::Records(records)) => {
                for tls in KINDS {
                    let (question, outcome) = (self.question(tls), set(&self.role.published, tls));
                    let wanted = records.iter().find(|(name, _)| *name == question).map_or(&[][..], |(_, set)| set);
                    let published = outcome.records();
                    if outcome.failure().is_some() {
                        continue;
                    }
                    let missing = wanted.iter().filter(|srv| !published.contains(srv));
                    let extra = published.iter().filter(|srv| !wanted.contains(srv));
                    let mut change: Vec<String> = missing.map(|srv| format!("add     {}", line(&question, srv))).collect();
                    change.extend(extra.map(|srv| format!("remove  {}", line(&question, srv))));
                    if !change.is_empty() {
                        let text = "the records differ from what was expected";
                        found.push(Finding { change, ..Finding::new(Id::Unexpected, Severity::Error, &question, text) });
                    }
                }
            }
        }
    }
}

const ASK_ANOTHER: &str = "ask another resolver (--resolver), and switch search lists off in this one";

/// S26.
fn both_roles(facts: &Facts, found: &mut Vec<Finding>) {
    for missing in facts.roles.iter().filter(|role| facts.is_forgotten(role)) {
        for present in facts.roles.iter().filter(|role| role.has_records()) {
            let (one, other) = match missing.role() {
                Role::Client => ("for clients", "for other domains"),
                Role::Server => ("for other domains", "for clients"),
            };
            let text = format!("there are SRV records {other} and none {one}");
            let question = missing.role().question(TlsKind::Require, &facts.domain);
            let mut finding = Finding::new(Id::RoleMissing, Severity::Warning, question, text).of(missing.role());
            // What is broken there shall not be repeated here.
            let sound = present.places().filter(|(_, host)| host.alias.is_none() && !host.addresses.all().is_empty());
            finding.change = sound
                .filter_map(|(offer, _)| Some(line(&missing.role().question(offer.tls, &facts.domain), offer.record.as_ref()?)))
                .collect();
            found.push(finding);
        }
    }
}

/// S26: records under a name that is nearly right.
fn strays(facts: &Facts, found: &mut Vec<Finding>) {
    for (name, records) in &facts.strays {
        let role = if name.contains("server") { Role::Server } else { Role::Client };
        let tls = if name.contains("impps") { TlsKind::Require } else { TlsKind::StartTls };
        let right = role.question(tls, &facts.domain);
        let text = format!("there are SRV records at a name for which nobody asks; {right} may be meant");
        let mut finding = Finding::new(Id::RoleMissing, Severity::Warning, name, text).of(role);
        finding.change = records.iter().map(|srv| line(&right, srv)).collect();
        found.push(finding);
    }
}

/// S21: each name server against the first that answers.
fn authorities(facts: &Facts, found: &mut Vec<Finding>) {
    let mut first: Vec<(&Authority, &Published)> = Vec::new();
    let authorities = match &facts.authorities {
        None => return,
        Some(Err(failure)) => return found.push(failed(facts.domain.as_str(), "NS", *failure)),
        Some(Ok(authorities)) => authorities,
    };
    if authorities.is_empty() {
        let text = "no name server of the zone could be found";
        let finding = Finding::new(Id::Undecided, Severity::Unknown, facts.domain.as_str(), text);
        found.push(finding.change("see that the zone has NS records, and that the parent zone names the same"));
    }
    for authority in authorities {
        let about =
            authority.address.map_or_else(|| authority.name.clone(), |address| format!("{} [{}]", authority.name, address.ip()));
        let say = |text: String| Finding::new(Id::Disagree, Severity::Warning, &about, text);
        if let Some(failure) = authority.failure {
            found.push(failed(&authority.name, "address", failure));
        } else if authority.address.is_none() {
            found.push(
                say("the name server has no address".to_owned())
                    .change(format!("{}. {TTL_USUAL} IN A (its address)", authority.name)),
            );
        }
        for says in &authority.says {
            let failure = KINDS.iter().find_map(|tls| set(says, *tls).failure());
            if let Some(failure) = failure {
                let text = format!("the name server gives no answer about this domain: {failure}");
                found.push(say(text).change(format!("let it serve the zone, or remove its NS record: {}.", authority.name)));
                continue;
            }
            let Some((other, reference)) = first.iter().find(|(_, known)| known.role == says.role) else {
                first.push((authority, says));
                continue;
            };
            for tls in KINDS {
                let (ours, theirs) = (sorted(set(says, tls)), sorted(set(reference, tls)));
                if ours != theirs {
                    let question = says.role.question(tls, &facts.domain);
                    let list = |records: &[String]| if records.is_empty() { "nothing".to_owned() } else { records.join(", ") };
                    let text = format!("{question}: says {}, where {} says {}", list(&ours), other.name, list(&theirs));
                    let hint = "see that both have loaded the same version of the zone (serial number, transfers)";
                    found.push(say(text).of(says.role).change(hint));
                }
            }
        }
    }
}

fn sorted(outcome: &Outcome<Srv>) -> Vec<String> {
    let mut records: Vec<String> = outcome.records().iter().map(ToString::to_string).collect();
    records.sort();
    records
}

/// The record that was meant, where a port of ours stands as its priority or weight.
fn numbers_in_order(srv: &Srv) -> Option<Srv> {
    let is_ours = |number: u16| KINDS.iter().any(|tls| tls.port() == number);
    match srv {
        Srv { port, .. } if is_ours(*port) => None,
        Srv { priority, weight, port, .. } if is_ours(*priority) => {
            Some(Srv { priority: *weight, weight: *port, port: *priority, ..srv.clone() })
        }
        Srv { weight, port, .. } if is_ours(*weight) => Some(Srv { weight: *port, port: *weight, ..srv.clone() }),
        _ => None,
    }
}

fn place_of(srv: &Srv) -> String {
    format!("{}:{}", srv.target.as_deref().unwrap_or("."), srv.port)
}

/// S22 or S28: no answer.
fn failed(name: &str, kind: &str, failure: Failure) -> Finding {
    if failure == Failure::Bogus {
        let text = format!("the {kind} records do not fit their signatures (bogus), so that validating resolvers give no answer");
        let change = "sign the zone again, and compare the DS record in the parent zone with its key";
        return Finding::new(Id::Dnssec, Severity::Error, name, text).change(change);
    }
    let text = format!("the {kind} records could not be found out: {failure}");
    Finding::new(Id::Undecided, Severity::Unknown, name, text).change("ask again, or another resolver (--resolver ADDR)")
}

/// Whether an answer belongs to the name asked for with something appended.
fn appended(asked: &str, owner: &str) -> Option<String> {
    let search = owner.strip_prefix(asked)?.strip_prefix('.')?;
    Some(format!("the answer belongs to {owner}: a resolver has appended the search name {search}"))
}

fn failures(addresses: &Addresses) -> impl Iterator<Item = (&'static str, Failure)> {
    let six = addresses.v6.as_ref().and_then(Outcome::failure).map(|failure| ("AAAA", failure));
    six.into_iter().chain(addresses.v4.as_ref().and_then(Outcome::failure).map(|failure| ("A", failure)))
}

/// Whether the name itself does not exist.
fn is_no_name(addresses: &Addresses) -> bool {
    let six = addresses.v6.as_ref().is_none_or(is_name_absent);
    six && addresses.v4.as_ref().is_none_or(is_name_absent)
}

fn is_name_absent<T>(outcome: &Outcome<T>) -> bool {
    matches!(outcome, Outcome::Absent(absence) if absence.what == Absent::Name)
}
