//! Where the service, the store and the connections of a relay come together: one lock, and effects performed under it.

use super::control::ConnectionFacts;
use super::control::Facts;
use super::guard::Guard;
use super::hush::Hush;
use super::inventory::Inventory;
use super::limits::InForce;
use super::memory::Memory;
use super::metrics::Metrics;
use super::outbox::Item;
use super::outbox::Outbox;
use crate::model::Address;
use crate::model::ByeCause;
use crate::model::Credentials;
use crate::model::Now;
use crate::net::Clock;
use crate::service::Administered;
use crate::service::ConnectionKey;
use crate::service::Effect;
use crate::service::Limit;
use crate::service::Notice;
use crate::service::Route;
use crate::service::Service;
use crate::service::Ticket;
use crate::service::store::Loaded;
use crate::service::store::Read;
use crate::service::store::StoreError;
use crate::service::store::Totals;
use crate::store::thread::Completion;
use crate::store::thread::StoreThread;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::sync::watch;

/// Routes of which it is known why there is no link.
const FAILURES: usize = 4096;

/// Shared by every task of a relay.
///
/// *Order:* effects are performed before the lock is given back, so that two tasks cannot swap what they send to a
/// third. Performing is cheap: pushing to queues and handing jobs to the store's threads. Nothing awaits under the lock.
pub(super) struct Hub {
    core: Mutex<Core>,
    store: StoreThread,
    /// Told when the service wants to be woken earlier than before.
    earlier: Notify,
    /// Told when the store has lost a thread, and promises can no longer be kept.
    store_died: Notify,
    /// Told when the relay stops.
    closing: watch::Sender<bool>,
    /// Links that are to be opened.
    dials: UnboundedSender<Route>,
    metrics: Metrics,
    memory: Arc<Memory>,
    guard: Guard,
    limits: Arc<InForce>,
    hush: Hush,
    inventory: Inventory,
    /// Requests and responses of users and domains that came, and that went.
    received: AtomicU64,
    sent: AtomicU64,
}

/// Effects for which room is kept.
const EFFECTS: usize = 4096;
/// Octets that one connection may hold however short memory is.
const SMALL_OCTETS: usize = 16_384;

struct Core {
    service: Service,
    outboxes: HashMap<ConnectionKey, Arc<Outbox>, foldhash::quality::RandomState>,
    /// For the administrator's eyes.
    facts: Facts,
    next_key: u64,
    /// What administrators wait for.
    asked: HashMap<u64, oneshot::Sender<Administered>>,
    next_asked: u64,
    /// Room for what comes out of one call; empty between two.
    effects: Vec<Effect>,
    /// When the timer task wakes. Perhaps too early: it is told of what comes earlier, and finds out itself what was put off.
    deadline: Option<Instant>,
    /// Writes of nothing, of which the rules know nothing: their tickets go down from the largest, the rules' go up.
    pings: HashMap<Ticket, oneshot::Sender<Result<(), StoreError>>>,
    next_ping: u64,
    /// Writes that are not done, since when.
    writes: HashMap<Ticket, Instant>,
    /// The relay stops: whoever still comes is sent away.
    closing: bool,
}

impl Hub {
    /// Joins the two; `start` makes the store's threads, which hand their completions to the hub. Links to be opened go
    /// to `dials`.
    ///
    /// # Errors
    /// Those of `start`.
    pub(super) fn new<E>(
        service: Service,
        limits: Arc<InForce>,
        dials: UnboundedSender<Route>,
        start: impl FnOnce(Box<dyn Fn(Completion) + Send + Sync>) -> Result<StoreThread, E>,
    ) -> Result<Arc<Self>, E> {
        let hub: Arc<OnceLock<Weak<Self>>> = Arc::default();
        let later = Arc::clone(&hub);
        let store = start(Box::new(move |completion| {
            // No job is given before the hub is known, and none finishes after [`StoreThread::stop`].
            if let Some(hub) = later.get().and_then(Weak::upgrade) {
                hub.completed(completion);
            }
        }))?;
        let core = Core {
            service,
            outboxes: HashMap::default(),
            facts: Facts::default(),
            next_key: 0,
            asked: HashMap::new(),
            next_asked: 0,
            effects: Vec::new(),
            deadline: None,
            pings: HashMap::new(),
            next_ping: u64::MAX,
            writes: HashMap::new(),
            closing: false,
        };
        let this = Arc::new(Self {
            core: Mutex::new(core),
            store,
            earlier: Notify::new(),
            store_died: Notify::new(),
            closing: watch::Sender::new(false),
            dials,
            metrics: Metrics::new(Clock::now().unix),
            memory: Arc::new(Memory::new(Arc::clone(&limits))),
            guard: Guard::new(Arc::clone(&limits)),
            limits,
            hush: Hush::default(),
            inventory: Inventory::default(),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        });
        let _ = hub.set(Arc::downgrade(&this));
        Ok(this)
    }

    /// A number for a new connection, and the queue that its task empties.
    pub(super) fn register(&self) -> (ConnectionKey, Arc<Outbox>) {
        let mut core = self.lock();
        core.next_key += 1;
        let key = ConnectionKey(core.next_key);
        let outbox = Arc::new(Outbox::new(Arc::clone(&self.memory)));
        if core.closing {
            // Its task has yet to look for the first time.
            drop(outbox.push(Item::Close(ByeCause::ShuttingDown)));
        }
        core.outboxes.insert(key, Arc::clone(&outbox));
        (key, outbox)
    }

    /// Forgets a connection whose task is done.
    pub(super) fn unregister(&self, key: ConnectionKey) {
        let mut core = self.lock();
        core.outboxes.remove(&key);
        core.facts.connections.remove(&key);
    }

    /// Notes what there is to see of a connection that has logged in.
    pub(super) fn note_connection(&self, key: ConnectionKey, facts: ConnectionFacts) {
        self.lock().facts.connections.insert(key, facts);
    }

    /// Notes what there is to see of a link.
    pub(super) fn note_link(&self, key: ConnectionKey, route: &Route, facts: ConnectionFacts) {
        let mut core = self.lock();
        core.facts.failures.remove(route);
        core.facts.connections.insert(key, facts);
    }

    /// Notes why there is no link.
    pub(super) fn note_failure(&self, route: &Route, error: String) {
        let mut core = self.lock();
        if core.facts.failures.len() >= FAILURES {
            core.facts.failures.clear();
        }
        core.facts.failures.insert(route.clone(), error);
    }

    /// Looks without changing anything.
    pub(super) fn look<T>(&self, see: impl FnOnce(&Service, &Facts) -> T) -> T {
        let core = self.lock();
        see(&core.service, &core.facts)
    }

    /// Something came for the service.
    pub(super) fn count_received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests and responses came, and how many went.
    pub(super) fn frames(&self) -> (u64, u64) {
        (self.received.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed))
    }

    /// Calls the service and performs what comes out.
    pub(super) fn tell(&self, call: impl FnOnce(&mut Service, Now)) {
        self.tell_core(|core, now| call(&mut core.service, now));
    }

    /// The same for an administrator, who waits for what comes of it: an answer, once what it promises is on the disk.
    /// `None`: the relay stops.
    pub(super) async fn administer(&self, call: impl FnOnce(&mut Service, Now, u64)) -> Option<Administered> {
        let (answer, outcome) = oneshot::channel();
        self.tell_core(|core, now| {
            core.next_asked += 1;
            core.asked.insert(core.next_asked, answer);
            call(&mut core.service, now, core.next_asked);
        });
        outcome.await.ok()
    }

    fn tell_core(&self, call: impl FnOnce(&mut Core, Now)) {
        let now = Clock::now();
        let mut core = self.lock();
        call(&mut core, now);
        let woken = self.perform(&mut core);
        let deadline = core.service.poll_timeout();
        let earlier = deadline.is_some_and(|at| core.deadline.is_none_or(|known| at < known));
        if earlier {
            core.deadline = deadline;
        }
        drop(core);
        // Whoever is woken may want the lock at once.
        woken.into_iter().for_each(Waker::wake);
        if earlier {
            self.earlier.notify_one();
        }
    }

    /// The same where no connection asked: a panic in a rule costs that one call, not the store's thread or the clock,
    /// on which everybody depends. The panic itself was reported by the hook.
    fn tell_alone(&self, call: impl FnOnce(&mut Service, Now)) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.tell(call)));
    }

    /// What a thread of the store has finished.
    pub(super) fn completed(&self, completion: Completion) {
        match completion {
            Completion::Loaded { ticket, result } => self.tell_alone(|service, now| service.loaded(now, ticket, result)),
            Completion::Written { ticket, result } => {
                self.note_written(ticket, result);
                let ping = self.lock().pings.remove(&ticket);
                match ping {
                    // Nobody waits any more if it took too long.
                    Some(asked) => drop(asked.send(result)),
                    None => self.tell_alone(|service, now| service.written(now, ticket, result)),
                }
            }
            Completion::ChangedOutside => self.tell_alone(Service::changed_outside),
            Completion::Died => self.store_died.notify_one(),
        }
    }

    /// Done when a thread of the store has died.
    pub(super) async fn store_died(&self) {
        self.store_died.notified().await;
    }

    /// Has the store write nothing new, durably, behind all that it was given before: a page is written as it was and synced, which
    /// shows that it can. Waits for the rules' lock as everybody does, and so shows too that nobody holds it for ever.
    pub(super) fn write_nothing(&self) -> oneshot::Receiver<Result<(), StoreError>> {
        let (asked, answer) = oneshot::channel();
        let mut core = self.lock();
        let ticket = Ticket(core.next_ping);
        core.next_ping -= 1;
        core.pings.insert(ticket, asked);
        self.store.write(ticket, Vec::new());
        answer
    }

    /// What the user's password is checked against.
    pub(super) async fn credentials(&self, user: Address) -> Option<Credentials> {
        let (answer, found) = oneshot::channel();
        let asked = user.clone();
        self.store().credentials(user, move |found| {
            // Nobody waits any more if the connection is gone.
            let _ = answer.send(found);
        });
        match found.await {
            Ok(Ok(found)) => found,
            // If the record cannot be read, the answer is no.
            Ok(Err(error)) => {
                tracing::error!(user = %asked, %error, "credentials cannot be read");
                None
            }
            Err(_) => None,
        }
    }

    /// What the store has by now, every write given before included.
    pub(super) async fn read(&self, read: Read) -> Result<Loaded, StoreError> {
        let (answer, found) = oneshot::channel();
        self.store().ask(read, move |found| {
            // Nobody waits any more if whoever asked is gone.
            let _ = answer.send(found);
        });
        found.await.unwrap_or(Err(StoreError::Io))
    }

    /// How much the store has of everything; `None`: it cannot be read.
    pub(super) async fn totals(&self) -> Option<Totals> {
        self.inventory.take(&self.store).await
    }

    /// The store, for what the service has no part in.
    pub(super) fn store(&self) -> &StoreThread {
        &self.store
    }

    /// What is counted.
    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Whether a line of this kind goes to the log now: then how many of its kind did not.
    pub(super) fn may_say(&self, what: &'static str) -> Option<u64> {
        self.hush.say(what, Clock::instant())
    }

    /// Counts that somebody reached a limit, and says so if nobody did lately.
    pub(super) fn reached(&self, limit: Limit, who: &dyn std::fmt::Display) {
        self.metrics.limit(limit);
        if let Some(unsaid) = self.may_say(limit.as_str()) {
            tracing::warn!(%limit, %who, unsaid, "limit reached");
        }
    }

    /// What one party may take, to be read or exchanged.
    pub(super) fn limits(&self) -> &InForce {
        &self.limits
    }

    /// Logins that failed.
    pub(super) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// What all connections hold in memory.
    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Memory is short: whoever holds most of it goes, until there is enough. Their sessions stay; what they had not
    /// acknowledged goes to the mailbox, or comes as the newest value when they are back.
    pub(super) fn relieve(&self) {
        self.relieve_core(&self.lock());
    }

    fn relieve_core(&self, core: &Core) {
        if !self.memory.is_short() {
            return;
        }
        let mut heavy: Vec<_> = core.outboxes.iter().map(|(key, outbox)| (outbox.octets(), *key, outbox)).collect();
        heavy.retain(|(octets, ..)| *octets > SMALL_OCTETS);
        heavy.sort_unstable_by_key(|(octets, key, _)| (std::cmp::Reverse(*octets), *key));
        for (octets, key, outbox) in heavy {
            if self.memory.is_eased() {
                return;
            }
            if let Some(waker) = outbox.condemn() {
                waker.wake();
            }
            self.reached(Limit::Memory, &format_args!("connection {} with {octets} octets", key.0));
        }
        if !self.memory.is_eased() {
            self.memory.despair();
        }
    }

    fn note_written(&self, ticket: Ticket, result: Result<(), StoreError>) {
        let since = self.lock().writes.remove(&ticket);
        match (since, result) {
            (Some(since), Ok(())) => self.metrics.committed(Clock::instant().saturating_duration_since(since)),
            (_, Err(_)) => self.metrics.store_failures.up(),
            (None, Ok(())) => {}
        }
    }

    /// Says BYE on every connection, and on those that still come.
    pub(super) fn close_all(&self) {
        let mut core = self.lock();
        core.closing = true;
        let woken = core.outboxes.values().filter_map(|outbox| outbox.push(Item::Close(ByeCause::ShuttingDown)));
        woken.for_each(Waker::wake);
        drop(core);
        self.closing.send_replace(true);
    }

    /// Done when the relay stops.
    pub(super) async fn closes(&self) {
        // The sender lives as long as the hub.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// The connections of clients, logged in or not; links are no clients.
    pub(super) fn clients(&self) -> Vec<ConnectionKey> {
        let core = self.lock();
        core.outboxes.keys().filter(|key| !core.service.is_link(**key)).copied().collect()
    }

    /// Says BYE on one connection, since the relay ends, and when to come back.
    pub(super) fn say_goodbye(&self, key: ConnectionKey, come_back_after: Duration) {
        let outbox = self.lock().outboxes.get(&key).cloned();
        if let Some(waker) = outbox.and_then(|outbox| outbox.push(Item::Farewell(come_back_after))) {
            waker.wake();
        }
    }

    /// How many connections have a task.
    pub(super) fn connections(&self) -> usize {
        self.lock().outboxes.len()
    }

    /// Wakes the service when its time comes; runs until it is dropped.
    pub(super) async fn keep_time(&self) {
        loop {
            let deadline = self.lock().deadline;
            let due = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {
                    self.tell_alone(Service::handle_timeout);
                    let mut core = self.lock();
                    core.deadline = core.service.poll_timeout();
                }
                () = self.earlier.notified() => {}
            }
        }
    }

    /// Gives back whom to wake.
    fn perform(&self, core: &mut Core) -> Vec<Waker> {
        let mut woken = Vec::new();
        let mut effects = std::mem::take(&mut core.effects);
        effects.extend(std::iter::from_fn(|| core.service.poll_effect()));
        self.remember(&effects);
        for effect in effects.drain(..) {
            let (connection, item) = match effect {
                Effect::Opened { connection, outcome } => (connection, Item::Opened(outcome)),
                Effect::Send { connection, octets } => {
                    self.metrics.sent(&octets.head);
                    self.sent.fetch_add(1, Ordering::Relaxed);
                    (connection, Item::Send(octets))
                }
                Effect::Close { connection, cause } => (connection, Item::Close(cause)),
                Effect::Read { ticket, read } => {
                    self.store.read(ticket, read);
                    continue;
                }
                Effect::Write { ticket, writes } => {
                    core.writes.insert(ticket, Clock::instant());
                    self.store.write(ticket, writes);
                    continue;
                }
                Effect::Remember(_) => continue,
                Effect::Dial(route) => {
                    // Nobody listens any more if the relay stops.
                    let _ = self.dials.send(route);
                    continue;
                }
                Effect::Administered { number, outcome } => {
                    if let Some(asked) = core.asked.remove(&number) {
                        // Nobody waits any more if the administrator has gone.
                        let _ = asked.send(outcome);
                    }
                    continue;
                }
                Effect::Notice(notice) => {
                    self.take_notice(&notice);
                    continue;
                }
            };
            if let Some(outbox) = core.outboxes.get(&connection) {
                woken.extend(outbox.push(item));
            }
        }
        // A storm must not leave its room behind.
        if effects.capacity() <= EFFECTS {
            core.effects = effects;
        }
        self.relieve_core(core);
        woken
    }

    fn take_notice(&self, notice: &Notice) {
        match notice {
            Notice::LimitReached { limit, who } => self.reached(*limit, who),
            Notice::Settled { stored, took } => self.metrics.settled(*stored, *took),
            told => log_notice(told),
        }
    }

    /// Notes all deliveries in one write, before anybody can hear of one of them.
    fn remember(&self, effects: &[Effect]) {
        let noted = |effect: &Effect| if let Effect::Remember(delivery) = effect { Some(*delivery) } else { None };
        let deliveries: Vec<_> = effects.iter().filter_map(noted).collect();
        if deliveries.is_empty() {
            return;
        }
        if let Err(error) = self.store.remember(&deliveries) {
            let count = deliveries.len();
            tracing::error!(%error, count, "deliveries could not be noted; repeats of them after a crash would be delivered twice");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        // A panic in a rule ends the connection whose request caused it; the others go on with what stands.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log_notice(notice: &Notice) {
    match notice {
        Notice::StoredMessageRefused { user, message, error } => {
            tracing::warn!(%user, message, %error, "a stored message was refused for good and is deleted");
        }
        Notice::StoredMessageExpired { user, message } => tracing::info!(%user, message, "a stored message expired"),
        Notice::SessionTakenOver { user, session } => tracing::info!(%user, %session, "session taken over by a new connection"),
        Notice::LinkUp { route, dialled } => tracing::info!(ours = %route.ours, theirs = %route.theirs, dialled, "link up"),
        Notice::LinkDown { route } => tracing::info!(ours = %route.ours, theirs = %route.theirs, "link down"),
        // Counted, and the first said at another place.
        Notice::LimitReached { .. } | Notice::Settled { .. } => {}
        Notice::StoreFailed { user } => tracing::error!(%user, "the store failed; what needed it was not done"),
    }
}
