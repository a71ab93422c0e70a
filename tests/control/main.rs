//! Commands to a relay that runs: what they show, what they change, and what they leave as it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    missing_docs,
    reason = "tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod drain;
#[path = "../systemd/manager.rs"]
#[allow(dead_code, reason = "its own tests use the rest")]
mod manager;
mod people;
mod reload;
mod rules;
mod socket;
mod status;

use serde_json::Value;
use support::Site;

/// The JSON lines of a command that succeeds.
#[track_caller]
fn asked(site: &Site, words: &[&str]) -> Vec<Value> {
    let out = site.administer(&[words, &["--json"]].concat());
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Status, standard output and standard error of a command.
fn ran(site: &Site, words: &[&str]) -> (i32, String, String) {
    let done = site.relay_command(words).output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}
