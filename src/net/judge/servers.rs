//! The judgement about servers: what answered at each address (S12 to S20, S23, S29).

use super::catalogue::Id;
use super::facts::{Facts, Host, RoleFacts, Visit};
use super::finding::{Finding, Severity};
use super::records;
use crate::engine::{Mechanism, ServerHello};
use crate::model::ErrorKind;
use crate::model::error_kind::Lasting;
use crate::net::connect::TlsKind;
use crate::net::dns::{Offer, Outcome, Role, Security, Tlsa};
use crate::net::printable::printable;
use crate::net::survey::HelloFault;
use crate::net::tls::{AcceptedBy, CertificateFault, Examined, Shown, TlsError};
use std::io;
use std::net::IpAddr;

const DAY: u64 = 86_400;
/// Days that a certificate should have left at least.
const DAYS_URGENT: u64 = 7;
/// Days from which on it is worth a thought.
const DAYS_SOON: u64 = 30;
/// A TLSA record for the certificate itself makes its dates and names irrelevant (RFC 7671, section 5.1).
const USAGE_END_ENTITY: u8 = 3;

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for role in &facts.roles {
        let any = role.hosts.iter().flat_map(|host| &host.visits).any(|visit| visit.probe.tcp.is_ok());
        for (offer, host) in role.places() {
            for visit in &host.visits {
                let server = Server { facts, role, offer, host, visit, any };
                server.judge(&mut found);
            }
        }
    }
    found
}

/// One address of one place.
struct Server<'a> {
    facts: &'a Facts,
    role: &'a RoleFacts,
    offer: &'a Offer,
    host: &'a Host,
    visit: &'a Visit,
    /// Whether any address of the role answers.
    any: bool,
}

impl Server<'_> {
    fn judge(&self, found: &mut Vec<Finding>) {
        let probe = &self.visit.probe;
        if let Err(kind) = probe.tcp {
            found.push(self.unreachable(kind));
            return;
        }
        if self.visit.answers_the_other_way {
            found.push(self.wrong_kind());
            return;
        }
        match &probe.before_tls {
            None => {}
            Some(Err(fault)) => found.push(self.unheard(fault)),
            Some(Ok(hello)) => self.in_the_clear(hello, found),
        }
        match &probe.tls {
            None => {}
            Some(Err(error)) => found.push(self.no_tls(error)),
            Some(Ok(examined)) => self.certificate(examined, found),
        }
        match &probe.hello {
            None => {}
            // The answer to STARTTLS.
            Some(Err(HelloFault::Refused(answer))) if probe.tls.is_none() => {
                found.push(self.no_starttls(&format!("STARTTLS is refused: {}", answer.kind.as_str())));
            }
            Some(Err(fault)) => found.push(self.unheard(fault)),
            Some(Ok(hello)) => self.mechanisms(hello, found),
        }
    }

    /// *Shape:* `im1.example.org:5773 [192.0.2.1]`
    fn about(&self) -> String {
        format!("{}:{} [{}]", self.offer.host, self.offer.port, self.visit.address.ip())
    }

    fn say(&self, id: Id, severity: Severity, text: impl Into<String>) -> Finding {
        Finding::new(id, severity, self.about(), text).of(self.role.role())
    }

    /// The record that leads here, for the changes that concern it.
    fn record(&self, offer: &Offer) -> Option<String> {
        let owner = self.role.role().question(offer.tls, &self.facts.domain);
        offer.record.as_ref().map(|srv| records::line(&owner, srv))
    }

    fn address_record(&self) -> String {
        let ip = self.visit.address.ip();
        format!("{}. 3600 IN {} {ip}", self.offer.host, if ip.is_ipv6() { "AAAA" } else { "A" })
    }

    /// S12, S13, S28.
    fn unreachable(&self, kind: io::ErrorKind) -> Finding {
        let six = self.visit.address.is_ipv6();
        let no_way = six && matches!(kind, io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable);
        if no_way && !self.any {
            let text = "this machine has no IPv6, and no other address answers: nothing can be said of it from here";
            return self.say(Id::Undecided, Severity::Unknown, text).change("look from a machine with IPv6");
        }
        if no_way {
            return self.say(Id::DeadV6, Severity::Info, "not visited: this machine has no IPv6");
        }
        let what = match kind {
            io::ErrorKind::ConnectionRefused => "the connection was refused".to_owned(),
            io::ErrorKind::TimedOut => "no answer in time".to_owned(),
            kind => format!("no connection: {kind}"),
        };
        let port = self.offer.port;
        let open = format!("start the server there and open port {port}/tcp in the firewall, or");
        let four = |visit: &Visit| matches!(visit.address.ip(), IpAddr::V4(_)) && visit.probe.tcp.is_ok();
        if six && self.host.visits.iter().any(four) {
            let finding = self.say(Id::DeadV6, Severity::Warning, format!("{what} over IPv6, while IPv4 works"));
            return finding.change(open).change(format!("remove  {}", self.address_record()));
        }
        let severity = if self.any { Severity::Warning } else { Severity::Error };
        let finding = self.say(Id::Refused, severity, what).change(open);
        match self.record(self.offer) {
            Some(record) => finding.change(format!("remove  {record}")),
            None => finding.change(format!("publish SRV records that lead elsewhere; this was the fallback, port {port}")),
        }
    }

    /// S15.
    fn wrong_kind(&self) -> Finding {
        let (text, right) = match self.offer.tls {
            TlsKind::Require => {
                ("the record promises TLS from the first octet, and the server starts in the clear", TlsKind::StartTls)
            }
            _ => ("the record promises a plain start, and the server wants TLS from the first octet", TlsKind::Require),
        };
        let finding = self.say(Id::WrongKindOfTls, Severity::Error, text);
        match self.record(&Offer { tls: right, ..self.offer.clone() }) {
            Some(record) => finding.change(record),
            None => finding.change("let the server use port 5773 for TLS and 5772 for a plain start"),
        }
    }

    /// S19 of the part before STARTTLS.
    fn in_the_clear(&self, hello: &ServerHello, found: &mut Vec<Finding>) {
        if hello.mechanisms.iter().any(|name| name == Mechanism::Plain.as_str()) {
            let text = "PLAIN is offered before TLS: a password would cross the network for everybody to read";
            found.push(self.say(Id::NoLogin, Severity::Error, text).change("offer PLAIN only inside TLS"));
        }
    }

    fn no_starttls(&self, text: &str) -> Finding {
        self.say(Id::NoTls, Severity::Error, text).change("give the server a certificate and its key")
    }

    /// S14, S18.
    fn no_tls(&self, error: &TlsError) -> Finding {
        if *error == TlsError::NotTls {
            let text = "what answers speaks neither TLS nor IMPP";
            return self.not_impp(text);
        }
        let text = format!("TLS fails: {error}");
        self.say(Id::NoTls, Severity::Error, text).change("let the server speak TLS 1.2 or 1.3, with a certificate of the domain")
    }

    fn not_impp(&self, text: impl Into<String>) -> Finding {
        let finding = self.say(Id::NotImpp, Severity::Error, text);
        match self.record(self.offer) {
            Some(record) => finding.change(format!("correct the port  {record}")),
            None => finding.change("publish SRV records that name the right port"),
        }
    }

    /// S16, S17, S23, S29.
    fn certificate(&self, examined: &Examined, found: &mut Vec<Finding>) {
        let shown = &examined.certificate;
        let domain = self.facts.domain.as_str();
        let pinned = match examined.verdict {
            Ok(AcceptedBy::Tlsa(at)) => self.host.tlsa.records().get(at).is_some_and(|tlsa| tlsa.usage == USAGE_END_ENTITY),
            _ => false,
        };
        if let Some(finding) = self.dates(shown, examined.verdict, pinned) {
            found.push(finding);
        }
        let names = names(shown);
        let names_nobody = matches!(examined.verdict, Err(CertificateFault::WrongName))
            || (matches!(examined.verdict, Err(fault) if fault != CertificateFault::WrongTlsa)
                && !shown.names.is_empty()
                && shown.more_names == 0
                && !shown.names.iter().any(|name| covers(name, domain))
                && !(self.offer.security == Security::Secure && shown.names.iter().any(|name| covers(name, &self.offer.host))));
        if names_nobody {
            let text = format!("the certificate is not for {domain}; it names {names}");
            let change = format!("get a certificate with the DNS name {domain}");
            found.push(self.say(Id::WrongName, Severity::Error, text).change(change));
        }
        self.tlsa(examined, found);
        let trouble = match examined.verdict {
            Err(CertificateFault::UnknownIssuer) if shown.self_signed => "the certificate is self-signed".to_owned(),
            Err(CertificateFault::UnknownIssuer) => {
                format!(
                    "the certificate is issued by \"{}\", whom this machine does not trust ({} sent)",
                    shown.issuer, examined.chain
                )
            }
            Err(CertificateFault::WrongUse) => "the certificate is not meant for servers".to_owned(),
            Err(CertificateFault::Revoked) => "the certificate was revoked".to_owned(),
            Err(CertificateFault::Malformed) => "the certificate makes no sense".to_owned(),
            Err(CertificateFault::WrongPin) => "the server's key is not the pinned one".to_owned(),
            _ => return,
        };
        let finding = self.say(Id::Untrusted, Severity::Error, trouble);
        // Alone, it may be a good one whose issuer is known to the server's administrator and to nobody else.
        let alone = examined.chain == 1 && !shown.self_signed && examined.verdict == Err(CertificateFault::UnknownIssuer);
        let chain = "let the certificate file hold the issuer's certificates as well, behind the server's own (fullchain.pem)";
        let finding = if alone { finding.change(chain) } else { finding };
        let or = if alone { "or " } else { "" };
        let other = format!("{or}get a certificate for {domain} from a public authority; for one of your own: --ca FILE");
        found.push(finding.change(other));
    }

    fn dates(&self, shown: &Shown, verdict: Result<AcceptedBy, CertificateFault>, pinned: bool) -> Option<Finding> {
        let now = self.facts.now;
        let over = shown.not_after <= now || verdict == Err(CertificateFault::Expired);
        let early = shown.not_before > now || verdict == Err(CertificateFault::NotYetValid);
        let left = shown.not_after.since(now).as_secs() / DAY;
        let (severity, text) = if over {
            (Severity::Error, format!("the certificate expired on {}", shown.not_after.to_rfc3339()))
        } else if early {
            (Severity::Error, format!("the certificate is not valid before {}", shown.not_before.to_rfc3339()))
        } else if left < DAYS_URGENT {
            (Severity::Warning, format!("the certificate expires in {left} days, on {}", shown.not_after.to_rfc3339()))
        } else if left < DAYS_SOON {
            (Severity::Info, format!("the certificate expires in {left} days, on {}", shown.not_after.to_rfc3339()))
        } else {
            return None;
        };
        // Nobody looks at the dates of one that a TLSA record names.
        let severity = if pinned { Severity::Info } else { severity };
        let change = "renew the certificate, and reload the server; with TLSA records: publish the new key's first";
        Some(self.say(Id::Expiry, severity, text).change(change))
    }

    fn tlsa(&self, examined: &Examined, found: &mut Vec<Finding>) {
        let records = self.host.tlsa.records();
        if records.is_empty() {
            return;
        }
        let owner = format!("_{}._tcp.{}", self.offer.port, self.offer.host);
        let right = examined.certificate.pin.as_ref().map(|pin| {
            let tlsa = Tlsa { usage: USAGE_END_ENTITY, selector: 1, matching: 1, data: pin.hash().to_vec() };
            format!("{owner}. 3600 IN TLSA {tlsa}")
        });
        if examined.verdict == Err(CertificateFault::WrongTlsa) {
            let text = format!("the certificate fits none of the TLSA records at {owner}; clients refuse the server");
            found.push(Finding { change: right.into_iter().collect(), ..self.say(Id::TlsaMismatch, Severity::Error, text) });
            return;
        }
        let decided = matches!(examined.verdict, Ok(AcceptedBy::Tlsa(_)));
        if decided {
            return;
        }
        let secure = self.host.tlsa.security() == Some(Security::Secure) && self.offer.security == Security::Secure;
        let text = if secure {
            format!("none of the TLSA records at {owner} is of a usable kind: only usages 2 and 3 count")
        } else {
            format!("the TLSA records at {owner} decide nothing, since the answers are not secured by DNSSEC")
        };
        let fits = |record: &Tlsa| {
            (record.usage, record.selector, record.matching) == (USAGE_END_ENTITY, 1, 1)
                && examined.certificate.pin.as_ref().is_some_and(|pin| pin.hash()[..] == record.data)
        };
        let ends = (record_of_key(&self.host.tlsa) && !records.iter().any(fits)).then_some("; nor do they fit the certificate");
        let text = format!("{text}{}", ends.unwrap_or_default());
        let change = if ends.is_some() { right.into_iter().collect() } else { Vec::new() };
        found.push(Finding { change, ..self.say(Id::TlsaMismatch, Severity::Info, text) });
    }

    /// S18, S20, S28.
    fn unheard(&self, fault: &HelloFault) -> Finding {
        let answer = match fault {
            HelloFault::Refused(answer) => answer,
            HelloFault::NoStartTls => return self.no_starttls("the server offers no STARTTLS"),
            HelloFault::NotImpp => return self.not_impp("what answers is not IMPP/1.0"),
            HelloFault::BadAnswer => return self.not_impp("the answer to HELLO makes no sense"),
            HelloFault::Timeout => return self.not_impp("no answer to HELLO in time"),
            HelloFault::Broken(io::ErrorKind::UnexpectedEof) => {
                return self.not_impp("the server closed the connection in place of an answer to HELLO");
            }
            HelloFault::Broken(kind) => return self.not_impp(format!("the connection broke before HELLO was answered: {kind}")),
        };
        let reason = answer.reason.as_deref().map(|reason| format!(": {}", printable(reason, 80))).unwrap_or_default();
        let domain = self.facts.domain.shown();
        match answer.kind {
            ErrorKind::TargetUnknown => {
                let text = format!("the server does not serve {domain}{reason}");
                let change = format!("add {domain} to the server's domains, or correct the record");
                let finding = self.say(Id::NotServed, Severity::Error, text).change(change);
                match self.record(self.offer) {
                    Some(record) => finding.change(format!("or remove  {record}")),
                    None => finding,
                }
            }
            ErrorKind::VersionNotSupported => self.not_impp(format!("the server does not speak version 1.0{reason}")),
            kind if kind.lasting() == Lasting::Temporary => {
                let text = format!("the server wants to be asked later ({}{reason})", kind.as_str());
                self.say(Id::Undecided, Severity::Unknown, text).change("ask again later")
            }
            kind => {
                let text = format!("HELLO is refused ({}{reason})", kind.as_str());
                self.say(Id::NotServed, Severity::Error, text).change("the server's log says why")
            }
        }
    }

    /// S19. Servers of other domains prove themselves in ways of their own.
    fn mechanisms(&self, hello: &ServerHello, found: &mut Vec<Finding>) {
        if self.role.role() == Role::Server || !hello.known_mechanisms().is_empty() {
            return;
        }
        let offered: Vec<String> = hello.mechanisms.iter().take(8).map(|name| printable(name, 30)).collect();
        let offered = if offered.is_empty() { "none".to_owned() } else { offered.join(" ") };
        let text = format!("no mechanism to log in that clients know; offered: {offered}");
        found.push(self.say(Id::NoLogin, Severity::Error, text).change("enable SCRAM-SHA-256"));
    }
}

/// Whether all records are hashes of keys, so that a look at the key tells whether one fits.
fn record_of_key(tlsa: &Outcome<Tlsa>) -> bool {
    tlsa.records().iter().all(|record| (record.usage, record.selector, record.matching) == (USAGE_END_ENTITY, 1, 1))
}

fn names(shown: &Shown) -> String {
    match (shown.names.as_slice(), shown.more_names) {
        ([], _) => "no domain".to_owned(),
        (names, 0) => names.join(", "),
        (names, more) => format!("{} and {more} more", names.join(", ")),
    }
}

/// Whether a name of a certificate stands for the domain; an asterisk as its first label for any one (RFC 9525).
fn covers(name: &str, domain: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("*.") {
        Some(rest) => domain.split_once('.').is_some_and(|(_, parent)| parent == rest),
        None => name == domain,
    }
}
