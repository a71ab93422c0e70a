//! One accepted connection of the relay: a file in which engine and service meet. The other is [`super::links`].

use super::connection::Connection;
use super::connection::LINK_SILENCE;
use super::connection::Next;
use super::connection::part;
use super::crowd::Place;
use super::guard::TooMany;
use super::hub::Hub;
use super::inquiry::Answering;
use super::inquiry::Inquiry;
use super::metrics::Ending;
use super::metrics::Outcome;
use super::neighbours::Neighbours;
use super::outbox::Item;
use crate::engine::End;
use crate::engine::LinkOpening;
use crate::engine::Opening;
use crate::engine::PasswordVerdict;
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
use crate::net::stall::WRITE_LEAST;
use crate::service;
use crate::service::Closed;
use crate::service::Limit;
use crate::service::Route;
use crate::service::SessionState;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

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
    place: Place,
    identity: Option<Address>,
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

/// A session at its beginning, as [`run`] takes it.
pub(super) struct Begun {
    session: Session,
    drive: Drive<Server, MaybeTls>,
}

/// What driving a session came to.
enum Turn {
    /// The OK to STARTTLS waits to be written, and the handshake is next.
    StartTls,
    Over(End),
    /// There is nobody to say anything to.
    Gone(Outcome),
}

/// What the task has to wait for before it drives on.
enum Then {
    Nothing,
    Answer(Answering),
    Check(JoinHandle<PasswordVerdict>),
    Turn(Turn),
}

/// What a login waits for beside the peer and the rules.
#[derive(Default)]
struct Waiting {
    answer: Option<Answering>,
    /// Before it is there the peer is not listened to.
    check: Option<JoinHandle<PasswordVerdict>>,
}

/// A session of an accepted connection.
pub(super) fn begin(shared: Arc<Shared>, accepted: Accepted) -> Begun {
    let Accepted { stream, tls, origin: Origin { peer, place }, since } = accepted;
    let engine = Server::new(Arc::clone(&shared.engine), tls, random::nonce(), since);
    let connection = Connection::new(Arc::clone(&shared.hub), peer);
    let session = Session { shared, connection, place, identity: None };
    Begun { session, drive: driven(engine, stream) }
}

/// Greets who was accepted and serves the connection to its end; says how that came.
///
/// Thousands of these wait at the same time: what happens once in a connection's life is boxed, or done before this waits, else its
/// room would be kept for all of that life.
pub(super) async fn run(greeting: Pin<Box<impl Future<Output = Result<Begun, Outcome>>>>, ending: &mut Ending) {
    let (mut session, mut drive) = match greeting.await {
        Ok(Begun { session, drive }) => (session, drive),
        Err(outcome) => return ending.is(outcome),
    };
    let end = loop {
        match session.turn(&mut drive).await {
            Turn::StartTls => match Box::pin(session.start_tls(drive)).await {
                Ok(upgraded) => drive = upgraded,
                Err(outcome) => return ending.is(outcome),
            },
            Turn::Over(end) => break end,
            Turn::Gone(outcome) => return ending.is(outcome),
        }
    };
    ending.is(if session.connection.dismissed { Outcome::SentAway } else { Outcome::Ended(end) });
    if end == End::Flood {
        session.shared.hub.reached(Limit::LoginOctets, &session.connection.peer().ip().to_canonical());
    }
    session.log_end(end);
    // The service hears of the end before the peer can see it and come back.
    drop(session);
    Box::pin(part(drive, end)).await;
}

impl Session {
    /// Drives until the stream has to be another, or it is over.
    fn turn<'a>(&'a mut self, drive: &'a mut Drive<Server, MaybeTls>) -> impl Future<Output = Turn> {
        // Polled by hand: what an async fn keeps beside this would be kept for as long as a connection is idle.
        let mut waiting = Waiting::default();
        poll_fn(move |cx| self.poll_turn(cx, drive, &mut waiting))
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>, drive: &mut Drive<Server, MaybeTls>, waiting: &mut Waiting) -> Poll<Turn> {
        loop {
            if let Some(check) = &mut waiting.check {
                let checked = ready!(Pin::new(check).poll(cx));
                waiting.check = None;
                if let Ok(verdict) = checked {
                    drive.command(|engine, now| engine.handle_command(now, ServerCommand::Checked(verdict)));
                }
            }
            if let Some(answering) = &mut waiting.answer
                && let Poll::Ready(answer) = answering.as_mut().poll(cx)
            {
                waiting.answer = None;
                self.take(drive, answer);
            }
            // Whoever waits for an answer is sent away all the same, and the time to log in runs out.
            let next = ready!(self.connection.poll_next(cx, drive));
            match self.see_to(next, drive) {
                Then::Nothing => {}
                Then::Answer(answering) => waiting.answer = Some(answering),
                Then::Check(checking) => waiting.check = Some(checking),
                Then::Turn(turn) => return Poll::Ready(turn),
            }
        }
    }

    /// Sees to what came.
    fn see_to(&mut self, next: Next<ServerEvent>, drive: &mut Drive<Server, MaybeTls>) -> Then {
        match next {
            Next::Items(items) => self.relay(drive, items),
            // It takes nothing any more, and perhaps reads this as the last thing that waits.
            Next::Step(Step::Broken(error)) if error.kind() == io::ErrorKind::TimedOut && drive.queued() > 0 => {
                self.shared.hub.reached(Limit::WriteStall, &self.connection.peer().ip().to_canonical());
                self.relay(drive, [Item::Close(ByeCause::Limit)].into());
                return Then::Turn(Turn::Over(End::Bye));
            }
            Next::Step(Step::Broken(error)) => {
                tracing::debug!(peer = %self.connection.peer(), %error, "connection lost");
                return Then::Turn(Turn::Gone(Outcome::Broke));
            }
            Next::Step(Step::Event(ServerEvent::StartTls)) => return Then::Turn(Turn::StartTls),
            // To its end, whoever has gone meanwhile: what was begun costs as much, and a wrong guess counts.
            Next::Step(Step::Event(ServerEvent::CheckPassword(work))) => {
                return Then::Check(tokio::task::spawn_blocking(move || work.run()));
            }
            Next::Step(Step::Event(ServerEvent::Ended(end))) => return Then::Turn(Turn::Over(end)),
            Next::Step(Step::Event(event)) => {
                if let Some(question) = self.handle(drive, event) {
                    return Then::Answer(self.inquiry(drive, &question).ask(question));
                }
            }
        }
        Then::Nothing
    }

    /// From the service to the engine.
    fn relay(&mut self, drive: &mut Drive<Server, MaybeTls>, items: VecDeque<Item>) {
        self.connection.dismissed |= items.iter().any(|item| matches!(item, Item::Close(ByeCause::Limit)));
        drive.command(|engine, now| {
            for item in items {
                let command = match item {
                    Item::Opened(outcome) => ServerCommand::Opened(outcome.map(|state| state == SessionState::Resumed)),
                    Item::Send(octets) => ServerCommand::Send { head: octets.head, body: octets.body },
                    Item::Close(cause) => {
                        bye(cause, matches!(cause, ByeCause::ShuttingDown | ByeCause::Limit).then_some(COME_BACK_AFTER))
                    }
                    Item::Farewell(after) => bye(ByeCause::ShuttingDown, Some(after)),
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
                let ready =
                    || match drive.next_event_if(|event| matches!(event, ServerEvent::Request(_) | ServerEvent::Response(_))) {
                        Some(ServerEvent::Request(frame) | ServerEvent::Response(frame)) => Some(frame),
                        _ => None,
                    };
                self.connection.hand_in(frame, ready);
            }
            ServerEvent::Authenticated(opening) => {
                tracing::debug!(peer = %self.connection.peer(), user = %opening.identity, "authenticated");
                hub.metrics().logins_users.up();
                self.welcome(&opening.identity, opening.anonymous);
                self.identity = Some(opening.identity.clone());
                self.connection.let_in(drive.stream().tls_version());
                hub.tell(|service, now| service.open(now, key, open(opening)));
            }
            ServerEvent::LinkUp(opening) => {
                tracing::debug!(peer = %self.connection.peer(), domain = %opening.origin, "authenticated");
                hub.metrics().logins_domains.up();
                self.welcome(&Address::of_domain(&opening.origin), false);
                self.identity = Some(Address::of_domain(&opening.origin));
                drive.stream().break_when_nothing_arrives(LINK_SILENCE);
                let opening = open_link(opening);
                self.connection.let_in(drive.stream().tls_version());
                hub.note_link(&opening.route);
                hub.tell(|service, now| service.open_link(now, key, opening));
            }
            ServerEvent::LoginFailed { claimed, mechanism } => self.log_failure(claimed, mechanism),
            ServerEvent::Bye => self.connection.how = Closed::Bye,
            ServerEvent::StartTls | ServerEvent::CheckPassword(_) | ServerEvent::Ended(_) => {}
            question @ (ServerEvent::LookUp(_) | ServerEvent::LookUpPeer(_) | ServerEvent::JudgePeer(_)) => {
                return Some(question);
            }
        }
        None
    }

    /// What answers a question of the login.
    fn inquiry(&self, drive: &Drive<Server, MaybeTls>, question: &ServerEvent) -> Inquiry {
        let chain = match question {
            ServerEvent::JudgePeer(_) => drive.stream().peer_certificates().to_vec(),
            _ => Vec::new(),
        };
        Inquiry { shared: Arc::clone(&self.shared), peer: self.connection.peer().ip(), chain }
    }

    /// The answer goes back to the engine. If there were too many to look at this one, it comes again: who does not guess is let in
    /// then.
    fn take(&mut self, drive: &mut Drive<Server, MaybeTls>, answer: Result<Option<ServerCommand>, TooMany>) {
        let command = match answer {
            Ok(Some(command)) => command,
            Ok(None) => return,
            Err(TooMany(wait)) => {
                self.connection.dismissed = true;
                bye(ByeCause::Limit, Some(wait))
            }
        };
        drive.command(|engine, now| engine.handle_command(now, command));
    }

    /// Somebody proved who it is.
    fn welcome(&self, who: &Address, anonymous: bool) {
        self.place.welcome();
        if !anonymous {
            self.shared.hub.guard().passed(Clock::instant(), self.connection.peer().ip(), who);
        }
    }

    /// Flushes the OK and does the handshake on the same stream.
    async fn start_tls(&self, mut drive: Drive<Server, MaybeTls>) -> Result<Drive<Server, MaybeTls>, Outcome> {
        // The time to log in goes on, whatever the peer does not read or say.
        let until = drive.engine().poll_timeout().ok_or(Outcome::LoginTime)?.into();
        let flushed = timeout_at(until, poll_fn(|cx| drive.poll_flush(cx))).await;
        flushed.map_err(|_| Outcome::LoginTime)?.map_err(|_| Outcome::Broke)?;
        let (mut engine, stream) = drive.into_parts();
        let MaybeTls::Plain(stream) = stream else { return Err(Outcome::Handshake) };
        let (stream, info) = self.shared.shake_hands(stream, self.connection.peer(), until).await?;
        engine.handle_command(Clock::instant(), ServerCommand::TlsUp(info));
        Ok(driven(engine, stream))
    }

    /// The one stable line that a log watcher may count on.
    fn log_failure(&self, claimed: Option<Address>, mechanism: Option<crate::engine::Mechanism>) {
        self.shared.hub.metrics().login_failed(mechanism);
        self.shared.hub.guard().failed(Clock::instant(), self.connection.peer().ip(), claimed.as_ref());
        let user = claimed.map(|user| user.as_str().to_owned()).unwrap_or_default();
        let mechanism = mechanism.map_or("unknown", crate::engine::Mechanism::as_str);
        tracing::warn!(address = %self.connection.peer().ip().to_canonical(), user, mechanism, "login failed");
    }

    fn log_end(&self, end: End) {
        let user = self.identity.as_ref().map(Address::as_str).unwrap_or_default();
        match end {
            End::Bye | End::Eof => tracing::debug!(peer = %self.connection.peer(), user, %end, "connection ended"),
            _ if self.identity.is_some() => tracing::info!(peer = %self.connection.peer(), user, %end, "connection ended"),
            // Strangers can have as many as they like.
            _ => match self.shared.hub.may_say("stranger") {
                Some(unsaid) => tracing::info!(peer = %self.connection.peer(), user, %end, unsaid, "connection ended"),
                None => tracing::debug!(peer = %self.connection.peer(), user, %end, "connection ended"),
            },
        }
    }
}

/// An engine over a stream whose other end has to take what is written for it; [`Hub::wake_in_time`] wakes the task.
fn driven<S: AsyncRead + AsyncWrite + Unpin>(engine: Server, stream: S) -> Drive<Server, S> {
    Drive::new(engine, stream).at_least(WRITE_LEAST).woken()
}

fn bye(cause: ByeCause, retry_after: Option<Duration>) -> ServerCommand {
    ServerCommand::Bye { cause: Some(cause), reason: Some(cause.sentence()), retry_after }
}

fn open_link(opening: LinkOpening) -> service::LinkOpening {
    let LinkOpening { domain, origin, max_body, max_outstanding } = opening;
    service::LinkOpening { route: Route { ours: domain, theirs: origin }, dialled: false, max_body, max_outstanding }
}

fn open(opening: Opening) -> service::Opening {
    let Opening { identity, anonymous, connection, accepts_messages, inbox, max_body, max_outstanding } = opening;
    service::Opening { identity, anonymous, connection, accepts_messages, inbox, max_body, max_outstanding }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test(start_paused = true)]
    async fn who_takes_an_octet_now_and_then_is_given_up() {
        let (near, mut far) = tokio::io::duplex(64);
        let config = Arc::new(crate::engine::ServerConfig::new("relay/1"));
        let mut drive = driven(Server::new(config, None, random::nonce(), Clock::instant()), near);
        drive.push(vec![b'x'; 1 << 20].into());
        let trickle = tokio::spawn(async move {
            while far.read_exact(&mut [0; 64]).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let begun = Clock::instant();
        let broken = loop {
            if let Step::Broken(error) = poll_fn(|cx| drive.poll_step(cx)).await {
                break error;
            }
        };
        assert_eq!((broken.kind(), Clock::instant().duration_since(begun).as_secs()), (io::ErrorKind::TimedOut, 60));
        drop(drive);
        trickle.await.unwrap();
    }
}
