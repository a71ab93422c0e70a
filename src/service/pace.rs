//! How fast one user may ask: so many a second, and so many at once after a rest.

use super::map::HashMap;
use crate::model::Address;
use std::time::{Duration, Instant};

/// Users whose pace is known, at which those who have rested are forgotten for the first time.
const KNOWN: usize = 1024;

/// So many a second, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run.
    pub per_second: u32,
    /// After a rest.
    pub burst: u32,
}

/// What may still be taken, as the moment at which all of it is there again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    full_at: Instant,
}

impl Bucket {
    pub(super) fn full(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Takes one; if there is none, says how long until there is.
    pub(super) fn take(&mut self, now: Instant, rate: Rate) -> Result<(), Duration> {
        let each = Duration::from_secs(1) / rate.per_second.max(1);
        let from = self.full_at.max(now);
        let missing = (from + each).saturating_duration_since(now);
        match missing.checked_sub(each.saturating_mul(rate.burst.max(1))) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                self.full_at = from + each;
                Ok(())
            }
        }
    }
}

/// What one user took lately.
#[derive(Clone, Copy, Debug)]
struct Pace {
    requests: Bucket,
    messages: Bucket,
    /// Refusals that it did not heed.
    patience: Bucket,
}

impl Pace {
    fn has_rested(&self, now: Instant) -> bool {
        [self.requests, self.messages, self.patience].iter().all(|bucket| bucket.full_at <= now)
    }
}

/// What all users took lately. Whoever rested long enough is as good as new, and so need not be known: a new connection
/// gives nobody more.
#[derive(Debug, Default)]
pub(super) struct Paces {
    known: HashMap<Address, Pace>,
    forget_at: usize,
}

/// What is wrong with one request more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooFast {
    /// It is messages that are too many.
    pub(super) messages: bool,
    /// When to ask again.
    pub(super) wait: Duration,
    /// It was told so often enough: it does not listen.
    pub(super) deaf: bool,
}

impl Paces {
    /// Takes one request of this user.
    pub(super) fn take(
        &mut self,
        now: Instant,
        user: &Address,
        message: bool,
        requests: Rate,
        messages: Rate,
    ) -> Result<(), TooFast> {
        if self.known.len() >= self.forget_at.max(KNOWN) {
            self.known.retain(|_, pace| !pace.has_rested(now));
            // As many again before the next look, so that a look is paid by those who came.
            self.forget_at = self.known.len() * 2;
        }
        let full = Bucket::full(now);
        let rested = Pace { requests: full, messages: full, patience: full };
        let pace = match self.known.get_mut(user) {
            Some(known) => known,
            None => self.known.entry(user.clone()).or_insert(rested),
        };
        let taken = pace.requests.take(now, requests).map_err(|wait| (false, wait));
        let taken =
            taken.and_then(|()| if message { pace.messages.take(now, messages).map_err(|wait| (true, wait)) } else { Ok(()) });
        taken.map_err(|(messages, wait)| TooFast { messages, wait, deaf: pace.patience.take(now, requests).is_err() })
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a moment to begin with")]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let now = Instant::now();
        let rate = Rate { per_second: 10, burst: 3 };
        let mut bucket = Bucket::full(now);
        let mut take = |millis| bucket.take(now + Duration::from_millis(millis), rate);
        assert_eq!([take(0), take(0), take(0)], [Ok(()); 3]);
        assert_eq!(take(0), Err(Duration::from_millis(100)));
        assert_eq!(take(99), Err(Duration::from_millis(1)));
        assert_eq!(take(100), Ok(()));
        assert_eq!(take(100), Err(Duration::from_millis(100)));
        // A rest gives back no more than the burst.
        assert_eq!([take(9000), take(9000), take(9000)], [Ok(()); 3]);
        assert!(take(9000).is_err());
    }

    #[test]
    fn each_user_for_itself_and_who_does_not_listen_is_known() {
        let now = Instant::now();
        let [alice, bob] = ["alice@a.test", "bob@a.test"].map(|user| user.parse::<Address>().unwrap());
        let (requests, messages) = (Rate { per_second: 1, burst: 4 }, Rate { per_second: 1, burst: 2 });
        let mut paces = Paces::default();
        let mut take = |user, message| paces.take(now, user, message, requests, messages);
        assert_eq!([take(&alice, true), take(&alice, true)], [Ok(()); 2]);
        assert!(matches!(take(&alice, true), Err(TooFast { messages: true, deaf: false, .. })));
        assert_eq!(take(&alice, false), Ok(()));
        for _ in 0..3 {
            assert!(matches!(take(&alice, false), Err(TooFast { messages: false, deaf: false, .. })));
        }
        assert!(matches!(take(&alice, false), Err(TooFast { deaf: true, .. })));
        assert_eq!(take(&bob, true), Ok(()));
    }

    #[test]
    fn who_has_rested_is_forgotten() {
        let now = Instant::now();
        let rate = Rate { per_second: 1000, burst: 1000 };
        let mut paces = Paces::default();
        for user in 0..10 * KNOWN {
            let user = format!("u{user}@a.test").parse().unwrap();
            paces.take(now + Duration::from_millis(user_at(&user)), &user, false, rate, rate).unwrap();
        }
        assert!(paces.known.len() <= KNOWN, "{}", paces.known.len());
    }

    fn user_at(user: &Address) -> u64 {
        user.as_str().rsplit('u').next().and_then(|number| number.parse().ok()).unwrap_or_default()
    }
}
