//! Connections that have logged in and say nothing.

use super::Meter;
use crate::measure;
use crate::outcome::Outcome;
use crate::peers::Peer;
use crate::peers::impp::Relay;
use crate::peers::mosquitto::Mosquitto;
use crate::peers::nats::Nats;

pub async fn run(peer: Peer, tls: bool, many: usize) -> Option<Outcome> {
    let mut streams = Vec::new();
    let (pid, rest);
    let (mut _relay, mut _broker, mut _server, mut _xmpp) = (None, None, None, None);
    match peer {
        Peer::Impp => {
            let relay = _relay.insert(Relay::start(many));
            pid = relay.server.pid();
            rest = measure::resident(pid);
            for user in 0..many {
                streams.push(relay.connect(user, "idle", true, tls).await);
            }
        }
        Peer::Mosquitto => {
            let broker = _broker.insert(Mosquitto::start()?);
            pid = broker.server.pid();
            rest = measure::resident(pid);
            for number in 0..many {
                streams.push(broker.connect(&format!("i{number}"), tls).await);
            }
        }
        Peer::Nats if tls => return None,
        Peer::Nats => {
            let server = _server.insert(Nats::start()?);
            pid = server.server.pid();
            rest = measure::resident(pid);
            for _ in 0..many {
                streams.push(server.connect().await);
            }
        }
        Peer::Ejabberd | Peer::Prosody => {
            let server = _xmpp.insert(peer.xmpp(many)?);
            pid = server.server.pid();
            rest = measure::resident(pid);
            for number in 0..many {
                streams.push(server.connect(number, tls).await);
            }
        }
    }
    let meter = Meter::new(vec![pid]);
    let outcome = meter.outcome(many, Vec::new());
    let octets_per_connection = outcome.resident.map(|resident| resident.saturating_sub(rest) / many as u64);
    Some(Outcome { cpu: None, resident: Some(rest), octets_per_connection, ..outcome })
}
