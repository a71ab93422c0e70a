//! What is wrong with a frame, and at which octet.

use core::fmt;

/// The first violation of the grammar in a frame.
///
/// *Shape:* fault and place; which answer it earns is the engine's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What was found.
    pub fault: Fault,
    /// The offset in octets from the first octet of the frame.
    pub at: usize,
    /// Method and request-id of the frame, where its start line was sound; an answer then repeats them.
    pub request: Option<(String, String)>,
    /// The frame was, or tried to be, a response: those are never answered.
    pub response: bool,
}

/// The kinds of violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// CR that is not followed by LF.
    BareCr,
    /// LF that does not follow CR.
    BareLf,
    /// Start line that is neither a request's nor a response's.
    StartLine,
    /// A method that is not 1 to 32 of `A`-`Z` and `-`, or a reserved one.
    Method,
    /// A request-id that is not 1 to 32 of its alphabet, or the reserved `0`.
    RequestId,
    /// A version of the right form that is not `impp/1.0`.
    Version,
    /// A header line without a colon, or a name that is no token of 1 to 64 octets.
    HeaderName,
    /// A line that continues the header before it.
    Folded,
    /// A control character in a header value.
    Control,
    /// Octets that are not UTF-8.
    Utf8,
    /// A header that IMPP/1.0 defines, twice.
    Repeated,
    /// A Content-Length that is not 1 to 15 digits.
    ContentLength,
    /// More octets before the blank line than [`super::limits::HEAD_OCTETS`].
    HeadTooLong,
    /// More lines than [`super::limits::HEADERS`].
    TooManyHeaders,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareCr => "a CR without LF",
            Self::BareLf => "an LF without CR",
            Self::StartLine => "not a start line",
            Self::Method => "not a method",
            Self::RequestId => "not a request-id",
            Self::Version => "another protocol version",
            Self::HeaderName => "not a header",
            Self::Folded => "a folded header",
            Self::Control => "a control character in a header",
            Self::Utf8 => "a header that is not UTF-8",
            Self::Repeated => "a repeated header",
            Self::ContentLength => "not a Content-Length",
            Self::HeadTooLong => "headers that are too long",
            Self::TooManyHeaders => "too many headers",
        })
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at octet {}", self.fault, self.at)
    }
}

impl std::error::Error for Malformed {}
