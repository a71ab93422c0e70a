//! How many octets the requests without an answer hold in memory, whoever asked and whatever became of them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// The sum of all weights.
#[derive(Debug, Default)]
pub(super) struct Scale(Arc<AtomicU64>);

/// One request's part of it, until whoever holds the request drops it: also if its session is gone, and nobody will
/// hear the answer. A second holder counts as much again.
#[derive(Debug)]
pub(super) struct Weight {
    octets: u64,
    scale: Arc<AtomicU64>,
}

impl Scale {
    pub(super) fn weigh(&self, octets: u64) -> Weight {
        self.0.fetch_add(octets, Relaxed);
        Weight { octets, scale: Arc::clone(&self.0) }
    }

    pub(super) fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Clone for Weight {
    fn clone(&self) -> Self {
        Scale(Arc::clone(&self.scale)).weigh(self.octets)
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.scale.fetch_sub(self.octets, Relaxed);
    }
}
