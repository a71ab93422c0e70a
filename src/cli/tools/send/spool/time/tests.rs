//! The spool with the time moved by hand and a relay that is a table.

use super::super::tests::message;
use super::*;
use std::cell::Cell;
use std::time::Duration;
use tempfile::TempDir;

const NOON: UnixMillis = UnixMillis(1_795_435_200_000);
const DAY: Duration = Duration::from_secs(86_400);

/// A spool, alice who sends, and a relay that can be down or refuse.
struct World {
    _place: TempDir,
    spool: Spool,
    alice: Address,
    now: Cell<UnixMillis>,
    up: Cell<bool>,
    refusals: RefCell<HashMap<String, (&'static str, Exit)>>,
    /// `to number`, as they arrive.
    arrived: RefCell<Vec<String>>,
    told: RefCell<Vec<String>>,
    number: Cell<usize>,
}

impl World {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let spool = Spool::open(place.path().join("spool")).unwrap();
        Self {
            _place: place,
            spool,
            alice: Address::parse("alice@x").unwrap(),
            now: Cell::new(NOON),
            up: Cell::new(true),
            refusals: RefCell::default(),
            arrived: RefCell::default(),
            told: RefCell::default(),
            number: Cell::new(0),
        }
    }

    fn pass(&self, time: Duration) {
        self.now.set(self.now.get().plus(time));
    }

    fn refuse(&self, to: &str, answer: Option<(&'static str, Exit)>) {
        match answer {
            Some(answer) => self.refusals.borrow_mut().insert(to.to_owned(), answer),
            None => self.refusals.borrow_mut().remove(to),
        };
    }

    fn keep(&self, to: &[&str], wanted: Option<Duration>) -> Entry {
        self.number.set(self.number.get() + 1);
        self.spool.keep(&message(self.number.get(), to), &self.alice, wanted, self.now.get()).unwrap()
    }

    async fn work(&self, own: Option<&Entry>) -> Outcome<()> {
        let work = Work { spool: &self.spool, from: &self.alice, own };
        let send = async |to: &Address, message: &Message| {
            tokio::task::yield_now().await;
            let to = to.to_email();
            if !self.up.get() {
                return Err(Refusal::Session(Failure::new(Exit::TryLater, "down").called("network")));
            }
            if let Some((token, exit)) = self.refusals.borrow().get(&to) {
                return Err(Refusal::Message(Fault { token: (*token).into(), exit: *exit, line: None }));
            }
            let left = message.wanted.map(|wanted| format!(" for {} s", wanted.as_secs())).unwrap_or_default();
            self.arrived.borrow_mut().push(format!("{to} {}{left}", message.id));
            Ok(Delivery::Stored)
        };
        let told = |entry: &Entry, to: &Address, state: State| {
            let word = match state {
                State::Stored => "stored".to_owned(),
                State::Queued(fault) => format!("queued {}", fault.token),
                State::Failed(fault) => format!("failed {}", fault.token),
                other => panic!("{other:?}"),
            };
            self.told.borrow_mut().push(format!("{} {} {word}", to.to_email(), entry.facts.id));
        };
        work.run(|| self.now.get(), send, told, |failure| panic!("{failure:?}")).await
    }

    async fn flush(&self) -> Outcome<()> {
        self.work(None).await
    }

    fn take(list: &RefCell<Vec<String>>) -> Vec<String> {
        let mut all = list.take();
        // Only the order per recipient is promised.
        all.sort_by_key(|line| line.split(' ').next().map(str::to_owned));
        all
    }

    fn left(&self) -> usize {
        self.spool.names().unwrap().len()
    }
}

#[tokio::test]
async fn a_day_without_a_relay_loses_nothing_and_keeps_the_order() {
    let world = World::new();
    world.up.set(false);
    let mut sent = 0;
    for minutes in 0..24 * 60 / 5 {
        if minutes % 12 == 0 {
            world.keep(&["bob@x", "carol@x"], None);
            world.keep(&["bob@x"], None);
            sent += 2;
        }
        assert_eq!(world.flush().await.unwrap_err().exit, Exit::TryLater);
        world.pass(Duration::from_secs(300));
    }
    assert_eq!((world.left(), world.arrived.borrow().len()), (sent, 0));
    let list = world.spool.entry(&world.spool.names().unwrap()[0]).unwrap().unwrap();
    assert_eq!(list.mark(&Address::parse("bob@x").unwrap()).unwrap().unwrap().word, "network");
    world.up.set(true);
    world.flush().await.unwrap();
    let bob = (1..=sent).map(|number| format!("bob@x <{number}@x>"));
    let carol = (1..=sent).step_by(2).map(|number| format!("carol@x <{number}@x>"));
    assert_eq!(World::take(&world.arrived), bob.chain(carol).collect::<Vec<_>>());
    assert_eq!(world.left(), 0);
    assert_eq!(world.spool.dead().unwrap().len(), 0);
}

#[tokio::test]
async fn of_several_recipients_only_those_who_have_it_not_are_tried_again() {
    let world = World::new();
    world.refuse("bob@x", Some(("mailbox-full", Exit::TryLater)));
    world.keep(&["bob@x", "carol@x", "dora@x"], None);
    world.keep(&["bob@x"], None);
    world.keep(&["carol@x"], None);
    world.flush().await.unwrap();
    assert_eq!(World::take(&world.arrived), ["carol@x <1@x>", "carol@x <3@x>", "dora@x <1@x>"]);
    assert_eq!(
        World::take(&world.told),
        [
            "bob@x <1@x> queued mailbox-full",
            "bob@x <2@x> queued mailbox-full",
            "carol@x <1@x> stored",
            "carol@x <3@x> stored",
            "dora@x <1@x> stored"
        ]
    );
    assert_eq!(world.left(), 2);
    world.refuse("bob@x", None);
    world.flush().await.unwrap();
    assert_eq!(World::take(&world.arrived), ["bob@x <1@x>", "bob@x <2@x>"]);
    assert_eq!(world.left(), 0);
}

#[tokio::test]
async fn what_is_given_up_goes_to_the_dead_unless_somebody_was_told() {
    let world = World::new();
    world.refuse("bob@x", Some(("target-unknown", Exit::NoUser)));
    world.keep(&["bob@x", "carol@x"], None);
    world.flush().await.unwrap();
    assert_eq!(World::take(&world.told), ["bob@x <1@x> failed target-unknown", "carol@x <1@x> stored"]);
    assert_eq!((world.left(), world.spool.dead().unwrap().len()), (0, 1));
    let dead = world.spool.dead_entry(&world.spool.dead().unwrap()[0]).unwrap().unwrap();
    assert_eq!(dead.message().unwrap(), message(1, &["bob@x"]).octets);

    let own = world.keep(&["bob@x"], None);
    world.work(Some(&own)).await.unwrap();
    assert_eq!(World::take(&world.told), ["bob@x <2@x> failed target-unknown"]);
    assert_eq!((world.left(), world.spool.dead().unwrap().len()), (0, 1), "whoever sent it knows");
}

#[tokio::test]
async fn time_runs_out_for_a_message() {
    let world = World::new();
    world.keep(&["bob@x"], None);
    world.keep(&["bob@x"], Some(DAY));
    world.keep(&["bob@x"], Some(DAY * 2));
    world.up.set(false);
    world.pass(DAY);
    assert!(world.flush().await.is_err());
    world.up.set(true);
    world.flush().await.unwrap();
    assert_eq!(World::take(&world.arrived), ["bob@x <1@x>", "bob@x <3@x> for 86400 s"]);
    assert_eq!(World::take(&world.told), ["bob@x <1@x> stored", "bob@x <2@x> failed expired", "bob@x <3@x> stored"]);
    world.keep(&["bob@x"], None);
    world.pass(super::super::PATIENCE);
    world.flush().await.unwrap();
    assert_eq!(World::take(&world.told), ["bob@x <4@x> failed expired"]);
    assert_eq!(world.spool.dead().unwrap().len(), 2);
}

#[tokio::test]
async fn ones_own_message_waits_for_what_came_before_and_for_nothing_else() {
    let world = World::new();
    world.keep(&["bob@x", "carol@x"], None);
    world.keep(&["carol@x"], None);
    let own = world.keep(&["bob@x"], None);
    world.work(Some(&own)).await.unwrap();
    assert_eq!(World::take(&world.arrived), ["bob@x <1@x>", "bob@x <3@x>"]);
    world.flush().await.unwrap();
    assert_eq!(World::take(&world.arrived), ["carol@x <1@x>", "carol@x <2@x>"]);
}

#[tokio::test]
async fn what_another_process_did_to_ones_own_message_is_told() {
    let world = World::new();
    let own = world.keep(&["bob@x", "carol@x"], None);
    world.refuse("carol@x", Some(("permission-denied", Exit::Denied)));
    world.flush().await.unwrap();
    assert_eq!(world.left(), 0);
    world.told.take();
    world.work(Some(&own)).await.unwrap();
    assert_eq!(World::take(&world.told), ["bob@x <1@x> stored", "carol@x <1@x> failed permission-denied"]);
}

#[tokio::test]
async fn messages_of_others_are_left_alone() {
    let world = World::new();
    let bob = Address::parse("bob@x").unwrap();
    world.spool.keep(&message(1, &["carol@x"]), &bob, None, NOON).unwrap();
    world.flush().await.unwrap();
    assert_eq!((world.left(), world.arrived.borrow().len()), (1, 0));
}
