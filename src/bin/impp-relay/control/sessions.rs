//! `impp-relay sessions` and `subscriptions`: who is here, and who watches whom.

use super::args::Of;
use super::{Relay, number, said, said_or_dash, user};
use crate::table;
use impp::cli::exit::{Exit, Outcome};
use impp::cli::print::Printer;
use serde_json::{Value, json};

/// A line per session.
pub(super) fn sessions(relay: &Relay, wish: &Of, out: &Printer) -> Outcome<Exit> {
    let question = json!({"do": "sessions", "user": user(relay, wish.address.as_deref())?});
    relay.list(question, wish.json, out, |lines| {
        if lines.is_empty() {
            out.note("nobody is logged in");
        }
        let head = ["USER", "CONNECTION", "STATE", "FROM", "TLS", "SINCE", "WATCHES", "UNANSWERED", "WAITING"];
        let row = |line: &Value| {
            let tls =
                if said(line, "address").is_some() { said(line, "tls").unwrap_or_else(|| "none".into()) } else { "-".into() };
            [
                said_or_dash(line, "user"),
                said_or_dash(line, "connection"),
                said_or_dash(line, "state"),
                said_or_dash(line, "address"),
                tls,
                said_or_dash(line, "since"),
                number(line, "subscriptions").to_string(),
                format!("{}/{}", number(line, "unanswered"), number(line, "outstanding")),
                number(line, "waiting").to_string(),
            ]
        };
        table::print(out, head, &lines.iter().map(row).collect::<Vec<_>>())
    })
}

/// A line per subscription.
pub(super) fn subscriptions(relay: &Relay, wish: &Of, out: &Printer) -> Outcome<Exit> {
    let question = json!({"do": "subscriptions", "user": user(relay, wish.address.as_deref())?});
    relay.list(question, wish.json, out, |lines| {
        if lines.is_empty() {
            out.note("nobody watches anybody");
        }
        let head = ["WATCHER", "CONNECTION", "WATCHED", "SINCE", "UNTIL", "SHOWN", "STATE"];
        let row = |line: &Value| {
            let behind = line.get("behind").and_then(Value::as_bool).unwrap_or_default();
            [
                said_or_dash(line, "watcher"),
                said_or_dash(line, "connection"),
                said_or_dash(line, "watched"),
                said_or_dash(line, "since"),
                said_or_dash(line, "until"),
                said_or_dash(line, "shown"),
                if behind { "behind" } else { "told" }.to_owned(),
            ]
        };
        table::print(out, head, &lines.iter().map(row).collect::<Vec<_>>())
    })
}
