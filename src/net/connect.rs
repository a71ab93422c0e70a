//! From where a server may be to a connected stream: every address, families interleaved, starts staggered (SPEC §2).

use super::clock::Clock;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};
use std::{fmt, io};
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// Port for a plain start and STARTTLS.
pub const PORT_PLAIN: u16 = 5772;
/// Port for TLS from the first octet.
pub const PORT_TLS: u16 = 5773;
/// The wait before the next address is tried beside those under way (RFC 8305, section 5).
pub const STAGGER: Duration = Duration::from_millis(250);

/// How a connection begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsKind {
    /// TLS from the first octet.
    #[default]
    Require,
    /// A plain start, and STARTTLS before anything of value.
    StartTls,
    /// In the clear: to loopback addresses, or wherever [`Limits::clear_anywhere`] says so.
    Off,
}

impl TlsKind {
    /// The port where none was named.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Require => PORT_TLS,
            Self::StartTls | Self::Off => PORT_PLAIN,
        }
    }
}

/// A host, perhaps with a port.
///
/// *Shape:* `im.example.org`, `im.example.org:5773`, `192.0.2.1:5773`, `2001:db8::1`, `[2001:db8::1]:5773`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A name or an address, without brackets.
    pub host: String,
    /// `None`: the usual one.
    pub port: Option<u16>,
}

impl HostPort {
    /// Reads `HOST[:PORT]`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            let port = if rest.is_empty() { None } else { Some(port(rest.strip_prefix(':')?)?) };
            return Some(Self { host: host.to_owned(), port });
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Some(Self { host: text.to_owned(), port: None });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, text)) => (host, Some(port(text)?)),
            None => (text, None),
        };
        let sound =
            !host.is_empty() && host.len() <= 253 && host.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._".contains(&c));
        sound.then(|| Self { host: host.to_owned(), port })
    }
}

fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.host.contains(':'), self.port) {
            (true, Some(port)) => write!(f, "[{}]:{port}", self.host),
            (false, Some(port)) => write!(f, "{}:{port}", self.host),
            (_, None) => f.write_str(&self.host),
        }
    }
}

/// Where a server may be, best first. Whoever fills it has decided the order; here all of it is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates(Vec<Candidate>);

/// One place where a server may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How to begin there.
    pub tls: TlsKind,
}

impl Candidates {
    /// The one server that a person named.
    #[must_use]
    pub fn named(server: &HostPort, tls: TlsKind) -> Self {
        Self(vec![Candidate { host: server.host.clone(), port: server.port.unwrap_or(tls.port()), tls }])
    }
}

/// What a connection may cost, and where it may lead.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The time for one address.
    pub attempt: Duration,
    /// When all must be over.
    pub deadline: Instant,
    /// Which addresses.
    pub family: Family,
    /// Whether [`TlsKind::Off`] may leave this machine.
    pub clear_anywhere: bool,
}

/// Address families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Both, IPv6 first.
    #[default]
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

/// A connected stream and where it leads.
#[derive(Debug)]
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
pub struct Connected {
    /// The stream, without Nagle's delay.
    pub stream: TcpStream,
    /// The other end.
    pub address: SocketAddr,
    /// The candidate that it belongs to.
    pub candidate: Candidate,
}

/// Why there is no connection. Names of hosts are those that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody said where the server is.
    NoServer,
    /// There is no host of this name.
    HostUnknown(String),
    /// Whether there is such a host could not be found out.
    LookupFailed(String),
    /// The host has no address of the family that is wanted.
    NoAddress(String),
    /// The host is not this machine, and nothing may go there in the clear.
    InTheClear(String),
    /// Every address was tried; what the last of them said.
    Failed {
        /// The host.
        host: String,
        /// The last address that failed.
        address: SocketAddr,
        /// How.
        kind: io::ErrorKind,
        /// How many addresses were tried.
        tried: usize,
    },
    /// The deadline came first.
    Timeout(String),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServer => f.write_str(
                "no server is named, and this version does not look one up in the DNS; name one with --server HOST[:PORT]",
            ),
            Self::HostUnknown(host) => write!(f, "there is no host {host}"),
            Self::LookupFailed(host) => write!(f, "the address of {host} cannot be looked up now"),
            Self::NoAddress(host) => write!(f, "{host} has no address of the wanted family"),
            Self::InTheClear(host) => write!(f, "{host} is another machine, and a connection to it would not be encrypted"),
            Self::Failed { host, address, kind, tried: 1 } => write!(f, "cannot connect to {host} ({address}): {kind}"),
            Self::Failed { host, address, kind, tried } => {
                write!(f, "cannot connect to any of the {tried} addresses of {host} (the last, {address}: {kind})")
            }
            Self::Timeout(host) => write!(f, "{host} cannot be reached in time"),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Connects to the first address that answers.
///
/// # Errors
/// [`ConnectError`], after every address of every candidate was tried or the deadline came.
pub async fn connect(candidates: &Candidates, limits: &Limits) -> Result<Connected, ConnectError> {
    let last_host = candidates.0.first().map(|candidate| candidate.host.clone()).ok_or(ConnectError::NoServer)?;
    let deadline = tokio::time::Instant::from_std(limits.deadline);
    match tokio::time::timeout_at(deadline, try_all(candidates, limits)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ConnectError::Timeout(last_host)),
    }
}

async fn try_all(candidates: &Candidates, limits: &Limits) -> Result<Connected, ConnectError> {
    let mut fault = ConnectError::NoServer;
    let mut waiting = VecDeque::new();
    for candidate in &candidates.0 {
        match addresses(candidate, limits).await {
            Ok(found) => waiting.extend(found.into_iter().map(|address| (candidate.clone(), address))),
            Err(error) => fault = error,
        }
    }
    let mut attempts = JoinSet::new();
    let mut tried = 0;
    loop {
        if let Some((candidate, address)) = waiting.pop_front() {
            tried += 1;
            attempts.spawn(attempt(candidate, address, limits.attempt));
        } else if attempts.is_empty() {
            return Err(fault);
        }
        // The next address starts when this one is slow, or at once when one has failed.
        let next = async { if waiting.is_empty() { std::future::pending().await } else { tokio::time::sleep(STAGGER).await } };
        tokio::select! {
            () = next => {}
            Some(outcome) = attempts.join_next() => match outcome {
                Ok(Ok(connected)) => return Ok(connected),
                Ok(Err((candidate, address, kind))) => {
                    fault = ConnectError::Failed { host: candidate.host, address, kind, tried };
                }
                // An attempt cannot panic, and nobody cancels it while we wait.
                Err(_) => {}
            },
        }
    }
}

async fn attempt(
    candidate: Candidate,
    address: SocketAddr,
    limit: Duration,
) -> Result<Connected, (Candidate, SocketAddr, io::ErrorKind)> {
    let connecting = async {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Small frames that wait for an answer must not wait for the one before (40 ms each).
        socket.set_nodelay(true)?;
        socket.connect(address).await
    };
    match tokio::time::timeout(limit, connecting).await {
        Ok(Ok(stream)) => Ok(Connected { stream, address, candidate }),
        Ok(Err(error)) => Err((candidate, address, error.kind())),
        Err(_) => Err((candidate, address, io::ErrorKind::TimedOut)),
    }
}

/// Every address of a candidate that may be used, families interleaved.
async fn addresses(candidate: &Candidate, limits: &Limits) -> Result<Vec<SocketAddr>, ConnectError> {
    let host = || candidate.host.clone();
    let found: Vec<SocketAddr> = match candidate.host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, candidate.port)],
        Err(_) => tokio::net::lookup_host((candidate.host.as_str(), candidate.port))
            .await
            .map_err(
                |error| if is_unknown(&error) { ConnectError::HostUnknown(host()) } else { ConnectError::LookupFailed(host()) },
            )?
            .collect(),
    };
    let wanted = interleave(found, limits.family);
    if wanted.is_empty() {
        return Err(ConnectError::NoAddress(host()));
    }
    let clear = candidate.tls == TlsKind::Off && !limits.clear_anywhere;
    let allowed: Vec<_> = wanted.into_iter().filter(|address| !clear || address.ip().to_canonical().is_loopback()).collect();
    if allowed.is_empty() { Err(ConnectError::InTheClear(host())) } else { Ok(allowed) }
}

/// IPv6, IPv4, IPv6 and so on, each family in the resolver's order (RFC 8305, section 4).
fn interleave(found: Vec<SocketAddr>, family: Family) -> Vec<SocketAddr> {
    let (six, four): (VecDeque<_>, VecDeque<_>) = found.into_iter().partition(SocketAddr::is_ipv6);
    let (mut six, mut four) = match family {
        Family::Any => (six, four),
        Family::V4 => (VecDeque::new(), four),
        Family::V6 => (six, VecDeque::new()),
    };
    let mut order = Vec::new();
    while !six.is_empty() || !four.is_empty() {
        for address in [six.pop_front(), four.pop_front()].into_iter().flatten() {
            if !order.contains(&address) {
                order.push(address);
            }
        }
    }
    order
}

/// Whether the system's resolver said that there is no such name, for good. It tells its reasons apart in words alone;
/// these are glibc's, musl's and the BSDs' (and macOS's). Anything else counts as temporary.
fn is_unknown(error: &io::Error) -> bool {
    let text = error.to_string();
    [
        "Name or service not known",
        "No address associated",
        "Name does not resolve",
        "nodename nor servname",
        "Name has no usable address",
    ]
    .iter()
    .any(|words| text.contains(words))
}

impl Limits {
    /// Limits that end `within` from now.
    #[must_use]
    pub fn within(within: Duration) -> Self {
        let now = Clock::instant();
        let deadline = now.checked_add(within).unwrap_or(now);
        Self { attempt: within, deadline, family: Family::Any, clear_anywhere: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        let rows = [
            ("im.example.org", Some(("im.example.org", None))),
            ("im.example.org:5773", Some(("im.example.org", Some(5773)))),
            ("192.0.2.1:1", Some(("192.0.2.1", Some(1)))),
            ("2001:db8::1", Some(("2001:db8::1", None))),
            ("[2001:db8::1]", Some(("2001:db8::1", None))),
            ("[2001:db8::1]:5773", Some(("2001:db8::1", Some(5773)))),
            ("", None),
            (":5773", None),
            ("host:", None),
            ("host:0", None),
            ("host:+1", None),
            ("host:65536", None),
            ("[host]:1", None),
            ("[::1]1", None),
            ("a b", None),
            ("host\u{1b}", None),
        ];
        for (text, expected) in rows {
            let read = HostPort::parse(text);
            assert_eq!(read.as_ref().map(|at| (at.host.as_str(), at.port)), expected, "{text}");
            if let Some(at) = read {
                assert_eq!(HostPort::parse(&at.to_string()), Some(at));
            }
        }
        assert_eq!(TlsKind::Require.port(), 5773);
        assert_eq!(TlsKind::StartTls.port(), 5772);
    }

    #[test]
    fn families_take_turns() {
        let list = |text: &str| text.split(' ').map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found = list("1.1.1.1:1 1.1.1.2:1 1.1.1.3:1 [::1]:1 [::2]:1 [::2]:1");
        assert_eq!(interleave(found.clone(), Family::Any), list("[::1]:1 1.1.1.1:1 [::2]:1 1.1.1.2:1 1.1.1.3:1"));
        assert_eq!(interleave(found.clone(), Family::V6), list("[::1]:1 [::2]:1"));
        assert_eq!(interleave(found, Family::V4), list("1.1.1.1:1 1.1.1.2:1 1.1.1.3:1"));
    }

    fn at(address: SocketAddr, tls: TlsKind) -> Candidates {
        Candidates::named(&HostPort { host: address.ip().to_string(), port: Some(address.port()) }, tls)
    }

    #[tokio::test]
    async fn the_first_address_that_answers_wins() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        let limits = Limits::within(Duration::from_secs(10));
        let mut candidates = at(closed, TlsKind::Require);
        let refused = connect(&candidates, &limits).await.unwrap_err();
        assert_eq!(
            refused,
            ConnectError::Failed { host: "127.0.0.1".into(), address: closed, kind: io::ErrorKind::ConnectionRefused, tried: 1 }
        );
        candidates.0.extend(at(open, TlsKind::StartTls).0);
        let connected = connect(&candidates, &limits).await.unwrap();
        assert_eq!(connected.address, open);
        assert_eq!(connected.candidate.tls, TlsKind::StartTls);
        assert!(connected.stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn nothing_leaves_the_machine_in_the_clear() {
        let limits = Limits::within(Duration::from_secs(10));
        // An address for documentation (RFC 5737): it must not even be tried.
        let away = at("192.0.2.1:1".parse().unwrap(), TlsKind::Off);
        assert_eq!(connect(&away, &limits).await.unwrap_err(), ConnectError::InTheClear("192.0.2.1".into()));
        let six = Limits { family: Family::V6, ..limits };
        assert_eq!(connect(&away, &six).await.unwrap_err(), ConnectError::NoAddress("192.0.2.1".into()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        connect(&at(listener.local_addr().unwrap(), TlsKind::Off), &limits).await.unwrap();
    }
}
