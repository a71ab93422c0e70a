//! RFC 2779, one test per requirement, on relays and tools that run; docs/coverage.md has the table that comes of it.
//!
//! A test is called `r_5_1_15_..` after its requirement, and its first line says the requirement in our words.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    reason = "tests"
)]

#[allow(dead_code, reason = "the tests of links use the rest")]
#[path = "../links/country.rs"]
mod country;
mod person;
mod smime;
#[path = "../support/mod.rs"]
mod support;
mod tap;
mod town;

mod access;
mod caching;
mod forger;
mod format;
mod lookup;
mod message;
mod messages;
mod names;
mod outcome;
mod protection;
mod publishing;
mod receiving;
mod rows;
mod scale;
mod schema;
mod speed;
mod subscriptions;
mod systems;
mod table;
mod topology;
