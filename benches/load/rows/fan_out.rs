//! One value to many: each round begins when the last of the round before has been told.

use super::Meter;
use crate::flow;
use crate::outcome::Outcome;
use crate::peers::impp::Relay;
use crate::peers::mosquitto::Mosquitto;
use crate::peers::nats::Nats;
use crate::peers::{Peer, Receiving, Sending};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

/// Octets of the value that the relay's row publishes, near enough.
const VALUE_OCTETS: usize = 60;

/// The latency is the time from the change to the last receiver's acknowledgement being on its way.
pub async fn run(peer: Peer, tls: bool, many: usize, rounds: usize) -> Option<Outcome> {
    let mut receivers = Vec::new();
    match peer {
        Peer::Impp => {
            let relay = Relay::start(many + 1);
            for user in 1..=many {
                receivers.push(relay.watching(user, 0, tls).await);
            }
            let publisher = relay.publishing(0, tls).await;
            Some(rounds_of(relay.server.pid(), publisher, receivers, rounds).await)
        }
        Peer::Mosquitto => {
            let broker = Mosquitto::start()?;
            for number in 0..many {
                receivers.push(broker.receiving(number, "presence", tls).await);
            }
            let publisher = broker.sending(0, "presence", VALUE_OCTETS, true, tls).await;
            Some(rounds_of(broker.server.pid(), publisher, receivers, rounds).await)
        }
        Peer::Nats if tls => None,
        Peer::Nats => {
            let server = Nats::start()?;
            for _ in 0..many {
                receivers.push(server.receiving("presence").await);
            }
            // Every receiver of a request would answer it; core messages are not acknowledged.
            let publisher = server.publishing("presence", VALUE_OCTETS).await;
            Some(rounds_of(server.server.pid(), publisher, receivers, rounds).await)
        }
        // Each subscription is written to two rosters, which takes them minutes for so many.
        Peer::Ejabberd | Peer::Prosody if many > 1000 => None,
        Peer::Ejabberd | Peer::Prosody => {
            let server = peer.xmpp(many)?;
            let (publisher, receivers) = server.published(many, tls).await;
            Some(rounds_of(server.server.pid(), publisher, receivers, rounds.div_ceil(5)).await)
        }
    }
}

pub(super) async fn rounds_of(pid: u32, mut publisher: Sending, receivers: Vec<Receiving>, rounds: usize) -> Outcome {
    let many = receivers.len();
    let told = Arc::new((AtomicUsize::new(0), Notify::new()));
    for receiver in receivers {
        tokio::spawn(take(receiver, many, Arc::clone(&told)));
    }
    let mut latencies = Vec::new();
    let mut meter = Meter::new(vec![pid]);
    // The first round warms up.
    for round in 0..=rounds {
        if round == 1 {
            latencies.clear();
            meter = Meter::new(vec![pid]);
        }
        let begun = Instant::now();
        flow::send(&mut publisher.stream, &mut *publisher.protocol, 1, 1).await;
        while told.0.load(Ordering::Relaxed) < many * (round + 1) {
            told.1.notified().await;
        }
        latencies.push(begun.elapsed());
    }
    meter.outcome(many * rounds, latencies)
}

async fn take(mut receiver: Receiving, many: usize, told: Arc<(AtomicUsize, Notify)>) {
    let (mut out, mut buffer) = (Vec::new(), vec![0; 2048]);
    while let Ok(read) = receiver.stream.read(&mut buffer).await {
        if read == 0 {
            return;
        }
        let taken = receiver.protocol.read(&buffer[..read], &mut out);
        if !out.is_empty() {
            receiver.stream.write_all(&out).await.unwrap();
            receiver.stream.flush().await.unwrap();
            out.clear();
        }
        if taken > 0 && (told.0.fetch_add(taken, Ordering::Relaxed) + taken).is_multiple_of(many) {
            told.1.notify_one();
        }
    }
}
