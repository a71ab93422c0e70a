//! impp: instant messages and presence as an ordinary part of a Unix system.

pub mod cli;
pub mod model;
pub mod service;
pub mod wire;
