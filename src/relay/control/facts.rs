//! What is known of connections that is no concern of the rules.

use super::super::outbox::Outbox;
use crate::service::ConnectionKey;
use crate::service::Route;
use serde_json::Value;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// The connections that have a task.
pub(in crate::relay) type Outboxes = HashMap<ConnectionKey, Arc<Outbox>, foldhash::quality::RandomState>;

/// What is known of all connections, and why there is none.
pub(in crate::relay) struct Facts<'a> {
    pub(in crate::relay) outboxes: &'a Outboxes,
    /// Why the last try of a route failed.
    pub(in crate::relay) failures: &'a HashMap<Route, String>,
}

impl Facts<'_> {
    /// The three keys with which every connection is told.
    pub(super) fn place(&self, connection: Option<ConnectionKey>) -> Value {
        let known = connection.and_then(|key| self.outboxes.get(&key)).and_then(|at| Some((at.peer(), at.login()?)));
        json!({
            "address": known.map(|(peer, _)| peer.to_string()),
            "since": known.map(|(_, login)| login.since.to_rfc3339()),
            "tls": known.and_then(|(_, login)| login.tls),
        })
    }
}
