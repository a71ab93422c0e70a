//! `status` and `health`: how the relay does, at a glance, and whether it does its work.

use super::super::health::Health;
use super::super::office::Office;
use super::super::samples;
use super::super::samples::Sample;
use super::question::Question;
use super::refusal::Refusal;
use super::refusal::Why;
use super::reply::Halt;
use super::reply::Reply;
use crate::net::Clock;
use crate::service::RouteStatus;
use crate::service::store::Totals;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

/// How long the store may take to count.
const PATIENCE: Duration = Duration::from_secs(5);
const DAY: u64 = 86_400_000;

/// One object; with `samples` the last minutes too.
pub(super) async fn status(question: &Question, office: &Office, reply: &mut Reply) -> Result<(), Halt> {
    let now = Clock::now();
    let in_force = office.config();
    let hub = &office.hub;
    let (counts, routes) = hub.look(|service, _| (service.counts(), service.routes(now)));
    let down: Vec<&RouteStatus> = routes.iter().filter(|route| route.links.is_empty()).collect();
    let looked = async {
        match &office.probe {
            Some(probe) => probe.inside().await,
            None => Health { parts: Vec::new() },
        }
    };
    // Side by side, so that a relay of which much is silent answers before whoever asks has lost patience.
    let (totals, health) = tokio::join!(tokio::time::timeout(PATIENCE, hub.totals()), looked);
    let totals = totals.ok().flatten();
    let fault = health.parts.iter().find_map(|part| Some(format!("{}: {}", part.name, part.fault.as_ref()?)));
    let domains: Vec<&str> = in_force.config.domains.iter().map(|domain| domain.as_str()).collect();
    let samples = question.is_set("samples").then(|| office.samples.all().iter().map(sample).collect::<Vec<_>>());
    let line = json!({
        "v": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "started": office.started.to_rfc3339(),
        "uptime_s": now.unix.since(office.started).as_secs(),
        "domains": domains,
        "plain": in_force.bound.plain,
        "tls": in_force.bound.tls,
        "connections": hub.connections(),
        "sessions": counts.sessions,
        "away": counts.sessions.saturating_sub(counts.connected),
        "accounts": totals.map(|totals: Totals| totals.accounts),
        "users_in_memory": counts.users,
        "subscriptions": counts.subscriptions,
        "subscriptions_abroad": counts.abroad,
        "messages": totals.map(|totals| totals.mailboxes.messages),
        "octets": totals.map(|totals| totals.mailboxes.octets),
        "unsettled": counts.unsettled,
        "forwarded": counts.forwarded,
        "writes": hub.store().pending(),
        "fault": fault,
        "certificates": certificates(office),
        "links": counts.links,
        "peers_up": routes.len() - down.len(),
        "peers_down": down.iter().map(|route| route.route.theirs.as_str()).collect::<Vec<_>>(),
        "log_level": office.log.as_ref().map(super::super::office::LogLevel::now),
        "sample_s": samples::EVERY.as_secs(),
        "samples": samples,
    });
    reply.line(&line).await
}

fn certificates(office: &Office) -> Vec<Value> {
    let now = Clock::now().unix.0;
    let all = office.live.load().tls.as_ref().map(|tls| tls.certificates()).unwrap_or_default();
    all.into_iter()
        .map(|(domain, shown)| {
            json!({
                "domain": domain.as_ref().map(|domain| domain.as_str()),
                "names": shown.names,
                "until": shown.not_after.to_rfc3339(),
                // Below zero: for so many days it has been of no use.
                "days_left": (shown.not_after.0.cast_signed() - now.cast_signed()).div_euclid(DAY.cast_signed()),
            })
        })
        .collect()
}

fn sample(sample: &Sample) -> Value {
    json!({
        "at": sample.at.to_rfc3339(),
        "connections": sample.connections,
        "sessions": sample.sessions,
        "received": sample.received,
        "sent": sample.sent,
        "writes": sample.writes,
    })
}

/// One object per part that was looked at: rules, store, and each port from outside.
pub(super) async fn health(office: &Office, reply: &mut Reply) -> Result<(), Halt> {
    let Some(probe) = &office.probe else {
        return Err(Refusal::new(Why::Nothing, "nothing is served that could be looked at").into());
    };
    let health = probe.look().await;
    let line = |part: &super::super::health::Part| {
        json!({
            "v": 1,
            "part": part.name,
            "well": part.fault.is_none(),
            "fault": part.fault.as_ref().map(ToString::to_string),
            "ms": u64::try_from(part.took.as_millis()).unwrap_or(u64::MAX),
        })
    };
    reply.lines(&health.parts.iter().map(line).collect::<Vec<_>>()).await
}
