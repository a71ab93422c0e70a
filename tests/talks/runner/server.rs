//! The accepting engine on stage, with a few accounts behind it.

use super::Engine;
use super::Shown;
use super::script::Gift;
use super::script::Step;
use super::script::Talk;
use super::words::EXPORTER;
use super::words::SALT;
use bytes::Bytes;
use impp::engine::ByeCause;
use impp::engine::DomainConfig;
use impp::engine::LinkPolicy;
use impp::engine::Mechanism;
use impp::engine::PasswordVerdict;
use impp::engine::PasswordWork;
use impp::engine::PeerPolicy;
use impp::engine::Server;
use impp::engine::ServerCommand;
use impp::engine::ServerConfig;
use impp::engine::ServerEvent;
use impp::engine::TlsInfo;
use impp::engine::TlsPolicy;
use impp::engine::sasl;
use impp::model::Address;
use impp::model::Answer;
use impp::model::Credentials;
use impp::model::Domain;
use impp::model::ErrorKind;
use impp::model::LeaseBounds;
use impp::model::Secret;
use impp::model::Services;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

const HELLO: &str = "HELLO h impp/1.0\r\nDomain: example.org\r\nConnection-ID: c1\r\n";

pub(crate) struct ServerStage {
    engine: Server,
    accounts: BTreeMap<String, Credentials>,
    peers: BTreeMap<Domain, Credentials>,
    /// Domains for which the peer's certificate speaks.
    proven: Vec<Domain>,
    disabled: Vec<String>,
    resume: bool,
    refuse: Option<Answer>,
    by_hand: bool,
    tls: TlsInfo,
    work: Option<PasswordWork>,
    verdict: Option<PasswordVerdict>,
}

pub(crate) fn config(talk: &Talk) -> ServerConfig {
    let mechanisms = talk.setting("mechanisms").unwrap_or("SCRAM-SHA-256-PLUS SCRAM-SHA-256 EXTERNAL PLAIN");
    let domain = DomainConfig {
        mechanisms: mechanisms.split(' ').map(|name| Mechanism::parse(name).unwrap()).collect(),
        iterations: 4096,
        decoy_key: [3; 32],
        anonymous: talk.is("anonymous"),
        services: Services::ALL,
        lease: LeaseBounds::default(),
    };
    let policy = match talk.setting("tls") {
        Some("required") => TlsPolicy::Required,
        Some("none") => TlsPolicy::None,
        _ => TlsPolicy::Offered,
    };
    let domains = BTreeMap::from([(Domain::parse("example.org").unwrap(), domain)]);
    let mut links = LinkPolicy { enabled: talk.is("links"), max_outstanding: 1024, peers: BTreeMap::new() };
    for (domain, words) in peers(talk) {
        links.peers.insert(domain, PeerPolicy { secret: true, clear: words.contains(&"clear") });
    }
    ServerConfig { links, domains, tls: policy, max_body: 100_000, ..ServerConfig::new("impp-relay/0.1.0") }
}

/// `peer: b.test SECRET [clear]`
fn peers(talk: &Talk) -> impl Iterator<Item = (Domain, Vec<&str>)> {
    talk.all("peer").map(|text| {
        let (domain, words) = text.split_once(' ').unwrap();
        (Domain::parse(domain).unwrap(), words.split(' ').collect())
    })
}

thread_local! {
    /// Records by password: deriving one takes its time.
    static RECORDS: RefCell<BTreeMap<String, Credentials>> = const { RefCell::new(BTreeMap::new()) };
}

fn record(password: &str) -> Credentials {
    let derive = || sasl::derive(&Secret::new(password.to_owned()), 4096, &SALT).unwrap();
    RECORDS.with_borrow_mut(|known| known.entry(password.to_owned()).or_insert_with(derive).clone())
}

pub(crate) fn stage(talk: &Talk, now: Instant) -> ServerStage {
    let tls = TlsInfo {
        exporter: talk.is("exporter").then(|| EXPORTER.to_vec()),
        client_identities: talk
            .setting("certificate")
            .iter()
            .flat_map(|text| text.split(' '))
            .map(|text| Address::parse(text).unwrap())
            .collect(),
        client_certificate: talk.is("shown"),
        version: "TLSv1.3",
    };
    let active = talk.setting("tls") == Some("active") || talk.setting("authenticated").is_some();
    let accounts = talk.all("user").map(|text| {
        let (user, password) = text.split_once(' ').unwrap();
        (user.to_owned(), record(password))
    });
    let mut stage = ServerStage {
        engine: Server::new(Arc::new(config(talk)), active.then(|| tls.clone()), [5; 32], now),
        accounts: accounts.collect(),
        peers: peers(talk).map(|(domain, words)| (domain, record(words[0]))).collect(),
        proven: talk.all("proven").map(|text| Domain::parse(text).unwrap()).collect(),
        disabled: talk.all("disabled").map(str::to_owned).collect(),
        resume: talk.is("resume"),
        refuse: talk.setting("refuse").map(|text| Answer::new(ErrorKind::parse(text).unwrap())),
        by_hand: talk.is("by hand"),
        tls,
        work: None,
        verdict: None,
    };
    if let Some(user) = talk.setting("authenticated") {
        stage.log_in(user, now);
    } else if talk.is("greeted") {
        stage.silently(now, &format!("{HELLO}\r\n"));
    }
    stage
}

impl ServerStage {
    /// HELLO and AUTH without a word in the dialogue.
    fn log_in(&mut self, user: &str, now: Instant) {
        self.accounts.insert(user.to_owned(), record("wonderland"));
        let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("\0{user}\0wonderland"));
        let said = self.silently(
            now,
            &format!("{HELLO}Accept: messages\r\n\r\nAUTH a impp/1.0\r\nMechanism: PLAIN\r\nData: {data}\r\n\r\n"),
        );
        assert!(said.contains("Auth: done\r"), "{said}");
    }

    fn silently(&mut self, now: Instant, text: &str) -> String {
        self.engine.handle_input(now, text.as_bytes());
        while self.event(now).is_some() {}
        let mut said = Vec::new();
        while let Some(piece) = self.engine.poll_output() {
            said.extend_from_slice(&piece);
        }
        String::from_utf8(said).unwrap()
    }

    /// What the relay would do; `None`: the talk does it itself.
    fn answer(&mut self, now: Instant, event: ServerEvent) -> Option<ServerEvent> {
        let command = match event {
            _ if self.by_hand => return Some(event),
            ServerEvent::LookUp(user) => ServerCommand::Credentials(self.accounts.get(user.user().as_ref()).cloned()),
            ServerEvent::CheckPassword(work) => ServerCommand::Checked(work.run()),
            ServerEvent::LookUpPeer(origin) => ServerCommand::Credentials(self.peers.get(&origin).cloned()),
            ServerEvent::JudgePeer(origin) => ServerCommand::PeerJudged(self.proven.contains(&origin)),
            ServerEvent::LinkUp(_) => ServerCommand::Opened(self.refuse.take().map_or(Ok(false), Err)),
            ServerEvent::Authenticated(opening) => ServerCommand::Opened(match self.refuse.take() {
                _ if self.disabled.iter().any(|user| *user == opening.identity.user()) => {
                    Err(Answer::new(ErrorKind::AuthenticationFailed).because("disabled"))
                }
                Some(answer) => Err(answer),
                None => Ok(self.resume),
            }),
            event => return Some(event),
        };
        self.engine.handle_command(now, command);
        None
    }
}

impl Engine for ServerStage {
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

    fn event(&mut self, now: Instant) -> Option<Shown> {
        let event = self.engine.poll_event()?;
        let text = show(&event);
        Some(match self.answer(now, event) {
            None => Shown::Silent(text),
            Some(event) => {
                if let ServerEvent::CheckPassword(work) = event {
                    self.work = Some(work);
                }
                Shown::Event(text)
            }
        })
    }

    fn command(&mut self, now: Instant, step: &Step, octets: Bytes) {
        let command = match step {
            Step::TlsUp => ServerCommand::TlsUp(self.tls.clone()),
            Step::Bye(cause) => ServerCommand::Bye {
                cause: ByeCause::parse(cause),
                reason: ByeCause::parse(cause).map(|_| "for a reason"),
                retry_after: (cause == "shutting-down").then_some(std::time::Duration::from_millis(4500)),
            },
            Step::Give(Gift::Send, _) => ServerCommand::Send { head: octets, body: Bytes::new() },
            Step::Reply(text) => match text.split(' ').collect::<Vec<_>>().as_slice() {
                ["record", user] => ServerCommand::Credentials(Some(self.accounts[*user].clone())),
                ["no", "record"] => ServerCommand::Credentials(None),
                ["judged", verdict] => ServerCommand::PeerJudged(*verdict == "yes"),
                ["check"] => {
                    self.verdict = self.work.take().map(PasswordWork::run);
                    return;
                }
                ["checked"] => {
                    let verdict = self.verdict.take().or_else(|| self.work.take().map(PasswordWork::run));
                    ServerCommand::Checked(verdict.unwrap())
                }
                ["opened", "new"] => ServerCommand::Opened(Ok(false)),
                ["opened", "resumed"] => ServerCommand::Opened(Ok(true)),
                ["opened", error] => ServerCommand::Opened(Err(Answer::new(ErrorKind::parse(error).unwrap()))),
                _ => panic!("reply {text}"),
            },
            step => panic!("a server has no use for {step:?}"),
        };
        self.engine.handle_command(now, command);
    }
}

fn show(event: &ServerEvent) -> String {
    match event {
        ServerEvent::StartTls => "start-tls".into(),
        ServerEvent::LookUp(user) => format!("look-up {user}"),
        ServerEvent::CheckPassword(_) => "check-password".into(),
        ServerEvent::Authenticated(opening) => {
            let mut text = format!("authenticated {} {}", opening.identity, opening.connection);
            text += if opening.anonymous { " anonymous" } else { "" };
            text += if opening.accepts_messages { " messages" } else { "" };
            if let Some(inbox) = &opening.inbox {
                text += &format!(" inbox={inbox}");
            }
            text + &format!(" {} {}", opening.max_body, opening.max_outstanding)
        }
        ServerEvent::Request(frame) => format!("request {} {} {}", frame.method(), frame.request_id(), frame.octets().len()),
        ServerEvent::Response(frame) => format!("response {:?} {} {}", frame.kind(), frame.method(), frame.request_id()),
        ServerEvent::LoginFailed { claimed, mechanism } => {
            format!("login-failed {} {}", claimed.as_ref().map_or("-", Address::as_str), mechanism.map_or("-", Mechanism::as_str))
        }
        ServerEvent::LookUpPeer(origin) => format!("look-up-peer {origin}"),
        ServerEvent::JudgePeer(origin) => format!("judge-peer {origin}"),
        ServerEvent::LinkUp(opening) => {
            format!("link-up {} {} {} {}", opening.origin, opening.domain, opening.max_body, opening.max_outstanding)
        }
        ServerEvent::Bye => "bye".into(),
        ServerEvent::Ended(end) => super::ended(*end),
    }
}
