//! Why a request did not succeed: the words, the token, the status, and whether to try again.

use super::exit::{Exit, Failure};
use super::safe;
use super::units;
use crate::model::{Answer, ErrorKind};
use std::time::Duration;

/// What came instead of an OK.
#[derive(Clone, Debug)]
pub struct Trouble {
    exit: Exit,
    token: &'static str,
    kind: Option<ErrorKind>,
    words: String,
    reason: Option<String>,
    retry_after: Option<Duration>,
}

impl Trouble {
    /// What the other side answered.
    #[must_use]
    pub fn refused(answer: &Answer) -> Self {
        Self {
            exit: Exit::of_kind(answer.kind),
            token: answer.kind.as_str(),
            kind: Some(answer.kind),
            words: words(answer.kind).to_owned(),
            reason: answer.reason.clone(),
            retry_after: answer.retry_after,
        }
    }

    /// What went wrong without an answer. `token` is a word for scripts.
    #[must_use]
    pub fn local(exit: Exit, token: &'static str, words: impl Into<String>) -> Self {
        Self { exit, token, kind: None, words: words.into(), reason: None, retry_after: None }
    }

    /// The status that this alone would give.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The error token of the protocol, or a word of the same kind: `timeout`, `network`, `tls` ..
    #[must_use]
    pub fn token(&self) -> &'static str {
        self.token
    }

    /// The kind, if the other side named one.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        self.kind
    }

    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.exit == Exit::TryLater
    }

    /// After how long the other side wants to be asked again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The line for people.
    ///
    /// *Shape:* `cannot deliver to bob@example.org: mailbox is full (mailbox-full); try again in 60 s`
    #[must_use]
    pub fn line(&self, what: &str) -> String {
        let mut line = format!("cannot {what}: {}", self.words);
        if self.kind.is_some() {
            line += &format!(" ({})", self.token);
        }
        if let Some(reason) = self.reason.as_deref().filter(|reason| !reason.is_empty()) {
            line += &format!(": {}", safe::line(reason));
        }
        if let Some(after) = self.retry_after {
            line += &format!("; try again in {}", units::shown(after));
        }
        line
    }

    /// The failure of a tool that could not do this.
    #[must_use]
    pub fn doing(self, what: &str) -> Failure {
        Failure::new(self.exit, self.line(what))
    }
}

/// The same in words.
fn words(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::TargetUnknown => "there is no such user",
        ErrorKind::SubscriptionUnknown => "there is no such subscription",
        ErrorKind::PermissionDenied => "not allowed",
        ErrorKind::OperationNotSupported => "the server does not do that",
        ErrorKind::MailboxUnavailable => "no mailbox takes it",
        ErrorKind::MimeTypeNotUnderstood => "its form is not understood",
        ErrorKind::MalformedRequest => "the server does not understand the request",
        ErrorKind::VersionNotSupported => "the server speaks another version",
        ErrorKind::Conflict => "somebody else changed it in between",
        ErrorKind::UserAuthenticationRequired => "the server wants a login",
        ErrorKind::DomainAuthenticationRequired => "the server takes this only from its own users or other servers",
        ErrorKind::AuthenticationFailed => "login failed: wrong user or password",
        ErrorKind::TemporarilyForwarded | ErrorKind::PermanentlyForwarded => "moved, too many times",
        ErrorKind::Redirect => "sent elsewhere, too many times",
        ErrorKind::MessageTooLarge => "the message is too large",
        ErrorKind::ConnectionFailure => "the other domain cannot be reached",
        ErrorKind::MailboxFull => "mailbox is full",
        ErrorKind::TryLater => "the server is busy",
        ErrorKind::ServerError => "the server has a fault",
        ErrorKind::ShuttingDown => "the server is shutting down",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_why_and_what_to_do() {
        let full = Trouble::refused(&Answer::new(ErrorKind::MailboxFull).retry_after(Duration::from_secs(60)));
        assert_eq!(full.line("deliver to bob@example.org"), "cannot deliver to bob@example.org: mailbox is full (mailbox-full); try again in 60 s");
        assert!(full.is_temporary());
        let said = Trouble::refused(&Answer::new(ErrorKind::PermissionDenied).because("not\u{1b}[2J you"));
        assert_eq!(said.line("x"), "cannot x: not allowed (permission-denied): not\\x1b[2J you");
        let late = Trouble::local(Exit::TryLater, "timeout", "no answer within 30 s");
        assert_eq!(late.doing("reach x").line(), Some("cannot reach x: no answer within 30 s"));
    }
}
