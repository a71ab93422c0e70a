//! export and import as they are typed: from a relay that runs to a fresh one, and back to the same text.

use crate::support::{Site, expect, expect_text, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn an_export_of_a_running_relay_fills_a_fresh_one() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut alice = site.logged_in("alice", "acts", "");
    alice.send_message("bob", "1@demo.test", "grüße");
    alice.ask(
        "CHANGE",
        "alice",
        "Lease-Time: infinity\nContent-Type: application/presence\n",
        b"<presence><status>open</status></presence>",
    );
    let file = site.path("export.jsonl");
    site.administer(&["export", "-o", file.to_str().unwrap()]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = expect_text(0, &mut site.relay_command(&["export"]), "");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert!(!text.contains("alice's secret"));
    // Text for others to read is told of; nothing else is.
    let open = site.path("open.jsonl");
    let command = |mode: &str| {
        let relay = site.relay_command(&["export"]);
        let mut shell = Command::new("sh");
        let line = format!("umask {mode}; exec \"$0\" \"$@\" > {}", open.display());
        shell.arg("-c").arg(line).arg(relay.get_program()).args(relay.get_args());
        shell
    };
    for (mode, told) in [("022", true), ("077", false)] {
        let _ = fs::remove_file(&open);
        let done = run(&mut command(mode), b"");
        assert!(done.status.success());
        assert_eq!(String::from_utf8_lossy(&done.stderr).contains("chmod 600"), told, "{mode}");
    }

    let mut other = Site::prepared("", &[]);
    expect(0, &mut other.relay_command(&["import"]), text.as_bytes());
    assert_eq!(expect_text(0, &mut other.relay_command(&["export"]), ""), text);
    other.start();
    // Passwords are those of the first; what waits is delivered, and a repeat is known.
    assert_eq!(
        other.logged_in("alice", "repeats", "").send_message("bob", "1@demo.test", "grüße").header("Delivery"),
        Some("stored")
    );
    let mut bob = other.logged_in("bob", "receives", "Accept: messages\n");
    let frame = bob.frame();
    assert_eq!(frame.header("Message-ID"), Some("<1@demo.test>"));
    let in_use = run(&mut other.relay_command(&["import", file.to_str().unwrap()]), b"");
    assert_eq!(in_use.status.code(), Some(75), "{}", String::from_utf8_lossy(&in_use.stderr));
    assert!(other.stop());
    let refused = run(&mut other.relay_command(&["import", file.to_str().unwrap()]), b"");
    assert_eq!(refused.status.code(), Some(73), "{}", String::from_utf8_lossy(&refused.stderr));
}

#[test]
fn a_bad_line_is_named_with_its_file() {
    let site = Site::prepared("", &[]);
    let file = site.write("bad.jsonl", "{\"v\":1,\"kind\":\"export\",\"of\":\"impp-relay\",\"last_message\":0}\n\u{1b}[31m\n");
    let refused = run(&mut site.relay_command(&["import", file.to_str().unwrap()]), b"");
    let words = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(65), "{words}");
    assert!(words.ends_with("bad.jsonl: line 2: it is no JSON object; nothing was imported\n"), "{words}");
    let missing = run(&mut site.relay_command(&["import", "/nonexistent/x"]), b"");
    assert_eq!(missing.status.code(), Some(66));
    let empty = run(&mut site.relay_command(&["import"]), b"");
    assert_eq!(empty.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&empty.stderr).contains("there is nothing to import"));
}

/// Where in a file this text stands.
fn position(octets: &[u8], text: &str) -> usize {
    octets.windows(text.len()).position(|some| some == text.as_bytes()).unwrap()
}

#[test]
fn what_is_sound_of_a_damaged_store_goes_to_a_fresh_one() {
    let mut site = Site::with_users(&["alice", "bob", "carol"]);
    let many: Vec<String> = (0..400).map(|number| format!("silent-{number:03}")).collect();
    site.add_silent_users(&many);
    let mut alice = site.logged_in("alice", "acts", "");
    for number in 1..=9 {
        alice.send_message("bob", &format!("{number}@demo.test"), &format!("text number {number} of nine"));
    }
    assert!(site.stop());
    // One octet of a message, and the head of the page on which some of the many have their accounts.
    let store = site.path("data/store.db");
    let mut octets = fs::read(&store).unwrap();
    let message = position(&octets, "text number 4");
    octets[message] ^= 1;
    let page = position(&octets, "impp://demo.test/silent-200") / 4096 * 4096;
    octets[page..page + 8].fill(0xff);
    fs::write(&store, octets).unwrap();

    let data = site.path("data");
    let judged = expect_text(1, &mut site.relay_command(&["verify", data.to_str().unwrap()]), "");
    assert!(judged.contains("not all rows of the table account can be read: some are lost"), "{judged}");
    let file = site.path("sound.jsonl");
    let done = run(&mut site.relay_command(&["export", "-o", file.to_str().unwrap()]), b"");
    let words = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(2), "{words}");
    for expected in [
        "impp-relay: not all rows of the table account can be read: some are lost\n",
        "impp-relay: 1 message(s) that wait for bob@demo.test are damaged: 4\n",
        "impp-relay: the store is damaged: what is sound of it is in the export, and can be imported; see above what is lost\n",
    ] {
        assert!(words.contains(expected), "{words}");
    }
    // Standard output has the same.
    assert_eq!(expect_text(2, &mut site.relay_command(&["export"]), ""), fs::read_to_string(&file).unwrap());

    let mut fresh = Site::prepared("", &[]);
    let done = run(&mut fresh.relay_command(&["import", file.to_str().unwrap()]), b"");
    let words = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{words}");
    // Some tens lay on that page; those before and behind it are there.
    let users: usize = words.split(' ').find_map(|word| word.parse().ok()).unwrap();
    assert!((320..403).contains(&users) && words.contains(" and 8 message(s) imported"), "{words}");
    let list = fresh.administer(&["user", "list", "demo.test"]);
    assert!(["silent-000", "silent-399", "alice", "bob", "carol"].iter().all(|user| list.contains(user)), "{list}");
    fresh.start();
    let mut bob = fresh.logged_in("bob", "receives", "Accept: messages\n");
    for number in (1..=9).filter(|number| *number != 4) {
        let frame = bob.frame();
        assert_eq!(frame.header("Message-ID"), Some(format!("<{number}@demo.test>").as_str()));
        bob.accept(&frame);
    }
    expect_text(0, &mut fresh.relay_command(&["verify", fresh.path("data").to_str().unwrap()]), "");
}
