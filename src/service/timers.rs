//! What is to happen later, in the order of its time.

use super::effect::{ConnectionKey, Route};
use super::sessions::SessionKey;
use crate::model::Address;
use std::collections::BTreeMap;
use std::time::Instant;

/// What a moment was kept for.
#[derive(Clone, Debug)]
pub(super) enum Timer {
    /// Nobody acknowledged this unsettled SEND in time.
    Delivery(u64),
    /// A leased value of this user ends.
    Presence(Address),
    /// A subscription to this user's presence by this session ends.
    Subscription(Address, SessionKey),
    /// A CHANGE-NOTIFY was not answered, or may be tried again.
    Notify(Address, SessionKey),
    /// The same for a TERMINATE-SUBSCRIPTION.
    Ending(Address, SessionKey),
    /// A stored message may be offered again.
    Offer(Address),
    /// A stored message has waited too long.
    Expiry(Address),
    /// A request to another domain was not answered in time.
    Forward(u64),
    /// A link may be opened again.
    Dial(Route),
    /// A link may have been idle for long.
    LinkIdle(ConnectionKey),
    /// A subscription to this user of another domain, by this session, ends.
    Abroad(Address, SessionKey),
    /// What subscribers of other domains acknowledged is to be noted.
    Told,
}

/// Names a timer that is set, so that it can be cleared. Never used twice: clearing one that has rung is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerKey(Instant, u64);

/// All timers. Whoever sets one keeps its key, so that at most one is set per purpose and object.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeMap<TimerKey, Timer>,
    next: u64,
}

impl Timers {
    /// Sets the timer of `slot`, in place of the one that it holds.
    pub(super) fn set(&mut self, slot: &mut Option<TimerKey>, at: Instant, timer: Timer) {
        self.clear(slot);
        let key = TimerKey(at, self.next);
        self.next += 1;
        self.due.insert(key, timer);
        *slot = Some(key);
    }

    /// Clears the timer of `slot`.
    pub(super) fn clear(&mut self, slot: &mut Option<TimerKey>) {
        if let Some(key) = slot.take() {
            self.due.remove(&key);
        }
    }

    /// When the first one rings.
    pub(super) fn first(&self) -> Option<Instant> {
        self.due.first_key_value().map(|(key, _)| key.0)
    }

    /// Takes the first one out if it rings by now.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Timer> {
        self.due.first_entry().filter(|entry| entry.key().0 <= now).map(|entry| entry.remove())
    }
}
