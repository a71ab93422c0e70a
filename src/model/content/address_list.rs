//! The address lists of mail headers: From, To, Cc, Bcc (RFC 5322), read so that no name passes for an address.

use super::head::resolve;
use crate::model::address::Address;
use core::mem::take;

/// One address of a list. A stranger's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// The name for people.
    pub name: Option<String>,
    /// The address, if it is one.
    pub address: Option<Address>,
    /// As it was written, without name and angle brackets.
    pub written: String,
}

/// Reads an unfolded list. Groups are resolved, comments dropped, empty entries passed over; an entry that is not of
/// its form has no address. Besides the email form, the URL form is taken.
#[must_use]
pub fn read(value: &str) -> Vec<Mailbox> {
    let mut list = Vec::new();
    let mut entry = Entry::default();
    let mut chars = value.chars().peekable();
    let mut comments = 0_usize;
    let mut quoted = false;
    while let Some(c) = chars.next() {
        if c == '\\' && (quoted || comments > 0) {
            let escaped = chars.next();
            if comments == 0 {
                entry.push(c);
                escaped.into_iter().for_each(|c| entry.push(c));
            }
            continue;
        }
        match c {
            '"' if comments == 0 => {
                quoted = !quoted;
                entry.push(c);
            }
            c if quoted => entry.push(c),
            '(' => comments += 1,
            ')' if comments > 0 => comments -= 1,
            _ if comments > 0 => {}
            '<' => entry.open(),
            '>' => entry.close(),
            c if entry.in_angle => entry.push(c),
            ',' | ';' => list.extend(take(&mut entry).finish()),
            // The name of a group; but a URL may stand without brackets.
            ':' if chars.peek() != Some(&'/') => entry = Entry::default(),
            c => entry.push(c),
        }
    }
    entry.broken |= quoted || comments > 0 || entry.in_angle;
    list.extend(entry.finish());
    list
}

/// An entry while it is read.
#[derive(Default)]
struct Entry {
    phrase: String,
    angle: Option<String>,
    in_angle: bool,
    broken: bool,
}

impl Entry {
    fn push(&mut self, c: char) {
        match &mut self.angle {
            Some(angle) if self.in_angle => angle.push(c),
            // Words behind the address.
            Some(_) => self.broken |= !c.is_whitespace(),
            None => self.phrase.push(c),
        }
    }

    fn open(&mut self) {
        self.broken |= self.angle.is_some();
        self.in_angle = true;
        self.angle.get_or_insert_default();
    }

    fn close(&mut self) {
        self.broken |= !self.in_angle;
        self.in_angle = false;
    }

    fn finish(self) -> Option<Mailbox> {
        let name = self.angle.is_some().then(|| resolve(&unquote(&self.phrase))).filter(|name| !name.is_empty());
        let written = self.angle.unwrap_or(self.phrase).trim().to_owned();
        if written.is_empty() && name.is_none() && !self.broken {
            return None;
        }
        let address = Address::parse(&written).ok().filter(|address| !address.is_domain() && !self.broken);
        Some(Mailbox { name, address, written })
    }
}

/// A phrase without its quotes.
fn unquote(phrase: &str) -> String {
    let mut name = String::new();
    let mut chars = phrase.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {}
            '\\' => name.extend(chars.next()),
            c => name.push(c),
        }
    }
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, then address or `!` and what was written.
    fn shown(value: &str) -> Vec<String> {
        let entries = read(value).into_iter();
        entries
            .map(|entry| {
                let name = entry.name.map(|name| format!("[{name}] ")).unwrap_or_default();
                let address = entry.address.map_or_else(|| format!("!{}", entry.written), |address| address.to_email());
                name + &address
            })
            .collect()
    }

    #[test]
    fn lists_are_read() {
        let rows: &[(&str, &[&str])] = &[
            ("", &[]),
            (" , ,", &[]),
            ("a@x", &["a@x"]),
            ("a@x, <b@y>,c@z", &["a@x", "b@y", "c@z"]),
            ("Ann Lee <a@x>", &["[Ann Lee] a@x"]),
            ("\"Lee, Ann (\\\"x\\\")\" <a@x>", &["[Lee, Ann (\"x\")] a@x"]),
            ("a@x (Ann, (deep) \\) x)", &["a@x"]),
            ("(c) Ann (d) <a@x> (e)", &["[Ann] a@x"]),
            ("\"john smith\"@x", &["\"john smith\"@x"]),
            ("<\"john, smith\"@x>", &["\"john, smith\"@x"]),
            ("Team: a@x, B <b@y>;, c@z", &["a@x", "[B] b@y", "c@z"]),
            ("undisclosed-recipients:;", &[]),
            ("impp://x/a, <impp://x/b%20c>", &["a@x", "\"b c\"@x"]),
            ("root, john smith", &["!root", "!john smith"]),
            ("jürgen@bücher.example", &["jürgen@xn--bcher-kva.example"]),
        ];
        for (value, expected) in rows {
            assert_eq!(shown(value), *expected, "{value}");
        }
    }

    #[test]
    fn what_is_not_of_its_form_is_no_address() {
        let rows: &[(&str, &[&str])] = &[
            ("a@x <b@y>", &["[a@x] b@y"]),
            ("\"a@x\" <b@y>", &["[a@x] b@y"]),
            ("<a@x> b@y", &["!a@x"]),
            ("<a@x> <b@y>", &["!a@xb@y"]),
            ("<a@x", &["!a@x"]),
            ("a@x>", &["!a@x"]),
            ("\"a@x", &["!\"a@x"]),
            ("a@x (open", &["!a@x"]),
            ("a@b@c", &["!a@b@c"]),
            ("<>", &[]),
            ("impp://x/", &["!impp://x/"]),
            ("<@r,@s:a@x>", &["!@r,@s:a@x"]),
        ];
        for (value, expected) in rows {
            assert_eq!(shown(value), *expected, "{value}");
        }
    }
}
