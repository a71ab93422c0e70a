//! The control socket: an administrator's questions to a running relay, and its answers.
//!
//! *Shape:* one connection, one question. A line `{"v":1,"do":"links"}`; answered by any number of lines, each a JSON
//! object, and a last one: `{"v":1,"end":"ok"}`, or `{"v":1,"end":"error","reason":".."}`. Whoever may open the socket may ask.

mod ask;
mod routes;
mod socket;

pub use ask::AskError;
pub use ask::ask;
pub(super) use routes::Facts;
pub(super) use routes::LinkFacts;
pub(super) use socket::Door;
pub(super) use socket::open;

use super::hub::Hub;
use crate::net::Clock;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Octets of a question.
const QUESTION_OCTETS: u64 = 65_536;
/// Time for the question to come, and for the answer to be read.
const PATIENCE: Duration = Duration::from_secs(10);
/// Questions at a time.
const AT_ONCE: usize = 16;
/// Rest after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers until `stop` changes.
pub(super) async fn serve(door: Door, hub: Arc<Hub>, mut stop: watch::Receiver<bool>) {
    let mut talks = JoinSet::new();
    loop {
        let full = talks.len() >= AT_ONCE;
        tokio::select! {
            accepted = door.listener.accept(), if !full => match accepted {
                Ok((stream, _)) => {
                    let hub = Arc::clone(&hub);
                    talks.spawn(async move {
                        // Who asks and does not read the answer is nobody's concern.
                        let _ = tokio::time::timeout(PATIENCE, talk(stream, &hub)).await;
                    });
                }
                Err(error) => {
                    tracing::error!(%error, "cannot accept on the control socket");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = talks.join_next(), if !talks.is_empty() => {}
            _ = stop.changed() => return,
        }
    }
}

async fn talk(stream: UnixStream, hub: &Hub) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut question = String::new();
    BufReader::new(read.take(QUESTION_OCTETS)).read_line(&mut question).await?;
    let (lines, end) = match answer(&question, hub) {
        Ok(lines) => (lines, json!({"v": 1, "end": "ok"})),
        Err(reason) => (Vec::new(), json!({"v": 1, "end": "error", "reason": reason})),
    };
    let mut text = String::new();
    for line in lines.iter().chain([&end]) {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    write.write_all(text.as_bytes()).await?;
    write.shutdown().await
}

fn answer(question: &str, hub: &Hub) -> Result<Vec<Value>, &'static str> {
    let question: Value = serde_json::from_str(question).map_err(|_| "the question is not a JSON object on one line")?;
    match question.get("do").and_then(Value::as_str) {
        Some("links") => Ok(hub.look(|service, facts| routes::lines(&service.routes(Clock::now()), facts))),
        Some(_) => Err("this relay does not know that command; is it of another version?"),
        None => Err("the question has no \"do\""),
    }
}
