//! A folder that is made beside its place and takes it when it is whole: half of one never bears the name.

use super::{BackupError, CONFIG_FILE, is_log};
use crate::store::OpenError;
use crate::store::copy::sync;
use crate::store::manifest::{MANIFEST_FILE, Manifest};
use crate::store::sqlite::DATABASE_FILE;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// The folder while it is made: `.DIR` with this behind it.
const HALF: &str = ".impp-half";
/// The earlier backup while the new one takes its place.
const FORMER: &str = ".impp-replaced";

/// The folder while it is made. Dropped before its time, it goes.
pub(super) struct Place {
    whole: PathBuf,
    half: PathBuf,
    /// Whether an earlier backup may go.
    replace: bool,
    /// Locked, so that two do not make the same.
    lock: File,
    done: bool,
}

impl Place {
    /// Begins a folder that shall be called `whole`. An empty one may be there; with `replace` also an earlier backup.
    pub(super) fn begin(whole: &Path, replace: bool) -> Result<Self, BackupError> {
        let whole = plain(whole)?;
        let former = beside(&whole, FORMER);
        if replace && is_there(&former)? {
            let is_whole = own_former(&former)?;
            if !is_there(&whole)? {
                // The last one was killed between two names.
                if !is_whole {
                    return Err(BackupError::InTheWay(former));
                }
                fs::rename(&former, &whole).map_err(|error| OpenError::io(&whole, &error))?;
            }
        }
        check(&whole, replace)?;
        let half = beside(&whole, HALF);
        let lock = begin_half(&half, &whole)?;
        Ok(Self { whole, half, replace, lock, done: false })
    }

    /// Where it is made.
    pub(super) fn folder(&self) -> &Path {
        &self.half
    }

    /// All in it is on the disk: it takes its place.
    pub(super) fn finish(mut self) -> Result<(), BackupError> {
        self.lock.sync_all().map_err(|error| OpenError::io(&self.half, &error))?;
        let io = |error: io::Error| OpenError::io(&self.whole, &error);
        let former = beside(&self.whole, FORMER);
        // Somebody may have put something there meanwhile.
        let replaced = check(&self.whole, self.replace)?;
        if replaced {
            if is_there(&former)? {
                own_former(&former)?;
                remove(&former)?;
            }
            fs::rename(&self.whole, &former).map_err(io)?;
        }
        // An empty folder may be there; it is replaced.
        if let Err(error) = fs::rename(&self.half, &self.whole) {
            if replaced && let Err(error) = fs::rename(&former, &self.whole) {
                tracing::error!(target: "impp::store", %error, folder = %former.display(), "the earlier backup stays here");
            }
            return Err(io(error).into());
        }
        self.done = true;
        sync(self.whole.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        if replaced {
            remove(&former)?;
        }
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

/// The path with a name at its end: what is made lies beside it, and on the same disk.
fn plain(path: &Path) -> Result<PathBuf, OpenError> {
    // `DIR/` and `DIR` are the same.
    let path: PathBuf = path.components().collect();
    let is_link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
    if path.file_name().is_some() && !is_link {
        return Ok(path);
    }
    fs::canonicalize(&path).map_err(|error| OpenError::io(&path, &error))
}

/// A name beside a folder that nobody gives to something of theirs, and that does not show in a list.
fn beside(whole: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(whole.file_name().unwrap_or_default());
    name.push(ending);
    whole.with_file_name(name)
}

/// Makes the folder in which a backup is made, or takes over what a killed one left. Nobody else has it as long as it is open.
fn begin_half(half: &Path, whole: &Path) -> Result<File, BackupError> {
    let io = |error: io::Error| match error.kind() {
        // Whoever made it has just named it, or given it up.
        io::ErrorKind::NotFound => BackupError::UnderWay(whole.to_owned()),
        _ => OpenError::io(half, &error).into(),
    };
    let made = match DirBuilder::new().mode(0o700).create(half) {
        Ok(()) => true,
        // Left by one that was killed, being made at this moment, or none of ours.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(OpenError::io(half, &error).into()),
    };
    if !made {
        own_folder(half)?;
    }
    let lock = File::open(half).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(BackupError::UnderWay(whole.to_owned())),
        Err(TryLockError::Error(error)) => return Err(io(error)),
    }
    // What was opened may bear another name by now.
    let (opened, named) = (lock.metadata().map_err(io)?, fs::symlink_metadata(half).map_err(io)?);
    if (opened.dev(), opened.ino()) != (named.dev(), named.ino()) {
        return Err(BackupError::UnderWay(whole.to_owned()));
    }
    if !made {
        if !holds_only_ours(half, None).map_err(io)? {
            return Err(BackupError::InTheWay(half.to_owned()));
        }
        empty(half)?;
    }
    // The umask may have taken something away.
    lock.set_permissions(fs::Permissions::from_mode(0o700)).map_err(io)?;
    Ok(lock)
}

fn is_there(path: &Path) -> Result<bool, OpenError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(OpenError::io(path, &error)),
    }
}

/// Insists on a folder, not a link to one, that belongs to who runs this: what others prepared here would be theirs, and they
/// could put something else in its place while files are removed from it.
fn own_folder(folder: &Path) -> Result<(), BackupError> {
    let io = |error: io::Error| OpenError::io(folder, &error);
    let found = fs::symlink_metadata(folder).map_err(io)?;
    if found.is_dir() && found.uid() == user().map_err(io)? { Ok(()) } else { Err(BackupError::InTheWay(folder.to_owned())) }
}

/// The same of a backup that was set aside, or of what is left of one that was being removed. Whether it is a backup still.
fn own_former(folder: &Path) -> Result<bool, BackupError> {
    own_folder(folder)?;
    let alone = match backup_in(folder)? {
        Some((_, alone)) => alone.then_some(true),
        None => holds_only_ours(folder, None).map_err(|error| OpenError::io(folder, &error))?.then_some(false),
    };
    alone.ok_or_else(|| BackupError::InTheWay(folder.to_owned()))
}

/// Who runs this: the owner of a pipe that it makes.
fn user() -> io::Result<u32> {
    let (end, _) = io::pipe()?;
    Ok(File::from(OwnedFd::from(end)).metadata()?.uid())
}

/// Whether something may take this place; and whether an earlier backup has it.
fn check(whole: &Path, replace: bool) -> Result<bool, BackupError> {
    let mut names = match fs::read_dir(whole) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(BackupError::HoldsOther(whole.to_owned())),
        Err(error) => return Err(OpenError::io(whole, &error).into()),
    };
    if names.next().is_none() {
        return Ok(false);
    }
    match backup_in(whole)? {
        Some((manifest, _)) if !replace => Err(BackupError::HoldsBackup { folder: whole.to_owned(), time: manifest.time }),
        Some((_, true)) => Ok(true),
        _ => Err(BackupError::HoldsOther(whole.to_owned())),
    }
}

/// The backup that a folder holds, and whether it holds nothing else.
fn backup_in(folder: &Path) -> Result<Option<(Manifest, bool)>, OpenError> {
    let Ok(Some(manifest)) = Manifest::read(&folder.join(MANIFEST_FILE)) else { return Ok(None) };
    let alone = holds_only_ours(folder, Some(&manifest)).map_err(|error| OpenError::io(folder, &error))?;
    Ok(Some((manifest, alone)))
}

/// Whether nothing is in a folder but what `backup` writes, or a manifest lists.
fn holds_only_ours(folder: &Path, manifest: Option<&Manifest>) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        // With its journal, while SQLite works on it.
        let database = name.strip_prefix(DATABASE_FILE).is_some_and(|rest| ["", "-journal", "-wal", "-shm"].contains(&rest));
        let listed = manifest.is_some_and(|manifest| manifest.files.iter().any(|listed| listed.name == name));
        let ours = database || listed || is_log(name) || [MANIFEST_FILE, CONFIG_FILE].contains(&name);
        if !ours || !entry.file_type()?.is_file() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes the files of a folder, if it is there; whether it is. A folder within it is none of ours, and an error; through a link
/// nothing is removed.
pub(super) fn empty(folder: &Path) -> Result<bool, OpenError> {
    let remove_all = || {
        match fs::symlink_metadata(folder) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        for entry in fs::read_dir(folder)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(true)
    };
    remove_all().map_err(|error: io::Error| OpenError::io(folder, &error))
}

/// The same, and the folder.
pub(super) fn remove(folder: &Path) -> Result<(), OpenError> {
    if empty(folder)? { fs::remove_dir(folder).map_err(|error| OpenError::io(folder, &error)) } else { Ok(()) }
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
