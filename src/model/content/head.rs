//! The header fields of a mail message or MIME part: where they lie and where the body begins.

use super::address_list::{self, Mailbox};
use core::ops::Range;
use mail_parser::MessageParser;

/// Octets of a header block that are looked at; fields beyond it are passed over.
pub const HEAD_OCTETS: usize = 262_144;

/// Where header and body of an entity lie.
#[derive(Debug)]
pub struct Head {
    /// Fields in order, each with its line breaks.
    pub fields: Vec<Field>,
    /// The header block without the blank line; begins behind a mbox `From ` line.
    pub block: Range<usize>,
    /// Where the body begins.
    pub body: usize,
}

/// One field.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: Range<usize>,
    /// All of it, folded lines and the last line break included.
    pub whole: Range<usize>,
}

impl Head {
    /// Finds the fields. The header ends at the first blank line, or before the first line that is none of it.
    #[must_use]
    pub fn find(octets: &[u8]) -> Self {
        let start = if octets.starts_with(b"From ") { line_end(octets, 0) } else { 0 };
        let mut fields: Vec<Field> = Vec::new();
        let mut at = start;
        loop {
            let end = line_end(octets, at);
            let line = octets.get(at..end).unwrap_or_default();
            if matches!(line, b"\n" | b"\r\n") {
                return Self { fields, block: start..at, body: end };
            }
            if matches!(line.first(), Some(b' ' | b'\t')) && at > start {
                if let Some(field) = fields.last_mut().filter(|field| field.whole.end == at) {
                    field.whole.end = end;
                }
            } else if let Some(name) = field_name(line) {
                if at - start < HEAD_OCTETS {
                    fields.push(Field { name: at..at + name, whole: at..end });
                }
            } else {
                return Self { fields, block: start..at, body: at };
            }
            at = end;
        }
    }

    /// The field's name in these octets.
    #[must_use]
    pub fn is(&self, field: &Field, octets: &[u8], name: &str) -> bool {
        octets.get(field.name.clone()).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The fields of this name, in order.
    pub fn named<'a>(&'a self, octets: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| self.is(field, octets, name))
    }

    /// The first field of this name, unfolded and trimmed, encoded words resolved.
    #[must_use]
    pub fn text(&self, octets: &[u8], name: &str) -> Option<String> {
        self.named(octets, name).next().map(|field| resolve(&value(field, octets)))
    }

    /// The addresses of all fields of this name.
    #[must_use]
    pub fn addresses(&self, octets: &[u8], name: &str) -> Vec<Mailbox> {
        self.named(octets, name).flat_map(|field| address_list::read(&value(field, octets))).collect()
    }

    /// The header block as far as it is looked at.
    #[must_use]
    pub fn block<'a>(&self, octets: &'a [u8]) -> &'a [u8] {
        let end = self.fields.last().map_or(self.block.start, |field| field.whole.end);
        octets.get(self.block.start..end).unwrap_or_default()
    }
}

/// The value of a field, unfolded; what is not UTF-8 becomes U+FFFD.
fn value(field: &Field, octets: &[u8]) -> String {
    let line = octets.get(field.name.end..field.whole.end).unwrap_or_default();
    let value = memchr::memchr(b':', line).and_then(|colon| line.get(colon + 1..)).unwrap_or_default();
    String::from_utf8_lossy(value).replace(['\r', '\n'], "")
}

/// Text with its encoded words (RFC 2047) resolved, trimmed.
#[must_use]
pub fn resolve(text: &str) -> String {
    if !text.contains("=?") {
        return text.trim().to_owned();
    }
    // Subject is what the parser takes for unstructured text.
    let line = format!("Subject:{text}\r\n");
    let message = MessageParser::new().parse_headers(&line);
    message.as_ref().and_then(|message| message.subject()).unwrap_or_default().trim().to_owned()
}

/// Behind the line break of the line at `at`, or the end.
pub(super) fn line_end(octets: &[u8], at: usize) -> usize {
    let rest = octets.get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(octets.len(), |found| at + found + 1)
}

/// The octets of the name if the line begins a field.
pub(super) fn field_name(line: &[u8]) -> Option<usize> {
    let name = line.iter().take_while(|c| is_name_octet(**c)).count();
    let after = line.get(name..)?;
    let blanks = after.iter().take_while(|c| matches!(c, b' ' | b'\t')).count();
    (name > 0 && after.get(blanks) == Some(&b':')).then_some(name)
}

/// RFC 5322's ftext.
#[must_use]
pub const fn is_name_octet(c: u8) -> bool {
    matches!(c, b'!'..=b'9' | b';'..=b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_body_are_found() {
        // Text, names, body.
        let rows = [
            ("", "", ""),
            ("\r\nbody", "", "body"),
            ("A: 1\r\nB: 2\r\n 3\r\n\r\nbody", "A B", "body"),
            ("A: 1\nB : 2\n\n\nbody", "A B", "\nbody"),
            ("A: 1", "A", ""),
            ("A: 1\nno field here\n\nx", "A", "no field here\n\nx"),
            ("From x Mon\nA: 1\n\nx", "A", "x"),
            (" folded\nA: 1\n\nx", "", " folded\nA: 1\n\nx"),
            ("A: 1\n: 2\n\nx", "A", ": 2\n\nx"),
        ];
        for (text, names, body) in rows {
            let head = Head::find(text.as_bytes());
            let found: Vec<&str> = head.fields.iter().map(|field| &text[field.name.clone()]).collect();
            assert_eq!((found.join(" ").as_str(), &text[head.body..]), (names, body), "{text:?}");
        }
    }

    #[test]
    fn a_value_is_unfolded_and_decoded() {
        let text = "X-Note:  =?utf-8?Q?caf=C3=A9?=\r\n =?utf-8?Q?_au_lait?=\r\nEmpty:\r\nFolded: a\r\n\tb\r\nx-note: second\r\nRaw: é\r\n\r\n";
        let head = Head::find(text.as_bytes());
        for (name, expected) in
            [("x-note", Some("café au lait")), ("Empty", Some("")), ("folded", Some("a\tb")), ("raw", Some("é")), ("none", None)]
        {
            assert_eq!(head.text(text.as_bytes(), name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_flood_of_fields_is_passed_over() {
        let text = format!("{}\nbody", "a:\n".repeat(HEAD_OCTETS));
        let head = Head::find(text.as_bytes());
        assert!(head.fields.len() <= HEAD_OCTETS / 3 + 1);
        assert_eq!(&text[head.body..], "body");
    }
}
