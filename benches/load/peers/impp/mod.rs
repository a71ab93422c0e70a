//! impp-relay, over the engine of this library for logins and hand-made frames for the load.

mod stock;

pub use stock::Stock;

use super::{Receiving, Sending};
use crate::flow::{self, Receiver, Sender, Stream};
use crate::server::{Prepared, Server, free_port};
use impp::engine::{Client, ClientConfig, ClientEvent, ClientTls, Login, Mechanism};
use impp::model::response::ok_to;
use impp::model::{Address, ConnectionId, Domain, Secret};
use impp::net::random;
use impp::wire::{Frame, Kind, Piece, Splitter};
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub const DOMAIN: &str = "load.test";
const READ_OCTETS: usize = 4096;
const LARGEST_BODY: u64 = 4 << 20;
const PASSWORD: &str = "secret";

/// A relay with users `u0` and so on.
pub struct Relay {
    pub server: Server,
    tls: tokio_rustls::TlsConnector,
    domain: String,
}

/// A relay with configuration, certificate and a store.
pub fn prepared(stock: &Stock) -> Prepared {
    prepared_at(DOMAIN, stock, "", free_port(), free_port())
}

fn prepared_at(domain: &str, stock: &Stock, extra: &str, plain: SocketAddr, tls: SocketAddr) -> Prepared {
    let folder = tempfile::tempdir().unwrap();
    stock::prepare(folder.path(), domain, stock, plain, tls, extra);
    let mut command = Command::new(crate::server::relay());
    command.arg("serve").arg("-c").arg(folder.path().join("impp-relay.toml"));
    Prepared { folder, command, plain, tls }
}

impl Relay {
    pub fn start(users: usize) -> Self {
        Self::with(&Stock { users, ..Stock::default() })
    }

    /// With more in its store.
    pub fn with(stock: &Stock) -> Self {
        Self::of(DOMAIN, prepared(stock))
    }

    fn of(domain: &str, prepared: Prepared) -> Self {
        Self { server: prepared.start(), tls: crate::tls::connector(Some(b"impp")), domain: domain.to_owned() }
    }

    /// Two domains that know each other's address and secret.
    pub fn two(users: usize) -> (Self, Self) {
        let (here, there) = (free_port(), free_port());
        let peer = |name: &str, at: SocketAddr| {
            format!(
                "[interdomain]\nrequests-per-second = 1000000\n[[peer]]\ndomain = \"{name}\"\nserver = \"{at}\"\nsecret-file = \"secret\"\ninsecure = true\n"
            )
        };
        let stock = Stock { users, ..Stock::default() };
        let first = prepared_at("a.test", &stock, &peer("b.test", there), here, free_port());
        let second = prepared_at("b.test", &stock, &peer("a.test", here), there, free_port());
        (Self::of("a.test", first), Self::of("b.test", second))
    }

    fn user(&self, number: usize) -> Address {
        Address::parse(&format!("u{number}@{}", self.domain)).unwrap()
    }

    /// A connection that has logged in.
    pub async fn connect(&self, user: usize, connection: &str, messages: bool, over_tls: bool) -> Stream {
        self.connect_by(READ_OCTETS, user, connection, messages, over_tls).await
    }

    /// Who takes messages, of which some wait: not an octet is read behind the login's.
    pub async fn arriving(&self, user: usize) -> Receiving {
        let stream = self.connect_by(1, user, "arriving", true, false).await;
        Receiving { stream, protocol: Box::new(Accepting { splitter: splitter() }) }
    }

    async fn connect_by(&self, at_once: usize, user: usize, connection: &str, messages: bool, over_tls: bool) -> Stream {
        let tls = over_tls.then_some(&self.tls);
        let mut stream = flow::connect(if over_tls { self.server.tls } else { self.server.plain }, tls).await.unwrap();
        let login = Login::Password { user: self.user(user), secret: Secret::new(PASSWORD.into()) };
        let state = if over_tls { ClientTls::Active { exporter: None } } else { ClientTls::Plain { credentials: true } };
        let domain = Domain::parse(&self.domain).unwrap();
        let config = ClientConfig::new(domain, login, ConnectionId::parse(connection).unwrap(), state);
        let config = ClientConfig {
            accepts_messages: messages,
            mechanism: Some(Mechanism::ScramSha256),
            pipeline: over_tls,
            max_body: LARGEST_BODY,
            ..config
        };
        let mut client = Client::new(config, random::octets(), Instant::now());
        let mut buffer = vec![0; at_once];
        loop {
            while let Some(octets) = client.poll_output() {
                stream.write_all(&octets).await.unwrap();
            }
            stream.flush().await.unwrap();
            if let Some(event) = client.poll_event() {
                match event {
                    ClientEvent::Ready { .. } => return stream,
                    other => panic!("no login: {other:?}"),
                }
            }
            let read = stream.read(&mut buffer).await.unwrap();
            client.handle_input(Instant::now(), &buffer[..read]);
        }
    }

    /// Who sends to that user, perhaps in another domain.
    pub async fn sending(&self, user: usize, to: &str, octets: usize, over_tls: bool) -> Sending {
        self.sending_to_all(user, vec![to.to_owned()], octets, over_tls).await
    }

    /// Who sends to these, one after the other.
    pub async fn sending_to_all(&self, user: usize, to: Vec<String>, octets: usize, over_tls: bool) -> Sending {
        let connection = format!("s{user}");
        let stream = self.connect(user, &connection, false, over_tls).await;
        let body = "x".repeat(octets);
        let from = format!("impp://{}/u{user}", self.domain);
        let protocol = Messages { from, connection, to, body, sent: 1, splitter: splitter() };
        Sending { stream, protocol: Box::new(protocol) }
    }

    pub async fn receiving(&self, user: usize, over_tls: bool) -> Receiving {
        let stream = self.connect(user, &format!("r{user}"), true, over_tls).await;
        Receiving { stream, protocol: Box::new(Accepting { splitter: splitter() }) }
    }

    pub fn url(&self, user: usize) -> String {
        format!("impp://{}/u{user}", self.domain)
    }

    /// Who changes the presence of that user.
    pub async fn publishing(&self, user: usize, over_tls: bool) -> Sending {
        let connection = format!("p{user}");
        let stream = self.connect(user, &connection, false, over_tls).await;
        let protocol = Changes { me: self.url(user), connection, sent: 1, splitter: splitter() };
        Sending { stream, protocol: Box::new(protocol) }
    }

    /// Who watches that user.
    pub async fn watching(&self, user: usize, whom: usize, over_tls: bool) -> Receiving {
        let connection = format!("w{user}");
        let mut stream = self.connect(user, &connection, false, over_tls).await;
        let (me, target) = (self.url(user), self.url(whom));
        let ask = format!(
            "SUBSCRIBE w impp/1.0\r\nFrom: {me}\r\nConnection-ID: {connection}\r\nTarget: {target}\r\nLease-Time: 3600\r\n\r\n"
        );
        stream.write_all(ask.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut splitter = splitter();
        let mut buffer = vec![0; 4096];
        loop {
            let read = stream.read(&mut buffer).await.unwrap();
            splitter.push(&buffer[..read]);
            if let Some(frame) = frame(&mut splitter) {
                assert_eq!(frame.kind(), Kind::Ok, "{}", String::from_utf8_lossy(frame.octets()));
                return Receiving { stream, protocol: Box::new(Accepting { splitter }) };
            }
        }
    }
}

fn splitter() -> Splitter {
    Splitter::new(LARGEST_BODY)
}

fn frame(splitter: &mut Splitter) -> Option<Frame> {
    match splitter.poll().unwrap() {
        None => None,
        Some(Piece::Frame(frame)) => Some(frame),
        Some(other) => panic!("{other:?}"),
    }
}

/// Counts the OKs among what came.
fn acknowledged(splitter: &mut Splitter, input: &[u8]) -> usize {
    splitter.push(input);
    let mut many = 0;
    while let Some(frame) = frame(splitter) {
        assert_eq!(frame.kind(), Kind::Ok, "{}", String::from_utf8_lossy(frame.octets()));
        many += 1;
    }
    many
}

struct Messages {
    from: String,
    connection: String,
    to: Vec<String>,
    body: String,
    sent: usize,
    splitter: Splitter,
}

impl Sender for Messages {
    fn next(&mut self, out: &mut Vec<u8>) {
        let Self { from, connection, to, body, sent, .. } = self;
        let (length, to) = (body.len(), &to[*sent % to.len()]);
        write!(
            out,
            "SEND {sent} impp/1.0\r\nFrom: {from}\r\nConnection-ID: {connection}\r\nTarget: {to}\r\n\
             Message-ID: <{sent}.{connection}@load>\r\nContent-Type: message/rfc822\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        *sent += 1;
    }

    fn read(&mut self, input: &[u8], _: &mut Vec<u8>) -> usize {
        acknowledged(&mut self.splitter, input)
    }
}

struct Changes {
    me: String,
    connection: String,
    sent: usize,
    splitter: Splitter,
}

impl Sender for Changes {
    fn next(&mut self, out: &mut Vec<u8>) {
        let Self { me, connection, sent, .. } = self;
        let body = format!("<presence><status>open</status><note>{sent}</note></presence>");
        write!(
            out,
            "CHANGE {sent} impp/1.0\r\nFrom: {me}\r\nConnection-ID: {connection}\r\nTarget: {me}\r\nLease-Time: infinity\r\n\
             Content-Type: application/presence\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        *sent += 1;
    }

    fn read(&mut self, input: &[u8], _: &mut Vec<u8>) -> usize {
        acknowledged(&mut self.splitter, input)
    }
}

struct Accepting {
    splitter: Splitter,
}

impl Receiver for Accepting {
    fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        self.splitter.push(input);
        let mut many = 0;
        while let Some(frame) = frame(&mut self.splitter) {
            if frame.kind() == Kind::Request {
                out.extend_from_slice(&ok_to(&frame).finish());
                many += usize::from(frame.method() != "PING");
            }
        }
        many
    }
}
