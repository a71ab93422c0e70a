//! What people type for times and sizes, and the moments that they read.

use crate::model::{Lease, UnixMillis};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// No duration that a person means is longer.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Reads `90s`, `10m`, `12h`, `7d`, `2w`, `1h30m`, or a plain number of seconds; `500ms` too.
///
/// # Errors
/// A sentence about what is expected.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration: write 90s, 10m, 12h, 7d or a number of seconds");
    if !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs).filter(|d| *d <= LONGEST).ok_or_else(wrong);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at_checked(digits).ok_or_else(wrong)?;
        let letters = tail.bytes().take_while(u8::is_ascii_lowercase).count();
        let (unit, tail) = tail.split_at_checked(letters).ok_or_else(wrong)?;
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        total = number.checked_mul(millis).and_then(|ms| total.checked_add(Duration::from_millis(ms))).ok_or_else(wrong)?;
        rest = tail;
    }
    if text.is_empty() || total > LONGEST { Err(wrong()) } else { Ok(total) }
}

/// Reads a lease: a duration of whole seconds, or `infinity`.
///
/// # Errors
/// A sentence about what is expected.
pub fn lease(text: &str) -> Result<Lease, String> {
    match text {
        "infinity" | "infinite" | "forever" => Ok(Lease::Infinity),
        _ => duration(text).map(|length| Lease::Seconds(length.as_secs().max(u64::from(!length.is_zero())))),
    }
}

/// Reads `512`, `64K`, `10M`, `1G` (powers of 1024).
///
/// # Errors
/// A sentence about what is expected.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size: write 4096, 64K, 10M or 1G");
    let (number, factor) = match text.strip_suffix(['K', 'k', 'M', 'm', 'G', 'g']) {
        Some(number) if text.ends_with(['K', 'k']) => (number, 1 << 10),
        Some(number) if text.ends_with(['M', 'm']) => (number, 1 << 20),
        Some(number) => (number, 1 << 30),
        None => (text, 1_u64),
    };
    if number.is_empty() || !number.bytes().all(|c| c.is_ascii_digit()) {
        return Err(wrong());
    }
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(wrong)
}

/// A length of time for people.
///
/// *Shape:* `41 ms`, `60 s`, `10 min`, `2 h 30 min`, `3 d`
#[must_use]
pub fn shown(length: Duration) -> String {
    let seconds = length.as_secs();
    let two = |big: u64, big_name: &str, small: u64, small_name: &str| match small {
        0 => format!("{big} {big_name}"),
        _ => format!("{big} {big_name} {small} {small_name}"),
    };
    match seconds {
        0 if !length.is_zero() => format!("{} ms", length.as_millis()),
        0..120 => format!("{seconds} s"),
        120..7200 => two(seconds / 60, "min", seconds % 60, "s"),
        7200..172_800 => two(seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => two(seconds / 86_400, "d", seconds / 3600 % 24, "h"),
    }
}

/// A number of octets for people.
#[must_use]
pub fn shown_size(octets: u64) -> String {
    match octets {
        0..1024 => format!("{octets} octets"),
        1024..1_048_576 => format!("{}K", octets.div_ceil(1024)),
        _ => format!("{}M", octets.div_ceil(1 << 20)),
    }
}

/// A moment as RFC 3339 in the time zone of whoever runs the tool.
///
/// *Shape:* `2026-11-23T12:58:00+01:00`; `Z` where the offset is none.
#[must_use]
pub fn local(moment: UnixMillis) -> String {
    local_in(moment, TimeZone::system())
}

fn local_in(moment: UnixMillis, zone: TimeZone) -> String {
    let seconds = i64::try_from(moment.0 / 1000).unwrap_or(i64::MAX);
    let there = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).to_zoned(zone);
    let text = there.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    match text.strip_suffix("+00:00") {
        Some(time) => format!("{time}Z"),
        None => text,
    }
}

/// A moment as mbox files have it, in UTC.
///
/// *Shape:* `Mon Nov 23 12:00:00 2026`
#[must_use]
pub fn asctime(moment: UnixMillis) -> String {
    let seconds = i64::try_from(moment.0 / 1000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).strftime("%a %b %e %H:%M:%S %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("90", 90_000),
            ("0", 0),
            ("90s", 90_000),
            ("10m", 600_000),
            ("12h", 43_200_000),
            ("7d", 604_800_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1", "1.5h", "10 m", "1y", "99999999999999999999", "999999d", "m1"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn leases() {
        assert_eq!(lease("infinity"), Ok(Lease::Infinity));
        assert_eq!(lease("10m"), Ok(Lease::Seconds(600)));
        assert_eq!(lease("500ms"), Ok(Lease::Seconds(1)));
        assert_eq!(lease("0"), Ok(Lease::Seconds(0)));
    }

    #[test]
    fn sizes() {
        for (text, octets) in [("512", 512), ("64K", 65_536), ("10M", 10_485_760), ("1g", 1 << 30)] {
            assert_eq!(size(text), Ok(octets), "{text}");
        }
        for text in ["", "K", "-1", "1.5M", "64KB", "99999999999999999G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_for_people() {
        for (seconds, text) in [(60, "60 s"), (600, "10 min"), (9000, "2 h 30 min"), (259_200, "3 d")] {
            assert_eq!(shown(Duration::from_secs(seconds)), text);
        }
        assert_eq!(shown(Duration::from_millis(41)), "41 ms");
    }

    #[test]
    fn moments() {
        let noon = UnixMillis(1_795_435_200_000);
        assert_eq!(local_in(noon, TimeZone::UTC), "2026-11-23T12:00:00Z");
        assert_eq!(asctime(noon), "Mon Nov 23 12:00:00 2026");
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(local_in(noon, zone), "2026-11-23T13:00:00+01:00");
    }
}
