//! A short name for (From, Target, Message-ID), by which a repeated message is known.

use super::address::Address;
use super::id::MessageId;
use sha2::{Digest, Sha256};

/// The first 16 octets of SHA-256 over the three parts, each ended by a line feed (which none can contain).
///
/// The sender is part of it and authenticated, so a collision, at 2^64 work, harms only who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The name of one message to one target.
    #[must_use]
    pub fn new(from: &Address, target: &Address, id: &MessageId) -> Self {
        let mut hash = Sha256::new();
        for part in [from.as_str(), target.as_str(), id.as_str()] {
            hash.update(part);
            hash.update(b"\n");
        }
        let mut octets = [0; 16];
        octets.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        Self(octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_counts() {
        let address = |text| Address::parse(text).unwrap();
        let id = |text| MessageId::parse(text).unwrap();
        let one = Fingerprint::new(&address("a@x"), &address("b@x"), &id("<1>"));
        assert_eq!(one, Fingerprint::new(&address("a@x"), &address("b@x"), &id("<1>")));
        assert_ne!(one, Fingerprint::new(&address("b@x"), &address("b@x"), &id("<1>")));
        assert_ne!(one, Fingerprint::new(&address("a@x"), &address("a@x"), &id("<1>")));
        assert_ne!(one, Fingerprint::new(&address("a@x"), &address("b@x"), &id("<2>")));
    }
}
