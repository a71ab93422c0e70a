//! What the rules may ask of a store and have it write; the store itself lies elsewhere.

use crate::model::presence::{Presence, PresenceError};
use crate::model::{Address, ConnectionId, Credentials, ErrorKind, MessageId, Token, UnixMillis, Version, media_type};
use bytes::Bytes;

/// Reading. Many may read at the same time.
pub trait StoreRead {
    /// Reads one thing.
    ///
    /// # Errors
    /// [`StoreError`]; the service then answers server-error and assumes nothing.
    fn read(&self, read: &Read) -> Result<Loaded, StoreError>;

    /// Reads several things, each with an outcome of its own, in their order.
    fn read_all(&self, reads: &[&Read]) -> Vec<Result<Loaded, StoreError>> {
        reads.iter().map(|read| self.read(read)).collect()
    }

    /// What the user's password is checked against; `None` for unknown and for disabled users.
    ///
    /// # Errors
    /// [`StoreError`]; the answer to the login is then no.
    fn credentials(&self, user: &Address) -> Result<Option<Credentials>, StoreError>;
}

/// Writing. One writer.
pub trait StoreWrite {
    /// What the service must know before it begins.
    ///
    /// # Errors
    /// [`StoreError`]
    fn start(&mut self, now: UnixMillis) -> Result<Start, StoreError>;

    /// Performs all writes or none; on `Ok` they survive a power cut.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    fn write(&mut self, writes: &[&Write]) -> Result<(), StoreError>;

    /// Notes deliveries; on `Ok` they survive a crash of the process.
    ///
    /// # Errors
    /// [`StoreError`]
    fn remember(&mut self, deliveries: &[Remembered]) -> Result<(), StoreError>;
}

/// Why a store failed. Details are for the log of the store itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// No room.
    Full,
    /// The file cannot be read or written.
    Io,
    /// What was read makes no sense.
    Corrupt,
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "the disk is full",
            Self::Io => "the store cannot be read or written",
            Self::Corrupt => "the store is damaged",
        })
    }
}

impl std::error::Error for StoreError {}

/// What the service must know before it begins.
#[derive(Debug, Default)]
pub struct Start {
    /// The number for the next stored message: larger than any ever given.
    pub next_message: u64,
    /// Deliveries of the last 24 hours, oldest first.
    pub remembered: Vec<Remembered>,
    /// Whose presence is subscribed to from other domains.
    pub watched: Vec<Address>,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Everything about one local user but the mailbox's contents.
    User(Address),
    /// Stored messages in order of their numbers.
    Mailbox {
        /// Whose.
        user: Address,
        /// Only those with a greater number.
        after: u64,
        /// At most so many messages.
        messages: usize,
        /// Stop after the message with which this many octets are reached.
        octets: u64,
    },
    /// How much there is of everything.
    Totals,
}

/// An answer, of the kind that its [`Read`] asked for.
#[derive(Debug)]
pub enum Loaded {
    /// To [`Read::User`].
    User(UserRecord),
    /// To [`Read::Mailbox`].
    Mailbox(Vec<StoredMessage>),
    /// To [`Read::Totals`].
    Totals(Totals),
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Accounts.
    pub accounts: u64,
    /// What waits in all mailboxes.
    pub mailboxes: MailboxSize,
}

/// Everything about one local user but credentials and the mailbox's contents.
#[derive(Clone, Debug, Default)]
pub struct UserRecord {
    /// `None`: no such user.
    pub account: Option<Account>,
    /// `None`: never set, version 0.
    pub acl: Option<StoredAcl>,
    /// What the user published.
    pub presence: StoredPresence,
    /// Messages that wait.
    pub mailbox: MailboxSize,
    /// Who subscribes from other domains; also to somebody who is not there.
    pub subscriptions: Vec<StoredSubscription>,
}

/// The state of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// No login and no new messages while set.
    pub disabled: bool,
    /// Has presence.
    pub presence: bool,
    /// Has an instant inbox.
    pub inbox: bool,
    /// Lives elsewhere now.
    pub moved: Option<Moved>,
}

impl Default for Account {
    fn default() -> Self {
        Self { disabled: false, presence: true, inbox: true, moved: None }
    }
}

/// Where a moved user lives now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The new address.
    pub to: Address,
    /// For good, or for a while.
    pub permanently: bool,
}

/// An ACL as its owner wrote it, with what concealment has to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAcl {
    /// ACL-Version.
    pub version: Version,
    /// `application/impp-acl`
    pub body: Bytes,
    /// For each rule of the body in order: the Presence-Version that the concealed are shown; only for
    /// rules with `conceal`.
    pub concealed: Vec<Option<Version>>,
}

/// What a user published. Expired leases may still be in it; the service works out what holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredPresence {
    /// The version of the last change; 0: never set.
    pub version: Version,
    /// At most one permanent and one leased value per view.
    pub values: Vec<StoredValue>,
}

/// One published value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredValue {
    /// The view; `None`: the ordinary one.
    pub view: Option<Token>,
    /// When the lease ends; `None`: permanent.
    pub until: Option<UnixMillis>,
    /// The presence object.
    pub body: Entity,
}

/// A MIME object as it came: stored and handed on octet for octet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// Content-Type.
    pub content_type: String,
    /// Content-Transfer-Encoding, where there was one.
    pub transfer_encoding: Option<String>,
    /// Content-Disposition, where there was one.
    pub disposition: Option<String>,
    /// The body.
    pub octets: Bytes,
}

impl Entity {
    /// The presence that it is; `None` if it is of another type, or encoded: nobody here reads it then.
    #[must_use]
    pub fn presence(&self) -> Option<Result<Presence, PresenceError>> {
        self.is_presence().then(|| Presence::parse(&self.octets))
    }

    /// Whether it says that somebody is not there, and why.
    pub(super) fn is_note_of_absence(&self) -> bool {
        self.is_presence() && Presence::is_note_of_absence(&self.octets)
    }

    fn is_presence(&self) -> bool {
        media_type::is(&self.content_type, media_type::PRESENCE) && self.transfer_encoding.is_none()
    }
}

/// A subscription by a session of another domain. At most one per subscriber and session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSubscription {
    /// Whose session.
    pub subscriber: Address,
    /// The session.
    pub connection: ConnectionId,
    /// When it began.
    pub since: UnixMillis,
    /// When its lease ends.
    pub until: UnixMillis,
    /// The newest version that the subscriber is known to have; it may have a newer one.
    pub told: Version,
}

/// How much a mailbox holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailboxSize {
    /// Messages.
    pub messages: u64,
    /// Octets of their frames.
    pub octets: u64,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its number; grows within a store, never used twice.
    pub number: u64,
    /// The SEND frame, octet for octet.
    pub frame: Bytes,
    /// When the sender no longer wants it delivered.
    pub expires: Option<UnixMillis>,
    /// When it was stored.
    pub stored: UnixMillis,
}

/// A change to the store.
#[derive(Clone, Debug)]
pub enum Write {
    /// Replace all that the user published.
    Presence {
        /// Whose.
        user: Address,
        /// The whole of it.
        presence: StoredPresence,
    },
    /// Replace the user's ACL.
    Acl {
        /// Whose.
        user: Address,
        /// The whole of it.
        acl: StoredAcl,
    },
    /// Append a message to a mailbox.
    Store {
        /// Whose mailbox.
        user: Address,
        /// Who sent it.
        from: Address,
        /// Its Message-ID.
        message_id: MessageId,
        /// The message.
        message: StoredMessage,
    },
    /// Keep a subscription of another domain, in the place of an older one of the same session.
    Subscribe {
        /// To whose presence.
        user: Address,
        /// The whole of it.
        subscription: StoredSubscription,
    },
    /// Note what the subscriber acknowledged, if the subscription is still there.
    Told {
        /// Of whose presence.
        user: Address,
        /// Whose session.
        subscriber: Address,
        /// The session.
        connection: ConnectionId,
        /// The version.
        version: Version,
    },
    /// Forget a subscription of another domain, if it is still there.
    Unsubscribe {
        /// To whose presence.
        user: Address,
        /// Whose session.
        subscriber: Address,
        /// The session.
        connection: ConnectionId,
    },
    /// Delete a stored message.
    Delete {
        /// Whose mailbox.
        user: Address,
        /// Which.
        number: u64,
    },
}

impl Write {
    /// Whose record it changes.
    #[must_use]
    pub const fn user(&self) -> &Address {
        match self {
            Self::Presence { user, .. }
            | Self::Acl { user, .. }
            | Self::Store { user, .. }
            | Self::Subscribe { user, .. }
            | Self::Told { user, .. }
            | Self::Unsubscribe { user, .. }
            | Self::Delete { user, .. } => user,
        }
    }
}

/// A delivery that a repeated SEND must not repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Of From, Target and Message-ID.
    pub fingerprint: crate::model::Fingerprint,
    /// What the sender was told.
    pub delivery: Delivery,
    /// When.
    pub at: UnixMillis,
}

/// What an OK to SEND promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A receiving client acknowledged it.
    Delivered,
    /// It lies in durable storage.
    Stored,
}

impl Delivery {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Stored => "stored",
        }
    }
}

/// The error that a failed store earns a request.
impl From<StoreError> for ErrorKind {
    fn from(_: StoreError) -> Self {
        Self::ServerError
    }
}
