//! From PIDF to a presence object.

use super::names::{CARD, CIPID, DATA_MODEL, OTHER, PIDF, RPID, WHOLE};
use super::tree::Node;
use crate::model::address::Address;
use crate::model::address::percent_decode;
use crate::model::presence::{Presence, Status, Tuple};
use crate::model::time::UnixMillis;
use core::fmt;

/// Why octets are no PIDF that can be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PidfError {
    /// More than 256 KiB.
    TooLong,
    /// Not XML, or XML with more than it needs, at this octet.
    Xml(usize),
    /// Another root than PIDF's `presence`.
    Root,
    /// No tuple says open or closed.
    Status,
    /// A tuple says something else.
    Basic,
    /// It demands that this extension be understood, which it is not. The name is a stranger's text.
    MustUnderstand(String),
}

impl fmt::Display for PidfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("longer than 256 KiB"),
            Self::Xml(at) => write!(f, "not XML of the plain kind (UTF-8, no DOCTYPE), at octet {at}"),
            Self::Root => f.write_str("the root element is not <presence> of PIDF"),
            Self::Status => f.write_str("no <tuple> has a <basic> that says open or closed"),
            Self::Basic => f.write_str("a <basic> says neither open nor closed"),
            Self::MustUnderstand(name) => write!(f, "it demands that <{name}> be understood, which is not known here"),
        }
    }
}

impl std::error::Error for PidfError {}

/// Reads PIDF. Without a tuple `impp` the whole is open if one of its tuples is.
///
/// # Errors
/// [`PidfError`]
pub fn from_pidf(octets: &[u8]) -> Result<Presence, PidfError> {
    let root = Node::read(octets)?;
    if !root.is(PIDF, "presence") {
        return Err(PidfError::Root);
    }
    refuse_what_must_be_understood(&root)?;
    let mut presence = Presence { entity: root.attribute("entity").and_then(address), ..Presence::default() };
    let mut status = None;
    for node in root.all(PIDF, "tuple") {
        let tuple = tuple(node)?;
        if tuple.id.as_deref() == Some(WHOLE) && status.is_none() && tuple.status.is_some() {
            (status, presence.since, presence.note) = (tuple.status, tuple.since, tuple.note);
        } else {
            presence.tuples.push(tuple);
        }
    }
    let said: Vec<Status> = presence.tuples.iter().filter_map(|tuple| tuple.status).collect();
    let of_tuples = said.iter().copied().find(|status| *status == Status::Open).or(said.first().copied());
    presence.status = status.or(of_tuples).ok_or(PidfError::Status)?;
    presence.note = root.text_of(PIDF, "note").or(presence.note);
    for person in root.all(DATA_MODEL, "person") {
        presence.activity = presence.activity.or_else(|| activity(person));
        let fields = CARD.iter().filter_map(|(field, name)| Some(((*field).to_owned(), person.text_of(CIPID, name)?)));
        presence.card.extend(fields);
    }
    Ok(presence)
}

fn refuse_what_must_be_understood(node: &Node) -> Result<(), PidfError> {
    if node.must_be_understood() && !node.is_of(RPID) && !node.is_of(CIPID) && !node.is_of(DATA_MODEL) {
        return Err(PidfError::MustUnderstand(node.local_name().to_owned()));
    }
    // The tree is at most as deep as its reader allows.
    node.children.iter().try_for_each(refuse_what_must_be_understood)
}

fn tuple(node: &Node) -> Result<Tuple, PidfError> {
    let status = node.all(PIDF, "status").next();
    let basic = status.and_then(|status| status.text_of(PIDF, "basic"));
    let contact = node.all(PIDF, "contact").next();
    Ok(Tuple {
        id: node.attribute("id").map(str::to_owned),
        status: basic.map(|word| Status::parse(&word).ok_or(PidfError::Basic)).transpose()?,
        activity: activity(node).or_else(|| status.and_then(activity)),
        note: node.text_of(PIDF, "note"),
        since: node.text_of(PIDF, "timestamp").filter(|text| UnixMillis::parse_rfc3339(text).is_some()),
        contact: contact.map(|contact| contact.text.trim().to_owned()).filter(|text| !text.is_empty()),
        priority: contact.and_then(|contact| contact.attribute("priority")).map(str::to_owned),
        other: Vec::new(),
    })
}

fn activity(of: &Node) -> Option<String> {
    let activities = of.all(RPID, "activities").next()?;
    let first = activities.children.iter().find(|child| child.is_of(RPID) && child.local_name() != "note")?;
    match first.local_name() {
        OTHER if !first.text.trim().is_empty() => Some(first.text.trim().to_owned()),
        name => Some(name.to_owned()),
    }
}

/// Whose it is, where the URL names somebody in our own way or as RFC 3859 and 3860 do.
fn address(entity: &str) -> Option<Address> {
    let user = |address: Address| (!address.is_domain()).then_some(address);
    if let Ok(address) = Address::parse_url(entity) {
        return user(address);
    }
    let (scheme, rest) = entity.split_once(':')?;
    if !["pres", "im", "impp"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let mailbox = rest.split('?').next().unwrap_or_default();
    Address::parse_email(&percent_decode(mailbox).ok()?).ok().and_then(user)
}
