//! When to ask a silent peer whether it still lives, and when to give it up (SPEC §4.5).

use std::time::Duration;
use std::time::Instant;

/// Silence before a PING.
pub const PING_AFTER: Duration = Duration::from_secs(240);
/// Silence after a PING before the connection counts as dead.
pub const PING_WAIT: Duration = Duration::from_secs(30);

/// What a moment of silence asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing yet.
    Short,
    /// A PING.
    Ask,
    /// The end.
    Dead,
}

/// Any octet from the peer proves that it lives: the answer to a PING may stand behind a long body.
#[derive(Debug)]
pub(super) struct Liveness {
    since: Instant,
    asked: bool,
}

impl Liveness {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, asked: false }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    pub(super) fn deadline(&self, after: Duration, wait: Duration) -> Option<Instant> {
        self.since.checked_add(if self.asked { wait } else { after })
    }

    pub(super) fn check(&mut self, now: Instant, after: Duration, wait: Duration) -> Silence {
        if self.deadline(after, wait).is_none_or(|deadline| now < deadline) {
            return Silence::Short;
        }
        if self.asked {
            return Silence::Dead;
        }
        *self = Self { since: now, asked: true };
        Silence::Ask
    }
}
