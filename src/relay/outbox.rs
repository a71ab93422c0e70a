//! What waits for one connection's task: filled by whoever performs effects, emptied by the task itself.

use crate::model::Answer;
use crate::model::ByeCause;
use crate::service::Octets;
use crate::service::SessionState;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

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

/// A queue whose one reader is a task.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    waker: Option<Waker>,
}

impl Outbox {
    /// Appends an item. The task is woken by [`Outbox::wake`], once for many items.
    pub(super) fn push(&self, item: Item) {
        self.lock().items.push_back(item);
    }

    /// Wakes the task.
    pub(super) fn wake(&self) {
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
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
        Poll::Ready(std::mem::take(&mut state.items))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The queue is whole after every statement, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
