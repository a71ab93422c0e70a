//! A disk that fails and a clock that jumps, under the relay as it is: its system calls are made to fail from outside.

use crate::support::wire::{Frame, message};
use crate::support::{Site, Wire, has, program};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const FOREVER: u32 = 1_000_000;

/// A site whose relay does as the plan says.
struct Failing {
    site: Site,
    library: PathBuf,
}

impl Failing {
    /// `None`, with a word about it, where there is no compiler for C.
    fn new() -> Option<Self> {
        let site = Site::prepared("[interdomain]\nenabled = false\n", &["alice", "bob", "carol"]);
        if !has("cc") {
            return None;
        }
        let library = site.path("failing.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/upkeep/failing.c");
        let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).args([source, "-ldl"]).status();
        assert!(built.unwrap().success());
        let mut failing = Self { site, library };
        failing.plan("");
        failing.start();
        Some(failing)
    }

    fn start(&mut self) {
        let mut command = Command::new(program("impp-relay"));
        command.arg("serve").arg("-c").arg(self.site.path("impp-relay.toml"));
        command.env("LD_PRELOAD", &self.library).env("IMPP_TEST_PLAN", self.site.path("plan"));
        self.site.start_as(command);
    }

    /// From now on this is the plan.
    fn plan(&self, plan: &str) {
        // The former stays until the end, so that its inode is not given to the next.
        let former = (0..).map(|number| self.site.path(&format!("plan.{number}"))).find(|path| !path.exists()).unwrap();
        let _ = fs::rename(self.site.path("plan"), former);
        fs::write(self.site.path("plan.new"), plan).unwrap();
        fs::rename(self.site.path("plan.new"), self.site.path("plan")).unwrap();
    }

    /// Kills the relay, and starts it on a disk that works.
    fn restart(&mut self) {
        self.site.kill();
        self.plan("");
        self.start();
    }

    /// The ids of all that waits for bob.
    fn received(&self) -> Vec<String> {
        let mut bob = self.site.logged_in("bob", "receives", "Accept: messages\n");
        let mut alice = self.site.logged_in("alice", "ends", "");
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
    let Some(mut failing) = Failing::new() else { return };
    let mut alice = failing.site.logged_in("alice", "acts", "");
    assert_eq!(error(&change(&mut alice, "before")), None);
    assert_eq!(error(&set_acl(&mut alice, "carol")), None);
    let (mut promised, mut refused) = (BTreeSet::new(), BTreeSet::new());
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
        assert!(text.contains("<note>before</note>") || text.contains("<note>again"), "{plan}: {text}");
        failing.plan("");
        let id = format!("good-{number}@demo.test");
        assert_eq!(alice.send_message("bob", &id, "text").header("Delivery"), Some("stored"), "after {plan}");
        promised.insert(format!("<{id}>"));
        assert_eq!(error(&change(&mut alice, &format!("again {number}"))), None, "after {plan}");
    }
    failing.restart();
    // Who was refused says it again, and it is taken, once.
    let mut alice = failing.site.logged_in("alice", "acts-again", "");
    for id in &refused {
        let answer = alice.send_message("bob", id.trim_matches(['<', '>']), "text");
        assert_eq!(answer.header("Delivery"), Some("stored"), "{id}: {answer:?}");
    }
    let received = failing.received();
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
    let Some(mut failing) = Failing::new() else { return };
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
    let received = failing.received();
    assert_eq!(received.len(), sent.len());
    assert_eq!(received.into_iter().collect::<BTreeSet<_>>(), sent);
    failing.site.administer(&["verify", failing.site.path("data").to_str().unwrap()]);
}

/// The write-ahead log holds what was promised; that it cannot be moved to the database harms nobody.
#[test]
fn a_database_that_cannot_be_synced_costs_no_promise() {
    let Some(mut failing) = Failing::new() else { return };
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
    assert_eq!(failing.received(), sent);
    failing.site.administer(&["verify", failing.site.path("data").to_str().unwrap()]);
}

#[test]
fn a_log_of_deliveries_that_cannot_be_written_is_told_and_holds_up_nobody() {
    let Some(failing) = Failing::new() else { return };
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
    let Some(mut failing) = Failing::new() else { return };
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
    assert_eq!(failing.received(), sent, "each once, in order");
}
