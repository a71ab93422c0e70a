//! Certificates that are replaced, and relays that are stopped and started, under the eyes of their clients.

use crate::support::tool::signal;
use crate::support::{Site, Tool, at, expect, expect_text};

#[test]
fn a_replaced_certificate_is_shown_to_the_next_and_drops_nobody() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut before = site.logged_in("alice", "before", "");
    let old = before.certificate();
    site.new_certificate();
    signal(site.pid(), "HUP");
    site.log().wait_for("certificates reread");
    let mut after = site.logged_in("alice", "after", "");
    assert_ne!(after.certificate(), old, "a new handshake sees the new one");
    for wire in [&mut before, &mut after] {
        wire.say("PING 9 impp/1.0\n\n");
        assert_eq!(wire.frame().start(), "OK (PING) 9 impp/1.0");
    }
    expect(0, site.tool("impp-send", "alice").args(["-m", "x", &at("bob")]), b"");

    // A file that cannot be used leaves the one in force.
    let new = after.certificate();
    site.write("cert.pem", "-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n");
    signal(site.pid(), "HUP");
    site.log().wait_for("the old ones stay in force");
    site.new_certificate();
    signal(site.pid(), "HUP");
    site.log().wait_for_times("certificates reread", 2);
    assert_ne!(site.wire().certificate(), new);
}

#[test]
fn sigterm_says_good_bye_and_receivers_come_back() {
    let mut site = Site::with_users(&["alice", "bob"]);
    let mut alice = site.logged_in("alice", "alice-by-hand", "");
    let mut bob = Tool::spawn(site.tool("impp-recv", "bob").args(["--format", "{text}\\n"]));
    site.wait_for_logins("bob", 1);
    assert_eq!(alice.send_message("bob", "1@demo.test", "before").header("Delivery"), Some("delivered"));
    assert_eq!(bob.line(), "before");

    signal(site.pid(), "TERM");
    let bye = alice.frame();
    assert!(bye.start().starts_with("BYE "), "{bye:?}");
    assert_eq!(bye.header("Cause"), Some("shutting-down"));
    assert!(bye.header("Retry-After").is_some(), "{bye:?}");
    let id = bye.start().split(' ').nth(1).unwrap().to_owned();
    alice.say(&format!("OK (BYE) {id} impp/1.0\n\n"));
    assert_eq!(alice.rest(), b"");
    assert!(site.stopped(), "status 0");
    bob.errors().wait_for("lost");

    site.start();
    expect(0, site.tool("impp-send", "alice").args(["-m", "while he is away", &at("bob")]), b"");
    assert_eq!(bob.line(), "while he is away");
    bob.errors().wait_for("resumed");
    let told = expect_text(0, site.tool("impp-send", "alice").args(["--json", "-m", "now", &at("bob")]), "");
    assert!(told.contains("\"delivered\""), "{told}");
    assert_eq!(bob.line(), "now");
}

#[test]
fn a_relay_that_is_stopped_does_not_wait_for_those_who_do_not_answer() {
    let mut site = Site::with_users(&["alice"]);
    let silent = site.logged_in("alice", "silent", "");
    let unfinished = site.plain_wire();
    assert!(site.stop(), "{}", site.last_log());
    drop((silent, unfinished));
}

#[test]
fn a_second_relay_on_the_same_ports_or_store_is_refused() {
    let site = Site::with_users(&["alice"]);
    let done = crate::support::run(&mut site.relay_command(&["serve"]), b"");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(73), "{errors}");
    assert!(errors.starts_with("impp-relay: ") && errors.contains("in use"), "{errors}");
}
