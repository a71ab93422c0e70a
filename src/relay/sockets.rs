//! The listening sockets before anybody accepts on them: opened here, or handed over by a service manager.

use super::config::Config;
use super::config::Start;
use super::health::Probe;
use core::fmt;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::TcpListener;

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;

/// Where a relay listens, with the ports that the system chose where the configuration says 0.
#[derive(Clone, Debug, Default)]
pub struct Bound {
    /// Without TLS at the start.
    pub plain: Vec<SocketAddr>,
    /// With TLS from the first octet.
    pub tls: Vec<SocketAddr>,
    /// For `/metrics` and `/healthz`.
    pub http: Option<SocketAddr>,
    /// Looks whether the relay does its work; `None` where none runs yet.
    pub health: Option<Probe>,
}

/// A socket that was open when the process began. It stays open when the relay ends, for whoever handed it over has it too.
#[derive(Debug)]
pub struct Passed {
    /// What it is called: `plain`, `tls` and `http` say what begins on it.
    pub name: String,
    /// The socket.
    pub listener: TcpListener,
}

/// Open sockets: connections already wait in them.
///
/// *Order:* opened first, by whoever may; a process that has privileges only for that gives them up before it goes on.
#[derive(Debug)]
pub struct Sockets {
    open: Vec<Opened>,
    http: Option<TcpListener>,
    bound: Bound,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) start: Start,
    /// As the configuration names it; `None`: it was passed.
    pub(super) wanted: Option<SocketAddr>,
    pub(super) address: SocketAddr,
    /// Until somebody takes it.
    pub(super) listener: Option<TcpListener>,
}

/// Why the relay does not listen.
#[derive(Debug)]
pub enum SocketError {
    /// An address of the configuration.
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// A socket that was handed over cannot be used.
    Unusable {
        /// Its name.
        name: String,
        /// Why not.
        error: io::Error,
    },
    /// A socket that was handed over is neither for the one nor for the other.
    NeitherNor {
        /// Its name.
        name: String,
        /// Where it listens.
        address: SocketAddr,
    },
    /// An address of the configuration lies within one on which this relay listens already, or the other way round.
    Overlaps {
        /// Which.
        address: SocketAddr,
        /// The other one.
        open: SocketAddr,
    },
    /// A socket for TLS was handed over, and there is no certificate.
    NoCertificate {
        /// Where it listens.
        address: SocketAddr,
    },
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { address, error } => match error.kind() {
                io::ErrorKind::AddrInUse => {
                    write!(f, "{address} is in use by another program; stop it or choose another port in [listen]")
                }
                io::ErrorKind::PermissionDenied => {
                    write!(f, "listening on {address} is not allowed to this user; choose a port above 1023 in [listen]")
                }
                io::ErrorKind::AddrNotAvailable => write!(f, "{address} is no address of this machine; mend [listen]"),
                _ => write!(f, "cannot listen on {address}: {error}"),
            },
            Self::Overlaps { address, open } => {
                write!(
                    f,
                    "{address} cannot be opened while this relay listens on {open}; restart it, or choose another port in [listen]"
                )
            }
            Self::Unusable { name, error } => {
                write!(f, "the socket {name:?} that the service manager passed cannot be used: {error}")
            }
            Self::NeitherNor { name, address } => write!(
                f,
                "the service manager passed a socket {name:?} on {address}, a port that [listen] does not name; \
                 write FileDescriptorName=plain, tls or http into its unit"
            ),
            Self::NoCertificate { address } => write!(
                f,
                "the service manager passed a socket for TLS on {address}, but [tls] names no certificate; \
                 name one, or take the socket out of its unit"
            ),
        }
    }
}

impl std::error::Error for SocketError {}

impl Sockets {
    /// Opens what `[listen]` names. Of the kind of which sockets were passed, plain or TLS, these are used instead: the service
    /// manager decides where the relay listens then.
    ///
    /// A passed socket is what its name says, and otherwise what `[listen]` has on its port.
    ///
    /// # Errors
    /// [`SocketError`]
    pub fn open(config: &Config, passed: Vec<Passed>) -> Result<Self, SocketError> {
        let mut sockets = Self { open: Vec::new(), http: None, bound: Bound::default() };
        let (http, passed): (Vec<_>, Vec<_>) = passed.into_iter().partition(|socket| socket.name == "http");
        if let Some(socket) = http.into_iter().next() {
            checked(&socket)?;
            sockets.watch(socket.listener);
        } else if let Some(address) = config.listen.http {
            sockets.watch(bind(address).map_err(|error| SocketError::Bind { address, error })?);
        }
        for socket in passed {
            let (start, address) = place(&socket, config)?;
            sockets.add(Opened { start, wanted: None, address, listener: Some(socket.listener) });
        }
        let mut missing = config.listen.ports().to_vec();
        missing.retain(|(start, _)| !sockets.open.iter().any(|open| open.start == *start));
        for (start, addresses) in missing {
            for &address in addresses {
                sockets.add(open(start, address)?);
            }
        }
        Ok(sockets)
    }

    /// Where they listen.
    #[must_use]
    pub const fn bound(&self) -> &Bound {
        &self.bound
    }

    /// The sockets, each with what begins on it; and the one for HTTP, if there is one.
    pub(super) fn into_open(self) -> (Vec<Opened>, Option<TcpListener>) {
        (self.open, self.http)
    }

    fn watch(&mut self, listener: TcpListener) {
        self.bound.http = listener.local_addr().ok();
        self.http = Some(listener);
    }

    fn add(&mut self, opened: Opened) {
        match opened.start {
            Start::Plain => self.bound.plain.push(opened.address),
            Start::Tls => self.bound.tls.push(opened.address),
        }
        self.open.push(opened);
    }
}

/// What a passed socket is for, and where it listens.
fn place(socket: &Passed, config: &Config) -> Result<(Start, SocketAddr), SocketError> {
    let address = checked(socket)?;
    let start = match socket.name.as_str() {
        "plain" => Start::Plain,
        "tls" => Start::Tls,
        name => {
            let listed = |addresses: &[SocketAddr]| addresses.iter().any(|listed| listed.port() == address.port());
            let found = config.listen.ports().into_iter().find(|(_, addresses)| listed(addresses));
            found.ok_or_else(|| SocketError::NeitherNor { name: name.to_owned(), address })?.0
        }
    };
    if start == Start::Tls && !config.tls.has_certificate() {
        return Err(SocketError::NoCertificate { address });
    }
    Ok((start, address))
}

/// Where a passed socket listens.
fn checked(socket: &Passed) -> Result<SocketAddr, SocketError> {
    let unusable = |error| SocketError::Unusable { name: socket.name.clone(), error };
    let address = socket.listener.local_addr().map_err(unusable)?;
    if !socket2::SockRef::from(&socket.listener).is_listener().map_err(unusable)? {
        return Err(unusable(io::Error::other("it does not listen; the unit must have Accept=no")));
    }
    socket.listener.set_nonblocking(true).map_err(unusable)?;
    Ok(address)
}

/// Opens one that the configuration names.
///
/// # Errors
/// [`SocketError::Bind`]
pub(super) fn open(start: Start, address: SocketAddr) -> Result<Opened, SocketError> {
    let listener = bind(address).map_err(|error| SocketError::Bind { address, error })?;
    let bound = listener.local_addr().unwrap_or(address);
    Ok(Opened { start, wanted: Some(address), address: bound, listener: Some(listener) })
}

/// Opens a listening socket. An IPv6 socket takes IPv6 only, so that both families can be named side by side,
/// but for the unspecified address, which takes both as people expect of `[::]`.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    if let IpAddr::V6(ip) = address.ip() {
        socket.set_only_v6(!ip.is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config(listen: &str, tls: &str) -> Config {
        let text = format!("domains = [\"a.test\"]\ndata-dir = \"d\"\n[listen]\n{listen}\n[tls]\n{tls}\n");
        Config::parse(Path::new("relay.toml"), &text).unwrap()
    }

    const BOTH: &str = "plain = [\"127.0.0.1:0\"]\ntls = [\"127.0.0.1:0\", \"[::1]:0\"]";
    const CERTIFIED: &str = "certificate = \"c\"\nkey = \"k\"";

    fn passed(name: &str) -> (SocketAddr, Passed) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        (listener.local_addr().unwrap(), Passed { name: name.to_owned(), listener })
    }

    #[test]
    fn what_nobody_passed_is_opened() {
        let sockets = Sockets::open(&config(BOTH, CERTIFIED), Vec::new()).unwrap();
        assert_eq!((sockets.bound().plain.len(), sockets.bound().tls.len()), (1, 2));
        assert!(sockets.bound().tls.iter().all(|address| address.port() != 0));
    }

    #[test]
    fn passed_sockets_stand_for_those_of_their_kind() {
        let ((one, first), (two, second)) = (passed("tls"), passed("tls"));
        let sockets = Sockets::open(&config(BOTH, CERTIFIED), vec![first, second]).unwrap();
        assert_eq!(sockets.bound().tls, [one, two]);
        assert!(sockets.bound().plain.len() == 1 && !sockets.bound().plain.contains(&one));
    }

    #[test]
    fn without_a_name_of_ours_the_port_decides() {
        let ((secure, first), (clear, second)) = (passed("impp-relay.socket"), passed("unknown"));
        let listen = format!("plain = [\"0.0.0.0:{}\"]\ntls = [\"[::]:{}\"]", clear.port(), secure.port());
        let sockets = Sockets::open(&config(&listen, CERTIFIED), vec![first, second]).unwrap();
        assert_eq!((&sockets.bound().plain, &sockets.bound().tls), (&vec![clear], &vec![secure]));

        let (address, odd) = passed("impp-relay.socket");
        let refused = Sockets::open(&config(BOTH, CERTIFIED), vec![odd]).unwrap_err().to_string();
        assert_eq!(
            refused,
            format!(
                "the service manager passed a socket \"impp-relay.socket\" on {address}, a port that [listen] does not name; \
                 write FileDescriptorName=plain, tls or http into its unit"
            )
        );
    }

    #[test]
    fn tls_needs_a_certificate() {
        let (address, socket) = passed("tls");
        let config = config("plain = [\"127.0.0.1:0\"]", "required = false");
        let refused = Sockets::open(&config, vec![socket]).unwrap_err().to_string();
        assert!(refused.contains(&format!("a socket for TLS on {address}, but [tls] names no certificate")), "{refused}");
    }
}
