//! Reading, on a connection that cannot write.

use super::{failed, rows};
use crate::model::{Address, Credentials, Version};
use crate::service::store::{
    Loaded, MailboxSize, Read, StoreError, StoreRead, StoredMessage, StoredPresence, Totals, UserRecord,
};
use rusqlite::{Connection, OptionalExtension, params};

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
        match read {
            Read::User(user) => self.user(user).map(Loaded::User),
            Read::Mailbox { user, after, messages, octets } => {
                self.mailbox(user, *after, *messages, *octets).map(Loaded::Mailbox)
            }
            Read::Totals => self.totals().map(Loaded::Totals),
        }
        .map_err(failed)
    }

    fn credentials(&self, user: &Address) -> Result<Option<Credentials>, StoreError> {
        let sql = "SELECT account, iterations, salt, stored_key, server_key, credentials.sum FROM credentials JOIN account ON account = address WHERE address = ?1 AND NOT disabled";
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([user.as_str()], rows::credentials).optional())
            .map_err(failed)
    }
}

impl Reader {
    /// All of it as of one moment: several questions in one read transaction.
    fn user(&self, user: &Address) -> rusqlite::Result<UserRecord> {
        let moment = self.connection.unchecked_transaction()?;
        let sql = "SELECT presence_version, mailbox_messages, mailbox_octets, disabled, presence, inbox, moved_to, moved_permanently FROM account WHERE address = ?1";
        let found = moment.prepare_cached(sql)?.query_row([user.as_str()], |row| {
            let mailbox = MailboxSize { messages: rows::unsigned(row, 1)?, octets: rows::unsigned(row, 2)? };
            Ok((rows::unsigned(row, 0)?, mailbox, rows::account(row, 3)?))
        });
        let found = found.optional()?;
        let sql = "SELECT subscriber, connection, since, until, told FROM subscription WHERE presentity = ?1";
        let subscriptions = moment
            .prepare_cached(sql)?
            .query_map([user.as_str()], |row| rows::subscription(row, 0))?
            .collect::<Result<_, _>>()?;
        let Some((version, mailbox, account)) = found else { return Ok(UserRecord { subscriptions, ..UserRecord::default() }) };
        let sql = "SELECT account, version, concealed, body, sum FROM acl WHERE account = ?1";
        let acl = moment.prepare_cached(sql)?.query_row([user.as_str()], rows::acl).optional()?;
        let sql = "SELECT view, until, content_type, transfer_encoding, disposition, body FROM presence_value WHERE account = ?1 ORDER BY position";
        let values = moment.prepare_cached(sql)?.query_map([user.as_str()], rows::value)?.collect::<Result<_, _>>()?;
        let presence = StoredPresence { version: Version(version), values };
        Ok(UserRecord { account: Some(account), acl, presence, mailbox, subscriptions })
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
