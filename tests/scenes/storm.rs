//! Many random steps from a seed, in any order that slow stores, unreliable clients and links allow; what must hold all the same.

use crate::script::rules_of;
use crate::world::{Client, DOMAIN, World, address, note, parse};
use impp::model::{Answer, ConnectionId, ErrorKind, media_type};
use impp::service::store::Account;
use impp::service::{Closed, ConnectionKey, Opening};
use impp::wire::{Name, Writer};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

const USERS: [&str; 4] = ["alice", "bob", "carol@b.test", "dora@b.test"];
const DOMAINS: [&str; 2] = [DOMAIN, "b.test"];
const STEPS: usize = 300;

/// SplitMix64: the same steps for the same seed on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % end as u64) as usize
    }

    fn one<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

pub(crate) struct Storm {
    world: World,
    dice: Dice,
    count: u64,
    /// Sender and Message-ID of what was sent, and to whom.
    messages: Vec<(String, String, &'static str)>,
    /// Whose message each request-id sent.
    sent: BTreeMap<String, String>,
    /// Messages that were promised to be delivered or stored.
    promised: BTreeSet<String>,
    /// What was being written at that moment was lost: a message may be offered once more, and shown no second time.
    restarted: bool,
}

pub(crate) fn run(seed: u64) {
    let mut storm = Storm {
        world: World::new(),
        dice: Dice(seed),
        count: 0,
        messages: Vec::new(),
        sent: BTreeMap::new(),
        promised: BTreeSet::new(),
        restarted: false,
    };
    storm.world.add_relay("b.test");
    for user in USERS {
        storm.world.at = storm.world.relay_of(address(user).domain_str());
        storm.world.store.accounts.insert(address(user), Account::default());
    }
    for at in 0..DOMAINS.len() {
        storm.world.at = at;
        storm.world.config.cached_users = 2;
        storm.world.reconfigure();
        storm.world.hold_reads = true;
        storm.world.hold_writes = true;
    }
    storm.world.hold_links = true;
    storm.world.slow_dials = true;
    for _ in 0..STEPS {
        storm.step();
        storm.read_inboxes();
    }
    storm.calm();
}

impl Storm {
    fn step(&mut self) {
        self.world.at = self.dice.below(DOMAINS.len());
        match self.dice.below(28) {
            20..=25 => {
                let most = 1 + self.dice.below(4);
                self.world.deliver(most);
            }
            26 if self.dice.below(8) == 0 => {
                note(format!("{} restarts", DOMAINS[self.world.at]));
                self.restarted = true;
                self.world.restart();
            }
            26 => self.world.cut_links(),
            27 => {
                let domain = *self.dice.one(&DOMAINS);
                if !self.world.unreachable.remove(domain) {
                    self.world.unreachable.insert(domain.to_owned());
                }
            }
            0 | 1 => self.connect(),
            2 => self.leave(),
            3..=6 => self.send(),
            7..=9 => self.ask(),
            10..=13 => self.answer(),
            14 | 15 => self.world.write_next(),
            16 | 17 if !self.world.reads.is_empty() => {
                let number = self.dice.below(self.world.reads.len());
                self.world.read_early(number);
            }
            16..=18 if !self.world.brought.is_empty() => {
                let number = self.dice.below(self.world.brought.len());
                self.world.hand_in(number);
            }
            19 if self.dice.below(4) == 0 => {
                note("changed outside".to_owned());
                self.world.changed_outside();
            }
            _ => {
                let times = [1, 100, 1000, 5000, 10_000, 31_000, 70_000];
                let time = *self.dice.one(&times);
                note(format!("after {time} ms"));
                self.world.pass(Duration::from_millis(time));
            }
        }
        self.world.run();
    }

    fn open(&mut self) -> Option<String> {
        let open: Vec<String> =
            self.world.clients.iter().filter(|(_, client)| client.open).map(|(name, _)| name.clone()).collect();
        (!open.is_empty()).then(|| self.dice.one(&open).clone())
    }

    fn connect(&mut self) {
        self.count += 1;
        let name = format!("c{}", self.count);
        let user = *self.dice.one(&USERS);
        let session = ConnectionId::parse(&format!("s{}", self.dice.below(2))).unwrap();
        let identity = address(user);
        // Whoever knows that the old connection is gone does not say so twice.
        let client = Client {
            key: ConnectionKey(0),
            relay: self.world.relay_of(identity.domain_str()),
            link: false,
            identity: identity.clone(),
            session,
            open: false,
            by_hand: true,
            max_body: 65_536,
            max_outstanding: [1, 2, 64][self.dice.below(3)],
            inbox: VecDeque::new(),
            unanswered: Vec::new(),
            arrived: BTreeMap::new(),
        };
        let accepts_messages = self.dice.below(3) > 0;
        note(format!("{name} connects as {user} session {session} messages {accepts_messages} {}", client.max_outstanding));
        self.world.connect(&name, client, |opening| Opening { accepts_messages, ..opening });
    }

    fn leave(&mut self) {
        let Some(name) = self.open() else { return };
        let how = if self.dice.below(2) == 0 { Closed::Lost } else { Closed::Bye };
        note(format!("{name} leaves: {how:?}"));
        self.world.disconnect(&name, how);
    }

    fn writer(&mut self, name: &str, method: &str, target: &str) -> (String, Writer) {
        self.count += 1;
        let id = format!("r{}", self.count);
        let client = &self.world.clients[name];
        let writer = Writer::request(method, &id)
            .header(Name::From, client.identity.as_str())
            .header(Name::ConnectionId, client.session.as_str())
            .header(Name::Target, address(target).as_str());
        (id, writer)
    }

    fn send(&mut self) {
        let Some(name) = self.open() else { return };
        let from = self.world.clients[&name].identity.to_string();
        let old: Vec<_> = self.messages.iter().filter(|(sender, ..)| *sender == from).cloned().collect();
        let (message, target) = match old.last() {
            Some((_, message, target)) if self.dice.below(5) == 0 => (message.clone(), *target),
            _ => {
                let target = *self.dice.one(&USERS);
                self.count += 1;
                let message = format!("<{}@storm>", self.count);
                self.messages.push((from, message.clone(), target));
                (message, target)
            }
        };
        note(format!("{name}: SEND {target} {message}"));
        let (id, writer) = self.writer(&name, "SEND", target);
        let octets = writer.header(Name::MessageId, &message).finish_with(media_type::RFC822, message.as_bytes());
        self.sent.insert(id, message);
        self.world.request(&name, parse(&octets));
    }

    fn ask(&mut self) {
        let Some(name) = self.open() else { return };
        let own = self.world.clients[&name].identity.to_email();
        let target = *self.dice.one(&USERS);
        let octets = match self.dice.below(8) {
            0 => self.writer(&name, "FETCH", target).1.finish(),
            1 => self.writer(&name, "UNSUBSCRIBE", target).1.finish(),
            2 | 3 => {
                let lease = *self.dice.one(&["200", "86400"]);
                self.writer(&name, "SUBSCRIBE", target).1.header(Name::LeaseTime, lease).finish()
            }
            4 | 5 => {
                let lease = *self.dice.one(&["infinity", "60", "90"]);
                let (id, writer) = self.writer(&name, "CHANGE", &own);
                let body = format!("<presence><status>open</status><note>{id}</note></presence>");
                writer.header(Name::LeaseTime, lease).finish_with(media_type::PRESENCE, body.as_bytes())
            }
            6 => self.writer(&name, "CHANGE", &own).1.header(Name::LeaseTime, "0").finish(),
            _ => {
                let rules = ["*", "fetch,subscribe,send", "allow"];
                let action = *self.dice.one(&["allow", "deny", "conceal"]);
                let who = *self.dice.one(&["alice", "bob", "local", "impp://b.test/*", "carol@b.test"]);
                let special = [who, "fetch,subscribe", action, ";"];
                let acl = rules_of(&[&special[..], &rules[..]].concat()).unwrap();
                self.writer(&name, "SET-ACL", &own).1.finish_with(media_type::ACL, &acl.to_xml())
            }
        };
        let frame = parse(&octets);
        note(format!("{name}: {} {target} {}", frame.method(), frame.request_id()));
        self.world.request(&name, frame);
    }

    fn answer(&mut self) {
        let Some(name) = self.open() else { return };
        let waiting = self.world.clients[&name].unanswered.len();
        if waiting == 0 {
            return;
        }
        let number = self.dice.below(waiting);
        let error = match self.dice.below(6) {
            0 => Some(Answer::new(ErrorKind::TryLater)),
            1 if self.world.clients[&name].unanswered[number].method() != "SEND" => {
                Some(Answer::new(ErrorKind::SubscriptionUnknown))
            }
            _ => None,
        };
        note(format!("{name} answers {error:?} to {:?}", self.world.clients[&name].unanswered[number]));
        self.world.answer(&name, number, error);
    }

    /// What senders are promised.
    fn read_inboxes(&mut self) {
        for client in self.world.clients.values_mut() {
            for words in client.inbox.drain(..) {
                if words.starts_with(&["OK".to_owned(), "SEND".to_owned()]) {
                    self.promised.insert(words.last().unwrap().clone());
                }
            }
        }
    }

    /// The store catches up, everybody answers, time passes: then all must be settled.
    fn calm(&mut self) {
        note("calm".to_owned());
        self.world.unreachable.clear();
        self.world.hold_links = false;
        for at in 0..DOMAINS.len() {
            self.world.at = at;
            while !self.world.brought.is_empty() {
                self.world.hand_in(0);
            }
            self.world.hold_reads = false;
            self.world.hold_writes = false;
        }
        for client in self.world.clients.values_mut() {
            client.by_hand = false;
        }
        self.world.run();
        self.world.pass(Duration::from_secs(2 * 3600));
        self.read_inboxes();
        assert!(self.world.asked.is_empty(), "without an answer: {:?}", self.world.asked);
        self.check_watchers();
        self.check_mail();
        // Whoever comes now gets what is left.
        for user in USERS {
            self.count += 1;
            self.guest(&format!("last-{user}"), &address(user), "last", true);
        }
        self.world.pass(Duration::from_secs(2 * 3600));
        self.check_mail();
        assert!(self.world.mail().next().is_none(), "still stored: {:?}", self.world.mail().collect::<Vec<_>>());
    }

    /// Who subscribes, and is there, has seen what there is to be seen.
    fn check_watchers(&mut self) {
        for presentity in USERS {
            let owner = address(presentity);
            let name = format!("owner-{presentity}");
            self.guest(&name, &owner, "owner", false);
            let octets = self.writer(&name, "GET-WATCHERS", presentity).1.finish();
            self.world.request(&name, parse(&octets));
            let watching = self.world.watching(&name);
            for (who, session) in watching {
                let here = |client: &&Client| client.open && client.identity == who && client.session == session;
                let Some(name) = self.world.clients.iter().find(|(_, client)| here(client)).map(|(name, _)| name.clone()) else {
                    continue;
                };
                let octets = self.writer(&name, "FETCH", presentity).1.finish();
                let now = self.world.fetched(&name, parse(&octets));
                let seen = self.world.seen.get(&(who.clone(), session, owner.to_string()));
                // Who lost the connection before the answer has not seen any.
                let newest = seen.is_none_or(|(_, body)| *body == now);
                assert!(newest, "{name} has {seen:?} of {presentity} and not the newest value {now:?}");
            }
        }
    }

    fn guest(&mut self, name: &str, identity: &impp::model::Address, session: &str, accepts_messages: bool) {
        let client = Client {
            key: ConnectionKey(0),
            relay: self.world.relay_of(identity.domain_str()),
            link: false,
            identity: identity.clone(),
            session: ConnectionId::parse(session).unwrap(),
            open: false,
            by_hand: false,
            max_body: 65_536,
            max_outstanding: 3,
            inbox: VecDeque::new(),
            unanswered: Vec::new(),
            arrived: BTreeMap::new(),
        };
        self.world.connect(name, client, |opening| Opening { accepts_messages, ..opening });
    }

    /// What was promised is with a client or in the store, and not in both.
    fn check_mail(&self) {
        let mut stored = BTreeSet::new();
        for message in self.world.mail() {
            let id = parse(&message.frame).header(Name::MessageId).unwrap_or_default().to_owned();
            assert!(stored.insert(id.clone()), "{id} is stored twice");
        }
        for id in &stored {
            assert!(self.restarted || !self.world.acknowledged.contains(id), "{id} is stored and was delivered");
        }
        for request in &self.promised {
            let id = &self.sent[request];
            assert!(stored.contains(id) || self.world.acknowledged.contains(id), "{id} is lost");
        }
    }
}
