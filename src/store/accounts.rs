//! What an administrator does with accounts, beside a running relay or without one.
//!
//! Each function is one transaction, on the disk when it returns. A relay that runs notices within a second.

use super::sqlite::{self, Role, Writer};
use super::{DomainRecord, OpenError, sums};
use crate::model::{Address, Credentials, Domain, UnixMillis, Version};
use crate::service::store::{Account, MailboxSize, Moved, StoreError};
use core::fmt;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::collections::BTreeSet;
use std::path::Path;

/// How far a chain of moved accounts is followed when looking for a circle; senders follow at most 5.
const CHAIN: usize = 16;

/// The accounts of a store.
#[derive(Debug)]
pub struct Accounts {
    writer: Writer,
    domains: BTreeSet<Domain>,
}

/// Why an account could not be changed. Nothing was changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountError {
    /// The user part is not one that a domain gives to its users.
    Name(Address),
    /// The address names a domain, not a user.
    NoUser(Address),
    /// The domain is not one of the configuration's.
    ForeignDomain(Domain),
    /// There is such an account already.
    Exists(Address),
    /// There is no such account.
    Unknown(Address),
    /// It would lead back to itself.
    Circle(Address),
    /// The password was hashed with another count than all others of the domain, which would make the account stand out.
    Iterations {
        /// The domain's.
        expected: u32,
        /// That of the password.
        found: u32,
    },
    /// The store failed.
    Store(StoreError),
}

/// An account as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Whose.
    pub address: Address,
    /// Disabled, moved, and what it takes part in.
    pub account: Account,
    /// When it was added.
    pub created: UnixMillis,
    /// Whether it has one; without, nobody can log in by password.
    pub password: bool,
    /// What waits for it.
    pub mailbox: MailboxSize,
    /// 0: never set.
    pub presence: Version,
    /// 0: never set; the domain's default rules hold.
    pub acl: Version,
}

impl Accounts {
    /// Opens the store of a folder for an administrator; `domains` are those of the configuration.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(folder: &Path, domains: impl IntoIterator<Item = Domain>) -> Result<Self, OpenError> {
        let store = sqlite::open(folder, Role::Administrator)?;
        Ok(Self { writer: store.writer, domains: domains.into_iter().collect() })
    }

    /// What the domain keeps about itself, above all the iteration count for new passwords; `fresh` is kept if there is
    /// nothing yet (see [`Writer::domain`]). Call it before the first password is hashed.
    ///
    /// # Errors
    /// A foreign domain, or the store's.
    pub fn domain(&mut self, fresh: &DomainRecord) -> Result<DomainRecord, AccountError> {
        if !self.domains.contains(&fresh.name) {
            return Err(AccountError::ForeignDomain(fresh.name.clone()));
        }
        self.writer.domain(fresh).map_err(AccountError::Store)
    }

    /// Adds an account; without credentials nobody can log in by password. The answer is the address under which the domain
    /// keeps it.
    ///
    /// # Errors
    /// [`AccountError`]
    pub fn add(
        &mut self,
        address: &Address,
        credentials: Option<&Credentials>,
        now: UnixMillis,
    ) -> Result<Address, AccountError> {
        self.add_as(address, credentials, Account::default(), now)
    }

    /// The same for an account that does not take part in everything.
    ///
    /// # Errors
    /// [`AccountError`]
    pub fn add_as(
        &mut self,
        address: &Address,
        credentials: Option<&Credentials>,
        account: Account,
        now: UnixMillis,
    ) -> Result<Address, AccountError> {
        let address = self.canonical(address)?;
        self.act(|transaction| {
            if view(transaction, &address)?.is_some() {
                return Err(AccountError::Exists(address.clone()));
            }
            if let Some(moved) = &account.moved {
                no_circle(transaction, &address, &moved.to)?;
            }
            put(transaction, &address, &account, now)?;
            credentials.map_or(Ok(()), |credentials| put_credentials(transaction, &address, credentials))
        })?;
        Ok(address)
    }

    /// Adds a name whose messages and watchers are told to go to `target`, for good. Nobody logs in under it.
    ///
    /// # Errors
    /// [`AccountError`]
    pub fn alias(&mut self, address: &Address, target: &Address, now: UnixMillis) -> Result<Address, AccountError> {
        let moved = Some(Moved { to: self.canonical_target(target)?, permanently: true });
        self.add_as(address, None, Account { moved, ..Account::default() }, now)
    }

    /// Replaces the password.
    ///
    /// # Errors
    /// [`AccountError`]
    pub fn set_password(&mut self, address: &Address, credentials: &Credentials) -> Result<(), AccountError> {
        let address = self.canonical(address)?;
        self.act(|transaction| {
            known(transaction, &address)?;
            put_credentials(transaction, &address, credentials)
        })
    }

    /// Disables an account, or enables it again. While disabled there is no login and no new message.
    ///
    /// # Errors
    /// [`AccountError`]
    pub fn set_disabled(&mut self, address: &Address, disabled: bool) -> Result<(), AccountError> {
        let address = self.canonical(address)?;
        self.act(|transaction| {
            known(transaction, &address)?;
            transaction.execute("UPDATE account SET disabled = ?2 WHERE address = ?1", params![address.as_str(), disabled])?;
            Ok(sums::ACCOUNT.renew(transaction, &[address.as_str()])?)
        })
    }

    /// Says where the user lives now; `None`: here again. What the user stored stays.
    ///
    /// # Errors
    /// [`AccountError`]
    pub fn set_moved(&mut self, address: &Address, moved: Option<Moved>) -> Result<(), AccountError> {
        let address = self.canonical(address)?;
        let moved = match moved {
            Some(moved) => Some(Moved { to: self.canonical_target(&moved.to)?, ..moved }),
            None => None,
        };
        self.act(|transaction| {
            known(transaction, &address)?;
            if let Some(moved) = &moved {
                no_circle(transaction, &address, &moved.to)?;
            }
            let (to, permanently) = moved_columns(moved.as_ref());
            let sql = "UPDATE account SET moved_to = ?2, moved_permanently = ?3 WHERE address = ?1";
            transaction.execute(sql, params![address.as_str(), to, permanently])?;
            Ok(sums::ACCOUNT.renew(transaction, &[address.as_str()])?)
        })
    }

    /// Removes an account and all that it stored. The answer is what waited in its mailbox and is lost.
    ///
    /// # Errors
    /// [`AccountError`]
    pub fn delete(&mut self, address: &Address) -> Result<MailboxSize, AccountError> {
        let address = self.canonical(address)?;
        self.act(|transaction| {
            let view = view(transaction, &address)?.ok_or_else(|| AccountError::Unknown(address.clone()))?;
            transaction.execute("DELETE FROM account WHERE address = ?1", [address.as_str()])?;
            Ok(view.mailbox)
        })
    }

    /// One account.
    ///
    /// # Errors
    /// [`AccountError`]
    pub fn show(&self, address: &Address) -> Result<AccountView, AccountError> {
        let address = self.canonical(address)?;
        view(self.writer.connection(), &address)?.ok_or(AccountError::Unknown(address))
    }

    /// All accounts of a domain, or of all domains, in order of their addresses.
    ///
    /// # Errors
    /// [`AccountError`]
    pub fn list(&self, domain: Option<&Domain>) -> Result<Vec<AccountView>, AccountError> {
        let (from, to) = domain.map_or_else(|| (String::new(), "j".to_owned()), sqlite::users_of);
        let sql = format!("{VIEW} WHERE address >= ?1 AND address < ?2 ORDER BY address");
        let mut statement = self.writer.connection().prepare(&sql)?;
        let views = statement.query_map([from, to], view_of)?;
        Ok(views.collect::<Result<_, _>>()?)
    }

    /// The form under which one of our domains keeps the user.
    fn canonical(&self, address: &Address) -> Result<Address, AccountError> {
        if !self.domains.contains(&address.domain()) {
            return Err(AccountError::ForeignDomain(address.domain()));
        }
        if address.is_domain() {
            return Err(AccountError::NoUser(address.clone()));
        }
        address.canonical_local().ok_or_else(|| AccountError::Name(address.clone()))
    }

    /// A target may lie in any domain; only of our own do we know the form.
    fn canonical_target(&self, target: &Address) -> Result<Address, AccountError> {
        if target.is_domain() {
            return Err(AccountError::NoUser(target.clone()));
        }
        if self.domains.contains(&target.domain()) { self.canonical(target) } else { Ok(target.clone()) }
    }

    fn act<T>(&mut self, act: impl FnOnce(&Transaction<'_>) -> Result<T, AccountError>) -> Result<T, AccountError> {
        let transaction = Transaction::new_unchecked(self.writer.connection(), TransactionBehavior::Immediate)?;
        let result = act(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

fn known(connection: &Connection, address: &Address) -> Result<(), AccountError> {
    let sql = "SELECT 1 FROM account WHERE address = ?1";
    let found = connection.query_row(sql, [address.as_str()], |_| Ok(())).optional()?;
    found.ok_or_else(|| AccountError::Unknown(address.clone()))
}

/// Adds an account.
pub(super) fn put(connection: &Connection, address: &Address, account: &Account, now: UnixMillis) -> rusqlite::Result<()> {
    let (to, permanently) = moved_columns(account.moved.as_ref());
    let sql = "INSERT INTO account (address, created, disabled, presence, inbox, moved_to, moved_permanently)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let created = now.0.cast_signed();
    let columns = params![address.as_str(), created, account.disabled, account.presence, account.inbox, to, permanently];
    connection.prepare_cached(sql)?.execute(columns)?;
    sums::ACCOUNT.renew(connection, &[address.as_str()])?;
    sums::renew_presence(connection, address.as_str())
}

/// Sets what a user's password is checked against.
pub(super) fn put_credentials(connection: &Connection, address: &Address, credentials: &Credentials) -> Result<(), AccountError> {
    if let Some(domain) =
        sqlite::domain(connection, &address.domain())?.filter(|domain| domain.iterations != credentials.iterations)
    {
        return Err(AccountError::Iterations { expected: domain.iterations, found: credentials.iterations });
    }
    connection.execute(
        "INSERT OR REPLACE INTO credentials (account, iterations, salt, stored_key, server_key) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![address.as_str(), credentials.iterations, credentials.salt, credentials.stored_key, credentials.server_key],
    )?;
    Ok(sums::CREDENTIALS.renew(connection, &[address.as_str()])?)
}

fn no_circle(connection: &Connection, address: &Address, target: &Address) -> Result<(), AccountError> {
    let mut next = Some(target.as_str().to_owned());
    for _ in 0..CHAIN {
        let Some(at) = next else { return Ok(()) };
        if at == address.as_str() {
            return Err(AccountError::Circle(address.clone()));
        }
        let sql = "SELECT moved_to FROM account WHERE address = ?1";
        next = connection.query_row(sql, [at], |row| row.get(0)).optional()?.flatten();
    }
    Err(AccountError::Circle(address.clone()))
}

fn moved_columns(moved: Option<&Moved>) -> (Option<&str>, bool) {
    (moved.map(|moved| moved.to.as_str()), moved.is_some_and(|moved| moved.permanently))
}

const VIEW: &str = "SELECT disabled, presence, inbox, moved_to, moved_permanently, address, created, mailbox_messages, mailbox_octets,
    presence_version, (SELECT version FROM acl WHERE account = address), EXISTS (SELECT 1 FROM credentials WHERE account = address)
    FROM account";

fn view(connection: &Connection, address: &Address) -> Result<Option<AccountView>, AccountError> {
    let sql = format!("{VIEW} WHERE address = ?1");
    Ok(connection.query_row(&sql, [address.as_str()], view_of).optional()?)
}

fn view_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<AccountView> {
    let address: String = row.get(5)?;
    Ok(AccountView {
        address: sqlite::address(&address, 5)?,
        account: sqlite::account(row, 0)?,
        created: UnixMillis(sqlite::unsigned(row, 6)?),
        mailbox: MailboxSize { messages: sqlite::unsigned(row, 7)?, octets: sqlite::unsigned(row, 8)? },
        presence: Version(sqlite::unsigned(row, 9)?),
        acl: Version(row.get::<_, Option<i64>>(10)?.unwrap_or(0).cast_unsigned()),
        password: row.get(11)?,
    })
}

impl From<rusqlite::Error> for AccountError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(sqlite::failed(error))
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(address) => {
                write!(
                    f,
                    "{} cannot be the name of a user: letters, digits and most punctuation, but no space and no @",
                    address.to_email()
                )
            }
            Self::NoUser(address) => write!(f, "{address} names a domain, not a user"),
            Self::ForeignDomain(domain) => write!(f, "{domain} is not one of the domains in the configuration"),
            Self::Exists(address) => write!(f, "there is an account {} already", address.to_email()),
            Self::Unknown(address) => write!(f, "there is no account {}", address.to_email()),
            Self::Circle(address) => write!(f, "{} would lead back to itself", address.to_email()),
            Self::Iterations { expected, found } => {
                write!(f, "the password was hashed with {found} rounds, but all passwords of the domain have {expected}")
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AccountError {}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1000);

    fn accounts() -> (tempfile::TempDir, Accounts) {
        let folder = tempfile::tempdir().unwrap();
        let domains = ["example.org", "example.net"].map(|name| Domain::parse(name).unwrap());
        let accounts = Accounts::open(folder.path(), domains).unwrap();
        (folder, accounts)
    }

    fn at(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn credentials(iterations: u32) -> Credentials {
        Credentials { iterations, salt: vec![1; 16], stored_key: [2; 32], server_key: [3; 32] }
    }

    #[test]
    fn what_add_refuses_and_what_it_keeps() {
        let (_folder, mut accounts) = accounts();
        let rows: &[(&str, Result<&str, &str>)] = &[
            ("ann@example.org", Ok("ann@example.org")),
            ("Bob@example.org", Ok("bob@example.org")),
            ("JÜRGEN@example.net", Ok("jürgen@example.net")),
            ("ANN@example.org", Err("there is an account ann@example.org already")),
            ("ann@example.com", Err("example.com is not one of the domains in the configuration")),
            (
                "\"john smith\"@example.org",
                Err(
                    "\"john smith\"@example.org cannot be the name of a user: letters, digits and most punctuation, but no space and no @",
                ),
            ),
            ("impp://example.org/", Err("impp://example.org/ names a domain, not a user")),
        ];
        for (text, expected) in rows {
            let found = accounts.add(&at(text), None, NOW).map(|address| address.to_email()).map_err(|error| error.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), *expected, "{text}");
        }
        let listed = |domain: Option<&str>| -> Vec<String> {
            let domain = domain.map(|name| Domain::parse(name).unwrap());
            accounts.list(domain.as_ref()).unwrap().iter().map(|view| view.address.to_email()).collect()
        };
        assert_eq!(listed(None), ["jürgen@example.net", "ann@example.org", "bob@example.org"]);
        assert_eq!(listed(Some("example.org")), ["ann@example.org", "bob@example.org"]);
        assert_eq!(listed(Some("example.com")), [""; 0]);
    }

    #[test]
    fn an_account_through_its_life() {
        let (_folder, mut accounts) = accounts();
        let ann = at("ann@example.org");
        let unknown = Err(AccountError::Unknown(ann.clone()));
        assert_eq!(accounts.set_password(&ann, &credentials(4096)), unknown);
        assert_eq!(accounts.set_disabled(&ann, true), unknown);
        assert_eq!(accounts.set_moved(&ann, None), unknown);
        assert_eq!(accounts.delete(&ann).map(|_| ()), unknown);
        assert_eq!(accounts.show(&ann).map(|_| ()), unknown);

        accounts.add(&ann, None, NOW).unwrap();
        let fresh = accounts.show(&ann).unwrap();
        assert_eq!((fresh.created, fresh.password, fresh.acl, fresh.presence), (NOW, false, Version(0), Version(0)));
        accounts.set_password(&ann, &credentials(4096)).unwrap();
        assert!(accounts.show(&ann).unwrap().password);
        for disabled in [true, false] {
            accounts.set_disabled(&ann, disabled).unwrap();
            assert_eq!(accounts.show(&ann).unwrap().account.disabled, disabled);
        }
        for moved in [Some(Moved { to: at("ann@elsewhere.example"), permanently: false }), None] {
            accounts.set_moved(&ann, moved.clone()).unwrap();
            assert_eq!(accounts.show(&ann).unwrap().account.moved, moved);
        }
        assert_eq!(accounts.delete(&ann).unwrap(), MailboxSize::default());
        assert_eq!(accounts.show(&ann).map(|_| ()), unknown);
    }

    #[test]
    fn an_alias_leads_elsewhere_and_never_back() {
        let (_folder, mut accounts) = accounts();
        let [ann, root, boss, circle] = ["ann@example.org", "root@example.org", "boss@example.net", "x@example.org"].map(at);
        accounts.add(&ann, None, NOW).unwrap();
        accounts.alias(&root, &at("Ann@example.org"), NOW).unwrap();
        accounts.alias(&boss, &root, NOW).unwrap();
        let view = accounts.show(&root).unwrap();
        assert_eq!((view.account.moved, view.password), (Some(Moved { to: ann.clone(), permanently: true }), false));
        assert_eq!(accounts.alias(&root, &ann, NOW), Err(AccountError::Exists(root)));
        assert_eq!(accounts.alias(&circle, &circle, NOW), Err(AccountError::Circle(circle)));
        let back = Some(Moved { to: boss, permanently: true });
        assert_eq!(accounts.set_moved(&ann, back), Err(AccountError::Circle(ann.clone())));
        assert_eq!(accounts.show(&ann).unwrap().account.moved, None);
    }

    #[test]
    fn no_password_may_stand_out() {
        let (_folder, mut accounts) = accounts();
        let ann = at("ann@example.org");
        let fresh = DomainRecord { name: ann.domain(), decoy_key: [0; 32], iterations: 4096 };
        accounts.domain(&fresh).unwrap();
        let error = AccountError::Iterations { expected: 4096, found: 5000 };
        assert_eq!(accounts.add(&ann, Some(&credentials(5000)), NOW), Err(error));
        assert_eq!(accounts.list(None).unwrap(), []);
        accounts.add(&ann, Some(&credentials(4096)), NOW).unwrap();
        let foreign = DomainRecord { name: Domain::parse("example.com").unwrap(), ..fresh };
        assert_eq!(accounts.domain(&foreign), Err(AccountError::ForeignDomain(foreign.name.clone())));
    }
}
