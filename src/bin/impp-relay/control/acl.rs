//! `impp-relay acl`: any user's rules, by the same commands as impp-acl.

use super::args::AclArgs;
use super::{Relay, as_json, user};
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::Printer;
use impp::cli::run;
use impp::cli::tools::acl::{self, Owner};
use impp::model::acl::Acl;
use impp::model::watchers::Watchers;
use impp::model::{Address, Version};
use serde_json::{Value, json};

/// Does what impp-acl does, for somebody else.
pub(super) fn work(relay: &Relay, wish: &AclArgs, out: &Printer) -> Outcome<Exit> {
    let out = &if wish.json { as_json(out) } else { out.clone() };
    let address = crate::user::full_address(&wish.address, &relay.config.domains)?;
    let asked = user(relay, Some(&wish.address))?;
    let ward = Ward { relay, address: address.canonical_local().unwrap_or(address), asked };
    run::block_on(async |stop| stop.or(acl::administer(&wish.what, &ward, &stop, out)).await)
}

/// Somebody whose rules an administrator looks after.
struct Ward<'a> {
    relay: &'a Relay,
    address: Address,
    asked: Value,
}

impl Ward<'_> {
    /// The one line of an answer.
    fn ask(&self, mut question: Value) -> Outcome<Value> {
        if let Some(object) = question.as_object_mut() {
            object.insert("user".to_owned(), self.asked.clone());
        }
        self.relay.ask(question)?.pop().ok_or_else(strange)
    }
}

impl Owner for Ward<'_> {
    fn address(&self) -> Outcome<&Address> {
        Ok(&self.address)
    }

    fn domain_default(&self) -> Option<&Acl> {
        Some(&self.relay.config.acl)
    }

    async fn rules(&self) -> Outcome<(Acl, Version)> {
        let line = self.ask(json!({"do": "acl-get"}))?;
        let rules = Acl::parse(text(&line)?.as_bytes()).map_err(|_| strange())?;
        Ok((rules, Version(line.get("version").and_then(Value::as_u64).ok_or_else(strange)?)))
    }

    async fn set_rules(&self, rules: &Acl, if_version: Version) -> Outcome<bool> {
        let body = String::from_utf8(rules.to_xml().to_vec()).map_err(|_| strange())?;
        let line = self.ask(json!({"do": "acl-set", "body": body, "if_version": if_version.0}))?;
        line.get("conflict").and_then(Value::as_bool).map(|conflict| !conflict).ok_or_else(strange)
    }

    async fn watchers(&self) -> Outcome<Watchers> {
        let line = self.ask(json!({"do": "acl-watchers"}))?;
        Watchers::parse(text(&line)?.as_bytes()).map_err(|_| strange())
    }
}

fn text(line: &Value) -> Outcome<&str> {
    line.get("body").and_then(Value::as_str).ok_or_else(strange)
}

fn strange() -> Failure {
    super::failure(&impp::relay::control::AskError::BadAnswer)
}
