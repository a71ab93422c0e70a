//! A relay that is killed at random moments under mixed load, and a record that knows what was acknowledged.
//!
//! The long run, whose figures stand in docs/reliability.md: `cargo test --test kills -- --ignored --nocapture`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod actors;
mod record;

use actors::Stage;
use record::Record;
use std::process::Stdio;
use std::sync::Arc;
use support::{Dice, PATIENCE, Site, bare, program};

/// Who takes part, and as what.
const SENDERS: [&str; 4] = ["sender-0", "sender-1", "sender-2", "sender-3"];
/// Always connected, as far as the relay lets them.
const PRESENT: [&str; 2] = ["present-0", "present-1"];
/// Connected now and then: their messages are stored.
const ABSENT: [&str; 2] = ["absent-0", "absent-1"];
const WATCHERS: [&str; 3] = ["watcher-0", "watcher-1", "watcher-2"];
const PUBLISHER: &str = "publisher";
/// Changes who may see its presence, and asks the guest each time whether that holds.
const OWNER: &str = "owner";
const GUEST: &str = "guest";

#[test]
fn what_was_acknowledged_survives_every_kill() {
    run(15, 1);
}

#[test]
#[ignore = "takes minutes; for the figures in docs/reliability.md"]
fn what_was_acknowledged_survives_five_hundred_kills() {
    run(500, 2026);
}

fn run(kills: usize, seed: u64) {
    let users: Vec<&str> = SENDERS.iter().chain(&PRESENT).chain(&ABSENT).chain(&WATCHERS).copied().collect();
    let users: Vec<&str> = users.into_iter().chain([PUBLISHER, OWNER, GUEST]).collect();
    let mut site = Site::with("[log]\nlevel = \"info\"\nformat = \"json\"\n", &users);
    let record = Arc::new(Record::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let stage = Stage::new(&site, record.clone());
    let actors = runtime.block_on(async { stage.begin() });
    let mut dice = Dice::new(seed);
    let mut starts_cut_short = 0;
    for round in 1..=kills {
        let enough = record.acknowledgements() + dice.between(1..60);
        record.wait("acknowledgements", |record| record.acknowledgements() >= enough || record.is_broken());
        // So that not only the moments right behind an acknowledgement are hit.
        for _ in 0..dice.between(0..400_000) {
            std::hint::spin_loop();
        }
        site.kill();
        record.killed();
        while dice.between(0..8) == 0 {
            // Killed again while it starts and reads what the last one left.
            let mut command = bare(program("impp-relay"));
            let command = command.args(["serve", "-c"]).arg(site.path("impp-relay.toml"));
            let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            for _ in 0..dice.between(0..20_000_000) {
                std::hint::spin_loop();
            }
            child.kill().unwrap();
            child.wait().unwrap();
            record.killed();
            starts_cut_short += 1;
        }
        site.start();
        assert!(!record.is_broken(), "{}", record.verdict());
        if round % 50 == 0 {
            eprintln!("{round} of {kills}");
        }
    }
    stage.end_of_load();
    runtime.block_on(async {
        for actor in actors.loads {
            tokio::time::timeout(PATIENCE, actor).await.expect("an actor finishes what it began").unwrap();
        }
    });
    record.wait("all that was acknowledged", |record| record.is_complete() || record.is_broken());
    record.wait("each watcher's newest value", |record| record.watchers_are_current(&WATCHERS) || record.is_broken());
    println!("{}", record.figures());
    println!("{starts_cut_short} of the kills hit a relay that was starting");
    assert!(!record.is_broken(), "{}", record.verdict());
    record.must_have_seen_everything();
    drop(actors.others);
    runtime.shutdown_background();
}
