//! When a peer that sends half a frame, or does not take what is written, is given up (SPEC §10.9, §11).

use std::time::Duration;
use std::time::Instant;

/// Time without an octet in the midst of a frame after which a connection is given up.
pub const FRAME_STALL: Duration = Duration::from_secs(60);
/// Time without progress while octets wait to be written after which a connection is given up.
pub const WRITE_STALL: Duration = Duration::from_secs(60);

/// Something that must go on, and since when it has not.
#[derive(Debug, Default)]
pub(super) struct Stall {
    since: Option<Instant>,
}

impl Stall {
    /// Nothing is waited for, or it just went on.
    pub(super) fn clear(&mut self) {
        self.since = None;
    }

    /// It waits: since now, unless it did before.
    pub(super) fn wait(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// When it will have waited for `limit`.
    pub(super) fn deadline(&self, limit: Duration) -> Option<Instant> {
        self.since.and_then(|since| since.checked_add(limit))
    }

    /// Whether it has.
    pub(super) fn is_over(&self, now: Instant, limit: Duration) -> bool {
        self.deadline(limit).is_some_and(|deadline| deadline <= now)
    }
}
