//! A session that survives its connections: it comes back under the same Connection-ID, keeps subscriptions and leases
//! alive, and tells nothing twice.

use super::content::{Change, Fetched};
use super::error::Error;
use super::events::{Ack, Incoming};
use super::options::Options;
use super::upkeep::{Order, Upkeep};
use super::{ChangeDone, Client};
use crate::model::request::Cause;
use crate::model::{Address, Lease, Token};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Why a presence value is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// It is the first that is known.
    First,
    /// It changed.
    Change,
    /// It changed because a lease ended and nobody renewed it.
    LeaseExpired,
}

/// What a steady session has to tell.
#[derive(Debug)]
pub enum SteadyEvent {
    /// A message that was not seen before; it must be answered.
    Message(Incoming),
    /// The presence of somebody to whom we subscribe.
    Changed {
        /// The address that was subscribed to.
        target: Address,
        /// The value now.
        value: Fetched,
        /// Why it is told.
        occasion: Occasion,
    },
    /// A subscription ended. One that expired is begun again by itself; others are forgotten.
    Terminated {
        /// The address that was subscribed to.
        target: Address,
        /// Why.
        cause: Cause,
    },
    /// A subscription was refused for good, and is forgotten.
    Refused {
        /// The address that was subscribed to.
        target: Address,
        /// Why.
        error: Error,
    },
    /// A value is published, for the first time.
    Held {
        /// Whose.
        target: Address,
        /// The server's answer.
        done: ChangeDone,
    },
    /// A value cannot be published, or no longer, and is forgotten.
    HoldRefused {
        /// Whose.
        target: Address,
        /// Why.
        error: Error,
    },
    /// The connection is gone, or could not be made again.
    Lost {
        /// Why.
        error: Error,
        /// How long until the next attempt.
        retry_in: Duration,
    },
    /// There is a connection again.
    Resumed {
        /// Subscriptions stood meanwhile; else they were begun again.
        kept: bool,
    },
    /// There will be no other connection; the last event. [`Error::Closed`] after [`Steady::close`].
    Over(Error),
}

/// How a steady session makes its connections.
#[derive(Clone)]
pub struct Connector(Arc<dyn Fn(Options) -> Connecting + Send + Sync>);

type Connecting = Pin<Box<dyn Future<Output = Result<Client, Error>> + Send>>;

impl Connector {
    /// Makes connections with this function, which must not change the Connection-ID.
    pub fn new<F>(connect: impl Fn(Options) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Client, Error>> + Send + 'static,
    {
        Self(Arc::new(move |options| Box::pin(connect(options))))
    }

    pub(super) fn connect(&self, options: Options) -> Connecting {
        (self.0)(options)
    }
}

impl Default for Connector {
    /// [`Client::connect`]
    fn default() -> Self {
        Self::new(Client::connect)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

/// A session that survives its connections.
///
/// Notifications are acknowledged when [`Steady::next_event`] gives them, messages when they are accepted: a program that
/// is slow or stops loses nothing. Dropping it leaves the session to its leases; [`Steady::close`] ends it.
#[derive(Debug)]
pub struct Steady {
    orders: mpsc::UnboundedSender<Order>,
    events: mpsc::UnboundedReceiver<(SteadyEvent, Option<Ack>)>,
    current: watch::Receiver<Option<Client>>,
}

impl Steady {
    /// Makes the first connection. Whoever wants to wait for a server that is not there yet calls this again.
    ///
    /// # Errors
    /// Why there is no session.
    pub async fn connect(options: Options) -> Result<Self, Error> {
        Self::connect_with(options, Connector::default()).await
    }

    /// The same with connections of one's own making.
    ///
    /// # Errors
    /// Why there is no session.
    pub async fn connect_with(options: Options, connector: Connector) -> Result<Self, Error> {
        // A session that stays gains nothing from haste, and must know whether it was resumed.
        let options = Options { early: false, ..options };
        let client = connector.connect(options.clone()).await?;
        let resumed = client.resumed().await?;
        let (orders, given) = mpsc::unbounded_channel();
        let (told, events) = mpsc::unbounded_channel();
        let (set, current) = watch::channel(Some(client.clone()));
        tokio::spawn(Upkeep::new(options, connector, given, told, set).run(client, resumed));
        Ok(Self { orders, events, current })
    }

    /// Subscribes, and stays so until told otherwise. The wish is for each lease.
    pub fn subscribe(&self, target: &Address, lease: Option<Duration>) {
        self.order(Order::Subscribe { target: target.clone(), lease });
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, target: &Address) {
        self.order(Order::Unsubscribe { target: target.clone() });
    }

    /// Publishes a leased value and renews its lease; a second call for the same view replaces the value.
    pub fn hold(&self, target: &Address, change: Change) {
        self.order(Order::Hold { target: target.clone(), change });
    }

    /// Takes a leased value back.
    ///
    /// # Errors
    /// As of [`Client::change`], and [`Error::Timeout`] while there is no connection: then the value ends with its lease.
    pub async fn release(&self, target: &Address, view: Option<Token>) -> Result<(), Error> {
        self.order(Order::Release { target: target.clone(), view });
        let client = self.client().ok_or(Error::Timeout)?;
        let nothing = Change { lease: Lease::Seconds(0), if_version: None, view, content: None };
        client.change(target, &nothing).await.map(drop)
    }

    /// The connection of this moment, for requests of one's own; `None` while there is none.
    #[must_use]
    pub fn client(&self) -> Option<Client> {
        self.current.borrow().clone()
    }

    /// What happens next; `None` after [`SteadyEvent::Over`]. Safe to be cancelled.
    pub async fn next_event(&mut self) -> Option<SteadyEvent> {
        let (event, ack) = self.events.recv().await?;
        ack.into_iter().for_each(Ack::give);
        Some(event)
    }

    /// Ends the session with BYE, and waits until the server has heard it. Events not yet taken are dropped.
    pub async fn close(mut self) {
        self.order(Order::Close);
        while let Some((event, _)) = self.events.recv().await {
            drop(event);
        }
    }

    fn order(&self, order: Order) {
        // An error means that the session is over, which the last event tells.
        let _ = self.orders.send(order);
    }
}
