//! The header names that IMPP/1.0 defines, and the grammar of one header line.

use super::error::Fault;
use super::limits;

macro_rules! names {
    ($($variant:ident $text:literal),* $(,)?) => {
        /// A header that IMPP/1.0 defines. Names compare without regard to case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Name {
            $(#[doc = concat!("`", $text, "`")] $variant),*
        }

        impl Name {
            /// Every name, in the order of the enum.
            pub const ALL: &'static [Name] = &[$(Name::$variant),*];

            /// The name as this library writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Name::$variant => $text),* }
            }
        }
    };
}

names! {
    Accept "Accept",
    AclVersion "ACL-Version",
    Agent "Agent",
    Auth "Auth",
    Cause "Cause",
    ConnectionId "Connection-ID",
    ContentDisposition "Content-Disposition",
    ContentLength "Content-Length",
    ContentTransferEncoding "Content-Transfer-Encoding",
    ContentType "Content-Type",
    Data "Data",
    Delivery "Delivery",
    Domain "Domain",
    Error "Error",
    From "From",
    Identity "Identity",
    IfVersion "If-Version",
    Inbox "Inbox",
    LeaseMax "Lease-Max",
    LeaseMin "Lease-Min",
    LeaseTime "Lease-Time",
    Location "Location",
    MaxBody "Max-Body",
    MaxOutstanding "Max-Outstanding",
    Mechanism "Mechanism",
    Mechanisms "Mechanisms",
    MessageId "Message-ID",
    Origin "Origin",
    OriginDomain "Origin-Domain",
    PresenceVersion "Presence-Version",
    Reason "Reason",
    RetryAfter "Retry-After",
    Server "Server",
    Services "Services",
    Session "Session",
    Supported "Supported",
    Target "Target",
    TargetConnection "Target-Connection",
    Tls "TLS",
    To "To",
    View "View",
}

impl Name {
    /// The number of names.
    pub const COUNT: usize = Self::ALL.len();

    /// The name with which a header line begins, in any case, its colon right behind it; `None`: no header that IMPP/1.0 defines.
    #[must_use]
    pub fn begins(line: &[u8]) -> Option<Self> {
        let letter = line.first()?.to_ascii_lowercase().checked_sub(b'a')?;
        let (start, end) = *BY_LETTER.get(usize::from(letter))?;
        let candidates = Self::ALL.get(start..end)?;
        candidates.iter().copied().find(|name| {
            let name = name.as_str().as_bytes();
            line.get(name.len()) == Some(&b':')
                && line.get(..name.len()).is_some_and(|found| found == name || found.eq_ignore_ascii_case(name))
        })
    }
}

/// For each first letter, which part of [`Name::ALL`] begins with it: they are in the order of the alphabet.
const BY_LETTER: [(usize, usize); 26] = {
    let mut parts = [(0, 0); 26];
    let mut at = 0;
    #[allow(clippy::indexing_slicing, reason = "done by the compiler, which would refuse")]
    while at < Name::COUNT {
        let letter = (Name::ALL[at].as_str().as_bytes()[0].to_ascii_lowercase() - b'a') as usize;
        if parts[letter].1 == 0 {
            parts[letter].0 = at;
        }
        parts[letter].1 = at + 1;
        at += 1;
    }
    parts
};

/// RFC 9110's token characters.
#[must_use]
pub const fn is_tchar(octet: u8) -> bool {
    matches!(octet,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
}

/// Whether a character may stand in a header value: no control of C0, C1 or DEL but HTAB.
#[must_use]
pub const fn is_value_char(c: char) -> bool {
    c == '\t' || !matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}')
}

/// One header line without its CRLF: which name of IMPP/1.0 it has, if one, and where the trimmed value starts and ends.
/// `plain`: it is known that nothing but printable ASCII and HTAB is in it, so that nothing can be wrong with the value.
///
/// # Errors
/// Fault and offset within the line.
pub(super) fn parse_line(line: &[u8], plain: bool) -> Result<(Option<Name>, usize, usize), (Fault, usize)> {
    let name = Name::begins(line);
    let colon = match name {
        // A name that is known keeps the grammar.
        Some(name) => name.as_str().len(),
        None => check_name(line)?,
    };
    let (mut start, mut value) = (colon + 1, line.get(colon + 1..).unwrap_or_default());
    while let [b' ' | b'\t', rest @ ..] = value {
        (start, value) = (start + 1, rest);
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    if !plain {
        check_value(value).map_err(|(fault, at)| (fault, start + at))?;
    }
    Ok((name, start, start + value.len()))
}

/// Where the colon is, if a line begins with a header name.
fn check_name(line: &[u8]) -> Result<usize, (Fault, usize)> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err((Fault::Folded, 0));
    }
    let name_end = line.iter().position(|&c| !is_tchar(c)).unwrap_or(line.len());
    if line.get(name_end) != Some(&b':') || name_end == 0 || name_end > limits::HEADER_NAME_OCTETS {
        return Err((Fault::HeaderName, name_end));
    }
    Ok(name_end)
}

fn check_value(value: &[u8]) -> Result<(), (Fault, usize)> {
    // Most values that come in pieces are printable ASCII too. Without a way out many octets are looked at at once.
    if value.iter().fold(true, |all, c| all & matches!(c, b' '..=b'~' | b'\t')) {
        return Ok(());
    }
    let text = match std::str::from_utf8(value) {
        Ok(text) => text,
        // Whichever stands first in the value is the one reported, however the octets were fed.
        Err(error) => {
            let sound = value.get(..error.valid_up_to()).and_then(|v| std::str::from_utf8(v).ok()).unwrap_or_default();
            return Err(control(sound).unwrap_or((Fault::Utf8, error.valid_up_to())));
        }
    };
    control(text).map_or(Ok(()), Err)
}

fn control(text: &str) -> Option<(Fault, usize)> {
    text.char_indices().find(|(_, c)| !is_value_char(*c)).map(|(at, _)| (Fault::Control, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_begins_its_line_in_any_case() {
        for name in Name::ALL {
            for text in [name.as_str().to_owned(), name.as_str().to_ascii_uppercase(), name.as_str().to_ascii_lowercase()] {
                assert_eq!(Name::begins(format!("{text}: x").as_bytes()), Some(*name));
                assert_eq!(Name::begins(text.as_bytes()), None);
                assert_eq!(Name::begins(format!("{text} :").as_bytes()), None);
            }
        }
        assert_eq!(Name::begins(b"X-Other: x"), None);
        assert_eq!(Name::begins(b""), None);
    }

    #[test]
    fn a_line_is_cut_at_its_colon_and_trimmed() {
        let parse_line = |line: &[u8]| {
            let checked = parse_line(line, false);
            let plain = line.iter().all(|c| matches!(c, b' '..=b'~' | b'\t'));
            assert!(!plain || parse_line(line, true) == checked);
            checked
        };
        let line = b"Reason: \t see  you \t";
        assert_eq!(parse_line(line), Ok((Some(Name::Reason), 10, 18)));
        assert_eq!(parse_line(b"Reason:"), Ok((Some(Name::Reason), 7, 7)));
        assert_eq!(parse_line(b"X-Reason: x:y"), Ok((None, 10, 13)));
        assert_eq!(parse_line(b"Reason"), Err((Fault::HeaderName, 6)));
        assert_eq!(parse_line(b"Reason :x"), Err((Fault::HeaderName, 6)));
        assert_eq!(parse_line(b" x: y"), Err((Fault::Folded, 0)));
        assert_eq!(parse_line("A: \u{85}".as_bytes()), Err((Fault::Control, 3)));
        assert_eq!(parse_line(b"A: \x01\xff"), Err((Fault::Control, 3)));
        assert_eq!(parse_line(b"A: \xff\x01"), Err((Fault::Utf8, 3)));
    }
}
