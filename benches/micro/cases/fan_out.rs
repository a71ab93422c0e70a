//! One change, and those who watch.

use super::Work;
use super::people::{expect, log_in, ok, request};
use super::relay::{Relay, address};
use impp::service::ConnectionKey;
use impp::wire::Kind;

/// How many watch.
pub(super) const WATCHERS: usize = 1000;

struct Crowd {
    relay: Relay,
    alice: ConnectionKey,
    watchers: Vec<ConnectionKey>,
    changes: usize,
}

impl Crowd {
    fn new() -> Self {
        let mut relay = Relay::new();
        let alice = log_in(&mut relay, "alice");
        let target = address("alice");
        let mut watchers = Vec::new();
        for number in 0..WATCHERS {
            let user = format!("w{number}");
            let key = log_in(&mut relay, &user);
            relay.hear(key, &request("SUBSCRIBE", 1, &user, target.as_str(), "Lease-Time: 3600\n\n"));
            expect(&mut relay, key, 1, Kind::Ok);
            watchers.push(key);
        }
        Self { relay, alice, watchers, changes: 0 }
    }

    /// The next change of alice's presence.
    fn next(&mut self) -> Vec<u8> {
        self.changes += 1;
        // Versions grow with the time, as they do where nobody moves it by hand.
        let body = format!("<presence><status>open</status><note>{:06}</note></presence>", self.changes);
        let more = format!("Lease-Time: infinity\nContent-Type: application/presence\nContent-Length: {}\n\n{body}", body.len());
        request("CHANGE", self.changes, "alice", address("alice").as_str(), &more)
    }

    /// What each watcher says to the change that it was told of.
    fn answers(&mut self) -> Vec<Vec<u8>> {
        expect(&mut self.relay, self.alice, 1, Kind::Ok);
        let mut answers = Vec::new();
        for key in self.watchers.clone() {
            let told = expect(&mut self.relay, key, 1, Kind::Request);
            answers.push(ok("CHANGE-NOTIFY", told[0].request_id(), "impp://example.org/", "0"));
        }
        answers
    }

    fn answer(&mut self, answers: &[Vec<u8>]) {
        for (key, answer) in self.watchers.iter().zip(answers) {
            self.relay.hear(*key, answer);
        }
    }
}

/// The change, to octets for all.
pub(super) struct Change {
    crowd: Crowd,
    input: Vec<u8>,
}

impl Change {
    pub(super) fn new() -> Self {
        Self { crowd: Crowd::new(), input: Vec::new() }
    }
}

impl Work for Change {
    fn prepare(&mut self) {
        if !self.input.is_empty() {
            let answers = self.crowd.answers();
            self.crowd.answer(&answers);
        }
        self.input = self.crowd.next();
    }

    fn run(&mut self) {
        self.crowd.relay.hear(self.crowd.alice, &self.input);
    }
}

/// What comes back.
pub(super) struct Told {
    crowd: Crowd,
    input: Vec<Vec<u8>>,
}

impl Told {
    pub(super) fn new() -> Self {
        Self { crowd: Crowd::new(), input: Vec::new() }
    }
}

impl Work for Told {
    fn prepare(&mut self) {
        let change = self.crowd.next();
        self.crowd.relay.hear(self.crowd.alice, &change);
        self.input = self.crowd.answers();
    }

    fn run(&mut self) {
        self.crowd.answer(&self.input);
    }
}
