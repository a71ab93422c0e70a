//! A message that arrived, as people and scripts read it.

use crate::cli::print::{Color, Printer, Record};
use crate::cli::{safe, units};
use crate::model::acl::ANONYMOUS_DOMAIN;
use crate::model::content::{Incoming as Mail, Proof, Urgency, with_proof};
use crate::model::{Address, MessageId, UnixMillis};
use bytes::Bytes;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Characters of a subject, or of whom a message claims to be from, that a person is shown.
const LINE: usize = 500;

/// A message with what IMPP says of it and what it says of itself.
#[derive(Debug)]
pub(super) struct Letter {
    /// The sender, as the domains vouch for it.
    pub(super) from: Address,
    /// Whose message it is.
    pub(super) to: Address,
    /// Its Message-ID.
    pub(super) id: MessageId,
    /// When it came here.
    pub(super) received: UnixMillis,
    /// As it came.
    pub(super) raw: Bytes,
    /// What it says of itself.
    pub(super) mail: Mail,
    /// Where its attachments were saved, in their order.
    pub(super) saved: Vec<PathBuf>,
}

impl Letter {
    pub(super) fn new(from: Address, to: Address, id: MessageId, received: UnixMillis, raw: Bytes) -> Self {
        let mail = Mail::read(&raw);
        Self { from, to, id, received, raw, mail, saved: Vec::new() }
    }

    /// How far the sender is proved, in one word. A handler that asks for `verified` alone is never led astray by what the
    /// message says of itself.
    pub(super) fn auth(&self) -> &'static str {
        match self.from.domain_str() == ANONYMOUS_DOMAIN {
            true => "anonymous",
            false if self.mail.from_differs(&self.from) => "claims-other",
            false => "verified",
        }
    }

    /// The message for a mailbox, where mail programs will read it that know of no proof but what stands in it.
    pub(super) fn delivered(&self) -> Vec<u8> {
        let own_from_is_true = !self.mail.from.is_empty() && !self.mail.from_differs(&self.from);
        let proof = Proof { sender: &self.from, recipient: &self.to, auth: self.auth(), own_from_is_true };
        with_proof(&self.raw, &proof)
    }

    /// The sender that the message itself claims, where that is another.
    pub(super) fn claims(&self) -> Option<String> {
        let mut written: Vec<&str> = self.mail.from.iter().map(|mailbox| mailbox.written.as_str()).collect();
        if self.mail.header_is_cut {
            written.push("others, in a header too long to be read");
        }
        self.mail.from_differs(&self.from).then(|| written.join(", "))
    }

    /// When it was written, or else came here.
    pub(super) fn date(&self) -> String {
        units::local(self.mail.date.unwrap_or(self.received))
    }

    /// The text, with a line feed at its end.
    pub(super) fn text(&self) -> String {
        let text = self.mail.text.as_deref().unwrap_or_default();
        if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
    }

    /// A header's value: the proven sender for From, the rest as the message has it.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        if name.eq_ignore_ascii_case("From") { Some(self.from.to_email()) } else { self.mail.header(name) }
    }

    /// The fields.
    pub(super) fn record(&self) -> Record {
        let attachments: Vec<Value> = self
            .mail
            .attachments
            .iter()
            .enumerate()
            .map(|(at, part)| {
                let saved = self.saved.get(at).map(|path| path.display().to_string());
                json!({"name": part.name, "type": part.media_type, "size": part.octets.len(), "saved": saved})
            })
            .collect();
        Record::new()
            .with("from", self.from.to_email())
            .with("to", self.to.to_email())
            .with("id", self.id.as_str())
            .with("subject", self.mail.subject.clone())
            .with("date", self.mail.date.map(units::local))
            .with("received", units::local(self.received))
            .with("urgency", self.mail.urgency.as_str())
            .with("type", self.mail.content_type.clone())
            .with("auth", self.auth())
            .with("claims", self.claims())
            .with("in_reply_to", self.mail.in_reply_to.as_ref().map(ToString::to_string))
            .with("text", self.mail.text.clone())
            .with("attachments", attachments)
    }

    /// For people: a line about it, its text, an empty line.
    ///
    /// *Shape:*
    /// ```text
    /// 2026-11-23T12:00:00Z  bob@example.org  [high]  Disk full
    ///   /var has 3% left
    /// ```
    pub(super) fn shown(&self, out: &Printer) -> String {
        let mut head = format!("{}  {}", self.date(), out.paint(Color::Good, &safe::line(&self.from.shown())));
        if self.mail.urgency != Urgency::Normal {
            head += &format!("  {}", out.paint(Color::Bad, &format!("[{}]", self.mail.urgency.as_str())));
        }
        if let Some(subject) = self.mail.subject.as_deref().filter(|subject| !subject.is_empty()) {
            head += &format!("  {}", safe::line(&safe::cut(subject, LINE)));
        }
        let mut lines = vec![head];
        if let Some(claims) = self.claims() {
            lines.push(out.paint(Color::Bad, &format!("  (it says it is from {})", safe::line(&safe::cut(&claims, LINE)))));
        }
        lines.extend(safe::block(&self.text()).lines().map(|line| format!("  {line}").trim_end().to_owned()));
        for (at, part) in self.mail.attachments.iter().enumerate() {
            let place = self.saved.get(at).map_or_else(|| part.name.clone(), |path| path.display().to_string());
            let size = units::shown_size(part.octets.len() as u64);
            lines.push(format!("  [{}, {}, {size}]", safe::line(&place), safe::line(&part.media_type)));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    /// As one message of an mbox file (mboxrd): lines that could be taken for a new message are quoted.
    pub(super) fn mbox(&self) -> Vec<u8> {
        let mut out = format!("From {} {}\n", safe::line(&self.from.to_email()).replace(' ', "_"), units::asctime(self.received))
            .into_bytes();
        let message = self.delivered();
        let body = message.strip_suffix(b"\n").unwrap_or(&message);
        for line in body.split(|c| *c == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let unquoted = line.iter().position(|c| *c != b'>').and_then(|at| line.get(at..)).unwrap_or_default();
            if unquoted.starts_with(b"From ") {
                out.push(b'>');
            }
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        out.push(b'\n');
        out
    }

    /// The whole message with a line feed at its end.
    pub(super) fn mime(&self) -> Vec<u8> {
        let mut out = self.raw.to_vec();
        if !out.ends_with(b"\n") {
            out.extend_from_slice(b"\r\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(raw: &str) -> Letter {
        let address = |text: &str| Address::parse(text).unwrap();
        let id = MessageId::parse("<1@x>").unwrap();
        Letter::new(address("bob@x"), address("ann@x"), id, UnixMillis(1_795_435_200_000), Bytes::from(raw.replace('\n', "\r\n")))
    }

    #[test]
    fn what_people_see_is_safe_and_marks_a_false_sender() {
        let shown = letter("From: eve@x\nSubject: a\u{1b}[2Jb\nPriority: urgent\n\none\u{9b}\ntwo\n").shown(&Printer::new("t"));
        assert!(shown.contains("  bob@x  [high]  a\\x1b[2Jb\n  (it says it is from eve@x)\n  one\\u{9b}\n  two\n"), "{shown}");
        assert!(!letter("From: bob@x\n\nhi\n").shown(&Printer::new("t")).contains("says"));
    }

    #[test]
    fn fields_for_scripts() {
        let json = letter("From: bob@x\nSubject: s\n\nhi\n").record().to_json();
        let value: Value = serde_json::from_str(&json).unwrap();
        assert!(json.starts_with(r#"{"v":1,"from":"bob@x","to":"ann@x","id":"<1@x>","subject":"s","date":null,"#), "{json}");
        assert_eq!((&value["auth"], &value["claims"], &value["text"]), (&json!("verified"), &Value::Null, &json!("hi\n")));
        let value: Value = serde_json::from_str(&letter("From: eve@x, bob@x\n\nhi\n").record().to_json()).unwrap();
        assert_eq!((&value["auth"], &value["claims"]), (&json!("claims-other"), &json!("eve@x, bob@x")));
        let mut nobody = letter("From: eve@x\n\nhi\n");
        nobody.from = Address::parse("word@anonymous.invalid").unwrap();
        assert_eq!(nobody.auth(), "anonymous");
    }

    #[test]
    fn mbox_quotes_what_looks_like_a_beginning() {
        let mbox = String::from_utf8(letter("Subject: s\n\nFrom here\n>From there\nx").mbox()).unwrap();
        assert!(mbox.starts_with("From bob@x ") && mbox.contains("\nX-IMPP-From: bob@x\n"), "{mbox}");
        assert!(mbox.ends_with("\n\n>From here\n>>From there\nx\n\n"), "{mbox}");
    }
}
