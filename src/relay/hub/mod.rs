//! Where the service, the store and the connections of a relay come together: one lock, and effects performed under it.

mod connections;
mod perform;
mod stored;
mod time;

use super::control::Facts;
use super::control::Outboxes;
use super::guard::Guard;
use super::hush::Hush;
use super::inventory::Inventory;
use super::limits::InForce;
use super::memory::Memory;
use super::metrics::Metrics;
use crate::model::Now;
use crate::net::Clock;
use crate::service::Administered;
use crate::service::Effect;
use crate::service::Limit;
use crate::service::Route;
use crate::service::Service;
use crate::service::Ticket;
use crate::service::store::StoreError;
use crate::store::thread::Completion;
use crate::store::thread::StoreThread;
use std::collections::HashMap;
use std::collections::VecDeque;
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
use std::time::Instant;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::sync::watch;

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

struct Core {
    service: Service,
    outboxes: Outboxes,
    /// Why the last try of a route failed, for the administrator's eyes.
    failures: HashMap<Route, String>,
    next_key: u64,
    /// What administrators wait for.
    asked: HashMap<u64, oneshot::Sender<Administered>>,
    next_asked: u64,
    /// Room for what comes out of one call; empty between two.
    effects: VecDeque<Effect>,
    /// When the timer task wakes. Perhaps too early: it is told of what comes earlier, and finds out itself what was put off.
    deadline: Option<Instant>,
    /// Writes of nothing, of which the rules know nothing: their tickets go down from the largest, the rules' go up.
    pings: HashMap<Ticket, oneshot::Sender<Result<(), StoreError>>, foldhash::quality::RandomState>,
    next_ping: u64,
    /// Writes that are not done, since when.
    writes: HashMap<Ticket, Instant, foldhash::quality::RandomState>,
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
        start: impl FnOnce(Box<dyn Fn(Vec<Completion>) + Send + Sync>) -> Result<StoreThread, E>,
    ) -> Result<Arc<Self>, E> {
        let hub: Arc<OnceLock<Weak<Self>>> = Arc::default();
        let later = Arc::clone(&hub);
        let store = start(Box::new(move |completions| {
            // No job is given before the hub is known, and none finishes after [`StoreThread::stop`].
            if let Some(hub) = later.get().and_then(Weak::upgrade) {
                hub.completed(completions);
            }
        }))?;
        let core = Core {
            service,
            outboxes: HashMap::default(),
            failures: HashMap::new(),
            next_key: 0,
            asked: HashMap::new(),
            next_asked: 0,
            effects: VecDeque::new(),
            deadline: None,
            pings: HashMap::default(),
            next_ping: u64::MAX,
            writes: HashMap::default(),
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

    /// Looks without changing anything.
    pub(super) fn look<T>(&self, see: impl FnOnce(&Service, &Facts<'_>) -> T) -> T {
        let core = self.lock();
        see(&core.service, &Facts { outboxes: &core.outboxes, failures: &core.failures })
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

    /// Something came for the service.
    pub(super) fn count_received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests and responses came, and how many went.
    pub(super) fn frames(&self) -> (u64, u64) {
        (self.received.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed))
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

    fn lock(&self) -> MutexGuard<'_, Core> {
        // A panic in a rule ends the connection whose request caused it; the others go on with what stands.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls where no connection asked: a panic in a rule costs that one call, not the store's thread or the clock, on which
/// everybody depends. The panic itself was reported by the hook.
fn alone(call: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(call));
}
