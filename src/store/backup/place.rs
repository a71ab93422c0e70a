//! A folder that is made beside its place and takes it when it is whole: half of one never bears the name.

use super::BackupError;
use crate::store::OpenError;
use crate::store::copy::sync;
use crate::store::manifest::{MANIFEST_FILE, Manifest};
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// The folder while it is made. Dropped before its time, it goes.
pub(super) struct Place {
    whole: PathBuf,
    half: PathBuf,
    /// Locked, so that two do not make the same.
    lock: File,
    done: bool,
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

impl Place {
    /// Begins a folder that shall be called `whole`. An empty one may be there; with `replace` also an earlier backup.
    pub(super) fn begin(whole: &Path, replace: bool) -> Result<Self, BackupError> {
        // `DIR/` and `DIR` are the same, and what is made lies beside it.
        let whole: PathBuf = whole.components().collect();
        let former = with_ending(&whole, ".old");
        if !whole.exists() && former.join(MANIFEST_FILE).exists() {
            // The last one was killed between two names.
            fs::rename(&former, &whole).map_err(|error| OpenError::io(&whole, &error))?;
        }
        check(&whole, replace)?;
        let half = with_ending(&whole, ".half");
        let io = |error: &io::Error| OpenError::io(&half, error);
        match DirBuilder::new().mode(0o700).create(&half) {
            Ok(()) => {}
            // Left by one that was killed, or being made at this moment.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io(&error).into()),
        }
        fs::set_permissions(&half, fs::Permissions::from_mode(0o700)).map_err(|error| io(&error))?;
        let lock = File::open(&half).map_err(|error| io(&error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::UnderWay(whole)),
            Err(TryLockError::Error(error)) => return Err(io(&error).into()),
        }
        empty(&half)?;
        Ok(Self { whole, half, lock, done: false })
    }

    /// Where it is made.
    pub(super) fn folder(&self) -> &Path {
        &self.half
    }

    /// All in it is on the disk: it takes its place.
    pub(super) fn finish(mut self) -> Result<(), BackupError> {
        self.lock.sync_all().map_err(|error| OpenError::io(&self.half, &error))?;
        let io = |error: io::Error| OpenError::io(&self.whole, &error);
        let former = with_ending(&self.whole, ".old");
        if self.whole.join(MANIFEST_FILE).exists() {
            remove(&former)?;
            fs::rename(&self.whole, &former).map_err(io)?;
        }
        // An empty folder may be there; it is replaced.
        fs::rename(&self.half, &self.whole).map_err(io)?;
        self.done = true;
        sync(self.whole.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        remove(&former)?;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.done {
            let _ = remove(&self.half);
        }
    }
}

/// Whether something may take this place.
fn check(whole: &Path, replace: bool) -> Result<(), BackupError> {
    let mut names = match fs::read_dir(whole) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(BackupError::HoldsOther(whole.to_owned())),
        Err(error) => return Err(OpenError::io(whole, &error).into()),
    };
    if names.next().is_none() {
        return Ok(());
    }
    match Manifest::read(&whole.join(MANIFEST_FILE)) {
        Ok(Some(_)) if replace => Ok(()),
        Ok(Some(manifest)) => Err(BackupError::HoldsBackup { folder: whole.to_owned(), time: manifest.time }),
        Ok(None) | Err(_) => Err(BackupError::HoldsOther(whole.to_owned())),
    }
}

/// Removes the files of a folder; a folder within it is none of ours, and an error.
fn empty(folder: &Path) -> Result<(), BackupError> {
    let remove_all = || {
        for entry in fs::read_dir(folder)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    };
    remove_all().map_err(|error: io::Error| OpenError::io(folder, &error).into())
}

/// Removes a folder and its files, if it is there.
pub(super) fn remove(folder: &Path) -> Result<(), BackupError> {
    if !folder.exists() {
        return Ok(());
    }
    empty(folder)?;
    Ok(fs::remove_dir(folder).map_err(|error| OpenError::io(folder, &error))?)
}

/// Makes a folder for the owner alone, who is that of the folder around it where that can be.
pub(super) fn private_folder(path: &Path) -> Result<(), OpenError> {
    let make = || {
        DirBuilder::new().mode(0o700).create(path)?;
        let around = fs::metadata(path.parent().unwrap_or(Path::new(".")))?;
        if fs::metadata(path)?.uid() != around.uid() {
            // Only root may; for others it stays their own.
            let _ = chown(path, Some(around.uid()), Some(around.gid()));
        }
        Ok(())
    };
    make().map_err(|error: io::Error| OpenError::io(path, &error))
}
