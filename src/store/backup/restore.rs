//! Putting a backup back: into an empty data folder, or in the place of a store that is set aside.

use super::place::{empty, private_folder, remove};
use super::{BackupError, drop_settled, is_log, lift, together};
use crate::model::UnixMillis;
use crate::store::manifest::{Listed, Manifest};
use crate::store::recent;
use crate::store::sqlite::{DATABASE_FILE, HALF_RESTORED, LOCK_FILE, lock, make_folder};
use crate::store::verify::{self, Counts};
use crate::store::{OpenError, copy, migrations};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// While the new store is made ready, beside the old one.
const HALF: &str = "restore.half";

/// Which backup, and whereto.
#[derive(Clone, Copy, Debug)]
pub struct Restoring<'a> {
    /// The backup.
    pub from: &'a Path,
    /// The data folder.
    pub data: &'a Path,
    /// Whether a store there may be set aside.
    pub replace: bool,
    /// When.
    pub now: UnixMillis,
}

/// A backup that was put back.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Its manifest.
    pub manifest: Manifest,
    /// What is in the store now.
    pub counts: Counts,
    /// How many versions of presence were lifted.
    pub lifted: u64,
    /// Messages that the replaced store knew to be delivered since, and so are not in the restored one.
    pub delivered_since: u64,
    /// Where the replaced store is now.
    pub aside: Option<PathBuf>,
}

/// Puts a backup back, which is verified before and after. No relay may run there. All is on the disk when this returns.
///
/// If a store is replaced whose log of deliveries can be read, the new one goes on with it: what was delivered since the backup
/// is not delivered again.
///
/// # Errors
/// [`BackupError`]; what was there is there still. If the process is killed between the two, the relay does not start until
/// the restore is done again.
pub fn restore(restoring: &Restoring<'_>) -> Result<Restored, BackupError> {
    let manifest = check(restoring)?;
    let data = restoring.data;
    make_folder(data)?;
    let _alone = lock(data)?;
    let broken_off = data.join(HALF_RESTORED);
    let old = ours(data)?;
    if !old.is_empty() && !restoring.replace && !broken_off.exists() {
        return Err(BackupError::HoldsStore(data.to_owned()));
    }
    let half = data.join(HALF);
    let known = known(data)?;
    remove(&half)?;
    private_folder(&half)?;
    let ready = make_ready(restoring, &manifest, known, &half).inspect_err(|_| {
        let _ = remove(&half);
    })?;
    // From here on no relay starts until all is in its place. If one was broken off here, none starts already, and at no moment
    // is there neither a store nor this name: an empty folder is replaced by the rename.
    empty(&broken_off)?;
    copy::name(&half, &broken_off)?;
    let aside = set_aside(data, &old, restoring.now)?;
    for name in names(&broken_off)? {
        fs::rename(broken_off.join(&name), data.join(&name)).map_err(|error| OpenError::io(data, &error))?;
    }
    copy::sync(data)?;
    remove(&broken_off)?;
    copy::sync(data)?;
    Ok(Restored { manifest, aside, ..ready })
}

/// The backup must be whole, and the clock right.
fn check(restoring: &Restoring<'_>) -> Result<Manifest, BackupError> {
    let no_backup = || BackupError::NoBackup(restoring.from.to_owned());
    let verdict = match verify::folder(restoring.from) {
        Ok(verdict) => verdict,
        Err(error) if !restoring.from.join(DATABASE_FILE).exists() => {
            tracing::debug!(target: "impp::store", %error, "no backup");
            return Err(no_backup());
        }
        Err(error) => return Err(error.into()),
    };
    let manifest = verdict.manifest.ok_or_else(no_backup)?;
    if !verdict.faults.is_empty() {
        return Err(BackupError::Damaged(verdict.faults));
    }
    // A manifest's time is in whole seconds.
    if restoring.now.0 / 1000 < manifest.time.0 / 1000 {
        return Err(BackupError::Clock { backup: manifest.time, now: restoring.now });
    }
    Ok(manifest)
}

/// The deliveries that a data folder remembers. A restore that was broken off may have what is no longer where the relay keeps it,
/// and have moved it on when it was repeated, and broken off again.
fn known(data: &Path) -> Result<Vec<recent::Entry>, OpenError> {
    let mut known = recent::entries(data)?;
    let [broken_off, half] = [HALF_RESTORED, HALF].map(|name| data.join(name));
    if broken_off.exists() {
        for folder in [broken_off, half].into_iter().filter(|folder| folder.exists()) {
            known.extend(recent::entries(&folder)?);
        }
    }
    Ok(known)
}

/// The store as it shall be, whole in the folder `half`; these deliveries are known beside those of the backup.
fn make_ready(
    restoring: &Restoring<'_>,
    manifest: &Manifest,
    known: Vec<recent::Entry>,
    half: &Path,
) -> Result<Restored, BackupError> {
    let stored = |name: &str| name == DATABASE_FILE || is_log(name);
    for listed in manifest.files.iter().filter(|listed| stored(&listed.name)) {
        copy_listed(restoring.from, half, listed)?;
    }
    let log = together([recent::entries(half)?, known].concat());
    let path = half.join(DATABASE_FILE);
    let (lifted, delivered_since) = change(&path, &log, restoring.now)?;
    let io = |error: io::Error| OpenError::io(half, &error);
    for name in names(half)?.into_iter().filter(|name| is_log(name)) {
        fs::remove_file(half.join(name)).map_err(io)?;
    }
    recent::write_whole(half, &log).map_err(io)?;
    let (_, counts, faults) = verify::content(half)?;
    if !faults.is_empty() {
        return Err(BackupError::Damaged(faults));
    }
    copy::sync(&path)?;
    copy::sync(half)?;
    Ok(Restored { manifest: manifest.clone(), counts, lifted, delivered_since, aside: None })
}

/// Brings the copy to this program's schema, takes out what was delivered, and lifts the versions.
fn change(path: &Path, log: &[recent::Entry], now: UnixMillis) -> Result<(u64, u64), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::sqlite(path, &error);
    let mut store = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    migrations::run(&mut store, path)?;
    let transaction = store.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let delivered = drop_settled(&transaction, log).map_err(failed)?;
    let lifted = lift::versions(&transaction, now).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok((lifted, delivered))
}

/// Copies a file of the backup, and insists that the copy is what the manifest says.
fn copy_listed(from: &Path, to: &Path, listed: &Listed) -> Result<(), BackupError> {
    let (source, copy) = (from.join(&listed.name), to.join(&listed.name));
    copy::file(&source, &copy)?;
    match Listed::of(to, &listed.name) {
        Ok(found) if found == *listed => Ok(()),
        Ok(_) => Err(BackupError::Damaged(vec![verify::Fault::File { name: listed.name.clone(), there: true }])),
        Err(error) => Err(OpenError::io(&copy, &error).into()),
    }
}

/// Moves what is there to a folder of its own.
fn set_aside(data: &Path, old: &[String], now: UnixMillis) -> Result<Option<PathBuf>, BackupError> {
    if old.is_empty() {
        return Ok(None);
    }
    let stamp: String = now.to_rfc3339().chars().filter(|c| *c != '-' && *c != ':').collect();
    let named = |number: u32| match number {
        1 => data.join(format!("before-{stamp}")),
        _ => data.join(format!("before-{stamp}-{number}")),
    };
    let aside = (1..).map(named).find(|aside| !aside.exists()).unwrap_or_else(|| named(0));
    private_folder(&aside)?;
    for name in old {
        fs::rename(data.join(name), aside.join(name)).map_err(|error| OpenError::io(&aside, &error))?;
    }
    copy::sync(&aside)?;
    Ok(Some(aside))
}

/// The files of a store that are in a data folder.
fn ours(data: &Path) -> Result<Vec<String>, OpenError> {
    Ok(names(data)?.into_iter().filter(|name| is_log(name) || (name.starts_with("store") && name.contains(".db"))).collect())
}

/// The names in a folder, but for the lock.
fn names(folder: &Path) -> Result<Vec<String>, OpenError> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
    let names = read().map_err(|error| OpenError::io(folder, &error))?;
    Ok(names.into_iter().filter_map(|name| name.into_string().ok()).filter(|name| name != LOCK_FILE).collect())
}
