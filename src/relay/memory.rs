//! How many octets the relay's connections hold in memory, all together, and whether that is too much.

use super::limits::InForce;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// What all connections hold: half-read frames, and what waits to be written.
pub(super) struct Memory {
    limits: Arc<InForce>,
    used: AtomicU64,
    /// How much there was when nobody was left who held much: it is not looked again until it is more.
    vain: AtomicU64,
}

impl Memory {
    pub(super) const fn new(limits: Arc<InForce>) -> Self {
        Self { limits, used: AtomicU64::new(0), vain: AtomicU64::new(0) }
    }

    /// One connection held so many, and now holds so many.
    pub(super) fn change(&self, from: usize, to: usize) {
        match to.checked_sub(from) {
            Some(more) => self.used.fetch_add(more as u64, Relaxed),
            None => self.used.fetch_sub((from - to) as u64, Relaxed),
        };
    }

    pub(super) fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// Whether somebody has to go.
    pub(super) fn is_short(&self) -> bool {
        let used = self.used();
        if used <= self.limits.load().memory {
            self.vain.store(0, Relaxed);
        }
        used > self.limits.load().memory && used > self.vain.load(Relaxed)
    }

    /// Whether enough have gone: a good part, so that the next octet does not send away the next.
    pub(super) fn is_eased(&self) -> bool {
        self.used() <= self.limits.load().memory / 8 * 7
    }

    /// Nobody is left whose going would help.
    pub(super) fn despair(&self) {
        let used = self.used();
        self.vain.store(used.saturating_add(used / 16), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::limits::testing;

    #[test]
    fn short_eased_and_vain() {
        let limits = testing(|limits| limits.memory = 800);
        let memory = Memory::new(Arc::clone(&limits));
        memory.change(0, 800);
        assert!(!memory.is_short() && !memory.is_eased());
        memory.change(0, 1);
        assert!(memory.is_short());
        memory.despair();
        assert!(!memory.is_short());
        memory.change(1, 100);
        assert!(memory.is_short());
        memory.change(300, 0);
        assert!(!memory.is_short() && memory.is_eased());
        // A reload.
        limits.store(testing(|limits| limits.memory = 500).load_full());
        assert!(memory.is_short());
    }
}
