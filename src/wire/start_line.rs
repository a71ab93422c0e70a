//! The first line of a frame: `METHOD id impp/1.0`, `OK (METHOD) id impp/1.0` or `ERROR (METHOD) id impp/1.0`.

use super::error::Fault;
use super::limits;

/// The only version that this library speaks.
pub const VERSION: &str = "impp/1.0";
/// The method of an answer to a frame whose own method could not be read.
pub const UNKNOWN_METHOD: &str = "UNKNOWN";
/// The request-id of such an answer.
pub const UNKNOWN_ID: &str = "0";

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `METHOD id impp/1.0`
    Request,
    /// `OK (METHOD) id impp/1.0`
    Ok,
    /// `ERROR (METHOD) id impp/1.0`
    Error,
}

/// A start line, as offsets into the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartLine {
    /// What the frame is.
    pub kind: Kind,
    pub(super) method: (u16, u16),
    pub(super) id: (u16, u16),
}

/// Why a start line was refused: fault, offset, what was sound before it, and whether a response was meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) fault: Fault,
    pub(super) at: usize,
    pub(super) sound: Option<(String, String)>,
    pub(super) response: bool,
}

/// Whether these octets are a method: 1 to 32 of `A`-`Z` and `-`.
#[must_use]
pub fn is_method(octets: &[u8]) -> bool {
    (1..=limits::METHOD_OCTETS).contains(&octets.len()) && octets.iter().all(|c| matches!(c, b'A'..=b'Z' | b'-'))
}

/// Whether these octets are a request-id: 1 to 32 of ALPHA, DIGIT, `-`, `_` and `.`.
#[must_use]
pub fn is_request_id(octets: &[u8]) -> bool {
    (1..=limits::REQUEST_ID_OCTETS).contains(&octets.len())
        && octets.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'))
}

/// One start line without its CRLF.
pub(super) fn parse(line: &[u8]) -> Result<StartLine, Refused> {
    sound(line).ok_or_else(|| blame(line))
}

/// A start line in which nothing is wrong.
fn sound(line: &[u8]) -> Option<StartLine> {
    let line = line.strip_suffix(VERSION.as_bytes())?.strip_suffix(b" ")?;
    let (kind, rest) = match line {
        [b'O', b'K', b' ', rest @ ..] => (Kind::Ok, rest),
        [b'E', b'R', b'R', b'O', b'R', b' ', rest @ ..] => (Kind::Error, rest),
        _ => (Kind::Request, line),
    };
    // The alphabets of both have no space, and so there are no more words than these.
    let space = rest.iter().position(|c| *c == b' ')?;
    let (word, id) = (rest.get(..space)?, rest.get(space + 1..)?);
    let (method, at) = match (kind, word) {
        (Kind::Request, method) => (method, 0),
        (_, [b'(', method @ .., b')']) => (method, line.len() - rest.len() + 1),
        _ => return None,
    };
    if !is_method(method) || !is_request_id(id) || (is_reserved(method, id) && !is_nameless(kind, method, id)) {
        return None;
    }
    // A line is at most HEAD_OCTETS long, so its offsets fit.
    Some(StartLine { kind, method: (at as u16, method.len() as u16), id: ((line.len() - id.len()) as u16, id.len() as u16) })
}

/// Methods and request-ids that no frame has of itself.
fn is_reserved(method: &[u8], id: &[u8]) -> bool {
    matches!(method, b"UNKNOWN" | b"OK" | b"ERROR") || id == UNKNOWN_ID.as_bytes()
}

/// The answer to a frame of which nothing could be read: the only one with the reserved names.
fn is_nameless(kind: Kind, method: &[u8], id: &[u8]) -> bool {
    kind == Kind::Error && method == UNKNOWN_METHOD.as_bytes() && id == UNKNOWN_ID.as_bytes()
}

/// What is wrong first with a line that is not sound.
fn blame(line: &[u8]) -> Refused {
    let response = line.starts_with(b"OK ") || line.starts_with(b"ERROR ");
    let refused = |fault, at| Refused { fault, at, sound: None, response };
    let (Some(words), true) = (split(line), line.is_ascii()) else {
        return refused(Fault::StartLine, 0);
    };
    let [first, method, id, version] = if response {
        words
    } else {
        let [method, id, version, rest] = words;
        if rest.0 != rest.1 {
            return refused(Fault::StartLine, 0);
        }
        [(0, 0), method, id, version]
    };
    if version.0 == version.1 {
        return refused(Fault::StartLine, 0);
    }
    let of = |(start, end): (usize, usize)| line.get(start..end).unwrap_or_default();
    let method = match of(method) {
        _ if !response => method,
        [b'(', .., b')'] => (method.0 + 1, method.1 - 1),
        _ => return refused(Fault::Method, method.0),
    };
    let kind = match of(first) {
        b"OK" => Kind::Ok,
        b"ERROR" => Kind::Error,
        _ => Kind::Request,
    };
    let nameless = is_nameless(kind, of(method), of(id));
    if !is_method(of(method)) || (is_reserved(of(method), b"") && !nameless) {
        return refused(Fault::Method, method.0);
    }
    if !is_request_id(of(id)) || (is_reserved(b"", of(id)) && !nameless) {
        return refused(Fault::RequestId, id.0);
    }
    if is_version(of(version)) {
        let text = |span| String::from_utf8_lossy(of(span)).into_owned();
        return Refused { sound: Some((text(method), text(id))), ..refused(Fault::Version, version.0) };
    }
    refused(Fault::StartLine, version.0)
}

/// Up to four words between single spaces, as (start, end); absent ones are empty at the line's end.
fn split(line: &[u8]) -> Option<[(usize, usize); 4]> {
    let mut words = [(line.len(), line.len()); 4];
    let mut start = 0;
    for (n, word) in line.split(|c| *c == b' ').enumerate() {
        *words.get_mut(n)? = (start, start + word.len());
        if word.is_empty() {
            return None;
        }
        start += word.len() + 1;
    }
    Some(words)
}

/// `NAME/d.d`, where NAME is 1 to 32 letters, digits and `-`.
fn is_version(octets: &[u8]) -> bool {
    let Some(([name @ .., b'/'], number)) = octets.split_last_chunk::<3>() else { return false };
    (1..=limits::VERSION_NAME_OCTETS).contains(&name.len())
        && name.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-')
        && matches!(number, [b'0'..=b'9', b'.', b'0'..=b'9'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_what_becomes_of_them() {
        type Expected = Result<(Kind, &'static str, &'static str), Fault>;
        let rows: &[(&str, Expected)] = &[
            ("PING 1 impp/1.0", Ok((Kind::Request, "PING", "1"))),
            ("CHANGE-NOTIFY a.b-c_9 impp/1.0", Ok((Kind::Request, "CHANGE-NOTIFY", "a.b-c_9"))),
            ("OK (SEND) 7 impp/1.0", Ok((Kind::Ok, "SEND", "7"))),
            ("ERROR (SEND) 7 impp/1.0", Ok((Kind::Error, "SEND", "7"))),
            ("ERROR (UNKNOWN) 0 impp/1.0", Ok((Kind::Error, "UNKNOWN", "0"))),
            ("OK (UNKNOWN) 0 impp/1.0", Err(Fault::Method)),
            ("ERROR (UNKNOWN) 1 impp/1.0", Err(Fault::Method)),
            ("ERROR (SEND) 0 impp/1.0", Err(Fault::RequestId)),
            ("OK SEND 7 impp/1.0", Err(Fault::Method)),
            ("OK (SEND) 7", Err(Fault::StartLine)),
            ("OK () 7 impp/1.0", Err(Fault::Method)),
            ("OK ( 7 impp/1.0", Err(Fault::Method)),
            ("OK 7 impp/1.0", Err(Fault::StartLine)),
            ("UNKNOWN 7 impp/1.0", Err(Fault::Method)),
            ("PING 0 impp/1.0", Err(Fault::RequestId)),
            ("PING 1 impp/1.1", Err(Fault::Version)),
            ("PING 1 IMPP/1.0", Err(Fault::Version)),
            ("PING 1 impp/1.0.0", Err(Fault::StartLine)),
            ("PING 1 impp/10.0", Err(Fault::StartLine)),
            ("PING 1 impp/1.10", Err(Fault::StartLine)),
            ("PING 1 impp/1.", Err(Fault::StartLine)),
            ("PING 1 im/pp/1.0", Err(Fault::StartLine)),
            ("PING  1 impp/1.0", Err(Fault::StartLine)),
            ("PING 1 impp/1.0 ", Err(Fault::StartLine)),
            ("PING 1", Err(Fault::StartLine)),
            ("", Err(Fault::StartLine)),
            ("ping 1 impp/1.0", Err(Fault::Method)),
            ("GET / HTTP/1.1", Err(Fault::RequestId)),
            ("PING 1\timpp/1.0", Err(Fault::StartLine)),
        ];
        for (line, expected) in rows {
            let got = parse(line.as_bytes()).map(|s| {
                let text = |(start, len): (u16, u16)| &line[start as usize..(start + len) as usize];
                (s.kind, text(s.method), text(s.id))
            });
            assert_eq!(got.map_err(|refused| refused.fault), *expected, "{line}");
        }
    }

    /// What finds the reason looks at a line in another way than what takes it: they must not disagree.
    #[test]
    fn whatever_is_not_sound_has_a_reason() {
        let words: Vec<&str> =
            ["OK", "ERROR", "UNKNOWN", "(UNKNOWN)", "(OK)", "()", "(", "SEND", "(SEND)", "send", "0", "7", "", "é", VERSION]
                .into_iter()
                .collect();
        let mut sound_ones = 0;
        for first in &words {
            for second in &words {
                for third in &words {
                    for line in [format!("{first} {second} {VERSION}"), format!("{first} {second} {third} {VERSION}")] {
                        // What is blamed last is the version, which is right here.
                        match sound(line.as_bytes()) {
                            Some(_) => sound_ones += 1,
                            None => assert_ne!(blame(line.as_bytes()).fault, Fault::Version, "{line}"),
                        }
                    }
                }
            }
        }
        assert!(sound_ones > 0);
    }
}
