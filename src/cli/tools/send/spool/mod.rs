//! The spool: messages on disk until somebody has them, one file each, safe with many processes at once.
//!
//! | in the folder | is |
//! | --- | --- |
//! | `*.msg` | a message; names sort as messages came |
//! | `tmp/` | messages that are being written; worth nothing |
//! | `dead/` | messages that were given up with nobody there to be told |
//! | `locks/` | a lock for each lane: whoever sends to a recipient holds the lock of the recipient's lane, so that order is kept |

pub(super) mod entry;
mod place;
pub(super) mod work;

pub(super) use entry::{Entry, Facts, Mark, Standing};
pub(super) use place::find;

use super::compose::Outgoing;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::model::{Address, UnixMillis};
use crate::net::random;
use std::cell::Cell;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ENDING: &str = ".msg";
const PARTS: [&str; 3] = ["tmp", "dead", "locks"];
/// How many recipients may be sent to at once, by all processes.
const LANES: u64 = 64;
/// What has been written for so long belongs to a process that is dead.
const STALE: Duration = Duration::from_secs(86_400);

/// How long a message is tried, where its sender said nothing: as long as mail is.
pub(super) const PATIENCE: Duration = Duration::from_secs(5 * 86_400);

/// A spool.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    /// The moment in the newest name.
    newest: Cell<u64>,
}

/// A lane that is ours until this is dropped.
#[derive(Debug)]
pub(super) struct Lane(#[allow(dead_code, reason = "the lock ends with the file")] File);

/// What is done with a message that is settled for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// It is removed.
    Gone,
    /// It is kept in `dead/`.
    Dead,
}

impl Spool {
    /// Opens the spool, making it where it is missing.
    ///
    /// # Errors
    /// 73 if it cannot be made; 78 if somebody else can get at it.
    pub(super) fn open(folder: PathBuf) -> Outcome<Self> {
        place::make(&folder)?;
        place::check(&folder)?;
        for part in PARTS {
            place::make(&folder.join(part))?;
        }
        let spool = Self { folder, newest: Cell::new(0) };
        let newest = spool.names()?.last().and_then(|name| moment(name)).unwrap_or_default();
        spool.newest.set(newest);
        Ok(spool)
    }

    /// Opens a spool that is there; `None` if there is none.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn existing(folder: PathBuf) -> Outcome<Option<Self>> {
        if folder.is_dir() { Self::open(folder).map(Some) } else { Ok(None) }
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a message: it is on disk, whole, when this comes back. It is worth something until `wanted` from now, or
    /// tried as long as mail is.
    ///
    /// # Errors
    /// 73 or 74: nothing is kept.
    pub(super) fn keep(&self, message: &Outgoing, from: &Address, wanted: Option<Duration>, now: UnixMillis) -> Outcome<Entry> {
        let facts = Facts {
            id: message.id.clone(),
            from: from.clone(),
            content_type: message.content_type.to_owned(),
            queued: now,
            expires: now.plus(wanted.unwrap_or(PATIENCE)),
            wanted: wanted.map(|wanted| now.plus(wanted)),
            octets: message.octets.len() as u64,
        };
        // A calendar that was set back must not let this one overtake what is there.
        let moment = now.0.max(self.newest.get() + 1);
        self.newest.set(moment);
        let name = format!("{moment:015}-{}{ENDING}", random::request_prefix());
        let (tmp, path) = (self.folder.join("tmp").join(&name), self.path(&name));
        let written = entry::encode(&facts, &message.to, &message.octets).and_then(|octets| {
            let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&tmp)?;
            file.write_all(&octets)?;
            file.sync_all()?;
            fs::rename(&tmp, &path)?;
            self.sync()?;
            Entry::read(&name, File::options().read(true).write(true).open(&path)?)
        });
        written.map_err(|error| {
            _ = fs::remove_file(&tmp);
            Failure::writing(&path, &error)
        })
    }

    /// The messages in the order in which they came.
    ///
    /// # Errors
    /// 74.
    pub(super) fn names(&self) -> Outcome<Vec<String>> {
        names(&self.folder)
    }

    /// The messages that were given up.
    ///
    /// # Errors
    /// 74.
    pub(super) fn dead(&self) -> Outcome<Vec<String>> {
        names(&self.folder.join("dead"))
    }

    /// The message of this name; `None` if somebody took it away meanwhile.
    ///
    /// # Errors
    /// 65 if it is damaged; 74.
    pub(super) fn entry(&self, name: &str) -> Outcome<Option<Entry>> {
        self.read(name, &self.path(name))
    }

    /// A message that was given up.
    ///
    /// # Errors
    /// As [`Self::entry`].
    pub(super) fn dead_entry(&self, name: &str) -> Outcome<Option<Entry>> {
        self.read(name, &self.folder.join("dead").join(name))
    }

    fn read(&self, name: &str, path: &Path) -> Outcome<Option<Entry>> {
        let file = match File::options().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::reading(path, &error)),
        };
        match Entry::read(name, file) {
            Ok(entry) => Ok(Some(entry)),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Err(Failure::new(Exit::Data, format!("{} is damaged; it is left as it is", path.display())))
            }
            Err(error) => Err(Failure::reading(path, &error)),
        }
    }

    /// Takes a message out of the spool.
    ///
    /// # Errors
    /// 74.
    pub(super) fn retire(&self, entry: &Entry, rest: Rest) -> Outcome<()> {
        let path = self.path(&entry.name);
        let done = match rest {
            Rest::Gone => fs::remove_file(&path),
            Rest::Dead => fs::rename(&path, self.folder.join("dead").join(&entry.name)),
        };
        match done {
            // Another lane settled it in the same moment.
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::writing(&path, &error)),
            _ => Ok(()),
        }
    }

    /// Makes what was taken out and put in survive a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    /// Waits until a lane is ours.
    ///
    /// # Errors
    /// 73 or 74.
    pub(super) async fn lane(&self, number: u64) -> Outcome<Lane> {
        let (path, file) = self.lock_file(number)?;
        let locked = match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::Error(error)) => Err(error),
            // Whoever gives up waiting drops the file, and the lock with it.
            Err(TryLockError::WouldBlock) => match tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await {
                Ok(locked) => locked,
                Err(_) => return Err(Failure::new(Exit::Internal, "the wait for the spool was broken off")),
            },
        };
        locked.map(Lane).map_err(|error| Failure::writing(&path, &error))
    }

    /// A lane, if nobody has it.
    ///
    /// # Errors
    /// 73 or 74.
    pub(super) fn free_lane(&self, number: u64) -> Outcome<Option<Lane>> {
        let (path, file) = self.lock_file(number)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lane(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Failure::writing(&path, &error)),
        }
    }

    fn lock_file(&self, number: u64) -> Outcome<(PathBuf, File)> {
        let path = self.folder.join("locks").join(format!("{number:02}"));
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(|error| Failure::creating(&path, &error))?;
        Ok((path, file))
    }

    /// Removes what dead processes left half written.
    pub(super) fn tidy(&self, now: UnixMillis) {
        let folder = self.folder.join("tmp");
        for name in names(&folder).unwrap_or_default() {
            if moment(&name).is_some_and(|begun| now.since(UnixMillis(begun)) > STALE) {
                // The next run tries again.
                _ = fs::remove_file(folder.join(name));
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The lane of a recipient: FNV-1a, which every version of this program must share with the others.
pub(super) fn lane_of(to: &Address) -> u64 {
    let hash = to
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(0x100_0000_01b3));
    hash % LANES
}

fn names(folder: &Path) -> Outcome<Vec<String>> {
    let failed = |error: io::Error| Failure::reading(folder, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string()
            && name.ends_with(ENDING)
            && moment(&name).is_some()
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn moment(name: &str) -> Option<u64> {
    name.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MessageId;
    use std::os::unix::fs::MetadataExt as _;

    pub(in super::super) fn message(number: usize, to: &[&str]) -> Outgoing {
        Outgoing {
            id: MessageId::parse(&format!("<{number}@x>")).unwrap(),
            content_type: "message/rfc822",
            octets: format!("Subject: {number}\r\n\r\n").into_bytes().into(),
            to: to.iter().map(|to| Address::parse(to).unwrap()).collect(),
        }
    }

    #[test]
    fn a_message_is_private_whole_and_nameless_on_disk() {
        let place = tempfile::tempdir().unwrap();
        let spool = Spool::open(place.path().join("spool")).unwrap();
        let alice = Address::parse("alice@x").unwrap();
        let kept = spool.keep(&message(1, &["bob@x"]), &alice, None, UnixMillis(5000)).unwrap();
        let names = spool.names().unwrap();
        assert_eq!(names, std::slice::from_ref(&kept.name));
        assert!(names[0].starts_with("000000000005000-") && !names[0].contains("bob"), "{names:?}");
        let about = fs::metadata(spool.path(&names[0])).unwrap();
        assert_eq!(about.mode() & 0o777, 0o600);
        for part in PARTS {
            assert_eq!(fs::metadata(spool.folder.join(part)).unwrap().mode() & 0o777, 0o700);
        }
        assert_eq!(fs::read_dir(spool.folder.join("tmp")).unwrap().count(), 0);
        assert_eq!(kept.facts.expires, UnixMillis(5000).plus(PATIENCE));
        assert_eq!(spool.entry(&names[0]).unwrap().unwrap().facts, kept.facts);
        assert!(spool.entry("000000000005000-x.msg").unwrap().is_none());
        spool.retire(&kept, Rest::Gone).unwrap();
        spool.retire(&kept, Rest::Gone).unwrap();
        assert!(kept.is_gone() && spool.names().unwrap().is_empty());
        assert_eq!(kept.mark(&Address::parse("bob@x").unwrap()).unwrap(), Some(Mark::fresh()), "still to be read");
    }

    #[test]
    fn names_sort_as_messages_came_also_when_the_calendar_goes_back() {
        let place = tempfile::tempdir().unwrap();
        let open = || Spool::open(place.path().join("spool")).unwrap();
        let (spool, alice) = (open(), Address::parse("alice@x").unwrap());
        let mut came = Vec::new();
        for now in [1000, 1000, 900] {
            came.push(spool.keep(&message(1, &["bob@x"]), &alice, None, UnixMillis(now)).unwrap().name);
        }
        came.push(open().keep(&message(1, &["bob@x"]), &alice, None, UnixMillis(10)).unwrap().name);
        assert_eq!(spool.names().unwrap(), came);
    }

    #[test]
    fn what_is_damaged_is_left_alone_and_said() {
        let place = tempfile::tempdir().unwrap();
        let spool = Spool::open(place.path().join("spool")).unwrap();
        let name = "000000000005000-x.msg";
        fs::write(spool.path(name), "impp-spool 1\n").unwrap();
        let failure = spool.entry(name).unwrap_err();
        assert!(failure.exit == Exit::Data && failure.line().unwrap().contains("damaged"), "{failure:?}");
    }

    #[test]
    fn only_old_remains_are_tidied_away() {
        let place = tempfile::tempdir().unwrap();
        let spool = Spool::open(place.path().join("spool")).unwrap();
        let now = UnixMillis(100).plus(STALE * 2);
        for name in ["000000000000100-x.msg", &format!("{:015}-y.msg", now.0 - 1000)] {
            fs::write(spool.folder.join("tmp").join(name), "").unwrap();
        }
        spool.tidy(now);
        assert_eq!(names(&spool.folder.join("tmp")).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_lane_has_one_user_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let spool = Spool::open(place.path().join("spool")).unwrap();
        let first = spool.lane(7).await.unwrap();
        let other = spool.lane(8).await.unwrap();
        let second = spool.lane(7);
        tokio::pin!(second);
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut second).await.is_err());
        drop((first, other));
        second.await.unwrap();
    }
}
