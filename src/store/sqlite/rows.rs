//! How values lie in columns: each way beside its way back.

use crate::model::{Address, ConnectionId, Credentials, Token, UnixMillis, Version};
use crate::service::store::{Account, Entity, Moved, StoredAcl, StoredMessage, StoredSubscription, StoredValue};
use bytes::Bytes;
use rusqlite::Row;
use rusqlite::types::Type;

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
pub(super) const fn integer(value: u64) -> i64 {
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

/// A stored message, from the columns `number, stored, expires, frame`.
pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<StoredMessage> {
    Ok(StoredMessage {
        number: unsigned(row, 0)?,
        stored: UnixMillis(unsigned(row, 1)?),
        expires: time(row, 2)?,
        frame: bytes(row, 3)?,
    })
}

/// A subscription of another domain, from the columns `subscriber, connection, since, until, told`.
pub(super) fn subscription(row: &Row<'_>) -> rusqlite::Result<StoredSubscription> {
    let (subscriber, connection): (String, String) = (row.get(0)?, row.get(1)?);
    let connection = ConnectionId::parse(&connection);
    Ok(StoredSubscription {
        subscriber: address(&subscriber, 0)?,
        connection: connection.ok_or(rusqlite::Error::InvalidColumnType(1, "connection".into(), Type::Text))?,
        since: UnixMillis(unsigned(row, 2)?),
        until: UnixMillis(unsigned(row, 3)?),
        told: Version(unsigned(row, 4)?),
    })
}

/// A user's ACL, from the columns `version, concealed, body`.
pub(super) fn acl(row: &Row<'_>) -> rusqlite::Result<StoredAcl> {
    let words: String = row.get(1)?;
    let concealed = words.split_ascii_whitespace().map(|word| match word {
        "-" => Ok(None),
        word => Version::parse(word).map(Some).ok_or(rusqlite::Error::InvalidColumnType(1, "concealed".into(), Type::Text)),
    });
    Ok(StoredAcl { version: Version(unsigned(row, 0)?), concealed: concealed.collect::<Result<_, _>>()?, body: bytes(row, 2)? })
}

/// One word per rule: a version, or `-`.
pub(super) fn concealed_words(acl: &StoredAcl) -> String {
    let words = acl.concealed.iter().map(|version| version.map_or_else(|| "-".to_owned(), |version| version.to_string()));
    words.collect::<Vec<_>>().join(" ")
}

/// One published value, from the columns `view, until, content_type, transfer_encoding, disposition, body`.
pub(super) fn value(row: &Row<'_>) -> rusqlite::Result<StoredValue> {
    let view: Option<String> = row.get(0)?;
    let view = view.map(|view| Token::parse(&view).ok_or(rusqlite::Error::InvalidColumnType(0, "view".into(), Type::Text)));
    let body =
        Entity { content_type: row.get(2)?, transfer_encoding: row.get(3)?, disposition: row.get(4)?, octets: bytes(row, 5)? };
    Ok(StoredValue { view: view.transpose()?, until: time(row, 1)?, body })
}

/// What a password is checked against, from the columns `iterations, salt, stored_key, server_key`.
pub(super) fn credentials(row: &Row<'_>) -> rusqlite::Result<Credentials> {
    Ok(Credentials { iterations: row.get(0)?, salt: row.get(1)?, stored_key: row.get(2)?, server_key: row.get(3)? })
}

fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    row.get::<_, Vec<u8>>(column).map(Bytes::from)
}
