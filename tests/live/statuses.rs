//! How impp-send ends: each status, also where input, output or the network behave oddly, and never later than asked.

use crate::support::said::Said;
use crate::support::{Dns, Proxy, Site, Tool, at, bare, expect, expect_text, has, program, run};
use impp::cli::tools::MANUALS;
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Later than this something hangs: the tool was asked to end within one or two seconds.
pub(crate) const HANGS: Duration = Duration::from_secs(20);

fn send(site: &Site, args: &[&str]) -> Command {
    let mut command = site.tool("impp-send", "alice");
    command.args(args);
    command
}

/// impp-send of alice in a shell, for redirections: `$SEND` is the tool with its account.
fn shell(site: &Site, script: &str) -> Output {
    let mut command = bare("/bin/sh");
    command.env("IMPP_CONFIG", site.path("impp.toml")).env("SEND", format!("{} -a alice", program("impp-send")));
    command.env("BOB", at("bob")).args(["-c", script]);
    let begun = Instant::now();
    let done = run(&mut command, b"");
    assert!(begun.elapsed() < HANGS, "{script}");
    done
}

pub(crate) fn errors(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

/// What came for bob since.
fn received(site: &Site, many: usize) -> Vec<String> {
    let many = many.to_string();
    let text = expect_text(0, site.tool("impp-recv", "bob").args(["--format", "{text}\\n", "--count", &many]), "");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn each_status_of_the_table() {
    let mut site = Site::with_users(&["alice", "bob", "carol"]);
    expect(0, site.tool("impp-acl", "carol").args(["deny", "send", &at("alice")]), b"");
    let dns = Dns::start("else.test. A 127.0.0.1", &[]);
    let (pass, config) = (site.path("alice.pass"), site.write("wrong.toml", "nonsense = 1\n"));
    let wrong = site.write("wrong-password", "wrong\n");
    let (bob, carol, nobody, spool) = (at("bob"), at("carol"), at("nobody"), site.path("spool").display().to_string());
    let (queue, nowhere) = (format!("--queue={spool}"), "--queue=/proc/nowhere/spool");
    let mut seen = BTreeSet::new();
    let mut row = |site: &Site, status: i32, args: &[&str], part: &str| {
        let done = run(&mut send(site, args), b"");
        assert_eq!(done.status.code(), Some(status), "{args:?}: {}", errors(&done));
        assert!(errors(&done).contains(part), "{args:?}: {}", errors(&done));
        seen.insert(status);
    };
    row(&site, 0, &["-m", "x", &bob], "");
    row(&site, 1, &["-m", "x", "--if-open", &bob], "not open");
    row(&site, 1, &["-m", "x", "--first-open", &bob, &carol], "");
    row(&site, 2, &["-m", "x", &bob, &nobody], "target-unknown");
    row(&site, 3, &["-m", "x", "--wait", "delivered", &bob], "not yet delivered");
    row(&site, 64, &["--no-such-option"], "--no-such-option");
    row(&site, 64, &[], "required");
    row(&site, 64, &["-m", "x", &queue, "--expires", "0", &bob], "now or never");
    row(&site, 65, &["-m", "x", "not-an-address"], "no address");
    row(&site, 65, &["-m", "xxxx", "--max-size", "3", &bob], "--max-size is 3 octets");
    row(&site, 65, &["-t"], "no header");
    row(&site, 66, &["--file", "/nonexistent/x", &bob], "/nonexistent/x");
    row(&site, 66, &["--file", "/", &bob], "cannot read /");
    row(&site, 67, &["-m", "x", &nobody], "target-unknown");
    let elsewhere = ["--login", "x@nowhere.test", "--pass-file", pass.to_str().unwrap(), "--resolver"];
    let resolver = dns.address.to_string();
    let asked = [&elsewhere[..], &[&resolver, "-m", "x", "y@nowhere.test"]].concat();
    let mut command = bare(program("impp-send"));
    let done = run(command.env("IMPP_CONFIG", "/dev/null").args(asked), b"");
    assert!(done.status.code() == Some(68) && errors(&done).contains("no such service"), "{}", errors(&done));
    row(&site, 69, &["-m", "x", "--expires", "0", &bob], "mailbox-unavailable");
    row(&site, 73, &["-m", "x", nowhere, &bob], "cannot create /proc/nowhere");
    row(&site, 73, &["-m", "x", "--trace=/proc/nowhere", &bob], "cannot create /proc/nowhere");
    row(&site, 76, &["-m", "x", "--pin", &format!("sha256:{}", "0".repeat(64)), &bob], "not the pinned one");
    row(&site, 77, &["-m", "x", "--pass-file", wrong.to_str().unwrap(), &bob], "login failed");
    row(&site, 77, &["-m", "x", &carol], "permission-denied");
    row(&site, 78, &["-c", config.to_str().unwrap(), "-m", "x", &bob], "wrong.toml:1");
    row(&site, 78, &["--resolver", "127.0.0.1", "--dnssec-anchor", "/dev/null", "-m", "x", &bob], "/dev/null");
    site.kill();
    row(&site, 75, &["-m", "x", &bob], "connection refused");
    row(&site, 3, &["-m", "x", &queue, &bob], "stays in the spool");
    let full = shell(&site, "$SEND --help > /dev/full");
    assert!(full.status.code() == Some(74) && errors(&full).contains("no space left"), "{}", errors(&full));
    let starved = starved(&send(&site, &["-m", "x", &bob]), 4);
    assert!(starved.status.code() == Some(70) && errors(&starved).contains("too many open files"), "{}", errors(&starved));
    seen.extend([68, 70, 74]);
    assert_eq!(seen, promised("impp-send"), "what is shown here is what the manual promises");
    let waits = Tool::spawn(&mut send(&site, &[&bob]));
    waits.signal("TERM");
    assert_eq!(waits.finish().0, 143);
}

/// The statuses of which the manual of a tool tells.
pub(crate) fn promised(tool: &str) -> BTreeSet<i32> {
    let (_, manual) = MANUALS.iter().find(|(name, _)| *name == tool).unwrap();
    manual.meanings().iter().map(|(code, _)| i32::from(*code)).collect()
}

/// The same command, with so many files that it may have open.
pub(crate) fn starved(command: &Command, files: u32) -> Output {
    let mut shell = bare("/bin/sh");
    shell.args(["-c", "ulimit -n $0; exec \"$@\"", &files.to_string()]).arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env_remove("RUST_BACKTRACE");
    run(&mut shell, b"")
}

/// What a library panics about is told in a line, with a status of the table.
#[test]
fn too_few_resources_are_told_in_one_line() {
    let site = Site::with_users(&["alice", "bob"]);
    for files in 4..16 {
        for (tool, args) in [("impp-send", &["-m", "x", "bob@demo.test"][..]), ("impp-fetch", &["bob@demo.test"])] {
            let done = starved(site.tool(tool, "alice").args(args), files);
            let status = done.status.code().unwrap();
            assert!(
                promised(tool).contains(&status) && errors(&done).lines().count() <= 1,
                "{files}: {status} {}",
                errors(&done)
            );
            assert!(files > 4 || status == 70, "{status}: {}", errors(&done));
        }
    }
}

/// Nor does the relay blame a file, or a port, for what it has too few descriptors for.
#[test]
fn a_relay_with_too_few_files_says_so_and_does_not_start() {
    let site = Site::prepared("", &["alice"]);
    for files in [4, 8, 9, 12, 14, 17, 40, 63] {
        let done = starved(&site.relay_command(&["serve"]), files);
        let line = format!(
            "impp-relay: {files} open files are allowed, and 64 are needed besides connections; raise LimitNOFILE= or ulimit -n\n"
        );
        assert_eq!((done.status.code(), errors(&done)), (Some(70), line));
    }
    // Its other commands may have enough; if not, that is one line too.
    for files in 4..16 {
        let done = starved(&site.relay_command(&["check", "dns", "--resolver", "127.0.0.1:1"]), files);
        let status = done.status.code().unwrap();
        assert!(status != 101 && !errors(&done).contains("panicked"), "{files}: {status} {}", errors(&done));
    }
}

#[test]
fn input_that_is_none_or_never_ends() {
    let site = Site::with_users(&["alice", "bob"]);
    for (script, status, part) in [
        ("$SEND $BOB < /dev/null", 0, ""),
        ("$SEND $BOB <&-", 0, ""),
        ("$SEND --skip-empty $BOB < /dev/null", 0, ""),
        ("$SEND --lines $BOB < /dev/null", 0, ""),
        ("$SEND --ndjson <&-", 0, ""),
        ("$SEND $BOB < /", 66, "standard input"),
        ("yes | $SEND $BOB", 65, "more than 64M"),
        ("yes | $SEND --max-size 1K $BOB", 65, "--max-size is 1K"),
        ("yes | tr -d '\\n' | $SEND --lines $BOB", 65, "more than 64M"),
        ("yes | $SEND --max-size 1K --truncate --timeout 1s $BOB", 75, "did not end within 1 s"),
        ("yes | head -c 100M | $SEND --max-size 1K --truncate $BOB", 0, ""),
        ("tail -f /dev/null --pid=$$ | $SEND --timeout 1s $BOB", 75, "did not end within 1 s"),
        ("tail -f /dev/null --pid=$$ | $SEND --lines --timeout 1s $BOB", 75, "within 1 s"),
    ] {
        let done = shell(&site, script);
        assert_eq!(done.status.code(), Some(status), "{script}: {}", errors(&done));
        assert!(errors(&done).contains(part) && (part.is_empty() == errors(&done).is_empty()), "{script}: {}", errors(&done));
    }
    let came = received(&site, 3);
    assert_eq!(&came[..2], ["", ""], "an empty input is an empty message");
    assert!(
        came[2].starts_with("y\\ny\\n") && came[2].contains("octets left out") && came[2].ends_with("y\\ny\\n"),
        "{}",
        came[2]
    );
}

#[test]
fn output_that_nobody_takes() {
    let site = Site::with_users(&["alice", "bob"]);
    for (script, status, part) in [
        ("$SEND --json -m 1 $BOB >&-", 0, ""),
        ("$SEND --json -m 2 $BOB > /dev/full", 74, "no space left"),
        ("printf 3 | $SEND --tee $BOB > /dev/full", 74, "no space left"),
        ("echo 4 | $SEND --tee --lines $BOB > /dev/full", 74, "no space left"),
        ("$SEND -m 5 $BOB 2>&-", 0, ""),
        ("$SEND -vv --trace -m 6 $BOB 2> /dev/full", 0, ""),
        // What was sent counts, not who listened.
        ("($SEND --json -m 7 nobody@demo.test; echo $? >&2) | true", 0, "67"),
        ("($SEND --json -m 7 $BOB; echo $? >&2) | true", 0, "0"),
        ("$SEND --json -m 8 nobody@demo.test > /dev/full", 67, "no space left"),
    ] {
        let done = shell(&site, script);
        assert_eq!(done.status.code(), Some(status), "{script}: {}", errors(&done));
        assert!(errors(&done).contains(part), "{script}: {}", errors(&done));
    }
    assert_eq!(received(&site, 7), ["1", "2", "3", "4", "5", "6", "7"]);
}

/// An address on which connections are neither taken nor refused.
pub(crate) fn black_hole() -> (Socket, Vec<Socket>, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    // With its queue full the system drops whatever else comes.
    let filling = (0..8).map(|_| {
        let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        filler.set_nonblocking(true).unwrap();
        let _ = filler.connect(&address.into());
        filler
    });
    let filling = filling.collect();
    (socket, filling, address)
}

#[test]
fn a_network_that_says_nothing() {
    let site = Site::with_users(&["alice", "bob"]);
    let (_hole, _filling, hole) = black_hole();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let queue = format!("--queue={}", site.path("spool").display());
    for server in [hole, silent] {
        let server = server.to_string();
        for (args, status) in [
            (&["--timeout", "1s"][..], 75),
            (&["--connect-timeout", "1s"], 75),
            (&["--timeout", "2s", "--retry", "5"], 75),
            (&["--connect-timeout", "1s", &queue], 3),
            (&["--timeout", "1s", "--first-open"], 75),
            (&["--timeout", "1s", "--probe"], 75),
            (&["--timeout", "1s", "--wait", "none"], 75),
        ] {
            let begun = Instant::now();
            let done = run(&mut send(&site, &[args, &["--json", "--server", &server, "-m", "x", &at("bob")]].concat()), b"");
            let errors = errors(&done);
            assert!(begun.elapsed() < HANGS, "{server} {args:?}: {errors}");
            assert_eq!(done.status.code(), Some(status), "{server} {args:?}: {errors}");
            assert_eq!(errors.lines().count(), 1, "{errors}");
        }
        let begun = Instant::now();
        expect(3, &mut send(&site, &["--flush", &queue, "--connect-timeout", "1s", "--server", &server]), b"");
        assert!(begun.elapsed() < HANGS);
    }
    expect(0, &mut send(&site, &["--flush", &queue]), b"");
}

#[test]
fn a_connection_that_falls_silent() {
    let site = Site::with_users(&["alice", "bob"]);
    let proxy = Proxy::to(site.tls);
    let server = proxy.address.to_string();
    let mut tool = Tool::spawn(&mut send(&site, &["--lines", "--json", "--timeout", "3s", "--server", &server, &at("bob")]));
    tool.type_in("one\n");
    assert!(tool.line().contains("stored"));
    proxy.stall();
    let begun = Instant::now();
    tool.type_in("two\n");
    let errors = tool.errors().clone();
    assert_eq!(tool.end().code(), Some(75), "{}", errors.text());
    assert!(begun.elapsed() < HANGS);
    proxy.resume();
    // Half closed: the relay hears the end, and the answers still come.
    let half = Proxy::to(site.tls);
    let server = half.address.to_string();
    let mut tool = Tool::spawn(&mut send(&site, &["--lines", "--json", "--server", &server, &at("bob")]));
    tool.type_in("three\n");
    assert!(tool.line().contains("stored"));
    half.half_close();
    tool.type_in("four\n");
    assert!(tool.line().contains("stored"), "over a new connection");
    assert_eq!(tool.finish().0, 0);
    let came = received(&site, 3);
    assert!(came.iter().filter(|text| *text == "three" || *text == "four").count() >= 1, "{came:?}");
}

#[test]
fn a_bar_is_for_terminals() {
    if !has("script") {
        return;
    }
    let site = Site::with_users(&["alice", "bob"]);
    let mut bob = site.logged_in("bob", "by-hand", "Accept: messages\nMax-Body: 33554432\n");
    let body = site.write("body", "x\n".repeat(2 << 20));
    for (more, terminal, shown) in [("", true, true), ("-q", true, false), ("", false, false)] {
        let send = format!("{} -a alice {more} --file {} {}", program("impp-send"), body.display(), at("bob"));
        let mut command = bare(if terminal { "script" } else { "/bin/sh" });
        command.env("IMPP_CONFIG", site.path("impp.toml")).env("TERM", "xterm").env_remove("NO_COLOR");
        let mut tool = match terminal {
            true => Tool::spawn(command.args(["-qec", &send, "/dev/null"])),
            false => Tool::spawn(command.args(["-c", &send])),
        };
        // All of it has gone out, and bob has not answered yet.
        let message = bob.frame();
        if shown {
            tool.out().wait_for("6.29 MB/6.29 MB");
        }
        bob.accept(&message);
        let (out, errors) = (tool.out().clone(), tool.errors().clone());
        assert!(tool.end().success(), "{}", out.text());
        let said = out.all() + &errors.all();
        assert_eq!(said.contains("MB/"), shown, "{more} {terminal}: {said:?}");
        assert!(shown || said.is_empty(), "{said:?}");
    }
}

#[test]
fn a_bar_for_many_recipients_and_for_the_spool() {
    if !has("script") {
        return;
    }
    let many: Vec<String> = (0..30).map(|number| format!("user{number}")).collect();
    let mut site = Site::with_users(&["alice", "bob"]);
    site.add_silent_users(&many);
    site.kill();
    for number in 0..3 {
        expect(3, send(&site, &["--queue", "-m", &number.to_string(), &at("bob")]).env("IMPP_SPOOL", site.path("spool")), b"");
    }
    site.start();
    let to = many.iter().map(|user| at(user)).collect::<Vec<_>>().join(" ");
    // What is written to standard output is what it is without a bar.
    for (words, bar, records) in [(format!("-m x {to}"), "/30", 30), ("--flush".to_owned(), "/3", 3)] {
        let line = format!("{} -a alice --json {words} > {}", program("impp-send"), site.path("records").display());
        let mut command = bare("script");
        command.env("IMPP_CONFIG", site.path("impp.toml")).env("IMPP_SPOOL", site.path("spool")).env("TERM", "xterm");
        let shown = expect_text(0, command.env_remove("NO_COLOR").args(["-qec", &line, "/dev/null"]), "");
        assert!(shown.contains(bar) && shown.contains("impp-send"), "{words}: {shown:?}");
        let written = fs::read_to_string(site.path("records")).unwrap();
        assert_eq!(
            written.lines().filter(|line| line.starts_with("{\"v\":1,") && line.ends_with('}')).count(),
            records,
            "{written}"
        );
        assert_eq!(written.lines().count(), records, "{written}");
    }
}

#[test]
fn fifty_at_once() {
    const MANY: usize = 50;
    let site = Site::with("[limits]\nconnections-per-address = 500\n", &["alice", "bob"]);
    let slow = ["--timeout", "60s", "--connect-timeout", "60s"];
    let text = |number: usize| format!("number {number:02}");
    let tools: Vec<_> =
        (0..MANY).map(|number| Tool::spawn(send(&site, &["--json", "-m", &text(number), &at("bob")]).args(slow))).collect();
    for tool in tools {
        let errors = tool.errors().clone();
        let (status, told) = tool.finish();
        assert!(
            status == 0 && told.len() == 1 && told[0].contains("\"state\":\"stored\""),
            "{status} {told:?} {}",
            errors.text()
        );
    }
    let mut came = received(&site, MANY);
    came.sort();
    assert_eq!(came, (0..MANY).map(text).collect::<Vec<_>>(), "each once");
    expect(0, &mut send(&site, &["-m", "the end", &at("bob")]), b"");
    assert_eq!(received(&site, 1), ["the end"]);
}

#[test]
fn a_log_is_followed_over_a_restart_of_the_relay() {
    let mut site = Site::with_users(&["alice", "bob"]);
    let log = site.write("app.log", "");
    let mut append = fs::File::options().append(true).open(&log).unwrap();
    let write_to = |log: &mut fs::File, numbers: std::ops::Range<usize>| {
        log.write_all(numbers.map(|number| format!("line {number}\n")).collect::<String>().as_bytes()).unwrap();
    };
    let mut write = |numbers| write_to(&mut append, numbers);
    let mut tail = Command::new("tail");
    let mut tail = tail.args(["-n", "+1", "-F"]).arg(&log).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut tool = send(&site, &["--lines", "--json", &at("bob")]);
    let mut tool = tool.stdin(tail.stdout.take().unwrap()).stdout(Stdio::piped()).spawn().unwrap();
    let told = Said::listen(tool.stdout.take().unwrap());
    write(0..10);
    told.wait_for("stored");
    // Killed and stopped in turn, each time with lines under way; and the log is put aside and begun anew, as logrotate does.
    for round in 1..5 {
        let gone = round * 10;
        write(gone..gone + 5);
        if round % 2 == 0 {
            assert!(site.stop());
        } else {
            site.kill();
        }
        write(gone + 5..gone + 10);
        site.start();
        told.wait_for_times("stored", gone + 10);
    }
    fs::rename(&log, site.path("app.log.1")).unwrap();
    append = fs::File::create(&log).unwrap();
    write_to(&mut append, 50..60);
    told.wait_for_times("stored", 60);
    assert_eq!(received(&site, 60), (0..60).map(|number| format!("line {number}")).collect::<Vec<_>>(), "each once, in order");
    tail.kill().unwrap();
    tail.wait().unwrap();
    assert!(tool.wait().unwrap().success());
    expect(0, &mut send(&site, &["-m", "the end", &at("bob")]), b"");
    assert_eq!(received(&site, 1), ["the end"]);
}
