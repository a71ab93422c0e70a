//! A store that fails when it is told to: for tests of what a relay does then.

use super::{Backend, Remember};
use crate::model::{Address, UnixMillis};
use crate::service::store::{Remembered, Start, StoreError, StoreWrite, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A writer that fails as its [`Plan`] says, and otherwise does what the one within does.
#[derive(Debug)]
pub struct Faults<W> {
    inner: W,
    plan: Plan,
}

/// What is to fail. Clones are the same plan, so that a test keeps one.
#[derive(Clone, Debug, Default)]
pub struct Plan(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    every_write: Option<StoreError>,
    of_user: Option<(Address, StoreError)>,
    remember: Option<StoreError>,
}

impl Plan {
    /// From now on every write fails so; `None`: works again.
    pub fn writes(&self, error: Option<StoreError>) {
        self.lock().every_write = error;
    }

    /// From now on each write for this user fails so, and with it the whole transaction; `None`: works again.
    pub fn writes_of(&self, fault: Option<(Address, StoreError)>) {
        self.lock().of_user = fault;
    }

    /// From now on deliveries cannot be noted; `None`: works again.
    pub fn remember(&self, error: Option<StoreError>) {
        self.lock().remember = error;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, write: &Write) -> Option<StoreError> {
        let state = self.lock();
        state.every_write.or(state.of_user.as_ref().filter(|(of, _)| of == write.user()).map(|(_, error)| *error))
    }
}

impl<W> Faults<W> {
    /// Puts a plan before a writer.
    pub const fn new(inner: W, plan: Plan) -> Self {
        Self { inner, plan }
    }
}

impl<W: StoreWrite> StoreWrite for Faults<W> {
    fn start(&mut self, now: UnixMillis) -> Result<Start, StoreError> {
        self.inner.start(now)
    }

    fn write(&mut self, writes: &[&Write]) -> Result<(), StoreError> {
        writes.iter().find_map(|write| self.plan.fault(write)).map_or_else(|| self.inner.write(writes), Err)
    }

    fn remember(&mut self, deliveries: &[Remembered]) -> Result<(), StoreError> {
        let fault = self.plan.lock().remember;
        fault.map_or_else(|| self.inner.remember(deliveries), Err)
    }
}

impl<W: Remember> Remember for Faults<W> {
    fn remember(&self, deliveries: &[Remembered]) -> Result<(), StoreError> {
        let fault = self.plan.lock().remember;
        fault.map_or_else(|| self.inner.remember(deliveries), Err)
    }
}

impl<W: Backend> Backend for Faults<W> {
    fn changed_outside(&mut self) -> bool {
        self.inner.changed_outside()
    }

    fn tidy(&mut self) -> bool {
        self.inner.tidy()
    }

    fn finish(&mut self) {
        self.inner.finish();
    }
}
