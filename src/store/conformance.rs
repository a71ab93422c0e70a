//! What every store must do, run on each of them.

use super::memory::Memory;
use super::sqlite::{self, Readers, Role};
use super::{Backend, accounts::Accounts};
use crate::model::{Address, ConnectionId, Credentials, Fingerprint, MessageId, Token, UnixMillis, Version};
use crate::service::store::{
    Account, Delivery, Entity, Loaded, MailboxSize, Read, Remembered, Start, StoreError, StoreRead, StoredAcl, StoredMessage,
    StoredPresence, StoredSubscription, StoredValue, UserRecord, Write,
};
use bytes::Bytes;
use tempfile::TempDir;

const NOW: UnixMillis = UnixMillis(1_795_435_200_000);

/// A store that can be closed and opened again, and that an administrator can reach.
trait Subject {
    fn writer(&mut self) -> &mut dyn Backend;
    fn reader(&self) -> Box<dyn StoreRead>;
    fn reopen(&mut self);
    fn add(&mut self, address: &Address, credentials: Option<&Credentials>);
    fn disable(&mut self, address: &Address);
    fn remove(&mut self, address: &Address);
}

impl Subject for Memory {
    fn writer(&mut self) -> &mut dyn Backend {
        self
    }
    fn reader(&self) -> Box<dyn StoreRead> {
        Box::new(self.clone())
    }
    fn reopen(&mut self) {}
    fn add(&mut self, address: &Address, credentials: Option<&Credentials>) {
        self.put_account(address, Account::default(), credentials.cloned());
    }
    fn disable(&mut self, address: &Address) {
        let credentials = StoreRead::credentials(self, address).unwrap();
        self.put_account(address, Account { disabled: true, ..Account::default() }, credentials);
    }
    fn remove(&mut self, address: &Address) {
        self.remove_account(address);
    }
}

struct OnDisk {
    folder: TempDir,
    store: Option<sqlite::Store>,
    readers: Readers,
}

impl OnDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = sqlite::open(folder.path(), Role::Relay { remembered: 1000 }).unwrap();
        Self { readers: store.readers.clone(), folder, store: Some(store) }
    }
    fn accounts(&self) -> Accounts {
        Accounts::open(self.folder.path(), [address("x").domain()]).unwrap()
    }
}

impl Subject for OnDisk {
    fn writer(&mut self) -> &mut dyn Backend {
        &mut self.store.as_mut().unwrap().writer
    }
    fn reader(&self) -> Box<dyn StoreRead> {
        Box::new(self.readers.open().unwrap())
    }
    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(sqlite::open(self.folder.path(), Role::Relay { remembered: 1000 }).unwrap());
    }
    fn add(&mut self, address: &Address, credentials: Option<&Credentials>) {
        self.accounts().add(address, credentials, NOW).unwrap();
    }
    fn disable(&mut self, address: &Address) {
        self.accounts().set_disabled(address, true).unwrap();
    }
    fn remove(&mut self, address: &Address) {
        self.accounts().delete(address).unwrap();
    }
}

/// Runs a case on every store, each with the accounts ann and bob.
fn on_each(case: impl Fn(&mut dyn Subject)) {
    for mut subject in [Box::new(Memory::new()) as Box<dyn Subject>, Box::new(OnDisk::new())] {
        for name in ["ann", "bob"] {
            subject.add(&address(name), None);
        }
        subject.writer().start(NOW).unwrap();
        case(&mut *subject);
    }
}

fn address(name: &str) -> Address {
    Address::parse(&format!("{name}@example.org")).unwrap()
}

fn message(number: u64, size: usize) -> StoredMessage {
    let expires = number.is_multiple_of(2).then_some(NOW.plus(std::time::Duration::from_secs(number)));
    StoredMessage { number, frame: Bytes::from(vec![b'x'; size]), expires, stored: UnixMillis(NOW.0.saturating_add(number)) }
}

fn id(number: u64) -> MessageId {
    MessageId::parse(&format!("<{number}@example.org>")).unwrap()
}

fn store(to: &str, number: u64, size: usize) -> Write {
    Write::Store { user: address(to), from: address("carl"), message_id: id(number), message: message(number, size) }
}

fn delete(of: &str, number: u64) -> Write {
    Write::Delete { user: address(of), number }
}

fn value(view: Option<&str>, until: Option<u64>, octets: &'static str) -> StoredValue {
    let body = Entity {
        content_type: "application/presence".into(),
        transfer_encoding: until.map(|_| "8bit".into()),
        disposition: view.map(|_| "inline".into()),
        octets: Bytes::from_static(octets.as_bytes()),
    };
    StoredValue { view: view.map(|view| Token::parse(view).unwrap()), until: until.map(UnixMillis), body }
}

fn presence(of: &str, version: u64, values: Vec<StoredValue>) -> Write {
    Write::Presence { user: address(of), presence: StoredPresence { version: Version(version), values } }
}

fn acl(of: &str, version: u64, concealed: &[Option<u64>]) -> Write {
    let concealed = concealed.iter().map(|version| version.map(Version)).collect();
    Write::Acl { user: address(of), acl: StoredAcl { version: Version(version), body: Bytes::from_static(b"<acl/>"), concealed } }
}

fn write(subject: &mut dyn Subject, writes: &[Write]) -> Result<(), StoreError> {
    subject.writer().write(&writes.iter().collect::<Vec<_>>())
}

fn user(subject: &dyn Subject, name: &str) -> UserRecord {
    match subject.reader().read(&Read::User(address(name))).unwrap() {
        Loaded::User(user) => user,
        other => panic!("a user was asked for: {other:?}"),
    }
}

fn mailbox(subject: &dyn Subject, name: &str, after: u64, messages: usize, octets: u64) -> Vec<StoredMessage> {
    match subject.reader().read(&Read::Mailbox { user: address(name), after, messages, octets }).unwrap() {
        Loaded::Mailbox(mailbox) => mailbox,
        other => panic!("a mailbox was asked for: {other:?}"),
    }
}

fn totals(subject: &dyn Subject) -> (u64, MailboxSize) {
    match subject.reader().read(&Read::Totals).unwrap() {
        Loaded::Totals(totals) => (totals.accounts, totals.mailboxes),
        other => panic!("totals were asked for: {other:?}"),
    }
}

fn size(messages: u64, octets: u64) -> MailboxSize {
    MailboxSize { messages, octets }
}

#[test]
fn unknown_users_have_nothing() {
    on_each(|subject| {
        let nobody = user(subject, "nobody");
        assert_eq!((nobody.account, nobody.acl, nobody.presence.version), (None, None, Version(0)));
        assert_eq!(mailbox(subject, "nobody", 0, 10, 1000), []);
        assert_eq!(subject.reader().credentials(&address("nobody")).unwrap(), None);
        assert_eq!(user(subject, "ann").account, Some(Account::default()));
    });
}

#[test]
fn what_was_written_is_read_and_outlives_a_restart() {
    on_each(|subject| {
        let values = vec![value(None, None, "<presence/>"), value(None, Some(99), "a"), value(Some("work"), None, "b\u{0}")];
        let writes = [presence("ann", 5, values.clone()), acl("ann", 7, &[None, Some(12), None]), store("ann", 1, 10)];
        write(subject, &writes).unwrap();
        for _ in 0..2 {
            let ann = user(subject, "ann");
            assert_eq!(ann.presence, StoredPresence { version: Version(5), values: values.clone() });
            let acl = ann.acl.unwrap();
            assert_eq!((acl.version, acl.concealed), (Version(7), vec![None, Some(Version(12)), None]));
            assert_eq!(ann.mailbox, size(1, 10));
            assert_eq!(mailbox(subject, "ann", 0, 10, 1000), [message(1, 10)]);
            assert_eq!(user(subject, "bob").presence, StoredPresence::default());
            subject.reopen();
        }
    });
}

#[test]
fn the_newest_presence_and_rules_replace_the_older() {
    on_each(|subject| {
        write(subject, &[presence("ann", 1, vec![value(None, None, "a"), value(None, Some(1), "b")]), acl("ann", 1, &[None])])
            .unwrap();
        // The largest version that the wire can carry.
        write(subject, &[presence("ann", 9_999_999_999_999_999_999, vec![value(None, Some(2), "c")]), acl("ann", 2, &[])])
            .unwrap();
        let ann = user(subject, "ann");
        assert_eq!(
            (ann.presence.version, ann.presence.values),
            (Version(9_999_999_999_999_999_999), vec![value(None, Some(2), "c")])
        );
        assert_eq!(ann.acl.unwrap().concealed, []);
        write(subject, &[presence("ann", 3, Vec::new())]).unwrap();
        assert_eq!(user(subject, "ann").presence, StoredPresence { version: Version(3), values: Vec::new() });
    });
}

#[test]
fn mailboxes_are_read_in_order_and_in_part() {
    on_each(|subject| {
        for number in [3, 1, 2, 9, 5] {
            write(subject, &[store("ann", number, 10), store("bob", number + 100, 7)]).unwrap();
        }
        let rows: &[(u64, usize, u64, &[u64])] = &[
            (0, 10, 1000, &[1, 2, 3, 5, 9]),
            (2, 10, 1000, &[3, 5, 9]),
            (0, 2, 1000, &[1, 2]),
            (0, 0, 1000, &[]),
            (0, 10, 1, &[1]),
            (0, 10, 0, &[1]),
            (0, 10, 10, &[1]),
            (0, 10, 11, &[1, 2]),
            (0, 10, 20, &[1, 2]),
            (9, 10, 1000, &[]),
            (u64::MAX, 10, 1000, &[]),
            (0, usize::MAX, u64::MAX, &[1, 2, 3, 5, 9]),
        ];
        for (after, messages, octets, numbers) in rows {
            let found: Vec<u64> =
                mailbox(subject, "ann", *after, *messages, *octets).iter().map(|message| message.number).collect();
            assert_eq!(&found, numbers, "after {after}, {messages} messages, {octets} octets");
        }
    });
}

#[test]
fn mailbox_sizes_stay_exact() {
    on_each(|subject| {
        write(subject, &[store("ann", 1, 10), store("ann", 2, 5), store("bob", 3, 1)]).unwrap();
        assert_eq!((user(subject, "ann").mailbox, user(subject, "bob").mailbox), (size(2, 15), size(1, 1)));
        let accounts = totals(subject).0;
        assert_eq!(totals(subject), (accounts, size(3, 16)));
        // Deleted twice, deleted from the wrong mailbox, never there: nothing happens, and it is no error.
        write(subject, &[delete("ann", 1), delete("ann", 1), delete("bob", 2), delete("nobody", 2), delete("ann", 77)]).unwrap();
        assert_eq!((user(subject, "ann").mailbox, user(subject, "bob").mailbox), (size(1, 5), size(1, 1)));
        write(subject, &[store("ann", 4, 100), delete("ann", 4), delete("ann", 2)]).unwrap();
        assert_eq!(user(subject, "ann").mailbox, size(0, 0));
    });
}

#[test]
fn all_is_written_or_nothing() {
    on_each(|subject| {
        write(subject, &[store("ann", 1, 10)]).unwrap();
        let bad = [
            vec![store("ann", 2, 10), store("nobody", 3, 10)],
            vec![acl("ann", 9, &[]), presence("nobody", 1, Vec::new())],
            vec![delete("ann", 1), acl("nobody", 1, &[])],
            vec![store("ann", 2, 10), store("bob", 1, 10)],
            vec![store("ann", 2, 10), store("bob", 2, 10)],
            vec![store("ann", 2, 10), store("bob", u64::MAX, 10)],
        ];
        for writes in bad {
            assert_eq!(write(subject, &writes), Err(StoreError::Corrupt), "{writes:?}");
            let ann = user(subject, "ann");
            assert_eq!((ann.mailbox, ann.acl), (size(1, 10), None), "{writes:?}");
        }
        write(subject, &[]).unwrap();
        write(subject, &[store("ann", 2, 10)]).unwrap();
    });
}

#[test]
fn numbers_never_return() {
    on_each(|subject| {
        assert_eq!(subject.writer().start(NOW).unwrap().next_message, 1);
        write(subject, &[store("ann", 1, 1), store("ann", 7, 1), store("bob", 3, 1)]).unwrap();
        assert_eq!(subject.writer().start(NOW).unwrap().next_message, 8);
        write(subject, &[delete("ann", 7), delete("ann", 1), delete("bob", 3)]).unwrap();
        subject.remove(&address("ann"));
        subject.reopen();
        assert_eq!(subject.writer().start(NOW).unwrap().next_message, 8);
    });
}

fn subscription(who: &str, until: u64, told: u64) -> StoredSubscription {
    let subscriber = Address::parse(&format!("{who}@example.net")).unwrap();
    let connection = ConnectionId::parse("laptop").unwrap();
    StoredSubscription { subscriber, connection, since: NOW, until: UnixMillis(until), told: Version(told) }
}

fn subscribe(to: &str, subscription: StoredSubscription) -> Write {
    Write::Subscribe { user: address(to), subscription }
}

#[test]
fn subscriptions_of_other_domains_outlive_a_restart() {
    on_each(|subject| {
        let key = |who| (subscription(who, 0, 0).subscriber, subscription(who, 0, 0).connection);
        let unsubscribe =
            |to: &str, who| Write::Unsubscribe { user: address(to), subscriber: key(who).0, connection: key(who).1 };
        let told = |of: &str, who, version| Write::Told {
            user: address(of),
            subscriber: key(who).0,
            connection: key(who).1,
            version: Version(version),
        };
        // Also to somebody who is not there: the answer must not tell.
        write(subject, &[subscribe("ann", subscription("zoe", 5, 1)), subscribe("nobody", subscription("zoe", 6, 0))]).unwrap();
        write(subject, &[subscribe("ann", subscription("max", 7, 2)), subscribe("ann", subscription("zoe", 8, 2))]).unwrap();
        write(subject, &[told("ann", "zoe", 9), told("ann", "eve", 9), unsubscribe("ann", "eve")]).unwrap();
        for _ in 0..2 {
            assert_eq!(user(subject, "ann").subscriptions, [subscription("max", 7, 2), subscription("zoe", 8, 9)]);
            assert_eq!(user(subject, "nobody").subscriptions, [subscription("zoe", 6, 0)]);
            assert_eq!(subject.writer().start(NOW).unwrap().watched, [address("ann"), address("nobody")]);
            subject.reopen();
        }
        write(subject, &[unsubscribe("nobody", "zoe"), unsubscribe("ann", "max")]).unwrap();
        assert_eq!(subject.writer().start(NOW).unwrap().watched, [address("ann")]);
        subject.remove(&address("ann"));
        assert_eq!(subject.writer().start(NOW).unwrap().watched, []);
    });
}

fn starts(subject: &mut dyn Subject, now: u64) -> Vec<Remembered> {
    subject.reopen();
    let Start { remembered, .. } = subject.writer().start(UnixMillis(now)).unwrap();
    remembered
}

#[test]
fn deliveries_are_remembered_whether_noted_stored_or_taken_out() {
    on_each(|subject| {
        let fingerprint = |number| Fingerprint::new(&address("carl"), &address("ann"), &id(number));
        let noted = Remembered { fingerprint: fingerprint(50), delivery: Delivery::Delivered, at: UnixMillis(NOW.0 + 2) };
        let stored =
            |number| Remembered { fingerprint: fingerprint(number), delivery: Delivery::Stored, at: UnixMillis(NOW.0 + number) };
        write(subject, &[store("ann", 1, 1), store("ann", 3, 1)]).unwrap();
        subject.writer().remember(&[noted]).unwrap();
        assert_eq!(starts(subject, NOW.0 + 10), [stored(1), noted, stored(3)]);
        write(subject, &[delete("ann", 1)]).unwrap();
        assert_eq!(starts(subject, NOW.0 + 10), [stored(1), noted, stored(3)]);
        let day = 24 * 3600 * 1000;
        assert_eq!(starts(subject, NOW.0 + 1 + day), [noted, stored(3)]);
        assert_eq!(starts(subject, NOW.0 + 3 + day), []);
    });
}

#[test]
fn credentials_are_for_users_who_may_log_in() {
    on_each(|subject| {
        let credentials = Credentials { iterations: 4096, salt: vec![1; 16], stored_key: [2; 32], server_key: [3; 32] };
        subject.add(&address("dora"), Some(&credentials));
        assert_eq!(subject.reader().credentials(&address("dora")).unwrap(), Some(credentials));
        assert_eq!(subject.reader().credentials(&address("ann")).unwrap(), None);
        subject.disable(&address("dora"));
        assert_eq!(subject.reader().credentials(&address("dora")).unwrap(), None);
        assert!(user(subject, "dora").account.unwrap().disabled);
    });
}

#[test]
fn a_removed_account_takes_all_with_it() {
    on_each(|subject| {
        write(subject, &[presence("ann", 4, vec![value(None, None, "a")]), acl("ann", 1, &[None]), store("ann", 1, 10)]).unwrap();
        subject.remove(&address("ann"));
        assert_eq!(mailbox(subject, "ann", 0, 10, 1000), []);
        subject.add(&address("ann"), None);
        let ann = user(subject, "ann");
        assert_eq!((ann.presence, ann.acl, ann.mailbox), (StoredPresence::default(), None, size(0, 0)));
    });
}

#[test]
fn an_administrators_change_is_noticed_and_ones_own_is_not() {
    on_each(|subject| {
        subject.writer().changed_outside();
        assert!(!subject.writer().changed_outside());
        write(subject, &[store("ann", 1, 10)]).unwrap();
        assert!(!subject.writer().changed_outside());
        subject.add(&address("dora"), None);
        assert!(subject.writer().changed_outside());
        assert!(!subject.writer().changed_outside());
    });
}
