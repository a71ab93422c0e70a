//! Why a backup was not made, or not put back. What was there before is there still.

use crate::model::UnixMillis;
use crate::store::OpenError;
use crate::store::verify::Fault;
use core::fmt;
use std::path::PathBuf;

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackupError {
    /// A file or folder, or the store in it.
    Open(OpenError),
    /// There is no store to make a backup of.
    NoStore(PathBuf),
    /// The folder for the backup holds an earlier one.
    HoldsBackup {
        /// The folder.
        folder: PathBuf,
        /// When that was made.
        time: UnixMillis,
    },
    /// The folder for the backup holds something else.
    HoldsOther(PathBuf),
    /// What bears a name that a backup needs beside its folder, and is none of ours.
    InTheWay(PathBuf),
    /// Another backup into the same folder is under way.
    UnderWay(PathBuf),
    /// What should be put back is no backup.
    NoBackup(PathBuf),
    /// The backup is damaged.
    Damaged(Vec<Fault>),
    /// The data folder holds a store.
    HoldsStore(PathBuf),
    /// The clock stands before the moment at which the backup was made.
    Clock {
        /// The backup's.
        backup: UnixMillis,
        /// The clock's.
        now: UnixMillis,
    },
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::NoStore(folder) => write!(f, "there is no store in {}; nobody has used this relay yet", folder.display()),
            Self::HoldsBackup { folder, time } => write!(
                f,
                "{} holds the backup of {}; name another folder, or put the new one in its place with --replace",
                folder.display(),
                time.to_rfc3339()
            ),
            Self::HoldsOther(folder) => {
                write!(f, "{} holds something that is no backup; name a folder that is empty or not there", folder.display())
            }
            Self::InTheWay(path) => write!(
                f,
                "{} is in the way, and nothing that an earlier backup by this user left there; see what it is and remove it, or name another folder",
                path.display()
            ),
            Self::UnderWay(folder) => write!(f, "another backup into {} is under way", folder.display()),
            Self::NoBackup(folder) => {
                write!(
                    f,
                    "{} is no backup: there is no whole manifest.json in it; name a folder that impp-relay backup made",
                    folder.display()
                )
            }
            Self::Damaged(faults) => {
                let first = faults.first().map(ToString::to_string).unwrap_or_default();
                write!(f, "the backup is damaged ({first}); impp-relay verify tells all of it; take another backup")
            }
            Self::HoldsStore(folder) => write!(
                f,
                "{} holds a store; with --replace it is set aside there, and the backup takes its place",
                folder.display()
            ),
            Self::Clock { backup, now } => write!(
                f,
                "the clock says {}, before the backup was made ({}); set it first, for versions of presence grow with it",
                now.to_rfc3339(),
                backup.to_rfc3339()
            ),
        }
    }
}

impl std::error::Error for BackupError {}

impl From<OpenError> for BackupError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}
