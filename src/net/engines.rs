//! Both engines, as the driver sees them.

use super::drive::Engine;
use crate::engine::{Client, ClientEvent, Server, ServerEvent};
use bytes::Bytes;
use std::time::Instant;

macro_rules! engine {
    ($engine:ident, $event:ident, $($more:item)*) => {
        impl Engine for $engine {
            type Event = $event;
            fn handle_input(&mut self, now: Instant, octets: &[u8]) {
                $engine::handle_input(self, now, octets);
            }
            fn handle_eof(&mut self, now: Instant) {
                $engine::handle_eof(self, now);
            }
            fn handle_timeout(&mut self, now: Instant) {
                $engine::handle_timeout(self, now);
            }
            fn poll_output(&mut self) -> Option<Bytes> {
                $engine::poll_output(self)
            }
            fn poll_event(&mut self) -> Option<$event> {
                $engine::poll_event(self)
            }
            fn peek_event(&self) -> Option<&$event> {
                $engine::peek_event(self)
            }
            fn poll_timeout(&self) -> Option<Instant> {
                $engine::poll_timeout(self)
            }
            fn is_mid_frame(&self) -> bool {
                $engine::is_mid_frame(self)
            }
            fn held(&self) -> usize {
                $engine::held(self)
            }
            $($more)*
        }
    };
}

engine!(Client, ClientEvent,);
engine!(
    Server,
    ServerEvent,
    fn wants_input(&self) -> bool {
        Server::wants_input(self)
    }
);
