use super::*;
use crate::model::{Address, Fingerprint, UnixMillis};
use crate::service::store::{Delivery, Remembered, StoreWrite};
use crate::store::fixtures;
use crate::store::sqlite::{Role, open};
use std::fs;

fn deliveries(folder: &Path) {
    let writer = &mut open(folder, Role::Relay { remembered: 9 }).unwrap().writer;
    let one = |n| Remembered { fingerprint: Fingerprint([n; 16]), delivery: Delivery::Delivered, at: UnixMillis(u64::from(n)) };
    writer.remember(&[one(1), one(2), one(3)]).unwrap();
}

fn faults(folder: &Path) -> Vec<String> {
    super::folder(folder).unwrap().faults.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_whole_is_said_to_be_whole() {
    let folder = fixtures::store(2);
    assert_eq!(super::folder(folder.path()).unwrap().schema, 2, "judging changes nothing");
    assert_eq!(faults(folder.path()), [""; 0]);
    deliveries(folder.path());
    let verdict = super::folder(folder.path()).unwrap();
    assert_eq!(verdict.faults, []);
    assert!(verdict.has_sums() && verdict.manifest.is_none());
    let Counts { accounts, messages, octets, subscriptions, deliveries } = verdict.counts;
    assert_eq!((accounts, messages, octets, subscriptions, deliveries), (5, 3, 1398, 1, 3));
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(super::folder(empty.path()).unwrap_err().kind, OpenErrorKind::Io(std::io::ErrorKind::NotFound));
}

/// Whatever SQL changes behind our back is named: whose it is, and what.
#[test]
fn each_loss_has_its_words() {
    let rows = [
        (
            "UPDATE message SET frame = CAST('SEND x' AS BLOB) WHERE number = 2",
            "1 message(s) that wait for bob@example.org are damaged: 2",
        ),
        (
            "UPDATE message SET expires = 1 WHERE mailbox LIKE '%bob'",
            "2 message(s) that wait for bob@example.org are damaged: 1, 2",
        ),
        (
            "DELETE FROM message WHERE number = 3; UPDATE account SET mailbox_messages = 1 WHERE address LIKE '%/ann'",
            "the mailbox of ann@example.org should hold 1 message(s) with 0 octets, and holds 0 with 0",
        ),
        (
            "UPDATE acl SET concealed = '5 -'",
            "the rules of ann@example.org are damaged: who wants something of them is refused until they are set anew",
        ),
        (
            "UPDATE account SET disabled = 1 WHERE address LIKE '%/bob'",
            "the account of bob@example.org is damaged: whether it is disabled or has moved is not certain",
        ),
        (
            "UPDATE credentials SET iterations = 1 WHERE account LIKE '%/bob'",
            "the password of bob@example.org is damaged, and so no login by it: set one with impp-relay user passwd",
        ),
        ("UPDATE account SET presence_version = 5 WHERE address LIKE '%/bob'", "what bob@example.org published is damaged"),
        ("DELETE FROM presence_value WHERE account LIKE '%/bob'", "what bob@example.org published is damaged"),
        ("UPDATE subscription SET told = 5", "1 subscription(s) of other domains to ann@example.org are damaged"),
        (
            "UPDATE domain SET iterations = 5",
            "what \"example.org\" keeps about itself is damaged: salts of unknown users, iteration count of passwords",
        ),
        (
            "DROP TRIGGER account_deleted",
            "tables, indexes or triggers of the database are not those of schema 3: damaged, or changed by hand",
        ),
        ("UPDATE sqlite_sequence SET seq = 2", "the number for the next message was given already"),
        (
            "PRAGMA foreign_keys = OFF; INSERT INTO acl SELECT 'impp://example.org/x', version, concealed, body, sum FROM acl",
            "the database is damaged: a row of acl belongs to no account",
        ),
    ];
    for (sql, words) in rows {
        let folder = fixtures::store(3);
        fixtures::sql(folder.path(), sql);
        let found = faults(folder.path());
        assert!(found.iter().any(|fault| fault == words), "{sql}: {found:#?}");
    }
}

/// The one rule: who reads the store reads what was written, or is told.
#[test]
fn no_flipped_bit_passes_for_what_was_written() {
    let folder = fixtures::store(3);
    let path = folder.path().join(DATABASE_FILE);
    let (octets, content) = (fs::read(&path).unwrap(), fixtures::dump(folder.path()).unwrap());
    let (mut flipped, mut told) = (0, 0);
    // A step that is no multiple of anything in the file, and another bit each time.
    for at in (0..octets.len()).step_by(127) {
        let mut damaged = octets.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(&path, &damaged).unwrap();
        let found = super::folder(folder.path());
        let same = fixtures::dump(folder.path()).is_some_and(|dump| dump == content);
        let silent = found.as_ref().is_ok_and(|verdict| verdict.faults.is_empty());
        assert!(same || !silent, "octet {at} of {}", octets.len());
        flipped += 1;
        told += usize::from(!silent);
    }
    assert!(flipped > 300 && told > 50, "{flipped} flipped, {told} told");
}

#[test]
fn a_flipped_bit_in_the_log_is_found() {
    let folder = fixtures::store(3);
    deliveries(folder.path());
    let path = folder.path().join("recent-0001.log");
    let octets = fs::read(&path).unwrap();
    for at in 0..octets.len() {
        let mut damaged = octets.clone();
        damaged[at] ^= 0x20;
        fs::write(&path, &damaged).unwrap();
        let expected = match at {
            0..32 => "recent-0001.log: the first 32 octets are damaged; no delivery is lost by it",
            _ => {
                "recent-0001.log: 1 of 3 remembered deliveries are damaged; a message of theirs that its sender repeats arrives twice"
            }
        };
        assert_eq!(faults(folder.path()), [expected], "octet {at}");
    }
    // What is torn at the end was never promised, nor what a file system left there after a power cut.
    for tail in [&octets[..octets.len() - 5], &[octets.as_slice(), &[0; 64]].concat()] {
        fs::write(&path, tail).unwrap();
        assert_eq!(faults(folder.path()), [""; 0]);
    }
}

#[test]
fn a_page_that_cannot_be_read_costs_what_lies_on_it() {
    let folder = fixtures::store(3);
    let many = "WITH RECURSIVE n(i) AS (VALUES(10) UNION ALL SELECT i + 1 FROM n WHERE i < 400)
        INSERT INTO message (number, mailbox, sender, message_id, fingerprint, stored, octets, frame)
        SELECT i, 'impp://example.org/ann', sender, message_id, fingerprint, stored, octets, frame FROM n, message WHERE number = 1;
        UPDATE message SET sum = 0 WHERE number >= 10";
    fixtures::sql(folder.path(), many);
    let path = folder.path().join(DATABASE_FILE);
    let mut octets = fs::read(&path).unwrap();
    let page = octets.len() / 4096 - 5;
    octets[page * 4096..page * 4096 + 16].fill(0xff);
    fs::write(&path, octets).unwrap();
    let found = faults(folder.path());
    assert!(found.iter().any(|fault| fault.starts_with("the database is damaged: ")), "{found:#?}");
    assert!(found.iter().any(|fault| fault.contains("message(s) that wait for ann@example.org are damaged")), "{found:#?}");
    let whole = super::folder(folder.path()).unwrap();
    assert!(whole.faults.iter().all(|fault| fault.user() != Some(&Whose("impp://example.org/bob".into()))), "{found:#?}");
}

#[test]
fn what_decides_who_may_is_not_read_damaged() {
    use crate::service::store::{Read, StoreError, StoreRead};
    let folder = fixtures::store(3);
    fixtures::sql(folder.path(), "UPDATE acl SET concealed = '5 -'; UPDATE credentials SET stored_key = zeroblob(32)");
    let reader = open(folder.path(), Role::Administrator).unwrap().readers.open().unwrap();
    let ann = Address::parse("ann@example.org").unwrap();
    assert_eq!(reader.read(&Read::User(ann.clone())).unwrap_err(), StoreError::Corrupt);
    assert_eq!(reader.credentials(&ann).unwrap_err(), StoreError::Corrupt);
}
