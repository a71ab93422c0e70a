//! What requests carry and answers bring, as values.

use super::error::Error;
use crate::model::media_type;
use crate::model::presence::Presence;
use crate::model::{Lease, MessageId, Token, Version};
use crate::wire::{Frame, Name};
use bytes::Bytes;
use std::time::Duration;

/// A MIME object as it travels in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Content-Type.
    pub content_type: String,
    /// Content-Transfer-Encoding, where there is one.
    pub transfer_encoding: Option<String>,
    /// Content-Disposition, where there is one.
    pub disposition: Option<String>,
    /// The body.
    pub octets: Bytes,
}

impl Content {
    /// An object of this type.
    #[must_use]
    pub fn new(content_type: impl Into<String>, octets: impl Into<Bytes>) -> Self {
        Self { content_type: content_type.into(), transfer_encoding: None, disposition: None, octets: octets.into() }
    }

    /// A presence value.
    #[must_use]
    pub fn presence(value: &Presence) -> Self {
        Self::new(media_type::PRESENCE, value.to_xml())
    }

    /// The presence value that this is; `None` for an object of another type, such as a signed one, and for one that
    /// makes no sense.
    #[must_use]
    pub fn to_presence(&self) -> Option<Presence> {
        let plain = media_type::is(&self.content_type, media_type::PRESENCE) && self.transfer_encoding.is_none();
        plain.then(|| Presence::parse(&self.octets).ok()).flatten()
    }

    /// The body of a frame; `None` where there is none or an empty one.
    pub(super) fn of(frame: &Frame) -> Option<Self> {
        let octets = frame.body_bytes();
        let text = |name| frame.header(name).map(str::to_owned);
        (!octets.is_empty()).then(|| Self {
            content_type: text(Name::ContentType).unwrap_or_default(),
            transfer_encoding: text(Name::ContentTransferEncoding),
            disposition: text(Name::ContentDisposition),
            octets,
        })
    }
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// The same for every repetition, so that nothing arrives twice.
    pub id: MessageId,
    /// `message/rfc822` or `message/global`.
    pub content_type: String,
    /// The whole RFC 5322 message.
    pub body: Bytes,
    /// For how long delivery is wanted; `None`: as long as the server keeps it; zero: now or not at all.
    pub wanted: Option<Duration>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A receiving client has it.
    Delivered,
    /// It lies in durable storage.
    Stored,
}

/// The OK to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Where it is.
    pub delivery: Delivery,
    /// Why the target may not see it soon, if it says so.
    pub presence: Option<Presence>,
}

/// A presence value with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Presence-Version.
    pub version: Version,
    /// The value as it came.
    pub content: Content,
    /// The value, where it is not signed, encrypted or unreadable.
    pub presence: Option<Presence>,
}

/// The OK to a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// How long it lasts.
    pub lease: Duration,
    /// The value now.
    pub value: Fetched,
}

/// A new presence value, or none.
#[derive(Clone, Debug)]
pub struct Change {
    /// How long it holds; zero seconds take the leased value away.
    pub lease: Lease,
    /// The version that must be current.
    pub if_version: Option<Version>,
    /// For those alone whom the ACL shows this view.
    pub view: Option<Token>,
    /// The value; `None` with zero seconds alone.
    pub content: Option<Content>,
}

/// The OK to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeDone {
    /// How long it holds.
    pub lease: Lease,
    /// Presence-Version.
    pub version: Version,
}

impl Sent {
    pub(super) fn read(frame: &Frame) -> Result<Self, Error> {
        let delivery = match frame.header(Name::Delivery) {
            Some("delivered") => Delivery::Delivered,
            Some("stored") => Delivery::Stored,
            _ => return Err(Error::BadAnswer(Name::Delivery)),
        };
        Ok(Self { delivery, presence: Content::of(frame).as_ref().and_then(Content::to_presence) })
    }
}

impl Fetched {
    pub(super) fn read(frame: &Frame) -> Result<Self, Error> {
        let version = version(frame, Name::PresenceVersion)?;
        let content = Content::of(frame).ok_or(Error::BadAnswer(Name::ContentLength))?;
        let presence = content.to_presence();
        Ok(Self { version, content, presence })
    }
}

impl Subscribed {
    pub(super) fn read(frame: &Frame) -> Result<Self, Error> {
        match lease(frame)? {
            Lease::Seconds(seconds) => Ok(Self { lease: Duration::from_secs(seconds), value: Fetched::read(frame)? }),
            Lease::Infinity => Err(Error::BadAnswer(Name::LeaseTime)),
        }
    }
}

impl ChangeDone {
    pub(super) fn read(frame: &Frame) -> Result<Self, Error> {
        Ok(Self { lease: lease(frame)?, version: version(frame, Name::PresenceVersion)? })
    }
}

pub(super) fn version(frame: &Frame, name: Name) -> Result<Version, Error> {
    frame.header(name).and_then(Version::parse).ok_or(Error::BadAnswer(name))
}

fn lease(frame: &Frame) -> Result<Lease, Error> {
    frame.header(Name::LeaseTime).and_then(Lease::parse).ok_or(Error::BadAnswer(Name::LeaseTime))
}
