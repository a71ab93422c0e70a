//! How busy the relay was in the last minutes: a sample every few seconds, the oldest forgotten.

use super::hub::Hub;
use crate::model::UnixMillis;
use crate::net::Clock;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Time between two samples.
pub(super) const EVERY: Duration = Duration::from_secs(5);
/// How many are kept: ten minutes.
const KEPT: usize = 120;

/// One look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) at: UnixMillis,
    pub(super) connections: u64,
    pub(super) sessions: u64,
    /// Requests and responses that came since the last look.
    pub(super) received: u64,
    /// Those that went.
    pub(super) sent: u64,
    /// Writes that the store had not done.
    pub(super) writes: u64,
}

/// The last of them.
#[derive(Debug, Default)]
pub(super) struct Samples(Mutex<VecDeque<Sample>>);

impl Samples {
    /// Takes a sample again and again; runs until it is dropped.
    pub(super) async fn take(&self, hub: &Hub) {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut received, mut sent) = hub.frames();
        loop {
            every.tick().await;
            let counts = hub.look(|service, _| service.counts());
            let now = hub.frames();
            self.keep(Sample {
                at: Clock::now().unix,
                connections: hub.connections() as u64,
                sessions: counts.sessions as u64,
                received: now.0.saturating_sub(received),
                sent: now.1.saturating_sub(sent),
                writes: hub.store().pending(),
            });
            (received, sent) = now;
        }
    }

    /// All that are kept, oldest first.
    pub(super) fn all(&self) -> Vec<Sample> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    fn keep(&self, sample: Sample) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let samples = Samples::default();
        for connections in 0..KEPT as u64 + 3 {
            samples.keep(Sample { connections, ..Sample::default() });
        }
        let all = samples.all();
        assert_eq!((all.len(), all[0].connections, all[KEPT - 1].connections), (KEPT, 3, KEPT as u64 + 2));
    }
}
