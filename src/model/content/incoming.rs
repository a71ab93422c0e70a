//! Reading a stranger's message without trusting it: bounded in depth and parts, never failing (SPEC §8).

use super::address_list::Mailbox;
use super::head::{HEAD_OCTETS, Head};
use super::transfer::Encoding;
use super::{Attachment, Urgency};
use crate::model::address::Address;
use crate::model::id::MessageId;
use crate::model::time::UnixMillis;
use crate::wire::header::is_tchar;
use bytes::Bytes;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::html::html_to_text;
use mail_parser::{ContentType, MessageParser, MimeHeaders};
use std::borrow::Cow;

/// Multiparts within multiparts; a deeper one stays undivided, as an attachment.
pub const DEPTH: usize = 16;
/// Parts of a message; a multipart with which there would be more stays undivided.
pub const PARTS: usize = 512;
/// Octets of an attachment's name.
pub const NAME_OCTETS: usize = 200;

const PLAIN: &str = "text/plain";
const HTML: &str = "text/html";

/// What a message says of itself. All of it is a stranger's text, to be made safe where it is printed.
///
/// Messages within messages are not opened: each is an attachment. (The MIME parser behind this frees nested messages
/// recursively, so that a small one can end the process; it is given headers only.)
#[derive(Clone, Debug)]
pub struct Incoming {
    /// In one line, unless encoded words say otherwise.
    pub subject: Option<String>,
    /// The mail's own From, which proves nothing.
    pub from: Vec<Mailbox>,
    /// When it says that it was written.
    pub date: Option<UnixMillis>,
    /// Its Message-ID.
    pub message_id: Option<MessageId>,
    /// What it answers.
    pub in_reply_to: Option<MessageId>,
    /// How soon someone should look.
    pub urgency: Urgency,
    /// `type/subtype` of the whole, in lower case.
    pub content_type: String,
    /// The first plain text, or what can be read of the HTML where there is none. Lines end in LF.
    pub text: Option<String>,
    /// The first HTML. Lines end in LF.
    pub html: Option<String>,
    /// Everything else, in order.
    pub attachments: Vec<Attachment>,
    /// Its header is longer than what is looked at.
    pub header_is_cut: bool,
    raw: Bytes,
    parts: usize,
}

impl Incoming {
    /// Reads a message. Whatever is missing or not of its form is absent; nothing is lost, for the octets that make
    /// no sense are text or an attachment.
    #[must_use]
    pub fn read(raw: &Bytes) -> Self {
        let head = Head::find(raw);
        let text = |name: &str| head.text(raw, name);
        let block = head.block(raw);
        let mut incoming = Self {
            subject: text("Subject"),
            from: head.addresses(raw, "From"),
            date: None,
            message_id: text("Message-ID").and_then(|id| MessageId::parse(&id)),
            in_reply_to: text("In-Reply-To").and_then(|ids| ids.split_whitespace().find_map(MessageId::parse)),
            urgency: Urgency::of_headers(text("Priority").as_deref(), text("Importance").as_deref()),
            content_type: PLAIN.to_owned(),
            text: None,
            html: None,
            attachments: Vec::new(),
            header_is_cut: head.block.len() > HEAD_OCTETS,
            raw: raw.clone(),
            parts: 1,
        };
        if let Some(message) = MessageParser::default().parse_headers(block) {
            incoming.date = message.date().filter(|date| date.is_valid()).and_then(|date| {
                let seconds = u64::try_from(date.to_timestamp()).ok()?;
                Some(UnixMillis(seconds.checked_mul(1000)?))
            });
        }
        incoming.content_type = Shape::read(raw, &head, PLAIN).media_type;
        incoming.walk(raw, PLAIN, 0);
        if incoming.text.is_none() {
            incoming.text = incoming.html.as_deref().map(html_to_text);
        }
        incoming
    }

    /// The first header of this name, unfolded and trimmed, encoded words resolved.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        Head::find(&self.raw).text(&self.raw, name)
    }

    /// Whether the message claims another sender than the one that IMPP proved. One that claims none does not; one whose
    /// header is cut may, where other programs look.
    #[must_use]
    pub fn from_differs(&self, sender: &Address) -> bool {
        match self.from.as_slice() {
            _ if self.header_is_cut => true,
            [] => false,
            [only] => !only.address.as_ref().is_some_and(|address| {
                // The proven form is canonical; people write `Alice`.
                address == sender || address.canonical_local().as_ref() == Some(sender)
            }),
            _ => true,
        }
    }

    fn walk(&mut self, entity: &Bytes, default: &'static str, depth: usize) {
        let head = Head::find(entity);
        let shape = Shape::read(entity, &head, default);
        let body = entity.slice(head.body.min(entity.len())..);
        if let Some(boundary) = shape.boundary.as_deref().filter(|_| depth < DEPTH) {
            let left = PARTS - self.parts;
            let parts = split(&body, boundary.as_bytes(), left);
            if (1..=left).contains(&parts.len()) {
                self.parts += parts.len();
                let default = if shape.media_type == "multipart/digest" { "message/rfc822" } else { PLAIN };
                for part in parts {
                    self.walk(&part, default, depth + 1);
                }
                return;
            }
        }
        self.leaf(shape, body);
    }

    fn leaf(&mut self, shape: Shape, body: Bytes) {
        let octets = shape.encoding.decode(&body).map_or(body, Bytes::from);
        let place = match shape.media_type.as_str() {
            PLAIN => &mut self.text,
            HTML => &mut self.html,
            _ => &mut None,
        };
        let is_text = matches!(shape.media_type.as_str(), PLAIN | HTML);
        if is_text && place.is_none() && !shape.is_attachment {
            *place = Some(decode_text(&octets, shape.charset.as_deref()));
            return;
        }
        let number = self.attachments.len() + 1;
        let name = shape.name.as_deref().and_then(plain_file_name).unwrap_or_else(|| {
            let ending = match shape.media_type.as_str() {
                PLAIN => "txt",
                HTML => "html",
                "message/rfc822" | "message/global" => "eml",
                _ => "bin",
            };
            format!("part-{number}.{ending}")
        });
        self.attachments.push(Attachment { name, media_type: shape.media_type, octets });
    }
}

/// What the headers of an entity say about its body.
struct Shape {
    media_type: String,
    boundary: Option<String>,
    charset: Option<String>,
    name: Option<String>,
    is_attachment: bool,
    encoding: Encoding,
}

impl Shape {
    fn read(entity: &[u8], head: &Head, default: &str) -> Self {
        let message = MessageParser::default().parse_headers(head.block(entity));
        let part = message.as_ref();
        let content_type = part.and_then(|part| part.content_type());
        let media_type = content_type.map_or_else(|| default.to_owned(), media_type);
        let attribute = |name: &str| content_type.and_then(|value| value.attribute(name)).map(str::to_owned);
        let boundary = attribute("boundary").filter(|word| !word.is_empty() && media_type.starts_with("multipart/"));
        let disposition = part.and_then(|part| part.content_disposition());
        Self {
            boundary,
            charset: attribute("charset"),
            name: part.and_then(|part| part.attachment_name()).map(str::to_owned),
            is_attachment: disposition.is_some_and(|value| value.ctype().eq_ignore_ascii_case("attachment")),
            encoding: part.and_then(|part| part.content_transfer_encoding()).map_or(Encoding::Binary, Encoding::parse),
            media_type,
        }
    }
}

fn media_type(value: &ContentType<'_>) -> String {
    let name = format!("{}/{}", value.ctype(), value.subtype().unwrap_or_default()).to_ascii_lowercase();
    let sound = name.split_once('/').is_some_and(|(kind, rest)| {
        [kind, rest].iter().all(|word| (1..=127).contains(&word.len()) && word.bytes().all(is_tchar))
    });
    if sound { name } else { "application/octet-stream".to_owned() }
}

/// The parts between the delimiter lines; stops with one more than `limit`.
fn split(body: &Bytes, boundary: &[u8], limit: usize) -> Vec<Bytes> {
    let mut parts = Vec::new();
    let mut part_start = None;
    let mut at = 0;
    while at < body.len() && parts.len() <= limit {
        let rest = body.get(at..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).map_or(body.len(), |found| at + found + 1);
        let line = body.get(at..end).unwrap_or_default();
        if let Some(tail) = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary)) {
            let last = tail.starts_with(b"--");
            let blank = if last { tail.get(2..).unwrap_or_default() } else { tail };
            if blank.iter().all(u8::is_ascii_whitespace) {
                if let Some(start) = part_start {
                    parts.push(body.slice(start..without_break(body, start, at)));
                }
                part_start = (!last).then_some(end);
                if last {
                    return parts;
                }
            }
        }
        at = end;
    }
    // Cut short: what there is of the last part still counts.
    if let Some(start) = part_start.filter(|start| *start < body.len()) {
        parts.push(body.slice(start..));
    }
    parts
}

/// The line break before a delimiter belongs to the delimiter.
fn without_break(body: &[u8], start: usize, end: usize) -> usize {
    let part = body.get(start..end).unwrap_or_default();
    let part = part.strip_suffix(b"\n").map_or(part, |part| part.strip_suffix(b"\r").unwrap_or(part));
    start + part.len()
}

fn decode_text(octets: &[u8], charset: Option<&str>) -> String {
    let name = charset.unwrap_or("utf-8").trim();
    // What is labelled as ASCII and is not, is UTF-8 far more often than anything else.
    let is_utf8 = ["utf-8", "us-ascii", "ascii", "unknown-8bit"].iter().any(|known| known.eq_ignore_ascii_case(name));
    let decoder = if is_utf8 || name.is_empty() { None } else { charset_decoder(name.as_bytes()) };
    let text = decoder.map_or_else(|| String::from_utf8_lossy(octets), |decode| Cow::Owned(decode(octets)));
    text.replace("\r\n", "\n")
}

/// A stranger's file name as a name within one folder: no path, no control, format or leading dot or dash; `None` if
/// nothing is left.
#[must_use]
pub fn plain_file_name(text: &str) -> Option<String> {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last.chars().filter(|c| !c.is_control() && !is_format(*c)).collect();
    let lead = name.len() - name.trim_start_matches([' ', '.', '-']).len();
    name.drain(..lead);
    while name.len() > NAME_OCTETS {
        name.pop();
    }
    name.truncate(name.trim_end_matches([' ', '.']).len());
    (!name.is_empty()).then_some(name)
}

/// Characters that change how others look: direction, invisible ones.
const fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Incoming {
        Incoming::read(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_plain_message() {
        let read = read(
            "From: Alice <alice@example.org>\r\nSubject: =?utf-8?Q?caf=C3=A9?=\r\nDate: Mon, 23 Nov 2026 13:00:00 +0100\r\n\
             Message-ID: <a@b>\r\nIn-Reply-To: nonsense <c@d>\r\nPriority: Urgent\r\nX-A: 1\r\n\r\nhello\r\nthere",
        );
        assert_eq!(read.subject.as_deref(), Some("café"));
        assert_eq!(read.date.map(UnixMillis::to_rfc3339).as_deref(), Some("2026-11-23T12:00:00Z"));
        assert_eq!(read.message_id, MessageId::parse("<a@b>"));
        assert_eq!(read.in_reply_to, MessageId::parse("<c@d>"));
        assert_eq!(read.urgency, Urgency::High);
        assert_eq!((read.content_type.as_str(), read.text.as_deref()), ("text/plain", Some("hello\nthere")));
        assert_eq!(read.header("x-a").as_deref(), Some("1"));
        assert_eq!(read.from.first().and_then(|from| from.name.as_deref()), Some("Alice"));
    }

    #[test]
    fn nothing_much_is_still_read() {
        for (text, body) in [("", ""), ("\r\n", ""), ("hello", "hello"), ("\n\n", "\n"), ("A: b", "")] {
            assert_eq!(read(text).text.as_deref(), Some(body), "{text:?}");
        }
    }

    #[test]
    fn urgency_is_read() {
        for (headers, expected) in [
            ("Priority: non-urgent\n", Urgency::Low),
            ("Priority: normal\n", Urgency::Normal),
            ("Importance: high\n", Urgency::Normal),
            ("Priority: urgent\n", Urgency::High),
            ("Importance: High\npriority: URGENT\n", Urgency::Emergency),
        ] {
            assert_eq!(read(&format!("{headers}\nx")).urgency, expected, "{headers}");
        }
    }

    #[test]
    fn text_of_other_charsets() {
        let rows: &[(&str, &[u8], &str)] = &[
            ("", b"caf\xc3\xa9", "café"),
            ("Content-Type: text/plain; charset=iso-8859-1\n", b"caf\xe9", "café"),
            ("Content-Type: text/plain; charset=US-ASCII\n", b"caf\xc3\xa9", "café"),
            ("Content-Type: text/plain; charset=unknown-8bit\n", b"caf\xe9", "caf\u{fffd}"),
            ("Content-Type: text/plain; charset=klingon\n", b"caf\xe9", "caf\u{fffd}"),
            ("Content-Type: text/plain; charset=\"\"\n", b"x", "x"),
            ("Content-Transfer-Encoding: Quoted-Printable\n", b"caf=C3=A9=\n!", "café!"),
            ("Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=utf-8\n", b"Y2Fmw6k=", "café"),
            ("Content-Type: text/html\n", b"<p>one</p><script>x</script>", "one\n"),
        ];
        for (head, body, expected) in rows {
            let raw = [head.as_bytes(), b"\n", body].concat();
            assert_eq!(Incoming::read(&raw.into()).text.as_deref(), Some(*expected), "{head}");
        }
    }

    #[test]
    fn parts_are_found_and_none_is_lost() {
        let read = read(
            "Content-Type: multipart/mixed; boundary=\"a b\"\n\npreamble\n--a b \n\nfirst\n--a b\n\
             Content-Type: text/plain\n\nsecond\n--a bc\nstill\n--a b\nContent-Type: multipart/alternative; boundary=in\n\n\
             --in\nContent-Type: text/html\n\n<p>x\n--in--\n--a b\nContent-Type: message/rfc822\n\nSubject: y\n\nz\n--a b\n\
             Content-Disposition: attachment; filename=\"/etc/passwd\"\n\n1\n\n--a b--\nepilogue\n--a b\n\nno part\n",
        );
        assert_eq!(read.content_type, "multipart/mixed");
        assert_eq!((read.text.as_deref(), read.html.as_deref()), (Some("first"), Some("<p>x")));
        let found: Vec<_> =
            read.attachments.iter().map(|a| (a.name.as_str(), a.media_type.as_str(), a.octets.as_ref())).collect();
        assert_eq!(
            found,
            [
                ("part-1.txt", "text/plain", &b"second\n--a bc\nstill"[..]),
                ("part-2.eml", "message/rfc822", b"Subject: y\n\nz"),
                ("passwd", "text/plain", b"1\n"),
            ]
        );
    }

    #[test]
    fn a_multipart_cut_short_or_without_parts() {
        let rows = [
            ("Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext", Some("text"), 0),
            ("Content-Type: multipart/mixed; boundary=b\n\n--b\n", None, 1),
            ("Content-Type: multipart/mixed; boundary=b\n\nno parts", None, 1),
            ("Content-Type: multipart/mixed; boundary=b\n\n--b--\n", None, 1),
            ("Content-Type: multipart/mixed\n\n--b\n\ntext", None, 1),
            ("Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\ntext", None, 1),
            ("Content-Type: nonsense\n\ntext", None, 1),
        ];
        for (text, body, attachments) in rows {
            let read = read(text);
            assert_eq!((read.text.as_deref(), read.attachments.len()), (body, attachments), "{text:?}");
        }
    }

    #[test]
    fn nesting_and_numbers_are_bounded() {
        let nested = |depth: usize| {
            let open: String =
                (0..depth).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}x\n\n--b{n}x\n")).collect();
            read(&format!("{open}\ndeep"))
        };
        assert_eq!(nested(DEPTH).text.as_deref(), Some("deep"));
        let deeper = nested(DEPTH + 1);
        assert_eq!((deeper.text.as_deref(), deeper.attachments.len()), (None, 1));
        assert!(deeper.attachments[0].octets.ends_with(b"deep"));
        let flat =
            |parts: usize| read(&format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", "--b\n\nx\n".repeat(parts)));
        assert_eq!(flat(PARTS - 1).attachments.len(), PARTS - 2);
        assert_eq!(flat(PARTS).attachments.len(), 1);
    }

    #[test]
    fn messages_within_messages_are_not_opened() {
        // Such a message ends a process that opens it: 50 000 levels, in plain, as a digest and within base64.
        let chain = "Content-Type: message/rfc822\n\n".repeat(50_000);
        assert_eq!(read(&chain).attachments.len(), 1);
        let digest = "Content-Type: multipart/digest; boundary=b\n\n--b\n\n".repeat(50_000);
        assert!(read(&digest).attachments.len() <= PARTS);
        let hidden = super::super::transfer::base64(chain.as_bytes());
        let hidden =
            format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{}", String::from_utf8(hidden).unwrap());
        assert_eq!(read(&hidden).attachments.first().map(|a| a.octets.len()), Some(chain.len()));
    }

    #[test]
    fn a_false_sender_is_noticed() {
        let alice = Address::parse("alice@example.org").unwrap();
        let rows = [
            ("", false),
            ("From: alice@example.org\n", false),
            ("From: \"Bob <bob@example.org>\" <Alice@Example.ORG>\n", false),
            ("From: bob@example.org\n", true),
            ("From: alice@example.org <bob@example.org>\n", true),
            ("From: alice@example.org, bob@example.org\n", true),
            ("From: alice@example.org\nFrom: bob@example.org\n", true),
            ("From: bob@example.org\nFrom: alice@example.org\n", true),
            ("From: alice\n", true),
            ("From: alice@example.org.evil.example\n", true),
            ("From: =?utf-8?Q?alice=40example.org?= <eve@example.net>\n", true),
        ];
        for (headers, expected) in rows {
            assert_eq!(read(&format!("{headers}Subject: x\n\n")).from_differs(&alice), expected, "{headers}");
        }
        // Beyond what is looked at there may be anything.
        let flood = format!("From: alice@example.org\n{}\n", "X: y\n".repeat(HEAD_OCTETS / 5));
        assert!(read(&flood).from_differs(&alice));
    }

    #[test]
    fn names_stay_in_their_folder() {
        let long = "é".repeat(300);
        let rows = [
            ("report.pdf", Some("report.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Windows\\x.exe", Some("x.exe")),
            ("/", None),
            ("..", None),
            ("", None),
            (".bashrc", Some("bashrc")),
            ("-rf", Some("rf")),
            ("a\0b\nc\u{1b}[1m", Some("abc[1m")),
            ("invoice\u{202e}fdp.exe", Some("invoicefdp.exe")),
            ("a. . ", Some("a")),
            ("name with space", Some("name with space")),
            (&long, Some(&long[..NAME_OCTETS])),
        ];
        for (text, expected) in rows {
            assert_eq!(plain_file_name(text).as_deref(), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn anything_can_be_read(words in proptest::collection::vec(prop_oneof![
            any::<Vec<u8>>(),
            proptest::sample::select(vec![
                "From: ", "To: ", "Subject: ", "Date: ", "Content-Type: ", "multipart/mixed; ", "multipart/digest", "boundary=b",
                "boundary=\"", "charset*0*=utf-16'", "charset=utf-7", "charset=utf-16", "text/html", "message/rfc822", "\n", "\r\n",
                "\n\n", "--b", "--b--", "=?utf-8?Q?=", "=?x?B?", "?=", "<", ">", "(", ")", "\"", ";", ":", ",", "@", " ", "=", "*", "&#x",
                "Content-Transfer-Encoding: base64", "Content-Disposition: attachment; filename*=", "9999", "Mon, 32 Foo ", "+9999",
            ]).prop_map(|word| word.as_bytes().to_vec()),
        ], 0..40)) {
            let raw = Bytes::from(words.concat());
            let read = Incoming::read(&raw);
            prop_assert!(read.attachments.len() <= PARTS);
            let _ = super::super::recipients_of(&raw);
        }
    }
}
