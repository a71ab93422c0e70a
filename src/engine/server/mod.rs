//! The accepting side of one connection.

mod config;
mod exchange;

pub use config::AUTH_TIMEOUT;
pub use config::DomainConfig;
pub use config::MIN_ITERATIONS;
pub use config::ServerConfig;
pub use config::Services;
pub use exchange::Opening;
pub use exchange::ServerCommand;
pub use exchange::ServerEvent;

use crate::engine::TlsInfo;
use crate::engine::queue::Queue;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// How long input is discarded behind a last answer.
pub const LINGER: Duration = Duration::from_secs(2);

/// One accepted connection.
#[derive(Debug)]
pub struct Server {
    out: Queue<Bytes>,
    events: Queue<ServerEvent>,
}

#[allow(missing_docs, unused_variables)]
impl Server {
    pub fn new(config: Arc<ServerConfig>, tls: Option<TlsInfo>, nonce: [u8; 32], now: Instant) -> Self {
        Self { out: Queue::new(), events: Queue::new() }
    }
    pub fn handle_input(&mut self, now: Instant, octets: &[u8]) {}
    pub fn handle_eof(&mut self, now: Instant) {}
    pub fn handle_command(&mut self, now: Instant, command: ServerCommand) {}
    pub fn handle_timeout(&mut self, now: Instant) {}
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.out.pop()
    }
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop()
    }
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }
    /// False while an AUTH is judged and enough octets wait behind it: then do not read.
    pub fn wants_input(&self) -> bool {
        true
    }
}
