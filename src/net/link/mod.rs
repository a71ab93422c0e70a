//! Links between domains: opening one as the server of a domain, and judging whoever opens one to us (SPEC §9.1).

pub mod judge;
pub mod open;
#[cfg(test)]
mod tests;

pub use judge::{Proof, Servers, judge};
pub use open::{Opened, open};
