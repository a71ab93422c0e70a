//! What the tests of this layer share: certificates made for the occasion, and handshakes in memory.

use super::connect::TlsKind;
use super::tls::{CertificateSource, files};
use super::tls::{ClientTls, Reference, Secured, ServerTls, ServerTlsOptions, TlsError, Trust};
use super::{Clock, Drive, MaybeTls, Step, random};
use crate::engine::{ByeCause, DomainConfig, LinkPolicy, Mechanism, Server, ServerCommand, ServerConfig, ServerEvent, sasl};
use crate::engine::{TlsInfo, TlsPolicy};
use crate::model::response::{error_to, ok_to};
use crate::model::{Answer, Domain, LeaseBounds, Secret};
use crate::wire::{Frame, Writer};
use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use rustls::RootCertStore;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;

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
        ServerTls::new(ServerTlsOptions { certificates, asks_domains: true, ..ServerTlsOptions::default() }).unwrap()
    }
}

pub(crate) type Near = Result<(tokio_rustls::client::TlsStream<DuplexStream>, Secured), TlsError>;
pub(crate) type Far = Result<(tokio_rustls::server::TlsStream<DuplexStream>, TlsInfo), TlsError>;

/// Both sides of a handshake, in memory.
pub(crate) async fn handshake(client: &ClientTls, domain: &Domain, server: &ServerTls) -> (Near, Far) {
    let (near, far) = tokio::io::duplex(65_536);
    let expected = Reference::from(domain.clone());
    tokio::join!(client.handshake(&expected, near), server.accept(far))
}

/// The accepting engine on a stream, with one user (`alice@example.org`, `wonderland`) and a test in the place of the
/// service.
pub(crate) struct Relay {
    pub(crate) inbound: UnboundedReceiver<Frame>,
    orders: UnboundedSender<Option<ServerCommand>>,
    /// Ends when the connection does.
    pub(crate) ended: JoinHandle<Vec<String>>,
}

/// What a [`Relay`] is to be.
#[derive(Clone)]
pub(crate) struct RelayKind {
    /// TLS; from the first octet, or for STARTTLS.
    pub(crate) tls: Option<(Arc<ServerTls>, TlsKind)>,
    pub(crate) opened: Result<bool, Answer>,
    pub(crate) mechanisms: Vec<Mechanism>,
    pub(crate) max_body: u64,
    pub(crate) links: LinkPolicy,
    /// The domain whose server may come with any certificate, or with this secret.
    pub(crate) neighbour: Option<(Domain, Option<&'static str>)>,
}

impl Default for RelayKind {
    fn default() -> Self {
        let mechanisms = vec![Mechanism::ScramSha256Plus, Mechanism::ScramSha256];
        let links = LinkPolicy::default();
        Self { tls: None, opened: Ok(false), mechanisms, max_body: 100_000, links, neighbour: None }
    }
}

impl Relay {
    pub(crate) fn start<S>(stream: S, kind: RelayKind) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (told, inbound) = mpsc::unbounded_channel();
        let (orders, given) = mpsc::unbounded_channel();
        let ended = tokio::spawn(relay(stream, kind, told, given));
        Self { inbound, orders, ended }
    }

    /// The next request or response of the client.
    pub(crate) async fn next(&mut self) -> Frame {
        self.inbound.recv().await.expect("the client said nothing more")
    }

    pub(crate) fn write(&self, octets: impl Into<Bytes>) {
        self.orders.send(Some(ServerCommand::Send { head: octets.into(), body: Bytes::new() })).unwrap();
    }

    pub(crate) fn ok(&self, request: &Frame, headers: impl FnOnce(Writer) -> Writer) {
        self.write(headers(ok_to(request)).finish());
    }

    pub(crate) fn ok_with(&self, request: &Frame, headers: impl FnOnce(Writer) -> Writer, body: &str) {
        self.write(headers(ok_to(request)).finish_with("application/presence", body.as_bytes()));
    }

    pub(crate) fn error(&self, request: &Frame, answer: &Answer) {
        self.write(answer.write(error_to(request)).finish());
    }

    pub(crate) fn bye(&self, cause: ByeCause) {
        self.orders.send(Some(ServerCommand::Bye { cause: Some(cause), reason: None, retry_after: None })).unwrap();
    }

    /// Breaks the connection without a word.
    pub(crate) fn cut(&self) {
        self.orders.send(None).unwrap();
    }
}

/// Tells what else happened when the connection is over.
async fn relay<S>(
    stream: S,
    kind: RelayKind,
    told: UnboundedSender<Frame>,
    mut orders: UnboundedReceiver<Option<ServerCommand>>,
) -> Vec<String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut log = Vec::new();
    let domain = DomainConfig {
        mechanisms: kind.mechanisms,
        iterations: 4096,
        decoy_key: [7; 32],
        anonymous: true,
        services: crate::model::Services::ALL,
        lease: LeaseBounds::default(),
    };
    let mut config = ServerConfig::new("test/1");
    config.domains.insert(Domain::parse("example.org").unwrap(), domain);
    config.max_body = kind.max_body;
    config.links = kind.links;
    config.tls = if kind.tls.is_some() { TlsPolicy::Required } else { TlsPolicy::None };
    let (mut stream, mut info) = (MaybeTls::Plain(stream), None);
    if let Some((tls, TlsKind::Require)) = &kind.tls {
        let MaybeTls::Plain(plain) = stream else { unreachable!() };
        let Ok((secure, secured)) = tls.accept(plain).await else { return vec!["no TLS".into()] };
        info = Some(secured);
        stream = MaybeTls::Tls(Box::new(secure.into()));
    }
    let mut drive = Drive::new(Server::new(Arc::new(config), info, random::nonce(), Clock::instant()), stream);
    loop {
        let command = tokio::select! {
            order = orders.recv() => match order {
                Some(Some(command)) => command,
                Some(None) => return log,
                // The test is over.
                None => return log,
            },
            step = std::future::poll_fn(|cx| drive.poll_step(cx)) => match step {
                Step::Broken(error) => {
                    log.push(error.kind().to_string());
                    return log;
                }
                Step::Event(ServerEvent::LookUp(user)) => {
                    let known = user.to_email() == "alice@example.org";
                    let secret = Secret::new("wonderland".to_owned());
                    ServerCommand::Credentials(known.then(|| sasl::derive(&secret, 4096, &[1; 16]).unwrap()))
                }
                Step::Event(ServerEvent::CheckPassword(work)) => ServerCommand::Checked(work.run()),
                Step::Event(ServerEvent::Authenticated(_)) => ServerCommand::Opened(kind.opened.clone()),
                Step::Event(ServerEvent::LookUpPeer(origin)) => {
                    let secret = kind.neighbour.as_ref().filter(|(known, _)| *known == origin).and_then(|(_, secret)| *secret);
                    let secret = secret.map(|secret| Secret::new(secret.to_owned()));
                    ServerCommand::Credentials(secret.map(|secret| sasl::derive(&secret, 4096, &[2; 16]).unwrap()))
                }
                Step::Event(ServerEvent::JudgePeer(origin)) => {
                    ServerCommand::PeerJudged(kind.neighbour.as_ref().is_some_and(|(known, _)| *known == origin))
                }
                Step::Event(ServerEvent::LinkUp(_)) => ServerCommand::Opened(kind.opened.clone()),
                Step::Event(ServerEvent::Request(frame) | ServerEvent::Response(frame)) => {
                    // The test may have heard enough.
                    let _ = told.send(frame);
                    continue;
                }
                Step::Event(ServerEvent::LoginFailed { .. }) => {
                    log.push("login failed".into());
                    continue;
                }
                Step::Event(ServerEvent::Bye) => {
                    log.push("bye".into());
                    continue;
                }
                Step::Event(ServerEvent::Ended(end)) => {
                    log.push(end.to_string());
                    drive.linger().await;
                    return log;
                }
                Step::Event(ServerEvent::StartTls) => {
                    std::future::poll_fn(|cx| drive.poll_flush(cx)).await.unwrap();
                    let (engine, stream) = drive.into_parts();
                    let (Some((tls, _)), MaybeTls::Plain(stream)) = (&kind.tls, stream) else { unreachable!() };
                    let Ok((secure, secured)) = tls.accept(stream).await else { return vec!["no TLS".into()] };
                    drive = Drive::new(engine, MaybeTls::Tls(Box::new(secure.into())));
                    ServerCommand::TlsUp(secured)
                }
            },
        };
        drive.command(|engine, now| engine.handle_command(now, command));
    }
}
