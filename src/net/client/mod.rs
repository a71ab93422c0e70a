//! A session with one's own domain, as a program uses it.

pub mod content;
pub mod error;
pub mod events;
pub(in crate::net) mod find;
mod follow;
pub(in crate::net) mod open;
pub mod options;
mod recent;
mod requests;
pub mod session;
pub mod steady;
#[cfg(test)]
mod tests;
mod upkeep;

pub use content::{Change, ChangeDone, Content, Delivery, Fetched, Message, Sent, Subscribed};
pub use error::{Blame, Error};
pub use events::{Event, Incoming};
pub use options::Options;
pub use session::Ready;
pub use steady::{Connector, Occasion, Steady, SteadyEvent};

use crate::model::Address;
use crate::wire::Frame;
use events::{Ack, read};
use session::{Call, Command, Queued, Reply, Session, State};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Mutex, mpsc, oneshot, watch};

/// How much later than the session itself somebody who waits for it gives up.
const OVERTIME: Duration = Duration::from_millis(500);
/// How long the answer to our BYE is waited for.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// A session over one connection. Clones share it; requests of all of them may be under way at the same time.
///
/// When the last clone is dropped the connection is closed without BYE: the session's subscriptions stay until their
/// leases end, and a connection with the same Connection-ID takes them over. [`Client::close`] ends the session instead.
///
/// ```no_run
/// use impp::model::{Address, Secret};
/// use impp::{Client, Options};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let alice: Address = "alice@example.org".parse()?;
/// let options = Options::password(&alice, Secret::new("wonderland".into()));
/// let client = Client::connect(options).await?;
/// let bob = client.fetch(&"bob@example.org".parse()?).await?;
/// println!("{:?}", bob.presence.map(|presence| presence.status));
/// client.close().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: Arc<Options>,
    commands: mpsc::UnboundedSender<Command>,
    events: Mutex<mpsc::UnboundedReceiver<Queued>>,
    state: watch::Receiver<State>,
    unsent: Arc<AtomicUsize>,
}

impl Client {
    /// Connects and logs in; with [`Options::early`] comes back before the login is done.
    ///
    /// Must be called within a tokio runtime: a task of its own serves the connection.
    ///
    /// # Errors
    /// Why there is no session.
    pub async fn connect(options: Options) -> Result<Self, Error> {
        let (client, session) = Self::new(options);
        tokio::spawn(session.connect());
        client.opened().await
    }

    /// The same on a stream that leads to the server already; [`Options::server`] and redirects play no part.
    ///
    /// # Errors
    /// Why there is no session.
    pub async fn connect_over<S>(stream: S, options: Options) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (client, session) = Self::new(options);
        tokio::spawn(session.over_stream(stream));
        client.opened().await
    }

    fn new(options: Options) -> (Self, Session) {
        let options = Arc::new(options);
        let (commands, given) = mpsc::unbounded_channel();
        let (told, events) = mpsc::unbounded_channel();
        let (set, state) = watch::channel(State::Opening);
        let unsent = Arc::new(AtomicUsize::new(0));
        let session = Session::new(options.clone(), given, told, set, unsent.clone());
        (Self { shared: Arc::new(Shared { options, commands, events: Mutex::new(events), state, unsent }) }, session)
    }

    async fn opened(self) -> Result<Self, Error> {
        let mut state = self.shared.state.clone();
        // The session minds the deadline itself, and knows better what kept it.
        let limit = self.shared.options.timeout.saturating_add(OVERTIME);
        let opened = tokio::time::timeout(limit, state.wait_for(|state| !matches!(state, State::Opening))).await;
        match opened.map(|state| state.map(|state| state.clone())) {
            Ok(Ok(State::Over(error))) => Err(error),
            Ok(Ok(_)) => Ok(self),
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(Error::Timeout),
        }
    }

    /// What this session was told at its start.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// The session once the login is done.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ready(&self) -> Result<Arc<Ready>, Error> {
        let mut state = self.shared.state.clone();
        let settled = state.wait_for(|state| matches!(state, State::Ready(_) | State::Over(_))).await;
        match settled.map(|state| state.clone()) {
            Ok(State::Ready(ready)) => Ok(ready),
            Ok(State::Over(error)) => Err(error),
            _ => Err(Error::Closed),
        }
    }

    /// Who we are.
    ///
    /// # Errors
    /// Why there is no session.
    pub async fn identity(&self) -> Result<Address, Error> {
        Ok(self.ready().await?.identity.clone())
    }

    /// Whether the subscriptions of an earlier connection with this Connection-ID stand.
    ///
    /// # Errors
    /// Why there is no session.
    pub async fn resumed(&self) -> Result<bool, Error> {
        Ok(self.ready().await?.resumed)
    }

    /// Octets that were given to the connection and not yet taken by the network; `None` while there is no session. For
    /// whoever shows how a large message gets along.
    #[must_use]
    pub fn unsent(&self) -> Option<usize> {
        let ready = matches!(&*self.shared.state.borrow(), State::Ready(_));
        ready.then(|| self.shared.unsent.load(Ordering::Relaxed))
    }

    /// The next thing that happens; `None` after the last. Each event goes to one of the clones. Safe to be cancelled.
    pub async fn next_event(&self) -> Option<Event> {
        loop {
            match self.next_queued().await? {
                Happening::Event(event, ack) => {
                    ack.into_iter().for_each(Ack::give);
                    return Some(event);
                }
                // Nobody but a `Steady` asks for answers here.
                Happening::Answer(..) => {}
            }
        }
    }

    /// Says BYE, which ends the session and its subscriptions, and waits until the server has heard it.
    ///
    /// # Errors
    /// What happened instead; the session is over all the same.
    pub async fn close(self) -> Result<(), Error> {
        // An error means that it is over already, which the state tells.
        let _ = self.shared.commands.send(Command::Close);
        let mut state = self.shared.state.clone();
        let over = state.wait_for(|state| matches!(state, State::Over(_)));
        match tokio::time::timeout(CLOSE_WAIT, over).await.map(|state| state.map(|state| state.clone())) {
            Ok(Ok(State::Over(Error::Closed)) | Err(_)) => Ok(()),
            Ok(Ok(State::Over(error))) => Err(error),
            Ok(Ok(_)) | Err(_) => Err(Error::Timeout),
        }
    }

    /// A request, and its OK.
    async fn call(&self, call: Call) -> Result<Frame, Error> {
        let (reply, answer) = oneshot::channel();
        self.give(call, Reply::Once(reply))?;
        match tokio::time::timeout(self.shared.options.answer_timeout, answer).await {
            Ok(Ok(answer)) => answer,
            // Dropped unanswered: the session is over, and knows why.
            Ok(Err(_)) => Err(self.fate()),
            Err(_) => Err(Error::Timeout),
        }
    }

    fn give(&self, call: Call, reply: Reply) -> Result<(), Error> {
        self.shared.commands.send(Command::Call(call, reply)).map_err(|_| self.fate())
    }

    fn fate(&self) -> Error {
        match &*self.shared.state.borrow() {
            State::Over(error) => error.clone(),
            _ => Error::Closed,
        }
    }

    async fn next_queued(&self) -> Option<Happening> {
        loop {
            let queued = self.shared.events.lock().await.recv().await?;
            return Some(match queued {
                Queued::Answer(tag, answer) => Happening::Answer(tag, answer),
                Queued::Request(frame, received) => match read(frame, received, &self.shared.commands) {
                    Some((event, ack)) => Happening::Event(event, ack),
                    None => continue,
                },
                Queued::Bye { cause, reason, retry_after } => Happening::Event(Event::Bye { cause, reason, retry_after }, None),
                Queued::Lost(error) => Happening::Event(Event::Lost(error), None),
            });
        }
    }
}

/// An event, or the answer to a request that wanted its place among them.
#[allow(clippy::large_enum_variant, reason = "handed on at once")]
enum Happening {
    Event(Event, Option<Ack>),
    Answer(u64, Result<Frame, Error>),
}
