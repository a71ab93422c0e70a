//! What a relay as a process tells those who watch it, and what becomes of those who take more than they may.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    reason = "tests"
)]

mod exposition;
mod logins;
mod metrics;
mod packaging;
mod pages;
mod pressure;
#[path = "../support/mod.rs"]
mod support;

/// The line of configuration that opens the port for HTTP.
pub(crate) const HTTP: &str = "http = \"127.0.0.1:0\"\n";
