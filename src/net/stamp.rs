//! What tells one state of a file from another without reading it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// A state of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    modified: Option<SystemTime>,
    octets: u64,
    /// A renewal that replaces the file keeps neither of these, even within the clock's grain.
    inode: u64,
}

impl Stamp {
    /// The state in which a file is; `None`: nobody can look at it.
    #[must_use]
    pub fn of(file: &Path) -> Option<Self> {
        let metadata = fs::metadata(file).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Self { modified: metadata.modified().ok(), octets: metadata.len(), inode })
    }
}
