//! The rules' effects, performed in order: to connections, to the store, to whoever opens links, to the log.

use super::super::outbox::Item;
use super::Core;
use super::Hub;
use crate::net::Clock;
use crate::service::Effect;
use crate::service::Notice;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::task::Waker;

/// Effects for which room is kept.
const EFFECTS: usize = 4096;

impl Hub {
    /// Gives back whom to wake.
    pub(super) fn perform(&self, core: &mut Core) -> Vec<Waker> {
        let mut woken = Vec::new();
        let mut effects = std::mem::take(&mut core.effects);
        core.service.take_effects(&mut effects);
        self.remember(&effects);
        for effect in effects.drain(..) {
            let (connection, item) = match effect {
                Effect::Opened { connection, outcome } => (connection, Item::Opened(outcome)),
                Effect::Send { connection, octets } => {
                    self.metrics.sent(&octets.head);
                    self.sent.fetch_add(1, Ordering::Relaxed);
                    (connection, Item::Send(octets))
                }
                Effect::Close { connection, cause } => (connection, Item::Close(cause)),
                Effect::Read { ticket, read } => {
                    self.store.read(ticket, read);
                    continue;
                }
                Effect::Write { ticket, writes } => {
                    core.writes.insert(ticket, Clock::instant());
                    self.store.write(ticket, writes);
                    continue;
                }
                Effect::Remember(_) => continue,
                Effect::Dial(route) => {
                    // Nobody listens any more if the relay stops.
                    let _ = self.dials.send(route);
                    continue;
                }
                Effect::Administered { number, outcome } => {
                    if let Some(asked) = core.asked.remove(&number) {
                        // Nobody waits any more if the administrator has gone.
                        let _ = asked.send(outcome);
                    }
                    continue;
                }
                Effect::Notice(notice) => {
                    self.take_notice(&notice);
                    continue;
                }
            };
            if let Some(outbox) = core.outboxes.get(&connection) {
                woken.extend(outbox.push(item));
            }
        }
        // A storm must not leave its room behind.
        if effects.capacity() <= EFFECTS {
            core.effects = effects;
        }
        self.relieve_core(core);
        woken
    }

    fn take_notice(&self, notice: &Notice) {
        match notice {
            Notice::LimitReached { limit, who } => self.reached(*limit, who),
            Notice::Settled { stored, took } => self.metrics.settled(*stored, *took),
            told => log_notice(told),
        }
    }

    /// Notes all deliveries in one write, before anybody can hear of one of them.
    fn remember(&self, effects: &VecDeque<Effect>) {
        let noted = |effect: &Effect| if let Effect::Remember(delivery) = effect { Some(*delivery) } else { None };
        let deliveries: Vec<_> = effects.iter().filter_map(noted).collect();
        if deliveries.is_empty() {
            return;
        }
        if let Err(error) = self.store.remember(&deliveries) {
            let count = deliveries.len();
            tracing::error!(%error, count, "deliveries could not be noted; repeats of them after a crash would be delivered twice");
        }
    }
}

fn log_notice(notice: &Notice) {
    match notice {
        Notice::StoredMessageRefused { user, message, error } => {
            tracing::warn!(%user, message, %error, "a stored message was refused for good and is deleted");
        }
        Notice::StoredMessageExpired { user, message } => tracing::info!(%user, message, "a stored message expired"),
        Notice::SessionTakenOver { user, session } => tracing::info!(%user, %session, "session taken over by a new connection"),
        Notice::LinkUp { route, dialled } => tracing::info!(ours = %route.ours, theirs = %route.theirs, dialled, "link up"),
        Notice::LinkDown { route } => tracing::info!(ours = %route.ours, theirs = %route.theirs, "link down"),
        // Counted, and the first said at another place.
        Notice::LimitReached { .. } | Notice::Settled { .. } => {}
        Notice::StoreFailed { user } => tracing::error!(%user, "the store failed; what needed it was not done"),
    }
}
