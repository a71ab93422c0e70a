//! Strange octets on a link between domains, which the other side opened or we did.
#![no_main]
#![allow(dead_code, reason = "the tests use all of it")]

#[path = "../../tests/hostile/client.rs"]
mod client;
#[path = "../../tests/hostile/relay.rs"]
mod relay;
#[path = "../../tests/hostile/states.rs"]
mod states;
#[path = "../../tests/scenes/store.rs"]
mod store;
mod throw;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&side, rest)) = input.split_first() else { return };
    if side & 1 == 0 {
        return throw::at(true, rest);
    }
    let links: Vec<_> = client::State::ALL.into_iter().filter(|state| state.is_link()).collect();
    client::throw(links[usize::from(side >> 1) % links.len()], rest);
});
