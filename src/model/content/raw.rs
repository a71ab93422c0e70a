//! Mail that a caller brings: whom it names, and completing it without touching what is there (SPEC §8).

use super::address_list::Mailbox;
use super::draft::one_line;
use super::head::Head;
use super::transfer::canonical_text;
use crate::model::address::Address;
use crate::model::id::MessageId;
use crate::model::media_type;
use crate::model::time::UnixMillis;
use bytes::Bytes;
use core::fmt;
use mail_builder::headers::Header;
use mail_builder::headers::address::Address as MailAddress;
use mail_builder::headers::date::Date;
use std::borrow::Cow;

/// Whom the headers name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    /// Of To.
    pub to: Vec<Address>,
    /// Of Cc.
    pub cc: Vec<Address>,
    /// Of Bcc.
    pub bcc: Vec<Address>,
    /// What is no address, as written: bare names, for whoever keeps aliases.
    pub names: Vec<String>,
}

/// What a message gets that has it not.
#[derive(Clone, Copy, Debug)]
pub struct Defaults<'a> {
    /// Message-ID.
    pub message_id: &'a MessageId,
    /// From.
    pub from: &'a Address,
    /// The name beside it.
    pub from_name: Option<&'a str>,
    /// Date.
    pub date: UnixMillis,
}

/// Why a caller's message cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawError {
    /// Its Message-ID is repeated, or not of the form that IMPP takes.
    MessageId,
}

impl fmt::Display for RawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the Message-ID header must stand once, as <word@word>, with at most 255 octets")
    }
}

impl std::error::Error for RawError {}

/// Reads To, Cc and Bcc. Addresses in email and URL form are taken, groups resolved.
#[must_use]
pub fn recipients_of(raw: &[u8]) -> Recipients {
    let head = Head::find(raw);
    let mut names = Vec::new();
    let mut collect = |name: &str| -> Vec<Address> {
        let found = head.addresses(raw, name).into_iter();
        found
            .filter_map(|mailbox| {
                mailbox.address.or_else(|| {
                    names.push(mailbox.written);
                    None
                })
            })
            .collect()
    };
    let (to, cc, bcc) = (collect("To"), collect("Cc"), collect("Bcc"));
    Recipients { to, cc, bcc, names }
}

/// The message without its Bcc fields; all else octet for octet.
#[must_use]
pub fn strip_bcc(raw: &[u8]) -> Bytes {
    without_fields(raw, &["Bcc", "Resent-Bcc"])
}

/// The message without the fields of these names; all else octet for octet.
#[must_use]
pub fn without_fields(raw: &[u8], names: &[&str]) -> Bytes {
    let head = Head::find(raw);
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    for field in head.fields.iter().filter(|field| names.iter().any(|name| head.is(field, raw, name))) {
        out.extend_from_slice(raw.get(at..field.whole.start).unwrap_or_default());
        at = field.whole.end;
    }
    out.extend_from_slice(raw.get(at..).unwrap_or_default());
    out.into()
}

/// Who the message says that it is from: the first mailbox of From.
#[must_use]
pub fn sender_of(raw: &[u8]) -> Option<Mailbox> {
    Head::find(raw).addresses(raw, "From").into_iter().next()
}

/// A message ready for SEND.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complete {
    /// The one in its header.
    pub message_id: MessageId,
    /// `message/rfc822`, or `message/global` with UTF-8 in its header.
    pub content_type: &'static str,
    /// The message.
    pub octets: Bytes,
}

/// Adds Message-ID, From and Date on top where they are missing, and the blank line behind the header if there is
/// none. A message whose first line ends in a bare LF gets CRLF throughout; a mbox `From ` line goes. All else stays
/// octet for octet, signatures included.
///
/// # Errors
/// [`RawError`]
pub fn ensure_headers(raw: &[u8], defaults: &Defaults<'_>) -> Result<Complete, RawError> {
    let canonical = match memchr::memchr(b'\n', raw) {
        Some(at) if at == 0 || raw.get(at - 1) != Some(&b'\r') => Cow::Owned(canonical_text(raw)),
        _ => Cow::Borrowed(raw),
    };
    let raw = canonical.as_ref();
    let head = Head::find(raw);
    let missing = |name: &str| head.named(raw, name).next().is_none();
    let mut out = Vec::with_capacity(raw.len() + 256);
    let message_id = match head.named(raw, "Message-ID").count() {
        0 => {
            out.extend_from_slice(format!("Message-ID: {}\r\n", defaults.message_id).as_bytes());
            defaults.message_id.clone()
        }
        1 => head.text(raw, "Message-ID").and_then(|text| MessageId::parse(&text)).ok_or(RawError::MessageId)?,
        _ => return Err(RawError::MessageId),
    };
    if missing("From") {
        out.extend_from_slice(b"From: ");
        let name = defaults.from_name.map(one_line).filter(|name| !name.is_empty());
        MailAddress::new_address(name, defaults.from.to_email()).write_header(&mut out, "From: ".len());
    }
    if missing("Date") {
        out.extend_from_slice(b"Date: ");
        let seconds = i64::try_from(defaults.date.0 / 1000).unwrap_or(i64::MAX);
        Date::new(seconds).write_header(&mut out, "Date: ".len());
    }
    out.extend_from_slice(raw.get(head.block.clone()).unwrap_or_default());
    if !out.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    let content_type = content_type_of(&out);
    match raw.get(head.block.end..head.body) {
        Some(blank) if !blank.is_empty() => out.extend_from_slice(blank),
        _ => out.extend_from_slice(b"\r\n"),
    }
    out.extend_from_slice(raw.get(head.body..).unwrap_or_default());
    Ok(Complete { message_id, content_type, octets: out.into() })
}

/// The type of a message with this header block.
#[must_use]
pub(super) fn content_type_of(block: &[u8]) -> &'static str {
    if !block.is_ascii() && std::str::from_utf8(block).is_ok() { media_type::GLOBAL } else { media_type::RFC822 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emails(list: &[Address]) -> Vec<String> {
        list.iter().map(Address::to_email).collect()
    }

    fn complete(raw: &[u8]) -> Result<Complete, RawError> {
        let message_id = MessageId::parse("<new@x>").unwrap();
        let from = Address::parse("me@example.org").unwrap();
        ensure_headers(
            raw,
            &Defaults { message_id: &message_id, from: &from, from_name: None, date: UnixMillis(1_795_435_200_000) },
        )
    }

    #[test]
    fn recipients_are_read_from_every_field() {
        let raw = "To: Ann <ann@example.org>, \"john smith\"@example.org,\r\n bob@example.net\r\nSubject: to: no@example.org\r\n\
            Cc: Team: c1@example.org, c2@example.org;, <impp://example.org/url>\r\nBcc: secret@example.org\r\nTo: again@example.org, root\r\n\r\n\
            To: body@example.org\r\n";
        let found = recipients_of(raw.as_bytes());
        assert_eq!(emails(&found.to), ["ann@example.org", "\"john smith\"@example.org", "bob@example.net", "again@example.org"]);
        assert_eq!(emails(&found.cc), ["c1@example.org", "c2@example.org", "url@example.org"]);
        assert_eq!(emails(&found.bcc), ["secret@example.org"]);
        assert_eq!(found.names, ["root"]);
        assert_eq!(recipients_of(b""), Recipients::default());
        assert_eq!(recipients_of(b"To:\n\nx"), Recipients::default());
        assert_eq!(recipients_of(b"To: root, daemon\nSubject: x\n\n").names, ["root", "daemon"]);
        assert_eq!(emails(&recipients_of("To: jürgen@example.org\n\n".as_bytes()).to), ["jürgen@example.org"]);
    }

    #[test]
    fn bcc_goes_and_nothing_else() {
        let raw = b"Bcc: a@x\r\nTo: b@x\r\nBCC : c@x,\r\n d@x\r\nSubject: Bcc: e\r\n\r\nBcc: f@x\r\n";
        assert_eq!(strip_bcc(raw), &b"To: b@x\r\nSubject: Bcc: e\r\n\r\nBcc: f@x\r\n"[..]);
        let plain = b"To: b@x\n\n\xff\0";
        assert_eq!(strip_bcc(plain), &plain[..]);
    }

    #[test]
    fn only_what_is_missing_is_added() {
        let added = "Message-ID: <new@x>\r\nFrom: <me@example.org>\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n";
        let whole = "Message-ID: <a@b>\r\nFrom: x@y\r\nDate: some day\r\nSubject: s\r\n\r\nbody\nwith bare LF\r";
        let rows = [
            (whole, String::from(whole)),
            ("Subject: s\r\n\r\nbody", format!("{added}Subject: s\r\n\r\nbody")),
            ("Subject: s\n t\n\nbody\nline", format!("{added}Subject: s\r\n t\r\n\r\nbody\r\nline")),
            ("Subject: s", format!("{added}Subject: s\r\n\r\n")),
            ("Subject: s\n", format!("{added}Subject: s\r\n\r\n")),
            ("no header at all\n", format!("{added}\r\nno header at all\r\n")),
            ("\nbody", format!("{added}\r\nbody")),
            ("", format!("{added}\r\n")),
            (
                "From me Mon Jan 1\nMessage-ID:\n <a@b>\nfrom: z@y\ndate: d\n\nx",
                "Message-ID:\r\n <a@b>\r\nfrom: z@y\r\ndate: d\r\n\r\nx".into(),
            ),
        ];
        for (raw, expected) in rows {
            let done = complete(raw.as_bytes()).unwrap();
            assert_eq!(String::from_utf8_lossy(&done.octets), expected, "{raw:?}");
            assert_eq!(done.message_id.as_str(), if expected.contains("<a@b>") { "<a@b>" } else { "<new@x>" });
        }
    }

    #[test]
    fn a_sender_gets_a_name_and_may_be_replaced() {
        let raw = b"From: mdadm monitoring <root>\nTo: root\n\nx";
        let sender = sender_of(raw).unwrap();
        assert_eq!((sender.name.as_deref(), sender.address, sender.written.as_str()), (Some("mdadm monitoring"), None, "root"));
        let message_id = MessageId::parse("<new@x>").unwrap();
        let from = Address::parse("me@example.org").unwrap();
        for (name, written) in [("mdadm monitoring", "\"mdadm monitoring\" "), ("a\r\nTo: b", "\"a  To: b\" "), ("", "")] {
            let defaults = Defaults { message_id: &message_id, from: &from, from_name: Some(name), date: UnixMillis(0) };
            let done = ensure_headers(&without_fields(raw, &["From"]), &defaults).unwrap();
            let text = String::from_utf8(done.octets.to_vec()).unwrap();
            assert!(text.contains(&format!("\r\nFrom: {written}<me@example.org>\r\nDate: ")), "{name}: {text}");
            assert!(text.ends_with("\r\nTo: root\r\n\r\nx"), "{text}");
        }
    }

    #[test]
    fn the_header_decides_the_type() {
        assert_eq!(complete("Subject: s\n\né".as_bytes()).unwrap().content_type, "message/rfc822");
        assert_eq!(complete("Subject: é\n\n".as_bytes()).unwrap().content_type, "message/global");
        assert_eq!(complete(b"Subject: \xe9\n\n").unwrap().content_type, "message/rfc822");
    }

    #[test]
    fn a_message_id_that_impp_cannot_carry_is_refused() {
        let long = format!("Message-ID: <{}@x>\r\n\r\n", "a".repeat(255));
        for raw in ["Message-ID: x\r\n\r\n", "Message-ID:\r\n\r\n", "Message-ID: <a@b>\r\nmessage-id: <a@b>\r\n\r\n", &long] {
            assert_eq!(complete(raw.as_bytes()), Err(RawError::MessageId), "{raw}");
        }
    }
}
