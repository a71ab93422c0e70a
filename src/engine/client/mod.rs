//! The opening side of one connection.

mod config;
mod exchange;

pub use config::ClientConfig;
pub use config::ClientTls;
pub use config::Login;
pub use exchange::ClientCommand;
pub use exchange::ClientEvent;
pub use exchange::ClientRefusal;
pub use exchange::ServerHello;

use crate::engine::queue::Queue;
use bytes::Bytes;
use std::time::Instant;

/// One opened connection.
#[derive(Debug)]
pub struct Client {
    out: Queue<Bytes>,
    events: Queue<ClientEvent>,
}

#[allow(missing_docs, unused_variables)]
impl Client {
    pub fn new(config: ClientConfig, nonce: [u8; 32], now: Instant) -> Self {
        Self { out: Queue::new(), events: Queue::new() }
    }
    pub fn handle_input(&mut self, now: Instant, octets: &[u8]) {}
    pub fn handle_eof(&mut self, now: Instant) {}
    pub fn handle_command(&mut self, now: Instant, command: ClientCommand) {}
    pub fn handle_timeout(&mut self, now: Instant) {}
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.out.pop()
    }
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop()
    }
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}
