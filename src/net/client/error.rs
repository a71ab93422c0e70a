//! Why a client did not get what it asked for, and whose fault that is.

use crate::engine::{ByeCause, ClientRefusal, End};
use crate::model::error_kind::Lasting;
use crate::model::{Address, Answer, ErrorKind};
use crate::net::connect::{ConnectError, Helpful};
use crate::net::printable::printable;
use crate::net::tls::{TlsError, TlsFileError};
use crate::wire::Name;
use std::time::Duration;
use std::{fmt, io};

/// Characters of a server's Reason that are shown.
const REASON_CHARS: usize = 160;

/// A request or a session that failed. Cheap enough to be cloned for everyone who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// No connection.
    Unreachable(ConnectError),
    /// No TLS.
    Tls(TlsError),
    /// Certificates or keys of our own that cannot be used.
    Files(TlsFileError),
    /// No session: the server's HELLO or AUTH, or what we think of it.
    Login(ClientRefusal),
    /// The request was answered ERROR.
    Refused(Answer),
    /// The body is larger than the server takes.
    TooLarge {
        /// Octets of the body.
        octets: u64,
        /// Octets that the server takes.
        limit: u64,
    },
    /// The server's OK lacks this header or body, or has it in no sensible form.
    BadAnswer(Name),
    /// No answer in time; whether the request took effect is unknown.
    Timeout,
    /// The connection broke; whether requests under way took effect is unknown.
    Broken(io::ErrorKind),
    /// The connection ended as the engine says.
    Ended(End),
    /// The server said BYE.
    Bye {
        /// Its token.
        cause: Option<ByeCause>,
        /// Its sentence: a stranger's text.
        reason: Option<String>,
        /// When to come back.
        retry_after: Option<Duration>,
    },
    /// The target moved to another domain.
    MovedAway(Address),
    /// The target moved, and following led in a circle or too far; the last address.
    MovedTooOften(Address),
    /// We closed the session ourselves.
    Closed,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Ours or our caller's.
    Misuse,
    /// The server broke the protocol.
    Misbehaved,
    /// The server said no.
    Refused,
    /// The world between.
    Unreachable,
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Unreachable(ConnectError::NoResolver | ConnectError::InTheClear(_) | ConnectError::NoAddress(_)) => {
                Blame::Misuse
            }
            Self::Unreachable(ConnectError::NoService(_) | ConnectError::NotOffered(_)) => Blame::Refused,
            Self::Files(_) | Self::Closed | Self::TooLarge { .. } => Blame::Misuse,
            Self::Tls(TlsError::Broken(_)) | Self::Unreachable(_) | Self::Timeout | Self::Broken(_) => Blame::Unreachable,
            Self::Login(ClientRefusal::Timeout) | Self::Ended(End::Eof | End::Idle) => Blame::Unreachable,
            Self::Login(ClientRefusal::Password | ClientRefusal::InTheClear) => Blame::Misuse,
            Self::Login(ClientRefusal::BadAnswer | ClientRefusal::ServerNotProven | ClientRefusal::Iterations(_)) => {
                Blame::Misbehaved
            }
            Self::Login(_) | Self::Refused(_) | Self::Bye { .. } | Self::Tls(TlsError::OurCertificate) => Blame::Refused,
            Self::MovedAway(_) | Self::MovedTooOften(_) => Blame::Refused,
            Self::Ended(End::Bye | End::Refused) => Blame::Refused,
            Self::Tls(_) | Self::BadAnswer(_) | Self::Ended(_) => Blame::Misbehaved,
        }
    }

    /// Whether the same attempt may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(error) => error.is_temporary(),
            Self::Bye { cause, .. } => !cause.is_some_and(ByeCause::stays_away),
            _ => match self.answer() {
                Some(answer) => answer.kind.lasting() == Lasting::Temporary,
                None => self.blame() == Blame::Unreachable || matches!(self, Self::Ended(End::Bye)),
            },
        }
    }

    /// The server's ERROR, where there was one.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Refused(answer) => Some(answer),
            Self::Login(ClientRefusal::Hello(answer) | ClientRefusal::Auth(answer) | ClientRefusal::Rejected(answer)) => {
                Some(answer)
            }
            _ => None,
        }
    }

    /// When the server wants to be asked again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Bye { retry_after, .. } => *retry_after,
            other => other.answer()?.retry_after,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Files(error) => error.fmt(f),
            Self::Refused(answer) => write_answer(f, answer),
            Self::Login(refusal) => match self.answer() {
                Some(answer) => {
                    f.write_str("the server refuses the session: ")?;
                    write_answer(f, answer)
                }
                None => refusal.fmt(f),
            },
            Self::TooLarge { octets, limit } => write!(f, "{octets} octets are too much: the server takes {limit}"),
            Self::BadAnswer(name) => write!(f, "the server's answer has no sensible {}", name.as_str()),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Broken(kind) => write!(f, "the connection broke: {kind}"),
            Self::Ended(end) => write!(f, "the connection ended: {end}"),
            Self::Bye { cause, reason, retry_after } => {
                f.write_str("the server said goodbye")?;
                if let Some(cause) = cause {
                    write!(f, " ({})", cause.as_str())?;
                }
                write_reason(f, reason.as_deref())?;
                write_retry(f, *retry_after)
            }
            Self::MovedAway(to) => write!(f, "the address has moved to {}, in another domain", to.shown()),
            Self::MovedTooOften(to) => write!(f, "the address has moved too often; the last is {}", to.shown()),
            Self::Closed => f.write_str("the session is closed"),
        }
    }
}

fn write_answer(f: &mut fmt::Formatter<'_>, answer: &Answer) -> fmt::Result {
    write!(f, "{} ({})", in_words(answer.kind), answer.kind)?;
    if let (ErrorKind::MessageTooLarge, Some((Name::MaxBody, limit))) = (answer.kind, &answer.detail) {
        write!(f, ", at most {} octets", printable(limit, 20))?;
    }
    write_reason(f, answer.reason.as_deref())?;
    write_retry(f, answer.retry_after)
}

fn write_reason(f: &mut fmt::Formatter<'_>, reason: Option<&str>) -> fmt::Result {
    reason.filter(|text| !text.is_empty()).map_or(Ok(()), |text| write!(f, ": {}", printable(text, REASON_CHARS)))
}

fn write_retry(f: &mut fmt::Formatter<'_>, after: Option<Duration>) -> fmt::Result {
    after.map_or(Ok(()), |after| write!(f, "; try again in {} s", after.as_secs()))
}

/// A token in words that fit behind "cannot ...: ".
const fn in_words(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::TargetUnknown => "there is no such address",
        ErrorKind::SubscriptionUnknown => "there is no such subscription",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::OperationNotSupported => "the server does not do this",
        ErrorKind::MailboxUnavailable => "nobody is there to receive it, and nothing is stored",
        ErrorKind::MimeTypeNotUnderstood => "the content is not of the right type or form",
        ErrorKind::MalformedRequest => "the server does not understand the request",
        ErrorKind::VersionNotSupported => "the server speaks another version of the protocol",
        ErrorKind::Conflict => "it was changed by somebody else meanwhile",
        ErrorKind::UserAuthenticationRequired => "one must log in first",
        ErrorKind::DomainAuthenticationRequired => "the domain must log in first",
        ErrorKind::AuthenticationFailed => "login failed",
        ErrorKind::TemporarilyForwarded => "the address has moved for a while",
        ErrorKind::PermanentlyForwarded => "the address has moved",
        ErrorKind::Redirect => "the server wants to be reached elsewhere",
        ErrorKind::MessageTooLarge => "it is too large",
        ErrorKind::ConnectionFailure => "the other domain cannot be reached",
        ErrorKind::MailboxFull => "mailbox is full",
        ErrorKind::TryLater => "the server is busy",
        ErrorKind::ServerError => "the server failed",
        ErrorKind::ShuttingDown => "the server is stopping",
    }
}

impl std::error::Error for Error {}

impl Helpful for Error {
    /// What a server said of itself helps more than what the network said:
    ///
    /// | | |
    /// | --- | --- |
    /// | 20 | its certificate was refused |
    /// | 18 | it refused HELLO, or the login for now |
    /// | 16 | it speaks no TLS, or not ours |
    /// | 14 | it said goodbye, or something that makes no sense |
    /// | 12 | the connection broke behind the start |
    /// | 10 | it says nothing |
    /// | below | there was no connection: [`ConnectError::help`] |
    fn help(&self) -> u8 {
        match self {
            Self::Unreachable(error) => error.help(),
            Self::Tls(TlsError::Certificate { .. }) => 20,
            Self::Login(ClientRefusal::Timeout) | Self::Timeout => 10,
            Self::Login(ClientRefusal::BadAnswer) | Self::Bye { .. } => 14,
            Self::Login(_) => 18,
            Self::Tls(TlsError::Broken(_)) | Self::Broken(_) | Self::Ended(End::Eof) => 12,
            Self::Tls(_) => 16,
            _ => 14,
        }
    }

    fn set_tried(&mut self, tried: usize) {
        if let Self::Unreachable(error) = self {
            error.set_tried(tried);
        }
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        Self::Unreachable(error)
    }
}

impl From<TlsError> for Error {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<TlsFileError> for Error {
    fn from(error: TlsFileError) -> Self {
        Self::Files(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_clear_line_and_whether_to_try_again() {
        let full = Answer::new(ErrorKind::MailboxFull).retry_after(Duration::from_secs(60));
        let denied = Answer::new(ErrorKind::PermissionDenied).because("no\r\n\u{1b}[2J");
        let large = Answer::new(ErrorKind::MessageTooLarge).with(Name::MaxBody, "65536");
        let bye = |cause| Error::Bye { cause, reason: Some("so long".into()), retry_after: None };
        let rows = [
            (Error::Refused(full), true, "mailbox is full (mailbox-full); try again in 60 s"),
            (Error::Refused(denied), false, "permission denied (permission-denied): no\\u{d}\\u{a}\\u{1b}[2J"),
            (Error::Refused(large), false, "it is too large (message-too-large), at most 65536 octets"),
            (Error::Login(ClientRefusal::LoginFailed), false, "login failed"),
            (
                Error::Login(ClientRefusal::Hello(Answer::new(ErrorKind::ShuttingDown))),
                true,
                "the server refuses the session: the server is stopping (shutting-down)",
            ),
            (bye(Some(ByeCause::ShuttingDown)), true, "the server said goodbye (shutting-down): so long"),
            (bye(Some(ByeCause::Replaced)), false, "the server said goodbye (replaced): so long"),
            (Error::Broken(io::ErrorKind::ConnectionReset), true, "the connection broke: connection reset"),
            (Error::Timeout, true, "no answer in time"),
            (Error::Closed, false, "the session is closed"),
            (Error::BadAnswer(Name::Delivery), false, "the server's answer has no sensible Delivery"),
        ];
        for (error, temporary, text) in rows {
            assert_eq!(error.to_string(), text);
            assert_eq!(error.is_temporary(), temporary, "{error}");
        }
    }
}
