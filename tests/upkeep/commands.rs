//! backup, verify and restore as they are typed: words, statuses, and what they leave behind.

use crate::support::{Site, expect_text, run};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;

/// Status and words on standard error.
fn said(command: &mut Command) -> (i32, String) {
    let done = run(command, b"");
    (done.status.code().unwrap_or(-1), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn silent_on_success_and_clear_on_failure() {
    let mut site = Site::with_users(&["alice", "bob"]);
    site.logged_in("alice", "sends", "").send_message("bob", "1@demo.test", "waits");
    let backup = site.path("backup");
    let backup = backup.to_str().unwrap();
    assert_eq!(said(&mut site.relay_command(&["backup", backup])), (0, String::new()));
    let (status, words) = said(&mut site.relay_command(&["backup", backup]));
    assert!(status == 73 && words.contains("holds the backup of ") && words.contains("--replace"), "{words}");
    assert_eq!(said(&mut site.relay_command(&["backup", backup, "--replace"])), (0, String::new()));
    let (status, words) = said(&mut site.relay_command(&["backup", site.path(".").to_str().unwrap(), "--replace"]));
    assert!(status == 73 && words.contains("is no backup; name a folder that is empty or not there"), "{words}");
    let (status, words) = said(&mut site.relay_command(&["restore", backup]));
    assert!(status == 75 && words.contains("is in use by another impp-relay; stop that one first"), "{words}");
    assert!(site.stop());
    let (status, words) = said(&mut site.relay_command(&["restore", backup]));
    assert!(status == 73 && words.contains("holds a store; with --replace it is set aside"), "{words}");
    let (status, words) = said(&mut site.relay_command(&["restore", backup, "--replace"]));
    assert!(status == 0 && words.contains("1 message(s); start the relay") && words.contains("before-"), "{words}");
    for (wish, status, words) in [
        (&["verify", "/nonexistent"][..], 66, "neither a backup nor a data folder"),
        (&["restore", "/nonexistent"], 66, "is no backup"),
        (&["verify"], 64, "DIR"),
    ] {
        let (code, found) = said(&mut site.relay_command(wish));
        assert!(code == status && found.contains(words), "{wish:?}: {code} {found}");
    }
    site.start();
    assert_eq!(expect_text(0, site.tool("impp-recv", "bob").args(["--once", "--body", "--timeout", "20s"]), ""), "waits\n");
}

#[test]
fn a_flipped_byte_is_found_in_a_store_that_is_used_and_in_a_backup() {
    let mut site = Site::with_users(&["alice", "bob"]);
    let mut alice = site.logged_in("alice", "sends", "");
    for number in 0..5 {
        alice.send_message("bob", &format!("{number}@demo.test"), &format!("text number {number} of five"));
    }
    let backup = site.path("backup");
    site.administer(&["backup", backup.to_str().unwrap()]);
    // The relay stops, so that all is in the file; and one byte of one message's text is another.
    assert!(site.stop());
    let flip = |path: &std::path::Path| {
        let mut octets = fs::read(path).unwrap();
        let at = octets.windows(13).position(|some| some == b"text number 3").unwrap();
        octets[at] ^= 1;
        fs::write(path, octets).unwrap();
    };
    flip(&site.path("data/store.db"));
    site.start_again();
    let data = site.path("data");
    let found = expect_text(1, &mut site.relay_command(&["verify", data.to_str().unwrap()]), "");
    let first = found.lines().next().unwrap();
    assert_eq!(first, "damaged: 1 message(s) that wait for bob@demo.test are damaged: 4", "{found}");
    assert!(found.lines().last().unwrap().starts_with("sound of it: store, schema 3: 2 account(s), 4 message(s) ("), "{found}");
    flip(&backup.join("store.db"));
    let found = expect_text(1, &mut site.relay_command(&["verify", backup.to_str().unwrap(), "--json"]), "");
    let lines: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["about"], &lines[1]["about"], lines.len()), (&"backup".into(), &"message".into(), 3), "{found}");
    assert_eq!((&lines[1]["user"], &lines[1]["count"]), (&"bob@demo.test".into(), &1.into()), "{found}");
    assert_eq!(
        (&lines[2]["whole"], &lines[2]["faults"], &lines[2]["messages"]),
        (&false.into(), &2.into(), &4.into()),
        "{found}"
    );
    let (status, words) = said(&mut site.relay_command(&["restore", backup.to_str().unwrap(), "--replace"]));
    assert!(status == 65 && words.contains("the backup is damaged (store.db is not what the backup's manifest says"), "{words}");
    // A store that is damaged can be copied still; nobody is told that it is whole.
    let other = site.path("other");
    let (status, words) = said(&mut site.relay_command(&["backup", other.to_str().unwrap()]));
    assert!(status == 2 && words.contains("wait for bob@demo.test are damaged: 4"), "{words}");
    // The log of deliveries, too.
    assert!(site.stop());
    let log =
        fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some_and(|e| e == "log"));
    let log = log.unwrap();
    let mut octets = fs::read(&log).unwrap();
    octets[40] ^= 0x80;
    fs::write(&log, octets).unwrap();
    let found = expect_text(1, &mut site.relay_command(&["verify", data.to_str().unwrap()]), "");
    assert!(
        found.contains("1 of 5 remembered deliveries are damaged; a message of theirs that its sender repeats arrives twice"),
        "{found}"
    );
}

#[test]
fn what_root_restores_belongs_to_the_relays_user() {
    let site = Site::prepared("", &["alice"]);
    let data = site.path("data");
    if chown(&data, Some(12345), Some(12345)).is_err() {
        eprintln!("skipped: only root may give a folder away");
        return;
    }
    let backup = site.path("backup");
    site.administer(&["backup", backup.to_str().unwrap()]);
    site.administer(&["restore", backup.to_str().unwrap(), "--replace"]);
    let mut seen = 0;
    for entry in fs::read_dir(&data).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != "lock") {
        let found = entry.metadata().unwrap();
        assert_eq!(found.uid(), 12345, "{:?}", entry.path());
        assert_eq!(found.permissions().mode() & 0o077, 0, "{:?}", entry.path());
        seen += 1;
    }
    assert!(seen >= 2);
}
