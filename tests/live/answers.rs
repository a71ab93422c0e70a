//! How the tools of presence, rules and receiving end: each status that they have, also where output, disk or network behave oddly.

use crate::statuses::{HANGS, black_hole, errors, promised, starved};
use crate::support::disk::SmallDisk;
use crate::support::{Dns, Proxy, Site, Tool, at, bare, expect, expect_text, has, program, run};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const TOOLS: [&str; 5] = ["impp-fetch", "impp-watch", "impp-set", "impp-acl", "impp-recv"];

/// What each tool is asked in a word, so that it needs the server.
fn question(tool: &str) -> Vec<String> {
    let bob = at("bob");
    let words: &[&str] = match tool {
        "impp-fetch" => &[&bob],
        "impp-watch" => &["--count", "1", &bob],
        "impp-set" => &["--show"],
        "impp-acl" => &["show"],
        _ => &["--once"],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A tool of alice's that must have ended long before [`HANGS`].
fn ask(site: &Site, tool: &str, args: &[&str]) -> Output {
    let begun = Instant::now();
    let done = run(site.tool(tool, "alice").args(args), b"");
    assert!(begun.elapsed() < HANGS, "{tool} {args:?}");
    done
}

fn send(site: &Site, text: &str) {
    expect(0, site.tool("impp-send", "bob").args(["-m", text, &at("alice")]), b"");
}

#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn each_status_of_the_table() {
    let mut site = Site::with_users(&["alice", "bob", "carol", "dora"]);
    expect(0, site.tool("impp-set", "bob").arg("open"), b"");
    expect(0, site.tool("impp-acl", "dora").args(["deny", "fetch,subscribe", &at("alice")]), b"");
    let (bob, carol, dora, nobody) = (at("bob"), at("carol"), at("dora"), at("nobody"));
    let wrong = site.write("wrong-password", "wrong\n");
    let (wrong, config) = (wrong.to_str().unwrap(), site.write("wrong.toml", "nonsense = 1\n"));
    let config = config.to_str().unwrap();
    let diary = site.write("diary", "dear diary");
    let diary = diary.to_str().unwrap();
    let pin = format!("sha256:{}", "0".repeat(64));
    let mut seen: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
    let mut row = |site: &Site, tool: &'static str, status: i32, args: &[&str], part: &str| {
        let done = ask(site, tool, args);
        assert_eq!(done.status.code(), Some(status), "{tool} {args:?}: {}", errors(&done));
        assert!(errors(&done).contains(part), "{tool} {args:?}: {}", errors(&done));
        seen.entry(tool).or_default().insert(status);
    };
    row(&site, "impp-fetch", 0, &[&bob], "");
    row(&site, "impp-fetch", 1, &[&carol], "");
    row(&site, "impp-fetch", 2, &[&bob, &carol], "");
    row(&site, "impp-fetch", 3, &[&dora], "");
    row(&site, "impp-fetch", 64, &["--any", "--all", &bob], "cannot be used with");
    row(&site, "impp-fetch", 65, &["bob"], "no such alias");
    row(&site, "impp-fetch", 66, &["--list", "/nonexistent/list"], "/nonexistent/list");
    row(&site, "impp-fetch", 67, &[&nobody], "target-unknown");
    row(&site, "impp-watch", 0, &["--until", "open", &bob], "");
    row(&site, "impp-watch", 1, &["--until", "open", "--timeout", "3s", &carol], "");
    row(&site, "impp-watch", 2, &[&dora, &nobody], "cannot watch");
    row(&site, "impp-watch", 64, &["--count", "0", &bob], "0");
    row(&site, "impp-watch", 65, &["a@"], "no address");
    row(&site, "impp-watch", 66, &["--chart", "--read", "/nonexistent/log"], "/nonexistent/log");
    row(&site, "impp-watch", 67, &[&nobody], "target-unknown");
    row(&site, "impp-watch", 73, &["--chart=/proc/nowhere.svg", "--count", "1", &bob], "cannot create /proc/nowhere");
    row(&site, "impp-watch", 77, &[&dora], "permission-denied");
    row(&site, "impp-set", 0, &["open"], "");
    row(&site, "impp-set", 1, &["--show", "--for", &carol], "");
    row(&site, "impp-set", 7, &["open", "--exec", "sh", "-c", "exit 7"], "");
    row(&site, "impp-set", 64, &[], "what shall be published");
    row(&site, "impp-set", 65, &["--file", diary], "is no presence");
    row(&site, "impp-set", 66, &["open", "--exec", "/nonexistent/command"], "cannot run");
    row(&site, "impp-set", 67, &["--show", "--for", &nobody], "target-unknown");
    row(&site, "impp-set", 77, &["open", "--for", &bob], "permission-denied");
    row(&site, "impp-acl", 0, &["test", &bob, "fetch"], "");
    row(&site, "impp-acl", 1, &["test", "anonymous", "fetch"], "");
    row(&site, "impp-acl", 64, &["permit"], "permit");
    row(&site, "impp-acl", 65, &["import", diary], "holds no rules");
    row(&site, "impp-acl", 66, &["import", "/nonexistent/rules"], "/nonexistent/rules");
    row(&site, "impp-acl", 73, &["export", "/nonexistent/rules"], "cannot create /nonexistent/rules");
    row(&site, "impp-acl", 74, &["export", "/dev/full"], "no space left");
    send(&site, "one");
    row(&site, "impp-recv", 2, &["--count", "2", "--timeout", "3s"], "");
    row(&site, "impp-recv", 1, &["--once", "--timeout", "3s"], "");
    row(&site, "impp-recv", 64, &["--ack", "auto"], "--exec");
    row(&site, "impp-recv", 65, &["--session", diary], "is no session file");
    row(&site, "impp-recv", 66, &["-c", "/nonexistent/impp.toml"], "/nonexistent/impp.toml");
    row(&site, "impp-recv", 73, &["--dir", "/proc/nowhere"], "cannot create /proc/nowhere");
    row(&site, "impp-recv", 77, &["--inbox", &bob], "permission-denied");
    send(&site, "two");
    row(&site, "impp-recv", 74, &["--once", "--log", "/dev/full"], "no space left");
    row(&site, "impp-recv", 0, &["--once"], "");

    // What is the same for all of them.
    let dns = Dns::start("else.test. A 127.0.0.1", &[]);
    let resolver = dns.address.to_string();
    let refusing = refusing().to_string();
    for tool in TOOLS {
        let words = question(tool);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let with = |before: &[&'static str]| -> Vec<String> {
            // impp-acl has its command first; elsewhere the order does not matter.
            words.iter().copied().chain(before.iter().copied()).map(str::to_owned).collect()
        };
        let mut common = |site: &Site, status: i32, more: &[&str], part: &str| {
            let args: Vec<&str> = words.iter().copied().chain(more.iter().copied()).collect();
            row(site, tool, status, &args, part);
        };
        common(&site, 69, &["--tls", "off", "--server", &refusing], "(operation-not-supported)");
        common(&site, 73, &["--trace=/proc/nowhere"], "cannot create /proc/nowhere");
        common(&site, 76, &["--pin", &pin], "not the pinned one");
        common(&site, 77, &["--pass-file", wrong], "login failed");
        common(&site, 78, &["-c", config], "wrong.toml:1");
        let mut elsewhere = bare(program(tool));
        let asked = with(&["--login", "x@nowhere.test", "--resolver"]);
        let done = run(elsewhere.env("IMPP_CONFIG", "/dev/null").env("IMPP_PASSWORD", "x").args(asked).arg(&resolver), b"");
        assert!(done.status.code() == Some(68) && errors(&done).contains("no such service"), "{tool}: {}", errors(&done));
        let mut full = bare("/bin/sh");
        full.env("TOOL", program(tool)).args(["-c", "$TOOL --help > /dev/full"]);
        let done = run(&mut full, b"");
        assert!(done.status.code() == Some(74) && errors(&done).contains("no space left"), "{tool}: {}", errors(&done));
    }
    let mut first = Tool::spawn(site.tool("impp-recv", "alice").args(["--body", "--session"]).arg(site.path("session")));
    send(&site, "three");
    assert_eq!(first.line(), "three");
    std::fs::copy(site.path("session"), site.path("copy")).unwrap();
    let mut second = Tool::spawn(site.tool("impp-recv", "alice").arg("--session").arg(site.path("copy")));
    let displaced = first.errors().clone();
    assert_eq!(first.end().code(), Some(69), "{}", displaced.text());
    second.signal("TERM");
    assert_eq!(second.end().code(), Some(143));
    site.kill();
    for tool in TOOLS {
        let words = question(tool);
        row(&site, tool, 75, &words.iter().map(String::as_str).collect::<Vec<_>>(), "connection refused");
    }
    for tool in TOOLS {
        let words = question(tool);
        let done = starved(site.tool(tool, "alice").args(words), 4);
        assert!(done.status.code() == Some(70) && errors(&done).contains("too many open files"), "{tool}: {}", errors(&done));
        // What is shown here is what the manual promises, and a command's own.
        let shown = seen.get_mut(tool).unwrap();
        shown.extend([68, 70, 74]);
        let mut told = promised(tool);
        match tool {
            "impp-set" => _ = told.insert(7),
            // No relay of ours answers either so: one's own rules are there, and another's inbox is denied before it is looked for.
            "impp-acl" | "impp-recv" => _ = shown.insert(67),
            _ => {}
        }
        assert_eq!(*shown, told, "{tool}");
    }
}

/// A server that refuses whoever comes, for good.
fn refusing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let Some(id) = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)) else { continue };
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let answer = format!("ERROR (HELLO) {id} impp/1.0\r\nError: operation-not-supported\r\n\r\n");
            _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn output_that_nobody_takes() {
    let site = Site::with_users(&["alice", "bob"]);
    expect(0, site.tool("impp-set", "bob").arg("open"), b"");
    for text in ["1", "2", "3", "4"] {
        send(&site, text);
    }
    let log = site.path("log").display().to_string();
    for (script, status, part) in [
        ("$BIN/impp-fetch $ME $BOB >&-", 0, ""),
        ("$BIN/impp-fetch $ME $BOB > /dev/full", 74, "no space left"),
        ("$BIN/impp-fetch $ME $BOB 2>&-", 0, ""),
        ("$BIN/impp-fetch $ME -vv --trace $BOB 2> /dev/full", 0, ""),
        ("$BIN/impp-watch $ME --count 1 $BOB > /dev/full", 74, "no space left"),
        ("($BIN/impp-watch $ME $BOB $BOB; echo $? >&2) | true", 0, "0"),
        ("$BIN/impp-watch $ME --chart --count 1 $BOB > /dev/full", 74, "no space left"),
        ("$BIN/impp-set $ME --show > /dev/full", 74, "no space left"),
        ("$BIN/impp-set $ME open --json > /dev/full", 74, "no space left"),
        ("$BIN/impp-acl show $ME --json >&-", 0, ""),
        ("$BIN/impp-acl export $ME > /dev/full", 74, "no space left"),
        // What could not be written was not acknowledged.
        ("$BIN/impp-recv $ME --once --body > /dev/full", 74, "no space left"),
        ("$BIN/impp-recv $ME --once --json > /dev/full", 74, "no space left"),
        ("($BIN/impp-recv $ME --once --body; echo $? >&2) | true", 0, "0"),
        ("$BIN/impp-recv $ME --count 4 --body --log $LOG 2>&-", 0, ""),
    ] {
        let mut shell = bare("/bin/sh");
        shell.env("IMPP_CONFIG", site.path("impp.toml")).env("BOB", at("bob")).env("ME", "-a alice").env("LOG", &log);
        let bin = std::path::Path::new(program("impp-fetch")).parent().unwrap();
        let begun = Instant::now();
        let done = run(shell.env("BIN", bin).args(["-c", script]), b"");
        assert!(begun.elapsed() < HANGS, "{script}");
        assert_eq!(done.status.code(), Some(status), "{script}: {}", errors(&done));
        assert!(errors(&done).contains(part), "{script}: {}", errors(&done));
    }
    let texts: Vec<String> = std::fs::read_to_string(site.path("log"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(texts, ["1", "2", "3", "4"]);
}

#[test]
fn a_full_disk_leaves_the_message_with_the_server() {
    let site = Site::with_users(&["alice", "bob"]);
    std::fs::create_dir(site.path("tiny")).unwrap();
    let Some(disk) = SmallDisk::over(&site, "tiny", "size=64k,nr_inodes=64") else { return };
    send(&site, &"x".repeat(100_000));
    let config = site.path("impp.toml");
    let (mail, log) = (site.path("tiny/mail"), site.path("tiny/log"));
    let inside = |args: &[&str]| {
        let mut command = disk.inside(program("impp-recv"), &["-a", "alice", "--once", "--timeout", "20s"]);
        command.env("IMPP_CONFIG", &config).args(args);
        command
    };
    for args in [["--dir", mail.to_str().unwrap()], ["--log", log.to_str().unwrap()]] {
        let done = run(&mut inside(&args), b"");
        assert!(done.status.code() == Some(74) && errors(&done).contains("no space left"), "{args:?}: {}", errors(&done));
    }
    let left = expect_text(0, &mut disk.inside("find", &[site.path("tiny").to_str().unwrap(), "-type", "f", "-size", "+0"]), "");
    assert_eq!(left, "", "nothing half written is taken for a message or a line");
    let kept = expect_text(0, site.tool("impp-recv", "alice").args(["--once", "--body"]), "");
    assert_eq!(kept.trim_end().len(), 100_000);
}

#[test]
fn a_network_that_says_nothing() {
    let site = Site::with_users(&["alice", "bob"]);
    let (_hole, _filling, hole) = black_hole();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for server in [hole, silent.local_addr().unwrap()] {
        let server = server.to_string();
        for tool in TOOLS {
            for limit in ["--timeout", "--connect-timeout"] {
                let words = question(tool);
                let words: Vec<&str> = words.iter().map(String::as_str).chain([limit, "1s", "--server", &server]).collect();
                let begun = Instant::now();
                let done = ask(&site, tool, &words);
                assert_eq!(done.status.code(), Some(75), "{tool} {limit} {server}: {}", errors(&done));
                assert_eq!(errors(&done).lines().count(), 1, "{tool}: {}", errors(&done));
                assert!(begun.elapsed() < Duration::from_secs(8), "{tool} {limit} {server} took {:?}", begun.elapsed());
            }
        }
        let held = ask(&site, "impp-set", &["open", "--hold", "--timeout", "1s", "--server", &server]);
        assert_eq!(held.status.code(), Some(75), "{}", errors(&held));
    }
}

#[test]
fn a_connection_that_falls_silent_keeps_nobody() {
    let site = Site::with_users(&["alice", "bob"]);
    let command = |tool: &str, words: &[&str], server: &str| -> Command {
        let mut command = site.tool(tool, "alice");
        command.args(words).args(["--timeout", "10s", "--server", server]);
        command
    };
    let bob = at("bob");
    for (tool, words, begun_with, status) in [
        ("impp-watch", &["--until", "open", &bob][..], "closed", 1),
        ("impp-recv", &["--count", "2", "--body"], "hello", 2),
        ("impp-set", &["open", "--hold", "--json"], "open", 0),
    ] {
        let proxy = Proxy::to(site.tls);
        if tool == "impp-recv" {
            send(&site, "hello");
        }
        let mut running = Tool::spawn(&mut command(tool, words, &proxy.address.to_string()));
        assert!(running.line().contains(begun_with), "{tool}");
        proxy.stall();
        let begun = Instant::now();
        let errors = running.errors().clone();
        assert_eq!(running.end().code(), Some(status), "{tool}: {}", errors.text());
        assert!(begun.elapsed() < Duration::from_secs(17), "{tool} took {:?}", begun.elapsed());
        proxy.resume();
    }
    // A connection that is known to be gone leaves the question open.
    let proxy = Proxy::to(site.tls);
    let mut running = Tool::spawn(&mut command("impp-watch", &["--until", "open", &bob], &proxy.address.to_string()));
    assert!(running.line().contains("closed"));
    proxy.refuse(true);
    proxy.cut();
    let errors = running.errors().clone();
    assert_eq!(running.end().code(), Some(75), "{}", errors.text());
    assert!(errors.all().contains("the connection was lost when the time was over"), "{}", errors.text());
}

#[test]
fn a_watch_through_jq() {
    if !has("jq") {
        return;
    }
    let site = Site::with_users(&["alice", "bob"]);
    let mut shell = bare("/bin/sh");
    let script =
        "$WATCH -a alice --json --count 3 $BOB | jq -r --unbuffered '[.v, .address, .status, .why, .note // \"-\"] | @json'";
    shell.env("IMPP_CONFIG", site.path("impp.toml")).env("WATCH", program("impp-watch")).env("BOB", at("bob"));
    let mut read = Tool::spawn(shell.args(["-c", script]));
    assert_eq!(read.line(), r#"[1,"bob@demo.test","closed","initial","-"]"#);
    expect(0, site.tool("impp-set", "bob").args(["open", "--note", "a\u{9b}2Jb\u{202e}\nc"]), b"");
    let line = read.line();
    let values: Vec<serde_json::Value> = serde_json::from_str(&line).unwrap();
    assert_eq!((&values[2], &values[4]), (&"open".into(), &"a\u{9b}2Jb\u{202e}\nc".into()), "{line}");
    expect(0, site.tool("impp-set", "bob").args(["closed"]), b"");
    assert_eq!(read.line(), r#"[1,"bob@demo.test","closed","change","-"]"#);
    assert_eq!(read.finish().0, 0);
}
