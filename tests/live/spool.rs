//! The spool of impp-send: nothing is lost, nothing comes twice, order is kept, and nobody else gets at it.

use crate::support::{DOMAIN, Site, SmallDisk, Tool, at, expect, expect_text, has, program, run, until};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

fn spool(site: &Site) -> PathBuf {
    site.path("spool")
}

/// impp-send of alice with the site's spool.
fn send(site: &Site, args: &[&str]) -> Command {
    let mut command = site.tool("impp-send", "alice");
    command.env("IMPP_SPOOL", spool(site)).args(args);
    command
}

/// The messages that lie in the spool.
fn queued(site: &Site) -> Vec<PathBuf> {
    let entries = fs::read_dir(spool(site)).unwrap().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "msg")).collect()
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The texts of bob's next messages.
fn receive(site: &Site, many: usize) -> Vec<String> {
    let many = many.to_string();
    let text = expect_text(0, site.tool("impp-recv", "bob").args(["--format", "{text}\\n", "--count", &many]), "");
    text.lines().map(str::to_owned).collect()
}

/// Nothing waits for bob: what is sent now is the next to come.
fn nothing_more(site: &Site) {
    expect(0, site.tool("impp-send", "alice").args(["-m", "the end", &at("bob")]), b"");
    assert_eq!(receive(site, 1), ["the end"]);
}

#[test]
fn what_was_queued_is_sent_once_and_in_order() {
    let mut site = Site::with_users(&["alice", "bob"]);
    site.kill();
    for number in 0..5 {
        let told = expect_text(3, &mut send(&site, &["--queue", "--json", "-m", &number.to_string(), &at("bob")]), "");
        let row = &rows(&told)[0];
        assert_eq!(
            (&row["state"], &row["error"], &row["code"], &row["retry"]),
            (&"queued".into(), &"network".into(), &3.into(), &true.into())
        );
    }
    assert_eq!(queued(&site).len(), 5);
    expect(3, &mut send(&site, &["--flush"]), b"");
    let list = rows(&expect_text(0, &mut send(&site, &["--queue-list", "--json"]), ""));
    assert_eq!(list.len(), 5);
    for row in &list {
        assert_eq!((&row["to"], &row["state"], &row["error"]), (&at("bob").into(), &"queued".into(), &"network".into()));
    }
    site.start();
    // A newer one does not overtake those that wait.
    expect(0, &mut send(&site, &["--queue", "-m", "5", &at("bob")]), b"");
    assert_eq!(queued(&site).len(), 0);
    expect(0, &mut send(&site, &["--flush"]), b"");
    assert_eq!(receive(&site, 6), ["0", "1", "2", "3", "4", "5"]);
    nothing_more(&site);
}

#[test]
fn fifty_at_once_into_one_spool() {
    const MANY: usize = 50;
    let mut site = Site::with("[limits]\nconnections-per-address = 500\n", &["alice", "bob"]);
    let all_at_once = |site: &Site, word: &str| -> Vec<i32> {
        let tools: Vec<_> = (0..MANY)
            .map(|number| {
                Tool::spawn(&mut send(
                    site,
                    &["--queue", "--timeout", "60s", "--connect-timeout", "60s", "-m", &format!("{word} {number}"), &at("bob")],
                ))
            })
            .collect();
        tools.into_iter().map(|tool| tool.finish().0).collect()
    };
    let expected = |word: &str| {
        let mut texts: Vec<_> = (0..MANY).map(|number| format!("{word} {number}")).collect();
        texts.sort();
        texts
    };
    let received = |site: &Site| {
        let mut texts = receive(site, MANY);
        texts.sort();
        texts
    };
    // The relay is there: each learns of its own message, whoever sent it.
    assert_eq!(all_at_once(&site, "up"), [0; MANY]);
    assert_eq!(queued(&site).len(), 0);
    assert_eq!(received(&site), expected("up"));
    // It is not: each is kept. Stopped in order, so that what was received is gone from its store.
    assert!(site.stop());
    assert_eq!(all_at_once(&site, "down"), [3; MANY]);
    assert_eq!(queued(&site).len(), MANY);
    site.start();
    // Several that work on it at the same time do not get in each other's way.
    let flushing: Vec<_> = (0..4).map(|_| Tool::spawn(&mut send(&site, &["--flush"]))).collect();
    for tool in flushing {
        assert_eq!(tool.finish().0, 0);
    }
    assert_eq!(received(&site), expected("down"));
    nothing_more(&site);
}

#[test]
fn killed_between_sending_and_the_answer() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut bob = site.logged_in("bob", "by-hand", "Accept: messages\n");
    let mut tool = Tool::spawn(&mut send(&site, &["--queue", "-m", "once", &at("bob")]));
    // It was sent and has arrived, and the answer is still to be made.
    let message = bob.frame();
    assert!(message.start().starts_with("SEND "), "{message:?}");
    tool.kill();
    bob.accept(&message);
    assert_eq!(queued(&site).len(), 1);
    let told = rows(&expect_text(0, &mut send(&site, &["--flush", "--json"]), ""));
    assert_eq!(told[0]["state"], "delivered", "answered like the first");
    assert_eq!(queued(&site).len(), 0);
    // What comes next to bob is something else.
    let next = Tool::spawn(&mut send(&site, &["-m", "the end", &at("bob")]));
    let message = bob.frame();
    assert!(String::from_utf8_lossy(&message.body).contains("the end"), "{message:?}");
    bob.accept(&message);
    assert_eq!(next.finish().0, 0);
}

#[test]
fn of_several_recipients_only_those_stay_who_have_it_not() {
    let site = Site::with("[mailbox]\nmax-messages = 1\n", &["alice", "bob", "carol"]);
    expect(0, &mut send(&site, &["-m", "fill", &at("carol")]), b"");
    let told = rows(&expect_text(
        2,
        &mut send(&site, &["--queue", "--json", "-m", "hello", &at("bob"), &at("carol"), &at("nobody")]),
        "",
    ));
    let state = |to: &str| told.iter().find(|row| row["to"] == at(to)).map(|row| row["state"].as_str().unwrap()).unwrap();
    assert_eq!((state("bob"), state("carol"), state("nobody")), ("stored", "queued", "failed"));
    let list = rows(&expect_text(0, &mut send(&site, &["--queue-list", "--json"]), ""));
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!((&list[0]["to"], &list[0]["error"]), (&at("carol").into(), &"mailbox-full".into()));
    // One who cannot have a message holds up nobody else.
    assert_eq!(receive(&site, 1), ["hello"]);
    expect(3, &mut send(&site, &["--queue", "-m", "more", &at("bob"), &at("carol")]), b"");
    assert_eq!(receive(&site, 1), ["more"]);
    let carol = |count: &str| expect_text(0, site.tool("impp-recv", "carol").args(["--body", "--count", count]), "");
    assert_eq!(carol("1"), "fill\n");
    expect(3, &mut send(&site, &["--flush"]), b"");
    assert_eq!(carol("1"), "hello\n");
    expect(0, &mut send(&site, &["--flush"]), b"");
    assert_eq!(carol("1"), "more\n");
    assert_eq!(queued(&site).len(), 0);
}

#[test]
fn nobody_else_can_read_the_spool_and_names_tell_nothing() {
    let mut site = Site::with_users(&["alice", "bob"]);
    site.kill();
    let secret = fs::read_to_string(site.path("alice.pass")).unwrap();
    expect(3, &mut send(&site, &["--queue", "-s", "merger", "-m", "on friday", &at("bob")]), b"");
    let mut seen = 0;
    let mut folders = vec![spool(&site)];
    while let Some(folder) = folders.pop() {
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            for word in ["alice", "bob", "merger", "friday", DOMAIN, secret.trim()] {
                assert!(!name.contains(word), "{name}");
            }
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            seen += 1;
            assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{name}");
            assert!(!String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).contains(secret.trim()), "{name}");
        }
    }
    assert!(seen >= 1);
    for mode in [0o770, 0o707, 0o755, 0o1777] {
        fs::set_permissions(spool(&site), fs::Permissions::from_mode(mode)).unwrap();
        for args in [&["--queue", "-m", "x", "bob@demo.test"][..], &["--flush"], &["--queue-list"]] {
            let done = run(&mut send(&site, args), b"");
            let errors = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.code() == Some(78) && errors.contains("chmod 700"), "{mode:o} {args:?}: {errors}");
        }
    }
    fs::set_permissions(spool(&site), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(queued(&site).len(), 1, "nothing was put into it meanwhile");
    // A folder above into which others can write is as bad.
    let open = site.path("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let done = run(send(&site, &["-m", "x", "bob@demo.test"]).arg(format!("--queue={}", open.join("spool").display())), b"");
    assert_eq!(done.status.code(), Some(78), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_spool_of_another_user_is_refused() {
    if !has("chown") || fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("skipped: only root can give a folder away");
        return;
    }
    let site = Site::with_users(&["alice"]);
    fs::create_dir(spool(&site)).unwrap();
    fs::set_permissions(spool(&site), fs::Permissions::from_mode(0o700)).unwrap();
    expect(0, Command::new("chown").arg("65534").arg(spool(&site)), b"");
    let done = run(&mut send(&site, &["--queue", "-m", "x", "bob@demo.test"]), b"");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.code() == Some(78) && errors.contains("belongs to another user"), "{errors}");
}

#[test]
fn a_full_disk_keeps_nothing_and_says_so_but_delivers_what_it_can() {
    let mut site = Site::with_users(&["alice", "bob"]);
    fs::create_dir(site.path("tiny")).unwrap();
    let Some(disk) = SmallDisk::over(&site, "tiny", "size=64k,nr_inodes=64") else { return };
    let body = site.write("body", "x".repeat(100_000));
    let (folder, config) = (site.path("tiny/spool"), site.path("impp.toml"));
    let inside = |args: &[&str]| {
        let mut command = disk.inside(program("impp-send"), &["-a", "alice", "--json", "--file", body.to_str().unwrap()]);
        let queue = format!("--queue={}", folder.display());
        command.env("IMPP_CONFIG", &config).arg(queue).args(args).arg(at("bob"));
        command
    };
    // It cannot be kept, and goes out all the same.
    assert!(expect_text(0, &mut inside(&[]), "").contains("\"stored\""));
    site.kill();
    let done = run(&mut inside(&[]), b"");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.code() == Some(74) && errors.to_lowercase().contains("no space left"), "{errors}");
    assert!(String::from_utf8_lossy(&done.stdout).contains("\"failed\""), "{errors}");
    let left = expect_text(0, &mut disk.inside("find", &[folder.to_str().unwrap(), "-name", "*.msg"]), "");
    assert_eq!(left, "", "nothing half written is taken for a message");
}

#[test]
fn a_signal_while_it_waits_leaves_the_message_in_the_spool() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut bob = site.logged_in("bob", "by-hand", "Accept: messages\n");
    let tool = Tool::spawn(&mut send(&site, &["--queue", "-m", "once", &at("bob")]));
    let message = bob.frame();
    tool.signal("TERM");
    let errors = tool.errors().clone();
    assert_eq!(tool.finish().0, 143);
    bob.accept(&message);
    assert!(errors.all().contains("stays in the spool"), "{}", errors.text());
    assert_eq!(queued(&site).len(), 1);
    expect(0, &mut send(&site, &["--flush"]), b"");
    assert_eq!(queued(&site).len(), 0);
}

#[test]
fn each_message_is_sent_by_the_account_that_it_came_from() {
    let mut site = Site::with_users(&["alice", "bob", "carol"]);
    site.kill();
    expect(3, &mut send(&site, &["--queue", "-m", "from alice", &at("bob")]), b"");
    let mut carol = site.tool("impp-send", "carol");
    expect(3, carol.env("IMPP_SPOOL", spool(&site)).args(["--queue", "-m", "from carol", &at("bob")]), b"");
    site.start();
    expect(0, &mut send(&site, &["--flush"]), b"");
    let mut command = site.tool("impp-recv", "bob");
    let text = expect_text(0, command.args(["--format", "{from} {text}\\n", "--count", "2"]), "");
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["alice@demo.test from alice", "carol@demo.test from carol"]);
}

#[test]
fn what_came_too_late_is_given_up_and_shown() {
    let mut site = Site::with_users(&["alice", "bob"]);
    site.kill();
    let begun = Instant::now();
    expect(3, &mut send(&site, &["--queue", "--expires", "1s", "-s", "stale", "-m", "late", &at("bob")]), b"");
    expect(3, &mut send(&site, &["--queue", "-m", "in time", &at("bob")]), b"");
    site.start();
    until("its second is over", || begun.elapsed() > Duration::from_millis(1100));
    let done = run(&mut send(&site, &["--flush", "--json"]), b"");
    let told = rows(&String::from_utf8_lossy(&done.stdout));
    let states: Vec<_> = told.iter().map(|row| (row["state"].as_str().unwrap(), row["error"].as_str())).collect();
    assert_eq!(states, [("failed", Some("expired")), ("stored", None)], "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!((done.status.code(), queued(&site).len()), (Some(2), 0));
    assert_eq!(fs::read_dir(spool(&site).join("dead")).unwrap().count(), 1);
    let list = rows(&expect_text(0, &mut send(&site, &["--queue-list", "--json"]), ""));
    assert_eq!((list.len(), &list[0]["state"], &list[0]["error"]), (1, &"failed".into(), &"expired".into()));
    assert_eq!(receive(&site, 1), ["in time"]);
    nothing_more(&site);
}

#[test]
fn a_login_that_fails_leaves_nothing_behind_and_flush_takes_nothing_away() {
    let mut site = Site::with_users(&["alice", "bob"]);
    site.kill();
    expect(3, &mut send(&site, &["--queue", "-m", "waits", &at("bob")]), b"");
    site.start();
    let wrong = site.write("wrong", "wrong\n");
    let wrong = ["--pass-file", wrong.to_str().unwrap()];
    expect(77, send(&site, &["--queue", "-m", "x", &at("bob")]).args(wrong), b"");
    assert_eq!(queued(&site).len(), 1, "whoever called knows, and calls again");
    expect(77, send(&site, &["--flush"]).args(wrong), b"");
    assert_eq!(queued(&site).len(), 1, "a wrong password is not the message's fault");
    expect(0, &mut send(&site, &["--flush"]), b"");
    assert_eq!(receive(&site, 1), ["waits"]);
    nothing_more(&site);
}

#[test]
fn a_password_that_comes_too_late_is_no_reason_to_lose_a_message() {
    let site = Site::with_users(&["alice", "bob"]);
    let late = ["--pass-cmd", "tail -f /dev/null --pid=$PPID", "--timeout", "1s"];
    expect(3, send(&site, &["--queue", "-m", "kept", &at("bob")]).args(late), b"");
    expect(75, send(&site, &["--flush"]).args(late), b"");
    expect(0, &mut send(&site, &["--flush"]), b"");
    assert_eq!(receive(&site, 1), ["kept"]);
}

#[test]
fn lines_go_through_the_spool_while_the_relay_is_away() {
    let mut site = Site::with_users(&["alice", "bob"]);
    let mut tail = Tool::spawn(&mut send(&site, &["--lines", "--queue", "--json", &at("bob")]));
    tail.type_in("one\n");
    assert!(tail.line().contains("\"stored\""));
    site.kill();
    tail.type_in("two\nthree\n");
    for _ in 0..2 {
        assert!(tail.line().contains("\"queued\""), "the pipe goes on");
    }
    site.start();
    for _ in 0..2 {
        assert!(tail.line().contains("\"stored\""), "by itself, without another line");
    }
    tail.type_in("four\n");
    assert_eq!(tail.finish().0, 0);
    assert_eq!(receive(&site, 4), ["one", "two", "three", "four"]);
    assert_eq!(queued(&site).len(), 0);
    nothing_more(&site);
}
