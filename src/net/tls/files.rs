//! Certificates and keys from files.

use super::error::Shown;
use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that TLS needs and that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFileError {
    /// Which; empty for the system's own certificates.
    pub file: PathBuf,
    /// Why.
    pub fault: FileFault,
}

/// Why a file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFault {
    /// It cannot be read.
    Unreadable(std::io::ErrorKind),
    /// It is not PEM.
    NotPem,
    /// It holds no certificate.
    NoCertificate,
    /// It holds no private key.
    NoKey,
    /// A certificate in it makes no sense.
    BadCertificate,
    /// The key is of a kind that this program cannot use.
    BadKey,
    /// The key is not that of the certificate.
    KeyMismatch,
    /// The system has no certificates of authorities.
    NoAuthorities,
}

impl fmt::Display for TlsFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match self.fault {
            FileFault::Unreadable(std::io::ErrorKind::NotFound) => write!(f, "cannot read {file}: no such file or directory"),
            FileFault::Unreadable(kind) => write!(f, "cannot read {file}: {kind}"),
            FileFault::NotPem => write!(f, "{file} is not a PEM file"),
            FileFault::NoCertificate => write!(f, "there is no certificate in {file}"),
            FileFault::NoKey => write!(f, "there is no private key in {file}"),
            FileFault::BadCertificate => write!(f, "a certificate in {file} makes no sense"),
            FileFault::BadKey => write!(f, "the private key in {file} is of an unsupported kind"),
            FileFault::KeyMismatch => write!(f, "the private key in {file} is not that of the certificate"),
            FileFault::NoAuthorities => f.write_str("this system has no certificates of authorities"),
        }
    }
}

impl std::error::Error for TlsFileError {}

impl TlsFileError {
    fn new(file: &Path, fault: FileFault) -> Self {
        Self { file: file.to_owned(), fault }
    }

    fn pem(file: &Path, error: &pem::Error, nothing: FileFault) -> Self {
        let fault = match error {
            pem::Error::Io(error) => FileFault::Unreadable(error.kind()),
            pem::Error::NoItemsFound => nothing,
            _ => FileFault::NotPem,
        };
        Self::new(file, fault)
    }
}

/// A certificate chain with its key: who this side is.
#[derive(Clone, Debug)]
pub struct Identity(pub(super) Arc<CertifiedKey>);

impl Identity {
    /// The chain, leaf first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.cert
    }

    /// Reads a chain (leaf first) and a key, which may lie in one file.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsFileError> {
        let chain = read_chain(certificate)?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsFileError::pem(key, &error, FileFault::NoKey))?;
        let signing =
            super::provider().key_provider.load_private_key(private).map_err(|_| TlsFileError::new(key, FileFault::BadKey))?;
        let certified = CertifiedKey::new(chain, signing);
        match certified.keys_match() {
            // A provider that cannot tell is believed; the handshake would fail by itself.
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(Self(Arc::new(certified))),
            Err(rustls::Error::InconsistentKeys(_)) => Err(TlsFileError::new(key, FileFault::KeyMismatch)),
            Err(_) => Err(TlsFileError::new(certificate, FileFault::BadCertificate)),
        }
    }
}

/// Certificates of authorities from one PEM file.
///
/// # Errors
/// [`TlsFileError`]; one bad certificate refuses the file, since the person meant all of them.
pub fn read_authorities(file: &Path) -> Result<Arc<RootCertStore>, TlsFileError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_chain(file)? {
        roots.add(certificate).map_err(|_| TlsFileError::new(file, FileFault::BadCertificate))?;
    }
    Ok(Arc::new(roots))
}

/// What the first certificate of a PEM file says of itself.
///
/// # Errors
/// [`TlsFileError`]
pub fn read_shown(file: &Path) -> Result<Shown, TlsFileError> {
    let chain = read_chain(file)?;
    let shown = chain.first().map(|der| Shown::of(der)).filter(|shown| shown.pin.is_some());
    shown.ok_or_else(|| TlsFileError::new(file, FileFault::BadCertificate))
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    let fail = |error: pem::Error| TlsFileError::pem(file, &error, FileFault::NoCertificate);
    let chain: Vec<_> = CertificateDer::pem_file_iter(file).map_err(fail)?.collect::<Result<_, _>>().map_err(fail)?;
    if chain.is_empty() { Err(TlsFileError::new(file, FileFault::NoCertificate)) } else { Ok(chain) }
}
