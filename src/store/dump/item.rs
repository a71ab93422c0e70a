//! One line of an export: each kind with its way out and its way back.

use super::fields::{self, FieldFault, Fields};
use crate::model::acl::Acl;
use crate::model::{Address, ConnectionId, Credentials, Domain, Fingerprint, MessageId, Token, UnixMillis};
use crate::service::store::{
    Account, Delivery, Entity, Moved, Remembered, StoredAcl, StoredMessage, StoredPresence, StoredSubscription, StoredValue,
};
use crate::store::DomainRecord;
use crate::store::recent::{Entry, What};
use crate::wire::{Kind, Name, Piece, Splitter};
use bytes::Bytes;
use serde_json::{Value, json};

/// The largest body of a stored frame.
const MAX_BODY: u64 = 1 << 40;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The first line.
    Head {
        /// The largest number that a message ever had.
        last_message: u64,
    },
    Domain(DomainRecord),
    User {
        address: Address,
        created: UnixMillis,
        account: Account,
        credentials: Option<Credentials>,
    },
    Acl {
        address: Address,
        acl: StoredAcl,
    },
    Presence {
        address: Address,
        presence: StoredPresence,
    },
    Subscription {
        address: Address,
        subscription: StoredSubscription,
    },
    Message {
        address: Address,
        from: Address,
        id: MessageId,
        message: StoredMessage,
    },
    Delivery(Entry),
}

impl Item {
    /// The object.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Head { last_message } => json!({"v": 1, "kind": "export", "of": "impp-relay", "last_message": last_message}),
            Self::Domain(record) => json!({
                "v": 1, "kind": "domain", "domain": record.name.as_str(),
                "decoy_key": fields::base64(&record.decoy_key), "iterations": record.iterations,
            }),
            Self::User { address, created, account, credentials } => json!({
                "v": 1, "kind": "user", "address": address.as_str(), "created": created.0,
                "disabled": account.disabled, "presence": account.presence, "inbox": account.inbox,
                "moved_to": account.moved.as_ref().map(|moved| moved.to.as_str()),
                "moved_permanently": account.moved.as_ref().map(|moved| moved.permanently),
                "scram_sha_256": credentials.as_ref().map(|credentials| json!({
                    "iterations": credentials.iterations, "salt": fields::base64(&credentials.salt),
                    "stored_key": fields::base64(&credentials.stored_key), "server_key": fields::base64(&credentials.server_key),
                })),
            }),
            Self::Acl { address, acl } => json!({
                "v": 1, "kind": "acl", "address": address.as_str(), "version": acl.version.0,
                "concealed": acl.concealed.iter().map(|version| version.map(|version| version.0)).collect::<Vec<_>>(),
                "body": fields::shown(&acl.body),
            }),
            Self::Presence { address, presence } => json!({
                "v": 1, "kind": "presence", "address": address.as_str(), "version": presence.version.0,
                "values": presence.values.iter().map(value_to_json).collect::<Vec<_>>(),
            }),
            Self::Subscription { address, subscription } => json!({
                "v": 1, "kind": "subscription", "address": address.as_str(), "subscriber": subscription.subscriber.as_str(),
                "connection": subscription.connection.as_str(), "since": subscription.since.0, "until": subscription.until.0,
                "told": subscription.told.0,
            }),
            Self::Message { address, from, id, message } => json!({
                "v": 1, "kind": "message", "address": address.as_str(), "number": message.number, "from": from.as_str(),
                "id": id.as_str(), "stored": message.stored.0, "expires": message.expires.map(|at| at.0),
                "frame": fields::shown(&message.frame),
            }),
            Self::Delivery(Entry { remembered, what }) => json!({
                "v": 1, "kind": "delivery", "fingerprint": fields::base64(&remembered.fingerprint.0), "at": remembered.at.0,
                "what": what_word(*what, remembered.delivery),
            }),
        }
    }

    /// What an object says.
    pub(super) fn of_json(value: Value) -> Result<Self, ItemFault> {
        let mut fields = Fields::of(value).ok_or(ItemFault::NoObject)?;
        fields.take("v", fields::number).ok().filter(|version| *version == 1).ok_or(ItemFault::Version)?;
        let kind = fields.take("kind", fields::text)?;
        let item = match kind.as_str() {
            "export" => {
                fields.take("of", |of| (of == "impp-relay").then_some(()))?;
                Self::Head { last_message: fields.take("last_message", number_of_message)? }
            }
            "domain" => Self::Domain(DomainRecord {
                name: fields.take("domain", domain)?,
                decoy_key: fields.take("decoy_key", fields::key)?,
                iterations: fields.take("iterations", fields::rounds)?,
            }),
            "user" => user(&mut fields)?,
            "acl" => acl(&mut fields)?,
            "presence" => Self::Presence {
                address: fields.take("address", fields::address)?,
                presence: StoredPresence {
                    version: fields.take("version", fields::version)?,
                    values: fields.take("values", |values| list(values, self::value))?,
                },
            },
            "subscription" => Self::Subscription {
                address: fields.take("address", fields::address)?,
                subscription: StoredSubscription {
                    subscriber: fields.take("subscriber", fields::address)?,
                    connection: fields.take("connection", |id| ConnectionId::parse(&fields::text(id)?))?,
                    since: fields.take("since", fields::time)?,
                    until: fields.take("until", fields::time)?,
                    told: fields.take("told", fields::version)?,
                },
            },
            "message" => message(&mut fields)?,
            "delivery" => delivery(&mut fields)?,
            _ => return Err(ItemFault::Kind(kind)),
        };
        fields.end()?;
        Ok(item)
    }
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ItemFault {
    /// It is no object.
    NoObject,
    /// `v` is missing, or another.
    Version,
    /// Nobody knows such a kind.
    Kind(String),
    /// A field.
    Field(FieldFault),
}

impl From<FieldFault> for ItemFault {
    fn from(fault: FieldFault) -> Self {
        Self::Field(fault)
    }
}

fn number_of_message(value: Value) -> Option<u64> {
    value.as_u64().filter(|number| i64::try_from(*number).is_ok())
}

fn domain(value: Value) -> Option<Domain> {
    let text = fields::text(value)?;
    Domain::parse(&text).ok().filter(|domain| domain.as_str() == text)
}

fn list<T>(value: Value, read: impl FnMut(Value) -> Option<T>) -> Option<Vec<T>> {
    match value {
        Value::Array(values) => values.into_iter().map(read).collect(),
        _ => None,
    }
}

fn user(fields: &mut Fields) -> Result<Item, FieldFault> {
    let address = fields.take("address", fields::address)?;
    let created = fields.take("created", fields::time)?;
    let (disabled, presence, inbox) =
        (fields.take("disabled", fields::flag)?, fields.take("presence", fields::flag)?, fields.take("inbox", fields::flag)?);
    let to = fields.maybe("moved_to", fields::address)?;
    let permanently = fields.maybe("moved_permanently", fields::flag)?;
    let moved = match (to, permanently) {
        (Some(to), Some(permanently)) => Some(Moved { to, permanently }),
        (None, None) => None,
        _ => return Err(FieldFault::Wrong("moved_permanently")),
    };
    let credentials = fields.maybe("scram_sha_256", credentials)?;
    Ok(Item::User { address, created, account: Account { disabled, presence, inbox, moved }, credentials })
}

fn credentials(value: Value) -> Option<Credentials> {
    let mut fields = Fields::of(value)?;
    let credentials = Credentials {
        iterations: fields.take("iterations", fields::rounds).ok()?,
        salt: fields.take("salt", fields::salt).ok()?,
        stored_key: fields.take("stored_key", fields::key).ok()?,
        server_key: fields.take("server_key", fields::key).ok()?,
    };
    fields.end().ok().map(|()| credentials)
}

fn acl(fields: &mut Fields) -> Result<Item, FieldFault> {
    let address = fields.take("address", fields::address)?;
    let version = fields.take("version", fields::version)?;
    let concealed = fields.take("concealed", |values| {
        list(values, |value| if value.is_null() { Some(None) } else { fields::version(value).map(Some) })
    })?;
    let body = fields.take("body", fields::octets)?;
    let rules = Acl::parse(&body).map_err(|_| FieldFault::Wrong("body"))?;
    if rules.rules.len() != concealed.len() {
        return Err(FieldFault::Wrong("concealed"));
    }
    Ok(Item::Acl { address, acl: StoredAcl { version, body, concealed } })
}

fn value_to_json(value: &StoredValue) -> Value {
    json!({
        "view": value.view.map(|view| view.as_str().to_owned()), "until": value.until.map(|until| until.0),
        "content_type": value.body.content_type, "transfer_encoding": value.body.transfer_encoding,
        "disposition": value.body.disposition, "body": fields::shown(&value.body.octets),
    })
}

fn value(value: Value) -> Option<StoredValue> {
    let mut fields = Fields::of(value)?;
    let view = fields.maybe("view", |view| Token::parse(&fields::text(view)?)).ok()?;
    let until = fields.maybe("until", fields::time).ok()?;
    let body = Entity {
        content_type: fields.take("content_type", header).ok()?,
        transfer_encoding: fields.maybe("transfer_encoding", header).ok()?,
        disposition: fields.maybe("disposition", header).ok()?,
        octets: fields.take("body", fields::octets).ok()?,
    };
    fields.end().ok()?;
    body.presence().is_none_or(|ours| ours.is_ok()).then_some(StoredValue { view, until, body })
}

/// What may stand in a header: it goes to the wire as it is.
fn header(value: Value) -> Option<String> {
    fields::text(value).filter(|text| !text.is_empty() && !text.chars().any(|c| c.is_control() && c != '\t'))
}

fn message(fields: &mut Fields) -> Result<Item, FieldFault> {
    let address = fields.take("address", fields::address)?;
    let number = fields.take("number", number_of_message)?;
    let from = fields.take("from", fields::address)?;
    let id = fields.take("id", |id| MessageId::parse(&fields::text(id)?))?;
    let stored = fields.take("stored", fields::time)?;
    let expires = fields.maybe("expires", fields::time)?;
    let frame = fields.take("frame", fields::octets)?;
    if !is_send(&frame, &address, &from, &id) {
        return Err(FieldFault::Wrong("frame"));
    }
    Ok(Item::Message { address, from, id, message: StoredMessage { number, frame, expires, stored } })
}

/// It goes to the wire as it is: one whole SEND, from and to whom the line says.
fn is_send(octets: &Bytes, to: &Address, from: &Address, id: &MessageId) -> bool {
    let mut splitter = Splitter::new(MAX_BODY);
    splitter.push(octets);
    let Ok(Some(Piece::Frame(frame))) = splitter.poll() else { return false };
    let says = |name, value: &str| frame.header(name) == Some(value);
    frame.kind() == Kind::Request
        && frame.method() == "SEND"
        && splitter.is_between_frames()
        && says(Name::From, from.as_str())
        && says(Name::Target, to.as_str())
        && says(Name::MessageId, id.as_str())
}

const fn what_word(what: What, delivery: Delivery) -> &'static str {
    match (what, delivery) {
        (What::TakenOut, _) => "taken-out",
        (What::Answered, delivery) => delivery.as_str(),
    }
}

fn delivery(fields: &mut Fields) -> Result<Item, FieldFault> {
    let fingerprint = Fingerprint(fields.take("fingerprint", fields::key)?);
    let at = fields.take("at", fields::time)?;
    let (what, delivery) = fields.take("what", |word| match fields::text(word)?.as_str() {
        "delivered" => Some((What::Answered, Delivery::Delivered)),
        "stored" => Some((What::Answered, Delivery::Stored)),
        "taken-out" => Some((What::TakenOut, Delivery::Stored)),
        _ => None,
    })?;
    Ok(Item::Delivery(Entry { remembered: Remembered { fingerprint, delivery, at }, what }))
}
