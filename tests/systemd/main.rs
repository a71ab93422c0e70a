//! The relay under a service manager, played by the tests: readiness, the watchdog, sockets passed in, privileges, the units.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::wildcard_imports,
    reason = "tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod alert;
mod manager;
mod notify;
mod privileges;
mod sockets;
mod units;
