//! The pause before another attempt: doubling, with jitter, so that a server that comes back is not met by all at once.

use super::random;
use std::time::Duration;

/// The first pause; doubled each time.
const FIRST: Duration = Duration::from_secs(1);
/// The longest.
const MOST: Duration = Duration::from_secs(60);
/// A connection that stood so long proves that the server is well: the next pause is the first again.
pub const STOOD: Duration = Duration::from_secs(30);

/// Between half and all of a pause that doubles with each failure before.
#[must_use]
pub fn pause(failures: u32) -> Duration {
    let wait = FIRST.saturating_mul(2_u32.saturating_pow(failures)).min(MOST);
    random::between(wait / 2, wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_a_second_to_a_minute() {
        for (failures, most) in [(0, 1), (1, 2), (5, 32), (6, 60), (7, 60), (u32::MAX, 60)] {
            let most = Duration::from_secs(most);
            for _ in 0..20 {
                assert!((most / 2..=most).contains(&pause(failures)), "{failures}");
            }
        }
    }
}
