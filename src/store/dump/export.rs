//! Reading all of a store, as of one moment, while a relay is at work or not; of a damaged one what is sound.

use super::item::Item;
use super::source::Source;
use crate::model::acl::{Acl, Action, Op, Rule, Who};
use crate::model::{Address, Domain, Fingerprint, MessageId, UnixMillis, Version};
use crate::service::store::{Account, StoredAcl, StoredPresence};
use crate::store::backup::{Name, settled, together};
use crate::store::sqlite::{self, DATABASE_FILE, Role, rows};
use crate::store::verify::rows::{ACCOUNT, ACL, CREDENTIALS, DOMAIN, MESSAGE, SUBSCRIPTION, Sound};
use crate::store::verify::{self, Fault};
use crate::store::{DomainRecord, OpenError, copy, migrations, recent, sums};
use rusqlite::types::Type;
use rusqlite::{Connection, Row};
use std::collections::BTreeSet;
use std::path::Path;

/// An export that was given whole, or as whole as the store is.
#[derive(Clone, Debug, Default)]
pub struct Exported {
    /// What is damaged in the store, and so is not in the export; nothing: all is there.
    pub faults: Vec<Fault>,
    /// Users whose account is damaged or lost, and who have other things: they are given, as disabled.
    pub disabled: Vec<Address>,
    /// Users whose rules are damaged or lost: they are given with rules that allow nobody anything.
    pub closed: Vec<Address>,
}

/// Why not all was exported.
#[derive(Debug)]
pub enum ExportError<E> {
    /// The store cannot be read.
    Open(OpenError),
    /// A row is damaged that was judged to be whole.
    Damaged,
    /// Whoever took the lines.
    Taker(E),
}

impl<E> From<OpenError> for ExportError<E> {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

/// Gives every line of an export to `take`. It has what checks passwords, and messages: it is a secret.
///
/// The store is judged first. Of a damaged one, lines are given for what is sound, and they can be imported: where the damage lets
/// nobody know whether something is allowed, it is not.
///
/// The log of deliveries is read after the moment of which the database is: what was taken out in between is left out.
///
/// # Errors
/// [`ExportError`]; lines that were given until then are no whole export.
pub fn export<E>(folder: &Path, mut take: impl FnMut(String) -> Result<(), E>) -> Result<Exported, ExportError<E>> {
    // An older store is brought to the newest version first; one that is not there is none.
    let path = folder.join(DATABASE_FILE);
    sqlite::is_one_store(folder)?;
    copy::reading(&path)?;
    drop(sqlite::open(folder, Role::Administrator)?);
    let connection = copy::reading(&path)?;
    let failed = |error: rusqlite::Error| OpenError::sqlite(&path, &error);
    // It begins with the first read.
    let moment = connection.unchecked_transaction().map_err(failed)?;
    let mut done = Exported::default();
    let (_, sound) = verify::database(&moment, migrations::newest(), &mut done.faults);
    let source = Source { moment: &moment, damaged: !done.faults.is_empty() };
    let last_message = match rows::last_message(&moment) {
        Err(_) if source.damaged => 0,
        found => found.map_err(failed)?,
    };
    let mut give = |item: &Item| take(item.to_json().to_string()).map_err(ExportError::Taker);
    give(&Item::Head { last_message })?;
    let log = together(recent::entries(folder)?);
    source.each(DOMAIN, domain, |item| give(&item))?;
    let users = users(source, &sound, &mut done, &mut give)?;
    rules(source, &users, &mut done, &mut give)?;
    presence(source, &users, &mut give)?;
    source.each(SUBSCRIPTION, subscription, |item| give(&item))?;
    let gone = settled(&log);
    let mut waits = |(item, name): (Item, Name)| if gone.contains(&name) { Ok(()) } else { give(&item) };
    if source.damaged {
        // One by one, as they were judged.
        for number in &sound.messages {
            source.one(MESSAGE, number, message)?.map_or(Ok(()), &mut waits)?;
        }
    } else {
        source.each(MESSAGE, message, waits)?;
    }
    log.into_iter().try_for_each(|entry| give(&Item::Delivery(entry)))?;
    verify::log(folder, &mut done.faults)?;
    Ok(done)
}

/// Gives the users; of a damaged store also those of whom only other things are left. Their addresses, if it is one.
fn users<E>(
    source: Source<'_>,
    sound: &Sound,
    done: &mut Exported,
    give: &mut impl FnMut(&Item) -> Result<(), ExportError<E>>,
) -> Result<BTreeSet<String>, ExportError<E>> {
    let mut users = BTreeSet::new();
    source.each(ACCOUNT, account, |found| {
        if source.damaged {
            users.insert(found.0.as_str().to_owned());
        }
        user(source, found, give)
    })?;
    if !source.damaged {
        return Ok(users);
    }
    let mut named = sound.mailboxes.clone();
    for kind in [CREDENTIALS, ACL] {
        let note = |name| {
            named.insert(name);
            Ok(())
        };
        source.each(kind, |row| row.get::<_, String>(0), note)?;
    }
    for name in named.difference(&users.clone()) {
        let Ok(address) = Address::parse_url(name) else { continue };
        // Whether it was, nobody knows.
        let account = Account { disabled: true, presence: true, inbox: true, moved: None };
        user(source, (address.clone(), UnixMillis(0), account), give)?;
        done.disabled.push(address);
        users.insert(name.clone());
    }
    Ok(users)
}

fn user<E>(
    source: Source<'_>,
    (address, created, account): (Address, UnixMillis, Account),
    give: &mut impl FnMut(&Item) -> Result<(), ExportError<E>>,
) -> Result<(), ExportError<E>> {
    let credentials = source.one(CREDENTIALS, &address.as_str(), rows::credentials)?;
    give(&Item::User { address, created, account, credentials })
}

/// Gives the rules. Where those of a user were and are not sound, nobody may do anything until they are set anew, as with a relay
/// that finds them so.
fn rules<E>(
    source: Source<'_>,
    users: &BTreeSet<String>,
    done: &mut Exported,
    give: &mut impl FnMut(&Item) -> Result<(), ExportError<E>>,
) -> Result<(), ExportError<E>> {
    let mut sound = BTreeSet::new();
    source.each(
        ACL,
        |row| Ok((address(row, 0)?, rows::acl(row)?)),
        |(address, acl)| {
            if source.damaged {
                sound.insert(address.as_str().to_owned());
            }
            give(&Item::Acl { address, acl })
        },
    )?;
    for name in users.difference(&sound) {
        // The index alone is read.
        let had = source.moment.prepare_cached("SELECT 1 FROM acl WHERE account = ?1").and_then(|mut one| one.exists([name]));
        let Ok(address) = Address::parse_url(name) else { continue };
        if !matches!(had, Ok(false)) {
            let no = |who| Rule { who, ops: Op::ALL.to_vec(), action: Action::Deny, view: None };
            let acl = Acl { rules: vec![no(Who::Anyone), no(Who::Anonymous)] };
            let acl = StoredAcl { version: Version(1), body: acl.to_xml(), concealed: vec![None; acl.rules.len()] };
            done.closed.push(address.clone());
            give(&Item::Acl { address, acl })?;
        }
    }
    Ok(())
}

fn presence<E>(
    source: Source<'_>,
    users: &BTreeSet<String>,
    give: &mut impl FnMut(&Item) -> Result<(), ExportError<E>>,
) -> Result<(), ExportError<E>> {
    if source.damaged {
        let published = users.iter().filter_map(|name| sound_presence(source.moment, name).ok().flatten());
        return published.into_iter().try_for_each(|item| give(&item));
    }
    let sql = "SELECT address FROM account WHERE presence_version > 0 ORDER BY address";
    let mut statement = source.moment.prepare(sql).map_err(|_| ExportError::Damaged)?;
    let mut rows = statement.query([]).map_err(|_| ExportError::Damaged)?;
    while let Some(row) = rows.next().map_err(|_| ExportError::Damaged)? {
        let item = row.get::<_, String>(0).and_then(|name| sound_presence(source.moment, &name));
        give(&item.ok().flatten().ok_or(ExportError::Damaged)?)?;
    }
    Ok(())
}

/// What a user published, if that is anything, and what was written.
fn sound_presence(moment: &Connection, name: &str) -> rusqlite::Result<Option<Item>> {
    let sql = "SELECT presence_version, presence_sum FROM account WHERE address = ?1";
    let read = |row: &Row<'_>| Ok((rows::unsigned(row, 0)?, row.get::<_, Option<i64>>(1)?));
    let (version, sum) = moment.prepare_cached(sql)?.query_row([name], read)?;
    if version == 0 || sum != Some(sums::of_presence(moment, name)?) {
        return Ok(None);
    }
    let sql = "SELECT view, until, content_type, transfer_encoding, disposition, body FROM presence_value WHERE account = ?1 ORDER BY position";
    let values = moment.prepare_cached(sql)?.query_map([name], rows::value)?.collect::<Result<Vec<_>, _>>()?;
    let presence = StoredPresence { version: Version(version), values };
    Ok(Some(Item::Presence { address: rows::address(name, 0)?, presence }))
}

fn text_fault(column: usize, name: &str) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(column, name.into(), Type::Text)
}

fn address(row: &Row<'_>, column: usize) -> rusqlite::Result<Address> {
    rows::address(&row.get::<_, String>(column)?, column)
}

fn domain(row: &Row<'_>) -> rusqlite::Result<Item> {
    let name: String = row.get(0)?;
    let name = Domain::parse(&name).map_err(|_| text_fault(0, "name"))?;
    Ok(Item::Domain(DomainRecord { name, decoy_key: row.get(1)?, iterations: row.get(2)? }))
}

fn account(row: &Row<'_>) -> rusqlite::Result<(Address, UnixMillis, Account)> {
    Ok((address(row, 0)?, UnixMillis(rows::unsigned(row, 1)?), rows::account(row, 2)?))
}

fn subscription(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item::Subscription { address: address(row, 0)?, subscription: rows::subscription(row, 1)? })
}

/// From the columns `number, mailbox, sender, message_id, fingerprint, stored, expires, octets, frame`.
fn message(row: &Row<'_>) -> rusqlite::Result<(Item, Name)> {
    let message = rows::message(row, [0, 5, 6, 8])?;
    let name = (Fingerprint(row.get(4)?), message.stored.0);
    let id: String = row.get(3)?;
    let id = MessageId::parse(&id).ok_or_else(|| text_fault(3, "message_id"))?;
    Ok((Item::Message { message, address: address(row, 1)?, from: address(row, 2)?, id }, name))
}
