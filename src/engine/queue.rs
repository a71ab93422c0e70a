//! A queue that holds no memory while it is empty: most connections of a server are idle.

use std::collections::VecDeque;

/// Items for which there is room as soon as there is one.
const ROOM: usize = 16;

#[derive(Debug)]
pub(super) struct Queue<T>(VecDeque<T>);

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }

    pub(super) fn push(&mut self, item: T) {
        if self.0.capacity() == 0 {
            // What one read brings, most often: room once, and not in steps.
            self.0.reserve(ROOM);
        }
        self.0.push_back(item);
    }

    pub(super) fn first(&self) -> Option<&T> {
        self.0.front()
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let item = self.0.pop_front();
        if self.0.is_empty() && self.0.capacity() > 0 {
            self.0 = VecDeque::new();
        }
        item
    }
}
