//! The server: what only `impp-relay` needs.

pub mod config;
mod hub;
pub mod init;
mod listen;
mod outbox;
pub mod selfsigned;
mod session;
