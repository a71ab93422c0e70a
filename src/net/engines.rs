//! Both engines, as [`super::Drive`] drives them.

use super::drive::Engine;
use crate::engine;
use bytes::Bytes;
use std::time::Instant;

macro_rules! engine {
    ($engine:ty, $event:ty, $self:ident => $wants_input:expr) => {
        impl Engine for $engine {
            type Event = $event;
            fn handle_input(&mut self, now: Instant, octets: &[u8]) {
                <$engine>::handle_input(self, now, octets);
            }
            fn handle_eof(&mut self, now: Instant) {
                <$engine>::handle_eof(self, now);
            }
            fn handle_timeout(&mut self, now: Instant) {
                <$engine>::handle_timeout(self, now);
            }
            fn wants_input(&$self) -> bool {
                $wants_input
            }
            fn poll_output(&mut self) -> Option<Bytes> {
                <$engine>::poll_output(self)
            }
            fn poll_event(&mut self) -> Option<$event> {
                <$engine>::poll_event(self)
            }
            fn poll_timeout(&self) -> Option<Instant> {
                <$engine>::poll_timeout(self)
            }
        }
    };
}

engine!(engine::Server, engine::ServerEvent, self => engine::Server::wants_input(self));
engine!(engine::Client, engine::ClientEvent, self => true);
