//! The connections of a relay: who has a task, what there is to see of it, and who goes when memory is short or the relay stops.

use super::super::outbox::Item;
use super::super::outbox::Outbox;
use super::Core;
use super::Hub;
use crate::model::ByeCause;
use crate::service::ConnectionKey;
use crate::service::Limit;
use crate::service::Route;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// Octets that one connection may hold however short memory is.
const SMALL_OCTETS: usize = 16_384;
/// Routes of which it is known why there is no link.
const FAILURES: usize = 4096;

impl Hub {
    /// A number for a new connection, and the queue that its task empties.
    pub(in crate::relay) fn register(&self, peer: SocketAddr) -> (ConnectionKey, Arc<Outbox>) {
        let mut core = self.lock();
        core.next_key += 1;
        let key = ConnectionKey(core.next_key);
        let outbox = Arc::new(Outbox::new(Arc::clone(&self.memory), peer));
        if core.closing {
            // Its task has yet to look for the first time.
            drop(outbox.push(Item::Close(ByeCause::ShuttingDown)));
        }
        core.outboxes.insert(key, Arc::clone(&outbox));
        (key, outbox)
    }

    /// Forgets a connection whose task is done.
    pub(in crate::relay) fn unregister(&self, key: ConnectionKey) {
        self.lock().outboxes.remove(&key);
    }

    /// Notes that there is a link.
    pub(in crate::relay) fn note_link(&self, route: &Route) {
        self.lock().failures.remove(route);
    }

    /// Notes why there is no link.
    pub(in crate::relay) fn note_failure(&self, route: &Route, error: String) {
        let mut core = self.lock();
        if core.failures.len() >= FAILURES {
            core.failures.clear();
        }
        core.failures.insert(route.clone(), error);
    }

    /// The connections of clients, logged in or not; links are no clients.
    pub(in crate::relay) fn clients(&self) -> Vec<ConnectionKey> {
        let core = self.lock();
        core.outboxes.keys().filter(|key| !core.service.is_link(**key)).copied().collect()
    }

    /// How many connections have a task.
    pub(in crate::relay) fn connections(&self) -> usize {
        self.lock().outboxes.len()
    }

    /// Memory is short: whoever holds most of it goes, until there is enough. Their sessions stay; what they had not
    /// acknowledged goes to the mailbox, or comes as the newest value when they are back.
    pub(in crate::relay) fn relieve(&self) {
        self.relieve_core(&self.lock());
    }

    pub(super) fn relieve_core(&self, core: &Core) {
        if !self.memory.is_short() {
            return;
        }
        let mut heavy: Vec<_> = core.outboxes.iter().map(|(key, outbox)| (outbox.octets(), *key, outbox)).collect();
        heavy.retain(|(octets, ..)| *octets > SMALL_OCTETS);
        heavy.sort_unstable_by_key(|(octets, key, _)| (std::cmp::Reverse(*octets), *key));
        for (octets, key, outbox) in heavy {
            if self.memory.is_eased() {
                return;
            }
            if let Some(waker) = outbox.condemn() {
                waker.wake();
            }
            self.reached(Limit::Memory, &format_args!("connection {} with {octets} octets", key.0));
        }
        if !self.memory.is_eased() {
            self.memory.despair();
        }
    }

    /// Says BYE on one connection, since the relay ends, and when to come back.
    pub(in crate::relay) fn say_goodbye(&self, key: ConnectionKey, come_back_after: Duration) {
        let outbox = self.lock().outboxes.get(&key).cloned();
        if let Some(waker) = outbox.and_then(|outbox| outbox.push(Item::Farewell(come_back_after))) {
            waker.wake();
        }
    }

    /// Says BYE on every connection, and on those that still come.
    pub(in crate::relay) fn close_all(&self) {
        let mut core = self.lock();
        core.closing = true;
        let woken = core.outboxes.values().filter_map(|outbox| outbox.push(Item::Close(ByeCause::ShuttingDown)));
        woken.for_each(Waker::wake);
        drop(core);
        self.closing.send_replace(true);
    }

    /// Done when the relay stops.
    pub(in crate::relay) async fn closes(&self) {
        // The sender lives as long as the hub.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}
