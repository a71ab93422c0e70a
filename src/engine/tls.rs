//! What an engine is told about TLS, and what it says about it in HELLO.

use crate::model::Address;

/// What the TLS layer below a connection proved.
#[derive(Clone, Debug, Default)]
pub struct TlsInfo {
    /// Channel binding of RFC 9266: 32 octets of `EXPORTER-Channel-Binding`. Only with TLS 1.3.
    pub exporter: Option<Vec<u8>>,
    /// The users whom a verified client certificate names.
    pub client_identities: Vec<Address>,
    /// Whether the peer showed a certificate and proved that it has the key; by whom it is vouched for is not said.
    pub client_certificate: bool,
    /// For people: `TLSv1.3`.
    pub version: &'static str,
}

/// Whether an accepting side offers STARTTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsPolicy {
    /// It may be used.
    Offered,
    /// Nothing of value happens before it.
    Required,
    /// There is none.
    None,
}

/// The `TLS` header of OK (HELLO).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsState {
    /// The connection is inside TLS.
    Active,
    /// STARTTLS is possible.
    Offered,
    /// STARTTLS comes next.
    Required,
    /// There is no STARTTLS.
    None,
}

impl TlsState {
    const ALL: [Self; 4] = [Self::Active, Self::Offered, Self::Required, Self::None];

    /// The token on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Offered => "offered",
            Self::Required => "required",
            Self::None => "none",
        }
    }

    /// Reads a token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
