//! `--max-rate N/TIME`: no more than so many messages in any such time; the others wait their turn.

use crate::cli::units;
use crate::net::Clock;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// No rate needs a longer memory.
const MOST: usize = 100_000;

/// So many in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    many: usize,
    time: Duration,
}

impl Rate {
    /// Reads `10/1m`, `5/s`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no rate: write N/TIME, like 10/1m");
        let (many, time) = text.split_once('/').ok_or_else(wrong)?;
        let many: usize = many.parse().ok().filter(|many| (1..=MOST).contains(many)).ok_or_else(wrong)?;
        let unit = time.starts_with(|c: char| c.is_ascii_alphabetic());
        let time = units::duration(&if unit { format!("1{time}") } else { time.to_owned() })?;
        if time.is_zero() { Err(wrong()) } else { Ok(Self { many, time }) }
    }
}

/// Who has to wait for how long.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Option<Rate>,
    /// When the last ones went, or will go.
    turns: RefCell<VecDeque<Instant>>,
}

impl Pace {
    /// The pace of this rate; `None`: as fast as can be.
    pub(super) fn new(rate: Option<Rate>) -> Self {
        Self { rate, turns: RefCell::default() }
    }

    /// Waits for one's turn.
    pub(super) async fn turn(&self) {
        let at = self.book(Clock::instant());
        tokio::time::sleep_until(at.into()).await;
    }

    /// Takes the next place, and says when it is.
    fn book(&self, now: Instant) -> Instant {
        let Some(rate) = self.rate else { return now };
        let mut turns = self.turns.borrow_mut();
        let full = turns.len() >= rate.many;
        let before = if full { turns.pop_front() } else { None };
        let at = before.and_then(|before| before.checked_add(rate.time)).map_or(now, |at| at.max(now));
        turns.push_back(at);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        for (text, many, seconds) in [("10/1m", 10, 60), ("1/90", 1, 90), ("5/s", 5, 1), ("3/h", 3, 3600)] {
            assert_eq!(Rate::parse(text), Ok(Rate { many, time: Duration::from_secs(seconds) }), "{text}");
        }
        for text in ["", "10", "/1m", "0/1m", "-1/1m", "10/", "10/0", "10/x", "1000000/1s"] {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn in_no_such_time_there_are_more() {
        let pace = Pace::new(Some(Rate::parse("3/10s").unwrap()));
        let start = Clock::instant();
        let after = |seconds| start + Duration::from_secs(seconds);
        let booked: Vec<_> = (0..7).map(|_| pace.book(after(0))).collect();
        assert_eq!(booked, [0, 0, 0, 10, 10, 10, 20].map(after));
        assert_eq!(pace.book(after(100)), after(100));
        assert_eq!(Pace::new(None).book(start), start);
    }
}
