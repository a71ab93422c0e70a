//! Load for the relay, and the same load for other servers: CPU time per operation, throughput, latency, memory.
//!
//! `cargo bench --bench load` runs all rows against impp-relay; `cargo bench --bench load -- --help` says what else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    unreachable_pub,
    missing_docs,
    reason = "a benchmark ends where something is not as it should be, and speaks to whoever runs it"
)]

mod flow;
mod measure;
mod outcome;
mod peers;
mod rows;
mod server;
mod tls;

use clap::Parser;
use outcome::Outcome;
use peers::Peer;
use rows::Row;

/// Measures impp-relay, and other servers beside it.
#[derive(Parser, Debug)]
#[command(name = "load", max_term_width = 110)]
struct Args {
    /// Rows to run [default: all]
    #[arg(value_enum, value_name = "ROW")]
    rows: Vec<Row>,
    /// Servers to load; a row that one of them has no protocol for is left out for it
    #[arg(long, value_enum, value_delimiter = ',', default_value = "impp")]
    peers: Vec<Peer>,
    /// Over TLS as well, plain only, or TLS only
    #[arg(long, value_enum, default_value = "both")]
    tls: Protection,
    /// Do so many hundredths of the usual work
    #[arg(long, default_value_t = 100)]
    percent: usize,
    /// One JSON object per row
    #[arg(long)]
    json: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    Both,
    Plain,
    Tls,
}

fn main() {
    let args = Args::parse();
    let rows = if args.rows.is_empty() { Row::ALL.to_vec() } else { args.rows };
    // One thread makes the load: on a machine with two cores the other is the server's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if !args.json {
        println!("{}", Outcome::TITLES);
    }
    for row in rows {
        for tls in [false, true] {
            if args.tls == if tls { Protection::Plain } else { Protection::Tls } || !row.has(tls) {
                continue;
            }
            for peer in &args.peers {
                let show = |outcome: Outcome| if args.json { println!("{}", outcome.json()) } else { println!("{outcome}") };
                runtime.block_on(rows::run(row, *peer, tls, args.percent, show));
            }
        }
    }
}
