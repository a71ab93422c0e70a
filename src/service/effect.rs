//! What the rules want done: the only way in which the service touches the world.

use super::limit::Limit;
use super::store::{Read, Remembered, StoreError, Write};
use crate::model::{Address, Answer, ByeCause, ConnectionId, Domain};
use bytes::Bytes;
use std::time::Duration;

/// The relay's number for one authenticated connection; never used twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionKey(pub u64);

/// Two domains between which there may be links: every link between them serves both directions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Route {
    /// The domain that we serve.
    pub ours: Domain,
    /// The other one.
    pub theirs: Domain,
}

/// Names a read or write under way, so that its outcome finds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// One frame to be written: head and body apart, so that a body can be shared by many frames.
#[derive(Clone, Debug)]
pub struct Octets {
    /// Start line, headers and blank line; or a whole frame.
    pub head: Bytes,
    /// What follows; empty where `head` is a whole frame.
    pub body: Bytes,
}

impl Octets {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.head.len() as u64 + self.body.len() as u64
    }
}

impl From<Bytes> for Octets {
    fn from(head: Bytes) -> Self {
        Self { head, body: Bytes::new() }
    }
}

/// Whether AUTH found a session to continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The client subscribes again.
    New,
    /// Its subscriptions stand.
    Resumed,
}

/// One thing to do. Effects are performed in the order in which they come out.
#[derive(Debug)]
pub enum Effect {
    /// The answer to [`super::Service::open`] or [`super::Service::open_link`]: comes at once or after a read.
    Opened {
        /// The connection that asked.
        connection: ConnectionKey,
        /// An `Err` is the ERROR to AUTH; the connection is then not known to the service.
        outcome: Result<SessionState, Answer>,
    },
    /// Append these octets to the connection's output.
    Send {
        /// Where to.
        connection: ConnectionKey,
        /// What.
        octets: Octets,
    },
    /// Open a link, speaking for `route.ours`; then [`super::Service::open_link`], or [`super::Service::link_failed`].
    Dial(Route),
    /// Say BYE with this cause, close within 2 s. The service has already forgotten the connection.
    Close {
        /// Which.
        connection: ConnectionKey,
        /// For programs and people.
        cause: ByeCause,
    },
    /// Read, then call [`super::Service::loaded`] with the ticket.
    Read {
        /// To be handed back.
        ticket: Ticket,
        /// What.
        read: Read,
    },
    /// Write all or nothing and durably, then call [`super::Service::written`] with the ticket.
    /// Writes are performed in the order in which they come out.
    Write {
        /// To be handed back.
        ticket: Ticket,
        /// What; may be empty, and then only waits for its turn.
        writes: Vec<Write>,
    },
    /// Note a delivery so that a crash of the process does not forget it. Must be done before any later
    /// [`Effect::Send`]; a failure is logged and changes nothing else.
    Remember(Remembered),
    /// What an administrator asked for under this number is done, or cannot be.
    Administered {
        /// As it was asked.
        number: u64,
        /// What came of it.
        outcome: Administered,
    },
    /// For the log.
    Notice(Notice),
}

/// What came of an administrator's request.
#[derive(Debug)]
pub enum Administered {
    /// To [`super::Service::act_for`]: the response, as its owner would get it.
    Answered(Octets),
    /// To [`super::Service::drop_message`]: the message is gone for good, or it could not be deleted.
    Dropped(Result<(), StoreError>),
    /// The same, and nothing was done: the user's domain is not served here.
    NotServed,
}

/// What an operator may want to know. Ids only, never bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A stored message was refused for good by the client that it was offered to, and deleted.
    StoredMessageRefused {
        /// Whose mailbox.
        user: Address,
        /// Which message.
        message: u64,
        /// The token.
        error: crate::model::ErrorKind,
    },
    /// A stored message was not delivered within its Lease-Time, and deleted.
    StoredMessageExpired {
        /// Whose mailbox.
        user: Address,
        /// Which message.
        message: u64,
    },
    /// A connection took the session over from another.
    SessionTakenOver {
        /// Whose session.
        user: Address,
        /// Which.
        session: ConnectionId,
    },
    /// A link stands.
    LinkUp {
        /// Between whom.
        route: Route,
        /// Whether we opened it.
        dialled: bool,
    },
    /// A link ended.
    LinkDown {
        /// Between whom.
        route: Route,
    },
    /// Somebody reached a limit; what was asked was refused.
    LimitReached {
        /// Which.
        limit: Limit,
        /// Who; a whole domain where it is one's limit.
        who: Address,
    },
    /// A message was settled: its sender is told OK.
    Settled {
        /// In the mailbox, and not by a client.
        stored: bool,
        /// Since it arrived.
        took: Duration,
    },
    /// A read or write failed; the request that needed it was answered server-error.
    StoreFailed {
        /// Whose record.
        user: Address,
    },
}
