//! The domain's rules, pure: a request and the time go in, effects come out.
//!
//! *Order:* call one of the methods of [`Service`] that take `now`, then [`Service::poll_effect`] until it
//! gives `None` and perform each effect in that order, then look at [`Service::poll_timeout`].

mod abroad;
mod administer;
pub mod config;
mod deliver;
pub mod effect;
pub(crate) mod few;
mod forward;
mod incoming;
mod lasting;
mod limit;
mod locate;
mod mailbox;
mod map;
mod notify;
mod offer;
mod outbox;
mod pace;
mod policy;
mod presence;
mod publish;
mod rare;
mod recent;
mod reload;
mod requests;
mod routes;
mod rules;
mod sessions;
mod status;
pub mod store;
mod subscribe;
mod timers;
mod users;
mod watchers;
mod weight;

pub use config::{DomainRules, LinkRules, MailboxRules, ServiceConfig};
pub use effect::{Administered, ConnectionKey, Effect, Notice, Octets, Route, SessionState, Ticket};
pub use limit::Limit;
pub use pace::Rate;

pub use sessions::SessionKey;
pub use status::{Counts, LinkStatus, RouteStatus, SessionStatus, SubscriptionStatus};

use crate::model::{Address, Answer, ConnectionId, Domain, ErrorKind, Fingerprint, Now};
use crate::wire::Frame;
use deliver::Unsettled;
use forward::Forwarded;
use lasting::Subscribing;
use locate::Place;
use mailbox::Row;
use map::{HashMap, HashSet};
use notify::Ending;
use pace::Paces;
use publish::Change;
use recent::Recent;
use routes::{Link, Peer};
use rules::NewRules;
use sessions::{Connection, Session};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};
use store::{Loaded, Start, StoreError};
use timers::{Timer, TimerKey, Timers};
use users::{Held, User};
use weight::Scale;

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

/// What a link between two domains was opened with.
#[derive(Clone, Debug)]
pub struct LinkOpening {
    /// Between whom.
    pub route: Route,
    /// Whether we opened it.
    pub dialled: bool,
    /// The largest body that the other side takes.
    pub max_body: u64,
    /// How many unanswered requests the other side takes.
    pub max_outstanding: u32,
}

/// Why there is no link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLink {
    /// There is no such domain, or it takes no links: DNS says so for good.
    NoService,
    /// It cannot be reached, is not who it should be, or does not take us for who we are: later perhaps.
    Unreachable,
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
    /// In whose name the relay speaks, by domain.
    voices: BTreeMap<Domain, Address>,
    users: HashMap<Address, Box<User>>,
    /// Every user in memory once, in the order in which forgetting is thought of.
    clock: VecDeque<Address>,
    sessions: HashMap<SessionKey, Session>,
    /// Boxed, as users are: a table has room for more than are in it.
    connections: HashMap<ConnectionKey, Box<Connection>>,
    /// Subscriptions whose end their sessions have not acknowledged, of ours and of other domains.
    endings: HashMap<SessionKey, BTreeMap<Address, Ending>>,
    links: HashMap<ConnectionKey, Link>,
    peers: HashMap<Route, Peer>,
    /// Links that the rules have ended, and whose tasks may not know it yet.
    closing: HashSet<ConnectionKey>,
    /// Where something may have to be sent, or a link opened.
    restless: BTreeSet<Route>,
    forwarded: HashMap<u64, Forwarded>,
    /// How many subscriptions each other domain holds here.
    subscribers: HashMap<Domain, usize>,
    /// Subscriptions of other domains of which it is to be noted what they were told.
    untold: BTreeSet<(Address, SessionKey)>,
    untold_timer: Option<TimerKey>,
    /// Connections that have not been told whether they are welcome.
    opening: HashSet<ConnectionKey>,
    tasks: HashMap<Ticket, Task>,
    sends: HashMap<u64, Unsettled>,
    unsettled: HashMap<Fingerprint, u64>,
    /// Messages that a client acknowledged while they were being stored.
    acknowledged: HashMap<u64, Row>,
    recent: Recent,
    timers: Timers,
    /// What requests without an answer hold in memory.
    scale: Scale,
    paces: Paces,
    effects: VecDeque<Effect>,
    next_ticket: u64,
    next_serial: u64,
    next_request: u64,
    next_send: u64,
    next_forwarded: u64,
    next_message: u64,
}

/// What goes on when a read or write is done.
#[derive(Debug)]
enum Task {
    /// A user is needed.
    Load(Address),
    /// A user who is in use may have been changed; with the mark of the mailbox at that time.
    Reload(Address, Option<u64>),
    /// Stored messages are to be offered.
    Offer(Address),
    /// Stored messages may have waited too long.
    Sweep(Address),
    /// A CHANGE is being written.
    Change(Address, Box<Change>),
    /// A SET-ACL is being written.
    Rules(Address, Box<NewRules>),
    /// A SEND is being stored, or seems to be.
    Store(u64),
    /// A stored message is being deleted.
    Delete(Row),
    /// The same because an administrator wants it, under this number; `None`: it was being deleted already.
    Drop(Option<Row>, u64),
    /// A subscription of another domain is being written.
    Subscribe(Box<Subscribing>),
}

impl Service {
    /// Rules with nobody connected.
    #[must_use]
    pub fn new(config: ServiceConfig, start: Start, _now: Now) -> Self {
        let recent = Recent::new(start.remembered, config.remembered_max);
        let mut service = Self {
            voices: config.voices(),
            config: config.with_sound_prefix(),
            users: HashMap::default(),
            clock: VecDeque::new(),
            sessions: HashMap::default(),
            connections: HashMap::default(),
            endings: HashMap::default(),
            links: HashMap::default(),
            peers: HashMap::default(),
            closing: HashSet::default(),
            restless: BTreeSet::new(),
            forwarded: HashMap::default(),
            subscribers: HashMap::default(),
            untold: BTreeSet::new(),
            untold_timer: None,
            opening: HashSet::default(),
            tasks: HashMap::default(),
            sends: HashMap::default(),
            unsettled: HashMap::default(),
            acknowledged: HashMap::default(),
            recent,
            timers: Timers::default(),
            scale: Scale::default(),
            paces: Paces::default(),
            effects: VecDeque::new(),
            next_ticket: 0,
            next_serial: 0,
            next_request: 0,
            next_send: 0,
            next_forwarded: 0,
            next_message: start.next_message,
        };
        // Leases end and changes are told whether anybody asks or not.
        for address in start.watched {
            if service.serves(&address) {
                service.load(&address);
            }
        }
        service
    }

    /// A connection was authenticated. Answered by [`Effect::Opened`], at once or after a read;
    /// before that the connection must hand in nothing else but [`Service::closed`].
    pub fn open(&mut self, now: Now, connection: ConnectionKey, opening: Opening) {
        self.opening.insert(connection);
        if opening.anonymous {
            return self.establish(now, connection, opening, None);
        }
        match self.locate(&opening.identity) {
            Place::User(address) if address == opening.identity => {
                self.enter(now, &address, Held::Open(connection, Box::new(opening)));
            }
            _ => self.refuse_opening(connection, Answer::new(ErrorKind::AuthenticationFailed)),
        }
        self.settle_routes(now);
    }

    /// A link was authenticated, by whoever opened it. Answered by [`Effect::Opened`].
    pub fn open_link(&mut self, now: Now, connection: ConnectionKey, opening: LinkOpening) {
        self.take_link(now, connection, opening);
        self.settle_routes(now);
    }

    /// The outcome of [`Effect::Dial`] where it is no link; `pause`: how long to wait before the next try, jitter included.
    pub fn link_failed(&mut self, now: Now, route: &Route, why: NoLink, pause: Duration) {
        self.miss_link(now, route, why, pause);
        self.settle_routes(now);
    }

    /// A user request from a client, or any request from a link. Ignored from a connection that is not open.
    pub fn request(&mut self, now: Now, connection: ConnectionKey, frame: Frame) {
        if self.links.contains_key(&connection) {
            self.link_request(now, connection, frame);
        } else if self.closing.contains(&connection) {
            self.refuse_on(connection, &frame, &Answer::new(ErrorKind::ShuttingDown));
        } else {
            self.check_request(now, connection, frame);
        }
        self.settle_routes(now);
    }

    /// A response of a client, or of another domain.
    pub fn response(&mut self, now: Now, connection: ConnectionKey, frame: Frame) {
        if self.links.contains_key(&connection) {
            self.link_response(now, connection, &frame);
        } else {
            self.match_response(now, connection, &frame);
        }
        self.settle_routes(now);
    }

    /// A connection ended. Not needed, but harmless, after [`Effect::Close`].
    pub fn closed(&mut self, now: Now, connection: ConnectionKey, how: Closed) {
        if self.links.contains_key(&connection) {
            self.lose_link(now, connection);
        } else if !self.closing.remove(&connection) {
            self.disconnect(now, connection, how);
        }
        self.settle_routes(now);
    }

    /// The outcome of [`Effect::Read`].
    pub fn loaded(&mut self, now: Now, ticket: Ticket, outcome: Result<Loaded, StoreError>) {
        let user = |outcome: Result<Loaded, StoreError>| match outcome? {
            Loaded::User(record) => Ok(record),
            Loaded::Mailbox(_) | Loaded::Totals(_) => Err(StoreError::Corrupt),
        };
        let mailbox = |outcome: Result<Loaded, StoreError>| match outcome? {
            Loaded::Mailbox(messages) => Ok(messages),
            Loaded::User(_) | Loaded::Totals(_) => Err(StoreError::Corrupt),
        };
        match self.tasks.remove(&ticket) {
            Some(Task::Load(address)) => self.user_loaded(now, &address, user(outcome)),
            Some(Task::Reload(address, mark)) => self.user_reloaded(now, &address, mark, user(outcome)),
            Some(Task::Offer(address)) => self.offer_read(now, &address, ticket.0, mailbox(outcome)),
            Some(Task::Sweep(address)) => self.sweep_read(now, &address, mailbox(outcome)),
            Some(Task::Change(..) | Task::Rules(..) | Task::Store(_) | Task::Delete(_) | Task::Drop(..) | Task::Subscribe(_))
            | None => {}
        }
        self.settle_routes(now);
    }

    /// The outcome of [`Effect::Write`].
    pub fn written(&mut self, now: Now, ticket: Ticket, outcome: Result<(), StoreError>) {
        match self.tasks.remove(&ticket) {
            Some(Task::Change(address, change)) => self.change_written(now, &address, *change, outcome),
            Some(Task::Rules(address, rules)) => self.rules_written(now, &address, *rules, outcome),
            Some(Task::Store(send)) => self.message_written(now, send, outcome),
            Some(Task::Delete(row)) => self.message_deleted(now, &row, outcome),
            Some(Task::Drop(row, number)) => self.row_dropped(now, row.as_ref(), number, outcome),
            Some(Task::Subscribe(subscribing)) => self.subscription_written(now, *subscribing, outcome),
            Some(Task::Load(_) | Task::Reload(..) | Task::Offer(_) | Task::Sweep(_)) | None => {}
        }
        self.settle_routes(now);
    }

    /// The moment that [`Service::poll_timeout`] named has come. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(timer) = self.timers.pop(now.instant) {
            match timer {
                Timer::Delivery(send) => self.delivery_timer(now, send),
                Timer::Presence(address) => self.presence_timer(now, &address),
                Timer::Subscription(presentity, session) => self.subscription_timer(now, &presentity, &session),
                Timer::Notify(presentity, session) => self.notify_timer(now, &presentity, &session),
                Timer::Ending(presentity, session) => self.ending_timer(now, &presentity, &session),
                Timer::Offer(address) => self.offer_timer(now, &address),
                Timer::Expiry(address) => self.sweep(now, &address),
                Timer::Forward(number) => self.forward_timer(now, number),
                Timer::Dial(route) => self.dial_timer(route),
                Timer::LinkIdle(connection) => self.idle_timer(now, connection),
                Timer::Abroad(target, session) => self.abroad_timer(now, &target, &session),
                Timer::Told => self.told_timer(),
            }
        }
        self.settle_routes(now);
    }

    /// When [`Service::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first()
    }

    /// The next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// All that is to do, in exchange for an empty queue.
    pub fn take_effects(&mut self, room: &mut VecDeque<Effect>) {
        debug_assert!(room.is_empty());
        std::mem::swap(&mut self.effects, room);
    }

    /// An administrator wrote to the store: what is kept in memory may be stale.
    pub fn changed_outside(&mut self, now: Now) {
        self.reload_users(now);
        self.settle_routes(now);
    }

    /// Other settings hold from now on. Sessions in domains that are gone are closed; leases that were granted and
    /// messages under way keep their terms.
    pub fn reconfigure(&mut self, now: Now, config: ServiceConfig) {
        self.take_config(now, config);
        self.settle_routes(now);
    }
}
