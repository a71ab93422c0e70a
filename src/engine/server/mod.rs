//! The accepting side of one connection: which request is answered how, and in which order it is checked (SPEC §4.1).

mod config;
mod exchange;
mod hello;
mod login;

pub use config::AUTH_TIMEOUT;
pub use config::DomainConfig;
pub use config::LinkPolicy;
pub use config::MIN_ITERATIONS;
pub use config::PeerPolicy;
pub use config::ServerConfig;
pub use exchange::LinkOpening;
pub use exchange::Opening;
pub use exchange::ServerCommand;
pub use exchange::ServerEvent;

use crate::engine::End;
use crate::engine::TlsInfo;
use crate::engine::TlsState;
use crate::engine::liveness::Liveness;
use crate::engine::liveness::Silence;
use crate::engine::peer;
use crate::engine::peer::RequestIds;
use crate::engine::queue::Queue;
use crate::model::Answer;
use crate::model::ByeCause;
use crate::model::ErrorKind;
use crate::model::Method;
use crate::model::lease::whole_seconds;
use crate::model::response::error_to;
use crate::wire::Frame;
use crate::wire::Kind;
use crate::wire::Malformed;
use crate::wire::Name;
use crate::wire::Piece;
use crate::wire::Splitter;
use crate::wire::Writer;
use crate::wire::limits;
use bytes::Bytes;
use hello::Hello;
use login::Login;
use login::Outcome;
use login::Outlet;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// How long input is discarded behind a last answer, and how long a BYE may take.
pub const LINGER: Duration = Duration::from_secs(2);
/// Octets that may wait behind an AUTH that is judged before [`Server::wants_input`] says no.
const ENOUGH_OCTETS: usize = 65_536;

/// One accepted connection.
///
/// *Order:* as in [`crate::engine`]. *Units and limits:* an idle authenticated one is less than 240 octets and owns no buffer.
pub struct Server {
    config: Arc<ServerConfig>,
    /// What the handshake proved; of use only until the login is done.
    tls: Option<Box<TlsInfo>>,
    splitter: Splitter,
    state: State,
    out: Queue<Bytes>,
    events: Queue<ServerEvent>,
    liveness: Liveness,
    ids: RequestIds,
    /// User requests handed out and not yet answered: a BYE waits for them.
    owed: u32,
}

enum State {
    Login(Box<Login>),
    Open,
    /// The client said BYE, and is answered when nothing is owed or this moment has come.
    Leaving(Box<Frame>, Instant),
    Parting(Box<Parting>),
    Ended,
}

/// We said BYE.
struct Parting {
    id: String,
    until: Instant,
    open: bool,
}

impl Server {
    /// A connection that was accepted at `now`; `tls` if TLS came first. `nonce` is random and used for nothing else.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>, tls: Option<TlsInfo>, nonce: [u8; 32], now: Instant) -> Self {
        let login = Login::new(nonce, now.checked_add(config.auth_timeout).unwrap_or(now));
        Self {
            config,
            tls: tls.map(Box::new),
            splitter: Splitter::new(limits::MAX_BODY_UNAUTHENTICATED),
            state: State::Login(Box::new(login)),
            out: Queue::new(),
            events: Queue::new(),
            liveness: Liveness::new(now),
            ids: RequestIds::new(&nonce),
            owed: 0,
        }
    }

    /// Octets from the peer.
    pub fn handle_input(&mut self, now: Instant, octets: &[u8]) {
        if octets.is_empty() || matches!(self.state, State::Ended | State::Leaving(..)) {
            return;
        }
        if matches!(&self.state, State::Login(login) if login.is_shaking_hands()) {
            return self.end(End::PlaintextBehindStartTls);
        }
        self.liveness.heard(now);
        self.splitter.push(octets);
        if !self.reads() && self.splitter.waiting() as u64 > self.config.max_body.saturating_add(ENOUGH_OCTETS as u64) {
            return self.end(End::Flood);
        }
        self.process(now);
    }

    /// The peer will send nothing more.
    pub fn handle_eof(&mut self, _now: Instant) {
        self.end(End::Eof);
    }

    /// Whether to go on reading: not while an AUTH is judged and much waits behind it. Asked before each read.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        self.reads() || self.splitter.waiting() < ENOUGH_OCTETS
    }

    /// Octets that were read and are not handed out: of a frame that has not ended, or of frames that must wait.
    #[must_use]
    pub fn held(&self) -> usize {
        self.splitter.waiting()
    }

    /// Whether a frame has begun that has not ended. Not while an AUTH is judged: whole frames may wait then.
    #[must_use]
    pub fn is_mid_frame(&self) -> bool {
        self.reads() && !self.splitter.is_between_frames()
    }

    /// Something was done or is wanted.
    pub fn handle_command(&mut self, now: Instant, command: ServerCommand) {
        match command {
            ServerCommand::Send { head, body } => return self.send(head, body),
            ServerCommand::Bye { cause, reason, retry_after } => return self.bye(now, cause, reason, retry_after),
            ServerCommand::TlsUp(info) => {
                if let State::Login(login) = &mut self.state
                    && login.is_shaking_hands()
                {
                    login.end_tls();
                    self.tls = Some(Box::new(info));
                    self.splitter = Splitter::new(limits::MAX_BODY_UNAUTHENTICATED);
                }
            }
            ServerCommand::Credentials(record) => self.login(|login, outlet| login.record(record, outlet)),
            ServerCommand::PeerJudged(proven) => self.login(|login, outlet| login.peer_judged(proven, outlet)),
            ServerCommand::Checked(verdict) => self.login(|login, outlet| login.verdict(&verdict, outlet)),
            ServerCommand::Opened(opened) => self.opened(now, opened),
        }
        self.process(now);
    }

    /// The moment of [`Server::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &self.state {
            State::Login(login) if now >= login.deadline => self.end(End::AuthTimeout),
            State::Leaving(_, until) if now >= *until => self.leave(),
            State::Parting(parting) if now >= parting.until => self.end(End::Bye),
            State::Open => match self.liveness.check(now, self.config.ping_after, self.config.ping_wait) {
                Silence::Short => {}
                Silence::Ask => {
                    let id = self.ids.next();
                    self.out.push(Writer::request(Method::Ping.as_str(), &id).finish());
                }
                Silence::Dead => self.end(End::Idle),
            },
            _ => {}
        }
    }

    /// The next octets to be written.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.out.pop()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop()
    }

    /// The same, and it stays where it is.
    #[must_use]
    pub fn peek_event(&self) -> Option<&ServerEvent> {
        self.events.first()
    }

    /// When to call [`Server::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Login(login) => Some(login.deadline),
            State::Leaving(_, until) => Some(*until),
            State::Parting(parting) => Some(parting.until),
            State::Open => self.liveness.deadline(self.config.ping_after, self.config.ping_wait),
            State::Ended => None,
        }
    }

    /// Whether the next frame may be taken.
    fn reads(&self) -> bool {
        match &self.state {
            State::Login(login) => !login.is_judging(),
            State::Open | State::Parting(_) => true,
            State::Leaving(..) | State::Ended => false,
        }
    }

    fn process(&mut self, now: Instant) {
        while self.reads() {
            match self.splitter.poll() {
                Ok(None) => return,
                Ok(Some(Piece::Frame(frame))) if frame.kind() == Kind::Request => self.request(now, frame),
                Ok(Some(Piece::Frame(frame))) => self.response(frame),
                Ok(Some(Piece::TooLarge { head, skipped })) => self.too_large(&head, skipped),
                Err(malformed) => self.malformed(&malformed),
            }
        }
    }

    fn malformed(&mut self, malformed: &Malformed) {
        if malformed.response {
            return self.end(End::MalformedResponse(malformed.fault));
        }
        self.out.push(peer::answer_malformed(malformed));
        self.end(End::Malformed(malformed.fault));
    }

    fn too_large(&mut self, head: &Frame, skipped: bool) {
        let answered = head.kind() == Kind::Request;
        if answered {
            let limit = self.splitter.max_body();
            let answer = Answer::new(ErrorKind::MessageTooLarge).with(Name::MaxBody, limit.to_string());
            self.refuse(head, &answer);
        } else if let Some(frame) = peer::response_without_body(head) {
            self.response(frame);
        }
        if !skipped {
            self.end(End::TooLarge { answered });
        }
    }

    fn refuse(&mut self, frame: &Frame, answer: &Answer) {
        self.out.push(answer.write(error_to(frame)).finish());
    }

    fn malformed_meaning(&mut self, frame: &Frame, reason: &'static str) {
        self.refuse(frame, &Answer::new(ErrorKind::MalformedRequest).because(reason));
    }

    fn request(&mut self, now: Instant, frame: Frame) {
        let method = Method::parse(frame.method());
        let body = frame.body().is_some();
        match &mut self.state {
            State::Login(login) => {
                login.octets = login.octets.saturating_add(frame.octets().len() as u64);
                if login.octets > self.config.login_octets {
                    return self.end(End::Flood);
                }
                let greeted = login.hello.is_some();
                let origin = login.hello.as_ref().and_then(Hello::origin);
                let required = if origin.is_some() {
                    ErrorKind::DomainAuthenticationRequired
                } else {
                    ErrorKind::UserAuthenticationRequired
                };
                let tls = hello::tls_state(&self.config, self.tls.is_some(), origin);
                // SPEC §4: HELLO, TLS, the method, authentication, the rest; in this order.
                match method {
                    Some(Method::Hello) if !body => self.hello(&frame),
                    Some(Method::Hello) => self.malformed_meaning(&frame, "HELLO has no body"),
                    _ if !greeted => self.malformed_meaning(&frame, "HELLO comes first"),
                    Some(Method::Ping | Method::Bye | Method::StartTls) if body => {
                        self.malformed_meaning(&frame, "a session method has no body");
                    }
                    Some(Method::Ping) => self.out.push(login::ok(&frame)),
                    Some(Method::Bye) => {
                        self.out.push(login::ok(&frame));
                        self.end(End::Bye);
                    }
                    Some(Method::StartTls) => self.start_tls(&frame, tls),
                    _ if tls == TlsState::Required => {
                        self.refuse(&frame, &Answer::new(ErrorKind::OperationNotSupported).because("STARTTLS comes first"));
                    }
                    Some(Method::Auth) if body => self.malformed_meaning(&frame, "a session method has no body"),
                    Some(Method::Auth) => self.login(|login, outlet| login.auth(&frame, outlet)),
                    None => self.refuse(&frame, &Answer::new(ErrorKind::OperationNotSupported)),
                    Some(_) => self.refuse(&frame, &Answer::new(required)),
                }
            }
            State::Open => match method {
                None => self.refuse(&frame, &Answer::new(ErrorKind::OperationNotSupported)),
                Some(Method::Hello | Method::StartTls | Method::Auth) => self.malformed_meaning(&frame, "AUTH is done"),
                Some(Method::Ping | Method::Bye) if body => self.malformed_meaning(&frame, "a session method has no body"),
                Some(Method::Ping) => self.out.push(login::ok(&frame)),
                Some(Method::Bye) => {
                    self.state = State::Leaving(Box::new(frame), now.checked_add(LINGER).unwrap_or(now));
                    if self.owed == 0 {
                        self.leave();
                    }
                }
                Some(_) => {
                    self.owed = self.owed.saturating_add(1);
                    self.events.push(ServerEvent::Request(frame));
                }
            },
            State::Parting(parting) => match method {
                Some(Method::Ping) if !body => self.out.push(login::ok(&frame)),
                Some(Method::Bye) if !body => {
                    if parting.open {
                        self.events.push(ServerEvent::Bye);
                    }
                    self.out.push(login::ok(&frame));
                    self.end(End::Bye);
                }
                _ => self.refuse(&frame, &Answer::new(ErrorKind::ShuttingDown)),
            },
            State::Leaving(..) | State::Ended => {}
        }
    }

    fn hello(&mut self, frame: &Frame) {
        let State::Login(login) = &mut self.state else { return };
        match Hello::read(frame, &self.config) {
            Ok(hello) => {
                login.greet(hello);
                if let Some(offer) = login.offer(&self.config, self.tls.as_deref()) {
                    self.out.push(hello::ok(frame, &self.config, offer));
                }
            }
            Err(answer) => self.refuse(frame, &answer),
        }
    }

    fn start_tls(&mut self, frame: &Frame, tls: TlsState) {
        if matches!(tls, TlsState::Active | TlsState::None) {
            return self.refuse(frame, &Answer::new(ErrorKind::OperationNotSupported));
        }
        // Injected by whoever stands in between, to be taken for the client's own inside TLS.
        if !self.splitter.is_empty() {
            return self.end(End::PlaintextBehindStartTls);
        }
        if let State::Login(login) = &mut self.state {
            login.begin_tls();
            self.out.push(login::ok(frame));
            self.events.push(ServerEvent::StartTls);
        }
    }

    /// A step of AUTH.
    fn login(&mut self, step: impl FnOnce(&mut Login, &mut Outlet<'_>) -> Outcome) {
        let State::Login(login) = &mut self.state else { return };
        let tls = self.tls.as_deref();
        let outlet = &mut Outlet { config: &self.config, tls, out: &mut self.out, events: &mut self.events };
        if step(login, outlet) == Outcome::TooMany {
            self.end(End::TooManyFailures);
        }
    }

    fn opened(&mut self, now: Instant, opened: Result<bool, Answer>) {
        let mut ok = None;
        self.login(|login, outlet| match login.opened(opened, outlet) {
            Ok(frame) => {
                ok = Some(frame);
                Outcome::Going
            }
            Err(outcome) => outcome,
        });
        if let Some(ok) = ok {
            self.out.push(ok);
            self.state = State::Open;
            self.tls = None;
            self.liveness = Liveness::new(now);
            self.splitter.set_max_body(self.config.max_body);
        }
    }

    fn response(&mut self, frame: Frame) {
        match (&self.state, Method::parse(frame.method())) {
            (State::Parting(parting), Some(Method::Bye)) if parting.id == frame.request_id() => self.end(End::Bye),
            // An answer to PING said all it had to say by coming.
            (_, Some(method)) if method.is_session() => {}
            (State::Open, _) => self.events.push(ServerEvent::Response(frame)),
            (State::Parting(parting), _) if parting.open => self.events.push(ServerEvent::Response(frame)),
            _ => {}
        }
    }

    fn send(&mut self, head: Bytes, body: Bytes) {
        match &self.state {
            State::Open | State::Leaving(..) => {}
            State::Parting(parting) if parting.open => {}
            _ => return,
        }
        let response = peer::is_response(&head);
        self.out.push(head);
        if !body.is_empty() {
            self.out.push(body);
        }
        if response {
            self.owed = self.owed.saturating_sub(1);
            if self.owed == 0 && matches!(self.state, State::Leaving(..)) {
                self.leave();
            }
        }
    }

    /// Answers the client's BYE, which ends its session.
    fn leave(&mut self) {
        if let State::Leaving(frame, _) = &self.state {
            self.out.push(login::ok(frame));
            self.events.push(ServerEvent::Bye);
            self.end(End::Bye);
        }
    }

    fn bye(&mut self, now: Instant, cause: Option<ByeCause>, reason: Option<&'static str>, retry_after: Option<Duration>) {
        let open = match &self.state {
            State::Open => true,
            State::Login(login) if login.hello.is_some() && !login.is_shaking_hands() => false,
            // Nobody has said anything that could be answered.
            State::Login(_) => return self.end(End::Bye),
            State::Leaving(..) => return self.leave(),
            State::Parting(_) | State::Ended => return,
        };
        let id = self.ids.next();
        let frame = Writer::request(Method::Bye.as_str(), &id)
            .maybe(Name::Reason, reason)
            .maybe(Name::Cause, cause.map(ByeCause::as_str))
            .maybe(Name::RetryAfter, retry_after.map(|after| whole_seconds(after).to_string()).as_deref());
        self.out.push(frame.finish());
        self.state = State::Parting(Box::new(Parting { id, until: now.checked_add(LINGER).unwrap_or(now), open }));
        self.process(now);
    }

    fn end(&mut self, end: End) {
        if matches!(self.state, State::Ended) {
            return;
        }
        self.state = State::Ended;
        self.splitter = Splitter::new(0);
        self.events.push(ServerEvent::Ended(end));
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("owed", &self.owed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        let octets = size_of::<Server>();
        assert!(octets < 240, "{octets}");
    }
}
