//! Links over a bad network: cut, stalled and half open. Whoever sends hears one answer, and whoever receives gets one message.

use crate::country::{Country, does, state, watch};
use crate::support::wire::Wire;
use crate::support::{Dice, Proxy, Site, Tool, run};
use std::collections::HashMap;
use std::hint;

/// A country of a.test and b.test, each of which is reached by the other through a proxy.
fn apart(extra: &str) -> (Country, [Proxy; 2]) {
    let country = Country::of(&["a.test", "b.test"], extra);
    let proxies = [0, 1].map(|at: usize| Proxy::to(country.sites[at].tls));
    country.publish(&[("a.test", proxies[0].address), ("b.test", proxies[1].address)]);
    (country, proxies)
}

fn cut(proxies: &[Proxy; 2]) {
    proxies.iter().for_each(Proxy::cut);
}

/// Lets a random and short time pass without sleeping.
fn dawdle(dice: &mut Dice, most: usize) {
    for _ in 0..dice.between(0..most) {
        hint::spin_loop();
    }
}

fn logged_in(site: &Site, user: &str, hello: &str) -> Wire {
    site.logged_in(user, &format!("{user}-by-hand"), hello)
}

/// A short message; its request-id.
fn send(alice: &mut Wire, number: usize) -> String {
    let headers = format!("Message-ID: <{number}@a.test>\nContent-Type: message/rfc822\n");
    alice.request("SEND", "impp://b.test/bob", &headers, format!("Subject: {number}\r\n\r\nHello.\r\n").as_bytes())
}

#[test]
fn two_hundred_cuts_between_a_request_and_its_answer() {
    const ROUNDS: usize = 200;
    let (country, proxies) = apart("");
    let [a, b] = country.sites.as_slice() else { panic!() };
    let mut dice = Dice::new(2026);
    let mut alice = logged_in(a, "alice", "");
    let mut bob = logged_in(b, "bob", "Accept: messages\n");
    let (mut offered, mut cuts, mut repeated) = (HashMap::new(), [0; 3], 0);
    for round in 0..ROUNDS {
        let mut id = send(&mut alice, round);
        let moment = dice.between(0..3);
        cuts[moment] += 1;
        if moment == 0 {
            // On its way, or already there, or the link is only being opened.
            dawdle(&mut dice, 100_000);
            cut(&proxies);
        }
        let settled = loop {
            if let Some(frame) = bob.frame_at_once() {
                *offered.entry(frame.header("Message-ID").unwrap().to_owned()).or_insert(0) += 1;
                if moment == 1 {
                    // It was read, and nobody has answered yet.
                    dawdle(&mut dice, 30_000);
                    cut(&proxies);
                }
                bob.accept(&frame);
                if moment == 2 {
                    // The effect stands, and the answer is somewhere.
                    dawdle(&mut dice, 30_000);
                    cut(&proxies);
                }
            }
            if let Some(answer) = alice.frame_at_once() {
                assert!(answer.start().ends_with(&format!(" (SEND) {id} impp/1.0")), "{}", alice.talk());
                if answer.header("Error") != Some("connection-failure") {
                    break answer;
                }
                // The network broke under every attempt to open a link. One repeats it, as the tools do.
                id = send(&mut alice, round);
                repeated += 1;
            }
        };
        assert_eq!(settled.header("Delivery"), Some("delivered"), "{settled:?}");
    }
    // Nothing came that was not waited for, neither here nor there: what is asked now is the next to be answered.
    alice.say("PING p impp/1.0\n\n");
    assert_eq!(alice.frame().start(), "OK (PING) p impp/1.0");
    bob.say("PING p impp/1.0\n\n");
    assert_eq!(bob.frame().start(), "OK (PING) p impp/1.0");
    assert_eq!(offered.len(), ROUNDS);
    assert!(offered.values().all(|times| *times == 1));
    assert!(cuts.iter().all(|times| *times > 40), "{cuts:?}");
    let lost = a.log().text().matches("\"link down\"").count();
    eprintln!("{ROUNDS} cuts, {lost} links lost, {repeated} messages repeated by their sender");
    assert!(lost > ROUNDS / 2 && repeated < 10, "{lost} links were lost, {repeated} messages repeated");
}

#[test]
fn a_stream_of_messages_arrives_once_each_and_in_order_over_links_that_are_cut() {
    const MANY: usize = 400;
    let (country, proxies) = apart("");
    let [a, b] = country.sites.as_slice() else { panic!() };
    let mut dice = Dice::new(7);
    let mut recv = Tool::spawn(b.tool("impp-recv", "bob").args(["--count", &MANY.to_string(), "--format", "{text}\\n"]));
    b.wait_for_logins("bob", 1);
    let mut sender = Tool::spawn(a.tool("impp-send", "alice").args(["--ndjson", "--json"]));
    let lines: String = (0..MANY)
        .map(|number| format!("{{\"to\":[\"{}\"],\"text\":\"{number}\",\"id\":\"<{number}@a.test>\"}}\n", b.at("bob")))
        .collect();
    sender.type_in(&lines);
    sender.close_stdin();
    let mut seen = 0;
    while seen < MANY {
        for _ in 0..dice.between(1..20).min(MANY - seen) {
            assert_eq!(recv.line(), seen.to_string());
            seen += 1;
        }
        dawdle(&mut dice, 100_000);
        cut(&proxies);
    }
    let (status, told) = sender.finish();
    assert_eq!(status, 0, "{told:?}");
    let settled = |line: &&String| line.contains("\"state\":\"delivered\"") || line.contains("\"state\":\"stored\"");
    assert_eq!(told.iter().filter(settled).count(), MANY, "{told:?}");
    assert!(recv.end().success());
}

#[test]
fn a_link_that_stalls_costs_one_answer_and_delivers_nothing_twice() {
    let (country, proxies) = apart("[interdomain]\nca = \"others.pem\"\nresponse-timeout = \"2s\"\n");
    let [a, b] = country.sites.as_slice() else { panic!() };
    let mut alice = logged_in(a, "alice", "");
    let mut bob = logged_in(b, "bob", "Accept: messages\n");
    let deliver = |alice: &mut Wire, bob: &mut Wire, number| {
        send(alice, number);
        let frame = bob.frame();
        bob.accept(&frame);
        alice.frame().header("Delivery").map(str::to_owned)
    };
    assert_eq!(deliver(&mut alice, &mut bob, 0).as_deref(), Some("delivered"));
    // The request is held up, and nobody knows.
    proxies.iter().for_each(Proxy::stall);
    send(&mut alice, 1);
    let answer = alice.frame();
    assert_eq!(answer.header("Error"), Some("connection-failure"), "{answer:?}");
    // Now it arrives after all, and its answer has nobody to go to. The sender's repetition finds it done.
    proxies.iter().for_each(Proxy::resume);
    let frame = bob.frame();
    assert_eq!(frame.header("Message-ID"), Some("<1@a.test>"));
    bob.accept(&frame);
    let again = send(&mut alice, 1);
    let answer = alice.frame();
    assert_eq!((answer.start(), answer.header("Delivery")), (format!("OK (SEND) {again} impp/1.0").as_str(), Some("delivered")));
    assert_eq!(deliver(&mut alice, &mut bob, 2).as_deref(), Some("delivered"), "and the next is the next");
    // Held up and then cut: the request goes again over a new link.
    proxies.iter().for_each(Proxy::stall);
    send(&mut alice, 3);
    proxies[1].wait_for_stalled();
    cut(&proxies);
    proxies.iter().for_each(Proxy::resume);
    let frame = bob.frame();
    assert_eq!(frame.header("Message-ID"), Some("<3@a.test>"));
    bob.accept(&frame);
    assert_eq!(alice.frame().header("Delivery"), Some("delivered"));
}

#[test]
fn a_link_that_is_half_open_is_given_up() {
    let (country, proxies) = apart("");
    let [a, b] = country.sites.as_slice() else { panic!() };
    let mut alice = logged_in(a, "alice", "");
    let mut bob = logged_in(b, "bob", "Accept: messages\n");
    for number in 0..20 {
        send(&mut alice, number);
        let frame = bob.frame();
        assert_eq!(frame.header("Message-ID"), Some(format!("<{number}@a.test>").as_str()));
        // The side that accepted the link hears that nothing more will come, while its own answer is due.
        proxies.iter().for_each(Proxy::half_close);
        bob.accept(&frame);
        assert_eq!(alice.frame().header("Delivery"), Some("delivered"), "{number}");
    }
}

#[test]
fn a_domain_that_cannot_be_reached_is_a_temporary_failure_and_comes_back() {
    let (country, proxies) = apart("");
    let [a, b] = country.sites.as_slice() else { panic!() };
    does(b, "impp-acl", "bob", &["allow", "fetch,subscribe", "impp://a.test/*"]);
    does(b, "impp-set", "bob", &["open", "--note", "0"]);
    let mut alice = watch(a.tool("impp-watch", "alice").arg(b.at("bob")));
    assert_eq!(state(&mut alice), "open initial 0");
    proxies.iter().for_each(|proxy| proxy.refuse(true));
    cut(&proxies);
    let done = run(a.tool("impp-send", "alice").args(["-m", "x", &b.at("bob")]), b"");
    let error = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(75), "{error}");
    assert!(error.contains("connection-failure"), "{error}");
    let log = a.log();
    log.wait_for("\"no link\"");
    // What changes meanwhile is told when the domain is there again: the newest.
    for note in ["1", "2", "3"] {
        does(b, "impp-set", "bob", &["open", "--note", note]);
    }
    proxies.iter().for_each(|proxy| proxy.refuse(false));
    assert_eq!(state(&mut alice), "open change 3");
}
