//! What waits for one connection's task: filled by whoever performs effects, emptied by the task itself.

use super::memory::Memory;
use crate::model::Answer;
use crate::model::ByeCause;
use crate::model::UnixMillis;
use crate::service::Octets;
use crate::service::SessionState;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;
use std::time::Instant;

/// One thing for the connection's engine.
#[derive(Debug)]
pub(super) enum Item {
    /// AUTH was accepted or not.
    Opened(Result<SessionState, Answer>),
    /// A frame to be written.
    Send(Octets),
    /// Say BYE and close.
    Close(ByeCause),
    /// The same since the relay ends; with the time after which to come back.
    Farewell(Duration),
}

impl Item {
    fn octets(&self) -> usize {
        match self {
            Self::Send(octets) => usize::try_from(octets.count()).unwrap_or(usize::MAX),
            Self::Opened(_) | Self::Close(_) | Self::Farewell(_) => 0,
        }
    }
}

/// Items for which there is room as soon as there is one.
const ROOM: usize = 16;

/// A queue whose one reader is a task.
pub(super) struct Outbox {
    memory: Arc<Memory>,
    state: Mutex<State>,
    /// The other end.
    peer: SocketAddr,
}

/// When and how a client, or another domain, was let in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Login {
    pub(super) since: UnixMillis,
    /// `TLS 1.3`; `None`: in the clear.
    pub(super) tls: Option<&'static str>,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    /// Octets in `items`.
    queued: usize,
    /// Octets that the task holds: what it has taken and not written, and half a frame that it has read.
    held: usize,
    /// It is sent away, and takes nothing more; its octets no longer count.
    condemned: bool,
    waker: Option<Waker>,
    /// What there is to see of it once it has logged in.
    login: Option<Login>,
    /// Before that the task has to be woken, for it has no timer.
    far: Option<Instant>,
}

impl Outbox {
    pub(super) fn new(memory: Arc<Memory>, peer: SocketAddr) -> Self {
        Self { memory, state: Mutex::default(), peer }
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// It has logged in.
    pub(super) fn let_in(&self, login: Login) {
        self.lock().login = Some(login);
    }

    pub(super) fn login(&self) -> Option<Login> {
        self.lock().login
    }

    /// Appends an item; gives back whom to wake, the first time since the task last looked.
    #[must_use]
    pub(super) fn push(&self, item: Item) -> Option<Waker> {
        let mut state = self.lock();
        if state.condemned {
            return None;
        }
        let octets = item.octets();
        state.queued += octets;
        self.memory.change(0, octets);
        if state.items.capacity() == 0 {
            // Given away with what is in it: room once, and not in steps.
            state.items.reserve(ROOM);
        }
        state.items.push_back(item);
        state.waker.take()
    }

    /// Everything that waits; pending until there is something.
    pub(super) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<VecDeque<Item>> {
        let mut state = self.lock();
        if state.items.is_empty() {
            match &mut state.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => state.waker = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        state.held += std::mem::take(&mut state.queued);
        Poll::Ready(std::mem::take(&mut state.items))
    }

    /// So many octets the task holds now, and before this moment it has to be woken. Whether memory is short with them.
    pub(super) fn hold(&self, octets: usize, far: Option<Instant>) -> bool {
        let mut state = self.lock();
        state.far = far;
        let before = std::mem::replace(&mut state.held, octets);
        if state.condemned || before == octets {
            return false;
        }
        self.memory.change(before, octets);
        octets > before && self.memory.is_short()
    }

    /// Whom to wake because what is to be done by `soon` needs a timer.
    #[must_use]
    pub(super) fn due(&self, soon: Instant) -> Option<Waker> {
        let mut state = self.lock();
        state.far.take_if(|at| *at <= soon)?;
        state.waker.take()
    }

    /// Octets that would be free if it were gone.
    pub(super) fn octets(&self) -> usize {
        let state = self.lock();
        if state.condemned { 0 } else { state.queued + state.held }
    }

    /// Sends the peer away, in place of all that waits for it; gives back whom to wake.
    #[must_use]
    pub(super) fn condemn(&self) -> Option<Waker> {
        let mut state = self.lock();
        if !state.condemned {
            self.memory.change(state.queued + state.held, 0);
            state.condemned = true;
            state.queued = 0;
            state.items.clear();
            state.items.push_back(Item::Close(ByeCause::Limit));
        }
        state.waker.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The queue is whole after every statement, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let octets = self.octets();
        self.memory.change(octets, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::limits::testing;

    #[test]
    fn octets_count_from_the_queue_to_the_wire() {
        let memory = Arc::new(Memory::new(testing(|limits| limits.memory = 100)));
        let outbox = Outbox::new(Arc::clone(&memory), ([127, 0, 0, 1], 1).into());
        let push = |text: &'static str| drop(outbox.push(Item::Send(bytes::Bytes::from_static(text.as_bytes()).into())));
        push("ten octets");
        push("ten octets");
        assert_eq!((outbox.octets(), memory.used()), (20, 20));
        let taken = outbox.poll_take(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(taken, Poll::Ready(items) if items.len() == 2));
        assert_eq!(memory.used(), 20);
        assert!(!outbox.hold(5, None));
        assert_eq!(memory.used(), 5);
        assert!(outbox.hold(101, None));
        push("ten octets");
        assert_eq!(memory.used(), 111);
        assert!(outbox.condemn().is_none());
        push("ten octets");
        assert!(!outbox.hold(200, None));
        assert_eq!((outbox.octets(), memory.used()), (0, 0));
        let taken = outbox.poll_take(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(taken, Poll::Ready(items) if matches!(items.front(), Some(Item::Close(ByeCause::Limit)))));
        drop(outbox);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn who_has_no_timer_is_woken_once_and_in_time() {
        let memory = Arc::new(Memory::new(testing(|limits| limits.memory = 100)));
        let outbox = Outbox::new(memory, ([127, 0, 0, 1], 1).into());
        let now = crate::net::Clock::instant();
        let due = |after| outbox.due(now + Duration::from_secs(after)).is_some();
        let wait = |far: Option<u64>| {
            assert!(outbox.poll_take(&mut Context::from_waker(Waker::noop())).is_pending());
            outbox.hold(0, far.map(|after| now + Duration::from_secs(after)));
        };
        wait(Some(10));
        assert_eq!([due(9), due(10), due(11)], [false, true, false]);
        // It has a timer now.
        wait(None);
        assert!(!due(99));
    }
}
