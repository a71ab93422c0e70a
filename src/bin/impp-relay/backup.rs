//! `impp-relay backup`: a copy of all that the relay keeps, made while it runs.

use crate::args::BackupArgs;
use crate::settings;
use crate::user::open_failure;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::{Printer, Record, Shape};
use impp::net::Clock;
use impp::store::backup::{self, BackupError, Making};
use impp::store::verify::Counts;
use std::path::Path;

/// The program's name in a manifest.
const PROGRAM: &str = concat!("impp-relay ", env!("CARGO_PKG_VERSION"));

/// Makes a backup; 2 if the store was damaged already.
pub(crate) fn work(wish: &BackupArgs, config: &Path, out: &Printer) -> Outcome<Exit> {
    let settings = settings::load(config)?;
    let making = Making {
        data: &settings.data_dir,
        config: Some(config),
        to: &wish.dir,
        replace: wish.replace,
        program: PROGRAM,
        now: Clock::now().unix,
    };
    let made = backup::make(&making).map_err(|error| failure(&error))?;
    if wish.json {
        let manifest = &made.manifest;
        let record = Record::new()
            .with("dir", wish.dir.to_string_lossy())
            .with("time", manifest.time.to_rfc3339())
            .with("schema", manifest.schema)
            .with("faults", made.faults.len());
        in_json(out).record(&with_counts(record, &manifest.counts), "")?;
    }
    if made.faults.is_empty() {
        return Ok(Exit::Yes);
    }
    for fault in &made.faults {
        out.complain(&fault.to_string());
    }
    out.complain("the store is damaged, and so is its backup: see above what is lost");
    Ok(Exit::Partly)
}

/// One object per line.
pub(crate) fn in_json(out: &Printer) -> Printer {
    out.clone().with(Shape::Json, out.talk(), false, false)
}

/// How much there is, for scripts.
pub(crate) fn with_counts(record: Record, counts: &Counts) -> Record {
    record
        .with("accounts", counts.accounts)
        .with("messages", counts.messages)
        .with("octets", counts.octets)
        .with("subscriptions", counts.subscriptions)
        .with("deliveries", counts.deliveries)
}

/// The line and status of a backup that was not made or not put back.
pub(crate) fn failure(error: &BackupError) -> Failure {
    let exit = match error {
        BackupError::Open(error) => return open_failure(error),
        BackupError::NoStore(_) | BackupError::NoBackup(_) => Exit::NoInput,
        BackupError::HoldsBackup { .. } | BackupError::HoldsOther(_) | BackupError::InTheWay(_) | BackupError::HoldsStore(_) => {
            Exit::CannotCreate
        }
        BackupError::UnderWay(_) | BackupError::Clock { .. } => Exit::TryLater,
        BackupError::Damaged(_) => Exit::Data,
        _ => Exit::Internal,
    };
    Failure::new(exit, error.to_string())
}
