//! The clock: the one place in the crate that asks what time it is.

use crate::model::Now;
use crate::model::UnixMillis;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Both clocks of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Clock {
    /// This moment on both clocks. A calendar set before 1970 reads as 1970.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is net::clock, whom the others ask")]
    pub fn now() -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { instant: Self::instant(), unix: UnixMillis(u64::try_from(unix.as_millis()).unwrap_or(u64::MAX)) }
    }

    /// This moment on the monotonic clock.
    ///
    /// It is the runtime's clock, so that a test that pauses the runtime's time pauses the engines' as well.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is net::clock, whom the others ask")]
    pub fn instant() -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_runtime_can_move_the_monotonic_clock() {
        let before = Clock::instant();
        tokio::time::advance(Duration::from_secs(300)).await;
        assert!(Clock::now().instant.duration_since(before) >= Duration::from_secs(300));
    }

    #[test]
    fn the_calendar_is_past_2020() {
        assert!(Clock::now().unix > UnixMillis(1_577_836_800_000));
    }
}
