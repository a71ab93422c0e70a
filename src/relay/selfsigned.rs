//! A certificate to begin with: signed by itself, until a real one is there.

use crate::model::{Domain, Secret, UnixMillis};
use crate::net::tls::Pin;
use core::fmt;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PublicKeyData};
use std::time::Duration;

/// For how long it is valid: as long as the most that other software accepts of one.
const VALID: Duration = Duration::from_secs(825 * 86_400);
/// It begins a day early, for clocks that are behind.
const EARLY: Duration = Duration::from_secs(86_400);

/// A certificate and its key, PEM.
#[derive(Debug)]
pub struct SelfSigned {
    /// For everyone.
    pub certificate: String,
    /// For the server alone.
    pub key: Secret,
    /// What a TLSA record says of the key.
    pub pin: Pin,
}

/// No key could be made, or a name cannot stand in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfSignedError;

impl fmt::Display for SelfSignedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no certificate could be made")
    }
}

impl std::error::Error for SelfSignedError {}

/// Makes a key (ECDSA P-256) and a certificate for these names, valid for 825 days.
///
/// # Errors
/// [`SelfSignedError`]
pub fn self_signed(names: &[Domain], now: UnixMillis) -> Result<SelfSigned, SelfSignedError> {
    make(names, now).map_err(|_| SelfSignedError)
}

fn make(names: &[Domain], now: UnixMillis) -> Result<SelfSigned, rcgen::Error> {
    let mut params = CertificateParams::new(names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>())?;
    params.distinguished_name = DistinguishedName::new();
    // Its length is limited to 64 octets there; names that matter are the alternative ones.
    let common = names.first().map(Domain::as_str).filter(|name| name.len() <= 64).unwrap_or("impp");
    params.distinguished_name.push(DnType::CommonName, common);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_millis(now.0);
    params.not_before = now - EARLY;
    params.not_after = now + VALID;
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let pin = Pin::of_key(&key.subject_public_key_info());
    Ok(SelfSigned { certificate: certificate.pem(), key: Secret::new(key.serialize_pem()), pin })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use std::sync::Arc;

    /// A client that is given the certificate with `--ca` takes it for its names and its time.
    #[test]
    fn a_client_that_was_given_it_accepts_it() {
        let now = Duration::from_secs(1_795_435_200);
        let names = ["example.org", "im.example.org"].map(|name| Domain::parse(name).unwrap());
        let made = self_signed(&names, UnixMillis(now.as_millis() as u64)).unwrap();
        let certificate = CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let day = Duration::from_secs(86_400);
        let rows = [
            ("example.org", now, true),
            ("im.example.org", now, true),
            ("example.net", now, false),
            ("example.org", now - day / 2, true),
            ("example.org", now - 2 * day, false),
            ("example.org", now + 824 * day, true),
            ("example.org", now + 826 * day, false),
        ];
        for (name, at, accepted) in rows {
            let name = ServerName::try_from(name).unwrap();
            let verdict = verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::since_unix_epoch(at));
            assert_eq!(verdict.is_ok(), accepted, "{name:?} at {at:?}: {verdict:?}");
        }
        assert_eq!(format!("{:?}", made.key), "Secret(..)");
    }
}
