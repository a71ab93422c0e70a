//! A relay's rules, a store, clients and a clock that only moves when it is told to.

use crate::store::Store;
use bytes::Bytes;
use impp::model::acl::Acl;
use impp::model::presence::Presence;
use impp::model::response::{error_to, ok_to};
use impp::model::watchers::Watchers;
use impp::model::{Address, Answer, ConnectionId, Domain, Now, UnixMillis, media_type};
use impp::service::store::{Loaded, Read, StoreError, Write};
use impp::service::{
    Closed, ConnectionKey, DomainRules, Effect, Notice, Octets, Opening, Service, ServiceConfig, SessionState, Ticket,
};
use impp::wire::{Frame, Kind, Name, Piece, Splitter};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

pub(crate) const DOMAIN: &str = "example.org";
/// 2026-11-23T12:00:00Z
const NOON: u64 = 1_795_435_200_000;

thread_local! {
    /// Everything that happened, for people; outlives a panic.
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn note(line: String) {
    LOG.with_borrow_mut(|log| log.push(line));
}

pub(crate) fn take_log() -> Vec<String> {
    LOG.take()
}

/// What a client got, in words.
pub(crate) type Words = Vec<String>;

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) key: ConnectionKey,
    pub(crate) identity: Address,
    pub(crate) session: ConnectionId,
    pub(crate) open: bool,
    pub(crate) by_hand: bool,
    pub(crate) max_body: u64,
    pub(crate) max_outstanding: u32,
    pub(crate) inbox: VecDeque<Words>,
    /// Requests that the client has not answered.
    pub(crate) unanswered: Vec<Frame>,
    /// When each request arrived.
    pub(crate) arrived: BTreeMap<String, UnixMillis>,
}

pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) config: ServiceConfig,
    pub(crate) store: Store,
    pub(crate) now: Now,
    pub(crate) clients: BTreeMap<String, Client>,
    pub(crate) notices: VecDeque<Words>,
    pub(crate) hold_reads: bool,
    pub(crate) hold_writes: bool,
    pub(crate) reads: VecDeque<(Ticket, Read)>,
    pub(crate) writes: VecDeque<(Ticket, Vec<Write>)>,
    /// Requests without an answer, by session.
    pub(crate) asked: BTreeSet<(Address, ConnectionId, String)>,
    /// Requests of sessions that had no connection for a while: their answers may have been dropped.
    forgiven: BTreeSet<(Address, ConnectionId, String)>,
    /// Reads that were performed and not yet handed in.
    pub(crate) brought: Vec<(Ticket, Result<Loaded, StoreError>)>,
    /// Messages that clients acknowledged: their Message-IDs.
    pub(crate) acknowledged: BTreeSet<String>,
    /// The newest value that each session was told of each presentity.
    told: BTreeMap<(Address, ConnectionId, String), (u64, Bytes)>,
    keys: u64,
    starts: u64,
}

pub(crate) fn address(text: &str) -> Address {
    let text = if text.contains('@') || text.contains(':') { text.to_owned() } else { format!("{text}@{DOMAIN}") };
    Address::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// An address as scenes write it: the user alone where the domain goes without saying.
pub(crate) fn short(url: &str) -> String {
    let Ok(address) = Address::parse(url) else { return url.to_owned() };
    if address.domain_str() == DOMAIN && !address.is_domain() { address.user().into_owned() } else { address.to_email() }
}

pub(crate) fn config() -> ServiceConfig {
    let domain = Domain::parse(DOMAIN).expect("a domain");
    ServiceConfig::new(BTreeMap::from([(domain, DomainRules::default())]), "s".to_owned())
}

impl World {
    pub(crate) fn new() -> Self {
        let now = Now { instant: origin(), unix: UnixMillis(NOON) };
        let store = Store::default();
        Self {
            service: Service::new(config(), store.start(), now),
            config: config(),
            store,
            now,
            clients: BTreeMap::new(),
            notices: VecDeque::new(),
            hold_reads: false,
            hold_writes: false,
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            asked: BTreeSet::new(),
            forgiven: BTreeSet::new(),
            brought: Vec::new(),
            acknowledged: BTreeSet::new(),
            told: BTreeMap::new(),
            keys: 0,
            starts: 0,
        }
    }

    /// What was not written is lost; connections are gone without a word.
    pub(crate) fn restart(&mut self) {
        self.reads.clear();
        self.writes.clear();
        self.asked.clear();
        self.told.clear();
        for client in self.clients.values_mut() {
            client.open = false;
            client.unanswered.clear();
        }
        self.starts += 1;
        self.config.request_prefix = format!("s{}", self.starts);
        self.service = Service::new(self.config.clone(), self.store.start(), self.now);
    }

    pub(crate) fn reconfigure(&mut self) {
        self.service.reconfigure(self.now, self.config.clone());
        self.run();
    }

    pub(crate) fn changed_outside(&mut self) {
        self.service.changed_outside(self.now);
        self.run();
    }

    pub(crate) fn connect(&mut self, name: &str, client: Client, opening: impl FnOnce(Opening) -> Opening) {
        self.keys += 1;
        let key = ConnectionKey(self.keys);
        let opening = opening(Opening {
            identity: client.identity.clone(),
            anonymous: client.identity.domain_str() == "anonymous.invalid",
            connection: client.session,
            accepts_messages: false,
            inbox: None,
            max_body: client.max_body,
            max_outstanding: client.max_outstanding,
        });
        if let Some(old) = self.clients.insert(name.to_owned(), Client { key, ..client }) {
            assert!(!old.open, "{name} is connected already");
        }
        self.service.open(self.now, key, opening);
        self.run();
    }

    pub(crate) fn request(&mut self, name: &str, frame: Frame) {
        let client = &self.clients[name];
        let key = client.key;
        let asked = (client.identity.clone(), client.session, frame.request_id().to_owned());
        assert!(self.asked.insert(asked), "request-id {} is used twice", frame.request_id());
        self.service.request(self.now, key, frame);
        self.run();
    }

    pub(crate) fn response(&mut self, name: &str, frame: Frame) {
        let key = self.clients[name].key;
        self.service.response(self.now, key, frame);
        self.run();
    }

    pub(crate) fn disconnect(&mut self, name: &str, how: Closed) {
        let client = self.clients.get_mut(name).expect("a client");
        let (key, identity, session) = (client.key, client.identity.clone(), client.session);
        client.open = false;
        client.unanswered.clear();
        let mine = |(user, id, _): &(Address, ConnectionId, String)| (user, id) == (&identity, &session);
        self.forgiven.extend(self.asked.iter().filter(|asked| mine(asked)).cloned());
        self.asked.retain(|asked| !mine(asked));
        if how == Closed::Bye || identity.domain_str() == "anonymous.invalid" {
            self.told.retain(|(user, id, _), _| (user, id) != (&identity, &session));
        }
        self.service.closed(self.now, key, how);
        self.run();
    }

    /// Lets time pass, moment by moment.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.plus(time);
        while let Some(next) = self.service.poll_timeout().filter(|next| *next <= end.instant) {
            self.now = self.now.plus(next.saturating_duration_since(self.now.instant));
            self.service.handle_timeout(self.now);
            let later = self.service.poll_timeout();
            assert!(later.is_none_or(|later| later > self.now.instant), "a timer rings for ever");
            self.run();
        }
        self.now = end;
    }

    /// Performs effects until there are no more.
    pub(crate) fn run(&mut self) {
        loop {
            while let Some(effect) = self.service.poll_effect() {
                self.perform(effect);
            }
            let answering =
                self.clients.iter().find(|(_, client)| client.open && !client.by_hand && !client.unanswered.is_empty());
            if let Some(name) = answering.map(|(name, _)| name.clone()) {
                self.answer(&name, 0, None);
            } else if !self.hold_writes && !self.writes.is_empty() {
                self.write_next();
            } else if !self.hold_reads && !self.reads.is_empty() {
                self.read_next();
            } else {
                return;
            }
        }
    }

    pub(crate) fn write_next(&mut self) {
        if let Some((ticket, writes)) = self.writes.pop_front() {
            let outcome = self.store.write(&writes);
            self.service.written(self.now, ticket, outcome);
        }
    }

    pub(crate) fn read_next(&mut self) {
        if let Some((ticket, read)) = self.reads.pop_front() {
            let outcome = self.store.read(&read);
            self.service.loaded(self.now, ticket, outcome);
        }
    }

    /// Performs a read now and hands it in some other time.
    pub(crate) fn read_early(&mut self, number: usize) {
        if let Some((ticket, read)) = self.reads.remove(number) {
            let outcome = self.store.read(&read);
            self.brought.push((ticket, outcome));
        }
    }

    /// Hands in a read that was performed earlier.
    pub(crate) fn hand_in(&mut self, number: usize) {
        let (ticket, outcome) = self.brought.remove(number);
        self.service.loaded(self.now, ticket, outcome);
        self.run();
    }

    /// The client answers a request: OK, or this.
    pub(crate) fn answer(&mut self, name: &str, number: usize, error: Option<Answer>) {
        let client = self.clients.get_mut(name).expect("a client");
        let (key, frame) = (client.key, client.unanswered.remove(number));
        if frame.method() == "SEND" && error.is_none() {
            self.acknowledged.insert(frame.header(Name::MessageId).unwrap_or_default().to_owned());
        }
        let octets = match error {
            None => ok_to(&frame).finish(),
            Some(answer) => answer.write(error_to(&frame)).finish(),
        };
        self.service.response(self.now, key, parse(&octets));
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Opened { connection, outcome } => {
                let (name, client) = self.clients.iter_mut().find(|(_, client)| client.key == connection).expect("a client");
                let words = match &outcome {
                    Ok(SessionState::New) => vec!["new".to_owned()],
                    Ok(SessionState::Resumed) => vec!["resumed".to_owned()],
                    Err(answer) => vec!["ERROR".to_owned(), answer.kind.to_string()],
                };
                client.open = outcome.is_ok();
                note(format!("{name:>10} < AUTH {}", words.join(" ")));
                if outcome == Ok(SessionState::New) {
                    let (identity, session) = (&client.identity, &client.session);
                    self.told.retain(|(user, id, _), _| (user, id) != (identity, session));
                }
                client.inbox.push_back(words);
            }
            Effect::Send { connection, octets } => self.arrive(connection, &octets),
            Effect::Close { connection, cause } => {
                let (name, client) = self.clients.iter_mut().find(|(_, client)| client.key == connection).expect("a client");
                assert!(client.open, "{name} is closed twice");
                client.open = false;
                client.unanswered.clear();
                note(format!("{name:>10} < BYE {}", cause.as_str()));
                client.inbox.push_back(vec!["BYE".to_owned(), cause.as_str().to_owned()]);
            }
            Effect::Read { ticket, read } => self.reads.push_back((ticket, read)),
            Effect::Write { ticket, writes } => self.writes.push_back((ticket, writes)),
            Effect::Remember(one) => self.store.remember(one),
            Effect::Notice(notice) => {
                let words = match notice {
                    Notice::StoredMessageRefused { user, error, .. } => {
                        vec!["refused".to_owned(), short(user.as_str()), error.to_string()]
                    }
                    Notice::StoredMessageExpired { user, .. } => vec!["expired".to_owned(), short(user.as_str())],
                    Notice::SessionTakenOver { user, session } => {
                        vec!["taken-over".to_owned(), short(user.as_str()), session.to_string()]
                    }
                    Notice::StoreFailed { user } => vec!["store-failed".to_owned(), short(user.as_str())],
                };
                note(format!("{:>10} ! {}", "", words.join(" ")));
                self.notices.push_back(words);
            }
        }
    }

    fn arrive(&mut self, connection: ConnectionKey, octets: &Octets) {
        let frame = parse(&[&octets.head[..], &octets.body[..]].concat());
        let words = describe(&frame);
        let (name, client) = self.clients.iter_mut().find(|(_, client)| client.key == connection).expect("a client");
        note(format!("{name:>10} < {}", words.join(" ")));
        assert!(client.open, "{name} gets something after its end");
        assert!(
            frame.body().map_or(0, <[u8]>::len) as u64 <= client.max_body || frame.kind() != Kind::Request,
            "too large for {name}"
        );
        if frame.kind() == Kind::Request {
            let identity = |frame: &Frame| {
                let part = |name| frame.header(name).unwrap_or_default().to_owned();
                (part(Name::From), part(Name::ConnectionId), frame.request_id().to_owned())
            };
            assert!(
                !client.unanswered.iter().any(|other| identity(other) == identity(&frame)),
                "{name} has this one outstanding"
            );
            client.unanswered.push(frame.clone());
            client.arrived.insert(frame.request_id().to_owned(), self.now.unix);
            // The relay gives up on its own requests after 30 s.
            let awaited = |frame: &&Frame| {
                let age = client.arrived.get(frame.request_id()).map(|at| self.now.unix.since(*at)).unwrap_or_default();
                frame.method() == "SEND" || age < Duration::from_secs(30)
            };
            let awaited = client.unanswered.iter().filter(awaited).count();
            assert!(awaited <= client.max_outstanding as usize, "too many outstanding for {name}");
        } else {
            let to = frame.header(Name::To);
            assert!(to == Some(client.identity.as_str()) || frame.kind() == Kind::Error, "somebody else's answer");
            let answered = (client.identity.clone(), client.session, frame.request_id().to_owned());
            assert!(self.asked.remove(&answered) || self.forgiven.contains(&answered), "an answer to nothing: {words:?}");
        }
        // SPEC §5: what a watcher is told never goes back, and one version is one value.
        let notified = frame.method() == "CHANGE-NOTIFY";
        if let Some(version) = frame.header(Name::PresenceVersion).and_then(|text| text.parse::<u64>().ok()) {
            let origin = frame.header(Name::Origin).map(str::to_owned);
            if let Some(origin) = origin.filter(|_| notified) {
                let key = (client.identity.clone(), client.session, origin);
                if let Some((known, body)) = self.told.get(&key) {
                    assert!(version >= *known, "{name} is told an older version");
                    assert!(version > *known || *body == frame.body_bytes(), "{name} is told two values of one version");
                }
                self.told.insert(key, (version, frame.body_bytes()));
            }
        }
        client.inbox.push_back(words);
    }
}

/// The one look at the machine's clock; from here on it is told.
#[allow(clippy::disallowed_methods)]
fn origin() -> Instant {
    Instant::now()
}

pub(crate) fn parse(octets: &[u8]) -> Frame {
    let mut splitter = Splitter::new(u64::MAX);
    splitter.push(octets);
    let frame = match splitter.poll() {
        Ok(Some(Piece::Frame(frame))) => frame,
        other => panic!("no frame: {other:?} in {}", String::from_utf8_lossy(octets)),
    };
    assert!(splitter.is_empty(), "more than a frame");
    frame
}

/// A frame in words that scenes can speak of.
pub(crate) fn describe(frame: &Frame) -> Words {
    let mut words: Words = match frame.kind() {
        Kind::Request => vec![frame.method().to_owned()],
        Kind::Ok => vec!["OK".to_owned(), frame.method().to_owned()],
        Kind::Error => vec!["ERROR".to_owned(), frame.method().to_owned()],
    };
    if frame.method() == "SEND" && frame.kind() == Kind::Request {
        words.extend(["from".to_owned(), short(frame.header(Name::From).unwrap_or_default())]);
    }
    let named = [
        (Name::Origin, ""),
        (Name::Cause, ""),
        (Name::Error, ""),
        (Name::Location, "location "),
        (Name::MaxBody, "max-body "),
        (Name::RetryAfter, "retry "),
        (Name::Delivery, ""),
        (Name::LeaseTime, "lease "),
        (Name::PresenceVersion, "v:"),
        (Name::AclVersion, "acl:"),
    ];
    for (name, word) in named {
        if let Some(value) = frame.header(name) {
            let value = if name == Name::Origin { short(value) } else { value.to_owned() };
            words.extend(format!("{word}{value}").split(' ').map(str::to_owned));
        }
    }
    let text = |octets: &[u8]| format!("\"{}\"", String::from_utf8_lossy(octets));
    let content_type = frame.header(Name::ContentType).unwrap_or_default();
    let body = frame.body().unwrap_or_default();
    if media_type::is(content_type, media_type::PRESENCE) {
        let presence = Presence::parse(body).expect("presence");
        words.push(presence.status.to_string());
        match &presence.note {
            Some(note) => words.push(text(note.as_bytes())),
            None => words.push("bare".to_owned()),
        }
        assert!(presence.entity.is_some(), "presence without its entity");
    } else if media_type::is(content_type, media_type::ACL) {
        let acl = Acl::parse(body).expect("rules");
        for rule in acl.rules {
            let ops: Vec<_> = rule.ops.iter().map(|op| op.as_str()).collect();
            words.extend([short(&rule.who.to_string()), ops.join(","), rule.action.to_string()]);
            words.extend(rule.view.map(|view| format!("view={view}")));
            words.push(";".to_owned());
        }
    } else if media_type::is(content_type, media_type::WATCHERS) {
        let watchers = Watchers::parse(body).expect("watchers");
        for one in watchers.watching {
            let seconds = one.until.since(one.since).as_secs();
            words.extend([
                "watching".to_owned(),
                format!("{}/{}", short(one.who.as_str()), one.connection),
                format!("{seconds}s"),
            ]);
        }
        for one in watchers.refused {
            words.extend(["refused".to_owned(), format!("{}:{}", short(one.who.as_str()), one.op)]);
        }
    } else if frame.method() == "SEND" && !body.is_empty() {
        words.push(text(said(body)));
    } else if !body.is_empty() {
        words.extend([content_type.to_owned(), text(body)]);
    }
    if frame.method() == "SEND" && frame.kind() == Kind::Ok {
        words.extend(["to".to_owned(), frame.request_id().to_owned()]);
    }
    if let Some(reason) = frame.header(Name::Reason) {
        words.extend(["reason".to_owned(), text(reason.as_bytes())]);
    }
    words
}

/// The text of a message; of a long one its beginning.
pub(crate) fn said(body: &[u8]) -> &[u8] {
    let start = body.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
    let text = &body[start..];
    &text[..text.iter().position(|c| *c == b'~').unwrap_or(text.len())]
}
