//! The opening side of one connection: requests in order out, answers and the server's requests in (SPEC §4).

mod config;
mod exchange;
mod hello;
mod login;

pub use config::ClientConfig;
pub use config::ClientTls;
pub use config::Login;
pub use exchange::ClientCommand;
pub use exchange::ClientEvent;
pub use exchange::ClientRefusal;
pub use exchange::ServerHello;

use crate::engine::End;
use crate::engine::PING_AFTER;
use crate::engine::PING_WAIT;
use crate::engine::liveness::Liveness;
use crate::engine::liveness::Silence;
use crate::engine::peer;
use crate::engine::peer::RequestIds;
use crate::engine::queue::Queue;
use crate::model::Answer;
use crate::model::ByeCause;
use crate::model::ErrorKind;
use crate::model::Method;
use crate::model::lease::parse_seconds;
use crate::model::response::error_to;
use crate::model::response::ok_to;
use crate::wire::Frame;
use crate::wire::Kind;
use crate::wire::Malformed;
use crate::wire::Name;
use crate::wire::Piece;
use crate::wire::Splitter;
use crate::wire::Writer;
use crate::wire::limits;
use crate::wire::start_line::UNKNOWN_METHOD;
use bytes::Bytes;
use login::Outlet;
use login::Step;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

/// Time from the start, and again from the TLS handshake, in which the login must be done.
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the answer to our BYE is waited for.
pub const BYE_WAIT: Duration = Duration::from_secs(5);
/// How long the server's BYE waits for answers that we owe.
const FINISH: Duration = Duration::from_secs(2);

/// One opened connection.
///
/// *Order:* as in [`crate::engine`]. HELLO is in the output from the start.
pub struct Client {
    splitter: Splitter,
    state: State,
    out: Queue<Bytes>,
    events: Queue<ClientEvent>,
    liveness: Liveness,
    ids: RequestIds,
    /// User requests that wait for their turn.
    waiting: VecDeque<(Bytes, Bytes)>,
    /// Those on their way: sent and not answered.
    outstanding: u32,
    /// PINGs on their way.
    asked: u32,
    /// The server's Max-Outstanding.
    room: u32,
    /// Requests of the server that were handed out and not answered.
    owed: u32,
    max_outstanding: u32,
    /// BYE is wanted once nothing waits.
    leave: bool,
    /// The other side is the server of another domain, and may ask whatever it likes.
    link: bool,
}

enum State {
    Login(Box<login::Login>),
    Open,
    /// The server said BYE, and is answered when nothing is owed or this moment has come.
    Leaving(Box<Frame>, Instant),
    /// We said BYE.
    Parting {
        id: String,
        until: Instant,
    },
    Ended,
}

impl Client {
    /// A connection that was just opened. `nonce` is random and used for nothing else.
    #[must_use]
    pub fn new(config: ClientConfig, nonce: [u8; 32], now: Instant) -> Self {
        let max_outstanding = config.max_outstanding.max(1);
        let splitter = Splitter::new(config.max_body.max(limits::MAX_BODY_FLOOR));
        let link = config.login.origin().is_some();
        let login = login::Login::new(config, now.checked_add(LOGIN_TIMEOUT).unwrap_or(now));
        let mut client = Self {
            splitter,
            state: State::Login(Box::new(login)),
            out: Queue::new(),
            events: Queue::new(),
            liveness: Liveness::new(now),
            ids: RequestIds::new(&nonce),
            waiting: VecDeque::new(),
            outstanding: 0,
            asked: 0,
            room: limits::OUTSTANDING_DEFAULT,
            owed: 0,
            max_outstanding,
            leave: false,
            link,
        };
        client.login(now, |login, outlet| Some(login.begin(outlet)));
        client
    }

    /// Octets from the server.
    pub fn handle_input(&mut self, now: Instant, octets: &[u8]) {
        if octets.is_empty() || matches!(self.state, State::Ended | State::Leaving(..)) {
            return;
        }
        if matches!(&self.state, State::Login(login) if login.is_shaking_hands()) {
            return self.end(End::PlaintextBehindStartTls);
        }
        self.liveness.heard(now);
        self.splitter.push(octets);
        self.process(now);
    }

    /// The server will send nothing more.
    pub fn handle_eof(&mut self, _now: Instant) {
        self.end(if matches!(self.state, State::Leaving(..)) { End::Bye } else { End::Eof });
    }

    /// Octets that were read and are not handed out: of a frame that has not ended, or of frames that must wait.
    #[must_use]
    pub fn held(&self) -> usize {
        self.splitter.waiting()
    }

    /// Whether a frame has begun that has not ended.
    #[must_use]
    pub fn is_mid_frame(&self) -> bool {
        !matches!(self.state, State::Leaving(..) | State::Ended) && !self.splitter.is_between_frames()
    }

    /// Something was done or is wanted.
    pub fn handle_command(&mut self, now: Instant, command: ClientCommand) {
        match command {
            ClientCommand::TlsUp { exporter } => {
                if let State::Login(login) = &mut self.state
                    && login.is_shaking_hands()
                {
                    login.deadline = now.checked_add(LOGIN_TIMEOUT).unwrap_or(now);
                    self.login(now, |login, outlet| Some(login.tls_up(exporter, outlet)));
                }
            }
            ClientCommand::Request { head, body } => {
                if !self.leave && matches!(self.state, State::Login(_) | State::Open) {
                    self.waiting.push_back((head, body));
                    self.flush(now);
                }
            }
            ClientCommand::Respond { head, body } => {
                if matches!(self.state, State::Open | State::Leaving(..) | State::Parting { .. }) {
                    self.write(head, body);
                    self.owed = self.owed.saturating_sub(1);
                    if self.owed == 0 {
                        self.answer_bye();
                    }
                }
            }
            ClientCommand::Ping => {
                if matches!(self.state, State::Open) {
                    self.ping();
                }
            }
            ClientCommand::Bye => match self.state {
                // Nothing was promised to anybody yet.
                State::Login(_) => self.end(End::Bye),
                State::Open => {
                    self.leave = true;
                    self.flush(now);
                }
                State::Leaving(..) | State::Parting { .. } | State::Ended => {}
            },
        }
    }

    /// The moment of [`Client::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &self.state {
            State::Login(login) if now >= login.deadline => self.refuse(ClientRefusal::Timeout),
            State::Leaving(_, until) if now >= *until => {
                self.owed = 0;
                self.answer_bye();
            }
            State::Parting { until, .. } if now >= *until => self.end(End::Bye),
            State::Open => match self.liveness.check(now, PING_AFTER, PING_WAIT) {
                Silence::Short => {}
                Silence::Ask => self.ping(),
                Silence::Dead => self.end(End::Idle),
            },
            _ => {}
        }
    }

    /// Whether the server may have been given a request that was not answered.
    #[must_use]
    pub const fn has_outstanding(&self) -> bool {
        self.outstanding > 0
    }

    /// The next octets to be written.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.out.pop()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop()
    }

    /// The same, and it stays where it is.
    #[must_use]
    pub fn peek_event(&self) -> Option<&ClientEvent> {
        self.events.first()
    }

    /// When to call [`Client::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Login(login) => Some(login.deadline),
            State::Open => self.liveness.deadline(PING_AFTER, PING_WAIT),
            State::Leaving(_, until) | State::Parting { until, .. } => Some(*until),
            State::Ended => None,
        }
    }

    fn process(&mut self, now: Instant) {
        while matches!(self.state, State::Login(_) | State::Open | State::Parting { .. }) {
            match self.splitter.poll() {
                Ok(None) => return,
                Ok(Some(Piece::Frame(frame))) if frame.kind() == Kind::Request => self.request(now, frame),
                Ok(Some(Piece::Frame(frame))) => self.response(now, frame),
                Ok(Some(Piece::TooLarge { head, skipped })) => self.too_large(now, &head, skipped),
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

    fn too_large(&mut self, now: Instant, head: &Frame, skipped: bool) {
        let answered = head.kind() == Kind::Request;
        if answered {
            let limit = self.splitter.max_body().to_string();
            self.answer(head, &Answer::new(ErrorKind::MessageTooLarge).with(Name::MaxBody, limit));
        } else if let Some(frame) = peer::response_without_body(head) {
            self.response(now, frame);
        }
        if !skipped {
            self.end(End::TooLarge { answered });
        }
    }

    fn answer(&mut self, frame: &Frame, answer: &Answer) {
        self.out.push(answer.write(error_to(frame)).finish());
    }

    /// A request of the server.
    fn request(&mut self, now: Instant, frame: Frame) {
        let open = matches!(self.state, State::Open);
        match Method::parse(frame.method()) {
            Some(Method::Ping) => self.out.push(ok_to(&frame).finish()),
            Some(Method::Bye) => self.server_bye(now, frame),
            Some(method) if open && self.takes(method) => {
                if self.owed >= self.max_outstanding && !self.link {
                    return self.answer(&frame, &Answer::new(ErrorKind::TryLater));
                }
                self.owed += 1;
                self.events.push(ClientEvent::Request(frame));
            }
            Some(method) if matches!(self.state, State::Parting { .. }) && self.takes(method) => {
                self.answer(&frame, &Answer::new(ErrorKind::ShuttingDown));
            }
            _ => self.answer(&frame, &Answer::new(ErrorKind::OperationNotSupported)),
        }
    }

    fn takes(&self, method: Method) -> bool {
        match method {
            Method::Send | Method::ChangeNotify | Method::TerminateSubscription => true,
            _ => self.link && !method.is_session(),
        }
    }

    fn server_bye(&mut self, now: Instant, frame: Frame) {
        self.events.push(ClientEvent::Bye {
            cause: frame.header(Name::Cause).and_then(ByeCause::parse),
            reason: frame.header(Name::Reason).map(str::to_owned),
            retry_after: frame.header(Name::RetryAfter).and_then(parse_seconds).map(Duration::from_secs),
        });
        if matches!(self.state, State::Parting { .. }) {
            // Both said it at once: ours is still to be answered.
            return self.out.push(ok_to(&frame).finish());
        }
        self.state = State::Leaving(Box::new(frame), now.checked_add(FINISH).unwrap_or(now));
        self.answer_bye();
    }

    fn answer_bye(&mut self) {
        if let State::Leaving(frame, _) = &self.state
            && self.owed == 0
        {
            self.out.push(ok_to(frame).finish());
            self.end(End::Bye);
        }
    }

    fn response(&mut self, now: Instant, frame: Frame) {
        if frame.method() == UNKNOWN_METHOD {
            let answer = Answer::read(&frame);
            return match self.state {
                State::Login(_) => self.refuse(ClientRefusal::Rejected(answer)),
                _ => self.end(End::NotUnderstood(answer.kind)),
            };
        }
        let session = Method::parse(frame.method()).is_some_and(Method::is_session);
        match &self.state {
            State::Login(_) if session => self.login(now, |login, outlet| login.response(&frame, outlet)),
            // The server proves itself in its answer to AUTH; nothing before that may be believed.
            State::Login(_) if self.outstanding > 0 => self.refuse(ClientRefusal::BadAnswer),
            State::Open if frame.method() == Method::Ping.as_str() => {
                self.asked = self.asked.saturating_sub(1);
                self.events.push(ClientEvent::Pong);
                self.flush(now);
            }
            State::Parting { id, .. } if frame.method() == Method::Bye.as_str() && id == frame.request_id() => {
                self.end(End::Bye);
            }
            State::Open | State::Parting { .. } if !session => {
                self.outstanding = self.outstanding.saturating_sub(1);
                self.events.push(ClientEvent::Response(frame));
                self.flush(now);
            }
            _ => {}
        }
    }

    /// A step of the login.
    fn login(&mut self, now: Instant, step: impl FnOnce(&mut login::Login, &mut Outlet<'_>) -> Option<Step>) {
        let State::Login(login) = &mut self.state else { return };
        let step = step(login, &mut Outlet { out: &mut self.out, ids: &mut self.ids });
        self.room = login.max_outstanding().unwrap_or(self.room);
        match step {
            None | Some(Step::Going) => {}
            Some(Step::StartTls) if !self.splitter.is_empty() => self.end(End::PlaintextBehindStartTls),
            Some(Step::StartTls) => self.events.push(ClientEvent::StartTls),
            Some(Step::Ready { identity, resumed, hello }) => {
                self.room = hello.max_outstanding;
                self.state = State::Open;
                self.liveness = Liveness::new(now);
                self.events.push(ClientEvent::Ready { identity, resumed, hello: *hello });
            }
            Some(Step::Refused(refusal)) => self.refuse(refusal),
        }
        self.flush(now);
    }

    fn refuse(&mut self, refusal: ClientRefusal) {
        self.events.push(ClientEvent::Refused(refusal));
        self.end(End::Refused);
    }

    fn ping(&mut self) {
        let id = self.ids.next();
        self.asked = self.asked.saturating_add(1);
        self.out.push(Writer::request(Method::Ping.as_str(), &id).finish());
    }

    fn write(&mut self, head: Bytes, body: Bytes) {
        self.out.push(head);
        if !body.is_empty() {
            self.out.push(body);
        }
    }

    /// Sends what may be sent.
    fn flush(&mut self, now: Instant) {
        let open = match &self.state {
            State::Open => true,
            State::Login(login) => login.takes_requests(),
            _ => false,
        };
        if !open {
            return;
        }
        // An answer may come over another link, and be sent over another: on a link whoever has both in view counts.
        while self.link || self.outstanding.saturating_add(self.asked) < self.room {
            let Some((head, body)) = self.waiting.pop_front() else { break };
            self.outstanding += 1;
            self.write(head, body);
        }
        if self.leave && self.waiting.is_empty() && matches!(self.state, State::Open) {
            let id = self.ids.next();
            self.out.push(Writer::request(Method::Bye.as_str(), &id).finish());
            self.state = State::Parting { id, until: now.checked_add(BYE_WAIT).unwrap_or(now) };
        }
    }

    fn end(&mut self, end: End) {
        if matches!(self.state, State::Ended) {
            return;
        }
        self.state = State::Ended;
        self.splitter = Splitter::new(0);
        self.waiting = VecDeque::new();
        self.events.push(ClientEvent::Ended(end));
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("outstanding", &self.outstanding).field("owed", &self.owed).finish_non_exhaustive()
    }
}
