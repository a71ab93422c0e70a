//! What an earlier `impp-watch --json` wrote, read back.

use super::history::{History, State};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::safe;
use crate::model::{Address, UnixMillis};
use serde::Deserialize;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

/// No record is longer.
const LONGEST: u64 = 1 << 20;

/// A chart of more rows is none.
const ROWS: usize = 1000;

/// The part of a record that a chart needs.
#[derive(Deserialize)]
struct Record {
    address: String,
    status: String,
    activity: Option<String>,
    at: String,
}

/// What to call the log.
pub(super) fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

/// Reads a log; of `wanted` only, if anybody is named.
///
/// # Errors
/// 66 or 74 if it cannot be read.
pub(super) fn read(file: &Path, wanted: &[Address], out: &Printer) -> Outcome<History> {
    match file == Path::new("-") {
        true => lines(std::io::stdin().lock(), file, wanted, out),
        false => {
            let open = std::fs::File::open(file).map_err(|error| Failure::reading(file, &error))?;
            lines(BufReader::new(open), file, wanted, out)
        }
    }
}

fn lines(mut from: impl BufRead, file: &Path, wanted: &[Address], out: &Printer) -> Outcome<History> {
    let mut history = History::default();
    // Those who were named have a row, heard of or not.
    for address in wanted {
        history.row(&address.to_email(), || safe::line(&address.shown()).into_owned());
    }
    let (mut line, mut number) = (Vec::new(), 0_u64);
    let (mut skipped, mut first_skipped) = (0_u64, 0);
    loop {
        line.clear();
        number += 1;
        let octets = (&mut from).take(LONGEST).read_until(b'\n', &mut line).map_err(|error| Failure::reading(file, &error))?;
        if octets == 0 {
            break;
        }
        if octets as u64 == LONGEST {
            return Err(Failure::new(Exit::Data, format!("{}:{number}: the line is too long for a record", name(file))));
        }
        match record(&line) {
            Some(told) => tell(&mut history, &told, wanted),
            None if line.trim_ascii().is_empty() => {}
            None => {
                skipped += 1;
                first_skipped = if skipped == 1 { number } else { first_skipped };
            }
        }
        if history.rows.len() > ROWS {
            return Err(Failure::new(Exit::Data, format!("{}: more than {ROWS} addresses; name those to be drawn", name(file))));
        }
    }
    let others = if skipped > 1 { format!(" and {} more", skipped - 1) } else { String::new() };
    if skipped > 0 {
        out.note(&format!("{}: line {first_skipped}{others} skipped: no record of impp-watch --json", name(file)));
    }
    Ok(history)
}

fn record(line: &[u8]) -> Option<(Record, UnixMillis)> {
    let record: Record = serde_json::from_slice(line).ok()?;
    let at = UnixMillis::parse_rfc3339(&record.at)?;
    Some((record, at))
}

fn tell(history: &mut History, (record, at): &(Record, UnixMillis), wanted: &[Address]) {
    let address = Address::parse(&record.address).ok();
    if !wanted.is_empty() && !address.as_ref().is_some_and(|address| wanted.contains(address)) {
        return;
    }
    let label = || safe::line(&address.map_or_else(|| record.address.clone(), |address| address.shown())).into_owned();
    history.row(&record.address, label).tell(*at, State::of(&record.status, record.activity.as_deref()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_record_is_passed_over() {
        let text = r#"{"v":1,"address":"ann@x","status":"closed","activity":null,"at":"2026-11-23T12:00:00Z","why":"initial"}
{"v":1,"address":"bob@x","status":"open","activity":null,"at":"2026-11-23T13:10:00+01:00","why":"initial"}

{"v":1,"address":"ann@x","status":"open","activity":"away","at":"yesterday"}
{"v":1,"address":"ann@x","status":"open","activity":"away","at":"2026-11-23T12:20:00Z","new":[1]}
{"v":1,"address":"ann@x","sta"#;
        let out = Printer::new("t");
        let all = lines(text.as_bytes(), Path::new("-"), &[], &out).unwrap();
        let noon = UnixMillis::parse_rfc3339("2026-11-23T12:00:00Z").unwrap();
        assert_eq!(all.rows.iter().map(|row| row.label.as_str()).collect::<Vec<_>>(), ["ann@x", "bob@x"]);
        assert_eq!(all.bounds(), Some((noon, UnixMillis(noon.0 + 1_200_000))));
        let carol = Address::parse("carol@x").unwrap();
        let bob = Address::parse("bob@x").unwrap();
        let some = lines(text.as_bytes(), Path::new("-"), &[carol, bob], &out).unwrap();
        assert_eq!(some.rows.iter().map(|row| row.label.as_str()).collect::<Vec<_>>(), ["carol@x", "bob@x"]);
    }
}
