//! `reload`, `drain` and `log-level`: what changes the relay itself.

use super::super::config::keys;
use super::super::office::Drain;
use super::super::office::Draining;
use super::super::office::Office;
use super::super::office::Order;
use super::question::Question;
use super::refusal::Refusal;
use super::refusal::Why;
use super::reply::Halt;
use super::reply::Reply;
use serde_json::json;
use std::time::Duration;
use tokio::sync::oneshot;

/// Over how long everybody is sent away, unless somebody says otherwise.
pub const DRAIN_OVER: Duration = Duration::from_secs(10);
/// How much longer they may take then.
pub const DRAIN_LONGER: Duration = Duration::from_secs(10);
/// Nobody who means it lets a drain last longer than a day.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Everything is read again, or nothing changes; tells what is in force then.
pub(super) async fn reload(office: &Office, reply: &mut Reply) -> Result<(), Halt> {
    let (answer, outcome) = oneshot::channel();
    let given = office.orders.send(Order::Reload(answer)).await;
    match given.map_err(|_| ()).and(outcome.await.map_err(|_| ())) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(Refusal::new(Why::Configuration, error.to_string()).into()),
        Err(()) => return Err(Refusal::stopping().into()),
    }
    let in_force = office.config();
    let domains: Vec<&str> = in_force.config.domains.iter().map(|domain| domain.as_str()).collect();
    reply.line(&json!({"v": 1, "domains": domains, "plain": in_force.bound.plain, "tls": in_force.bound.tls})).await
}

/// Everybody is sent away, and the relay ends; tells when that has begun, and with `wait` ends with the relay.
pub(super) async fn drain(question: &Question, office: &Office, reply: &mut Reply) -> Result<(), Halt> {
    let over = length(question, "over_s")?.unwrap_or(DRAIN_OVER);
    let deadline = length(question, "deadline_s")?.unwrap_or(over.saturating_add(DRAIN_LONGER));
    let (answer, begun) = oneshot::channel();
    let given = office.orders.send(Order::Drain(Drain { over, deadline }, answer)).await;
    let Draining { connections, already } = match given.map_err(|_| ()).and(begun.await.map_err(|_| ())) {
        Ok(begun) => begun,
        Err(()) => return Err(Refusal::stopping().into()),
    };
    if already {
        return Err(Refusal::new(Why::Later, "the relay drains already").into());
    }
    let line = json!({
        "v": 1,
        "connections": connections,
        "over_s": over.as_secs(),
        "deadline_s": deadline.as_secs(),
        "pid": std::process::id(),
    });
    reply.line(&line).await?;
    if question.is_set("wait") {
        // Ended with the process, as all talks are.
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// A part of a drain, if the question says how long it is.
fn length(question: &Question, key: &str) -> Result<Option<Duration>, Refusal> {
    let length = question.number(key)?.map(Duration::from_secs);
    match length.filter(|length| *length > LONGEST) {
        None => Ok(length),
        Some(_) => Err(Refusal::new(Why::Usage, format!("{key:?} must be {} s, a day, at most", LONGEST.as_secs()))),
    }
}

/// Tells how much is logged; with `level` that is logged from now on.
pub(super) async fn log_level(question: &Question, office: &Office, reply: &mut Reply) -> Result<(), Halt> {
    let Some(log) = &office.log else {
        return Err(Refusal::new(Why::Nothing, "this relay does not decide how much is logged").into());
    };
    if let Some(wish) = question.text("level")? {
        let level = keys::LEVELS.iter().find(|level| **level == wish);
        let level = level.ok_or_else(|| Refusal::new(Why::Usage, format!("a level is one of {}", keys::LEVELS.join(", "))))?;
        let before = log.now();
        log.change(level);
        tracing::info!(before, now = level, "log level set by an administrator");
    }
    reply.line(&json!({"v": 1, "level": log.now()})).await
}
