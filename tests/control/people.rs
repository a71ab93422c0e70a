//! `sessions`, `subscriptions`, `kick` and `mailbox`.

use crate::support::{Site, at, expect_text, url};
use crate::{asked, ran};
use serde_json::Value;
use std::process::Stdio;

const MESSAGES: &str = "Accept: messages\n";

fn of<'a>(lines: &'a [Value], key: &str) -> Vec<&'a str> {
    lines.iter().map(|line| line[key].as_str().unwrap_or("null")).collect()
}

#[test]
fn who_is_here_and_who_watches_whom() {
    let site = Site::with_users(&["alice", "bob"]);
    assert_eq!(ran(&site, &["sessions"]), (0, String::new(), "impp-relay: nobody is logged in\n".to_owned()));
    assert_eq!(ran(&site, &["subscriptions"]), (0, String::new(), "impp-relay: nobody watches anybody\n".to_owned()));

    let mut laptop = site.logged_in("alice", "laptop", MESSAGES);
    let _phone = site.logged_in("alice", "phone", "");
    let mut bob = site.logged_in("bob", "desk", "");
    assert_eq!(laptop.ask("SUBSCRIBE", "bob", "", b"").start(), "OK (SUBSCRIBE) w1 impp/1.0");
    let sessions = asked(&site, &["sessions"]);
    assert_eq!(of(&sessions, "user"), [at("alice"), at("alice"), at("bob")]);
    assert_eq!(of(&sessions, "connection"), ["laptop", "phone", "desk"]);
    assert_eq!(of(&sessions, "tls"), ["TLS 1.3", "TLS 1.3", "TLS 1.3"]);
    let address = laptop.tcp().local_addr().unwrap().to_string();
    assert_eq!(of(&sessions, "address")[0], address);
    assert_eq!((&sessions[0]["subscriptions"], &sessions[0]["inbox"]), (&1.into(), &at("alice").into()));
    assert_eq!(of(&asked(&site, &["sessions", "bob"]), "connection"), ["desk"]);
    let text = site.administer(&["sessions", "bob"]);
    assert!(text.starts_with("USER           CONNECTION  STATE      FROM "), "{text}");

    let watching = asked(&site, &["subscriptions"]);
    assert_eq!((of(&watching, "watcher"), of(&watching, "watched")), (vec![&*at("alice")], vec![&*at("bob")]));
    assert_eq!((of(&watching, "shown"), &watching[0]["behind"]), (vec!["yes"], &false.into()));
    // A session outlives its connection, and so does what it watches.
    drop(laptop);
    crate::support::until("the session is without a connection", || of(&asked(&site, &["sessions"]), "state")[0] == "away");
    assert_eq!(of(&asked(&site, &["sessions"]), "address")[0], "null");
    bob.ask(
        "CHANGE",
        "bob",
        "Lease-Time: 60\nContent-Type: application/presence\n",
        b"<presence><status>open</status></presence>",
    );
    let watching = asked(&site, &["subscriptions", "alice"]);
    assert_eq!((watching.len(), &watching[0]["behind"]), (1, &true.into()));
    assert_eq!(asked(&site, &["subscriptions", "nobody"]).len(), 0);
}

#[test]
fn who_is_kicked_hears_why_and_may_come_back() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut laptop = site.logged_in("alice", "laptop", MESSAGES);
    let mut phone = site.logged_in("alice", "phone", "");
    let mut bob = site.logged_in("bob", "desk", "");
    let line = format!("impp-relay: {} has no such session\n", at("alice"));
    assert_eq!(ran(&site, &["kick", "alice", "--connection", "none"]), (69, String::new(), line));

    let ended = asked(&site, &["kick", "alice", "--connection", "phone"]);
    assert_eq!((of(&ended, "user"), of(&ended, "connection")), (vec![&*at("alice")], vec!["phone"]));
    let bye = phone.frame();
    assert!(bye.start().starts_with("BYE "), "{}", phone.talk());
    assert_eq!((bye.header("Cause"), bye.header("Retry-After")), (Some("kicked"), None), "{}", phone.talk());
    assert_eq!(ran(&site, &["kick", "alice"]), (0, String::new(), String::new()));
    assert_eq!(laptop.frame().header("Cause"), Some("kicked"), "{}", laptop.talk());
    // Nobody else noticed, and the session is gone rather than away.
    assert_eq!(bob.ask("FETCH", "bob", "", b"").start(), "OK (FETCH) w1 impp/1.0");
    assert_eq!(of(&asked(&site, &["sessions"]), "user"), [at("bob")]);
    assert_eq!(site.wire().try_login("alice", "laptop"), "new");
}

#[test]
fn a_tool_that_is_kicked_ends_and_stays_away() {
    let site = Site::with_users(&["alice"]);
    let recv = site.tool("impp-recv", "alice").stderr(Stdio::piped()).spawn().unwrap();
    site.wait_for_logins("alice", 1);
    crate::support::until("its session", || asked(&site, &["sessions"]).len() == 1);
    site.administer(&["kick", "alice"]);
    let done = recv.wait_with_output().unwrap();
    let errors = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(77), "{errors}");
    assert!(errors.contains("an administrator ended the session"), "{errors}");
    assert!(asked(&site, &["sessions"]).is_empty());
}

#[test]
fn what_waits_is_listed_and_dropped_for_good() {
    let mut site = Site::with_users(&["alice", "bob"]);
    let nothing = (0, String::new(), "impp-relay: nothing waits\n".to_owned());
    assert_eq!(ran(&site, &["mailbox", "list", "alice"]), nothing);
    for text in ["one", "two", "three"] {
        expect_text(0, site.tool("impp-send", "bob").args(["--id", &format!("<{text}@x>"), "-m", text, &at("alice")]), "");
    }
    let waiting = asked(&site, &["mailbox", "list", "alice"]);
    assert_eq!(of(&waiting, "id"), ["<one@x>", "<two@x>", "<three@x>"]);
    assert_eq!(of(&waiting, "from"), [at("bob"), at("bob"), at("bob")]);
    assert!(waiting[0]["octets"].as_u64() > Some(200) && waiting[0]["age_s"].as_u64() < Some(60), "{}", waiting[0]);
    let numbers: Vec<String> = waiting.iter().map(|line| line["message"].to_string()).collect();
    let text = site.administer(&["mailbox", "list", "alice"]);
    assert!(text.starts_with("NUMBER  FROM           SIZE  ") && text.contains("<two@x>"), "{text}");

    assert_eq!(ran(&site, &["mailbox", "drop", "alice", &numbers[1]]), (0, String::new(), String::new()));
    let line = format!("impp-relay: there is no message {} in the mailbox of {}\n", numbers[1], at("alice"));
    assert_eq!(ran(&site, &["mailbox", "drop", "alice", &numbers[1]]), (69, String::new(), line));
    let line = format!("impp-relay: there is no account {}\n", at("nobody"));
    assert_eq!(ran(&site, &["mailbox", "list", "nobody"]), (67, String::new(), line));
    // Durably, before the command said so.
    site.kill();
    site.start();
    assert_eq!(of(&asked(&site, &["mailbox", "list", "alice"]), "id"), ["<one@x>", "<three@x>"]);
    let mut laptop = site.logged_in("alice", "laptop", MESSAGES);
    let first = laptop.frame();
    assert_eq!(first.header("Message-ID"), Some("<one@x>"), "{}", laptop.talk());
    drop(laptop);

    let gone = asked(&site, &["mailbox", "drop", "alice", "--all"]);
    assert_eq!(of(&gone, "id").len(), 2, "{gone:?}");
    assert_eq!(ran(&site, &["mailbox", "list", "alice"]), nothing);
    let show = &asked(&site, &["user", "show", "alice"])[0];
    assert_eq!((&show["messages"], &show["octets"]), (&0.into(), &0.into()));
    // Nothing is left to be offered, and new messages wait as before.
    assert_eq!(
        site.logged_in("bob", "desk", "").send_message(&url("alice"), "four@x", "four").header("Delivery"),
        Some("stored")
    );
    assert_eq!(of(&asked(&site, &["mailbox", "list", "alice"]), "id"), ["<four@x>"]);
}

/// A domain is taken out of the configuration while messages wait for a user of it.
#[test]
fn what_waits_in_a_domain_that_is_not_served_any_more_is_not_said_to_be_gone() {
    let site = Site::with_users(&["alice"]);
    site.logged_in("alice", "A", "").send_message("alice", "one@x", "to be kept");
    let file = site.path("impp-relay.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, good.replace("[\"demo.test\"]", "[\"second.test\"]")).unwrap();
    site.administer(&["reload"]);
    let line = "impp-relay: this relay does not serve demo.test; nothing was dropped\n".to_owned();
    assert_eq!(ran(&site, &["mailbox", "drop", &at("alice"), "--all"]), (67, String::new(), line));
    std::fs::write(&file, good).unwrap();
    site.administer(&["reload"]);
    assert_eq!(of(&asked(&site, &["mailbox", "list", &at("alice")]), "id"), ["<one@x>"]);
}
