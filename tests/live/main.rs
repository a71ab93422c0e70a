//! The programs themselves, run against each other and against programs that others wrote.
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

mod answers;
mod callers;
mod durability;
mod enumeration;
mod lifecycle;
mod manners;
mod messages;
mod presence;
mod robustness;
mod secrets;
mod spool;
mod statuses;
mod strangers;
mod transcript;
