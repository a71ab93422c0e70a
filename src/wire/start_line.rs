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
    let response = line.starts_with(b"OK ") || line.starts_with(b"ERROR ");
    let refuse = |fault, at, sound| Err(Refused { fault, at, sound, response });
    let words = split(line);
    let (Some(words), true) = (words, line.is_ascii()) else {
        return refuse(Fault::StartLine, 0, None);
    };
    let [first, method, id, version] = if response {
        words
    } else {
        let [a, b, c, rest] = words;
        if rest.0 != rest.1 || c.0 == c.1 {
            return refuse(Fault::StartLine, 0, None);
        }
        [(0, 0), a, b, c]
    };
    if response && version.0 == version.1 {
        return refuse(Fault::StartLine, 0, None);
    }
    let of = |(start, end): (usize, usize)| line.get(start..end).unwrap_or_default();
    let method = if response {
        match of(method) {
            [b'(', .., b')'] => (method.0 + 1, method.1 - 1),
            _ => return refuse(Fault::Method, method.0, None),
        }
    } else {
        method
    };
    let kind = match (response, of(first)) {
        (false, _) => Kind::Request,
        (true, b"OK") => Kind::Ok,
        (true, _) => Kind::Error,
    };
    let reserved = matches!(of(method), b"UNKNOWN" | b"OK" | b"ERROR");
    let nameless = kind == Kind::Error && of(method) == UNKNOWN_METHOD.as_bytes() && of(id) == UNKNOWN_ID.as_bytes();
    if !is_method(of(method)) || (reserved && !nameless) {
        return refuse(Fault::Method, method.0, None);
    }
    if !is_request_id(of(id)) || (of(id) == UNKNOWN_ID.as_bytes() && !nameless) {
        return refuse(Fault::RequestId, id.0, None);
    }
    if of(version) != VERSION.as_bytes() {
        let text = |span| String::from_utf8_lossy(of(span)).into_owned();
        return if is_version(of(version)) {
            refuse(Fault::Version, version.0, Some((text(method), text(id))))
        } else {
            refuse(Fault::StartLine, version.0, None)
        };
    }
    // A line is at most HEAD_OCTETS long, so its offsets fit.
    let short = |(start, end): (usize, usize)| (start as u16, (end - start) as u16);
    Ok(StartLine { kind, method: short(method), id: short(id) })
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
}
