//! What is known of connections that is no concern of the rules.

use crate::model::UnixMillis;
use crate::service::ConnectionKey;
use crate::service::Route;
use serde_json::Value;
use serde_json::json;
use std::collections::HashMap;
use std::net::SocketAddr;

/// What is known of a connection that has logged in: a client's, or a link.
#[derive(Clone, Debug)]
pub(in crate::relay) struct ConnectionFacts {
    /// The other end.
    pub(in crate::relay) address: SocketAddr,
    /// When it logged in.
    pub(in crate::relay) since: UnixMillis,
    /// `TLS 1.3`; `None`: in the clear.
    pub(in crate::relay) tls: Option<&'static str>,
}

/// What is known of all connections, and why there is none.
#[derive(Debug, Default)]
pub(in crate::relay) struct Facts {
    pub(in crate::relay) connections: HashMap<ConnectionKey, ConnectionFacts>,
    /// Why the last try of a route failed.
    pub(in crate::relay) failures: HashMap<Route, String>,
}

/// The three keys with which every connection is told.
pub(super) fn place(known: Option<&ConnectionFacts>) -> Value {
    json!({
        "address": known.map(|known| known.address.to_string()),
        "since": known.map(|known| known.since.to_rfc3339()),
        "tls": known.and_then(|known| known.tls),
    })
}
