//! Telling a service manager how far the relay is: systemd's notification socket.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

/// The variable that names the socket.
const VARIABLE: &str = "NOTIFY_SOCKET";

/// Says something to the service manager, if there is one.
///
/// *Shape:* `READY=1`
///
/// # Errors
/// The socket is there but does not take it.
pub(crate) fn say(state: &str) -> io::Result<()> {
    match std::env::var(VARIABLE) {
        Ok(name) if !name.is_empty() => send(&name, state),
        _ => Ok(()),
    }
}

fn send(name: &str, state: &str) -> io::Result<()> {
    let address = match name.strip_prefix('@') {
        Some(hidden) => SocketAddr::from_abstract_name(hidden)?,
        None => SocketAddr::from_pathname(Path::new(name))?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_names_are_reached() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let hidden = format!("@{}", path.display());
        let listeners = [
            (path.to_str().unwrap().to_owned(), UnixDatagram::bind(&path).unwrap()),
            (hidden.clone(), UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&hidden[1..]).unwrap()).unwrap()),
        ];
        for (name, listener) in listeners {
            send(&name, "READY=1").unwrap();
            let mut heard = [0; 16];
            let length = listener.recv(&mut heard).unwrap();
            assert_eq!(&heard[..length], b"READY=1", "{name}");
        }
    }
}
