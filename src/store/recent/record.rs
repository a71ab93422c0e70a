//! One record of the log of deliveries: 32 octets that tell by themselves whether they are whole.
//!
//! *Shape:* fingerprint (16), time (8), what (1), zeros (3), the first octets of SHA-256 over the former (4).

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

/// The octets of a record.
pub(super) fn encode(entry: &Entry) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    let Entry { remembered, what } = entry;
    let kind = match (what, remembered.delivery) {
        (What::Answered, Delivery::Delivered) => 1,
        (What::Answered, Delivery::Stored) => 2,
        (What::TakenOut, _) => 3,
    };
    let fields = remembered.fingerprint.0.into_iter().chain(remembered.at.0.to_be_bytes()).chain([kind]);
    record.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    let (content, sum) = record.split_at_mut(RECORD - 4);
    sum.copy_from_slice(&checksum(content));
    record
}

/// The record that these octets are, unless they are damaged.
pub(super) fn decode(record: &[u8]) -> Option<Entry> {
    let (content, sum) = record.split_last_chunk::<4>()?;
    if checksum(content) != *sum {
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
    Sha256::digest(content).first_chunk().copied().unwrap_or_default()
}
