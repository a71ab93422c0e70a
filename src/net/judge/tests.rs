//! Each finding: a domain that has it, and one sound domain that has none of them.

use super::*;
use crate::engine::{ServerHello, TlsState};
use crate::model::{Answer, Domain, ErrorKind, UnixMillis};
use crate::net::connect::{HostPort, TlsKind};
use crate::net::dns::{Addresses, Failure, Outcome, Published, Role, Security, Srv, Tlsa, ZoneFile};
use crate::net::survey::{HelloFault, Probe};
use crate::net::tls::{AcceptedBy, CertificateFault, Examined, Pin, Shown, TlsError};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const NOW: UnixMillis = UnixMillis(1_795_435_200_000);
const DAY: u64 = 86_400;
const SOUND: &str = "\
_impps-client._tcp SRV 10 100 5773 im
_impp-client._tcp  SRV 20 100 5772 im
_impps-server._tcp SRV 10 100 5773 im
_impp-server._tcp  SRV 20 100 5772 im
im A 192.0.2.1
im AAAA 2001:db8::1
";

fn secure<T>(mut outcome: Outcome<T>) -> Outcome<T> {
    match &mut outcome {
        Outcome::Records(answer) => answer.security = Security::Secure,
        Outcome::Absent(absence) => absence.security = Security::Secure,
        Outcome::Failed(_) => {}
    }
    outcome
}

fn hello(tls: TlsState, mechanisms: &[&str]) -> ServerHello {
    ServerHello {
        agent: Some("impp-relay/0.1.0".into()),
        tls,
        mechanisms: mechanisms.iter().map(|name| (*name).to_owned()).collect(),
        services: crate::model::Services::ALL,
        max_body: 100_000,
        max_outstanding: 64,
        lease_min: Duration::from_secs(60),
        lease_max: Duration::from_secs(DAY),
    }
}

fn visit(ip: IpAddr, port: u16, kind: TlsKind) -> Visit {
    let certificate = Shown {
        names: vec!["example.org".into()],
        issuer: "CN=Some Authority".into(),
        not_before: UnixMillis(NOW.0 - 1000),
        not_after: NOW.plus(Duration::from_secs(90 * DAY)),
        pin: Some(Pin::of_key(b"the key")),
        ..Shown::default()
    };
    let verdict = Ok(AcceptedBy::Domain);
    let examined = Examined { version: "TLS 1.3", speaks_impp: true, certificate, chain: 2, verdict, without_tlsa: verdict };
    let probe = Probe {
        tcp: Ok(Duration::from_millis(12)),
        before_tls: (kind == TlsKind::StartTls).then(|| Ok(hello(TlsState::Offered, &["SCRAM-SHA-256"]))),
        tls: Some(Ok(examined)),
        hello: Some(Ok(hello(TlsState::Active, &["SCRAM-SHA-256", "PLAIN"]))),
    };
    Visit { address: SocketAddr::new(ip, port), probe, answers_the_other_way: false }
}

fn domain() -> Domain {
    Domain::parse("example.org").unwrap()
}

fn role(zone: &ZoneFile, role: Role, adapt: impl Fn(&mut Published)) -> RoleFacts {
    let domain = domain();
    let srv = |tls| secure(zone.srv(&role.question(tls, &domain)));
    let mut published =
        Published { domain: domain.clone(), role, tls_first: srv(TlsKind::Require), plain_start: srv(TlsKind::StartTls) };
    adapt(&mut published);
    let offers = published.offers(&mut |_| 0);
    let host = |offer: &crate::net::dns::Offer| {
        let found = zone.addresses(&offer.host);
        let addresses = Addresses { v6: found.v6.map(secure), v4: found.v4.map(secure) };
        let visits = addresses.all().into_iter().map(|ip| visit(ip, offer.port, offer.tls)).collect();
        let tlsa = secure(zone.tlsa(&format!("_{}._tcp.{}", offer.port, offer.host)));
        Host { alias: zone.alias(&offer.host), addresses, tlsa, visits }
    };
    let hosts = offers.iter().flatten().map(host).collect();
    RoleFacts { published, wanted: role == Role::Client, offers, hosts }
}

fn seen_with(zone: &str, adapt: impl Fn(&mut Published)) -> Facts {
    let zone = ZoneFile::parse(&format!("$TTL 3600\n{zone}"), None, "example.org").unwrap();
    Facts {
        domain: domain(),
        now: NOW,
        source: Source::Resolver,
        visited: true,
        roles: [Role::Client, Role::Server].map(|each| role(&zone, each, &adapt)).into(),
        authorities: None,
        expected: None,
        strays: Vec::new(),
    }
}

fn seen(zone: &str) -> Facts {
    seen_with(zone, |_| {})
}

/// The sound domain with something changed in each visit.
fn visited(change: impl Fn(&mut Visit)) -> Facts {
    let mut facts = seen(SOUND);
    facts.roles.iter_mut().flat_map(|role| &mut role.hosts).flat_map(|host| &mut host.visits).for_each(change);
    facts
}

fn examined(change: impl Fn(&mut Examined)) -> Facts {
    visited(|visit| {
        if let Some(Ok(examined)) = &mut visit.probe.tls {
            change(examined);
        }
    })
}

fn says_hello(fault: HelloFault) -> Facts {
    visited(move |visit| visit.probe.hello = Some(Err(fault.clone())))
}

fn with(line: &str) -> Facts {
    seen(&format!("{SOUND}{line}\n"))
}

fn instead(from: &str, to: &str) -> Facts {
    assert!(SOUND.contains(from));
    seen(&SOUND.replace(from, to))
}

fn expecting(expected: Expected) -> Facts {
    Facts { expected: Some(expected), ..seen(SOUND) }
}

/// Two name servers, the second with this change.
fn served(change: impl Fn(&mut Published)) -> Facts {
    let mut facts = seen(SOUND);
    let says: Vec<Published> = facts.roles.iter().map(|role| role.published.clone()).collect();
    let mut others = says.clone();
    others.iter_mut().for_each(change);
    let server = |name: &str, last: u8, says| Authority {
        name: name.into(),
        address: Some(SocketAddr::from(([192, 0, 2, last], 53))),
        failure: None,
        says,
    };
    facts.authorities = Some(Ok(vec![server("ns1.example.org", 53, says), server("ns2.example.org", 54, others)]));
    facts
}

fn tlsa(facts: Facts, key: &[u8], security: Security) -> Facts {
    let mut facts = facts;
    for host in facts.roles.iter_mut().flat_map(|role| &mut role.hosts) {
        let data = Pin::of_key(key).hash().to_vec();
        let records = vec![Tlsa { usage: 3, selector: 1, matching: 1, data }];
        host.tlsa =
            Outcome::Records(crate::net::dns::Answer { records, security, ttl: Duration::from_secs(3600), canonical: None });
    }
    facts
}

fn found(facts: &Facts, id: Id) -> Vec<Finding> {
    judge(facts).into_iter().filter(|finding| finding.id == id).collect()
}

#[test]
fn a_sound_domain_has_no_findings() {
    for (row, facts) in [
        ("sound", seen(SOUND)),
        ("two servers", with("_impps-client._tcp SRV 10 50 5773 im2\nim2 A 192.0.2.2")),
        ("a spare", with("_impps-client._tcp SRV 30 0 5773 im2\nim2 A 192.0.2.2")),
        ("a kind that is not offered", instead("_impp-client._tcp  SRV 20 100 5772 im", "_impp-client._tcp SRV 0 0 0 .")),
        ("as expected", expecting(Expected::Place(HostPort::parse("im.example.org:5773").unwrap()))),
        ("name servers agree", served(|_| {})),
        ("DANE", {
            let mut facts = tlsa(examined(|examined| examined.verdict = Ok(AcceptedBy::Tlsa(0))), b"the key", Security::Secure);
            facts.visited = true;
            facts
        }),
        ("a wildcard", examined(|examined| examined.certificate.names = vec!["*.org".into()])),
    ] {
        assert_eq!(judge(&facts), [], "{row}");
    }
}

#[test]
fn every_finding_is_found() {
    use Id::*;
    use Severity::{Error, Info, Unknown, Warning};
    let refused = |kind| HelloFault::Refused(Answer::new(kind));
    let failing = |failure: Failure| seen_with(SOUND, move |published| published.tls_first = Outcome::Failed(failure));
    let dates = |days: i64| {
        examined(move |examined| {
            let seconds = days * i64::try_from(DAY).unwrap() + 60;
            examined.certificate.not_after = UnixMillis(NOW.0.checked_add_signed(seconds * 1000).unwrap());
        })
    };
    let srv = |text: &str| {
        let words: Vec<&str> = text.split(' ').collect();
        let number = |at: usize| words[at].parse().unwrap();
        Srv { priority: number(0), weight: number(1), port: number(2), target: Some(words[3].into()) }
    };
    let dead = |facts: Facts, six: bool, four: bool, kind| {
        let mut facts = facts;
        for visit in facts.roles.iter_mut().flat_map(|role| &mut role.hosts).flat_map(|host| &mut host.visits) {
            if (visit.address.is_ipv6() && six) || (visit.address.is_ipv4() && four) {
                visit.probe = Probe { tcp: Err(kind), before_tls: None, tls: None, hello: None };
            }
        }
        facts
    };
    let no_way = io::ErrorKind::NetworkUnreachable;
    // Finding, severity, a part of what is said, a part of what to change, the domain.
    let rows: Vec<(Id, Severity, &str, &str, Facts)> = vec![
        (
            NoService,
            Error,
            "does not exist",
            "_impps-client._tcp.example.org. 3600 IN SRV 10 100 5773 im.example.org.",
            seen("x.other.net. A 192.0.2.9"),
        ),
        (NoService, Error, "no address of its own", "im.example.org. 3600 IN A", seen("x A 192.0.2.9")),
        (Fallback, Info, "own addresses", "", seen("@ A 192.0.2.1")),
        (Declined, Error, "not offered", "5773 im.example.org.", seen("_impps-client._tcp SRV 0 0 0 .")),
        (
            Declined,
            Info,
            "not offered",
            "",
            instead(
                "_impps-server._tcp SRV 10 100 5773 im\n_impp-server._tcp  SRV 20 100 5772 im",
                "_impps-server._tcp SRV 0 0 0 .",
            ),
        ),
        (
            RootBeside,
            Error,
            "beside",
            "remove  _impps-client._tcp.example.org. 3600 IN SRV 0 0 0 .",
            with("_impps-client._tcp SRV 0 0 0 ."),
        ),
        (
            TargetIsAlias,
            Error,
            "alias (CNAME) of im.example.org",
            "SRV 5 1 5773 im.example.org.",
            with("_impps-client._tcp SRV 5 1 5773 www\nwww CNAME im"),
        ),
        (
            TargetIsAddress,
            Error,
            "the address 192.0.2.1",
            "im.example.org. 3600 IN A 192.0.2.1",
            with("_impps-client._tcp SRV 5 1 5773 192.0.2.1."),
        ),
        (
            TargetIsAddress,
            Error,
            "the address 192.0.2.1",
            "SRV 5 1 5773 im.example.org.",
            with("_impps-client._tcp SRV 5 1 5773 192.0.2.1"),
        ),
        (TargetUnknown, Error, "does not exist", "gone.example.org. 3600 IN A", with("_impps-client._tcp SRV 5 1 5773 gone")),
        (
            TargetUnknown,
            Error,
            "has no address",
            "mute.example.org. 3600 IN A",
            with("_impps-client._tcp SRV 5 1 5773 mute\nmute TXT x"),
        ),
        (
            TargetUnknown,
            Error,
            "the dot at its end is missing",
            "SRV 5 1 5773 im.example.org.",
            with("_impps-client._tcp SRV 5 1 5773 im.example.org"),
        ),
        (Duplicate, Warning, "2 records", "SRV 10 150 5773 im.example.org.", with("_impps-client._tcp SRV 10 50 5773 im")),
        (
            WeightZero,
            Warning,
            "once in 101",
            "SRV 10 1 5773 im2.example.org.",
            with("_impps-client._tcp SRV 10 0 5773 im2\nim2 A 192.0.2.2"),
        ),
        (
            Unreached,
            Warning,
            "priority 30",
            "remove  _impps-client._tcp.example.org. 3600 IN SRV 30 0 5773 im.example.org.",
            with("_impps-client._tcp SRV 30 0 5773 im"),
        ),
        (
            Unreached,
            Warning,
            "priority 30",
            "5773 other.example.org.",
            with("_impps-client._tcp SRV 30 0 5773 other\nother A 192.0.2.1"),
        ),
        (
            OddPort,
            Info,
            "priority, weight and port, in this order",
            "_impps-client._tcp.example.org. 3600 IN SRV 10 100 5773 im.example.org.",
            instead("_impps-client._tcp SRV 10 100 5773 im", "_impps-client._tcp SRV 5773 10 100 im"),
        ),
        (
            OddPort,
            Info,
            "priority, weight and port, in this order",
            "_impps-client._tcp.example.org. 3600 IN SRV 10 100 5773 im.example.org.",
            instead("_impps-client._tcp SRV 10 100 5773 im", "_impps-client._tcp SRV 10 5773 100 im"),
        ),
        (
            OddPort,
            Info,
            "that of the other kind",
            "_impp-client._tcp.example.org. 3600 IN SRV 10 100 5772 im.example.org.",
            instead("_impps-client._tcp SRV 10 100 5773 im", "_impps-client._tcp SRV 10 100 5772 im"),
        ),
        (OddPort, Info, "port 443", "", instead("_impps-client._tcp SRV 10 100 5773 im", "_impps-client._tcp SRV 10 100 443 im")),
        (Refused, Error, "refused", "remove  _impps-client", dead(seen(SOUND), true, true, io::ErrorKind::ConnectionRefused)),
        (Refused, Warning, "in time", "5773/tcp", dead(seen(SOUND), false, true, io::ErrorKind::TimedOut)),
        (
            DeadV6,
            Warning,
            "while IPv4 works",
            "remove  im.example.org. 3600 IN AAAA 2001:db8::1",
            dead(seen(SOUND), true, false, io::ErrorKind::TimedOut),
        ),
        (DeadV6, Info, "this machine has no IPv6", "", dead(seen(SOUND), true, false, no_way)),
        (
            NoTls,
            Error,
            "no STARTTLS",
            "certificate",
            visited(|visit| {
                if visit.probe.before_tls.is_some() {
                    (visit.probe.tls, visit.probe.hello) = (None, Some(Err(HelloFault::NoStartTls)));
                }
            }),
        ),
        (
            NoTls,
            Error,
            "in common",
            "TLS 1.2",
            visited(|visit| (visit.probe.tls, visit.probe.hello) = (Some(Err(TlsError::NothingInCommon)), None)),
        ),
        (
            WrongKindOfTls,
            Error,
            "starts in the clear",
            "_impp-client._tcp.example.org. 3600 IN SRV 10 100 5773",
            visited(|visit| visit.answers_the_other_way = true),
        ),
        (Expiry, Error, "expired on", "renew", dates(-1)),
        (Expiry, Warning, "expires in 3 days", "renew", dates(3)),
        (Expiry, Info, "expires in 20 days", "renew", dates(20)),
        (
            Expiry,
            Error,
            "not valid before",
            "renew",
            examined(|examined| examined.certificate.not_before = UnixMillis(NOW.0 + 1000)),
        ),
        (
            WrongName,
            Error,
            "not for example.org; it names im.example.org",
            "DNS name example.org",
            examined(|examined| {
                examined.certificate.names = vec!["im.example.org".into()];
                examined.verdict = Err(CertificateFault::WrongName);
            }),
        ),
        (
            NotImpp,
            Error,
            "neither TLS nor IMPP",
            "correct the port",
            visited(|visit| (visit.probe.tls, visit.probe.hello) = (Some(Err(TlsError::NotTls)), None)),
        ),
        (NotImpp, Error, "not IMPP/1.0", "correct the port", says_hello(HelloFault::NotImpp)),
        (NotImpp, Error, "version 1.0", "correct the port", says_hello(refused(ErrorKind::VersionNotSupported))),
        (
            NoLogin,
            Error,
            "offered: CRAM-MD5",
            "SCRAM-SHA-256",
            visited(|visit| visit.probe.hello = Some(Ok(hello(TlsState::Active, &["CRAM-MD5"])))),
        ),
        (
            NoLogin,
            Error,
            "PLAIN is offered before TLS",
            "inside TLS",
            visited(|visit| visit.probe.before_tls = Some(Ok(hello(TlsState::Offered, &["PLAIN"])))),
        ),
        (NotServed, Error, "does not serve example.org", "add example.org", says_hello(refused(ErrorKind::TargetUnknown))),
        (
            Disagree,
            Warning,
            "says nothing, where ns1.example.org says 10 100 5773 im.example.org.",
            "serial",
            served(|published| {
                published.tls_first = seen("x A 192.0.2.1").roles[0].published.tls_first.clone();
            }),
        ),
        (
            Disagree,
            Warning,
            "no answer about this domain",
            "NS record",
            served(|published| published.tls_first = Outcome::Failed(Failure::Refused)),
        ),
        (Dnssec, Error, "bogus", "DS record", failing(Failure::Bogus)),
        (
            Dnssec,
            Info,
            "not signed",
            "",
            seen_with(SOUND, |published| {
                if let Outcome::Records(answer) = &mut published.tls_first {
                    answer.security = Security::Insecure;
                }
            }),
        ),
        (
            TlsaMismatch,
            Error,
            "fits none",
            "_5773._tcp.im.example.org. 3600 IN TLSA 3 1 1 ",
            tlsa(examined(|examined| examined.verdict = Err(CertificateFault::WrongTlsa)), b"another", Security::Secure),
        ),
        (TlsaMismatch, Info, "decide nothing", "", tlsa(seen(SOUND), b"the key", Security::Insecure)),
        (TlsaMismatch, Info, "nor do they fit", "TLSA 3 1 1 ", tlsa(seen(SOUND), b"another", Security::Insecure)),
        (
            Unexpected,
            Error,
            "no record leads to im9.example.org",
            "SRV 10 100 5773 im9.example.org.",
            expecting(Expected::Place(HostPort::parse("im9.example.org:5773").unwrap())),
        ),
        (
            Unexpected,
            Error,
            "differ",
            "add     _impps-client._tcp.example.org. 3600 IN SRV 1 1 5773 im.example.org.",
            expecting(Expected::Records(vec![("_impps-client._tcp.example.org".into(), vec![srv("1 1 5773 im.example.org")])])),
        ),
        (Ttl, Info, "30 s", "3600 IN SRV", instead("_impps-client._tcp SRV", "_impps-client._tcp 30 SRV")),
        (Ttl, Info, "864000 s", "3600 IN SRV", instead("_impps-client._tcp SRV", "_impps-client._tcp 864000 SRV")),
        (
            RoleMissing,
            Warning,
            "none for other domains",
            "_impps-server._tcp.example.org. 3600 IN SRV 10 100 5773 im.example.org.",
            instead("_impps-server._tcp SRV 10 100 5773 im\n_impp-server._tcp  SRV 20 100 5772 im\n", ""),
        ),
        (
            RoleMissing,
            Warning,
            "nobody asks",
            "_impps-server._tcp.example.org. 3600 IN SRV 10 100 5773 im.example.org.",
            Facts {
                strays: vec![("_impps_server._tcp.example.org".into(), vec![srv("10 100 5773 im.example.org")])],
                ..seen(SOUND)
            },
        ),
        (
            SearchName,
            Warning,
            "search name lan",
            "--resolver",
            seen_with(SOUND, |published| {
                if let Outcome::Records(answer) = &mut published.tls_first {
                    answer.canonical = Some("_impps-client._tcp.example.org.lan".into());
                }
            }),
        ),
        (Undecided, Unknown, "SERVFAIL", "ask again", failing(Failure::ServFail)),
        (Undecided, Unknown, "NS records", "ask again", Facts { authorities: Some(Err(Failure::Timeout)), ..seen(SOUND) }),
        (
            Undecided,
            Unknown,
            "the address records",
            "ask again",
            Facts {
                authorities: Some(Ok(vec![Authority {
                    name: "ns1.example.org".into(),
                    address: None,
                    failure: Some(Failure::ServFail),
                    says: Vec::new(),
                }])),
                ..seen(SOUND)
            },
        ),
        (Undecided, Unknown, "2 places are published, of which only 1", "fewer records", {
            let mut facts = seen(SOUND);
            facts.roles.iter_mut().for_each(|role| role.hosts.truncate(1));
            facts
        }),
        (Undecided, Unknown, "has 2 addresses, of which only 1", "fewer addresses", {
            let mut facts = seen(SOUND);
            facts.roles.iter_mut().flat_map(|role| &mut role.hosts).for_each(|host| host.visits.truncate(1));
            facts
        }),
        (Undecided, Unknown, "later", "ask again", says_hello(refused(ErrorKind::TryLater))),
        (Undecided, Unknown, "no other address", "IPv6", dead(instead("im A 192.0.2.1\n", ""), true, true, no_way)),
        (
            Untrusted,
            Error,
            "issued by \"CN=Some Authority\", whom this machine does not trust (1 sent)",
            "fullchain.pem",
            examined(|examined| {
                examined.chain = 1;
                examined.verdict = Err(CertificateFault::UnknownIssuer);
            }),
        ),
        (
            Untrusted,
            Error,
            "self-signed",
            "--ca FILE",
            examined(|examined| {
                examined.certificate.self_signed = true;
                examined.verdict = Err(CertificateFault::UnknownIssuer);
            }),
        ),
    ];
    let mut missing: Vec<&str> = catalogue::CATALOGUE.iter().map(|entry| entry.code).collect();
    for (id, severity, text, change, facts) in &rows {
        let all = found(facts, *id);
        let fits = |finding: &&Finding| {
            let says_change = change.is_empty() || finding.change.iter().any(|line| line.contains(change));
            finding.severity == *severity && finding.text.contains(text) && says_change
        };
        assert!(all.iter().any(|finding| fits(&finding)), "{id} {text:?}: {:#?}", judge(facts));
        missing.retain(|code| *code != id.to_string());
    }
    assert_eq!(missing, ["S30"], "the login is tried by the tool");
}

#[test]
fn the_worst_comes_first_and_decides() {
    let facts = with("_impps-client._tcp SRV 10 50 5773 im\n_impps-client._tcp SRV 5 1 5773 gone");
    let findings = judge(&facts);
    assert!(findings.is_sorted_by_key(|finding| std::cmp::Reverse(finding.severity)));
    assert_eq!(Verdict::of(&findings), Verdict::Errors);
    let of = |severities: &[Severity]| {
        let findings: Vec<Finding> = severities.iter().map(|severity| Finding::new(Id::Ttl, *severity, "x", "y")).collect();
        Verdict::of(&findings)
    };
    use Severity::{Error, Info, Unknown, Warning};
    assert_eq!(of(&[Info]), Verdict::Good);
    assert_eq!(of(&[Info, Warning]), Verdict::Warnings);
    assert_eq!(of(&[Warning, Unknown]), Verdict::Undecided);
    assert_eq!(of(&[Unknown, Error]), Verdict::Errors);
}

#[test]
fn what_holds_for_both_roles_is_said_once() {
    let findings = judge(&visited(|visit| visit.probe.tcp = Err(io::ErrorKind::ConnectionRefused)));
    let refused: Vec<_> = findings.iter().filter(|finding| finding.id == Id::Refused).collect();
    assert_eq!(refused.len(), 4, "two ports, two addresses: {findings:#?}");
    for finding in refused {
        assert_eq!(finding.role, None);
        assert_eq!(finding.change.iter().filter(|line| line.starts_with("remove  ")).count(), 2, "{finding:?}");
    }
    let lost = Facts { authorities: Some(Ok(Vec::new())), ..seen(SOUND) };
    assert_eq!(found(&lost, Id::Undecided).len(), 1);
}

#[test]
fn a_certificate_that_dane_names_may_be_anything() {
    let facts = examined(|examined| {
        examined.certificate.not_after = UnixMillis(NOW.0 - 1);
        examined.certificate.names = vec!["elsewhere.net".into()];
        examined.verdict = Ok(AcceptedBy::Tlsa(0));
        examined.without_tlsa = Err(CertificateFault::Expired);
    });
    let findings = judge(&tlsa(facts, b"the key", Security::Secure));
    assert!(findings.iter().all(|finding| finding.severity == Severity::Info), "{findings:#?}");
}
