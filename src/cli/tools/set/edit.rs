//! Building the presence that is published, from nothing, from a file, or from the present value.

use crate::cli::exit::{Exit, Failure, Outcome};
use crate::model::pidf::from_pidf;
use crate::model::presence::Tuple;
use crate::model::simple_xml;
use crate::model::{Address, Presence, Status};
use bytes::Bytes;

/// What the command line says about presence.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    /// open or closed.
    pub(super) status: Option<Status>,
    /// `away`, `meeting`, own words.
    pub(super) activity: Option<String>,
    /// For people.
    pub(super) note: Option<String>,
    /// A URL.
    pub(super) contact: Option<String>,
    /// From 0 to 1.
    pub(super) priority: Option<String>,
    /// `fn=Alice Example`; an empty value takes the field away.
    pub(super) card: Vec<(String, String)>,
    /// Only this tuple changes.
    pub(super) tuple: Option<String>,
    /// RFC 3339.
    pub(super) since: String,
}

/// Reads `K=V`.
pub(super) fn card_field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if simple_xml::is_name(name) && name == name.to_lowercase() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err(format!("{text:?} is not NAME=VALUE with one of vCard's names in lower case")),
    }
}

/// Reads a priority.
pub(super) fn priority(text: &str) -> Result<String, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is not a number from 0 to 1")),
    }
}

impl Wish {
    /// The value to publish. A tuple is put into `present`, everything else of which stays; otherwise the
    /// status is new and so are activity and note, while tuples and card of `present` stay.
    ///
    /// # Errors
    /// 65 if the value would be too large.
    pub(super) fn apply(&self, present: Presence) -> Outcome<Presence> {
        let mut value = present;
        match &self.tuple {
            Some(id) => self.apply_tuple(id, &mut value),
            None => {
                if let Some(status) = self.status {
                    if status != value.status || value.since.is_none() {
                        value.since = Some(self.since.clone());
                    }
                    (value.status, value.activity, value.note) = (status, self.activity.clone(), self.note.clone());
                } else {
                    value.activity = self.activity.clone().or(value.activity);
                    value.note = self.note.clone().or(value.note);
                }
                if self.contact.is_some() || self.priority.is_some() {
                    self.apply_tuple("default", &mut value);
                }
            }
        }
        for (name, text) in &self.card {
            value.card.retain(|(have, _)| have != name);
            if !text.is_empty() {
                value.card.push((name.clone(), text.clone()));
            }
        }
        check_size(&value.to_xml())?;
        Ok(value)
    }

    fn apply_tuple(&self, id: &str, value: &mut Presence) {
        let at = value.tuples.iter().position(|tuple| tuple.id.as_deref() == Some(id));
        let mut tuple =
            at.map(|at| value.tuples.remove(at)).unwrap_or_else(|| Tuple { id: Some(id.to_owned()), ..Tuple::default() });
        if let Some(status) = self.status {
            tuple.status = Some(status);
            tuple.since = Some(self.since.clone());
            (tuple.activity, tuple.note) = (self.activity.clone(), self.note.clone());
        } else {
            tuple.activity = self.activity.clone().or(tuple.activity);
            tuple.note = self.note.clone().or(tuple.note);
        }
        tuple.contact = self.contact.clone().or(tuple.contact);
        tuple.priority = self.priority.clone().or(tuple.priority);
        value.tuples.insert(at.unwrap_or(value.tuples.len()), tuple);
        if self.tuple.is_some() {
            of_its_tuples(value, &self.since);
        }
    }

    /// Takes a tuple out of the present value.
    pub(super) fn without_tuple(id: &str, present: Presence, since: &str) -> Presence {
        let mut value = present;
        value.tuples.retain(|tuple| tuple.id.as_deref() != Some(id));
        of_its_tuples(&mut value, since);
        value
    }
}

/// The whole is open while any of its parts is (RFC 2778's own rule for several media).
fn of_its_tuples(value: &mut Presence, since: &str) {
    let open = value.tuples.iter().any(|tuple| tuple.status == Some(Status::Open));
    let status = if open { Status::Open } else { Status::Closed };
    if value.status != status {
        value.since = Some(since.to_owned());
    }
    value.status = status;
}

/// A presence object out of a file, ready to be published.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// As the file has it; from PIDF, what that says in our own words.
    pub(super) octets: Bytes,
    /// What it says.
    pub(super) presence: Presence,
    /// Whose it is by its own account.
    pub(super) entity: Option<Address>,
}

impl Document {
    /// Reads `application/presence`, which stays as it is, or PIDF.
    ///
    /// # Errors
    /// 65 with what is wrong with either.
    pub(super) fn read(octets: &[u8], name: &str) -> Outcome<Self> {
        let wrong = |why: String| Failure::new(Exit::Data, format!("{name} is no presence: {why}"));
        match Presence::parse(octets) {
            Ok(presence) => Ok(Self { octets: Bytes::copy_from_slice(octets), entity: presence.entity.clone(), presence }),
            Err(_) if is_pidf(octets) => {
                let mut presence = from_pidf(octets).map_err(|why| wrong(why.to_string()))?;
                // The server puts in the owner's, in the owner's own spelling.
                let entity = presence.entity.take();
                let octets = presence.to_xml();
                check_size(&octets)?;
                Ok(Self { octets, entity, presence })
            }
            Err(why) => Err(wrong(why.to_string())),
        }
    }

    /// Refuses to publish for one what is said of another.
    pub(super) fn check_owner(&self, owner: &Address) -> Outcome<()> {
        match &self.entity {
            Some(other) if other != owner && other.canonical_local().as_ref() != Some(owner) => Err(Failure::new(
                Exit::Data,
                format!("cannot publish it: it is the presence of {}, not of {}", other.shown(), owner.shown()),
            )),
            _ => Ok(()),
        }
    }
}

fn is_pidf(octets: &[u8]) -> bool {
    const NAMESPACE: &[u8] = b"urn:ietf:params:xml:ns:pidf";
    octets.windows(NAMESPACE.len()).any(|window| window == NAMESPACE)
}

fn check_size(xml: &[u8]) -> Outcome<()> {
    match xml.len() <= simple_xml::OCTETS {
        true => Ok(()),
        false => Err(Failure::new(Exit::Data, "cannot publish so much: presence has at most 64K")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> Wish {
        Wish { since: "2026-11-23T12:00:00Z".to_owned(), ..Wish::default() }
    }

    fn xml(value: &Presence) -> String {
        String::from_utf8(value.to_xml().to_vec()).unwrap()
    }

    #[test]
    fn a_status_replaces_status_activity_and_note() {
        let before = Presence { activity: Some("away".into()), card: vec![("fn".into(), "Alice".into())], ..Presence::closed() };
        let after = Wish { status: Some(Status::Open), note: Some("here".into()), ..wish() }.apply(before).unwrap();
        assert_eq!(after.activity, None);
        assert_eq!(after.note.as_deref(), Some("here"));
        assert_eq!(after.since.as_deref(), Some("2026-11-23T12:00:00Z"));
        assert_eq!(after.card_field("fn"), Some("Alice"));
    }

    #[test]
    fn a_tuple_changes_alone_and_the_whole_is_open_while_one_is() {
        let laptop = Wish { status: Some(Status::Open), tuple: Some("laptop".into()), ..wish() };
        let phone = Wish { status: Some(Status::Closed), tuple: Some("phone".into()), priority: Some("0.5".into()), ..wish() };
        let both = phone.apply(laptop.apply(Presence::closed()).unwrap()).unwrap();
        assert_eq!((both.status, both.tuples.len()), (Status::Open, 2));
        let shut = Wish { status: Some(Status::Closed), tuple: Some("laptop".into()), ..wish() }.apply(both).unwrap();
        assert_eq!(shut.status, Status::Closed);
        assert_eq!(shut.tuples[0].id.as_deref(), Some("laptop"));
        assert!(xml(&shut).contains("<priority>0.5</priority>"));
        assert_eq!(Wish::without_tuple("phone", shut, "").tuples.len(), 1);
    }

    #[test]
    fn a_card_field_is_set_and_taken_away() {
        let set = Wish { card: vec![("fn".into(), "Alice".into()), ("org".into(), "X".into())], ..wish() }
            .apply(Presence::closed())
            .unwrap();
        assert_eq!(set.card.len(), 2);
        let gone = Wish { card: vec![("fn".into(), String::new())], ..wish() }.apply(set).unwrap();
        assert_eq!(gone.card, [("org".to_owned(), "X".to_owned())]);
        assert!(
            card_field("fn=Alice").is_ok()
                && card_field("FN=x").is_err()
                && card_field("a b=x").is_err()
                && card_field("fn").is_err()
        );
    }

    #[test]
    fn too_much_is_refused_before_it_is_sent() {
        let failure =
            Wish { status: Some(Status::Open), note: Some("x".repeat(70_000)), ..wish() }.apply(Presence::closed()).unwrap_err();
        assert_eq!(failure.exit, Exit::Data);
    }

    #[test]
    fn priorities_and_files_are_checked() {
        assert!(priority("0.8").is_ok() && priority("1.1").is_err() && priority("x").is_err() && priority("NaN").is_err());
        let own = b"<presence><entity>impp://x/ann</entity> <status>open</status></presence>";
        let document = Document::read(own, "f").unwrap();
        assert_eq!(document.octets, own.as_slice());
        let owner = |text: &str| document.check_owner(&Address::parse(text).unwrap()).map_err(|failure| failure.exit);
        assert_eq!((owner("ann@x"), owner("bob@x")), (Ok(()), Err(Exit::Data)));
        assert_eq!(Document::read(b"<presence/>", "f").unwrap_err().exit, Exit::Data);
    }

    #[test]
    fn pidf_becomes_our_own() {
        let open = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:Ann@x'><tuple id='a'><status><basic>open</basic></status></tuple></presence>";
        let document = Document::read(open.as_bytes(), "f").unwrap();
        assert_eq!(document.octets, "<presence><status>open</status><tuple><id>a</id><status>open</status></tuple></presence>");
        assert!(document.check_owner(&Address::parse("ann@x").unwrap()).is_ok());
        assert!(document.check_owner(&Address::parse("bob@x").unwrap()).is_err());
        let failure = Document::read(open.replace("basic", "x").as_bytes(), "f").unwrap_err();
        assert!(failure.line().unwrap().contains("no <tuple> has a <basic>"), "{failure:?}");
    }
}
