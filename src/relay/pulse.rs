//! A sign of life that only a living relay gives: for a service manager that starts one anew when it hangs.

use super::hub::Hub;
use std::sync::Arc;
use std::time::Duration;

/// Who wants to hear it, and how often.
pub struct Heartbeat {
    /// How long the relay rests between two signs.
    pub every: Duration,
    /// Hears each.
    pub beat: Box<dyn Fn(Alive) + Send + Sync>,
}

/// What goes with a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alive {
    /// Connections, of clients and other domains.
    pub connections: usize,
}

/// Gives signs until it is dropped. One is given only when the runtime ran this task, the rules could be asked, and the store's
/// threads answered.
pub(super) async fn beat(hub: Arc<Hub>, heartbeat: Heartbeat) {
    loop {
        let connections = hub.pulse().await;
        (heartbeat.beat)(Alive { connections });
        tokio::time::sleep(heartbeat.every).await;
    }
}
