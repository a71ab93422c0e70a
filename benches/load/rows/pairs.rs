//! Messages from one to one.

use super::Meter;
use crate::flow;
use crate::outcome::Outcome;
use crate::peers::impp::Relay;
use crate::peers::mosquitto::Mosquitto;
use crate::peers::nats::Nats;
use crate::peers::{Peer, Receiving, Sending};
use std::time::Duration;
use tokio::task::JoinSet;

/// The servers that speak XMPP get a part of the work, lest they take most of the time.
const SLOWER: usize = 10;

/// How much.
#[derive(Clone, Copy)]
pub struct Load {
    pub pairs: usize,
    pub each: usize,
    pub window: usize,
    pub octets: usize,
}

/// Both ends connected; each message counts when its receiver has acknowledged it and its sender knows.
pub async fn many(peer: Peer, tls: bool, load: Load) -> Option<Outcome> {
    let mut ends = Vec::new();
    match peer {
        Peer::Impp => {
            let relay = Relay::start(2 * load.pairs);
            for pair in 0..load.pairs {
                let to = load.pairs + pair;
                let receiving = relay.receiving(to, tls).await;
                ends.push((relay.sending(pair, &relay.url(to), load.octets, tls).await, Some(receiving)));
            }
            Some(exchange(vec![relay.server.pid()], ends, load).await)
        }
        Peer::Mosquitto => {
            let broker = Mosquitto::start()?;
            for pair in 0..load.pairs {
                let topic = format!("to/{pair}");
                let receiving = broker.receiving(pair, &topic, tls).await;
                ends.push((broker.sending(pair, &topic, load.octets, false, tls).await, Some(receiving)));
            }
            Some(exchange(vec![broker.server.pid()], ends, load).await)
        }
        // Its default limit for a message is 1 MiB, headers included.
        Peer::Nats if tls || load.octets >= 1 << 20 => None,
        Peer::Nats => {
            let server = Nats::start()?;
            for pair in 0..load.pairs {
                let subject = format!("to.{pair}");
                let receiving = server.receiving(&subject).await;
                ends.push((server.sending(pair, &subject, load.octets).await, Some(receiving)));
            }
            Some(exchange(vec![server.server.pid()], ends, load).await)
        }
        // Their limits for a stanza are 256 KiB and less.
        Peer::Ejabberd | Peer::Prosody if load.octets >= 1 << 18 => None,
        Peer::Ejabberd | Peer::Prosody => {
            let load = Load { each: load.each.div_ceil(SLOWER), ..load };
            let server = peer.xmpp(load.pairs)?;
            for pair in 0..load.pairs {
                let receiving = server.receiving(pair, tls).await;
                ends.push((server.sending(pair, load.octets, tls).await, Some(receiving)));
            }
            Some(exchange(vec![server.server.pid()], ends, load).await)
        }
    }
}

/// Nobody is there: each message counts when its sender has been told that it is stored.
pub async fn stored(peer: Peer, tls: bool, load: Load) -> Option<Outcome> {
    let Peer::Impp = peer else { return None };
    let relay = Relay::start(2 * load.pairs);
    let mut ends = Vec::new();
    for sender in 0..load.pairs {
        ends.push((relay.sending(sender, &relay.url(load.pairs + sender), load.octets, tls).await, None));
    }
    Some(exchange(vec![relay.server.pid()], ends, load).await)
}

/// Senders in one domain, receivers in another; the CPU time of both relays counts.
pub async fn over_a_link(peer: Peer, load: Load) -> Option<Outcome> {
    let Peer::Impp = peer else { return None };
    let (here, there) = Relay::two(load.pairs);
    let mut ends = Vec::new();
    for pair in 0..load.pairs {
        let receiving = there.receiving(pair, false).await;
        ends.push((here.sending(pair, &there.url(pair), load.octets, false).await, Some(receiving)));
    }
    Some(exchange(vec![here.server.pid(), there.server.pid()], ends, load).await)
}

pub(super) async fn exchange(processes: Vec<u32>, ends: Vec<(Sending, Option<Receiving>)>, load: Load) -> Outcome {
    let warm_up = (load.each / 10).max(1);
    let (ends, _) = round(ends, warm_up, load.window).await;
    let meter = Meter::new(processes);
    let (_ends, latencies) = round(ends, load.each, load.window).await;
    meter.outcome(load.pairs * load.each, latencies)
}

async fn round(
    ends: Vec<(Sending, Option<Receiving>)>,
    each: usize,
    window: usize,
) -> (Vec<(Sending, Option<Receiving>)>, Vec<Duration>) {
    let mut tasks = JoinSet::new();
    for (mut sending, mut receiving) in ends {
        tasks.spawn(async move {
            let send = flow::send(&mut sending.stream, &mut *sending.protocol, each, window);
            let times = match &mut receiving {
                None => send.await,
                Some(end) => tokio::join!(send, flow::receive(&mut end.stream, &mut *end.protocol, each)).0,
            };
            ((sending, receiving), times)
        });
    }
    let (mut ends, mut latencies) = (Vec::new(), Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (end, times) = done.unwrap();
        ends.push(end);
        latencies.extend(times);
    }
    (ends, latencies)
}
