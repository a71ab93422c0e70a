//! Relays' rules, their stores, links between them, clients, and a clock that only moves when it is told to.

use crate::store::Store;
use bytes::Bytes;
use impp::model::acl::Acl;
use impp::model::presence::Presence;
use impp::model::response::{error_to, ok_to};
use impp::model::watchers::Watchers;
use impp::model::{Address, Answer, ConnectionId, Domain, Now, UnixMillis, media_type};
use impp::service::store::{Loaded, Read, StoreError, StoredMessage, Write};
use impp::service::{
    Administered, Closed, ConnectionKey, DomainRules, Effect, LinkOpening, NoLink, Notice, Octets, Opening, Route, Service,
    ServiceConfig, SessionState, Ticket,
};
use impp::wire::{Frame, Kind, Name, Piece, Splitter};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Deref, DerefMut};
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
    /// At which relay.
    pub(crate) relay: usize,
    /// Another domain's server, played by the scene.
    pub(crate) link: bool,
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

/// One relay.
pub(crate) struct Relay {
    pub(crate) service: Service,
    pub(crate) config: ServiceConfig,
    pub(crate) store: Store,
    pub(crate) notices: VecDeque<Words>,
    pub(crate) hold_reads: bool,
    pub(crate) hold_writes: bool,
    pub(crate) reads: VecDeque<(Ticket, Read)>,
    pub(crate) writes: VecDeque<(Ticket, Vec<Write>)>,
    /// Reads that were performed and not yet handed in.
    pub(crate) brought: Vec<(Ticket, Result<Loaded, StoreError>)>,
    starts: u64,
}

/// One end of a link.
#[derive(Clone, Copy, Debug)]
struct End {
    relay: usize,
    other: ConnectionKey,
}

/// All relays; on its own, the one of which is spoken.
pub(crate) struct World {
    relays: Vec<Relay>,
    /// The relay of which is spoken.
    pub(crate) at: usize,
    pub(crate) now: Now,
    pub(crate) clients: BTreeMap<String, Client>,
    links: BTreeMap<ConnectionKey, End>,
    /// What was sent over links and has not arrived: to which end.
    transit: VecDeque<(ConnectionKey, Frame)>,
    pub(crate) hold_links: bool,
    /// Links that are held are not opened either.
    pub(crate) slow_dials: bool,
    /// Ends of links that are no more.
    cut: BTreeSet<ConnectionKey>,
    /// Domains to which no link can be opened for now.
    pub(crate) unreachable: BTreeSet<String>,
    /// How often a link was asked for.
    pub(crate) dials: u64,
    /// Requests without an answer, by session.
    pub(crate) asked: BTreeSet<(Address, ConnectionId, String)>,
    /// Requests of sessions that had no connection for a while: their answers may have been dropped.
    forgiven: BTreeSet<(Address, ConnectionId, String)>,
    /// Messages that clients acknowledged: their Message-IDs.
    pub(crate) acknowledged: BTreeSet<String>,
    /// The newest value that each session was told of each presentity.
    told: BTreeMap<(Address, ConnectionId, String), (u64, Bytes)>,
    /// What each session saw last of each presentity that it subscribes to; an answer counts, whatever its version.
    pub(crate) seen: BTreeMap<(Address, ConnectionId, String), (u64, Bytes)>,
    /// To whom each SUBSCRIBE went.
    subscribing: BTreeMap<(Address, ConnectionId, String), String>,
    /// Links that were asked for while links are held.
    held_dials: VecDeque<(usize, Route)>,
    /// A client uses an id twice, as no client of ours would.
    pub(crate) careless: bool,
    /// Of the last answer that came to a client.
    last_body: Bytes,
    keys: u64,
}

impl Deref for World {
    type Target = Relay;
    fn deref(&self) -> &Relay {
        &self.relays[self.at]
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Relay {
        &mut self.relays[self.at]
    }
}

impl Relay {
    fn new(domain: &str, now: Now, number: usize) -> Self {
        let domain = Domain::parse(domain).expect("a domain");
        let prefix = if number == 0 { "s".to_owned() } else { format!("t{number}") };
        let config = ServiceConfig::new(BTreeMap::from([(domain, DomainRules::default())]), prefix);
        let store = Store::default();
        Self {
            service: Service::new(config.clone(), store.start(), now),
            config,
            store,
            notices: VecDeque::new(),
            hold_reads: false,
            hold_writes: false,
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            brought: Vec::new(),
            starts: 0,
        }
    }

    fn serves(&self, domain: &str) -> bool {
        self.config.domains.contains_key(domain)
    }
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

impl World {
    pub(crate) fn new() -> Self {
        let now = Now { instant: origin(), unix: UnixMillis(NOON) };
        Self {
            relays: vec![Relay::new(DOMAIN, now, 0)],
            at: 0,
            now,
            clients: BTreeMap::new(),
            links: BTreeMap::new(),
            transit: VecDeque::new(),
            hold_links: false,
            slow_dials: false,
            cut: BTreeSet::new(),
            unreachable: BTreeSet::new(),
            dials: 0,
            asked: BTreeSet::new(),
            forgiven: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            told: BTreeMap::new(),
            seen: BTreeMap::new(),
            subscribing: BTreeMap::new(),
            held_dials: VecDeque::new(),
            careless: false,
            last_body: Bytes::new(),
            keys: 0,
        }
    }

    /// One more relay, of this domain.
    pub(crate) fn add_relay(&mut self, domain: &str) {
        let relay = Relay::new(domain, self.now, self.relays.len());
        self.relays.push(relay);
    }

    /// The relay that serves a domain; the first one, if none does.
    pub(crate) fn relay_of(&self, domain: &str) -> usize {
        self.relays.iter().position(|relay| relay.serves(domain)).unwrap_or(0)
    }

    /// What is stored at all relays.
    pub(crate) fn mail(&self) -> impl Iterator<Item = &StoredMessage> {
        self.relays.iter().flat_map(|relay| relay.store.mail.values()).flat_map(BTreeMap::values)
    }

    /// Who watches, as the last answer of this client says.
    pub(crate) fn watching(&self, name: &str) -> Vec<(Address, ConnectionId)> {
        let watchers = Watchers::parse(&self.last_body).expect("watchers");
        assert!(self.clients[name].open);
        watchers.watching.into_iter().map(|one| (one.who, one.connection)).collect()
    }

    /// The body that the answer to this request brings.
    pub(crate) fn fetched(&mut self, name: &str, frame: Frame) -> Bytes {
        self.request(name, frame);
        self.last_body.clone()
    }

    fn key(&mut self) -> ConnectionKey {
        self.keys += 1;
        ConnectionKey(self.keys)
    }

    /// What was not written is lost; connections are gone without a word.
    pub(crate) fn restart(&mut self) {
        let (at, now) = (self.at, self.now);
        self.reads.clear();
        self.writes.clear();
        let mut gone = BTreeSet::new();
        for client in self.clients.values_mut().filter(|client| client.relay == at) {
            client.open = false;
            client.unanswered.clear();
            gone.insert((client.identity.clone(), client.session));
        }
        self.asked.retain(|(user, id, _)| !gone.contains(&(user.clone(), *id)));
        self.brought.clear();
        self.held_dials.retain(|(relay, _)| *relay != at);
        self.told.retain(|(user, id, _), _| !gone.contains(&(user.clone(), *id)));
        let ends: Vec<ConnectionKey> = self.links.iter().filter(|(_, end)| end.relay == at).map(|(key, _)| *key).collect();
        self.starts += 1;
        let prefix = format!("{}{}", if at == 0 { "s".to_owned() } else { format!("t{at}-") }, self.starts);
        self.config.request_prefix = prefix;
        self.service = Service::new(self.config.clone(), self.store.start(), now);
        for end in ends {
            self.cut(end);
        }
        self.run();
    }

    /// A link breaks: what is under way on it is lost.
    fn cut(&mut self, end: ConnectionKey) {
        let Some(here) = self.links.remove(&end) else { return };
        self.cut.extend([end, here.other]);
        self.transit.retain(|(to, _)| *to != end && *to != here.other);
        self.relays[here.relay].service.closed(self.now, end, Closed::Lost);
        if let Some(there) = self.links.remove(&here.other) {
            self.relays[there.relay].service.closed(self.now, here.other, Closed::Lost);
        }
    }

    pub(crate) fn cut_links(&mut self) {
        let ends: Vec<ConnectionKey> = self.links.keys().copied().collect();
        note(format!("{:>10} x {} links are cut", "", ends.len() / 2));
        ends.into_iter().for_each(|end| self.cut(end));
        self.run();
    }

    /// What is under way arrives, at most so much of it.
    pub(crate) fn deliver(&mut self, most: usize) {
        for _ in 0..most {
            match self.held_dials.pop_front() {
                Some((relay, route)) => self.open_links(relay, &route),
                None => self.arrive_over_link(),
            }
            self.run();
        }
    }

    fn arrive_over_link(&mut self) {
        let Some((to, frame)) = self.transit.pop_front() else { return };
        let Some(end) = self.links.get(&to).copied() else { return };
        let service = &mut self.relays[end.relay].service;
        if frame.kind() == Kind::Request {
            service.request(self.now, to, frame);
        } else {
            service.response(self.now, to, frame);
        }
    }

    pub(crate) fn reconfigure(&mut self) {
        let (config, now) = (self.config.clone(), self.now);
        self.service.reconfigure(now, config);
        self.run();
    }

    /// An administrator ends sessions; how many.
    pub(crate) fn kick(&mut self, user: &Address, session: Option<ConnectionId>) -> usize {
        let now = self.now;
        let ended = self.service.kick(now, user, session).len();
        self.run();
        ended
    }

    /// An administrator drops a stored message.
    pub(crate) fn drop_message(&mut self, user: &Address, number: u64, octets: u64) {
        let now = self.now;
        self.service.drop_message(now, 1, user, number, octets);
        self.run();
    }

    pub(crate) fn changed_outside(&mut self) {
        let now = self.now;
        self.service.changed_outside(now);
        self.run();
    }

    /// The scene plays another domain's server.
    pub(crate) fn link(&mut self, name: &str, client: Client, opening: LinkOpening) {
        let key = self.key();
        let relay = client.relay;
        if let Some(old) = self.clients.insert(name.to_owned(), Client { key, ..client }) {
            assert!(!old.open, "{name} is connected already");
        }
        self.relays[relay].service.open_link(self.now, key, opening);
        self.run();
    }

    /// A relay wants a link to another domain.
    fn dial(&mut self, relay: usize, route: &Route) {
        self.dials += 1;
        note(format!("{:>10} ~ {} dials {}", "", route.ours, route.theirs));
        if self.hold_links && self.slow_dials {
            self.held_dials.push_back((relay, route.clone()));
        } else {
            self.open_links(relay, route);
        }
    }

    fn open_links(&mut self, relay: usize, route: &Route) {
        let theirs = route.theirs.as_str();
        let there = self.relays.iter().position(|relay| relay.serves(theirs));
        let (Some(there), false) = (there, self.unreachable.contains(theirs)) else {
            let why = if self.unreachable.contains(theirs) { NoLink::Unreachable } else { NoLink::NoService };
            return self.relays[relay].service.link_failed(self.now, route, why, Duration::from_secs(2));
        };
        let (near, far) = (self.key(), self.key());
        self.links.insert(near, End { relay, other: far });
        self.links.insert(far, End { relay: there, other: near });
        let opening = |route: Route, dialled| LinkOpening { route, dialled, max_body: 32 << 20, max_outstanding: 1024 };
        let reverse = Route { ours: route.theirs.clone(), theirs: route.ours.clone() };
        self.relays[there].service.open_link(self.now, far, opening(reverse, false));
        self.relays[relay].service.open_link(self.now, near, opening(route.clone(), true));
    }

    pub(crate) fn connect(&mut self, name: &str, client: Client, opening: impl FnOnce(Opening) -> Opening) {
        let key = self.key();
        let relay = client.relay;
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
        self.relays[relay].service.open(self.now, key, opening);
        self.run();
    }

    pub(crate) fn request(&mut self, name: &str, frame: Frame) {
        let client = &self.clients[name];
        let (key, relay, link) = (client.key, client.relay, client.link);
        let asked = (client.identity.clone(), client.session, frame.request_id().to_owned());
        if frame.method() == "SUBSCRIBE" {
            self.subscribing.insert(asked.clone(), frame.header(Name::Target).unwrap_or_default().to_owned());
        }
        if !link && !self.asked.insert(asked.clone()) {
            assert!(self.careless, "request-id {} is used twice", frame.request_id());
            self.forgiven.insert(asked);
        }
        self.relays[relay].service.request(self.now, key, frame);
        self.run();
    }

    pub(crate) fn response(&mut self, name: &str, frame: Frame) {
        let (key, relay) = (self.clients[name].key, self.clients[name].relay);
        self.relays[relay].service.response(self.now, key, frame);
        self.run();
    }

    pub(crate) fn disconnect(&mut self, name: &str, how: Closed) {
        let client = self.clients.get_mut(name).expect("a client");
        let (key, relay, identity, session) = (client.key, client.relay, client.identity.clone(), client.session);
        client.open = false;
        client.unanswered.clear();
        let mine = |(user, id, _): &(Address, ConnectionId, String)| (user, id) == (&identity, &session);
        self.forgiven.extend(self.asked.iter().filter(|asked| mine(asked)).cloned());
        self.asked.retain(|asked| !mine(asked));
        if how == Closed::Bye || identity.domain_str() == "anonymous.invalid" {
            self.told.retain(|(user, id, _), _| (user, id) != (&identity, &session));
        }
        self.relays[relay].service.closed(self.now, key, how);
        self.run();
    }

    /// Lets time pass, moment by moment.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.plus(time);
        let first = |world: &Self| world.relays.iter().filter_map(|relay| relay.service.poll_timeout()).min();
        while let Some(next) = first(self).filter(|next| *next <= end.instant) {
            self.now = self.now.plus(next.saturating_duration_since(self.now.instant));
            for relay in &mut self.relays {
                relay.service.handle_timeout(self.now);
                let later = relay.service.poll_timeout();
                assert!(later.is_none_or(|later| later > self.now.instant), "a timer rings for ever");
            }
            self.run();
        }
        self.now = end;
    }

    /// Performs effects until there are no more.
    pub(crate) fn run(&mut self) {
        loop {
            for relay in 0..self.relays.len() {
                while let Some(effect) = self.relays[relay].service.poll_effect() {
                    self.perform(relay, effect);
                }
            }
            let pending = |relay: &Relay| !relay.hold_writes && !relay.writes.is_empty();
            let writing = self.relays.iter().position(pending);
            let pending = |relay: &Relay| !relay.hold_reads && !relay.reads.is_empty();
            let reading = self.relays.iter().position(pending);
            let answering =
                self.clients.iter().find(|(_, client)| client.open && !client.by_hand && !client.unanswered.is_empty());
            if let Some(name) = answering.map(|(name, _)| name.clone()) {
                self.answer(&name, 0, None);
            } else if let Some(relay) = writing {
                self.relays[relay].write_next(self.now);
            } else if let Some(relay) = reading {
                self.relays[relay].read_next(self.now);
            } else if let (false, Some((relay, route))) = (self.hold_links, self.held_dials.pop_front()) {
                self.open_links(relay, &route);
            } else if !self.hold_links && !self.transit.is_empty() {
                self.arrive_over_link();
            } else {
                return;
            }
        }
    }

    pub(crate) fn write_next(&mut self) {
        let now = self.now;
        Relay::write_next(self, now);
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
        let now = self.now;
        self.service.loaded(now, ticket, outcome);
        self.run();
    }

    /// The client answers a request: OK, or this.
    pub(crate) fn answer(&mut self, name: &str, number: usize, error: Option<Answer>) {
        let client = self.clients.get_mut(name).expect("a client");
        let (key, relay, frame) = (client.key, client.relay, client.unanswered.remove(number));
        if frame.method() == "SEND" && error.is_none() {
            self.acknowledged.insert(frame.header(Name::MessageId).unwrap_or_default().to_owned());
        }
        let octets = match error {
            None => ok_to(&frame).finish(),
            Some(answer) => answer.write(error_to(&frame)).finish(),
        };
        self.relays[relay].service.response(self.now, key, parse(&octets));
    }

    fn perform(&mut self, relay: usize, effect: Effect) {
        match effect {
            // What is said on a link that has just been cut is heard by nobody.
            Effect::Send { connection, .. } | Effect::Opened { connection, .. } | Effect::Close { connection, .. }
                if self.cut.contains(&connection) => {}
            Effect::Opened { connection, outcome } if self.links.contains_key(&connection) => {
                if outcome.is_err() {
                    self.cut(connection);
                }
            }
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
            Effect::Send { connection, octets } => match self.links.get(&connection) {
                Some(end) => {
                    let frame = parse(&[&octets.head[..], &octets.body[..]].concat());
                    note(format!("{:>10} > {}", "", describe(&frame).join(" ")));
                    self.transit.push_back((end.other, frame));
                }
                None => self.arrive(connection, &octets),
            },
            Effect::Dial(route) => self.dial(relay, &route),
            Effect::Close { connection, .. } if self.links.contains_key(&connection) => self.cut(connection),
            Effect::Close { connection, cause } => {
                let (name, client) = self.clients.iter_mut().find(|(_, client)| client.key == connection).expect("a client");
                assert!(client.open, "{name} is closed twice");
                client.open = false;
                client.unanswered.clear();
                note(format!("{name:>10} < BYE {}", cause.as_str()));
                client.inbox.push_back(vec!["BYE".to_owned(), cause.as_str().to_owned()]);
            }
            Effect::Read { ticket, read } => self.relays[relay].reads.push_back((ticket, read)),
            Effect::Write { ticket, writes } => self.relays[relay].writes.push_back((ticket, writes)),
            Effect::Remember(one) => self.relays[relay].store.remember(one),
            Effect::Administered { outcome, .. } => {
                let words: &[&str] = match outcome {
                    Administered::Dropped(Ok(())) => &["dropped"],
                    Administered::Dropped(Err(_)) => &["not", "dropped"],
                    Administered::NotServed => &["not", "served"],
                    Administered::Answered(_) => &["answered"],
                };
                note(format!("{:>10} ! {}", "", words.join(" ")));
                self.relays[relay].notices.push_back(words.iter().map(|&word| word.to_owned()).collect());
            }
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
                    Notice::LinkUp { route, .. } => vec!["link-up".to_owned(), route.ours.to_string(), route.theirs.to_string()],
                    Notice::LinkDown { route } => vec!["link-down".to_owned(), route.ours.to_string(), route.theirs.to_string()],
                    // Counted, and heard by whoever is refused or answered.
                    Notice::LimitReached { .. } | Notice::Settled { .. } => return,
                };
                note(format!("{:>10} ! {}", "", words.join(" ")));
                self.relays[relay].notices.push_back(words);
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
        } else if !client.link {
            let to = frame.header(Name::To);
            assert!(to == Some(client.identity.as_str()) || frame.kind() == Kind::Error, "somebody else's answer");
            let answered = (client.identity.clone(), client.session, frame.request_id().to_owned());
            self.last_body = frame.body_bytes();
            let shown = frame.header(Name::PresenceVersion).and_then(|text| text.parse::<u64>().ok());
            if let (Some(target), Some(version), "SUBSCRIBE") = (self.subscribing.get(&answered), shown, frame.method()) {
                let key = (client.identity.clone(), client.session, target.clone());
                self.seen.insert(key, (version, frame.body_bytes()));
            }
            assert!(self.asked.remove(&answered) || self.forgiven.contains(&answered), "an answer to nothing: {words:?}");
        }
        // SPEC §5: what a watcher is told never goes back, and one version is one value.
        let notified = frame.method() == "CHANGE-NOTIFY" && !client.link;
        if let Some(version) = frame.header(Name::PresenceVersion).and_then(|text| text.parse::<u64>().ok()) {
            let origin = frame.header(Name::Origin).map(str::to_owned);
            if let Some(origin) = origin.filter(|_| notified) {
                let key = (client.identity.clone(), client.session, origin);
                if let Some((known, body)) = self.told.get(&key) {
                    assert!(version >= *known, "{name} is told an older version");
                    assert!(version > *known || *body == frame.body_bytes(), "{name} is told two values of one version");
                }
                self.seen.insert(key.clone(), (version, frame.body_bytes()));
                self.told.insert(key, (version, frame.body_bytes()));
            }
        }
        client.inbox.push_back(words);
    }
}

impl Relay {
    fn write_next(&mut self, now: Now) {
        if let Some((ticket, writes)) = self.writes.pop_front() {
            let outcome = self.store.write(&writes);
            self.service.written(now, ticket, outcome);
        }
    }

    fn read_next(&mut self, now: Now) {
        if let Some((ticket, read)) = self.reads.pop_front() {
            let outcome = self.store.read(&read);
            self.service.loaded(now, ticket, outcome);
        }
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
