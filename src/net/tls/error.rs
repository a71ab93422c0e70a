//! Why a handshake failed, with the certificate's own names and dates.

use super::trust::Pin;
use crate::model::{Domain, UnixMillis};
use crate::net::printable::printable;
use rustls::pki_types::CertificateDer;
use rustls::{AlertDescription, CertificateError};
use std::{fmt, io};
use x509_parser::extensions::GeneralName;

/// Names of a certificate that are shown at most.
const NAMES_SHOWN: usize = 6;
/// Characters of one of them.
const NAME_CHARS: usize = 80;

/// A handshake that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// The peer's certificate was refused.
    Certificate {
        /// The domain that was wanted.
        domain: Domain,
        /// Why.
        fault: CertificateFault,
        /// What it says of itself.
        certificate: Box<Shown>,
    },
    /// The peer refused: the number of its alert.
    Alert(u8),
    /// The peer refused our certificate, or wants one.
    OurCertificate,
    /// The two have no version, cipher or protocol name in common.
    NothingInCommon,
    /// What came is not TLS.
    NotTls,
    /// The peer broke the rules of TLS.
    Misbehaved,
    /// The connection ended or broke in the middle.
    Broken(io::ErrorKind),
}

/// Why a certificate was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It does not name the domain.
    WrongName,
    /// Nobody whom we trust vouches for it.
    UnknownIssuer,
    /// Its key is not one of those that were pinned.
    WrongPin,
    /// It is none of those that the domain's TLSA records name.
    WrongTlsa,
    /// It is not meant for servers.
    WrongUse,
    /// It was revoked.
    Revoked,
    /// It makes no sense, or is signed with something unsupported.
    Malformed,
}

/// What a certificate says of itself, made safe to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The DNS names, at most a handful.
    pub names: Vec<String>,
    /// Names beyond these.
    pub more_names: usize,
    /// Who issued it.
    pub issuer: String,
    /// It vouches for itself.
    pub self_signed: bool,
    /// Valid from.
    pub not_before: UnixMillis,
    /// Valid until.
    pub not_after: UnixMillis,
    /// The hash of its key, as `--pin` takes it.
    pub pin: Option<Pin>,
}

impl Shown {
    /// Reads a certificate; one that makes no sense shows nothing.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        let Ok((_, certificate)) = x509_parser::parse_x509_certificate(der) else { return Self::default() };
        let mut names = Vec::new();
        let mut more_names = 0;
        for name in certificate.subject_alternative_name().ok().flatten().iter().flat_map(|san| &san.value.general_names) {
            if let GeneralName::DNSName(name) = name {
                if names.len() < NAMES_SHOWN { names.push(printable(name, NAME_CHARS)) } else { more_names += 1 }
            }
        }
        let millis = |time: x509_parser::time::ASN1Time| UnixMillis(u64::try_from(time.timestamp()).unwrap_or(0) * 1000);
        Self {
            names,
            more_names,
            issuer: printable(&certificate.issuer().to_string(), NAME_CHARS),
            self_signed: certificate.issuer() == certificate.subject(),
            not_before: millis(certificate.validity().not_before),
            not_after: millis(certificate.validity().not_after),
            pin: Some(Pin::of_key(certificate.public_key().raw)),
        }
    }

    fn write_names(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.names.is_empty() {
            return f.write_str("no domain");
        }
        f.write_str(&self.names.join(", "))?;
        if self.more_names > 0 { write!(f, " and {} more", self.more_names) } else { Ok(()) }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { domain, fault, certificate } => write_fault(f, domain, *fault, certificate),
            Self::Alert(number) => write!(f, "the server refused TLS (alert {number})"),
            Self::OurCertificate => f.write_str("the server did not take our certificate"),
            Self::NothingInCommon => f.write_str("the server's TLS has no version, cipher or protocol name in common with ours"),
            Self::NotTls => f.write_str("what the server sent is not TLS"),
            Self::Misbehaved => f.write_str("the server broke the rules of TLS"),
            Self::Broken(io::ErrorKind::UnexpectedEof) => {
                f.write_str("the server closed the connection during the TLS handshake")
            }
            Self::Broken(kind) => write!(f, "the connection broke during the TLS handshake: {kind}"),
        }
    }
}

fn write_fault(f: &mut fmt::Formatter<'_>, domain: &Domain, fault: CertificateFault, shown: &Shown) -> fmt::Result {
    match fault {
        CertificateFault::Expired => {
            write!(f, "the certificate of {domain} expired on {}", shown.not_after.to_rfc3339())
        }
        CertificateFault::NotYetValid => {
            write!(f, "the certificate of {domain} is not valid before {}", shown.not_before.to_rfc3339())
        }
        CertificateFault::WrongName => {
            write!(f, "the server's certificate is not for {domain}; it names ")?;
            shown.write_names(f)
        }
        CertificateFault::UnknownIssuer if shown.self_signed => {
            write!(f, "the certificate of {domain} is self-signed and not among those we trust")
        }
        CertificateFault::UnknownIssuer => {
            write!(f, "the certificate of {domain} is issued by \"{}\", whom we do not trust", shown.issuer)
        }
        CertificateFault::WrongPin => {
            f.write_str("the server's key is not the pinned one")?;
            shown.pin.as_ref().map_or(Ok(()), |pin| write!(f, "; it is {pin}"))
        }
        CertificateFault::WrongTlsa => {
            write!(f, "the server's certificate fits none of the TLSA records that {domain} stands by; it names ")?;
            shown.write_names(f)?;
            shown.pin.as_ref().map_or(Ok(()), |pin| write!(f, ", and its key is {pin}"))
        }
        CertificateFault::WrongUse => write!(f, "the certificate of {domain} is not meant for servers"),
        CertificateFault::Revoked => write!(f, "the certificate of {domain} was revoked"),
        CertificateFault::Malformed => write!(f, "the certificate of {domain} makes no sense"),
    }
}

impl std::error::Error for TlsError {}

impl CertificateFault {
    /// The fault in rustls's words, in ours.
    pub(super) fn of(error: &rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(error) = error else { return Self::Malformed };
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Self::WrongUse,
            CertificateError::Revoked => Self::Revoked,
            // The platform's verifier wraps its finding about the purpose, and nothing else.
            CertificateError::Other(_) => Self::WrongUse,
            _ => Self::Malformed,
        }
    }

    /// The fault in webpki's words, in ours.
    pub(super) fn of_webpki(error: &webpki::Error) -> Self {
        match error {
            webpki::Error::CertExpired { .. } => Self::Expired,
            webpki::Error::CertNotValidYet { .. } => Self::NotYetValid,
            webpki::Error::CertNotValidForName(_) => Self::WrongName,
            webpki::Error::RequiredEkuNotFoundContext(_) => Self::WrongUse,
            webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => Self::UnknownIssuer,
            _ => Self::Malformed,
        }
    }

    pub(super) fn into_error(self, domain: &Domain, certificate: &CertificateDer<'_>) -> TlsError {
        TlsError::Certificate { domain: domain.clone(), fault: self, certificate: Box::new(Shown::of(certificate)) }
    }
}

impl TlsError {
    /// The error of a handshake in which no certificate was refused.
    pub(super) fn of(error: &io::Error) -> Self {
        let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
            return Self::Broken(error.kind());
        };
        match error {
            rustls::Error::AlertReceived(alert) => match alert {
                AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRequired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA => Self::OurCertificate,
                AlertDescription::HandshakeFailure
                | AlertDescription::ProtocolVersion
                | AlertDescription::NoApplicationProtocol
                | AlertDescription::InsufficientSecurity => Self::NothingInCommon,
                other => Self::Alert(u8::from(*other)),
            },
            rustls::Error::PeerIncompatible(_) | rustls::Error::NoApplicationProtocol => Self::NothingInCommon,
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            _ => Self::Misbehaved,
        }
    }
}
