//! The tools as a person or script meets them: whole programs against a whole relay, statuses and output.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test they are the verdict")]

mod acl;
mod chart;
#[path = "../support/dns.rs"]
mod dns;
mod fetch;
mod fetch_set;
mod hostile;
#[path = "../support/records.rs"]
mod records;
mod recv;
mod send;
mod send_ways;
mod set;
mod site;
mod usage;
mod watch;
