//! Messages through engine, rules and engine again, and a question that the rules alone answer.

use super::Work;
use super::people::{expect, link, log_in, ok, request, send};
use super::relay::{Relay, address};
use impp::service::ConnectionKey;
use impp::wire::Kind;

/// Messages of one round.
pub(super) const ROUND: usize = 64;

/// The octets of a round, some messages to a read.
fn reads(together: usize, message: impl FnMut(usize) -> Vec<u8>, ids: std::ops::RangeInclusive<usize>) -> Vec<Vec<u8>> {
    let messages: Vec<Vec<u8>> = ids.map(message).collect();
    messages.chunks(together).map(<[Vec<u8>]>::concat).collect()
}

/// The numbers of the next round; none is 0, which no request may have.
fn next(sent: &mut usize) -> std::ops::RangeInclusive<usize> {
    let first = *sent + 1;
    *sent += ROUND;
    first..=*sent
}

/// Between two who are there, or to another domain.
pub(super) struct Answered {
    relay: Relay,
    alice: ConnectionKey,
    /// The receiver's connection, or the link to it.
    other: ConnectionKey,
    target: String,
    /// The answer's Connection-ID, and what else it says.
    connection: &'static str,
    together: usize,
    sent: usize,
    /// What alice says, and what is said to that.
    input: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Answered {
    /// So many messages to a read.
    pub(super) fn here(together: usize) -> Self {
        Self::new(|relay| log_in(relay, "bob"), address("bob").as_str(), "c1", together)
    }

    pub(super) fn abroad() -> Self {
        Self::new(link, "impp://b.test/dora", "c1\r\nDelivery: delivered", 1)
    }

    fn new(other: impl FnOnce(&mut Relay) -> ConnectionKey, target: &str, connection: &'static str, together: usize) -> Self {
        let mut relay = Relay::new();
        let alice = log_in(&mut relay, "alice");
        let other = other(&mut relay);
        Self { relay, alice, other, target: target.to_owned(), connection, together, sent: 0, input: Vec::new() }
    }
}

impl Work for Answered {
    fn prepare(&mut self) {
        if self.sent > 0 {
            expect(&mut self.relay, self.other, ROUND, Kind::Request);
            expect(&mut self.relay, self.alice, ROUND, Kind::Ok);
        }
        let ids = next(&mut self.sent);
        let alice = address("alice");
        let messages = reads(self.together, |id| send(id, "alice", &self.target), ids.clone());
        let answers = reads(self.together, |id| ok("SEND", &id.to_string(), alice.as_str(), self.connection), ids);
        self.input = messages.into_iter().zip(answers).collect();
    }

    fn run(&mut self) {
        for (message, answer) in &self.input {
            self.relay.hear(self.alice, message);
            self.relay.hear(self.other, answer);
        }
    }
}

/// To somebody who is not there.
pub(super) struct Absent {
    relay: Relay,
    alice: ConnectionKey,
    sent: usize,
    input: Vec<Vec<u8>>,
}

impl Absent {
    pub(super) fn new() -> Self {
        let mut relay = Relay::new();
        let alice = log_in(&mut relay, "alice");
        Self { relay, alice, sent: 0, input: Vec::new() }
    }
}

impl Work for Absent {
    fn prepare(&mut self) {
        if self.sent > 0 {
            let said = expect(&mut self.relay, self.alice, ROUND, Kind::Ok);
            assert!(said.iter().all(|frame| frame.header(impp::wire::Name::Delivery) == Some("stored")), "{said:?}");
        }
        let bob = address("bob");
        self.input = reads(1, |id| send(id, "alice", bob.as_str()), next(&mut self.sent));
    }

    fn run(&mut self) {
        for message in &self.input {
            self.relay.hear(self.alice, message);
        }
    }
}

/// Somebody asks for somebody's presence.
pub(super) struct Asked {
    relay: Relay,
    alice: ConnectionKey,
    sent: usize,
    input: Vec<Vec<u8>>,
}

impl Asked {
    pub(super) fn new() -> Self {
        let mut relay = Relay::new();
        let (alice, bob) = (log_in(&mut relay, "alice"), log_in(&mut relay, "bob"));
        let body = "<presence><status>open</status><note>here</note></presence>";
        let more = format!("Lease-Time: infinity\nContent-Type: application/presence\nContent-Length: {}\n\n{body}", body.len());
        relay.hear(bob, &request("CHANGE", 1, "bob", address("bob").as_str(), &more));
        expect(&mut relay, bob, 1, Kind::Ok);
        Self { relay, alice, sent: 0, input: Vec::new() }
    }
}

impl Work for Asked {
    fn prepare(&mut self) {
        if self.sent > 0 {
            expect(&mut self.relay, self.alice, ROUND, Kind::Ok);
        }
        let bob = address("bob");
        self.input = reads(1, |id| request("FETCH", id, "alice", bob.as_str(), "\n"), next(&mut self.sent));
    }

    fn run(&mut self) {
        for question in &self.input {
            self.relay.hear(self.alice, question);
        }
    }
}
