//! One relay in memory: accepting engines over the domain's rules over a store, with the time moved by hand.
//!
//! `fuzz/` builds this file too, over the four lowest layers alone.

use super::store::Store;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use impp::engine::{
    DomainConfig, End, LinkPolicy, Mechanism, PeerPolicy, Server, ServerCommand, ServerConfig, ServerEvent, TlsInfo, TlsPolicy,
    sasl,
};
use impp::model::{Address, Credentials, Domain, LeaseBounds, Now, Secret, Services, UnixMillis};
use impp::service::store::Account;
use impp::service::{
    Closed, ConnectionKey, DomainRules, Effect, LinkOpening, NoLink, Opening, Rate, Route, Service, ServiceConfig, SessionState,
};
use impp::wire::{Frame, Malformed, Piece, Splitter};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) const DOMAIN: &str = "example.org";
pub(crate) const OTHER: &str = "b.test";
pub(crate) const USERS: [&str; 3] = ["alice", "bob", "carol"];
pub(crate) const EXPORTER: [u8; 32] = [7; 32];
/// 2026-11-23T12:00:00Z
const NOON: u64 = 1_795_435_200_000;
const PLENTY: Rate = Rate { per_second: 1_000_000, burst: 1_000_000 };
/// A body that a relay of this kind takes; small, so that what is too large is at hand.
pub(crate) const MAX_BODY: u64 = 100_000;

thread_local! {
    /// Alice's record, by its iteration count.
    static RECORDS: RefCell<BTreeMap<u32, Credentials>> = const { RefCell::new(BTreeMap::new()) };
}

fn record(iterations: u32) -> Credentials {
    let derive = || sasl::derive(&Secret::new("wonderland".to_owned()), iterations, b"0123456789abcdef").expect("a password");
    RECORDS.with_borrow_mut(|known| known.entry(iterations).or_insert_with(derive).clone())
}

/// One accepted connection, as the relay sees it.
pub(crate) struct Connection {
    pub(crate) server: Server,
    pub(crate) said: Vec<u8>,
    pub(crate) end: Option<End>,
    /// Between OK (STARTTLS) and the end of the handshake.
    pub(crate) shaking: bool,
    /// What TLS proves, now or once it is there.
    tls: TlsInfo,
    how: Closed,
}

pub(crate) struct Relay {
    engine: Arc<ServerConfig>,
    iterations: u32,
    pub(crate) service: Service,
    pub(crate) store: Store,
    pub(crate) now: Now,
    pub(crate) connections: BTreeMap<ConnectionKey, Connection>,
    /// Domains for which every certificate speaks that is shown.
    pub(crate) proven: Vec<Domain>,
    /// Links that are being opened; in time each of them turns out to be impossible.
    dials: Vec<Route>,
    keys: u64,
}

thread_local! {
    /// Names are prepared with care, and these thousands of times.
    static DOMAINS: RefCell<BTreeMap<String, Domain>> = const { RefCell::new(BTreeMap::new()) };
    static ADDRESSES: RefCell<BTreeMap<String, Address>> = const { RefCell::new(BTreeMap::new()) };
}

pub(crate) fn domain(name: &str) -> Domain {
    let parse = || Domain::parse(name).expect("a domain");
    DOMAINS.with_borrow_mut(|known| known.entry(name.to_owned()).or_insert_with(parse).clone())
}

pub(crate) fn address(user: &str) -> Address {
    let make = || Address::new(user, &domain(DOMAIN)).expect("an address");
    ADDRESSES.with_borrow_mut(|known| known.entry(user.to_owned()).or_insert_with(make).clone())
}

pub(crate) fn b64(octets: impl AsRef<[u8]>) -> String {
    STANDARD.encode(octets)
}

/// What a client with this user's certificate proves; nobody's for a stranger's.
pub(crate) fn certificate(user: Option<&str>) -> TlsInfo {
    TlsInfo {
        exporter: Some(EXPORTER.to_vec()),
        client_identities: user.map(address).into_iter().collect(),
        client_certificate: true,
        version: "TLSv1.3",
    }
}

impl Relay {
    /// Everything is allowed that any relay may allow; and no time is spent on hashing.
    pub(crate) fn new() -> Self {
        Self::with_iterations(1)
    }

    /// So many iterations as a client may insist on.
    pub(crate) fn with_iterations(iterations: u32) -> Self {
        let ours = DomainConfig {
            mechanisms: Mechanism::ALL.into_iter().filter(|mechanism| *mechanism != Mechanism::Anonymous).collect(),
            iterations,
            decoy_key: [3; 32],
            anonymous: true,
            services: Services::ALL,
            lease: LeaseBounds::default(),
        };
        let secret = PeerPolicy { secret: true, clear: true };
        let links = LinkPolicy { enabled: true, max_outstanding: 1024, peers: BTreeMap::from([(domain("peer.test"), secret)]) };
        let engine = ServerConfig {
            domains: BTreeMap::from([(domain(DOMAIN), ours)]),
            max_body: MAX_BODY,
            links,
            tls: TlsPolicy::Offered,
            ..ServerConfig::new("relay/1")
        };
        let mut store = Store::default();
        for user in USERS {
            store.accounts.insert(address(user), Account::default());
        }
        #[allow(clippy::disallowed_methods, reason = "any moment will do; from here on time is moved by hand")]
        let now = Now { instant: Instant::now(), unix: UnixMillis(NOON) };
        let mut config = ServiceConfig::new(BTreeMap::from([(domain(DOMAIN), DomainRules::default())]), "s".to_owned());
        // Time stands still while thousands of requests arrive.
        (config.requests, config.messages) = (PLENTY, PLENTY);
        Self {
            engine: Arc::new(engine),
            iterations,
            service: Service::new(config, store.start(), now),
            store,
            now,
            connections: BTreeMap::new(),
            proven: vec![domain(OTHER)],
            dials: Vec::new(),
            keys: 0,
        }
    }

    /// A connection is accepted, inside TLS or not.
    pub(crate) fn connect(&mut self, tls: TlsInfo, active: bool) -> ConnectionKey {
        self.keys += 1;
        let key = ConnectionKey(self.keys);
        let mut nonce = [5; 32];
        nonce[..8].copy_from_slice(&self.keys.to_be_bytes());
        let server = Server::new(Arc::clone(&self.engine), active.then(|| tls.clone()), nonce, self.now.instant);
        let made = Connection { server, said: Vec::new(), end: None, shaking: false, tls, how: Closed::Lost };
        self.connections.insert(key, made);
        key
    }

    /// Octets arrive.
    pub(crate) fn hear(&mut self, key: ConnectionKey, octets: &[u8]) {
        let now = self.now.instant;
        self.with_server(key, |server| server.handle_input(now, octets));
    }

    /// Text arrives, each line feed as CRLF.
    pub(crate) fn hear_text(&mut self, key: ConnectionKey, text: &str) {
        self.hear(key, text.replace('\n', "\r\n").as_bytes());
    }

    /// The other side closes.
    pub(crate) fn eof(&mut self, key: ConnectionKey) {
        let now = self.now.instant;
        self.with_server(key, |server| server.handle_eof(now));
    }

    /// The handshake that was asked for is done.
    pub(crate) fn tls_up(&mut self, key: ConnectionKey) {
        let now = self.now.instant;
        let Some(connection) = self.connections.get_mut(&key).filter(|connection| connection.shaking) else { return };
        connection.shaking = false;
        let tls = connection.tls.clone();
        self.with_server(key, |server| server.handle_command(now, ServerCommand::TlsUp(tls)));
    }

    /// What was said on a connection since the last time.
    pub(crate) fn said(&mut self, key: ConnectionKey) -> Vec<u8> {
        self.connections.get_mut(&key).map(|connection| std::mem::take(&mut connection.said)).unwrap_or_default()
    }

    /// The same, in frames.
    pub(crate) fn frames(&mut self, key: ConnectionKey) -> Vec<Frame> {
        frames(&self.said(key)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// How a connection ended.
    pub(crate) fn end(&self, key: ConnectionKey) -> Option<End> {
        self.connections.get(&key).and_then(|connection| connection.end)
    }

    /// Forgets a connection that nobody looks at any more; one that stands is cut.
    pub(crate) fn drop_connection(&mut self, key: ConnectionKey) {
        self.eof(key);
        self.connections.remove(&key);
        self.give_up_dials();
    }

    fn give_up_dials(&mut self) {
        for route in std::mem::take(&mut self.dials) {
            self.service.link_failed(self.now, &route, NoLink::Unreachable, Duration::from_secs(5));
        }
        self.settle();
    }

    /// Time passes, from one deadline to the next.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now.plus(time);
        loop {
            self.give_up_dials();
            let engines = self.connections.values().filter(|connection| connection.end.is_none());
            let first =
                engines.filter_map(|connection| connection.server.poll_timeout()).chain(self.service.poll_timeout()).min();
            let Some(next) = first.filter(|next| *next <= until.instant) else { break };
            self.now = self.now.plus(next.saturating_duration_since(self.now.instant));
            let now = self.now.instant;
            for key in self.connections.keys().copied().collect::<Vec<_>>() {
                self.with_server(key, |server| server.handle_timeout(now));
            }
            self.service.handle_timeout(self.now);
            self.settle();
        }
        self.now = until;
    }

    fn with_server(&mut self, key: ConnectionKey, step: impl FnOnce(&mut Server)) {
        let Some(connection) = self.connections.get_mut(&key).filter(|connection| connection.end.is_none()) else { return };
        step(&mut connection.server);
        self.collect(key);
        self.settle();
    }

    /// What an engine says and wants.
    fn collect(&mut self, key: ConnectionKey) {
        loop {
            let Some(connection) = self.connections.get_mut(&key) else { return };
            while let Some(octets) = connection.server.poll_output() {
                connection.said.extend_from_slice(&octets);
            }
            match connection.server.poll_event() {
                Some(event) => self.event(key, event),
                None => return,
            }
        }
    }

    fn event(&mut self, key: ConnectionKey, event: ServerEvent) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&key) else { return };
        assert!(connection.end.is_none(), "an event behind the end: {event:?}");
        let iterations = self.iterations;
        let record = |there: bool| ServerCommand::Credentials(there.then(|| record(iterations)));
        let command = match event {
            ServerEvent::StartTls => {
                connection.shaking = true;
                return;
            }
            ServerEvent::LookUp(user) => record(self.store.accounts.contains_key(&user)),
            ServerEvent::LookUpPeer(origin) => record(origin.as_str() == "peer.test"),
            ServerEvent::JudgePeer(origin) => ServerCommand::PeerJudged(self.proven.contains(&origin)),
            ServerEvent::CheckPassword(work) => ServerCommand::Checked(work.run()),
            ServerEvent::Authenticated(opening) => {
                let opening = Opening {
                    identity: opening.identity,
                    anonymous: opening.anonymous,
                    connection: opening.connection,
                    accepts_messages: opening.accepts_messages,
                    inbox: opening.inbox,
                    max_body: opening.max_body,
                    max_outstanding: opening.max_outstanding,
                };
                return self.service.open(now, key, opening);
            }
            ServerEvent::LinkUp(opening) => {
                let route = Route { ours: opening.domain, theirs: opening.origin };
                let (max_body, max_outstanding) = (opening.max_body, opening.max_outstanding);
                return self.service.open_link(now, key, LinkOpening { route, dialled: false, max_body, max_outstanding });
            }
            ServerEvent::Request(frame) => return self.service.request(now, key, frame),
            ServerEvent::Response(frame) => return self.service.response(now, key, frame),
            ServerEvent::Bye => {
                connection.how = Closed::Bye;
                return;
            }
            ServerEvent::Ended(end) => {
                connection.end = Some(end);
                return self.service.closed(now, key, connection.how);
            }
            _ => return,
        };
        connection.server.handle_command(now.instant, command);
    }

    /// Does what the rules want done, until they want nothing more.
    fn settle(&mut self) {
        let now = self.now;
        while let Some(effect) = self.service.poll_effect() {
            let (connection, command) = match effect {
                Effect::Opened { connection, outcome } => {
                    (connection, ServerCommand::Opened(outcome.map(|state| state == SessionState::Resumed)))
                }
                Effect::Send { connection, octets } => (connection, ServerCommand::Send { head: octets.head, body: octets.body }),
                Effect::Close { connection, cause } => {
                    (connection, ServerCommand::Bye { cause: Some(cause), reason: Some(cause.sentence()), retry_after: None })
                }
                Effect::Dial(route) => {
                    self.dials.push(route);
                    continue;
                }
                Effect::Read { ticket, read } => {
                    let outcome = self.store.read(&read);
                    self.service.loaded(now, ticket, outcome);
                    continue;
                }
                Effect::Write { ticket, writes } => {
                    let outcome = self.store.write(&writes);
                    self.service.written(now, ticket, outcome);
                    continue;
                }
                Effect::Remember(delivery) => {
                    self.store.remember(delivery);
                    continue;
                }
                Effect::Notice(_) | Effect::Administered { .. } => continue,
            };
            if let Some(there) = self.connections.get_mut(&connection).filter(|there| there.end.is_none()) {
                there.server.handle_command(now.instant, command);
                self.collect(connection);
            }
        }
    }
}

/// Octets that are whole frames and nothing else.
pub(crate) fn frames(octets: &[u8]) -> Result<Vec<Frame>, String> {
    let mut splitter = Splitter::new(u64::MAX);
    splitter.push(octets);
    let mut found = Vec::new();
    loop {
        match splitter.poll() {
            Ok(Some(Piece::Frame(frame))) => found.push(frame),
            Ok(None) if splitter.is_between_frames() => return Ok(found),
            Ok(_) => return Err(format!("half a frame was said: {:?}", Bytes::copy_from_slice(octets))),
            Err(Malformed { fault, at, .. }) => {
                return Err(format!("{fault} at {at} behind {} frames: {:?}", found.len(), Bytes::copy_from_slice(octets)));
            }
        }
    }
}
