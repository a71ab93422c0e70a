//! User requests: from the headers of a frame to a call with checked parts, and back (SPEC §5).

use super::address::Address;
use super::id::{ConnectionId, MessageId, RequestId, Token, Version};
use super::lease::{Lease, parse_seconds};
use super::method::Method;
use crate::wire::{Frame, Name, Writer};
use std::time::Duration;

/// A user request whose parts are sound. The frame is kept beside it for forwarding and for its body.
///
/// From is not here: a connection's own server compares its octets with the Identity (SPEC §5).
#[derive(Clone, Debug)]
pub struct UserRequest {
    /// The request-id.
    pub id: RequestId,
    /// The session that the request claims to come from.
    pub connection: ConnectionId,
    /// Whom it concerns.
    pub target: Address,
    /// What is asked.
    pub call: UserCall,
}

/// What a user request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserCall {
    /// FETCH
    Fetch,
    /// SUBSCRIBE, with the wish in seconds
    Subscribe {
        /// Lease-Time in seconds.
        lease: Option<u64>,
    },
    /// UNSUBSCRIBE
    Unsubscribe,
    /// SEND
    Send {
        /// Message-ID.
        message_id: MessageId,
        /// How long delivery is wanted; zero: now or not at all.
        wanted: Option<Duration>,
    },
    /// CHANGE
    Change {
        /// Lease-Time.
        lease: Lease,
        /// The version that must be current.
        if_version: Option<Version>,
        /// The view whose value this is.
        view: Option<Token>,
    },
    /// CHANGE-NOTIFY
    ChangeNotify {
        /// The presentity.
        origin: Address,
        /// The subscriber's session.
        target_connection: ConnectionId,
        /// Presence-Version.
        version: Version,
        /// The value came to be because a lease ended.
        lapsed: bool,
    },
    /// TERMINATE-SUBSCRIPTION
    TerminateSubscription {
        /// The presentity.
        origin: Address,
        /// The subscriber's session.
        target_connection: ConnectionId,
        /// Why.
        cause: Cause,
    },
    /// GET-ACL
    GetAcl,
    /// SET-ACL
    SetAcl {
        /// The version that must be current.
        if_version: Option<Version>,
    },
    /// GET-WATCHERS
    GetWatchers,
}

/// Why a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its lease ran out.
    Expired,
    /// The owner's rules no longer allow it.
    PermissionDenied,
    /// The presentity is gone.
    TargetUnknown,
    /// The presentity has another address now.
    Moved,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 4] = [Self::Expired, Self::PermissionDenied, Self::TargetUnknown, Self::Moved];

    /// The token on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::PermissionDenied => "permission-denied",
            Self::TargetUnknown => "target-unknown",
            Self::Moved => "moved",
        }
    }

    /// Reads a token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}

/// Why a frame with sound grammar is no user request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A method that IMPP/1.0 does not define as a user method.
    UnknownMethod,
    /// A required header is missing.
    Missing(Name),
    /// A header's value is not of its form.
    Invalid(Name),
    /// A body that must be there is missing.
    NoBody,
    /// A body where there must be none.
    Body,
    /// A non-empty body without Content-Type.
    NoContentType,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownMethod => f.write_str("unknown method"),
            Self::Missing(name) => write!(f, "{} is missing", name.as_str()),
            Self::Invalid(name) => write!(f, "{} is not of its form", name.as_str()),
            Self::NoBody => f.write_str("the body is missing"),
            Self::Body => f.write_str("there must be no body"),
            Self::NoContentType => f.write_str("Content-Type is missing"),
        }
    }
}

impl UserRequest {
    /// Reads a request frame.
    ///
    /// # Errors
    /// The first thing that is missing or not of its form. All but [`Fault::UnknownMethod`] are answered
    /// malformed-request, and the connection stays.
    pub fn parse(frame: &Frame) -> Result<Self, Fault> {
        Self::read(frame, Address::is_url)
    }

    /// The same of somebody whose address is known, and stands there in nearly every request.
    ///
    /// # Errors
    /// As there.
    pub fn parse_from(frame: &Frame, sender: &Address) -> Result<Self, Fault> {
        Self::read(frame, |text| text == sender.as_str() || Address::is_url(text))
    }

    fn read(frame: &Frame, is_sender: impl FnOnce(&str) -> bool) -> Result<Self, Fault> {
        let method = Method::parse(frame.method()).filter(|m| !m.is_session()).ok_or(Fault::UnknownMethod)?;
        let id = RequestId::parse(frame.request_id()).ok_or(Fault::UnknownMethod)?;
        need(frame, Name::From, |text| is_sender(text).then_some(()))?;
        let connection = need(frame, Name::ConnectionId, ConnectionId::parse_any)?;
        let target = need(frame, Name::Target, |text| Address::parse_url(text).ok())?;
        if frame.body().is_some_and(|body| !body.is_empty()) && frame.header(Name::ContentType).is_none_or(str::is_empty) {
            return Err(Fault::NoContentType);
        }
        let origin = || need(frame, Name::Origin, |text| Address::parse_url(text).ok());
        let target_connection = || need(frame, Name::TargetConnection, ConnectionId::parse);
        let call = match method {
            Method::Fetch => UserCall::Fetch,
            Method::Subscribe => UserCall::Subscribe { lease: maybe(frame, Name::LeaseTime, parse_seconds)? },
            Method::Unsubscribe => UserCall::Unsubscribe,
            Method::Send => UserCall::Send {
                message_id: need(frame, Name::MessageId, MessageId::parse)?,
                wanted: maybe(frame, Name::LeaseTime, parse_seconds)?.map(Duration::from_secs),
            },
            Method::Change => UserCall::Change {
                lease: need(frame, Name::LeaseTime, Lease::parse)?,
                if_version: maybe(frame, Name::IfVersion, Version::parse)?,
                view: maybe(frame, Name::View, Token::parse)?,
            },
            Method::ChangeNotify => UserCall::ChangeNotify {
                origin: origin()?,
                target_connection: target_connection()?,
                version: need(frame, Name::PresenceVersion, Version::parse)?,
                // A hint for people: one that is not known says nothing.
                lapsed: frame.header(Name::Cause).and_then(Cause::parse) == Some(Cause::Expired),
            },
            Method::TerminateSubscription => UserCall::TerminateSubscription {
                origin: origin()?,
                target_connection: target_connection()?,
                cause: need(frame, Name::Cause, Cause::parse)?,
            },
            Method::GetAcl => UserCall::GetAcl,
            Method::SetAcl => UserCall::SetAcl { if_version: maybe(frame, Name::IfVersion, Version::parse)? },
            Method::GetWatchers => UserCall::GetWatchers,
            Method::Hello | Method::StartTls | Method::Auth | Method::Ping | Method::Bye => return Err(Fault::UnknownMethod),
        };
        match (call.wants_body(), frame.body()) {
            (true, None | Some([])) => Err(Fault::NoBody),
            (false, Some(_)) => Err(Fault::Body),
            _ => Ok(Self { id, connection, target, call }),
        }
    }

    /// Starts the frame of this request; the caller adds the body.
    #[must_use]
    pub fn write(&self, from: &Address) -> Writer {
        let writer = Writer::request(self.call.method().as_str(), self.id.as_str())
            .header(Name::From, from.as_str())
            .header(Name::ConnectionId, self.connection.as_str())
            .header(Name::Target, self.target.as_str());
        let version = |version: &Option<Version>| version.map(|v| v.to_string());
        match &self.call {
            UserCall::Fetch | UserCall::Unsubscribe | UserCall::GetAcl | UserCall::GetWatchers => writer,
            UserCall::Subscribe { lease } => writer.maybe(Name::LeaseTime, lease.map(|l| l.to_string()).as_deref()),
            UserCall::Send { message_id, wanted } => writer
                .header(Name::MessageId, message_id.as_str())
                .maybe(Name::LeaseTime, wanted.map(|w| w.as_secs().to_string()).as_deref()),
            UserCall::Change { lease, if_version, view } => writer
                .header(Name::LeaseTime, &lease.to_string())
                .maybe(Name::IfVersion, version(if_version).as_deref())
                .maybe(Name::View, view.as_ref().map(Token::as_str)),
            UserCall::ChangeNotify { origin, target_connection, version, lapsed } => writer
                .header(Name::Origin, origin.as_str())
                .header(Name::TargetConnection, target_connection.as_str())
                .number(Name::PresenceVersion, version.0)
                .maybe(Name::Cause, lapsed.then_some(Cause::Expired.as_str())),
            UserCall::TerminateSubscription { origin, target_connection, cause } => writer
                .header(Name::Origin, origin.as_str())
                .header(Name::TargetConnection, target_connection.as_str())
                .header(Name::Cause, cause.as_str()),
            UserCall::SetAcl { if_version } => writer.maybe(Name::IfVersion, version(if_version).as_deref()),
        }
    }
}

impl UserCall {
    /// The method of this call.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Self::Fetch => Method::Fetch,
            Self::Subscribe { .. } => Method::Subscribe,
            Self::Unsubscribe => Method::Unsubscribe,
            Self::Send { .. } => Method::Send,
            Self::Change { .. } => Method::Change,
            Self::ChangeNotify { .. } => Method::ChangeNotify,
            Self::TerminateSubscription { .. } => Method::TerminateSubscription,
            Self::GetAcl => Method::GetAcl,
            Self::SetAcl { .. } => Method::SetAcl,
            Self::GetWatchers => Method::GetWatchers,
        }
    }

    /// Whether the call carries a body; it must then be there, and else must not.
    const fn wants_body(&self) -> bool {
        match self {
            Self::Send { .. } | Self::ChangeNotify { .. } | Self::SetAcl { .. } => true,
            Self::Change { lease, .. } => !matches!(lease, Lease::Seconds(0)),
            _ => false,
        }
    }
}

fn need<'a, T>(frame: &'a Frame, name: Name, read: impl FnOnce(&'a str) -> Option<T>) -> Result<T, Fault> {
    read(frame.header(name).ok_or(Fault::Missing(name))?).ok_or(Fault::Invalid(name))
}

fn maybe<T>(frame: &Frame, name: Name, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Fault> {
    frame.header(name).map(|text| read(text).ok_or(Fault::Invalid(name))).transpose()
}
