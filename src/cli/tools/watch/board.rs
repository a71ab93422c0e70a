//! What is known of everybody who is watched, and the lines that come of it.

use crate::cli::exit::Exit;
use crate::cli::seen::Seen;
use crate::model::Address;
use crate::net::client::Fetched;

/// Why there is a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Initial,
    Change,
    LeaseExpired,
    Refused,
    Terminated,
    Lost,
    Resumed,
}

impl Why {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Change => "change",
            Self::LeaseExpired => "lease-expired",
            Self::Refused => "refused",
            Self::Terminated => "terminated",
            Self::Lost => "lost",
            Self::Resumed => "resumed",
        }
    }

    /// Whether the line tells a state that a server has just told.
    pub(super) const fn is_news(self) -> bool {
        matches!(self, Self::Initial | Self::Change | Self::LeaseExpired)
    }
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) seen: Seen,
    pub(super) why: Why,
    /// What ended it.
    pub(super) error: Option<&'static str>,
}

/// Everybody who is watched, in the order in which they were named.
#[derive(Debug)]
pub(super) struct Board(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    seen: Seen,
    /// Watched no longer, and the status that this would give.
    gone: Option<Exit>,
}

impl Board {
    pub(super) fn new(addresses: &[Address]) -> Self {
        Self(addresses.iter().map(|address| Entry { seen: unknown(address), gone: None }).collect())
    }

    /// A server told a value.
    pub(super) fn shows(&mut self, target: &Address, value: &Fetched, why: Why) -> Option<Line> {
        let entry = self.entry(target)?;
        entry.seen = Seen::of(&entry.seen.address, value);
        entry.gone = None;
        Some(Line { seen: entry.seen.clone(), why, error: None })
    }

    /// Nothing more will come of this address.
    pub(super) fn gone(&mut self, target: &Address, why: Why, error: &'static str, exit: Exit) -> Option<Line> {
        let entry = self.entry(target)?;
        entry.seen = unknown(&entry.seen.address);
        entry.gone = Some(exit);
        Some(Line { seen: entry.seen.clone(), why, error: Some(error) })
    }

    /// A line for everybody whose state was known: unknown while the connection is lost, the last known after it.
    pub(super) fn all(&self, why: Why) -> Vec<Line> {
        let known = self.0.iter().filter(|entry| entry.gone.is_none() && entry.seen.version.is_some());
        known
            .map(|entry| {
                let seen = if why == Why::Lost { unknown(&entry.seen.address) } else { entry.seen.clone() };
                Line { seen, why, error: None }
            })
            .collect()
    }

    /// The status, once nobody is watched any more.
    pub(super) fn nobody_left(&self) -> Option<Exit> {
        let exits: Option<Vec<Exit>> = self.0.iter().map(|entry| entry.gone).collect();
        exits.map(|exits| Exit::combine(&exits))
    }

    /// All in one line.
    ///
    /// *Shape:* `2/3 open: ann@example.org, bob@example.org`
    pub(super) fn summary(&self) -> String {
        let open: Vec<String> =
            self.0.iter().filter(|entry| entry.seen.is_open() == Some(true)).map(|entry| entry.seen.address.shown()).collect();
        let names = if open.is_empty() { String::new() } else { format!(": {}", open.join(", ")) };
        format!("{}/{} open{names}", open.len(), self.0.len())
    }

    fn entry(&mut self, target: &Address) -> Option<&mut Entry> {
        self.0.iter_mut().find(|entry| entry.seen.address == *target)
    }
}

fn unknown(address: &Address) -> Seen {
    Seen { address: address.clone(), presence: None, version: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Presence, Version};
    use crate::net::client::Content;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn value(xml: &str) -> Fetched {
        let presence = Presence::parse(xml.as_bytes()).unwrap();
        Fetched { version: Version(1), content: Content::presence(&presence), presence: Some(presence) }
    }

    const OPEN: &str = "<presence><status>open</status></presence>";

    #[test]
    fn a_board_tells_what_it_knows_and_no_more() {
        let (ann, bob) = (address("ann@x"), address("bob@x"));
        let mut board = Board::new(&[ann.clone(), bob.clone()]);
        assert_eq!(board.all(Why::Lost).len(), 0);
        let line = board.shows(&ann, &value(OPEN), Why::Initial).unwrap();
        assert_eq!((line.seen.word(), line.why.as_str()), ("open", "initial"));
        assert_eq!(board.summary(), "1/2 open: ann@x");
        let lost = board.all(Why::Lost);
        assert_eq!((lost.len(), lost[0].seen.word()), (1, "unknown"));
        assert_eq!(board.all(Why::Resumed)[0].seen.word(), "open");
        assert!(board.shows(&address("eve@x"), &value(OPEN), Why::Change).is_none());
    }

    #[test]
    fn the_watch_ends_when_nobody_is_left() {
        let (ann, bob) = (address("ann@x"), address("bob@x"));
        let mut board = Board::new(&[ann.clone(), bob.clone()]);
        board.gone(&ann, Why::Refused, "target-unknown", Exit::NoUser);
        assert_eq!(board.nobody_left(), None);
        board.gone(&bob, Why::Terminated, "permission-denied", Exit::Denied);
        assert_eq!(board.nobody_left(), Some(Exit::Partly));
        assert_eq!(board.summary(), "0/2 open");
    }
}
