//! The server: what only `impp-relay` needs.
//!
//! [`serve`] runs a relay from a [`config::Config`]; [`init`] makes everything that a first run needs.

pub mod config;
mod crowd;
mod domains;
mod hub;
pub mod init;
mod listen;
mod outbox;
pub mod selfsigned;
mod serve;
mod session;

pub use serve::{Bound, ServeError, fresh_record, serve};
