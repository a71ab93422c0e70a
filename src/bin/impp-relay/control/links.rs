//! `impp-relay links`: with which domains the running relay talks, over what, and what waits.

use super::args::LinksArgs;
use super::{Relay, number, said};
use crate::table;
use impp::cli::exit::{Exit, Outcome};
use impp::cli::print::Printer;
use impp::cli::units;
use serde_json::{Value, json};
use std::time::Duration;

/// Asks the relay and prints a line per pair of domains.
pub(super) fn work(relay: &Relay, wish: LinksArgs, out: &Printer) -> Outcome<Exit> {
    relay.list(json!({"do": "links"}), wish.json, out, |lines| {
        if lines.is_empty() {
            out.note("nothing goes on with other domains");
        }
        let head = ["OURS", "THEIRS", "STATE", "LINKS", "WAITING", "SENT", "OWED", "SUBSCRIPTIONS"];
        let shown = table::lines(head, &lines.iter().map(row).collect::<Vec<_>>());
        for (at, text) in shown.iter().enumerate() {
            out.line(text)?;
            let Some(line) = at.checked_sub(1).and_then(|at| lines.get(at)) else { continue };
            for detail in details(line) {
                out.line(&format!("    {detail}"))?;
            }
        }
        Ok(())
    })
}

fn row(line: &Value) -> [String; 8] {
    let text = |key: &str| said(line, key).unwrap_or_default();
    let number = |key: &str| number(line, key).to_string();
    let links = line.get("links").and_then(Value::as_array).map_or(0, Vec::len).to_string();
    [
        text("ours"),
        text("theirs"),
        text("state"),
        links,
        number("waiting"),
        number("sent"),
        number("owed"),
        number("subscriptions"),
    ]
}

/// Each link, and why there is none.
fn details(line: &Value) -> Vec<String> {
    let links = line.get("links").and_then(Value::as_array).into_iter().flatten();
    let mut details: Vec<String> = links
        .map(|link| {
            let text = |key: &str| said(link, key).unwrap_or_default();
            let idle = link.get("idle_s").and_then(Value::as_u64).unwrap_or_default();
            let tls = said(link, "tls").unwrap_or_else(|| "in the clear".to_owned());
            let way = if text("direction") == "out" { "to" } else { "from" };
            let idle = units::shown(Duration::from_secs(idle));
            format!("{way} {}, {tls}, since {}, idle for {idle}", text("address"), text("since"))
        })
        .collect();
    if let Some(error) = said(line, "error") {
        let again = line.get("retry_in_s").and_then(Value::as_u64).map(|seconds| format!("; next try in {seconds} s"));
        details.push(format!("{error}{}", again.unwrap_or_default()));
    }
    details
}
