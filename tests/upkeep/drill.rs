//! The restore drill: a backup taken in the midst of load, the relay lost, another one from the backup, and a checker that knows what was promised.

use crate::load::{Book, Load, Shared, USERS};
use crate::support::{Site, Wire, expect_text};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// A subscription of another domain, as its SUBSCRIBE would have left it.
const SUBSCRIPTION: &str = "INSERT INTO subscription (presentity, subscriber, connection, since, until, told)
    VALUES ('impp://demo.test/erin', 'impp://b.test/zoe', 'laptop', 1, 9000000000000, 1)";

#[test]
fn a_backup_taken_under_load_gives_a_relay_that_keeps_every_promise() {
    let mut site = Site::with("[interdomain]\nenabled = false\n[limits]\nconnections-per-user = 100\n", &USERS);
    let book = Shared::default();
    let load = Load::on(&site, &book);
    book.wait("enough of everything", |book| {
        let answers = |kind: &str| book.answered.values().filter(|answer| *answer == kind).count();
        answers("stored") > 150 && answers("delivered") > 60 && book.note > 60 && book.rules > 60 && book.arrived.len() > 80
    });
    // While it runs it can be judged, too.
    site.administer(&["verify", site.path("data").to_str().unwrap()]);

    // What receivers took is on the disk when a write that was given later is.
    let settled = book.copy().settled;
    let written = |book: &Book| book.answered.keys().filter(|id| id.contains("alice-carol")).count();
    let so_far = written(&book.copy());
    book.wait("a later write", |book| written(book) > so_far + 2);
    let before = book.copy();
    let backup = site.path("backup");
    site.administer(&["backup", backup.to_str().unwrap()]);
    let after = book.copy();
    book.wait("much happens after it", |now| {
        now.note > after.note + 40 && now.rules > after.rules + 40 && now.answered.len() > after.answered.len() + 100
    });
    site.kill();
    load.end();
    let lost = book.copy();

    // Another folder, as on another machine.
    let config = fs::read_to_string(site.path("impp-relay.toml")).unwrap();
    site.write("impp-relay.toml", config.replace("data-dir = \"data\"", "data-dir = \"restored\""));
    site.administer(&["verify", backup.to_str().unwrap()]);
    site.administer(&["restore", backup.to_str().unwrap()]);
    site.administer(&["verify", site.path("restored").to_str().unwrap()]);
    site.start_again();

    // Every message that was acknowledged before the backup began: it waits, or it had arrived.
    let mut arrived = BTreeMap::new();
    for user in ["carol", "dave", "ivan"] {
        for id in all_that_waits(&site, user) {
            *arrived.entry(id).or_insert(0) += 1;
        }
    }
    for id in before.answered.keys() {
        let had = before.arrived.contains_key(id) || lost.arrived.contains_key(id);
        let has = arrived.get(id).copied().unwrap_or(0);
        assert!(had || has == 1, "{id} was promised, did not arrive before and comes {has} times now");
        assert!(has <= 1, "{id} comes {has} times");
    }
    // What its receiver had taken for good before the backup began arrives no more.
    let again: Vec<_> = settled.iter().filter(|id| arrived.contains_key(*id)).collect();
    assert!(again.is_empty() && settled.len() > 60, "arrived twice: {again:?} of {}", settled.len());

    repeats_are_known(&site, &before.answered);

    // Presence: the last value that was promised, or a later one, under a version that nobody has heard of.
    let mut anyone = site.logged_in("alice", "looks", "");
    let shown = anyone.ask("FETCH", "erin", "", b"");
    let version: u64 = shown.header("Presence-Version").unwrap().parse().unwrap();
    assert!(version > lost.version, "version {version} after {}", lost.version);
    let text = String::from_utf8(shown.body).unwrap();
    let note: usize = text.split("<note>").nth(1).unwrap().split('<').next().unwrap().parse().unwrap();
    assert!((before.note..=lost.note).contains(&note), "{note} of {}..{}", before.note, lost.note);
    let mut erin = site.logged_in("erin", "publishes-again", "");
    let changed = erin.ask(
        "CHANGE",
        "erin",
        "Lease-Time: infinity\nContent-Type: application/presence\n",
        b"<presence><status>closed</status></presence>",
    );
    assert!(changed.header("Presence-Version").unwrap().parse::<u64>().unwrap() > version);
    // Rules: the same.
    let mut grace = site.logged_in("grace", "rules-again", "");
    let rules = String::from_utf8(grace.ask("GET-ACL", "grace", "", b"").body).unwrap();
    let number: usize = rules.split("/nr").nth(1).unwrap().split('<').next().unwrap().parse().unwrap();
    assert!((before.rules..=lost.rules).contains(&number), "{number} of {}..{}", before.rules, lost.rules);
}

/// All that is offered to a user, each accepted.
fn all_that_waits(site: &Site, user: &str) -> Vec<String> {
    let mut wire = site.logged_in(user, "takes-all", "Accept: messages\n");
    let mut ids = Vec::new();
    // A message of our own is the last that waits.
    let mut other = site.logged_in("frank", &format!("ends-{user}"), "");
    let id = format!("the-end-{user}@demo.test");
    let headers = format!("Message-ID: <{id}>\nContent-Type: message/rfc822\n");
    other.request("SEND", user, &headers, crate::support::wire::message("frank", user, &id, "the end").as_bytes());
    loop {
        let frame = wire.frame();
        wire.accept(&frame);
        match frame.header("Message-ID").unwrap() {
            end if end == format!("<{id}>") => return ids,
            other => ids.push(other.to_owned()),
        }
    }
}

/// A sender that repeats what was acknowledged is answered as before, and nobody gets it again.
fn repeats_are_known(site: &Site, answered: &BTreeMap<String, String>) {
    let mut receivers: Vec<(&str, Wire)> =
        ["carol", "dave", "ivan"].map(|user| (user, site.logged_in(user, "listens", "Accept: messages\n"))).into();
    let mut senders: BTreeMap<&str, Wire> = ["alice", "bob"].map(|user| (user, site.logged_in(user, "repeats", ""))).into();
    for (id, answer) in answered {
        let plain = id.trim_matches(['<', '>']);
        let mut words = plain.split('-');
        let (from, to) = (words.next().unwrap(), words.next().unwrap());
        let said = senders.get_mut(from).unwrap().send_message(to, plain, "again");
        assert_eq!(said.header("Delivery"), Some(answer.as_str()), "{id}");
    }
    for (user, wire) in &mut receivers {
        let id = format!("barrier-{user}@demo.test");
        let headers = format!("Message-ID: <{id}>\nContent-Type: message/rfc822\n");
        let body = crate::support::wire::message("alice", user, &id, "nothing before this");
        senders.get_mut("alice").unwrap().request("SEND", user, &headers, body.as_bytes());
        assert_eq!(wire.frame().header("Message-ID"), Some(format!("<{id}>").as_str()), "a repeat reached {user}");
    }
}

#[test]
fn what_is_damaged_is_backed_up_with_a_word_and_not_put_back() {
    let mut site = Site::with("[interdomain]\nenabled = false\n", &["erin"]);
    Connection::open(site.path("data/store.db")).unwrap().execute_batch(SUBSCRIPTION).unwrap();
    let backup = site.path("backup");
    // Made by hand it has no checksum: the backup is made all the same, and says what it found.
    let made = expect_text(2, &mut site.relay_command(&["backup", backup.to_str().unwrap(), "--json"]), "");
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!((made["faults"].as_u64(), made["accounts"].as_u64()), (Some(1), Some(1)), "{made}");
    site.kill();
    let config = fs::read_to_string(site.path("impp-relay.toml")).unwrap();
    site.write("impp-relay.toml", config.replace("data-dir = \"data\"", "data-dir = \"restored\""));
    // What is damaged is not put back without a word.
    expect_text(65, &mut site.relay_command(&["restore", backup.to_str().unwrap()]), "");
    assert!(!site.path("restored/store.db").exists());
}
