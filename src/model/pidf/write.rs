//! From a presence object to PIDF, on one line.

use super::names::{CARD, CIPID, DATA_MODEL, OTHER, PIDF, RPID, WHOLE, is_activity};
use crate::model::address::Address;
use crate::model::presence::{Presence, Status, Tuple};
use crate::model::simple_xml::{escape, is_name};
use crate::model::time::UnixMillis;
use std::fmt::Write as _;

/// The document, without line feeds of its own: white space within text is written as references, so that a line of
/// output is a document.
#[must_use]
pub fn to_pidf(presence: &Presence, owner: &Address) -> String {
    let mut out = Writer(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"{PIDF}\" xmlns:dm=\"{DATA_MODEL}\" xmlns:rpid=\"{RPID}\" \
         xmlns:c=\"{CIPID}\" entity=\"{}\">",
        pres_url(owner)
    ));
    let whole = Tuple {
        status: Some(presence.status),
        since: presence.since.clone(),
        contact: Some(owner.as_str().to_owned()),
        ..Tuple::default()
    };
    out.tuple(WHOLE, &whole);
    let mut taken = vec![WHOLE.to_owned()];
    for tuple in &presence.tuples {
        let id = fresh(tuple.id.as_deref().unwrap_or_default(), &taken);
        out.tuple(&id, tuple);
        taken.push(id);
    }
    out.leaf("note", presence.note.as_deref());
    out.person(presence, &fresh("person", &taken));
    out.0.push_str("</presence>");
    out.0
}

/// An XML ID that is not taken yet: this one if it can be one.
fn fresh(wish: &str, taken: &[String]) -> String {
    let free = |id: &String| !taken.contains(id);
    let counted = (1..).map(|number: u32| format!("t{number}"));
    Some(wish.to_owned()).filter(|id| is_name(id)).into_iter().chain(counted).find(free).unwrap_or_default()
}

/// RFC 3859's URL.
///
/// *Shape:* `pres:ann@example.org`
fn pres_url(owner: &Address) -> String {
    let mut url = "pres:".to_owned();
    for octet in owner.to_email().bytes() {
        match octet {
            c if c.is_ascii_alphanumeric() || b"-._~!$'*+@".contains(&c) => url.push(char::from(c)),
            c => _ = write!(url, "%{c:02X}"),
        }
    }
    // An apostrophe needs no escape between these quotes; nothing else that does is left.
    url
}

struct Writer(String);

impl Writer {
    fn tuple(&mut self, id: &str, tuple: &Tuple) {
        self.0.push_str("<tuple id=\"");
        escape(id, &mut self.0);
        self.0.push_str("\"><status>");
        self.leaf("basic", tuple.status.map(Status::as_str));
        self.0.push_str("</status>");
        self.activities(tuple.activity.as_deref());
        if let Some(contact) = &tuple.contact {
            let priority = tuple.priority.as_deref().and_then(qvalue).map(|value| format!(" priority=\"{value}\""));
            _ = write!(self.0, "<contact{}>", priority.unwrap_or_default());
            self.text(contact);
            self.0.push_str("</contact>");
        }
        self.leaf("note", tuple.note.as_deref());
        let since = tuple.since.as_deref().and_then(UnixMillis::parse_rfc3339);
        self.leaf("timestamp", since.map(UnixMillis::to_rfc3339).as_deref());
        self.0.push_str("</tuple>");
    }

    fn person(&mut self, presence: &Presence, id: &str) {
        let card = || CARD.iter().filter_map(|(field, name)| Some((*name, presence.card_field(field)?)));
        if presence.activity.is_none() && card().next().is_none() {
            return;
        }
        _ = write!(self.0, "<dm:person id=\"{id}\">");
        self.activities(presence.activity.as_deref());
        for (name, text) in card() {
            self.leaf(&format!("c:{name}"), Some(text));
        }
        self.0.push_str("</dm:person>");
    }

    fn activities(&mut self, activity: Option<&str>) {
        let Some(activity) = activity else { return };
        self.0.push_str("<rpid:activities>");
        if is_activity(activity) {
            _ = write!(self.0, "<rpid:{activity}/>");
        } else {
            self.leaf(&format!("rpid:{OTHER}"), Some(activity));
        }
        self.0.push_str("</rpid:activities>");
    }

    fn leaf(&mut self, name: &str, text: Option<&str>) {
        let Some(text) = text else { return };
        _ = write!(self.0, "<{name}>");
        self.text(text);
        _ = write!(self.0, "</{name}>");
    }

    fn text(&mut self, text: &str) {
        let mut escaped = String::with_capacity(text.len());
        escape(text, &mut escaped);
        self.0.push_str(&escaped.replace('\n', "&#10;").replace('\t', "&#9;"));
    }
}

/// RFC 3863's qvalue has at most three digits after the point.
fn qvalue(text: &str) -> Option<String> {
    let value: f64 = text.parse().ok().filter(|value| (0.0..=1.0).contains(value))?;
    let digits = format!("{value:.3}");
    Some(digits.trim_end_matches('0').trim_end_matches('.').to_owned())
}
