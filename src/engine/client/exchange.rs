//! What goes into and comes out of an opening engine besides octets.

use crate::engine::End;
use crate::engine::TlsState;
use crate::model::Address;
use crate::model::Answer;
use crate::model::ByeCause;
use crate::model::Services;
use crate::wire::Frame;
use bytes::Bytes;
use core::fmt;
use std::time::Duration;

/// What the engine is told.
pub enum ClientCommand {
    /// The handshake asked for by [`ClientEvent::StartTls`] is done.
    TlsUp {
        /// Channel binding, see [`crate::engine::TlsInfo::exporter`].
        exporter: Option<Vec<u8>>,
    },
    /// A user request, whole in `head` or head and body apart. Waits for its turn: for Ready (or the last AUTH, when
    /// pipelining) and for room under the server's Max-Outstanding. Dropped behind BYE.
    Request {
        /// Start line, headers and blank line; or a whole frame.
        head: Bytes,
        /// What follows; may be empty.
        body: Bytes,
    },
    /// The answer to a [`ClientEvent::Request`].
    Respond {
        /// Start line, headers and blank line; or a whole frame.
        head: Bytes,
        /// What follows; may be empty.
        body: Bytes,
    },
    /// Ask the server for a sign of life; ends in [`ClientEvent::Pong`] or [`End::Idle`].
    Ping,
    /// End the session. Answers that come before the server's OK still come out.
    Bye,
}

/// What the engine wants known or done.
#[derive(Debug)]
pub enum ClientEvent {
    /// Flush the output, do the handshake, then [`ClientCommand::TlsUp`].
    StartTls,
    /// Logged in.
    Ready {
        /// Who we are; From in every request.
        identity: Address,
        /// The session's subscriptions stand.
        resumed: bool,
        /// What the server said of itself.
        hello: ServerHello,
    },
    /// Not logged in; [`End`] follows.
    Refused(ClientRefusal),
    /// A response to a user request.
    Response(Frame),
    /// SEND, CHANGE-NOTIFY or TERMINATE-SUBSCRIPTION: answer it with [`ClientCommand::Respond`].
    Request(Frame),
    /// A PING was answered.
    Pong,
    /// The server ends the connection; the session may go on elsewhere. [`End::Bye`] follows once all requests are answered.
    Bye {
        /// Its token.
        cause: Option<ByeCause>,
        /// Its sentence: a stranger's text.
        reason: Option<String>,
        /// When to come back.
        retry_after: Option<Duration>,
    },
    /// The last event: flush the output and close, as [`End::lingers`] says.
    Ended(End),
}

/// OK (HELLO).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// Its name and version: a stranger's text.
    pub agent: Option<String>,
    /// What it says of TLS.
    pub tls: TlsState,
    /// SASL names: a stranger's text.
    pub mechanisms: Vec<String>,
    /// What the domain does.
    pub services: Services,
    /// The largest body it takes, in octets.
    pub max_body: u64,
    /// Unanswered requests it takes.
    pub max_outstanding: u32,
    /// Its shortest lease.
    pub lease_min: Duration,
    /// Its longest lease.
    pub lease_max: Duration,
}

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientRefusal {
    /// HELLO was answered with this ERROR: target-unknown, redirect, shutting-down ...
    Hello(Answer),
    /// AUTH failed: wrong user or password, or a mechanism that the server does not take.
    LoginFailed,
    /// AUTH was answered with another ERROR: permission-denied for the Inbox, redirect ...
    Auth(Answer),
    /// STARTTLS was needed, and the server does not offer it.
    NoTls,
    /// The server wants TLS, and there was to be none.
    TlsRequired,
    /// The credentials would have crossed the network in the clear.
    InTheClear,
    /// The server offers nothing that this login can use; these it does offer (a stranger's text).
    NoMechanism(Vec<String>),
    /// OpaqueString (RFC 8265) refuses the password.
    Password,
    /// The server asks for so many iterations of PBKDF2, which is too few or too many.
    Iterations(u64),
    /// The server did not prove that it knows the password.
    ServerNotProven,
    /// The server's answer cannot be understood.
    BadAnswer,
    /// The server refused the connection before it could be asked anything.
    Rejected(Answer),
    /// No answer in time.
    Timeout,
}

impl fmt::Display for ClientRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello(answer) | Self::Auth(answer) | Self::Rejected(answer) => answer.kind.fmt(f),
            Self::LoginFailed => f.write_str("login failed"),
            Self::NoTls => f.write_str("the server offers no TLS"),
            Self::TlsRequired => f.write_str("the server requires TLS"),
            Self::InTheClear => f.write_str("credentials are not sent in the clear"),
            Self::NoMechanism(_) => f.write_str("the server offers no way to log in that fits"),
            Self::Password => f.write_str("the password is empty or holds control characters"),
            Self::Iterations(count) => write!(f, "the server asks for {count} iterations"),
            Self::ServerNotProven => f.write_str("the server does not know the password"),
            Self::BadAnswer => f.write_str("the server's answer makes no sense"),
            Self::Timeout => f.write_str("no answer in time"),
        }
    }
}

impl std::error::Error for ClientRefusal {}
