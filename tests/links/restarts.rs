//! A thousand subscriptions between two domains outlive the restart of either relay.

use crate::country::Country;
use crate::support::wire::{Frame, Wire};
use crate::support::{Site, until};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// People in a.test, and how many people of b.test each of them watches.
const WATCHERS: usize = 20;
const WATCHED: usize = 50;

fn watcher(number: usize) -> String {
    format!("w{number}")
}

fn watched(number: usize) -> String {
    format!("p{number}")
}

/// What a watcher knows: for each of those watched the version and the note of the newest value.
#[derive(Default)]
struct Knows {
    values: HashMap<String, (u64, String)>,
    told: usize,
}

impl Knows {
    fn take(&mut self, frame: &Frame, whose: &str, fresh: bool) {
        let version: u64 = frame.header("Presence-Version").unwrap().parse().unwrap();
        let body = String::from_utf8_lossy(&frame.body).into_owned();
        let note = body.split("<note>").nth(1).and_then(|rest| rest.split("</note>").next()).unwrap_or_default().to_owned();
        let known = self.values.insert(whose.to_owned(), (version, note));
        if let Some((before, _)) = known.filter(|_| !fresh) {
            assert!(version > before, "{whose} was told {version} after {before}");
        }
    }

    /// A notification: of a version that is not known yet.
    fn told(&mut self, frame: &Frame) {
        self.told += 1;
        let whose = frame.header("Origin").unwrap().rsplit('/').next().unwrap().to_owned();
        self.take(frame, &whose, false);
    }
}

/// One watcher with its connection.
struct Watcher {
    name: String,
    wire: Wire,
    knows: Knows,
}

impl Watcher {
    fn new(a: &Site, number: usize) -> Self {
        let name = watcher(number);
        let wire = a.logged_in(&name, &format!("by-hand-{name}"), "");
        Self { name, wire, knows: Knows::default() }
    }

    fn subscribe(&mut self) {
        let mut asked: HashMap<String, String> = (0..WATCHED)
            .map(|number| {
                let target = format!("impp://b.test/{}", watched(number));
                let id = self.wire.request("SUBSCRIBE", &target, "Lease-Time: 3600\n", b"");
                (format!("OK (SUBSCRIBE) {id} impp/1.0"), watched(number))
            })
            .collect();
        while !asked.is_empty() {
            let frame = self.wire.frame();
            match asked.remove(frame.start()) {
                Some(whose) => self.knows.take(&frame, &whose, true),
                None => self.notified(&frame),
            }
        }
    }

    fn notified(&mut self, frame: &Frame) {
        assert!(frame.start().starts_with("CHANGE-NOTIFY "), "{frame:?}");
        self.knows.told(frame);
        self.wire.accept(frame);
    }

    /// Reads on until everybody that is watched has this note.
    fn until_all_say(&mut self, note: &str) {
        while !(0..WATCHED).all(|number| self.knows.values.get(&watched(number)).is_some_and(|(_, known)| known == note)) {
            let frame = self.wire.frame();
            self.notified(&frame);
        }
    }

    /// Comes back under the same name.
    fn come_back(&mut self, a: &Site) -> bool {
        let mut wire = Wire::certified(a.tls, &a.path("cert.pem"), &a.domain, None);
        let session = wire.try_login(&self.name, &format!("by-hand-{}", self.name));
        self.wire = wire;
        session == "resumed"
    }
}

/// Everybody in b.test who is watched, each with a connection.
struct Publishers(Vec<Wire>);

impl Publishers {
    fn of(b: &Site) -> Self {
        Self((0..WATCHED).map(|number| b.logged_in(&watched(number), "by-hand", "")).collect())
    }

    /// All of them say something new.
    fn say(&mut self, note: &str) {
        let body = format!("<presence><status>open</status><note>{note}</note></presence>");
        for (number, wire) in self.0.iter_mut().enumerate() {
            let headers = "Lease-Time: infinity\nContent-Type: application/presence\n";
            let answer = wire.ask("CHANGE", &watched(number), headers, body.as_bytes());
            assert!(answer.start().starts_with("OK (CHANGE)"), "{answer:?}");
        }
    }

    /// How many watch the first of them.
    fn watchers(&mut self) -> usize {
        let answer = self.0[0].ask("GET-WATCHERS", &watched(0), "", b"");
        String::from_utf8(answer.body).unwrap().matches("<watcher>").count()
    }
}

/// How long everybody took to know it.
fn all_know(watchers: &mut [Watcher], note: &str) -> Duration {
    let begun = Instant::now();
    watchers.iter_mut().for_each(|watcher| watcher.until_all_say(note));
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?} for {note}");
    took
}

const OPEN_TO_ALL: &str = "[acl]\ndefault = [{ who = \"*\", op = [\"fetch\", \"subscribe\", \"send\"], action = \"allow\" }]\n";

#[test]
fn a_thousand_subscriptions_outlive_the_restart_of_either_relay() {
    let mut country = Country::of(&["a.test", "b.test"], OPEN_TO_ALL);
    let [a, b] = country.sites.as_mut_slice() else { panic!() };
    a.add_many_users(&(0..WATCHERS).map(watcher).collect::<Vec<_>>());
    b.add_many_users(&(0..WATCHED).map(watched).collect::<Vec<_>>());
    let mut publishers = Publishers::of(b);
    publishers.say("0");
    let mut watchers: Vec<Watcher> = (0..WATCHERS).map(|number| Watcher::new(a, number)).collect();
    watchers.iter_mut().for_each(Watcher::subscribe);
    assert_eq!(publishers.watchers(), WATCHERS);
    publishers.say("1");
    let first = all_know(&mut watchers, "1");
    // The relay of those who are watched is killed in the midst of telling; those who watch stay where they are.
    publishers.say("2");
    b.kill();
    b.start();
    let killed = all_know(&mut watchers, "2");
    publishers = Publishers::of(b);
    assert_eq!(publishers.watchers(), WATCHERS, "kept");
    publishers.say("3");
    let after = all_know(&mut watchers, "3");
    // It stops in good order, and again nothing is lost.
    publishers.say("4");
    assert!(b.stop());
    b.start();
    let stopped = all_know(&mut watchers, "4");
    publishers = Publishers::of(b);
    // The relay of those who watch is killed: it forgets their sessions, so that they subscribe again, as their tools do.
    a.kill();
    publishers.say("5");
    a.start();
    for watcher in &mut watchers {
        assert!(!watcher.come_back(a), "a restarted relay has no sessions");
    }
    let begun = Instant::now();
    watchers.iter_mut().for_each(Watcher::subscribe);
    let again = begun.elapsed();
    all_know(&mut watchers, "5");
    until("one subscription each", || publishers.watchers() == WATCHERS);
    publishers.say("6");
    let last = all_know(&mut watchers, "6");
    eprintln!("{} subscriptions: all knew {first:?} after a change", WATCHERS * WATCHED);
    eprintln!("{killed:?} after a relay that was killed was back, and {after:?} after the next change; {stopped:?} after a stop");
    eprintln!("subscribed anew in {again:?}, and all knew {last:?} after the next change");
}
