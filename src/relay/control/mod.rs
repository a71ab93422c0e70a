//! The control socket: an administrator's questions to a running relay, and its answers.
//!
//! *Shape:* one connection, one question. A line `{"v":1,"do":"links"}`; answered by any number of lines, each a JSON
//! object, and a last one: `{"v":1,"end":"ok"}`, or `{"v":1,"end":"error","reason":".."}`. Whoever may open the socket may ask.

mod ask;
mod facts;
mod mailbox;
mod orders;
mod question;
mod refusal;
mod reply;
mod routes;
mod rules;
mod sessions;
mod socket;
mod status;

pub use ask::AskError;
pub use ask::ask;
pub use ask::ask_each;
pub(super) use facts::Facts;
pub(super) use facts::Outboxes;
pub use orders::DRAIN_LONGER;
pub use orders::DRAIN_OVER;
pub(super) use socket::Door;
pub(super) use socket::open;

use super::hub::Hub;
use super::office::Office;
use crate::net::Clock;
use question::Question;
use refusal::Refusal;
use refusal::Why;
use reply::Halt;
use reply::Reply;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::task::JoinSet;

/// Octets of a question: an ACL fits in.
const QUESTION_OCTETS: u64 = 262_144;
/// Time for the question to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// Questions at a time.
const AT_ONCE: usize = 16;
/// Rest after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers until it is dropped.
pub(super) async fn serve(door: Door, office: Arc<Office>) {
    let mut talks = JoinSet::new();
    loop {
        let full = talks.len() >= AT_ONCE;
        tokio::select! {
            accepted = door.listener.accept(), if !full => match accepted {
                Ok((stream, _)) => {
                    let office = Arc::clone(&office);
                    talks.spawn(async move { talk(stream, &office).await });
                }
                Err(error) => {
                    tracing::error!(%error, "cannot accept on the control socket");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = talks.join_next(), if !talks.is_empty() => {}
        }
    }
}

async fn talk(stream: UnixStream, office: &Office) {
    let (read, write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(QUESTION_OCTETS));
    if !matches!(tokio::time::timeout(PATIENCE, read.read_line(&mut line)).await, Ok(Ok(_))) {
        return;
    }
    let mut reply = Reply::new(write);
    let outcome = answer(&line, office, &mut reply).await;
    reply.end(outcome).await;
}

async fn answer(line: &str, office: &Office, reply: &mut Reply) -> Result<(), Halt> {
    let question = Question::parse(line)?;
    let hub = &office.hub;
    match question.what()? {
        "links" => {
            let lines = hub.look(|service, facts| routes::lines(&service.routes(Clock::now()), facts));
            reply.lines(&lines).await
        }
        "sessions" => sessions::sessions(hub, question.user()?.as_ref(), reply).await,
        "subscriptions" => sessions::subscriptions(hub, question.user()?.as_ref(), reply).await,
        "mailbox-list" => mailbox::list(hub, &question.the_user()?, reply).await,
        "mailbox-drop" => mailbox::drop(hub, &question.the_user()?, question.numbers("messages")?, reply).await,
        "acl-get" => rules::get(hub, &question.the_user()?, reply).await,
        "acl-set" => rules::set(&question, hub, &question.the_user()?, reply).await,
        "acl-watchers" => rules::watchers(hub, &question.the_user()?, reply).await,
        "status" => status::status(&question, office, reply).await,
        "health" => status::health(office, reply).await,
        "reload" => orders::reload(office, reply).await,
        "drain" => orders::drain(&question, office, reply).await,
        "log-level" => orders::log_level(&question, office, reply).await,
        "kick" => kick(&question, hub, reply).await,
        _ => Err(Refusal::new(Why::Usage, "this relay does not know that command; is it of another version?").into()),
    }
}

/// Ends a user's sessions; tells of each.
async fn kick(question: &Question, hub: &Hub, reply: &mut Reply) -> Result<(), Halt> {
    let (user, only) = (question.the_user()?, question.session()?);
    let user = user.canonical_local().unwrap_or(user);
    let mut ended = Vec::new();
    hub.tell(|service, now| ended = service.kick(now, &user, only));
    if ended.is_empty() {
        return Err(Refusal::new(Why::Nothing, format!("{} has no such session", user.to_email())).into());
    }
    tracing::info!(%user, sessions = ended.len(), "sessions ended by an administrator");
    let line = |id: &crate::model::ConnectionId| json!({"v": 1, "user": user.to_email(), "connection": id.as_str()});
    reply.lines(&ended.iter().map(line).collect::<Vec<_>>()).await
}
