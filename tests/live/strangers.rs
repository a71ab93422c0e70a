//! What strangers write into their presence and their messages does nothing on a terminal, in a record, or in a handler's environment.

use crate::support::{Site, at, bare, expect, expect_text, has, program, url};
use serde_json::Value;
use std::fs;
use std::process::Command;

const CLEAR: &str = "\u{9b}2J\u{9b}31m";
const BIDI: &str = "\u{202e}\u{2066}\u{200f}";

/// Characters that a terminal would act on, or that make text read differently from what it is; lines and what the terminal
/// itself makes of them aside.
fn acting(text: &str) -> Option<char> {
    text.chars().find(|c| (c.is_control() && *c != '\n') || BIDI.contains(*c))
}

/// alice's presence as a client of her own making publishes it.
fn publish(site: &Site, kind: &str, body: &[u8]) {
    let mut alice = site.logged_in("alice", "hostile", "");
    let headers = format!("Lease-Time: infinity\nContent-Type: {kind}\n");
    assert!(alice.ask("CHANGE", "alice", &headers, body).start().starts_with("OK "), "{}", alice.talk());
}

/// A note with everything in it, and its other fields as well.
fn object() -> (String, String) {
    let note = format!("lunch{CLEAR}\n\n  root@demo.test  open\t{BIDI}`touch owned` $(touch owned) {}", "long ".repeat(4000));
    let text = |text: &str| text.replace('\n', "&#10;").replace('\t', "&#9;");
    let mut xml = format!("<presence><entity>{}</entity><status>open</status>", url("alice"));
    xml += &format!(
        "<activity>{0}</activity><note>{1}</note><since>{0}</since>",
        text(&format!("away{CLEAR}\n{BIDI}")),
        text(&note)
    );
    xml += &format!(
        "<tuple><id>t{0}</id><status>open</status><contact>x:{0}</contact><note>{0}</note></tuple>",
        text(&format!("{CLEAR}{BIDI}"))
    );
    xml += &format!("<card><fn>{}</fn></card></presence>", text(&format!("Alice{CLEAR}\n{BIDI}")));
    (xml, note)
}

#[test]
fn a_presence_is_a_line_that_only_stands_there() {
    let site = Site::with_users(&["alice", "bob"]);
    let (xml, note) = object();
    publish(&site, "application/presence", xml.as_bytes());
    let bob = |tool: &str, words: &[&str]| {
        let mut command = site.tool(tool, "bob");
        command.args(words).arg(at("alice"));
        command
    };
    let watch = |words: &[&str]| bob("impp-watch", &[&["--count", "1"], words].concat());
    for (mut command, lines) in [
        (bob("impp-fetch", &[]), 1),
        (bob("impp-fetch", &["--pidf"]), 1),
        (bob("impp-fetch", &["--nagios"]), 1),
        (bob("impp-fetch", &["--format", "{activity} {note} {since} {tuples} {card}\\n"]), 1),
        (watch(&[]), 1),
        (watch(&["--pidf"]), 1),
        (watch(&["--status"]), 1),
        (watch(&["--format", "{activity} {note} {since} {tuples} {card}\\n"]), 1),
    ] {
        let told = expect_text(0, &mut command, "");
        assert_eq!((told.lines().count(), acting(&told)), (lines, None), "{command:?}: {told:?}");
    }
    // Scripts get what was meant, in a form that a terminal does nothing with.
    for mut command in [bob("impp-fetch", &["--json"]), watch(&["--json"])] {
        let told = expect_text(0, &mut command, "");
        assert_eq!((told.lines().count(), acting(&told)), (1, None), "{told:?}");
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["note"], note);
        assert_eq!(
            (&told["card"]["fn"], &told["tuples"][0]["id"]),
            (&format!("Alice{CLEAR}\n{BIDI}").into(), &format!("t{CLEAR}{BIDI}").into())
        );
    }
    // A command has one line of each, and nothing is run but what was asked for.
    let seen = site.path("seen");
    let command = format!("cd {}; env -0 > seen; printf '%s\\n' \"$IMPP_NOTE\" > note", site.path(".").display());
    expect(0, &mut watch(&["--exec", &command]), b"");
    let environment = fs::read_to_string(&seen).unwrap();
    let ours: Vec<&str> = environment.split('\0').filter(|entry| entry.starts_with("IMPP_")).collect();
    assert!(ours.iter().any(|entry| entry.starts_with("IMPP_NOTE=lunch\\u{9b}2J")), "{ours:?}");
    for entry in ours {
        assert!(acting(entry).is_none() && !entry.contains('\n') && entry.len() < 4200, "{entry:?}");
    }
    assert_eq!(fs::read_to_string(site.path("note")).unwrap().lines().count(), 1);
    assert!(!site.path("owned").exists());
    // One who shows their presence in no form that is known.
    let mut alice = site.logged_in("alice", "hostile", "");
    let mut change =
        |kind: &str, body: &[u8]| alice.ask("CHANGE", "alice", &format!("Lease-Time: infinity\nContent-Type: {kind}\n"), body);
    let taken = change("text/plain", b"\x1b[2J\x1b]0;title\x07\xc2\x9b\n");
    assert!(taken.start().starts_with("OK (CHANGE)"), "{taken:?}");
    for mut command in [bob("impp-fetch", &[]), bob("impp-fetch", &["--json"])] {
        let done = crate::support::run(&mut command, b"");
        let (told, talk) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
        assert_eq!((told.lines().count(), acting(&told), acting(&talk)), (1, None, None), "{told:?} {talk:?}");
    }
    // What calls itself presence and is none does not come so far.
    let refused = change("application/presence", b"<presence>\x1b[2J");
    assert_eq!(refused.header("Error"), Some("mime-type-not-understood"), "{refused:?}");
}

/// Runs a line of the shell on a terminal as bob; what the terminal showed, its own line ends made plain ones again.
fn on_terminal(site: &Site, line: &str) -> String {
    let mut command = bare("script");
    command.env("IMPP_CONFIG", site.path("impp.toml")).env("IMPP_ACCOUNT", "bob").env("TERM", "xterm");
    for tool in ["impp-recv", "impp-fetch", "impp-watch", "impp-send", "impp-acl"] {
        command.env(tool.replace('-', "_"), program(tool));
    }
    let done = crate::support::run(command.args(["-qec", line, "/dev/null"]), b"");
    let shown = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(0), "{line}: {shown:?}");
    shown.replace("\r\n", "\n")
}

#[test]
fn a_terminal_shows_and_does_not_obey() {
    if !has("script") {
        return;
    }
    let site = Site::with_users(&["alice", "bob"]);
    let (xml, _) = object();
    publish(&site, "application/presence", xml.as_bytes());
    let alice = at("alice");
    for words in [
        format!("$impp_fetch {alice}"),
        format!("$impp_fetch --xml {alice}"),
        format!("$impp_fetch --pidf {alice}"),
        format!("$impp_fetch --json {alice}"),
        format!("$impp_watch --count 1 {alice}"),
        format!("$impp_watch --count 1 --status {alice}"),
    ] {
        let shown = on_terminal(&site, &words);
        assert_eq!(acting(&shown), None, "{words}: {shown:?}");
        assert!(shown.contains("alice"), "{words}: {shown:?}");
    }
    // The same of a message, in each form in which it can be asked for.
    let mail = format!(
        "From: root{CLEAR}@demo.test\nSubject: s\x1b[2J{CLEAR}{BIDI}\nX: \x1b]0;t\x07\n\nbody\x1b[2J\n{CLEAR}{BIDI}\nFrom here\n"
    );
    for form in ["", "--body", "--mime", "--mbox", "--json", "--format '{subject} {text} {claims}\\n'"] {
        expect(0, site.tool("impp-send", "alice").args(["--raw", &at("bob")]), mail.as_bytes());
        let shown = on_terminal(&site, &format!("$impp_recv --once {form}"));
        assert_eq!(acting(&shown), None, "{form}: {shown:?}");
        assert!(shown.contains("body"), "{form}: {shown:?}");
    }
    // And what one would send oneself, shown before it goes.
    let shown = on_terminal(&site, "$impp_send -n -s \"$(printf 'a\\033[2Jb')\" -m \"$(printf 'x\\033[2J')\" alice@demo.test");
    assert_eq!(acting(&shown), None, "{shown:?}");
}

#[test]
fn a_mailbox_file_has_as_many_messages_as_came() {
    let site = Site::with_users(&["alice", "bob"]);
    let long = "x".repeat(1 << 20);
    let mails = [
        "Subject: a\n\nFrom root@demo.test Thu Nov 26 12:00:00 2026\nSubject: forged\n\nFrom here\n>From there\n".to_owned(),
        format!("From: {CLEAR}root@demo.test\nSubject: a{BIDI}\n\n\n\nFrom x\n"),
        format!("From: {long} <root@demo.test>\nSubject: {long}\nX-Long: {long}\n\nx"),
    ];
    for mail in &mails {
        expect(0, site.tool("impp-send", "alice").args(["--raw", &at("bob")]), mail.as_bytes());
    }
    let mbox = expect(0, site.tool("impp-recv", "bob").args(["--count", "3", "--mbox"]), b"");
    let file = site.write("mbox", mbox);
    if has("python3") {
        let script = "import mailbox, sys; print([m['X-IMPP-From'] for m in mailbox.mbox(sys.argv[1])])";
        let read = expect_text(0, Command::new("python3").args(["-c", script]).arg(&file), "");
        assert_eq!(read.trim(), "['alice@demo.test', 'alice@demo.test', 'alice@demo.test']");
    }
    let starts = fs::read(&file).unwrap().split(|c| *c == b'\n').filter(|line| line.starts_with(b"From ")).count();
    assert_eq!(starts, mails.len());
}

#[test]
fn a_header_of_a_mebibyte_hurts_nobody() {
    let site = Site::with_users(&["alice", "bob"]);
    let long = "long ".repeat((1 << 20) / 5 + 1);
    let mail = format!("From: alice@demo.test\nSubject: {long}\nX-Long: {long}\n\nshort\n");
    assert!(long.len() > 1 << 20);
    let send = || expect(0, site.tool("impp-send", "alice").args(["--raw", &at("bob")]), mail.as_bytes());
    let (dir, log, seen) = (site.path("mail"), site.path("log"), site.path("seen"));
    let recv = |words: &[&str]| expect_text(0, site.tool("impp-recv", "bob").arg("--once").args(words), "");
    send();
    let shown = recv(&[]);
    assert!(shown.len() < 4096 && shown.contains("short"), "{} octets for a person", shown.len());
    send();
    let told: Value =
        serde_json::from_str(&recv(&["--json", "--dir", dir.to_str().unwrap(), "--log", log.to_str().unwrap()])).unwrap();
    assert_eq!(told["subject"].as_str().map(str::trim), Some(long.trim()), "nothing is lost on a script");
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 1);
    let stored = fs::read_dir(dir.join("new")).unwrap().next().unwrap().unwrap().path();
    assert!(fs::metadata(stored).unwrap().len() > 2 << 20);
    send();
    recv(&["--exec", &format!("printf %s \"$IMPP_SUBJECT\" > {}", seen.display())]);
    assert_eq!(fs::metadata(&seen).unwrap().len(), 4096);
    // Nor is a pattern that has to look at all of it.
    send();
    assert!(recv(&["--match", "Subject=*g *g *g*long*", "--body"]).contains("short"));
}
