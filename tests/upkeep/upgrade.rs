//! From an older store to the newest: killed at any moment it is the one or the other, and the way back is refused with words.

use crate::failing::{Failing, copy_folder};
use crate::support::site::private;
use crate::support::{Site, expect_text, run};
use rusqlite::Connection;
use std::fs;
use std::path::Path;

fn version(data: &Path) -> u32 {
    Connection::open(data.join("store.db")).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// A site whose store is one of schema 2, with this many messages more.
fn old_site(messages: usize) -> Site {
    let site = Site::of("example.org", "", &[]);
    fs::create_dir(site.path("data")).unwrap();
    let store = Connection::open(site.path("data/store.db")).unwrap();
    store.execute_batch(include_str!("../stores/v2.sql")).unwrap();
    store
        .execute_batch(&format!(
            "WITH RECURSIVE n(i) AS (VALUES(10) UNION ALL SELECT i + 1 FROM n WHERE i < {messages} + 10)
             INSERT INTO message (number, mailbox, sender, message_id, fingerprint, stored, octets, frame)
             SELECT i, mailbox, sender, message_id, fingerprint, stored, octets, frame FROM n, message WHERE number = 1 AND i < {messages} + 10;"
        ))
        .unwrap();
    site
}

#[test]
fn killed_in_the_midst_of_an_upgrade_the_store_is_old_or_new() {
    const MESSAGES: usize = 3000;
    let Some(failing) = Failing::on(old_site(MESSAGES)) else { return };
    let site = &failing.site;
    let [data, old] = ["data", "old"].map(|name| site.path(name));
    copy_folder(&data, &old);
    let [log, kept] = ["store.db-wal", "store-v2.db"].map(|name| data.join(name));
    let complete = |what: &str| {
        expect_text(0, &mut site.relay_command(&["verify", data.to_str().unwrap()]), "");
        let list = site.administer(&["user", "list", "example.org", "--json"]);
        let bob = list.lines().find(|line| line.contains("\"address\":\"bob@example.org\"")).unwrap();
        assert!(bob.contains(&format!("\"messages\":{},", MESSAGES + 2)), "{what}: {bob}");
        assert_eq!((version(&data), version_of(&kept)), (3, 2), "{what}");
    };
    // Killed in place of this call; `None` if there is none of that number. The size of the log, and the store's version then.
    let killed = |call: &str, number: u32| {
        copy_folder(&old, &data);
        let killed = failing.killed_at(call, number, &["user", "list"]);
        let logged = fs::metadata(&log).map_or(0, |found| found.len());
        let found = killed.then(|| (logged, kept.exists(), version(&data)));
        complete(&format!("{call} {number}"));
        found
    };
    // While the former store is copied, and before the copy has its name, nothing has begun.
    for call in ["write store-v2.db.half", "sync store-v2.db.half", "name store-v2.db"] {
        assert_eq!(killed(call, 1), Some((0, false, 2)), "{call}");
    }
    // The transaction is written to the log. How many writes that takes is found by halving.
    let write = "write store.db-wal";
    let (mut last, mut beyond) = (1, 2);
    while killed(write, beyond).is_some() {
        (last, beyond) = (beyond, beyond * 2);
    }
    let mut inside = 0;
    let mut judge = |number| {
        let Some((logged, kept, version)) = killed(write, number) else { return false };
        assert!(kept && version == 2, "killed at write {number} of the transaction: schema {version}");
        inside += u32::from(logged > 100 * 4096);
        true
    };
    while last + 1 < beyond {
        let middle = last + (beyond - last) / 2;
        if judge(middle) { last = middle } else { beyond = middle }
    }
    assert!(judge(last) && last > 500 && inside > 3, "{last} writes, {inside} kills behind the hundredth page");
    // The log's head is synced first, then all of it: from there on it is the new one.
    let syncs: Vec<u32> = (1..).map_while(|number| killed("sync store.db-wal", number)).map(|found| found.2).collect();
    assert!(syncs.is_sorted() && syncs.first() == Some(&2) && syncs.last() == Some(&3), "{syncs:?}");
    // It is the new one, and its log is about to go.
    let (_, kept, version) = killed("name store.db-wal", 1).unwrap();
    assert!(kept && version == 3);
}

fn version_of(path: &Path) -> u32 {
    Connection::open(path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn a_store_of_the_previous_version_is_served_and_the_way_back_is_refused() {
    let mut site = old_site(0);
    site.start();
    let log = site.log().text();
    assert!(log.contains("the store has a new form; a copy of the former is beside it"), "{log}");
    // What waited is delivered, as it was stored.
    let pass = site.path("bob.pass");
    private(&pass, "bob's secret\n");
    site.administer(&["user", "passwd", "bob@example.org", "--pass-file", pass.to_str().unwrap()]);
    let mut bob = site.logged_in("bob", "receives", "Accept: messages\n");
    for (id, text) in [("<1@example.org>", "the first"), ("<2@example.org>", "zweite f=C3=BCr dich")] {
        let frame = bob.frame();
        assert_eq!((frame.header("Message-ID"), frame.header("From")), (Some(id), Some("impp://example.org/ann")));
        assert!(String::from_utf8_lossy(&frame.body).contains(text), "{frame:?}");
        bob.accept(&frame);
    }
    expect_text(0, &mut site.relay_command(&["verify", site.path("data").to_str().unwrap()]), "");
    assert!(site.stop());
    assert_eq!(version_of(&site.path("data/store-v2.db")), 2);
    // A program that knows less than the store has: this one, before a store of tomorrow.
    Connection::open(site.path("data/store.db")).unwrap().pragma_update(None, "user_version", 4).unwrap();
    for command in [&["serve"][..], &["user", "list"], &["backup", "x"], &["verify", site.path("data").to_str().unwrap()]] {
        let refused = run(&mut site.relay_command(command), b"");
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(74), "{command:?}: {words}");
        let expected = "was written by a newer impp (schema 4, this program knows 3); install that version again, or restore a backup that this one can read";
        assert!(words.contains(expected), "{words}");
    }
}
