//! `impp-relay mailbox`: what waits for a user, and what shall wait no longer.

use super::args::{MailboxArgs, MailboxWish};
use super::{Relay, number, said_or_dash, user};
use crate::table;
use impp::cli::exit::{Exit, Outcome};
use impp::cli::print::Printer;
use impp::cli::units;
use serde_json::{Value, json};
use std::time::Duration;

/// Lists, or drops.
pub(super) fn work(relay: &Relay, wish: &MailboxArgs, out: &Printer) -> Outcome<Exit> {
    match &wish.what {
        MailboxWish::List { address, json } => {
            let question = json!({"do": "mailbox-list", "user": user(relay, Some(address))?});
            relay.list(question, *json, out, |lines| {
                if lines.is_empty() {
                    out.note("nothing waits");
                }
                let head = ["NUMBER", "FROM", "SIZE", "AGE", "ID"];
                table::print(out, head, &lines.iter().map(row).collect::<Vec<_>>())
            })
        }
        MailboxWish::Drop { address, messages, all, json } => {
            let messages = if *all { Value::Null } else { json!(messages) };
            let question = json!({"do": "mailbox-drop", "user": user(relay, Some(address))?, "messages": messages});
            relay.list(question, *json, out, |lines| {
                // Whoever names messages knows what is gone; of all of them the number is news.
                if *all {
                    out.note(&format!("{} message(s) dropped", lines.len()));
                }
                Ok(())
            })
        }
    }
}

fn row(line: &Value) -> [String; 5] {
    [
        number(line, "message").to_string(),
        said_or_dash(line, "from"),
        units::shown_size(number(line, "octets")),
        units::shown(Duration::from_secs(number(line, "age_s"))),
        said_or_dash(line, "id"),
    ]
}
