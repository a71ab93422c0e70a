//! 5.2: publishing. B's notifications for A, and C who is a third.

use crate::country::{link_as, state};
use crate::forger::{error, notifies, says_no_place};
use crate::support::{Proxy, Tool};
use crate::tap::Tap;
use crate::town::town;
use serde_json::Value;

#[test]
fn r_5_2_1_only_the_watcher_reads_what_is_for_her() {
    // only A can read what is meant for her
    let (alice, carol, bob) = (town().in_a("alice"), town().in_a("carol"), town().in_b("bob"));
    bob.rules(&["allow", "subscribe", &alice.address(), "--view", "alice"]);
    bob.rules(&["allow", "subscribe", &carol.address()]);
    let tap = Tap::on(town().a().tls);
    let (mut hers, mut third) =
        (alice.watches_by(&["--server", &tap.address.to_string(), &bob.address()]), carol.by_hand("thirds"));
    state(&mut hers);
    third.ask("SUBSCRIBE", &bob.url(), "", b"");
    bob.sets(&["open", "--note", "a word for alice", "--view", "alice"]);
    assert_eq!(state(&mut hers), "open change a word for alice");
    bob.sets(&["open", "--note", "a word for all"]);
    let told = third.frame();
    assert!(String::from_utf8_lossy(&told.body).contains("a word for all"), "the first that carol is told: {told:?}");
    assert!(!tap.understood(b"a word for alice") && !town().is_understood(b"a word for alice"));
}

#[test]
fn r_5_2_2_the_watcher_gets_all_that_is_for_her() {
    // A gets all that is meant for her, over connections that fail
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "subscribe", &alice.address()]);
    let network = Proxy::to(town().a().tls);
    let mut watch = alice.watches_by(&["--server", &network.address.to_string(), &bob.address()]);
    state(&mut watch);
    for round in 0..6 {
        // While nothing is under way, while it is, and without a word to either side.
        match round % 3 {
            0 => network.cut(),
            1 => network.stall(),
            _ => network.half_close(),
        }
        let note = format!("round {round}");
        bob.sets(&["open", "--note", &note]);
        if round % 3 == 1 {
            network.cut();
            network.resume();
        }
        loop {
            let told: Value = serde_json::from_str(&watch.line()).unwrap();
            if told["note"] == note.as_str() && told["why"] != "resumed" {
                break;
            }
        }
    }
}

#[test]
fn r_5_2_3_the_owner_can_tell_different_people_different_things() {
    // B can hold something back, and tell different people different things
    let (family, work, bob) = (town().in_a("family"), town().in_a("work"), town().in_b("bob"));
    let (held_back, everybody) = (town().in_a("curious"), town().in_a("everybody"));
    bob.rules(&["allow", "fetch,subscribe", "*"]);
    bob.rules(&["allow", "fetch,subscribe", &family.address(), "--view", "family"]);
    bob.rules(&["allow", "fetch,subscribe", &work.address(), "--view", "work"]);
    bob.rules(&["conceal", "fetch,subscribe", &held_back.address()]);
    bob.sets(&["open", "--note", "in the bath", "--view", "family"]);
    bob.sets(&["closed", "--note", "at lunch", "--view", "work"]);
    bob.sets(&["closed", "--note", "somewhere"]);
    let seen = [&family, &work, &everybody, &held_back].map(|who| state(&mut who.watches(&bob)));
    assert_eq!(seen, ["open initial in the bath", "closed initial at lunch", "closed initial somewhere", "closed initial -"]);
}

#[test]
fn r_5_2_4_nobody_else_can_notify() {
    // C cannot forge B's notifications
    let (alice, carol, bob) = (town().in_b("alice"), town().in_b("carol"), town().in_b("bob"));
    let mut hers = alice.by_hand("hers");
    hers.ask("SUBSCRIBE", &bob.name, "", b"");
    // Not as a user of the same domain, whatever the name ..
    let mut third = carol.by_hand("thirds");
    for from in ["impp://b.test/".to_owned(), carol.url(), bob.url()] {
        assert_eq!(notifies(&mut third, &from, &bob.url(), &alice, "hers"), "permission-denied", "{from}");
    }
    // .. nor as the server of another.
    let mut link = link_as(town().b(), town().a());
    for from in ["impp://a.test/", "impp://b.test/"] {
        assert_eq!(notifies(&mut link, from, &bob.url(), &alice, "hers"), "permission-denied", "{from}");
    }
    // Nor can C publish in B's place.
    let headers = "Lease-Time: infinity\nContent-Type: application/presence\n";
    let answer = third.ask("CHANGE", &bob.name, headers, b"<presence><status>open</status></presence>");
    assert_eq!(error(&answer), "permission-denied");
    bob.sets(&["open", "--note", "true"]);
    let told = hers.frame();
    assert!(String::from_utf8_lossy(&told.body).contains("true"), "nothing came before it: {told:?}");
}

#[test]
fn r_5_2_5_publishing_does_not_show_where_the_watcher_is() {
    // A's address on the network need not be shown to B, who publishes
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "subscribe", &alice.address()]);
    let mut watch = alice.watches(&bob);
    state(&mut watch);
    let mut his = bob.by_hand("his");
    let headers = "Lease-Time: infinity\nContent-Type: application/presence\n";
    let answer = his.ask("CHANGE", &bob.name, headers, b"<presence><status>open</status></presence>");
    assert_eq!(state(&mut watch), "open change -");
    // All that came to B by then: the answer, and nothing behind it.
    his.say("PING p impp/1.0\n\n");
    says_no_place(&[answer, his.frame()]);
}

#[test]
fn r_5_2_6_a_notification_does_not_show_where_the_owner_is() {
    // B's address on the network need not be shown to A, who is told
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "subscribe", &alice.address()]);
    let mut hers = alice.by_hand("hers");
    hers.ask("SUBSCRIBE", &bob.url(), "", b"");
    let mut program = Tool::spawn(&mut bob.tool("impp-set", &["open", "--note", "here", "--hold", "--lease", "1s"]));
    let mut told = vec![hers.frame()];
    hers.accept(&told[0]);
    program.kill();
    told.push(hers.frame());
    says_no_place(&told);
}
