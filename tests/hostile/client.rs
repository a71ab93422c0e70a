//! An opening engine that has come so far with an honest server, before strange octets arrive in its place.

use super::relay::{DOMAIN, EXPORTER, OTHER, Relay, address, certificate, domain, frames};
use bytes::Bytes;
use impp::engine::server::MIN_ITERATIONS;
use impp::engine::{Client, ClientCommand, ClientConfig, ClientEvent, ClientTls, End, Login, Mechanism};
use impp::model::response::ok_to;
use impp::model::{ConnectionId, Secret};
use impp::service::ConnectionKey;
use impp::wire::{Kind, Name};
use std::time::Duration;

/// How far a client or a link has come; the number is that of the flights that went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Greeting,
    Blind,
    Challenged,
    Last,
    StartTls,
    Handshake,
    Ready,
    Asked,
    InBody,
    Leaving,
    LinkGreeting,
    LinkBlind,
    LinkUp,
    LinkInBody,
    LinkLeaving,
}

impl State {
    pub(crate) const ALL: [Self; 15] = [
        Self::Greeting,
        Self::Blind,
        Self::Challenged,
        Self::Last,
        Self::StartTls,
        Self::Handshake,
        Self::Ready,
        Self::Asked,
        Self::InBody,
        Self::Leaving,
        Self::LinkGreeting,
        Self::LinkBlind,
        Self::LinkUp,
        Self::LinkInBody,
        Self::LinkLeaving,
    ];

    pub(crate) fn is_link(self) -> bool {
        matches!(self, Self::LinkGreeting | Self::LinkBlind | Self::LinkUp | Self::LinkInBody | Self::LinkLeaving)
    }

    fn is_ready(self) -> bool {
        matches!(
            self,
            Self::Ready | Self::Asked | Self::InBody | Self::Leaving | Self::LinkUp | Self::LinkInBody | Self::LinkLeaving
        )
    }
}

/// A client on its way, with everything that it said and saw.
pub(crate) struct Stage {
    pub(crate) client: Client,
    relay: Relay,
    key: ConnectionKey,
    pub(crate) said: Vec<u8>,
    heard: usize,
    pub(crate) seen: Vec<ClientEvent>,
    state: State,
}

impl Stage {
    pub(crate) fn new(state: State) -> Self {
        let mut relay = Relay::with_iterations(MIN_ITERATIONS);
        let clear = matches!(state, State::StartTls | State::Handshake);
        let key = relay.connect(certificate(Some("alice")), !clear);
        let login = match state {
            state if state.is_link() => Login::Domain { origin: domain(OTHER), secret: None },
            // How it came to be ready is the same to what follows, and a password takes its time.
            state if state.is_ready() => Login::External(address("alice")),
            _ => Login::Password { user: address("alice"), secret: Secret::new("wonderland".to_owned()) },
        };
        let tls = if clear { ClientTls::StartTls } else { ClientTls::Active { exporter: Some(EXPORTER.to_vec()) } };
        let connection = ConnectionId::parse("c1").expect("an id");
        let config = ClientConfig {
            accepts_messages: true,
            max_body: 65_536,
            mechanism: matches!(login, Login::Password { .. }).then_some(Mechanism::ScramSha256Plus),
            pipeline: matches!(state, State::Blind | State::LinkBlind),
            ..ClientConfig::new(domain(DOMAIN), login, connection, tls)
        };
        let client = Client::new(config, [3; 32], relay.now.instant);
        let mut stage = Self { client, relay, key, said: Vec::new(), heard: 0, seen: Vec::new(), state };
        stage.collect();
        let flights = match state {
            State::Challenged | State::StartTls => 1,
            State::Last | State::Handshake => 2,
            state if state.is_ready() => 4,
            _ => 0,
        };
        for _ in 0..flights {
            stage.flight();
        }
        let from = if state.is_link() { "impp://b.test/bob" } else { "impp://example.org/alice" };
        let ask = format!("FETCH ask impp/1.0\r\nFrom: {from}\r\nConnection-ID: c1\r\nTarget: impp://example.org/bob\r\n\r\n");
        let now = stage.relay.now.instant;
        match state {
            State::Asked | State::Greeting | State::Blind => {
                stage.client.handle_command(now, ClientCommand::Request { head: ask.into(), body: Bytes::new() });
            }
            State::InBody | State::LinkInBody => {
                let head = format!(
                    "SEND in impp/1.0\r\nFrom: impp://example.org/bob\r\nConnection-ID: b1\r\nTarget: {from}\r\n\
                     Message-ID: <in@x>\r\nContent-Type: message/rfc822\r\nContent-Length: 100\r\n\r\nFrom"
                );
                stage.client.handle_input(now, head.as_bytes());
            }
            State::Leaving | State::LinkLeaving => stage.client.handle_command(now, ClientCommand::Bye),
            _ => {}
        }
        stage.collect();
        stage
    }

    /// What the client has said goes to the honest server, and its answer comes back.
    fn flight(&mut self) {
        let octets = self.said.get(self.heard..).unwrap_or_default().to_vec();
        self.heard = self.said.len();
        self.relay.hear(self.key, &octets);
        let answer = self.relay.said(self.key);
        self.client.handle_input(self.relay.now.instant, &answer);
        self.collect();
    }

    /// Octets of somebody else.
    pub(crate) fn hear(&mut self, octets: &[u8]) {
        self.client.handle_input(self.relay.now.instant, octets);
        self.collect();
    }

    /// Time passes until the client has nothing more to wait for, or has waited long.
    pub(crate) fn wait(&mut self) {
        for _ in 0..8 {
            let Some(next) = self.client.poll_timeout() else { return };
            let time = next.saturating_duration_since(self.relay.now.instant).min(Duration::from_secs(600));
            self.relay.now = self.relay.now.plus(time);
            self.client.handle_timeout(self.relay.now.instant);
            self.collect();
        }
    }

    pub(crate) fn eof(&mut self) {
        self.client.handle_eof(self.relay.now.instant);
        self.collect();
    }

    pub(crate) fn tls_up(&mut self) {
        self.client.handle_command(self.relay.now.instant, ClientCommand::TlsUp { exporter: Some(EXPORTER.to_vec()) });
        self.collect();
    }

    fn collect(&mut self) {
        loop {
            while let Some(octets) = self.client.poll_output() {
                self.said.extend_from_slice(&octets);
            }
            let Some(event) = self.client.poll_event() else { return };
            if let ClientEvent::Request(frame) = &event {
                let head = ok_to(frame).finish();
                self.client.handle_command(self.relay.now.instant, ClientCommand::Respond { head, body: Bytes::new() });
            }
            self.seen.push(event);
        }
    }

    pub(crate) fn end(&self) -> Option<End> {
        self.seen.iter().find_map(|event| match event {
            ClientEvent::Ended(end) => Some(*end),
            _ => None,
        })
    }

    /// What must hold whatever was heard.
    pub(crate) fn judge(&self) -> Result<(), String> {
        let said = frames(&self.said)?;
        let place = |wanted: fn(&ClientEvent) -> bool| self.seen.iter().position(wanted);
        let ready = place(|event| matches!(event, ClientEvent::Ready { .. }));
        let ended = place(|event| matches!(event, ClientEvent::Ended(_)));
        if ended.is_some_and(|at| at + 1 != self.seen.len()) {
            return Err(format!("something behind the end: {:?}", self.seen));
        }
        let believed = place(|event| matches!(event, ClientEvent::Response(_) | ClientEvent::Request(_) | ClientEvent::Pong));
        if believed.is_some_and(|at| ready.is_none_or(|ready| at < ready)) {
            return Err(format!("believed before the server had proved itself: {:?}", self.seen));
        }
        // Nobody but the honest server knows the password.
        if ready.is_some() && !self.state.is_link() && !self.state.is_ready() {
            return Err("a stranger proved that it knows the password".to_owned());
        }
        let last = said.last().map(|frame| (frame.kind(), frame.header(Name::Error)));
        let right = match self.end() {
            Some(End::Malformed(_)) => {
                matches!(last, Some((Kind::Error, Some("malformed-request" | "version-not-supported"))))
            }
            Some(End::TooLarge { answered: true }) => matches!(last, Some((Kind::Error, Some("message-too-large")))),
            _ => true,
        };
        if right { Ok(()) } else { Err(format!("{:?} behind {last:?}", self.end())) }
    }
}

/// Throws an input at a client in this state: manner, then octets.
pub(crate) fn throw(state: State, input: &[u8]) {
    let Some((&manner, octets)) = input.split_first() else { return };
    let mut stage = Stage::new(state);
    if manner & 1 == 1 {
        stage.tls_up();
    }
    match manner >> 5 {
        0 => stage.hear(octets),
        cut => octets.chunks(usize::from(cut) * 13).for_each(|piece| stage.hear(piece)),
    }
    if manner & 2 == 2 {
        stage.wait();
    }
    if manner & 4 == 4 {
        stage.eof();
    }
    stage.judge().unwrap_or_else(|error| panic!("{state:?}: {error}"));
}
