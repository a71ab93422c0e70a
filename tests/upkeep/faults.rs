//! A disk that fails and a clock that jumps, under the relay as it is: its system calls are made to fail from outside.

use crate::failing::Failing;
use crate::support::http::{get, http_of};
use crate::support::wire::{Frame, message};
use crate::support::{Site, Wire, run, until};
use std::collections::BTreeSet;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const FOREVER: u32 = 1_000_000;

fn failing() -> Option<Failing> {
    let mut failing = Failing::on(Site::prepared("[interdomain]\nenabled = false\n", &["alice", "bob", "carol"]))?;
    failing.start();
    Some(failing)
}

/// The ids of all that waits for bob.
fn received(site: &Site) -> Vec<String> {
    let mut bob = site.logged_in("bob", "receives", "Accept: messages\n");
    let mut alice = site.logged_in("alice", "ends", "");
    let end = message("alice", "bob", "end@demo.test", "the end");
    alice.request("SEND", "bob", "Message-ID: <end@demo.test>\nContent-Type: message/rfc822\n", end.as_bytes());
    let mut ids = Vec::new();
    loop {
        let frame = bob.frame();
        bob.accept(&frame);
        match frame.header("Message-ID").unwrap() {
            "<end@demo.test>" => return ids,
            id => ids.push(id.to_owned()),
        }
    }
}

fn change(wire: &mut Wire, note: &str) -> Frame {
    let headers = "Lease-Time: infinity\nContent-Type: application/presence\n";
    let user = "alice";
    wire.ask("CHANGE", user, headers, format!("<presence><status>open</status><note>{note}</note></presence>").as_bytes())
}

fn set_acl(wire: &mut Wire, who: &str) -> Frame {
    let rules = format!("<acl><rule><who>impp://demo.test/{who}</who><op>send</op><action>deny</action></rule></acl>");
    wire.ask("SET-ACL", "alice", "Content-Type: application/impp-acl\n", rules.as_bytes())
}

fn error(frame: &Frame) -> Option<&str> {
    frame.header("Error")
}

#[test]
fn while_every_write_or_sync_fails_nothing_is_promised_and_then_all_goes_on() {
    let Some(mut failing) = failing() else { return };
    let mut alice = failing.site.logged_in("alice", "acts", "");
    assert_eq!(error(&change(&mut alice, "before")), None);
    assert_eq!(error(&set_acl(&mut alice, "carol")), None);
    let (mut promised, mut refused) = (BTreeSet::new(), BTreeSet::new());
    let mut note = "before".to_owned();
    let plans = [
        format!("sync store.db-wal {EIO} 1 {FOREVER}"),
        format!("write store.db-wal {EIO} 1 {FOREVER}"),
        format!("write store.db-wal {ENOSPC} 1 {FOREVER}"),
    ];
    for (number, plan) in plans.iter().enumerate() {
        failing.plan(plan);
        for of in 0..3 {
            let id = format!("bad-{number}-{of}@demo.test");
            assert_eq!(error(&alice.send_message("bob", &id, "text")), Some("server-error"), "{plan}");
            refused.insert(format!("<{id}>"));
        }
        assert_eq!(error(&change(&mut alice, "never")), Some("server-error"), "{plan}");
        assert_eq!(error(&set_acl(&mut alice, "nobody")), Some("server-error"), "{plan}");
        // What needs no disk goes on, and shows what was promised last.
        let shown = alice.ask("FETCH", "alice", "", b"");
        let text = String::from_utf8(shown.body).unwrap();
        assert!(text.contains(&format!("<note>{note}</note>")), "{plan}: {text}");
        failing.plan("");
        let id = format!("good-{number}@demo.test");
        assert_eq!(alice.send_message("bob", &id, "text").header("Delivery"), Some("stored"), "after {plan}");
        promised.insert(format!("<{id}>"));
        note = format!("again {number}");
        assert_eq!(error(&change(&mut alice, &note)), None, "after {plan}");
    }
    failing.restart();
    // Who was refused says it again, and it is taken, once.
    let mut alice = failing.site.logged_in("alice", "acts-again", "");
    for id in &refused {
        let answer = alice.send_message("bob", id.trim_matches(['<', '>']), "text");
        assert_eq!(answer.header("Delivery"), Some("stored"), "{id}: {answer:?}");
    }
    let received = received(&failing.site);
    let once: BTreeSet<String> = received.iter().cloned().collect();
    assert_eq!(once.len(), received.len(), "twice: {received:?}");
    assert_eq!(once, promised.union(&refused).cloned().collect());
    let text = String::from_utf8(alice.ask("FETCH", "alice", "", b"").body).unwrap();
    assert!(text.contains("<note>again 2</note>"), "{text}");
    let rules = String::from_utf8(alice.ask("GET-ACL", "alice", "", b"").body).unwrap();
    assert!(rules.contains("/carol<"), "{rules}");
    failing.site.administer(&["verify", failing.site.path("data").to_str().unwrap()]);
}

#[test]
fn whichever_write_or_sync_fails_once_costs_one_answer_and_no_promise() {
    let Some(mut failing) = failing() else { return };
    let mut alice = failing.site.logged_in("alice", "acts", "");
    let mut sent = BTreeSet::new();
    let mut refusals = 0;
    for (call, errno) in [("sync", EIO), ("write", EIO), ("write", ENOSPC)] {
        for nth in 1..=12 {
            failing.plan(&format!("{call} store.db-wal {errno} {nth} {nth}"));
            for of in 0..8 {
                let id = format!("{call}-{errno}-{nth}-{of}@demo.test");
                let answer = alice.send_message("bob", &id, "text");
                if error(&answer).is_some() {
                    assert_eq!(error(&answer), Some("server-error"));
                    refusals += 1;
                    let again = alice.send_message("bob", &id, "text");
                    assert_eq!(again.header("Delivery"), Some("stored"), "{id}: {again:?}");
                }
                sent.insert(format!("<{id}>"));
            }
        }
    }
    assert!(refusals >= 20, "{refusals} were refused");
    failing.restart();
    let received = received(&failing.site);
    assert_eq!(received.len(), sent.len());
    assert_eq!(received.into_iter().collect::<BTreeSet<_>>(), sent);
    failing.site.administer(&["verify", failing.site.path("data").to_str().unwrap()]);
}

/// Full, or broken: the relay answers, and says that it is of no use; it is not started anew for that, which would not help.
#[test]
fn a_store_that_cannot_write_is_no_health() {
    let config = "http = \"127.0.0.1:0\"\n[interdomain]\nenabled = false\n";
    let Some(mut failing) = Failing::on(Site::prepared(config, &["alice"])) else { return };
    failing.start();
    let site = &failing.site;
    let http = http_of(site);
    let health = || {
        let done = run(&mut site.relay_command(&["health", "--json"]), b"");
        (done.status.code().unwrap(), String::from_utf8(done.stdout).unwrap())
    };
    let fault = |said: &str| -> Option<String> {
        let parts = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        parts.into_iter().find(|part| part["part"] == "store-write").unwrap()["fault"].as_str().map(str::to_owned)
    };
    let well = || health().0 == 0 && get(http, "/healthz").0.starts_with("HTTP/1.1 200 ");
    assert!(well());
    for (plan, why) in [
        (format!("write store.db-wal {ENOSPC} 1 {FOREVER}"), "the disk is full"),
        (format!("write store.db-wal {EIO} 1 {FOREVER}"), "the store cannot be read or written"),
        (format!("sync store.db-wal {EIO} 1 {FOREVER}"), "the store cannot be read or written"),
    ] {
        failing.plan(&plan);
        until("health notices", || health().0 == 1);
        let (_, said) = health();
        assert_eq!(fault(&said).as_deref(), Some(why), "{plan}: {said}");
        let (head, body) = get(http, "/healthz");
        assert!(head.starts_with("HTTP/1.1 503 ") && body.contains(&format!("store-write: {why}")), "{plan}: {head}{body}");
        failing.plan("");
        until("it works again", well);
    }
}

/// The write-ahead log holds what was promised; that it cannot be moved to the database harms nobody.
#[test]
fn a_database_that_cannot_be_synced_costs_no_promise() {
    let Some(mut failing) = failing() else { return };
    failing.plan(&format!("sync /store.db {EIO} 1 {FOREVER}\nwrite /store.db {EIO} 3 {FOREVER}"));
    let mut alice = failing.site.logged_in("alice", "acts", "");
    let text = "x".repeat(1_000_000);
    let mut sent = Vec::new();
    // More than is logged before it is moved.
    for number in 0..20 {
        let id = format!("large-{number}@demo.test");
        assert_eq!(alice.send_message("bob", &id, &text).header("Delivery"), Some("stored"), "{number}");
        sent.push(format!("<{id}>"));
    }
    failing.restart();
    assert_eq!(received(&failing.site), sent);
    failing.site.administer(&["verify", failing.site.path("data").to_str().unwrap()]);
}

#[test]
fn a_log_of_deliveries_that_cannot_be_written_is_told_and_holds_up_nobody() {
    let Some(failing) = failing() else { return };
    let mut bob = failing.site.logged_in("bob", "receives", "Accept: messages\n");
    let mut alice = failing.site.logged_in("alice", "acts", "");
    let mut deliver = |id: &str| {
        let headers = format!("Message-ID: <{id}>\nContent-Type: message/rfc822\n");
        alice.request("SEND", "bob", &headers, message("alice", "bob", id, "text").as_bytes());
        let frame = bob.frame();
        assert_eq!(frame.header("Message-ID"), Some(format!("<{id}>").as_str()));
        bob.accept(&frame);
        assert_eq!(alice.frame().header("Delivery"), Some("delivered"));
    };
    deliver("1@demo.test");
    failing.plan(&format!("write .log {ENOSPC} 1 {FOREVER}"));
    deliver("2@demo.test");
    failing.site.log().wait_for("deliveries could not be noted; repeats of them after a crash would be delivered twice");
    failing.plan("");
    deliver("3@demo.test");
}

#[test]
fn the_clock_jumps_and_nothing_goes_back() {
    let Some(mut failing) = failing() else { return };
    let mut alice = failing.site.logged_in("alice", "acts", "");
    let mut carol = failing.site.logged_in("carol", "watches", "");
    assert_eq!(error(&carol.ask("SUBSCRIBE", "alice", "", b"")), None);
    let version = |frame: &Frame| frame.header("Presence-Version").unwrap().parse::<u64>().unwrap();
    let (mut last, mut sent) = (0, Vec::new());
    for (number, ahead) in [0, 3600, -3600, 7200, -86_400, 0].into_iter().enumerate() {
        failing.plan(&format!("clock {ahead}"));
        let changed = version(&change(&mut alice, &format!("note {number}")));
        assert!(changed > last, "{changed} after {last}, {ahead} s ahead");
        last = changed;
        let notified = carol.frame();
        assert_eq!((notified.start().split(' ').next(), version(&notified)), (Some("CHANGE-NOTIFY"), last));
        carol.accept(&notified);
        let id = format!("{number}@demo.test");
        for _ in 0..2 {
            // The second is a repeat, and known as one whatever the clock says.
            assert_eq!(alice.send_message("bob", &id, "text").header("Delivery"), Some("stored"), "{ahead} s ahead");
        }
        sent.push(format!("<{id}>"));
    }
    // Started again with a clock that stands an hour before what is stored.
    failing.site.kill();
    failing.plan("clock -3600");
    failing.start();
    let mut alice = failing.site.logged_in("alice", "acts-again", "");
    assert!(version(&change(&mut alice, "after")) > last);
    assert_eq!(alice.send_message("bob", "0@demo.test", "text").header("Delivery"), Some("stored"));
    assert_eq!(received(&failing.site), sent, "each once, in order");
}
