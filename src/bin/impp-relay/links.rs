//! `impp-relay links`: with which domains the running relay talks, over what, and what waits.

use crate::args::LinksArgs;
use crate::settings;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::{Printer, Record, Shape};
use impp::cli::{safe, units};
use impp::relay::control::{AskError, ask};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

const HEAD: [&str; 8] = ["OURS", "THEIRS", "STATE", "LINKS", "WAITING", "SENT", "OWED", "SUBSCRIPTIONS"];

/// Asks the relay and prints a line per pair of domains.
pub(crate) fn work(wish: LinksArgs, config: &Path, out: &Printer) -> Outcome<Exit> {
    let config = settings::load(config)?;
    let lines = ask(&config.listen.control, "links").map_err(|error| failure(&error))?;
    if wish.json {
        let out = out.clone().with(Shape::Json, out.talk(), false, false);
        for line in lines {
            let fields = line.as_object().into_iter().flatten().filter(|(key, _)| *key != "v");
            let record = fields.fold(Record::new(), |record, (key, value)| record.with(key, value.clone()));
            out.record(&record, "")?;
        }
        return Ok(Exit::Yes);
    }
    if lines.is_empty() {
        out.note("nothing goes on with other domains");
        return Ok(Exit::Yes);
    }
    let rows: Vec<[String; 8]> = std::iter::once(HEAD.map(str::to_owned)).chain(lines.iter().map(row)).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<wide$}", wide = width(column)));
        out.line(cells.collect::<Vec<_>>().join("  ").trim_end())?;
        let Some(line) = number.checked_sub(1).and_then(|at| lines.get(at)) else { continue };
        for detail in details(line) {
            out.line(&format!("    {detail}"))?;
        }
    }
    Ok(Exit::Yes)
}

fn row(line: &Value) -> [String; 8] {
    let text = |key: &str| said(line, key).unwrap_or_default();
    let number = |key: &str| line.get(key).and_then(Value::as_u64).unwrap_or_default().to_string();
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

/// A text of the answer, fit for a terminal.
fn said(line: &Value, key: &str) -> Option<String> {
    line.get(key).and_then(Value::as_str).map(|text| safe::line(text).into_owned())
}

fn failure(error: &AskError) -> Failure {
    let exit = match error {
        AskError::NotRunning => Exit::TryLater,
        AskError::Denied => Exit::Denied,
        AskError::Io(_) => Exit::Io,
        AskError::Refused(_) => Exit::Unavailable,
        AskError::BadAnswer => Exit::Protocol,
    };
    Failure::new(exit, error.to_string())
}
