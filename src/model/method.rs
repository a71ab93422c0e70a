//! The methods, and which of them concern one hop only.

macro_rules! methods {
    ($($variant:ident $text:literal),* $(,)?) => {
        /// A method that IMPP/1.0 defines.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $text, "`")] $variant),*
        }

        impl Method {
            /// Every method.
            pub const ALL: &'static [Method] = &[$(Method::$variant),*];

            /// The method on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Method::$variant => $text),* }
            }

            /// Reads a method; `None` for one that IMPP/1.0 does not define.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Method::$variant),)* _ => None }
            }
        }
    };
}

methods! {
    Hello "HELLO",
    StartTls "STARTTLS",
    Auth "AUTH",
    Ping "PING",
    Bye "BYE",
    Fetch "FETCH",
    Subscribe "SUBSCRIBE",
    Unsubscribe "UNSUBSCRIBE",
    Send "SEND",
    Change "CHANGE",
    ChangeNotify "CHANGE-NOTIFY",
    TerminateSubscription "TERMINATE-SUBSCRIPTION",
    GetAcl "GET-ACL",
    SetAcl "SET-ACL",
    GetWatchers "GET-WATCHERS",
}

impl Method {
    /// Session methods concern one hop and have no From (SPEC §4); the others are user methods (SPEC §5).
    #[must_use]
    pub const fn is_session(self) -> bool {
        matches!(self, Self::Hello | Self::StartTls | Self::Auth | Self::Ping | Self::Bye)
    }
}
