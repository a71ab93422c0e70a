//! `drain`: everybody is sent away with a time to come back, and on sockets that somebody keeps nothing is lost.

use crate::manager::Manager;
use crate::support::{Site, Tool, at, expect, has, until};
use crate::{asked, ran};
use std::collections::BTreeSet;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[test]
fn everybody_is_sent_away_little_by_little_and_the_relay_ends() {
    let mut site = Site::with_users(&["alice", "bob"]);
    let mut wires: Vec<_> = (0..8).map(|number| site.logged_in("alice", &format!("c{number}"), "")).collect();
    let stranger = TcpStream::connect(site.plain).unwrap();
    // Who has nobody behind it that answers is cut off at the deadline at the latest.
    let begun = asked(&site, &["drain", "--over", "1s", "--deadline", "20s"]);
    assert_eq!((&begun[0]["connections"], &begun[0]["over_s"]), (&9.into(), &1.into()));
    assert!(TcpStream::connect(site.tls).is_err() && TcpStream::connect(site.plain).is_err(), "nobody is let in any more");
    assert_eq!(ran(&site, &["drain"]).0, 75);
    assert_eq!(ran(&site, &["reload"]).0, 75);
    let mut after = BTreeSet::new();
    for wire in &mut wires {
        let bye = wire.frame();
        assert_eq!(bye.header("Cause"), Some("shutting-down"), "{}", wire.talk());
        let seconds: u64 = bye.header("Retry-After").unwrap().parse().unwrap();
        assert!((1..=7).contains(&seconds), "{}", wire.talk());
        after.insert(seconds);
        let id = bye.start().split(' ').nth(1).unwrap().to_owned();
        wire.say(&format!("OK (BYE) {id} impp/1.0\n\n"));
        assert_eq!(wire.rest(), b"");
    }
    assert!(after.len() > 1, "all would come back at once: {after:?}");
    drop(stranger);
    assert!(site.stopped(), "status 0");
    assert!(site.last_log().contains("relay drains"), "{}", site.last_log());
}

#[test]
fn at_the_deadline_the_relay_ends_whoever_is_still_there() {
    let mut site = Site::with_users(&["alice"]);
    // Reads nothing and answers nothing.
    let _deaf = site.logged_in("alice", "deaf", "");
    assert_eq!(ran(&site, &["drain", "--over", "0s", "--deadline", "0s", "--wait"]).0, 0);
    assert!(site.stopped());
}

/// How many messages each sends.
const EACH: usize = 16;

#[test]
fn a_restart_by_drain_under_load_loses_nothing_and_doubles_nothing() {
    if !has("python3") {
        return;
    }
    let users = ["ann", "bea", "carl", "dan", "eve", "fay"];
    let (senders, receivers) = users.split_at(2);
    let site = Site::prepared("", &users);
    let mut manager = Manager::of(&site, "tls:plain");
    let server = manager.addresses[0].to_string();
    manager.start();
    let mut watching: Vec<Tool> = receivers
        .iter()
        .map(|name| Tool::spawn(site.tool("impp-recv", name).args(["--server", &server, "--format", "{text}\\n"])))
        .collect();
    until("all are there", || asked(&site, &["sessions"]).len() == receivers.len());
    let (site, server, sent) = (&site, server.as_str(), &AtomicUsize::new(0));
    thread::scope(|scope| {
        let sending: Vec<_> = senders
            .iter()
            .map(|sender| {
                scope.spawn(move || {
                    for number in 0..EACH {
                        let text = format!("{sender} {number}");
                        let mut command = site.tool("impp-send", sender);
                        command.args([
                            "--server",
                            server,
                            "--timeout",
                            "60s",
                            "--retry",
                            "50",
                            "--retry-wait",
                            "200ms",
                            "-m",
                            &text,
                        ]);
                        expect(0, command.args(receivers.iter().map(|name| at(name))), b"");
                        sent.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        // Twice in the midst of it.
        for (part, times) in [(4, 1), (2, 2)] {
            until("a part is sent", || sent.load(Ordering::Relaxed) >= EACH * senders.len() / part);
            assert_eq!(ran(site, &["drain", "--over", "1s", "--wait"]).0, 0);
            manager.stop();
            manager.start();
            watching.iter().for_each(|receiver| receiver.errors().wait_for_times("resumed", times));
        }
        sending.into_iter().for_each(|one| one.join().unwrap());
    });
    let all: BTreeSet<String> =
        senders.iter().flat_map(|sender| (0..EACH).map(move |number| format!("{sender} {number}"))).collect();
    for (name, receiver) in receivers.iter().zip(&mut watching) {
        let got: Vec<String> = (0..all.len()).map(|_| receiver.line()).collect();
        assert_eq!(BTreeSet::from_iter(got), all, "{name}");
        // Nothing more than that: what is sent now comes next.
        expect(0, site.tool("impp-send", "ann").args(["--server", server, "-m", "the last", &at(name)]), b"");
        assert_eq!(receiver.line(), "the last", "{name}");
    }
    manager.stop();
}
