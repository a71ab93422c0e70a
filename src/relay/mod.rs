//! The server: what only `impp-relay` needs.
//!
//! [`serve`] runs a relay from a [`config::Config`]; [`init`] makes everything that a first run needs.

mod authorities;
pub mod config;
mod connection;
pub mod control;
mod crowd;
mod domains;
mod drain;
mod guard;
mod handshake;
pub mod health;
mod http;
mod hub;
mod hush;
pub mod init;
mod inquiry;
mod inventory;
mod limits;
mod links;
mod listen;
mod material;
mod memory;
pub mod metrics;
mod neighbours;
mod office;
mod outbox;
pub mod path;
mod ports;
mod reload;
mod rests;
mod samples;
pub mod selfsigned;
mod serve;
mod session;
mod sockets;
mod turns;

pub use neighbours::NeighboursError;
pub use office::LogLevel;
pub use serve::{Given, OnStage, ServeError, Stage, fresh_record, serve};
pub use sockets::{Bound, Passed, SocketError, Sockets};
