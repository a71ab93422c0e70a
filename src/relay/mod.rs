//! The server: what only `impp-relay` needs.

mod hub;
mod listen;
mod outbox;
mod session;
