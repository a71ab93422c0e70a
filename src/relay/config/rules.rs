//! The rules of `acl.default`, written as TOML tables.

use super::error::{ConfigError, ConfigFault};
use super::read::{self, Values};
use crate::model::Token;
use crate::model::acl::{Acl, Action, Op, Rule, Who};
use toml::de::{DeTable, DeValue};

/// Reads the rules under a key.
pub(super) fn read(values: &Values<'_>, name: &'static str) -> Result<Acl, ConfigError> {
    let mut acl = Acl::default();
    let Some(found) = values.find(name) else { return Ok(acl) };
    let items = found.value.as_array().ok_or_else(|| values.wrong_kind(name, found.line))?;
    for (at, item) in items.iter().enumerate() {
        let table = item.get_ref().as_table().ok_or_else(|| values.wrong_kind(name, found.line))?;
        let fault = |part: &str| values.refuse(name, ConfigFault::Rule { rule: at + 1, part: part.to_owned() });
        acl.rules.push(rule(table).map_err(fault)?);
    }
    Ok(acl)
}

/// One rule, or the part that is wrong.
fn rule<'a>(table: &'a DeTable<'a>) -> Result<Rule, &'a str> {
    let (mut who, mut ops, mut action, mut view) = (None, None, None, None);
    for (name, value) in read::entries(table) {
        match name {
            "who" => who = Some(value.as_str().and_then(who_of).ok_or("who")?),
            "op" => ops = Some(ops_of(value).ok_or("op")?),
            "action" => action = Some(value.as_str().and_then(Action::parse).ok_or("action")?),
            "view" => view = Some(value.as_str().and_then(Token::parse).ok_or("view")?),
            other => return Err(other),
        }
    }
    let rule = Rule { who: who.ok_or("who")?, ops: ops.ok_or("op")?, action: action.ok_or("action")?, view };
    let shows = rule.action == Action::Allow && rule.ops.iter().any(|op| matches!(op, Op::Fetch | Op::Subscribe));
    if rule.view.is_some() && !shows { Err("view") } else { Ok(rule) }
}

/// As in an ACL; and, since people write it here, the email form.
fn who_of(text: &str) -> Option<Who> {
    Who::parse(text).or_else(|| crate::model::Address::parse_email(text).ok().map(Who::User))
}

/// One operation or a list, each once. What only users of the same domain can be given is no domain's default (SPEC §7).
fn ops_of(value: &DeValue<'_>) -> Option<Vec<Op>> {
    let words: Vec<&str> = match value {
        DeValue::Array(items) => items.iter().map(|item| item.get_ref().as_str()).collect::<Option<_>>()?,
        one => vec![one.as_str()?],
    };
    let mut ops = Vec::new();
    for word in words {
        let op = Op::parse(word).filter(|op| !op.is_local_only() && !ops.contains(op))?;
        ops.push(op);
    }
    (!ops.is_empty()).then_some(ops)
}
