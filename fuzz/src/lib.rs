//! The four lowest layers of impp, built from its own sources, to be fuzzed without the rest.
#![forbid(unsafe_code)]

#[path = "../../src/engine/mod.rs"]
pub mod engine;
#[path = "../../src/model/mod.rs"]
pub mod model;
#[path = "../../src/service/mod.rs"]
pub mod service;
#[path = "../../src/wire/mod.rs"]
pub mod wire;
