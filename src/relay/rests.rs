//! How long a route rests before the next link is opened: after a failure, and after a link that ended as soon as it stood.

use crate::net::Clock;
use crate::net::backoff;
use crate::service::Route;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// Routes that are remembered at most: users may name any number of domains.
const REMEMBERED: usize = 4096;

/// Of each route that rests, or whose last link was none to speak of.
#[derive(Default)]
pub(super) struct Rests(Mutex<HashMap<Route, Rest>>);

struct Rest {
    failures: u32,
    until: Instant,
    /// The last link was of no use, which happens to good ones.
    suspect: bool,
}

impl Rests {
    /// Waits until the route has rested.
    pub(super) async fn over(&self, route: &Route) {
        let until = self.lock().get(route).map(|rest| rest.until);
        if let Some(until) = until {
            tokio::time::sleep_until(until.into()).await;
        }
    }

    /// No link came about; for so long none is tried.
    pub(super) fn failed(&self, route: &Route) -> Duration {
        let now = Clock::instant();
        let mut rests = self.lock();
        let rest = Self::of(&mut rests, route, now);
        let pause = backoff::pause(rest.failures);
        (rest.failures, rest.until) = (rest.failures.saturating_add(1), now.checked_add(pause).unwrap_or(now));
        pause
    }

    /// A link that stood since then has ended; `of_use`: it served somebody, or ended because we wanted it to.
    pub(super) fn ended(&self, route: &Route, since: Instant, of_use: bool) {
        let now = Clock::instant();
        if of_use || now.duration_since(since) >= backoff::STOOD {
            self.lock().remove(route);
            return;
        }
        // The network may have cut a good one: the next is opened at once.
        if std::mem::replace(&mut Self::of(&mut self.lock(), route, now).suspect, true) {
            self.failed(route);
        }
    }

    fn of<'a>(rests: &'a mut HashMap<Route, Rest>, route: &Route, now: Instant) -> &'a mut Rest {
        if rests.len() >= REMEMBERED {
            rests.retain(|_, rest| rest.until > now);
        }
        if rests.len() >= REMEMBERED {
            // So many failures at once are those of our own network.
            rests.clear();
        }
        rests.entry(route.clone()).or_insert(Rest { failures: 0, until: now, suspect: false })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Route, Rest>> {
        // Whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Domain;

    fn route(theirs: &str) -> Route {
        Route { ours: Domain::parse("a.test").unwrap(), theirs: Domain::parse(theirs).unwrap() }
    }

    async fn rested(rests: &Rests, route: &Route) -> Duration {
        let begun = Clock::instant();
        rests.over(route).await;
        Clock::instant().duration_since(begun)
    }

    #[tokio::test(start_paused = true)]
    async fn a_route_rests_longer_each_time_and_others_do_not() {
        let (rests, b, c) = (Rests::default(), route("b.test"), route("c.test"));
        assert_eq!(rested(&rests, &b).await, Duration::ZERO);
        for most in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = rests.failed(&b);
            assert!((Duration::from_secs(most) / 2..=Duration::from_secs(most)).contains(&pause), "{pause:?} of {most} s");
            assert_eq!(rested(&rests, &c).await, Duration::ZERO);
            assert!(rested(&rests, &b).await >= pause);
        }
        // A link that stood for a while begins anew.
        let since = Clock::instant();
        tokio::time::advance(backoff::STOOD).await;
        rests.ended(&b, since, false);
        assert_eq!(rested(&rests, &b).await, Duration::ZERO);
        assert!(rests.failed(&b) <= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_that_ends_at_once_is_a_failure_unless_it_was_of_use() {
        let (rests, b) = (Rests::default(), route("b.test"));
        rests.ended(&b, Clock::instant(), true);
        assert_eq!(rested(&rests, &b).await, Duration::ZERO);
        rests.ended(&b, Clock::instant(), false);
        assert_eq!(rested(&rests, &b).await, Duration::ZERO, "once is no time");
        rests.ended(&b, Clock::instant(), false);
        assert!(rested(&rests, &b).await >= Duration::from_millis(500));
        rests.ended(&b, Clock::instant(), false);
        assert!(rested(&rests, &b).await >= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_only_so_many() {
        let rests = Rests::default();
        for number in 0..2 * REMEMBERED {
            rests.failed(&route(&format!("d{number}.test")));
            assert!(rests.lock().len() <= REMEMBERED);
        }
    }
}
