//! What was acknowledged, what was seen, and whether the two agree.

use super::SENDERS;
use crate::support::PATIENCE;
use impp::model::Version;
use impp::net::client::Delivery;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;

/// The book of one run. Every method is a fact that an actor reports, at the moment when it learns of it.
#[derive(Default)]
pub(crate) struct Record {
    book: Mutex<Book>,
    changed: Condvar,
}

#[derive(Clone, Default)]
struct Book {
    kills: usize,
    /// How often an earlier state was put back.
    restores: usize,
    acknowledgements: usize,
    /// Message-ID to what its sender was told.
    sent: HashMap<String, Delivery>,
    /// Message-ID to the session over which it arrived last.
    arrived: HashMap<String, usize>,
    sessions: usize,
    /// Sessions that ended in order, and the number of kills before that.
    parted: HashMap<usize, usize>,
    /// Messages that came again, which is allowed where a kill came between the receiver's OK and the relay's note of it.
    again: usize,
    /// The last message from one to one, by number, counted when it came for the first time.
    order: HashMap<(String, String), usize>,
    /// What the publisher was told last.
    published: Shown,
    /// What each watcher, and whoever fetched, saw last.
    seen: HashMap<String, Shown>,
    fetched: usize,
    subscribed: usize,
    changes_seen: usize,
    /// The round of the rules that were acknowledged last.
    rules: usize,
    /// The last of rounds that were acknowledged, before a restore took them back too.
    rules_ever: usize,
    rules_asked: usize,
    faults: Vec<String>,
}

/// What was acknowledged at one moment, and so is in a backup that began after it.
pub(crate) struct Mark {
    book: Book,
    /// Sessions that had ended in order some time before: what they took is taken for good.
    settled: Vec<usize>,
}

/// A presence value as the run counts them, and its version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) number: usize,
    pub(crate) version: u64,
}

impl Shown {
    pub(crate) const fn new(number: usize, version: Version) -> Self {
        Self { number, version: version.0 }
    }

    /// Whether this may be seen after that.
    const fn follows(self, earlier: Self) -> bool {
        (self.version > earlier.version && self.number >= earlier.number)
            || (self.version == earlier.version && self.number == earlier.number)
    }
}

impl Record {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    fn note(&self, write: impl FnOnce(&mut Book)) {
        write(&mut self.book());
        self.changed.notify_all();
    }

    /// Waits until it is so.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let mut begun = Instant::now();
        let mut last = 0;
        while !so(self) {
            let book = self.book();
            // As long as it goes on there is hope.
            if book.acknowledgements + book.arrived.len() > last {
                (begun, last) = (Instant::now(), book.acknowledgements + book.arrived.len());
            }
            assert!(begun.elapsed() < PATIENCE, "nothing moves any more, and still not: {what}\n{}", book.figures());
            drop(self.changed.wait_timeout(book, PATIENCE / 60).unwrap());
        }
    }

    /// The relay is dead.
    pub(crate) fn killed(&self) {
        self.note(|book| book.kills += 1);
    }

    /// All that is acknowledged by now. Waits first until what receivers took by now is on the disk: it is when a write that was
    /// given later is.
    pub(crate) fn mark(&self) -> Mark {
        let settled = self.book().parted.keys().copied().collect();
        // Of so many one sender has two, and began the second after it had heard of the first.
        let enough = self.book().stored() + 2 * SENDERS.len();
        self.wait("later writes", |record| record.book().stored() >= enough || record.is_broken());
        Mark { book: self.book().clone(), settled }
    }

    /// The relay is dead, and begins again with a backup that was begun after the mark was made: what was acknowledged since is
    /// not owed any more. Nobody has anything left to report of the dead one.
    pub(crate) fn restored(&self, mark: &Mark) {
        self.note(|book| {
            book.kills += 1;
            book.restores += 1;
            for session in &mark.settled {
                book.parted.insert(*session, book.kills);
            }
            book.sent.retain(|id, _| mark.book.sent.contains_key(id));
            book.rules = mark.book.rules;
            // The value may be an earlier one, but under a later version than anybody has heard of.
            let number = mark.book.published.number;
            book.published.number = number;
            for seen in book.seen.values_mut() {
                seen.number = seen.number.min(number);
            }
        });
    }

    /// How many messages wait, as far as is known.
    pub(crate) fn waiting(&self) -> usize {
        let book = self.book();
        book.sent.keys().filter(|id| !book.arrived.contains_key(*id)).count()
    }

    /// Whether so much of everything has happened that a run shows something; since a mark, if there is one.
    pub(crate) fn has_seen_much(&self, since: Option<&Mark>) -> bool {
        let none = Book::default();
        let then = since.map_or(&none, |mark| &mark.book);
        let book = self.book();
        let delivered = |book: &Book| book.sent.len() - book.stored();
        let figures = |book: &Book| {
            [
                book.stored(),
                delivered(book),
                book.arrived.len(),
                book.published.number,
                book.rules,
                book.changes_seen,
                book.fetched,
            ]
        };
        figures(&book).into_iter().zip(figures(then)).all(|(now, then)| now >= then + 40)
    }

    /// What was acknowledged at the moment of the mark: Message-ID, and what its sender was told.
    pub(crate) fn answers(mark: &Mark) -> Vec<(String, Delivery)> {
        mark.book.sent.iter().map(|(id, delivery)| (id.clone(), *delivery)).collect()
    }

    /// The number of a receiver's new session.
    pub(crate) fn session(&self) -> usize {
        let mut book = self.book();
        book.sessions += 1;
        book.sessions
    }

    /// A session ended in order.
    pub(crate) fn parted(&self, session: usize) {
        self.note(|book| {
            let kills = book.kills;
            book.parted.insert(session, kills);
        });
    }

    pub(crate) fn acknowledgements(&self) -> usize {
        self.book().acknowledgements
    }

    pub(crate) fn is_broken(&self) -> bool {
        !self.book().faults.is_empty()
    }

    /// Something that must not be.
    pub(crate) fn fault(&self, what: String) {
        self.note(|book| book.faults.push(what));
    }

    /// A sender has the OK.
    pub(crate) fn sent(&self, id: &str, delivery: Delivery) {
        self.note(|book| {
            book.acknowledgements += 1;
            if delivery == Delivery::Delivered && !book.arrived.contains_key(id) {
                book.faults.push(format!("{id} is called delivered, and nobody has it"));
            }
            book.sent.insert(id.to_owned(), delivery);
        });
    }

    /// A receiver has it, and has not answered yet.
    pub(crate) fn arrived(&self, id: &str, from: &str, to: &str, number: usize, session: usize) {
        self.note(|book| match book.arrived.insert(id.to_owned(), session) {
            Some(_) if book.sent.get(id) == Some(&Delivery::Delivered) => {
                book.faults.push(format!("{id} came again after its sender had been told that it was delivered"));
            }
            Some(before) if before == session => book.faults.push(format!("{id} came twice over one session")),
            Some(before) if book.parted.get(&before) == Some(&book.kills) => {
                book.faults.push(format!("{id} came again after a session that took it had ended in order, and no kill since"));
            }
            Some(_) => book.again += 1,
            None => {
                let last = book.order.insert((from.to_owned(), to.to_owned()), number);
                if last.is_some_and(|last| last >= number) {
                    book.faults.push(format!("{id} came behind number {last:?} of the same sender"));
                }
            }
        });
    }

    /// The publisher has the OK.
    pub(crate) fn published(&self, shown: Shown) {
        self.note(|book| {
            book.acknowledgements += 1;
            if shown.version <= book.published.version {
                book.faults.push(format!("the version went back: {shown:?} after {:?}", book.published));
            }
            book.published = shown;
        });
    }

    /// What is the least that whoever asks from now on must be shown.
    pub(crate) fn floor(&self) -> Shown {
        self.book().published
    }

    /// Somebody fetched; `floor` is from before the question.
    pub(crate) fn fetched(&self, floor: Shown, shown: Shown) {
        self.note(|book| {
            book.fetched += 1;
            if shown != floor && !shown.follows(floor) {
                book.faults.push(format!("fetched {shown:?} when {floor:?} had been acknowledged before"));
            }
            book.see("fetch", shown);
        });
    }

    /// A watcher was shown a value: the one that came with the OK to its subscription (`floor` is from before that), or news.
    pub(crate) fn watched(&self, watcher: &str, floor: Option<Shown>, shown: Shown) {
        self.note(|book| {
            match floor {
                Some(floor) => {
                    book.acknowledgements += 1;
                    book.subscribed += 1;
                    if shown != floor && !shown.follows(floor) {
                        book.faults.push(format!("{watcher} was shown {shown:?} when {floor:?} had been acknowledged before"));
                    }
                }
                None => book.changes_seen += 1,
            }
            book.see(watcher, shown);
        });
    }

    /// The owner has the OK to new rules. How many restores there were until then.
    pub(crate) fn ruled(&self, round: usize) -> usize {
        self.note(|book| {
            book.acknowledgements += 1;
            (book.rules, book.rules_ever) = (round, round);
        });
        self.book().restores
    }

    /// The owner asked which rules are in force.
    pub(crate) fn rules_found(&self, round: usize) {
        self.note(|book| {
            if !(book.rules..=book.rules_ever).contains(&round) {
                let (least, last) = (book.rules, book.rules_ever);
                book.faults
                    .push(format!("the rules are those of round {round}, and of {least}..={last} the last were acknowledged"));
            }
        });
    }

    /// The guest asked, and the acknowledged rules said whether it would be let in, unless a restore took them back.
    pub(crate) fn asked(&self, restores: usize, expected: bool, found: bool) {
        self.note(|book| {
            book.rules_asked += 1;
            if expected != found && restores == book.restores {
                let kills = book.kills;
                book.faults.push(format!("the rules in force say {expected}, the relay says {found}, after {kills} kills"));
            }
        });
    }

    /// Whether everything that was acknowledged has arrived.
    pub(crate) fn is_complete(&self) -> bool {
        let book = self.book();
        book.sent.keys().all(|id| book.arrived.contains_key(id))
    }

    /// Whether each of these has seen the newest value.
    pub(crate) fn watchers_are_current(&self, watchers: &[&str]) -> bool {
        let book = self.book();
        watchers.iter().all(|watcher| book.seen.get(*watcher).is_some_and(|shown| shown.number >= book.published.number))
    }

    /// A run in which a part of the load did nothing shows nothing.
    pub(crate) fn must_have_seen_everything(&self) {
        let book = self.book();
        let kinds: HashSet<bool> = book.sent.values().map(|delivery| *delivery == Delivery::Stored).collect();
        assert!(kinds.len() == 2, "messages were both delivered and stored\n{}", book.figures());
        let many = [book.published.number, book.fetched, book.changes_seen, book.subscribed, book.rules, book.rules_asked];
        assert!(many.iter().all(|many| *many >= 3), "{}", book.figures());
    }

    /// The figures of the run.
    pub(crate) fn figures(&self) -> String {
        self.book().figures()
    }

    /// The faults, with the figures.
    pub(crate) fn verdict(&self) -> String {
        let book = self.book();
        format!("{}\n{}", book.faults.join("\n"), book.figures())
    }
}

impl Book {
    fn see(&mut self, who: &str, shown: Shown) {
        let last = self.seen.entry(who.to_owned()).or_default();
        // Values overtake each other between a fetch and the next only for whoever has several under way.
        if shown.follows(*last) {
            *last = shown;
        } else {
            self.faults.push(format!("{who} was shown {shown:?} after {last:?}"));
        }
    }

    fn stored(&self) -> usize {
        self.sent.values().filter(|delivery| **delivery == Delivery::Stored).count()
    }

    fn figures(&self) -> String {
        let stored = self.stored();
        let missing: Vec<&String> = self.sent.keys().filter(|id| !self.arrived.contains_key(*id)).take(10).collect();
        let mut text = String::new();
        let _ = writeln!(text, "kills: {}", self.kills);
        let _ = writeln!(text, "messages acknowledged: {} ({stored} stored)", self.sent.len());
        let _ = writeln!(text, "offered again after a kill, to be dropped by the receiver: {}", self.again);
        let _ = writeln!(text, "acknowledged and not arrived: {missing:?}");
        let _ = writeln!(text, "changes acknowledged: {}, seen by watchers: {}", self.published.number, self.changes_seen);
        let _ = writeln!(text, "fetched: {}, subscriptions acknowledged: {}", self.fetched, self.subscribed);
        let _ = write!(text, "rules acknowledged: {}, asked about: {}", self.rules, self.rules_asked);
        text
    }
}
