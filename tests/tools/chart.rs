//! impp-watch --chart: of its own log, live, as a picture.

use crate::site::{Call, Site};

const LOG: &str = r#"{"v":1,"address":"ann@x","status":"closed","activity":null,"why":"initial","at":"2026-11-23T12:00:00Z","error":null}
{"v":1,"address":"bob@x","status":"open","activity":null,"why":"initial","at":"2026-11-23T12:00:00Z","error":null}
{"v":1,"address":"ann@x","status":"open","activity":null,"why":"change","at":"2026-11-23T12:30:00Z","error":null}
{"v":1,"address":"bob@x","status":"unknown","activity":null,"why":"lost","at":"2026-11-23T12:30:00Z","error":null}
{"v":1,"address":"ann@x","status":"open","activity":"lunch","why":"change","at":"2026-11-23T12:45:00Z","error":null}
{"v":1,"address":"ann@x","status":"closed","activity":null,"why":"change","at":"2026-11-23T13:00:00Z","error":null}
"#;

#[test]
fn a_log_is_drawn_without_any_server() {
    let drawn = Call::new("impp-watch", &["--chart"]).env("COLUMNS", "40").env("LANG", "C.UTF-8").input(LOG).run().quietly(0);
    let expected = "\
Mon 23 Nov 2026, 12:00 to 13:00 (UTC)
      |12:00    |12:30
ann@x ··········█████▒▒▒▒▒  50 %
bob@x ██████████           100 %
█ open  ▒ open but away, busy ..
▄ open for a part  · closed
blank: not known
%: open, of the known time
a column: 3 min
";
    assert_eq!(drawn.out, expected);
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("log");
    std::fs::write(&log, format!("{LOG}{{\"torn")).unwrap();
    let words = ["--chart", "--read", log.to_str().unwrap(), "--span", "20m", "ann@x", "carol@x"];
    let some = Call::new("impp-watch", &words).run().saying(0, "line 7 skipped: no record of impp-watch --json");
    assert!(
        some.out.contains("12:40:00 to 13:00:00") && some.out.contains("\ncarol@x ") && !some.out.contains("bob"),
        "{}",
        some.out
    );
    assert!(some.out.is_ascii(), "a locale without them gets no other characters: {}", some.out);
}

#[test]
fn what_cannot_be_drawn_is_said() {
    Call::new("impp-watch", &["--chart"]).input("hello\n").run().saying(65, "standard input holds no line of impp-watch --json");
    Call::new("impp-watch", &["--chart", "--read", "/nonexistent/log"]).run().saying(66, "/nonexistent/log");
    Call::new("impp-watch", &["--chart=x.png"]).input(LOG).run().saying(64, "does not end in .svg");
    Call::new("impp-watch", &["--chart=/nonexistent/x.svg"]).input(LOG).run().saying(73, "cannot create /nonexistent/x.svg");
    Call::new("impp-watch", &["--read", "x", "a@x"]).run().saying(64, "--chart");
    let many: String = (0..=1000).map(|n| LOG.lines().next().unwrap().replace("ann@", &format!("u{n}@")) + "\n").collect();
    Call::new("impp-watch", &["--chart"]).input(many).run().saying(65, "more than 1000 addresses");
}

#[test]
fn a_live_chart_ends_like_a_watch_and_its_log_draws_the_same() {
    let site = Site::start();
    let log = site.path("log");
    let file = site.path("chart.svg");
    let picture = format!("--chart={}", file.display());
    let mut told = site.call("impp-watch", "bob", &["--json", "--count", "2", "alice@demo.test"]).start();
    let mut lines = vec![told.line()];
    let live = site.call("impp-watch", "bob", &["--chart", "--until", "open", "alice@demo.test", "carol@demo.test"]).start();
    let pictured = site.call("impp-watch", "carol", &[&picture, "--until", "open", "alice@demo.test"]).start();
    // All three have begun when the relay says so.
    while site.acl("alice", &["watchers"]).quietly(0).out.lines().count() < 3 {}
    site.call("impp-set", "alice", &["open"]).run().quietly(0);
    lines.push(told.line());
    told.end().quietly(0);
    let live = live.end().quietly(0);
    assert!(live.out.contains("\nalice@demo.test ") && live.out.contains("\ncarol@demo.test "), "{}", live.out);
    assert_eq!(live.out.matches(" UTC").count() + live.out.matches("(UTC)").count(), 1, "drawn once: {}", live.out);
    pictured.end().quietly(0);
    let svg = std::fs::read_to_string(&file).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.contains("alice@demo.test"), "{svg}");
    let left: Vec<_> = std::fs::read_dir(site.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{left:?}");
    std::fs::write(&log, lines.join("\n")).unwrap();
    let drawn = Call::new("impp-watch", &["--chart", "--read", log.to_str().unwrap()]).run().quietly(0);
    assert!(drawn.out.contains("\nalice@demo.test "), "{}", drawn.out);
}

#[test]
fn a_terminal_gets_one_chart_that_changes() {
    if !std::path::Path::new("/usr/bin/script").exists() {
        // Without it there is no terminal to be had.
        return eprintln!("skipped: script is not installed");
    }
    let site = Site::start();
    let watch = site.call("impp-watch", "bob", &["--chart", "--count", "2", "alice@demo.test"]).on_terminal().start();
    while site.acl("alice", &["watchers"]).quietly(0).out.is_empty() {}
    site.call("impp-set", "alice", &["open"]).run().quietly(0);
    let done = watch.end();
    assert_eq!(done.status, 0, "{done:?}");
    // Each drawing but the first goes up over the one before and clears it.
    let drawings: Vec<&str> = done.out.split("\u{1b}[J").skip(1).collect();
    assert!(drawings.len() >= 2, "{}", done.out);
    for pair in drawings.windows(2) {
        let (one, next) = (pair[0], pair[1]);
        let lines = one.trim_end_matches(|c: char| c != '\n').lines().count();
        assert!(one.ends_with(&format!("\u{1b}[{lines}A\r")), "{lines}: {one:?} {next:?}");
    }
}
