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

#[path = "../support/promises/mod.rs"]
mod promises;

use promises::{Record, Stage, users};
use std::process::Stdio;
use std::sync::Arc;
use support::{Dice, Site, bare, program};

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
    let mut site = Site::with("[log]\nlevel = \"info\"\nformat = \"json\"\n", &users());
    let record = Arc::new(Record::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let stage = Stage::new(&site, record.clone());
    let mut actors = runtime.block_on(async { stage.begin() });
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
    runtime.block_on(stage.end(&mut actors));
    println!("{}", record.figures());
    println!("{starts_cut_short} of the kills hit a relay that was starting");
    drop(actors);
    runtime.shutdown_background();
}
