//! The domain's rules, pure: a request and the time go in, effects come out.
//!
//! *Order:* call one of the methods of [`Service`] that take `now`, then [`Service::poll_effect`] until it
//! gives `None` and perform each effect in that order, then look at [`Service::poll_timeout`].

pub mod config;
pub mod effect;
pub mod store;

pub use config::{DomainRules, MailboxRules, ServiceConfig};
pub use effect::{ConnectionKey, Effect, Notice, Octets, SessionState, Ticket};

use crate::model::{Address, ConnectionId, Now};
use crate::wire::Frame;
use std::collections::VecDeque;
use std::time::Instant;
use store::{Loaded, Start, StoreError};

/// What an authenticated connection wants to be.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The canonical address that AUTH proved, or `impp://anonymous.invalid/RANDOM`.
    pub identity: Address,
    /// The identity was made up for this connection alone.
    pub anonymous: bool,
    /// The session's name.
    pub connection: ConnectionId,
    /// Takes instant messages.
    pub accepts_messages: bool,
    /// Takes this user's messages and not its own.
    pub inbox: Option<Address>,
    /// The largest body that the client takes.
    pub max_body: u64,
    /// How many unanswered requests the client takes.
    pub max_outstanding: u32,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Without BYE from the client: the session may be resumed.
    Lost,
    /// The client said BYE: its session is over.
    Bye,
}

/// The rules of one relay's domains, with the state that they need.
#[derive(Debug)]
pub struct Service {
    config: ServiceConfig,
    effects: VecDeque<Effect>,
}

impl Service {
    /// Rules with nobody connected.
    #[must_use]
    pub fn new(config: ServiceConfig, _start: Start, _now: Now) -> Self {
        Self { config, effects: VecDeque::new() }
    }

    /// A connection was authenticated. Answered by [`Effect::Opened`], at once or after a read;
    /// before that the connection must hand in nothing else but [`Service::closed`].
    pub fn open(&mut self, _now: Now, _connection: ConnectionKey, _opening: Opening) {}

    /// A user request from a client.
    pub fn request(&mut self, _now: Now, _connection: ConnectionKey, _frame: Frame) {}

    /// A client's response to a user request that was sent to it.
    pub fn response(&mut self, _now: Now, _connection: ConnectionKey, _frame: Frame) {}

    /// A connection ended. Not needed, but harmless, after [`Effect::Close`].
    pub fn closed(&mut self, _now: Now, _connection: ConnectionKey, _how: Closed) {}

    /// The outcome of [`Effect::Read`].
    pub fn loaded(&mut self, _now: Now, _ticket: Ticket, _outcome: Result<Loaded, StoreError>) {}

    /// The outcome of [`Effect::Write`].
    pub fn written(&mut self, _now: Now, _ticket: Ticket, _outcome: Result<(), StoreError>) {}

    /// The moment that [`Service::poll_timeout`] named has come.
    pub fn handle_timeout(&mut self, _now: Now) {}

    /// When [`Service::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// An administrator wrote to the store: what is kept in memory may be stale.
    pub fn changed_outside(&mut self, _now: Now) {}

    /// Other settings hold from now on.
    pub fn reconfigure(&mut self, _now: Now, config: ServiceConfig) {
        self.config = config;
    }
}
