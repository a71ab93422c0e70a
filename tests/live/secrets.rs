//! A password is never an argument, never in a log, never in a trace, and never in the store.

use crate::support::site::private;
use crate::support::wire::{base64, unbase64};
use crate::support::{Site, Tool, at, expect, run};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What must not be found. It is unlike any other word of the tests.
const PASSWORD: &str = "Zq7-correct-horse-battery-9";

/// What a message and a presence say.
const CONFIDENTIAL: &str = "the-merger-is-on-friday";

/// A relay that logs everything, and alice with that password.
fn site(auth: &str) -> Site {
    let log = "[log]\nlevel = \"trace\"\nformat = \"text\"\n";
    let mut site = Site::prepared(&format!("{log}{auth}"), &["alice"]);
    let file = site.path("alice.pass");
    private(&file, &format!("{PASSWORD}\n"));
    site.administer(&["user", "passwd", &at("alice"), "--pass-file", file.to_str().unwrap()]);
    site.start();
    site
}

/// Every way in which a password may turn up: itself, and what PLAIN makes of it.
fn shows_password(text: &[u8]) -> bool {
    let plain = base64(format!("\0alice\0{PASSWORD}").as_bytes());
    let has = |needle: &[u8]| memchr::memmem::find(text, needle).is_some();
    let encoded = |word: &[u8]| {
        word.len() > 16 && word.len().is_multiple_of(4) && String::from_utf8_lossy(&decode(word)).contains(PASSWORD)
    };
    has(PASSWORD.as_bytes()) || has(plain.as_bytes()) || text.split(|c| !is_base64(*c)).any(encoded)
}

fn is_base64(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'=')
}

fn decode(word: &[u8]) -> Vec<u8> {
    let inner = word.iter().take_while(|c| **c != b'=').count();
    let valid = word.len() - inner <= 2 && word[inner..].iter().all(|c| *c == b'=');
    if valid { std::panic::catch_unwind(|| unbase64(&String::from_utf8_lossy(word))).unwrap_or_default() } else { Vec::new() }
}

#[test]
fn the_search_finds_what_it_must_find() {
    for text in [
        format!("... {PASSWORD} ..."),
        format!("Data: {}\r\n", base64(format!("\0alice\0{PASSWORD}").as_bytes())),
        format!("Data: {}\r\n", base64(format!("x{PASSWORD}").as_bytes())),
    ] {
        assert!(shows_password(text.as_bytes()), "{text}");
    }
    assert!(!shows_password(b"Data: biwsbj1hbGljZSxyPWZ5a28rZDJsYmJGZ09OUnY5cWt4ZGF3TA=="));
}

/// The command lines of all processes that run now.
fn command_lines() -> Vec<(String, Vec<u8>)> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mine = processes.map(|entry| entry.path()).filter(|path| path.join("cmdline").is_file());
    mine.filter_map(|path| Some((path.display().to_string(), fs::read(path.join("cmdline")).ok()?))).collect()
}

/// One after the other each way to give a tool its password.
fn ways(site: &Site, tool: &str) -> Vec<Command> {
    let file = site.path("alice.pass");
    let base = || {
        let mut command = site.tool(tool, "alice");
        command.env("IMPP_CONFIG", site.path("bare.toml"));
        command
    };
    let (mut by_file, mut by_command, mut by_environment, mut by_variable) = (base(), base(), base(), base());
    by_file.arg("--pass-file").arg(&file);
    by_command.arg("--pass-cmd").arg(format!("cat {}", file.display()));
    by_environment.env("IMPP_PASSWORD", PASSWORD);
    by_variable.env("IMPP_PASSWORD_FILE", &file);
    vec![by_file, by_command, by_environment, by_variable]
}

/// An account without a password.
fn bare_account(site: &Site) {
    let text =
        format!("[account.alice]\nlogin = {:?}\nserver = \"{}\"\nca = {:?}\n", at("alice"), site.tls, site.path("cert.pem"));
    private(&site.path("bare.toml"), &text);
}

#[test]
fn no_process_shows_a_password_among_its_arguments() {
    let site = site("");
    bare_account(&site);
    let mut running = Vec::new();
    for command in &mut ways(&site, "impp-watch") {
        let mut tool = Tool::spawn(command.arg(at("alice")));
        assert!(tool.line().contains("initial"));
        running.push(tool);
    }
    // One that is on its way: its password command runs while we look.
    let fifo = site.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut command = site.tool("impp-fetch", "alice");
    command.env("IMPP_CONFIG", site.path("bare.toml")).arg("--pass-cmd").arg(format!("cat {}", fifo.display())).arg(at("alice"));
    running.push(Tool::spawn(&mut command));
    let lines = command_lines();
    let ours = lines.iter().filter(|(_, line)| String::from_utf8_lossy(line).contains("impp-watch")).count();
    assert!(ours >= running.len() - 1, "the tools are among the processes: {ours}");
    for (process, line) in lines {
        assert!(!shows_password(&line), "{process}: {}", String::from_utf8_lossy(&line));
    }
    site.write("fifo", format!("{PASSWORD}\n"));
    // Closed, never set: but logged in.
    assert_eq!(running.pop().unwrap().finish().0, 1);
}

#[test]
fn there_is_no_way_to_give_a_password_as_an_argument() {
    let site = Site::prepared("", &["alice"]);
    for (tool, args) in [
        ("impp-send", vec!["--password", PASSWORD, "-m", "x", "bob@demo.test"]),
        ("impp-recv", vec!["--password", PASSWORD]),
        ("impp-watch", vec!["--password", PASSWORD, "bob@demo.test"]),
        ("impp-fetch", vec!["--password", PASSWORD, "bob@demo.test"]),
        ("impp-set", vec!["--password", PASSWORD, "open"]),
        ("impp-acl", vec!["--password", PASSWORD, "show"]),
    ] {
        expect(64, site.tool(tool, "alice").args(args), b"");
    }
    expect(64, &mut site.relay_command(&["user", "add", "eve", "--password", PASSWORD]), b"");
}

#[test]
fn logs_and_traces_and_the_store_show_no_password() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"] {
        let mut site = site(&format!("[auth]\nmechanisms = [\"{mechanism}\"]\n"));
        for (number, tool) in ["impp-send", "impp-recv", "impp-watch", "impp-fetch", "impp-set", "impp-acl"].iter().enumerate() {
            let me = at("alice");
            let args: &[&str] = match *tool {
                "impp-send" => &["-s", CONFIDENTIAL, "-m", CONFIDENTIAL, &me],
                "impp-recv" => &["--once"],
                "impp-watch" => &["--count", "1", &me],
                "impp-fetch" => &[&me],
                "impp-set" => &["open", "--note", CONFIDENTIAL],
                _ => &["show"],
            };
            let trace = site.path(&format!("trace-{number}"));
            let mut command = site.tool(tool, "alice");
            command.arg(format!("--trace={}", trace.display())).arg("-vv").args(args);
            let done = run(&mut command, b"");
            let trace = fs::read(trace).unwrap_or_default();
            let errors = String::from_utf8_lossy(&done.stderr);
            let told = String::from_utf8_lossy(&trace);
            assert!(told.contains("-> HELLO") && told.contains("AUTH"), "{tool} has a trace: {told}\n{errors}");
            for (what, text) in [("trace", &trace), ("stdout", &done.stdout), ("stderr", &done.stderr)] {
                assert!(!shows_password(text), "{tool} by {mechanism}, {what}: {}", String::from_utf8_lossy(text));
            }
        }
        // A login that fails, and one whose password is the name: people do type them into the wrong field.
        let mut wire = site.wire();
        wire.say("HELLO h impp/1.0\nDomain: demo.test\nConnection-ID: secrets-1\n\n");
        wire.frame();
        wire.plain_auth("alice", &format!("{PASSWORD}{PASSWORD}"));
        drop(wire);
        site.log().wait_for("login failed");
        assert!(site.stop());
        let log = site.last_log();
        assert!(log.contains("authenticated"), "the log is there: {log}");
        assert!(!shows_password(log.as_bytes()), "{mechanism}: {log}");
        assert!(!log.contains(CONFIDENTIAL), "neither is what people write to each other in the log: {log}");
        no_file_shows_it(&site.path("data"));
    }
}

fn no_file_shows_it(folder: &Path) {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            no_file_shows_it(&entry.path());
        } else {
            files += 1;
            assert!(!shows_password(&fs::read(entry.path()).unwrap()), "{}", entry.path().display());
        }
    }
    assert!(files > 0, "{} holds a store", folder.display());
}

#[test]
fn a_failed_login_is_one_stable_line() {
    let site = Site::with("[log]\nlevel = \"info\"\nformat = \"text\"\n", &["alice"]);
    let mut wire = site.wire();
    wire.say("HELLO h impp/1.0\nDomain: demo.test\nConnection-ID: secrets-2\n\n");
    wire.frame();
    for user in ["nobody", "alice", "e\u{1b}[31mve\n"] {
        wire.plain_auth(user, "wrong");
    }
    site.log().wait_for_times("login failed", 3);
    let log = site.log().text();
    let lines: Vec<&str> = log.lines().filter_map(|line| line.split_once(" WARN ")).map(|(_, line)| line.trim()).collect();
    // A relay that runs as root is told so.
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.starts_with("runs as root")).collect();
    assert_eq!(
        lines,
        [
            "login failed address=127.0.0.1 user=\"impp://demo.test/nobody\" mechanism=\"PLAIN\"",
            "login failed address=127.0.0.1 user=\"impp://demo.test/alice\" mechanism=\"PLAIN\"",
            "login failed address=127.0.0.1 user=\"\" mechanism=\"PLAIN\"",
        ]
    );
}

#[test]
fn a_configuration_with_a_password_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::prepared("", &["alice"]);
    let file = site.write("open.toml", format!("[account.alice]\nlogin = \"alice@demo.test\"\npassword = {PASSWORD:?}\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = site.tool("impp-fetch", "alice");
    let done = run(command.env("IMPP_CONFIG", &file).arg(at("alice")), b"");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(78), "{errors}");
    assert!(errors.contains("chmod") && errors.contains("open.toml") && !shows_password(errors.as_bytes()), "{errors}");
}
