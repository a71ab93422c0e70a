//! impp-send's ways around a recipient who is not there, and around commands that fail.

use crate::site::{Call, Done, Site};

/// Standard output without records: what of the message others got to see.
fn states(done: &Done) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    done.json().iter().map(|row| (text(&row["to"]), text(&row["state"]))).collect()
}

fn row(to: &str, state: &str) -> (String, String) {
    (format!("{to}@demo.test"), state.to_owned())
}

/// The texts of a user's next messages.
fn received(site: &Site, user: &str, many: &str) -> String {
    site.call("impp-recv", user, &["--format", "{subject}|{text}\\n", "--count", many]).run().quietly(0).out
}

const NOWHERE: &str = "127.0.0.1:1";

#[test]
fn the_first_who_is_open_gets_it() {
    let site = Site::start();
    let send = |to: &[&str]| site.call("impp-send", "alice", &[&["--first-open", "--json", "-m", "wake up"], to].concat()).run();
    let (bob, carol, nobody) = ("bob@demo.test", "carol@demo.test", "nobody@demo.test");
    let none = send(&[bob, carol]).quietly(1);
    assert_eq!(states(&none), [row("bob", "skipped"), row("carol", "skipped")]);
    site.call("impp-set", "carol", &["open"]).run().quietly(0);
    site.call("impp-set", "alice", &["open"]).run().quietly(0);
    let second = send(&[bob, carol, "alice@demo.test"]).quietly(0);
    assert_eq!(states(&second), [row("bob", "skipped"), row("carol", "stored"), row("alice", "skipped")]);
    // Whoever cannot be asked is no reason not to ask the others, and where nobody is open no "no".
    let after = send(&[nobody, carol]).saying(0, "nobody@demo.test");
    assert_eq!(states(&after), [row("nobody", "failed"), row("carol", "stored")]);
    send(&[nobody, bob]).saying(67, "nobody@demo.test");
    // One who is open and does not take it: the next.
    site.call("impp-set", "bob", &["open"]).run().quietly(0);
    site.acl("bob", &["deny", "send", "alice@demo.test"]).quietly(0);
    let next = send(&[bob, carol]).saying(0, "permission-denied");
    assert_eq!(states(&next), [row("bob", "failed"), row("carol", "stored")]);
    assert_eq!(received(&site, "carol", "3"), "|wake up\n".repeat(3));
}

#[test]
fn a_message_that_nobody_got_goes_to_the_fallback() {
    let site = Site::start();
    let file = site.path("fallback");
    let command = format!("printf '%s %s\\n' \"$IMPP_TO\" \"$IMPP_ERROR\" >> {0}; cat >> {0}", file.display());
    let call = |server: Option<&str>, more: &[&str]| {
        let words = [&["-s", "fire", "-m", "in the attic", "--fallback", &command], more].concat();
        match server {
            Some(server) => site.call_at(server, "impp-send", "alice", &words).run(),
            None => site.call("impp-send", "alice", &words).run(),
        }
    };
    let send = |more: &[&str]| call(None, more);
    send(&["bob@demo.test", "nobody@demo.test"]).saying(2, "nobody@demo.test");
    assert!(!file.exists(), "somebody got it");
    for (server, words, status, head) in [
        (None, &["nobody@demo.test"][..], 67, "nobody@demo.test target-unknown\n"),
        (Some(NOWHERE), &["bob@demo.test", "carol@demo.test"], 75, "bob@demo.test,carol@demo.test network\n"),
        (None, &["--if-open", "carol@demo.test"], 1, "carol@demo.test \n"),
        (None, &["--first-open", "carol@demo.test"], 1, "carol@demo.test \n"),
        (None, &["--timeout", "0", "bob@demo.test"], 75, "bob@demo.test timeout\n"),
    ] {
        call(server, words).saying(status, "nobody got it: the fallback has it");
        let seen = std::fs::read_to_string(&file).unwrap();
        assert!(seen.starts_with(head) && seen.contains("Subject: fire\r\n") && seen.ends_with("in the attic"), "{seen}");
        std::fs::remove_file(&file).unwrap();
    }
    // Nor need there be a login.
    let nobody = Call::new("impp-send", &["-s", "fire", "-m", "in the attic", "--fallback", &command, "bob@demo.test"]).run();
    nobody.saying(78, "who are you?").saying(78, "the fallback has it");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("bob@demo.test local\n"));
    std::fs::remove_file(&file).unwrap();
    let words = ["--fallback", "cat > /dev/null; exit 5", "-m", "x", "nobody@demo.test"];
    site.call("impp-send", "alice", &words).run().saying(67, "the fallback failed with status 5");
    // Wrong usage is no message that could be handed on.
    send(&["no-address"]).saying(65, "no-address");
    assert!(!file.exists());
}

#[test]
fn a_command_that_fails_is_told_and_its_status_passed_on() {
    let site = Site::start();
    let run = |words: &[&str]| site.call("impp-send", "alice", words).run();
    let away = |words: &[&str]| site.call_at(NOWHERE, "impp-send", "alice", words).run();
    run(&["bob@demo.test", "--exec", "true"]).quietly(0);
    run(&["bob@demo.test", "--exec", "/bin/sh", "-c", "echo out; echo err >&2; exit 7", "--", "-x"]).quietly(7);
    run(&["-s", "mine", "bob@demo.test", "--exec", "/bin/sh", "-c", "exit 1"]).quietly(1);
    run(&["bob@demo.test", "--exec", "/bin/sh", "-c", "kill -9 $$"]).quietly(137);
    run(&["bob@demo.test", "--exec", "/nonexistent/job"]).quietly(66);
    run(&["--skip-empty", "bob@demo.test", "--exec", "false"]).quietly(1);
    let long = ["--max-size", "300", "bob@demo.test", "--exec", "/bin/sh", "-c", "seq 1000; exit 3"];
    run(&long).quietly(3);
    let tee = run(&["--tee", "bob@demo.test", "--exec", "/bin/sh", "-c", "echo seen; exit 4"]).quietly(4);
    assert_eq!(tee.out, "seen\n");
    let came = received(&site, "bob", "6");
    let lines: Vec<_> = came.lines().collect();
    assert_eq!(lines[0], "sh ended with status 7|out\\nerr\\n[sh ended with status 7]\\n");
    assert_eq!(lines[1], "mine|[sh ended with status 1]\\n");
    assert_eq!(lines[2], "sh was ended by signal 9|[sh was ended by signal 9]\\n");
    assert!(lines[3].starts_with("cannot run \"/nonexistent/job\": no such file"), "{}", lines[3]);
    assert!(
        lines[4].contains("|1\\n2\\n3") && lines[4].contains("octets left out") && lines[4].contains("1000\\n["),
        "{}",
        lines[4]
    );
    // It does not depend on the relay: the command is run, and what nobody got is shown here.
    let lost = away(&["bob@demo.test", "--exec", "/bin/sh", "-c", "echo lost; exit 3"]).saying(3, "refused");
    assert!(lost.out == "lost\n" && lost.err.contains("sh ended with status 3"), "{lost:?}");
    let run_it = ["bob@demo.test", "--exec", "/bin/sh", "-c", "echo lost; exit 3"];
    assert_eq!(Call::new("impp-send", &run_it).run().saying(3, "who are you?").out, "lost\n");
    let queue = format!("--queue={}", site.path("spool").display());
    away(&[&queue, "bob@demo.test", "--exec", "/bin/sh", "-c", "echo kept; exit 3"]).saying(3, "stays in the spool");
    run(&["--flush", &queue]).quietly(0);
    assert!(received(&site, "bob", "1").contains("|kept\\n"));
}

#[test]
fn a_command_gets_the_signal_and_no_secret() {
    let site = Site::start();
    let script = "trap 'echo terminated; kill $!; exit 9' TERM; echo \"[$IMPP_PASSWORD$IMPP_PASSWORD_FILE]\"; \
                  sleep 1000 & echo ready; wait";
    let mut running = site
        .call("impp-send", "alice", &["--tee", "bob@demo.test", "--exec", "/bin/sh", "-c", script])
        .env("IMPP_PASSWORD", "must not be seen")
        .start();
    assert_eq!(running.line(), "[]");
    assert_eq!(running.line(), "ready");
    running.signal("TERM");
    let done = running.end();
    assert_eq!((done.status, done.err.as_str()), (143, ""), "{done:?}");
    assert_eq!(done.out, "terminated\n");
}

#[test]
fn what_a_command_leaves_running_does_not_hold_it_up() {
    let site = Site::start();
    let script = "sleep 1000 & echo $!; exit 5";
    let done = site.call("impp-send", "alice", &["--tee", "bob@demo.test", "--exec", "/bin/sh", "-c", script]).run();
    assert_eq!(done.status, 5, "{done:?}");
    let left = done.out.trim().to_owned();
    assert!(std::process::Command::new("/bin/kill").arg(&left).status().unwrap().success());
    assert!(received(&site, "bob", "1").contains(&left));
}

#[test]
fn a_rate_makes_the_others_wait() {
    let site = Site::start();
    let begun = impp::net::Clock::instant();
    let lines = "1\n2\n3\n4\n5\n";
    site.call("impp-send", "alice", &["--lines", "--max-rate", "2/500ms", "bob@demo.test"]).input(lines).run().quietly(0);
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1), "two pauses of half a second");
    assert_eq!(received(&site, "bob", "5").lines().count(), 5);
    site.call("impp-send", "alice", &["--max-rate", "often", "-m", "x", "bob@demo.test"]).run().saying(64, "no rate");
}

#[test]
fn records_for_those_whom_no_session_reached() {
    let site = Site::start();
    let words = ["--json", "-m", "x", "bob@demo.test", "carol@demo.test"];
    let done = site.call_at(NOWHERE, "impp-send", "alice", &words).run().saying(75, "connection refused");
    assert_eq!(done.err.lines().count(), 1, "said once: {}", done.err);
    assert_eq!(states(&done), [row("bob", "failed"), row("carol", "failed")]);
    for record in done.json() {
        assert_eq!((&record["error"], &record["code"], &record["retry"]), (&"network".into(), &75.into(), &true.into()));
    }
}

#[test]
fn what_does_not_go_together() {
    for words in [
        &["--queue", "--if-open", "-m", "x", "a@x"][..],
        &["--queue", "--first-open", "-m", "x", "a@x"],
        &["--first-open", "--if-open", "-m", "x", "a@x"],
        &["--flush", "a@x"],
        &["--flush", "--queue-list"],
        &["--queue-list", "-m", "x"],
        &["--exec", "true"],
        &["-m", "x", "a@x", "--exec", "true"],
        &["--fallback", "cat", "--probe", "a@x"],
        &["--queue", "dir", "--flush"],
    ] {
        let done = Call::new("impp-send", words).run();
        assert_eq!(done.status, 64, "{words:?}: {done:?}");
    }
    let site = Site::start();
    let anonymous = ["--anonymous", "--server", NOWHERE, "--queue", "-m", "x", "bob@demo.test"];
    Call::new("impp-send", &anonymous).run().saying(64, "--queue needs a login");
    // A dry run of sendmail needs neither password nor server.
    let aliases = site.path("aliases");
    std::fs::write(&aliases, "root: bob@demo.test\n").unwrap();
    let call = Call::new("impp-send", &["-n", "-v", "--login", "alice@demo.test", "--sendmail", "-i", "-FCronDaemon", "root"]);
    let done = call.env("IMPP_ALIASES", &aliases).input("To: root\nSubject: s\n\n.\nx\n").run();
    assert!(done.status == 0 && done.err.contains("to bob@demo.test"), "{done:?}");
    assert!(
        done.out.contains("From: \"CronDaemon\" <alice@demo.test>\r\n") && done.out.ends_with("\r\n.\r\nx\r\n"),
        "{}",
        done.out
    );
}
