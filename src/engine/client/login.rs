//! From HELLO to Ready on the opening side: STARTTLS, the choice of a mechanism, AUTH (SPEC §4.2 to §4.4, §4.7).

use super::ClientConfig;
use super::ClientRefusal;
use super::ClientTls;
use super::Login as Who;
use super::ServerHello;
use super::hello;
use crate::engine::Mechanism;
use crate::engine::TlsState;
use crate::engine::peer::RequestIds;
use crate::engine::queue::Queue;
use crate::engine::sasl::client::Choice;
use crate::engine::sasl::client::Exchange;
use crate::model::Address;
use crate::model::Answer;
use crate::model::ErrorKind;
use crate::model::Method;
use crate::wire::Frame;
use crate::wire::Kind;
use crate::wire::Name;
use crate::wire::Writer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Instant;

/// A login under way; boxed away from connections that are ready.
pub(super) struct Login {
    config: ClientConfig,
    pub(super) deadline: Instant,
    /// Requests without an answer, in the order in which the answers must come.
    sent: VecDeque<Sent>,
    hello: Option<ServerHello>,
    exchange: Option<Exchange>,
    /// What was tried before the server's list was known.
    blind: Option<Mechanism>,
    handshake: bool,
}

struct Sent {
    method: Method,
    id: String,
}

/// What a step of the login came to.
pub(super) enum Step {
    /// More to come.
    Going,
    /// Flush, then the handshake.
    StartTls,
    /// Logged in.
    Ready { identity: Address, resumed: bool, hello: Box<ServerHello> },
    /// Not logged in.
    Refused(ClientRefusal),
}

/// Where requests go, and their names.
pub(super) struct Outlet<'a> {
    pub(super) out: &'a mut Queue<Bytes>,
    pub(super) ids: &'a mut RequestIds,
}

impl Login {
    pub(super) fn new(config: ClientConfig, deadline: Instant) -> Self {
        let sent = VecDeque::new();
        Self { config, deadline, sent, hello: None, exchange: None, blind: None, handshake: false }
    }

    /// The first words: HELLO, and AUTH behind it where that may be.
    pub(super) fn begin(&mut self, outlet: &mut Outlet<'_>) -> Step {
        if matches!(self.config.tls, ClientTls::Plain { credentials: false }) && self.config.login.has_secret() {
            return Step::Refused(ClientRefusal::InTheClear);
        }
        let id = outlet.ids.next();
        outlet.out.push(hello::request(&self.config, &id));
        self.sent.push_back(Sent { method: Method::Hello, id });
        if !self.config.pipeline || matches!(self.config.tls, ClientTls::StartTls) {
            return Step::Going;
        }
        match self.choice(None).mechanism() {
            Some(mechanism) => {
                self.blind = Some(mechanism);
                self.start(mechanism, outlet)
            }
            None => Step::Going,
        }
    }

    /// TLS is up: everything begins again.
    pub(super) fn tls_up(&mut self, exporter: Option<Vec<u8>>, outlet: &mut Outlet<'_>) -> Step {
        self.handshake = false;
        self.hello = None;
        self.config.tls = ClientTls::Active { exporter };
        self.begin(outlet)
    }

    /// Whether octets in the clear may no longer come.
    pub(super) fn is_shaking_hands(&self) -> bool {
        self.handshake
    }

    /// Whether user requests may go out behind what was sent: the last AUTH, inside TLS that verified the server.
    pub(super) fn takes_requests(&self) -> bool {
        self.config.pipeline
            && matches!(self.config.tls, ClientTls::Active { .. })
            && self.exchange.as_ref().is_some_and(Exchange::is_last)
    }

    /// The server's Max-Outstanding, once it is known.
    pub(super) fn max_outstanding(&self) -> Option<u32> {
        self.hello.as_ref().map(|hello| hello.max_outstanding)
    }

    /// The answer to a session request; `None` if it answers nothing.
    pub(super) fn response(&mut self, frame: &Frame, outlet: &mut Outlet<'_>) -> Option<Step> {
        let sent = self.sent.pop_front_if(|sent| sent.method.as_str() == frame.method() && sent.id == frame.request_id())?;
        let ok = frame.kind() == Kind::Ok;
        Some(match (sent.method, ok) {
            (Method::Hello, true) => self.greeted(frame, outlet),
            (Method::Hello, false) => Step::Refused(ClientRefusal::Hello(Answer::read(frame))),
            (Method::StartTls, true) => {
                self.handshake = true;
                Step::StartTls
            }
            (Method::StartTls, false) => Step::Refused(ClientRefusal::NoTls),
            (_, true) => self.auth_ok(frame, outlet),
            (_, false) => self.auth_error(frame, outlet),
        })
    }

    fn greeted(&mut self, frame: &Frame, outlet: &mut Outlet<'_>) -> Step {
        let Some(hello) = ServerHello::read(frame, &self.config.domain) else { return Step::Refused(ClientRefusal::BadAnswer) };
        let tls = hello.tls;
        self.hello = Some(hello);
        match (&self.config.tls, tls) {
            (ClientTls::StartTls, TlsState::Offered | TlsState::Required) => {
                let id = outlet.ids.next();
                outlet.out.push(Writer::request(Method::StartTls.as_str(), &id).finish());
                self.sent.push_back(Sent { method: Method::StartTls, id });
                Step::Going
            }
            (ClientTls::StartTls, _) => Step::Refused(ClientRefusal::NoTls),
            (ClientTls::Plain { .. }, TlsState::Required) => Step::Refused(ClientRefusal::TlsRequired),
            _ if self.exchange.is_some() => Step::Going,
            _ => self.choose(outlet),
        }
    }

    /// Chooses from the server's list.
    fn choose(&mut self, outlet: &mut Outlet<'_>) -> Step {
        let offered = self.hello.as_ref().map(ServerHello::known_mechanisms);
        match self.choice(offered.as_deref()).mechanism() {
            Some(mechanism) => self.start(mechanism, outlet),
            None => {
                let offered = self.hello.take().map(|hello| hello.mechanisms);
                Step::Refused(ClientRefusal::NoMechanism(offered.unwrap_or_default()))
            }
        }
    }

    fn choice<'a>(&'a self, offered: Option<&'a [Mechanism]>) -> Choice<'a> {
        let (tls, exporter) = match &self.config.tls {
            ClientTls::Active { exporter } => (true, exporter.as_deref()),
            ClientTls::StartTls | ClientTls::Plain { .. } => (false, None),
        };
        Choice {
            login: &self.config.login,
            pinned: self.config.mechanism,
            tls,
            verified: self.config.verified,
            exporter,
            offered,
        }
    }

    fn start(&mut self, mechanism: Mechanism, outlet: &mut Outlet<'_>) -> Step {
        let offered = self.hello.as_ref().map(ServerHello::known_mechanisms);
        match Exchange::start(&self.choice(offered.as_deref()), mechanism) {
            Ok((exchange, data)) => {
                self.exchange = Some(exchange);
                self.auth(Some(mechanism), &data, outlet);
                Step::Going
            }
            Err(refusal) => Step::Refused(refusal),
        }
    }

    fn auth(&mut self, mechanism: Option<Mechanism>, data: &[u8], outlet: &mut Outlet<'_>) {
        let id = outlet.ids.next();
        let data = if data.is_empty() { "=".to_owned() } else { STANDARD.encode(data) };
        let writer = Writer::request(Method::Auth.as_str(), &id);
        let writer = writer.maybe(Name::Mechanism, mechanism.map(Mechanism::as_str)).header(Name::Data, &data);
        outlet.out.push(writer.finish());
        self.sent.push_back(Sent { method: Method::Auth, id });
    }

    fn auth_ok(&mut self, frame: &Frame, outlet: &mut Outlet<'_>) -> Step {
        let data = match frame.header(Name::Data) {
            None => None,
            Some("=") => Some(Vec::new()),
            Some(text) => match STANDARD.decode(text) {
                Ok(data) => Some(data),
                Err(_) => return Step::Refused(ClientRefusal::BadAnswer),
            },
        };
        match (frame.header(Name::Auth), self.exchange.take()) {
            (Some("continue"), Some(exchange)) => match exchange.step(&data.unwrap_or_default()) {
                Ok((exchange, data)) => {
                    self.exchange = Some(exchange);
                    self.auth(None, &data, outlet);
                    Step::Going
                }
                Err(refusal) => Step::Refused(refusal),
            },
            (Some("done"), Some(exchange)) => match exchange.finish(data.as_deref()) {
                Ok(()) => self.ready(frame),
                Err(refusal) => Step::Refused(refusal),
            },
            _ => Step::Refused(ClientRefusal::BadAnswer),
        }
    }

    fn ready(&mut self, frame: &Frame) -> Step {
        let identity = frame.header(Name::Identity).and_then(|text| Address::parse_url(text).ok());
        let ours = |who: &Address| match &self.config.login {
            Who::Domain { origin, .. } => *who == Address::of_domain(origin),
            Who::Anonymous => !who.is_domain(),
            Who::Password { .. } | Who::External(_) => !who.is_domain() && who.domain() == self.config.domain,
        };
        let identity = identity.filter(ours);
        let resumed = match frame.header(Name::Session) {
            Some("new") => Some(false),
            Some("resumed") => Some(true),
            // Domains have no sessions.
            None => self.config.login.origin().map(|_| false),
            Some(_) => None,
        };
        match (identity, resumed, self.hello.take()) {
            (Some(identity), Some(resumed), Some(hello)) => Step::Ready { identity, resumed, hello: Box::new(hello) },
            _ => Step::Refused(ClientRefusal::BadAnswer),
        }
    }

    fn auth_error(&mut self, frame: &Frame, outlet: &mut Outlet<'_>) -> Step {
        let answer = Answer::read(frame);
        self.exchange = None;
        if answer.kind != ErrorKind::AuthenticationFailed {
            return Step::Refused(ClientRefusal::Auth(answer));
        }
        let offered = self.hello.as_ref().map(ServerHello::known_mechanisms).unwrap_or_default();
        match self.blind.take() {
            // It was a guess, and the server does not have it: now we know what it has.
            Some(guess) if !offered.contains(&guess) => self.choose(outlet),
            _ => Step::Refused(ClientRefusal::LoginFailed),
        }
    }
}
