//! A question: what is to be done, and with what.

use super::refusal::Refusal;
use super::refusal::Why;
use crate::model::Address;
use crate::model::ConnectionId;
use serde_json::Value;

/// One line of JSON, of which each command knows its own keys.
#[derive(Debug)]
pub(super) struct Question(Value);

impl Question {
    pub(super) fn parse(line: &str) -> Result<Self, Refusal> {
        match serde_json::from_str(line) {
            Ok(object @ Value::Object(_)) => Ok(Self(object)),
            _ => Err(Refusal::new(Why::Usage, "the question is not a JSON object on one line")),
        }
    }

    /// The command.
    pub(super) fn what(&self) -> Result<&str, Refusal> {
        self.text("do")?.ok_or_else(|| Refusal::new(Why::Usage, "the question has no \"do\""))
    }

    /// A text, if there is one of this name.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, Refusal> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::new(Why::Usage, format!("{key:?} must be a text"))),
        }
    }

    /// A number, if there is one of this name.
    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, Refusal> {
        let wrong = || Refusal::new(Why::Usage, format!("{key:?} must be a whole number"));
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_u64().ok_or_else(wrong).map(Some),
        }
    }

    /// Numbers, if they are there.
    pub(super) fn numbers(&self, key: &str) -> Result<Option<Vec<u64>>, Refusal> {
        let wrong = || Refusal::new(Why::Usage, format!("{key:?} must be a list of whole numbers"));
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => items.iter().map(Value::as_u64).collect::<Option<_>>().ok_or_else(wrong).map(Some),
            Some(_) => Err(wrong()),
        }
    }

    /// Whether something is wanted.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_bool).unwrap_or_default()
    }

    /// Whom it concerns, if anybody alone.
    pub(super) fn user(&self) -> Result<Option<Address>, Refusal> {
        let Some(text) = self.text("user")? else { return Ok(None) };
        let wrong = || Refusal::new(Why::Data, format!("{text:?} is no address"));
        Address::parse(text).map(Some).map_err(|_| wrong())
    }

    /// Whom it concerns.
    pub(super) fn the_user(&self) -> Result<Address, Refusal> {
        self.user()?.ok_or_else(|| Refusal::new(Why::Usage, "the question has no \"user\""))
    }

    /// Which session it concerns, if one alone.
    pub(super) fn session(&self) -> Result<Option<ConnectionId>, Refusal> {
        let Some(text) = self.text("connection")? else { return Ok(None) };
        let wrong = || Refusal::new(Why::Data, format!("{text:?} is no Connection-ID"));
        ConnectionId::parse(text).ok_or_else(wrong).map(Some)
    }
}
