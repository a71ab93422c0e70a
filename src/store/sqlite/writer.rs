//! Writing: all of it or nothing, and on the disk before it is promised.

use super::messages::{Arriving, delete_message, put_messages, stored_delivery};
use super::{failed, rows};
use crate::model::{Address, Domain, UnixMillis};
use crate::service::store::{Remembered, Start, StoreError, StoreWrite, StoredAcl, StoredPresence, StoredSubscription, Write};
use crate::store::recent::{self, Recent};
use crate::store::{Backend, DomainRecord, Remember, sums};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::fs::File;

/// Unused pages that are kept for the next messages: 16 MiB.
const SPARE_PAGES: u32 = 4096;
/// Unused pages given back at a time: 2 MiB, so that no write waits long behind it.
const RETURNED_PAGES: u32 = 512;

/// The one writer of this process. Others may write too, in turn.
#[derive(Debug)]
pub struct Writer {
    connection: Connection,
    /// Administrators' commands deliver nothing and keep no such log.
    recent: Option<Recent>,
    _lock: Option<File>,
    /// What SQLite calls the data version: changes when another connection commits.
    seen: i64,
}

impl Writer {
    pub(super) fn new(connection: Connection, recent: Option<Recent>, lock: Option<File>) -> rusqlite::Result<Self> {
        let seen = data_version(&connection)?;
        Ok(Self { connection, recent, _lock: lock, seen })
    }

    /// The log behind `remember`, to be used from any thread; `None` for administrators.
    #[must_use]
    pub fn recent(&self) -> Option<Recent> {
        self.recent.clone()
    }

    pub(in crate::store) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What the domain keeps about itself; `fresh` is kept if there is nothing yet. Its iteration count is
    /// also taken over while no user of the domain has a password: afterwards it would tell users apart.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn domain(&mut self, fresh: &DomainRecord) -> Result<DomainRecord, StoreError> {
        self.domain_record(fresh).map_err(failed)
    }

    /// Changes what an ACL remembers of concealment; nothing if the user has none.
    pub(in crate::store) fn change_acl(
        connection: &Connection,
        account: &str,
        change: impl FnOnce(&mut StoredAcl),
    ) -> rusqlite::Result<()> {
        let sql = "SELECT account, version, concealed, body, sum FROM acl WHERE account = ?1";
        let found = connection.prepare_cached(sql)?.query_row([account], rows::acl).optional()?;
        let Some(mut acl) = found else { return Ok(()) };
        change(&mut acl);
        put_acl(connection, &rows::address(account, 0)?, &acl)
    }

    fn domain_record(&mut self, fresh: &DomainRecord) -> rusqlite::Result<DomainRecord> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT INTO domain (name, decoy_key, iterations) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![fresh.name.as_str(), fresh.decoy_key, fresh.iterations],
        )?;
        let (from, to) = users_of(&fresh.name);
        transaction.execute(
            "UPDATE domain SET iterations = ?2 WHERE name = ?1 AND iterations <> ?2
             AND NOT EXISTS (SELECT 1 FROM credentials WHERE account >= ?3 AND account < ?4)",
            params![fresh.name.as_str(), fresh.iterations, from, to],
        )?;
        sums::DOMAIN.renew(&transaction, &[fresh.name.as_str()])?;
        let record = domain(&transaction, &fresh.name)?.unwrap_or_else(|| fresh.clone());
        transaction.commit()?;
        Ok(record)
    }

    /// Changes nothing, and waits for the disk as long as a change does, for a page is written and synced: a message that is dropped
    /// in secret must not be answered sooner than a stored one (SPEC §7.6); and whoever looks whether the store can write learns it.
    fn pretend(&mut self) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()
    }

    fn apply(&mut self, writes: &[&Write]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut settled = Vec::new();
        let mut messages = Vec::new();
        for write in writes {
            if let Write::Store { user, from, message_id, message } = write {
                messages.push(Arriving { user, from, message_id, message });
                continue;
            }
            // Another write may be about one of them.
            put_messages(&transaction, &std::mem::take(&mut messages))?;
            match write {
                Write::Store { .. } => {}
                Write::Presence { user, presence } => put_presence(&transaction, user, presence)?,
                Write::Acl { user, acl } => put_acl(&transaction, user, acl)?,
                Write::Subscribe { user, subscription } => put_subscription(&transaction, user, subscription)?,
                Write::Told { user, subscriber, connection, version } => {
                    let sql = "UPDATE subscription SET told = ?4 WHERE presentity = ?1 AND subscriber = ?2 AND connection = ?3";
                    let told = rows::integer(version.0);
                    let key = params![user.as_str(), subscriber.as_str(), connection.as_str(), told];
                    transaction.prepare_cached(sql)?.execute(key)?;
                    sums::SUBSCRIPTION.renew(&transaction, &[user.as_str(), subscriber.as_str(), connection.as_str()])?;
                }
                Write::Unsubscribe { user, subscriber, connection } => {
                    let sql = "DELETE FROM subscription WHERE presentity = ?1 AND subscriber = ?2 AND connection = ?3";
                    let key = params![user.as_str(), subscriber.as_str(), connection.as_str()];
                    transaction.prepare_cached(sql)?.execute(key)?;
                }
                Write::Delete { user, number } => settled.extend(delete_message(&transaction, user, *number)?),
            }
        }
        put_messages(&transaction, &messages)?;
        // Before the commit: the row is what remembered these messages, and it must not go first.
        if let Some(recent) = self.recent.as_ref().filter(|_| !settled.is_empty()) {
            let _ = recent
                .taken_out(&settled)
                .inspect_err(|error| tracing::error!(target: "impp::store", %error, "deliveries not remembered"));
        }
        transaction.commit()
    }
}

impl StoreWrite for Writer {
    fn start(&mut self, now: UnixMillis) -> Result<Start, StoreError> {
        let last = rows::last_message(&self.connection).map_err(failed)?;
        let mut remembered = self.waiting(now).map_err(failed)?;
        if let Some(recent) = &self.recent {
            remembered.extend(recent.load(now)?);
        }
        let next_message = last.saturating_add(1);
        Ok(Start { next_message, remembered: recent::merge(remembered), watched: self.watched().map_err(failed)? })
    }

    fn write(&mut self, writes: &[&Write]) -> Result<(), StoreError> {
        if writes.is_empty() { self.pretend() } else { self.apply(writes) }.map_err(failed)
    }

    fn remember(&mut self, deliveries: &[Remembered]) -> Result<(), StoreError> {
        self.recent.as_ref().map_or(Ok(()), |recent| recent.remember(deliveries))
    }
}

impl Writer {
    /// Messages that still wait are remembered by their rows.
    fn waiting(&self, now: UnixMillis) -> rusqlite::Result<Vec<Remembered>> {
        let mut statement = self.connection.prepare("SELECT fingerprint, stored FROM message WHERE stored > ?1")?;
        let since = rows::integer(now.0.saturating_sub(recent::MEMORY_MILLIS));
        statement.query_map([since], stored_delivery)?.collect()
    }
}

impl Writer {
    /// Whose presence is subscribed to from other domains.
    fn watched(&self) -> rusqlite::Result<Vec<Address>> {
        let mut statement = self.connection.prepare("SELECT DISTINCT presentity FROM subscription")?;
        let found = statement.query_map([], |row| rows::address(&row.get::<_, String>(0)?, 0))?;
        found.collect()
    }
}

impl Backend for Writer {
    fn changed_outside(&mut self) -> bool {
        match data_version(&self.connection) {
            Ok(version) => std::mem::replace(&mut self.seen, version) != version,
            Err(error) => {
                failed(error);
                false
            }
        }
    }

    fn tidy(&mut self) -> bool {
        let spare: rusqlite::Result<u32> = self.connection.pragma_query_value(None, "freelist_count", |row| row.get(0));
        let untidy = spare.is_ok_and(|pages| pages > SPARE_PAGES);
        if untidy {
            // It frees one page per step, so all its rows must be asked for.
            let sql = format!("PRAGMA incremental_vacuum({RETURNED_PAGES})");
            let returned = self.connection.prepare(&sql).and_then(|mut steps| steps.query_map([], |_| Ok(()))?.collect());
            returned.unwrap_or_else(|error| {
                failed(error);
            });
        }
        untidy
    }

    fn finish(&mut self) {
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed);
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

pub(in crate::store) fn put_presence(connection: &Connection, user: &Address, presence: &StoredPresence) -> rusqlite::Result<()> {
    let sql = "UPDATE account SET presence_version = ?2 WHERE address = ?1";
    if connection.prepare_cached(sql)?.execute(params![user.as_str(), rows::integer(presence.version.0)])? == 0 {
        // Removed by an administrator meanwhile: there is nobody whose presence this could be.
        return Err(rusqlite::Error::QueryReturnedNoRows);
    }
    connection.prepare_cached("DELETE FROM presence_value WHERE account = ?1")?.execute([user.as_str()])?;
    let sql = "INSERT INTO presence_value (account, position, view, until, content_type, transfer_encoding, disposition, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let mut insert = connection.prepare_cached(sql)?;
    for (position, value) in (0_i64..).zip(&presence.values) {
        insert.execute(params![
            user.as_str(),
            position,
            value.view.as_ref().map(|view| view.as_str()),
            value.until.map(|until| rows::integer(until.0)),
            value.body.content_type,
            value.body.transfer_encoding,
            value.body.disposition,
            value.body.octets.as_ref(),
        ])?;
    }
    sums::renew_presence(connection, user.as_str())
}

pub(in crate::store) fn put_acl(connection: &Connection, user: &Address, acl: &StoredAcl) -> rusqlite::Result<()> {
    let sql = "INSERT INTO acl (account, version, concealed, body) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT DO UPDATE SET version = excluded.version, concealed = excluded.concealed, body = excluded.body";
    connection.prepare_cached(sql)?.execute(params![
        user.as_str(),
        rows::integer(acl.version.0),
        rows::concealed_words(acl),
        acl.body.as_ref()
    ])?;
    sums::ACL.renew(connection, &[user.as_str()])
}

pub(in crate::store) fn put_subscription(
    connection: &Connection,
    user: &Address,
    subscription: &StoredSubscription,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO subscription (presentity, subscriber, connection, since, until, told) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT DO UPDATE SET since = excluded.since, until = excluded.until, told = excluded.told";
    connection.prepare_cached(sql)?.execute(params![
        user.as_str(),
        subscription.subscriber.as_str(),
        subscription.connection.as_str(),
        rows::integer(subscription.since.0),
        rows::integer(subscription.until.0),
        rows::integer(subscription.told.0),
    ])?;
    let key = [user.as_str(), subscription.subscriber.as_str(), subscription.connection.as_str()];
    sums::SUBSCRIPTION.renew(connection, &key)
}

/// The domain's record, if there is one.
pub(in crate::store) fn domain(connection: &Connection, name: &Domain) -> rusqlite::Result<Option<DomainRecord>> {
    let sql = "SELECT decoy_key, iterations FROM domain WHERE name = ?1";
    let found = connection.query_row(sql, [name.as_str()], |row| {
        Ok(DomainRecord { name: name.clone(), decoy_key: row.get(0)?, iterations: row.get(1)? })
    });
    found.optional()
}

/// The range of keys in which all users of a domain lie: `0` follows `/` in ASCII.
pub(in crate::store) fn users_of(domain: &Domain) -> (String, String) {
    (format!("impp://{domain}/"), format!("impp://{domain}0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Credentials, MessageId};
    use crate::service::store::StoredMessage;
    use crate::store::accounts::Accounts;
    use crate::store::sqlite::{Role, open};

    fn message(number: u64, size: usize) -> Write {
        let [user, from] = ["ann", "bob"].map(|name| Address::parse(&format!("{name}@example.org")).unwrap());
        let message = StoredMessage { number, frame: vec![0; size].into(), expires: None, stored: UnixMillis(0) };
        Write::Store { user, from, message_id: MessageId::parse(&format!("<{number}@x>")).unwrap(), message }
    }

    fn with_ann(folder: &std::path::Path) -> Accounts {
        let ann = Address::parse("ann@example.org").unwrap();
        let mut accounts = Accounts::open(folder, [ann.domain()]).unwrap();
        accounts.add(&ann, None, UnixMillis(0)).unwrap();
        accounts
    }

    /// SQLite itself says "full" at a page limit, as it does when the disk has no room.
    #[test]
    fn a_full_disk_is_told_apart_and_outlived() {
        let folder = tempfile::tempdir().unwrap();
        drop(with_ann(folder.path()));
        let mut writer = open(folder.path(), Role::Relay { remembered: 9 }).unwrap().writer;
        let limit = |writer: &Writer, pages: u32| -> u32 {
            writer.connection.query_row(&format!("PRAGMA max_page_count({pages})"), [], |row| row.get(0)).unwrap()
        };
        limit(&writer, 40);
        assert_eq!(writer.write(&[&message(1, 1000), &message(2, 1 << 20)]), Err(StoreError::Full));
        writer.write(&[&message(3, 1000)]).unwrap();
        limit(&writer, 1 << 20);
        writer.write(&[&message(1, 1000), &message(2, 1 << 20)]).unwrap();
        let octets: i64 = writer.connection.query_row("SELECT mailbox_octets FROM account", [], |row| row.get(0)).unwrap();
        assert_eq!(octets, 2000 + (1 << 20));
    }

    /// Some by one statement, the others alone; and each write sees those before it.
    #[test]
    fn many_messages_at_once_arrive_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        drop(with_ann(folder.path()));
        let mut writer = open(folder.path(), Role::Relay { remembered: 9 }).unwrap().writer;
        let user = Address::parse("ann@example.org").unwrap();
        let mut writes: Vec<Write> = (1..=20).map(|number| message(number, 10)).collect();
        writes.extend([3, 20].map(|number| Write::Delete { user: user.clone(), number }));
        writes.extend((21..=60).map(|number| message(number, 10)));
        writer.write(&writes.iter().collect::<Vec<_>>()).unwrap();
        let sql = "SELECT mailbox_messages, mailbox_octets, (SELECT group_concat(number) FROM message) FROM account";
        let found = writer.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let numbers: Vec<String> =
            (1..=60).filter(|number| ![3, 20].contains(number)).map(|number: u64| number.to_string()).collect();
        assert_eq!(found, (58, 580, numbers.join(",")));
        // One that cannot be written, and none is.
        let twice: Vec<Write> = (61..=76).chain([61]).map(|number| message(number, 10)).collect();
        assert_eq!(writer.write(&twice.iter().collect::<Vec<_>>()), Err(StoreError::Corrupt));
        assert_eq!(rows::last_message(&writer.connection).unwrap(), 60);
        let sql = format!("SELECT {}, sum FROM message", sums::MESSAGE.columns);
        let mut all = writer.connection.prepare(&sql).unwrap();
        let sound = all.query_map([], |row| Ok(row.get::<_, i64>(9)? == sums::of_row(row, 9)?)).unwrap();
        assert!(sound.into_iter().all(|sound| sound.unwrap()));
    }

    #[test]
    fn writing_nothing_takes_a_commit_too() {
        let folder = tempfile::tempdir().unwrap();
        drop(with_ann(folder.path()));
        let mut writer = open(folder.path(), Role::Relay { remembered: 9 }).unwrap().writer;
        let logged = || std::fs::metadata(folder.path().join("store.db-wal")).map_or(0, |file| file.len());
        writer.write(&[&message(1, 10)]).unwrap();
        let before = logged();
        writer.write(&[]).unwrap();
        assert!(logged() > before, "{before} octets of log, then {}", logged());
        drop(writer);
        open(folder.path(), Role::Relay { remembered: 9 }).unwrap();
    }

    #[test]
    fn space_of_deleted_messages_is_given_back_when_idle() {
        let folder = tempfile::tempdir().unwrap();
        drop(with_ann(folder.path()));
        let mut writer = open(folder.path(), Role::Relay { remembered: 9 }).unwrap().writer;
        writer.write(&[&message(1, 32 << 20)]).unwrap();
        let user = Address::parse("ann@example.org").unwrap();
        writer.write(&[&Write::Delete { user, number: 1 }]).unwrap();
        let spare =
            |writer: &Writer| -> u32 { writer.connection.pragma_query_value(None, "freelist_count", |row| row.get(0)).unwrap() };
        let before = spare(&writer);
        assert!(before > SPARE_PAGES);
        for _ in 0..=(before / RETURNED_PAGES) {
            writer.tidy();
        }
        let after = spare(&writer);
        // The pages of the map of pages go as well, so it may be a few less.
        assert!((SPARE_PAGES - RETURNED_PAGES - 9..=SPARE_PAGES).contains(&after), "{before} then {after}");
    }

    #[test]
    fn a_domains_key_stays_and_its_count_until_there_is_a_password() {
        let folder = tempfile::tempdir().unwrap();
        let mut accounts = with_ann(folder.path());
        let ann = Address::parse("ann@example.org").unwrap();
        let fresh = |key, iterations| DomainRecord { name: ann.domain(), decoy_key: [key; 32], iterations };
        assert_eq!(accounts.domain(&fresh(1, 4096)).unwrap(), fresh(1, 4096));
        assert_eq!(accounts.domain(&fresh(2, 5000)).unwrap(), fresh(1, 5000));
        let hashed = |iterations| Credentials { iterations, salt: vec![0; 16], stored_key: [0; 32], server_key: [0; 32] };
        accounts.set_password(&ann, &hashed(5000)).unwrap();
        assert_eq!(accounts.domain(&fresh(3, 6000)).unwrap(), fresh(1, 5000));
        let mut writer = open(folder.path(), Role::Relay { remembered: 9 }).unwrap().writer;
        assert_eq!(writer.domain(&fresh(4, 7000)).unwrap(), fresh(1, 5000));
    }
}
