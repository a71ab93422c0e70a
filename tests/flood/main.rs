//! A flood, and what a good client notices of it: connections by the thousand, half of them stalled, slow readers, a sender
//! without measure.
//!
//! `cargo test --test flood -- --ignored --nocapture` floods in earnest and prints the figures of docs/reliability.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod crowd;
mod figures;
mod good;
#[path = "../support/mod.rs"]
mod support;

use crowd::Attack;
use figures::{Times, rss};
use good::Good;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use support::http::{get, http_of};
use support::{PATIENCE, Site, until};

/// How much of everything.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Connections that are opened and given up.
    pub(crate) attempts: usize,
    /// Connections that stop half-way in a handshake, a HELLO, an AUTH or a body.
    pub(crate) stalled: usize,
    /// Users' connections that take messages and do not read them.
    pub(crate) slow: usize,
    /// Rounds of the good client before the flood, and at least during it.
    pub(crate) rounds: usize,
}

/// Sessions of one user.
pub(crate) const SESSIONS: usize = 60;

#[test]
fn a_small_flood_drowns_nobody() {
    flood(Size { attempts: 500, stalled: 200, slow: 30, rounds: 20 });
}

#[test]
#[ignore = "takes minutes and all of the machine"]
fn a_flood_drowns_nobody() {
    // As many sockets as the flood needs; the relay sees to its own.
    let pid = std::process::id().to_string();
    let raised = Command::new("prlimit").args(["--pid", &pid, "--nofile=16384"]).status();
    assert!(raised.is_ok_and(|status| status.success()), "cannot have 16384 descriptors: prlimit is of util-linux");
    flood(Size { attempts: 20_000, stalled: 5000, slow: 1000, rounds: 300 });
}

fn flood(size: Size) {
    let slow_users: Vec<String> = (0..size.slow.div_ceil(SESSIONS)).map(|number| format!("slow{number}")).collect();
    let users: Vec<String> = ["alice", "bob", "flood"].map(str::to_owned).into_iter().chain(slow_users.clone()).collect();
    let mut site = Site::prepared("http = \"127.0.0.1:0\"\n[log]\nlevel = \"info\"\nformat = \"json\"\n", &[]);
    site.add_many_users(&users);
    site.start();
    let http = http_of(&site);
    let pid = site.pid();

    let mut good = Good::new(&site);
    good.round();
    let before_rss = rss(pid);
    let mut before = Times::default();
    for _ in 0..size.rounds {
        before.add(good.round());
    }
    let attack = Attack::begin(&site, size, slow_users);
    let mut during = Times::default();
    let (mut most, mut health) = (0, Vec::new());
    let begun = Instant::now();
    while !attack.is_over() || during.rounds() < size.rounds {
        during.add(good.round());
        most = most.max(rss(pid));
        if during.rounds() % 20 == 1 {
            health.push(get(http, "/healthz"));
        }
        assert!(begun.elapsed() < PATIENCE * 10, "the flood does not end");
    }
    let took = begun.elapsed();
    let metrics = get(http, "/metrics").1;
    let report = attack.end();
    let value = |series: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned));
        line.unwrap_or_default()
    };
    println!("flood: {report} in {:.0} s", took.as_secs_f64());
    println!("before: {before}\nduring: {during}");
    println!("memory: {} MiB before, {} MiB at most", before_rss >> 20, most >> 20);
    for limit in ["connections", "connections-per-address", "logins", "requests-per-second", "messages-per-second", "memory"] {
        println!("limits.{limit}: reached {} times", value(&format!("impp_limit_hits_total{{limit=\"limits.{limit}\"}}")));
    }
    println!("in flight at the end: {} octets unwritten", value("impp_in_flight_bytes{what=\"unwritten\"}"));
    println!("lines of log: {}", site.log().text().lines().count());

    let ill: Vec<_> = health.iter().filter(|(_, body)| body != "ok\n").collect();
    assert!(ill.is_empty(), "not well {} times of {}: {:?}", ill.len(), health.len(), ill.first());
    // limits.memory for connections, as much for requests, and what a process of this kind takes for so many connections.
    assert!(most < before_rss + (768 << 20), "{} MiB", most >> 20);
    assert!(site.log().text().lines().count() < 2000 + size.slow, "the flood fills the log");
    // When it is over, all is free again.
    until("the connections are gone", || {
        let metrics = get(http, "/metrics").1;
        metrics.lines().any(|line| line.strip_prefix("impp_connections ").is_some_and(|count| count.parse::<u32>().unwrap() <= 4))
    });
    drop(good);
    assert!(site.stop());
}

/// A flag that threads look at.
pub(crate) fn is_set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}
