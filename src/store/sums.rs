//! A checksum for each row: SQLite's pages have none, and a bit that flips within a value would pass for the value.
//!
//! CRC-32 finds every damage within four neighbouring octets, and any other but one in four thousand million; its cost is
//! a memory copy's. It is no protection against somebody who means it.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

/// A table whose rows carry their checksum in the column `sum`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// The columns that name a row.
    pub(super) key: &'static [&'static str],
    /// What is summed, in this order; the key's columns among them.
    pub(super) columns: &'static str,
}

pub(super) const DOMAIN: Table = Table { name: "domain", key: &["name"], columns: "name, decoy_key, iterations" };
pub(super) const ACCOUNT: Table = Table {
    name: "account",
    key: &["address"],
    columns: "address, created, disabled, presence, inbox, moved_to, moved_permanently",
};
pub(super) const CREDENTIALS: Table =
    Table { name: "credentials", key: &["account"], columns: "account, iterations, salt, stored_key, server_key" };
pub(super) const ACL: Table = Table { name: "acl", key: &["account"], columns: "account, version, concealed, body" };
pub(super) const MESSAGE: Table = Table {
    name: "message",
    key: &["number"],
    columns: "number, mailbox, sender, message_id, fingerprint, stored, expires, octets, frame",
};
pub(super) const SUBSCRIPTION: Table = Table {
    name: "subscription",
    key: &["presentity", "subscriber", "connection"],
    columns: "presentity, subscriber, connection, since, until, told",
};
/// All tables but `presence_value`, whose rows are summed together in `account.presence_sum`.
pub(super) const TABLES: [Table; 6] = [DOMAIN, ACCOUNT, CREDENTIALS, ACL, MESSAGE, SUBSCRIPTION];

/// The version first, then the values in their order.
const PRESENCE: &str = "position, view, until, content_type, transfer_encoding, disposition, body";

/// A checksum being made. Each value is preceded by its kind and length, so that no two rows look alike.
#[derive(Default)]
pub(super) struct Sum(crc32fast::Hasher);

impl Sum {
    /// One more value.
    pub(super) fn add(&mut self, value: ValueRef<'_>) {
        let (kind, octets): (u8, &[u8]) = match value {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(number) => return self.number(number),
            // No column of ours is REAL; if one is found it is damage, and differs.
            ValueRef::Real(_) => (2, &[]),
            ValueRef::Text(text) => (3, text),
            ValueRef::Blob(octets) => (4, octets),
        };
        self.0.update(&[kind]);
        self.0.update(&(octets.len() as u64).to_le_bytes());
        self.0.update(octets);
    }

    fn number(&mut self, number: i64) {
        self.0.update(&[1]);
        self.0.update(&number.to_le_bytes());
    }

    /// As it stands in the column.
    pub(super) fn finish(self) -> i64 {
        i64::from(self.0.finalize())
    }
}

/// The checksum of a row with these values.
pub(super) fn of(values: &[ValueRef<'_>]) -> i64 {
    let mut sum = Sum::default();
    values.iter().for_each(|value| sum.add(*value));
    sum.finish()
}

/// A text or NULL.
pub(super) fn text(text: Option<&str>) -> ValueRef<'_> {
    text.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
}

/// A number or NULL.
pub(super) fn number(number: Option<i64>) -> ValueRef<'static> {
    number.map_or(ValueRef::Null, ValueRef::Integer)
}

/// The checksum of the first columns of a row that was read.
pub(super) fn of_row(row: &Row<'_>, columns: usize) -> rusqlite::Result<i64> {
    let mut sum = Sum::default();
    for column in 0..columns {
        sum.add(row.get_ref(column)?);
    }
    Ok(sum.finish())
}

impl Table {
    /// How many columns are summed.
    pub(super) fn width(self) -> usize {
        self.columns.split(", ").count()
    }

    /// Gives the row with this key the checksum of what it holds now; nothing if there is no such row.
    pub(super) fn renew(self, connection: &Connection, key: &[&str]) -> rusqlite::Result<()> {
        self.renew_row(connection, key.iter().map(|part| Value::from((*part).to_owned())).collect())
    }

    fn renew_row(self, connection: &Connection, key: Vec<Value>) -> rusqlite::Result<()> {
        let named = self.key.iter().enumerate().map(|(at, column)| format!("{column} = ?{}", at + 1));
        let row = named.collect::<Vec<_>>().join(" AND ");
        let sql = format!("SELECT {} FROM {} WHERE {row}", self.columns, self.name);
        let width = self.width();
        let sum = connection.prepare_cached(&sql)?.query_row(params_from_iter(&key), |row| of_row(row, width)).optional()?;
        let sql = format!("UPDATE {} SET sum = ?{} WHERE {row}", self.name, key.len() + 1);
        connection.prepare_cached(&sql)?.execute(params_from_iter(key.into_iter().chain([sum.into()]))).map(|_| ())
    }

    /// Gives each row its checksum.
    fn fill(self, connection: &Connection) -> rusqlite::Result<()> {
        let mut rows = connection.prepare(&format!("SELECT {} FROM {}", self.key.join(", "), self.name))?;
        let key = |row: &Row<'_>| (0..self.key.len()).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>();
        // All keys first: what is read must not be written to meanwhile.
        let keys: Vec<_> = rows.query_map([], key)?.collect::<Result<_, _>>()?;
        keys.into_iter().try_for_each(|key| self.renew_row(connection, key))
    }
}

/// The checksum of what an account has published, as its rows say.
pub(super) fn of_presence(connection: &Connection, account: &str) -> rusqlite::Result<i64> {
    let mut sum = Sum::default();
    let mut version = connection.prepare_cached("SELECT address, presence_version FROM account WHERE address = ?1")?;
    let mut found = version.query([account])?;
    while let Some(row) = found.next()? {
        sum.add(row.get_ref(0)?);
        sum.add(row.get_ref(1)?);
    }
    let sql = format!("SELECT {PRESENCE} FROM presence_value WHERE account = ?1 ORDER BY position");
    let mut values = connection.prepare_cached(&sql)?;
    let mut found = values.query([account])?;
    while let Some(row) = found.next()? {
        for column in 0..7 {
            sum.add(row.get_ref(column)?);
        }
    }
    Ok(sum.finish())
}

/// Gives an account the checksum of what it has published.
pub(super) fn renew_presence(connection: &Connection, account: &str) -> rusqlite::Result<()> {
    let sum = of_presence(connection, account)?;
    connection
        .prepare_cached("UPDATE account SET presence_sum = ?2 WHERE address = ?1")?
        .execute(rusqlite::params![account, sum])
        .map(|_| ())
}

/// Gives every row of the store its checksum: what version 3 begins with.
pub(super) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    for table in TABLES {
        table.fill(connection)?;
    }
    let mut accounts = connection.prepare("SELECT address FROM account")?;
    let accounts: Vec<String> = accounts.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    accounts.iter().try_for_each(|account| renew_presence(connection, account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_look_alike() {
        let texts = |parts: &[&str]| of(&parts.iter().map(|part| text(Some(part))).collect::<Vec<_>>());
        let different = [
            texts(&["ab", "c"]),
            texts(&["a", "bc"]),
            texts(&["abc"]),
            texts(&["abc", ""]),
            of(&[ValueRef::Blob(b"abc")]),
            of(&[ValueRef::Null]),
            of(&[ValueRef::Integer(0)]),
            of(&[]),
        ];
        let unique: std::collections::BTreeSet<_> = different.iter().collect();
        assert_eq!(unique.len(), different.len());
    }

    #[test]
    fn every_flipped_bit_shows() {
        let mut octets = vec![7; 300];
        let whole = of(&[ValueRef::Blob(&octets)]);
        for at in 0..octets.len() * 8 {
            octets[at / 8] ^= 1 << (at % 8);
            assert_ne!(of(&[ValueRef::Blob(&octets)]), whole, "bit {at}");
            octets[at / 8] ^= 1 << (at % 8);
        }
    }
}
