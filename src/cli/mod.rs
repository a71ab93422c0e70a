//! What the tools share, and the tools themselves: everything between a command line and [`crate::net`].

pub mod account;
pub mod args;
pub mod complete;
pub mod config;
pub mod config_keys;
pub mod deadline;
pub mod exit;
pub mod format;
pub mod handler;
#[cfg(feature = "keyring")]
pub mod keyring;
pub mod list;
pub mod manual;
pub mod pattern;
pub mod print;
pub mod progress;
pub mod prompt;
pub mod run;
pub mod safe;
pub mod secret;
pub mod seen;
pub mod session;
pub mod together;
pub mod tools;
pub mod trouble;
pub mod units;
