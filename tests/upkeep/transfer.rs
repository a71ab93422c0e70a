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
