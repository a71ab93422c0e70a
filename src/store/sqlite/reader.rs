//! Reading, on a connection that cannot write.

use super::{failed, rows};
use crate::model::{Address, Credentials, Version};
use crate::service::store::{
    Loaded, MailboxSize, Read, StoreError, StoreRead, StoredAcl, StoredMessage, StoredPresence, StoredSubscription, StoredValue,
    Totals, UserRecord,
};
use rusqlite::{Connection, OptionalExtension, params};

/// What there is of a user, and what more is to be asked for.
const USER: &str =
    "SELECT presence_version, mailbox_messages, mailbox_octets, disabled, presence, inbox, moved_to, moved_permanently,
    EXISTS (SELECT 1 FROM acl WHERE account = address), EXISTS (SELECT 1 FROM presence_value WHERE account = address),
    EXISTS (SELECT 1 FROM subscription WHERE presentity = address)
    FROM account WHERE address = ?1";

/// One reader; any number may read at the same time.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection }
    }
}

impl StoreRead for Reader {
    fn read(&self, read: &Read) -> Result<Loaded, StoreError> {
        let _moment = self.moment().map_err(failed)?;
        self.answer(read)
    }

    /// As of one moment: SQLite gives its pages up whenever something was written before a moment begins.
    fn read_all(&self, reads: &[&Read]) -> Vec<Result<Loaded, StoreError>> {
        match self.moment().map_err(failed) {
            Ok(_moment) => reads.iter().map(|read| self.answer(read)).collect(),
            Err(error) => reads.iter().map(|_| Err(error)).collect(),
        }
    }

    fn credentials(&self, user: &Address) -> Result<Option<Credentials>, StoreError> {
        let sql = "SELECT account, iterations, salt, stored_key, server_key, credentials.sum FROM credentials JOIN account ON account = address WHERE address = ?1 AND NOT disabled";
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([user.as_str()], rows::credentials).optional())
            .map_err(failed)
    }
}

/// All that is read while it lives is as of one moment.
struct Moment<'a>(&'a Connection);

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        // Nothing was written that could be lost. If SQLite has ended it already, after an error, there is nothing to end.
        if !self.0.is_autocommit() {
            let _ = self.0.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([])).map_err(failed);
        }
    }
}

impl Reader {
    fn moment(&self) -> rusqlite::Result<Moment<'_>> {
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(Moment(&self.connection))
    }

    fn answer(&self, read: &Read) -> Result<Loaded, StoreError> {
        match read {
            Read::User(user) => self.user(user).map(Loaded::User),
            Read::Mailbox { user, after, messages, octets } => {
                self.mailbox(user, *after, *messages, *octets).map(Loaded::Mailbox)
            }
            Read::Totals => self.totals().map(Loaded::Totals),
        }
        .map_err(failed)
    }

    /// One question for most users, who have neither rules nor presence nor subscribers elsewhere; one more for each of these.
    fn user(&self, user: &Address) -> rusqlite::Result<UserRecord> {
        let found = self.connection.prepare_cached(USER)?.query_row([user.as_str()], |row| {
            let mailbox = MailboxSize { messages: rows::unsigned(row, 1)?, octets: rows::unsigned(row, 2)? };
            let has: [bool; 3] = [row.get(8)?, row.get(9)?, row.get(10)?];
            Ok((Version(rows::unsigned(row, 0)?), mailbox, rows::account(row, 3)?, has))
        });
        let Some((version, mailbox, account, [has_acl, has_values, has_subscriptions])) = found.optional()? else {
            return Ok(UserRecord { subscriptions: self.subscriptions(user)?, ..UserRecord::default() });
        };
        let acl = if has_acl { self.acl(user)? } else { None };
        let values = if has_values { self.values(user)? } else { Vec::new() };
        let subscriptions = if has_subscriptions { self.subscriptions(user)? } else { Vec::new() };
        Ok(UserRecord { account: Some(account), acl, presence: StoredPresence { version, values }, mailbox, subscriptions })
    }

    fn acl(&self, user: &Address) -> rusqlite::Result<Option<StoredAcl>> {
        let sql = "SELECT account, version, concealed, body, sum FROM acl WHERE account = ?1";
        self.connection.prepare_cached(sql)?.query_row([user.as_str()], rows::acl).optional()
    }

    fn values(&self, user: &Address) -> rusqlite::Result<Vec<StoredValue>> {
        let sql = "SELECT view, until, content_type, transfer_encoding, disposition, body FROM presence_value WHERE account = ?1 ORDER BY position";
        self.connection.prepare_cached(sql)?.query_map([user.as_str()], rows::value)?.collect()
    }

    fn subscriptions(&self, user: &Address) -> rusqlite::Result<Vec<StoredSubscription>> {
        let sql = "SELECT subscriber, connection, since, until, told FROM subscription WHERE presentity = ?1";
        self.connection.prepare_cached(sql)?.query_map([user.as_str()], |row| rows::subscription(row, 0))?.collect()
    }

    fn totals(&self) -> rusqlite::Result<Totals> {
        let sql = "SELECT COUNT(*), COALESCE(SUM(mailbox_messages), 0), COALESCE(SUM(mailbox_octets), 0) FROM account";
        self.connection.prepare_cached(sql)?.query_row([], |row| {
            let mailboxes = MailboxSize { messages: rows::unsigned(row, 1)?, octets: rows::unsigned(row, 2)? };
            Ok(Totals { accounts: rows::unsigned(row, 0)?, mailboxes })
        })
    }

    fn mailbox(&self, user: &Address, after: u64, messages: usize, octets: u64) -> rusqlite::Result<Vec<StoredMessage>> {
        let sql =
            "SELECT number, stored, expires, frame FROM message WHERE mailbox = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(messages).unwrap_or(i64::MAX);
        let mut found = Vec::new();
        let mut so_far: u64 = 0;
        for message in statement.query_map(params![user.as_str(), after, limit], |row| rows::message(row, [0, 1, 2, 3]))? {
            let message = message?;
            so_far = so_far.saturating_add(message.frame.len() as u64);
            found.push(message);
            if so_far >= octets {
                break;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{Role, open};
    use rusqlite::StatementStatus;

    /// Planning costs more than all else that a question costs.
    #[test]
    fn statements_keep_their_plans_whatever_is_bound() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), Role::Relay { remembered: 9 }).unwrap();
        let reader = store.readers.open().unwrap();
        for connection in [&reader.connection, store.writer.connection()] {
            for address in ["impp://a/a", "impp://a/b"] {
                let mut statement = connection.prepare_cached(USER).unwrap();
                assert!(!statement.exists([address]).unwrap());
                assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{address}");
            }
        }
    }
}
