//! impp-recv against a relay.

use crate::site::Site;

fn send(site: &Site, from: &str, words: &[&str]) {
    site.call("impp-send", from, &[words, &["bob@demo.test"]].concat()).run().quietly(0);
}

#[test]
fn people_see_safe_text() {
    let site = Site::start();
    send(&site, "alice", &["-s", "Disk\u{202e} full", "--urgency", "high", "-m", "one\u{202e}\ntwo"]);
    let done = site.call("impp-recv", "bob", &["--once"]).run().quietly(0);
    assert!(done.out.contains("  alice@demo.test  [high]  Disk\\u{202e} full\n  one\\u{202e}\n  two\n"), "{}", done.out);
}

#[test]
fn nothing_within_the_time_is_1() {
    let site = Site::start();
    site.call("impp-recv", "bob", &["--once", "--timeout", "3s"]).run().quietly(1);
    send(&site, "alice", &["-m", "x"]);
    site.call("impp-recv", "bob", &["--count", "2", "--timeout", "3s"]).run().quietly(2);
}

#[test]
fn what_does_not_match_is_left() {
    let site = Site::start();
    send(&site, "carol", &["-m", "from carol"]);
    send(&site, "alice", &["-s", "other", "-m", "other"]);
    send(&site, "alice", &["-s", "wanted", "-m", "wanted"]);
    let words = ["--once", "--body", "--from", "ALICE@*", "--match", "Subject=want*"];
    assert_eq!(site.call("impp-recv", "bob", &words).run().quietly(0).out, "wanted\n");
    let rest = site.call("impp-recv", "bob", &["--count", "2", "--body"]).run().quietly(0).out;
    let mut rest: Vec<_> = rest.lines().collect();
    rest.sort_unstable();
    assert_eq!(rest, ["from carol", "other"]);
}

#[test]
fn a_maildir_a_log_and_an_mbox() {
    let site = Site::start();
    for number in ["1", "2"] {
        send(&site, "alice", &["-s", number, "-m", "From here\n"]);
    }
    let (dir, log) = (site.path("mail"), site.path("log"));
    let words = ["--once", "--dir", dir.to_str().unwrap(), "--log", log.to_str().unwrap()];
    let done = site.call("impp-recv", "bob", &words).run().quietly(0);
    assert_eq!(done.out, "");
    let files: Vec<_> = std::fs::read_dir(dir.join("new")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert!(std::fs::read_to_string(&files[0]).unwrap().contains("Subject: 1\r\n"));
    let line: serde_json::Value = serde_json::from_str(std::fs::read_to_string(&log).unwrap().trim()).unwrap();
    assert_eq!((&line["v"], &line["subject"]), (&1.into(), &"1".into()));
    let mbox = site.call("impp-recv", "bob", &["--once", "--mbox"]).run().quietly(0).out;
    assert!(mbox.starts_with("From alice@demo.test ") && mbox.contains("\n>From here\n"), "{mbox}");
}

#[test]
fn the_handler_decides() {
    let site = Site::start();
    send(&site, "alice", &["-s", "s", "-m", "hello"]);
    let seen = site.path("seen");
    let command =
        format!("cat > {0}; echo \"$IMPP_FROM $IMPP_SUBJECT $IMPP_AUTH $IMPP_URGENCY\" >> {0}; exit $STATUS", seen.display());
    let run = |status: &str, timeout: &str| {
        site.call("impp-recv", "bob", &["--once", "--timeout", timeout, "--exec", &command]).env("STATUS", status).run()
    };
    run("75", "3s").saying(1, "left for later");
    run("0", "20s").quietly(0);
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "hello\nalice@demo.test s verified normal\n");
    send(&site, "alice", &["-m", "unwanted"]);
    run("3", "3s").saying(1, "refused by the command (3)");
    // Had it been left, it would be offered again.
    send(&site, "alice", &["-m", "next"]);
    assert_eq!(site.call("impp-recv", "bob", &["--once", "--body"]).run().quietly(0).out, "next\n");
}

#[test]
fn a_sender_hears_of_a_refusal() {
    let site = Site::start();
    let mut bob = site.call("impp-recv", "bob", &["--exec", "exit 1", "--trace=/dev/stdout"]).start();
    while !bob.line().contains("Session: new") {}
    let done = site.call("impp-send", "alice", &["-m", "x", "bob@demo.test"]).run();
    done.saying(69, "(mailbox-unavailable): refused by the receiver");
    bob.signal("INT");
    assert_eq!(bob.end().status, 130);
}

#[test]
fn the_next_run_goes_on_with_the_session_and_a_second_one_is_told() {
    let site = Site::start();
    let file = site.path("session");
    let words = ["--once", "--body", "--session", file.to_str().unwrap()];
    send(&site, "alice", &["-m", "1"]);
    assert_eq!(site.call("impp-recv", "bob", &words).run().quietly(0).out, "1\n");
    send(&site, "alice", &["-m", "2"]);
    assert_eq!(site.call("impp-recv", "bob", &words).run().quietly(0).out, "2\n");
    let copy = site.path("copy");
    std::fs::copy(&file, &copy).unwrap();
    let mut first = site.call("impp-recv", "bob", &["--body", "--session", file.to_str().unwrap()]).start();
    send(&site, "alice", &["-m", "3"]);
    assert_eq!(first.line(), "3");
    let second = site.call("impp-recv", "bob", &["--session", copy.to_str().unwrap()]).start();
    let first = first.end();
    first.saying(69, "displaced");
    second.signal("TERM");
    second.end().quietly(143);
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_loses_nothing() {
    let site = Site::start();
    send(&site, "alice", &["-m", "kept"]);
    let mut call = site.call("impp-recv", "bob", &["--body"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = call.command.stdout(writer).spawn().unwrap();
    drop(call);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(site.call("impp-recv", "bob", &["--once", "--body"]).run().quietly(0).out, "kept\n");
}

#[test]
fn another_inbox_where_that_is_allowed() {
    let site = Site::start();
    send(&site, "alice", &["-m", "for bob"]);
    let read = || site.call("impp-recv", "carol", &["--once", "--json", "--timeout", "5s", "--inbox", "bob@demo.test"]).run();
    read().saying(77, "permission");
    site.acl("bob", &["allow", "read", "carol@demo.test"]).quietly(0);
    let told = read().quietly(0).json().remove(0);
    assert_eq!((&told["to"], &told["text"]), (&"bob@demo.test".into(), &"for bob".into()));
}

#[test]
fn a_handler_that_stays_leaves_its_message_for_the_next_run() {
    let site = Site::start();
    send(&site, "alice", &["-m", "kept"]);
    let begun = site.path("begun");
    let command = format!("touch {}; exec sleep 1000", begun.display());
    site.call("impp-recv", "bob", &["--timeout", "3s", "--exec", &command]).run().quietly(1);
    assert!(begun.exists());
    std::fs::remove_file(&begun).unwrap();
    let stopped = site.call("impp-recv", "bob", &["--exec", &command]).start();
    while !begun.exists() {}
    stopped.signal("INT");
    stopped.end().quietly(130);
    assert_eq!(site.call("impp-recv", "bob", &["--once", "--body"]).run().quietly(0).out, "kept\n");
}

#[test]
fn who_the_message_says_it_is_from_is_no_proof() {
    let site = Site::start();
    let raw = "From: root@demo.test\nSubject: s\n\nhello\n";
    site.call("impp-send", "alice", &["--raw", "bob@demo.test"]).input(raw).run().quietly(0);
    let seen = site.path("seen");
    let command = format!("echo \"$IMPP_FROM $IMPP_AUTH $IMPP_CLAIMS\" > {}; exit 75", seen.display());
    site.call("impp-recv", "bob", &["--timeout", "3s", "--exec", &command]).run().saying(1, "left for later");
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "alice@demo.test claims-other root@demo.test\n");
    // Whom it claims is nothing to choose by.
    let words = ["--timeout", "3s", "--match", "From=root@*"];
    site.call("impp-recv", "bob", &words).run().quietly(1);
    let mbox = site.call("impp-recv", "bob", &["--once", "--mbox", "--from", "alice@*"]).run().quietly(0).out;
    for part in ["X-IMPP-Auth: claims-other\nFrom: <alice@demo.test>\n", "\nX-Claimed-From: root@demo.test\n"] {
        assert!(mbox.contains(part), "{mbox}");
    }
}
