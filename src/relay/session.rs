//! One connection of the relay: the only file in which engine and service meet.

use super::hub::Hub;
use super::outbox::Item;
use super::outbox::Outbox;
use crate::engine::End;
use crate::engine::Opening;
use crate::engine::Server;
use crate::engine::ServerCommand;
use crate::engine::ServerEvent;
use crate::engine::TlsInfo;
use crate::model::Address;
use crate::model::ByeCause;
use crate::net::Clock;
use crate::net::Drive;
use crate::net::MaybeTls;
use crate::net::ServerTls;
use crate::net::Step;
use crate::net::random;
use crate::net::tls::Secured;
use crate::service;
use crate::service::Closed;
use crate::service::ConnectionKey;
use crate::service::SessionState;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

/// How long a client that is sent away is asked to wait before it comes back.
const COME_BACK_AFTER: Duration = Duration::from_secs(5);

/// What every session of a listener shares.
pub(super) struct Shared {
    pub(super) hub: Arc<Hub>,
    pub(super) engine: Arc<crate::engine::ServerConfig>,
    /// `None`: this relay has no TLS.
    pub(super) tls: Option<Arc<ServerTls>>,
}

/// A connection while its task runs. Dropping it, by return or by panic, ends it for the service too.
struct Session {
    shared: Arc<Shared>,
    key: ConnectionKey,
    outbox: Arc<Outbox>,
    peer: SocketAddr,
    identity: Option<Address>,
    how: Closed,
}

impl Drop for Session {
    fn drop(&mut self) {
        let (key, how) = (self.key, self.how);
        self.shared.hub.tell(|service, now| service.closed(now, key, how));
        self.shared.hub.unregister(key);
    }
}

/// An accepted connection.
pub(super) struct Accepted {
    pub(super) stream: MaybeTls,
    /// What the handshake proved, where TLS came first.
    pub(super) tls: Option<TlsInfo>,
    pub(super) peer: SocketAddr,
    /// When it was accepted: the time to log in counts from there, handshake included.
    pub(super) since: Instant,
}

/// Serves one accepted connection to its end.
pub(super) async fn run(shared: Arc<Shared>, accepted: Accepted) {
    let Accepted { stream, tls, peer, since } = accepted;
    let engine = Server::new(Arc::clone(&shared.engine), tls, random::nonce(), since);
    let mut drive = Drive::new(engine, stream);
    let (key, outbox) = shared.hub.register();
    let mut session = Session { shared, key, outbox, peer, identity: None, how: Closed::Lost };
    let end = loop {
        match session.next(&mut drive).await {
            Next::Items(items) => session.relay(&mut drive, items),
            Next::Step(Step::Broken(error)) => {
                tracing::debug!(peer = %session.peer, %error, "connection lost");
                return;
            }
            // What happens once in a connection's life is boxed: else its room would be kept for all of that life.
            Next::Step(Step::Event(ServerEvent::StartTls)) => match Box::pin(session.start_tls(drive)).await {
                Some(upgraded) => drive = upgraded,
                None => return,
            },
            Next::Step(Step::Event(ServerEvent::Ended(end))) => break end,
            Next::Step(Step::Event(event @ (ServerEvent::LookUp(_) | ServerEvent::CheckPassword(_)))) => {
                Box::pin(session.authenticate(&mut drive, event)).await;
            }
            Next::Step(Step::Event(event)) => session.handle(event),
        }
    };
    session.log_end(end);
    // The service hears of the end before the peer can see it and come back.
    drop(session);
    Box::pin(part(drive, end)).await;
}

/// Writes what is left, and waits for the peer where the last answer must not be reset away.
async fn part(mut drive: Drive<Server, MaybeTls>, end: End) {
    if end.lingers() {
        drive.linger().await;
    } else {
        let _ = tokio::time::timeout(crate::net::LINGER, poll_fn(|cx| drive.poll_flush(cx))).await;
    }
}

#[allow(clippy::large_enum_variant, reason = "lives on the stack, for one step")]
enum Next {
    Items(VecDeque<Item>),
    Step(Step<ServerEvent>),
}

impl Session {
    /// Waits for the peer, the time or the service, whichever comes first.
    async fn next(&self, drive: &mut Drive<Server, MaybeTls>) -> Next {
        poll_fn(|cx| {
            if let Poll::Ready(items) = self.outbox.poll_take(cx) {
                return Poll::Ready(Next::Items(items));
            }
            drive.poll_step(cx).map(Next::Step)
        })
        .await
    }

    /// From the service to the engine.
    fn relay(&mut self, drive: &mut Drive<Server, MaybeTls>, items: VecDeque<Item>) {
        drive.command(|engine, now| {
            for item in items {
                let command = match item {
                    Item::Opened(outcome) => ServerCommand::Opened(outcome.map(|state| state == SessionState::Resumed)),
                    Item::Send(octets) => ServerCommand::Send { head: octets.head, body: octets.body },
                    Item::Close(cause) => ServerCommand::Bye {
                        cause: Some(cause),
                        reason: Some(cause.sentence()),
                        retry_after: (cause == ByeCause::ShuttingDown).then_some(COME_BACK_AFTER),
                    },
                };
                engine.handle_command(now, command);
            }
        });
    }

    /// From the engine to the service.
    fn handle(&mut self, event: ServerEvent) {
        let (hub, key) = (&self.shared.hub, self.key);
        match event {
            ServerEvent::Request(frame) => hub.tell(|service, now| service.request(now, key, frame)),
            ServerEvent::Response(frame) => hub.tell(|service, now| service.response(now, key, frame)),
            ServerEvent::Authenticated(opening) => {
                tracing::debug!(peer = %self.peer, user = %opening.identity, "authenticated");
                self.identity = Some(opening.identity.clone());
                hub.tell(|service, now| service.open(now, key, open(opening)));
            }
            ServerEvent::LoginFailed { claimed, mechanism } => self.log_failure(claimed, mechanism),
            ServerEvent::Bye => self.how = Closed::Bye,
            ServerEvent::StartTls
            | ServerEvent::LookUp(_)
            | ServerEvent::CheckPassword(_)
            | ServerEvent::LookUpPeer(_)
            | ServerEvent::JudgePeer(_)
            | ServerEvent::LinkUp(_)
            | ServerEvent::Ended(_) => {}
        }
    }

    /// From the engine to the store, or to a thread that may take its time, and back.
    async fn authenticate(&self, drive: &mut Drive<Server, MaybeTls>, event: ServerEvent) {
        match event {
            ServerEvent::LookUp(user) => {
                let found = self.shared.hub.credentials(user).await;
                drive.command(|engine, now| engine.handle_command(now, ServerCommand::Credentials(found)));
            }
            ServerEvent::CheckPassword(work) => {
                if let Ok(verdict) = tokio::task::spawn_blocking(move || work.run()).await {
                    drive.command(|engine, now| engine.handle_command(now, ServerCommand::Checked(verdict)));
                }
            }
            _ => {}
        }
    }

    /// Flushes the OK and does the handshake on the same stream.
    async fn start_tls(&self, mut drive: Drive<Server, MaybeTls>) -> Option<Drive<Server, MaybeTls>> {
        let tls = self.shared.tls.as_ref()?;
        // The time to log in goes on, whatever the peer does not read or say.
        let until = tokio::time::Instant::from_std(drive.engine().poll_timeout()?);
        tokio::time::timeout_at(until, poll_fn(|cx| drive.poll_flush(cx))).await.ok()?.ok()?;
        let (mut engine, stream) = drive.into_parts();
        let MaybeTls::Plain(stream) = stream else { return None };
        match tokio::time::timeout_at(until, tls.accept(stream)).await {
            Ok(Ok((stream, secured, users))) => {
                engine.handle_command(Clock::instant(), ServerCommand::TlsUp(tls_info(secured, users)));
                Some(Drive::new(engine, MaybeTls::Tls(Box::new(stream.into()))))
            }
            Ok(Err(error)) => {
                tracing::info!(peer = %self.peer, %error, "TLS handshake failed");
                None
            }
            Err(_) => None,
        }
    }

    /// The one stable line that a log watcher may count on.
    fn log_failure(&self, claimed: Option<Address>, mechanism: Option<crate::engine::Mechanism>) {
        let user = claimed.map(|user| user.as_str().to_owned()).unwrap_or_default();
        let mechanism = mechanism.map_or("unknown", crate::engine::Mechanism::as_str);
        tracing::warn!(address = %self.peer.ip().to_canonical(), user, mechanism, "login failed");
    }

    fn log_end(&self, end: End) {
        let user = self.identity.as_ref().map(Address::as_str).unwrap_or_default();
        match end {
            End::Bye | End::Eof => tracing::debug!(peer = %self.peer, user, %end, "connection ended"),
            _ => tracing::info!(peer = %self.peer, user, %end, "connection ended"),
        }
    }
}

/// What the handshake proved, in the engine's words.
pub(super) fn tls_info(secured: Secured, users: Vec<Address>) -> TlsInfo {
    TlsInfo { exporter: secured.exporter, client_identities: users, client_certificate: false, version: secured.version }
}

fn open(opening: Opening) -> service::Opening {
    let Opening { identity, anonymous, connection, accepts_messages, inbox, max_body, max_outstanding } = opening;
    service::Opening { identity, anonymous, connection, accepts_messages, inbox, max_body, max_outstanding }
}
