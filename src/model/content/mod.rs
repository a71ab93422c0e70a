//! Instant messages as mail: built, read without trust, and completed where a caller brings its own (SPEC §8).

pub mod address_list;
pub mod delivered;
pub mod draft;
pub mod head;
pub mod incoming;
pub mod raw;
pub mod transfer;

pub use address_list::Mailbox;
pub use delivered::{Proof, with_proof};
pub use draft::{Body, Draft, DraftError, Message};
pub use incoming::{Incoming, plain_file_name};
pub use raw::{Complete, Defaults, RawError, Recipients, ensure_headers, recipients_of, sender_of, strip_bcc, without_fields};

use bytes::Bytes;

/// How soon someone should look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Urgency {
    /// `Priority: non-urgent`
    Low,
    /// No header at all.
    #[default]
    Normal,
    /// `Priority: urgent`
    High,
    /// `Priority: urgent` and `Importance: high`
    Emergency,
}

impl Urgency {
    /// Every urgency.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Emergency];

    /// The word that people use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Emergency => "emergency",
        }
    }

    /// Reads the word that people use.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|urgency| urgency.as_str() == text)
    }

    /// RFC 2156's Priority; `None` for the normal, which needs no header.
    #[must_use]
    pub const fn priority(self) -> Option<&'static str> {
        match self {
            Self::Low => Some("non-urgent"),
            Self::Normal => None,
            Self::High | Self::Emergency => Some("urgent"),
        }
    }

    fn of_headers(priority: Option<&str>, importance: Option<&str>) -> Self {
        let is = |value: Option<&str>, word: &str| value.is_some_and(|value| value.trim().eq_ignore_ascii_case(word));
        if is(priority, "non-urgent") {
            Self::Low
        } else if !is(priority, "urgent") {
            Self::Normal
        } else if is(importance, "high") {
            Self::Emergency
        } else {
            Self::High
        }
    }
}

/// A file that travels with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// A plain file name, never a path.
    pub name: String,
    /// `type/subtype`, perhaps with parameters where it is to be sent.
    pub media_type: String,
    /// Decoded.
    pub octets: Bytes,
}
