//! `sessions` and `subscriptions`: who is here, and who watches whom; a page at a time, so that nobody waits for a long list.

use super::super::hub::Hub;
use super::reply::Halt;
use super::reply::Reply;
use crate::model::Address;
use crate::net::Clock;
use crate::service::SessionKey;
use crate::service::SessionStatus;
use crate::service::SubscriptionStatus;
use serde_json::Value;
use serde_json::json;

/// Sessions, or users, that are looked at in one go.
const PAGE: usize = 128;

/// All sessions, or one user's, in the order of their names.
pub(super) async fn sessions(hub: &Hub, user: Option<&Address>, reply: &mut Reply) -> Result<(), Halt> {
    let mut keys = hub.look(|service, _| service.session_keys(user));
    keys.sort_unstable();
    for page in keys.chunks(PAGE) {
        let lines: Vec<Value> = hub.look(|service, facts| {
            // Whoever left meanwhile is not told of.
            let known = page.iter().filter_map(|key| Some((key, service.session_status(key)?)));
            known.map(|(key, status)| session(key, &status, &facts.place(status.connection))).collect()
        });
        reply.lines(&lines).await?;
    }
    Ok(())
}

fn session(key: &SessionKey, status: &SessionStatus, place: &Value) -> Value {
    json!({
        "v": 1,
        "user": key.user.to_email(),
        "connection": key.id.as_str(),
        "state": if status.connection.is_some() { "connected" } else { "away" },
        "address": place["address"],
        "since": place["since"],
        "tls": place["tls"],
        "inbox": status.inbox.as_ref().map(Address::to_email),
        "subscriptions": status.subscriptions,
        "unanswered": status.unanswered,
        "outstanding": status.outstanding,
        "waiting": status.waiting,
    })
}

/// All subscriptions that begin or end here, or those to or of one user: by the watched, then by the watchers.
pub(super) async fn subscriptions(hub: &Hub, user: Option<&Address>, reply: &mut Reply) -> Result<(), Halt> {
    let (mut watched, mut sessions) = hub.look(|service, _| (service.watched(), service.session_keys(None)));
    watched.sort_unstable();
    sessions.sort_unstable();
    let concerns = |one: &SubscriptionStatus| user.is_none_or(|user| one.presentity == *user || one.watcher.user == *user);
    for presentity in &watched {
        let found = hub.look(|service, _| service.subscriptions_to(presentity));
        let lines: Vec<Value> = found.iter().filter(|one| concerns(one)).map(subscription).collect();
        reply.lines(&lines).await?;
    }
    for page in sessions.chunks(PAGE) {
        let now = Clock::now();
        let found: Vec<SubscriptionStatus> =
            hub.look(|service, _| page.iter().flat_map(|key| service.subscriptions_abroad(now, key)).collect());
        let lines: Vec<Value> = found.iter().filter(|one| concerns(one)).map(subscription).collect();
        reply.lines(&lines).await?;
    }
    Ok(())
}

fn subscription(one: &SubscriptionStatus) -> Value {
    json!({
        "v": 1,
        "watcher": one.watcher.user.to_email(),
        "connection": one.watcher.id.as_str(),
        "watched": one.presentity.to_email(),
        "since": one.since.map(|at| at.to_rfc3339()),
        "until": one.until.map(|at| at.to_rfc3339()),
        "shown": if one.concealed { "concealed" } else { "yes" },
        "behind": one.behind,
    })
}
