//! Who watches, and who was refused lately: what GET-WATCHERS answers (SPEC §7).

use super::acl::Op;
use super::address::Address;
use super::id::ConnectionId;
use super::simple_xml::{self, Document, Element, XmlError};
use super::time::UnixMillis;
use bytes::Bytes;
use core::cmp::Reverse;
use core::fmt;

/// The answer to GET-WATCHERS.
///
/// *Shape:* `<watchers><watcher><who>impp://example.net/bob</who><connection>b1</connection>..</watcher></watchers>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watchers {
    /// Who subscribes now.
    pub watching: Vec<Watching>,
    /// Who was refused lately.
    pub refused: Vec<Refused>,
}

/// One subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watching {
    /// The subscriber.
    pub who: Address,
    /// The subscriber's session.
    pub connection: ConnectionId,
    /// When it began; whole seconds on the wire.
    pub since: UnixMillis,
    /// When its lease ends; whole seconds on the wire.
    pub until: UnixMillis,
}

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who asked.
    pub who: Address,
    /// For what.
    pub op: Op,
    /// When; whole seconds on the wire.
    pub when: UnixMillis,
}

/// Why octets are no watchers body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchersError {
    /// Not Simple XML.
    Xml(XmlError),
    /// Another root than `watchers`.
    Root,
    /// A `watcher` or `refused` that lacks a part or has one that is not of its form. Children count from 0.
    Entry(usize),
}

impl fmt::Display for WatchersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xml(error) => write!(f, "not simple XML: {error}"),
            Self::Root => f.write_str("the root element is not <watchers>"),
            Self::Entry(number) => write!(f, "entry {} is incomplete or not of its form", number + 1),
        }
    }
}

impl std::error::Error for WatchersError {}

impl Watchers {
    /// Reads `application/impp-watchers`. Unknown elements are passed over.
    ///
    /// # Errors
    /// [`WatchersError`]
    pub fn parse(octets: &[u8]) -> Result<Self, WatchersError> {
        let root = Document::parse(octets).map_err(WatchersError::Xml)?.root;
        if root.name != "watchers" {
            return Err(WatchersError::Root);
        }
        let mut watchers = Self::default();
        for (number, entry) in root.children.iter().enumerate() {
            let malformed = WatchersError::Entry(number);
            match entry.name.as_str() {
                "watcher" => watchers.watching.push(Watching::from_element(entry).ok_or(malformed)?),
                "refused" => watchers.refused.push(Refused::from_element(entry).ok_or(malformed)?),
                _ => {}
            }
        }
        Ok(watchers)
    }

    /// Writes `application/impp-watchers`.
    ///
    /// Watchers come first, the oldest before the others, then refusals, the newest before the others. Entries that
    /// do not fit into a document ([`simple_xml::OCTETS`], [`simple_xml::ELEMENTS`]) are left out from the end.
    #[must_use]
    pub fn to_xml(&self) -> Bytes {
        let mut watching: Vec<&Watching> = self.watching.iter().collect();
        watching.sort_by_key(|entry| entry.since);
        let mut refused: Vec<&Refused> = self.refused.iter().collect();
        refused.sort_by_key(|entry| Reverse(entry.when));
        let watching = watching.into_iter().map(Watching::to_element);
        let refused = refused.into_iter().map(Refused::to_element);
        let mut octets = "<watchers></watchers>".len();
        let mut elements = 1;
        let fitting = watching.chain(refused).take_while(|entry| {
            octets += entry.to_xml().len();
            elements += 1 + entry.children.len();
            octets <= simple_xml::OCTETS && elements <= simple_xml::ELEMENTS
        });
        Element::parent("watchers", fitting.collect()).to_xml().into()
    }
}

impl Watching {
    fn from_element(entry: &Element) -> Option<Self> {
        Some(Self {
            who: address(entry)?,
            connection: ConnectionId::parse_any(text(entry, "connection")?)?,
            since: UnixMillis::parse_rfc3339(text(entry, "since")?)?,
            until: UnixMillis::parse_rfc3339(text(entry, "until")?)?,
        })
    }

    fn to_element(&self) -> Element {
        let parts = vec![
            Element::leaf("who", self.who.as_str()),
            Element::leaf("connection", self.connection.as_str()),
            Element::leaf("since", &self.since.to_rfc3339()),
            Element::leaf("until", &self.until.to_rfc3339()),
        ];
        Element::parent("watcher", parts)
    }
}

impl Refused {
    fn from_element(entry: &Element) -> Option<Self> {
        Some(Self {
            who: address(entry)?,
            op: Op::parse(text(entry, "op")?)?,
            when: UnixMillis::parse_rfc3339(text(entry, "when")?)?,
        })
    }

    fn to_element(&self) -> Element {
        let parts = vec![
            Element::leaf("who", self.who.as_str()),
            Element::leaf("op", self.op.as_str()),
            Element::leaf("when", &self.when.to_rfc3339()),
        ];
        Element::parent("refused", parts)
    }
}

fn text<'a>(entry: &'a Element, name: &str) -> Option<&'a str> {
    entry.child(name).filter(|part| part.is_leaf()).map(|part| part.text.as_str())
}

fn address(entry: &Element) -> Option<Address> {
    Address::parse_url(text(entry, "who")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixMillis = UnixMillis(1_795_435_200_000);

    fn watching(number: usize) -> Watching {
        Watching {
            who: Address::parse(&format!("bob&{number}@example.net")).unwrap(),
            connection: ConnectionId::parse("b1").unwrap(),
            since: NOON,
            until: UnixMillis(NOON.0 + 3_600_000),
        }
    }

    fn refused() -> Refused {
        Refused { who: Address::parse("eve@example.com").unwrap(), op: Op::Subscribe, when: NOON }
    }

    #[test]
    fn there_and_back() {
        let watchers = Watchers { watching: vec![watching(1), watching(2)], refused: vec![refused()] };
        let text = "<watchers><watcher><who>impp://example.net/bob&amp;1</who><connection>b1</connection>\
            <since>2026-11-23T12:00:00Z</since><until>2026-11-23T13:00:00Z</until></watcher>\
            <watcher><who>impp://example.net/bob&amp;2</who><connection>b1</connection>\
            <since>2026-11-23T12:00:00Z</since><until>2026-11-23T13:00:00Z</until></watcher>\
            <refused><who>impp://example.com/eve</who><op>subscribe</op><when>2026-11-23T12:00:00Z</when></refused></watchers>";
        assert_eq!(watchers.to_xml(), text);
        assert_eq!(Watchers::parse(text.as_bytes()), Ok(watchers));
        assert_eq!(Watchers::default().to_xml(), "<watchers/>");
        assert_eq!(Watchers::parse(b"<watchers><later/></watchers>"), Ok(Watchers::default()));
    }

    #[test]
    fn old_watchers_and_new_refusals_come_first() {
        let later = |ms: u64| UnixMillis(NOON.0 + ms);
        let watching = [2000, 0, 1000].map(|ms| Watching { since: later(ms), ..watching(1) });
        let refused = [1000, 2000, 0].map(|ms| Refused { when: later(ms), ..refused() });
        let written = Watchers { watching: watching.to_vec(), refused: refused.to_vec() }.to_xml();
        let read = Watchers::parse(&written).unwrap();
        assert_eq!(read.watching.iter().map(|w| w.since).collect::<Vec<_>>(), [0, 1000, 2000].map(later));
        assert_eq!(read.refused.iter().map(|r| r.when).collect::<Vec<_>>(), [2000, 1000, 0].map(later));
    }

    #[test]
    fn what_is_refused() {
        let rows = [
            ("<watcher/>", WatchersError::Root),
            ("<watchers><watcher/></watchers>", WatchersError::Entry(0)),
            (
                "<watchers><x/><refused><who>impp://a/b</who><op>dance</op><when>2026-11-23T12:00:00Z</when></refused></watchers>",
                WatchersError::Entry(1),
            ),
            (
                "<watchers><refused><who>a@b</who><op>send</op><when>2026-11-23T12:00:00Z</when></refused></watchers>",
                WatchersError::Entry(0),
            ),
            (
                "<watchers><refused><who>impp://a/b</who><op>send</op><when>noon</when></refused></watchers>",
                WatchersError::Entry(0),
            ),
        ];
        for (row, expected) in rows {
            assert_eq!(Watchers::parse(row.as_bytes()), Err(expected), "{row}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_from_the_end() {
        let watchers = Watchers { watching: (0..2000).map(watching).collect(), refused: vec![refused()] };
        let octets = watchers.to_xml();
        assert!(octets.len() <= simple_xml::OCTETS);
        let read = Watchers::parse(&octets).unwrap();
        assert!(read.refused.is_empty() && read.watching.len() > 300);
        assert_eq!(read.watching.as_slice(), &watchers.watching[..read.watching.len()]);
    }
}
