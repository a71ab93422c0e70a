//! The services that a domain publishes, both kinds of one role, and what follows from them (SPEC §2.1, §2.2).

use super::answer::{Absent, Failure, Outcome, Security, Srv};
use super::order::order;
use super::resolver::Resolver;
use crate::model::Domain;
use crate::net::connect::{PORT_PLAIN, PORT_TLS, TlsKind};

/// Who looks for a domain's server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// A client of the domain.
    #[default]
    Client,
    /// The server of another domain.
    Server,
}

impl Role {
    /// The name that is asked for SRV records.
    ///
    /// *Shape:* `_impps-client._tcp.example.org`
    #[must_use]
    pub fn question(self, tls: TlsKind, domain: &Domain) -> String {
        let service = match (self, tls) {
            (Self::Client, TlsKind::Require) => "_impps-client",
            (Self::Client, _) => "_impp-client",
            (Self::Server, TlsKind::Require) => "_impps-server",
            (Self::Server, _) => "_impp-server",
        };
        format!("{service}._tcp.{}", domain.as_str())
    }
}

/// What a domain says of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The domain.
    pub domain: Domain,
    /// The role.
    pub role: Role,
    /// SRV records for TLS from the first octet.
    pub tls_first: Outcome<Srv>,
    /// SRV records for a plain start.
    pub plain_start: Outcome<Srv>,
}

/// A place where the domain says that its server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// A name, as of [`Srv::target`].
    pub host: String,
    /// The port.
    pub port: u16,
    /// How to begin there.
    pub tls: TlsKind,
    /// How far the answer that named it can be believed. With [`Security::Secure`], or if `host` is the domain, the host's
    /// name may stand in the certificate and its TLSA records count (SPEC §2.4).
    pub security: Security,
    /// The record; `None` for the domain itself where there is no record.
    pub record: Option<Srv>,
}

/// Why there is no place to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOffer {
    /// It cannot be found out now, as one of the two questions was not answered.
    Undecided(TlsKind, Failure),
    /// The domain says that it has no such service.
    Declined,
}

impl Published {
    /// Asks both questions side by side.
    pub async fn ask(resolver: &Resolver, domain: &Domain, role: Role) -> Self {
        let (first, second) = (role.question(TlsKind::Require, domain), role.question(TlsKind::StartTls, domain));
        let (tls_first, plain_start) = tokio::join!(resolver.srv(&first), resolver.srv(&second));
        Self { domain: domain.clone(), role, tls_first, plain_start }
    }

    /// The places in the order in which to try them. `below(n)` is a random number below `n`, as of [`order`].
    ///
    /// # Errors
    /// [`NoOffer`]
    pub fn offers(&self, below: &mut dyn FnMut(u64) -> u64) -> Result<Vec<Offer>, NoOffer> {
        let sets = [(TlsKind::Require, &self.tls_first), (TlsKind::StartTls, &self.plain_start)];
        // Either will do for whoever suppresses an answer to choose how we begin: none is used without the other.
        for (tls, outcome) in sets {
            if let Some(failure) = outcome.failure() {
                return Err(NoOffer::Undecided(tls, failure));
            }
        }
        let records: Vec<(Srv, TlsKind, Security)> = sets
            .into_iter()
            .flat_map(|(tls, outcome)| {
                let security = outcome.security().unwrap_or(Security::Unchecked);
                outcome.records().iter().map(move |srv| (srv.clone(), tls, security))
            })
            .collect();
        if records.is_empty() {
            return Ok(vec![self.itself(TlsKind::Require, PORT_TLS), self.itself(TlsKind::StartTls, PORT_PLAIN)]);
        }
        let usable = records.into_iter().filter(|(srv, ..)| srv.target.is_some()).collect();
        let offers: Vec<Offer> = order(usable, |(srv, tls, _)| (srv, *tls), below)
            .into_iter()
            .filter_map(|(srv, tls, security)| {
                Some(Offer { host: srv.target.clone()?, port: srv.port, tls, security, record: Some(srv) })
            })
            .collect();
        if offers.is_empty() { Err(NoOffer::Declined) } else { Ok(offers) }
    }

    /// Whether neither kind has a record, so that the domain's own addresses are tried.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        matches!((&self.tls_first, &self.plain_start), (Outcome::Absent(_), Outcome::Absent(_)))
    }

    /// Whether the domain's name does not even exist below it; says nothing of the domain itself.
    #[must_use]
    pub fn names_absent(&self) -> bool {
        [&self.tls_first, &self.plain_start]
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Absent(absence) if absence.what == Absent::Name))
    }

    fn itself(&self, tls: TlsKind, port: u16) -> Offer {
        let absences = [self.tls_first.security(), self.plain_start.security()];
        let security = absences.into_iter().flatten().min().unwrap_or(Security::Unchecked);
        Offer { host: self.domain.as_str().to_owned(), port, tls, security, record: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dns::{Absence, Answer};
    use std::time::Duration;

    const SECURE: Security = Security::Secure;

    fn records(lines: &[&str], security: Security) -> Outcome<Srv> {
        let read = |line: &&str| {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |at: usize| words[at].parse().unwrap();
            let target = words[3].strip_suffix('.').unwrap();
            let target = (!target.is_empty()).then(|| target.to_owned());
            Srv { priority: number(0), weight: number(1), port: number(2), target }
        };
        let records = lines.iter().map(read).collect();
        Outcome::Records(Answer { records, security, ttl: Duration::ZERO, canonical: None })
    }

    fn absent(what: Absent) -> Outcome<Srv> {
        Outcome::Absent(Absence { what, security: SECURE, ttl: None })
    }

    fn offers(tls_first: &Outcome<Srv>, plain_start: &Outcome<Srv>) -> Result<Vec<String>, NoOffer> {
        let domain = Domain::parse("example.org").unwrap();
        let (tls_first, plain_start) = (tls_first.clone(), plain_start.clone());
        let published = Published { domain, role: Role::Client, tls_first, plain_start };
        let short = |offer: Offer| {
            let kind = if offer.tls == TlsKind::Require { "tls" } else { "starttls" };
            format!("{kind} {}:{} {:?}", offer.host, offer.port, offer.security)
        };
        published.offers(&mut |_| 0).map(|offers| offers.into_iter().map(short).collect())
    }

    #[test]
    fn the_questions_of_each_role() {
        let domain = Domain::parse("bücher.example").unwrap();
        let asked = [Role::Client, Role::Server].map(|role| {
            [TlsKind::Require, TlsKind::StartTls].map(|tls| role.question(tls, &domain).replace(".xn--bcher-kva.example", ""))
        });
        assert_eq!(asked, [["_impps-client._tcp", "_impp-client._tcp"], ["_impps-server._tcp", "_impp-server._tcp"],]);
    }

    #[test]
    fn both_sets_are_merged() {
        type Row<'a> = (&'a str, Outcome<Srv>, Outcome<Srv>, &'a [&'a str]);
        let rows: &[Row<'_>] = &[
            (
                "priority counts across the sets",
                records(&["10 0 5773 a.test."], SECURE),
                records(&["5 0 5772 b.test."], Security::Insecure),
                &["starttls b.test:5772 Insecure", "tls a.test:5773 Secure"],
            ),
            (
                "TLS goes before STARTTLS at equal priority",
                records(&["10 1 5773 a.test."], SECURE),
                records(&["10 9 5772 b.test."], SECURE),
                &["tls a.test:5773 Secure", "starttls b.test:5772 Secure"],
            ),
            (
                "one set is enough where the other is known to be empty",
                absent(Absent::Name),
                records(&["10 9 5772 b.test."], SECURE),
                &["starttls b.test:5772 Secure"],
            ),
            (
                "the root beside others is dropped",
                records(&["0 0 0 ."], SECURE),
                records(&["10 9 5772 b.test.", "0 0 0 ."], SECURE),
                &["starttls b.test:5772 Secure"],
            ),
            (
                "no record of either kind",
                absent(Absent::Name),
                absent(Absent::Data),
                &["tls example.org:5773 Secure", "starttls example.org:5772 Secure"],
            ),
        ];
        for (row, tls_first, plain_start, expected) in rows {
            assert_eq!(offers(tls_first, plain_start).unwrap(), *expected, "{row}");
        }
    }

    #[test]
    fn no_answer_to_either_question_is_no_answer() {
        let good = records(&["10 0 5773 a.test."], SECURE);
        let none = absent(Absent::Name);
        for failure in [Failure::ServFail, Failure::Timeout, Failure::Bogus, Failure::Unreachable, Failure::Malformed] {
            for other in [&good, &none] {
                let failed = Outcome::Failed(failure);
                assert_eq!(offers(&failed, other), Err(NoOffer::Undecided(TlsKind::Require, failure)));
                assert_eq!(offers(other, &failed), Err(NoOffer::Undecided(TlsKind::StartTls, failure)));
            }
        }
    }

    #[test]
    fn the_root_alone_declines() {
        let root = records(&["0 0 0 ."], Security::Insecure);
        for (tls_first, plain_start) in [(&root, &root), (&root, &absent(Absent::Name)), (&absent(Absent::Data), &root)] {
            assert_eq!(offers(tls_first, plain_start), Err(NoOffer::Declined));
        }
    }
}
