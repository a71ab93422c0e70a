//! What is measured.

mod fan_out;
mod growth;
mod idle;
mod login;
mod one_shot;
mod pairs;
mod start;

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
    /// impp-send and mosquitto_pub over TLS with a password; CPU time is the client's
    OneShot,
    /// The same with mosquitto's default socket options
    OneShotDelayed,
    /// The same with ten times as many rounds of hashing
    OneShotHarder,
    /// From exec to the first answer
    Start,
    /// `pairs` beside 1000, 10 000 and 100 000 users
    GrowthUsers,
    /// Messages to 1000, 10 000 and 100 000 users, none of them there
    GrowthAbsent,
    /// 1 to 500 beside 1000, 10 000 and 100 000 subscriptions to others
    GrowthSubscriptions,
    /// `stored` into mailboxes in which 10 000, 100 000 and a million messages wait
    GrowthMailboxes,
    /// One user takes 1000, 10 000 and 100 000 stored messages
    GrowthDrain,
}

impl Row {
    pub const ALL: [Self; 18] = [
        Self::Pairs,
        Self::Pair,
        Self::FanOut,
        Self::FanOutWide,
        Self::Idle,
        Self::Stored,
        Self::Login,
        Self::Large,
        Self::Link,
        Self::OneShot,
        Self::OneShotDelayed,
        Self::OneShotHarder,
        Self::Start,
        Self::GrowthUsers,
        Self::GrowthAbsent,
        Self::GrowthSubscriptions,
        Self::GrowthMailboxes,
        Self::GrowthDrain,
    ];

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
            Self::OneShot => "one-shot",
            Self::OneShotDelayed => "one-shot-delayed",
            Self::OneShotHarder => "one-shot-harder",
            Self::Start => "start",
            Self::GrowthUsers => "growth-users",
            Self::GrowthAbsent => "growth-absent",
            Self::GrowthSubscriptions => "growth-subscriptions",
            Self::GrowthMailboxes => "growth-mailboxes",
            Self::GrowthDrain => "growth-drain",
        }
    }

    /// Whether it is there in the clear, or over TLS.
    pub const fn has(self, tls: bool) -> bool {
        match self {
            Self::OneShot | Self::OneShotDelayed | Self::OneShotHarder => tls,
            Self::Pairs | Self::Pair | Self::FanOut | Self::Idle | Self::Stored | Self::Login | Self::Large => true,
            _ => !tls,
        }
    }

    /// The sizes of a row that is run several times.
    const fn sizes(self) -> &'static [usize] {
        match self {
            Self::GrowthMailboxes => &growth::WAITING,
            Self::GrowthUsers | Self::GrowthAbsent | Self::GrowthSubscriptions | Self::GrowthDrain => &growth::SIZES,
            _ => &[0],
        }
    }
}

/// Runs one row against one server, once for each of its sizes; none where that server has no such thing, or is not installed.
pub async fn run(row: Row, peer: Peer, tls: bool, percent: usize, mut show: impl FnMut(Outcome)) {
    for size in row.sizes() {
        if let Some(outcome) = once(row, peer, tls, percent, *size).await {
            let size = (*size > 0).then_some(*size);
            show(Outcome { row: row.name(), size, peer: peer.name(), tls, ..outcome });
        }
    }
}

async fn once(row: Row, peer: Peer, tls: bool, percent: usize, size: usize) -> Option<Outcome> {
    let part = |usual: usize| (usual * percent / 100).max(1);
    match row {
        Row::Pairs => pairs::many(peer, tls, pairs::Load { pairs: 50, each: part(4000), window: 16, octets: 100 }).await,
        Row::Pair => pairs::many(peer, tls, pairs::Load { pairs: 1, each: part(20_000), window: 1, octets: 100 }).await,
        Row::Large => pairs::many(peer, tls, pairs::Load { pairs: 1, each: part(200), window: 4, octets: 1 << 20 }).await,
        Row::Stored => pairs::stored(peer, tls, pairs::Load { pairs: 64, each: part(1250), window: 16, octets: 100 }).await,
        Row::Link => pairs::over_a_link(peer, pairs::Load { pairs: 10, each: part(4000), window: 16, octets: 100 }).await,
        Row::FanOut => fan_out::run(peer, tls, 1000, part(100)).await,
        Row::FanOutWide => fan_out::run(peer, tls, 9500, part(20)).await,
        Row::Idle => idle::run(peer, tls, part(9500)).await,
        Row::Login => login::run(peer, tls, part(2000)).await,
        Row::OneShot => one_shot::run(peer, one_shot::Kind::Plain, part(200)).await,
        Row::OneShotDelayed => one_shot::run(peer, one_shot::Kind::Delayed, part(50)).await,
        Row::OneShotHarder => one_shot::run(peer, one_shot::Kind::Harder, part(50)).await,
        Row::Start => start::run(peer, part(50)),
        _ if peer != Peer::Impp => None,
        Row::GrowthUsers => Some(growth::users(size, part(4000)).await),
        Row::GrowthAbsent => Some(growth::absent(size, part(4000)).await),
        Row::GrowthSubscriptions => Some(growth::subscriptions(size, part(200)).await),
        Row::GrowthMailboxes => Some(growth::mailboxes(size, part(1250)).await),
        Row::GrowthDrain => Some(growth::drain(size).await),
    }
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
