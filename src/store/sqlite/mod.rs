//! The store in one SQLite file: opening it, and the settings that make a commit survive a power cut.

mod reader;
mod rows;
mod writer;

pub use reader::Reader;
pub(super) use rows::{account, address, unsigned};
pub use writer::Writer;
pub(super) use writer::{domain, users_of};

use super::open_error::{OpenError, OpenErrorKind};
use super::recent::Recent;
use super::{create_private, migrations};
use crate::service::store::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The database within the data folder.
pub const DATABASE_FILE: &str = "store.db";
/// Locked while a relay works on the folder.
pub const LOCK_FILE: &str = "lock";
/// How long one waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);
/// Pages in the write-ahead log before they are moved to the database: 16 MiB.
const CHECKPOINT_PAGES: u32 = 4000;
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
            Ok(connection)
        });
        opened.map(Reader::new).map_err(|error| OpenError::sqlite(&self.0, &error))
    }
}

/// Opens the store in a folder; makes the folder (mode 0700) and the files (0600) that are missing, and brings an older
/// store to the newest version.
///
/// # Errors
/// [`OpenError`]; what was there is unchanged.
pub fn open(folder: &Path, role: Role) -> Result<Store, OpenError> {
    make_folder(folder)?;
    let lock = match role {
        Role::Relay { .. } => Some(lock(folder)?),
        Role::Administrator => None,
    };
    let path = folder.join(DATABASE_FILE);
    // SQLite would make it readable by the group; its companions -wal and -shm take this file's mode over.
    create_private(OpenOptions::new().append(true).create(true), &path).map_err(|error| OpenError::io(&path, &error))?;
    let mut connection = connect(&path).map_err(|error| OpenError::sqlite(&path, &error))?;
    migrations::run(&mut connection, &path)?;
    let recent = match role {
        Role::Relay { remembered } => Some(Recent::open(folder, remembered)?),
        Role::Administrator => None,
    };
    let writer = Writer::new(connection, recent, lock).map_err(|error| OpenError::sqlite(&path, &error))?;
    Ok(Store { writer, readers: Readers(path) })
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Only heeded before the first page is written, which journal_mode does.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: each commit waits for the disk. With NORMAL a power cut could take back what was promised.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_OCTETS)?;
    Ok(connection)
}

fn make_folder(folder: &Path) -> Result<(), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| OpenError::io(folder, &error))
}

/// The lock is the open file's: the system lets go of it when the process ends, in whatever way.
fn lock(folder: &Path) -> Result<File, OpenError> {
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
    use crate::model::{Address, Fingerprint, MessageId, UnixMillis};
    use crate::service::store::{Delivery, Loaded, Read, Remembered, StoreRead, StoreWrite};
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
        ];
        for (name, value) in rows {
            assert_eq!(ask(name), value, "{name}");
        }
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

    /// A store that version 1 wrote is read as it was meant, whatever the newest version is.
    #[test]
    fn a_store_of_version_1_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DATABASE_FILE);
        let old = Connection::open(&path).unwrap();
        old.execute_batch(include_str!("../schema/v1.sql")).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.execute_batch(
            "INSERT INTO domain VALUES ('example.org', zeroblob(32), 4096);
             INSERT INTO account (address, created, disabled, moved_to, moved_permanently, presence_version)
                 VALUES ('impp://example.org/ann', 1000, 0, 'impp://example.net/ann', 1, 77);
             INSERT INTO credentials VALUES ('impp://example.org/ann', 4096, x'0102', zeroblob(32), zeroblob(32));
             INSERT INTO acl VALUES ('impp://example.org/ann', 5, '- 12', x'3c2f3e');
             INSERT INTO presence_value VALUES ('impp://example.org/ann', 0, 'work', 99, 'application/presence', NULL, NULL, x'78');
             INSERT INTO message (number, mailbox, sender, message_id, fingerprint, stored, expires, octets, frame)
                 VALUES (41, 'impp://example.org/ann', 'impp://example.org/bob', '<1@x>', zeroblob(16), 50, NULL, 3, x'616263');",
        )
        .unwrap();
        drop(old);
        let mut store = open(folder.path(), RELAY).unwrap();
        assert_eq!(store.writer.start(UnixMillis(60)).unwrap().next_message, 42);
        let ann = Address::parse("ann@example.org").unwrap();
        let reader = store.readers.open().unwrap();
        let Loaded::User(user) = reader.read(&Read::User(ann.clone())).unwrap() else { panic!("a user was asked for") };
        let account = user.account.unwrap();
        assert_eq!(account.moved.unwrap().to.as_str(), "impp://example.net/ann");
        assert_eq!(user.acl.unwrap().concealed, [None, Some(crate::model::Version(12))]);
        assert_eq!((user.presence.version.0, user.presence.values.len()), (77, 1));
        assert_eq!((user.mailbox.messages, user.mailbox.octets), (1, 3));
        assert_eq!(reader.credentials(&ann).unwrap().unwrap().salt, [1, 2]);
        let all = Read::Mailbox { user: ann, after: 0, messages: 9, octets: 999 };
        let Loaded::Mailbox(mailbox) = reader.read(&all).unwrap() else { panic!("a mailbox was asked for") };
        assert_eq!(mailbox[0].frame, "abc");
        assert!(MessageId::parse("<1@x>").is_some());
    }
}
