//! 2.3: the owner decides who may do what.

use crate::country::state;
use crate::person::Person;
use crate::support::{Tool, until};
use crate::town::town;

#[test]
fn r_2_3_1_the_owner_decides_who_sees_the_presence() {
    // the owner decides who may see the presence
    let (alice, carol, bob) = (town().in_a("alice"), town().in_a("carol"), town().in_b("bob"));
    bob.sets(&["open"]);
    bob.rules(&["allow", "fetch", &alice.address()]);
    assert_eq!(alice.tries("impp-fetch", &[&bob.address()]), 0);
    assert_eq!(carol.tries("impp-fetch", &[&bob.address()]), 3);
    bob.rules(&["deny", "fetch", &alice.address()]);
    bob.rules(&["allow", "fetch", &carol.address()]);
    assert_eq!(alice.tries("impp-fetch", &[&bob.address()]), 3);
    assert_eq!(carol.tries("impp-fetch", &[&bob.address()]), 0);
}

#[test]
fn r_2_3_2_the_owner_decides_who_subscribes() {
    // the owner decides who may subscribe
    let (alice, carol, bob) = (town().in_a("alice"), town().in_a("carol"), town().in_b("bob"));
    bob.rules(&["allow", "subscribe", &alice.address()]);
    let mut watch = alice.watches(&bob);
    assert_eq!(state(&mut watch), "closed initial -");
    carol.is_told(77, "permission-denied", "impp-watch", &[&bob.address()]);
    bob.sets(&["open"]);
    assert_eq!(state(&mut watch), "open change -");
}

#[test]
fn r_2_3_3_each_watcher_sees_what_is_meant_for_it_asked_or_told() {
    // what one watcher sees is up to the owner, and is the same for who asks and who is told
    let (alice, carol, bob) = (town().in_a("alice"), town().in_a("carol"), town().in_b("bob"));
    bob.rules(&["allow", "fetch,subscribe", &alice.address(), "--view", "friends"]);
    bob.rules(&["allow", "fetch,subscribe", &carol.address()]);
    let mut told = [alice.watches(&bob), carol.watches(&bob)];
    told.iter_mut().for_each(|watch| assert_eq!(state(watch), "closed initial -"));
    bob.sets(&["open", "--note", "in the garden", "--view", "friends"]);
    bob.sets(&["closed", "--note", "at work"]);
    assert_eq!(told.each_mut().map(state), ["open change in the garden", "closed change at work"]);
    assert_eq!((&alice.sees(&bob)["note"], &carol.sees(&bob)["note"]), (&"in the garden".into(), &"at work".into()));
}

#[test]
fn r_2_3_4_the_owner_decides_who_else_changes_the_presence() {
    // the owner decides who else may change the presence
    let (bob, secretary, stranger) = (town().in_b("bob"), town().in_b("secretary"), town().in_b("stranger"));
    bob.rules(&["allow", "change", &secretary.address()]);
    secretary.sets(&["closed", "--note", "in a meeting", "--for", &bob.address()]);
    stranger.is_told(77, "permission-denied", "impp-set", &["open", "--note", "gone fishing", "--for", &bob.address()]);
    assert_eq!(stranger.sees(&bob)["note"], "in a meeting");
    bob.rules(&["remove", &secretary.address()]);
    assert_eq!(secretary.tries("impp-set", &["-q", "open", "--for", &bob.address()]), 77);
}

#[test]
fn r_2_3_5_the_owner_decides_who_sends_to_the_inbox() {
    // the owner decides who may send to the inbox
    let (alice, carol, bob) = (town().in_a("alice"), town().in_a("carol"), town().in_b("bob"));
    bob.rules(&["deny", "send", &carol.address()]);
    carol.is_told(77, "permission-denied", "impp-send", &["-m", "refused", &bob.address()]);
    alice.sends("taken", &bob);
    assert_eq!(bob.reads(), "taken", "and nothing before it");
}

#[test]
fn r_2_3_6_the_owner_decides_who_reads_the_inbox() {
    // the owner decides who may read the inbox
    let (alice, bob, deputy, stranger) =
        (town().in_a("alice"), town().in_b("bob"), town().in_b("deputy"), town().in_b("stranger"));
    bob.rules(&["allow", "read", &deputy.address()]);
    alice.sends("for bob or the deputy", &bob);
    let inbox = ["--once", "--body", "--inbox", &bob.address()];
    stranger.is_told(77, "permission", "impp-recv", &inbox);
    assert_eq!(deputy.does("impp-recv", &inbox), "for bob or the deputy\n");
}

/// What somebody may, asked of the relay: fetch, watch, change, send, read.
fn may(who: &Person<'_>, bob: &Person<'_>) -> [bool; 5] {
    let to = bob.address();
    // The tool would look at the old value first, and so tell something about `fetch`.
    let headers = "Lease-Time: infinity\nContent-Type: application/presence\n";
    let change = who.by_hand("by-hand").ask("CHANGE", &bob.name, headers, b"<presence><status>open</status></presence>");
    [
        matches!(who.tries("impp-fetch", &[&to]), 0 | 1),
        state(&mut who.watches(bob)).contains(" initial "),
        change.start().starts_with("OK"),
        who.tries("impp-send", &["-q", "-m", "x", &to]) == 0,
        who.tries("impp-recv", &["-q", "--once", "--inbox", &to]) == 0,
    ]
}

#[test]
fn r_2_3_7_rules_hold_while_the_owner_is_away() {
    // all these rules hold while the owner is out of contact
    let (bob, friend, stranger) = (town().in_b("bob"), town().in_b("friend"), town().in_b("stranger"));
    bob.rules(&["deny", "all", "*"]);
    bob.rules(&["allow", "fetch,subscribe,send,change,read", &friend.address()]);
    // The owner's program is there, is killed, and is not there any more.
    let mut program = Tool::spawn(&mut bob.tool("impp-recv", &["--trace=/dev/stdout"]));
    program.lines_until("Session: new");
    program.kill();
    until("nobody takes bob's messages", || {
        let stored = friend.does("impp-send", &["--json", "-m", "are you there?", &bob.address()]);
        stored.contains("\"stored\"")
    });
    assert_eq!(may(&friend, &bob), [true; 5]);
    assert_eq!(may(&stranger, &bob), [false; 5]);
}
