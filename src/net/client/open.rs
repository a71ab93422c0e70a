//! From a stream to one on which the login may begin: TLS from the first octet, or all that leads to STARTTLS and TLS then.

use super::error::Error;
use super::options::Options;
use crate::engine::{self, ClientCommand, ClientConfig, ClientEvent, ClientRefusal};
use crate::model::ErrorKind;
use crate::model::error_kind::Lasting;
use crate::net::connect::{HostPort, TlsKind};
use crate::net::drive::{Drive, Step};
use crate::net::stream::MaybeTls;
use crate::net::tls::{ClientTls, Reference, Trust};
use crate::net::trace::Trace;
use crate::net::{Clock, random};
use crate::wire::Name;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite};

/// Redirects that are obeyed (SPEC §5.10).
pub(in crate::net) const REDIRECTS: usize = 3;

/// An engine and its stream.
pub(in crate::net) type ClientDrive<S> = Drive<engine::Client, MaybeTls<S>>;

/// Opens streams for one client. Reading the system's authorities takes a while and is done once.
#[derive(Debug)]
pub(in crate::net) struct Opener {
    options: Arc<Options>,
    /// `None` where there will be none.
    tls: Option<ClientTls>,
}

impl Opener {
    /// Reads whom to trust, which blocks, somewhere else.
    pub(in crate::net) async fn new(options: &Arc<Options>) -> Result<Self, Error> {
        let options = options.clone();
        if options.tls == TlsKind::Off {
            return Ok(Self { options, tls: None });
        }
        let given = options.clone();
        let made = tokio::task::spawn_blocking(move || ClientTls::new(&given.trust, given.certificate.as_ref()));
        match made.await {
            Ok(tls) => Ok(Self { options, tls: Some(tls?) }),
            // The runtime is being torn down.
            Err(_) => Err(Error::Closed),
        }
    }

    /// Whether an open stream proves who the server is, so that requests may travel before the login is done (SPEC §4).
    pub(in crate::net) fn verifies(&self) -> bool {
        self.tls.as_ref().is_some_and(ClientTls::verifies)
    }

    /// Opens a stream. Nothing of the login has been said on it when it comes back.
    pub(in crate::net) async fn open<S>(&self, stream: S, kind: TlsKind, expected: &Reference) -> Result<ClientDrive<S>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let trace = self.options.trace.clone().map(|sink| Arc::new(Trace::new(sink)));
        match (&self.tls, kind) {
            (Some(tls), TlsKind::Require) => {
                let (stream, exporter) = handshake(tls, stream, expected, trace.as_deref()).await?;
                Ok(self.drive(MaybeTls::Tls(stream), engine::ClientTls::Active { exporter }, trace))
            }
            (Some(tls), _) => {
                let drive = self.drive(MaybeTls::Plain(stream), engine::ClientTls::StartTls, trace.clone());
                start_tls(drive, tls, expected, trace).await
            }
            // Whether the stream may be in the clear at all was decided where it was made.
            (None, _) => Ok(self.drive(MaybeTls::Plain(stream), engine::ClientTls::Plain { credentials: true }, trace)),
        }
    }

    fn drive<S>(&self, stream: MaybeTls<S>, tls: engine::ClientTls, trace: Option<Arc<Trace>>) -> ClientDrive<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.options.engine_config(tls, self.verifies());
        Drive::new(engine::Client::new(config, random::nonce(), Clock::instant()), stream).traced(trace)
    }
}

/// Whether another server of the domain may do better than one that failed so before there was a session. A refused
/// password is refused everywhere; and what was sent with the login, `unsettled`, may have been done, unless the login was
/// refused.
pub(in crate::net) fn another_may_do(error: &Error, unsettled: bool) -> bool {
    match error {
        Error::Login(ClientRefusal::Hello(_) | ClientRefusal::Rejected(_) | ClientRefusal::NoTls) => true,
        Error::Login(ClientRefusal::Auth(answer)) => answer.kind.lasting() == Lasting::Temporary,
        Error::Login(ClientRefusal::Timeout | ClientRefusal::BadAnswer) => !unsettled,
        Error::Broken(_) | Error::Ended(_) | Error::Bye { .. } | Error::Timeout => !unsettled,
        _ => false,
    }
}

/// Where a refusal sends us, if it does.
pub(in crate::net) fn elsewhere(refusal: &ClientRefusal) -> Option<HostPort> {
    let (ClientRefusal::Hello(answer) | ClientRefusal::Auth(answer)) = refusal else { return None };
    match (answer.kind, &answer.detail) {
        (ErrorKind::Redirect, Some((Name::Server, at))) => HostPort::parse(at),
        _ => None,
    }
}

/// Until when a server that says nothing is waited for: it must not take the time of the others.
pub(in crate::net) fn patience(now: Instant, deadline: Instant) -> Instant {
    now.checked_add(deadline.saturating_duration_since(now) / 2).unwrap_or(now)
}

async fn start_tls<S>(
    mut drive: ClientDrive<S>,
    tls: &ClientTls,
    expected: &Reference,
    trace: Option<Arc<Trace>>,
) -> Result<ClientDrive<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    loop {
        match poll_fn(|cx| drive.poll_step(cx)).await {
            Step::Broken(error) => return Err(Error::Broken(error.kind())),
            Step::Event(ClientEvent::StartTls) => break,
            Step::Event(ClientEvent::Refused(refusal)) => {
                tokio::spawn(drive.linger());
                return Err(Error::Login(refusal));
            }
            Step::Event(ClientEvent::Bye { cause, reason, retry_after }) => {
                return Err(Error::Bye { cause, reason, retry_after });
            }
            Step::Event(ClientEvent::Ended(end)) => {
                tokio::spawn(drive.linger());
                return Err(Error::Ended(end));
            }
            // None of them comes before the login.
            Step::Event(_) => {}
        }
    }
    poll_fn(|cx| drive.poll_flush(cx)).await.map_err(|error| Error::Broken(error.kind()))?;
    let (engine, stream) = drive.into_parts();
    let MaybeTls::Plain(stream) = stream else { return Err(Error::Login(ClientRefusal::BadAnswer)) };
    let (stream, exporter) = handshake(tls, stream, expected, trace.as_deref()).await?;
    let mut drive = Drive::new(engine, MaybeTls::Tls(stream)).traced(trace);
    drive.command(|engine, now| engine.handle_command(now, ClientCommand::TlsUp { exporter }));
    Ok(drive)
}

type Secure<S> = (Box<tokio_rustls::TlsStream<S>>, Option<Vec<u8>>);

async fn handshake<S>(tls: &ClientTls, stream: S, expected: &Reference, trace: Option<&Trace>) -> Result<Secure<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (stream, secured) = tls.handshake(expected, stream).await?;
    if let Some(trace) = trace {
        trace.remark(secured.version);
    }
    Ok((Box::new(stream.into()), secured.exporter))
}

impl Options {
    fn engine_config(&self, tls: engine::ClientTls, pipeline: bool) -> ClientConfig {
        ClientConfig {
            accepts_messages: self.accepts_messages,
            inbox: self.inbox.clone(),
            max_body: self.max_body,
            max_outstanding: self.max_outstanding,
            agent: self.agent.clone(),
            mechanism: self.mechanism,
            pipeline,
            verified: !matches!(self.trust, Trust::Anyone),
            ..ClientConfig::new(self.domain.clone(), self.login.clone(), self.connection, tls)
        }
    }
}
