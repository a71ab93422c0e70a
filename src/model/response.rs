//! Answers to requests: the errors with what they carry, and the headers that every answer repeats (SPEC §5, §6).

use super::address::Address;
use super::error_kind::ErrorKind;
use super::id::ConnectionId;
use super::lease::{parse_seconds, whole_seconds};
use super::method::Method;
use crate::wire::start_line::{UNKNOWN_ID, UNKNOWN_METHOD};
use crate::wire::{Frame, Kind, Name, Writer};
use std::time::Duration;

/// Octets of a Reason that are written (SPEC §6).
const REASON_OCTETS: usize = 256;

/// An ERROR, as read or to be written.
///
/// *Shape:* `Error: mailbox-full`, `Reason: ..`, `Retry-After: 60`, or `Location`, `Server`, `Max-Body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The token.
    pub kind: ErrorKind,
    /// For people.
    pub reason: Option<String>,
    /// After how long it makes sense to try again.
    pub retry_after: Option<Duration>,
    /// Location (a URL), Server (host:port), Max-Body (octets) or Supported, as the kind has it.
    pub detail: Option<(Name, String)>,
}

impl Answer {
    /// An ERROR with nothing but its token.
    #[must_use]
    pub fn new(kind: ErrorKind) -> Self {
        Self { kind, reason: None, retry_after: None, detail: None }
    }

    /// With a sentence for people.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    /// With the time after which to try again.
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }

    /// With the header that its kind carries.
    #[must_use]
    pub fn with(self, name: Name, value: impl Into<String>) -> Self {
        Self { detail: Some((name, value.into())), ..self }
    }

    /// Reads an ERROR frame. A token that nobody defined lasts, unless the peer says when to come back (SPEC §6): trying for
    /// ever is the worse mistake. It reads as malformed-request or as server-error.
    #[must_use]
    pub fn read(frame: &Frame) -> Self {
        let retry_after = frame.header(Name::RetryAfter).and_then(parse_seconds).map(Duration::from_secs);
        let unknown = if retry_after.is_some() { ErrorKind::ServerError } else { ErrorKind::MalformedRequest };
        let kind = frame.header(Name::Error).and_then(ErrorKind::parse).unwrap_or(unknown);
        let detail = [Name::Location, Name::Server, Name::MaxBody, Name::Supported]
            .into_iter()
            .find_map(|name| frame.header(name).map(|value| (name, value.to_owned())));
        Self { kind, reason: frame.header(Name::Reason).map(str::to_owned), retry_after, detail }
    }

    /// Adds this error's headers to a frame begun by [`error_to`] or [`error_unknown`].
    #[must_use]
    pub fn write(&self, writer: Writer) -> Writer {
        // A reason may be a stranger's, passed on: were it as long as theirs could be, no receiver might take our head.
        let reason =
            self.reason.as_deref().map(|reason| reason.get(..reason.floor_char_boundary(REASON_OCTETS)).unwrap_or_default());
        let writer = writer.header(Name::Error, self.kind.as_str()).maybe(Name::Reason, reason);
        let writer = match &self.detail {
            Some((name, value)) => writer.header(*name, value),
            None => writer,
        };
        match self.retry_after {
            Some(after) => writer.number(Name::RetryAfter, whole_seconds(after)),
            None => writer,
        }
    }
}

/// Starts the OK to a request: method and request-id repeated, To and Connection-ID where it had a From.
#[must_use]
pub fn ok_to(request: &Frame) -> Writer {
    answer(Kind::Ok, request, request.header(Name::From), request.header(Name::ConnectionId))
}

/// Starts the ERROR to a request. A From or Connection-ID that is not well formed is not echoed.
#[must_use]
pub fn error_to(request: &Frame) -> Writer {
    let from = request.header(Name::From).filter(|text| Address::is_url(text));
    let connection = request.header(Name::ConnectionId).filter(|text| ConnectionId::parse_any(text).is_some());
    answer(Kind::Error, request, from, connection)
}

/// Starts the ERROR to something whose method and request-id may not have been readable.
#[must_use]
pub fn error_unknown(request: Option<(&str, &str)>) -> Writer {
    let (method, id) = request.unwrap_or((UNKNOWN_METHOD, UNKNOWN_ID));
    Writer::start(Kind::Error, method, id)
}

fn answer(kind: Kind, request: &Frame, from: Option<&str>, connection: Option<&str>) -> Writer {
    let writer = Writer::start(kind, request.method(), request.request_id());
    // Session methods concern one hop: HELLO's Connection-ID is its own header, not one to be copied.
    if Method::parse(request.method()).is_some_and(Method::is_session) {
        return writer;
    }
    writer.maybe(Name::To, from).maybe(Name::ConnectionId, connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Piece, Splitter};

    fn read(headers: &str) -> Answer {
        let mut splitter = Splitter::new(0);
        splitter.push(format!("ERROR (SEND) 1 impp/1.0\r\n{headers}\r\n").as_bytes());
        let Ok(Some(Piece::Frame(frame))) = splitter.poll() else { panic!("{headers}") };
        Answer::read(&frame)
    }

    #[test]
    fn what_an_unknown_token_and_a_bad_number_come_to() {
        let rows = [
            ("Error: try-later\r\nRetry-After: 9\r\n", ErrorKind::TryLater, Some(9)),
            ("Error: out-of-noodles\r\n", ErrorKind::MalformedRequest, None),
            ("Error: out-of-noodles\r\nRetry-After: 9\r\n", ErrorKind::ServerError, Some(9)),
            ("", ErrorKind::MalformedRequest, None),
            ("Error: try-later\r\nRetry-After: +9\r\n", ErrorKind::TryLater, None),
            ("Error: try-later\r\nRetry-After: 18446744073709551615\r\n", ErrorKind::TryLater, None),
        ];
        for (headers, kind, seconds) in rows {
            let answer = read(headers);
            assert_eq!((answer.kind, answer.retry_after.map(|after| after.as_secs())), (kind, seconds), "{headers}");
        }
    }

    #[test]
    fn the_order_of_an_errors_headers() {
        let answer = Answer::new(ErrorKind::Redirect).because("moved").with(Name::Server, "b:1");
        let written = answer.retry_after(Duration::from_millis(1500)).write(error_unknown(Some(("AUTH", "1")))).finish();
        let expected = "ERROR (AUTH) 1 impp/1.0\r\nError: redirect\r\nReason: moved\r\nServer: b:1\r\nRetry-After: 2\r\n\r\n";
        assert_eq!(written, expected);
    }
}
