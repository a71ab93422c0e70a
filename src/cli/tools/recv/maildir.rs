//! `--dir`: one file per message in a maildir, synced before the message is acknowledged.

use crate::cli::exit::{Failure, Outcome};
use crate::model::UnixMillis;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A maildir.
#[derive(Debug)]
pub(super) struct Maildir {
    folder: PathBuf,
    delivered: u64,
}

impl Maildir {
    /// Opens a maildir, making its folders where they are missing.
    pub(super) fn open(folder: &Path) -> Outcome<Self> {
        for part in ["tmp", "new", "cur"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(|error| Failure::creating(&path, &error))?;
        }
        Ok(Self { folder: folder.to_owned(), delivered: 0 })
    }

    /// Writes a message: into tmp, synced, moved to new, the folder synced. `word` makes the name unlike every
    /// other process's.
    pub(super) fn deliver(&mut self, message: &[u8], now: UnixMillis, word: &str) -> Outcome<PathBuf> {
        self.delivered += 1;
        let name = format!("{}.M{}P{}Q{}.{word}", now.0 / 1000, now.0 % 1000, std::process::id(), self.delivered);
        let (tmp, new) = (self.folder.join("tmp").join(&name), self.folder.join("new").join(&name));
        let mut file =
            OpenOptions::new().write(true).create_new(true).open(&tmp).map_err(|error| Failure::creating(&tmp, &error))?;
        let written = file
            .write_all(message)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&tmp, &new))
            .and_then(|()| sync(&new));
        if let Err(error) = written {
            // What is left in tmp means nothing to anybody; a failure to remove it changes nothing.
            _ = fs::remove_file(&tmp);
            return Err(Failure::writing(&new, &error));
        }
        Ok(new)
    }
}

fn sync(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_whole_under_names_of_their_own() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("mail");
        let mut maildir = Maildir::open(&folder).unwrap();
        let first = maildir.deliver(b"Subject: a\r\n\r\nx\r\n", UnixMillis(1000), "w").unwrap();
        let second = maildir.deliver(b"Subject: b\r\n\r\ny\r\n", UnixMillis(1000), "w").unwrap();
        assert_ne!(first, second);
        assert_eq!(fs::read(&first).unwrap(), b"Subject: a\r\n\r\nx\r\n");
        assert_eq!(first.parent().unwrap(), folder.join("new"));
        assert_eq!(fs::read_dir(folder.join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_made_says_so() {
        let failure = Maildir::open(Path::new("/proc/nonexistent/mail")).unwrap_err();
        assert_eq!(failure.exit.code(), 73);
    }
}
