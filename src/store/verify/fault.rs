//! What is wrong with a store or a backup, and what is lost by it, in a sentence.

use crate::model::Address;
use core::fmt;
use std::path::PathBuf;

/// How many numbers of messages are told.
const TOLD: usize = 20;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A file of a backup is missing, or is not what was written.
    File {
        /// Its name.
        name: String,
        /// Whether it is there at all.
        there: bool,
    },
    /// The manifest of a backup makes no sense.
    Manifest,
    /// SQLite finds its own structure broken, in its own words.
    Structure(String),
    /// Tables, indexes or triggers are not those of this version.
    Schema {
        /// The version.
        version: u32,
    },
    /// Rows of a table cannot be read any more; which, nobody can know.
    Unreadable {
        /// What the table holds.
        what: What,
    },
    /// Rows are damaged.
    Rows {
        /// What they hold.
        what: What,
        /// Whose; `None` where that cannot be known.
        user: Option<Whose>,
        /// How many.
        count: u64,
        /// Those that have numbers.
        numbers: Vec<u64>,
    },
    /// An account counts another mailbox than there is.
    Mailbox {
        /// Whose.
        user: Whose,
        /// Messages and octets that the account counts.
        counted: [i64; 2],
        /// Messages and octets that are there.
        found: [i64; 2],
    },
    /// The number for the next message is one that was given already.
    Numbers,
    /// Records of the log of deliveries are damaged.
    Deliveries {
        /// The file.
        file: PathBuf,
        /// How many.
        damaged: usize,
        /// How many are sound.
        sound: usize,
    },
    /// The first octets of a file of that log are damaged; its records are not.
    LogHead {
        /// The file.
        file: PathBuf,
    },
}

/// What a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum What {
    /// What a domain keeps about itself.
    Domain,
    /// An account.
    Account,
    /// What a password is checked against.
    Credentials,
    /// A user's rules.
    Acl,
    /// What a user published.
    Presence,
    /// Stored messages.
    Message,
    /// Subscriptions from other domains.
    Subscription,
}

/// Whose a row is, as it stands in it: perhaps damaged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whose(pub String);

impl fmt::Display for Whose {
    /// The email form, if it is an address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Address::parse_url(&self.0) {
            Ok(address) => f.write_str(&address.shown()),
            Err(_) => write!(f, "{:?}", self.0),
        }
    }
}

impl What {
    /// The table's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Account => "account",
            Self::Credentials => "credentials",
            Self::Acl => "acl",
            Self::Presence => "presence",
            Self::Message => "message",
            Self::Subscription => "subscription",
        }
    }
}

impl Fault {
    /// A word for scripts.
    #[must_use]
    pub const fn about(&self) -> &'static str {
        match self {
            Self::File { .. } | Self::Manifest => "backup",
            Self::Structure(_) | Self::Schema { .. } => "database",
            Self::Unreadable { what } | Self::Rows { what, .. } => what.as_str(),
            Self::Mailbox { .. } | Self::Numbers => "message",
            Self::Deliveries { .. } | Self::LogHead { .. } => "delivery",
        }
    }

    /// Whose loss it is, where that is known.
    #[must_use]
    pub const fn user(&self) -> Option<&Whose> {
        match self {
            Self::Rows { user, .. } => user.as_ref(),
            Self::Mailbox { user, .. } => Some(user),
            _ => None,
        }
    }

    /// How many records are lost or damaged, where that is known.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Rows { count, .. } => Some(*count),
            Self::Mailbox { counted, found, .. } => Some(counted[0].abs_diff(found[0])),
            Self::Deliveries { damaged, .. } => Some(*damaged as u64),
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, there: false } => write!(f, "{name} of the backup is missing"),
            Self::File { name, there: true } => {
                write!(f, "{name} is not what the backup's manifest says: it was changed or damaged")
            }
            Self::Manifest => f.write_str("manifest.json is damaged: what the backup held cannot be known"),
            Self::Structure(words) => write!(f, "the database is damaged: {words}"),
            Self::Schema { version } => {
                write!(
                    f,
                    "tables, indexes or triggers of the database are not those of schema {version}: damaged, or changed by hand"
                )
            }
            Self::Unreadable { what } => write!(f, "not all rows of the table {} can be read: some are lost", what.as_str()),
            Self::Rows { what, user, count, numbers } => rows(f, *what, user.as_ref(), *count, numbers),
            Self::Mailbox { user, counted, found } => write!(
                f,
                "the mailbox of {user} should hold {} message(s) with {} octets, and holds {} with {}",
                counted[0], counted[1], found[0], found[1]
            ),
            Self::Numbers => f.write_str("the number for the next message was given already"),
            Self::Deliveries { file, damaged, sound } => write!(
                f,
                "{}: {damaged} of {} remembered deliveries are damaged; a message of theirs that its sender repeats arrives twice",
                file.display(),
                damaged + sound
            ),
            Self::LogHead { file } => {
                write!(f, "{}: the first 32 octets are damaged; no delivery is lost by it", file.display())
            }
        }
    }
}

fn rows(f: &mut fmt::Formatter<'_>, what: What, user: Option<&Whose>, count: u64, numbers: &[u64]) -> fmt::Result {
    let whose = user.map_or_else(|| "somebody".to_owned(), Whose::to_string);
    match what {
        What::Domain => {
            let name = user.map_or_else(|| "a domain".to_owned(), |name| name.0.clone());
            write!(f, "what {name:?} keeps about itself is damaged: salts of unknown users, iteration count of passwords")
        }
        What::Account => write!(f, "the account of {whose} is damaged: whether it is disabled or has moved is not certain"),
        What::Credentials => {
            write!(f, "the password of {whose} is damaged, and so no login by it: set one with impp-relay user passwd")
        }
        What::Acl => {
            write!(f, "the rules of {whose} are damaged: who wants something of them is refused until they are set anew")
        }
        What::Presence => write!(f, "what {whose} published is damaged"),
        What::Message => {
            let told: Vec<String> = numbers.iter().take(TOLD).map(u64::to_string).collect();
            let more = if numbers.len() > TOLD { ", .." } else { "" };
            write!(f, "{count} message(s) that wait for {whose} are damaged: {}{more}", told.join(", "))
        }
        What::Subscription => write!(f, "{count} subscription(s) of other domains to {whose} are damaged"),
    }
}
