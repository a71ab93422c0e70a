//! How far the writer is, and how far it has to be before a user may be read.

use super::lock;
use crate::model::Address;
use crate::service::store::Write;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Condvar, Mutex, PoisonError};

/// Places in which the users' last writes are kept. Users who share one wait for each other's, which costs time and nothing else.
const PLACES: usize = 512;

/// The number of the last write job for each user.
pub(super) struct LastWrites {
    places: Box<[u64]>,
    hashing: RandomState,
}

impl Default for LastWrites {
    fn default() -> Self {
        Self { places: vec![0; PLACES].into(), hashing: RandomState::new() }
    }
}

impl LastWrites {
    /// These are the job of this number; the numbers grow.
    pub(super) fn note(&mut self, writes: &[Write], number: u64) {
        for write in writes {
            let place = self.place(write.user());
            if let Some(last) = self.places.get_mut(place) {
                *last = number;
            }
        }
    }

    /// The last job with a write to this user, or a later one; 0: there was none.
    pub(super) fn to(&self, user: &Address) -> u64 {
        self.places.get(self.place(user)).copied().unwrap_or_default()
    }

    fn place(&self, user: &Address) -> usize {
        usize::try_from(self.hashing.hash_one(user) % PLACES as u64).unwrap_or_default()
    }
}

/// How many write jobs are done; readers wait for those before theirs.
#[derive(Default)]
pub(super) struct Progress {
    done: Mutex<u64>,
    more: Condvar,
}

impl Progress {
    pub(super) fn done(&self) -> u64 {
        *lock(&self.done)
    }

    pub(super) fn advance(&self, jobs: u64) {
        let mut done = lock(&self.done);
        *done = done.saturating_add(jobs);
        self.more.notify_all();
    }

    pub(super) fn wait_for(&self, jobs: u64) {
        let mut done = lock(&self.done);
        while *done < jobs {
            done = self.more.wait(done).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Lets readers go on when the writer ends, in whatever way.
pub(super) struct EndOfWriting<'a>(pub(super) &'a Progress);

impl Drop for EndOfWriting<'_> {
    fn drop(&mut self) {
        self.0.advance(u64::MAX);
    }
}
