//! One accepted connection of the relay: a file in which engine and service meet. The other is [`super::links`].

use super::connection::Connection;
use super::connection::LINK_SILENCE;
use super::connection::Next;
use super::connection::part;
use super::control::ConnectionFacts;
use super::crowd::Place;
use super::guard::TooMany;
use super::hub::Hub;
use super::metrics::Outcome;
use super::neighbours::Neighbours;
use super::outbox::Item;
use crate::engine::End;
use crate::engine::LinkOpening;
use crate::engine::Opening;
use crate::engine::Server;
use crate::engine::ServerCommand;
use crate::engine::ServerEvent;
use crate::engine::TlsInfo;
use crate::model::Address;
use crate::model::ByeCause;
use crate::model::Domain;
use crate::net;
use crate::net::Clock;
use crate::net::Drive;
use crate::net::MaybeTls;
use crate::net::ServerTls;
use crate::net::Step;
use crate::net::link::Proof;
use crate::net::random;
use crate::service;
use crate::service::Closed;
use crate::service::Limit;
use crate::service::Route;
use crate::service::SessionState;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
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
    /// `None`: there is nothing to do with other domains.
    pub(super) neighbours: Option<Arc<Neighbours>>,
}

struct Session {
    shared: Arc<Shared>,
    connection: Connection,
    peer: SocketAddr,
    place: Place,
    identity: Option<Address>,
    /// It took more than it may.
    dismissed: bool,
}

/// Who comes, and the room that is kept.
pub(super) struct Origin {
    pub(super) peer: SocketAddr,
    pub(super) place: Place,
}

/// An accepted connection.
pub(super) struct Accepted {
    pub(super) stream: MaybeTls,
    /// What the handshake proved, where TLS came first.
    pub(super) tls: Option<TlsInfo>,
    pub(super) origin: Origin,
    /// When it was accepted: the time to log in counts from there, handshake included.
    pub(super) since: Instant,
}

/// Serves one accepted connection to its end.
pub(super) async fn run(shared: Arc<Shared>, accepted: Accepted) {
    let Accepted { stream, tls, origin: Origin { peer, place }, since } = accepted;
    let engine = Server::new(Arc::clone(&shared.engine), tls, random::nonce(), since);
    let mut drive = Drive::new(engine, stream);
    let connection = Connection::new(Arc::clone(&shared.hub));
    let mut session = Session { shared, connection, peer, place, identity: None, dismissed: false };
    let end = loop {
        match session.connection.next(&mut drive).await {
            Next::Items(items) => session.relay(&mut drive, items),
            // It takes nothing any more, and perhaps reads this as the last thing that waits.
            Next::Step(Step::Broken(error)) if error.kind() == io::ErrorKind::TimedOut && drive.queued() > 0 => {
                session.shared.hub.reached(Limit::WriteStall, &session.peer.ip().to_canonical());
                session.relay(&mut drive, [Item::Close(ByeCause::Limit)].into());
                break End::Bye;
            }
            Next::Step(Step::Broken(error)) => {
                tracing::debug!(peer = %session.peer, %error, "connection lost");
                session.shared.hub.metrics().ended(Outcome::Broke);
                return;
            }
            // What happens once in a connection's life is boxed: else its room would be kept for all of that life.
            Next::Step(Step::Event(ServerEvent::StartTls)) => match Box::pin(session.start_tls(drive)).await {
                Some(upgraded) => drive = upgraded,
                None => return,
            },
            Next::Step(Step::Event(ServerEvent::Ended(end))) => break end,
            Next::Step(Step::Event(event)) => match session.handle(&mut drive, event) {
                None => {}
                Some(question) => match Box::pin(session.authenticate(&mut drive, question)).await {
                    Ok(()) => {}
                    Err(TooMany) => return,
                },
            },
        }
    };
    session.shared.hub.metrics().ended(if session.dismissed { Outcome::SentAway } else { Outcome::Ended(end) });
    if end == End::Flood {
        session.shared.hub.reached(Limit::LoginOctets, &session.peer.ip().to_canonical());
    }
    session.log_end(end);
    // The service hears of the end before the peer can see it and come back.
    drop(session);
    Box::pin(part(drive, end)).await;
}

impl Session {
    /// From the service to the engine.
    fn relay(&mut self, drive: &mut Drive<Server, MaybeTls>, items: VecDeque<Item>) {
        self.dismissed |= items.iter().any(|item| matches!(item, Item::Close(ByeCause::Limit)));
        drive.command(|engine, now| {
            for item in items {
                let command = match item {
                    Item::Opened(outcome) => ServerCommand::Opened(outcome.map(|state| state == SessionState::Resumed)),
                    Item::Send(octets) => ServerCommand::Send { head: octets.head, body: octets.body },
                    Item::Close(cause) => ServerCommand::Bye {
                        cause: Some(cause),
                        reason: Some(cause.sentence()),
                        retry_after: matches!(cause, ByeCause::ShuttingDown | ByeCause::Limit).then_some(COME_BACK_AFTER),
                    },
                    Item::Farewell(after) => ServerCommand::Bye {
                        cause: Some(ByeCause::ShuttingDown),
                        reason: Some(ByeCause::ShuttingDown.sentence()),
                        retry_after: Some(after),
                    },
                };
                engine.handle_command(now, command);
            }
        });
    }

    /// From the engine to the service; or back, if it is a question of the login.
    fn handle(&mut self, drive: &mut Drive<Server, MaybeTls>, event: ServerEvent) -> Option<ServerEvent> {
        let (hub, key) = (&self.shared.hub, self.connection.key);
        match event {
            ServerEvent::Request(frame) | ServerEvent::Response(frame) => {
                let ready = || match drive.next_event_if(|event| matches!(event, ServerEvent::Request(_) | ServerEvent::Response(_))) {
                    Some(ServerEvent::Request(frame) | ServerEvent::Response(frame)) => Some(frame),
                    _ => None,
                };
                self.connection.hand_in(frame, ready);
            }
            ServerEvent::Authenticated(opening) => {
                tracing::debug!(peer = %self.peer, user = %opening.identity, "authenticated");
                hub.metrics().logins_users.up();
                self.welcome(&opening.identity, opening.anonymous);
                self.identity = Some(opening.identity.clone());
                hub.note_connection(key, self.facts(drive));
                hub.tell(|service, now| service.open(now, key, open(opening)));
            }
            ServerEvent::LinkUp(opening) => {
                tracing::debug!(peer = %self.peer, domain = %opening.origin, "authenticated");
                hub.metrics().logins_domains.up();
                self.welcome(&Address::of_domain(&opening.origin), false);
                self.identity = Some(Address::of_domain(&opening.origin));
                drive.stream().break_when_nothing_arrives(LINK_SILENCE);
                let opening = open_link(opening);
                hub.note_link(key, &opening.route, self.facts(drive));
                hub.tell(|service, now| service.open_link(now, key, opening));
            }
            ServerEvent::LoginFailed { claimed, mechanism } => self.log_failure(claimed, mechanism),
            ServerEvent::Bye => self.connection.how = Closed::Bye,
            ServerEvent::StartTls | ServerEvent::Ended(_) => {}
            question @ (ServerEvent::LookUp(_)
            | ServerEvent::CheckPassword(_)
            | ServerEvent::LookUpPeer(_)
            | ServerEvent::JudgePeer(_)) => return Some(question),
        }
        None
    }

    /// What an administrator may see of it.
    fn facts(&self, drive: &Drive<Server, MaybeTls>) -> ConnectionFacts {
        ConnectionFacts { address: self.peer, since: Clock::now().unix, tls: drive.stream().tls_version() }
    }

    /// From the engine to the store, the DNS, or a thread that may take its time, and back.
    ///
    /// # Errors
    /// Too many log in from there: whoever does not guess comes again.
    async fn authenticate(&self, drive: &mut Drive<Server, MaybeTls>, question: ServerEvent) -> Result<(), TooMany> {
        let neighbours = self.shared.neighbours.as_ref();
        let who = match &question {
            ServerEvent::LookUp(user) => Some(user.clone()),
            ServerEvent::LookUpPeer(origin) | ServerEvent::JudgePeer(origin) => Some(Address::of_domain(origin)),
            _ => None,
        };
        if let Some(who) = who {
            self.wait_for_turn(&who).await?;
        }
        let answer = match question {
            ServerEvent::LookUp(user) => ServerCommand::Credentials(self.shared.hub.credentials(user).await),
            ServerEvent::LookUpPeer(origin) => {
                ServerCommand::Credentials(neighbours.and_then(|neighbours| neighbours.credentials(&origin)))
            }
            ServerEvent::JudgePeer(origin) => {
                let Some(neighbours) = neighbours else { return Ok(()) };
                let judged = neighbours.judge(&origin, drive.stream().peer_certificates(), self.peer.ip()).await;
                ServerCommand::PeerJudged(self.log_judgement(&origin, judged))
            }
            ServerEvent::CheckPassword(work) => match tokio::task::spawn_blocking(move || work.run()).await {
                Ok(verdict) => ServerCommand::Checked(verdict),
                Err(_) => return Ok(()),
            },
            _ => return Ok(()),
        };
        drive.command(|engine, now| engine.handle_command(now, answer));
        Ok(())
    }

    /// Whoever guesses waits, before it is looked whether the guess is right.
    async fn wait_for_turn(&self, who: &Address) -> Result<(), TooMany> {
        let hub = &self.shared.hub;
        let delay = hub.guard().delay(Clock::instant(), self.peer.ip(), who);
        if delay != Ok(Duration::ZERO) {
            hub.reached(Limit::FailedLogins, &self.peer.ip().to_canonical());
        }
        tokio::time::sleep(delay?).await;
        Ok(())
    }

    /// Somebody proved who it is.
    fn welcome(&self, who: &Address, anonymous: bool) {
        self.place.welcome();
        if !anonymous {
            self.shared.hub.guard().passed(self.peer.ip(), who);
        }
    }

    /// Tells why another domain was believed or not.
    fn log_judgement(&self, origin: &Domain, judged: Result<Proof, net::client::Error>) -> bool {
        let address = self.peer.ip().to_canonical();
        match &judged {
            Ok(proof) => tracing::debug!(%address, domain = %origin, by = %proof, "certificate accepted"),
            Err(error) => tracing::warn!(%address, domain = %origin, %error, "certificate not accepted for this domain"),
        }
        judged.is_ok()
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
            Ok(Ok((stream, info))) => {
                engine.handle_command(Clock::instant(), ServerCommand::TlsUp(info));
                Some(Drive::new(engine, MaybeTls::Tls(Box::new(stream.into()))))
            }
            Ok(Err(error)) => {
                self.shared.hub.metrics().handshakes_failed.up();
                if let Some(unsaid) = self.shared.hub.may_say("handshake") {
                    tracing::info!(peer = %self.peer, %error, unsaid, "TLS handshake failed");
                }
                None
            }
            Err(_) => {
                self.shared.hub.metrics().handshakes_failed.up();
                None
            }
        }
    }

    /// The one stable line that a log watcher may count on.
    fn log_failure(&self, claimed: Option<Address>, mechanism: Option<crate::engine::Mechanism>) {
        self.shared.hub.metrics().login_failed(mechanism);
        self.shared.hub.guard().failed(Clock::instant(), self.peer.ip(), claimed.as_ref());
        let user = claimed.map(|user| user.as_str().to_owned()).unwrap_or_default();
        let mechanism = mechanism.map_or("unknown", crate::engine::Mechanism::as_str);
        tracing::warn!(address = %self.peer.ip().to_canonical(), user, mechanism, "login failed");
    }

    fn log_end(&self, end: End) {
        let user = self.identity.as_ref().map(Address::as_str).unwrap_or_default();
        match end {
            End::Bye | End::Eof => tracing::debug!(peer = %self.peer, user, %end, "connection ended"),
            _ if self.identity.is_some() => tracing::info!(peer = %self.peer, user, %end, "connection ended"),
            // Strangers can have as many as they like.
            _ => match self.shared.hub.may_say("stranger") {
                Some(unsaid) => tracing::info!(peer = %self.peer, user, %end, unsaid, "connection ended"),
                None => tracing::debug!(peer = %self.peer, user, %end, "connection ended"),
            },
        }
    }
}

fn open_link(opening: LinkOpening) -> service::LinkOpening {
    let LinkOpening { domain, origin, max_body, max_outstanding } = opening;
    service::LinkOpening { route: Route { ours: domain, theirs: origin }, dialled: false, max_body, max_outstanding }
}

fn open(opening: Opening) -> service::Opening {
    let Opening { identity, anonymous, connection, accepts_messages, inbox, max_body, max_outstanding } = opening;
    service::Opening { identity, anonymous, connection, accepts_messages, inbox, max_body, max_outstanding }
}
