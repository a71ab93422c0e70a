use super::make::make_while;
use super::*;
use crate::model::{Address, MessageId, UnixMillis, Version};
use crate::service::store::{
    Delivery, Loaded, Read, Remembered, StoreRead, StoreWrite, StoredMessage, StoredPresence, UserRecord, Write,
};
use crate::store::fixtures;
use crate::store::sqlite::{Role, Store, open};
use crate::store::verify;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// A moment after everything in the fixtures.
const NOW: UnixMillis = UnixMillis(1_795_790_000_000);

fn relay(folder: &Path) -> Store {
    open(folder, Role::Relay { remembered: 1000 }).unwrap()
}

fn at(name: &str) -> Address {
    Address::parse(&format!("{name}@example.org")).unwrap()
}

fn id(number: u64) -> MessageId {
    MessageId::parse(&format!("<n{number}@example.org>")).unwrap()
}

fn store(number: u64, stored: u64) -> Write {
    let message = StoredMessage { number, frame: "SEND x".into(), expires: None, stored: UnixMillis(stored) };
    Write::Store { user: at("bob"), from: at("ann"), message_id: id(number), message }
}

fn named(number: u64) -> Fingerprint {
    Fingerprint::new(&at("ann"), &at("bob"), &id(number))
}

fn answered(number: u64, delivery: Delivery, at: u64) -> Remembered {
    Remembered { fingerprint: named(number), delivery, at: UnixMillis(at) }
}

fn delete(number: u64) -> Write {
    Write::Delete { user: at("bob"), number }
}

fn numbers(store: &Store) -> Vec<u64> {
    let all = Read::Mailbox { user: at("bob"), after: 0, messages: 100, octets: 1 << 20 };
    match store.readers.open().unwrap().read(&all).unwrap() {
        Loaded::Mailbox(messages) => messages.iter().map(|message| message.number).collect(),
        other => panic!("a mailbox was asked for, not {other:?}"),
    }
}

fn user(store: &Store, name: &str) -> UserRecord {
    match store.readers.open().unwrap().read(&Read::User(at(name))).unwrap() {
        Loaded::User(user) => user,
        other => panic!("a user was asked for, not {other:?}"),
    }
}

fn making<'a>(data: &'a Path, to: &'a Path) -> Making<'a> {
    Making { data, config: None, to, replace: false, program: "test", now: NOW }
}

fn restoring<'a>(from: &'a Path, data: &'a Path) -> Restoring<'a> {
    Restoring { from, data, replace: false, now: UnixMillis(NOW.0 + 5000) }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A folder for a test, with the names of a data folder, a backup and another data folder in it.
fn places() -> (TempDir, [std::path::PathBuf; 3]) {
    let all = tempfile::tempdir().unwrap();
    let places = ["data", "backup", "restored"].map(|name| all.path().join(name));
    fs::rename(fixtures::store(3).keep(), &places[0]).unwrap();
    (all, places)
}

#[test]
fn what_happens_meanwhile_is_in_it_or_not_and_nothing_twice() {
    let (_all, [data, backup, restored]) = places();
    let mut live = relay(&data);
    live.writer.start(NOW).unwrap();
    let stored = NOW.0 - 1000;
    // 12 is answered in the millisecond in which it was stored: no sign that it was taken out.
    live.writer.write(&[&store(11, stored), &store(12, stored), &store(13, stored)]).unwrap();
    live.writer.remember(&[answered(12, Delivery::Stored, stored), answered(20, Delivery::Delivered, stored)]).unwrap();
    live.writer.write(&[&delete(13)]).unwrap();
    let made = make_while(&making(&data, &backup), || {
        live.writer.write(&[&delete(11), &store(14, stored), &delete(2)]).unwrap();
        live.writer.remember(&[answered(21, Delivery::Delivered, stored)]).unwrap();
    });
    assert_eq!(made.unwrap().faults, []);
    drop(live);
    restore(&restoring(&backup, &restored)).unwrap();
    let mut again = relay(&restored);
    // 1 is the fixture's. 11 and 2 were delivered meanwhile, 13 before; 14 came after the backup began.
    assert_eq!(numbers(&again), [1, 12]);
    let start = again.writer.start(NOW).unwrap();
    let known = |number| start.remembered.iter().find(|one| one.fingerprint == named(number)).map(|one| one.delivery);
    assert_eq!([11, 12, 13].map(known), [Some(Delivery::Stored); 3]);
    assert_eq!([20, 21].map(known), [Some(Delivery::Delivered); 2]);
    assert_eq!(known(14), None, "the sender repeats it, and it is taken");
    let size = user(&again, "bob").mailbox;
    assert_eq!(size.messages, 2);
}

#[test]
fn a_store_that_is_replaced_tells_what_was_delivered_since() {
    let (_all, [data, backup, _]) = places();
    let mut live = relay(&data);
    let stored = NOW.0 - 1000;
    live.writer.write(&[&store(11, stored), &store(12, stored)]).unwrap();
    make(&making(&data, &backup)).unwrap();
    live.writer.write(&[&delete(11), &store(15, stored)]).unwrap();
    live.writer.remember(&[answered(30, Delivery::Delivered, NOW.0)]).unwrap();
    let wish = Restoring { replace: true, ..restoring(&backup, &data) };
    let in_use = restore(&wish).unwrap_err();
    assert!(in_use.to_string().ends_with("is in use by another impp-relay; stop that one first"), "{in_use}");
    drop(live);
    let refused = restore(&restoring(&backup, &data)).unwrap_err();
    assert_eq!(refused, BackupError::HoldsStore(data.clone()));
    let done = restore(&wish).unwrap();
    assert_eq!(done.delivered_since, 1);
    let mut again = relay(&data);
    assert_eq!(numbers(&again), [1, 2, 12]);
    let known = again.writer.start(NOW).unwrap().remembered;
    assert!(known.contains(&answered(30, Delivery::Delivered, NOW.0)));
    drop(again);
    // What was there is whole where it is now.
    let aside = done.aside.unwrap();
    assert_eq!(aside, data.join("before-20261127T143325Z"));
    assert_eq!(numbers(&relay(&aside)), [1, 2, 12, 15]);
    // Once more at the same moment: neither aside overwrites the other.
    assert_eq!(restore(&wish).unwrap().aside.unwrap(), data.join("before-20261127T143325Z-2"));
}

#[test]
fn versions_never_go_back() {
    let (_all, [data, backup, restored]) = places();
    let before = ["ann", "bob"].map(|name| user(&relay(&data), name));
    make(&making(&data, &backup)).unwrap();
    // What watchers hear between the backup and the loss of the disk.
    let lost =
        StoredPresence { version: before[0].presence.version.next(UnixMillis(NOW.0 + 4999)), ..before[0].presence.clone() };
    relay(&data).writer.write(&[&Write::Presence { user: at("ann"), presence: lost.clone() }]).unwrap();
    let wish = restoring(&backup, &restored);
    assert_eq!(restore(&wish).unwrap().lifted, 2);
    let again = relay(&restored);
    let [ann, bob, carl] = ["ann", "bob", "carl"].map(|name| user(&again, name));
    assert!(ann.presence.version > lost.version);
    assert_eq!((ann.presence.version, bob.presence.version), (Version(wish.now.0), Version(wish.now.0)));
    assert_eq!(ann.presence.values, before[0].presence.values);
    assert_eq!(carl.presence.version, Version(0), "what was never set has no version");
    // The concealed are told of no other moment than everybody.
    assert_eq!(ann.acl.unwrap().concealed, [None, Some(Version(wish.now.0))]);
    // A store that is ahead of the clock stays ahead.
    drop(again);
    let early = Restoring { replace: true, now: NOW, ..wish };
    restore(&early).unwrap();
    let second = tempfile::tempdir().unwrap();
    let to = second.path().join("b");
    relay(&restored)
        .writer
        .write(&[&Write::Presence { user: at("ann"), presence: StoredPresence { version: Version(u64::MAX >> 2), ..lost } }])
        .unwrap();
    make(&making(&restored, &to)).unwrap();
    restore(&Restoring { from: &to, ..early }).unwrap();
    assert_eq!(user(&relay(&restored), "ann").presence.version, Version((u64::MAX >> 2) + 1));
}

#[test]
fn a_backup_is_private_whole_and_never_half() {
    let (all, [data, backup, _]) = places();
    let config = all.path().join("relay.toml");
    fs::write(&config, "domains = []").unwrap();
    let wish = Making { config: Some(&config), ..making(&data, &backup) };
    // What a killed one left behind.
    let half = all.path().join(".backup.impp-half");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("store.db"), "half").unwrap();
    make(&wish).unwrap();
    assert_eq!(names(&backup), ["impp-relay.toml", "manifest.json", "store.db"]);
    assert_eq!(names(all.path()), ["backup", "data", "relay.toml"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&backup), 0o700);
    assert!(names(&backup).iter().all(|name| mode(&backup.join(name)) == 0o600));
    // Refused, with words; and nothing is changed by it.
    let manifest = fs::read(backup.join("manifest.json")).unwrap();
    let refused = |wish: &Making<'_>| make(wish).unwrap_err().to_string();
    assert!(refused(&wish).contains("holds the backup of 2026-11-27T14:33:20Z; name another folder"), "{}", refused(&wish));
    assert!(refused(&Making { to: &data, replace: true, ..wish }).contains("holds something that is no backup"));
    assert!(refused(&Making { to: &config, ..wish }).contains("holds something that is no backup"));
    let nowhere = all.path().join("nowhere");
    assert!(refused(&Making { data: &nowhere, ..wish }).starts_with("there is no store in"));
    assert_eq!(fs::read(backup.join("manifest.json")).unwrap(), manifest);
    // Two at once.
    let place = super::place::Place::begin(&nowhere, false).unwrap();
    assert_eq!(super::place::Place::begin(&nowhere, false).err(), Some(BackupError::UnderWay(nowhere.clone())));
    drop(place);
    assert_eq!(names(all.path()), ["backup", "data", "relay.toml"]);
}

#[test]
fn an_earlier_backup_goes_only_when_asked_and_comes_back_when_the_new_one_fails() {
    let (all, [data, backup, _]) = places();
    let aside = all.path().join(".backup.impp-replaced");
    let time = |folder: &Path| verify::folder(folder).unwrap().manifest.unwrap().time.0;
    let at = |seconds: u64, replace: bool| Making { replace, now: UnixMillis(NOW.0 + seconds * 1000), ..making(&data, &backup) };
    make(&making(&data, &backup)).unwrap();
    // One that was killed between the two names; without --replace it is let alone.
    fs::rename(&backup, &aside).unwrap();
    make(&at(1, false)).unwrap();
    assert_eq!((time(&aside), time(&backup)), (NOW.0, NOW.0 + 1000));
    // With it, an older one of the same kind goes.
    make(&at(2, true)).unwrap();
    assert_eq!(names(all.path()), ["backup", "data"]);
    // Put back first, so that one that fails leaves what was there.
    fs::rename(&backup, &aside).unwrap();
    let place = super::place::Place::begin(&backup, true).unwrap();
    assert_eq!((time(&backup), names(all.path()).len()), (NOW.0 + 2000, 3));
    // The new one cannot take its name: it is gone.
    fs::remove_dir(place.folder()).unwrap();
    assert!(place.finish().is_err());
    assert_eq!((time(&backup), names(all.path())), (NOW.0 + 2000, vec!["backup".to_owned(), "data".to_owned()]));
    // What is left of one that was being removed goes where there is a whole one, and is nothing to put back.
    fs::create_dir(&aside).unwrap();
    fs::copy(backup.join("store.db"), aside.join("store.db")).unwrap();
    fs::rename(&backup, all.path().join("elsewhere")).unwrap();
    assert_eq!(make(&at(3, true)).unwrap_err(), BackupError::InTheWay(aside.clone()));
    fs::rename(all.path().join("elsewhere"), &backup).unwrap();
    make(&at(3, true)).unwrap();
    assert_eq!((time(&backup), names(all.path())), (NOW.0 + 3000, vec!["backup".to_owned(), "data".to_owned()]));
    make(&at(2, true)).unwrap();
    // Another one took the place meanwhile: nobody asked to replace that.
    fs::rename(&backup, &aside).unwrap();
    let place = super::place::Place::begin(&backup, false).unwrap();
    fs::rename(&aside, &backup).unwrap();
    assert!(matches!(place.finish().unwrap_err(), BackupError::HoldsBackup { .. }));
    assert_eq!((time(&backup), names(all.path())), (NOW.0 + 2000, vec!["backup".to_owned(), "data".to_owned()]));
}

/// What is in a folder, its folders and links: names and contents.
fn all_in(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for name in names(folder) {
        let path = folder.join(name);
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            all.extend(all_in(&path));
        }
        all.push((path.clone(), if kind.is_file() { fs::read(&path).unwrap() } else { Vec::new() }));
    }
    all
}

#[test]
fn what_is_none_of_its_own_stays_as_it_is() {
    let (all, [data, backup, _]) = places();
    let [half, aside, other] = [".backup.impp-half", ".backup.impp-replaced", "other"].map(|name| all.path().join(name));
    let old = all.path().join("backup.old");
    for folder in [&old, &all.path().join("backup.half")] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("diary"), "mine").unwrap();
    }
    make(&making(&data, &backup)).unwrap();
    let wish = Making { replace: true, ..making(&data, &backup) };
    let refused = |in_the_way: &Path, of: &str| {
        let before = all_in(all.path());
        assert_eq!(make(&wish).unwrap_err(), BackupError::InTheWay(in_the_way.to_owned()), "{of}");
        assert_eq!(all_in(all.path()), before, "{of}");
    };
    make(&Making { to: &other, ..wish }).unwrap();
    for name in [&half, &aside] {
        std::os::unix::fs::symlink(&other, name).unwrap();
        refused(name, "a link");
        fs::remove_file(name).unwrap();
        fs::write(name, "mine").unwrap();
        refused(name, "a file");
        fs::remove_file(name).unwrap();
        fs::create_dir(name).unwrap();
        fs::write(name.join("diary"), "mine").unwrap();
        refused(name, "a folder");
        fs::copy(other.join("manifest.json"), name.join("manifest.json")).unwrap();
        refused(name, "a folder with something else in it");
        fs::remove_file(name.join("diary")).unwrap();
        fs::create_dir(name.join("store.db")).unwrap();
        refused(name, "a folder in it");
        fs::remove_dir(name.join("store.db")).unwrap();
        // Only root can show that another user's is refused.
        if std::os::unix::fs::chown(name, Some(12345), None).is_ok() {
            refused(name, "another user's");
        }
        fs::remove_dir_all(name).unwrap();
    }
    // Something was laid into the backup itself.
    fs::write(backup.join("diary"), "mine").unwrap();
    let before = all_in(all.path());
    assert_eq!(make(&wish).unwrap_err(), BackupError::HoldsOther(backup.clone()));
    assert_eq!(all_in(all.path()), before);
    fs::remove_file(backup.join("diary")).unwrap();
    // A link to a folder stands for the folder.
    let link = all.path().join("link");
    std::os::unix::fs::symlink(&backup, &link).unwrap();
    let later = Making { to: &link, now: UnixMillis(NOW.0 + 1000), ..wish };
    make(&later).unwrap();
    assert_eq!(verify::folder(&backup).unwrap().manifest.unwrap().time, later.now);
    assert_eq!(names(all.path()), ["backup", "backup.half", "backup.old", "data", "link", "other"]);
    assert_eq!(fs::read(old.join("diary")).unwrap(), b"mine");
}

#[test]
fn what_is_damaged_is_not_put_back() {
    let (_all, [data, backup, restored]) = places();
    make(&making(&data, &backup)).unwrap();
    for name in ["store.db", "manifest.json"] {
        let path = backup.join(name);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(997) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            let refused = restore(&restoring(&backup, &restored));
            // In the manifest there are octets that mean nothing, and names that say less.
            assert!(refused.is_err() || name == "manifest.json", "{name} {at}");
            let _ = fs::remove_dir_all(&restored);
        }
        fs::write(&path, whole).unwrap();
    }
    let early = Restoring { now: UnixMillis(NOW.0 - 1000), ..restoring(&backup, &restored) };
    assert!(restore(&early).unwrap_err().to_string().starts_with("the clock says 2026-11-27T14:33:19Z, before"));
    fs::remove_file(backup.join("manifest.json")).unwrap();
    assert_eq!(restore(&restoring(&backup, &restored)).unwrap_err(), BackupError::NoBackup(backup));
    assert!(!restored.exists(), "nothing was begun");
}

#[test]
fn a_restore_that_was_broken_off_keeps_the_relay_from_starting() {
    let (_all, [data, backup, _]) = places();
    make(&making(&data, &backup)).unwrap();
    fs::create_dir(data.join("restore.now")).unwrap();
    let error = open(&data, Role::Relay { remembered: 9 }).unwrap_err();
    assert!(error.to_string().ends_with("run impp-relay restore again"), "{error}");
    restore(&restoring(&backup, &data)).unwrap();
    assert_eq!(numbers(&relay(&data)), [1, 2]);
}

#[test]
fn backups_of_every_version_are_put_back() {
    for version in 1..=3 {
        let old = fixtures::store(version);
        let all = tempfile::tempdir().unwrap();
        let [backup, restored] = ["backup", "restored"].map(|name| all.path().join(name));
        let made = make(&making(old.path(), &backup)).unwrap();
        assert_eq!((made.manifest.schema as usize, made.faults), (version, Vec::new()));
        restore(&restoring(&backup, &restored)).unwrap();
        assert_eq!(numbers(&relay(&restored)), [1, 2], "version {version}");
    }
}

#[test]
fn a_damaged_store_is_copied_as_it_is_and_told() {
    let (_all, [data, backup, _]) = places();
    fixtures::sql(&data, "UPDATE message SET frame = CAST('SEND ?' AS BLOB) WHERE number = 1");
    let made = make(&making(&data, &backup)).unwrap();
    assert_eq!(made.faults.len(), 1, "{:?}", made.faults);
    assert_eq!(verify::folder(&backup).unwrap().faults, made.faults);
}
