//! The opening engine on stage.

use super::Engine;
use super::Shown;
use super::script::Gift;
use super::script::Step;
use super::script::Talk;
use super::words::EXPORTER;
use bytes::Bytes;
use impp::engine::Client;
use impp::engine::ClientCommand;
use impp::engine::ClientConfig;
use impp::engine::ClientEvent;
use impp::engine::ClientTls;
use impp::engine::Login;
use impp::engine::Mechanism;
use impp::model::Address;
use impp::model::ConnectionId;
use impp::model::Domain;
use impp::model::Secret;
use std::time::Instant;

pub(crate) struct ClientStage {
    engine: Client,
    exporter: Option<Vec<u8>>,
}

pub(crate) fn stage(talk: &Talk, now: Instant) -> ClientStage {
    let domain = Domain::parse("example.org").unwrap();
    let exporter = talk.is("exporter").then(|| EXPORTER.to_vec());
    let login = match talk.setting("login").unwrap().split_once(' ') {
        None => Login::Anonymous,
        Some(("domain", words)) => {
            let mut words = words.split(' ');
            let origin = Domain::parse(words.next().unwrap()).unwrap();
            Login::Domain { origin, secret: words.next().map(|text| Secret::new(text.to_owned())) }
        }
        Some(("external", user)) => Login::External(Address::new(user, &domain).unwrap()),
        Some((user, password)) => {
            Login::Password { user: Address::new(user, &domain).unwrap(), secret: Secret::new(password.to_owned()) }
        }
    };
    let tls = match talk.setting("tls") {
        Some("active") => ClientTls::Active { exporter: exporter.clone() },
        Some("starttls") => ClientTls::StartTls,
        Some("plain") => ClientTls::Plain { credentials: false },
        Some("plain-credentials") => ClientTls::Plain { credentials: true },
        tls => panic!("{tls:?}"),
    };
    let config = ClientConfig {
        accepts_messages: talk.setting("accept") == Some("messages"),
        inbox: talk.setting("inbox").map(|user| Address::new(user, &domain).unwrap()),
        max_outstanding: talk.setting("max-outstanding").map_or(64, |text| text.parse().unwrap()),
        max_body: 65_536,
        agent: "talk/1".into(),
        mechanism: talk.setting("mechanism").map(|name| Mechanism::parse(name).unwrap()),
        pipeline: talk.is("pipeline"),
        ..ClientConfig::new(domain, login, ConnectionId::parse("c1").unwrap(), tls)
    };
    ClientStage { engine: Client::new(config, [5; 32], now), exporter }
}

impl Engine for ClientStage {
    fn input(&mut self, now: Instant, octets: &[u8]) {
        self.engine.handle_input(now, octets);
    }

    fn eof(&mut self, now: Instant) {
        self.engine.handle_eof(now);
    }

    fn timeout(&mut self, now: Instant) {
        self.engine.handle_timeout(now);
    }

    fn deadline(&self) -> Option<Instant> {
        self.engine.poll_timeout()
    }

    fn output(&mut self) -> Option<Bytes> {
        self.engine.poll_output()
    }

    fn event(&mut self, _now: Instant) -> Option<Shown> {
        self.engine.poll_event().map(|event| Shown::Event(show(&event)))
    }

    fn command(&mut self, now: Instant, step: &Step, octets: Bytes) {
        let command = match step {
            Step::TlsUp => ClientCommand::TlsUp { exporter: self.exporter.clone() },
            Step::Bye(_) => ClientCommand::Bye,
            Step::Ping => ClientCommand::Ping,
            Step::Give(Gift::Ask, _) => ClientCommand::Request { head: octets, body: Bytes::new() },
            Step::Give(Gift::Answer, _) => ClientCommand::Respond { head: octets, body: Bytes::new() },
            step => panic!("a client has no use for {step:?}"),
        };
        self.engine.handle_command(now, command);
    }
}

fn show(event: &ClientEvent) -> String {
    match event {
        ClientEvent::StartTls => "start-tls".into(),
        ClientEvent::Ready { identity, resumed, hello } => format!(
            "ready {identity} {} {} {}",
            if *resumed { "resumed" } else { "new" },
            hello.max_outstanding,
            hello.mechanisms.join("+")
        ),
        ClientEvent::Refused(refusal) => format!("refused: {refusal}"),
        ClientEvent::Response(frame) => format!("response {:?} {} {}", frame.kind(), frame.method(), frame.request_id()),
        ClientEvent::Request(frame) => format!("request {} {}", frame.method(), frame.request_id()),
        ClientEvent::Pong => "pong".into(),
        ClientEvent::Bye { cause, reason, retry_after } => {
            format!("bye {} {reason:?} {retry_after:?}", cause.map_or("-", impp::engine::ByeCause::as_str))
        }
        ClientEvent::Ended(end) => super::ended(*end),
    }
}
