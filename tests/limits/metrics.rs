//! `/metrics`: well formed, complete, and it counts what happened.

use crate::HTTP;
use crate::exposition::Exposition;
use crate::pressure::from;
use crate::support::http::{get, http_of};
use crate::support::{Site, until};
use impp::relay::metrics::FAMILIES;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};

/// What `/metrics` says now.
pub(crate) fn read(address: SocketAddr) -> Exposition {
    let (head, body) = get(address, "/metrics");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    Exposition::parse(&body).unwrap_or_else(|fault| panic!("{fault}\n{body}"))
}

#[test]
fn everything_is_told_and_counts_what_happened() {
    let site = Site::with(HTTP, &["alice", "bob"]);
    let address = http_of(&site);
    let before = read(address);
    for family in FAMILIES.iter().filter(|family| !family.name.starts_with("impp_link_") && family.name != "impp_links") {
        assert!(before.families.contains_key(family.name), "{}", family.name);
    }
    assert!(before.families.keys().all(|name| FAMILIES.iter().any(|family| family.name == name)));
    assert_eq!(before.value("impp_accounts"), 2.0);
    assert!(before.value("process_resident_memory_bytes") > 1e6);
    assert!(before.value("impp_certificate_expiry_timestamp_seconds{domain=\"*\"}") > 1e9);

    let mut alice = site.logged_in("alice", "A", "");
    let mut bob = site.logged_in("bob", "B", "Accept: messages\n");
    alice.ask("SUBSCRIBE", "bob", "", b"");
    let id = alice.request("SEND", "bob", "Message-ID: <1@x>\nContent-Type: message/rfc822\n", b"From: x\r\n\r\nhello\r\n");
    let frame = bob.frame();
    bob.accept(&frame);
    assert_eq!(alice.frame().start(), format!("OK (SEND) {id} impp/1.0"));
    assert!(alice.send_message("alice", "2@x", "to be kept").start().starts_with("OK"));
    assert!(alice.ask("FETCH", "nobody", "", b"").start().starts_with("ERROR"));

    let after = read(address);
    for (series, expected) in [
        ("impp_sessions{connected=\"yes\"}", 2.0),
        ("impp_connections", 2.0),
        ("impp_subscriptions{to=\"here\"}", 1.0),
        ("impp_logins_total{of=\"user\"}", 2.0),
        ("impp_requests_total{method=\"SEND\"}", 2.0),
        ("impp_requests_total{method=\"FETCH\"}", 1.0),
        ("impp_errors_total{error=\"target-unknown\"}", 1.0),
        ("impp_messages_total{outcome=\"delivered\"}", 1.0),
        ("impp_messages_total{outcome=\"stored\"}", 1.0),
        ("impp_delivery_seconds_count", 2.0),
        ("impp_mailbox_messages", 1.0),
        ("impp_store_queue", 0.0),
    ] {
        assert_eq!(after.value(series), expected, "{series}");
    }
    assert!(after.value("impp_store_commit_seconds_count") >= 1.0);
    assert!(after.value("impp_mailbox_bytes") > 10.0);

    // Gone without a word.
    drop(bob);
    until("the loss is counted", || read(address).value("impp_connections_ended_total{end=\"lost\"}") >= 1.0);
    until("the session is gone", || read(address).value("impp_sessions{connected=\"yes\"}") <= 1.0);
}

/// Its writer waits for a lock: what there is can be counted all the same, however often, and nobody's login waits for it.
#[test]
fn a_store_that_hangs_is_counted_and_logins_go_on() {
    let site = Site::with(HTTP, &["alice", "bob"]);
    let address = http_of(&site);
    let mut alice = site.logged_in("alice", "A", "");
    let mut stranger = site.wire();
    let hold = rusqlite::Connection::open(site.path("data/store.db")).unwrap();
    hold.execute_batch("BEGIN EXCLUSIVE").unwrap();
    alice.request("SEND", "bob", "Message-ID: <1@x>\nContent-Type: message/rfc822\n", b"From: x\r\n\r\nhello\r\n");
    until("a write waits", || read(address).value("impp_store_queue") == 1.0);
    for _ in 0..3 {
        let told = read(address);
        assert_eq!((told.value("impp_accounts"), told.value("impp_store_queue")), (2.0, 1.0), "while the write waits");
    }
    stranger.say("HELLO h impp/1.0\nDomain: demo.test\nConnection-ID: B\n\n");
    stranger.frame();
    assert_eq!(stranger.plain_auth("bob", "a guess").header("Error"), Some("authentication-failed"));
    assert_eq!(read(address).value("impp_store_queue"), 1.0, "all that while the write waited");
    hold.execute_batch("ROLLBACK").unwrap();
    assert!(alice.frame().start().starts_with("OK (SEND) "));
}

/// Whatever becomes of a connection, it is counted once, by how it ended.
#[test]
fn every_end_is_counted() {
    let limits = "[limits]\nlogins = 3\nconnections-per-address = 4\n";
    let site = Site::with(&format!("{HTTP}{limits}"), &["alice"]);
    let address = http_of(&site);
    let ended = |how: &str| read(address).value(&format!("impp_connections_ended_total{{end=\"{how}\"}}"));
    let junk = b"GET / HTTP/1.1\r\n\r\n";

    // No TLS, at once and behind STARTTLS.
    TcpStream::connect(site.tls).unwrap().write_all(junk).unwrap();
    until("the handshake failed", || ended("handshake") == 1.0);
    let mut starting = site.plain_wire();
    starting.say(&format!("HELLO h impp/1.0\nDomain: {}\nConnection-ID: X\n\n", site.domain));
    starting.frame();
    starting.say("STARTTLS s impp/1.0\n\n");
    assert_eq!(starting.frame().start(), "OK (STARTTLS) s impp/1.0");
    starting.send(junk);
    until("that one too", || ended("handshake") == 2.0);

    // Before any word, and with one that is none.
    drop(TcpStream::connect(site.plain).unwrap());
    until("it was closed", || ended("closed") == 1.0);
    TcpStream::connect(site.plain).unwrap().write_all(b"EHLO\r\n").unwrap();
    until("it was malformed", || ended("malformed") == 1.0);
    until("they have left", || read(address).value("impp_connections") == 0.0);

    // Three strangers from one place, and one from another, for whom one of them makes room.
    let strangers: Vec<_> = (0..3).map(|_| TcpStream::connect(site.plain).unwrap()).collect();
    until("they are in", || read(address).value("impp_connections_accepted_total{start=\"plain\"}") == 6.0);
    let other = from(2, site.plain);
    until("one made room", || ended("room") == 1.0);

    // The place is full.
    let mut more = Vec::new();
    drop(strangers);
    drop(other);
    until("all are gone", || ended("closed") == 4.0);
    for number in 0..4 {
        more.push(site.logged_in("alice", &format!("A{number}"), ""));
    }
    let _one_too_many = TcpStream::connect(site.plain);
    until("it was refused", || ended("refused") == 1.0);

    let told = read(address);
    let sum =
        |family: &str| told.samples.iter().filter(|(name, _)| name.starts_with(family)).map(|(_, value)| value).sum::<f64>();
    let (accepted, gone) = (sum("impp_connections_accepted_total"), sum("impp_connections_ended_total") - 1.0);
    assert_eq!(accepted - gone, 4.0, "{accepted} were let in, {gone} of these are gone");
}
