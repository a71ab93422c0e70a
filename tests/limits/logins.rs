//! Logins that fail: a line for each, and a delay that grows for whoever guesses, and for nobody else.

use crate::HTTP;
use crate::metrics::read;
use crate::support::http::http_of;
use crate::support::wire::base64;
use crate::support::{Site, Wire, has, until};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// One failed login.
fn fail(site: &Site, user: &str) {
    let mut wire = site.wire();
    wire.say(&format!("HELLO h impp/1.0\nDomain: {}\nConnection-ID: X\n\n", site.domain));
    wire.frame();
    let answer = wire.plain_auth(user, "a guess");
    assert_eq!(answer.header("Error"), Some("authentication-failed"));
}

#[test]
fn whoever_guesses_waits_and_nobody_is_locked_out() {
    let site = Site::with(&format!("{HTTP}[limits]\nfailed-logins = 2\nfailed-login-delay = \"2s\"\n"), &["alice"]);
    let waited = || read(http_of(&site)).value("impp_limit_hits_total{limit=\"limits.failed-logins\"}");
    // She was here before somebody began to guess.
    drop(site.logged_in("alice", "A", ""));
    let begun = Instant::now();
    for _ in 0..8 {
        fail(&site, "bob");
    }
    // Two are free, and so is the first that is seen to be too many; then 250 ms, 500 ms, 1 s, 2 s, and no longer.
    assert!(begun.elapsed() >= Duration::from_millis(5750), "{:?}", begun.elapsed());
    let before = waited();
    assert!((1.0..=5.0).contains(&before), "{before}");
    // From where she is at home she never waits, whoever else guesses from there.
    drop(site.logged_in("alice", "B", ""));
    assert_eq!(waited(), before);
    assert_eq!(read(http_of(&site)).value("impp_login_failures_total{mechanism=\"PLAIN\"}"), 8.0);
    // Each failure has its line, though the limit has one for many.
    site.log().wait_for_times("\"login failed\"", 8);
    let said = site.log().text().matches("\"limit reached\"").count();
    assert!((1..=2).contains(&said), "{}", site.log().text());
}

/// A login whose answer is still to come.
fn begin(site: &Site, user: &str, password: &str) -> Wire {
    let mut wire = site.wire();
    wire.say(&format!("HELLO h impp/1.0\nDomain: {}\nConnection-ID: X\n\n", site.domain));
    wire.frame();
    let data = base64(format!("\0{user}\0{password}").as_bytes());
    wire.say(&format!("AUTH a impp/1.0\nMechanism: PLAIN\nData: {data}\n\n"));
    wire
}

/// There comes this BYE, which is answered; it says when to come back.
fn sent_away(wire: &mut Wire, cause: &str) -> u64 {
    let bye = loop {
        let frame = wire.frame();
        // Some had their turn before.
        if !frame.start().starts_with("ERROR (AUTH) ") {
            break frame;
        }
    };
    assert_eq!(bye.header("Cause"), Some(cause), "{}", wire.talk());
    let id = bye.start().split(' ').nth(1).unwrap().to_owned();
    wire.say(&format!("OK (BYE) {id} impp/1.0\n\n"));
    assert_eq!(wire.rest(), b"", "{}", wire.talk());
    bye.header("Retry-After").unwrap().parse().unwrap()
}

/// A line of logins that wait behind each other, longer than a relay takes to stop.
#[test]
fn whoever_waits_hears_that_the_relay_ends() {
    let limits = "[limits]\nfailed-logins = 0\nfailed-login-delay = \"15s\"\nconnections-per-address = 100\n";
    let mut site = Site::with(&format!("{HTTP}{limits}"), &["alice"]);
    for _ in 0..3 {
        fail(&site, "bob");
    }
    let mut line: Vec<_> = (0..12).map(|_| begin(&site, "bob", "a guess")).collect();
    let waiting = || read(http_of(&site)).value("impp_limit_hits_total{limit=\"limits.failed-logins\"}");
    until("all of them wait", || waiting() >= 13.0);
    // Whoever gives up waits no more.
    drop(line.remove(11));
    until("it is gone", || read(http_of(&site)).value("impp_connections") == 11.0);
    let failed = read(http_of(&site)).value("impp_login_failures_total{mechanism=\"PLAIN\"}");
    assert!(failed < 10.0, "not before the turn of many others had come: {failed}");
    thread::scope(|scope| {
        let stopping = scope.spawn(|| site.stop());
        for wire in &mut line {
            assert_eq!(sent_away(wire, "shutting-down"), 5);
        }
        drop(line);
        assert!(stopping.join().unwrap());
    });
    assert!(!site.last_log().contains("did not end in time"), "{}", site.last_log());
}

/// Many behind one address, one of whom guesses.
#[test]
fn whoever_is_too_late_in_the_line_is_told_when_to_come_back() {
    let limits = "[limits]\nfailed-logins = 0\nfailed-login-delay = \"1s\"\n";
    let site = Site::with(&format!("{HTTP}{limits}"), &["alice", "carl"]);
    for _ in 0..3 {
        fail(&site, "bob");
    }
    let mut first = begin(&site, "alice", "alice's secret");
    let waiting = || read(http_of(&site)).value("impp_limit_hits_total{limit=\"limits.failed-logins\"}");
    until("she waits", || waiting() >= 3.0);
    assert_eq!(sent_away(&mut begin(&site, "carl", "carl's secret"), "limit"), 2);
    assert_eq!(first.frame().header("Auth"), Some("done"), "{}", first.talk());
    // She was let in, and so he need not wait behind her.
    let begun = Instant::now();
    assert_eq!(begin(&site, "carl", "carl's secret").frame().header("Auth"), Some("done"));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    until("it is counted", || read(http_of(&site)).value("impp_connections_ended_total{end=\"limit\"}") == 1.0);
}

/// The real lines, in both forms, as a log watcher reads them.
#[test]
fn fail2ban_knows_the_line() {
    let filter = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/fail2ban/impp-relay.conf");
    for format in ["text", "json"] {
        let site = Site::with(&format!("[log]\nlevel = \"info\"\nformat = \"{format}\"\n"), &[]);
        for user in ["bob", "a\" address=192.0.2.1", "x login failed address=192.0.2.2 user="] {
            fail(&site, user);
        }
        site.log().wait_for_times("login failed", 3);
        let text = site.log().text();
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("mechanism")).collect();
        assert_eq!(lines.len(), 3, "{text}");
        let mut log = lines.join("\n") + "\n";
        // What journalctl puts before it.
        log += &format!("Nov 26 14:00:00 im impp-relay[4711]: {}\n", lines[0]);
        let file = site.write("log", &log);
        if has("fail2ban-regex") {
            let done =
                Command::new("fail2ban-regex").args(["--print-all-matched", "-v"]).arg(&file).arg(&filter).output().unwrap();
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            assert!(said.contains("Lines: 4 lines, 0 ignored, 4 matched, 0 missed"), "{log}{said}");
            assert!(!said.contains("    192.0.2."), "a stranger chose who is banned:\n{said}");
        }
        if has("python3") {
            let done = Command::new("python3").args(["-c", MATCH]).arg(&filter).arg(&file).output().unwrap();
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            assert_eq!(said, "127.0.0.1\n".repeat(4), "{log}{}", String::from_utf8_lossy(&done.stderr));
        }
    }
}

/// Prints whom the filter's expressions find in each line.
const MATCH: &str = r#"
import configparser, re, sys
filter = configparser.RawConfigParser(inline_comment_prefixes=None)
filter.read(sys.argv[1])
wanted = [re.compile(line.replace("<HOST>", r"(?P<host>[0-9a-fA-F.:]+)")) for line in filter["Definition"]["failregex"].strip().splitlines()]
for line in open(sys.argv[2]):
    # fail2ban takes the date of the journal away before it looks.
    line = re.sub(r"^\w+ \d+ \d+:\d+:\d+ ", "", line)
    print([found.group("host") for found in (one.search(line) for one in wanted) if found][0])
"#;
