//! The task behind a steady session: what must be done again, and when.

use super::content::{Change, ChangeDone, Content, Fetched, Subscribed};
use super::error::{Blame, Error};
use super::events::{Ack, Event};
use super::follow::Trail;
use super::options::Options;
use super::recent::Recent;
use super::session::{Call, Reply};
use super::steady::{Connector, Occasion, SteadyEvent};
use super::{Client, Happening};
use crate::engine::ByeCause;
use crate::model::request::Cause;
use crate::model::{Address, Lease, Token, UserCall};
use crate::net::{Clock, backoff, random};
use crate::wire::Frame;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// What the owner wants.
#[derive(Debug)]
pub(super) enum Order {
    Subscribe { target: Address, lease: Option<Duration> },
    Unsubscribe { target: Address },
    Hold { target: Address, change: Change },
    Release { target: Address, view: Option<Token> },
    Close,
}

/// A subscription that is to stand.
struct Watch {
    target: Address,
    wish: Option<Duration>,
    /// Where the target is now.
    trail: Trail,
    last: Option<Fetched>,
    lease: Upheld,
}

/// A value that is to stay published.
struct Hold {
    target: Address,
    change: Change,
    told: bool,
    lease: Upheld,
}

/// Something on the server that must be renewed.
struct Upheld {
    /// When to ask; `None` while an answer is awaited, and for what never ends.
    due: Option<Instant>,
    /// Until when it stands on the server.
    until: Option<Instant>,
    /// Temporary errors in a row.
    failures: u32,
    /// The request whose answer is awaited.
    asked: Option<u64>,
}

pub(super) struct Upkeep {
    options: Options,
    connector: Connector,
    orders: mpsc::UnboundedReceiver<Order>,
    events: mpsc::UnboundedSender<(SteadyEvent, Option<Ack>)>,
    current: watch::Sender<Option<Client>>,
    watches: Vec<Watch>,
    holds: Vec<Hold>,
    recent: Recent,
    tags: u64,
}

/// How serving a connection, or waiting for one, ended.
enum Outcome {
    Lost(Error),
    /// The owner said so, or is gone.
    Close {
        bye: bool,
    },
}

impl Upkeep {
    pub(super) fn new(
        options: Options,
        connector: Connector,
        orders: mpsc::UnboundedReceiver<Order>,
        events: mpsc::UnboundedSender<(SteadyEvent, Option<Ack>)>,
        current: watch::Sender<Option<Client>>,
    ) -> Self {
        let (watches, holds, recent) = (Vec::new(), Vec::new(), Recent::default());
        Self { options, connector, orders, events, current, watches, holds, recent, tags: 0 }
    }

    pub(super) async fn run(mut self, mut client: Client, mut resumed: bool) {
        let mut failures = 0;
        loop {
            let since = Clock::instant();
            let outcome = self.serve(&client, resumed).await;
            self.current.send_replace(None);
            let mut error = match outcome {
                Outcome::Lost(error) => error,
                Outcome::Close { bye } => {
                    if bye {
                        // Whatever comes of it, the session is over for us.
                        let _ = client.close().await;
                    }
                    return self.tell(SteadyEvent::Over(Error::Closed));
                }
            };
            if Clock::instant().duration_since(since) >= backoff::STOOD {
                failures = 0;
            }
            (client, resumed) = loop {
                if is_hopeless(&error) {
                    return self.tell(SteadyEvent::Over(error));
                }
                let retry_in = backoff::pause(failures).max(error.retry_after().unwrap_or_default());
                failures += 1;
                self.tell(SteadyEvent::Lost { error, retry_in });
                match self.reconnect(retry_in).await {
                    Ok(Ok(connected)) => break connected,
                    Ok(Err(again)) => error = again,
                    Err(()) => return self.tell(SteadyEvent::Over(Error::Closed)),
                }
            };
            self.current.send_replace(Some(client.clone()));
            self.tell(SteadyEvent::Resumed { kept: resumed });
        }
    }

    /// Waits and connects, taking orders meanwhile; `Err` if one of them was to stop.
    async fn reconnect(&mut self, wait: Duration) -> Result<Result<(Client, bool), Error>, ()> {
        let (connector, options) = (self.connector.clone(), self.options.clone());
        let attempt = async move {
            tokio::time::sleep(wait).await;
            let client = connector.connect(options).await?;
            let resumed = client.resumed().await?;
            Ok((client, resumed))
        };
        let mut attempt = std::pin::pin!(attempt);
        let mut orders = Vec::new();
        let outcome = loop {
            tokio::select! {
                outcome = &mut attempt => break Ok(outcome),
                order = self.orders.recv() => match order {
                    None | Some(Order::Close) => break Err(()),
                    Some(order) => orders.push(order),
                },
            }
        };
        for order in orders {
            self.take(order, None);
        }
        outcome
    }

    async fn serve(&mut self, client: &Client, resumed: bool) -> Outcome {
        let now = Clock::instant();
        for watch in &mut self.watches {
            watch.lease.reconnected(now, resumed);
        }
        for hold in &mut self.holds {
            // Published values stand with the user, not with the session.
            hold.lease.reconnected(now, true);
        }
        loop {
            self.ask_for_what_is_due(client);
            let due = self.next_due();
            let sleep = async {
                match due {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep => {}
                order = self.orders.recv() => match order {
                    None => return Outcome::Close { bye: false },
                    Some(Order::Close) => return Outcome::Close { bye: true },
                    Some(order) => self.take(order, Some(client)),
                },
                happening = client.next_queued() => match happening {
                    None => return Outcome::Lost(Error::Closed),
                    Some(Happening::Event(Event::Lost(error), _)) => return Outcome::Lost(error),
                    Some(Happening::Event(event, ack)) => self.event(event, ack),
                    Some(Happening::Answer(tag, answer)) => self.answer(tag, answer),
                },
            }
        }
    }

    fn take(&mut self, order: Order, client: Option<&Client>) {
        let now = Clock::instant();
        match order {
            Order::Subscribe { target, lease } => match self.watches.iter_mut().find(|watch| watch.target == target) {
                Some(watch) => watch.wish = lease,
                None => self.watches.push(Watch {
                    trail: Trail::new(&target, self.options.stays()),
                    target,
                    wish: lease,
                    last: None,
                    lease: Upheld::new(now),
                }),
            },
            Order::Unsubscribe { target } => {
                let Some(at) = self.watches.iter().position(|watch| watch.target == target) else { return };
                let watch = self.watches.swap_remove(at);
                if let Some(client) = client {
                    let call = Call { target: watch.trail.here().clone(), call: UserCall::Unsubscribe, content: None };
                    self.ask(client, call);
                }
            }
            Order::Hold { target, change } => {
                self.holds.retain(|hold| hold.target != target || hold.change.view != change.view);
                self.holds.push(Hold { target, change, told: false, lease: Upheld::new(now) });
            }
            Order::Release { target, view } => self.holds.retain(|hold| hold.target != target || hold.change.view != view),
            // Looked at where orders are received.
            Order::Close => {}
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let watches = self.watches.iter().filter_map(|watch| watch.lease.due);
        watches.chain(self.holds.iter().filter_map(|hold| hold.lease.due)).min()
    }

    fn ask_for_what_is_due(&mut self, client: &Client) {
        let now = Clock::instant();
        let mut calls = Vec::new();
        for watch in self.watches.iter_mut().filter(|watch| watch.lease.is_due(now)) {
            let call = UserCall::Subscribe { lease: watch.wish.map(|wish| wish.as_secs()) };
            calls.push((&mut watch.lease, Call { target: watch.trail.here().clone(), call, content: None }));
        }
        for hold in self.holds.iter_mut().filter(|hold| hold.lease.is_due(now)) {
            let content: Option<Content> = hold.change.content.clone();
            calls.push((&mut hold.lease, Call { target: hold.target.clone(), call: hold.change.to_call(), content }));
        }
        for (lease, call) in calls {
            self.tags += 1;
            (lease.due, lease.asked) = (None, Some(self.tags));
            // If the session is over its last event is on the way, and all is asked again.
            let _ = client.give(call, Reply::Queued(self.tags));
        }
    }

    /// Asks for something whose answer does not matter.
    fn ask(&mut self, client: &Client, call: Call) {
        self.tags += 1;
        let _ = client.give(call, Reply::Queued(self.tags));
    }

    fn answer(&mut self, tag: u64, answer: Result<Frame, Error>) {
        if let Some(at) = self.watches.iter().position(|watch| watch.lease.asked == Some(tag)) {
            self.subscribed(at, answer);
        } else if let Some(at) = self.holds.iter().position(|hold| hold.lease.asked == Some(tag)) {
            self.held(at, answer);
        }
    }

    fn subscribed(&mut self, at: usize, answer: Result<Frame, Error>) {
        let Some(watch) = self.watches.get_mut(at) else { return };
        match answer.and_then(|frame| Subscribed::read(&frame)) {
            Ok(Subscribed { lease, value }) => {
                watch.lease.granted(lease);
                // An OK is always believed, whatever its version; what is known already is not told again.
                let (occasion, news) = (watch.occasion(false), watch.last.as_ref() != Some(&value));
                watch.last = Some(value.clone());
                if news {
                    let target = watch.target.clone();
                    self.tell(SteadyEvent::Changed { target, value, occasion });
                }
            }
            Err(error) => match watch.trail.follow(error) {
                Ok(()) => watch.lease = Upheld::new(Clock::instant()),
                Err(error) if error.is_temporary() => watch.lease.failed(&error),
                Err(error) => {
                    let target = self.watches.swap_remove(at).target;
                    self.tell(SteadyEvent::Refused { target, error });
                }
            },
        }
    }

    fn held(&mut self, at: usize, answer: Result<Frame, Error>) {
        let Some(hold) = self.holds.get_mut(at) else { return };
        match answer.and_then(|frame| ChangeDone::read(&frame)) {
            Ok(done) => {
                match done.lease {
                    Lease::Seconds(seconds) => hold.lease.granted(Duration::from_secs(seconds)),
                    Lease::Infinity => hold.lease.asked = None,
                }
                // It was current when the value was first published; renewals only prolong that value.
                hold.change.if_version = None;
                if !std::mem::replace(&mut hold.told, true) {
                    let target = hold.target.clone();
                    self.tell(SteadyEvent::Held { target, done });
                }
            }
            Err(error) if error.is_temporary() => hold.lease.failed(&error),
            Err(error) => {
                let target = self.holds.swap_remove(at).target;
                self.tell(SteadyEvent::HoldRefused { target, error });
            }
        }
    }

    fn event(&mut self, event: Event, ack: Option<Ack>) {
        match event {
            Event::Message(message) => {
                if let Some(message) = self.recent.sift(message) {
                    self.tell(SteadyEvent::Message(message));
                }
            }
            Event::Changed { origin, value, lapsed } => {
                let Some(watch) = self.watches.iter_mut().find(|watch| watch.is_of(&origin)) else {
                    return ack.into_iter().for_each(Ack::unknown);
                };
                if watch.last.as_ref().is_some_and(|last| !is_newer(&value, last)) {
                    return ack.into_iter().for_each(Ack::give);
                }
                let (target, occasion) = (watch.target.clone(), watch.occasion(lapsed));
                watch.last = Some(value.clone());
                self.tell_with(SteadyEvent::Changed { target, value, occasion }, ack);
            }
            Event::Terminated { origin, cause } => {
                let Some(at) = self.watches.iter().position(|watch| watch.is_of(&origin)) else {
                    return ack.into_iter().for_each(Ack::unknown);
                };
                let target = self.watches.get(at).map(|watch| watch.target.clone());
                if cause == Cause::Expired {
                    // Our renewal came too late, perhaps because this machine slept.
                    self.watches.get_mut(at).into_iter().for_each(|watch| watch.lease = Upheld::new(Clock::instant()));
                } else {
                    self.watches.swap_remove(at);
                }
                if let Some(target) = target {
                    self.tell_with(SteadyEvent::Terminated { target, cause }, ack);
                }
            }
            // What follows tells the same.
            Event::Bye { .. } | Event::Lost(_) => {}
        }
    }

    fn tell(&self, event: SteadyEvent) {
        self.tell_with(event, None);
    }

    fn tell_with(&self, event: SteadyEvent, ack: Option<Ack>) {
        // An owner who is gone needs no news; the orders' channel ends this task.
        let _ = self.events.send((event, ack));
    }
}

impl Watch {
    /// Why a value is told that came now; `lapsed` is the server's word.
    fn occasion(&self, lapsed: bool) -> Occasion {
        match (&self.last, lapsed) {
            (None, _) => Occasion::First,
            (Some(_), true) => Occasion::LeaseExpired,
            (Some(_), false) => Occasion::Change,
        }
    }

    /// Whether a notification about this user is meant. Our own domain writes its users in their canonical form.
    fn is_of(&self, origin: &Address) -> bool {
        let here = self.trail.here();
        here == origin || here.canonical_local().as_ref() == Some(origin)
    }
}

/// Receivers drop a notification older than what they have. One of the same version and another content is a view that
/// changed hands.
fn is_newer(value: &Fetched, last: &Fetched) -> bool {
    value.version > last.version || (value.version == last.version && value.content != last.content)
}

impl Upheld {
    fn new(now: Instant) -> Self {
        Self { due: Some(now), until: None, failures: 0, asked: None }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Renewed between half and two thirds of the lease.
    fn granted(&mut self, lease: Duration) {
        let now = Clock::instant();
        *self = Self {
            due: now.checked_add(random::between(lease / 2, lease * 2 / 3)),
            until: now.checked_add(lease),
            failures: 0,
            asked: None,
        };
    }

    fn failed(&mut self, error: &Error) {
        let wait = backoff::pause(self.failures).max(error.retry_after().unwrap_or_default());
        self.failures += 1;
        (self.due, self.asked) = (Clock::instant().checked_add(wait), None);
    }

    /// On a new connection: what was asked and not answered is asked again, and so is what no longer stands.
    fn reconnected(&mut self, now: Instant, kept: bool) {
        let stands = kept && self.until.is_none_or(|until| until > now);
        if self.asked.take().is_some() || !stands {
            self.due = Some(now);
        }
    }
}

/// Whether another attempt would end the same way. Certificates are not among it: the network in which one was refused
/// may not be the one of the next attempt.
fn is_hopeless(error: &Error) -> bool {
    match error {
        Error::Bye { cause, .. } => cause.is_some_and(ByeCause::stays_away),
        Error::Login(_) => !error.is_temporary() && error.blame() != Blame::Misbehaved,
        Error::Files(_) => true,
        _ => false,
    }
}
