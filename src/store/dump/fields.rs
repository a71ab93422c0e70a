//! The fields of one line, taken out one by one: what is missing, wrong or left over is named.

use crate::model::{Address, UnixMillis, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FieldFault {
    /// It is not there, or not what it should be.
    Wrong(&'static str),
    /// Nobody knows it.
    Unknown(String),
}

/// The fields of an object that were not asked for yet.
pub(super) struct Fields(Map<String, Value>);

type Taken<T> = Result<T, FieldFault>;

impl Fields {
    /// Those of an object.
    pub(super) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self(map)),
            _ => None,
        }
    }

    /// Takes a field and reads it.
    pub(super) fn take<T>(&mut self, name: &'static str, read: impl FnOnce(Value) -> Option<T>) -> Taken<T> {
        self.0.shift_remove(name).and_then(read).ok_or(FieldFault::Wrong(name))
    }

    /// The same for one that may be `null`.
    pub(super) fn maybe<T>(&mut self, name: &'static str, read: impl FnOnce(Value) -> Option<T>) -> Taken<Option<T>> {
        self.take(name, |value| if value.is_null() { Some(None) } else { read(value).map(Some) })
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Taken<()> {
        self.0.into_iter().next().map_or(Ok(()), |(name, _)| Err(FieldFault::Unknown(name)))
    }
}

/// A text.
pub(super) fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// `true` or `false`.
pub(super) fn flag(value: Value) -> Option<bool> {
    value.as_bool()
}

/// A number.
pub(super) fn number(value: Value) -> Option<u64> {
    value.as_u64()
}

/// A count of rounds.
pub(super) fn rounds(value: Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

/// A version.
pub(super) fn version(value: Value) -> Option<Version> {
    value.as_u64().map(Version)
}

/// An address as a URL, in its canonical form.
pub(super) fn address(value: Value) -> Option<Address> {
    let text = text(value)?;
    Address::parse_url(&text).ok().filter(|address| address.as_str() == text)
}

/// A time: milliseconds since 1970, for to the millisecond it must come back.
pub(super) fn time(value: Value) -> Option<UnixMillis> {
    value.as_u64().map(UnixMillis)
}

/// So many octets, as base64.
pub(super) fn key<const N: usize>(value: Value) -> Option<[u8; N]> {
    salt(value)?.try_into().ok()
}

/// Octets, as base64.
pub(super) fn salt(value: Value) -> Option<Vec<u8>> {
    STANDARD.decode(text(value)?).ok()
}

/// The way back of [`key`] and [`salt`].
pub(super) fn base64(octets: &[u8]) -> Value {
    Value::String(STANDARD.encode(octets))
}

/// Octets that are text as a rule, and then stand as text; else `{"base64":".."}`.
pub(super) fn octets(value: Value) -> Option<Bytes> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Object(mut map) if map.len() == 1 => salt(map.shift_remove("base64")?).map(Bytes::from),
        _ => None,
    }
}

/// The way back of [`octets`].
pub(super) fn shown(octets: &[u8]) -> Value {
    match std::str::from_utf8(octets) {
        Ok(text) => Value::String(text.to_owned()),
        Err(_) => json!({"base64": base64(octets)}),
    }
}
