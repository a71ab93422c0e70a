//! Every row and every stretch of every talk, as it stands and changed, thrown at each side in every state.

use crate::client;
use crate::corpus;
use crate::dice::Dice;
use crate::mutate::mutate;
use crate::relay::{self, Relay, frames};
use crate::states::{self, State};
use impp::engine::End;
use impp::service::ConnectionKey;
use impp::wire::{Frame, Kind, Name};
use std::collections::BTreeSet;
use std::time::Duration;

/// Rows and stretches whose octets are many say nothing more when they are changed.
const SHORT: usize = 4_000;

struct Corpus {
    all: Vec<Vec<u8>>,
    of_servers: Vec<Vec<u8>>,
}

fn read() -> Corpus {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/");
    let text = |path: &str| std::fs::read_to_string(format!("{folder}{path}")).unwrap();
    let mut all: Vec<Vec<u8>> = ["wire/good.txt", "wire/bad.txt"].iter().flat_map(|path| corpus::rows(&text(path))).collect();
    assert!(all.len() > 150, "{} rows", all.len());
    let mut of_servers = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(format!("{folder}talks")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "talk")) {
        for (client, octets) in corpus::talks(&std::fs::read_to_string(path).unwrap()) {
            if client { all.push(octets) } else { of_servers.push(octets) }
        }
    }
    assert!(all.len() > 300 && of_servers.len() > 200, "{} and {} stretches", all.len(), of_servers.len());
    // What was said before is said again only once.
    let mut known = BTreeSet::new();
    all.retain(|octets| known.insert(octets.clone()));
    of_servers.retain(|octets| known.insert(octets.clone()));
    all.sort_by_key(Vec::len);
    Corpus { all, of_servers }
}

/// Two people who mean no harm, on the relay that is under attack.
struct Good {
    bob: ConnectionKey,
    carol: ConnectionKey,
    count: u32,
}

impl Good {
    fn new(relay: &mut Relay) -> Self {
        let mut open = |user: &str, accept: &str| {
            let key = relay.connect(relay::certificate(Some(user)), true);
            let hello = format!("HELLO h impp/1.0\nDomain: example.org\nConnection-ID: good\n{accept}\n");
            relay.hear_text(key, &format!("{hello}AUTH a impp/1.0\nMechanism: EXTERNAL\nData: =\n\n"));
            assert_eq!(relay.frames(key).len(), 2);
            key
        };
        Self { bob: open("bob", ""), carol: open("carol", "Accept: messages\n"), count: 0 }
    }

    /// Bob sees his own presence; now and then he sends carol something, and she has it.
    fn go_on(&mut self, relay: &mut Relay) {
        self.count += 1;
        let id = format!("g{}", self.count);
        let head = |method: &str, target: &str| {
            format!(
                "{method} {id} impp/1.0\nFrom: impp://example.org/bob\nConnection-ID: good\nTarget: impp://example.org/{target}\n"
            )
        };
        relay.hear_text(self.bob, &(head("FETCH", "bob") + "\n"));
        let answer = self.answer(relay, &id);
        assert_eq!((answer.kind(), answer.method()), (Kind::Ok, "FETCH"), "bob has no answer");
        self.take_mail(relay);
        if self.count.is_multiple_of(16) {
            let more = format!("Message-ID: <{id}@x>\nContent-Type: message/rfc822\nContent-Length: 12\n\nSubject: x\n");
            relay.hear_text(self.bob, &(head("SEND", "carol") + &more));
            let mail = self.take_mail(relay);
            assert!(mail.iter().any(|frame| frame.header(Name::MessageId) == Some(&format!("<{id}@x>"))), "carol has no mail");
            assert_eq!(self.answer(relay, &id).header(Name::Delivery), Some("delivered"));
        }
    }

    fn answer(&self, relay: &mut Relay, id: &str) -> Frame {
        let frames = relay.frames(self.bob);
        frames.into_iter().find(|frame| frame.kind() != Kind::Request && frame.request_id() == id).expect("an answer for bob")
    }

    /// Whatever carol is sent, she takes.
    fn take_mail(&self, relay: &mut Relay) -> Vec<Frame> {
        let mut taken = Vec::new();
        loop {
            let asked: Vec<_> = relay.frames(self.carol).into_iter().filter(|frame| frame.kind() == Kind::Request).collect();
            if asked.is_empty() {
                return taken;
            }
            for frame in asked {
                relay.hear(self.carol, &impp::model::response::ok_to(&frame).finish());
                taken.push(frame);
            }
        }
    }
}

/// One attack on an accepted connection.
fn throw(relay: &mut Relay, state: State, octets: &[u8], cut: usize) -> Option<End> {
    let key = states::bring(relay, state);
    for piece in octets.chunks(cut) {
        relay.hear(key, piece);
    }
    let end = relay.end(key);
    let said = frames(&relay.said(key)).and_then(|said| states::judge(&said, end));
    relay.drop_connection(key);
    said.unwrap_or_else(|error| panic!("{state:?}, in pieces of {cut}: {error}\nto {}", octets.escape_ascii()));
    end
}

fn resident_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<usize>().ok()).unwrap_or(0) / 1024
}

#[test]
fn an_accepted_connection_in_every_state() {
    let corpus = read();
    let before = resident_mib();
    let mut dice = Dice::new(11);
    let mut ends = BTreeSet::new();
    for &state in State::ALL {
        let mut relay = Relay::new();
        let mut good = Good::new(&mut relay);
        for octets in corpus.all.iter().chain(&corpus.of_servers) {
            let mut attack = |octets: &[u8], cut: usize| {
                let end = throw(&mut relay, state, octets, cut);
                ends.insert(end.map(|end| format!("{end:?}").split('(').next().unwrap_or_default().to_owned()));
            };
            attack(octets, usize::MAX);
            if octets.len() < SHORT && dice.between(0..2) == 0 {
                attack(&mutate(octets, &corpus.all, &mut dice), dice.between(1..60));
            }
            good.go_on(&mut relay);
        }
        // Nothing of all that is left once leases and promises have run out.
        relay.pass(Duration::from_secs(2 * 86_400));
        let left = relay.service.counts();
        assert_eq!((left.sessions, left.connected, left.subscriptions), (0, 0, 0), "{state:?}: {left:?}");
        assert_eq!((left.abroad, left.unsettled, left.forwarded, left.links), (0, 0, 0, 0), "{state:?}: {left:?}");
    }
    // That the attacks are many is seen by what they come to.
    for end in ["Bye", "Malformed", "MalformedResponse", "PlaintextBehindStartTls", "TooLarge", "TooManyFailures"] {
        assert!(ends.iter().flatten().any(|seen| seen.starts_with(end)), "no attack came to {end}: {ends:?}");
    }
    assert!(resident_mib() < before + 256, "{} MiB from {before}", resident_mib());
}

#[test]
fn a_client_in_every_state() {
    let corpus = read();
    let mut dice = Dice::new(12);
    for state in client::State::ALL {
        // To come so far costs a client the hashing of its password each time.
        let step = if state == client::State::Last { 16 } else { 1 };
        for octets in corpus.of_servers.iter().chain(&corpus.all).step_by(step) {
            // Manner: all at once and then silence; or in pieces and then the end.
            let whole = [&[2][..], octets].concat();
            client::throw(state, &whole);
            if octets.len() < SHORT && dice.between(0..2) == 0 {
                let manner = (dice.next().to_le_bytes()[0] & 0xe1) | 4;
                client::throw(state, &[&[manner][..], &mutate(octets, &corpus.of_servers, &mut dice)].concat());
            }
        }
    }
}

/// The states are what they are called: else nothing of the above is shown.
#[test]
fn every_state_is_what_it_is_called() {
    let heard = |state: State, text: &str| {
        let mut relay = Relay::new();
        let key = states::bring(&mut relay, state);
        relay.hear_text(key, text);
        let said: Vec<String> = relay
            .frames(key)
            .iter()
            .map(|frame| {
                let error = frame.header(Name::Error).unwrap_or("ok");
                format!("{} {error}", frame.method())
            })
            .collect();
        (said.join(", "), relay.end(key))
    };
    let ping = "PING p impp/1.0\n\n";
    let rows = [
        (State::Fresh, ping, "PING malformed-request", false),
        (State::InTls, ping, "PING malformed-request", false),
        (State::Greeted, ping, "PING ok", false),
        (State::Challenged, "AUTH x impp/1.0\nData: =\n\n", "AUTH authentication-failed", false),
        (State::LinkChallenged, "AUTH x impp/1.0\nData: =\n\n", "AUTH authentication-failed", false),
        (State::Failed, "AUTH x impp/1.0\nMechanism: X\n\n", "AUTH authentication-failed", true),
        (State::Handshake, ping, "", true),
        (State::Open, "AUTH x impp/1.0\n\n", "AUTH malformed-request", false),
        (State::InHead, "mple.org/alice\nConnection-ID: c1\nTarget: impp://example.org/alice\n\n", "FETCH ok", false),
        (State::InBody, "x", "", false),
        (State::InLongBody, "x", "", false),
        (State::TooLong, "x", "", false),
        (State::Busy, ping, "PING ok", false),
        (State::Leaving, ping, "", false),
        (State::Gone, ping, "", true),
        (State::Anonymous, "AUTH x impp/1.0\n\n", "AUTH malformed-request", false),
        (State::LinkGreeted, "FETCH x impp/1.0\n\n", "FETCH domain-authentication-required", false),
        (State::LinkUp, "AUTH x impp/1.0\n\n", "AUTH malformed-request", false),
        (State::LinkInBody, "x", "", false),
        (State::LinkLeaving, ping, "", true),
    ];
    for (state, text, expected, ended) in rows {
        let (said, end) = heard(state, text);
        assert_eq!((said.as_str(), end.is_some()), (expected, ended), "{state:?}");
    }
    let mut relay = Relay::new();
    states::bring(&mut relay, State::Subscribed);
    assert_eq!(relay.service.counts().subscriptions, 1);
    states::bring(&mut relay, State::Leaving);
    assert_eq!(relay.service.counts().links, 0);
}
