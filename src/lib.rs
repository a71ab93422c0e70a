//! impp: instant messages and presence as an ordinary part of a Unix system.

pub mod engine;
pub mod model;
pub mod net;
pub mod service;
pub mod wire;
