//! A relay under mixed load, and a book of what it acknowledged and what arrived.

use crate::support::wire::{Frame, message};
use crate::support::{PATIENCE, Site, Wire};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

/// Whoever takes part.
pub(crate) const USERS: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "ivan"];

/// What has happened so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    /// Messages that were answered, with the answer: `stored` or `delivered`.
    pub(crate) answered: BTreeMap<String, String>,
    /// Messages that arrived, and how often.
    pub(crate) arrived: BTreeMap<String, usize>,
    /// Messages whose receiver heard that the relay has taken its acceptance.
    pub(crate) settled: BTreeSet<String>,
    /// The versions of erin's presence that were answered or notified, the largest.
    pub(crate) version: u64,
    /// The last note that erin set and was answered for.
    pub(crate) note: usize,
    /// The last number of grace's rules that she was answered for.
    pub(crate) rules: usize,
}

/// The book, shared by all who write into it.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<(Mutex<Book>, Condvar)>);

impl Shared {
    fn note(&self, write: impl FnOnce(&mut Book)) {
        write(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    /// As it is now.
    pub(crate) fn copy(&self) -> Book {
        self.0.0.lock().unwrap().clone()
    }

    /// Waits until it is so.
    pub(crate) fn wait(&self, what: &str, so: impl Fn(&Book) -> bool) {
        let (book, late) = self.0.1.wait_timeout_while(self.0.0.lock().unwrap(), PATIENCE, |book| !so(book)).unwrap();
        assert!(!late.timed_out(), "never: {what}: {book:?}");
    }
}

/// The load; it ends with the relay.
pub(crate) struct Load(Vec<JoinHandle<()>>);

impl Load {
    /// Begins: messages that wait (to carol), are delivered (to dave), wait and are fetched in between (to ivan); changes of presence
    /// (erin's), watched by frank; changes of rules (grace's).
    pub(crate) fn on(site: &Site, book: &Shared) -> Self {
        let dave = receiver(site, "dave", book);
        let mut load = Self(vec![dave]);
        for (from, to) in [("alice", "carol"), ("bob", "dave"), ("alice", "ivan"), ("bob", "ivan")] {
            load.0.push(sender(site, from, to, book));
        }
        load.0.push(visitor(site, "ivan", book));
        load.0.push(watcher(site, "frank", "erin", book));
        load.0.push(publisher(site, "erin", book));
        load.0.push(ruler(site, "grace", book));
        load
    }

    /// Waits for all to notice that the relay is gone.
    pub(crate) fn end(self) {
        for thread in self.0 {
            thread.join().unwrap();
        }
    }
}

/// A connection that ends without a panic.
struct Talk {
    wire: Wire,
    user: &'static str,
    connection: String,
    asked: usize,
    book: Shared,
}

impl Talk {
    fn new(site: &Site, user: &'static str, connection: &str, hello: &str, book: &Shared) -> Self {
        let wire = site.logged_in(user, connection, hello);
        Self { wire, user, connection: connection.to_owned(), asked: 0, book: book.clone() }
    }

    /// `None`: the connection has ended.
    fn ask(&mut self, method: &str, target: &str, headers: &str, body: &[u8]) -> Option<Frame> {
        self.asked += 1;
        let (id, user, connection) = (self.asked, self.user, &self.connection);
        let mut head = format!(
            "{method} {id} impp/1.0\r\nFrom: impp://demo.test/{user}\r\nConnection-ID: {connection}\r\nTarget: impp://demo.test/{target}\r\n{headers}"
        );
        if !body.is_empty() {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        self.wire.try_send(&[head.as_bytes(), b"\r\n", body].concat()).ok()?;
        loop {
            let frame = self.wire.try_frame().ok()?;
            if frame.start().ends_with(&format!(" ({method}) {id} impp/1.0")) {
                return Some(frame);
            }
            self.take(&frame)?;
        }
    }

    /// Notes what came unasked, and accepts it.
    fn take(&mut self, frame: &Frame) -> Option<()> {
        if let Some(id) = frame.header("Message-ID") {
            self.book.note(|book| *book.arrived.entry(id.to_owned()).or_default() += 1);
        }
        if let Some(version) = frame.header("Presence-Version").filter(|_| frame.start().starts_with("CHANGE-NOTIFY ")) {
            self.book.note(|book| see(book, version));
        }
        let mut words = frame.start().split(' ');
        let (method, id) = (words.next()?, words.next()?);
        let (from, connection) = (frame.header("From")?, frame.header("Connection-ID")?);
        let answer = format!("OK ({method}) {id} impp/1.0\r\nTo: {from}\r\nConnection-ID: {connection}\r\n\r\n");
        self.wire.try_send(answer.as_bytes()).ok()
    }
}

fn see(book: &mut Book, version: &str) {
    book.version = book.version.max(version.parse().unwrap());
}

/// Sends one message after the other.
fn sender(site: &Site, from: &'static str, to: &'static str, book: &Shared) -> JoinHandle<()> {
    let mut talk = Talk::new(site, from, &format!("sends-{from}-{to}"), "", book);
    std::thread::spawn(move || {
        for number in 0.. {
            let id = format!("{from}-{to}-{number}@demo.test");
            let headers = format!("Message-ID: <{id}>\r\nContent-Type: message/rfc822\r\n");
            let body = message(from, to, &id, &format!("number {number}"));
            let Some(answer) = talk.ask("SEND", to, &headers, body.as_bytes()) else { return };
            let Some(delivery) = answer.header("Delivery") else { continue };
            talk.book.note(|book| {
                if delivery == "delivered" {
                    book.settled.insert(format!("<{id}>"));
                }
                book.answered.insert(format!("<{id}>"), delivery.to_owned());
            });
        }
    })
}

/// Takes messages as they come.
fn receiver(site: &Site, user: &'static str, book: &Shared) -> JoinHandle<()> {
    let mut talk = Talk::new(site, user, "receives", "Accept: messages\n", book);
    std::thread::spawn(move || while talk.wire.try_frame().ok().and_then(|frame| talk.take(&frame)).is_some() {})
}

/// Comes, takes some messages that wait, and goes, again and again.
fn visitor(site: &Site, user: &'static str, book: &Shared) -> JoinHandle<()> {
    let mut visits = Vec::new();
    for visit in 0..200 {
        visits.push(format!("visit-{visit}"));
    }
    let (address, ca, book) = (site.tls, site.path("cert.pem"), book.clone());
    std::thread::spawn(move || {
        for visit in visits {
            // Its own connection: the relay may be gone by now, and that is no fault.
            if std::net::TcpStream::connect(address).is_err() {
                return;
            }
            let coming = std::panic::catch_unwind(|| Wire::tls(address, &ca).login(user, &visit, "Accept: messages\n"));
            let Ok(wire) = coming else { return };
            let mut talk = Talk { wire, user, connection: visit, asked: 0, book: book.clone() };
            let mut taken = Vec::new();
            while taken.len() < 3 {
                let Ok(frame) = talk.wire.try_frame() else { return };
                taken.extend(frame.header("Message-ID").map(str::to_owned));
                if talk.take(&frame).is_none() {
                    return;
                }
            }
            // The answer to BYE comes when all before it was taken; what is offered meanwhile is left for the next visit.
            if talk.wire.try_send(b"BYE b impp/1.0\r\n\r\n").is_err() {
                return;
            }
            loop {
                match talk.wire.try_frame() {
                    Ok(frame) if frame.start().starts_with("OK (BYE)") => break,
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
            talk.book.note(|book| book.settled.extend(taken));
        }
    })
}

fn watcher(site: &Site, user: &'static str, of: &'static str, book: &Shared) -> JoinHandle<()> {
    let mut talk = Talk::new(site, user, "watches", "", book);
    std::thread::spawn(move || {
        if talk.ask("SUBSCRIBE", of, "", b"").is_some() {
            let mut last = 0;
            while let Ok(frame) = talk.wire.try_frame() {
                let version: u64 = frame.header("Presence-Version").map_or(0, |version| version.parse().unwrap());
                assert!(version > last, "{version} after {last}");
                last = version;
                if talk.take(&frame).is_none() {
                    return;
                }
            }
        }
    })
}

fn publisher(site: &Site, user: &'static str, book: &Shared) -> JoinHandle<()> {
    let mut talk = Talk::new(site, user, "publishes", "", book);
    std::thread::spawn(move || {
        for number in 1.. {
            let body = format!("<presence><status>open</status><note>{number}</note></presence>");
            let headers = "Lease-Time: infinity\r\nContent-Type: application/presence\r\n";
            let Some(answer) = talk.ask("CHANGE", user, headers, body.as_bytes()) else { return };
            let version = answer.header("Presence-Version").unwrap().to_owned();
            talk.book.note(|book| {
                book.note = number;
                see(book, &version);
            });
        }
    })
}

fn ruler(site: &Site, user: &'static str, book: &Shared) -> JoinHandle<()> {
    let mut talk = Talk::new(site, user, "rules", "", book);
    std::thread::spawn(move || {
        for number in 1.. {
            let body =
                format!("<acl><rule><who>impp://demo.test/nr{number}</who><op>send</op><action>deny</action></rule></acl>");
            let Some(answer) = talk.ask("SET-ACL", user, "Content-Type: application/impp-acl\r\n", body.as_bytes()) else {
                return;
            };
            assert!(answer.header("ACL-Version").is_some(), "{answer:?}");
            talk.book.note(|book| book.rules = number);
        }
    })
}
