//! Sizes and times as people write them.

use std::time::Duration;

/// Octets: digits, perhaps followed by K, M or G (of 1024).
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let factor: u64 = match unit {
        "" => 1,
        "K" | "k" => 1 << 10,
        "M" | "m" => 1 << 20,
        "G" | "g" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// A time: digits followed by s, m, h or d; without a letter, seconds.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let factor: u64 = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(factor).map(Duration::from_secs)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        let sizes = [("0", Some(0)), ("64K", Some(65_536)), ("10M", Some(10 << 20)), ("1g", Some(1 << 30)), ("12", Some(12))];
        for (text, octets) in sizes {
            assert_eq!(parse_size(text), octets, "{text}");
        }
        let times = [("90s", 90), ("10m", 600), ("12h", 43_200), ("7d", 604_800), ("15", 15)];
        for (text, seconds) in times {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "K", "-1", "1.5M", "10 M", "10MB", "99999999999999999999", "99999999999G", "10w", "s"] {
            assert_eq!((parse_size(text), parse_duration(text)), (None, None), "{text}");
        }
    }
}
