//! Strange octets at a client's place, in every state of its connection, over the domain's rules; somebody else's session
//! beside it goes on.
#![no_main]
#![allow(dead_code, reason = "the tests use all of it")]

#[path = "../../tests/hostile/relay.rs"]
mod relay;
#[path = "../../tests/hostile/states.rs"]
mod states;
#[path = "../../tests/scenes/store.rs"]
mod store;
mod throw;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| throw::at(false, input));
