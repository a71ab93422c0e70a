//! Filling an empty store from an export: every line checked, all of it or nothing.

use super::fields::FieldFault;
use super::item::{Item, ItemFault};
use crate::model::{Address, Domain};
use crate::store::accounts::AccountError;
use crate::store::recent::{self, Entry};
use crate::store::sqlite::{self, Arriving, Role, Writer};
use crate::store::{OpenError, accounts, sums};
use core::fmt;
use rusqlite::{Connection, params};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// An import under way. Dropped before its end, nothing of it was done.
#[derive(Debug)]
pub struct Import {
    writer: Writer,
    folder: PathBuf,
    path: PathBuf,
    domains: BTreeSet<Domain>,
    line: usize,
    last_message: u64,
    log: Vec<Entry>,
    counts: Imported,
}

/// How much was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Users, aliases among them.
    pub users: u64,
    /// Messages that wait.
    pub messages: u64,
}

/// Why nothing was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    /// The store, or its folder.
    Open(OpenError),
    /// The store is not empty.
    NotEmpty(PathBuf),
    /// The lines ended before the first.
    NoLines,
    /// A line.
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        fault: ImportFault,
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportFault {
    /// It is no JSON object.
    NoObject,
    /// Its `v` is not 1.
    Version,
    /// Its kind is not known.
    Kind(String),
    /// A field is missing or wrong.
    Field(&'static str),
    /// A field is not known.
    UnknownField(String),
    /// It is the first and not the head of an export, or such a head and not the first.
    Head,
    /// Its domain is not in the configuration.
    ForeignDomain(Domain),
    /// Its address is none that a domain gives to its users.
    Name(Address),
    /// What it is about was there already.
    Twice,
    /// It is about a user who was not on a line before.
    NoUser(Address),
    /// Its iteration count is not that of its domain.
    Iterations,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::NotEmpty(folder) => {
                write!(f, "{} has users already; import fills a data folder that nobody has used yet", folder.display())
            }
            Self::NoLines => f.write_str("there is nothing to import: no line came"),
            Self::Line { line, fault } => {
                write!(f, "line {line}: ")?;
                match fault {
                    ImportFault::NoObject => f.write_str("it is no JSON object"),
                    ImportFault::Version => f.write_str("\"v\" is not 1: of another version"),
                    ImportFault::Kind(kind) => write!(f, "the kind {kind:?} is not known"),
                    ImportFault::Field(name) => write!(f, "{name:?} is missing or makes no sense"),
                    ImportFault::UnknownField(name) => write!(f, "the field {name:?} is not known"),
                    ImportFault::Head => f.write_str("an export begins with the line of kind \"export\", and has it once"),
                    ImportFault::ForeignDomain(domain) => {
                        write!(f, "{} is not one of the domains in the configuration", domain.shown())
                    }
                    ImportFault::Name(address) => write!(f, "{} cannot be the name of a user", address.shown()),
                    ImportFault::Twice => f.write_str("what it is about was on a line before"),
                    ImportFault::NoUser(address) => write!(f, "there is no user {} on a line before", address.shown()),
                    ImportFault::Iterations => f.write_str("the password's iteration count is not that of its domain"),
                }?;
                f.write_str("; nothing was imported")
            }
        }
    }
}

impl std::error::Error for ImportError {}

impl From<OpenError> for ImportError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl Import {
    /// Begins to fill the store of a folder, on which no relay may run; `domains` are those of the configuration.
    ///
    /// # Errors
    /// [`ImportError`]
    pub fn begin(folder: &Path, domains: impl IntoIterator<Item = Domain>) -> Result<Self, ImportError> {
        let store = sqlite::open(folder, Role::Relay { remembered: 0 })?;
        let path = folder.join(sqlite::DATABASE_FILE);
        let failed = |error: rusqlite::Error| OpenError::sqlite(&path, &error);
        let connection = store.writer.connection();
        connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
        let sql = "SELECT EXISTS (SELECT 1 FROM account) OR EXISTS (SELECT 1 FROM subscription)";
        let used: bool = connection.query_row(sql, [], |row| row.get(0)).map_err(failed)?;
        if used {
            return Err(ImportError::NotEmpty(folder.to_owned()));
        }
        // What init or a first start made for the domains; the export's is what its passwords rest on.
        connection.execute("DELETE FROM domain", []).map_err(failed)?;
        Ok(Self {
            writer: store.writer,
            folder: folder.to_owned(),
            path,
            domains: domains.into_iter().collect(),
            line: 0,
            last_message: 0,
            log: Vec::new(),
            counts: Imported::default(),
        })
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// What is wrong with it; the import is over then.
    pub fn line(&mut self, line: &[u8]) -> Result<(), ImportError> {
        self.line += 1;
        let fault = |fault| ImportError::Line { line: self.line, fault };
        let value = serde_json::from_slice(line).map_err(|_| fault(ImportFault::NoObject))?;
        let item = Item::of_json(value).map_err(|wrong| {
            fault(match wrong {
                ItemFault::NoObject => ImportFault::NoObject,
                ItemFault::Version => ImportFault::Version,
                ItemFault::Kind(kind) => ImportFault::Kind(kind),
                ItemFault::Field(FieldFault::Wrong(name)) => ImportFault::Field(name),
                ItemFault::Field(FieldFault::Unknown(name)) => ImportFault::UnknownField(name),
            })
        })?;
        if matches!(item, Item::Head { .. }) != (self.line == 1) {
            return Err(fault(ImportFault::Head));
        }
        self.check(&item).map_err(fault)?;
        self.put(&item).map_err(|refusal| match refusal {
            Refusal::Fault(wrong) => ImportError::Line { line: self.line, fault: wrong },
            Refusal::Database(error) => self.judged(&item, &error),
        })
    }

    /// What the store cannot know.
    fn check(&self, item: &Item) -> Result<(), ImportFault> {
        let (address, is_user) = match item {
            Item::Head { .. } | Item::Delivery(_) => return Ok(()),
            Item::Domain(record) => return self.check_domain(&record.name),
            Item::User { address, .. }
            | Item::Acl { address, .. }
            | Item::Presence { address, .. }
            | Item::Message { address, .. } => (address, true),
            // Of a name that nobody has there can be subscriptions, lest it show.
            Item::Subscription { address, .. } => (address, false),
        };
        self.check_domain(&address.domain())?;
        let canonical = !address.is_domain() && address.canonical_local().as_ref() == Some(address);
        if is_user && !canonical { Err(ImportFault::Name(address.clone())) } else { Ok(()) }
    }

    fn check_domain(&self, domain: &Domain) -> Result<(), ImportFault> {
        if self.domains.contains(domain) { Ok(()) } else { Err(ImportFault::ForeignDomain(domain.clone())) }
    }

    fn put(&mut self, item: &Item) -> Result<(), Refusal> {
        let connection = self.writer.connection();
        match item {
            Item::Head { last_message } => self.last_message = *last_message,
            Item::Domain(record) => put_domain(connection, record)?,
            Item::User { address, created, account, credentials } => {
                accounts::put(connection, address, account, *created)?;
                if let Some(credentials) = credentials {
                    accounts::put_credentials(connection, address, credentials).map_err(|error| match error {
                        AccountError::Iterations { .. } => Refusal::Fault(ImportFault::Iterations),
                        _ => Refusal::Database(rusqlite::Error::InvalidQuery),
                    })?;
                }
                self.counts.users += 1;
            }
            Item::Acl { address, acl } => {
                // The store would replace the former.
                unique(connection, "SELECT EXISTS (SELECT 1 FROM acl WHERE account = ?1)", address)?;
                sqlite::put_acl(connection, address, acl)?;
            }
            Item::Presence { address, presence } => {
                let sql = "SELECT EXISTS (SELECT 1 FROM account WHERE address = ?1 AND presence_version > 0)";
                unique(connection, sql, address)?;
                sqlite::put_presence(connection, address, presence)?;
            }
            Item::Subscription { address, subscription } => {
                let there =
                    "SELECT EXISTS (SELECT 1 FROM subscription WHERE presentity = ?1 AND subscriber = ?2 AND connection = ?3)";
                let key = [address.as_str(), subscription.subscriber.as_str(), subscription.connection.as_str()];
                if connection.prepare_cached(there)?.query_row(key, |row| row.get(0))? {
                    return Err(Refusal::Fault(ImportFault::Twice));
                }
                sqlite::put_subscription(connection, address, subscription)?;
            }
            Item::Message { address, from, id, message } => {
                sqlite::put_messages(connection, &[Arriving { user: address, from, message_id: id, message }])?;
                self.last_message = self.last_message.max(message.number);
                self.counts.messages += 1;
            }
            Item::Delivery(entry) => self.log.push(*entry),
        }
        Ok(())
    }

    /// What the store's refusal means.
    fn judged(&self, item: &Item, error: &rusqlite::Error) -> ImportError {
        let fault = |fault| ImportError::Line { line: self.line, fault };
        let extended = match error {
            rusqlite::Error::SqliteFailure(error, _) => error.extended_code,
            // So the functions above say that there is no such user.
            rusqlite::Error::QueryReturnedNoRows => rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY,
            _ => 0,
        };
        match (extended, item) {
            (rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY | rusqlite::ffi::SQLITE_CONSTRAINT_ROWID, _) => {
                fault(ImportFault::Twice)
            }
            (
                rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY,
                Item::Acl { address, .. } | Item::Presence { address, .. } | Item::Message { address, .. },
            ) => fault(ImportFault::NoUser(address.clone())),
            _ => OpenError::sqlite(&self.path, error).into(),
        }
    }

    /// All lines were taken: it is done, and on the disk.
    ///
    /// # Errors
    /// [`ImportError`]
    pub fn finish(self) -> Result<Imported, ImportError> {
        if self.line == 0 {
            return Err(ImportError::NoLines);
        }
        let connection = self.writer.connection();
        let failed = |error: rusqlite::Error| OpenError::sqlite(&self.path, &error);
        let sql = "INSERT OR REPLACE INTO sqlite_sequence (rowid, name, seq)
            VALUES ((SELECT rowid FROM sqlite_sequence WHERE name = 'message'), 'message', ?1)";
        connection.execute(sql, [self.last_message.cast_signed()]).map_err(failed)?;
        // First the log: by itself it harms nothing.
        let io = |error: std::io::Error| OpenError::io(&self.folder, &error);
        let written = recent::write_whole(&self.folder, &self.log).map_err(io)?;
        let committed = connection.execute_batch("COMMIT");
        if let (Err(_), Some(written)) = (&committed, written) {
            let _ = std::fs::remove_file(written);
        }
        committed.map_err(failed)?;
        Ok(self.counts)
    }
}

fn put_domain(connection: &Connection, record: &crate::store::DomainRecord) -> rusqlite::Result<()> {
    let sql = "INSERT INTO domain (name, decoy_key, iterations) VALUES (?1, ?2, ?3)";
    connection.execute(sql, params![record.name.as_str(), record.decoy_key, record.iterations])?;
    sums::DOMAIN.renew(connection, &[record.name.as_str()])
}

/// The question is answered with yes where what would be replaced is there already.
fn unique(connection: &Connection, sql: &str, address: &Address) -> Result<(), Refusal> {
    let there: bool = connection.prepare_cached(sql)?.query_row([address.as_str()], |row| row.get(0))?;
    if there { Err(Refusal::Fault(ImportFault::Twice)) } else { Ok(()) }
}

/// Why a line was not taken.
enum Refusal {
    Fault(ImportFault),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}
