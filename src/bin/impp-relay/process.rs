//! What the relay's process may do: not what root may, and as many open files as the system lets it have.

use impp::cli::exit::{Exit, Failure, Outcome};
use impp::relay::init::Owner;
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Uid, User, geteuid, initgroups, setgroups, setresgid, setresuid};
use std::ffi::CString;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Files that are open besides connections: the store's, the log's, listening sockets.
const OTHER_FILES: u64 = 64;
/// What to do about too few.
const MORE_FILES: &str = "raise LimitNOFILE= or ulimit -n";

/// As root: goes on as the owner of the data folder, to whom everything belongs that a relay writes. The name of whom it is then.
///
/// *Order:* once the sockets are open, and before anything else is.
///
/// # Errors
/// The system does not let it; then it does not serve.
pub(crate) fn drop_root(data_dir: &Path) -> Outcome<String> {
    let me = geteuid();
    if !me.is_root() {
        return Ok(name(me, &user(me)));
    }
    let Some(folder) = std::fs::metadata(data_dir).ok().filter(|folder| folder.uid() != 0) else {
        tracing::warn!(
            "runs as root; make a user for it, and give it the data folder and the key: chown -R impp-relay: {}",
            data_dir.display()
        );
        return Ok("root".to_owned());
    };
    let (owner, group) = (Uid::from_raw(folder.uid()), Gid::from_raw(folder.gid()));
    let user = user(owner);
    become_user(owner, group, user.as_ref()).map_err(|error| {
        let line = format!(
            "cannot go on as {}, the owner of {}: {}; start the relay as that user",
            name(owner, &user),
            data_dir.display(),
            error.desc()
        );
        Failure::new(Exit::Denied, line)
    })?;
    Ok(name(owner, &user))
}

/// Groups first: afterwards it would not be allowed any more. glibc does this for all threads.
fn become_user(uid: Uid, gid: Gid, user: Option<&User>) -> Result<(), Errno> {
    let gid = match user {
        Some(user) => {
            initgroups(&CString::new(user.name.as_str()).map_err(|_| Errno::EINVAL)?, user.gid)?;
            user.gid
        }
        None => {
            setgroups(&[gid])?;
            gid
        }
    };
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    // There must be no way back.
    if setresuid(Uid::from_raw(0), Uid::from_raw(0), Uid::from_raw(0)).is_ok() { Err(Errno::EPERM) } else { Ok(()) }
}

/// The user of this name, if there is one and we are root, who alone can give anything away.
pub(crate) fn system_user(name: &str) -> Option<Owner> {
    let user = User::from_name(name).ok().flatten().filter(|_| geteuid().is_root())?;
    Some(Owner { uid: user.uid.as_raw(), gid: user.gid.as_raw() })
}

fn user(uid: Uid) -> Option<User> {
    User::from_uid(uid).ok().flatten()
}

fn name(uid: Uid, user: &Option<User>) -> String {
    user.as_ref().map_or_else(|| uid.to_string(), |user| user.name.clone())
}

/// Raises the limit of open files as far as it goes, and says how far that is; whether it is enough for so many connections goes
/// to the log.
///
/// *Order:* before anything is opened: what fails for want of descriptors otherwise blames a file, or a port.
///
/// # Errors
/// It is not enough for what the relay opens besides connections.
pub(crate) fn raise_open_files(connections: usize) -> Outcome<u64> {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(0) };
    let open = if setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() { hard } else { soft };
    if open < OTHER_FILES {
        let line = format!("{open} open files are allowed, and {OTHER_FILES} are needed besides connections; {MORE_FILES}");
        return Err(Failure::new(Exit::Internal, line));
    }
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHER_FILES);
    if open < needed {
        tracing::warn!(open_files = open, needed, "too few open files for limits.connections; {MORE_FILES}");
    }
    Ok(open)
}
