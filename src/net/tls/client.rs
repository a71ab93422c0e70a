//! TLS of the opening side: the handshake with a domain's server.

use super::error::{CertificateFault, Shown, TlsError};
use super::files::{Identity, TlsFileError};
use super::reference::{AcceptedBy, Reference};
use super::trust::{Finding, Judge, Trust};
use super::{ALPN, Secured, VERSIONS, provider, secured};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use std::fmt;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What every handshake of a client has in common. Cheap to clone.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    verifier: Arc<dyn ServerCertVerifier>,
    verifies: bool,
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").field("verifies", &self.verifies).finish_non_exhaustive()
    }
}

impl ClientTls {
    /// Whom to trust, and whom to be if the server asks. Reads the system's authorities if those are trusted, which
    /// takes some milliseconds.
    ///
    /// # Errors
    /// If there are no authorities to trust.
    pub fn new(trust: &Trust, identity: Option<&Identity>) -> Result<Self, TlsFileError> {
        let verifier = trust.verifier()?;
        // The provider supports both versions, so that this is not an error of the person's making.
        let no_versions = |_| TlsFileError { file: Default::default(), fault: super::FileFault::NoAuthorities };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(no_versions)?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone());
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity(key)) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key.clone()))),
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        // A resumed session would be believed without a look at the certificate.
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), verifier, verifies: trust.verifies() })
    }

    /// Whether a finished handshake proves that the peer is the domain; only then may requests be sent before the
    /// server has proved that it knows the secret (SPEC §4).
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.verifies
    }

    /// Makes the stream a TLS stream to the domain's server, who has to be what the reference says.
    ///
    /// # Errors
    /// [`TlsError`]
    pub async fn handshake<S>(&self, expected: &Reference, stream: S) -> Result<(TlsStream<S>, Secured), TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (stream, finding) = self.connect(expected, stream, false).await;
        match (stream, finding) {
            (Ok(stream), _) => {
                let secured = secured(stream.get_ref().1);
                Ok((stream, secured))
            }
            (Err(_), Some(Finding { verdict: Err(fault), certificate, .. })) => {
                Err(fault.into_error(&expected.domain, &certificate))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The same for somebody who wants to see what there is: whatever the certificate is, the handshake goes on, and the
    /// verdict is part of the answer. Nothing secret may travel on such a stream.
    ///
    /// # Errors
    /// [`TlsError`], but never because of the certificate.
    pub async fn examine<S>(&self, expected: &Reference, stream: S) -> Result<(TlsStream<S>, Examined), TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (stream, finding) = self.connect(expected, stream, true).await;
        let (stream, finding) = (stream?, finding.ok_or(TlsError::Misbehaved)?);
        let session = stream.get_ref().1;
        let examined = Examined {
            version: secured(session).version,
            speaks_impp: session.alpn_protocol() == Some(ALPN),
            certificate: Shown::of(&finding.certificate),
            chain: finding.chain,
            verdict: finding.verdict,
            without_tlsa: finding.without_tlsa.unwrap_or(finding.verdict),
        };
        Ok((stream, examined))
    }

    async fn connect<S>(
        &self,
        expected: &Reference,
        stream: S,
        lenient: bool,
    ) -> (Result<TlsStream<S>, TlsError>, Option<Finding>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // A name that TLS cannot carry is nobody's: the handshake says DOMAIN, and the certificate is judged all the same.
        let domain = || ServerName::try_from(expected.domain.as_str().to_owned()).ok();
        let Some(name) = expected.server_name().or_else(domain) else { return (Err(TlsError::Misbehaved), None) };
        let (others, reference) = (self.verifier.clone(), expected.clone());
        let judge = Arc::new(Judge { others, reference, lenient, found: Mutex::new(None) });
        let mut config = ClientConfig::clone(&self.config);
        config.dangerous().set_certificate_verifier(judge.clone());
        let done = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        (done.map_err(|error| TlsError::of(&error)), judge.take())
    }
}

/// What there is to see of a server's TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// `TLS 1.3` or `TLS 1.2`.
    pub version: &'static str,
    /// Whether the server chose our protocol by name (ALPN).
    pub speaks_impp: bool,
    /// The server's certificate.
    pub certificate: Shown,
    /// How many certificates it sent.
    pub chain: usize,
    /// What a client thinks of it.
    pub verdict: Result<AcceptedBy, CertificateFault>,
    /// What a client would think if there were no TLSA records.
    pub without_tlsa: Result<AcceptedBy, CertificateFault>,
}
