//! `links`: with which domains this relay talks, over what, and what waits.

use super::facts::Facts;
use crate::service::RouteStatus;
use serde_json::Value;
use serde_json::json;

pub(super) fn lines(routes: &[RouteStatus], facts: &Facts<'_>) -> Vec<Value> {
    routes.iter().map(|status| line(status, facts)).collect()
}

fn line(status: &RouteStatus, facts: &Facts<'_>) -> Value {
    let links: Vec<Value> = status
        .links
        .iter()
        .map(|link| {
            let place = facts.place(Some(link.connection));
            json!({
                "direction": if link.dialled { "out" } else { "in" },
                "address": place["address"],
                "since": place["since"],
                "tls": place["tls"],
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
