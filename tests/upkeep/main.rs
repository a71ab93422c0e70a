//! What keeps a relay's data over the years, run as an administrator runs it: backups, restores, upgrades, exports, and disks that fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    reason = "tests"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/promises/mod.rs"]
mod promises;

mod commands;
mod cut;
mod drill;
mod failing;
mod faults;
mod transfer;
mod upgrade;
