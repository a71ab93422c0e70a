//! The control socket itself: who may ask, and what becomes of questions that make no sense.

use crate::ran;
use crate::support::Site;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

fn said(site: &Site, question: &str) -> Vec<String> {
    let mut stream = UnixStream::connect(site.path("data/control")).unwrap();
    // A long question may be answered before it was written to its end.
    let _ = stream.write_all(question.as_bytes());
    BufReader::new(stream).lines().map_while(Result::ok).collect()
}

#[test]
fn a_question_that_makes_no_sense_is_refused_in_one_line() {
    let site = Site::with_users(&["alice"]);
    for (question, reason, code) in [
        ("\n", "the question is not a JSON object on one line", 64),
        ("[]\n", "the question is not a JSON object on one line", 64),
        ("{\"v\":1}\n", "the question has no \\\"do\\\"", 64),
        ("{\"do\":7}\n", "\\\"do\\\" must be a text", 64),
        ("{\"do\":\"dance\"}\n", "this relay does not know that command; is it of another version?", 64),
        ("{\"do\":\"kick\"}\n", "the question has no \\\"user\\\"", 64),
        ("{\"do\":\"kick\",\"user\":\"a b\"}\n", "\\\"a b\\\" is no address", 65),
        ("{\"do\":\"drain\",\"over_s\":18446744073709551615}\n", "\\\"over_s\\\" must be 86400 s, a day, at most", 64),
        ("{\"do\":\"drain\",\"deadline_s\":86401}\n", "\\\"deadline_s\\\" must be 86400 s, a day, at most", 64),
        (
            "{\"do\":\"mailbox-drop\",\"user\":\"alice@demo.test\",\"messages\":[-1]}\n",
            "\\\"messages\\\" must be a list of whole numbers",
            64,
        ),
    ] {
        let line = format!("{{\"v\":1,\"end\":\"error\",\"reason\":\"{reason}\",\"code\":{code}}}");
        assert_eq!(said(&site, question), [line], "{question}");
    }
    let long = format!("{{\"do\":\"{}\"}}\n", "x".repeat(300_000));
    assert_eq!(said(&site, &long).len(), 1, "cut off, and so no JSON");
    assert_eq!(said(&site, "{\"do\":\"links\",\"v\":1}\n"), ["{\"v\":1,\"end\":\"ok\"}"]);
}

/// Whoever may open it may do everything.
#[test]
fn only_those_may_ask_whom_its_mode_lets() {
    for (extra, mode) in [("", 0o600), ("control-mode = \"0660\"\n", 0o660)] {
        let site = Site::with(extra, &[]);
        assert_eq!(fs::metadata(site.path("data/control")).unwrap().permissions().mode() & 0o777, mode);
        assert_eq!(ran(&site, &["sessions"]).0, 0);
    }
}

#[test]
fn those_who_ask_nothing_do_not_keep_others_from_asking() {
    let site = Site::with_users(&["alice"]);
    let _silent: Vec<UnixStream> = (0..15).map(|_| UnixStream::connect(site.path("data/control")).unwrap()).collect();
    assert_eq!(ran(&site, &["sessions"]).0, 0);
}

#[test]
fn without_a_relay_there_is_no_answer() {
    let mut site = Site::with_users(&["alice"]);
    assert!(site.stop());
    let line = "impp-relay: no relay runs with this configuration; start it first\n";
    for words in [&["sessions"][..], &["kick", "alice"], &["mailbox", "list", "alice"]] {
        assert_eq!(ran(&site, words), (75, String::new(), line.to_owned()), "{words:?}");
    }
}
