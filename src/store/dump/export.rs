//! Reading all of a store, as of one moment, while a relay is at work or not.

use super::item::Item;
use crate::model::{Address, Domain, MessageId, UnixMillis, Version};
use crate::service::store::StoredPresence;
use crate::store::backup::{settled, together};
use crate::store::sqlite::{self, DATABASE_FILE, Role, rows};
use crate::store::{DomainRecord, OpenError, copy, recent};
use rusqlite::types::Type;
use rusqlite::{Connection, Row};
use std::path::Path;

/// Why not all was exported.
#[derive(Debug)]
pub enum ExportError<E> {
    /// The store cannot be read.
    Open(OpenError),
    /// A row is damaged.
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
/// The log of deliveries is read after the moment of which the database is: what was taken out in between is left out.
///
/// # Errors
/// [`ExportError`]; lines that were given until then are no whole export.
pub fn export<E>(folder: &Path, mut take: impl FnMut(String) -> Result<(), E>) -> Result<(), ExportError<E>> {
    // An older store is brought to the newest version first; one that is not there is none.
    let path = folder.join(DATABASE_FILE);
    sqlite::is_one_store(folder)?;
    copy::reading(&path)?;
    drop(sqlite::open(folder, Role::Administrator)?);
    let connection = copy::reading(&path)?;
    let failed = |error: rusqlite::Error| OpenError::sqlite(&path, &error);
    let moment = connection.unchecked_transaction().map_err(failed)?;
    // The moment begins with the first read.
    let last_message = rows::last_message(&moment).map_err(failed)?;
    let mut give = |item: &Item| take(item.to_json().to_string()).map_err(ExportError::Taker);
    give(&Item::Head { last_message })?;
    let log = together(recent::entries(folder)?);
    all(&moment, "SELECT name, decoy_key, iterations FROM domain ORDER BY name", domain, &mut give)?;
    all(&moment, USERS, user, &mut give)?;
    all(&moment, "SELECT account, version, concealed, body, sum FROM acl ORDER BY account", acl, &mut give)?;
    let sql = "SELECT address, presence_version FROM account WHERE presence_version > 0 ORDER BY address";
    all(&moment, sql, |row| presence(&moment, row), &mut give)?;
    let sql = "SELECT subscriber, connection, since, until, told, presentity FROM subscription ORDER BY presentity, subscriber, connection";
    all(&moment, sql, subscription, &mut give)?;
    let gone = settled(&log);
    let sql = "SELECT number, stored, expires, frame, mailbox, sender, message_id, fingerprint FROM message ORDER BY number";
    each(&moment, sql, message, |(item, name)| if gone.contains(&name) { Ok(()) } else { give(&item) })?;
    log.into_iter().try_for_each(|entry| give(&Item::Delivery(entry)))
}

fn all<E>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<Item>,
    give: &mut impl FnMut(&Item) -> Result<(), ExportError<E>>,
) -> Result<(), ExportError<E>> {
    each(connection, sql, read, |item| give(&item))
}

fn each<T, E>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    mut act: impl FnMut(T) -> Result<(), ExportError<E>>,
) -> Result<(), ExportError<E>> {
    let mut statement = connection.prepare(sql).map_err(|_| ExportError::Damaged)?;
    let rows = statement.query_map([], read).map_err(|_| ExportError::Damaged)?;
    for row in rows {
        act(row.map_err(|_| ExportError::Damaged)?)?;
    }
    Ok(())
}

fn text_fault(column: usize, name: &str) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(column, name.into(), Type::Text)
}

fn domain(row: &Row<'_>) -> rusqlite::Result<Item> {
    let name: String = row.get(0)?;
    let name = Domain::parse(&name).map_err(|_| text_fault(0, "name"))?;
    Ok(Item::Domain(DomainRecord { name, decoy_key: row.get(1)?, iterations: row.get(2)? }))
}

/// Credentials first, with their checksum, as [`rows::credentials`] wants them.
const USERS: &str = "SELECT c.account, c.iterations, c.salt, c.stored_key, c.server_key, c.sum, address, created,
    disabled, presence, inbox, moved_to, moved_permanently FROM account LEFT JOIN credentials c ON c.account = address ORDER BY address";

fn user(row: &Row<'_>) -> rusqlite::Result<Item> {
    let has_password = row.get::<_, Option<String>>(0)?.is_some();
    Ok(Item::User {
        credentials: has_password.then(|| rows::credentials(row)).transpose()?,
        address: address(row, 6)?,
        created: UnixMillis(rows::unsigned(row, 7)?),
        account: rows::account(row, 8)?,
    })
}

fn address(row: &Row<'_>, column: usize) -> rusqlite::Result<Address> {
    rows::address(&row.get::<_, String>(column)?, column)
}

fn acl(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item::Acl { address: address(row, 0)?, acl: rows::acl(row)? })
}

fn presence(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Item> {
    let address = address(row, 0)?;
    let sql = "SELECT view, until, content_type, transfer_encoding, disposition, body FROM presence_value WHERE account = ?1 ORDER BY position";
    let values = connection.prepare_cached(sql)?.query_map([address.as_str()], rows::value)?.collect::<Result<Vec<_>, _>>()?;
    Ok(Item::Presence { address, presence: StoredPresence { version: Version(rows::unsigned(row, 1)?), values } })
}

fn subscription(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item::Subscription { subscription: rows::subscription(row)?, address: address(row, 5)? })
}

fn message(row: &Row<'_>) -> rusqlite::Result<(Item, crate::store::backup::Name)> {
    let message = rows::message(row)?;
    let name = (crate::model::Fingerprint(row.get(7)?), message.stored.0);
    let id: String = row.get(6)?;
    let id = MessageId::parse(&id).ok_or_else(|| text_fault(6, "message_id"))?;
    Ok((Item::Message { message, address: address(row, 4)?, from: address(row, 5)?, id }, name))
}
