//! Work for strangers, a little at a time for each of them, so that none makes the others wait for it.

use super::crowd::origin_of;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;

/// Places for work, of which one stranger has few: an IPv4 address, or an IPv6 network of 64 bits.
pub(super) struct Turns {
    all: Semaphore,
    of_one: usize,
    /// Only of strangers who have a place or wait for one.
    lines: Mutex<HashMap<IpAddr, Weak<Semaphore>>>,
}

/// A place; dropping it gives it to the next.
pub(super) struct Turn<'a> {
    _own: Option<OwnedSemaphorePermit>,
    _shared: Option<SemaphorePermit<'a>>,
}

impl Turns {
    pub(super) fn new(all: usize, of_one: usize) -> Self {
        Self { all: Semaphore::new(all), of_one, lines: Mutex::default() }
    }

    /// Waits behind the same stranger's others, then for a place.
    pub(super) async fn turn(&self, peer: IpAddr) -> Turn<'_> {
        let line = self.line(origin_of(peer));
        // Neither is ever closed.
        let own = line.acquire_owned().await.ok();
        Turn { _own: own, _shared: self.all.acquire().await.ok() }
    }

    fn line(&self, origin: IpAddr) -> Arc<Semaphore> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&origin).and_then(Weak::upgrade) {
            return line;
        }
        // A permit keeps its line alive, so what is dead here is used by nobody.
        lines.retain(|_, line| line.strong_count() > 0);
        let line = Arc::new(Semaphore::new(self.of_one));
        lines.insert(origin, Arc::downgrade(&line));
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::Context;
    use std::task::Poll;
    use std::task::Waker;

    /// What is ready without waiting.
    fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_stranger_waits_for_itself_alone() {
        let turns = Turns::new(3, 2);
        let [one, same, other] = ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let first = now_or_never(turns.turn(one)).unwrap();
        let _second = now_or_never(turns.turn(same)).unwrap();
        assert!(now_or_never(turns.turn(one)).is_none());
        let third = now_or_never(turns.turn(other)).unwrap();
        drop(first);
        assert!(now_or_never(turns.turn(one)).is_some());
        drop(third);
        assert_eq!(turns.lines.lock().unwrap().len(), 2);
        let _fourth = now_or_never(turns.turn("192.0.2.3".parse().unwrap())).unwrap();
        assert_eq!(turns.lines.lock().unwrap().len(), 2);
    }
}
