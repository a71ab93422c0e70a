//! `mailbox list` and `mailbox drop`: what waits for a user, and what shall wait no longer.

use super::super::hub::Hub;
use super::refusal::Refusal;
use super::refusal::Why;
use super::reply::Halt;
use super::reply::Reply;
use crate::model::Address;
use crate::net::Clock;
use crate::service::Administered;
use crate::service::store::Loaded;
use crate::service::store::Read;
use crate::service::store::StoreError;
use crate::service::store::StoredMessage;
use crate::wire::Frame;
use crate::wire::Name;
use crate::wire::Piece;
use crate::wire::Splitter;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Messages of one read, and octets after which it ends.
const PAGE: usize = 64;
const PAGE_OCTETS: u64 = 4 << 20;

/// What waits for a user, oldest first.
pub(super) async fn list(hub: &Hub, user: &Address, reply: &mut Reply) -> Result<(), Halt> {
    let user = known(hub, user).await?;
    let mut after = 0;
    loop {
        let page = page(hub, &user, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.number;
        let lines: Vec<Value> = page.iter().map(message).collect();
        reply.lines(&lines).await?;
    }
}

/// Deletes messages of a user: these, or all that wait now. Each is told of when it is gone for good.
pub(super) async fn drop(hub: &Arc<Hub>, user: &Address, only: Option<Vec<u64>>, reply: &mut Reply) -> Result<(), Halt> {
    let user = known(hub, user).await?;
    let mut left: Option<BTreeSet<u64>> = only.map(BTreeSet::from_iter);
    let mut after = 0;
    loop {
        let page = page(hub, &user, after).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        let mut dropping = JoinSet::new();
        for message in page.into_iter().filter(|message| left.as_mut().is_none_or(|left| left.remove(&message.number))) {
            let (hub, user) = (Arc::clone(hub), user.clone());
            dropping.spawn(async move {
                let octets = message.frame.len() as u64;
                let call = hub.administer(|service, now, asked| service.drop_message(now, asked, &user, message.number, octets));
                (self::message(&message), call.await)
            });
        }
        while let Some(done) = dropping.join_next().await {
            match done {
                Ok((line, Some(Administered::Dropped(Ok(()))))) => reply.line(&line).await?,
                Ok((_, Some(Administered::Dropped(Err(error))))) => return Err(Refusal::from(error).into()),
                Ok((_, Some(Administered::NotServed))) => {
                    let reason = format!("this relay does not serve {}; nothing was dropped", user.domain_str());
                    return Err(Refusal::new(Why::NoUser, reason).into());
                }
                Ok((_, Some(Administered::Answered(_)) | None)) | Err(_) => return Err(Refusal::stopping().into()),
            }
        }
    }
    match left.and_then(|left| left.first().copied()) {
        None => Ok(()),
        Some(missing) => {
            let reason = format!("there is no message {missing} in the mailbox of {}", user.to_email());
            Err(Refusal::new(Why::Nothing, reason).into())
        }
    }
}

/// The address under which an account is kept.
async fn known(hub: &Hub, user: &Address) -> Result<Address, Refusal> {
    let no_user = || Refusal::new(Why::NoUser, format!("there is no account {}", user.to_email()));
    let address = user.canonical_local().ok_or_else(no_user)?;
    match hub.read(Read::User(address.clone())).await? {
        Loaded::User(record) if record.account.is_some() => Ok(address),
        _ => Err(no_user()),
    }
}

async fn page(hub: &Hub, user: &Address, after: u64) -> Result<Vec<StoredMessage>, Refusal> {
    let read = Read::Mailbox { user: user.clone(), after, messages: PAGE, octets: PAGE_OCTETS };
    match hub.read(read).await? {
        Loaded::Mailbox(messages) => Ok(messages),
        _ => Err(StoreError::Corrupt.into()),
    }
}

fn message(message: &StoredMessage) -> Value {
    let frame = head(message);
    let header = |name| frame.as_ref().and_then(|frame| frame.header(name));
    let from = header(Name::From).and_then(|from| Address::parse_url(from).ok());
    let age = Clock::now().unix.since(message.stored);
    json!({
        "v": 1,
        "message": message.number,
        "id": header(Name::MessageId),
        "from": from.map(|from| from.to_email()),
        "octets": message.frame.len(),
        "stored": message.stored.to_rfc3339(),
        "age_s": age.as_secs(),
        "expires": message.expires.map(|at| at.to_rfc3339()),
    })
}

/// The stored SEND with its headers read.
fn head(message: &StoredMessage) -> Option<Frame> {
    let mut splitter = Splitter::new(u64::MAX);
    splitter.push(&message.frame);
    match splitter.poll() {
        Ok(Some(Piece::Frame(frame) | Piece::TooLarge { head: frame, .. })) => Some(frame),
        _ => None,
    }
}
