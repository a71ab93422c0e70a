//! Messages on their way into mailboxes, many at a time, and out of them.

use super::rows;
use crate::model::{Address, Fingerprint, MessageId, UnixMillis};
use crate::service::store::{Delivery, Remembered, StoredMessage};
use crate::store::sums;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

/// Messages that one statement writes, where there are so many: what SQLite does for each statement (the table's last number, a way back if it
/// fails) is a quarter of what a message costs that is written alone.
const TOGETHER: usize = 16;

/// A message that is to be written.
#[derive(Clone, Copy)]
pub(in crate::store) struct Arriving<'a> {
    /// Whose mailbox.
    pub(in crate::store) user: &'a Address,
    pub(in crate::store) from: &'a Address,
    pub(in crate::store) message_id: &'a MessageId,
    pub(in crate::store) message: &'a StoredMessage,
}

/// Writes messages in their order.
pub(in crate::store) fn put_messages(connection: &Connection, messages: &[Arriving<'_>]) -> rusqlite::Result<()> {
    for some in messages.chunks(TOGETHER) {
        if some.len() == TOGETHER {
            insert(connection, some)?;
        } else {
            // Any other number would be a statement of its own to be kept.
            some.chunks(1).try_for_each(|one| insert(connection, one))?;
        }
    }
    Ok(())
}

fn insert(connection: &Connection, messages: &[Arriving<'_>]) -> rusqlite::Result<()> {
    let fingerprints: Vec<Fingerprint> =
        messages.iter().map(|one| Fingerprint::new(one.from, one.user, one.message_id)).collect();
    let mut values = Vec::with_capacity(messages.len() * 10);
    for (Arriving { user, from, message_id, message }, fingerprint) in messages.iter().zip(&fingerprints) {
        let number = i64::try_from(message.number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, i64::MAX))?;
        let row = [
            ValueRef::Integer(number),
            sums::text(Some(user.as_str())),
            sums::text(Some(from.as_str())),
            sums::text(Some(message_id.as_str())),
            ValueRef::Blob(&fingerprint.0),
            ValueRef::Integer(rows::integer(message.stored.0)),
            sums::number(message.expires.map(|at| rows::integer(at.0))),
            ValueRef::Integer(rows::integer(message.frame.len() as u64)),
            ValueRef::Blob(&message.frame),
        ];
        values.extend(row);
        values.push(ValueRef::Integer(sums::of(&row)));
    }
    let sql =
        "INSERT INTO message (number, mailbox, sender, message_id, fingerprint, stored, expires, octets, frame, sum) VALUES ";
    let places = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; messages.len()].join(", ");
    let values = values.into_iter().map(ToSqlOutput::Borrowed);
    connection.prepare_cached(&format!("{sql}{places}"))?.execute(params_from_iter(values)).map(|_| ())
}

/// Takes a message out of its mailbox; `None`: it was not there.
pub(super) fn delete_message(connection: &Connection, user: &Address, number: u64) -> rusqlite::Result<Option<Remembered>> {
    let sql = "DELETE FROM message WHERE number = ?1 AND mailbox = ?2 RETURNING fingerprint, stored";
    connection.prepare_cached(sql)?.query_row(params![rows::integer(number), user.as_str()], stored_delivery).optional()
}

/// What is remembered of a stored message, from the columns `fingerprint, stored`.
pub(super) fn stored_delivery(row: &Row<'_>) -> rusqlite::Result<Remembered> {
    Ok(Remembered { fingerprint: Fingerprint(row.get(0)?), delivery: Delivery::Stored, at: UnixMillis(rows::unsigned(row, 1)?) })
}
