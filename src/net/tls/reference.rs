//! Who a server has to prove to be: the domain, perhaps its host, or whatever the domain's TLSA records say (SPEC §2.4).

use super::dane;
use super::error::{CertificateFault, TlsError};
use super::trust::Prepared;
use crate::model::{Domain, UnixMillis};
use crate::net::dns::Tlsa;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error};
use std::time::Duration;

/// Who a server has to prove to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The domain.
    pub domain: Domain,
    /// The host, where a DNSSEC-secure answer named it.
    pub host: Option<String>,
    /// The host's TLSA records, where they decide: secure, and one of them usable. Empty: they do not.
    pub tlsa: Vec<Tlsa>,
}

/// Whether a client's chain, leaf first, proves that it is one of these servers; which, and by what. Where TLSA records decide
/// for one of them they decide for all: whoever could pose as another would otherwise pass by a certificate that is none of
/// those that the domain names.
///
/// # Errors
/// [`TlsError::Certificate`] with the fault found with the first of them.
pub fn prove(
    servers: &[Reference],
    trust: &Prepared,
    chain: &[CertificateDer<'_>],
    now: UnixMillis,
) -> Result<(usize, AcceptedBy), TlsError> {
    let (end_entity, intermediates) = chain.split_first().ok_or(TlsError::Misbehaved)?;
    let now = UnixTime::since_unix_epoch(Duration::from_millis(now.0));
    let decided = servers.iter().any(|server| !server.tlsa.is_empty());
    let mut first = None;
    for (at, server) in servers.iter().enumerate().filter(|(_, server)| !server.tlsa.is_empty() || !decided) {
        match server.judge(&*trust.verifier, end_entity, intermediates, &[], now) {
            Ok(by) => return Ok((at, by)),
            Err(fault) => first = first.or(Some((server, fault))),
        }
    }
    Err(first.map_or(TlsError::Misbehaved, |(server, fault)| fault.into_error(&server.domain, end_entity)))
}

/// What made a certificate good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedBy {
    /// Somebody trusted vouches that it is the domain's; or its key is pinned, or nobody looked.
    Domain,
    /// Somebody trusted vouches that it is the host's, which the DNS proved to be the domain's.
    Host,
    /// It fits this one of [`Reference::tlsa`].
    Tlsa(usize),
}

impl From<Domain> for Reference {
    /// The domain and nothing else.
    fn from(domain: Domain) -> Self {
        Self { domain, host: None, tlsa: Vec::new() }
    }
}

impl Reference {
    /// The name to say in the handshake; `None` if the host's is none that TLS can carry.
    pub(super) fn server_name(&self) -> Option<ServerName<'static>> {
        let host = self.host.as_deref().filter(|_| !self.tlsa.is_empty());
        ServerName::try_from(host.unwrap_or(self.domain.as_str()).to_owned()).ok()
    }

    /// Judges a certificate. Where TLSA records decide, nobody else is asked.
    pub(super) fn judge(
        &self,
        others: &dyn ServerCertVerifier,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<AcceptedBy, CertificateFault> {
        let domain = ServerName::try_from(self.domain.as_str()).map_err(|_| CertificateFault::Malformed)?;
        let host = self.host.as_deref().and_then(|host| ServerName::try_from(host).ok());
        if !self.tlsa.is_empty() {
            let names: Vec<_> = [Some(domain), host].into_iter().flatten().collect();
            return dane::find_match(&self.tlsa, end_entity, intermediates, &names, now).map(AcceptedBy::Tlsa);
        }
        let verify = |name| others.verify_server_cert(end_entity, intermediates, name, ocsp, now);
        let Err(error) = verify(&domain) else { return Ok(AcceptedBy::Domain) };
        match error {
            Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => Err(CertificateFault::WrongPin),
            error => match (CertificateFault::of(&error), host) {
                (CertificateFault::WrongName, Some(host)) if verify(&host).is_ok() => Ok(AcceptedBy::Host),
                (fault, _) => Err(fault),
            },
        }
    }
}
