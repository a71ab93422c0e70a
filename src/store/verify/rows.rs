//! Each record of a database: whether it is what was written, and whether it makes sense.

use super::{Counts, Fault, SUBSCRIPTIONS_SINCE, SUMS_SINCE, What, Whose, columns};
use crate::model::acl::Acl;
use crate::model::{Address, ConnectionId, Domain, Fingerprint, MessageId, Version};
use crate::store::sqlite::rows;
use crate::store::sums::{self, Table};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::{BTreeMap, BTreeSet};

/// A kind of rows with checksums of their own: their table, what they hold, and whether one makes sense.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Kind {
    pub(in crate::store) table: Table,
    what: What,
    sound: fn(&Row<'_>) -> bool,
}

pub(in crate::store) const DOMAIN: Kind = Kind { table: sums::DOMAIN, what: What::Domain, sound: is_domain };
pub(in crate::store) const ACCOUNT: Kind = Kind { table: sums::ACCOUNT, what: What::Account, sound: is_account };
pub(in crate::store) const CREDENTIALS: Kind = Kind { table: sums::CREDENTIALS, what: What::Credentials, sound: is_credentials };
pub(in crate::store) const ACL: Kind = Kind { table: sums::ACL, what: What::Acl, sound: is_acl };
pub(in crate::store) const MESSAGE: Kind = Kind { table: sums::MESSAGE, what: What::Message, sound: is_message };
pub(in crate::store) const SUBSCRIPTION: Kind =
    Kind { table: sums::SUBSCRIPTION, what: What::Subscription, sound: is_subscription };

impl Kind {
    /// Whether a row is what was written: its checksum, if it has one, and whether it makes sense. It has the columns of [`columns`].
    pub(in crate::store) fn is_whole(self, row: &Row<'_>, has_sums: bool) -> bool {
        let width = self.table.width();
        let summed = || Some(row.get::<_, Option<i64>>(width).ok()?? == sums::of_row(row, width).ok()?);
        (!has_sums || summed() == Some(true)) && (self.sound)(row)
    }
}

/// The messages that are what was written.
#[derive(Debug, Default)]
pub(in crate::store) struct Sound {
    /// Their numbers.
    pub(in crate::store) messages: Vec<i64>,
    /// For whom they wait.
    pub(in crate::store) mailboxes: BTreeSet<String>,
}

/// Judges every row. What cannot be read is a fault, never an error.
pub(super) fn judge(connection: &Connection, schema: u32, faults: &mut Vec<Fault>) -> (Counts, Sound) {
    let mut judge = Judge { connection, has_sums: schema >= SUMS_SINCE, bad: BTreeMap::new(), counts: Counts::default() };
    let unreadable = [
        judge.table(DOMAIN).err(),
        judge.table(ACCOUNT).err(),
        judge.table(CREDENTIALS).err(),
        judge.table(ACL).err(),
        judge.presence().err(),
        (schema >= SUBSCRIPTIONS_SINCE).then(|| judge.table(SUBSCRIPTION).err()).flatten(),
    ];
    faults.extend(unreadable.into_iter().flatten().map(|what| Fault::Unreadable { what }));
    let sound = judge.messages(faults);
    for ((what, user), rows) in judge.bad {
        faults.push(Fault::Rows { what, user, count: rows.count, numbers: rows.numbers });
    }
    (judge.counts, sound)
}

struct Judge<'a> {
    connection: &'a Connection,
    has_sums: bool,
    bad: BTreeMap<(What, Option<Whose>), Bad>,
    counts: Counts,
}

#[derive(Default)]
struct Bad {
    count: u64,
    numbers: Vec<u64>,
}

impl Judge<'_> {
    fn bad(&mut self, what: What, user: Option<String>, number: Option<u64>) {
        let bad = self.bad.entry((what, user.map(Whose))).or_default();
        bad.count += 1;
        bad.numbers.extend(number);
    }

    fn table(&mut self, kind: Kind) -> Result<(), What> {
        let what = kind.what;
        let read = || {
            let mut statement = self.connection.prepare(&columns(kind.table, self.has_sums))?;
            let mut found = statement.query([])?;
            let mut rows = Vec::new();
            let mut ended = Ok(());
            loop {
                match found.next() {
                    Ok(Some(row)) => rows.push((words(row, 0), kind.is_whole(row, self.has_sums))),
                    Ok(None) => break,
                    Err(error) => {
                        ended = Err(error);
                        break;
                    }
                }
            }
            Ok::<_, rusqlite::Error>((rows, ended))
        };
        let (rows, ended) = read().map_err(|_| what)?;
        for (user, whole) in rows {
            if !whole {
                self.bad(what, user, None);
                continue;
            }
            match what {
                What::Account => self.counts.accounts += 1,
                What::Subscription => self.counts.subscriptions += 1,
                _ => {}
            }
        }
        ended.map_err(|_| what)
    }

    /// What each account published, which has one checksum together.
    fn presence(&mut self) -> Result<(), What> {
        let all = |sql: &str| -> rusqlite::Result<Vec<(String, Option<i64>)>> {
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let sum = if self.has_sums { "presence_sum" } else { "NULL" };
        let accounts = all(&format!("SELECT address, {sum} FROM account")).map_err(|_| What::Presence)?;
        for (account, sum) in accounts {
            let found = sums::of_presence(self.connection, &account).ok();
            let summed = !self.has_sums || (found.is_some() && found == sum);
            if !summed || !self.is_presence(&account).unwrap_or(false) {
                self.bad(What::Presence, Some(account), None);
            }
        }
        Ok(())
    }

    fn is_presence(&self, account: &str) -> rusqlite::Result<bool> {
        let sql = "SELECT view, until, content_type, transfer_encoding, disposition, body FROM presence_value WHERE account = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        for value in statement.query_map([account], rows::value)? {
            if value?.body.presence().is_some_and(|ours| ours.is_err()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Messages one by one, so that a page that cannot be read costs those that lie on it and no others.
    fn messages(&mut self, faults: &mut Vec<Fault>) -> Sound {
        let mut known: BTreeMap<i64, Option<String>> = BTreeMap::new();
        for sql in
            ["SELECT number, NULL FROM message NOT INDEXED", "SELECT number, mailbox FROM message INDEXED BY message_mailbox"]
        {
            if self.list(sql, &mut known).is_err() {
                faults.push(Fault::Unreadable { what: What::Message });
            }
        }
        let mut found: BTreeMap<String, [i64; 2]> = BTreeMap::new();
        let mut sound = Vec::new();
        let sql = format!("{} WHERE number = ?1", columns(sums::MESSAGE, self.has_sums));
        for (number, mailbox) in &known {
            let judged = self.connection.prepare_cached(&sql).and_then(|mut statement| {
                let judge = |row: &Row<'_>| {
                    let octets = row.get_ref(8)?.as_blob().map_or(0, <[u8]>::len);
                    Ok((words(row, 1), octets, MESSAGE.is_whole(row, self.has_sums)))
                };
                statement.query_row([number], judge).optional()
            });
            match judged {
                Ok(Some((Some(user), octets, true))) => {
                    sound.push(*number);
                    let size = found.entry(user).or_default();
                    size[0] += 1;
                    size[1] = size[1].saturating_add(i64::try_from(octets).unwrap_or(i64::MAX));
                }
                Ok(Some((user, _, _))) => self.bad(What::Message, mailbox.clone().or(user), Some(number.cast_unsigned())),
                Ok(None) | Err(_) => self.bad(What::Message, mailbox.clone(), Some(number.cast_unsigned())),
            }
        }
        for [messages, octets] in found.values() {
            self.counts.messages += messages.cast_unsigned();
            self.counts.octets += octets.cast_unsigned();
        }
        self.mailboxes(&found, faults);
        let highest = known.last_key_value().map_or(0, |(number, _)| (*number).max(0).cast_unsigned());
        if rows::last_message(self.connection).unwrap_or(0) < highest {
            faults.push(Fault::Numbers);
        }
        Sound { messages: sound, mailboxes: found.into_keys().collect() }
    }

    fn list(&self, sql: &str, known: &mut BTreeMap<i64, Option<String>>) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mailbox = words(row, 1);
            let at = known.entry(row.get(0)?).or_default();
            *at = mailbox.or(at.take());
        }
        Ok(())
    }

    /// What accounts count against what is there; a mailbox with damaged messages is told of already.
    fn mailboxes(&self, found: &BTreeMap<String, [i64; 2]>, faults: &mut Vec<Fault>) {
        let told: BTreeSet<&str> = self
            .bad
            .keys()
            .filter(|(what, _)| *what == What::Message)
            .filter_map(|(_, user)| user.as_ref().map(|user| user.0.as_str()))
            .collect();
        let Ok(mut statement) = self.connection.prepare("SELECT address, mailbox_messages, mailbox_octets FROM account") else {
            return;
        };
        let Ok(mut rows) = statement.query([]) else { return };
        while let Ok(Some(row)) = rows.next() {
            let Some(user) = words(row, 0) else { continue };
            let counted = [row.get(1).unwrap_or(-1), row.get(2).unwrap_or(-1)];
            let found = found.get(&user).copied().unwrap_or_default();
            if counted != found && !told.contains(user.as_str()) {
                faults.push(Fault::Mailbox { user: Whose(user), counted, found });
            }
        }
    }
}

/// A text as it stands there, whatever has become of it.
pub(in crate::store) fn words(row: &Row<'_>, column: usize) -> Option<String> {
    match row.get_ref(column) {
        Ok(ValueRef::Text(text)) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

fn text(row: &Row<'_>, column: usize) -> Option<String> {
    row.get(column).ok()
}

fn address(row: &Row<'_>, column: usize) -> Option<Address> {
    Address::parse_url(&text(row, column)?).ok()
}

fn is_domain(row: &Row<'_>) -> bool {
    let key = row.get::<_, [u8; 32]>(1).is_ok() && row.get::<_, u32>(2).is_ok();
    key && text(row, 0).is_some_and(|name| Domain::parse(&name).is_ok_and(|domain| domain.as_str() == name))
}

fn is_account(row: &Row<'_>) -> bool {
    address(row, 0).is_some() && rows::unsigned(row, 1).is_ok() && rows::account(row, 2).is_ok()
}

fn is_credentials(row: &Row<'_>) -> bool {
    let keys = row.get::<_, [u8; 32]>(3).is_ok() && row.get::<_, [u8; 32]>(4).is_ok();
    address(row, 0).is_some() && row.get::<_, u32>(1).is_ok() && row.get::<_, Vec<u8>>(2).is_ok() && keys
}

fn is_acl(row: &Row<'_>) -> bool {
    let words = text(row, 2).unwrap_or_default();
    let sound = words.split_ascii_whitespace().all(|word| word == "-" || Version::parse(word).is_some());
    let body: Vec<u8> = row.get(3).unwrap_or_default();
    let rules = Acl::parse(&body).map(|acl| acl.rules.len());
    address(row, 0).is_some() && sound && rules == Ok(words.split_ascii_whitespace().count())
}

fn is_message(row: &Row<'_>) -> bool {
    let sound = || {
        let (mailbox, sender) = (address(row, 1)?, address(row, 2)?);
        let id = MessageId::parse(&text(row, 3)?)?;
        let fingerprint: [u8; 16] = row.get(4).ok()?;
        let octets: i64 = row.get(7).ok()?;
        let frame = row.get_ref(8).ok()?.as_blob().ok()?;
        let whole = usize::try_from(octets) == Ok(frame.len()) && frame.starts_with(b"SEND ");
        Some(whole && fingerprint == Fingerprint::new(&sender, &mailbox, &id).0)
    };
    sound() == Some(true)
}

fn is_subscription(row: &Row<'_>) -> bool {
    let connection = text(row, 2).and_then(|text| ConnectionId::parse(&text));
    address(row, 0).is_some() && address(row, 1).is_some() && connection.is_some()
}
