//! Hostile and unlucky peers cost only themselves; a full disk loses nothing that was acknowledged.

use crate::support::wire::message;
use crate::support::{Dice, Site, SmallDisk, Tool, Wire, at, expect, expect_text, program, run, until};
use std::io::Write as _;
use std::net::TcpStream;

/// A message from alice to bob gets through, right now.
fn still_works(site: &Site, what: &str) {
    expect(0, site.tool("impp-send", "alice").args(["-s", what, "-m", what, &at("bob")]), b"");
    let received = expect_text(0, site.tool("impp-recv", "bob").args(["--once", "--format", "{subject}\\n"]), "");
    assert_eq!(received.trim_end(), what);
}

#[test]
fn garbage_costs_only_its_own_connection() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut dice = Dice::new(3);
    let mut bystander = site.logged_in("alice", "bystander", "");
    for octets in [1, 100, 20_000, 200_000] {
        let garbage = dice.octets(octets);
        for mut wire in [site.plain_wire(), site.wire()] {
            let _ = wire.try_send(&garbage);
            if octets > 1 {
                let answer = wire.rest();
                assert!(answer.is_empty() || answer.starts_with(b"ERROR (UNKNOWN) 0 impp/1.0\r\n"), "{}", answer.escape_ascii());
            }
        }
        // The same where TLS is awaited.
        let mut tls = TcpStream::connect(site.tls).unwrap();
        let _ = tls.write_all(&garbage);
    }
    // A head without end, in the clear and after the login.
    for mut wire in [site.plain_wire(), site.logged_in("bob", "endless", "")] {
        let endless = format!("PING 1 impp/1.0\r\n{}", format!("X-Filler: {}\r\n", "x".repeat(1000)).repeat(40));
        let _ = wire.try_send(endless.as_bytes());
        let answer = wire.rest();
        assert!(answer.is_empty() || String::from_utf8_lossy(&answer).contains("malformed-request"), "{}", answer.escape_ascii());
    }
    still_works(&site, "after garbage");
    bystander.say("PING 9 impp/1.0\n\n");
    assert_eq!(bystander.frame().start(), "OK (PING) 9 impp/1.0", "who was connected all the time noticed nothing");
}

#[test]
fn an_oversize_body_is_refused_before_it_is_read() {
    let site = Site::with("[limits]\nbody = \"1M\"\n", &["alice", "bob"]);
    let announce = |wire: &mut Wire, octets: u64| {
        let head = format!("Message-ID: <x@demo.test>\nContent-Type: message/rfc822\nContent-Length: {octets}\n");
        wire.ask("SEND", "bob", &head, b"")
    };
    // Nothing of the body is ever sent, and still there is an answer; the connection ends, for it cannot be discarded.
    let mut wire = site.logged_in("alice", "oversize-1", "");
    let answer = announce(&mut wire, 999_999_999_999);
    assert_eq!((answer.header("Error"), answer.header("Max-Body")), (Some("message-too-large"), Some("1048576")));
    assert_eq!(wire.rest(), b"");
    // A body that is worth reading away is read away, and the connection goes on.
    let mut wire = site.logged_in("alice", "oversize-2", "");
    let answer = announce(&mut wire, 2 << 20);
    assert_eq!(answer.header("Error"), Some("message-too-large"));
    wire.send(&vec![b'x'; 2 << 20]);
    wire.say("PING 9 impp/1.0\n\n");
    assert_eq!(wire.frame().start(), "OK (PING) 9 impp/1.0");
    // Before the login even less is taken.
    let mut wire = site.wire();
    wire.say(
        "HELLO h impp/1.0\nDomain: demo.test\nConnection-ID: oversize-3\nContent-Type: text/plain\nContent-Length: 5000\n\n",
    );
    assert_eq!(wire.frame().header("Max-Body"), Some("4096"));
    still_works(&site, "after oversize bodies");
}

#[test]
fn a_receiver_that_does_not_read_holds_up_nobody_else() {
    let site = Site::with("[mailbox]\ndelivery-timeout = \"1s\"\n", &["alice", "bob", "carol"]);
    // Carol is connected, takes messages, and never reads: her side of the connection fills up.
    let carol = site.logged_in("carol", "stalled", "Accept: messages\nMax-Body: 33554432\n");
    let huge = site.write("huge", vec![b'x'; 8 << 20]);
    let mut senders: Vec<Tool> = (0..3)
        .map(|_| Tool::spawn(site.tool("impp-send", "alice").arg("--file").arg(&huge).args(["--json", &at("carol")])))
        .collect();
    for _ in 0..3 {
        still_works(&site, "beside a stalled receiver");
    }
    for sender in &mut senders {
        assert!(sender.end().success(), "{}", sender.errors().text());
        assert!(sender.out().all().contains("\"stored\""), "after the delivery timeout it is kept instead");
    }
    drop(carol);
    let received = expect_text(0, site.tool("impp-recv", "carol").args(["--count", "3", "--format", "{from}\\n"]), "");
    assert_eq!(received.lines().count(), 3, "and comes when she reads");
}

#[test]
fn a_thousand_half_open_connections_do_not_keep_a_client_out() {
    let many = open_files().saturating_sub(200).min(1000);
    let limits = "[limits]\nconnections-per-address = 5000\nlogins = 5000\n";
    let site = Site::with(limits, &["alice", "bob"]);
    let mut held = Vec::new();
    for number in 0..many {
        let address = if number % 2 == 0 { site.tls } else { site.plain };
        let mut stream = TcpStream::connect(address).unwrap();
        // Some say nothing at all, some begin and do not go on.
        let begun: &[u8] = match number % 4 {
            0 | 1 => b"",
            2 => b"\x16\x03\x01",
            _ => b"HELLO 1 impp/1.0\r\nDom",
        };
        stream.write_all(begun).unwrap();
        held.push(stream);
    }
    still_works(&site, "beside a thousand half-open connections");
    assert_eq!(held.len(), many);
}

/// How many files this process may have open, and the relay that it starts.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap_or(1024)
}

#[test]
fn one_address_cannot_take_all_places() {
    let site = Site::with("[limits]\nconnections-per-address = 20\n", &["alice", "bob"]);
    let held: Vec<Wire> = (0..20).map(|_| site.plain_wire()).collect();
    let mut one_more = site.plain_wire();
    assert_eq!(one_more.rest(), b"", "closed without a word");
    drop(held);
    still_works(&site, "when places are free again");
}

#[test]
fn a_full_disk_is_a_server_error_and_loses_nothing_acknowledged() {
    let mut site = Site::prepared("[limits]\nbody = \"1M\"\n", &["alice", "bob"]);
    let Some(disk) = SmallDisk::over(&site, "data", "size=8M") else { return };
    // Two ballast files keep some of the room back.
    for ballast in ["data/first", "data/second"] {
        let path = format!("of={}", site.path(ballast).display());
        expect(0, &mut disk.inside("dd", &["if=/dev/zero", &path, "bs=1M", "count=1", "status=none"]), b"");
    }
    let config = site.path("impp-relay.toml").display().to_string();
    let serve = || disk.inside(program("impp-relay"), &["serve", "-c", &config]);
    site.start_as(serve());
    let health = || {
        let done = run(&mut disk.inside(program("impp-relay"), &["health", "-c", &config]), b"");
        (done.status.code().unwrap(), String::from_utf8(done.stdout).unwrap())
    };
    assert_eq!(health().0, 0, "{}", health().1);
    let mut taken = Vec::new();
    fill_up(&mut site.logged_in("alice", "filler-1", ""), &mut taken);
    assert!(taken.len() > 5, "{taken:?}");
    let failed = run(site.tool("impp-send", "alice").args(["-m", &"x".repeat(45_000), &at("bob")]), b"");
    let errors = String::from_utf8_lossy(&failed.stderr);
    assert!(failed.status.code() == Some(75) && errors.contains("(server-error)"), "{errors}");
    // It can still write a page in the place of an older one, and yet it is full.
    until("health notices", || health().0 == 1);
    assert!(health().1.contains("ill   store-room: the disk is full: "), "{}", health().1);
    // Reading goes on.
    expect(1, site.tool("impp-fetch", "alice").arg(at("bob")), b"");

    // Killed with a full disk under it. With room again, all is there and all goes on.
    site.kill();
    expect(0, &mut disk.inside("rm", &[site.path("data/first").to_str().unwrap()]), b"");
    site.start_as(serve());
    let mut wire = site.logged_in("alice", "filler-2", "");
    fill_up(&mut wire, &mut taken);
    let receive = |count: &str| {
        let mut command = site.tool("impp-recv", "bob");
        command.args(["--format", "{id}\\n", "--count", count, "--session"]).arg(site.path("session"));
        expect_text(0, &mut command, "")
    };
    let received = receive(&taken.len().to_string());
    assert_eq!(received.lines().collect::<Vec<_>>(), taken, "each that was acknowledged, once, in order");
    // The relay had no room even to note that they were received, and may offer them again. They are not shown again, and
    // nothing is stuck.
    expect(0, &mut disk.inside("rm", &[site.path("data/second").to_str().unwrap()]), b"");
    assert_eq!(wire.send_message("bob", "room@demo.test", "room again").header("Delivery"), Some("stored"));
    assert_eq!(receive("1"), "<room@demo.test>\n");
}

/// Sends messages to bob until one is refused, which must be with server-error.
fn fill_up(wire: &mut Wire, taken: &mut Vec<String>) {
    let text = "x".repeat(40_000);
    loop {
        let id = format!("full-{}@demo.test", taken.len());
        let headers = format!("Message-ID: <{id}>\nContent-Type: message/rfc822\n");
        let answer = wire.ask("SEND", "bob", &headers, message("alice", "bob", &id, &text).as_bytes());
        match answer.header("Error") {
            None => taken.push(format!("<{id}>")),
            Some(error) => return assert_eq!(error, "server-error"),
        }
        assert!(taken.len() < 200, "8 MiB cannot hold this");
    }
}
