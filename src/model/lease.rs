//! Lease-Time: what was asked for, and what a server grants (SPEC §5).

use core::fmt;
use std::time::Duration;

/// Digits of a number of seconds.
pub const SECONDS_DIGITS: usize = 10;

/// A Lease-Time on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// So many seconds; zero takes a leased value away, or asks for delivery now.
    Seconds(u64),
    /// `infinity`: until changed.
    Infinity,
}

impl Lease {
    /// Reads a Lease-Time: up to ten digits, or `infinity`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "infinity" {
            return Some(Self::Infinity);
        }
        parse_seconds(text).map(Self::Seconds)
    }
}

/// Reads a number of seconds, as in Lease-Time and Retry-After: one to ten digits and nothing else, so that no clock that
/// it is added to overflows.
#[must_use]
pub fn parse_seconds(text: &str) -> Option<u64> {
    let sound = (1..=SECONDS_DIGITS).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    sound.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => seconds.fmt(f),
            Self::Infinity => f.write_str("infinity"),
        }
    }
}

/// A time as a number of seconds; a part of one is rounded up, for earlier would be too early.
#[must_use]
pub fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// The leases that a domain grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseBounds {
    /// No grant is shorter.
    pub min: Duration,
    /// No grant is longer.
    pub max: Duration,
    /// Granted where nothing was asked.
    pub default: Duration,
}

impl Default for LeaseBounds {
    fn default() -> Self {
        Self { min: Duration::from_secs(60), max: Duration::from_secs(86_400), default: Duration::from_secs(3600) }
    }
}

impl LeaseBounds {
    /// The grant for a wish in seconds.
    #[must_use]
    pub fn grant(&self, wish: Option<u64>) -> Duration {
        wish.map_or(self.default, Duration::from_secs).clamp(self.min, self.max.max(self.min))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_clamped() {
        let bounds = LeaseBounds::default();
        for (wish, seconds) in [(None, 3600), (Some(1), 60), (Some(90), 90), (Some(9_999_999_999), 86_400)] {
            assert_eq!(bounds.grant(wish).as_secs(), seconds);
        }
        assert_eq!(Lease::parse("infinity"), Some(Lease::Infinity));
        for text in ["", "-1", "1s", "Infinity", "12345678901"] {
            assert_eq!(Lease::parse(text), None, "{text}");
        }
    }
}
