//! SASL: the mechanisms, and everything that rsasl must be protected from (SPEC §4.4).

pub(crate) mod client;
mod scram;
mod scram_grammar;
pub(crate) mod server;
pub mod work;

pub use client::ITERATIONS;
pub use work::PasswordRefused;
pub use work::PasswordVerdict;
pub use work::PasswordWork;
pub use work::SALT_OCTETS;
pub use work::derive;

use core::fmt;

/// A mechanism of this library, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mechanism {
    /// `SCRAM-SHA-256-PLUS` with channel binding tls-exporter.
    ScramSha256Plus,
    /// `SCRAM-SHA-256`
    ScramSha256,
    /// `EXTERNAL`: the client certificate.
    External,
    /// `PLAIN`, inside TLS only.
    Plain,
    /// `ANONYMOUS`
    Anonymous,
}

impl Mechanism {
    /// Every mechanism, best first.
    pub const ALL: [Self; 5] = [Self::ScramSha256Plus, Self::ScramSha256, Self::External, Self::Plain, Self::Anonymous];

    /// The SASL name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::External => "EXTERNAL",
            Self::Plain => "PLAIN",
            Self::Anonymous => "ANONYMOUS",
        }
    }

    /// Reads a SASL name; upper case only.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.as_str() == text)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
