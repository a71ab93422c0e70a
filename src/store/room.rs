//! How much room is left where a store lies.

use nix::sys::statvfs::statvfs;
use std::io;
use std::path::Path;

/// Octets that this user may still write to the file system of the folder; `None`: it is none that counts them.
///
/// # Errors
/// There is no such folder, or the system does not tell.
pub fn room(folder: &Path) -> io::Result<Option<u64>> {
    let told = statvfs(folder)?;
    Ok((told.blocks() > 0).then(|| told.blocks_available().saturating_mul(told.fragment_size())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_some_here_and_not_everywhere_is_it_counted() {
        let folder = tempfile::tempdir().unwrap();
        assert!(room(folder.path()).unwrap().unwrap() > 0);
        #[cfg(target_os = "linux")]
        assert_eq!(room(Path::new("/proc")).unwrap(), None);
        assert_eq!(room(&folder.path().join("x")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
