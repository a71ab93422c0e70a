//! Strange octets in the place of a client's server, at every point of its login and after.
#![no_main]
#![allow(dead_code, reason = "the tests use all of it")]

#[path = "../../tests/hostile/client.rs"]
mod client;
#[path = "../../tests/hostile/relay.rs"]
mod relay;
#[path = "../../tests/scenes/store.rs"]
mod store;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&state, rest)) = input.split_first() else { return };
    let states: Vec<_> = client::State::ALL.into_iter().filter(|state| !state.is_link()).collect();
    client::throw(states[usize::from(state) % states.len()], rest);
});
