//! The socket's place in the file system: nobody may open it, at no moment, but the relay's own user, root, and whom the
//! configuration adds.

use std::fs;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use tokio::net::UnixListener;

/// The open socket. Its name goes with it.
pub(in crate::relay) struct Door {
    pub(super) listener: UnixListener,
    path: PathBuf,
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes the socket with this mode, in place of one that a relay left behind when it was killed.
///
/// # Errors
/// The system's; [`io::ErrorKind::AddrInUse`] if a relay answers there.
pub(in crate::relay) fn open(path: &Path, mode: u32) -> io::Result<Door> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(io::ErrorKind::AlreadyExists.into()),
        Ok(_) if UnixStream::connect(path).is_ok() => return Err(io::ErrorKind::AddrInUse.into()),
        Ok(_) | Err(_) => {}
    }
    // Named when it has its mode.
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let unnamed = PathBuf::from(name);
    let _ = fs::remove_file(&unnamed);
    let listener = UnixListener::bind(&unnamed)?;
    let made = fs::set_permissions(&unnamed, Permissions::from_mode(mode)).and_then(|()| fs::rename(&unnamed, path));
    if let Err(error) = made {
        let _ = fs::remove_file(&unnamed);
        return Err(error);
    }
    Ok(Door { listener, path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_relay_one_socket_and_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let door = open(&path, 0o600).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(open(&path, 0o600).err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
        // Killed: the name stays behind, and nobody answers.
        drop(door);
        let stale = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(stale);
        let door = open(&path, 0o600).unwrap();
        assert!(UnixStream::connect(&path).is_ok());
        drop(door);
        let door = open(&path, 0o660).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        drop(door);
        assert!(!path.exists());
        // What is no socket is left alone.
        fs::write(&path, "precious").unwrap();
        assert_eq!(open(&path, 0o600).err().map(|error| error.kind()), Some(io::ErrorKind::AlreadyExists));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
