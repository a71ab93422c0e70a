//! What all client tools have in common: secrets, retries, deadlines, signals, colours, pipes.

use crate::support::{Proxy, Site, Tool, at, bare, expect, has, program, run};
use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Later than this something hangs.
const HANGS: Duration = Duration::from_secs(20);

/// Each tool with something that it does against a relay, once.
const ONCE: [(&str, &[&str]); 4] = [
    ("impp-send", &["-m", "x", "bob@demo.test"]),
    ("impp-fetch", &["bob@demo.test"]),
    ("impp-set", &["open"]),
    ("impp-acl", &["show"]),
];

/// The tools that stay, each with a line to say as soon as it has begun; impp-recv if a message waits.
const STAYING: [(&str, &[&str]); 3] =
    [("impp-recv", &["--json"]), ("impp-watch", &["bob@demo.test"]), ("impp-set", &["open", "--hold", "--json"])];

/// A tool that is told everything by options, but for the password.
fn without_password(site: &Site, tool: &str, args: &[&str]) -> Command {
    let mut command = bare(program(tool));
    let server = site.tls.to_string();
    command.env("IMPP_CONFIG", "/dev/null").env("IMPP_SERVER", server).env("IMPP_CA", site.path("cert.pem"));
    // impp-acl has its word first.
    let (first, rest) = if tool == "impp-acl" { args.split_at(1) } else { args.split_at(0) };
    command.args(first).args(["--login", &at("alice")]).args(rest);
    command
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

#[test]
fn a_password_that_does_not_come_is_not_waited_for() {
    let site = Site::with_users(&["alice", "bob"]);
    let fifo = site.path("fifo");
    expect(0, Command::new("mkfifo").arg(&fifo), b"");
    let fifo = fifo.to_str().unwrap();
    for (tool, args) in ONCE {
        for source in [["--pass-cmd", "tail -f /dev/null --pid=$PPID"], ["--pass-file", fifo]] {
            let begun = Instant::now();
            let done = run(without_password(&site, tool, args).args(source).args(["--timeout", "1s"]), b"");
            assert!(begun.elapsed() < HANGS, "{tool} {source:?}");
            assert_eq!(done.status.code(), Some(75), "{tool} {source:?}: {}", said(&done));
            assert!(said(&done).contains("cannot get the password: no answer from"), "{}", said(&done));
        }
    }
}

#[test]
fn each_source_of_the_password_and_the_first_that_there_is() {
    let site = Site::with_users(&["alice", "bob"]);
    let right = site.path("alice.pass");
    let wrong = site.write("wrong.pass", "wrong\n");
    let folder = site.path("credentials");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(&right, folder.join("impp-password")).unwrap();
    let secret = std::fs::read_to_string(&right).unwrap();
    let (right, wrong) = (right.to_str().unwrap(), wrong.to_str().unwrap());
    let fetch = |args: &[&str], variables: &[(&str, &str)], stdin: &str| {
        let mut command = without_password(&site, "impp-fetch", &[]);
        let done = run(command.args(args).envs(variables.iter().copied()).arg(at("bob")), stdin.as_bytes());
        done.status.code().unwrap()
    };
    let credentials = ("CREDENTIALS_DIRECTORY", folder.to_str().unwrap());
    // Closed is the answer of whoever got in; a wrong password is 77.
    for (args, variables, stdin, status) in [
        (&["--pass-file", right][..], &[("IMPP_PASSWORD", "wrong"), ("IMPP_PASSWORD_FILE", wrong)][..], "", 1),
        (&["--pass-file", "-"], &[("IMPP_PASSWORD", "wrong")], secret.as_str(), 1),
        (&["--pass-cmd", &format!("cat '{right}'")], &[("IMPP_PASSWORD", "wrong")], "", 1),
        (&["--pass-file", wrong], &[credentials], "", 77),
        (&[], &[credentials, ("IMPP_PASSWORD_FILE", wrong)], "", 1),
        (&[], &[("IMPP_PASSWORD_FILE", right), ("IMPP_PASSWORD", "wrong")], "", 1),
        (&[], &[("IMPP_PASSWORD", secret.trim())], "", 1),
        (&[], &[("IMPP_PASSWORD", ""), ("IMPP_PASSWORD_FILE", right)], "", 1),
        (&[], &[], "", 78),
    ] {
        assert_eq!(fetch(args, variables, stdin), status, "{args:?} {variables:?}");
    }
}

#[test]
fn only_what_may_pass_is_tried_again() {
    let site = Site::with_users(&["alice", "bob"]);
    for (tool, args) in ONCE {
        let proxy = Proxy::to(site.tls);
        let server = proxy.address.to_string();
        proxy.refuse(true);
        let mut command = site.tool(tool, "alice");
        if tool == "impp-acl" {
            command = without_password(&site, tool, args);
            command.arg("--pass-file").arg(site.path("alice.pass"));
        } else {
            command.args(args);
        }
        command.env("IMPP_SERVER", &server);
        let mut with = |more: &[&str]| Tool::spawn(command.args(["--server", &server]).args(more));
        let tool = with(&["--retry", "20", "--retry-wait", "20ms", "--timeout", "60s"]);
        proxy.wait_for_connections(3);
        proxy.refuse(false);
        let errors = tool.errors().clone();
        let status = tool.finish().0;
        assert!(status <= 1, "{status} {}", errors.text());
    }
    // A wrong password is wrong at the first attempt.
    let proxy = Proxy::to(site.tls);
    let wrong = site.write("wrong.pass", "wrong\n");
    let mut command = site.tool("impp-fetch", "alice");
    command.args(["--retry", "5", "--retry-wait", "10ms", "--server", &proxy.address.to_string(), "--pass-file"]);
    expect(77, command.arg(wrong).arg(at("bob")), b"");
    assert_eq!(proxy.accepted(), 1);
    // And how often is what was asked for.
    let refusing = Proxy::to(site.tls);
    refusing.refuse(true);
    let mut command = site.tool("impp-fetch", "alice");
    command.args(["--retry", "2", "--retry-wait", "10ms", "--server", &refusing.address.to_string(), &at("bob")]);
    expect(75, &mut command, b"");
    assert_eq!(refusing.accepted(), 3);
}

#[test]
fn a_signal_ends_what_waits_for_the_network() {
    let site = Site::with_users(&["alice"]);
    for (name, status) in [("INT", 130), ("TERM", 143)] {
        for (tool, args) in ONCE.into_iter().chain(STAYING) {
            let silent = TcpListener::bind("127.0.0.1:0").unwrap();
            let server = silent.local_addr().unwrap().to_string();
            let mut command = without_password(&site, tool, args);
            command.env("IMPP_SERVER", server).env("IMPP_PASSWORD", "x");
            let tool = Tool::spawn(&mut command);
            // Its first words are there: it has begun, and waits for an answer that never comes.
            let (mut stream, _) = silent.accept().unwrap();
            assert!(stream.read(&mut [0; 16]).unwrap() > 0);
            let begun = Instant::now();
            tool.signal(name);
            let errors = tool.errors().clone();
            assert_eq!(tool.finish(), (status, vec![]), "{args:?}: {}", errors.text());
            assert!(begun.elapsed() < HANGS && errors.all().is_empty(), "{args:?}: {}", errors.text());
        }
    }
}

#[test]
fn a_signal_says_goodbye_to_the_relay() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut ended = 0;
    for (name, status) in [("INT", 130), ("TERM", 143)] {
        for (tool, args) in STAYING {
            expect(0, site.tool("impp-send", "bob").args(["-m", "x", &at("alice")]), b"");
            let mut tool = Tool::spawn(site.tool(tool, "alice").args(args));
            tool.line();
            tool.signal(name);
            let errors = tool.errors().clone();
            assert_eq!(tool.finish().0, status, "{args:?} {name}: {}", errors.text());
            ended += 2;
            site.log().wait_for_times("\"end\":\"BYE\"", ended);
        }
        // One that reads on: its input stays open until the relay has heard the good-bye.
        let mut lines = Tool::spawn(site.tool("impp-send", "alice").args(["--lines", "--json", &at("bob")]));
        lines.type_in("x\n");
        lines.line();
        lines.signal(name);
        ended += 1;
        site.log().wait_for_times("\"end\":\"BYE\"", ended);
        assert_eq!(lines.finish().0, status);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_trouble() {
    let site = Site::with_users(&["alice", "bob"]);
    let script = |script: &str| {
        let mut command = bare("/bin/sh");
        command.env("IMPP_CONFIG", site.path("impp.toml")).env("IMPP_ACCOUNT", "alice").env("BOB", at("bob"));
        for tool in ["impp-send", "impp-fetch", "impp-recv", "impp-watch", "impp-set", "impp-acl"] {
            command.env(tool.replace('-', "_"), program(tool));
        }
        run(command.args(["-c", script]), b"")
    };
    for part in [
        "$impp_send --help",
        "$impp_send -m x --json $BOB",
        "$impp_send -n -m x $BOB",
        "$impp_recv --json --count 1",
        "$impp_watch --json --count 1 $BOB",
        "$impp_set open --json",
        "$impp_acl show -q --json",
        "$impp_fetch --json alice@demo.test",
    ] {
        let done = script(&format!("($impp_send -m x alice@demo.test; {part}; echo $? >&2) | true"));
        assert_eq!(said(&done), "0\n", "{part}");
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    if !has("script") {
        return;
    }
    let site = Site::with_users(&["alice", "bob"]);
    let fetch = |terminal: bool, more: &str, no_color: Option<&str>| {
        let line = format!("{} -a alice {more} {}", program("impp-fetch"), at("bob"));
        let mut command = bare(if terminal { "script" } else { "/bin/sh" });
        command.env("IMPP_CONFIG", site.path("impp.toml")).env("TERM", "xterm").env_remove("NO_COLOR");
        command.envs(no_color.map(|value| ("NO_COLOR", value)));
        match terminal {
            true => command.args(["-qec", &line, "/dev/null"]),
            false => command.args(["-c", &line]),
        };
        let done = run(&mut command, b"");
        assert_eq!(done.status.code(), Some(1), "{}", said(&done));
        done.stdout.contains(&0x1b)
    };
    for (terminal, more, no_color, coloured) in [
        (true, "", None, true),
        (true, "", Some("1"), false),
        (true, "", Some(""), true),
        (true, "--color never", None, false),
        (true, "--color always", Some("1"), true),
        (true, "--json", None, false),
        (false, "", None, false),
        (false, "--color always", None, true),
    ] {
        assert_eq!(fetch(terminal, more, no_color), coloured, "{terminal} {more:?} {no_color:?}");
    }
}

#[test]
fn an_empty_variable_is_none() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut command = site.tool("impp-fetch", "alice");
    for name in ["IMPP_ACCOUNT", "IMPP_LOGIN", "IMPP_SERVER", "IMPP_RESOLVER", "IMPP_CA", "IMPP_TIMEOUT", "IMPP_LOG"] {
        command.env(name, "");
    }
    expect(1, command.arg(at("bob")), b"");
}
