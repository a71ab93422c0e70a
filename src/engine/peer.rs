//! What both sides do alike: ids of their own, and answers to what cannot be read.

use super::sasl::work::hmac;
use crate::model::Answer;
use crate::model::ErrorKind;
use crate::model::response::error_unknown;
use crate::wire::Fault;
use crate::wire::Frame;
use crate::wire::Kind;
use crate::wire::Malformed;
use crate::wire::Name;
use crate::wire::Piece;
use crate::wire::Splitter;
use crate::wire::Writer;
use crate::wire::start_line::VERSION;
use bytes::Bytes;

/// Request-ids of an engine's own session requests: a prefix drawn for the connection and a counter, so that a session
/// that is resumed never sees one twice.
#[derive(Debug)]
pub(super) struct RequestIds {
    prefix: [u8; 4],
    count: u32,
}

impl RequestIds {
    pub(super) fn new(nonce: &[u8; 32]) -> Self {
        let [a, b, c, d, ..] = hmac(nonce, &[b"request-id"]);
        Self { prefix: [a, b, c, d], count: 0 }
    }

    pub(super) fn next(&mut self) -> String {
        self.count = self.count.wrapping_add(1);
        format!("{:08x}-{}", u32::from_be_bytes(self.prefix), self.count)
    }
}

/// The answer to a request that breaks the grammar: method and request-id where they were sound, never its octets.
pub(super) fn answer_malformed(malformed: &Malformed) -> Bytes {
    let answer = match malformed.fault {
        Fault::Version => Answer::new(ErrorKind::VersionNotSupported).with(Name::Supported, VERSION),
        fault => Answer::new(ErrorKind::MalformedRequest).because(fault.to_string()),
    };
    let request = malformed.request.as_ref().map(|(method, id)| (method.as_str(), id.as_str()));
    answer.write(error_unknown(request)).finish()
}

/// A response whose body was too long to be taken counts as server-error (SPEC §3.3).
pub(super) fn response_without_body(head: &Frame) -> Option<Frame> {
    let writer = Writer::start(Kind::Error, head.method(), head.request_id())
        .maybe(Name::To, head.header(Name::To))
        .maybe(Name::ConnectionId, head.header(Name::ConnectionId));
    let mut splitter = Splitter::new(0);
    splitter.push(&Answer::new(ErrorKind::ServerError).write(writer).finish());
    match splitter.poll() {
        Ok(Some(Piece::Frame(frame))) => Some(frame),
        _ => None,
    }
}

/// Whether these octets begin a response.
#[must_use]
pub fn is_response(head: &[u8]) -> bool {
    head.starts_with(b"OK (") || head.starts_with(b"ERROR (")
}
