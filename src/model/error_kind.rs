//! The error tokens, and whether trying again can help (SPEC §6).

use core::fmt;

macro_rules! kinds {
    ($($variant:ident $text:literal $lasting:ident),* $(,)?) => {
        /// An error token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorKind {
            $(#[doc = concat!("`", $text, "`")] $variant),*
        }

        impl ErrorKind {
            /// Every token.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$variant),*];

            /// The token on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorKind::$variant => $text),* }
            }

            /// Reads a token.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(ErrorKind::$variant),)* _ => None }
            }

            /// How long the error lasts.
            #[must_use]
            pub const fn lasting(self) -> Lasting {
                match self { $(ErrorKind::$variant => Lasting::$lasting),* }
            }
        }
    };
}

/// How long an error lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// The same request will fail again.
    Permanent,
    /// The same request may succeed on an authenticated connection.
    UntilAuthenticated,
    /// The request belongs elsewhere.
    Follow,
    /// The same request may succeed later.
    Temporary,
}

kinds! {
    TargetUnknown "target-unknown" Permanent,
    SubscriptionUnknown "subscription-unknown" Permanent,
    PermissionDenied "permission-denied" Permanent,
    OperationNotSupported "operation-not-supported" Permanent,
    MailboxUnavailable "mailbox-unavailable" Permanent,
    MimeTypeNotUnderstood "mime-type-not-understood" Permanent,
    MalformedRequest "malformed-request" Permanent,
    VersionNotSupported "version-not-supported" Permanent,
    Conflict "conflict" Permanent,
    UserAuthenticationRequired "user-authentication-required" UntilAuthenticated,
    DomainAuthenticationRequired "domain-authentication-required" UntilAuthenticated,
    AuthenticationFailed "authentication-failed" UntilAuthenticated,
    TemporarilyForwarded "temporarily-forwarded" Follow,
    PermanentlyForwarded "permanently-forwarded" Follow,
    Redirect "redirect" Follow,
    MessageTooLarge "message-too-large" Permanent,
    ConnectionFailure "connection-failure" Temporary,
    MailboxFull "mailbox-full" Temporary,
    TryLater "try-later" Temporary,
    ServerError "server-error" Temporary,
    ShuttingDown "shutting-down" Temporary,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
