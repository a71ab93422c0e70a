//! What goes into and comes out of an accepting engine besides octets.

use crate::engine::End;
use crate::engine::Mechanism;
use crate::engine::PasswordVerdict;
use crate::engine::PasswordWork;
use crate::engine::TlsInfo;
use crate::model::Address;
use crate::model::Answer;
use crate::model::ByeCause;
use crate::model::ConnectionId;
use crate::model::Credentials;
use crate::model::Domain;
use crate::wire::Frame;
use bytes::Bytes;
use std::time::Duration;

/// What the engine is told. One that does not fit the moment is ignored.
pub enum ServerCommand {
    /// The handshake asked for by [`ServerEvent::StartTls`] is done.
    TlsUp(TlsInfo),
    /// The answer to [`ServerEvent::LookUp`] or [`ServerEvent::LookUpPeer`]; `None`: no such user. A disabled account's record is given like any
    /// other, and refused in [`ServerCommand::Opened`].
    Credentials(Option<Credentials>),
    /// The answer to [`ServerEvent::CheckPassword`].
    Checked(PasswordVerdict),
    /// The answer to [`ServerEvent::JudgePeer`]: whether the certificate proves the domain.
    PeerJudged(bool),
    /// The answer to [`ServerEvent::Authenticated`] and [`ServerEvent::LinkUp`]: whether a session was resumed, or the ERROR to AUTH.
    /// authentication-failed counts as a failed login and is written like every other one, without a Reason.
    Opened(Result<bool, Answer>),
    /// A frame to be written: a whole one in `head`, or head and body apart. No octet is copied.
    Send {
        /// Start line, headers and blank line; or a whole frame.
        head: Bytes,
        /// What follows; may be empty.
        body: Bytes,
    },
    /// Say BYE and end, within 2 s.
    Bye {
        /// A token for programs.
        cause: Option<ByeCause>,
        /// A sentence for people.
        reason: Option<&'static str>,
        /// When to come back.
        retry_after: Option<Duration>,
    },
}

/// What the engine wants known or done.
#[derive(Debug)]
pub enum ServerEvent {
    /// Flush the output, do the handshake on the octets that come next, then [`ServerCommand::TlsUp`].
    StartTls,
    /// Find this user's record, then [`ServerCommand::Credentials`].
    LookUp(Address),
    /// Find the record that was made of the secret shared with this domain, then [`ServerCommand::Credentials`].
    LookUpPeer(Domain),
    /// Judge whether the certificate that the peer showed in TLS proves this domain, then [`ServerCommand::PeerJudged`].
    JudgePeer(Domain),
    /// Run this where blocking is allowed, then [`ServerCommand::Checked`].
    CheckPassword(PasswordWork),
    /// The peer is who it says: open its session, then [`ServerCommand::Opened`].
    Authenticated(Opening),
    /// The peer is the server of another domain: then [`ServerCommand::Opened`].
    LinkUp(LinkOpening),
    /// A user request. Its grammar is sound, its meaning not yet looked at.
    Request(Frame),
    /// A response to a user request.
    Response(Frame),
    /// A failed AUTH, for the log.
    LoginFailed {
        /// The user or domain that was claimed; `None` if none could be read.
        claimed: Option<Address>,
        /// The mechanism; `None` if it is unknown.
        mechanism: Option<Mechanism>,
    },
    /// The client's BYE ends its session. What it was owed has been written, or took too long.
    Bye,
    /// The last event: flush the output and close, as [`End::lingers`] says.
    Ended(End),
}

/// A connection whose peer has proved who it is, with what it said in HELLO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The canonical address.
    pub identity: Address,
    /// Whether that is an address of ANONYMOUS.
    pub anonymous: bool,
    /// The session's name.
    pub connection: ConnectionId,
    /// `Accept: messages`.
    pub accepts_messages: bool,
    /// The other user whose messages are wanted instead; never the identity itself.
    pub inbox: Option<Address>,
    /// The largest body that the client takes, in octets.
    pub max_body: u64,
    /// Unanswered requests that the client takes.
    pub max_outstanding: u32,
}

/// A connection whose peer is the server of another domain, with what it said in HELLO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkOpening {
    /// Our domain, which it wants to reach.
    pub domain: Domain,
    /// The domain for which it speaks.
    pub origin: Domain,
    /// The largest body that it takes, in octets.
    pub max_body: u64,
    /// Unanswered requests that it takes.
    pub max_outstanding: u32,
}
