//! The same work with ten and a hundred times as much around it: what one message costs must not grow with that.

use super::pairs::{self, Load};
use super::{Meter, fan_out};
use crate::flow;
use crate::outcome::Outcome;
use crate::peers::impp::{Relay, Stock};

/// How much there is around the work.
pub const SIZES: [usize; 3] = [1000, 10_000, 100_000];
/// Pairs of users who talk.
const PAIRS: usize = 50;
/// Messages that wait; the last time, a million rows.
pub const WAITING: [usize; 3] = [10_000, 100_000, 1_000_000];
/// In so many mailboxes.
const MAILBOXES: usize = 100;
const WATCHERS: usize = 500;
/// Users to whom there are subscriptions; the next one has none but those of the row.
const WATCHED: usize = 1000;

/// Messages between connected users, beside so many accounts.
pub async fn users(size: usize, each: usize) -> Outcome {
    let relay = Relay::with(&Stock { users: size.max(2 * PAIRS), ..Stock::default() });
    let load = Load { pairs: PAIRS, each, window: 16, octets: 100 };
    let mut ends = Vec::new();
    for pair in 0..PAIRS {
        let receiving = relay.receiving(PAIRS + pair, false).await;
        ends.push((relay.sending(pair, &relay.url(PAIRS + pair), load.octets, false).await, Some(receiving)));
    }
    pairs::exchange(vec![relay.server.pid()], ends, load).await
}

/// Messages to all accounts in turn; nobody of them is there.
pub async fn absent(size: usize, each: usize) -> Outcome {
    let relay = Relay::with(&Stock { users: PAIRS + size, ..Stock::default() });
    let load = Load { pairs: PAIRS, each, window: 16, octets: 100 };
    let mut ends = Vec::new();
    for sender in 0..PAIRS {
        // Each of the senders has users of its own, far apart.
        let to = (0..size / PAIRS).map(|user| relay.url(PAIRS + user * PAIRS + sender)).collect();
        ends.push((relay.sending_to_all(sender, to, load.octets, false).await, None));
    }
    pairs::exchange(vec![relay.server.pid()], ends, load).await
}

/// A change that some watch, beside so many subscriptions to others.
pub async fn subscriptions(size: usize, rounds: usize) -> Outcome {
    let relay = Relay::with(&Stock { users: WATCHED + 1, subscriptions: (WATCHED, size), ..Stock::default() });
    let mut receivers = Vec::new();
    for user in 1..=WATCHERS {
        receivers.push(relay.watching(user, WATCHED, false).await);
    }
    let publisher = relay.publishing(WATCHED, false).await;
    fan_out::rounds_of(relay.server.pid(), publisher, receivers, rounds).await
}

/// Messages to mailboxes in which so many wait, a hundredth each.
pub async fn mailboxes(size: usize, each: usize) -> Outcome {
    let depth = size / MAILBOXES;
    let relay = Relay::with(&Stock { users: PAIRS + MAILBOXES, waiting: (MAILBOXES, depth), ..Stock::default() });
    let load = Load { pairs: PAIRS, each, window: 16, octets: 100 };
    let mut ends = Vec::new();
    for sender in 0..PAIRS {
        ends.push((relay.sending(sender, &relay.url(PAIRS + sender), load.octets, false).await, None));
    }
    pairs::exchange(vec![relay.server.pid()], ends, load).await
}

/// One user comes and takes all that waits.
pub async fn drain(size: usize) -> Outcome {
    let relay = Relay::with(&Stock { users: 2, waiting: (1, size), ..Stock::default() });
    let meter = Meter::new(vec![relay.server.pid()]);
    let mut receiving = relay.arriving(1).await;
    flow::receive(&mut receiving.stream, &mut *receiving.protocol, size).await;
    meter.outcome(size, Vec::new())
}
