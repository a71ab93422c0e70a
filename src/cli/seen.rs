//! A presence value as watch and fetch tell it: a line for people, fields for scripts.

use super::manual::{Key, key};
use super::print::{Color, Printer, Record};
use super::safe;
use super::units;
use crate::model::pidf::to_pidf;
use crate::model::{Address, Presence, Status, UnixMillis, Version};
use crate::net::client::Fetched;
use serde_json::{Map, Value};

/// What one address shows.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Whose presence it is.
    pub address: Address,
    /// The value; `None` if it is no `application/presence`, or withheld.
    pub presence: Option<Presence>,
    /// Its version.
    pub version: Option<Version>,
}

/// The keys that watch, fetch and set have in common.
pub const KEYS: &[Key] = &[
    key("address", "whose presence it is"),
    key("status", "`open`, `closed`, `unknown`"),
    key("activity", "a word such as `away`; `null`: none"),
    key("note", "a sentence for people; `null`: none"),
    key("since", "since when it is so, if the owner says so; else `null`"),
    key("version", "Presence-Version; `null`: not known"),
    key("tuples", "a list of objects, one per device or medium"),
    key("card", "an object: vCard's lower-case names to text"),
];

/// Those of each tuple.
pub const TUPLE_KEYS: &[Key] = &[
    key("id", "its name"),
    key("status", "`open`, `closed`; `null`: not said"),
    key("activity", "as above"),
    key("note", "as above"),
    key("since", "as the owner wrote it"),
    key("contact", "a URL"),
    key("priority", "from 0 to 1, as text"),
];

impl Seen {
    /// What a server answered or told.
    #[must_use]
    pub fn of(address: &Address, value: &Fetched) -> Self {
        Self { address: address.clone(), presence: value.presence.clone(), version: Some(value.version) }
    }

    /// open, closed or unknown.
    #[must_use]
    pub fn word(&self) -> &'static str {
        self.presence.as_ref().map_or("unknown", |presence| presence.status.as_str())
    }

    /// Whether it is open; `None`: unknown.
    #[must_use]
    pub fn is_open(&self) -> Option<bool> {
        self.presence.as_ref().map(|presence| presence.status == Status::Open)
    }

    /// A field of the presence, safe for one line.
    fn text(&self, of: impl Fn(&Presence) -> Option<&String>) -> Option<String> {
        self.presence.as_ref().and_then(of).map(|text| safe::line(text).into_owned())
    }

    /// The activity as it came.
    #[must_use]
    pub fn activity(&self) -> &str {
        self.presence.as_ref().and_then(|presence| presence.activity.as_deref()).unwrap_or_default()
    }

    /// The note as it came.
    #[must_use]
    pub fn note(&self) -> &str {
        self.presence.as_ref().and_then(|presence| presence.note.as_deref()).unwrap_or_default()
    }

    /// When it became so: RFC 3339 in local time; what does not read as a time is told as it came.
    #[must_use]
    pub fn since(&self) -> Option<String> {
        let text = self.presence.as_ref().and_then(|presence| presence.since.as_deref())?;
        Some(UnixMillis::parse_rfc3339(text).map_or_else(|| text.to_owned(), units::local))
    }

    /// The columns: address, status, activity, note. `-` stands for none.
    ///
    /// *Shape:* `ann@example.org  open  away  "lunch"`
    #[must_use]
    pub fn columns(&self, out: &Printer) -> String {
        let color = match self.is_open() {
            Some(true) => Color::Good,
            Some(false) => Color::Bad,
            None => Color::Dim,
        };
        let activity = self.text(|presence| presence.activity.as_ref()).unwrap_or_else(|| "-".to_owned());
        let note = self.text(|presence| presence.note.as_ref()).map_or_else(|| "-".to_owned(), |note| format!("\"{note}\""));
        format!("{}  {}  {activity}  {note}", safe::line(&self.address.shown()), out.paint(color, self.word()))
    }

    /// The value as a document of RFC 3863 on one line, safe to print; `None` where it cannot be read.
    #[must_use]
    pub fn pidf(&self) -> Option<String> {
        self.presence.as_ref().map(|presence| safe::xml(&to_pidf(presence, &self.address)).into_owned())
    }

    /// The fields that watch and fetch have in common.
    #[must_use]
    pub fn record(&self) -> Record {
        let presence = self.presence.as_ref();
        let text = |of: fn(&Presence) -> Option<&String>| presence.and_then(of).cloned();
        let tuples: Vec<Value> = presence.map(|presence| presence.tuples.iter().map(tuple).collect()).unwrap_or_default();
        let card: Map<String, Value> = presence
            .map(|presence| presence.card.iter().map(|(name, text)| (name.clone(), Value::from(text.clone()))).collect())
            .unwrap_or_default();
        Record::new()
            .with("address", self.address.to_email())
            .with("status", self.word())
            .with("activity", text(|presence| presence.activity.as_ref()))
            .with("note", text(|presence| presence.note.as_ref()))
            .with("since", self.since())
            .with("version", self.version.map(|version| version.0))
            .with("tuples", tuples)
            .with("card", card)
    }
}

fn tuple(tuple: &crate::model::presence::Tuple) -> Value {
    let fields = [
        ("id", tuple.id.clone()),
        ("status", tuple.status.map(|status| status.as_str().to_owned())),
        ("activity", tuple.activity.clone()),
        ("note", tuple.note.clone()),
        ("since", tuple.since.clone()),
        ("contact", tuple.contact.clone()),
        ("priority", tuple.priority.clone()),
    ];
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(xml: &str) -> Seen {
        Seen {
            address: Address::parse("ann@example.org").unwrap(),
            presence: Presence::parse(xml.as_bytes()).ok(),
            version: Some(Version(7)),
        }
    }

    #[test]
    fn a_line_has_the_columns_and_nothing_that_acts() {
        let out = Printer::new("t");
        let ann = seen("<presence><status>open</status><activity>away</activity><note>lu\u{9b}nch&#10;x</note></presence>");
        assert_eq!(ann.columns(&out), "ann@example.org  open  away  \"lu\\u{9b}nch\\nx\"");
        assert_eq!(seen("<presence><status>closed</status></presence>").columns(&out), "ann@example.org  closed  -  -");
        assert_eq!(seen("PGP").columns(&out), "ann@example.org  unknown  -  -");
    }

    #[test]
    fn fields_are_stable() {
        let json =
            seen("<presence><status>open</status><tuple><id>l</id></tuple><card><fn>A</fn></card></presence>").record().to_json();
        assert_eq!(
            json,
            r#"{"v":1,"address":"ann@example.org","status":"open","activity":null,"note":null,"since":null,"version":7,"tuples":[{"id":"l","status":null,"activity":null,"note":null,"since":null,"contact":null,"priority":null}],"card":{"fn":"A"}}"#
        );
    }
}
