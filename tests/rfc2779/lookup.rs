//! 3.2: looking up and being told.

use crate::country::state;
use crate::person::Person;
use crate::support::{Proxy, Tool, until};
use crate::town::town;

/// Somebody's program published, was there, and is killed.
fn comes_and_is_gone(bob: &Person<'_>) {
    let args = ["open", "--note", "at my desk", "--hold", "--lease", "1h", "--json"];
    let mut program = Tool::spawn(&mut bob.tool("impp-set", &args));
    program.lines_until("at my desk");
    program.kill();
}

#[test]
fn r_3_2_1_asking_works_while_the_owner_is_away() {
    // asking works while the owner is out of contact
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "fetch", &alice.address()]);
    comes_and_is_gone(&bob);
    assert_eq!(alice.sees(&bob)["note"], "at my desk");
}

#[test]
fn r_3_2_2_subscribing_works_while_the_owner_is_away() {
    // subscribing works while the owner is out of contact
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "subscribe", &alice.address()]);
    comes_and_is_gone(&bob);
    let mut watch = alice.watches(&bob);
    assert_eq!(state(&mut watch), "open initial at my desk");
    bob.does("impp-set", &["--clear"]);
    assert_eq!(state(&mut watch), "closed change -", "the subscription stands");
}

#[test]
fn r_3_2_3_every_subscriber_is_told_of_every_change() {
    // a change is told to every subscriber, unless the rules forbid it
    let bob = town().in_b("bob");
    let allowed = [town().in_a("alice"), town().in_a("carol"), town().in_b("dora")];
    let (denied, concealed) = (town().in_b("eve"), town().in_b("frank"));
    bob.rules(&["allow", "subscribe", "*"]);
    let mut watches = allowed.each_ref().map(|watcher| watcher.watches(&bob));
    let mut hidden = [denied.watches(&bob), concealed.watches(&bob)];
    watches.iter_mut().chain(&mut hidden).for_each(|watch| assert_eq!(state(watch), "closed initial -"));
    bob.rules(&["deny", "subscribe", &denied.address()]);
    bob.rules(&["conceal", "fetch,subscribe", &concealed.address()]);
    assert_eq!(state(&mut hidden[0]), "unknown terminated -");
    for note in ["one", "two", "three"] {
        bob.sets(&["open", "--note", note]);
        for watch in &mut watches {
            assert_eq!(state(watch), format!("open change {note}"));
        }
    }
    bob.rules(&["allow", "fetch,subscribe", &concealed.address()]);
    assert_eq!(state(&mut hidden[1]), "open change three", "nothing in between");
}

#[test]
fn r_3_2_4_loss_of_contact_is_noticed() {
    // it is noticed that the owner is out of contact
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "subscribe", &alice.address()]);
    let mut watch = alice.watches(&bob);
    assert_eq!(state(&mut watch), "closed initial -");
    let mut program = Tool::spawn(&mut bob.tool("impp-set", &["open", "--hold", "--lease", "2s"]));
    assert_eq!(state(&mut watch), "open change -");
    program.kill();
    assert_eq!(state(&mut watch), "closed lease-expired -");
}

#[test]
fn r_3_2_5_nothing_relies_on_a_goodbye() {
    // nothing relies on anybody saying good-bye
    let (alice, carol, bob) = (town().in_a("alice"), town().in_b("carol"), town().in_b("bob"));
    bob.rules(&["allow", "subscribe", "*"]);
    let mut watch = alice.watches(&bob);
    assert_eq!(state(&mut watch), "closed initial -");
    // The network is gone: no octet and no end of the connection reaches the relay.
    let network = Proxy::to(bob.site.tls);
    let server = network.address.to_string();
    let mut program = Tool::spawn(&mut bob.tool("impp-set", &["open", "--hold", "--lease", "2s", "--server", &server]));
    assert_eq!(state(&mut watch), "open change -");
    network.stall();
    assert_eq!(state(&mut watch), "closed lease-expired -");
    program.kill();
    // A watcher that is killed is none any more when its lease is over.
    let mut short = carol.watches_by(&["--lease", "2s", &bob.address()]);
    state(&mut short);
    assert!(bob.watchers().contains(&carol.address()));
    short.kill();
    until("the killed watcher is off the list", || !bob.watchers().contains(&carol.address()));
    assert!(bob.watchers().contains(&alice.address()), "who renews is still there");
}
