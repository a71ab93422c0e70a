//! Finding a server: a user names `alice@demo.test` and nothing else, and the DNS says the rest, rightly or not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    reason = "tests"
)]

mod support;

use impp::model::{Address, Domain, Secret};
use impp::net::connect::{ConnectError, Family};
use impp::net::dns::{Absent, Anchors, Failure, Outcome, Published, Resolver, ResolverOptions, Role, Security, Validation};
use impp::net::tls::{CertificateSource, ServerTls, ServerTlsOptions, Shown};
use impp::{Client, Error, Options};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};
use support::{By, Chain, DOMAIN, Dns, Quirk, Signed, Site, at, bare, program, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A root key that signs nothing here.
const STRANGE_ANCHOR: &str = ". 3600 IN DNSKEY 257 3 13 \
    mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==\n";

fn resolver(dns: SocketAddr, validation: Validation) -> Resolver {
    let timeout = Duration::from_millis(300);
    Resolver::new(&ResolverOptions { servers: vec![dns], validation, timeout, ..ResolverOptions::default() }).unwrap()
}

fn alone(dns: &Dns) -> Resolver {
    resolver(dns.address, Validation::Off)
}

/// A port of 127.0.0.1 where nobody listens.
fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn answers_absence_and_failure_are_told_apart() {
    let dns = Dns::start(
        "im.demo.test. A 192.0.2.1\n\
         www.demo.test. CNAME im.demo.test.\n\
         _impps-client._tcp.demo.test. CNAME _impps-client._tcp.host.test.\n\
         _impps-client._tcp.host.test. SRV 10 20 5773 IM.host.test.\n\
         _large._tcp.demo.test. SRV 0 0 0 .\n\
         loop.demo.test. CNAME loop.demo.test.",
        &[
            ("_bad._tcp.demo.test", "SRV", Quirk::ServFail),
            ("_no._tcp.demo.test", "SRV", Quirk::Refused),
            ("_mute._tcp.demo.test", "SRV", Quirk::Silent),
            ("_large._tcp.demo.test", "SRV", Quirk::Truncated),
        ],
    );
    let resolver = alone(&dns);
    let Outcome::Records(found) = resolver.srv("_impps-client._tcp.demo.test").await else { panic!("an alias") };
    assert_eq!(found.records.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10 20 5773 im.host.test."]);
    assert_eq!(found.canonical.as_deref(), Some("_impps-client._tcp.host.test"));
    assert_eq!((found.security, found.ttl), (Security::Unchecked, Duration::from_secs(60)));

    let large = resolver.srv("_large._tcp.demo.test.").await;
    assert_eq!(large.records().iter().map(|srv| srv.target.clone()).collect::<Vec<_>>(), [None], "asked again over TCP");

    for (name, expected) in
        [("_nothing._tcp.demo.test", Absent::Name), ("im.demo.test", Absent::Data), ("_tcp.demo.test", Absent::Data)]
    {
        let Outcome::Absent(absence) = resolver.srv(name).await else { panic!("{name}") };
        assert_eq!((absence.what, absence.security), (expected, Security::Unchecked), "{name}");
    }
    for (name, expected) in [
        ("_bad._tcp.demo.test", Failure::ServFail),
        ("_no._tcp.demo.test", Failure::Refused),
        ("_mute._tcp.demo.test", Failure::Timeout),
    ] {
        assert_eq!(resolver.srv(name).await, Outcome::Failed(expected), "{name}");
    }
    let addresses = resolver.addresses("www.demo.test", Family::Any).await;
    assert_eq!(addresses.all(), [SocketAddr::from(([192, 0, 2, 1], 0)).ip()]);
    assert!(!matches!(resolver.v4("loop.demo.test").await, Outcome::Records(_)));
    // Whatever was asked had the name that was meant, and none of a search list.
    assert!(dns.asked().iter().all(|question| question.split(' ').next().unwrap().ends_with(".test.")), "{:?}", dns.asked());
}

#[tokio::test]
async fn a_resolver_that_strips_signatures_serves_plain_names() {
    let zone =
        "_impps-client._tcp.example.org. SRV 0 0 5773 im.example.org.\nim.example.org. A 192.0.2.1\nexample.org. A 192.0.2.1";
    let dns = Dns::start(zone, &[]);
    let domain = Domain::parse("example.org").unwrap();
    // By default: believed as far as the certificate bears it out, and never more.
    let lenient = resolver(dns.address, Validation::IfPossible);
    assert!(!lenient.validates().await);
    let published = Published::ask(&lenient, &domain, Role::Client).await;
    let offers = published.offers(&mut |_| 0).unwrap();
    assert_eq!(
        offers.iter().map(|offer| (offer.host.as_str(), offer.security)).collect::<Vec<_>>(),
        [("im.example.org", Security::Unchecked)]
    );
    // Where a person gave a key, no answer passes without its signature.
    let strict = resolver(dns.address, Validation::From(Anchors::parse(STRANGE_ANCHOR).unwrap()));
    let published = Published::ask(&strict, &domain, Role::Client).await;
    assert_eq!((published.tls_first, published.plain_start), (Outcome::Failed(Failure::Bogus), Outcome::Failed(Failure::Bogus)));
    assert_eq!(strict.v4("im.example.org").await, Outcome::Failed(Failure::Bogus));
    assert_eq!(strict.v4("nowhere.example.org").await, Outcome::Failed(Failure::Bogus), "absence needs a proof as well");
}

#[tokio::test]
async fn a_resolver_on_this_machine_may_vouch_for_its_answers() {
    let zone = "_impps-server._tcp.example.org. SRV 0 0 5773 im.example.org.\nim.example.org. A 192.0.2.1\n\
        www.example.org. CNAME im.example.org.\n\
        _5773._tcp.im.example.org. TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000";
    let dns = Dns::start(zone, &[("bad.example.org", "A", Quirk::ServFail), ("mute.example.org", "A", Quirk::Silent)]);
    let trusting = resolver(dns.address, Validation::ByResolver);
    for (authentic, security) in [(false, Security::Insecure), (true, Security::Secure)] {
        dns.authenticate(authentic);
        let found = trusting.srv("_impps-server._tcp.example.org").await;
        assert_eq!((found.records().len(), found.security()), (1, Some(security)));
        assert_eq!(trusting.tlsa("_5773._tcp.im.example.org").await.security(), Some(security));
        let Outcome::Records(alias) = trusting.v4("www.example.org").await else { panic!() };
        assert_eq!((alias.records.len(), alias.security, alias.canonical.as_deref()), (1, security, Some("im.example.org")));
    }
    // Others are not told what they do not ask for, and believe nothing.
    assert_eq!(alone(&dns).v4("im.example.org").await.security(), Some(Security::Unchecked));
    assert!(matches!(trusting.v4("no.example.org").await, Outcome::Absent(absence) if absence.what == Absent::Name));
    assert!(matches!(trusting.v6("im.example.org").await, Outcome::Absent(absence) if absence.what == Absent::Data));
    assert_eq!(trusting.v4("bad.example.org").await, Outcome::Failed(Failure::ServFail));
    assert_eq!(trusting.v4("mute.example.org").await, Outcome::Failed(Failure::Timeout));
    // One across the network is not believed, whatever it says.
    let elsewhere = ResolverOptions {
        servers: vec!["192.0.2.53:53".parse().unwrap()],
        validation: Validation::ByResolver,
        ..ResolverOptions::default()
    };
    let error = Resolver::new(&elsewhere).map(drop).unwrap_err();
    assert!(error.to_string().starts_with("the name server 192.0.2.53 is not on this machine"), "{error}");
}

/// `impp-send` as a user types it who names nothing but addresses; what it says and how long it took.
fn send(site: &Site, dns: SocketAddr, more: &[&str]) -> (Output, Duration) {
    let begun = Instant::now();
    let mut command = bare(program("impp-send"));
    command.args(["--login", &at("alice"), "--pass-file", site.path("alice.pass").to_str().unwrap()]);
    command.args(["--resolver", &dns.to_string()]).args(more).args(["-m", "hello", &at("bob")]);
    (run(&mut command, b""), begun.elapsed())
}

#[track_caller]
fn ends(status: i32, what: &str, (output, _): &(Output, Duration)) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{what}: {error}");
    error
}

fn ca(site: &Site) -> String {
    site.path("cert.pem").to_str().unwrap().to_owned()
}

/// A TLS server with this certificate, and what it says to HELLO: an ERROR, or nothing at all.
fn tls_server(certificate: &Path, key: &Path, error: Option<&'static str>) -> SocketAddr {
    let source = CertificateSource { domain: None, certificate: certificate.to_owned(), key: key.to_owned() };
    let server = ServerTls::new(ServerTlsOptions { certificates: vec![source], ..ServerTlsOptions::default() }).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let mut open = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                let Ok((mut stream, ..)) = server.accept(stream).await else { continue };
                if let Some(error) = error {
                    let mut octets = [0; 4096];
                    let size = stream.read(&mut octets).await.unwrap();
                    let head = String::from_utf8_lossy(&octets[..size]).into_owned();
                    let id = head.split(' ').nth(1).unwrap().to_owned();
                    let answer = format!("ERROR (HELLO) {id} impp/1.0\r\nError: {error}\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    stream.flush().await.unwrap();
                }
                // Nobody hangs up here.
                open.push(stream);
            }
        });
    });
    address
}

/// A TLS server with a certificate of another domain.
fn stranger(site: &Site) -> SocketAddr {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["stranger.test".to_owned()]).unwrap();
    let certificate = site.write("stranger.pem", params.self_signed(&key).unwrap().pem());
    tls_server(&certificate, &site.write("stranger.key", key.serialize_pem()), None)
}

#[test]
fn a_server_that_refuses_or_says_nothing_is_passed_over() {
    let site = Site::with_users(&["alice", "bob"]);
    let server = |error| tls_server(&site.path("cert.pem"), &site.path("key.pem"), error).port();
    let (unknown, stopping, mute) = (server(Some("target-unknown")), server(Some("shutting-down")), server(None));
    let record = |priority: u16, port: u16| format!("_impps-client._tcp.{DOMAIN}. SRV {priority} 0 {port} im.{DOMAIN}.\n");
    let address = format!("im.{DOMAIN}. A 127.0.0.1\n");
    let all = [record(1, unknown), record(2, stopping), record(3, mute), record(4, site.tls.port()), address.clone()].concat();
    let options = ["--ca", &ca(&site), "--connect-timeout", "6s"];
    ends(0, "the fourth serves the domain", &send(&site, Dns::start(&all, &[]).address, &options));
    // None does: the best candidate's refusal is told.
    let some = [record(1, unknown), record(2, stopping), address].concat();
    let error = ends(68, "none serves the domain", &send(&site, Dns::start(&some, &[]).address, &options));
    assert!(error.contains("target-unknown"), "{error}");
}

#[test]
fn one_target_refuses_the_next_has_the_wrong_certificate_the_third_delivers() {
    let site = Site::with_users(&["alice", "bob"]);
    let (refuses, wrong) = (closed(), stranger(&site));
    // A target that takes connections and never says a word: it must not hold the others up for long.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let zone = format!(
        "_impps-client._tcp.{DOMAIN}. SRV 1 0 {} im1.{DOMAIN}.\n\
         _impps-client._tcp.{DOMAIN}. SRV 2 0 {} im2.{DOMAIN}.\n\
         _impps-client._tcp.{DOMAIN}. SRV 3 0 {} im3.{DOMAIN}.\n\
         _impps-client._tcp.{DOMAIN}. SRV 4 0 {} im4.{DOMAIN}.\n\
         im1.{DOMAIN}. A 127.0.0.1\nim2.{DOMAIN}. A 127.0.0.1\nim3.{DOMAIN}. A 127.0.0.1\nim4.{DOMAIN}. A 127.0.0.1",
        refuses.port(),
        wrong.port(),
        mute.local_addr().unwrap().port(),
        site.tls.port()
    );
    let dns = Dns::start(&zone, &[]);
    let done = send(&site, dns.address, &["--ca", &ca(&site)]);
    ends(0, "the last target is right", &done);
    assert!(done.1 < Duration::from_secs(10), "{:?}: as long as one silent target may take", done.1);

    // Without the last: the certificate is what helps most to know.
    let zone: String =
        zone.lines().filter(|line| !line.contains(" SRV 4 ") && !line.contains(" SRV 3 ")).collect::<Vec<_>>().join("\n");
    let error = ends(76, "none is right", &send(&site, Dns::start(&zone, &[]).address, &["--ca", &ca(&site)]));
    assert!(error.contains("self-signed") || error.contains("names stranger.test"), "{error}");
}

#[test]
fn a_plain_start_is_found_and_made_secure() {
    let site = Site::with_users(&["alice", "bob"]);
    let zone = format!("_impp-client._tcp.{DOMAIN}. SRV 0 0 {} im.{DOMAIN}.\nim.{DOMAIN}. A 127.0.0.1", site.plain.port());
    // Name servers that never answer questions for IPv6 do exist.
    let host = format!("im.{DOMAIN}");
    let dns = Dns::start(&zone, &[(&host, "AAAA", Quirk::Silent)]);
    let done = send(&site, dns.address, &["--ca", &ca(&site)]);
    ends(0, "STARTTLS", &done);
    assert!(done.1 < Duration::from_secs(3), "{:?}: one attempt of the question that is not answered", done.1);
    // Whoever is in the middle gets no further than the handshake.
    let error = ends(76, "a certificate that nobody vouches for", &send(&site, dns.address, &[]));
    assert!(error.contains("self-signed"), "{error}");
}

#[test]
fn no_answer_is_no_address() {
    let site = Site::with_users(&["alice", "bob"]);
    let (tls, plain) = (format!("_impps-client._tcp.{DOMAIN}"), format!("_impp-client._tcp.{DOMAIN}"));
    // The address of the domain is there, and a relay behind it; nothing must lead to it.
    let good = format!("{tls}. SRV 0 0 {} {DOMAIN}.\n{DOMAIN}. A 127.0.0.1", site.tls.port());
    let address = format!("{DOMAIN}. A 127.0.0.1");
    let root = format!("{tls}. SRV 0 0 0 .\n{plain}. SRV 0 0 0 .\n{address}");
    let anchor = site.write("strange.key", STRANGE_ANCHOR);
    let anchor = ["--dnssec-anchor", anchor.to_str().unwrap()];
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str, Quirk)], &'a [&'a str], i32, &'a str);
    let rows: &[Row<'_>] = &[
        ("SERVFAIL", &good, &[(&tls, "SRV", Quirk::ServFail)], &[], 75, "SERVFAIL"),
        ("SERVFAIL to the other question", &good, &[(&plain, "SRV", Quirk::ServFail)], &[], 75, "SERVFAIL"),
        (
            "a silent resolver",
            &good,
            &[(&tls, "SRV", Quirk::Silent), (&plain, "SRV", Quirk::Silent)],
            &["--connect-timeout", "2s"],
            75,
            "the DNS does not answer _impps-client._tcp.demo.test SRV: no answer in time",
        ),
        ("bogus", &good, &[], &anchor, 75, "bogus"),
        ("the root as target", &root, &[], &[], 68, "offers no such service"),
        ("NXDOMAIN", "else.test. A 127.0.0.1", &[], &[], 68, "no SRV record for IMPP and no address"),
    ];
    for (row, zone, quirks, more, status, words) in rows {
        let dns = Dns::start(zone, quirks);
        let mut options = vec!["--ca".to_owned(), ca(&site)];
        options.extend(more.iter().map(|word| (*word).to_owned()));
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let error = ends(*status, row, &send(&site, dns.address, &options));
        assert!(error.contains(words), "{row}: {error}");
        assert!(error.contains(DOMAIN), "{row}: {error}");
        let addresses = dns.asked().iter().filter(|question| question.ends_with(" A") || question.ends_with(" AAAA")).count();
        assert_eq!(addresses > 0, *row == "NXDOMAIN", "{row}: {:?}", dns.asked());
    }
}

#[tokio::test]
async fn without_records_the_domain_itself_is_tried_on_both_ports() {
    // Nobody listens on this loopback address.
    let dns = Dns::start("demo.test. A 127.99.57.72", &[]);
    let mut options = Options::password(&Address::parse("alice@demo.test").unwrap(), Secret::new("x".into()));
    options.resolver = Some(alone(&dns));
    let error = Client::connect(options).await.unwrap_err();
    match &error {
        Error::Unreachable(ConnectError::Failed { host, address, tried, .. }) => {
            assert_eq!((host.as_str(), address.to_string().as_str(), *tried), ("demo.test", "127.99.57.72:5773", 2));
        }
        other => panic!("{other:?}"),
    }
    assert!(error.is_temporary());
}

#[test]
fn the_address_of_a_named_server_comes_from_the_named_resolver() {
    let site = Site::with_users(&["alice", "bob"]);
    let dns = Dns::start("relay.elsewhere.test. A 127.0.0.1", &[]);
    let server = format!("relay.elsewhere.test:{}", site.tls.port());
    ends(0, "a name that only this resolver knows", &send(&site, dns.address, &["--ca", &ca(&site), "--server", &server]));
    assert!(dns.asked().iter().all(|question| !question.contains("SRV") && !question.contains("TLSA")), "{:?}", dns.asked());
    ends(68, "a name that it does not know", &send(&site, dns.address, &["--ca", &ca(&site), "--server", "nowhere.test"]));
}

/// The TLSA record 3 1 1 of a site's certificate.
fn tlsa(site: &Site) -> String {
    let certificate = CertificateDer::from_pem_file(site.path("cert.pem")).unwrap();
    let pin = Shown::of(&certificate).pin.unwrap().to_string();
    use base64::Engine as _;
    let hash = base64::engine::general_purpose::STANDARD.decode(pin.strip_prefix("sha256:").unwrap()).unwrap();
    hash.iter().fold("3 1 1 ".to_owned(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn zone(site: &Site, tlsa: &str) -> String {
    let port = site.tls.port();
    format!("_impps-client._tcp 60 SRV 0 0 {port} im.{DOMAIN}.\nim 60 A 127.0.0.1\n_{port}._tcp.im 60 TLSA {tlsa}\n")
}

#[test]
fn dane_decides_where_every_step_is_signed_and_nowhere_else() {
    let site = Site::with_users(&["alice", "bob"]);
    let strange = site.write("strange.key", STRANGE_ANCHOR);
    for by in By::all() {
        dane_decides(by, &site, strange.to_str().unwrap());
    }
}

fn dane_decides(by: By, site: &Site, strange: &str) {
    let (right, authority) = (tlsa(site), ca(site));
    let last = if right.ends_with('0') { "1" } else { "0" };
    let wrong = format!("{}{last}", &right[..right.len() - 1]);
    let start = |tlsa: &str, chain| {
        let zones = Signed::start(by, DOMAIN, &zone(site, tlsa), chain);
        let anchor = zones.anchor().to_str().unwrap().to_owned();
        (zones, anchor)
    };
    let what = |what: &str| format!("{by:?}: {what}");

    let (signed, anchor) = start(&right, Chain::Signed);
    let by_the_zone = send(site, signed.address, &["--dnssec-anchor", &anchor]);
    ends(0, &what("a certificate that nobody vouches for but the zone"), &by_the_zone);
    ends(76, &what("the same where nothing is validated"), &send(site, signed.address, &["--dnssec-anchor", "none"]));
    ends(75, &what("another root's key"), &send(site, signed.address, &["--dnssec-anchor", strange]));

    let (one_bit, anchor) = start(&wrong, Chain::Signed);
    let refused = send(site, one_bit.address, &["--dnssec-anchor", &anchor, "--ca", &authority]);
    let error = ends(76, &what("one bit changed, though an authority vouches for it"), &refused);
    assert!(error.contains("TLSA"), "{error}");

    let (unsigned, anchor) = start(&wrong, Chain::Unsigned);
    let ignored = send(site, unsigned.address, &["--dnssec-anchor", &anchor, "--ca", &authority]);
    ends(0, &what("TLSA of an unsigned zone is ignored"), &ignored);
    let error = ends(76, &what("and it vouches for nobody"), &send(site, unsigned.address, &["--dnssec-anchor", &anchor]));
    assert!(error.contains("self-signed"), "{error}");

    // No record of the service, and an address: nothing may lead there while nobody can prove that there is none.
    let alone = Signed::start(by, DOMAIN, "@ 60 A 127.0.0.1\n", Chain::Broken);
    let anchor = alone.anchor().to_str().unwrap().to_owned();
    let error = ends(75, &what("no fallback"), &send(site, alone.address, &["--dnssec-anchor", &anchor, "--ca", &authority]));
    assert!(error.contains("SRV cannot be used") && error.contains("bogus"), "{error}");

    let (broken, anchor) = start(&right, Chain::Broken);
    let error = ends(75, &what("a broken chain"), &send(site, broken.address, &["--dnssec-anchor", &anchor, "--ca", &authority]));
    assert!(error.contains("bogus"), "{error}");
}

#[tokio::test]
async fn a_real_zone_proves_what_is_there_and_what_is_not() {
    let records = "_impps-client._tcp 60 SRV 0 0 5773 im\nim 60 A 127.0.0.1\nalias 60 CNAME im\n";
    let states = [(Chain::Signed, Security::Secure), (Chain::Unsigned, Security::Insecure)];
    for (by, (chain, expected)) in By::all().into_iter().flat_map(|by| states.map(|state| (by, state))) {
        let zones = Signed::start(by, "secure.test", records, chain);
        let resolver = resolver(zones.address, Validation::From(Anchors::read(zones.anchor()).unwrap()));
        for name in ["im.secure.test", "alias.secure.test"] {
            let found = resolver.v4(name).await;
            assert_eq!(found.security(), Some(expected), "{by:?} {chain:?} {name} {found:?}");
        }
        let srv = resolver.srv("_impps-client._tcp.secure.test").await;
        assert_eq!((srv.records().len(), srv.security()), (1, Some(expected)), "{by:?} {chain:?}");
        for (name, what) in [("_impp-client._tcp.secure.test", Absent::Name), ("im.secure.test", Absent::Data)] {
            let Outcome::Absent(absence) = resolver.srv(name).await else { panic!("{by:?} {chain:?} {name}") };
            assert_eq!((absence.what, absence.security), (what, expected), "{by:?} {chain:?} {name}");
        }
    }
}
