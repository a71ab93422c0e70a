//! Logins that fail: a line for each, and a delay that grows for whoever guesses, and for nobody else.

use crate::HTTP;
use crate::metrics::read;
use crate::support::http::http_of;
use crate::support::{Site, has};
use std::path::Path;
use std::process::Command;
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
