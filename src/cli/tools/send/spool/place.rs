//! Where the spool is, and whether only its owner can get at it.

use crate::cli::exit::{Exit, Failure, Outcome, reason};
use std::fs::{DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// The superuser's, who often runs without a home.
const OF_ROOT: &str = "/var/spool/impp";
/// Anybody may write there, but each only move what is their own.
const STICKY: u32 = 0o1000;

/// User and group of a process or file.
type Owner = (u32, u32);

/// The spool that was named, that of IMPP_SPOOL, or the user's own.
///
/// # Errors
/// 78 if nothing says where.
pub(in super::super) fn find(named: Option<&Path>) -> Outcome<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let is_root = this_process().is_some_and(|(user, _)| user == 0);
    named
        .map(Path::to_owned)
        .or_else(|| variable("IMPP_SPOOL"))
        .or_else(|| is_root.then(|| PathBuf::from(OF_ROOT)))
        .or_else(|| variable("XDG_STATE_HOME").map(|state| state.join("impp/spool")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/impp/spool")))
        .ok_or_else(|| Failure::new(Exit::Config, "where is the spool? HOME is not set: give --queue=DIR, or set IMPP_SPOOL"))
}

/// Makes the folder where it is missing.
///
/// # Errors
/// 73.
pub(super) fn make(folder: &Path) -> Outcome<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| Failure::creating(folder, &error))
}

/// Insists that nobody else can read the folder or put something in its place.
///
/// # Errors
/// 78 with what mends it.
pub(super) fn check(folder: &Path) -> Outcome<()> {
    let wrong = |why: String| Failure::new(Exit::Config, format!("the spool {} is not safe: {why}", folder.display()));
    let real = folder.canonicalize().map_err(|error| wrong(reason(&error)))?;
    let Some(me) = this_process() else { return Ok(()) };
    for (depth, path) in real.ancestors().enumerate() {
        let about = path.metadata().map_err(|error| wrong(reason(&error)))?;
        let fault = if depth == 0 { of_spool(&about, me) } else { of_parent(&about, me) };
        match fault {
            None => {}
            Some(Fault::Mode(mend)) => {
                return Err(wrong(format!("others can get at it; mend it with: chmod {mend} {}", path.display())));
            }
            Some(Fault::Owner) => return Err(wrong(format!("{} belongs to another user", path.display()))),
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// What `chmod` should do.
    Mode(&'static str),
    Owner,
}

fn of_spool(about: &Metadata, me: Owner) -> Option<Fault> {
    judge_spool(about.mode(), about.uid(), me)
}

fn judge_spool(mode: u32, owner: u32, me: Owner) -> Option<Fault> {
    if owner != me.0 {
        return Some(Fault::Owner);
    }
    (mode & 0o077 != 0).then_some(Fault::Mode("700"))
}

fn of_parent(about: &Metadata, me: Owner) -> Option<Fault> {
    judge_parent(about.mode(), (about.uid(), about.gid()), me)
}

/// A folder above: whoever may write into it may put another in the place of ours. A group of one's own name is oneself.
fn judge_parent(mode: u32, owner: Owner, me: Owner) -> Option<Fault> {
    if owner.0 != 0 && owner.0 != me.0 {
        return Some(Fault::Owner);
    }
    let group = mode & 0o020 != 0 && owner.1 != me.1 && owner.1 != 0;
    let others = mode & 0o002 != 0;
    ((group || others) && mode & STICKY == 0).then_some(Fault::Mode("go-w"))
}

/// Whose process this is, where the system tells.
fn this_process() -> Option<Owner> {
    Path::new("/proc/self").metadata().ok().map(|about| (about.uid(), about.gid()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    const ME: Owner = (1000, 1000);

    #[test]
    fn only_the_owner_gets_at_a_spool() {
        for (mode, owner, fault) in [
            (0o700, 1000, None),
            (0o500, 1000, None),
            (0o750, 1000, Some(Fault::Mode("700"))),
            (0o702, 1000, Some(Fault::Mode("700"))),
            (0o1777, 1000, Some(Fault::Mode("700"))),
            (0o700, 0, Some(Fault::Owner)),
            (0o700, 1001, Some(Fault::Owner)),
        ] {
            assert_eq!(judge_spool(mode, owner, ME), fault, "{mode:o} {owner}");
        }
        for (mode, owner, fault) in [
            (0o755, (0, 0), None),
            (0o1777, (0, 0), None),
            (0o775, (0, 0), None),
            (0o775, (1000, 1000), None),
            (0o775, (1000, 50), Some(Fault::Mode("go-w"))),
            (0o777, (1000, 1000), Some(Fault::Mode("go-w"))),
            (0o777, (0, 0), Some(Fault::Mode("go-w"))),
            (0o755, (1001, 1000), Some(Fault::Owner)),
        ] {
            assert_eq!(judge_parent(mode, owner, ME), fault, "{mode:o} {owner:?}");
        }
    }

    #[test]
    fn a_spool_that_others_can_get_at_is_refused_with_what_mends_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/spool");
        make(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        check(&folder).unwrap();
        let chmod = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        chmod(&folder, 0o755);
        let failure = check(&folder).unwrap_err();
        assert_eq!(failure.exit, Exit::Config);
        assert!(failure.line().unwrap().contains("chmod 700 "), "{failure:?}");
        chmod(&folder, 0o700);
        chmod(&place.path().join("a"), 0o777);
        assert!(check(&folder).unwrap_err().line().unwrap().contains("chmod go-w "));
        let link = place.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(check(&link).is_err(), "a link leads to the same place");
    }
}
