//! Why a connection ended, and whether its last answer must be protected from a reset.

use crate::model::ErrorKind;
use crate::wire::Fault;
use core::fmt;

/// Why an engine is done. Nothing comes out behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// BYE, from either side.
    Bye,
    /// The peer closed without BYE.
    Eof,
    /// The peer's request broke the grammar, and was told so.
    Malformed(Fault),
    /// The peer's response broke the grammar; such are never answered.
    MalformedResponse(Fault),
    /// A body too long even to be skipped; the peer was told if it was a request.
    TooLarge {
        /// A request, and so answered.
        answered: bool,
    },
    /// Octets in the clear between STARTTLS and TLS.
    PlaintextBehindStartTls,
    /// More octets than a login takes, or than may wait while an AUTH is judged.
    Flood,
    /// Three failures of AUTH; the last was answered.
    TooManyFailures,
    /// Not authenticated in time.
    AuthTimeout,
    /// The peer no longer answers.
    Idle,
    /// The server could not read what we sent, and said so.
    NotUnderstood(ErrorKind),
    /// The opening side gave up its login: see the refusal before this.
    Refused,
}

impl End {
    /// Whether an answer stands last in the output: then flush, half-close, discard input for up to
    /// [`super::server::LINGER`], and close (SPEC §3.6). Else close when the output is flushed.
    #[must_use]
    pub const fn lingers(self) -> bool {
        matches!(self, Self::Bye | Self::Malformed(_) | Self::TooLarge { answered: true } | Self::TooManyFailures)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bye => f.write_str("BYE"),
            Self::Eof => f.write_str("closed without BYE"),
            Self::Malformed(fault) => write!(f, "malformed request: {fault}"),
            Self::MalformedResponse(fault) => write!(f, "malformed response: {fault}"),
            Self::TooLarge { .. } => f.write_str("a body far above Max-Body"),
            Self::PlaintextBehindStartTls => f.write_str("octets in the clear behind STARTTLS"),
            Self::Flood => f.write_str("too many octets before a login"),
            Self::TooManyFailures => f.write_str("three failed logins"),
            Self::AuthTimeout => f.write_str("not authenticated in time"),
            Self::Idle => f.write_str("no answer to PING"),
            Self::NotUnderstood(kind) => write!(f, "the server could not read a request: {kind}"),
            Self::Refused => f.write_str("login refused"),
        }
    }
}
