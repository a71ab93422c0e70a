//! When a run has to be over.

use crate::net::Clock;
use std::time::{Duration, Instant};

/// The end of the time for a run; there need not be one.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// So long from now.
    #[must_use]
    pub fn after(limit: Option<Duration>) -> Self {
        Self(limit.and_then(|limit| Clock::instant().checked_add(limit)))
    }

    /// Waits until the time is over; may be asked again and again.
    pub async fn over(&self) {
        match self.0 {
            Some(end) => tokio::time::sleep_until(end.into()).await,
            None => std::future::pending().await,
        }
    }
}
