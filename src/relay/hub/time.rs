//! The clock of the rules, which are woken when the earliest thing they wait for is due, and of connections whose time is far off.

use super::Hub;
use super::alone;
use crate::net::Clock;
use crate::net::drive::FAR;
use crate::service::Service;
use std::task::Waker;

impl Hub {
    /// Wakes the service when its time comes; runs until it is dropped.
    pub(in crate::relay) async fn keep_time(&self) {
        loop {
            let deadline = self.lock().deadline;
            let due = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {
                    alone(|| self.tell(Service::handle_timeout));
                    let mut core = self.lock();
                    core.deadline = core.service.poll_timeout();
                }
                () = self.earlier.notified() => {}
            }
        }
    }

    /// Wakes every connection that has no timer for what comes soon, while there is time enough to set one; runs until it is dropped.
    pub(in crate::relay) async fn wake_in_time(&self) {
        loop {
            // Twice before anything that was far off when its task last looked.
            tokio::time::sleep(FAR / 2).await;
            let soon = Clock::instant() + FAR;
            let due: Vec<Waker> = self.lock().outboxes.values().filter_map(|outbox| outbox.due(soon)).collect();
            due.into_iter().for_each(Waker::wake);
        }
    }
}
