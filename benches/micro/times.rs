//! How long the cases take that `counts` counts: `cargo bench --manifest-path benches/micro/Cargo.toml`.
#![forbid(unsafe_code)]
#![allow(dead_code, reason = "the tests use all of the relay")]

mod cases;

use cases::CASES;
use divan::Bencher;
use divan::counter::ItemsCount;
use std::cell::RefCell;

fn main() {
    divan::main();
}

/// One round of each; items are its operations.
#[divan::bench(args = CASES.iter().map(|case| case.name), sample_size = 1)]
fn round(bencher: Bencher<'_, '_>, name: &str) {
    let case = CASES.iter().find(|case| case.name == name).expect("one of them");
    let work = RefCell::new((case.make)());
    bencher
        .counter(ItemsCount::new(case.operations))
        .with_inputs(|| work.borrow_mut().prepare())
        .bench_local_values(|()| work.borrow_mut().run());
}
