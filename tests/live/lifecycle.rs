//! Certificates that are replaced, and relays that are stopped and started, under the eyes of their clients.

use crate::support::tool::signal;
use crate::support::{Site, Tool, at, expect, expect_text, run, until};
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;

#[test]
fn a_replaced_certificate_is_shown_to_the_next_and_drops_nobody() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut before = site.logged_in("alice", "before", "");
    let old = before.certificate();
    site.new_certificate();
    signal(site.pid(), "HUP");
    site.log().wait_for("configuration reread");
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
    site.log().wait_for("all stays as it was");
    site.new_certificate();
    signal(site.pid(), "HUP");
    site.log().wait_for_times("configuration reread", 2);
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

/// They hold a stop up for two seconds, in which whoever is about to end a handshake does, and hears BYE.
#[test]
fn a_relay_that_is_stopped_does_not_wait_for_half_a_handshake() {
    let mut site = Site::with_users(&["alice"]);
    let mut first = TcpStream::connect(site.tls).unwrap();
    first.write_all(b"\x16\x03\x01").unwrap();
    let mut behind = site.plain_wire();
    behind.say(&format!("HELLO h impp/1.0\nDomain: {}\nConnection-ID: X\n\n", site.domain));
    behind.frame();
    behind.say("STARTTLS s impp/1.0\n\n");
    behind.frame();
    // Whoever is answered comes behind them.
    drop(site.logged_in("alice", "A", ""));
    assert!(site.stop());
    assert!(!site.last_log().contains("did not end in time"), "{}", site.last_log());
}

#[test]
fn a_session_that_is_taken_over_ends_the_old_receiver_with_69() {
    let site = Site::with_users(&["alice", "bob"]);
    let session = site.path("session");
    let receive = |file: &Path| Tool::spawn(site.tool("impp-recv", "bob").args(["--format", "{text}\\n", "--session"]).arg(file));
    let first = receive(&session);
    site.wait_for_logins("bob", 1);
    // A copy of the file, as on another machine: in the same place the file is locked.
    let copy = site.path("copy");
    fs::copy(&session, &copy).unwrap();
    let mut second = receive(&copy);
    let errors = first.errors().clone();
    assert_eq!(first.finish().0, 69, "{}", errors.text());
    assert!(errors.all().contains("displaced"), "{}", errors.text());
    expect(0, site.tool("impp-send", "alice").args(["-m", "to whoever is there", &at("bob")]), b"");
    assert_eq!(second.line(), "to whoever is there");
}

#[test]
fn a_user_who_is_disabled_is_sent_away_and_kept_out() {
    let site = Site::with_users(&["alice", "bob"]);
    let bob = Tool::spawn(&mut site.tool("impp-recv", "bob"));
    site.wait_for_logins("bob", 1);
    site.administer(&["user", "disable", &at("bob")]);
    let errors = bob.errors().clone();
    let status = bob.finish().0;
    assert!(status == 77 || status == 69, "{status}: {}", errors.text());
    expect(77, site.tool("impp-recv", "bob").arg("--once"), b"");
    expect(69, site.tool("impp-send", "alice").args(["-m", "x", &at("bob")]), b"");
    site.administer(&["user", "enable", &at("bob")]);
    // The relay sees what its administrator did a moment later.
    until("enabled", || run(site.tool("impp-send", "alice").args(["-m", "welcome back", &at("bob")]), b"").status.success());
    let received = expect_text(0, site.tool("impp-recv", "bob").args(["--once", "--body"]), "");
    assert_eq!(received, "welcome back\n");
}

#[test]
fn a_second_relay_on_the_same_ports_or_store_is_refused() {
    let site = Site::with_users(&["alice"]);
    let done = run(&mut site.relay_command(&["serve"]), b"");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(73), "{errors}");
    assert!(errors.starts_with("impp-relay: ") && errors.contains("in use"), "{errors}");
}
