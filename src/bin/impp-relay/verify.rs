//! `impp-relay verify`: whether a backup or a data folder is whole, and what of it is lost.

use crate::args::VerifyArgs;
use crate::backup::{in_json, with_counts};
use crate::user::open_failure;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::{Color, Printer, Record};
use impp::cli::{safe, units};
use impp::store::OpenErrorKind;
use impp::store::verify::{self, Fault, Verdict};
use std::io::ErrorKind;

/// Judges; 0 whole, 1 damaged.
pub(crate) fn work(wish: &VerifyArgs, out: &Printer) -> Outcome<Exit> {
    let verdict = verify::folder(&wish.dir).map_err(|error| match error.kind {
        OpenErrorKind::Io(ErrorKind::NotFound) => {
            let line = format!("{} is neither a backup nor a data folder: there is no store.db in it", wish.dir.display());
            Failure::new(Exit::NoInput, line)
        }
        _ => open_failure(&error),
    })?;
    let out = if wish.json { &in_json(out) } else { out };
    for fault in &verdict.faults {
        let line = format!("{}: {}", out.paint(Color::Bad, "damaged"), safe::line(&fault.to_string()));
        out.record(&record(fault), &line)?;
    }
    out.record(&summary(&verdict), &sentence(&verdict))?;
    if verdict.schema > 0 && !verdict.has_sums() {
        out.note("this store is of an older impp, without checksums: damage within values was not looked for; it gets them when the relay starts");
    }
    if !verdict.faults.is_empty() {
        out.note(match verdict {
            Verdict { manifest: Some(_), .. } => "take another backup, or make a new one",
            Verdict { schema: 0, .. } => "stop the relay, and restore a backup that is whole",
            _ => {
                "stop the relay, and restore a backup that is whole, or export what is sound and import it into a fresh data folder: \
                 see BACKUPS in impp-relay(8)"
            }
        });
    }
    Ok(if verdict.faults.is_empty() { Exit::Yes } else { Exit::No })
}

fn record(fault: &Fault) -> Record {
    Record::new()
        .with("about", fault.about())
        .with("user", fault.user().map(ToString::to_string))
        .with("count", fault.count())
        .with("text", fault.to_string())
}

fn summary(verdict: &Verdict) -> Record {
    let record = Record::new()
        .with("whole", verdict.faults.is_empty())
        .with("faults", verdict.faults.len())
        .with("backup", verdict.manifest.is_some())
        .with("time", verdict.manifest.as_ref().map(|manifest| manifest.time.to_rfc3339()))
        .with("schema", verdict.schema)
        .with("checksums", verdict.has_sums());
    with_counts(record, &verdict.counts)
}

fn sentence(verdict: &Verdict) -> String {
    let counts = &verdict.counts;
    let what = verdict
        .manifest
        .as_ref()
        .map_or_else(|| "store".to_owned(), |manifest| format!("backup of {}", units::local(manifest.time)));
    let word = if verdict.faults.is_empty() { "whole" } else { "sound of it" };
    format!(
        "{word}: {what}, schema {}: {} account(s), {} message(s) ({}), {} subscription(s) of other domains, {} remembered deliveries",
        verdict.schema,
        counts.accounts,
        counts.messages,
        units::shown_size(counts.octets),
        counts.subscriptions,
        counts.deliveries
    )
}
