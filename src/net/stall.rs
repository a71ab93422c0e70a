//! When a peer that sends half a frame, or does not take what is written, is given up (SPEC §10.9, §11).

use std::time::Duration;
use std::time::Instant;

/// Time without an octet in the midst of a frame after which a connection is given up.
pub const FRAME_STALL: Duration = Duration::from_secs(60);
/// Time without progress while octets wait to be written after which a connection is given up.
pub const WRITE_STALL: Duration = Duration::from_secs(60);
/// What counts as progress to a relay: so many octets in that time, about what a bad mobile line carries. Whoever takes one now and
/// then would hold what waits for it until memory is short.
pub const WRITE_LEAST: usize = 32_768;

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

/// Octets that wait to be written, and whether enough of them go out.
#[derive(Debug)]
pub(super) struct Outflow {
    stall: Stall,
    /// Octets that are progress.
    least: usize,
    /// Octets that went out since the last of it.
    went: usize,
}

impl Outflow {
    /// So many octets are progress; but all that waits is, too.
    pub(super) fn new(least: usize) -> Self {
        Self { stall: Stall::default(), least, went: 0 }
    }

    /// Nothing waits any more.
    pub(super) fn clear(&mut self) {
        self.stall.clear();
        self.went = 0;
    }

    /// So many octets went out, and more wait.
    pub(super) fn wait(&mut self, now: Instant, went: usize) {
        self.went = self.went.saturating_add(went);
        if self.went >= self.least {
            self.clear();
        }
        self.stall.wait(now);
    }

    /// When it has stalled.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.stall.deadline(WRITE_STALL)
    }

    /// Whether it has.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.stall.is_over(now, WRITE_STALL)
    }
}
