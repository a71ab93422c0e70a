//! What a hub asks of its store, and what becomes of it when a thread of the store is done.

use super::Core;
use super::Hub;
use super::alone;
use crate::model::Address;
use crate::model::Credentials;
use crate::model::Now;
use crate::service::Ticket;
use crate::service::store::Loaded;
use crate::service::store::Read;
use crate::service::store::StoreError;
use crate::service::store::Totals;
use crate::store::thread::Completion;
use tokio::sync::oneshot;

/// Of what was finished, so much is told under one lock: a connection that has something to say need not wait for all of it.
const TURN: usize = 64;

impl Hub {
    /// What a thread of the store has finished. Each receiver is woken once, whatever comes of it.
    pub(super) fn completed(&self, completions: Vec<Completion>) {
        let mut left = completions.into_iter();
        while !left.as_slice().is_empty() {
            let turn = left.by_ref().take(TURN);
            alone(|| self.tell_core(|core, now| turn.for_each(|completion| self.take_completion(core, now, completion))));
        }
    }

    fn take_completion(&self, core: &mut Core, now: Now, completion: Completion) {
        match completion {
            Completion::Loaded { ticket, result } => alone(|| core.service.loaded(now, ticket, result)),
            Completion::Written { ticket, result } => {
                match (core.writes.remove(&ticket), result) {
                    (Some(since), Ok(())) => self.metrics.committed(now.instant.saturating_duration_since(since)),
                    (_, Err(_)) => self.metrics.store_failures.up(),
                    (None, Ok(())) => {}
                }
                match core.pings.remove(&ticket) {
                    // Nobody waits any more if it took too long.
                    Some(asked) => drop(asked.send(result)),
                    None => alone(|| core.service.written(now, ticket, result)),
                }
            }
            Completion::ChangedOutside => alone(|| core.service.changed_outside(now)),
            Completion::Died => self.store_died.notify_one(),
        }
    }

    /// Done when a thread of the store has died.
    pub(in crate::relay) async fn store_died(&self) {
        self.store_died.notified().await;
    }

    /// Has the store write nothing new, durably, behind all that it was given before: a page is written as it was and synced, which
    /// shows that it can. Waits for the rules' lock as everybody does, and so shows too that nobody holds it for ever.
    pub(in crate::relay) fn write_nothing(&self) -> oneshot::Receiver<Result<(), StoreError>> {
        let (asked, answer) = oneshot::channel();
        let mut core = self.lock();
        let ticket = Ticket(core.next_ping);
        core.next_ping -= 1;
        core.pings.insert(ticket, asked);
        self.store.write(ticket, Vec::new());
        answer
    }

    /// What the user's password is checked against.
    pub(in crate::relay) async fn credentials(&self, user: Address) -> Option<Credentials> {
        let (answer, found) = oneshot::channel();
        let asked = user.clone();
        self.store().credentials(user, move |found| {
            // Nobody waits any more if the connection is gone.
            let _ = answer.send(found);
        });
        match found.await {
            Ok(Ok(found)) => found,
            // If the record cannot be read, the answer is no.
            Ok(Err(error)) => {
                tracing::error!(user = %asked, %error, "credentials cannot be read");
                None
            }
            Err(_) => None,
        }
    }

    /// What the store has by now, every write given before included.
    pub(in crate::relay) async fn read(&self, read: Read) -> Result<Loaded, StoreError> {
        let (answer, found) = oneshot::channel();
        self.store().ask(read, move |found| {
            // Nobody waits any more if whoever asked is gone.
            let _ = answer.send(found);
        });
        found.await.unwrap_or(Err(StoreError::Io))
    }

    /// How much the store has of everything; `None`: it cannot be read.
    pub(in crate::relay) async fn totals(&self) -> Option<Totals> {
        self.inventory.take(&self.store).await
    }
}
