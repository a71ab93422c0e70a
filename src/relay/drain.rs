//! A drain: everybody is sent away, little by little, and told when to come back, so that they do not all come at once.

use super::hub::Hub;
use super::office::Drain;
use crate::net::Clock;
use crate::net::random;
use crate::service::ConnectionKey;
use std::collections::HashSet;
use std::time::Duration;

/// How often it is looked who is next, and who is left.
const TICK: Duration = Duration::from_millis(50);
/// The least time over which returns are spread.
const SPREAD: Duration = Duration::from_secs(5);

/// Says good-bye to all clients, spread over `over`; done when they are gone, or at the deadline. Whoever came in by a door that
/// has just been closed is sent away too. Links stay: what is under way still crosses them.
pub(super) async fn drain(hub: &Hub, wish: Drain) {
    let begun = Clock::instant();
    let mut told: HashSet<ConnectionKey> = HashSet::new();
    let mut line = hub.clients();
    let all = line.len().max(1);
    loop {
        let elapsed = Clock::instant().saturating_duration_since(begun);
        let over = elapsed >= wish.over;
        if over {
            line = hub.clients();
        }
        // Those whose turn has come: so many of all as of the time is over.
        let due = match over {
            true => line.len(),
            false => due(all, elapsed, wish.over).saturating_sub(told.len()).min(line.len()),
        };
        for key in line.drain(..due) {
            if told.insert(key) {
                hub.say_goodbye(key, come_back_after(elapsed, wish.over, random::between(Duration::ZERO, spread(wish.over))));
            }
        }
        if (over || line.is_empty()) && hub.clients().is_empty() || elapsed >= wish.deadline {
            return;
        }
        tokio::time::sleep(TICK).await;
    }
}

fn due(all: usize, elapsed: Duration, over: Duration) -> usize {
    let share = elapsed.as_secs_f64() / over.as_secs_f64().max(f64::EPSILON);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of them")]
    let due = (all as f64 * share).ceil() as usize;
    due.min(all)
}

/// Over how long returns are spread.
fn spread(over: Duration) -> Duration {
    over.max(SPREAD)
}

/// Nobody comes back before all are gone, and then not all at once.
fn come_back_after(elapsed: Duration, over: Duration, later: Duration) -> Duration {
    over.saturating_sub(elapsed).saturating_add(later).max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_turn_and_nobody_is_back_before_the_last_is_gone() {
        let (over, at) = (Duration::from_secs(10), Duration::from_secs);
        assert_eq!([0, 1, 5, 10, 11].map(|second| due(100, at(second), over)), [0, 10, 50, 100, 100]);
        assert_eq!(due(3, at(0), Duration::ZERO), 0);
        assert_eq!(due(3, at(1), Duration::ZERO), 3);
        for second in 0..=10 {
            for later in [0, 5, 10] {
                let back = at(second) + come_back_after(at(second), over, at(later));
                assert!(back >= at(10) && back <= at(20), "{second} {later}: {back:?}");
            }
        }
        // Without time to spread the good-byes, the returns are spread all the same.
        assert_eq!((spread(Duration::ZERO), spread(over)), (SPREAD, over));
        assert_eq!(come_back_after(at(0), Duration::ZERO, Duration::ZERO), at(1));
        assert_eq!(come_back_after(at(0), Duration::MAX, at(1)), Duration::MAX);
    }
}
