//! Whether a data folder or a backup is whole; and if not, what of it is lost.
//!
//! Nothing is changed, and a relay may be at work on the folder: what is judged is the state of one moment.

mod fault;
pub(super) mod rows;
#[cfg(test)]
mod tests;

pub use fault::{Fault, What, Whose};

use super::copy;
use super::manifest::{MANIFEST_FILE, Manifest};
use super::open_error::{OpenError, OpenErrorKind};
use super::recent;
use super::sqlite::{DATABASE_FILE, is_one_store};
use super::{migrations, sums};
use rusqlite::Connection;
use std::path::Path;

/// How many of SQLite's own findings are told.
const STRUCTURE_LINES: u32 = 20;

/// What was found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The manifest, if it is a backup's.
    pub manifest: Option<Manifest>,
    /// The version of the schema; 0: nobody has used it yet.
    pub schema: u32,
    /// What is there and sound.
    pub counts: Counts,
    /// What is wrong; nothing: all is well.
    pub faults: Vec<Fault>,
}

impl Verdict {
    /// Whether damage within values could be seen: older stores have no checksums.
    #[must_use]
    pub const fn has_sums(&self) -> bool {
        self.schema >= SUMS_SINCE
    }
}

/// The first version with checksums.
const SUMS_SINCE: u32 = 3;
/// The first version that keeps subscriptions of other domains.
const SUBSCRIPTIONS_SINCE: u32 = 2;

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accounts, aliases among them.
    pub accounts: u64,
    /// Messages that wait.
    pub messages: u64,
    /// Octets of these.
    pub octets: u64,
    /// Subscriptions from other domains.
    pub subscriptions: u64,
    /// Deliveries that are remembered, by the log alone.
    pub deliveries: u64,
}

/// Judges a data folder, or a backup, which is known by its manifest.
///
/// # Errors
/// It is neither, cannot be read, is of a newer impp, or a restore was broken off there.
pub fn folder(folder: &Path) -> Result<Verdict, OpenError> {
    is_one_store(folder)?;
    let mut faults = Vec::new();
    let manifest_file = folder.join(MANIFEST_FILE);
    let is_backup = manifest_file.exists();
    let manifest = if is_backup {
        let manifest = Manifest::read(&manifest_file)?;
        match &manifest {
            Some(manifest) => faults.extend(manifest.check_files(folder)?),
            None => faults.push(Fault::Manifest),
        }
        manifest
    } else {
        None
    };
    let (schema, counts, found) = content(folder)?;
    faults.extend(found);
    Ok(Verdict { manifest, schema, counts, faults })
}

/// Judges the database and the log of a folder: the schema's version, how much there is, and what is wrong.
pub(super) fn content(folder: &Path) -> Result<(u32, Counts, Vec<Fault>), OpenError> {
    let path = folder.join(DATABASE_FILE);
    let mut counts = Counts::default();
    let mut faults = Vec::new();
    let connection = match copy::reading(&path) {
        Ok(connection) => Some(connection),
        Err(error) if error.kind == OpenErrorKind::Damaged => None,
        Err(error) => return Err(error),
    };
    let schema = match connection.as_ref().map(|connection| migrations::found(connection, &path)) {
        Some(Ok(schema)) => schema,
        None | Some(Err(OpenError { kind: OpenErrorKind::Damaged, .. })) => {
            faults.push(Fault::Structure("its first page makes no sense, so nothing of it can be read".to_owned()));
            0
        }
        Some(Err(error)) => return Err(error),
    };
    if let Some(connection) = connection.filter(|_| schema > 0) {
        // All of it as of one moment.
        match connection.unchecked_transaction() {
            Ok(moment) => counts = database(&moment, schema, &mut faults).0,
            Err(error) => faults.push(Fault::Structure(error.to_string())),
        }
    }
    counts.deliveries = log(folder, &mut faults)?;
    Ok((schema, counts, faults))
}

/// Judges the log of deliveries. How many are sound.
pub(super) fn log(folder: &Path, faults: &mut Vec<Fault>) -> Result<u64, OpenError> {
    let mut deliveries = 0;
    for (file, found) in recent::read_all(folder).map_err(|error| OpenError::io(folder, &error))? {
        let sound = found.entries.len();
        deliveries += sound as u64;
        let file = file.file_name().map(Into::into).unwrap_or(file);
        if found.damaged > 0 {
            faults.push(Fault::Deliveries { file: file.clone(), damaged: found.damaged, sound });
        }
        if found.foreign {
            faults.push(Fault::LogHead { file });
        }
    }
    Ok(deliveries)
}

/// Judges a database of this schema, as of the moment at which it is read: how much there is, and which messages are sound, and whose.
pub(super) fn database(moment: &Connection, schema: u32, faults: &mut Vec<Fault>) -> (Counts, rows::Sound) {
    faults.extend(structure(moment));
    if migrations::statements(moment).ok() != migrations::schema(schema).ok() {
        faults.push(Fault::Schema { version: schema });
    }
    rows::judge(moment, schema, faults)
}

/// What SQLite finds itself: pages, indexes, foreign keys.
fn structure(connection: &Connection) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut ask = |sql: &str, words: fn(&rusqlite::Row<'_>) -> rusqlite::Result<String>| {
        let said = connection.prepare(sql).and_then(|mut lines| lines.query_map([], words)?.collect::<Result<Vec<_>, _>>());
        match said {
            Ok(lines) => faults.extend(lines.into_iter().filter(|line| line != "ok").map(Fault::Structure)),
            Err(error) => faults.push(Fault::Structure(error.to_string())),
        }
    };
    ask(&format!("PRAGMA integrity_check({STRUCTURE_LINES})"), |row| {
        // It begins some of its lines with stars and says several things in one.
        Ok(row.get::<_, String>(0)?.replace("*** ", "").replace(" ***", ":").replace('\n', " "))
    });
    ask("PRAGMA foreign_key_check", |row| Ok(format!("a row of {} belongs to no account", row.get::<_, String>(0)?)));
    faults
}

/// The columns of a table with its checksum, or with nothing in its place in stores that have none.
pub(super) fn columns(table: sums::Table, has_sums: bool) -> String {
    let sum = if has_sums { "sum" } else { "NULL" };
    format!("SELECT {}, {sum} FROM {}", table.columns, table.name)
}
