//! Why a store could not be opened: which path, and one sentence that says what to do.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a store could not be opened. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenError {
    /// The file or folder that is to blame.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: OpenErrorKind,
}

/// What is wrong with a store's file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// The path leads to something that is not a folder.
    NotAFolder,
    /// It belongs to someone else, who does not let this user in.
    Owner {
        /// The user id of the owner.
        uid: u32,
    },
    /// The file system is mounted read-only.
    ReadOnly,
    /// Another relay works on this folder.
    InUse,
    /// Another process holds the database for longer than one waits.
    Busy,
    /// A newer impp wrote it.
    Newer {
        /// The version of the schema in the file.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// An older impp wrote it, and its relay runs.
    OlderInUse {
        /// The version of the schema in the file.
        found: u32,
    },
    /// A restore was broken off.
    HalfRestored,
    /// A database, but not one of impp's.
    Foreign,
    /// Not a database, or a damaged one.
    Damaged,
    /// No room.
    Full,
    /// Anything else that the operating system said.
    Io(io::ErrorKind),
}

impl OpenError {
    /// An error about one path.
    pub(crate) fn new(path: &Path, kind: OpenErrorKind) -> Self {
        Self { path: path.to_owned(), kind }
    }

    /// What an IO error about one path means.
    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                owner(path).map_or(OpenErrorKind::Io(error.kind()), |uid| OpenErrorKind::Owner { uid })
            }
            io::ErrorKind::ReadOnlyFilesystem => OpenErrorKind::ReadOnly,
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => OpenErrorKind::NotAFolder,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenErrorKind::Full,
            other => OpenErrorKind::Io(other),
        };
        Self::new(path, kind)
    }

    /// What a database error about one path means.
    pub(crate) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                owner(path).map_or(OpenErrorKind::Io(io::ErrorKind::PermissionDenied), |uid| OpenErrorKind::Owner { uid })
            }
            Some(ErrorCode::ReadOnly) => OpenErrorKind::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenErrorKind::Busy,
            Some(ErrorCode::DiskFull) => OpenErrorKind::Full,
            Some(ErrorCode::SystemIoFailure) => OpenErrorKind::Io(io::ErrorKind::Other),
            _ => OpenErrorKind::Damaged,
        };
        Self::new(path, kind)
    }
}

/// Who owns the path, or the nearest folder above it that can be looked at.
fn owner(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    path.ancestors().find_map(|path| std::fs::metadata(path).ok()).map(|found| found.uid())
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.kind {
            OpenErrorKind::NotAFolder => write!(f, "{path} is not a folder; data-dir must name one"),
            OpenErrorKind::Owner { uid } => {
                write!(f, "{path} belongs to user id {uid} and cannot be used by this one; run as that user, or change the owner")
            }
            OpenErrorKind::ReadOnly => write!(f, "{path} cannot be written: it, or its file system, is read-only"),
            OpenErrorKind::InUse => write!(f, "{path} is in use by another impp-relay; stop that one first"),
            OpenErrorKind::Busy => write!(f, "{path} is kept busy by another process; try again"),
            OpenErrorKind::Newer { found, known } => {
                write!(
                    f,
                    "{path} was written by a newer impp (schema {found}, this program knows {known}); \
                     install that version again, or restore a backup that this one can read"
                )
            }
            OpenErrorKind::OlderInUse { found } => {
                write!(
                    f,
                    "{path} has the form of an older impp (schema {found}), and a relay of that version uses it; restart the relay first"
                )
            }
            OpenErrorKind::HalfRestored => {
                write!(f, "{path} is half of two stores, for a restore was broken off; run impp-relay restore again")
            }
            OpenErrorKind::Foreign => write!(f, "{path} is a database of some other program; choose another data-dir"),
            OpenErrorKind::Damaged => write!(f, "{path} is damaged or not a database; restore a backup"),
            OpenErrorKind::Full => write!(f, "{path} cannot grow: the disk is full"),
            OpenErrorKind::Io(kind) => write!(f, "{path} cannot be used: {kind}"),
        }
    }
}

impl std::error::Error for OpenError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_in_one_sentence() {
        let path = Path::new("/var/lib/impp-relay");
        let io = |kind: io::ErrorKind| OpenError::io(path, &io::Error::from(kind)).to_string();
        let plain = |kind| OpenError::new(path, kind).to_string();
        let rows = [
            (
                plain(OpenErrorKind::Owner { uid: 999 }),
                "belongs to user id 999 and cannot be used by this one; run as that user, or change the owner",
            ),
            (plain(OpenErrorKind::InUse), "is in use by another impp-relay; stop that one first"),
            (plain(OpenErrorKind::Busy), "is kept busy by another process; try again"),
            (plain(OpenErrorKind::Foreign), "is a database of some other program; choose another data-dir"),
            (io(io::ErrorKind::ReadOnlyFilesystem), "cannot be written: it, or its file system, is read-only"),
            (io(io::ErrorKind::StorageFull), "cannot grow: the disk is full"),
            (io(io::ErrorKind::NotADirectory), "is not a folder; data-dir must name one"),
            (io(io::ErrorKind::NotFound), "cannot be used: entity not found"),
        ];
        for (text, expected) in rows {
            assert_eq!(text, format!("/var/lib/impp-relay {expected}"));
        }
    }

    /// The owner is that of the nearest thing that can be seen.
    #[test]
    fn who_to_ask_when_it_is_denied() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = OpenError::io(Path::new("/proc/1/nowhere/deeper"), &denied);
        assert_eq!(error.kind, OpenErrorKind::Owner { uid: 0 });
    }
}
