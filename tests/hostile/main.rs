//! What strangers, careless peers and broken networks do to a connection: octets that belong elsewhere, in every state; and an
//! end, or silence, behind every octet of every talk.

#[cfg(test)]
mod client;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod cut;
#[cfg(test)]
#[path = "../support/dice.rs"]
#[allow(unreachable_pub, reason = "other tests have it in a module of their own")]
mod dice;
#[cfg(test)]
mod mutate;
#[cfg(test)]
mod relay;
#[cfg(test)]
#[path = "../talks/runner/mod.rs"]
#[allow(dead_code, reason = "that talks come out as they stand there is for another test")]
mod runner;
#[cfg(test)]
mod states;
#[cfg(test)]
#[path = "../scenes/store.rs"]
mod store;
#[cfg(test)]
mod thrown;
#[cfg(test)]
#[path = "../wire/unescape.rs"]
mod unescape;
