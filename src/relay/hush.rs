//! One line for many of a kind: what a flood would have logged ten thousand times is said once, and then how often.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// How long nothing more is said of the same.
const QUIET: Duration = Duration::from_secs(10);

/// What was said when. Keys are those of the sources, so that no stranger makes another.
#[derive(Debug, Default)]
pub(super) struct Hush(Mutex<HashMap<&'static str, Said>>);

#[derive(Debug)]
struct Said {
    at: Instant,
    unsaid: u64,
}

impl Hush {
    /// Whether it is said now: then how many of its kind were not, since the last that was.
    pub(super) fn say(&self, what: &'static str, now: Instant) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(what) {
            Some(said) if now.saturating_duration_since(said.at) < QUIET => {
                said.unsaid += 1;
                None
            }
            Some(said) => {
                said.at = now;
                Some(std::mem::take(&mut said.unsaid))
            }
            None => {
                all.insert(what, Said { at: now, unsaid: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Clock;

    #[test]
    fn the_first_is_said_and_then_how_many_were_not() {
        let hush = Hush::default();
        let now = Clock::instant();
        let at = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(hush.say("a", at(0)), Some(0));
        assert_eq!([hush.say("a", at(0)), hush.say("a", at(9))], [None, None]);
        assert_eq!(hush.say("b", at(9)), Some(0));
        assert_eq!(hush.say("a", at(10)), Some(2));
        assert_eq!(hush.say("a", at(21)), Some(0));
    }
}
