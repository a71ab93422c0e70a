//! From where a server may be to a connection that may be used: every address of every candidate (SPEC §2.3).
//!
//! [`Candidates`] says where, best first; [`Race`] tries all of it, and takes what [`race::Open`] makes of a stream
//! as the measure of success, so that a server with the wrong certificate counts as one that failed.

pub mod candidates;
pub mod error;
pub(in crate::net) mod lookup;
pub mod race;
#[cfg(test)]
mod tests;

pub use candidates::{Candidate, Candidates, Origin};
pub use error::{ConnectError, Helpful};
pub use race::{Place, Race};

use super::clock::Clock;
use std::fmt;
use std::net::Ipv6Addr;
use std::time::{Duration, Instant};

/// Port for a plain start and STARTTLS.
pub const PORT_PLAIN: u16 = 5772;
/// Port for TLS from the first octet.
pub const PORT_TLS: u16 = 5773;
/// The wait before the next address is tried beside those under way (RFC 8305, section 5).
pub const STAGGER: Duration = Duration::from_millis(250);
/// The wait while one of them is connected and only the handshake is to be done: the longest that RFC 8305 has.
pub const STAGGER_CONNECTED: Duration = Duration::from_secs(2);
/// How long the addresses of one family wait for those of the other (RFC 8305, section 3).
pub const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

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

/// What a connection may cost, and where it may lead.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The time for one address, TLS included.
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

impl Limits {
    /// Limits that end `within` from now.
    #[must_use]
    pub fn within(within: Duration) -> Self {
        let now = Clock::instant();
        let deadline = now.checked_add(within).unwrap_or(now);
        Self { attempt: within, deadline, family: Family::Any, clear_anywhere: false }
    }
}
