//! `links`: with which domains this relay talks, over what, and what waits.

use crate::model::UnixMillis;
use crate::service::ConnectionKey;
use crate::service::RouteStatus;
use serde_json::Value;
use serde_json::json;
use std::collections::HashMap;
use std::net::SocketAddr;

/// What is known of a link that is no concern of the rules.
#[derive(Clone, Debug)]
pub(in crate::relay) struct LinkFacts {
    /// The other end.
    pub(in crate::relay) address: SocketAddr,
    /// When it stood.
    pub(in crate::relay) since: UnixMillis,
    /// `TLSv1.3`; `None`: in the clear.
    pub(in crate::relay) tls: Option<&'static str>,
}

/// What is known of all links, and why there is none.
#[derive(Debug, Default)]
pub(in crate::relay) struct Facts {
    pub(in crate::relay) links: HashMap<ConnectionKey, LinkFacts>,
    /// Why the last try of a route failed.
    pub(in crate::relay) failures: HashMap<crate::service::Route, String>,
}

pub(super) fn lines(routes: &[RouteStatus], facts: &Facts) -> Vec<Value> {
    routes.iter().map(|status| line(status, facts)).collect()
}

fn line(status: &RouteStatus, facts: &Facts) -> Value {
    let links: Vec<Value> = status
        .links
        .iter()
        .map(|link| {
            let known = facts.links.get(&link.connection);
            json!({
                "direction": if link.dialled { "out" } else { "in" },
                "address": known.map(|known| known.address.to_string()),
                "since": known.map(|known| known.since.to_rfc3339()),
                "tls": known.and_then(|known| known.tls),
                "idle_s": link.idle.as_secs(),
            })
        })
        .collect();
    let state = match (status.links.is_empty(), status.dialling) {
        (false, _) => "up",
        (true, true) => "opening",
        (true, false) => "down",
    };
    // A failure that a link came after is history.
    let failure = facts.failures.get(&status.route).filter(|_| status.links.is_empty());
    json!({
        "v": 1,
        "ours": status.route.ours.as_str(),
        "theirs": status.route.theirs.as_str(),
        "state": state,
        "links": links,
        "waiting": status.waiting,
        "sent": status.sent,
        "owed": status.owed,
        "subscriptions": status.subscriptions,
        "retry_in_s": status.pause.map(|pause| pause.as_secs()),
        "error": failure,
    })
}
