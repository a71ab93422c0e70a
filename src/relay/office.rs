//! What an administrator's commands can reach: the relay as it runs, and the one who changes what it runs on.

use super::config::Config;
use super::health::Probe;
use super::hub::Hub;
use super::material::Live;
use super::reload::InForce;
use super::reload::ReloadError;
use super::samples::Samples;
use crate::model::UnixMillis;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

/// All of it.
pub(super) struct Office {
    pub(super) hub: Arc<Hub>,
    pub(super) live: Live,
    /// What the relay runs on.
    pub(super) in_force: Arc<ArcSwap<InForce>>,
    /// To whoever may change that.
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) probe: Option<Probe>,
    pub(super) log: Option<LogLevel>,
    pub(super) started: UnixMillis,
    pub(super) samples: Samples,
}

/// What is done one at a time.
pub(super) enum Order {
    /// Read everything again.
    Reload(oneshot::Sender<Result<(), ReloadError>>),
    /// Send everybody away, and end.
    Drain(Drain, oneshot::Sender<Draining>),
}

/// How everybody is sent away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drain {
    /// Good-byes, and then returns, are spread over so long.
    pub(super) over: Duration,
    /// Whoever is still there after it is cut off.
    pub(super) deadline: Duration,
}

/// A drain has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draining {
    /// Connections that are to be sent away.
    pub(super) connections: usize,
    /// There is nothing to begin: one is under way.
    pub(super) already: bool,
}

/// How much is logged, and how to change that while the relay runs.
pub struct LogLevel {
    now: Mutex<&'static str>,
    set: Box<dyn Fn(&'static str) + Send + Sync>,
}

impl core::fmt::Debug for LogLevel {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "LogLevel({})", self.now())
    }
}

impl LogLevel {
    /// From now on `set` is told of changes.
    pub fn new(now: &'static str, set: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        Self { now: Mutex::new(now), set: Box::new(set) }
    }

    /// How much is logged.
    #[must_use]
    pub fn now(&self) -> &'static str {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs so much from now on.
    pub fn change(&self, level: &'static str) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        (self.set)(level);
        *now = level;
    }
}

impl Office {
    /// The configuration in force.
    pub(super) fn config(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }
}

/// What no reload changes, by the name of its key.
pub(super) fn lasting(old: &Config, new: &Config) -> Option<&'static str> {
    let changed = [
        ("data-dir", old.data_dir != new.data_dir),
        ("listen.control", old.listen.control != new.listen.control),
        ("listen.control-mode", old.listen.control_mode != new.listen.control_mode),
        ("listen.http", old.listen.http != new.listen.http),
        ("log.format", old.log.json != new.log.json),
    ];
    changed.into_iter().find(|(_, changed)| *changed).map(|(name, _)| name)
}
