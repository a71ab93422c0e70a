//! Started as root the relay goes on as the owner of its data, with as many open files as it can have.

use super::support::{Site, expect_text, has};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

fn is_root() -> bool {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !root {
        eprintln!("skipped: only root has privileges to drop");
    }
    root
}

/// A user and group that every system has.
fn nobody() -> (u32, u32) {
    let number = |option| expect_text(0, Command::new("id").args([option, "nobody"]), "").trim().parse().unwrap();
    (number("-u"), number("-g"))
}

fn give_away(path: &Path, (uid, gid): (u32, u32)) {
    chown(path, Some(uid), Some(gid)).unwrap();
    for entry in fs::read_dir(path).into_iter().flatten() {
        give_away(&entry.unwrap().path(), (uid, gid));
    }
}

#[test]
fn root_becomes_the_owner_of_the_data_for_good() {
    if !is_root() || !has("id") {
        return;
    }
    let (uid, gid) = nobody();
    let mut site = Site::prepared("", &["alice", "bob"]);
    give_away(&site.path("."), (uid, gid));
    site.start();
    let line = site.log().find(|text| text.lines().find(|line| line.contains("relay starts")).map(str::to_owned)).unwrap();
    assert!(line.contains("\"user\":\"nobody\""), "{line}");
    for thread in fs::read_dir(format!("/proc/{}/task", site.pid())).unwrap() {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        let has = |name: &str, value: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            assert_eq!(line.split_whitespace().collect::<Vec<_>>().join(" "), value, "{status}");
        };
        has("Uid:", &format!("{uid} {uid} {uid} {uid}"));
        has("Gid:", &format!("{gid} {gid} {gid} {gid}"));
        has("Groups:", &gid.to_string());
        for set in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
            has(set, "0000000000000000");
        }
    }
    // It is whole: it writes what it is asked to keep, and users are added beside it.
    site.logged_in("alice", "owner-1", "").send_message("bob", "owner@demo.test", "kept");
    site.add_user("carl");
    let files = fs::read_dir(site.path("data")).unwrap().map(|entry| entry.unwrap());
    let roots: Vec<_> = files.filter(|file| file.metadata().unwrap().uid() != uid).map(|file| file.path()).collect();
    assert_eq!(roots, [""; 0].map(std::path::PathBuf::from), "left to root");
    assert!(site.stop());
}

#[test]
fn a_key_that_the_owner_cannot_read_is_78_at_once() {
    if !is_root() || !has("id") {
        return;
    }
    let site = Site::prepared("", &["alice"]);
    let everything = fs::Permissions::from_mode(0o755);
    fs::set_permissions(site.path("."), everything).unwrap();
    give_away(&site.path("data"), nobody());
    let done = super::support::run(&mut site.relay_command(&["serve"]), b"");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(78), "{said}");
    assert!(said.contains("key.pem") && said.to_lowercase().contains("permission denied"), "{said}");
}

#[test]
fn a_relay_of_root_is_warned() {
    if !is_root() {
        return;
    }
    let site = Site::with_users(&[]);
    assert!(site.log().text().contains("runs as root; make a user for it"), "{}", site.log().text());
}

#[test]
fn the_limit_of_open_files_is_raised_and_a_low_one_is_told() {
    let mut site = Site::prepared("", &[]);
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "ulimit -Sn 256 && ulimit -Hn 2000 && exec \"$@\"",
        "sh",
        super::support::program("impp-relay"),
        "serve",
        "-c",
    ]);
    command.arg(site.path("impp-relay.toml"));
    site.start_as(command);
    let limits = fs::read_to_string(format!("/proc/{}/limits", site.pid())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["2000", "2000"]);
    let log = site.log().text();
    let told = log.lines().find(|line| line.contains("too few open files for limits.connections")).expect(&log);
    assert!(told.contains("\"open_files\":2000") && told.contains("\"needed\":10064"), "{told}");
    assert!(log.lines().any(|line| line.contains("relay starts") && line.contains("\"open_files\":2000")), "{log}");
}
