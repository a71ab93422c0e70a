//! `--session FILE`: what one run leaves to the next, so that the session goes on and nothing is shown twice.

use crate::cli::exit::{Exit, Failure, Outcome, reason};
use crate::model::{Address, ConnectionId, Fingerprint, MessageId};
use std::collections::{HashSet, VecDeque};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const HEAD: &str = "impp-session 1 ";
/// Messages that are remembered; the protocol's own memory of 24 h backs the older ones.
const REMEMBERED: usize = 10_000;

/// The messages that were shown, and the session's name; in memory only, or also in a file.
///
/// *Shape of the file:* `impp-session 1 CONNECTION-ID`, then 32 hexadecimal digits per message, oldest first.
#[derive(Debug)]
pub(super) struct Session {
    /// The session's name.
    pub(super) connection: ConnectionId,
    seen: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
    file: Option<(PathBuf, File)>,
}

impl Session {
    /// A session of this run only.
    pub(super) fn new(connection: ConnectionId) -> Self {
        Self { connection, seen: HashSet::new(), order: VecDeque::new(), file: None }
    }

    /// Goes on with the session in the file, or begins one there under the name `fresh`.
    ///
    /// # Errors
    /// 73 if the file cannot be made or is another run's now; 65 if it is no session file.
    pub(super) fn open(path: &Path, fresh: ConnectionId) -> Outcome<Self> {
        let creating = |error| Failure::creating(path, &error);
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path).map_err(creating)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(Exit::CannotCreate, format!("another program uses the session {}", path.display())));
            }
            Err(TryLockError::Error(error)) => return Err(creating(error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| Failure::reading(path, &error))?;
        let mut session = Self::new(fresh);
        if !text.is_empty() {
            session.read(&text).ok_or_else(|| Failure::new(Exit::Data, format!("{} is no session file", path.display())))?;
        }
        session.file = Some((path.to_owned(), file));
        session.rewrite()?;
        Ok(session)
    }

    fn read(&mut self, text: &str) -> Option<()> {
        let mut lines = text.lines();
        self.connection = ConnectionId::parse(lines.next()?.strip_prefix(HEAD)?)?;
        // A line that a crash cut short is worth no more than a message shown twice.
        lines.filter_map(from_hex).for_each(|name| self.remember(name));
        Some(())
    }

    /// Whether this message was shown already.
    pub(super) fn knows(&self, from: &Address, to: &Address, id: &MessageId) -> bool {
        self.seen.contains(&Fingerprint::new(from, to, id).0)
    }

    /// Remembers a message that was shown.
    ///
    /// # Errors
    /// 74 if the file does not take it.
    pub(super) fn shown(&mut self, from: &Address, to: &Address, id: &MessageId) -> Outcome<()> {
        let name = Fingerprint::new(from, to, id).0;
        self.remember(name);
        match &mut self.file {
            Some((path, file)) => {
                file.write_all(format!("{}\n", to_hex(&name)).as_bytes()).map_err(|error| Failure::writing(path, &error))
            }
            None => Ok(()),
        }
    }

    fn remember(&mut self, name: [u8; 16]) {
        if self.seen.insert(name) {
            self.order.push_back(name);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.seen.remove(&oldest);
            }
        }
    }

    /// Writes the file anew, without what is too old.
    fn rewrite(&mut self) -> Outcome<()> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let lines: String = self.order.iter().map(|name| to_hex(name) + "\n").collect();
        let text = format!("{HEAD}{}\n{lines}", self.connection);
        let done = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.sync_all());
        done.map_err(|error| Failure::new(Exit::Io, format!("cannot write {}: {}", path.display(), reason(&error))))
    }
}

fn to_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn from_hex(text: &str) -> Option<[u8; 16]> {
    let mut name = [0; 16];
    if text.len() != 32 || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    for (at, octet) in name.iter_mut().enumerate() {
        *octet = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn parts(number: u32) -> (Address, Address, MessageId) {
        let id = MessageId::parse(&format!("<{number}@x>")).unwrap();
        (Address::parse("a@x").unwrap(), Address::parse("b@x").unwrap(), id)
    }

    #[test]
    fn the_next_run_goes_on_where_the_last_one_stopped() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("session");
        let (from, to, id) = parts(1);
        let first = ConnectionId::parse("first").unwrap();
        {
            let mut session = Session::open(&path, first).unwrap();
            assert!(!session.knows(&from, &to, &id));
            session.shown(&from, &to, &id).unwrap();
            let busy = Session::open(&path, first).unwrap_err();
            assert_eq!(busy.exit, Exit::CannotCreate);
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let session = Session::open(&path, ConnectionId::parse("second").unwrap()).unwrap();
        assert_eq!(session.connection, first);
        assert!(session.knows(&from, &to, &id));
        assert!(!session.knows(&to, &from, &id));
    }

    #[test]
    fn memory_is_bounded() {
        let mut session = Session::new(ConnectionId::parse("x").unwrap());
        for number in 0..=REMEMBERED as u32 {
            let (from, to, id) = parts(number);
            session.shown(&from, &to, &id).unwrap();
        }
        let knows = |number| {
            let (from, to, id) = parts(number);
            session.knows(&from, &to, &id)
        };
        assert!(!knows(0));
        assert!(knows(1) && knows(REMEMBERED as u32));
    }

    #[test]
    fn another_file_is_not_overwritten() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notes.txt");
        std::fs::write(&path, "dear diary").unwrap();
        let failure = Session::open(&path, ConnectionId::parse("x").unwrap()).unwrap_err();
        assert_eq!(failure.exit, Exit::Data);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "dear diary");
    }
}
