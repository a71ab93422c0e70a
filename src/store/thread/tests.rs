//! The threads at work: order, shared commits, faults and the end.

use super::*;
use crate::model::{Fingerprint, MessageId, UnixMillis};
use crate::service::store::{Account, Delivery, Start, StoredMessage};
use crate::store::faults::{Faults, Plan};
use crate::store::memory::Memory;
use crate::store::sqlite::{self, Role};
use bytes::Bytes;

fn address(name: &str) -> Address {
    Address::parse(&format!("{name}@example.org")).unwrap()
}

fn memory() -> Memory {
    let memory = Memory::new();
    for name in ["ann", "bob"] {
        memory.put_account(&address(name), Account::default(), None);
    }
    memory.clone().changed_outside();
    memory
}

fn message(to: &str, number: u64) -> Vec<Write> {
    let id = MessageId::parse(&format!("<{number}@x>")).unwrap();
    let message = StoredMessage { number, frame: Bytes::from_static(b"frame"), expires: None, stored: UnixMillis(number) };
    vec![Write::Store { user: address(to), from: address("carl"), message_id: id, message }]
}

fn all_of(name: &str) -> Read {
    Read::Mailbox { user: address(name), after: 0, messages: 1000, octets: u64::MAX }
}

/// A completion as a word, so that a failing test shows what happened in one line.
fn word(completion: &Completion) -> String {
    match completion {
        Completion::Written { ticket, result: Ok(()) } => format!("{} written", ticket.0),
        Completion::Written { ticket, result: Err(error) } => format!("{} {error:?}", ticket.0),
        Completion::Loaded { ticket, result: Ok(Loaded::Mailbox(all)) } => format!("{} found {}", ticket.0, all.len()),
        Completion::Loaded { ticket, result } => format!("{} {}", ticket.0, if result.is_ok() { "user" } else { "unread" }),
        Completion::ChangedOutside => "changed outside".into(),
        Completion::Died => "died".into(),
    }
}

struct Running {
    store: StoreThread,
    heard: Receiver<String>,
}

impl Running {
    fn new<W: Backend + 'static>(writer: W, memory: &Memory) -> Self {
        Self::ticking(Duration::from_secs(3600), writer, memory)
    }

    fn ticking<W: Backend + 'static>(tick: Duration, writer: W, memory: &Memory) -> Self {
        let (say, heard) = mpsc::channel();
        let complete = Arc::new(move |done: Vec<Completion>| done.iter().for_each(|one| say.send(word(one)).unwrap()));
        let readers = vec![memory.clone(), memory.clone()];
        let store = StoreThread::start_ticking(tick, writer, readers, Arc::new(memory.clone()), complete).unwrap();
        Self { store, heard }
    }

    fn hear(&self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.heard.recv().unwrap()).collect()
    }

    /// Everything up to the end.
    fn end(self) -> Vec<String> {
        self.store.stop();
        self.heard.iter().collect()
    }
}

/// Waits before each write until it is let through, and says how many writes came at once.
struct Gate {
    inner: Memory,
    let_through: Receiver<()>,
    batches: Sender<usize>,
}

impl StoreWrite for Gate {
    fn start(&mut self, now: UnixMillis) -> Result<Start, StoreError> {
        self.inner.start(now)
    }
    fn write(&mut self, writes: &[&Write]) -> Result<(), StoreError> {
        self.batches.send(writes.len()).unwrap();
        self.let_through.recv().unwrap();
        self.inner.write(writes)
    }
    fn remember(&mut self, deliveries: &[Remembered]) -> Result<(), StoreError> {
        StoreWrite::remember(&mut self.inner, deliveries)
    }
}

impl Backend for Gate {}

fn gate(memory: &Memory) -> (Gate, Sender<()>, Receiver<usize>) {
    let (open, let_through) = mpsc::channel();
    let (batches, seen) = mpsc::channel();
    (Gate { inner: memory.clone(), let_through, batches }, open, seen)
}

#[test]
fn jobs_that_wait_share_one_commit_of_at_most_256() {
    let memory = memory();
    let (gate, open, batches) = gate(&memory);
    let running = Running::new(gate, &memory);
    running.store.write(Ticket(0), message("ann", 1000));
    assert_eq!(batches.recv(), Ok(1));
    for number in 1..=300 {
        running.store.write(Ticket(number), message("ann", number));
    }
    for _ in 0..3 {
        open.send(()).unwrap();
    }
    let expected: Vec<String> = (0..=300).map(|number| format!("{number} written")).collect();
    assert_eq!(running.end(), expected);
    assert_eq!(batches.iter().collect::<Vec<_>>(), [256, 44]);
}

#[test]
fn a_read_sees_the_writes_given_before_it() {
    let memory = memory();
    let (gate, open, batches) = gate(&memory);
    let running = Running::new(gate, &memory);
    running.store.read(Ticket(1), all_of("ann"));
    assert_eq!(running.hear(1), ["1 found 0"]);
    running.store.write(Ticket(2), message("ann", 1));
    running.store.read(Ticket(3), all_of("ann"));
    batches.recv().unwrap();
    open.send(()).unwrap();
    let mut heard = running.hear(2);
    heard.sort();
    assert_eq!(heard, ["2 written", "3 found 1"]);
}

#[test]
fn a_read_waits_for_no_write_to_others() {
    let memory = memory();
    let (gate, open, batches) = gate(&memory);
    let running = Running::new(gate, &memory);
    running.store.write(Ticket(1), message("ann", 1));
    batches.recv().unwrap();
    // Some share ann's place.
    let waits = |name: &String| lock(&running.store.queues).as_ref().unwrap().before(&all_of(name)) > 0;
    let free = (0..).map(|number| format!("user{number}")).find(|name| !waits(name)).unwrap();
    running.store.read(Ticket(2), all_of(&free));
    running.store.read(Ticket(3), Read::User(address(&free)));
    let mut heard = running.hear(2);
    heard.sort();
    assert_eq!(heard, ["2 found 0", "3 user"]);
    open.send(()).unwrap();
    assert_eq!(running.end(), ["1 written"]);
}

/// Until a mailbox comes, which is large, or there are enough of them.
#[test]
fn users_are_read_together() {
    let (give, jobs) = mpsc::channel();
    let read = |read| give.send(ReadJob::Read { ticket: Ticket(0), read, after: 0 }).unwrap();
    let gathered = || {
        let (users, other) = reading::gather(&jobs).unwrap();
        (users.len(), other.is_some())
    };
    for _ in 0..3 {
        read(Read::User(address("ann")));
    }
    read(all_of("bob"));
    for _ in 0..40 {
        read(Read::User(address("bob")));
    }
    assert_eq!([gathered(), gathered(), gathered()], [(3, true), (32, false), (8, false)]);
    read(all_of("ann"));
    assert_eq!(gathered(), (0, true));
    drop(give);
    assert!(reading::gather(&jobs).is_none());
}

#[test]
fn whoever_counts_waits_for_no_write() {
    let memory = memory();
    let (gate, open, batches) = gate(&memory);
    let running = Running::new(gate, &memory);
    running.store.write(Ticket(1), message("ann", 1));
    batches.recv().unwrap();
    let (say, heard) = mpsc::channel();
    // More than there are readers.
    for _ in 0..3 {
        let say = say.clone();
        running.store.totals(move |found| say.send(found.unwrap().accounts).unwrap());
    }
    assert_eq!(heard.iter().take(3).collect::<Vec<_>>(), [2, 2, 2]);
    open.send(()).unwrap();
    assert_eq!(running.end(), ["1 written"]);
}

#[test]
fn one_bad_job_does_not_fail_the_others() {
    let memory = memory();
    let (gate, open, _batches) = gate(&memory);
    let running = Running::new(gate, &memory);
    for (ticket, to) in [(0, "ann"), (1, "ann"), (2, "nobody"), (3, "bob"), (4, "ann")] {
        running.store.write(Ticket(ticket), message(to, ticket + 1));
    }
    running.store.write(Ticket(5), Vec::new());
    // However the jobs fell into batches: no more writes than this.
    for _ in 0..12 {
        open.send(()).unwrap();
    }
    assert_eq!(running.hear(6), ["0 written", "1 written", "2 Corrupt", "3 written", "4 written", "5 written"]);
    running.store.read(Ticket(6), all_of("ann"));
    assert_eq!(running.end(), ["6 found 3"]);
}

#[test]
fn a_full_disk_fails_the_job_and_is_forgotten_when_there_is_room() {
    let memory = memory();
    let plan = Plan::default();
    let running = Running::new(Faults::new(memory.clone(), plan.clone()), &memory);
    plan.writes(Some(StoreError::Full));
    running.store.write(Ticket(1), message("ann", 1));
    assert_eq!(running.hear(1), ["1 Full"]);
    plan.writes(None);
    plan.writes_of(Some((address("bob"), StoreError::Io)));
    running.store.write(Ticket(2), message("ann", 2));
    running.store.write(Ticket(3), message("bob", 3));
    assert_eq!(running.hear(2), ["2 written", "3 Io"]);
    running.store.read(Ticket(4), all_of("ann"));
    assert_eq!(running.end(), ["4 found 1"]);
}

#[test]
fn jobs_given_before_the_end_are_done() {
    let memory = memory();
    let running = Running::new(memory.clone(), &memory);
    for number in 1..=1000 {
        running.store.write(Ticket(number), message("bob", number));
    }
    assert_eq!(running.end().len(), 1000);
    let Loaded::Mailbox(all) = memory.read(&all_of("bob")).unwrap() else { panic!("a mailbox was asked for") };
    assert_eq!(all.len(), 1000);
}

#[test]
fn an_administrators_change_is_told_at_the_next_tick_and_after_a_write() {
    let memory = memory();
    let idle = Running::ticking(Duration::from_millis(1), memory.clone(), &memory);
    memory.put_account(&address("dora"), Account::default(), None);
    assert_eq!(idle.hear(1), ["changed outside"]);
    assert_eq!(idle.end(), [""; 0]);
    let busy = Running::new(memory.clone(), &memory);
    memory.put_account(&address("emil"), Account::default(), None);
    busy.store.write(Ticket(1), Vec::new());
    assert_eq!(busy.hear(2), ["1 written", "changed outside"]);
}

#[test]
fn credentials_and_deliveries_need_no_ticket() {
    let memory = memory();
    let running = Running::new(memory.clone(), &memory);
    let (say, heard) = mpsc::channel();
    running.store.credentials(address("ann"), move |found| say.send(found).unwrap());
    assert_eq!(heard.recv().unwrap(), Ok(None));
    let delivery = Remembered { fingerprint: Fingerprint([7; 16]), delivery: Delivery::Delivered, at: UnixMillis(5) };
    running.store.remember(&[delivery]).unwrap();
    assert_eq!(memory.clone().start(UnixMillis(6)).unwrap().remembered, [delivery]);
}

#[test]
fn on_the_disk_the_end_holds_all() {
    let folder = tempfile::tempdir().unwrap();
    let role = Role::Relay { remembered: 100 };
    let mut accounts = crate::store::accounts::Accounts::open(folder.path(), [address("x").domain()]).unwrap();
    accounts.add(&address("ann"), None, UnixMillis(0)).unwrap();
    drop(accounts);
    let store = sqlite::open(folder.path(), role).unwrap();
    let recent = Arc::new(store.writer.recent().unwrap());
    let (say, heard) = mpsc::channel();
    let readers = vec![store.readers.open().unwrap(), store.readers.open().unwrap()];
    let complete = move |done: Vec<Completion>| done.iter().for_each(|one| say.send(word(one)).unwrap());
    let thread = StoreThread::start(store.writer, readers, recent, complete).unwrap();
    for number in 1..=500 {
        thread.write(Ticket(number), message("ann", number));
    }
    thread.read(Ticket(501), all_of("ann"));
    thread.stop();
    let mut heard: Vec<String> = heard.iter().filter(|word| !word.ends_with("written")).collect();
    heard.sort();
    assert_eq!(heard, ["501 found 500"]);
    let again = sqlite::open(folder.path(), role).unwrap();
    let Loaded::Mailbox(all) = again.readers.open().unwrap().read(&all_of("ann")).unwrap() else {
        panic!("a mailbox was asked for")
    };
    assert_eq!(all.len(), 500);
}

/// A writer that panics at its first write.
struct Fragile;

impl StoreWrite for Fragile {
    fn start(&mut self, _: UnixMillis) -> Result<Start, StoreError> {
        Ok(Start::default())
    }
    fn write(&mut self, _: &[&Write]) -> Result<(), StoreError> {
        panic!("on purpose")
    }
    fn remember(&mut self, _: &[Remembered]) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Backend for Fragile {}

#[test]
fn a_thread_that_dies_says_so_and_holds_up_no_reader() {
    let memory = memory();
    let running = Running::new(Fragile, &memory);
    running.store.write(Ticket(1), message("ann", 1));
    assert_eq!(running.hear(1), ["died"]);
    running.store.write(Ticket(2), message("ann", 2));
    running.store.read(Ticket(3), all_of("ann"));
    assert_eq!(running.hear(1), ["3 found 0"]);
    assert_eq!(running.end(), [""; 0]);
}
