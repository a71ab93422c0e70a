//! One message by a program that starts, logs in over TLS with a password, sends, hears that it arrived, and ends.

use crate::flow;
use crate::measure;
use crate::outcome::Outcome;
use crate::peers::Peer;
use crate::peers::impp::{DOMAIN, Relay, Stock};
use crate::peers::mosquitto::{Mosquitto, PASSWORD, Settings, USER};
use crate::server::find;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// The relay's rounds of hashing, if its configuration says nothing else.
const ITERATIONS: u32 = 10_000;
/// The client hashes its password so many times more in the row that tells what that costs.
const HARDER: u32 = 10;

/// How a row differs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Small segments go out at once.
    Plain,
    /// mosquitto as Debian sets it up: with Nagle's delay.
    Delayed,
    /// The relay's passwords are ten times harder to guess.
    Harder,
}

/// CPU time is the client's.
pub async fn run(peer: Peer, kind: Kind, many: usize) -> Option<Outcome> {
    match (peer, kind) {
        (Peer::Impp, Kind::Plain | Kind::Harder) => {
            let iterations = if kind == Kind::Harder { HARDER * ITERATIONS } else { ITERATIONS };
            let relay = Relay::with(&Stock { users: 2, iterations, ..Stock::default() });
            let folder = relay.server.folder();
            std::fs::write(folder.join("password"), "secret\n").unwrap();
            let mut receiving = relay.receiving(1, true).await;
            let taken =
                tokio::spawn(async move { flow::receive(&mut receiving.stream, &mut *receiving.protocol, many + 1).await });
            let mut command = Command::new(crate::server::sender());
            command.args(["--login", &format!("u0@{DOMAIN}"), "--server", &relay.server.tls.to_string(), "--wait", "delivered"]);
            command.arg("--pass-file").arg(folder.join("password")).arg("--ca").arg(folder.join("cert.pem"));
            command.args(["-m", "Disk is full", &format!("u1@{DOMAIN}")]);
            let outcome = repeat(&mut command, folder, many).await;
            taken.await.unwrap();
            Some(outcome)
        }
        (Peer::Mosquitto, Kind::Plain | Kind::Delayed) => {
            let broker = Mosquitto::with(Settings { no_delay: kind == Kind::Plain, password: true })?;
            let folder = broker.server.folder();
            let mut command = Command::new(find("mosquitto_pub")?);
            command.args(["-h", "127.0.0.1", "-p", &broker.server.tls.port().to_string(), "-q", "1", "-u", USER, "-P", PASSWORD]);
            command.arg("--cafile").arg(folder.join("cert.pem")).args(["-t", "to/1", "-m", "Disk is full"]);
            Some(repeat(&mut command, folder, many).await)
        }
        _ => None,
    }
}

async fn repeat(command: &mut Command, home: &Path, many: usize) -> Outcome {
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    // The first finds nothing in the page cache.
    once(command).await;
    let (begun, cpu) = (Instant::now(), measure::cpu_of_children());
    let mut latencies = Vec::new();
    for _ in 0..many {
        latencies.push(once(command).await);
    }
    latencies.sort_unstable();
    let cpu = Some(measure::cpu_of_children() - cpu);
    Outcome { operations: many, elapsed: begun.elapsed(), cpu, latencies, ..Outcome::default() }
}

async fn once(command: &mut Command) -> Duration {
    let begun = Instant::now();
    let status = command.status().await.unwrap();
    assert!(status.success(), "{command:?}: {status}");
    begun.elapsed()
}
