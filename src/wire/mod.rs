//! Octets to frames and back: the grammar of IMPP/1.0, and nothing about what a frame means.
//!
//! Knows no method, address or time. See `docs/protocol.md` section 3.

pub mod error;
pub mod frame;
pub mod header;
pub mod limits;
mod scan;
pub mod splitter;
pub mod start_line;
pub mod writer;

pub use error::{Fault, Malformed};
pub use frame::Frame;
pub use header::Name;
pub use splitter::{Piece, Splitter};
pub use start_line::{Kind, StartLine};
pub use writer::Writer;
