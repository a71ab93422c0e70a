//! What is wrong with a configuration: file, line and one sentence.

use super::keys::Kind;
use crate::model::Domain;
use core::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Why a configuration is refused.
///
/// *Shape:* `impp-relay.toml:12: unknown key "mailboxx"; did you mean "mailbox"?`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file as it was named.
    pub file: PathBuf,
    /// Counted from 1; `None`: the file as a whole.
    pub line: Option<usize>,
    /// What is wrong.
    pub fault: ConfigFault,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigFault {
    /// The file cannot be read.
    Read(io::ErrorKind),
    /// Not TOML; in the parser's words.
    Syntax(String),
    /// No such key.
    UnknownKey {
        /// With its section.
        key: String,
        /// What was perhaps meant.
        meant: Option<&'static str>,
    },
    /// A key that must be there.
    Missing(&'static str),
    /// A section was expected, or a value.
    NotASection(String),
    /// A value of another kind.
    Kind {
        /// The key.
        key: String,
        /// What its value must be.
        expected: Kind,
    },
    /// A number or size out of range.
    Range {
        /// The key.
        key: &'static str,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// A time that leaves too little for something else.
    TimeTooLong {
        /// The key.
        key: &'static str,
        /// The longest.
        most: Duration,
    },
    /// A word that is not on the list.
    Word {
        /// The key.
        key: &'static str,
        /// The list.
        words: &'static [&'static str],
    },
    /// `services` is empty.
    NoService,
    /// `lease.min`, `lease.default` and `lease.max` are not in this order.
    LeaseOrder,
    /// The same domain twice.
    DomainTwice(Domain),
    /// A section for a domain that `domains` does not name.
    DomainNotOurs(String),
    /// A certificate without its key, or the other way round.
    HalfKeyPair(String),
    /// TLS is required, but there is no certificate.
    NoCertificate,
    /// `listen.tls` is set, but there is no certificate.
    TlsWithoutCertificate,
    /// Nowhere to listen.
    NoListener,
    /// `dns.trust-anchor` where nothing is validated here.
    AnchorWithoutValidation,
    /// `dns.dnssec` trusts resolvers on this machine, and this one is not.
    ResolverElsewhere(IpAddr),
    /// A section `[[peer]]` for a domain of ours.
    PeerIsOurs(Domain),
    /// A section `[[peer]]` that says nothing but a name.
    PeerSaysNothing(Domain),
    /// A peer without TLS needs a secret.
    ClearWithoutSecret(Domain),
    /// A peer without TLS has no key to be pinned.
    ClearWithPin(Domain),
    /// A rule of `acl.default` that is none. Counted from 1.
    Rule {
        /// Which rule.
        rule: usize,
        /// Which part: `who`, `op`, `action`, `view`, or another name that was found.
        part: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.fault)
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(kind) => write!(f, "cannot be read: {kind}"),
            Self::Syntax(message) => f.write_str(message),
            Self::UnknownKey { key, meant: Some(meant) } => write!(f, "unknown key {key:?}; did you mean {meant:?}?"),
            Self::UnknownKey { key, meant: None } => write!(f, "unknown key {key:?}; the file that impp-relay init writes lists them all"),
            Self::Missing(key) => write!(f, "{key:?} is missing"),
            Self::NotASection(key) if key == "peer" => f.write_str("\"peer\" must be a section in double brackets: [[peer]]"),
            Self::NotASection(key) => write!(f, "{key:?} must be a section: [{key}]"),
            Self::Kind { key, expected } => write!(f, "{key:?} must be {}", expected.expected()),
            Self::Range { key, min, max } if *max == u64::MAX => write!(f, "{key:?} must be at least {min}"),
            Self::Range { key, min, max } => write!(f, "{key:?} must be from {min} to {max}"),
            Self::TimeTooLong { key, most } => write!(f, "{key:?} must be \"{}s\" or less", most.as_secs()),
            Self::Word { key, words } => write!(f, "{key:?} knows these words: {}", words.join(", ")),
            Self::NoService => f.write_str("\"services\" is empty: the relay would be of no use; name presence, messages or both"),
            Self::LeaseOrder => f.write_str("\"lease.min\", \"lease.default\" and \"lease.max\" must be in this order, and not zero"),
            Self::DomainTwice(domain) => write!(f, "{domain} is there twice"),
            Self::DomainNotOurs(name) => write!(f, "{name:?} is not one of \"domains\""),
            Self::HalfKeyPair(section) => write!(f, "[{section}] needs both \"certificate\" and \"key\""),
            Self::NoCertificate => f.write_str(
                "[tls] \"certificate\" and \"key\" are missing; set them, or \"required = false\" to let messages travel in the clear",
            ),
            Self::TlsWithoutCertificate => f.write_str("\"listen.tls\" needs \"certificate\" and \"key\" in [tls]"),
            Self::NoListener => f.write_str("\"listen.plain\" and \"listen.tls\" are both empty: nobody could connect"),
            Self::AnchorWithoutValidation => {
                f.write_str("\"dns.trust-anchor\" means nothing unless \"dns.dnssec\" is \"validate\"; take one of the two away")
            }
            Self::ResolverElsewhere(address) => write!(
                f,
                "{address} is not on this machine, so that \"dns.dnssec\" must not be \"trust-ad\": anybody between could vouch in its place"
            ),
            Self::PeerIsOurs(domain) => write!(f, "{domain} is one of \"domains\", and no [[peer]]"),
            Self::PeerSaysNothing(domain) => {
                write!(f, "[[peer]] {domain} says nothing that is not found by itself; give \"server\", \"secret-file\" or \"pin\"")
            }
            Self::ClearWithoutSecret(domain) => {
                write!(f, "[[peer]] {domain} is \"insecure\": without TLS only a secret can prove who it is; give \"secret-file\"")
            }
            Self::ClearWithPin(domain) => {
                write!(f, "[[peer]] {domain} is \"insecure\", so that there is no key to \"pin\"; take one of the two away")
            }
            Self::Rule { rule, part } => {
                let expected = match part.as_str() {
                    "who" => "a user's address, impp://DOMAIN/*, local, * or anonymous",
                    "op" => "a list of fetch, subscribe and send",
                    "action" => "allow, deny or conceal",
                    "view" => "a word, on a rule that allows fetch or subscribe",
                    _ => return write!(f, "rule {rule} of \"acl.default\": {part:?} is unknown; a rule has who, op, action and view"),
                };
                write!(f, "rule {rule} of \"acl.default\": {part} must be {expected}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}
