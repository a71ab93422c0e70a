//! Making a backup, while a relay is at work or not.

use super::place::Place;
use super::{BackupError, CONFIG_FILE, drop_settled, together};
use crate::model::UnixMillis;
use crate::store::manifest::{Listed, Manifest};
use crate::store::recent;
use crate::store::sqlite::{DATABASE_FILE, is_one_store};
use crate::store::verify::{self, Fault};
use crate::store::{OpenError, copy, migrations};
use rusqlite::{Connection, OpenFlags};
use std::io;
use std::path::Path;

/// Of what, and whereto.
#[derive(Clone, Copy, Debug)]
pub struct Making<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// The configuration, which is copied; it holds no secrets.
    pub config: Option<&'a Path>,
    /// The folder that becomes the backup.
    pub to: &'a Path,
    /// Whether an earlier backup there may go.
    pub replace: bool,
    /// Who makes it.
    pub program: &'a str,
    /// When.
    pub now: UnixMillis,
}

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// What it says of itself.
    pub manifest: Manifest,
    /// What was damaged in the store already, and so is in the backup.
    pub faults: Vec<Fault>,
}

/// Makes a backup. What was acknowledged before it begins is in it. It is on the disk when this returns, and judged.
///
/// # Errors
/// [`BackupError`]; then there is no backup of that name, or the former one still.
pub fn make(making: &Making<'_>) -> Result<Made, BackupError> {
    make_while(making, || ())
}

/// The same; `between` is what happens after the database was copied and before the log is.
pub(super) fn make_while(making: &Making<'_>, between: impl FnOnce()) -> Result<Made, BackupError> {
    is_one_store(making.data)?;
    let source = making.data.join(DATABASE_FILE);
    if !source.exists() {
        return Err(BackupError::NoStore(making.data.to_owned()));
    }
    let store = copy::reading(&source)?;
    let schema = migrations::found(&store, &source)?;
    let place = Place::begin(making.to, making.replace)?;
    let database = place.folder().join(DATABASE_FILE);
    let mut files = vec![DATABASE_FILE.to_owned()];
    // First the database, then the log: see above.
    copy::database(&store, &database)?;
    between();
    let log = together(recent::entries(making.data)?);
    let dropped = settle(&database, &log);
    let io = |error: io::Error| OpenError::io(place.folder(), &error);
    let written = recent::write_whole(place.folder(), &log).map_err(io)?;
    files.extend(written.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()));
    if let Some(config) = making.config {
        copy::file(config, &place.folder().join(CONFIG_FILE))?;
        files.push(CONFIG_FILE.to_owned());
    }
    let (_, counts, faults) = verify::content(place.folder())?;
    // In a damaged store it may fail, and then damage is what there is to tell.
    if let (Err(error), true) = (dropped, faults.is_empty()) {
        return Err(OpenError::sqlite(&database, &error).into());
    }
    copy::sync(&database)?;
    let listed = files.iter().map(|name| Listed::of(place.folder(), name)).collect::<Result<_, _>>().map_err(io)?;
    let manifest = Manifest { program: making.program.to_owned(), time: making.now, schema, files: listed, counts };
    manifest.write(place.folder())?;
    place.finish()?;
    Ok(Made { manifest, faults })
}

fn settle(database: &Path, log: &[recent::Entry]) -> rusqlite::Result<u64> {
    let mut copy = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let transaction = copy.transaction()?;
    let dropped = drop_settled(&transaction, log)?;
    transaction.commit()?;
    Ok(dropped)
}
