//! Why there is no connection.

use crate::model::Domain;
use crate::net::dns::Failure;
use std::net::SocketAddr;
use std::{fmt, io};

/// Why there is no connection. Names of hosts are those that were asked for, or stand in DNS records in safe characters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The domain has no SRV record and no address: it is not there, or has no such service.
    NoService(Domain),
    /// The domain says that it has no such service (SRV target `.`).
    NotOffered(Domain),
    /// The DNS gave no answer that can be used.
    Undecided {
        /// The name and kind of record that was asked for.
        question: String,
        /// Why not.
        why: Failure,
    },
    /// The system's resolver settings cannot be used.
    NoResolver,
    /// There is no host of this name.
    HostUnknown(String),
    /// Whether there is such a host could not be found out.
    LookupFailed(String),
    /// The host has no address of the family that is wanted.
    NoAddress(String),
    /// The host is not this machine, and nothing may go there in the clear.
    InTheClear(String),
    /// No address took the connection; this one said most.
    Failed {
        /// The host.
        host: String,
        /// The address.
        address: SocketAddr,
        /// What it said.
        kind: io::ErrorKind,
        /// How many addresses were tried, of all hosts.
        tried: usize,
    },
    /// The deadline came first.
    Timeout(String),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoService(domain) => {
                write!(f, "{} has no SRV record for IMPP and no address: there is no such service", domain.shown())
            }
            Self::NotOffered(domain) => write!(f, "{} says in the DNS that it offers no such service", domain.shown()),
            Self::Undecided { question, why: why @ Failure::Bogus } => {
                write!(f, "the DNS answer to {question} cannot be used: {why}")
            }
            Self::Undecided { question, why } => write!(f, "the DNS does not answer {question}: {why}"),
            Self::NoResolver => f.write_str("the system's resolver settings (/etc/resolv.conf) make no sense"),
            Self::HostUnknown(host) => write!(f, "there is no host {host}"),
            Self::LookupFailed(host) => write!(f, "the address of {host} cannot be looked up now"),
            Self::NoAddress(host) => write!(f, "{host} has no address of the wanted family"),
            Self::InTheClear(host) => write!(f, "{host} is another machine, and a connection to it would not be encrypted"),
            Self::Failed { host, address, kind, tried } => {
                write!(f, "cannot connect to {host} ({address}): {kind}")?;
                match tried.saturating_sub(1) {
                    0 => Ok(()),
                    1 => f.write_str(", nor to the other address"),
                    others => write!(f, ", nor to the {others} other addresses"),
                }
            }
            Self::Timeout(host) => write!(f, "{host} cannot be reached in time"),
        }
    }
}

impl std::error::Error for ConnectError {}

impl ConnectError {
    /// Whether the same attempt may succeed later.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::LookupFailed(_) | Self::Failed { .. } | Self::Timeout(_) | Self::Undecided { .. } => true,
            Self::NoService(_) | Self::NotOffered(_) | Self::NoResolver | Self::HostUnknown(_) => false,
            Self::NoAddress(_) | Self::InTheClear(_) => false,
        }
    }
}

/// How much a failure helps whoever has to mend it. Of all failures of a race the one that helps most is told: what a
/// server said of itself before what the network said, and that before silence.
pub trait Helpful: From<ConnectError> {
    /// From 0. Equals: the better candidate's is told.
    fn help(&self) -> u8;

    /// So many addresses were tried altogether.
    fn set_tried(&mut self, tried: usize);
}

impl Helpful for ConnectError {
    /// | | |
    /// | --- | --- |
    /// | 9 | nothing may go there in the clear |
    /// | 8 | the answer of the DNS that would say whom to trust there is missing |
    /// | 7 | the address refused the connection |
    /// | 6 | another error of the network |
    /// | 5 | the address is silent |
    /// | 4 | a name or an address cannot be looked up now |
    /// | 3 | a host is unknown, or has no address: its record is of no use |
    /// | 2 | the deadline came first |
    fn help(&self) -> u8 {
        match self {
            Self::InTheClear(_) => 9,
            Self::Undecided { question, .. } if question.ends_with(" TLSA") => 8,
            Self::Failed { kind: io::ErrorKind::ConnectionRefused, .. } => 7,
            Self::Failed { kind: io::ErrorKind::TimedOut, .. } => 5,
            Self::Failed { .. } => 6,
            Self::Undecided { .. } | Self::LookupFailed(_) | Self::NoResolver => 4,
            Self::NoService(_) | Self::NotOffered(_) | Self::HostUnknown(_) | Self::NoAddress(_) => 3,
            Self::Timeout(_) => 2,
        }
    }

    fn set_tried(&mut self, count: usize) {
        if let Self::Failed { tried, .. } = self {
            *tried = count;
        }
    }
}
