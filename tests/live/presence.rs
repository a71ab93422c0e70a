//! Presence: asked for once, watched, leased, refused, concealed; and all of that over a bad network.

use crate::support::{Proxy, Site, Tool, at, expect, expect_text, run, until};
use impp::cli::tools::MANUALS;
use serde_json::Value;
use std::net::TcpListener;
use std::process::Command;

/// Leases that end while a test waits.
const SHORT_LEASES: &str = "[lease]\nmin = \"1s\"\n";

/// Runs impp-set for somebody.
fn set(site: &Site, user: &str, args: &[&str]) {
    expect(0, site.tool("impp-set", user).args(args), b"");
}

/// Runs impp-acl for somebody.
fn rule(site: &Site, user: &str, args: &[&str]) {
    expect(0, site.tool("impp-acl", user).args(args), b"");
}

/// A watch with one JSON object per line.
fn watch(command: &mut Command) -> Tool {
    Tool::spawn(command.arg("--json"))
}

/// The next line, in short: `status why note`.
fn state(watch: &mut Tool) -> String {
    brief(&record(watch))
}

fn record(watch: &mut Tool) -> Value {
    serde_json::from_str(&watch.line()).unwrap()
}

fn brief(record: &Value) -> String {
    let word = |name: &str| record[name].as_str().unwrap_or("-");
    format!("{} {} {}", word("status"), word("why"), word("note"))
}

#[test]
fn each_exit_status_of_fetch() {
    let site = Site::with_users(&["alice", "bob", "carol", "dora", "eve"]);
    set(&site, "bob", &["open"]);
    rule(&site, "dora", &["deny", "fetch", &at("alice")]);
    site.write("eve.pass", "a wrong one\n");
    // A port at which nobody listens, and one at which nobody answers.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_address = silent.local_addr().unwrap().to_string();
    let rows: &[(&str, &str, &[&str], i32)] = &[
        ("open", "alice", &["bob@demo.test"], 0),
        ("never set", "alice", &["carol@demo.test"], 1),
        ("one of each", "alice", &["bob@demo.test", "carol@demo.test"], 2),
        ("one of each, --any", "alice", &["--any", "bob@demo.test", "carol@demo.test"], 0),
        ("one of each, --all", "alice", &["--all", "bob@demo.test", "carol@demo.test"], 1),
        ("an open one and an unknown one", "alice", &["bob@demo.test", "nobody@demo.test"], 2),
        ("unknown", "alice", &["nobody@demo.test"], 67),
        ("nobody listens", "alice", &["--server", &nobody, "bob@demo.test"], 75),
        ("nobody answers", "alice", &["--server", &silent_address, "--connect-timeout", "1s", "bob@demo.test"], 75),
        ("nobody answers in all the time", "alice", &["--server", &silent_address, "--timeout", "1s", "bob@demo.test"], 75),
        ("withheld by the rules", "alice", &["dora@demo.test"], 3),
        ("wrong password", "eve", &["bob@demo.test"], 77),
        ("wrong flag", "alice", &["--frobnicate", "bob@demo.test"], 64),
    ];
    for (what, who, args, status) in rows {
        let done = run(site.tool("impp-fetch", who).args(*args), b"");
        let errors = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(*status), "{what}: {errors}");
        assert_eq!(errors.is_empty(), *status <= 3 && !args.contains(&"nobody@demo.test"), "{what}: {errors}");
    }
    // The cron line of the manual: trouble with the network is no alarm, an empty office is.
    site.write("list", "carol@demo.test\n");
    for (server, alarm) in [(site.tls.to_string(), true), (nobody, false)] {
        let script = format!(
            "{} -q --any --list {} || [ $? -ne 1 ] || echo alarm",
            crate::support::program("impp-fetch"),
            site.path("list").display()
        );
        let mut sh = Command::new("sh");
        sh.args(["-c", &script])
            .env("IMPP_CONFIG", site.path("impp.toml"))
            .env("IMPP_ACCOUNT", "alice")
            .env("IMPP_SERVER", server);
        assert_eq!(expect_text(0, &mut sh, "").contains("alarm"), alarm);
    }
}

#[test]
fn a_watch_tells_the_state_each_change_and_the_end() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut alice = Tool::spawn(site.tool("impp-watch", "alice").arg(at("bob")));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let first = words(&alice.line());
    assert_eq!((first[0].as_str(), first[1].as_str(), first.last().unwrap().as_str()), ("bob@demo.test", "closed", "initial"));
    set(&site, "bob", &["open", "--activity", "away", "--note", "lunch"]);
    let line = alice.line();
    assert!(line.starts_with("bob@demo.test  open  away  \"lunch\"  ") && line.ends_with("  change"), "{line}");
    rule(&site, "bob", &["deny", "subscribe", &at("alice")]);
    let line = alice.line();
    assert!(line.ends_with("  terminated"), "{line}");
    let errors = alice.errors().clone();
    assert_eq!(alice.finish(), (77, vec![]), "nobody is left to be watched");
    assert!(errors.all().contains("cannot go on watching bob@demo.test: permission-denied"), "{}", errors.text());
    // Who comes now is refused at once.
    let mut late = watch(site.tool("impp-watch", "alice").arg(at("bob")));
    let refused = record(&mut late);
    assert_eq!((&refused["why"], &refused["error"]), (&"refused".into(), &"permission-denied".into()), "{refused}");
    assert_eq!(late.finish().0, 77);
    // And the owner knows.
    let watchers = expect_text(0, site.tool("impp-acl", "bob").args(["refused"]), "");
    assert!(watchers.contains("alice@demo.test"), "{watchers}");
}

#[test]
fn a_publisher_that_is_killed_is_closed_when_its_lease_ends() {
    let site = Site::with(SHORT_LEASES, &["alice", "bob"]);
    set(&site, "bob", &["closed", "--note", "at home"]);
    let mut alice = watch(site.tool("impp-watch", "alice").arg(at("bob")));
    assert_eq!(state(&mut alice), "closed initial at home");
    let mut bob = Tool::spawn(site.tool("impp-set", "bob").args(["open", "--hold", "--lease", "2s", "--note", "at work"]));
    assert_eq!(state(&mut alice), "open change at work");
    bob.kill();
    assert_eq!(state(&mut alice), "closed lease-expired at home");
    // One that ends in order does not wait for the lease.
    let bob = Tool::spawn(site.tool("impp-set", "bob").args(["open", "--hold", "--lease", "1h", "--note", "back"]));
    assert_eq!(state(&mut alice), "open change back");
    bob.signal("TERM");
    assert_eq!(state(&mut alice), "closed change at home");
    assert_eq!(bob.finish().0, 143);
    // And one that lives renews: three times the lease, with a second watcher's word that nothing changed meanwhile.
    let mut bob = Tool::spawn(site.tool("impp-set", "bob").args(["open", "--hold", "--lease", "1s", "--note", "here"]));
    assert_eq!(state(&mut alice), "open change here");
    set(&site, "alice", &["open", "--lease", "1s"]);
    for _ in 0..3 {
        // Another's lease of the same length is the clock.
        let mut clock = watch(site.tool("impp-watch", "bob").arg(at("alice")).args(["--until", "closed"]));
        while state(&mut clock).starts_with("open") {}
        set(&site, "alice", &["open", "--lease", "1s"]);
    }
    set(&site, "bob", &["closed", "--note", "gone for good"]);
    bob.kill();
    assert_eq!(state(&mut alice), "closed change gone for good", "no end of the lease in between");
}

#[test]
fn a_watch_renews_its_own_lease() {
    let site = Site::with(SHORT_LEASES, &["alice", "bob"]);
    let mut alice = watch(site.tool("impp-watch", "alice").arg(at("bob")).args(["--lease", "1s"]));
    assert_eq!(state(&mut alice), "closed initial -");
    for round in 0..3 {
        set(&site, "bob", &["open", "--lease", "1s", "--note", &round.to_string()]);
        assert_eq!(state(&mut alice), format!("open change {round}"));
        assert_eq!(state(&mut alice), "closed lease-expired -");
    }
    let watchers = expect_text(0, site.tool("impp-acl", "bob").args(["watchers", "--json"]), "");
    assert_eq!(watchers.lines().count(), 1, "one subscription, renewed: {watchers}");
}

#[test]
fn a_watch_that_is_stopped_longer_than_its_lease_goes_on_with_the_newest_state() {
    let site = Site::with(SHORT_LEASES, &["alice", "bob"]);
    let mut alice = watch(site.tool("impp-watch", "alice").arg(at("bob")).args(["--lease", "1s"]));
    assert_eq!(state(&mut alice), "closed initial -");
    alice.signal("STOP");
    until("the subscription is over", || {
        !expect_text(0, site.tool("impp-acl", "bob").args(["watchers"]), "").contains("alice@demo.test")
    });
    set(&site, "bob", &["open", "--note", "meanwhile"]);
    alice.signal("CONT");
    while state(&mut alice) != "open change meanwhile" {}
    set(&site, "bob", &["open", "--note", "and on"]);
    assert_eq!(newest(&mut alice, "and on"), "open change and on", "subscribed again");
}

#[test]
fn a_watcher_over_a_cut_connection_has_the_newest_state() {
    let site = Site::with_users(&["alice", "bob"]);
    set(&site, "bob", &["open", "--note", "0"]);
    let proxy = Proxy::to(site.tls);
    let mut alice = watch(site.tool("impp-watch", "alice").args(["--server", &proxy.address.to_string()]).arg(at("bob")));
    assert_eq!(state(&mut alice), "open initial 0");

    // Cut while nothing goes on, and away while three things happen: the newest counts.
    proxy.refuse(true);
    proxy.cut();
    assert!(state(&mut alice).contains(" lost "));
    for note in ["1", "2", "3"] {
        set(&site, "bob", &["open", "--note", note]);
    }
    proxy.refuse(false);
    assert_eq!(newest(&mut alice, "3"), "open change 3");

    // Cut in the middle of a notification: it got into the network and was never acknowledged.
    proxy.stall();
    set(&site, "bob", &["closed", "--note", "4"]);
    proxy.cut();
    proxy.resume();
    assert_eq!(newest(&mut alice, "4"), "closed change 4");

    // The relay is told that no more will come, and takes that for the end.
    proxy.half_close();
    set(&site, "bob", &["open", "--note", "5"]);
    assert_eq!(newest(&mut alice, "5"), "open change 5");

    // The relay itself goes away, and comes back without any memory of the session.
    let mut site = site;
    site.kill();
    site.start();
    set(&site, "bob", &["open", "--note", "6"]);
    assert_eq!(newest(&mut alice, "6"), "open change 6");
    alice.signal("TERM");
    assert_eq!(alice.finish().0, 143);
}

/// Reads on to the line that brings this note as news. What was known before may be told again, nothing newer may be missing.
fn newest(watch: &mut Tool, note: &str) -> String {
    loop {
        let record = record(watch);
        if record["note"] == note && record["why"] != "resumed" {
            return brief(&record);
        }
    }
}

#[test]
fn the_concealed_see_closed_and_never_learn_why() {
    let site = Site::with_users(&["alice", "bob", "carol"]);
    set(&site, "bob", &["open", "--note", "in the office", "--card", "tel=123"]);
    let mut alice = watch(site.tool("impp-watch", "alice").arg(at("bob")));
    assert_eq!(state(&mut alice), "open initial in the office");
    rule(&site, "bob", &["conceal", "fetch,subscribe", &at("alice")]);
    assert_eq!(state(&mut alice), "closed change -");
    let fetch = |site: &Site, who: &str| run(site.tool("impp-fetch", who).args(["--xml", &at("bob")]), b"");
    let seen = fetch(&site, "alice");
    assert_eq!(seen.status.code(), Some(1));
    let xml = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert_eq!(xml.trim_end(), "<presence><entity>impp://demo.test/bob</entity><status>closed</status></presence>");
    set(&site, "bob", &["open", "--note", "still here"]);
    assert_eq!(fetch(&site, "carol").status.code(), Some(0), "the others see it");
    // Nothing reached the concealed meanwhile: the next that comes is the end of the concealment.
    rule(&site, "bob", &["default"]);
    assert_eq!(state(&mut alice), "open change still here");
}

#[test]
fn versions_grow_over_restarts_and_leases_outlive_them() {
    let mut site = Site::with_users(&["alice", "bob"]);
    let version = |site: &Site| {
        let text = run(site.tool("impp-fetch", "alice").args(["--json", &at("bob")]), b"").stdout;
        let record: Value = serde_json::from_slice(&text).unwrap();
        (record["version"].as_u64().unwrap_or_else(|| panic!("{record}")), record["status"].as_str().unwrap().to_owned())
    };
    let mut seen = vec![version(&site).0];
    assert_eq!(seen, [0], "never set");
    for round in 0..3 {
        set(&site, "bob", &["open", "--lease", "1h", "--note", &round.to_string()]);
        let before = version(&site);
        if round == 1 {
            assert!(site.stop())
        } else {
            site.kill()
        }
        site.start();
        assert_eq!(version(&site), before, "the leased value stands, under its version");
        assert!(before.0 > *seen.last().unwrap(), "{before:?} after {seen:?}");
        seen.push(before.0);
    }
}

#[test]
fn a_lease_that_ends_while_the_relay_is_down_is_over_when_it_comes_back() {
    let mut site = Site::with(SHORT_LEASES, &["alice", "bob"]);
    set(&site, "bob", &["open", "--lease", "1s"]);
    assert!(site.stop());
    // The clock that we may use here is a file's: one more lease of the same length, kept by another relay.
    let other = Site::with(SHORT_LEASES, &["alice", "bob"]);
    set(&other, "bob", &["open", "--lease", "1s"]);
    let mut clock = watch(other.tool("impp-watch", "alice").arg(at("bob")).args(["--until", "closed"]));
    while state(&mut clock).starts_with("open") {}
    site.start();
    expect(1, site.tool("impp-fetch", "alice").arg(at("bob")), b"");
}

/// The lines of the recipe in the documents, as a person copies them: `* * * * *` of a crontab left out. The manual has the same.
fn recipe() -> Vec<String> {
    let document = std::fs::read_to_string("docs/sending.md").unwrap();
    let section = document.split_once("## A dead man's switch\n").unwrap().1.split_once("\n## ").unwrap().0;
    let lines: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let (_, manual) = MANUALS.iter().find(|(tool, _)| *tool == "impp-set").unwrap();
    let chapter = manual.chapters.iter().find(|chapter| chapter.title == "A DEAD MAN'S SWITCH").unwrap();
    let told: Vec<&str> = chapter.text.iter().filter_map(|paragraph| paragraph.strip_prefix("    ")).collect();
    assert_eq!(lines, told, "left: docs/sending.md, right: impp-set(1)");
    lines.iter().map(|line| line.trim_start_matches("*/5 * * * * ").to_owned()).collect()
}

#[test]
fn the_dead_mans_switch_of_the_documents() {
    let site = Site::with(SHORT_LEASES, &["machine", "guard", "ops"]);
    let lines = recipe();
    let [alive, watched, asked] = lines.as_slice() else { panic!("another recipe: {lines:#?}") };
    // The same lines, as the accounts of the two machines.
    let shell = |account: &str, line: &str| {
        let mut shell = Command::new("sh");
        let line = line.replace("machine@example.org", "machine@demo.test").replace(" ops", " ops@demo.test");
        let programs = std::path::Path::new(crate::support::program("impp-set")).parent().unwrap();
        shell.args(["-c", &line]).env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
        shell.env("IMPP_CONFIG", site.path("impp.toml")).env("IMPP_ACCOUNT", account);
        shell
    };
    // In place of its shell, so that it is what ends with the test.
    let mut guard = Tool::spawn(&mut shell("guard", &format!("exec {watched}")));
    let mut clock = watch(site.tool("impp-watch", "guard").arg(at("machine")));
    assert_eq!(state(&mut clock), "closed initial -");
    // Cron runs for a while: not a word.
    for _ in 0..3 {
        expect(0, &mut shell("machine", alive), b"");
        expect(0, &mut shell("guard", asked), b"");
    }
    assert_eq!(state(&mut clock), "open change -");
    let inbox = || run(site.tool("impp-recv", "ops").args(["--once", "--timeout", "3s", "--format", "{from} {text}"]), b"");
    assert_eq!(inbox().status.code(), Some(1), "nothing yet");
    // The last sign of the machine; the lease is one that a test can wait for.
    expect(0, &mut shell("machine", &alive.replace("12m", "1s")), b"");
    while state(&mut clock) != "closed lease-expired -" {}
    let told = expect_text(0, site.tool("impp-recv", "ops").args(["--once", "--format", "{from} {text}"]), "");
    assert_eq!(told.trim_end(), "guard@demo.test machine@demo.test is silent");
    expect(0, &mut shell("guard", asked), b"");
    let told = expect_text(0, site.tool("impp-recv", "ops").args(["--once", "--format", "{text}"]), "");
    assert_eq!(told.trim_end(), "the machine is silent");
    guard.signal("TERM");
    guard.close_stdin();
}
