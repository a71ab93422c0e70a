//! From a candidate to its addresses, and to what its server has to prove there.

use super::candidates::{Candidate, Origin};
use super::error::ConnectError;
use super::{Family, Limits, RESOLUTION_DELAY, TlsKind};
use crate::model::Domain;
use crate::net::dns::{Absent, Addresses, Failure, Outcome, Resolver, Security, Tlsa};
use crate::net::tls::{Reference, dane};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// Addresses of one candidate that are tried at most.
const ADDRESSES: usize = 16;

/// What became known of a candidate.
pub(super) enum Known {
    /// Addresses, families interleaved.
    Addresses(Vec<SocketAddr>, Arc<Reference>),
    /// It is of no use, and why.
    Useless(ConnectError),
    /// There is no more to be known.
    Done,
}

/// Who is asked, and what for.
#[derive(Clone, Debug)]
pub(super) struct Lookups {
    pub(super) domain: Domain,
    /// `None`: the system's own way, for names that a person gave.
    pub(super) resolver: Option<Resolver>,
    /// Whether TLSA records have a say.
    pub(super) tlsa: bool,
    pub(super) limits: Limits,
}

impl Lookups {
    pub(super) async fn run(self, candidate: Candidate, tell: impl Fn(Known)) {
        match (candidate.origin, &self.resolver) {
            (Origin::Named, resolver) => match self.named(&candidate, resolver.as_ref()).await {
                Ok(found) => self.tell(&candidate, found, &Arc::new(self.domain.clone().into()), &tell),
                Err(error) => tell(Known::Useless(error)),
            },
            (_, Some(resolver)) => self.published(&candidate, resolver, &tell).await,
            (_, None) => tell(Known::Useless(ConnectError::NoResolver)),
        }
        tell(Known::Done);
    }

    async fn named(&self, candidate: &Candidate, resolver: Option<&Resolver>) -> Result<Vec<IpAddr>, ConnectError> {
        let host = &candidate.host;
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        match resolver {
            Some(resolver) => {
                let found = resolver.addresses(host, self.limits.family).await;
                if found.all().is_empty() { Err(self.no_address(candidate, &found)) } else { Ok(found.all()) }
            }
            None => match tokio::net::lookup_host((host.as_str(), candidate.port)).await {
                Ok(found) => Ok(found.map(|address| address.ip()).collect()),
                Err(error) if is_unknown(&error) => Err(ConnectError::HostUnknown(host.clone())),
                Err(_) => Err(ConnectError::LookupFailed(host.clone())),
            },
        }
    }

    /// TLSA and both kinds of address are asked for side by side. The addresses that come first wait a moment for the
    /// others, and all of them for TLSA: without it nobody knows what the server has to prove.
    async fn published(&self, candidate: &Candidate, resolver: &Resolver, tell: &impl Fn(Known)) {
        let (host, family) = (candidate.host.as_str(), self.limits.family);
        let mut six = pin!(async { if family == Family::V4 { None } else { Some(resolver.v6(host).await) } });
        let mut four = pin!(async { if family == Family::V6 { None } else { Some(resolver.v4(host).await) } });
        let mut found = Addresses { v6: None, v4: None };
        let (mut six_done, mut four_done) = (false, false);
        let first = async {
            while !(six_done && four_done) {
                let enough = !found.all().is_empty();
                tokio::select! {
                    answer = &mut six, if !six_done => (found.v6, six_done) = (answer, true),
                    answer = &mut four, if !four_done => (found.v4, four_done) = (answer, true),
                    () = tokio::time::sleep(RESOLUTION_DELAY), if enough => break,
                }
            }
        };
        let tlsa = async {
            if self.tlsa && candidate.may_have_tlsa(&self.domain) {
                Some(resolver.tlsa(&candidate.tlsa_name()).await)
            } else {
                None
            }
        };
        let ((), tlsa) = tokio::join!(first, tlsa);
        let reference = match expected(&self.domain, candidate, tlsa, &found) {
            Ok(reference) => Arc::new(reference),
            Err(error) => return tell(Known::Useless(error)),
        };
        let early = found.all();
        if !early.is_empty() {
            self.tell(candidate, early.clone(), &reference, tell);
        }
        if !six_done {
            found.v6 = six.await;
        }
        if !four_done {
            found.v4 = four.await;
        }
        let late: Vec<IpAddr> = found.all().into_iter().filter(|address| !early.contains(address)).collect();
        if !late.is_empty() {
            self.tell(candidate, late, &reference, tell);
        } else if early.is_empty() {
            tell(Known::Useless(self.no_address(candidate, &found)));
        }
    }

    /// Why none of the questions gave an address: one that failed is told first, since it may be answered later.
    fn no_address(&self, candidate: &Candidate, found: &Addresses) -> ConnectError {
        let host = || candidate.host.clone();
        let failed = |outcome: Option<Failure>, kind: &str| {
            outcome.map(|why| ConnectError::Undecided { question: format!("{} {kind}", candidate.host), why })
        };
        let six = failed(found.v6.as_ref().and_then(Outcome::failure), "AAAA");
        if let Some(error) = six.or_else(|| failed(found.v4.as_ref().and_then(Outcome::failure), "A")) {
            return error;
        }
        if candidate.origin == Origin::Itself {
            return ConnectError::NoService(self.domain.clone());
        }
        let no_name = |outcome: Option<&Outcome<_>>| {
            outcome.is_some_and(|outcome| matches!(outcome, Outcome::Absent(absence) if absence.what == Absent::Name))
        };
        let six = found.v6.clone().map(|outcome| outcome.map(IpAddr::V6));
        let four = found.v4.clone().map(|outcome| outcome.map(IpAddr::V4));
        if no_name(six.as_ref()) || no_name(four.as_ref()) {
            ConnectError::HostUnknown(host())
        } else {
            ConnectError::NoAddress(host())
        }
    }

    fn tell(&self, candidate: &Candidate, found: Vec<IpAddr>, reference: &Arc<Reference>, tell: &impl Fn(Known)) {
        let wanted = interleave(found, self.limits.family);
        if wanted.is_empty() {
            return tell(Known::Useless(ConnectError::NoAddress(candidate.host.clone())));
        }
        let clear = candidate.tls == TlsKind::Off && !self.limits.clear_anywhere;
        let allowed: Vec<_> = wanted
            .into_iter()
            .filter(|address| !clear || address.to_canonical().is_loopback())
            .take(ADDRESSES)
            .map(|address| SocketAddr::new(address, candidate.port))
            .collect();
        if allowed.is_empty() {
            return tell(Known::Useless(ConnectError::InTheClear(candidate.host.clone())));
        }
        tell(Known::Addresses(allowed, reference.clone()));
    }
}

/// Forwards what becomes known of one candidate, with its number.
pub(super) fn teller(number: usize, to: UnboundedSender<(usize, Known)>) -> impl Fn(Known) {
    // Nobody listens any more once the race is over.
    move |known| drop(to.send((number, known)))
}

/// What the server at a candidate has to prove (SPEC §2.4). `tlsa`: what came of asking for its TLSA records, if they may have
/// a say; `addresses`: as far as they are known.
///
/// # Errors
/// If TLSA records might have a say and are not known.
pub(in crate::net) fn expected(
    domain: &Domain,
    candidate: &Candidate,
    tlsa: Option<Outcome<Tlsa>>,
    addresses: &Addresses,
) -> Result<Reference, ConnectError> {
    let proven = candidate.is_proven().then(|| candidate.host.clone());
    let records = tlsa.map_or(Ok(Vec::new()), |outcome| deciding(outcome, addresses)).map_err(|why| {
        let question = format!("{} TLSA", candidate.tlsa_name());
        ConnectError::Undecided { question, why }
    })?;
    // Where it is the domain itself that has them, it is the host as well.
    let host = proven.or_else(|| (!records.is_empty()).then(|| candidate.host.clone()));
    Ok(Reference { domain: domain.clone(), host, tlsa: records })
}

/// The TLSA records that decide; none: the certificate's issuer does.
///
/// An error means that nobody knows, which must not pass for "there are none": an attacker who can suppress the answer
/// would have us trust any authority. In a zone that is proven to be unsigned there can be none that count, and its servers
/// may well choke on the question (RFC 7672, section 2.2.2).
fn deciding(outcome: Outcome<Tlsa>, addresses: &Addresses) -> Result<Vec<Tlsa>, Failure> {
    match outcome {
        Outcome::Records(answer) if answer.security == Security::Secure && answer.records.iter().any(dane::is_usable) => {
            Ok(answer.records)
        }
        Outcome::Records(_) | Outcome::Absent(_) => Ok(Vec::new()),
        Outcome::Failed(why) => {
            let states = [addresses.v6.as_ref().and_then(Outcome::security), addresses.v4.as_ref().and_then(Outcome::security)];
            let known: Vec<Security> = states.into_iter().flatten().collect();
            let unsigned = !known.is_empty() && known.iter().all(|state| *state != Security::Secure);
            if unsigned { Ok(Vec::new()) } else { Err(why) }
        }
    }
}

/// IPv6, IPv4, IPv6 and so on, each family in the resolver's order (RFC 8305, section 4).
pub(super) fn interleave(found: Vec<IpAddr>, family: Family) -> Vec<IpAddr> {
    let (six, four): (VecDeque<_>, VecDeque<_>) = found.into_iter().partition(IpAddr::is_ipv6);
    let (mut six, mut four) = match family {
        Family::Any => (six, four),
        Family::V4 => (VecDeque::new(), four),
        Family::V6 => (six, VecDeque::new()),
    };
    let mut order = Vec::new();
    while !six.is_empty() || !four.is_empty() {
        for address in [six.pop_front(), four.pop_front()].into_iter().flatten() {
            if !order.contains(&address) {
                order.push(address);
            }
        }
    }
    order
}

/// Whether the system's resolver said that there is no such name, for good. It tells its reasons apart in words alone;
/// these are glibc's, musl's and the BSDs' (and macOS's). Anything else counts as temporary.
fn is_unknown(error: &io::Error) -> bool {
    let text = error.to_string();
    [
        "Name or service not known",
        "No address associated",
        "Name does not resolve",
        "nodename nor servname",
        "Name has no usable address",
    ]
    .iter()
    .any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dns::{Absence, Answer};
    use std::time::Duration;

    #[test]
    fn families_take_turns() {
        let list = |text: &str| text.split(' ').map(|a| a.parse().unwrap()).collect::<Vec<IpAddr>>();
        let found = list("1.1.1.1 1.1.1.2 1.1.1.3 ::1 ::2 ::2");
        assert_eq!(interleave(found.clone(), Family::Any), list("::1 1.1.1.1 ::2 1.1.1.2 1.1.1.3"));
        assert_eq!(interleave(found.clone(), Family::V6), list("::1 ::2"));
        assert_eq!(interleave(found, Family::V4), list("1.1.1.1 1.1.1.2 1.1.1.3"));
    }

    fn addresses(security: Option<Security>) -> Addresses {
        let v4 = match security {
            Some(security) => {
                let records = vec!["192.0.2.1".parse().unwrap()];
                Outcome::Records(Answer { records, security, ttl: Duration::ZERO, canonical: None })
            }
            None => Outcome::Failed(Failure::Timeout),
        };
        Addresses { v6: None, v4: Some(v4) }
    }

    #[test]
    fn no_answer_is_not_no_tlsa_unless_the_zone_is_unsigned() {
        use Security::{Insecure, Secure, Unchecked};
        let good = Tlsa { usage: 3, selector: 1, matching: 1, data: vec![0; 32] };
        let useless = Tlsa { usage: 1, ..good.clone() };
        let records = |records: &[&Tlsa], security| {
            let records = records.iter().map(|tlsa| (*tlsa).clone()).collect();
            Outcome::Records(Answer { records, security, ttl: Duration::ZERO, canonical: None })
        };
        let absent = Outcome::Absent(Absence { what: Absent::Name, security: Secure, ttl: None });
        type Row = (&'static str, Outcome<Tlsa>, Addresses, Result<usize, Failure>);
        let rows: Vec<Row> = vec![
            ("secure", records(&[&good], Secure), addresses(Some(Secure)), Ok(1)),
            ("one of use among others", records(&[&useless, &good], Secure), addresses(Some(Secure)), Ok(2)),
            ("none of use", records(&[&useless], Secure), addresses(Some(Secure)), Ok(0)),
            ("unsigned", records(&[&good], Insecure), addresses(Some(Insecure)), Ok(0)),
            ("nobody looked", records(&[&good], Unchecked), addresses(Some(Unchecked)), Ok(0)),
            ("proven absent", absent, addresses(Some(Secure)), Ok(0)),
            ("bogus", Outcome::Failed(Failure::Bogus), addresses(Some(Secure)), Err(Failure::Bogus)),
            ("suppressed", Outcome::Failed(Failure::Timeout), addresses(Some(Secure)), Err(Failure::Timeout)),
            ("nothing is known", Outcome::Failed(Failure::ServFail), addresses(None), Err(Failure::ServFail)),
            ("an old server of an unsigned zone", Outcome::Failed(Failure::ServFail), addresses(Some(Insecure)), Ok(0)),
        ];
        for (row, outcome, addresses, expected) in rows {
            assert_eq!(deciding(outcome, &addresses).map(|records| records.len()), expected, "{row}");
        }
    }
}
