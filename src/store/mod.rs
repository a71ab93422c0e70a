//! Where the relay keeps what must outlive it: one SQLite file and an append-only log, or memory for scenes.
//!
//! *Order:* [`sqlite::open`], then [`StoreWrite::start`], then hand writer and
//! readers to a [`thread::StoreThread`]. Administrators' commands open the same folder through [`accounts::Accounts`],
//! whether a relay runs or not.

pub mod accounts;
pub mod backup;
#[cfg(test)]
mod conformance;
mod copy;
pub mod dump;
pub mod faults;
#[cfg(test)]
mod fixtures;
pub mod manifest;
pub mod memory;
pub mod migrations;
pub mod open_error;
pub mod recent;
mod room;
pub mod sqlite;
mod sums;
pub mod thread;
pub mod verify;

pub use open_error::{OpenError, OpenErrorKind};
pub use room::room;

use crate::model::Domain;
use crate::service::store::{Remembered, StoreError, StoreWrite};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::Path;

/// What a domain keeps about itself.
#[derive(Clone, PartialEq, Eq)]
pub struct DomainRecord {
    /// Which.
    pub name: Domain,
    /// From it come the salts shown for users that do not exist; made once, so that they never change.
    pub decoy_key: [u8; 32],
    /// PBKDF2 rounds of every password of the domain: one number, or old accounts would stand out.
    pub iterations: u32,
}

impl core::fmt::Debug for DomainRecord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "DomainRecord({}, ..)", self.name)
    }
}

/// The part of a store that notes deliveries from any thread.
pub trait Remember: Send + Sync {
    /// Notes deliveries; on `Ok` they survive a crash of the process.
    ///
    /// # Errors
    /// [`StoreError`]
    fn remember(&self, deliveries: &[Remembered]) -> Result<(), StoreError>;
}

/// A writer that a [`thread::StoreThread`] can own.
pub trait Backend: StoreWrite + Send {
    /// Whether another process wrote since the last call.
    fn changed_outside(&mut self) -> bool {
        false
    }

    /// Called when nothing is to be done; must be short. Whether more is left to tidy.
    fn tidy(&mut self) -> bool {
        false
    }

    /// Called once, after the last write.
    fn finish(&mut self) {}
}

/// Opens a file of the store; one that is made now has mode 0600, and belongs to the folder's owner where that can be:
/// what root makes with an administrator's command, the relay's own user must be able to use.
fn create_private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.mode(0o600).open(path)?;
    let folder = std::fs::metadata(path.parent().unwrap_or(Path::new(".")))?;
    if file.metadata()?.uid() != folder.uid() {
        // Only root may; for others the file stays their own.
        let _ = chown(path, Some(folder.uid()), Some(folder.gid()));
    }
    Ok(file)
}
