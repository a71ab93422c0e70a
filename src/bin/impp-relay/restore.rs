//! `impp-relay restore`: a backup becomes the relay's data again.

use crate::args::RestoreArgs;
use crate::backup::{failure, in_json, with_counts};
use crate::settings;
use impp::cli::exit::{Exit, Outcome};
use impp::cli::print::{Printer, Record};
use impp::cli::units;
use impp::net::Clock;
use impp::store::backup::{self, Restoring};
use std::path::Path;

/// Puts a backup back; no relay may run meanwhile.
pub(crate) fn work(wish: &RestoreArgs, config: &Path, out: &Printer) -> Outcome<Exit> {
    let settings = settings::load(config)?;
    let data = &settings.data_dir;
    let restoring = Restoring { from: &wish.dir, data, replace: wish.replace, now: Clock::now().unix };
    let restored = backup::restore(&restoring).map_err(|error| failure(&error))?;
    if wish.json {
        let record = Record::new()
            .with("dir", wish.dir.to_string_lossy())
            .with("data", data.to_string_lossy())
            .with("time", restored.manifest.time.to_rfc3339())
            .with("aside", restored.aside.as_ref().map(|aside| aside.to_string_lossy().into_owned()))
            .with("delivered_since", restored.delivered_since)
            .with("lifted", restored.lifted);
        return in_json(out).record(&with_counts(record, &restored.counts), "").map(|()| Exit::Yes);
    }
    let counts = &restored.counts;
    out.note(&format!(
        "{} is as it was at {}: {} account(s), {} message(s); start the relay",
        data.display(),
        units::local(restored.manifest.time),
        counts.accounts,
        counts.messages
    ));
    if restored.delivered_since > 0 {
        out.note(&format!("{} message(s) of the backup were delivered since, and are left out", restored.delivered_since));
    }
    if let Some(aside) = &restored.aside {
        out.note(&format!("what was there is in {}; remove it when you no longer want it", aside.display()));
    }
    Ok(Exit::Yes)
}
