//! Peers that claim what is not theirs: refused as the protocol says, while others notice nothing.

use crate::country::{Country, certified, does, link_as};
use crate::support::wire::{Frame, Wire};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A user request on a link: method, From, Connection-ID, Target and more headers; its answer.
fn asks(link: &mut Wire, id: &str, method: &str, from: &str, target: &str, more: &str) -> Frame {
    let connection = if more.contains("Origin:") { "0" } else { "c1" };
    link.say(&format!("{method} {id} impp/1.0\nFrom: {from}\nConnection-ID: {connection}\nTarget: {target}\n{more}\n"));
    link.frame()
}

#[track_caller]
fn refused(answer: &Frame, error: &str) {
    assert!(answer.start().starts_with("ERROR ("), "{answer:?}");
    assert_eq!(answer.header("Error"), Some(error), "{answer:?}");
}

const HELLO: &str = "Subject: x\r\n\r\nx\r\n";

fn send(link: &mut Wire, id: &str, from: &str, target: &str) -> Frame {
    link.say(&format!(
        "SEND {id} impp/1.0\nFrom: {from}\nConnection-ID: c1\nTarget: {target}\nMessage-ID: <{id}@x>\n\
         Content-Type: message/rfc822\nContent-Length: {}\n\n",
        HELLO.len()
    ));
    link.send(HELLO.as_bytes());
    link.frame()
}

#[test]
fn a_domain_is_spoken_for_by_nobody_without_its_certificate() {
    let country = Country::of(&["a.test", "b.test", "evil.test"], "");
    let [a, b, evil] = country.sites.as_slice() else { panic!() };
    let mut link = certified(b, evil);
    refused(&link.link("a.test"), "authentication-failed");
    refused(&send(&mut link, "1", "impp://a.test/alice", "impp://b.test/bob"), "domain-authentication-required");
    // As itself it is welcome, on the same connection even.
    assert_eq!(link.link("evil.test").header("Auth"), Some("done"), "{}", link.talk());
    b.log().wait_for("certificate not accepted for this domain");
    b.log().wait_for("the server's certificate is not for a.test; it names evil.test");
    // Without any certificate, in the clear, and as the domain that is served there.
    let mut bare = Wire::certified(b.tls, &b.path("cert.pem"), "b.test", None);
    refused(&bare.link("a.test"), "authentication-failed");
    let mut clear = b.plain_wire();
    clear.say("HELLO 1 impp/1.0\nDomain: b.test\nOrigin-Domain: a.test\n\n");
    assert_eq!(clear.frame().header("TLS"), Some("required"));
    clear.say("AUTH 2 impp/1.0\nMechanism: EXTERNAL\nData: =\n\n");
    refused(&clear.frame(), "operation-not-supported");
    let mut own = certified(b, b);
    own.say("HELLO 1 impp/1.0\nDomain: b.test\nOrigin-Domain: b.test\n\n");
    refused(&own.frame(), "permission-denied");
    does(a, "impp-send", "alice", &["-m", "still here", &b.at("bob")]);
}

#[test]
fn a_link_carries_its_own_domain_and_leads_to_the_one_that_is_served() {
    let country = Country::of(&["a.test", "b.test", "evil.test"], "");
    let [_, b, evil] = country.sites.as_slice() else { panic!() };
    does(b, "impp-acl", "bob", &["allow", "fetch,subscribe,send", "*"]);
    let mut link = link_as(b, evil);
    for (id, from, target, error) in [
        ("1", "impp://a.test/alice", "impp://b.test/bob", "permission-denied"),
        ("2", "impp://b.test/alice", "impp://b.test/bob", "permission-denied"),
        ("3", "impp://evil.test/eve", "impp://a.test/alice", "target-unknown"),
        ("4", "impp://anonymous.invalid/x", "impp://b.test/bob", "permission-denied"),
    ] {
        refused(&send(&mut link, id, from, target), error);
        refused(&asks(&mut link, id, "FETCH", from, target, ""), error);
        refused(&asks(&mut link, id, "SUBSCRIBE", from, target, ""), error);
    }
    // What belongs to one's own domain does not cross.
    for (method, more) in [("GET-ACL", ""), ("GET-WATCHERS", ""), ("CHANGE", "Lease-Time: 0\n")] {
        refused(&asks(&mut link, "5", method, "impp://evil.test/eve", "impp://b.test/bob", more), "operation-not-supported");
    }
    // The link stands, and does what it may.
    assert_eq!(asks(&mut link, "6", "FETCH", "impp://evil.test/eve", "impp://b.test/bob", "").start(), "OK (FETCH) 6 impp/1.0");
}

const PRESENCE: &str = "<presence><status>open</status><note>forged</note></presence>";

fn notify(link: &mut Wire, id: &str, from: &str, target: &str, connection: &str, origin: &str) -> Frame {
    link.say(&format!(
        "CHANGE-NOTIFY {id} impp/1.0\nFrom: {from}\nConnection-ID: 0\nTarget: {target}\nTarget-Connection: {connection}\n\
         Origin: {origin}\nPresence-Version: 9000000000000000000\nContent-Type: application/presence\nContent-Length: {}\n\n",
        PRESENCE.len()
    ));
    link.send(PRESENCE.as_bytes());
    link.frame()
}

#[test]
fn nobody_notifies_for_another_domain_or_where_nobody_subscribed() {
    let country = Country::of(&["a.test", "b.test", "evil.test"], "");
    let [a, b, evil] = country.sites.as_slice() else { panic!() };
    does(b, "impp-acl", "bob", &["allow", "subscribe", "*"]);
    let mut alice = a.logged_in("alice", "alice-by-hand", "");
    assert_eq!(alice.ask("SUBSCRIBE", "impp://b.test/bob", "", b"").start(), "OK (SUBSCRIBE) w1 impp/1.0");
    let mut link = link_as(a, evil);
    let alice_url = "impp://a.test/alice";
    for (id, from, origin, error) in [
        ("1", "impp://b.test/", "impp://b.test/bob", "permission-denied"),
        ("2", "impp://evil.test/", "impp://b.test/bob", "permission-denied"),
        ("3", "impp://evil.test/", "impp://evil.test/eve", "subscription-unknown"),
    ] {
        refused(&notify(&mut link, id, from, alice_url, "alice-by-hand", origin), error);
        let more = format!("Target-Connection: alice-by-hand\nOrigin: {origin}\nCause: expired\n");
        refused(&asks(&mut link, id, "TERMINATE-SUBSCRIPTION", from, alice_url, &more), error);
    }
    // Nothing of it came to alice: the true change is the next.
    does(b, "impp-set", "bob", &["open", "--note", "true"]);
    let frame = alice.frame();
    assert_eq!(frame.header("Origin"), Some("impp://b.test/bob"), "{frame:?}");
    assert!(String::from_utf8_lossy(&frame.body).contains("true"), "{frame:?}");
}

#[test]
fn an_answer_from_a_domain_that_was_not_asked_is_none() {
    let country = Country::of(&["a.test", "b.test", "evil.test"], "");
    let [a, b, evil] = country.sites.as_slice() else { panic!() };
    does(b, "impp-acl", "bob", &["allow", "fetch", "*"]);
    does(b, "impp-set", "bob", &["closed"]);
    let proxy = crate::support::Proxy::to(b.tls);
    country.publish(&[("b.test", proxy.address)]);
    let mut link = link_as(a, evil);
    let mut alice = a.logged_in("alice", "alice-by-hand", "");
    proxy.stall();
    let id = alice.request("FETCH", "impp://b.test/bob", "", b"");
    proxy.wait_for_stalled();
    link.say(&format!(
        "OK (FETCH) {id} impp/1.0\nTo: impp://a.test/alice\nConnection-ID: alice-by-hand\nPresence-Version: 1\n\
         Content-Type: application/presence\nContent-Length: {}\n\n",
        PRESENCE.len()
    ));
    link.send(PRESENCE.as_bytes());
    // When this is answered the forged one has been read.
    link.say("PING p impp/1.0\n\n");
    assert_eq!(link.frame().start(), "OK (PING) p impp/1.0");
    proxy.resume();
    let answer = alice.frame();
    assert_eq!(answer.start(), format!("OK (FETCH) {id} impp/1.0"));
    assert!(!String::from_utf8_lossy(&answer.body).contains("forged"), "{answer:?}");
}

/// The median and the longest of so many messages from alice to bob, each waited for until it was delivered.
fn times(alice: &mut Wire, bob: &mut Wire, from: usize, many: usize) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (from..from + many)
        .map(|number| {
            let begun = Instant::now();
            let headers = format!("Message-ID: <{number}@a.test>\nContent-Type: message/rfc822\n");
            alice.request("SEND", "impp://b.test/bob", &headers, HELLO.as_bytes());
            let frame = bob.frame();
            bob.accept(&frame);
            assert_eq!(alice.frame().header("Delivery"), Some("delivered"));
            begun.elapsed()
        })
        .collect();
    times.sort();
    (times[times.len() / 2], times[times.len() - 1])
}

/// Sends requests as fast as they are answered, until it is told to stop; how many answers came, and how many of them said
/// try-later.
fn flood(mut link: Wire, stop: &AtomicBool) -> (usize, usize) {
    let (mut answers, mut later) = (0, 0);
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut batch = String::new();
        for _ in 0..500 {
            number += 1;
            batch += &format!(
                "FETCH {number} impp/1.0\r\nFrom: impp://evil.test/eve\r\nConnection-ID: c1\r\nTarget: impp://b.test/bob\r\n\r\n"
            );
        }
        link.send(batch.as_bytes());
        for _ in 0..500 {
            answers += 1;
            later += usize::from(link.frame().header("Error") == Some("try-later"));
        }
    }
    (answers, later)
}

#[test]
fn a_peer_that_floods_costs_the_others_little() {
    let country = Country::of(&["a.test", "b.test", "evil.test"], "");
    let [a, b, evil] = country.sites.as_slice() else { panic!() };
    let mut alice = a.logged_in("alice", "alice-by-hand", "");
    let mut bob = b.logged_in("bob", "bob-by-hand", "Accept: messages\n");
    let quiet = times(&mut alice, &mut bob, 0, 100);
    let stop = AtomicBool::new(false);
    let (loud, (answers, later)) = std::thread::scope(|scope| {
        let link = link_as(b, evil);
        let flooding = scope.spawn(|| flood(link, &stop));
        let loud = times(&mut alice, &mut bob, 100, 300);
        stop.store(true, Ordering::Relaxed);
        (loud, flooding.join().unwrap())
    });
    eprintln!("alice to bob, delivered: median {:?}, longest {:?}", quiet.0, quiet.1);
    eprintln!("beside a peer that floods: median {:?}, longest {:?}", loud.0, loud.1);
    eprintln!("which had {answers} answers meanwhile, {later} of them try-later");
    assert!(answers > 500, "that was no flood: {answers}");
    assert!(loud.1 < Duration::from_secs(5), "{loud:?}");
}

#[test]
fn one_domain_has_so_many_links_and_requests_and_no_more() {
    let country = Country::of(&["a.test", "b.test", "evil.test"], "");
    let [a, b, evil] = country.sites.as_slice() else { panic!() };
    let mut links: Vec<Wire> = Vec::new();
    let refusal = loop {
        let mut link = certified(b, evil);
        let answer = link.link("evil.test");
        if answer.header("Auth") != Some("done") {
            break answer;
        }
        links.push(link);
        assert!(links.len() <= 8, "so many links are too many");
    };
    refused(&refusal, "try-later");
    assert!(refusal.header("Retry-After").is_some());
    assert_eq!(links.len(), 8);
    // Requests that wait for bob, who does not answer: beyond a number of them the peer is told to come back, and alice is not.
    let mut bob = b.logged_in("bob", "bob-by-hand", "Accept: messages\nMax-Outstanding: 1000\n");
    let link = &mut links[0];
    for number in 1..1100 {
        link.say(&format!(
            "SEND {number} impp/1.0\nFrom: impp://evil.test/eve\nConnection-ID: c1\nTarget: impp://b.test/bob\nMessage-ID: <{number}@x>\n\
             Content-Type: message/rfc822\nContent-Length: {}\n\n",
            HELLO.len()
        ));
        link.send(HELLO.as_bytes());
    }
    let answer = link.frame();
    refused(&answer, "try-later");
    assert!(answer.start().starts_with("ERROR (SEND) 1025 "), "{answer:?}");
    does(a, "impp-send", "alice", &["-m", "x", &b.at("alice")]);
    drop(bob.frame());
}
