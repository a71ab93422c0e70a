//! What is measured.

mod fan_out;
mod idle;
mod login;
mod pairs;

use crate::measure;
use crate::outcome::Outcome;
use crate::peers::Peer;
use std::time::{Duration, Instant};

/// One kind of load.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// 50 pairs, window 16, bodies of 100 octets, acknowledged by the receiver
    Pairs,
    /// 1 pair, window 1
    Pair,
    /// 1 to 1000
    FanOut,
    /// 1 to 10 000
    FanOutWide,
    /// 10 000 connections that do nothing
    Idle,
    /// 20 000 messages from 64 senders to users who are not there
    Stored,
    /// Connect and log in
    Login,
    /// Bodies of 1 MiB
    Large,
    /// 10 pairs, window 16, over a link between two relays
    Link,
}

impl Row {
    pub const ALL: [Self; 9] =
        [Self::Pairs, Self::Pair, Self::FanOut, Self::FanOutWide, Self::Idle, Self::Stored, Self::Login, Self::Large, Self::Link];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Pairs => "pairs",
            Self::Pair => "pair",
            Self::FanOut => "fan-out",
            Self::FanOutWide => "fan-out-wide",
            Self::Idle => "idle",
            Self::Stored => "stored",
            Self::Login => "login",
            Self::Large => "large",
            Self::Link => "link",
        }
    }

    /// Whether the row makes sense over TLS too.
    pub const fn has_tls(self) -> bool {
        !matches!(self, Self::Link | Self::FanOutWide)
    }
}

/// Runs one row against one server; `None` where that server has no such thing, or is not installed.
pub async fn run(row: Row, peer: Peer, tls: bool, percent: usize) -> Option<Outcome> {
    let part = |usual: usize| (usual * percent / 100).max(1);
    let outcome = match row {
        Row::Pairs => pairs::many(peer, tls, pairs::Load { pairs: 50, each: part(4000), window: 16, octets: 100 }).await,
        Row::Pair => pairs::many(peer, tls, pairs::Load { pairs: 1, each: part(20_000), window: 1, octets: 100 }).await,
        Row::Large => pairs::many(peer, tls, pairs::Load { pairs: 1, each: part(200), window: 4, octets: 1 << 20 }).await,
        Row::Stored => pairs::stored(peer, tls, pairs::Load { pairs: 64, each: part(1250), window: 16, octets: 100 }).await,
        Row::Link => pairs::over_a_link(peer, pairs::Load { pairs: 10, each: part(4000), window: 16, octets: 100 }).await,
        Row::FanOut => fan_out::run(peer, tls, 1000, part(100)).await,
        Row::FanOutWide => fan_out::run(peer, tls, 9500, part(20)).await,
        Row::Idle => idle::run(peer, tls, part(9500)).await,
        Row::Login => login::run(peer, tls, part(2000)).await,
    }?;
    Some(Outcome { row: row.name(), peer: peer.name(), tls, ..outcome })
}

/// Wall and CPU time, from when it was made.
struct Meter {
    processes: Vec<u32>,
    begun: Instant,
    cpu: Duration,
}

impl Meter {
    fn new(processes: Vec<u32>) -> Self {
        let cpu = processes.iter().map(|pid| measure::cpu(*pid)).sum();
        Self { processes, begun: Instant::now(), cpu }
    }

    fn outcome(&self, operations: usize, mut latencies: Vec<Duration>) -> Outcome {
        latencies.sort_unstable();
        let elapsed = self.begun.elapsed();
        let cpu: Duration = self.processes.iter().map(|pid| measure::cpu(*pid)).sum();
        let resident = self.processes.first().map(|pid| measure::resident(*pid));
        Outcome { operations, elapsed, cpu: Some(cpu.saturating_sub(self.cpu)), latencies, resident, ..Outcome::default() }
    }
}
