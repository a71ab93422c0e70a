//! Telling a service manager how the relay does: systemd's notification socket, and its watchdog.
//!
//! Done here rather than by a crate: sd-notify 0.5 does not reach the abstract sockets of other supervisors.

use nix::time::{ClockId, clock_gettime};
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

/// How long the service manager may take to listen.
const PATIENCE: Duration = Duration::from_secs(1);
/// The variable that names the socket.
const SOCKET: &str = "NOTIFY_SOCKET";
/// The variable with the time after which silence is taken for death.
const WATCHDOG: &str = "WATCHDOG_USEC";
/// The process that the time is for.
const WATCHDOG_PROCESS: &str = "WATCHDOG_PID";

/// Says something to the service manager, if there is one; that it does not listen is no reason to end.
///
/// *Shape:* `READY=1`, or several such lines
pub(crate) fn say(state: &str) {
    let told = match std::env::var(SOCKET) {
        Ok(name) if !name.is_empty() => send(&name, state),
        _ => Ok(()),
    };
    if let Err(error) = told {
        tracing::warn!(%error, "the service manager does not listen");
    }
}

/// Says that everything is read again. The time tells the service manager that it is this reload, and not one before.
pub(crate) fn say_reloading() {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    say(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()));
}

/// The time after which the service manager takes silence for death.
pub(crate) fn watchdog() -> Option<Duration> {
    let read = |name| std::env::var(name).ok();
    patience(read(WATCHDOG).as_deref(), read(WATCHDOG_PROCESS).as_deref(), std::process::id())
}

fn patience(time: Option<&str>, process: Option<&str>, me: u32) -> Option<Duration> {
    // A parent's, which it did not take out of the environment, is not ours.
    if process.is_some_and(|process| process.parse() != Ok(me)) {
        return None;
    }
    time?.parse().ok().filter(|time| *time > 0).map(Duration::from_micros)
}

fn send(name: &str, state: &str) -> io::Result<()> {
    let address = match name.strip_prefix('@') {
        Some(hidden) => SocketAddr::from_abstract_name(hidden)?,
        None => SocketAddr::from_pathname(Path::new(name))?,
    };
    let socket = UnixDatagram::unbound()?;
    // A manager that is stuck must not hang its services as well.
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.send_to_addr(state.as_bytes(), &address).map(|_| ())
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

    #[test]
    fn the_watchdog_is_only_ours_if_it_names_us() {
        for (time, process, known) in [
            (Some("30000000"), None, Some(30)),
            (Some("30000000"), Some("7"), Some(30)),
            (Some("30000000"), Some("8"), None),
            (Some("30000000"), Some(""), None),
            (Some("0"), None, None),
            (Some("soon"), None, None),
            (None, Some("7"), None),
        ] {
            assert_eq!(patience(time, process, 7), known.map(Duration::from_secs), "{time:?} {process:?}");
        }
    }
}
