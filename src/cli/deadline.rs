//! When a run has to be over.

use super::exit::{Exit, Failure, Outcome};
use super::units;
use crate::net::Clock;
use std::future::Future;
use std::time::{Duration, Instant};

/// The end of the time for a run; there need not be one.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<(Instant, Duration)>);

impl Deadline {
    /// So long from now; `None`: as long as it takes.
    #[must_use]
    pub fn after(limit: Option<Duration>) -> Self {
        Self(limit.map(|limit| (Clock::instant(), limit)))
    }

    /// The same, or where there is none so long from now.
    #[must_use]
    pub fn or(self, limit: Option<Duration>) -> Self {
        if self.0.is_some() { self } else { Self::after(limit) }
    }

    /// What took too long: 75.
    ///
    /// *Shape of the line:* `cannot finish: no answer within 30 s`
    #[must_use]
    pub fn late(&self, what: &str) -> Failure {
        let limit = self.0.map(|(_, limit)| units::shown(limit)).unwrap_or_default();
        Failure::new(Exit::TryLater, format!("{what} within {limit}")).called("timeout")
    }

    /// The time was over while the connection was lost, so that what there was to hear of was not heard: 75.
    #[must_use]
    pub fn unheard() -> Failure {
        Failure::new(Exit::TryLater, "cannot tell: the connection was lost when the time was over")
    }

    /// Waits until the time is over; may be asked again and again.
    pub async fn over(&self) {
        match self.0.and_then(|(begun, limit)| begun.checked_add(limit)) {
            Some(end) => tokio::time::sleep_until(end.into()).await,
            None => std::future::pending().await,
        }
    }

    /// Does `work` in the time that is left.
    ///
    /// # Errors
    /// What the work gives, or [`Self::late`].
    pub async fn keep<T>(&self, late: &str, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.over() => Err(self.late(late)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_run_goes_on_between_its_parts() {
        let deadline = Deadline::after(Some(Duration::from_secs(10)));
        let part = async |seconds| {
            let work = async {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok(())
            };
            deadline.keep("too slow:", work).await
        };
        part(6).await.unwrap();
        let failure = part(6).await.unwrap_err();
        assert_eq!(
            (failure.exit, failure.line(), failure.token()),
            (Exit::TryLater, Some("too slow: within 10 s"), Some("timeout"))
        );
        assert!(deadline.keep("x", std::future::pending::<Outcome<()>>()).await.is_err(), "once over, always over");
        let none = Deadline::after(None);
        tokio::time::advance(Duration::from_secs(1_000_000)).await;
        none.keep("x", async { Ok(()) }).await.unwrap();
        assert!(none.or(Some(Duration::from_secs(1))).keep("x", std::future::pending::<Outcome<()>>()).await.is_err());
    }
}
