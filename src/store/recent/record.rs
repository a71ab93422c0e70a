//! One record of the log of deliveries: 32 octets that tell by themselves whether they are whole.
//!
//! *Shape:* fingerprint (16), time (8), what (1), zeros (3), CRC-32 over the former (4); numbers are big-endian. Segments of the first
//! form have the first octets of SHA-256 in its place.

use crate::model::{Fingerprint, UnixMillis};
use crate::service::store::{Delivery, Remembered};
use sha2::{Digest, Sha256};

/// Octets of a record.
pub(super) const RECORD: usize = 32;

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum What {
    /// Its sender was answered.
    Answered,
    /// It was taken out of the store: delivered, expired, refused for good or dropped. The time is that at which it was stored, so that
    /// its row can be told from that of a later message with the same name.
    TakenOut,
}

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Entry {
    pub(in crate::store) remembered: Remembered,
    pub(in crate::store) what: What,
}

/// The octets of records, one behind the other.
pub(super) fn encode(entries: impl ExactSizeIterator<Item = Entry>) -> Vec<u8> {
    let mut octets = Vec::with_capacity(entries.len() * RECORD);
    entries.for_each(|entry| append(&entry, &mut octets));
    octets
}

fn append(Entry { remembered, what }: &Entry, octets: &mut Vec<u8>) {
    let kind = match (what, remembered.delivery) {
        (What::Answered, Delivery::Delivered) => 1,
        (What::Answered, Delivery::Stored) => 2,
        (What::TakenOut, _) => 3,
    };
    let start = octets.len();
    octets.extend_from_slice(&remembered.fingerprint.0);
    octets.extend_from_slice(&remembered.at.0.to_be_bytes());
    octets.extend_from_slice(&[kind, 0, 0, 0]);
    let sum = checksum(octets.get(start..).unwrap_or_default());
    octets.extend_from_slice(&sum);
}

/// The record that these octets are, unless they are damaged.
pub(super) fn decode(record: &[u8]) -> Option<Entry> {
    let (content, sum) = record.split_last_chunk::<4>()?;
    if checksum(content) != *sum && first_checksum(content) != *sum {
        return None;
    }
    let (fingerprint, rest) = content.split_first_chunk::<16>()?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (what, delivery) = match rest.first()? {
        1 => (What::Answered, Delivery::Delivered),
        2 => (What::Answered, Delivery::Stored),
        3 => (What::TakenOut, Delivery::Stored),
        _ => return None,
    };
    let at = UnixMillis(u64::from_be_bytes(*at));
    Some(Entry { remembered: Remembered { fingerprint: Fingerprint(*fingerprint), delivery, at }, what })
}

/// Enough to tell a torn record from a whole one; zeros are none.
fn checksum(content: &[u8]) -> [u8; 4] {
    crc32fast::hash(content).to_be_bytes()
}

/// The same in segments of the first form.
fn first_checksum(content: &[u8]) -> [u8; 4] {
    Sha256::digest(content).first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_either_form_is_read() {
        let remembered = Remembered { fingerprint: Fingerprint([7; 16]), delivery: Delivery::Stored, at: UnixMillis(1_000) };
        let entry = Entry { remembered, what: What::Answered };
        let octets = encode([entry].into_iter());
        assert_eq!(octets.len(), RECORD);
        assert_eq!(decode(&octets), Some(entry));
        let content = &octets[..RECORD - 4];
        assert_eq!(decode(&[content, &first_checksum(content)].concat()), Some(entry));
        assert_eq!(decode(&[0; RECORD]), None);
    }
}
