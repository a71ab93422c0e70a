//! `status`, `health` and `log-level`.

use crate::support::{Site, Tool, at, expect_text, until, url};
use crate::{asked, ran};
use serde_json::Value;

#[test]
fn everything_at_a_glance() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut bob = site.logged_in("bob", "desk", "Accept: messages\n");
    let _laptop = site.logged_in("alice", "laptop", "");
    bob.ask("SUBSCRIBE", &url("alice"), "", b"");
    expect_text(0, site.tool("impp-send", "bob").args(["-m", "hello", &at("alice")]), "");
    // The tool's own session ends with it, a moment later.
    until("two sessions", || asked(&site, &["status"])[0]["sessions"] == 2);
    let status = &asked(&site, &["status"])[0];
    for (key, value) in [
        ("version", Value::from(env!("CARGO_PKG_VERSION"))),
        ("pid", site.pid().into()),
        ("domains", serde_json::json!(["demo.test"])),
        ("plain", serde_json::json!([site.plain.to_string()])),
        ("tls", serde_json::json!([site.tls.to_string()])),
        ("away", 0.into()),
        ("accounts", 2.into()),
        ("subscriptions", 1.into()),
        ("messages", 1.into()),
        ("links", 0.into()),
        ("fault", Value::Null),
        ("samples", Value::Null),
        ("log_level", "debug".into()),
    ] {
        assert_eq!(status[key], value, "{key} in {status}");
    }
    let certificate = &status["certificates"][0];
    assert!(certificate["days_left"].as_i64() > Some(300) && certificate["domain"].is_null(), "{certificate}");
    let text = site.administer(&["status"]);
    for line in [
        "sessions     2, 0 of them away",
        "mailboxes    1 messages, ",
        "store        well",
        "certificate  demo.test, localhost: ",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn watched_it_comes_again_and_again_with_graphs() {
    let site = Site::with_users(&["alice"]);
    let mut watching = Tool::spawn(&mut site.relay_command(&["status", "--watch", "100ms"]));
    for _ in 0..2 {
        let lines = watching.lines_until("writes       ");
        assert!(lines.iter().any(|line| line.starts_with("connections  ") && line.contains(", at most ")), "{lines:?}");
    }
    watching.signal("INT");
    assert_eq!(watching.finish().0, 130);
    let mut watching = Tool::spawn(&mut site.relay_command(&["status", "--watch", "100ms", "--json"]));
    for _ in 0..2 {
        let status: Value = serde_json::from_str(&watching.line()).unwrap();
        assert!(status["samples"].is_array() && status["sample_s"] == 5, "{status}");
    }
}

#[test]
fn health_goes_in_by_every_port() {
    let mut site = Site::with_users(&["alice"]);
    let parts = asked(&site, &["health"]);
    let named: Vec<&str> = parts.iter().map(|part| part["part"].as_str().unwrap()).collect();
    let (plain, tls) = (format!("plain {}", site.plain), format!("tls {}", site.tls));
    assert_eq!(named, ["rules", "store-write", "store-read", "store-room", &plain, &tls]);
    assert!(parts.iter().all(|part| part["well"] == true && part["fault"].is_null()), "{parts:?}");
    let (status, text, error) = ran(&site, &["health"]);
    assert_eq!((status, error.as_str()), (0, ""));
    assert!(text.starts_with("well  rules (") && text.lines().count() == named.len(), "{text}");
    site.kill();
    assert_eq!(ran(&site, &["health"]).0, 75);
}

#[test]
fn the_log_says_more_until_it_is_told_otherwise() {
    let site = Site::with(
        "[log]\nlevel = \"info\"\nformat = \"text\"\n[tls]\nrequired = false\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n",
        &["alice"],
    );
    assert_eq!(site.administer(&["log-level"]), "info\n");
    assert_eq!(ran(&site, &["log-level", "loud"]).0, 64);
    let before = site.log().text();
    assert!(!before.contains("authenticated"), "{before}");
    site.administer(&["log-level", "debug"]);
    site.logged_in("alice", "one", "");
    site.log().wait_for("authenticated");
    assert_eq!(asked(&site, &["log-level"])[0]["level"], "debug");
    // A reload puts the configuration's in force again.
    site.administer(&["reload"]);
    assert_eq!(site.administer(&["log-level"]), "info\n");
}
