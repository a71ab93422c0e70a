//! What a question to the DNS came to: records, their absence, or no answer, and how far each can be believed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// How far an answer can be believed. A bogus one is no answer: [`Failure::Bogus`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Security {
    /// Nobody looked: validation is off, or the resolver that was asked passes no signatures on.
    Unchecked,
    /// Proven to lie in a zone that is not signed.
    Insecure,
    /// Signed, and every step from the trust anchor on is proven.
    Secure,
}

impl Security {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Insecure => "unsigned",
            Self::Unchecked => "unchecked",
        }
    }
}

/// What a question came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// There are records.
    Records(Answer<T>),
    /// There is none of this kind.
    Absent(Absence),
    /// Nobody knows: the same question may be answered later.
    Failed(Failure),
}

/// Records of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The records in the order of the wire, which means nothing.
    pub records: Vec<T>,
    /// The least of all that was needed: the records and each alias on the way.
    pub security: Security,
    /// How long all of it holds.
    pub ttl: Duration,
    /// The name that has the records, where the one asked for is an alias (CNAME) of it.
    pub canonical: Option<String>,
}

/// That there are no records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// What is absent.
    pub what: Absent,
    /// [`Security::Secure`]: proven.
    pub security: Security,
    /// How long it holds, if the zone says so.
    pub ttl: Option<Duration>,
}

/// What is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The name (NXDOMAIN).
    Name,
    /// Records of this kind; the name has others, or names below it (NODATA).
    Data,
}

/// Why there is no answer. All of these are temporary (SPEC §2.2): whoever can suppress an answer must not choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The resolver failed (SERVFAIL).
    ServFail,
    /// The resolver refuses to answer us (REFUSED).
    Refused,
    /// The resolver answered with this other error.
    Code(u16),
    /// No answer in time.
    Timeout,
    /// The resolver cannot be reached.
    Unreachable,
    /// The answer is not what its zone signed, or what proves that it is could not be had.
    Bogus,
    /// The answer cannot be read, or its aliases lead in a circle.
    Malformed,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServFail => f.write_str("the resolver failed (SERVFAIL)"),
            Self::Refused => f.write_str("the resolver refuses to answer (REFUSED)"),
            Self::Code(code) => write!(f, "the resolver answered with error {code}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Unreachable => f.write_str("the resolver cannot be reached"),
            Self::Bogus => f.write_str("the answer fails DNSSEC validation (bogus)"),
            Self::Malformed => f.write_str("the answer makes no sense"),
        }
    }
}

impl<T> Outcome<T> {
    /// The records; none if there are none or no answer came.
    #[must_use]
    pub fn records(&self) -> &[T] {
        match self {
            Self::Records(answer) => &answer.records,
            Self::Absent(_) | Self::Failed(_) => &[],
        }
    }

    /// How far it can be believed; `None` without an answer.
    #[must_use]
    pub fn security(&self) -> Option<Security> {
        match self {
            Self::Records(answer) => Some(answer.security),
            Self::Absent(absence) => Some(absence.security),
            Self::Failed(_) => None,
        }
    }

    /// Why there is no answer, if there is none.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        match self {
            Self::Failed(failure) => Some(*failure),
            Self::Records(_) | Self::Absent(_) => None,
        }
    }

    /// The same with each record changed.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Outcome<U> {
        match self {
            Self::Records(answer) => Outcome::Records(Answer {
                records: answer.records.into_iter().map(change).collect(),
                security: answer.security,
                ttl: answer.ttl,
                canonical: answer.canonical,
            }),
            Self::Absent(absence) => Outcome::Absent(absence),
            Self::Failed(failure) => Outcome::Failed(failure),
        }
    }
}

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Srv {
    /// Lower is tried first.
    pub priority: u16,
    /// The share among records of one priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; `None` for `.`: the service is decidedly not offered.
    ///
    /// *Shape:* `im1.example.org`, lower case, no dot at the end, whatever is no ASCII letter, digit or `-_` as `\DDD`.
    pub target: Option<String>,
}

impl fmt::Display for Srv {
    /// As a master file has it: `10 100 5773 im1.example.org.`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target.as_deref().unwrap_or_default();
        write!(f, "{} {} {} {target}.", self.priority, self.weight, self.port)
    }
}

/// A TLSA record (RFC 6698).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tlsa {
    /// 3: the certificate itself. 2: an authority in its chain. 0 and 1 are of no use here.
    pub usage: u8,
    /// 0: the whole certificate. 1: its key.
    pub selector: u8,
    /// 0: as it is. 1: its SHA-256. 2: its SHA-512.
    pub matching: u8,
    /// What must be found.
    pub data: Vec<u8>,
}

impl fmt::Display for Tlsa {
    /// As a master file has it: `3 1 1 0a1b..`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.usage, self.selector, self.matching)?;
        self.data.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The addresses of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// AAAA; `None` if it was not asked for.
    pub v6: Option<Outcome<Ipv6Addr>>,
    /// A; `None` if it was not asked for.
    pub v4: Option<Outcome<Ipv4Addr>>,
}

impl Addresses {
    /// All of them, IPv6 first.
    #[must_use]
    pub fn all(&self) -> Vec<IpAddr> {
        let six = self.v6.iter().flat_map(Outcome::records).map(|address| IpAddr::V6(*address));
        six.chain(self.v4.iter().flat_map(Outcome::records).map(|address| IpAddr::V4(*address))).collect()
    }
}
