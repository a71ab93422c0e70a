//! From an older store to the newest: killed at any moment it is the one or the other, and the way back is refused with words.

use crate::support::{Dice, Site, Tool, expect_text, run};
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
    let site = old_site(MESSAGES);
    let data = site.path("data");
    let mut dice = Dice::new(3);
    let old = fs::read(data.join("store.db")).unwrap();
    let (mut stayed, mut killed) = (0, 0);
    while killed < 25 {
        fs::write(data.join("store.db"), &old).unwrap();
        for companion in ["store.db-wal", "store.db-shm", "store-v2.db"] {
            let _ = fs::remove_file(data.join(companion));
        }
        let mut command = Tool::spawn(&mut site.relay_command(&["user", "list"]));
        for _ in 0..dice.between(0..3_000_000) {
            std::hint::spin_loop();
        }
        command.kill();
        killed += 1;
        let found = version(&data);
        assert!(found == 2 || found == 3, "schema {found}");
        stayed += usize::from(found == 2);
        if found == 3 {
            // Never without a copy to go back to.
            assert_eq!(version_of(&data.join("store-v2.db")), 2);
        }
        expect_text(0, &mut site.relay_command(&["verify", data.to_str().unwrap()]), "");
    }
    eprintln!("{killed} killed, {stayed} still old");
    let list = site.administer(&["user", "list", "example.org", "--json"]);
    let bob = list.lines().find(|line| line.contains("\"address\":\"bob@example.org\"")).unwrap();
    assert!(bob.contains(&format!("\"messages\":{},", MESSAGES + 2)), "{bob}");
    assert_eq!(version(&data), 3);
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
    // What waited is delivered, from whom it was.
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
