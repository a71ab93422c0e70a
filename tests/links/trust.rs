//! Who is believed: certificates, TLSA records, secrets and pins; and what somebody in between can do, which is to delay.

use crate::country::{Country, certified, does};
use crate::support::site::private;
use crate::support::{By, Chain, Proxy, Quirk, Signed, Site, expect_text, run};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// What alice@a.test hears who writes to bob@b.test: status and words.
fn tries(country: &Country) -> (i32, String) {
    let [a, b] = &country.sites[..2] else { panic!() };
    let done = run(a.tool("impp-send", "alice").args(["-m", "x", &b.at("bob")]), b"");
    (done.status.code().unwrap(), String::from_utf8_lossy(&done.stderr).into_owned())
}

/// Insists that nothing but a temporary failure comes of it, and that the log says why.
#[track_caller]
fn fails_for_now(country: &Country, why: &str) {
    let (status, error) = tries(country);
    assert_eq!(status, 75, "{error}");
    assert!(error.contains("connection-failure"), "{error}");
    let log = country.sites[0].log();
    let found = log.find(|text| text.lines().find(|line| line.contains("\"no link\"")).map(str::to_owned));
    assert!(found.as_ref().is_some_and(|line| line.contains(why)), "{why}: {found:?}");
}

/// Somebody between two relays who passes everything on, but for what is said of STARTTLS in the clear; and notes what is said.
struct Stripper {
    address: SocketAddr,
    heard: Arc<Mutex<String>>,
}

impl Stripper {
    fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(String::new())));
        let notes = heard.clone();
        std::thread::spawn(move || {
            for mut from in listener.incoming().map_while(Result::ok) {
                let mut to = std::net::TcpStream::connect(target).unwrap();
                let (mut back, mut forth) = (to.try_clone().unwrap(), from.try_clone().unwrap());
                let notes = notes.clone();
                std::thread::spawn(move || {
                    let mut some = [0; 16384];
                    while let Ok(octets @ 1..) = from.read(&mut some) {
                        notes.lock().unwrap().push_str(&String::from_utf8_lossy(&some[..octets]));
                        to.write_all(&some[..octets]).unwrap();
                    }
                });
                std::thread::spawn(move || {
                    let mut some = [0; 16384];
                    while let Ok(octets @ 1..) = back.read(&mut some) {
                        let said = String::from_utf8_lossy(&some[..octets]).into_owned();
                        let said = said
                            .replace("TLS: required", "TLS: none")
                            .replace("Mechanisms: \r\n", "Mechanisms: EXTERNAL SCRAM-SHA-256 PLAIN\r\n");
                        let _ = forth.write_all(said.as_bytes());
                    }
                });
            }
        });
        Self { address, heard }
    }
}

#[test]
fn whoever_strips_srv_and_starttls_gets_nothing_but_a_temporary_failure() {
    let country = Country::of(&["a.test", "b.test"], "");
    let stripper = Stripper::before(country.sites[1].plain);
    // The record for TLS from the first octet is gone, and the one for a plain start leads through the attacker.
    let zone =
        |address: SocketAddr| format!("_impp-server._tcp.b.test. SRV 0 0 {} im.b.test.\nim.b.test. A 127.0.0.1", address.port());
    country.dns.change(&zone(stripper.address), &[]);
    fails_for_now(&country, "the server offers no TLS");
    let heard = stripper.heard.lock().unwrap().clone();
    assert!(heard.starts_with("HELLO "), "{heard}");
    assert_eq!(heard.matches("impp/1.0\r\n").count(), heard.matches("HELLO ").count(), "nothing but HELLO in the clear: {heard}");
    assert!(!heard.contains("alice") && !heard.contains("bob"), "{heard}");
}

#[test]
fn starttls_is_used_where_nothing_else_is_published() {
    let country = Country::of(&["a.test", "b.test"], "");
    let proxy = Proxy::to(country.sites[1].plain);
    let port = proxy.address.port();
    country.publish_with(
        &[("b.test", country.sites[1].tls)],
        &format!("_impp-server._tcp.b.test. SRV 0 0 {port} im.b.test."),
        &[],
    );
    // The plain record beside the other comes second, and alone it will do.
    assert_eq!(tries(&country).0, 0);
    assert_eq!(proxy.accepted(), 0);
    let country = Country::of(&["a.test", "b.test"], "");
    let (a, b) = (country.sites[0].tls.port(), country.sites[1].plain.port());
    country.dns.change(
        &format!(
            "_impp-server._tcp.b.test. SRV 0 0 {b} im.b.test.\nim.b.test. A 127.0.0.1\n\
             _impps-server._tcp.a.test. SRV 0 0 {a} im.a.test.\nim.a.test. A 127.0.0.1\n"
        ),
        &[],
    );
    assert_eq!(tries(&country), (0, String::new()));
}

#[test]
fn no_answer_of_the_dns_is_no_permission() {
    // Either of the two questions, asked by whoever opens the link.
    for name in ["_impps-server._tcp.b.test", "_impp-server._tcp.b.test"] {
        let country = Country::of(&["a.test", "b.test"], "");
        country.publish_with(&[], "", &[(name, "SRV", Quirk::ServFail)]);
        fails_for_now(&country, &format!("the DNS does not answer {name} SRV: the resolver failed (SERVFAIL)"));
    }
    // And by whoever is asked to believe.
    let country = Country::of(&["a.test", "b.test"], "");
    country.publish_with(&[], "", &[("_impps-server._tcp.a.test", "SRV", Quirk::ServFail)]);
    fails_for_now(&country, "login failed");
    let line = country.sites[1]
        .log()
        .find(|text| text.lines().find(|line| line.contains("certificate not accepted for this domain")).map(str::to_owned));
    assert!(line.unwrap().contains("the DNS does not answer _impps-server._tcp.a.test SRV"));
}

#[test]
fn another_domain_s_server_is_not_believed() {
    let country = Country::of(&["a.test", "b.test", "evil.test"], "");
    // The records of b.test lead to evil.test, whose certificate everybody trusts, for evil.test.
    country.publish(&[("b.test", country.sites[2].tls)]);
    fails_for_now(&country, "the server's certificate is not for b.test; it names evil.test");
    let mut wire = certified(&country.sites[0], &country.sites[2]);
    assert_eq!(wire.link("b.test").header("Error"), Some("authentication-failed"));
}

#[test]
fn a_domain_that_takes_no_links_is_unknown_to_its_writers() {
    let country = Country::of(&["a.test", "b.test"], "");
    country.dns.change("_impps-server._tcp.b.test. SRV 0 0 0 .\n_impp-server._tcp.b.test. SRV 0 0 0 .", &[]);
    let (status, error) = tries(&country);
    assert_eq!(status, 67, "{error}");
    assert!(error.contains("target-unknown"), "{error}");
}

/// The records of two signed zones below one, each with the server and its key.
fn signed(country: &Country, wrong: Option<usize>) -> String {
    let mut records = String::new();
    for (at, site) in country.sites.iter().enumerate() {
        let (name, port) = (site.domain.strip_suffix(".signed").unwrap(), site.tls.port());
        let pin = impp::net::tls::files::read_shown(&site.path("cert.pem")).unwrap().pin.unwrap();
        let mut hash = *pin.hash();
        hash[0] ^= u8::from(wrong == Some(at));
        let hash: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
        records += &format!(
            "_impps-server._tcp.{name} 60 SRV 0 0 {port} im.{name}\nim.{name} 60 A 127.0.0.1\n\
             _{port}._tcp.im.{name} 60 TLSA 3 1 1 {hash}\n"
        );
    }
    records
}

#[test]
fn tlsa_records_prove_both_sides_where_no_authority_does() {
    for (by, wrong) in By::all().into_iter().flat_map(|by| [None, Some(0), Some(1)].map(|wrong| (by, wrong))) {
        // Nobody vouches for these certificates: only the zone does.
        let mut country = Country::prepared(&["a.signed", "b.signed"], "");
        country.sites.iter_mut().for_each(Site::start);
        let zone = Signed::start(by, "signed", &signed(&country, wrong), Chain::Signed);
        for site in &mut country.sites {
            assert!(site.stop());
            let config = std::fs::read_to_string(site.path("impp-relay.toml")).unwrap();
            let validating =
                format!("resolvers = [\"{}\"]\ndnssec = \"validate\"\ntrust-anchor = {:?}", zone.address, zone.anchor());
            let plain = format!("resolvers = [\"{}\"]\ndnssec = \"off\"", country.dns.address);
            site.write("impp-relay.toml", config.replace(&plain, &validating).replace("ca = \"others.pem\"", ""));
            site.start_again();
        }
        let b = &country.sites[1];
        match wrong {
            None => {
                assert_eq!(tries(&country), (0, String::new()));
                b.log().wait_for("\"by\":\"TLSA 3 1 1 at _");
            }
            // Whoever opens the link shows a certificate that is none of the zone's.
            Some(0) => {
                fails_for_now(&country, "login failed");
                b.log().wait_for("fits none of the TLSA records that a.signed stands by");
            }
            Some(_) => fails_for_now(&country, "fits none of the TLSA records that b.signed stands by"),
        }
    }
}

#[test]
fn a_shared_secret_or_a_pinned_key_will_do_in_a_closed_network() {
    // No authority vouches for anybody, and no DNS knows these domains.
    let pin = |site: &Site| impp::net::tls::files::read_shown(&site.path("cert.pem")).unwrap().pin.unwrap().to_string();
    let sections = |a: &Site, b: &Site, how: &str| match how {
        "pins" => [format!("pin = \"{}\"", pin(b)), format!("pin = \"{}\"", pin(a))],
        "secret" => {
            [format!("secret-file = \"secret\"\npin = \"{}\"", pin(b)), format!("secret-file = \"secret\"\npin = \"{}\"", pin(a))]
        }
        "clear" => {
            ["secret-file = \"secret\"\ninsecure = true".to_owned(), "secret-file = \"secret\"\ninsecure = true".to_owned()]
        }
        "two secrets" => {
            [format!("secret-file = \"secret\"\npin = \"{}\"", pin(b)), format!("secret-file = \"other\"\npin = \"{}\"", pin(a))]
        }
        "wrong pin" => [format!("pin = \"{}\"", pin(a)), format!("pin = \"{}\"", pin(a))],
        other => panic!("{other}"),
    };
    for (how, why) in [
        ("pins", None),
        ("secret", None),
        ("clear", None),
        ("two secrets", Some("login failed")),
        ("wrong pin", Some("the server's key is not the pinned one")),
    ] {
        let mut country = Country::prepared(&["a.test", "b.test"], "");
        country.sites.iter_mut().for_each(Site::start);
        let [first, second] = sections(&country.sites[0], &country.sites[1], how);
        let (at_a, at_b) = match how {
            "clear" => (country.sites[0].plain, country.sites[1].plain),
            _ => (country.sites[0].tls, country.sites[1].tls),
        };
        for (at, section, theirs, server) in [(0, first, "b.test", at_b), (1, second, "a.test", at_a)] {
            let site = &mut country.sites[at];
            assert!(site.stop());
            private(&site.path("secret"), "between us\n");
            private(&site.path("other"), "another\n");
            let config = std::fs::read_to_string(site.path("impp-relay.toml")).unwrap().replace("ca = \"others.pem\"", "");
            site.write("impp-relay.toml", format!("{config}[[peer]]\ndomain = \"{theirs}\"\nserver = \"{server}\"\n{section}\n"));
            let findings = expect_text(2, &mut site.relay_command(&["check", "config"]), "");
            assert!(findings.lines().count() == 1 && findings.contains("is signed by itself"), "{findings}");
            site.start_again();
        }
        match why {
            None => {
                assert_eq!(tries(&country), (0, String::new()), "{how}");
                assert!(country.dns.asked().is_empty(), "{how}: {:?}", country.dns.asked());
            }
            Some(why) => fails_for_now(&country, why),
        }
    }
}

#[test]
fn a_relay_that_stops_says_good_bye_to_other_domains() {
    let mut country = Country::of(&["a.test", "b.test"], "");
    assert_eq!(tries(&country).0, 0);
    for at in [0, 1] {
        assert!(country.sites[at].stop(), "in good order");
        let other = country.sites[1 - at].log();
        other.wait_for("\"link down\"");
        let log = other.text();
        assert!(!log.contains("connection lost"), "BYE, and no loss: {log}");
        country.sites[at].start();
        let [a, b] = country.sites.as_slice() else { panic!() };
        does(a, "impp-send", "alice", &["-m", "again", &b.at("bob")]);
    }
}
