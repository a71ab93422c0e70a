//! One message in the spool, as a file: a line of facts, a line for each recipient, the message.

use crate::cli::exit::Exit;
use crate::model::{Address, MessageId, UnixMillis};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Result, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

const FIRST_LINE: &str = "impp-spool 1";
/// Octets of the word in a recipient's line; the longest error token of the protocol has 30.
const WORD: usize = 32;
/// Octets of a recipient's line that are written anew when something became of the message.
const MARK: usize = "O 000 ".len() + WORD;
/// No line before the message is longer.
const LONGEST_LINE: u64 = 8192;

/// What is known of a message beside its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Facts {
    /// The same in every attempt, so that nothing arrives twice.
    pub(in super::super) id: MessageId,
    /// Whose message it is; only this user's session may send it.
    pub(in super::super) from: Address,
    /// message/rfc822 or message/global.
    pub(in super::super) content_type: String,
    /// When it came into the spool.
    pub(in super::super) queued: UnixMillis,
    /// When it is given up.
    pub(in super::super) expires: UnixMillis,
    /// Until when it is worth being delivered, if the sender said so.
    pub(in super::super) wanted: Option<UnixMillis>,
    /// Octets of the message.
    pub(in super::super) octets: u64,
}

/// The facts as they stand in the file.
#[derive(Serialize, Deserialize)]
struct FactsLine {
    id: String,
    from: String,
    #[serde(rename = "type")]
    content_type: String,
    queued: u64,
    expires: u64,
    wanted: Option<u64>,
    octets: u64,
}

/// What became of a message for one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Standing {
    /// Still to be delivered.
    Open,
    /// A receiving program has it.
    Delivered,
    /// It lies in the recipient's mailbox.
    Stored,
    /// Given up, and nobody was there to be told.
    Failed,
    /// Given up, and whoever sent it knows.
    Told,
}

/// The changeable part of a recipient's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Mark {
    pub(in super::super) standing: Standing,
    /// Why it is not delivered yet, or never will be: the exit status that this gives.
    pub(in super::super) exit: Exit,
    /// The same as a word; empty if it was never tried.
    pub(in super::super) word: String,
}

impl Mark {
    /// Never tried.
    pub(in super::super) const fn fresh() -> Self {
        Self { standing: Standing::Open, exit: Exit::Yes, word: String::new() }
    }

    /// So, with nothing to add.
    pub(in super::super) fn of(standing: Standing) -> Self {
        Self { standing, ..Self::fresh() }
    }

    /// *Shape:* `O 075 network                         `, always of the same length.
    fn encode(&self) -> String {
        let letter = match self.standing {
            Standing::Open => 'O',
            Standing::Delivered => 'D',
            Standing::Stored => 'S',
            Standing::Failed => 'F',
            Standing::Told => 'T',
        };
        let word = self.word.get(..WORD).unwrap_or(&self.word);
        format!("{letter} {:03} {word:WORD$}", self.exit.code())
    }

    fn decode(text: &str) -> Option<Self> {
        let standing = match text.get(..2)? {
            "O " => Standing::Open,
            "D " => Standing::Delivered,
            "S " => Standing::Stored,
            "F " => Standing::Failed,
            "T " => Standing::Told,
            _ => return None,
        };
        let exit = Exit::of_code(text.get(2..5)?.parse().ok()?);
        Some(Self { standing, exit, word: text.get(6..)?.trim_end().to_owned() })
    }
}

/// A message in the spool, open. What others do to it meanwhile can be read here even after they took it away.
///
/// *Shape of the file:*
/// ```text
/// impp-spool 1
/// {"id":"<5f0c@example.org>","from":"impp://example.org/alice","type":"message/rfc822","queued":1795435200000,...}
/// O 075 network                          impp://example.org/bob
///
/// (the message)
/// ```
/// Only the beginning of a recipient's line is ever written again, in its place and of the same length, so that a crash
/// leaves either what was or what is.
#[derive(Debug)]
pub(in super::super) struct Entry {
    pub(super) name: String,
    pub(in super::super) facts: Facts,
    file: File,
    recipients: Vec<(Address, u64)>,
    body_at: u64,
}

/// The file of a message to these recipients.
pub(super) fn encode(facts: &Facts, recipients: &[Address], message: &[u8]) -> Result<Vec<u8>> {
    let line = FactsLine {
        id: facts.id.as_str().to_owned(),
        from: facts.from.as_str().to_owned(),
        content_type: facts.content_type.clone(),
        queued: facts.queued.0,
        expires: facts.expires.0,
        wanted: facts.wanted.map(|wanted| wanted.0),
        octets: message.len() as u64,
    };
    let mut text = format!("{FIRST_LINE}\n{}\n", serde_json::to_string(&line)?);
    for to in recipients {
        text.push_str(&format!("{} {}\n", Mark::fresh().encode(), to.as_str()));
    }
    text.push('\n');
    Ok([text.as_bytes(), message].concat())
}

impl Entry {
    /// Reads all but the message.
    ///
    /// # Errors
    /// The file's; `InvalidData` if it is no whole message of the spool.
    pub(super) fn read(name: &str, file: File) -> Result<Self> {
        let mut lines = BufReader::new(file);
        let mut at = 0;
        let mut next = || -> Result<(u64, String)> {
            let (begin, mut line) = (at, String::new());
            at += (&mut lines).take(LONGEST_LINE).read_line(&mut line)? as u64;
            line.pop().filter(|end| *end == '\n').ok_or(ErrorKind::InvalidData)?;
            Ok((begin, line))
        };
        if next()?.1 != FIRST_LINE {
            return Err(ErrorKind::InvalidData.into());
        }
        let facts = Facts::read(&next()?.1).ok_or(ErrorKind::InvalidData)?;
        let mut recipients = Vec::new();
        loop {
            let (begin, line) = next()?;
            if line.is_empty() {
                break;
            }
            let (mark, address) = line.split_at_checked(MARK + 1).ok_or(ErrorKind::InvalidData)?;
            Mark::decode(mark).ok_or(ErrorKind::InvalidData)?;
            recipients.push((Address::parse_url(address).map_err(|_| ErrorKind::InvalidData)?, begin));
        }
        let file = lines.into_inner();
        if file.metadata()?.len() != at + facts.octets {
            return Err(ErrorKind::InvalidData.into());
        }
        Ok(Self { name: name.to_owned(), facts, file, recipients, body_at: at })
    }

    /// The name of its file.
    pub(in super::super) fn name(&self) -> &str {
        &self.name
    }

    /// The recipients, settled or not.
    pub(in super::super) fn recipients(&self) -> impl Iterator<Item = &Address> {
        self.recipients.iter().map(|(to, _)| to)
    }

    /// How it stands with a recipient now; `None` if this is none.
    ///
    /// # Errors
    /// The file's.
    pub(in super::super) fn mark(&self, to: &Address) -> Result<Option<Mark>> {
        let Some((_, at)) = self.recipients.iter().find(|(recipient, _)| recipient == to) else { return Ok(None) };
        let mut octets = [0; MARK];
        self.file.read_exact_at(&mut octets, *at)?;
        Ok(std::str::from_utf8(&octets).ok().and_then(Mark::decode))
    }

    /// Notes how it stands. `sync`: this survives a power cut.
    ///
    /// # Errors
    /// The file's.
    pub(in super::super) fn set(&self, to: &Address, mark: &Mark, sync: bool) -> Result<()> {
        let Some((_, at)) = self.recipients.iter().find(|(recipient, _)| recipient == to) else { return Ok(()) };
        if self.mark(to)?.as_ref() == Some(mark) {
            return Ok(());
        }
        self.file.write_all_at(mark.encode().as_bytes(), *at)?;
        if sync { self.file.sync_data() } else { Ok(()) }
    }

    /// How it stands with all.
    ///
    /// # Errors
    /// The file's.
    pub(in super::super) fn marks(&self) -> Result<Vec<(&Address, Mark)>> {
        self.recipients().map(|to| Ok((to, self.mark(to)?.unwrap_or(Mark::fresh())))).collect()
    }

    /// The message.
    ///
    /// # Errors
    /// The file's.
    pub(in super::super) fn message(&self) -> Result<Bytes> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.body_at))?;
        let mut octets = Vec::new();
        file.read_to_end(&mut octets)?;
        Ok(octets.into())
    }

    /// Whether the file has been taken out of the spool.
    pub(in super::super) fn is_gone(&self) -> bool {
        self.file.metadata().is_ok_and(|about| about.nlink() == 0)
    }
}

impl Facts {
    fn read(line: &str) -> Option<Self> {
        let line: FactsLine = serde_json::from_str(line).ok()?;
        Some(Self {
            id: MessageId::parse(&line.id)?,
            from: Address::parse_url(&line.from).ok()?,
            content_type: line.content_type,
            queued: UnixMillis(line.queued),
            expires: UnixMillis(line.expires),
            wanted: line.wanted.map(UnixMillis),
            octets: line.octets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn facts() -> Facts {
        Facts {
            id: MessageId::parse("<1@x>").unwrap(),
            from: address("alice@x"),
            content_type: "message/rfc822".to_owned(),
            queued: UnixMillis(1000),
            expires: UnixMillis(9000),
            wanted: Some(UnixMillis(8000)),
            octets: 12,
        }
    }

    fn entry(octets: &[u8]) -> Result<Entry> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(octets).unwrap();
        file.rewind().unwrap();
        Entry::read("n", file)
    }

    #[test]
    fn a_message_comes_back_as_it_went() {
        let to = [address("bob@x"), address("\"a b\"@x"), address("jürgen@x")];
        let octets = encode(&facts(), &to, b"A: b\r\n\r\n\n\0\xff.").unwrap();
        let entry = entry(&octets).unwrap();
        assert_eq!(entry.facts, facts());
        assert_eq!(entry.recipients().cloned().collect::<Vec<_>>(), to);
        assert_eq!(entry.message().unwrap(), &b"A: b\r\n\r\n\n\0\xff."[..]);
        assert_eq!(entry.marks().unwrap(), to.iter().map(|to| (to, Mark::fresh())).collect::<Vec<_>>());
        // Once more, for a retry.
        assert_eq!(entry.message().unwrap().len(), 12);
    }

    #[test]
    fn a_mark_is_written_in_its_place_and_nothing_else_moves() {
        let to = [address("bob@x"), address("carol@x")];
        let entry = entry(&encode(&facts(), &to, b"hello, world").unwrap()).unwrap();
        let marks = [
            Mark { standing: Standing::Open, exit: Exit::TryLater, word: "domain-authentication-required".to_owned() },
            Mark { standing: Standing::Failed, exit: Exit::NoUser, word: "target-unknown".to_owned() },
            Mark { standing: Standing::Told, exit: Exit::NoUser, word: "x".repeat(WORD) },
            Mark::of(Standing::Stored),
            Mark::of(Standing::Delivered),
        ];
        for mark in marks {
            entry.set(&to[0], &mark, true).unwrap();
            assert_eq!(entry.mark(&to[0]).unwrap().unwrap(), mark);
            assert_eq!(entry.mark(&to[1]).unwrap().unwrap(), Mark::fresh());
            assert_eq!(entry.message().unwrap(), &b"hello, world"[..]);
        }
        assert_eq!(entry.mark(&address("eve@x")).unwrap(), None);
    }

    #[test]
    fn what_is_not_whole_is_no_message() {
        let whole = encode(&facts(), &[address("bob@x")], b"hello, world").unwrap();
        assert!(entry(&whole).is_ok());
        for cut in 0..whole.len() {
            assert_eq!(entry(&whole[..cut]).unwrap_err().kind(), ErrorKind::InvalidData, "{cut}");
        }
        let text = String::from_utf8(whole).unwrap();
        for (from, to) in
            [("spool 1", "spool 2"), ("O 000", "? 000"), ("impp://x/bob", "impp://x"), ("<1@x>", "1"), ("12}", "13}")]
        {
            assert!(entry(text.replacen(from, to, 1).as_bytes()).is_err(), "{from}");
        }
    }
}
