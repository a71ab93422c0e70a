//! The clock of the rules: they are woken when the earliest thing they wait for is due.

use super::Hub;
use super::alone;
use crate::service::Service;

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
}
