//! What was acknowledged is never lost, and what is repeated is never delivered twice.

use crate::support::said::Said;
use crate::support::wire::message;
use crate::support::{Dice, Proxy, Site, Tool, at, expect_text};
use std::collections::HashSet;
use std::hint;

/// One JSON line for `impp-send --ndjson`.
fn line(sender: &str, number: usize, to: &str) -> String {
    format!("{{\"to\":[\"{}\"],\"text\":\"{sender} {number}\",\"id\":\"<{sender}-{number}@demo.test>\"}}\n", at(to))
}

/// A sender that streams so many messages to bob, and the tool that does it.
fn stream(site: &Site, sender: &str, many: usize) -> Tool {
    let mut tool = Tool::spawn(site.tool("impp-send", sender).args(["--ndjson", "--json"]));
    tool.type_in(&(0..many).map(|number| line(sender, number, "bob")).collect::<String>());
    tool.close_stdin();
    tool
}

/// Lets a random and short time pass without sleeping, so that not only the moments after an acknowledgement are hit.
fn dawdle(dice: &mut Dice) {
    for _ in 0..dice.between(0..300_000) {
        hint::spin_loop();
    }
}

/// Waits until this many lines have come from both, or one of them has ended.
fn wait_for_lines(out: &Said, many: usize) -> bool {
    out.find(|text| (text.matches('\n').count() >= many).then_some(())).is_some()
}

/// `sender number` of each line, split by sender; each sender's numbers in the order in which they came.
fn by_sender<'a>(lines: impl Iterator<Item = &'a str>, sender: &str) -> Vec<usize> {
    lines.filter_map(|line| line.strip_prefix(sender)?.strip_prefix(' ')?.parse().ok()).collect()
}

#[test]
fn a_thousand_messages_over_a_relay_that_is_killed_again_and_again() {
    const EACH: usize = 500;
    let mut site = Site::with_users(&["alice", "bob", "carol"]);
    let mut dice = Dice::new(2026);
    let mut senders = [stream(&site, "alice", EACH), stream(&site, "carol", EACH)];
    let (mut acknowledged, mut killed) = (0, 0);
    loop {
        // The next moment: so many acknowledgements later at one of the two.
        acknowledged += dice.between(10..90);
        let which = dice.between(0..2);
        if acknowledged >= EACH || !wait_for_lines(senders[which].out(), acknowledged) {
            break;
        }
        dawdle(&mut dice);
        site.kill();
        killed += 1;
        site.start();
    }
    assert!(killed >= 5, "the relay was killed only {killed} times");
    for sender in &mut senders {
        let status = sender.end();
        assert!(status.success(), "{}", sender.errors().text());
        let out = sender.out().all();
        assert_eq!(out.lines().filter(|line| line.contains("\"state\":\"stored\"")).count(), EACH, "{out}");
    }
    // A last barrier: what comes after everything else.
    expect_text(0, site.tool("impp-send", "alice").args(["-m", "the end", &at("bob")]), "");
    let many = (2 * EACH + 1).to_string();
    let text = expect_text(0, site.tool("impp-recv", "bob").args(["--format", "{text}\\n", "--count", &many]), "");
    for sender in ["alice", "carol"] {
        assert_eq!(by_sender(text.lines(), sender), (0..EACH).collect::<Vec<_>>(), "each once, in order, from {sender}");
    }
    assert_eq!(text.lines().filter(|line| *line == "the end").count(), 1);
    assert_eq!(text.lines().last(), Some("the end"));
}

#[test]
fn a_sender_with_many_under_way_repeats_what_was_not_acknowledged() {
    const MANY: usize = 600;
    /// Within the relay's Max-Outstanding.
    const UNDER_WAY: usize = 60;
    let mut site = Site::with_users(&["alice", "bob"]);
    let mut dice = Dice::new(64);
    let (mut acknowledged, mut killed, mut repeated) = (0, 0, 0);
    while acknowledged < MANY {
        let mut alice = site.logged_in("alice", &format!("pipeline-{killed}"), "");
        let mut sent = acknowledged;
        let enough = dice.between(1..200);
        while acknowledged < MANY && (acknowledged < sent || sent < MANY) {
            // As many at once as may be, so that the relay is always in the midst of writing some.
            while sent < MANY && sent < acknowledged + UNDER_WAY {
                let id = format!("pipeline-{sent}@demo.test");
                let headers = format!("Message-ID: <{id}>\nContent-Type: message/rfc822\n");
                alice.request("SEND", "bob", &headers, message("alice", "bob", &id, &format!("alice {sent}")).as_bytes());
                sent += 1;
            }
            let answer = alice.frame();
            assert_eq!(answer.header("Delivery"), Some("stored"), "{answer:?}");
            acknowledged += 1;
            if acknowledged < MANY && enough <= acknowledged % 200 && dice.between(0..20) == 0 {
                break;
            }
        }
        repeated += sent - acknowledged;
        dawdle(&mut dice);
        site.kill();
        killed += 1;
        site.start();
    }
    assert!(killed >= 4 && repeated >= 100, "killed {killed} times, {repeated} repeated");
    let many = MANY.to_string();
    let text = expect_text(0, site.tool("impp-recv", "bob").args(["--format", "{text}\\n", "--count", &many]), "");
    assert_eq!(by_sender(text.lines(), "alice"), (0..MANY).collect::<Vec<_>>(), "each once, in order");
    // Nothing is behind them.
    expect_text(0, site.tool("impp-send", "alice").args(["-m", "the end", &at("bob")]), "");
    assert_eq!(expect_text(0, site.tool("impp-recv", "bob").args(["--once", "--body"]), ""), "the end\n");
}

#[test]
fn a_bad_network_loses_nothing_and_shows_nothing_twice() {
    const MANY: usize = 200;
    let site = Site::with("[mailbox]\ndelivery-timeout = \"2s\"\n", &["alice", "bob"]);
    let (to_alice, to_bob) = (Proxy::to(site.tls), Proxy::to(site.tls));
    let over = |proxy: &Proxy| proxy.address.to_string();
    let mut bob = Tool::spawn(site.tool("impp-recv", "bob").args(["--server", &over(&to_bob), "--format", "{text}\\n"]));
    site.wait_for_logins("bob", 1);
    let mut alice = Tool::spawn(site.tool("impp-send", "alice").args(["--server", &over(&to_alice), "--ndjson"]));
    let mut shown: Vec<String> = Vec::new();
    for round in 0..4 {
        let troubled = if round % 2 == 0 { &to_bob } else { &to_alice };
        if round >= 2 {
            // Octets are under way and never arrive: messages and acknowledgements of the one, answers of the other.
            troubled.stall();
        }
        let begun = round * MANY / 4;
        alice.type_in(&(begun..begun + MANY / 4).map(|number| line("alice", number, "bob")).collect::<String>());
        if round < 2 {
            // In the midst of it.
            shown.push(bob.line());
        } else {
            troubled.wait_for_stalled();
        }
        troubled.cut();
        troubled.resume();
        while shown.len() < begun + MANY / 4 {
            shown.push(bob.line());
        }
    }
    assert!(alice.end().success(), "{}", alice.errors().text());
    expect_text(0, site.tool("impp-send", "alice").args(["-m", "the end", &at("bob")]), "");
    assert_eq!(bob.line(), "the end");
    assert_eq!(by_sender(shown.iter().map(String::as_str), "alice"), (0..MANY).collect::<Vec<_>>(), "each once, in order");
    assert!(to_alice.accepted() == 3 && to_bob.accepted() == 3, "both came back twice");
}

#[test]
fn a_receiver_that_is_killed_again_and_again_misses_nothing() {
    const MANY: usize = 300;
    let site = Site::with_users(&["alice", "bob"]);
    let mut dice = Dice::new(7);
    let session = site.path("session");
    let receive = || {
        let mut command = site.tool("impp-recv", "bob");
        Tool::spawn(command.args(["--format", "{text}\\n", "--session"]).arg(&session))
    };
    let mut bob = receive();
    // Connected before the first is sent, so that all of it is about live delivery and its interruptions.
    site.wait_for_logins("bob", 1);
    let mut alice = stream(&site, "alice", MANY);
    let (mut shown, mut killed): (Vec<String>, usize) = (Vec::new(), 0);
    // Never so near to the end that fewer lines are left than are waited for.
    while shown_numbers(&shown) + 60 < MANY {
        shown.extend((0..dice.between(5..40)).map(|_| bob.line()));
        dawdle(&mut dice);
        bob.kill();
        killed += 1;
        // What it had written before it was killed was shown too.
        shown.extend(bob.out().all().lines().skip(bob.lines_read()).map(str::to_owned));
        bob = receive();
    }
    assert!(alice.end().success(), "{}", alice.errors().text());
    expect_text(0, site.tool("impp-send", "alice").args(["-m", "the end", &at("bob")]), "");
    shown.extend(bob.lines_until("the end"));
    bob.signal("TERM");
    assert_eq!(bob.finish().0, 143);
    assert!(killed >= 5, "the receiver was killed only {killed} times");
    // Between writing a message and noting that it was written there is a moment in which a kill makes it come again.
    let numbers = by_sender(shown.iter().map(String::as_str), "alice");
    assert!(numbers.len() <= MANY + killed, "{} repeated after {killed} kills", numbers.len() - MANY);
    let mut seen = HashSet::new();
    let once: Vec<usize> = numbers.into_iter().filter(|number| seen.insert(*number)).collect();
    assert_eq!(once, (0..MANY).collect::<Vec<_>>(), "each, in order");
}

/// How many different messages there are among the lines.
fn shown_numbers(lines: &[String]) -> usize {
    lines.iter().collect::<HashSet<_>>().len()
}

#[test]
fn a_receiver_that_ends_in_order_shows_each_message_once() {
    const MANY: usize = 120;
    let site = Site::with_users(&["alice", "bob"]);
    let mut alice = stream(&site, "alice", MANY);
    let mut shown = Vec::new();
    while shown.len() < MANY {
        let mut bob = Tool::spawn(site.tool("impp-recv", "bob").args(["--format", "{text}\\n"]));
        shown.push(bob.line());
        bob.signal("TERM");
        let (status, rest) = bob.finish();
        assert_eq!(status, 143);
        shown.extend(rest);
    }
    assert!(alice.end().success());
    assert_eq!(by_sender(shown.iter().map(String::as_str), "alice"), (0..MANY).collect::<Vec<_>>(), "each once, in order");
}

#[test]
fn a_repeated_message_is_answered_like_the_first_and_delivered_once() {
    let mut site = Site::with_users(&["alice", "bob"]);
    let send = |site: &Site, id: &str, text: &str| {
        expect_text(0, site.tool("impp-send", "alice").args(["--json", "--id", id, "-m", text, &at("bob")]), "")
    };
    assert!(send(&site, "<1@demo.test>", "first").contains("\"state\":\"stored\""));
    assert!(send(&site, "<1@demo.test>", "first").contains("\"state\":\"stored\""));
    site.kill();
    site.start();
    assert!(send(&site, "<1@demo.test>", "first").contains("\"state\":\"stored\""), "a crash is no reason to forget");
    let received = expect_text(0, site.tool("impp-recv", "bob").args(["--once", "--body"]), "");
    assert_eq!(received, "first\n");
    // Delivered, and then repeated: also while bob is there.
    let mut bob = Tool::spawn(site.tool("impp-recv", "bob").args(["--format", "{text}\\n"]));
    site.wait_for_logins("bob", 2);
    send(&site, "<1@demo.test>", "first");
    send(&site, "<2@demo.test>", "second");
    assert_eq!(bob.line(), "second", "the repeat came to nobody");
    // A delivered one is remembered over a crash too, without having been stored.
    site.kill();
    site.start();
    bob.errors().wait_for("resumed");
    assert!(send(&site, "<2@demo.test>", "second").contains("\"state\":\"delivered\""));
    send(&site, "<3@demo.test>", "third");
    assert_eq!(bob.line(), "third");
}
