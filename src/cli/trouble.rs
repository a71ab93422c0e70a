//! Why a request did not succeed: the line for people, a token and a status for scripts, and whether to try again.

use super::exit::{Exit, Failure};
use crate::engine::{ByeCause, ClientRefusal};
use crate::model::ErrorKind;
use crate::net::client::Error;
use crate::net::connect::ConnectError;
use crate::net::dns;
use crate::net::tls::{FileFault, TlsError};
use std::io;
use std::time::Duration;

/// What came instead of an OK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(Error);

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl Trouble {
    /// The status that this alone would give.
    #[must_use]
    pub fn exit(&self) -> Exit {
        status(&self.0)
    }

    /// The error token of the protocol, or a word of the same kind where there is no answer.
    #[must_use]
    pub fn token(&self) -> &'static str {
        if let Some(answer) = self.0.answer() {
            return answer.kind.as_str();
        }
        match &self.0 {
            Error::Login(ClientRefusal::LoginFailed) => ErrorKind::AuthenticationFailed.as_str(),
            Error::TooLarge { .. } => ErrorKind::MessageTooLarge.as_str(),
            Error::Timeout | Error::Login(ClientRefusal::Timeout) => "timeout",
            Error::Bye { cause: Some(cause), .. } => cause.as_str(),
            Error::MovedAway(_) | Error::MovedTooOften(_) => "moved",
            Error::Tls(_) => "tls",
            Error::Files(_) => "files",
            Error::Unreachable(
                ConnectError::NoService(_)
                | ConnectError::NotOffered(_)
                | ConnectError::HostUnknown(_)
                | ConnectError::NoAddress(_),
            ) => "no-server",
            Error::Unreachable(ConnectError::Undecided { .. } | ConnectError::LookupFailed(_) | ConnectError::NoResolver) => {
                "dns"
            }
            Error::Unreachable(_) | Error::Broken(_) | Error::Bye { .. } | Error::Closed => "network",
            Error::Login(_) => "login",
            _ if self.is_temporary() => "network",
            _ => "protocol",
        }
    }

    /// The kind, if the other side named one.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        self.0.answer().map(|answer| answer.kind)
    }

    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.exit() == Exit::TryLater
    }

    /// Whether it is about the one request; otherwise there is no session, and no other request would fare better.
    #[must_use]
    pub fn is_an_answer(&self) -> bool {
        matches!(
            self.0,
            Error::Refused(_) | Error::TooLarge { .. } | Error::BadAnswer(_) | Error::MovedAway(_) | Error::MovedTooOften(_)
        )
    }

    /// After how long the other side wants to be asked again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after()
    }

    /// What happened, without what was attempted.
    #[must_use]
    pub fn why(&self) -> String {
        self.0.to_string()
    }

    /// The line for people.
    ///
    /// *Shape:* `cannot deliver to bob@example.org: mailbox is full (mailbox-full); try again in 60 s`
    #[must_use]
    pub fn line(&self, what: &str) -> String {
        let hint = match &self.0 {
            Error::Unreachable(ConnectError::NoService(_)) => "; --server HOST[:PORT] names one that is not in the DNS",
            Error::Unreachable(ConnectError::Undecided { why: dns::Failure::Bogus, .. }) => {
                "; the domain's administrator has to mend that (or, if this network's resolver makes up names, --dnssec-anchor none \
                 believes it)"
            }
            Error::Unreachable(ConnectError::InTheClear(_)) => "; --insecure allows it",
            Error::Login(ClientRefusal::LoginFailed) => "; check the address and the password",
            Error::Tls(TlsError::NotTls) => "; if this is a port for STARTTLS, give --tls starttls",
            _ => "",
        };
        format!("cannot {what}: {}{hint}", self.0)
    }

    /// The failure of a tool that could not do this.
    #[must_use]
    pub fn doing(self, what: &str) -> Failure {
        Failure::new(self.exit(), self.line(what)).called(self.token())
    }
}

/// Every error of a client has its status here, and nowhere else.
fn status(error: &Error) -> Exit {
    match error {
        // The server that was reached does not know the domain: the domain has no service there.
        Error::Login(ClientRefusal::Hello(answer)) if answer.kind == ErrorKind::TargetUnknown => Exit::NoHost,
        Error::Refused(answer)
        | Error::Login(ClientRefusal::Hello(answer) | ClientRefusal::Auth(answer) | ClientRefusal::Rejected(answer)) => {
            Exit::of_kind(answer.kind)
        }
        Error::Unreachable(error) => match error {
            ConnectError::NoService(_)
            | ConnectError::NotOffered(_)
            | ConnectError::HostUnknown(_)
            | ConnectError::NoAddress(_) => Exit::NoHost,
            ConnectError::InTheClear(_) => Exit::Usage,
            ConnectError::NoResolver => Exit::Config,
            _ => Exit::TryLater,
        },
        Error::Tls(TlsError::Broken(_)) | Error::Timeout | Error::Broken(_) => Exit::TryLater,
        Error::Tls(TlsError::OurCertificate) => Exit::Denied,
        Error::Tls(_) | Error::BadAnswer(_) => Exit::Protocol,
        Error::Files(error) => match error.fault {
            FileFault::Unreadable(io::ErrorKind::NotFound) => Exit::NoInput,
            _ => Exit::Config,
        },
        Error::Login(refusal) => match refusal {
            ClientRefusal::LoginFailed | ClientRefusal::NoMechanism(_) => Exit::Denied,
            ClientRefusal::Password => Exit::Config,
            ClientRefusal::Timeout => Exit::TryLater,
            _ => Exit::Protocol,
        },
        Error::TooLarge { .. } => Exit::Data,
        Error::Bye { cause: Some(ByeCause::Disabled | ByeCause::PermissionDenied | ByeCause::Kicked), .. } => Exit::Denied,
        Error::Bye { cause: Some(ByeCause::Replaced), .. } | Error::MovedAway(_) | Error::MovedTooOften(_) => Exit::Unavailable,
        Error::Bye { .. } => Exit::TryLater,
        Error::Closed => Exit::Internal,
        other if other.is_temporary() => Exit::TryLater,
        _ => Exit::Protocol,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Answer, Domain};

    fn domain() -> Domain {
        Domain::parse("example.org").unwrap()
    }

    fn undecided(why: dns::Failure) -> Error {
        let question = "_impps-client._tcp.example.org SRV".into();
        Error::Unreachable(ConnectError::Undecided { question, why })
    }

    #[test]
    fn each_error_has_its_status_and_token() {
        let refused = |kind| Error::Refused(Answer::new(kind));
        let bye = |cause| Error::Bye { cause, reason: None, retry_after: None };
        let file = |fault| Error::Files(crate::net::TlsFileError { file: "ca.pem".into(), fault });
        let rows = [
            (refused(ErrorKind::TargetUnknown), 67, "target-unknown"),
            (refused(ErrorKind::MailboxFull), 75, "mailbox-full"),
            (Error::Login(ClientRefusal::Hello(Answer::new(ErrorKind::TargetUnknown))), 68, "target-unknown"),
            (Error::Login(ClientRefusal::LoginFailed), 77, "authentication-failed"),
            (Error::Login(ClientRefusal::ServerNotProven), 76, "login"),
            (Error::Unreachable(ConnectError::NoService(domain())), 68, "no-server"),
            (Error::Unreachable(ConnectError::NotOffered(domain())), 68, "no-server"),
            (undecided(dns::Failure::Bogus), 75, "dns"),
            (undecided(dns::Failure::ServFail), 75, "dns"),
            (undecided(dns::Failure::Timeout), 75, "dns"),
            (Error::Unreachable(ConnectError::NoResolver), 78, "dns"),
            (Error::Unreachable(ConnectError::HostUnknown("x".into())), 68, "no-server"),
            (Error::Unreachable(ConnectError::LookupFailed("x".into())), 75, "dns"),
            (Error::Unreachable(ConnectError::InTheClear("x".into())), 64, "network"),
            (Error::Tls(TlsError::NotTls), 76, "tls"),
            (Error::Tls(TlsError::Broken(io::ErrorKind::ConnectionReset)), 75, "tls"),
            (file(FileFault::Unreadable(io::ErrorKind::NotFound)), 66, "files"),
            (file(FileFault::NotPem), 78, "files"),
            (Error::TooLarge { octets: 2, limit: 1 }, 65, "message-too-large"),
            (Error::Timeout, 75, "timeout"),
            (Error::Broken(io::ErrorKind::ConnectionReset), 75, "network"),
            (bye(Some(ByeCause::Replaced)), 69, "replaced"),
            (bye(Some(ByeCause::Disabled)), 77, "disabled"),
            (bye(Some(ByeCause::ShuttingDown)), 75, "shutting-down"),
            (Error::MovedAway(Address::parse("a@x").unwrap()), 69, "moved"),
        ];
        for (error, code, token) in rows {
            let trouble = Trouble::from(error.clone());
            assert_eq!((trouble.exit().code(), trouble.token()), (code, token), "{error:?}");
        }
    }

    #[test]
    fn a_line_says_what_why_and_what_to_do() {
        let full = Answer::new(ErrorKind::MailboxFull).retry_after(Duration::from_secs(60));
        let line = Trouble::from(Error::Refused(full)).line("deliver to bob@example.org");
        assert_eq!(line, "cannot deliver to bob@example.org: mailbox is full (mailbox-full); try again in 60 s");
        let nowhere = Trouble::from(Error::Unreachable(ConnectError::NoService(domain()))).line("find the server of example.org");
        assert_eq!(
            nowhere,
            "cannot find the server of example.org: example.org has no SRV record for IMPP and no address: there is no such \
             service; --server HOST[:PORT] names one that is not in the DNS"
        );
        let bogus = Trouble::from(undecided(dns::Failure::Bogus)).line("find the server of example.org");
        assert!(bogus.contains("_impps-client._tcp.example.org SRV"), "{bogus}");
        assert!(bogus.contains("--dnssec-anchor none"), "{bogus}");
        let login = Trouble::from(Error::Login(ClientRefusal::LoginFailed)).line("log in to example.org");
        assert_eq!(login, "cannot log in to example.org: login failed; check the address and the password");
        let clear = Trouble::from(Error::Tls(TlsError::NotTls)).line("log in to example.org");
        assert_eq!(
            clear,
            "cannot log in to example.org: what the server sent is not TLS; if this is a port for STARTTLS, give --tls starttls"
        );
    }
}
