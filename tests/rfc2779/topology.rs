//! 2.4: directly and through others, and what a firewall can do.

use crate::country::state;
use crate::person::{nobodys, status};
use crate::support::{Proxy, Tool, expect_text, run};
use crate::town::town;
use std::net::TcpListener;

#[test]
fn r_2_4_1_subscribe_directly_and_through_proxies() {
    // subscribe directly and through proxies
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "subscribe", &alice.address()]);
    bob.rules(&["allow", "subscribe", "anonymous"]);
    // Through the own domain's server, which stands in for the watcher, and through one more that only passes octets on.
    let proxy = Proxy::to(town().a().tls);
    let mut through = alice.watches_by(&["--server", &proxy.address.to_string(), &bob.address()]);
    assert_eq!(state(&mut through), "closed initial -");
    assert_eq!(proxy.accepted(), 1);
    // At bob's server itself.
    let mut direct = Tool::spawn(nobodys(town().b(), "impp-watch").args(["--anonymous", "--json", &bob.address()]));
    assert_eq!(state(&mut direct), "closed initial -");
    assert_eq!(bob.watchers().lines().count(), 2, "{}", bob.watchers());
}

#[test]
fn r_2_4_2_notifications_come_directly_and_through_proxies() {
    // notifications come directly and through proxies
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "subscribe", &alice.address()]);
    bob.rules(&["allow", "subscribe", "anonymous"]);
    let proxy = Proxy::to(town().a().tls);
    let mut through = alice.watches_by(&["--server", &proxy.address.to_string(), &bob.address()]);
    let mut direct = Tool::spawn(nobodys(town().b(), "impp-watch").args(["--anonymous", "--json", &bob.address()]));
    assert_eq!([state(&mut through), state(&mut direct)], ["closed initial -"; 2]);
    for note in ["one", "two"] {
        bob.sets(&["open", "--note", note]);
        let expected = format!("open change {note}");
        assert_eq!([state(&mut through), state(&mut direct)], [expected.as_str(); 2]);
    }
}

#[test]
fn r_2_4_3_messages_go_directly_and_through_proxies() {
    // messages go directly and through proxies
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "send", "anonymous"]);
    let proxy = Proxy::to(town().a().tls);
    alice.does("impp-send", &["--server", &proxy.address.to_string(), "-m", "through two relays and a proxy", &bob.address()]);
    assert_eq!(bob.reads(), "through two relays and a proxy");
    expect_text(0, nobodys(town().b(), "impp-send").args(["--anonymous", "-m", "directly", &bob.address()]), "");
    let came = bob.takes();
    assert_eq!((&came["text"], &came["auth"]), (&"directly".into(), &"anonymous".into()));
}

#[test]
fn r_2_4_4_a_firewall_can_let_it_through_or_stop_it() {
    // administrators can let it through or stop it at a firewall, and it is written how
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    // What has to be let through is one connection to one port, from the inside; everything else comes back on it.
    let firewall = Proxy::to(town().b().tls);
    let server = firewall.address.to_string();
    let mut recv = Tool::spawn(&mut bob.tool("impp-recv", &["--server", &server, "--body"]));
    alice.does("impp-send", &["-m", "come in", &bob.address()]);
    assert_eq!((recv.line().as_str(), firewall.accepted()), ("come in", 1));
    // What is stopped says so, and to try again makes sense.
    firewall.refuse(true);
    bob.is_told(75, "cannot", "impp-send", &["--server", &server, "-m", "x", &alice.address()]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let done = run(&mut bob.tool("impp-fetch", &["--server", &closed, &alice.address()]), b"");
    assert_eq!((status(&done), String::from_utf8_lossy(&done.stderr).lines().count()), (75, 1), "one clear line: {done:?}");
    // The ports and names to filter by.
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/relay.md")).unwrap();
    let firewalls = manual.split_once("\n## Firewalls\n").unwrap().1.split("\n## ").next().unwrap();
    for word in ["5772", "5773", "ALPN", "`impp`", "HELLO"] {
        assert!(firewalls.contains(word), "{word}");
    }
}
