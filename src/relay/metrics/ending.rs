//! How one accepted connection ends: counted once, on every way out.

use super::Outcome;
use crate::relay::hub::Hub;
use std::sync::Arc;

/// Dropped before anybody said how, it ended with the relay, or by a fault of it.
pub(in crate::relay) struct Ending {
    /// `None`: it is counted.
    hub: Option<Arc<Hub>>,
}

impl Ending {
    /// Of a connection that was let in.
    pub(in crate::relay) fn of(hub: &Arc<Hub>) -> Self {
        Self { hub: Some(Arc::clone(hub)) }
    }

    /// This is how. What is said first counts, and before the peer can see the end.
    pub(in crate::relay) fn is(&mut self, outcome: Outcome) {
        if let Some(hub) = self.hub.take() {
            hub.metrics().ended(outcome);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.is(Outcome::Dropped);
    }
}
