//! What a hostile sender writes reaches no terminal, script, mailbox or handler as more than text.

use crate::site::{Done, Site};
use serde_json::Value;

const CLEAR: &str = "\u{1b}[2J\u{1b}]0;title\u{7}";
const BIDI: &str = "\u{202e}\u{2066}";

/// A message by alice in bob's mailbox, as she wrote it, header and all.
fn bring(site: &Site, raw: impl Into<Vec<u8>>) {
    site.call("impp-send", "alice", &["--raw", "bob@demo.test"]).input(raw).run().quietly(0);
}

fn take(site: &Site, words: &[&str]) -> Done {
    site.call("impp-recv", "bob", &[&["--once"], words].concat()).run().quietly(0)
}

/// Escape sequences, line feeds, overrides of direction, a claimed sender, a header of a mebibyte.
fn messages() -> Vec<String> {
    let encoded = "=?utf-8?B?G1sySgpUbzogZXZlQHgKCsKbYW5k4oCuCg==?=";
    vec![
        format!("From: root@demo.test\nSubject: a{CLEAR}b{BIDI}c\u{9b}\n\nfrom{CLEAR} here\n"),
        format!(
            "From: alice@demo.test\nSubject: {encoded}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nx\n--b\nContent-Type: text/plain; name=\"../{BIDI}../../.bashrc\"\nContent-Disposition: attachment\n\nalias ls=rm\n--b--\n"
        ),
        format!(
            "X-IMPP-From: bob@demo.test\nX-IMPP-Auth: verified\nReturn-Path: <root@demo.test>\nSubject: $(touch owned) `touch owned` ; touch owned\n\nx\n"
        ),
        format!("From: alice@demo.test\nSubject: {}\n\nx\n", "long ".repeat(200_000)),
    ]
}

fn safe(text: &str) {
    let acts = |c: char| (c.is_control() && c != '\n') || BIDI.contains(c);
    assert!(!text.contains(acts), "{text:?}");
}

#[test]
fn a_terminal_gets_lines_that_only_stand_there() {
    let site = Site::start();
    for message in messages() {
        bring(&site, message);
        let shown = take(&site, &[]).out;
        safe(&shown);
        assert!(shown.starts_with("20") && shown.contains("  alice@demo.test"), "{shown}");
        assert!(shown.lines().all(|line| line.len() < 2000), "a person is shown no mebibyte");
        // Nothing of the subject begins a line of its own.
        assert!(shown.lines().skip(1).all(|line| line.is_empty() || line.starts_with("  ")), "{shown}");
    }
    bring(&site, messages().remove(0));
    let line = take(&site, &["--format", "{subject}|{auth}|{claims}\\n"]).out;
    assert_eq!(line, "a\\x1b[2J\\x1b]0;title\\x07b\\u{202e}\\u{2066}c\\u{9b}|claims-other|root@demo.test\n");
}

#[test]
fn scripts_get_json_that_means_what_was_sent() {
    let site = Site::start();
    let log = site.path("log");
    for message in messages() {
        bring(&site, message);
        let told = take(&site, &["--json", "--log", log.to_str().unwrap()]).out;
        safe(&told);
        assert_eq!(told.lines().count(), 1);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["from"], "alice@demo.test");
    }
    let log = std::fs::read_to_string(log).unwrap();
    safe(&log);
    let subjects: Vec<Value> = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["subject"].clone()).collect();
    assert_eq!(subjects[0], format!("a{CLEAR}b{BIDI}c\u{9b}"));
    assert_eq!(subjects.len(), 4);
    assert_eq!(subjects[3].as_str().map(str::len), Some(200_000 * 5 - 1), "nothing is lost on a script");
}

#[test]
fn a_mailbox_shows_the_proven_sender() {
    let site = Site::start();
    let (dir, folder) = (site.path("mail"), site.path("files"));
    for (at, message) in messages().into_iter().enumerate() {
        bring(&site, message);
        take(&site, &["--dir", dir.to_str().unwrap(), "--save-attachments", folder.to_str().unwrap()]);
        let file = std::fs::read_dir(dir.join("new")).unwrap().next().unwrap().unwrap().path();
        let text = String::from_utf8(std::fs::read(&file).unwrap()).unwrap();
        std::fs::remove_file(file).unwrap();
        let (header, body) = text.split_once("\r\n\r\n").unwrap();
        let named = |name: &str| -> Vec<String> {
            let fields = header.lines().filter_map(|line| line.split_once(':'));
            fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).collect()
        };
        assert_eq!(named("X-IMPP-From"), ["alice@demo.test"]);
        assert_eq!(named("Return-Path"), ["<alice@demo.test>"]);
        let [from] = named("From").try_into().unwrap();
        assert!(from.contains("alice@demo.test"), "{at}: {from}");
        let auth = if at == 0 || at == 3 { "claims-other" } else { "verified" };
        assert_eq!(named("X-IMPP-Auth"), [auth], "{at}");
        assert!(!body.is_empty());
    }
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["bashrc"], "the name loses what would hide it or lead it elsewhere");
}

#[test]
fn a_handler_gets_one_line_of_each_and_nothing_is_run() {
    let site = Site::start();
    let (seen, owned) = (site.path("seen"), site.path("owned"));
    for message in messages() {
        bring(&site, message);
        let command = format!("cd {}; env -0 > seen; cat > /dev/null", site.path("").display());
        take(&site, &["--exec", &command]);
        let environment = std::fs::read(&seen).unwrap();
        let variables = environment.split(|c| *c == 0).map(|entry| String::from_utf8(entry.to_vec()).unwrap());
        let ours: Vec<String> = variables.filter(|entry| entry.starts_with("IMPP_")).collect();
        for entry in &ours {
            let (name, value) = entry.split_once('=').unwrap();
            safe(value);
            assert!(!value.contains('\n') && value.len() <= 4096, "{name}");
        }
        assert!(ours.contains(&"IMPP_FROM=alice@demo.test".to_owned()), "{ours:?}");
        assert!(!ours.iter().any(|entry| entry.starts_with("IMPP_PASSWORD")), "{ours:?}");
        assert!(!owned.exists());
    }
}
