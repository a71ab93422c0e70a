//! TLS of the opening side: the handshake with a domain's server.

use super::error::TlsError;
use super::files::{Identity, TlsFileError};
use super::trust::{Noting, Trust};
use super::{ALPN, Secured, VERSIONS, provider, secured};
use crate::model::Domain;
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

    /// Makes the stream a TLS stream to the domain: SNI and the name that the certificate must have are DOMAIN,
    /// whatever host the stream leads to.
    ///
    /// # Errors
    /// [`TlsError`]
    pub async fn handshake<S>(&self, domain: &Domain, stream: S) -> Result<(TlsStream<S>, Secured), TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let noting = Arc::new(Noting { inner: self.verifier.clone(), refused: Mutex::new(None) });
        let mut config = ClientConfig::clone(&self.config);
        config.dangerous().set_certificate_verifier(noting.clone());
        let name = ServerName::try_from(domain.as_str().to_owned()).map_err(|_| TlsError::Misbehaved)?;
        match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
            Ok(stream) => {
                let (_, session) = stream.get_ref();
                let secured = secured(session);
                Ok((stream, secured))
            }
            Err(error) => Err(match noting.take() {
                Some((fault, certificate)) => fault.into_error(domain, &certificate),
                None => TlsError::of(&error),
            }),
        }
    }
}
