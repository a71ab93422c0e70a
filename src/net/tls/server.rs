//! TLS of the accepting side: a certificate per domain, renewed while connections stand.

use super::error::{Shown, TlsError};
use super::files::{Identity, TlsFileError, read_authorities};
use super::identity::proven_users;
use super::{ALPN, Secured, VERSIONS, provider, secured};
use crate::engine::TlsInfo;
use crate::model::Domain;
use crate::net::stamp::Stamp;
use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Which files a server's TLS is made of.
#[derive(Clone, Debug, Default)]
pub struct ServerTlsOptions {
    /// One certificate for each domain that has its own, and one without a domain for all others and for clients that
    /// name none.
    pub certificates: Vec<CertificateSource>,
    /// Authorities that vouch for users' certificates.
    pub client_authority: Option<PathBuf>,
    /// Whether servers of other domains log in with their certificates. Then, and if there is a `client_authority`, everybody
    /// is asked for one: who it is that comes is said behind the handshake.
    pub asks_domains: bool,
}

/// One certificate on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSource {
    /// For whom; `None`: the default.
    pub domain: Option<Domain>,
    /// The chain in PEM, leaf first.
    pub certificate: PathBuf,
    /// The key in PEM.
    pub key: PathBuf,
}

/// What came of looking at the files again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The files are those of last time.
    Unchanged,
    /// They changed, and new handshakes use what they hold.
    Renewed,
    /// They changed, cannot be used, and what was loaded before stays in force. Said once for each state of the files.
    Kept(TlsFileError),
}

/// A server's TLS.
pub struct ServerTls {
    options: ServerTlsOptions,
    loaded: Arc<ArcSwap<Loaded>>,
    acceptor: TlsAcceptor,
    seen: Mutex<Vec<Option<Stamp>>>,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("options", &self.options).finish_non_exhaustive()
    }
}

/// What the files hold.
#[derive(Debug)]
struct Loaded {
    by_name: HashMap<String, Arc<CertifiedKey>>,
    default: Option<Arc<CertifiedKey>>,
    client_authorities: Option<Arc<RootCertStore>>,
}

impl ServerTls {
    /// Reads all files.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn new(options: ServerTlsOptions) -> Result<Self, TlsFileError> {
        let seen = Mutex::new(options.stamps());
        let loaded = Arc::new(ArcSwap::from_pointee(options.load()?));
        let no_versions = |_| TlsFileError { file: PathBuf::new(), fault: super::FileFault::BadKey };
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS).map_err(no_versions)?;
        let builder = if options.asks_domains || options.client_authority.is_some() {
            builder.with_client_cert_verifier(Arc::new(JudgedLater))
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_cert_resolver(Arc::new(ByName(loaded.clone())));
        config.alpn_protocols = vec![ALPN.to_vec()];
        // No resumption: it would carry old certificates past their renewal, and 0-RTT could be replayed.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(Self { options, loaded, acceptor: TlsAcceptor::from(Arc::new(config)), seen })
    }

    /// Makes an accepted stream a TLS stream. The client's chain stays in the stream, for [`super::prove`].
    ///
    /// # Errors
    /// [`TlsError`]
    pub async fn accept<S>(&self, stream: S) -> Result<(TlsStream<S>, TlsInfo), TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = self.acceptor.accept(stream).await.map_err(|error| TlsError::of(&error))?;
        let (_, session) = stream.get_ref();
        let Secured { exporter, version } = secured(session);
        let loaded = self.loaded.load();
        let chain = session.peer_certificates();
        let proof = chain.zip(loaded.client_authorities.as_ref());
        let client_identities = proof.map(|(chain, authorities)| proven_users(chain, authorities)).unwrap_or_default();
        let info = TlsInfo { exporter, client_identities, client_certificate: chain.is_some(), version };
        Ok((stream, info))
    }

    /// Who this side is when it opens a connection for a domain: the certificate in force.
    #[must_use]
    pub fn identity(&self, domain: &Domain) -> Option<Identity> {
        let loaded = self.loaded.load();
        loaded.by_name.get(domain.as_str()).or(loaded.default.as_ref()).cloned().map(Identity)
    }

    /// Looks whether the files changed, and reads all of them if one did. Nothing changes unless all can be used.
    pub fn reload_if_changed(&self) -> Reload {
        // Before reading: a file that changes meanwhile is then seen to have changed next time.
        let stamps = self.options.stamps();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == stamps {
            return Reload::Unchanged;
        }
        *seen = stamps;
        match self.options.load() {
            Ok(loaded) => {
                self.loaded.store(Arc::new(loaded));
                Reload::Renewed
            }
            Err(error) => Reload::Kept(error),
        }
    }

    /// What the certificates in force say of themselves, the default last.
    #[must_use]
    pub fn certificates(&self) -> Vec<(Option<Domain>, Shown)> {
        let loaded = self.loaded.load();
        let key = |domain: &Option<Domain>| match domain {
            Some(domain) => loaded.by_name.get(domain.as_str()),
            None => loaded.default.as_ref(),
        };
        let mut all: Vec<_> = self
            .options
            .certificates
            .iter()
            .filter_map(|source| Some((source.domain.clone(), Shown::of(key(&source.domain)?.cert.first()?))))
            .collect();
        all.sort_by_key(|(domain, _)| domain.is_none());
        all
    }
}

impl ServerTlsOptions {
    fn files(&self) -> impl Iterator<Item = &Path> {
        let pairs = self.certificates.iter().flat_map(|source| [source.certificate.as_path(), source.key.as_path()]);
        pairs.chain(self.client_authority.as_deref())
    }

    fn stamps(&self) -> Vec<Option<Stamp>> {
        self.files().map(Stamp::of).collect()
    }

    fn load(&self) -> Result<Loaded, TlsFileError> {
        let mut loaded = Loaded { by_name: HashMap::new(), default: None, client_authorities: None };
        for source in &self.certificates {
            let Identity(key) = Identity::read(&source.certificate, &source.key)?;
            match &source.domain {
                Some(domain) => drop(loaded.by_name.insert(domain.as_str().to_owned(), key)),
                None => loaded.default = Some(key),
            }
        }
        loaded.client_authorities = self.client_authority.as_deref().map(read_authorities).transpose()?;
        Ok(loaded)
    }
}

/// The certificate for the name in SNI, else the default.
#[derive(Debug)]
struct ByName(Arc<ArcSwap<Loaded>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let loaded = self.0.load();
        let named = hello.server_name().and_then(|name| loaded.by_name.get(&name.to_ascii_lowercase()));
        named.or(loaded.default.as_ref()).cloned()
    }
}

/// Takes any client certificate whose key the client holds: whom it proves is found out after the handshake, so that
/// a client with a certificate meant for somebody else can still log in by password.
#[derive(Debug)]
struct JudgedLater;

impl ClientCertVerifier for JudgedLater {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
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
