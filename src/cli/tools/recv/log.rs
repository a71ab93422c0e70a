//! `--log`: a line per message, synced before the message is acknowledged; no line is ever half there for good.

use crate::cli::exit::{Failure, Outcome};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file to which lines are appended. It may be a pipe or a terminal, too: then there is nothing to sync.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    is_file: bool,
}

impl Log {
    /// Opens or makes it.
    ///
    /// # Errors
    /// 73; 74 if the end of what is there cannot be mended.
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        let is_file = std::fs::metadata(path).map_or(true, |about| about.is_file());
        let opened = OpenOptions::new().read(is_file).append(true).create(true).mode(0o600).open(path);
        let file = opened.map_err(|error| Failure::creating(path, &error))?;
        let mut log = Self { path: path.to_owned(), file, is_file };
        log.end_line().map_err(|error| Failure::writing(path, &error))?;
        Ok(log)
    }

    /// A run that was killed may have left a line without its end, to which the next must not be glued.
    fn end_line(&mut self) -> std::io::Result<()> {
        if !self.is_file || self.file.metadata()?.len() == 0 {
            return Ok(());
        }
        let mut last = [0];
        self.file.seek(SeekFrom::End(-1))?;
        self.file.read_exact(&mut last)?;
        if last == *b"\n" { Ok(()) } else { self.file.write_all(b"\n") }
    }

    /// Appends a line and syncs it.
    ///
    /// # Errors
    /// 74; then the line is not there, as far as that can be helped.
    pub(super) fn append(&mut self, line: &str) -> Outcome<()> {
        let before = self.file.metadata().map(|about| about.len());
        let line = format!("{line}\n");
        let written =
            self.file.write_all(line.as_bytes()).and_then(|()| if self.is_file { self.file.sync_data() } else { Ok(()) });
        written.map_err(|error| {
            if let Ok(before) = before
                && self.is_file
            {
                // On a full disk a part of it may have found room.
                _ = self.file.set_len(before);
            }
            Failure::writing(&self.path, &error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_stays_alone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("log");
        std::fs::write(&path, "{\"whole\":1}\n{\"torn").unwrap();
        Log::open(&path).unwrap().append("{}").unwrap();
        Log::open(&path).unwrap().append("{}").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"whole\":1}\n{\"torn\n{}\n{}\n");
    }

    #[test]
    fn a_device_needs_no_sync_and_a_full_one_says_so() {
        Log::open(Path::new("/dev/null")).unwrap().append("{}").unwrap();
        let failure = Log::open(Path::new("/dev/full")).unwrap().append("{}").unwrap_err();
        assert_eq!(failure.exit.code(), 74);
        assert_eq!(Log::open(Path::new("/nonexistent/log")).unwrap_err().exit.code(), 73);
    }
}
