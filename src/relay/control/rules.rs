//! `acl`: a user's rules, and who watches, read and written as that user could; there too once the command ends.

use super::super::hub::Hub;
use super::question::Question;
use super::refusal::Refusal;
use super::refusal::Why;
use super::reply::Halt;
use super::reply::Reply;
use crate::model::Address;
use crate::model::Answer;
use crate::model::ConnectionId;
use crate::model::ErrorKind;
use crate::model::RequestId;
use crate::model::UserCall;
use crate::model::UserRequest;
use crate::model::Version;
use crate::model::media_type;
use crate::service::Administered;
use crate::service::Octets;
use crate::wire::Frame;
use crate::wire::Kind;
use crate::wire::Name;
use crate::wire::Piece;
use crate::wire::Splitter;
use serde_json::json;

/// `acl-get`: the rules as XML, with their version.
pub(super) async fn get(hub: &Hub, user: &Address, reply: &mut Reply) -> Result<(), Halt> {
    let answer = done(user, ask(hub, user, UserCall::GetAcl, &[]).await?)?;
    reply.line(&json!({"v": 1, "version": version(&answer), "body": body(&answer)})).await
}

/// `acl-set`: other rules, if those of `if_version` still hold.
pub(super) async fn set(question: &Question, hub: &Hub, user: &Address, reply: &mut Reply) -> Result<(), Halt> {
    let if_version = question.number("if_version")?.map(Version);
    let rules = question.text("body")?.ok_or_else(|| Refusal::new(Why::Usage, "the question has no \"body\""))?;
    let answer = ask(hub, user, UserCall::SetAcl { if_version }, rules.as_bytes()).await?;
    if answer.kind() == Kind::Error && Answer::read(&answer).kind == ErrorKind::Conflict {
        return reply.line(&json!({"v": 1, "conflict": true})).await;
    }
    let answer = done(user, answer)?;
    tracing::info!(%user, "rules set by an administrator");
    reply.line(&json!({"v": 1, "conflict": false, "version": version(&answer)})).await
}

/// `acl-watchers`: who watches now and who was refused lately, as XML.
pub(super) async fn watchers(hub: &Hub, user: &Address, reply: &mut Reply) -> Result<(), Halt> {
    let answer = done(user, ask(hub, user, UserCall::GetWatchers, &[]).await?)?;
    reply.line(&json!({"v": 1, "body": body(&answer)})).await
}

/// The response to a request that the user might have made.
async fn ask(hub: &Hub, user: &Address, call: UserCall, body: &[u8]) -> Result<Frame, Refusal> {
    let user = user.canonical_local().unwrap_or_else(|| user.clone());
    let broken = || Refusal::new(Why::Usage, "no request can be made of that");
    let id = RequestId::parse("1").ok_or_else(broken)?;
    let request = UserRequest { id, connection: ConnectionId::server(), target: user.clone(), call };
    let writer = request.write(&user);
    let frame = if body.is_empty() { writer.finish() } else { writer.finish_with(media_type::ACL, body) };
    let frame = parse(frame.into()).ok_or_else(broken)?;
    match hub.administer(|service, now, asked| service.act_for(now, asked, &user, frame)).await {
        Some(Administered::Answered(octets)) => parse(octets).ok_or_else(broken),
        Some(Administered::Dropped(_) | Administered::NotServed) | None => Err(Refusal::stopping()),
    }
}

/// The response, if it is an OK.
fn done(user: &Address, answer: Frame) -> Result<Frame, Refusal> {
    match answer.kind() {
        Kind::Error => {
            let said = Answer::read(&answer);
            if said.kind == ErrorKind::TargetUnknown {
                return Err(Refusal::new(Why::NoUser, format!("there is no account {}", user.to_email())));
            }
            Err(Refusal::of_kind(said.kind, answer.header(Name::Reason)))
        }
        _ => Ok(answer),
    }
}

fn version(answer: &Frame) -> Option<u64> {
    answer.header(Name::AclVersion).and_then(Version::parse).map(|version| version.0)
}

fn body(answer: &Frame) -> String {
    String::from_utf8_lossy(answer.body().unwrap_or_default()).into_owned()
}

fn parse(octets: Octets) -> Option<Frame> {
    let mut splitter = Splitter::new(u64::MAX);
    splitter.push(&octets.head);
    splitter.push(&octets.body);
    match splitter.poll() {
        Ok(Some(Piece::Frame(frame))) => Some(frame),
        _ => None,
    }
}
