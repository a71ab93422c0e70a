//! How a tool ends: the exit statuses that scripts rest on, and the one line that goes with them.

use crate::model::ErrorKind;
use std::io;
use std::process::ExitCode;

/// An exit status. The numbers from 64 are those of sysexits.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: what was asked is so.
    Yes,
    /// 1: it is not so. Never "something broke".
    No,
    /// 2: some recipients failed; some addresses open, some closed.
    Partly,
    /// 3: stored where delivery was asked for; presence withheld.
    Unknown,
    /// 64: wrong flags.
    Usage,
    /// 65: bad MIME, XML or address, or too large.
    Data,
    /// 66: a file is missing.
    NoInput,
    /// 67: no such user.
    NoUser,
    /// 68: no such domain, host or service.
    NoHost,
    /// 69: refused for good.
    Unavailable,
    /// 70: a fault of this program.
    Internal,
    /// 73: a file cannot be created.
    CannotCreate,
    /// 74: reading or writing failed.
    Io,
    /// 75: the same may succeed later.
    TryLater,
    /// 76: the peer broke the protocol, or its certificate is not valid.
    Protocol,
    /// 77: login failed, permission denied.
    Denied,
    /// 78: the configuration.
    Config,
    /// 128+n: ended by this signal.
    Signal(u8),
    /// The status of a command that was run.
    Child(u8),
}

/// What a status means, whichever tool ends with it.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// Which.
    pub exit: Exit,
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub means: &'static str,
}

const fn status(exit: Exit, name: &'static str, means: &'static str) -> Status {
    Status { exit, name, means }
}

/// All of them but 128+n, in the order of their numbers: the manual has them from here.
pub const STATUSES: &[Status] = &[
    status(Exit::Yes, "yes", "What was asked is so: delivered or stored, open, allowed, received, sound."),
    status(Exit::No, "no", "It is not so: closed, denied, nothing came in time, errors found. Never that something broke."),
    status(Exit::Partly, "partly", "Some recipients failed; some addresses are open, some closed; warnings only."),
    status(
        Exit::Unknown,
        "unknown",
        "Queued in the spool; stored where `--wait delivered` asked for more; presence is withheld; it could not be found out.",
    ),
    status(Exit::Usage, "usage", "Wrong options or arguments."),
    status(Exit::Data, "data", "A message, presence, rule or address makes no sense, or is too large."),
    status(Exit::NoInput, "no input", "A file that was named is missing or cannot be read."),
    status(Exit::NoUser, "no user", "There is no such user (`target-unknown`)."),
    status(Exit::NoHost, "no host", "There is no such domain, or it offers no such service."),
    status(
        Exit::Unavailable,
        "unavailable",
        "Refused for good (`mailbox-unavailable`, `mime-type-not-understood`, `operation-not-supported`), or replaced by another.",
    ),
    status(Exit::Internal, "internal", "A fault of the program, or the system gives no resources."),
    status(Exit::CannotCreate, "cannot create", "A file cannot be created."),
    status(Exit::Io, "input or output", "Reading or writing failed."),
    status(
        Exit::TryLater,
        "try later",
        "The same may succeed later: network, time-out, DNS failure, a full mailbox, a busy server.",
    ),
    status(Exit::Protocol, "protocol", "The peer broke the protocol, or its certificate is not valid."),
    status(Exit::Denied, "denied", "The login failed, or permission was denied."),
    status(Exit::Config, "configuration", "The configuration is wrong or incomplete."),
];

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Partly => 2,
            Self::Unknown => 3,
            Self::Usage => 64,
            Self::Data => 65,
            Self::NoInput => 66,
            Self::NoUser => 67,
            Self::NoHost => 68,
            Self::Unavailable => 69,
            Self::Internal => 70,
            Self::CannotCreate => 73,
            Self::Io => 74,
            Self::TryLater => 75,
            Self::Protocol => 76,
            Self::Denied => 77,
            Self::Config => 78,
            Self::Signal(number) => 128_u8.saturating_add(number),
            Self::Child(status) => status,
        }
    }

    /// The status of this number.
    #[must_use]
    pub fn of_code(code: u8) -> Self {
        STATUSES.iter().find(|status| status.exit.code() == code).map_or(Self::Child(code), |status| status.exit)
    }

    /// The status for an error that the other side named.
    #[must_use]
    pub const fn of_kind(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::TargetUnknown => Self::NoUser,
            ErrorKind::PermissionDenied
            | ErrorKind::UserAuthenticationRequired
            | ErrorKind::DomainAuthenticationRequired
            | ErrorKind::AuthenticationFailed => Self::Denied,
            ErrorKind::SubscriptionUnknown
            | ErrorKind::OperationNotSupported
            | ErrorKind::MailboxUnavailable
            | ErrorKind::MimeTypeNotUnderstood
            | ErrorKind::TemporarilyForwarded
            | ErrorKind::PermanentlyForwarded
            | ErrorKind::Redirect => Self::Unavailable,
            ErrorKind::MalformedRequest | ErrorKind::VersionNotSupported => Self::Protocol,
            ErrorKind::MessageTooLarge => Self::Data,
            // Somebody else wrote in between: the same may well succeed next time.
            ErrorKind::Conflict
            | ErrorKind::ConnectionFailure
            | ErrorKind::MailboxFull
            | ErrorKind::TryLater
            | ErrorKind::ServerError
            | ErrorKind::ShuttingDown => Self::TryLater,
        }
    }

    /// The status of several: nothing failed, [`Exit::Yes`] (or [`Exit::Unknown`] if one is);
    /// all failed alike, that; otherwise [`Exit::Partly`].
    #[must_use]
    pub fn combine(all: &[Self]) -> Self {
        let first = all.first().copied().unwrap_or(Self::Yes);
        if all.iter().all(|exit| *exit == first) {
            return first;
        }
        let settled = all.iter().all(|exit| matches!(exit, Self::Yes | Self::Unknown));
        if settled { Self::Unknown } else { Self::Partly }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a tool cannot go on: a status, and a line for people unless there is nothing to say.
#[derive(Debug)]
pub struct Failure {
    /// The status.
    pub exit: Exit,
    line: Option<String>,
    token: Option<&'static str>,
}

/// What a tool's functions return.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure with its line, which must not name the tool: that is put before it.
    ///
    /// *Shape:* `cannot read /etc/x: no such file`
    pub fn new(exit: Exit, line: impl Into<String>) -> Self {
        Self { exit, line: Some(line.into()), token: None }
    }

    /// An end that needs no words: it was said already, or nobody reads on.
    #[must_use]
    pub const fn silent(exit: Exit) -> Self {
        Self { exit, line: None, token: None }
    }

    /// The same with the word that stands for it in records: it came of a session, not of what this machine has or lacks.
    #[must_use]
    pub fn called(self, token: &'static str) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Wrong usage.
    pub fn usage(line: impl Into<String>) -> Self {
        Self::new(Exit::Usage, line)
    }

    /// A file that cannot be read: 66 if it is not there, otherwise 74.
    #[must_use]
    pub fn reading(path: &std::path::Path, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory => Exit::NoInput,
            _ => Exit::Io,
        };
        Self::new(exit, format!("cannot read {}: {}", path.display(), reason(error)))
    }

    /// A file that cannot be made.
    #[must_use]
    pub fn creating(path: &std::path::Path, error: &io::Error) -> Self {
        Self::new(Exit::CannotCreate, format!("cannot create {}: {}", path.display(), reason(error)))
    }

    /// A file that cannot be written to.
    #[must_use]
    pub fn writing(path: &std::path::Path, error: &io::Error) -> Self {
        Self::new(Exit::Io, format!("cannot write {}: {}", path.display(), reason(error)))
    }

    /// Standard output that does not take more. A reader that went away is an ordinary end: status 0, no words.
    #[must_use]
    pub fn stdout(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(Exit::Yes),
            _ => Self::new(Exit::Io, format!("cannot write to standard output: {}", reason(error))),
        }
    }

    /// The same, said already.
    #[must_use]
    pub fn unsaid(self) -> Self {
        Self { line: None, ..self }
    }

    /// The word for records, if it came of a session.
    #[must_use]
    pub const fn token(&self) -> Option<&'static str> {
        self.token
    }

    /// The line, if there is one.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        self.line.as_deref()
    }
}

/// The system's words without Rust's `(os error 2)`.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_recipients_make_one_status() {
        for (all, one) in [
            (&[][..], 0),
            (&[Exit::Yes, Exit::Yes], 0),
            (&[Exit::NoUser], 67),
            (&[Exit::NoUser, Exit::NoUser], 67),
            (&[Exit::NoUser, Exit::TryLater], 2),
            (&[Exit::Yes, Exit::TryLater], 2),
            (&[Exit::Yes, Exit::Unknown], 3),
            (&[Exit::Unknown, Exit::NoUser], 2),
        ] {
            assert_eq!(Exit::combine(all).code(), one, "{all:?}");
        }
    }

    #[test]
    fn a_number_is_its_status() {
        for code in 0..=u8::MAX {
            assert_eq!(Exit::of_code(code).code(), code);
        }
        assert_eq!((Exit::of_code(75), Exit::of_code(9)), (Exit::TryLater, Exit::Child(9)));
    }

    #[test]
    fn the_table_has_every_status_in_order() {
        let codes: Vec<u8> = STATUSES.iter().map(|status| status.exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 64, 65, 66, 67, 68, 69, 70, 73, 74, 75, 76, 77, 78]);
    }

    #[test]
    fn every_temporary_kind_is_75_and_no_permanent_one_is() {
        use crate::model::error_kind::Lasting;
        for kind in ErrorKind::ALL {
            let later = Exit::of_kind(*kind) == Exit::TryLater;
            assert_eq!(later, kind.lasting() == Lasting::Temporary || *kind == ErrorKind::Conflict, "{kind}");
        }
        assert_eq!(Exit::of_kind(ErrorKind::TargetUnknown).code(), 67);
        assert_eq!(Exit::of_kind(ErrorKind::MailboxUnavailable).code(), 69);
        assert_eq!(Exit::of_kind(ErrorKind::MessageTooLarge).code(), 65);
        assert_eq!(Exit::of_kind(ErrorKind::PermissionDenied).code(), 77);
    }

    #[test]
    fn signals_and_pipes() {
        assert_eq!(Exit::Signal(2).code(), 130);
        assert_eq!(Exit::Signal(15).code(), 143);
        let gone = Failure::stdout(&io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((gone.exit, gone.line()), (Exit::Yes, None));
    }
}
