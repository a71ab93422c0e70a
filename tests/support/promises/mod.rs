//! A relay under mixed load, and a record that knows what it acknowledged: whatever happens to the relay, that must hold.
#![allow(dead_code, reason = "each test crate uses its part")]

mod actors;
mod record;

pub(crate) use actors::Stage;
pub(crate) use record::Record;

/// Who takes part, and as what.
const SENDERS: [&str; 4] = ["sender-0", "sender-1", "sender-2", "sender-3"];
/// Always connected, as far as the relay lets them.
const PRESENT: [&str; 2] = ["present-0", "present-1"];
/// Connected now and then: their messages are stored.
const ABSENT: [&str; 2] = ["absent-0", "absent-1"];
const WATCHERS: [&str; 3] = ["watcher-0", "watcher-1", "watcher-2"];
const PUBLISHER: &str = "publisher";
/// Changes who may see its presence, and asks the guest each time whether that holds.
const OWNER: &str = "owner";
const GUEST: &str = "guest";

/// All of them.
pub(crate) fn users() -> Vec<&'static str> {
    SENDERS.into_iter().chain(PRESENT).chain(ABSENT).chain(WATCHERS).chain([PUBLISHER, OWNER, GUEST]).collect()
}
