//! TLS for both sides: whom to trust, whom to be, and what a finished handshake proved (SPEC §2).
//!
//! The provider is named everywhere: two providers in one program would otherwise leave it without a default.

pub mod client;
pub mod dane;
pub mod error;
pub mod files;
pub mod identity;
pub mod reference;
pub mod server;
#[cfg(test)]
mod tests;
pub mod trust;

pub use client::{ClientTls, Examined};
pub use error::{CertificateFault, Shown, TlsError};
pub use files::{FileFault, Identity, TlsFileError};
pub use reference::prove;
pub use reference::{AcceptedBy, Reference};
pub use server::{CertificateSource, Reload, ServerTls, ServerTlsOptions};
pub use trust::{Pin, Prepared, Trust};

use rustls::ConnectionCommon;
use rustls::ProtocolVersion;
use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use std::sync::{Arc, OnceLock};

/// The ALPN name.
pub const ALPN: &[u8] = b"impp";
/// TLS 1.2 or later.
static VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// What a finished handshake gives the session.
#[derive(Clone, PartialEq, Eq)]
pub struct Secured {
    /// Channel binding `tls-exporter` (RFC 9266); only TLS 1.3 has one that binds (RFC 9266, section 4.2).
    pub exporter: Option<Vec<u8>>,
    /// `TLS 1.3` or `TLS 1.2`.
    pub version: &'static str,
}

impl std::fmt::Debug for Secured {
    /// Without the exporter: it is keying material.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.version)
    }
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider())).clone()
}

fn secured<Side>(session: &ConnectionCommon<Side>) -> Secured {
    let modern = session.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    let export = || session.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok();
    Secured {
        exporter: modern.then(export).flatten().map(|octets: [u8; 32]| octets.to_vec()),
        version: version(session.protocol_version()),
    }
}

/// A version for people; nothing older than 1.2 is spoken.
pub(super) fn version(version: Option<ProtocolVersion>) -> &'static str {
    if version == Some(ProtocolVersion::TLSv1_3) { "TLS 1.3" } else { "TLS 1.2" }
}
