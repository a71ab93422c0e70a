//! The small names on the wire: Connection-ID, request-id, Message-ID, tokens and versions.

use crate::wire::start_line;
use core::fmt;
use std::sync::Arc;

/// Octets of a Connection-ID or a View token.
pub const NAME_OCTETS: usize = 32;
/// Octets of a Message-ID, angle brackets included.
pub const MESSAGE_ID_OCTETS: usize = 255;

/// Up to 32 ASCII octets, kept in place so that the hot path allocates nothing for them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Short {
    octets: [u8; NAME_OCTETS],
    len: u8,
}

impl std::hash::Hash for Short {
    /// That of what is in it, and not of the room.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl Short {
    fn new(text: &str) -> Option<Self> {
        let mut octets = [0; NAME_OCTETS];
        octets.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { octets, len: text.len() as u8 })
    }

    fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

macro_rules! short_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Short);

        impl $name {
            /// The text on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

short_name! {
    /// A session's name, chosen by its client: 1 to 32 of ALPHA, DIGIT, `-` and `_`.
    ConnectionId
}

short_name! {
    /// A request-id: 1 to 32 of ALPHA, DIGIT, `-`, `_` and `.`, not `0`.
    RequestId
}

short_name! {
    /// A word for a View: 1 to 32 of ALPHA, DIGIT, `-`, `_` and `.`.
    Token
}

fn is_name(text: &str) -> bool {
    (1..=NAME_OCTETS).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
}

impl ConnectionId {
    /// The Connection-ID of requests that a server makes itself.
    #[must_use]
    pub fn server() -> Self {
        Self(Short {
            octets: {
                let mut o = [0; NAME_OCTETS];
                o[0] = b'0';
                o
            },
            len: 1,
        })
    }

    /// Reads a client's Connection-ID; `0` is the servers' own.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (is_name(text) && text != "0").then(|| Short::new(text).map(Self)).flatten()
    }

    /// Reads any Connection-ID, `0` included.
    #[must_use]
    pub fn parse_any(text: &str) -> Option<Self> {
        is_name(text).then(|| Short::new(text).map(Self)).flatten()
    }
}

impl RequestId {
    /// Reads a request-id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (start_line::is_request_id(text.as_bytes()) && text != start_line::UNKNOWN_ID)
            .then(|| Short::new(text).map(Self))
            .flatten()
    }
}

impl RequestId {
    /// The request-id `PREFIX-NUMBER`; `None` if that is none.
    #[must_use]
    pub fn numbered(prefix: &str, number: u64) -> Option<Self> {
        let mut room = itoa::Buffer::new();
        let digits = room.format(number).as_bytes();
        let mut octets = [0; NAME_OCTETS];
        let (before, rest) = octets.split_at_mut_checked(prefix.len())?;
        let (hyphen, behind) = rest.split_first_mut()?;
        before.copy_from_slice(prefix.as_bytes());
        *hyphen = b'-';
        behind.get_mut(..digits.len())?.copy_from_slice(digits);
        let len = prefix.len() + 1 + digits.len();
        start_line::is_request_id(octets.get(..len)?).then_some(Self(Short { octets, len: len as u8 }))
    }
}

impl Token {
    /// Reads a View token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // A token has the alphabet of a request-id.
        start_line::is_request_id(text.as_bytes()).then(|| Short::new(text).map(Self)).flatten()
    }
}

/// A Message-ID in its angle brackets, as in the header of the same name of mail.
///
/// *Shape:* `<7f3a.1@example.org>`; at most 255 octets, printable ASCII without space and further brackets.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(Arc<str>);

impl MessageId {
    /// Reads a Message-ID with its angle brackets.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('<')?.strip_suffix('>')?;
        let sound = !inner.is_empty()
            && text.len() <= MESSAGE_ID_OCTETS
            && inner.bytes().all(|c| c.is_ascii_graphic() && !matches!(c, b'<' | b'>'));
        sound.then(|| Self(text.into()))
    }

    /// The text with its angle brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text between the angle brackets.
    #[must_use]
    pub fn inner(&self) -> &str {
        self.0.get(1..self.0.len().saturating_sub(1)).unwrap_or_default()
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Presence-Version or ACL-Version: decimal, up to 19 digits; 0 is "never set".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u64);

impl Version {
    /// Reads a version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let sound = (1..=19).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
        sound.then(|| text.parse().ok().map(Self)).flatten()
    }

    /// The version of the next change: grows across restarts and restored backups (SPEC §5).
    #[must_use]
    pub fn next(self, now: super::time::UnixMillis) -> Self {
        Self(now.0.max(self.0.saturating_add(1)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnixMillis;

    #[test]
    fn names_keep_their_alphabet() {
        assert_eq!(ConnectionId::parse("a-b_9").unwrap().as_str(), "a-b_9");
        assert_eq!(ConnectionId::server().as_str(), "0");
        for text in ["", "0", "a.b", "ä", &"x".repeat(33)] {
            assert!(ConnectionId::parse(text).is_none(), "{text}");
        }
        assert!(RequestId::parse("a.b").is_some());
        assert!(RequestId::parse("0").is_none());
        assert_eq!(Token::parse("org.example_a-9").unwrap().as_str(), "org.example_a-9");
        assert!(Token::parse("a b").is_none());
        assert_eq!(MessageId::parse("<a@b>").unwrap().inner(), "a@b");
        for text in ["a@b", "<>", "<a b>", "<a<b>", "<a\u{7f}>", "<ä@b>", "<a\u{a0}b>", &format!("<{}>", "x".repeat(254))] {
            assert!(MessageId::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_numbered_request_id_is_what_its_text_would_be() {
        for number in [0, 1, 9, 10, 1234567890, u64::MAX] {
            let text = format!("r.7-{number}");
            assert_eq!(RequestId::numbered("r.7", number), RequestId::parse(&text), "{text}");
        }
        assert_eq!(RequestId::numbered("0123456789abcdef", 99).map(|id| id.as_str().len()), Some(19));
        assert_eq!(RequestId::numbered("a prefix", 1), None);
        assert_eq!(RequestId::numbered(&"x".repeat(31), 1), None);
    }

    #[test]
    fn a_version_grows_even_when_the_clock_does_not() {
        assert_eq!(Version(5).next(UnixMillis(1000)), Version(1000));
        assert_eq!(Version(1000).next(UnixMillis(1000)), Version(1001));
        assert_eq!(Version(2000).next(UnixMillis(1000)), Version(2001));
    }
}
