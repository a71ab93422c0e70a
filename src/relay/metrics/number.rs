//! Numbers that many tasks count at the same time: no lock, no allocation, one atomic addition or two.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub(in crate::relay) struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub(in crate::relay) fn up(&self) {
        self.add(1);
    }

    /// So many more.
    pub(in crate::relay) fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    pub(in crate::relay) fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One counter for each of a few names, which are known beforehand: no stranger makes another.
#[derive(Debug)]
pub(in crate::relay) struct ByName(Vec<(&'static str, Counter)>);

impl ByName {
    pub(in crate::relay) fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        Self(names.into_iter().map(|name| (name, Counter::default())).collect())
    }

    /// One more of this name; of none if it is not among them.
    pub(in crate::relay) fn up(&self, name: &str) {
        if let Some((_, counter)) = self.0.iter().find(|(known, _)| *known == name) {
            counter.up();
        }
    }

    pub(in crate::relay) fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(name, counter)| (*name, counter.read()))
    }
}

/// How long something took, how often.
#[derive(Debug)]
pub(in crate::relay) struct Histogram {
    /// In seconds, ascending.
    bounds: &'static [f64],
    /// One for each bound, and a last one for what took longer than all.
    buckets: Vec<Counter>,
    nanos: Counter,
}

/// One reading of a histogram.
pub(in crate::relay) struct Reading {
    /// Each bound, and how many took no longer.
    pub(in crate::relay) buckets: Vec<(f64, u64)>,
    pub(in crate::relay) count: u64,
    /// In seconds.
    pub(in crate::relay) sum: f64,
}

impl Histogram {
    pub(in crate::relay) fn new(bounds: &'static [f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| Counter::default()).collect();
        Self { bounds, buckets, nanos: Counter::default() }
    }

    pub(in crate::relay) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let at = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.up();
        }
        self.nanos.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(in crate::relay) fn read(&self) -> Reading {
        let mut count = 0;
        let mut buckets = Vec::new();
        for (at, bucket) in self.buckets.iter().enumerate() {
            count += bucket.read();
            if let Some(bound) = self.bounds.get(at) {
                buckets.push((*bound, count));
            }
        }
        // The count is the sum of what was read, not a number of its own: the two would disagree while others count.
        #[allow(clippy::cast_precision_loss, reason = "a sum of seconds, for graphs")]
        let sum = self.nanos.read() as f64 / 1e9;
        Reading { buckets, count, sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_takes_what_is_no_longer() {
        let histogram = Histogram::new(&[0.1, 1.0]);
        for millis in [50, 100, 101, 1000, 5000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let reading = histogram.read();
        assert_eq!((reading.buckets, reading.count), (vec![(0.1, 2), (1.0, 4)], 5));
        assert!((reading.sum - 6.251).abs() < 1e-9, "{}", reading.sum);
    }

    #[test]
    fn no_name_is_made_by_counting() {
        let counters = ByName::new(["a", "b"]);
        for name in ["a", "c", "a"] {
            counters.up(name);
        }
        assert_eq!(counters.read().collect::<Vec<_>>(), [("a", 2), ("b", 0)]);
    }
}
