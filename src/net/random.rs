//! Randomness: nonces, names that must not be guessed or met twice, and jitter.

use crate::model::ConnectionId;
use crate::model::Domain;
use crate::model::MessageId;
use std::fmt::Write;
use std::time::Duration;

/// Octets from the operating system's generator.
///
/// # Panics
/// If the operating system has none: then no promise about nonces could be kept, and it is better to stop.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is net::random, whom the others ask")]
#[allow(clippy::panic, reason = "nothing from the network reaches this, and there is no safe way to go on")]
pub fn octets<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    if getrandom::fill(&mut out).is_err() {
        panic!("the operating system gives no random numbers");
    }
    out
}

/// What the engines need for SASL.
#[must_use]
pub fn nonce() -> [u8; 32] {
    octets()
}

/// A session's name: 96 random bits, so that nobody meets another's (SPEC §4).
#[must_use]
pub fn connection_id() -> ConnectionId {
    loop {
        // Hexadecimal digits are within the alphabet, so that this loop turns once.
        if let Some(id) = ConnectionId::parse(&hex(&octets::<12>())) {
            return id;
        }
    }
}

/// What the request-ids of one process or connection begin with: a resumed session must not meet the ids of
/// its former life (SPEC §3).
///
/// *Shape:* twelve hexadecimal digits, which leaves room for a point and a 64-bit number.
#[must_use]
pub fn request_prefix() -> String {
    hex(&octets::<6>())
}

/// A Message-ID in the sender's domain.
///
/// *Shape:* `<5f0c3e7a9b1d2c4e6f8091a2@example.org>`; of a domain too long for it, the last labels.
#[must_use]
pub fn message_id(domain: &Domain) -> MessageId {
    let mut name = domain.as_str();
    loop {
        // Fails only for what is longer than a Message-ID may be, and each turn is shorter.
        if let Some(id) = MessageId::parse(&format!("<{}@{name}>", hex(&octets::<12>()))) {
            return id;
        }
        name = name.split_once('.').map_or("invalid", |(_, rest)| rest);
    }
}

/// A duration between two, all alike likely.
#[must_use]
pub fn between(low: Duration, high: Duration) -> Duration {
    let span = u64::try_from(high.saturating_sub(low).as_nanos()).unwrap_or(u64::MAX);
    low.saturating_add(Duration::from_nanos(below(span.saturating_add(1))))
}

/// A number below `bound`; 0 for a bound of 0. The bias is below one in 2^32 for every bound that fits 32 bits,
/// which is enough for jitter and shuffles.
#[must_use]
pub fn below(bound: u64) -> u64 {
    let wide = u128::from(u64::from_le_bytes(octets()));
    u64::try_from((wide * u128::from(bound)) >> 64).unwrap_or(0)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RequestId;
    use std::collections::HashSet;

    #[test]
    fn names_differ_and_keep_their_grammar() {
        let ids: HashSet<_> = (0..64).map(|_| connection_id()).collect();
        assert_eq!(ids.len(), 64);
        assert!(ids.iter().all(|id| id.as_str().len() * 4 >= 64));
        assert!(RequestId::parse(&format!("{}.{}", request_prefix(), u64::MAX >> 1)).is_some());
    }

    #[test]
    fn a_message_id_fits_even_for_the_longest_domain() {
        let label = "x".repeat(62);
        let long = Domain::parse(&[label.as_str(); 4].join(".")).unwrap();
        assert!(message_id(&long).as_str().ends_with(&format!("@{}>", [label.as_str(); 3].join("."))));
        let short = Domain::parse("example.org").unwrap();
        assert!(message_id(&short).as_str().ends_with("@example.org>"));
        assert_ne!(message_id(&short), message_id(&short));
    }

    #[test]
    fn jitter_stays_between_its_bounds() {
        let (low, high) = (Duration::from_secs(10), Duration::from_secs(20));
        let drawn: Vec<_> = (0..100).map(|_| between(low, high)).collect();
        assert!(drawn.iter().all(|d| (low..=high).contains(d)));
        assert!(drawn.iter().any(|d| *d != drawn[0]));
        assert_eq!(below(0), 0);
        assert_eq!(below(1), 0);
        assert_eq!(between(high, low), high);
    }
}
