//! What is to happen later, in the order of its time.

use super::effect::{ConnectionKey, Route};
use super::sessions::SessionKey;
use crate::model::Address;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

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

/// A moment that is set and cleared time and again, as long as what it belongs to lives: where it is put off or cleared, its timer
/// stays as it is, and finds out when it rings.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    at: Option<Instant>,
    timer: Option<TimerKey>,
}

impl Alarm {
    pub(super) fn is_set(&self) -> bool {
        self.at.is_some()
    }

    pub(super) fn clear(&mut self) {
        self.at = None;
    }
}

/// SENDs that were settled and whose moments are still kept, beyond as many as are not settled.
const SETTLED: usize = 64;

/// All timers. Whoever sets one keeps its key, so that at most one is set per purpose and object.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeMap<TimerKey, Timer>,
    next: u64,
    /// Until when a SEND may be acknowledged. Every message has such a moment, and hardly one waits for it: a line for all that
    /// wait equally long costs next to nothing, and whoever was settled leaves it later.
    deliveries: Vec<Line>,
}

/// SENDs in the order of their moments.
#[derive(Debug)]
struct Line {
    wait: Duration,
    due: VecDeque<(Instant, u64)>,
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

    /// Sets an alarm, in place of what it was set to; `timer` is made where it needs one.
    pub(super) fn arm(&mut self, alarm: &mut Alarm, at: Instant, timer: impl FnOnce() -> Timer) {
        alarm.at = Some(at);
        if alarm.timer.is_none_or(|TimerKey(set, _)| at < set) {
            self.set(&mut alarm.timer, at, timer());
        }
    }

    /// The timer of an alarm rang, or may have: whether it is the alarm's moment.
    pub(super) fn rang(&mut self, alarm: &mut Alarm, now: Instant, timer: impl FnOnce() -> Timer) -> bool {
        // One that is of an earlier alarm for the same is none of this one's.
        if alarm.timer.is_none_or(|TimerKey(set, _)| set > now) {
            return false;
        }
        alarm.timer = None;
        match alarm.at {
            Some(at) if at > now => {
                self.set(&mut alarm.timer, at, timer());
                false
            }
            at => {
                alarm.at = None;
                at.is_some()
            }
        }
    }

    /// What the alarm belongs to is gone.
    pub(super) fn disarm(&mut self, alarm: &mut Alarm) {
        alarm.at = None;
        self.clear(&mut alarm.timer);
    }

    /// Sets [`Timer::Delivery`], so long from now: it may ring though the SEND is settled by then.
    pub(super) fn set_delivery(&mut self, now: Instant, wait: Duration, send: u64) {
        let place = match self.deliveries.iter().position(|line| line.wait == wait) {
            Some(place) => place,
            None => {
                self.deliveries.push(Line { wait, due: VecDeque::new() });
                self.deliveries.len() - 1
            }
        };
        if let Some(line) = self.deliveries.get_mut(place) {
            line.due.push_back((now + wait, send));
        }
    }

    /// So many SENDs are not settled; which, can be asked. The others need no timer any more.
    pub(super) fn settled(&mut self, unsettled: usize, is_unsettled: impl Fn(u64) -> bool) {
        for line in &mut self.deliveries {
            while line.due.front().is_some_and(|(_, send)| !is_unsettled(*send)) {
                line.due.pop_front();
            }
            // One that waits long must not keep all behind it.
            if line.due.len() > 2 * unsettled + SETTLED {
                line.due.retain(|(_, send)| is_unsettled(*send));
            }
        }
        // Other settings may hold by now.
        if self.deliveries.len() > 1 {
            self.deliveries.retain(|line| !line.due.is_empty());
        }
    }

    /// When the first one rings.
    pub(super) fn first(&self) -> Option<Instant> {
        let other = self.due.first_key_value().map(|(key, _)| key.0);
        let deliveries = self.deliveries.iter().filter_map(|line| line.due.front()).map(|(at, _)| *at);
        deliveries.chain(other).min()
    }

    /// Takes the first one out if it rings by now.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Timer> {
        let first = self.first().filter(|at| *at <= now)?;
        let is_first = |line: &&mut Line| line.due.front().is_some_and(|(at, _)| *at == first);
        match self.deliveries.iter_mut().find(is_first).and_then(|line| line.due.pop_front()) {
            Some((_, send)) => Some(Timer::Delivery(send)),
            None => self.due.pop_first().map(|(_, timer)| timer),
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a moment to begin with")]
mod tests {
    use super::*;

    fn rung(timers: &mut Timers, now: Instant) -> Vec<u64> {
        let send = |timer| if let Timer::Delivery(send) = timer { send } else { 0 };
        std::iter::from_fn(|| timers.pop(now)).map(send).collect()
    }

    #[test]
    fn all_ring_in_the_order_of_their_time() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut timers = Timers::default();
        for (after, wait, send) in [(0, 10, 1), (1, 11, 2), (2, 3, 3), (3, 10, 4)] {
            timers.set_delivery(at(after), Duration::from_secs(wait), send);
        }
        timers.set(&mut None, at(11), Timer::Told);
        assert_eq!((timers.first(), rung(&mut timers, at(4))), (Some(at(5)), vec![]));
        assert_eq!(rung(&mut timers, at(11)), [3, 1, 0]);
        assert_eq!(rung(&mut timers, at(13)), [2, 4]);
        assert_eq!(timers.first(), None);
        timers.settled(0, |_| false);
        assert_eq!(timers.deliveries.len(), 0);
    }

    #[test]
    fn an_alarm_that_is_put_off_or_cleared_leaves_its_timer_alone() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (mut timers, mut alarm) = (Timers::default(), Alarm::default());
        for after in 0..5 {
            timers.arm(&mut alarm, at(after + 30), || Timer::Told);
            alarm.clear();
        }
        timers.arm(&mut alarm, at(40), || Timer::Told);
        assert_eq!((timers.due.len(), timers.first()), (1, Some(at(30))));
        assert!(timers.pop(at(30)).is_some() && !timers.rang(&mut alarm, at(30), || Timer::Told));
        assert_eq!((timers.first(), alarm.is_set()), (Some(at(40)), true));
        assert!(timers.pop(at(40)).is_some() && timers.rang(&mut alarm, at(40), || Timer::Told));
        assert_eq!((timers.first(), alarm.is_set()), (None, false));
        timers.arm(&mut alarm, at(90), || Timer::Told);
        timers.arm(&mut alarm, at(60), || Timer::Told);
        assert_eq!((timers.due.len(), timers.first()), (1, Some(at(60))));
        alarm.clear();
        assert!(timers.pop(at(60)).is_some() && !timers.rang(&mut alarm, at(60), || Timer::Told));
        timers.arm(&mut alarm, at(99), || Timer::Told);
        timers.disarm(&mut alarm);
        assert_eq!(timers.first(), None);
    }

    #[test]
    fn what_is_settled_is_not_kept() {
        let start = Instant::now();
        let mut timers = Timers::default();
        // The first one waits all the time, and the last ten do.
        let mut most = 0;
        for send in 1..10_000 {
            timers.set_delivery(start + Duration::from_millis(send), Duration::from_secs(10), send);
            timers.settled(11, |other| other == 1 || other + 10 > send);
            most = most.max(timers.deliveries[0].due.len());
        }
        assert!(most <= 2 * 11 + SETTLED + 1, "{most}");
        assert_eq!(rung(&mut timers, start + Duration::from_millis(10_001)), [1]);
        timers.settled(0, |_| false);
        assert_eq!(timers.first(), None);
    }
}
