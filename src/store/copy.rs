//! A copy of a database as of one moment, while others write: whole and on the disk before it bears its name.

use super::create_private;
use super::open_error::OpenError;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Pages copied at a time.
const PAGES: i32 = 1024;

/// Opens a database to read it. Never makes one, and never brings one to another version.
///
/// # Errors
/// [`OpenError`]
pub(super) fn reading(path: &Path) -> Result<Connection, OpenError> {
    // SQLite would say the same of a file that is not there as of one that cannot be opened.
    File::open(path).map_err(|error| OpenError::io(path, &error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(super::sqlite::BUSY)?;
        Ok(connection)
    });
    opened.map_err(|error| OpenError::sqlite(path, &error))
}

/// Copies a database to a new file, page by page: what is damaged in it is copied too, not refused.
///
/// The copy is of the moment at which `from` began to read, or begins to now. It is one file, without a log beside it, and on the disk.
///
/// # Errors
/// [`OpenError`]; what is left of `to` then is of no use.
pub(super) fn database(from: &Connection, to: &Path) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::sqlite(to, &error);
    create_private(OpenOptions::new().append(true).create_new(true), to).map_err(|error| OpenError::io(to, &error))?;
    let mut copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    // It is synced once, at its end; half a copy is never used.
    copy.pragma_update(None, "synchronous", "OFF").map_err(failed)?;
    {
        let backup = Backup::new(from, &mut copy).map_err(failed)?;
        loop {
            match backup.step(PAGES).map_err(failed)? {
                StepResult::Done => break,
                StepResult::More => {}
                // Somebody recovers a log at this moment, or the like.
                _ => std::thread::sleep(std::time::Duration::from_millis(5)),
            }
        }
    }
    let _: String = copy.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).map_err(failed)?;
    copy.close().map_err(|(_, error)| failed(error))?;
    sync(to)
}

/// Copies a file to one that is not there yet, and is private and on the disk then.
pub(super) fn file(from: &Path, to: &Path) -> Result<(), OpenError> {
    let mut source = File::open(from).map_err(|error| OpenError::io(from, &error))?;
    let copied = create_private(OpenOptions::new().write(true).create_new(true), to)
        .and_then(|mut file| io::copy(&mut source, &mut file).and_then(|_| file.sync_all()));
    copied.map_err(|error| OpenError::io(to, &error))
}

/// Waits until a file, or the names in a folder, are on the disk.
pub(super) fn sync(path: &Path) -> Result<(), OpenError> {
    synced(path).map_err(|error| OpenError::io(path, &error))
}

fn synced(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Gives a finished file its name, in the place of what bore it.
pub(super) fn name(half: &Path, whole: &Path) -> Result<(), OpenError> {
    std::fs::rename(half, whole).map_err(|error| OpenError::io(whole, &error))?;
    sync(whole.parent().unwrap_or(Path::new(".")))
}
