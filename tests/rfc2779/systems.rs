//! What users of five older systems could do, where no other test shows it whole; the rows H1 to H50 of docs/coverage.md.

use crate::country::state;
use crate::support::site::private;
use crate::support::{Tool, expect_text, program, until};
use crate::town::town;
use std::fs;

#[test]
fn h_2_3_5_busy_away_and_words_of_ones_own() {
    let (alice, bob) = (town().in_b("alice"), town().in_b("bob"));
    for activity in ["busy", "away", "on-the-phone", "back soon", "at lunch with the neighbours"] {
        bob.sets(&["open", "--activity", activity]);
        let seen = alice.sees(&bob);
        assert_eq!((&seen["status"], &seen["activity"]), (&"open".into(), &activity.into()));
    }
}

/// What a desktop's idle hook calls, and what it calls when somebody is back.
#[test]
fn h_4_idle_and_back_by_a_desktops_hook() {
    let (alice, bob) = (town().in_b("alice"), town().in_b("bob"));
    bob.sets(&["open", "--activity", "busy", "--note", "writing"]);
    bob.sets(&["open", "--activity", "away", "--lease", "8h"]);
    assert_eq!(alice.sees(&bob)["activity"], "away");
    bob.sets(&["--clear"]);
    let seen = alice.sees(&bob);
    assert_eq!((&seen["activity"], &seen["note"]), (&"busy".into(), &"writing".into()), "what was there before");
}

#[test]
fn h_6_do_not_disturb_refuses_messages() {
    let (alice, bob) = (town().in_b("alice"), town().in_b("bob"));
    bob.sets(&["open", "--activity", "do-not-disturb"]);
    bob.rules(&["deny", "send", "*"]);
    assert_eq!(alice.sees(&bob)["activity"], "do-not-disturb");
    alice.is_told(77, "permission-denied", "impp-send", &["-m", "x", &bob.address()]);
}

#[test]
fn h_7_the_hidden_see_and_are_not_seen() {
    let (alice, bob) = (town().in_b("alice"), town().in_b("bob"));
    bob.rules(&["conceal", "fetch,subscribe", "*"]);
    bob.sets(&["open", "--note", "here all the time"]);
    let (mut hers, mut his) = (alice.watches(&bob), bob.watches(&alice));
    assert_eq!([state(&mut hers), state(&mut his)], ["closed initial -"; 2]);
    alice.sets(&["open"]);
    assert_eq!(state(&mut his), "open change -");
    bob.sets(&["open", "--note", "still"]);
    // What she is told next is the end of it.
    bob.rules(&["remove", "*"]);
    assert_eq!(state(&mut hers), "open change still");
}

#[test]
fn h_10_11_several_devices_each_with_its_place() {
    let (alice, bob) = (town().in_b("alice"), town().in_b("bob"));
    bob.sets(&["open"]);
    bob.sets(&["open", "--tuple", "laptop", "--note", "room 12", "--priority", "0.8"]);
    bob.sets(&["closed", "--tuple", "phone", "--contact", "tel:+4930123456", "--priority", "0.2"]);
    let seen = alice.sees(&bob);
    let told: Vec<_> = seen["tuples"].as_array().unwrap().iter().map(|tuple| (&tuple["id"], &tuple["priority"])).collect();
    assert_eq!(told, [(&"laptop".into(), &"0.8".into()), (&"phone".into(), &"0.2".into())]);
    // Both are logged in at once, and both get what comes.
    let mut devices = [bob.by_hand_with_inbox("laptop"), bob.by_hand_with_inbox("phone")];
    alice.by_hand("hers").request(
        "SEND",
        &bob.name,
        "Message-ID: <1@b.test>\nContent-Type: message/rfc822\n",
        b"Subject: s\r\n\r\nx",
    );
    for device in &mut devices {
        assert!(device.frame().start().starts_with("SEND "));
    }
}

#[test]
fn h_19_a_new_watcher_is_seen_and_let_in() {
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    alice.is_told(77, "permission denied", "impp-watch", &[&bob.address()]);
    let refused = bob.does("impp-acl", &["refused"]);
    let who = refused.split_whitespace().find(|word| word.contains('@')).unwrap();
    assert_eq!(who, alice.address());
    bob.rules(&["allow", "fetch,subscribe", who]);
    assert_eq!(state(&mut alice.watches(&bob)), "closed initial -");
}

#[test]
fn h_29_lists_are_aliases_and_topics_are_headers() {
    let (alice, bob, carol) = (town().in_a("alice"), town().in_b("bob"), town().in_b("carol"));
    let aliases = format!("[aliases]\nteam = [\"{}\", \"{}\"]\n", bob.address(), carol.address());
    let config = alice.site.write(&format!("{}.toml", alice.name), aliases);
    let config = config.to_str().unwrap();
    for (topic, text) in [("weather", "rain"), ("builds/main", "green")] {
        alice.does("impp-send", &["-c", config, "-H", &format!("X-Topic: {topic}"), "-m", text, "team"]);
    }
    for member in [&bob, &carol] {
        assert_eq!(member.does("impp-recv", &["--once", "--body", "--match", "X-Topic=builds/*"]), "green\n");
        assert_eq!(member.reads(), "rain", "what did not match is left");
    }
}

#[test]
fn h_40_an_answer_by_itself_makes_no_circle() {
    let (alice, bob, carol) = (town().in_a("alice"), town().in_b("bob"), town().in_b("carol"));
    // As docs/sending.md has it.
    let prose = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sending.md")).unwrap();
    let recipe = prose.split_once("\n## Answering by itself\n").unwrap().1.split("\n## ").next().unwrap();
    let script: String = recipe.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| format!("{line}\n")).collect();
    let handler = script.split_once("#!/bin/sh").unwrap().1.replace("impp-send", program("impp-send"));
    let file = alice.site.write(&format!("{}.sh", alice.name), format!("#!/bin/sh{handler}"));
    let run = format!("sh {}", file.display());
    let logs = [&alice, &bob].map(|who| who.site.path(&format!("{}.log", who.name)));
    let mut programs = [&alice, &bob].map(|who| {
        let log = who.site.path(&format!("{}.log", who.name));
        // A handler inherits no password; its own tools find it where the configuration says.
        let pass = who.site.path(&format!("{}.pass", who.name));
        let config = who.site.path(&format!("{}.toml", who.name));
        private(&config, &format!("[account.default]\npass-file = {pass:?}\n"));
        let mut command =
            who.tool("impp-recv", &["--mime", "--exec", &run, "--log", log.to_str().unwrap(), "--trace=/dev/stdout"]);
        Tool::spawn(command.env("IMPP_CONFIG", config))
    });
    programs.iter_mut().for_each(|program| drop(program.lines_until("Session: new")));
    let texts = |at: usize| {
        let log = fs::read_to_string(&logs[at]).unwrap_or_default();
        let text =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].as_str().unwrap().trim().to_owned();
        log.lines().map(text).collect::<Vec<_>>()
    };
    alice.sends("are you there?", &bob);
    until("alice has the answer", || !texts(0).is_empty());
    assert_eq!(texts(0), ["I am away until Monday."]);
    // Alice's program did not answer the answer: this is the next that bob gets.
    expect_text(0, &mut carol.tool("impp-send", &["-H", "Auto-Submitted: auto-generated", "-m", "and now", &bob.address()]), "");
    until("bob has it", || texts(1).len() > 1);
    assert_eq!(texts(1), ["are you there?", "and now"]);
}
