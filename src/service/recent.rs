//! The deliveries of the last 24 hours, so that a repeated SEND is answered like the first (SPEC §5).

use super::map::HashMap;
use super::store::{Delivery, Remembered};
use crate::model::{Fingerprint, UnixMillis};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a delivery is remembered.
const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// A bounded memory; the oldest delivery is forgotten first.
#[derive(Debug)]
pub(super) struct Recent {
    known: HashMap<Fingerprint, (Delivery, UnixMillis)>,
    /// Each once, with the time at which it came: whether the first is old shows without a look at the others.
    order: VecDeque<(Fingerprint, UnixMillis)>,
    max: usize,
}

impl Recent {
    /// Begins with what the store kept, oldest first.
    pub(super) fn new(remembered: Vec<Remembered>, max: usize) -> Self {
        let mut recent = Self { known: HashMap::default(), order: VecDeque::new(), max };
        for one in remembered {
            recent.insert(one);
        }
        recent
    }

    /// Another bound holds from now on.
    pub(super) fn set_max(&mut self, max: usize) {
        self.max = max;
        self.trim(UnixMillis(0));
    }

    /// What the sender of this message was told.
    pub(super) fn find(&self, fingerprint: &Fingerprint, now: UnixMillis) -> Option<Delivery> {
        self.known.get(fingerprint).filter(|(_, at)| now.since(*at) < MEMORY).map(|(delivery, _)| *delivery)
    }

    /// Remembers one more.
    pub(super) fn insert(&mut self, one: Remembered) {
        if self.known.insert(one.fingerprint, (one.delivery, one.at)).is_none() {
            self.order.push_back((one.fingerprint, one.at));
        }
        self.trim(one.at);
    }

    fn trim(&mut self, now: UnixMillis) {
        while let Some((oldest, at)) = self.order.front() {
            if self.order.len() <= self.max && now.since(*at) < MEMORY {
                return;
            }
            self.known.remove(oldest);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(n: u8, at: u64) -> Remembered {
        Remembered { fingerprint: Fingerprint([n; 16]), delivery: Delivery::Delivered, at: UnixMillis(at) }
    }

    #[test]
    fn bounded_in_number_and_time() {
        let day = 24 * 3600 * 1000;
        let mut recent = Recent::new(vec![one(1, 0), one(2, 5), one(3, 9)], 2);
        let found = |recent: &Recent, n, now| recent.find(&Fingerprint([n; 16]), UnixMillis(now)).is_some();
        assert!(!found(&recent, 1, 10), "the oldest of three had to go");
        assert!(found(&recent, 2, 10));
        assert!(!found(&recent, 2, day + 5), "forgotten after a day");
        recent.insert(one(4, day + 6));
        assert!(recent.known.len() == 2 && found(&recent, 3, day + 6));
        recent.set_max(1);
        assert!(!found(&recent, 3, day + 6) && found(&recent, 4, day + 6));
    }
}
