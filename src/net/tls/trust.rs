//! Whom a client trusts to be the domain: the system's authorities, its own, a pinned key, or by demand anyone.

use super::error::CertificateFault;
use super::files::{FileFault, TlsFileError};
use super::reference::{AcceptedBy, Reference};
use crate::net::tls::provider;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Whom to trust.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// The authorities of this system.
    #[default]
    System,
    /// These authorities and no others.
    Authorities(Arc<RootCertStore>),
    /// Whoever holds one of these keys. Pins replace authorities altogether: neither the certificate's issuer, nor its
    /// names, nor its dates are looked at, as the person who pinned a key has said whose it is.
    Pins(Vec<Pin>),
    /// Anyone. Only because a person demanded it: whoever sits between can read and change everything.
    Anyone,
    /// No authority at all: only TLSA records can prove anything.
    Nobody,
    /// What [`Trust::prepared`] has read.
    Prepared(Prepared),
}

/// Authorities that were read before they are needed, for whoever makes many connections.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
    /// As [`Trust::heeds_tlsa`] said.
    heeds_tlsa: bool,
    /// As [`Trust::verifies`] said.
    verifies: bool,
}

/// The SHA-256 of a key, as it stands in a certificate (SubjectPublicKeyInfo).
///
/// *Shape:* `sha256:` and 44 characters of base64 or 64 hexadecimal digits, with or without colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// Reads a pin.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("sha256//")).unwrap_or(text);
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        if digits.len() == 64 && digits.bytes().all(|c| c.is_ascii_hexdigit()) {
            let mut hash = [0; 32];
            for (octet, pair) in hash.iter_mut().zip(digits.as_bytes().chunks(2)) {
                *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
            }
            return Some(Self(hash));
        }
        STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()?.try_into().ok().map(Self)
    }

    /// The SHA-256 itself, as TLSA records with selector 1 and matching type 1 have it.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        &self.0
    }

    /// The pin of a SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn of_key(info: &[u8]) -> Self {
        Self(Sha256::digest(info).into())
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", STANDARD.encode(self.0))
    }
}

impl Prepared {
    /// As [`Trust::Nobody`] says.
    #[must_use]
    pub fn nobody() -> Self {
        Self { verifier: Arc::new(ByKey(Keys::None)), heeds_tlsa: true, verifies: true }
    }

    /// Whether TLSA records have a say.
    #[must_use]
    pub fn heeds_tlsa(&self) -> bool {
        self.heeds_tlsa
    }
}

impl Trust {
    /// Whether a finished handshake proves anything about the domain.
    #[must_use]
    pub fn verifies(&self) -> bool {
        match self {
            Self::Anyone => false,
            Self::Prepared(prepared) => prepared.verifies,
            Self::System | Self::Authorities(_) | Self::Pins(_) | Self::Nobody => true,
        }
    }

    /// Whether TLSA records have a say: not where a person has settled the matter.
    #[must_use]
    pub fn heeds_tlsa(&self) -> bool {
        match self {
            Self::Anyone | Self::Pins(_) => false,
            Self::Prepared(prepared) => prepared.heeds_tlsa,
            Self::System | Self::Authorities(_) | Self::Nobody => true,
        }
    }

    /// The same trust, with everything read that has to be. Blocks.
    ///
    /// # Errors
    /// If there are no authorities to trust.
    pub fn prepared(&self) -> Result<Prepared, TlsFileError> {
        Ok(Prepared { verifier: self.verifier()?, heeds_tlsa: self.heeds_tlsa(), verifies: self.verifies() })
    }

    pub(super) fn verifier(&self) -> Result<Arc<dyn ServerCertVerifier>, TlsFileError> {
        let none = |_| TlsFileError { file: PathBuf::new(), fault: FileFault::NoAuthorities };
        Ok(match self {
            Self::System => Arc::new(rustls_platform_verifier::Verifier::new(provider()).map_err(none)?),
            Self::Authorities(roots) => WebPkiServerVerifier::builder_with_provider(roots.clone(), provider())
                .build()
                .map_err(|_| TlsFileError { file: PathBuf::new(), fault: FileFault::NoAuthorities })?,
            Self::Pins(pins) => Arc::new(ByKey(Keys::These(pins.clone()))),
            Self::Anyone => Arc::new(ByKey(Keys::All)),
            Self::Nobody => Arc::new(ByKey(Keys::None)),
            Self::Prepared(prepared) => prepared.verifier.clone(),
        })
    }
}

/// Looks at the key alone. Signatures are checked: whoever shows the certificate must hold its key.
#[derive(Debug)]
struct ByKey(Keys);

#[derive(Debug)]
enum Keys {
    All,
    These(Vec<Pin>),
    None,
}

impl ServerCertVerifier for ByKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pins = match &self.0 {
            Keys::All => return Ok(ServerCertVerified::assertion()),
            Keys::None => return Err(CertificateError::UnknownIssuer.into()),
            Keys::These(pins) => pins,
        };
        let end_entity = webpki::EndEntityCert::try_from(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        if pins.contains(&Pin::of_key(&end_entity.subject_public_key_info())) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Judges by the reference, and notes what it found: rustls hands out an error, but not the certificate.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) others: Arc<dyn ServerCertVerifier>,
    pub(super) reference: Reference,
    /// The handshake goes on whatever is found, since somebody wants to see more than that.
    pub(super) lenient: bool,
    pub(super) found: Mutex<Option<Finding>>,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) chain: usize,
    pub(super) verdict: Result<AcceptedBy, CertificateFault>,
    /// The verdict without TLSA records, where somebody wants to see it.
    pub(super) without_tlsa: Option<Result<AcceptedBy, CertificateFault>>,
}

impl Judge {
    pub(super) fn take(&self) -> Option<Finding> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judge = |reference: &Reference| reference.judge(&*self.others, end_entity, intermediates, ocsp, now);
        let verdict = judge(&self.reference);
        let without_tlsa = (self.lenient && !self.reference.tlsa.is_empty())
            .then(|| judge(&Reference { tlsa: Vec::new(), ..self.reference.clone() }));
        let certificate = end_entity.clone().into_owned();
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Finding { certificate, chain: intermediates.len() + 1, verdict, without_tlsa });
        if verdict.is_ok() || self.lenient {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.others.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.others.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.others.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_in_each_of_its_spellings() {
        let pin = Pin::of_key(b"key");
        let hex: Vec<String> = pin.0.iter().map(|octet| format!("{octet:02X}")).collect();
        let base64 = STANDARD.encode(pin.0);
        for text in [
            pin.to_string(),
            base64.clone(),
            format!("sha256:{}", base64.trim_end_matches('=')),
            format!("sha256:{}", hex.concat()),
            format!("sha256:{}", hex.join(":").to_lowercase()),
            format!("sha256//{base64}"),
        ] {
            assert_eq!(Pin::parse(&text), Some(pin), "{text}");
        }
        for text in ["", "sha256:", "sha1:abc", &hex[1..].concat(), "sha256:AAAA"] {
            assert_eq!(Pin::parse(text), None, "{text}");
        }
    }
}
