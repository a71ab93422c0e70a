//! Time as an argument: what the layers below `net` are told instead of asking a clock.

use std::time::{Duration, Instant};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnixMillis(pub u64);

/// One moment on both clocks: the monotonic one for waiting, the calendar for what is written down.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Never goes back; means nothing outside this process.
    pub instant: Instant,
    /// May jump when an administrator sets the clock.
    pub unix: UnixMillis,
}

impl UnixMillis {
    /// This moment and `later` more.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(later.as_millis()).unwrap_or(u64::MAX)))
    }

    /// From `earlier` until this moment; zero if it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// RFC 3339 in UTC, whole seconds.
    ///
    /// *Shape:* `2026-11-23T12:00:00Z`
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let seconds = i64::try_from(self.0 / 1000).unwrap_or(i64::MAX);
        jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
    }

    /// Reads RFC 3339 with any offset.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(stamp.as_millisecond()).ok().map(Self)
    }
}

impl Now {
    /// The monotonic moment at which the calendar will show `unix`, as far as one can tell now.
    #[must_use]
    pub fn instant_of(&self, unix: UnixMillis) -> Instant {
        self.instant.checked_add(unix.since(self.unix)).unwrap_or(self.instant)
    }

    /// Both clocks moved on by the same time.
    #[must_use]
    pub fn plus(&self, later: Duration) -> Self {
        Self { instant: self.instant.checked_add(later).unwrap_or(self.instant), unix: self.unix.plus(later) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_there_and_back() {
        let noon = UnixMillis(1_795_435_200_000);
        assert_eq!(noon.to_rfc3339(), "2026-11-23T12:00:00Z");
        assert_eq!(UnixMillis::parse_rfc3339("2026-11-23T13:00:00+01:00"), Some(noon));
        assert_eq!(UnixMillis::parse_rfc3339("yesterday"), None);
    }
}
