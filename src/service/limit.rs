//! The limits that can be reached, by the names of the keys that set them; and what is said when one is.

use super::Service;
use super::effect::{Effect, Notice};
use crate::model::{Address, Answer, ErrorKind};
use std::time::Duration;

macro_rules! limits {
    ($($variant:ident $text:literal),* $(,)?) => {
        /// A limit that somebody reached. Those that no key sets have names of their own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Limit {
            $(#[doc = concat!("`", $text, "`")] $variant),*
        }

        impl Limit {
            /// Every limit.
            pub const ALL: &'static [Limit] = &[$(Limit::$variant),*];

            /// *Shape:* `limits.connections`: the key that sets it; `mailbox` for two of them; `write-stall`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Limit::$variant => $text),* }
            }
        }
    };
}

limits! {
    Connections "limits.connections",
    ConnectionsPerAddress "limits.connections-per-address",
    ConnectionsPerUser "limits.connections-per-user",
    Logins "limits.logins",
    LoginOctets "limits.login-octets",
    FailedLogins "limits.failed-logins",
    Outstanding "limits.outstanding",
    OutstandingOctets "limits.outstanding-octets",
    RequestsPerSecond "limits.requests-per-second",
    MessagesPerSecond "limits.messages-per-second",
    WriteStall "write-stall",
    Memory "limits.memory",
    SubscriptionsPerSession "limits.subscriptions-per-session",
    SubscribersPerUser "limits.subscribers-per-user",
    ViewsPerUser "limits.views-per-user",
    AclRules "limits.acl-rules",
    Mailbox "mailbox",
    Links "interdomain.links",
    LinkOutstanding "interdomain.outstanding",
    LinkRequests "interdomain.requests-per-second",
    LinkSubscriptions "interdomain.subscriptions",
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Service {
    /// Octets that requests without an answer hold in memory.
    #[must_use]
    pub fn unanswered_octets(&self) -> u64 {
        self.scale.read()
    }

    /// Notes that somebody reached a limit.
    pub(super) fn reached(&mut self, limit: Limit, who: &Address) {
        self.effects.push_back(Effect::Notice(Notice::LimitReached { limit, who: who.clone() }));
    }

    /// The same where time will help: the ERROR that says so.
    pub(super) fn over(&mut self, limit: Limit, who: &Address, reason: &'static str) -> Answer {
        self.reached(limit, who);
        Answer::new(ErrorKind::TryLater).because(reason).retry_after(Duration::from_secs(1))
    }
}
