//! Presence in the format of other systems, PIDF (RFC 3863): what it has words for, written and read.
//!
//! *Shape:* a presence object becomes
//!
//! ```text
//! <presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:ann@example.org">
//!   <tuple id="impp"><status><basic>open</basic></status><contact>impp://example.org/ann</contact>
//!     <timestamp>2026-11-23T12:00:00Z</timestamp></tuple>
//!   <tuple id="laptop">..</tuple>
//!   <note>Back at three</note>
//!   <dm:person id="person"><rpid:activities><rpid:meeting/></rpid:activities></dm:person>
//! </presence>
//! ```
//!
//! The status of the whole is the tuple `impp`, because PIDF knows only those of tuples. Activities are RPID's (RFC 4480),
//! the card's `fn`, `url` and `photo-url` CIPID's (RFC 4482). Other fields of the card and what IMPP itself does not know have no
//! word in PIDF and are left out; of several notes in one place the first counts.

mod names;
mod read;
mod tree;
mod write;

pub use read::{PidfError, from_pidf};
pub use write::to_pidf;

#[cfg(test)]
mod tests;
