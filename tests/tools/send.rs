//! impp-send against a relay.

use crate::site::Site;
use serde_json::json;

#[test]
fn a_message_is_stored_then_delivered() {
    let site = Site::start();
    let done = site.call("impp-send", "alice", &["--json", "-s", "one", "-m", "first", "bob@demo.test"]).run().quietly(0);
    let told = &done.json()[0];
    assert_eq!(
        (&told["v"], &told["to"], &told["state"], &told["error"], &told["code"], &told["retry"]),
        (&json!(1), &json!("bob@demo.test"), &json!("stored"), &json!(null), &json!(0), &json!(false))
    );
    assert!(
        told["id"].as_str().unwrap().ends_with("@demo.test>") && told["server"].as_str().unwrap().starts_with("127.0.0.1:"),
        "{told}"
    );
    let mut bob = site.call("impp-recv", "bob", &["--json", "--count", "2"]).start();
    assert_eq!(bob.json()["subject"], "one");
    let done =
        site.call("impp-send", "alice", &["--json", "--wait", "delivered", "bob@demo.test"]).input("second\n").run().quietly(0);
    assert_eq!(done.json()[0]["state"], "delivered");
    assert_eq!(bob.json()["text"], "second\n");
    bob.end().quietly(0);
}

#[test]
fn nothing_is_said_on_success() {
    let site = Site::start();
    let done = site.call("impp-send", "alice", &["-m", "x", "bob@demo.test", "carol@demo.test"]).run().quietly(0);
    assert_eq!(done.out, "");
}

#[test]
fn each_failure_has_its_status() {
    let site = Site::start();
    let send = |words: &[&str]| site.call("impp-send", "alice", words).run();
    send(&["-m", "x", "nobody@demo.test"])
        .saying(67, "impp-send: cannot deliver to nobody@demo.test: there is no such address (target-unknown)");
    send(&["-m", "x", "nobody@demo.test", "noone@demo.test"]).saying(67, "noone");
    send(&["-m", "x", "bob@demo.test", "nobody@demo.test"]).saying(2, "nobody");
    send(&["-m", "x", "--wait", "delivered", "carol@demo.test"]).saying(3, "stored for carol@demo.test");
    send(&["-m", "x", "--if-open", "carol@demo.test"]).saying(1, "not open");
    send(&["-m", "xxxx", "--max-size", "3", "bob@demo.test"]).saying(65, "--max-size is 3 octets");
    let wrong = site.call("impp-send", "alice", &["-m", "x", "--pass-cmd", "echo wrong", "bob@demo.test"]);
    wrong.run().saying(64, "cannot be used with");
    let stranger = site.call("impp-send", "mallory", &["-m", "x", "bob@demo.test"]).run();
    stranger.saying(77, "login failed");
}

#[test]
fn what_is_sent_can_be_seen_as_well() {
    let site = Site::start();
    let done = site.call("impp-send", "alice", &["--tee", "bob@demo.test"]).input("one\ntwo").run().quietly(0);
    assert_eq!(done.out, "one\ntwo");
    let done = site.call("impp-send", "alice", &["--tee", "--lines", "bob@demo.test"]).input("three\n").run().quietly(0);
    assert_eq!(done.out, "three\n");
    site.call("impp-send", "alice", &["--tee", "--json", "bob@demo.test"]).run().saying(64, "cannot be used with");
    let done = site.call("impp-recv", "bob", &["--format", "{text}\\n", "--count", "2"]).run().quietly(0);
    assert_eq!(done.out, "one\\ntwo\nthree\n");
}

#[test]
fn the_same_id_arrives_once() {
    let site = Site::start();
    for _ in 0..2 {
        site.call("impp-send", "alice", &["--id", "once@demo.test", "-m", "x", "bob@demo.test"]).run().quietly(0);
    }
    site.call("impp-send", "alice", &["-m", "last", "bob@demo.test"]).run().quietly(0);
    let done = site.call("impp-recv", "bob", &["--body", "--count", "2"]).run().quietly(0);
    assert_eq!(done.out, "x\nlast\n");
}

#[test]
fn lines_become_messages_in_order() {
    let site = Site::start();
    let lines: String = (1..=20).map(|number| format!("line {number}\n")).collect();
    site.call("impp-send", "alice", &["--lines", "bob@demo.test"]).input(lines.clone()).run().quietly(0);
    let json = "{\"to\":\"bob@demo.test\",\"text\":\"json\",\"urgency\":\"high\"}\n{\"to\":\"bob@demo.test\",\"txt\":1}\n";
    let done = site.call("impp-send", "alice", &["--ndjson"]).input(json).run();
    done.saying(2, "line 2:");
    let done = site.call("impp-recv", "bob", &["--body", "--count", "21"]).run().quietly(0);
    assert_eq!(done.out, lines + "json\n");
}

#[test]
fn an_attachment_arrives_whole() {
    let site = Site::start();
    let octets: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    std::fs::write(site.path("data.bin"), &octets).unwrap();
    let attach = site.path("data.bin");
    site.call("impp-send", "alice", &["-m", "see there", "--attach", attach.to_str().unwrap(), "bob@demo.test"]).run().quietly(0);
    let folder = site.path("saved");
    site.call("impp-recv", "bob", &["--once", "--save-attachments", folder.to_str().unwrap()]).run().quietly(0);
    assert_eq!(std::fs::read(folder.join("data.bin")).unwrap(), octets);
}

#[test]
fn a_probe_sends_nothing_and_nothing_waits_for_no_answer() {
    let site = Site::start();
    let done = site.call("impp-send", "alice", &["--probe", "bob@demo.test"]).run().quietly(0);
    assert_eq!(done.out, "bob@demo.test  closed\n");
    let done = site.call("impp-send", "alice", &["--wait", "none", "--json", "-m", "blind", "bob@demo.test"]).run().quietly(0);
    assert_eq!(done.json()[0]["state"], "sent");
    let done = site.call("impp-recv", "bob", &["--once", "--body"]).run().quietly(0);
    assert_eq!(done.out, "blind\n");
}

#[test]
fn a_trace_shows_the_wire_and_no_secret() {
    let site = Site::start();
    let done = site.call("impp-send", "alice", &["--trace", "-m", "x", "bob@demo.test"]).run();
    assert_eq!(done.status, 0, "{done:?}");
    assert!(done.err.contains("-> HELLO ") && done.err.contains("<- OK (SEND) "), "{}", done.err);
    assert!(!done.err.contains(crate::site::PASSWORD));
}
