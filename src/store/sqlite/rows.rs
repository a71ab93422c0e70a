//! How values lie in columns: each way beside its way back.

use crate::model::{Address, ConnectionId, Credentials, Token, UnixMillis, Version};
use crate::service::store::{Account, Entity, Moved, StoredAcl, StoredMessage, StoredSubscription, StoredValue};
use crate::store::sums::{self, Table};
use bytes::Bytes;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};

/// An account from its columns, which begin at `first`, from the columns `disabled, presence, inbox, moved_to, moved_permanently`.
pub(in crate::store) fn account(row: &Row<'_>, first: usize) -> rusqlite::Result<Account> {
    let to: Option<String> = row.get(first + 3)?;
    let moved = to.map(|to| Ok::<_, rusqlite::Error>(Moved { to: address(&to, first + 3)?, permanently: row.get(first + 4)? }));
    Ok(Account {
        disabled: row.get(first)?,
        presence: row.get(first + 1)?,
        inbox: row.get(first + 2)?,
        moved: moved.transpose()?,
    })
}

/// An address as it was written.
pub(in crate::store) fn address(text: &str, column: usize) -> rusqlite::Result<Address> {
    Address::parse_url(text).map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// SQLite's integers are signed; the octets are the same, and nothing large is compared.
pub(in crate::store) const fn integer(value: u64) -> i64 {
    value.cast_signed()
}

/// The number that [`integer`] wrote.
pub(in crate::store) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::cast_unsigned)
}

/// A time, where there is one.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<UnixMillis>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(|millis| UnixMillis(millis.cast_unsigned())))
}

/// The largest number that a message ever had, or 0.
pub(in crate::store) fn last_message(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'message'";
    connection.query_row(sql, [], |row| unsigned(row, 0)).optional().map(Option::unwrap_or_default)
}

/// A stored message, from where `number, stored, expires` and `frame` stand.
pub(in crate::store) fn message(row: &Row<'_>, [number, stored, expires, frame]: [usize; 4]) -> rusqlite::Result<StoredMessage> {
    Ok(StoredMessage {
        number: unsigned(row, number)?,
        stored: UnixMillis(unsigned(row, stored)?),
        expires: time(row, expires)?,
        frame: bytes(row, frame)?,
    })
}

/// A subscription of another domain, from its columns, which begin at `first`, from the columns `subscriber, connection, since, until, told`.
pub(in crate::store) fn subscription(row: &Row<'_>, first: usize) -> rusqlite::Result<StoredSubscription> {
    let (subscriber, connection): (String, String) = (row.get(first)?, row.get(first + 1)?);
    let connection = ConnectionId::parse(&connection);
    Ok(StoredSubscription {
        subscriber: address(&subscriber, first)?,
        connection: connection.ok_or(rusqlite::Error::InvalidColumnType(first + 1, "connection".into(), Type::Text))?,
        since: UnixMillis(unsigned(row, first + 2)?),
        until: UnixMillis(unsigned(row, first + 3)?),
        told: Version(unsigned(row, first + 4)?),
    })
}

/// Insists on the checksum that follows the columns of this table: what decides who may do what is not taken damaged.
fn checked(row: &Row<'_>, table: Table) -> rusqlite::Result<()> {
    let width = table.width();
    let sum: Option<i64> = row.get(width)?;
    if sum == Some(sums::of_row(row, width)?) {
        return Ok(());
    }
    Err(rusqlite::Error::FromSqlConversionFailure(width, Type::Integer, format!("a row of {} is damaged", table.name).into()))
}

/// A user's ACL, from the columns of [`sums::ACL`] and `sum`.
pub(in crate::store) fn acl(row: &Row<'_>) -> rusqlite::Result<StoredAcl> {
    checked(row, sums::ACL)?;
    let words: String = row.get(2)?;
    let concealed = words.split_ascii_whitespace().map(|word| match word {
        "-" => Ok(None),
        word => Version::parse(word).map(Some).ok_or(rusqlite::Error::InvalidColumnType(2, "concealed".into(), Type::Text)),
    });
    Ok(StoredAcl { version: Version(unsigned(row, 1)?), concealed: concealed.collect::<Result<_, _>>()?, body: bytes(row, 3)? })
}

/// One word per rule: a version, or `-`.
pub(super) fn concealed_words(acl: &StoredAcl) -> String {
    let words = acl.concealed.iter().map(|version| version.map_or_else(|| "-".to_owned(), |version| version.to_string()));
    words.collect::<Vec<_>>().join(" ")
}

/// One published value, from the columns `view, until, content_type, transfer_encoding, disposition, body`.
pub(in crate::store) fn value(row: &Row<'_>) -> rusqlite::Result<StoredValue> {
    let view: Option<String> = row.get(0)?;
    let view = view.map(|view| Token::parse(&view).ok_or(rusqlite::Error::InvalidColumnType(0, "view".into(), Type::Text)));
    let body =
        Entity { content_type: row.get(2)?, transfer_encoding: row.get(3)?, disposition: row.get(4)?, octets: bytes(row, 5)? };
    Ok(StoredValue { view: view.transpose()?, until: time(row, 1)?, body })
}

/// What a password is checked against, from the columns of [`sums::CREDENTIALS`] and `sum`.
pub(in crate::store) fn credentials(row: &Row<'_>) -> rusqlite::Result<Credentials> {
    checked(row, sums::CREDENTIALS)?;
    Ok(Credentials { iterations: row.get(1)?, salt: row.get(2)?, stored_key: row.get(3)?, server_key: row.get(4)? })
}

fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    row.get::<_, Vec<u8>>(column).map(Bytes::from)
}
