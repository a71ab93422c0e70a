//! The server: what only `impp-relay` needs.

pub mod config;
pub mod init;
pub mod selfsigned;
