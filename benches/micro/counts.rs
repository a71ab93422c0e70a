//! Runs one case for callgrind, which counts what happens within [`counted`]; without a case, says which there are.
#![forbid(unsafe_code)]
#![allow(dead_code, reason = "the tests use all of the relay")]

mod cases;

use cases::{CASES, Work};
use std::process::ExitCode;

/// Rounds before the counted ones: maps have grown, and what is done once is done.
const WARM_UP: usize = 4;
const ROUNDS: usize = 8;

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        for case in CASES {
            println!("{}\t{}\t{}", case.name, case.operations * ROUNDS, case.operation);
        }
        return ExitCode::SUCCESS;
    };
    let Some(case) = CASES.iter().find(|case| case.name == name) else {
        eprintln!("counts: there is no case {name}");
        return ExitCode::from(64);
    };
    let mut work = (case.make)();
    for _ in 0..WARM_UP {
        work.prepare();
        work.run();
    }
    for _ in 0..ROUNDS {
        work.prepare();
        counted(&mut *work);
    }
    // What the last round came to is checked too.
    work.prepare();
    ExitCode::SUCCESS
}

/// Callgrind knows this function by its name.
#[inline(never)]
fn counted(work: &mut dyn Work) {
    work.run();
}
