//! What a domain does for its users: presence, messages, or one of the two.

use super::UserCall;

/// What a domain does for its users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// `presence`
    pub presence: bool,
    /// `messages`
    pub messages: bool,
}

impl Services {
    /// All there are.
    pub const ALL: Self = Self { presence: true, messages: true };

    /// Whether a method belongs to one of them (SPEC §5.1); rules are for both.
    #[must_use]
    pub const fn offer(self, call: &UserCall) -> bool {
        match call {
            UserCall::Send { .. } => self.messages,
            UserCall::GetAcl | UserCall::SetAcl { .. } => self.presence || self.messages,
            UserCall::Fetch
            | UserCall::Subscribe { .. }
            | UserCall::Unsubscribe
            | UserCall::Change { .. }
            | UserCall::ChangeNotify { .. }
            | UserCall::TerminateSubscription { .. }
            | UserCall::GetWatchers => self.presence,
        }
    }

    /// The value of the `Services` header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match (self.presence, self.messages) {
            (true, true) => "presence messages",
            (true, false) => "presence",
            (false, true) => "messages",
            (false, false) => "",
        }
    }

    /// Reads the header; unknown tokens are ignored.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let has = |token| text.split(' ').any(|word| word == token);
        Self { presence: has("presence"), messages: has("messages") }
    }
}
