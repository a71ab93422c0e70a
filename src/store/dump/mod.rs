//! All that a store keeps as lines of JSON, and back: to be read, moved to another machine, or kept beside backups.
//!
//! *Shape:* the first line is `{"v":1,"kind":"export",..}`; then domains, users, rules, presence, subscriptions, messages and deliveries, each
//! kind in the order of its keys. An export of what was imported is the same, octet for octet.

mod export;
mod fields;
mod import;
mod item;
mod source;

pub use export::{ExportError, Exported, export};
pub use import::{Import, ImportError, ImportFault};

#[cfg(test)]
mod tests;
