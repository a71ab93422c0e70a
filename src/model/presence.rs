//! A presence object: what someone lets others know of being there (SPEC §7).

use super::address::Address;
use super::simple_xml::{self, Document, Element, XmlError, XmlFault};
use super::time::UnixMillis;
use bytes::Bytes;
use core::fmt;

const ROOT: &str = "presence";

/// Whether someone, or one device, takes instant messages now (RFC 2778).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// Yes.
    Open,
    /// No.
    #[default]
    Closed,
}

impl Status {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "open" => Some(Self::Open),
            "closed" => Some(Self::Closed),
            _ => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A presence object.
///
/// *Shape:* `<presence><entity>impp://example.org/alice</entity><status>open</status></presence>`
///
/// Each known element counts once: a further one, one with children where text belongs, or a `since` that is no
/// RFC 3339 time stays in `other` as if it were unknown. What [`to_xml`](Self::to_xml) writes, [`parse`](Self::parse)
/// reads as an equal value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Whose it is.
    pub entity: Option<Address>,
    /// The one required child.
    pub status: Status,
    /// `away`, `meeting` and the like, or the owner's own words.
    pub activity: Option<String>,
    /// For people.
    pub note: Option<String>,
    /// RFC 3339, as written.
    pub since: Option<String>,
    /// One per device or medium.
    pub tuples: Vec<Tuple>,
    /// vCard's fields by their lower-case names, in order; a name may occur more than once.
    pub card: Vec<(String, String)>,
    /// What this version does not know, in order; handed on.
    pub other: Vec<Element>,
}

/// One device or medium.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tuple {
    /// Its name among the tuples.
    pub id: Option<String>,
    /// Whether it can be reached.
    pub status: Option<Status>,
    /// As in [`Presence`].
    pub activity: Option<String>,
    /// As in [`Presence`].
    pub note: Option<String>,
    /// As in [`Presence`].
    pub since: Option<String>,
    /// A URL of any scheme, as written.
    pub contact: Option<String>,
    /// From 0 to 1, as written.
    pub priority: Option<String>,
    /// What this version does not know, in order; handed on.
    pub other: Vec<Element>,
}

/// Why octets are no presence object. All are answered mime-type-not-understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceError {
    /// Not Simple XML.
    Xml(XmlError),
    /// Another root than `presence`.
    Root,
    /// The status is missing, repeated or unknown.
    Status,
    /// A tuple's status is repeated or unknown.
    TupleStatus,
    /// The entity is repeated.
    Entity,
    /// The entity is no user's URL.
    EntityUrl,
}

impl fmt::Display for PresenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xml(error) => write!(f, "not simple XML: {error}"),
            Self::Root => f.write_str("the root element is not <presence>"),
            Self::Status => f.write_str("exactly one <status> must say open or closed"),
            Self::TupleStatus => f.write_str("a tuple's <status> must say open or closed, once"),
            Self::Entity => f.write_str("the <entity> is repeated"),
            Self::EntityUrl => f.write_str("the <entity> is not a user's URL"),
        }
    }
}

impl std::error::Error for PresenceError {}

/// Why an entity cannot be inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityFault {
    /// It names somebody else, or nobody: permission-denied.
    Foreign,
    /// It is no presence object: mime-type-not-understood.
    Presence(PresenceError),
    /// With the entity it would be longer than a document may be: mime-type-not-understood.
    TooLong,
}

/// The body with the owner's entity: as it came if it names the owner, else with the entity inserted right after
/// `<presence>` and nothing else changed.
///
/// # Errors
/// [`EntityFault`]
pub fn insert_entity(octets: &Bytes, owner: &Address) -> Result<Bytes, EntityFault> {
    let document = Document::parse(octets).map_err(|error| EntityFault::Presence(PresenceError::Xml(error)))?;
    let inside = document.inside;
    match Presence::from_root(document.root) {
        Ok(Presence { entity: Some(entity), .. }) if entity == *owner => return Ok(octets.clone()),
        Ok(Presence { entity: Some(_), .. }) | Err(PresenceError::EntityUrl) => return Err(EntityFault::Foreign),
        Ok(Presence { entity: None, .. }) => {}
        Err(error) => return Err(EntityFault::Presence(error)),
    }
    // An URL may hold `&`.
    let entity = Element::leaf("entity", owner.as_str()).to_xml();
    if octets.len() + entity.len() > simple_xml::OCTETS {
        return Err(EntityFault::TooLong);
    }
    // The start tag is not `<presence/>`, for there is a status within.
    let (before, after) = octets.split_at_checked(inside).unwrap_or((octets, &[]));
    Ok(Bytes::from([before, entity.as_bytes(), after].concat()))
}

impl Presence {
    /// Closed and nothing else: what a stranger, the concealed, and an owner who never set anything show.
    #[must_use]
    pub fn closed() -> Self {
        Self::default()
    }

    /// Reads `application/presence`.
    ///
    /// # Errors
    /// [`PresenceError`]
    pub fn parse(octets: &[u8]) -> Result<Self, PresenceError> {
        Self::from_root(Document::parse(octets).map_err(PresenceError::Xml)?.root)
    }

    /// Whether this is a sound object that says `closed` and has a note to say why.
    #[must_use]
    pub fn is_note_of_absence(octets: &[u8]) -> bool {
        let has = |word: &[u8]| memchr::memmem::find(octets, word).is_some();
        // Asked for each message that is settled. Few have anything of the kind, and to read XML takes its time; a name
        // stands there as it is, a text may hold references instead.
        let may_be = has(b"note") && (has(b"closed") || has(b"&"));
        may_be
            && Self::parse(octets).is_ok_and(|all| all.status == Status::Closed && all.note.is_some_and(|note| !note.is_empty()))
    }

    fn from_root(root: Element) -> Result<Self, PresenceError> {
        if root.name != ROOT {
            return Err(PresenceError::Root);
        }
        let mut presence = Self::default();
        let mut status = None;
        let mut entity = None;
        let mut nested = Vec::new();
        for element in root.children {
            match element.name.as_str() {
                "status" => read_status(&mut status, &element).ok_or(PresenceError::Status)?,
                "entity" if entity.is_some() => return Err(PresenceError::Entity),
                "entity" => entity = Some(Address::parse_url(&element.text).ok().filter(|address| !address.is_domain())),
                "activity" => keep(&mut presence.activity, element, &mut presence.other),
                "note" => keep(&mut presence.note, element, &mut presence.other),
                "since" => keep_time(&mut presence.since, element, &mut presence.other),
                // Words where elements belong.
                "tuple" | "card" if !element.text.trim().is_empty() => presence.other.push(element),
                "tuple" => presence.tuples.push(Tuple::from_element(element)?),
                "card" => {
                    let (leaves, parents): (Vec<_>, Vec<_>) = element.children.into_iter().partition(Element::is_leaf);
                    presence.card.extend(leaves.into_iter().map(|field| (field.name, field.text)));
                    nested.extend(parents);
                }
                _ => presence.other.push(element),
            }
        }
        if !nested.is_empty() {
            presence.other.push(Element::parent("card", nested));
        }
        presence.status = status.ok_or(PresenceError::Status)?;
        presence.entity = entity.map(|entity| entity.ok_or(PresenceError::EntityUrl)).transpose()?;
        Ok(presence)
    }

    /// Writes `application/presence`.
    ///
    /// A card field whose name is none in XML ([`simple_xml::is_name`]) is left out; the caller keeps the whole
    /// within [`simple_xml::OCTETS`].
    #[must_use]
    pub fn to_xml(&self) -> Bytes {
        let mut children = Vec::new();
        push(&mut children, "entity", self.entity.as_ref().map(Address::as_str));
        push(&mut children, "status", Some(self.status.as_str()));
        push(&mut children, "activity", self.activity.as_deref());
        push(&mut children, "note", self.note.as_deref());
        push(&mut children, "since", self.since.as_deref());
        children.extend(self.tuples.iter().map(Tuple::to_element));
        if !self.card.is_empty() {
            let fields = self.card.iter().map(|(name, value)| Element::leaf(name, value));
            children.push(Element::parent("card", fields.collect()));
        }
        children.extend(self.other.iter().cloned());
        Element::parent(ROOT, children).to_xml().into()
    }

    /// The first field of the card with this name.
    #[must_use]
    pub fn card_field(&self, name: &str) -> Option<&str> {
        self.card.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Tuple {
    fn from_element(element: Element) -> Result<Self, PresenceError> {
        let mut tuple = Self::default();
        for element in element.children {
            match element.name.as_str() {
                "status" => read_status(&mut tuple.status, &element).ok_or(PresenceError::TupleStatus)?,
                "id" => keep(&mut tuple.id, element, &mut tuple.other),
                "activity" => keep(&mut tuple.activity, element, &mut tuple.other),
                "note" => keep(&mut tuple.note, element, &mut tuple.other),
                "since" => keep_time(&mut tuple.since, element, &mut tuple.other),
                "contact" => keep(&mut tuple.contact, element, &mut tuple.other),
                "priority" => keep(&mut tuple.priority, element, &mut tuple.other),
                _ => tuple.other.push(element),
            }
        }
        Ok(tuple)
    }

    fn to_element(&self) -> Element {
        let mut children = Vec::new();
        push(&mut children, "id", self.id.as_deref());
        push(&mut children, "status", self.status.map(Status::as_str));
        push(&mut children, "activity", self.activity.as_deref());
        push(&mut children, "note", self.note.as_deref());
        push(&mut children, "since", self.since.as_deref());
        push(&mut children, "contact", self.contact.as_deref());
        push(&mut children, "priority", self.priority.as_deref());
        children.extend(self.other.iter().cloned());
        Element::parent("tuple", children)
    }
}

/// `None` for a second status and for one that says neither word.
fn read_status(place: &mut Option<Status>, element: &Element) -> Option<()> {
    let status = Status::parse(&element.text)?;
    place.replace(status).is_none().then_some(())
}

fn keep(place: &mut Option<String>, element: Element, other: &mut Vec<Element>) {
    if place.is_none() && element.is_leaf() {
        *place = Some(element.text);
    } else {
        other.push(element);
    }
}

fn keep_time(place: &mut Option<String>, element: Element, other: &mut Vec<Element>) {
    if UnixMillis::parse_rfc3339(&element.text).is_some() { keep(place, element, other) } else { other.push(element) }
}

fn push(children: &mut Vec<Element>, name: &str, text: Option<&str>) {
    children.extend(text.map(|text| Element::leaf(name, text)));
}

impl EntityFault {
    /// What broke the rules of Simple XML, if that is what happened.
    #[must_use]
    pub fn xml(&self) -> Option<XmlFault> {
        match self {
            Self::Presence(PresenceError::Xml(error)) => Some(error.fault),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "<presence><entity>impp://example.org/alice</entity><status>open</status>\
        <activity>meeting</activity><note>Back at &lt;three&gt;</note><since>2026-11-23T12:00:00Z</since>\
        <tuple><id>laptop</id><status>open</status><activity>busy</activity><note> n </note>\
        <since>2026-11-23T13:00:00+01:00</since><contact>impp://example.org/alice</contact><priority>0.8</priority>\
        <mood>fine</mood></tuple><tuple><id>phone</id></tuple>\
        <card><fn>Alice Example</fn><email>a@example.org</email><email>b@example.org</email></card>\
        <place><room>7</room></place></presence>";

    fn parse(text: &str) -> Result<Presence, PresenceError> {
        Presence::parse(text.as_bytes())
    }

    #[test]
    fn a_note_of_absence_is_told_from_all_else() {
        for (says, text) in [
            (true, "<presence><status>closed</status><note>Back at three</note></presence>"),
            (true, "<presence><note>Back at three</note><status>&#99;losed</status></presence>"),
            (false, "<presence><status>open</status><note>closed</note></presence>"),
            (false, "<presence><status>closed</status><note/></presence>"),
            (false, "<presence><status>closed</status></presence>"),
            (false, "<presence><status>closed</status><note>Back"),
        ] {
            assert_eq!(Presence::is_note_of_absence(text.as_bytes()), says, "{text}");
        }
    }

    #[test]
    fn every_part_is_read_and_written() {
        let presence = parse(WHOLE).unwrap();
        assert_eq!(presence.entity.as_ref().map(Address::as_str), Some("impp://example.org/alice"));
        assert_eq!(presence.status, Status::Open);
        assert_eq!(presence.activity.as_deref(), Some("meeting"));
        assert_eq!(presence.note.as_deref(), Some("Back at <three>"));
        assert_eq!(presence.since.as_deref(), Some("2026-11-23T12:00:00Z"));
        let [laptop, phone] = presence.tuples.as_slice() else { panic!("two tuples") };
        assert_eq!(
            (laptop.id.as_deref(), laptop.status, laptop.note.as_deref()),
            (Some("laptop"), Some(Status::Open), Some(" n "))
        );
        assert_eq!((laptop.priority.as_deref(), laptop.other.as_slice()), (Some("0.8"), &[Element::leaf("mood", "fine")][..]));
        assert_eq!((phone.id.as_deref(), phone.status), (Some("phone"), None));
        assert_eq!(presence.card_field("fn"), Some("Alice Example"));
        assert_eq!(presence.card.len(), 3);
        assert_eq!(presence.other, [Element::parent("place", vec![Element::leaf("room", "7")])]);
        assert_eq!(presence.to_xml(), WHOLE);
    }

    #[test]
    fn closed_says_nothing_else() {
        assert_eq!(Presence::closed().to_xml(), "<presence><status>closed</status></presence>");
        assert_eq!(parse("<presence><status>closed</status></presence>"), Ok(Presence::closed()));
    }

    #[test]
    fn what_is_refused() {
        use PresenceError as E;
        let rows = [
            ("<status>open</status>", E::Root),
            ("<Presence><status>open</status></Presence>", E::Root),
            ("<presence/>", E::Status),
            ("<presence>open</presence>", E::Status),
            ("<presence><status/></presence>", E::Status),
            ("<presence><status>OPEN</status></presence>", E::Status),
            ("<presence><status> open </status></presence>", E::Status),
            ("<presence><status>away</status></presence>", E::Status),
            ("<presence><status><open/></status></presence>", E::Status),
            ("<presence><status>open</status><status>open</status></presence>", E::Status),
            ("<presence><status>open</status><tuple><status>away</status></tuple></presence>", E::TupleStatus),
            (
                "<presence><tuple><status>open</status><status>open</status></tuple><status>open</status></presence>",
                E::TupleStatus,
            ),
            ("<presence><tuple><status>open</status></tuple></presence>", E::Status),
            ("<presence><entity>alice@example.org</entity><status>open</status></presence>", E::EntityUrl),
            ("<presence><entity>impp://example.org/</entity><status>open</status></presence>", E::EntityUrl),
            ("<presence><entity/><status>open</status></presence>", E::EntityUrl),
            ("<presence><entity>impp://a/b</entity><entity>impp://a/b</entity><status>open</status></presence>", E::Entity),
        ];
        for (row, expected) in rows {
            assert_eq!(parse(row), Err(expected), "{row}");
        }
        assert!(matches!(parse("<presence a='b'><status>open</status></presence>"), Err(E::Xml(_))));
    }

    #[test]
    fn what_is_not_of_its_form_is_kept_as_unknown() {
        let rows = [
            "<presence><status>open</status><note>a</note><note>b</note></presence>",
            "<presence><status>open</status><note><b>bold</b></note></presence>",
            "<presence><status>open</status><tuple>laptop</tuple><card>Alice</card></presence>",
            "<presence><status>open</status><since>yesterday</since></presence>",
            "<presence><status>open</status><card><fn>a</fn></card><card><geo><lat>1</lat></geo></card></presence>",
            "<presence><status>open</status><tuple><priority>high</priority><id><x/></id></tuple></presence>",
        ];
        for row in rows {
            let presence = parse(row).unwrap();
            assert_eq!(presence.to_xml(), row, "{row}");
        }
        let mixed = "<presence><status>open</status><card><geo><lat>1</lat></geo><fn>a</fn></card></presence>";
        let presence = parse(mixed).unwrap();
        assert_eq!(Presence::parse(&presence.to_xml()), Ok(presence));
    }

    #[test]
    fn the_entity_is_inserted_and_nothing_else_changed() {
        let rows = [
            ("<presence><status>open</status></presence>", "<presence>", "<status>open</status></presence>"),
            (
                "<?xml version='1.0'?>\r\n<presence >\r\n <status>open</status>\r\n</presence>\n",
                "<?xml version='1.0'?>\r\n<presence >",
                "\r\n <status>open</status>\r\n</presence>\n",
            ),
        ];
        let owner = Address::parse("a&b@example.org").unwrap();
        for (row, before, after) in rows {
            let expected = format!("{before}<entity>impp://example.org/a&amp;b</entity>{after}");
            let done = insert_entity(&Bytes::from_static(row.as_bytes()), &owner).unwrap();
            assert_eq!(done, expected);
            assert_eq!(Presence::parse(&done).unwrap().entity.as_ref(), Some(&owner));
            assert_eq!(insert_entity(&done, &owner), Ok(done), "it is inserted once");
        }
    }

    #[test]
    fn an_entity_must_be_the_owners() {
        let owner = Address::parse("alice@example.org").unwrap();
        let insert = |entity: &str| {
            let text = format!("<presence><status>open</status><entity>{entity}</entity></presence>");
            insert_entity(&Bytes::from(text), &owner).map(|_| ())
        };
        assert_eq!(insert("impp://example.org/alice"), Ok(()));
        assert_eq!(insert("IMPP://EXAMPLE.ORG/%61lice"), Ok(()));
        assert_eq!(insert("impp://example.org/bob"), Err(EntityFault::Foreign));
        assert_eq!(insert("impp://example.net/alice"), Err(EntityFault::Foreign));
        assert_eq!(insert("alice"), Err(EntityFault::Foreign));
        let broken = insert_entity(&Bytes::from_static(b"<presence>"), &owner);
        assert_eq!(broken.err().and_then(|fault| fault.xml()), Some(XmlFault::Tags));
    }

    #[test]
    fn a_full_document_has_no_room_for_an_entity() {
        let owner = Address::parse("alice@example.org").unwrap();
        let entity = "<entity>impp://example.org/alice</entity>".len();
        let frame = "<presence><status>open</status><note></note></presence>".len();
        let insert = |octets: usize| {
            let note = "x".repeat(octets - frame);
            insert_entity(&Bytes::from(format!("<presence><status>open</status><note>{note}</note></presence>")), &owner)
        };
        assert_eq!(insert(simple_xml::OCTETS - entity).map(|b| b.len()), Ok(simple_xml::OCTETS));
        assert_eq!(insert(simple_xml::OCTETS - entity + 1), Err(EntityFault::TooLong));
    }
}
