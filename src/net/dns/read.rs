//! From the resolver crate's answers to ours: the records of the name at the end of the aliases, and the least proof of all.

use super::answer::{Absence, Absent, Answer, Failure, Outcome, Security};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record};
use std::time::Duration;

/// Aliases that are followed.
pub(super) const ALIASES: usize = 8;

/// What was found, by either way of asking.
pub(super) enum Found {
    Lookup(Lookup),
    Records(Vec<Record>),
}

/// A record as the crate has it.
pub(super) type Raw = RData;

/// Reads the answer to a question for `name`. `checked`: whether the resolver validates; `pick` takes the records wanted.
pub(super) fn outcome<T>(
    name: &Name,
    result: Result<Found, NetError>,
    checked: bool,
    pick: impl Fn(&Raw) -> Option<T>,
) -> Outcome<T> {
    match result {
        Ok(Found::Lookup(lookup)) => records(name, lookup.answers(), checked, pick),
        Ok(Found::Records(found)) => records(name, &found, checked, pick),
        Err(error) => absence(error, checked),
    }
}

/// Only records of the name asked for, or of what it is proven to be an alias of, count: an answer may hold others, soundly
/// signed by a zone that has nothing to do with it.
fn records<T>(name: &Name, answers: &[Record], checked: bool, pick: impl Fn(&Raw) -> Option<T>) -> Outcome<T> {
    let mut owner = name.clone();
    let mut security = Security::Secure;
    let mut ttl = u32::MAX;
    for _ in 0..=ALIASES {
        let mut found = Vec::new();
        for record in answers.iter().filter(|record| record.name == owner) {
            if let Some(value) = pick(&record.data) {
                security = security.min(security_of(record.proof, checked));
                ttl = ttl.min(record.ttl);
                found.push(value);
            }
        }
        if !found.is_empty() {
            let canonical = (owner != *name).then(|| text(&owner).unwrap_or_default());
            return Outcome::Records(Answer { records: found, security, ttl: Duration::from_secs(ttl.into()), canonical });
        }
        let alias = answers.iter().filter(|record| record.name == owner).find_map(|record| match &record.data {
            RData::CNAME(alias) => Some((alias.0.clone(), record)),
            _ => None,
        });
        let Some((next, record)) = alias else {
            // An answer whose records belong to nobody we asked for.
            return Outcome::Failed(Failure::Malformed);
        };
        security = security.min(security_of(record.proof, checked));
        ttl = ttl.min(record.ttl);
        owner = next;
    }
    Outcome::Failed(Failure::Malformed)
}

fn absence<T>(error: NetError, checked: bool) -> Outcome<T> {
    let (code, proofs, ttl): (ResponseCode, Vec<Proof>, Option<u32>) = match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            let soa = none.soa.as_ref();
            let ttl = none.negative_ttl.or(soa.map(|soa| soa.ttl.min(soa.data.minimum)));
            let authorities = none.authorities.iter().flat_map(|records| records.iter()).map(|record| record.proof);
            (none.response_code, soa.map(|soa| soa.proof).into_iter().chain(authorities).collect(), ttl)
        }
        // A denial that proves too little, in a zone whose parameters put it beyond proof (RFC 9276).
        NetError::Dns(DnsError::Nsec { response, proof: Proof::Insecure, .. }) => {
            (response.response_code, vec![Proof::Insecure], None)
        }
        error => return Outcome::Failed(failure(&error)),
    };
    // Without any proof it was answered by the crate itself (`localhost`, `invalid`), which no zone signed.
    let least = proofs.into_iter().map(|proof| security_of(proof, checked)).min();
    let security = least.unwrap_or(if checked { Security::Insecure } else { Security::Unchecked });
    let what = match code {
        ResponseCode::NXDomain => Absent::Name,
        _ => Absent::Data,
    };
    Outcome::Absent(Absence { what, security, ttl: ttl.map(|ttl| Duration::from_secs(ttl.into())) })
}

fn security_of(proof: Proof, checked: bool) -> Security {
    match proof {
        Proof::Secure if checked => Security::Secure,
        Proof::Insecure if checked => Security::Insecure,
        // A bogus record never comes this far; if one did, it would be worth nothing.
        _ => Security::Unchecked,
    }
}

fn failure(error: &NetError) -> Failure {
    match error {
        NetError::Dns(DnsError::ResponseCode(ResponseCode::ServFail)) => Failure::ServFail,
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => Failure::Refused,
        NetError::Dns(DnsError::ResponseCode(code)) => Failure::Code(u16::from(*code)),
        NetError::Dns(DnsError::DnssecBogus | DnsError::Nsec { .. }) => Failure::Bogus,
        NetError::Timeout => Failure::Timeout,
        NetError::Io(_) | NetError::NoConnections | NetError::Busy => Failure::Unreachable,
        _ => Failure::Malformed,
    }
}

/// A name as text: lower case, no dot at the end; `None` for the root.
pub(super) fn text(name: &Name) -> Option<String> {
    let text = name.to_lowercase().to_ascii();
    let text = text.strip_suffix('.').unwrap_or(&text);
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::rr::rdata::{A, CNAME};

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn address(owner: &str, last: u8, proof: Proof) -> Record {
        let mut record = Record::from_rdata(name(owner), 60, RData::A(A::new(192, 0, 2, last)));
        record.proof = proof;
        record
    }

    fn alias(owner: &str, to: &str, proof: Proof) -> Record {
        let mut record = Record::from_rdata(name(owner), 30, RData::CNAME(CNAME(name(to))));
        record.proof = proof;
        record
    }

    fn read(answers: &[Record], checked: bool) -> Outcome<u8> {
        records(&name("a.test."), answers, checked, |data| match data {
            RData::A(address) => Some(address.0.octets()[3]),
            _ => None,
        })
    }

    #[test]
    fn the_least_proof_counts_and_foreign_records_do_not() {
        use Proof::{Bogus, Indeterminate, Insecure, Secure};
        let rows: Vec<(&str, Vec<Record>, &[u8], Security)> = vec![
            ("one", vec![address("a.test.", 1, Secure)], &[1], Security::Secure),
            ("case", vec![address("A.Test.", 1, Secure)], &[1], Security::Secure),
            ("least", vec![address("a.test.", 1, Secure), address("a.test.", 2, Insecure)], &[1, 2], Security::Insecure),
            ("never looked", vec![address("a.test.", 1, Indeterminate)], &[1], Security::Unchecked),
            ("bogus is worth nothing", vec![address("a.test.", 1, Bogus)], &[1], Security::Unchecked),
            ("foreign", vec![address("a.test.", 1, Secure), address("evil.test.", 2, Secure)], &[1], Security::Secure),
            ("alias", vec![alias("a.test.", "b.test.", Secure), address("b.test.", 1, Secure)], &[1], Security::Secure),
            (
                "an alias unsigned",
                vec![alias("a.test.", "b.test.", Insecure), address("b.test.", 1, Secure)],
                &[1],
                Security::Insecure,
            ),
            ("backwards", vec![address("b.test.", 1, Secure), alias("a.test.", "b.test.", Secure)], &[1], Security::Secure),
        ];
        for (row, answers, expected, security) in rows {
            let Outcome::Records(answer) = read(&answers, true) else { panic!("{row}") };
            assert_eq!((answer.records.as_slice(), answer.security), (expected, security), "{row}");
            assert_eq!(
                answer.canonical.as_deref(),
                row.contains("alias").then_some("b.test").or((row == "backwards").then_some("b.test"))
            );
            let Outcome::Records(unchecked) = read(&answers, false) else { panic!("{row}") };
            assert_eq!(unchecked.security, Security::Unchecked, "{row}: nobody validated");
        }
    }

    #[test]
    fn what_answers_nothing_is_no_answer() {
        let circle = [alias("a.test.", "b.test.", Proof::Secure), alias("b.test.", "a.test.", Proof::Secure)];
        let foreign = [address("evil.test.", 2, Proof::Secure)];
        for answers in [&circle[..], &foreign, &[]] {
            assert_eq!(read(answers, true), Outcome::Failed(Failure::Malformed));
        }
    }

    #[test]
    fn every_error_is_temporary_but_absence() {
        let rows = [
            (NetError::Timeout, Failure::Timeout),
            (NetError::NoConnections, Failure::Unreachable),
            (DnsError::DnssecBogus.into(), Failure::Bogus),
            (DnsError::ResponseCode(ResponseCode::ServFail).into(), Failure::ServFail),
            (DnsError::ResponseCode(ResponseCode::Refused).into(), Failure::Refused),
            (DnsError::ResponseCode(ResponseCode::NotImp).into(), Failure::Code(4)),
            (NetError::Truncated, Failure::Malformed),
        ];
        for (error, expected) in rows {
            assert_eq!(absence::<u8>(error, true), Outcome::Failed(expected));
        }
    }
}
