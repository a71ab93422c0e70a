//! Sessions without IO: one connection, octets and instants in, octets and events out (SPEC §3, §4).
//!
//! *Order:* feed [`server::Server`] or [`client::Client`] with `handle_input`, `handle_eof`, `handle_command` or
//! `handle_timeout`; then take everything from `poll_output` and `poll_event`, and wait until `poll_timeout` at most.
//! An engine never reads a clock and draws no randomness of its own but what rsasl takes for SCRAM's nonces.

pub mod client;
pub mod end;
mod liveness;
mod peer;
mod queue;
pub mod sasl;
pub mod server;
mod tls;

pub use crate::model::ByeCause;
pub use client::Client;
pub use client::ClientCommand;
pub use client::ClientConfig;
pub use client::ClientEvent;
pub use client::ClientRefusal;
pub use client::ClientTls;
pub use client::Login;
pub use client::ServerHello;
pub use end::End;
pub use liveness::PING_AFTER;
pub use liveness::PING_WAIT;
pub use peer::is_response;
pub use sasl::Mechanism;
pub use sasl::PasswordVerdict;
pub use sasl::PasswordWork;
pub use server::DomainConfig;
pub use server::LinkOpening;
pub use server::LinkPolicy;
pub use server::Opening;
pub use server::PeerPolicy;
pub use server::Server;
pub use server::ServerCommand;
pub use server::ServerConfig;
pub use server::ServerEvent;
pub use tls::TlsInfo;
pub use tls::TlsPolicy;
pub use tls::TlsState;
