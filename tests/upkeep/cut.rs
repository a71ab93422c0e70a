//! backup and restore, killed between any two changes of names in the file system, and killed again when they are repeated.

use crate::failing::{Failing, copy_folder};
use crate::support::{Site, expect_text, run};
use serde_json::Value;

/// A relay that is stopped, with a backup; since that was made one of two messages arrived, another came, and carol.
fn site_with_a_past() -> Option<Failing> {
    let mut site = Site::with("[interdomain]\nenabled = false\n", &["alice", "bob"]);
    let mut alice = site.logged_in("alice", "sends", "");
    alice.send_message("bob", "1@demo.test", "arrives later");
    alice.send_message("bob", "2@demo.test", "waits");
    site.administer(&["backup", site.path("backup").to_str().unwrap()]);
    let mut bob = site.logged_in("bob", "receives", "Accept: messages\n");
    let first = bob.frame();
    assert_eq!(first.header("Message-ID"), Some("<1@demo.test>"));
    bob.accept(&first);
    // The answer to BYE comes when all before it was taken.
    bob.say("BYE b impp/1.0\n\n");
    while !bob.frame().start().starts_with("OK (BYE)") {}
    alice.send_message("bob", "3@demo.test", "is lost");
    assert!(site.stop());
    site.add_user("carol");
    Failing::on(site)
}

/// The lines of an export, of one kind.
fn exported(site: &Site, kind: &str) -> Vec<Value> {
    let lines = site.administer(&["export"]);
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["kind"] == kind).collect()
}

fn users(site: &Site) -> Vec<String> {
    exported(site, "user").iter().map(|user| user["address"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

/// One of the two stores, whole; or none with which a relay would start.
fn is_one_or_none(site: &Site, what: &str) {
    let data = site.path("data");
    let broken_off = data.join("restore.now").exists();
    assert!(broken_off || data.join("store.db").exists(), "{what}: a relay would begin an empty store here");
    if broken_off {
        let refused = run(&mut site.relay_command(&["user", "list"]), b"");
        assert_eq!(refused.status.code(), Some(74), "{what}: {}", String::from_utf8_lossy(&refused.stderr));
    } else {
        let users = users(site);
        assert!(users == ["alice", "bob"] || users == ["alice", "bob", "carol"], "{what}: {users:?}");
        site.administer(&["verify", data.to_str().unwrap()]);
    }
}

#[test]
fn a_restore_killed_at_any_moment_leaves_a_store_or_says_so_and_can_be_repeated() {
    let Some(failing) = site_with_a_past() else { return };
    let site = &failing.site;
    let [data, backup, first, second] = ["data", "backup", "first", "second"].map(|name| site.path(name));
    let command = ["restore", backup.to_str().unwrap(), "--replace"];
    let complete = |what: &str| {
        failing.plan("");
        expect_text(0, &mut failing.command(&command), "");
        is_one_or_none(site, what);
        assert_eq!(users(site), ["alice", "bob"], "{what}");
        // The one that arrived after the backup arrives no more, whatever of the memory of that lay where.
        let waits: Vec<_> = exported(site, "message").iter().map(|message| message["id"].clone()).collect();
        assert_eq!(waits, ["<2@demo.test>"], "{what}");
        assert!(!data.join("restore.now").exists() && !data.join("restore.half").exists(), "{what}");
    };
    copy_folder(&data, &first);
    let (mut kills, mut broken_off) = (0, 0);
    for number in 1.. {
        copy_folder(&first, &data);
        let killed = failing.killed_at("name *", number, &command);
        is_one_or_none(site, &format!("killed at {number}"));
        if !killed {
            break;
        }
        kills += 1;
        if !data.join("restore.now").exists() {
            continue;
        }
        for command in [&["serve"][..], &["export"], &["backup", "never"], &["verify", data.to_str().unwrap()]] {
            let refused = run(&mut site.relay_command(command), b"");
            let words = String::from_utf8_lossy(&refused.stderr);
            assert_eq!(refused.status.code(), Some(74), "{command:?}: {words}");
            assert!(words.contains("a restore was broken off; run impp-relay restore again"), "{command:?}: {words}");
        }
        // Here the next one finds other things than the first did.
        broken_off += 1;
        copy_folder(&data, &second);
        for again in 1.. {
            copy_folder(&second, &data);
            let what = format!("killed at {number}, then at {again}");
            let killed = failing.killed_at("name *", again, &command);
            is_one_or_none(site, &what);
            complete(&what);
            if !killed {
                break;
            }
        }
    }
    assert!(kills > 9 && broken_off > 4, "{kills} kills, {broken_off} of them in the midst");
}

/// The accounts that a backup holds, which is whole.
fn accounts(site: &Site, backup: &std::path::Path) -> u64 {
    let judged = site.administer(&["verify", backup.to_str().unwrap(), "--json"]);
    let judged: Value = serde_json::from_str(judged.lines().last().unwrap()).unwrap();
    judged["accounts"].as_u64().unwrap()
}

#[test]
fn a_backup_killed_at_any_moment_leaves_the_former_or_the_new_one_and_can_be_repeated() {
    let Some(failing) = Failing::on(Site::prepared("[interdomain]\nenabled = false\n", &["alice", "bob"])) else { return };
    let mut failing = failing;
    let [backups, first, second] = ["backups", "first", "second"].map(|name| failing.site.path(name));
    std::fs::create_dir(&backups).unwrap();
    let [whole, aside] = ["daily", ".daily.impp-replaced"].map(|name| backups.join(name));
    failing.site.administer(&["backup", whole.to_str().unwrap()]);
    failing.site.add_user("carol");
    let site = &failing.site;
    let command = ["backup", whole.to_str().unwrap(), "--replace"];
    let is_there = |what: &str| {
        let there = if whole.exists() { &whole } else { &aside };
        assert!((2..=3).contains(&accounts(site, there)), "{what}");
    };
    copy_folder(&backups, &first);
    let (mut kills, mut twice) = (0, 0);
    for number in 1.. {
        copy_folder(&first, &backups);
        let killed = failing.killed_at("name *", number, &command);
        is_there(&format!("killed at {number}"));
        if !killed {
            break;
        }
        kills += 1;
        // Without one that is set aside the next finds no more than half a new one.
        if number > 2 && !aside.exists() {
            continue;
        }
        copy_folder(&backups, &second);
        for again in 1.. {
            copy_folder(&second, &backups);
            let what = format!("killed at {number}, then at {again}");
            let killed = failing.killed_at("name *", again, &command);
            is_there(&what);
            failing.plan("");
            expect_text(0, &mut failing.command(&command), "");
            assert_eq!(accounts(site, &whole), 3, "{what}");
            let left: Vec<_> = std::fs::read_dir(&backups).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left, ["daily"], "{what}");
            if !killed {
                break;
            }
            twice += 1;
        }
    }
    assert!(kills > 5 && twice > 20, "{kills} kills, {twice} twice");
}
