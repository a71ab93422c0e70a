//! impp: instant messages and presence as an ordinary part of a Unix system.

pub mod cli;
pub mod engine;
pub mod model;
pub mod net;
#[cfg(feature = "relay")]
pub mod relay;
pub mod service;
#[cfg(feature = "relay")]
pub mod store;
pub mod wire;

pub use net::client::Client;
pub use net::client::Error;
pub use net::client::Event;
pub use net::client::Options;
pub use net::client::Steady;
