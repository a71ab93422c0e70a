//! What the tests of this layer share: certificates made for the occasion, and handshakes in memory.

use super::tls::{CertificateSource, files};
use super::tls::{ClientTls, Secured, ServerTls, ServerTlsOptions, TlsError, Trust};
use crate::model::{Address, Domain};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use rustls::RootCertStore;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::DuplexStream;

/// An authority whose files live as long as it does.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
    issued: AtomicU32,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = Default::default();
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let key = KeyPair::generate().unwrap();
        fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key), issued: AtomicU32::new(0) }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        files::read_authorities(&self.file()).unwrap()
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::Authorities(self.roots())
    }

    /// A server's certificate and key, valid from the first day of one year to that of another.
    pub(crate) fn issue(&self, names: &[&str], from: i32, to: i32) -> (PathBuf, PathBuf) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    pub(crate) fn issue_user(&self, email: &str) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::Rfc822Name(email.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> (PathBuf, PathBuf) {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let file = |what: &str| self.folder.path().join(format!("{number}.{what}.pem"));
        let key = KeyPair::generate().unwrap();
        fs::write(file("cert"), params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        fs::write(file("key"), key.serialize_pem()).unwrap();
        (file("cert"), file("key"))
    }

    pub(crate) fn server(&self, names: &[&str]) -> ServerTls {
        self.server_at(names, 2020, 2090)
    }

    pub(crate) fn server_at(&self, names: &[&str], from: i32, to: i32) -> ServerTls {
        let (certificate, key) = self.issue(names, from, to);
        let certificates = vec![CertificateSource { domain: None, certificate, key }];
        ServerTls::new(ServerTlsOptions { certificates, client_authority: None }).unwrap()
    }
}

pub(crate) type Near = Result<(tokio_rustls::client::TlsStream<DuplexStream>, Secured), TlsError>;
pub(crate) type Far = Result<(tokio_rustls::server::TlsStream<DuplexStream>, Secured, Option<Address>), TlsError>;

/// Both sides of a handshake, in memory.
pub(crate) async fn handshake(client: &ClientTls, domain: &Domain, server: &ServerTls) -> (Near, Far) {
    let (near, far) = tokio::io::duplex(65_536);
    tokio::join!(client.handshake(domain, near), server.accept(far))
}
