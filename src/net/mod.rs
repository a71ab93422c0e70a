//! The world: the only layer with sockets, a clock and randomness, and the client that programs use.
//!
//! Who reads this first: [`client::Client`] is a session as a library user sees it; [`drive`] joins any engine
//! to any stream; everything else serves these two.

pub mod backoff;
pub mod client;
pub mod clock;
pub mod connect;
pub mod dns;
pub mod drive;
mod engines;
pub mod judge;
pub mod link;
mod printable;
pub mod random;
pub mod stall;
mod stamp;
pub mod stream;
pub mod survey;
#[cfg(test)]
pub(crate) mod testing;
pub mod tls;
pub mod trace;
pub mod wire;

pub use clock::Clock;
pub use drive::{Drive, Engine, Step};
pub use stamp::Stamp;
pub use stream::MaybeTls;
pub use tls::{Reload, ServerTls, TlsFileError};
pub use trace::Trace;
pub use wire::{LINGER, Outbox, Read, Wire};
