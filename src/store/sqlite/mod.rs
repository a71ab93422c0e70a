//! The store in one SQLite file: opening it, and the settings that make a commit survive a power cut.

mod messages;
mod reader;
pub(super) mod rows;
mod writer;

pub(super) use messages::{Arriving, put_messages};
pub use reader::Reader;
pub(super) use rows::{account, address, unsigned};
pub use writer::Writer;
pub(super) use writer::{domain, put_acl, put_presence, put_subscription, users_of};

use super::open_error::{OpenError, OpenErrorKind};
use super::recent::Recent;
use super::{copy, create_private, migrations};
use crate::service::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The database within the data folder.
pub const DATABASE_FILE: &str = "store.db";
/// Locked while a relay works on the folder.
pub const LOCK_FILE: &str = "lock";
/// There while a restore exchanges one store for another.
pub const HALF_RESTORED: &str = "restore.now";
/// How long one waits for another process that writes.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// Pages in the write-ahead log before they are moved to the database: 16 MiB.
const CHECKPOINT_PAGES: u32 = 4000;
/// What the writer keeps of the file at most, where there is so much: a message to somebody among a hundred thousand changes pages all over it, and
/// with SQLite's usual 2 MiB most of them were read anew each time.
const WRITER_CACHE_KIB: i64 = 8192;
/// What one reader keeps of the file: the upper pages of its trees. The rest is in the system's memory anyway.
const READER_CACHE_KIB: i64 = 256;
/// To which the write-ahead log is cut after a very large transaction.
const LOG_OCTETS: u32 = 64 << 20;

/// Who opens the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one relay of this folder; refused while another runs. Keeps the log of deliveries.
    Relay {
        /// How many deliveries are remembered.
        remembered: usize,
    },
    /// An administrator's command, beside a relay or not.
    Administrator,
}

/// An open store: its writer, and the door to any number of readers.
#[derive(Debug)]
pub struct Store {
    /// The one writer of this process.
    pub writer: Writer,
    /// Opens readers.
    pub readers: Readers,
}

/// Opens readers of one store; each has its own connection, which cannot write.
#[derive(Clone, Debug)]
pub struct Readers(PathBuf);

impl Readers {
    /// One more reader.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(&self) -> Result<Reader, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(&self.0, flags).and_then(|connection| {
            connection.busy_timeout(BUSY)?;
            connection.set_prepared_statement_cache_capacity(32);
            connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
            keep_plans(&connection)?;
            Ok(connection)
        });
        opened.map(Reader::new).map_err(|error| OpenError::sqlite(&self.0, &error))
    }
}

/// Opens the store in a folder; makes the folder (mode 0700) and the files (0600) that are missing, and brings an older
/// store to the newest version, of which it keeps a copy as it was. That takes the relay's lock: a relay of the older
/// version does not go on beside it.
///
/// # Errors
/// [`OpenError`]; what was there is unchanged.
pub fn open(folder: &Path, role: Role) -> Result<Store, OpenError> {
    make_folder(folder)?;
    let held = match role {
        Role::Relay { .. } => Some(lock(folder)?),
        Role::Administrator => None,
    };
    is_one_store(folder)?;
    let path = folder.join(DATABASE_FILE);
    // SQLite would make it readable by the group; its companions -wal and -shm take this file's mode over.
    create_private(OpenOptions::new().append(true).create(true), &path).map_err(|error| OpenError::io(&path, &error))?;
    let mut connection = connect(&path).map_err(|error| OpenError::sqlite(&path, &error))?;
    let found = migrations::found(&connection, &path)?;
    if (1..migrations::newest()).contains(&found) {
        let _alone = match &held {
            Some(_) => None,
            None => Some(lock(folder).map_err(|error| match error.kind {
                OpenErrorKind::InUse => OpenError::new(&path, OpenErrorKind::OlderInUse { found }),
                _ => error,
            })?),
        };
        keep_former(&connection, folder, found)?;
        migrations::run(&mut connection, &path)?;
        tracing::info!(target: "impp::store", from = found, to = migrations::newest(), "the store has a new form; a copy of the former is beside it");
    }
    migrations::run(&mut connection, &path)?;
    let recent = match role {
        Role::Relay { remembered } => Some(Recent::open(folder, remembered)?),
        Role::Administrator => None,
    };
    let writer = Writer::new(connection, recent, held).map_err(|error| OpenError::sqlite(&path, &error))?;
    Ok(Store { writer, readers: Readers(path) })
}

/// Keeps a copy of an older store beside it, for whoever has to go back to the older program.
fn keep_former(connection: &Connection, folder: &Path, version: u32) -> Result<(), OpenError> {
    let whole = folder.join(format!("store-v{version}.db"));
    let half = folder.join(format!("store-v{version}.db.half"));
    // Left by one that was killed.
    let _ = std::fs::remove_file(&half);
    let made = copy::database(connection, &half).and_then(|()| copy::name(&half, &whole));
    made.inspect_err(|_| {
        let _ = std::fs::remove_file(&half);
    })
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    keep_plans(&connection)?;
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    // Only heeded before the first page is written, which journal_mode does; later it would write a page and wait for the disk.
    if pages == 0 {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: each commit waits for the disk. With NORMAL a power cut could take back what was promised.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "journal_size_limit", LOG_OCTETS)?;
    Ok(connection)
}

/// Has a statement keep its plan whatever is bound to it. Else SQLite plans anew, for each new value, where there is an order or a join to think
/// of: published values, mailboxes, credentials. All is found by a key, so there is nothing to choose.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

/// Insists that no restore was broken off here: what there is may be of two stores.
pub(super) fn is_one_store(folder: &Path) -> Result<(), OpenError> {
    if folder.join(HALF_RESTORED).exists() { Err(OpenError::new(folder, OpenErrorKind::HalfRestored)) } else { Ok(()) }
}

pub(super) fn make_folder(folder: &Path) -> Result<(), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| OpenError::io(folder, &error))
}

/// The lock is the open file's: the system lets go of it when the process ends, in whatever way.
pub(super) fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join(LOCK_FILE);
    let file = create_private(OpenOptions::new().write(true).create(true).truncate(false), &path)
        .map_err(|error| OpenError::io(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::new(folder, OpenErrorKind::InUse)),
        Err(TryLockError::Error(error)) => Err(OpenError::io(&path, &error)),
    }
}

/// What a database error means to the service; its text goes to the log.
pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    tracing::error!(target: "impp::store", %error, "the database refused");
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => {
            StoreError::Corrupt
        }
        Some(_) => StoreError::Io,
        None => StoreError::Corrupt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Fingerprint, UnixMillis};
    use crate::service::store::{Delivery, Loaded, Read, Remembered, StoreRead, StoreWrite};
    use crate::store::{fixtures, verify};
    use std::os::unix::fs::PermissionsExt;

    const RELAY: Role = Role::Relay { remembered: 1000 };

    fn kind(result: Result<Store, OpenError>) -> OpenErrorKind {
        result.map(|_| ()).unwrap_err().kind
    }

    #[test]
    fn the_folder_and_its_files_are_private() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("deep/er");
        let mut store = open(&folder, RELAY).unwrap();
        store.writer.start(UnixMillis(0)).unwrap();
        let delivery = Remembered { fingerprint: Fingerprint([1; 16]), delivery: Delivery::Delivered, at: UnixMillis(1) };
        store.writer.remember(&[delivery]).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
        names.sort();
        assert_eq!(names, ["lock", "recent-0001.log", "store.db", "store.db-shm", "store.db-wal"]);
    }

    #[test]
    fn the_settings_hold() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), RELAY).unwrap();
        let ask = |name: &str| -> String {
            let value: rusqlite::types::Value =
                store.writer.connection().pragma_query_value(None, name, |row| row.get(0)).unwrap();
            format!("{value:?}")
        };
        let rows = [
            ("journal_mode", "Text(\"wal\")"),
            ("synchronous", "Integer(2)"),
            ("auto_vacuum", "Integer(2)"),
            ("foreign_keys", "Integer(1)"),
            ("wal_autocheckpoint", "Integer(4000)"),
            ("cache_size", "Integer(-8192)"),
        ];
        for (name, value) in rows {
            assert_eq!(ask(name), value, "{name}");
        }
    }

    /// Nobody waits for the disk before anything is promised.
    #[test]
    fn a_store_that_is_opened_again_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path(), RELAY).unwrap());
        let _again = open(folder.path(), RELAY).unwrap();
        let log = folder.path().join(format!("{DATABASE_FILE}-wal"));
        assert_eq!(std::fs::metadata(log).unwrap().len(), 0);
    }

    #[test]
    fn one_relay_at_a_time_and_administrators_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let relay = open(folder.path(), RELAY).unwrap();
        assert_eq!(kind(open(folder.path(), RELAY)), OpenErrorKind::InUse);
        open(folder.path(), Role::Administrator).unwrap();
        drop(relay);
        open(folder.path(), RELAY).unwrap();
    }

    #[test]
    fn what_cannot_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert_eq!(kind(open(&file, RELAY)), OpenErrorKind::NotAFolder);
        assert_eq!(kind(open(&file.join("below"), RELAY)), OpenErrorKind::NotAFolder);
        let damaged = folder.path().join("damaged");
        std::fs::create_dir(&damaged).unwrap();
        std::fs::write(damaged.join(DATABASE_FILE), "not a database, but long enough to have a header of its own".repeat(20))
            .unwrap();
        let error = open(&damaged, RELAY).unwrap_err();
        assert_eq!(error.kind, OpenErrorKind::Damaged);
        assert!(error.to_string().ends_with("/damaged/store.db is damaged or not a database; restore a backup"), "{error}");
    }

    /// What an older version wrote is read as it was meant, brought to the newest once, and kept as it was.
    #[test]
    fn stores_of_every_earlier_version_are_read() {
        for version in 1..=fixtures::DUMPS.len() {
            let folder = fixtures::store(version);
            let mut store = open(folder.path(), RELAY).unwrap();
            let start = store.writer.start(UnixMillis(1_795_703_550_000)).unwrap();
            assert_eq!((start.next_message, start.remembered.len()), (4, 3));
            assert_eq!(start.watched.len(), usize::from(version > 1));
            let address = |name: &str| Address::parse(&format!("{name}@example.org")).unwrap();
            let reader = store.readers.open().unwrap();
            let user = |name: &str| match reader.read(&Read::User(address(name))).unwrap() {
                Loaded::User(user) => user,
                other => panic!("a user was asked for, not {other:?}"),
            };
            let ann = user("ann");
            let acl = ann.acl.unwrap();
            assert_eq!(acl.concealed, [None, Some(crate::model::Version(1_795_703_544_461))]);
            assert_eq!((ann.presence.version.0, ann.presence.values.len()), (1_795_703_544_460, 3));
            assert_eq!(user("bob").mailbox.messages, 2);
            assert_eq!(user("info").account.unwrap().moved.unwrap().to, address("ann"));
            assert!(user("jürgen").account.unwrap().disabled);
            assert_eq!(reader.credentials(&address("bob")).unwrap().unwrap().iterations, 10_000);
            let all = Read::Mailbox { user: address("bob"), after: 0, messages: 9, octets: 9999 };
            let Loaded::Mailbox(mailbox) = reader.read(&all).unwrap() else { panic!("a mailbox was asked for") };
            assert!(mailbox[1].frame.ends_with("zweite für dich".as_bytes()) || mailbox[1].frame.len() == 472);
            assert_eq!(verify::folder(folder.path()).unwrap().faults, []);
            drop((reader, store));
            let former = folder.path().join(format!("store-v{version}.db"));
            let kept = Connection::open(&former).unwrap();
            assert_eq!(migrations::found(&kept, &former).unwrap() as usize, version);
            assert_eq!(std::fs::metadata(&former).unwrap().permissions().mode() & 0o777, 0o600);
            let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
            assert!(left.into_iter().all(|name| !name.to_str().unwrap().ends_with(".half")));
        }
    }

    /// A command of the new program does not take the store away from a relay of the old one.
    #[test]
    fn a_running_relay_of_an_older_version_keeps_its_store() {
        let folder = fixtures::store(2);
        let running = lock(folder.path()).unwrap();
        let error = open(folder.path(), Role::Administrator).unwrap_err();
        assert_eq!(error.kind, OpenErrorKind::OlderInUse { found: 2 });
        assert!(error.to_string().ends_with("restart the relay first"), "{error}");
        drop(running);
        open(folder.path(), Role::Administrator).unwrap();
    }

    /// No copy, no new form: what cannot be undone is not begun.
    #[test]
    fn a_store_whose_copy_cannot_be_kept_stays_as_it_is() {
        let folder = fixtures::store(1);
        std::fs::create_dir(folder.path().join("store-v1.db")).unwrap();
        assert!(open(folder.path(), RELAY).is_err());
        let path = folder.path().join(DATABASE_FILE);
        assert_eq!(migrations::found(&Connection::open(&path).unwrap(), &path).unwrap(), 1);
    }
}
