//! Links between domains: relays as processes, found by nothing but the DNS.
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

mod country;
mod cuts;
mod exchange;
mod hostile;
mod many;
mod path;
mod restarts;
mod trust;
