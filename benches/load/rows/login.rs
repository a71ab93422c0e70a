//! Connections that log in and leave; four at a time.

use super::Meter;
use crate::outcome::Outcome;
use crate::peers::Peer;
use crate::peers::impp::Relay;
use std::time::Instant;

const AT_ONCE: usize = 4;

pub async fn run(peer: Peer, tls: bool, many: usize) -> Option<Outcome> {
    let Peer::Impp = peer else { return None };
    let relay = Relay::start(AT_ONCE);
    let meter = Meter::new(vec![relay.server.pid()]);
    let one = async |user: usize| {
        let mut times = Vec::new();
        for _ in 0..many / AT_ONCE {
            let begun = Instant::now();
            drop(relay.connect(user, "login", false, tls).await);
            times.push(begun.elapsed());
        }
        times
    };
    let (a, b, c, d) = tokio::join!(one(0), one(1), one(2), one(3));
    Some(meter.outcome(many / AT_ONCE * AT_ONCE, [a, b, c, d].concat()))
}
