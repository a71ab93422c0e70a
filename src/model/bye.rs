//! Why a server says BYE (SPEC §4.6).

/// The `Cause` of a server's BYE (SPEC §4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByeCause {
    /// The session continues on another connection.
    Replaced,
    /// The server stops.
    ShuttingDown,
    /// The account is no longer usable.
    Disabled,
    /// The right to the Inbox was taken away.
    PermissionDenied,
    /// Nothing happened for long.
    Idle,
    /// One of the server's limits was exceeded, or its memory is short: later perhaps.
    Limit,
    /// An administrator ended the session.
    Kicked,
}

impl ByeCause {
    const ALL: [Self; 7] =
        [Self::Replaced, Self::ShuttingDown, Self::Disabled, Self::PermissionDenied, Self::Idle, Self::Limit, Self::Kicked];

    /// The token on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::ShuttingDown => "shutting-down",
            Self::Disabled => "disabled",
            Self::PermissionDenied => "permission-denied",
            Self::Idle => "idle",
            Self::Limit => "limit",
            Self::Kicked => "kicked",
        }
    }

    /// Reads a token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }

    /// The same for people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Replaced => "the session goes on in another connection",
            Self::ShuttingDown => "the server stops",
            Self::Disabled => "the account can no longer be used",
            Self::PermissionDenied => "these messages may no longer be taken",
            Self::Idle => "nothing happened for long",
            Self::Limit => "more than this server takes from one client; come back later",
            Self::Kicked => "an administrator ended the session",
        }
    }

    /// Whether a client that reads this must not come back by itself.
    #[must_use]
    pub const fn stays_away(self) -> bool {
        matches!(self, Self::Replaced | Self::Disabled | Self::PermissionDenied | Self::Kicked)
    }
}
