//! Building a message: from what a person or program gave to the octets of a SEND (SPEC §8).

use super::head::is_name_octet;
use super::raw::content_type_of;
use super::transfer::{self, Encoding};
use super::{Attachment, Urgency, plain_file_name};
use crate::model::address::Address;
use crate::model::id::MessageId;
use crate::model::media_type;
use crate::model::time::UnixMillis;
use crate::wire::header::is_tchar;
use bytes::Bytes;
use core::fmt;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address as MailAddress;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};
use sha2::{Digest, Sha256};

/// Headers that a draft writes itself.
const OWN: [&str; 11] =
    ["From", "To", "Cc", "Bcc", "Subject", "Date", "Message-ID", "In-Reply-To", "Reply-To", "MIME-Version", "Return-Path"];

/// Octets of text in one encoded word, so that it fits into a line behind `Subject: `.
const ENCODED_WORD: usize = 39;

/// A message to be built.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The sender.
    pub from: Address,
    /// The sender's name for people.
    pub from_name: Option<String>,
    /// The recipients that are shown.
    pub to: Vec<Address>,
    /// In one line; line breaks become spaces.
    pub subject: Option<String>,
    /// What is said.
    pub body: Option<Body>,
    /// The same in HTML.
    pub html: Option<String>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Where answers go.
    pub reply_to: Option<Address>,
    /// What it answers.
    pub in_reply_to: Option<MessageId>,
    /// Its name; the same in the SEND and in every repetition.
    pub message_id: MessageId,
    /// When it was written.
    pub date: UnixMillis,
    /// How soon someone should look.
    pub urgency: Urgency,
    /// A language tag.
    pub lang: Option<String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Plain text. UTF-8 is labelled so; octets that are not go as `charset=unknown-8bit` (RFC 1428), or as
    /// `application/octet-stream` if there is a NUL in them. Nothing is lost but the kind of line end.
    Text(Bytes),
    /// Octets of this type, unchanged; `text/*` as UTF-8 if they are, and with line ends as mail has them.
    Typed(String, Bytes),
}

/// A message ready for SEND.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `message/rfc822`, or `message/global` with UTF-8 in its header.
    pub content_type: &'static str,
    /// The message.
    pub octets: Bytes,
}

/// Why a draft is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftError {
    /// The n-th further header has a name that is none, or that the draft writes itself.
    HeaderName(usize),
    /// The n-th further header has a line break or control character in its value.
    HeaderValue(usize),
    /// A media type that is none, or a multipart, which has to come as a whole message.
    MediaType,
    /// A language tag that is none.
    Language,
}

impl fmt::Display for DraftError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderName(number) => write!(f, "header {}: this name cannot be used", number + 1),
            Self::HeaderValue(number) => write!(f, "header {}: the value has a line break or control character", number + 1),
            Self::MediaType => f.write_str("the media type must be of the form type/subtype and not multipart"),
            Self::Language => f.write_str("the language must be a tag like en or de-CH"),
        }
    }
}

impl std::error::Error for DraftError {}

impl Draft {
    /// A draft with nothing but what every message has.
    #[must_use]
    pub fn new(from: Address, message_id: MessageId, date: UnixMillis) -> Self {
        Self {
            from,
            from_name: None,
            to: Vec::new(),
            subject: None,
            body: None,
            html: None,
            attachments: Vec::new(),
            reply_to: None,
            in_reply_to: None,
            message_id,
            date,
            urgency: Urgency::Normal,
            lang: None,
            headers: Vec::new(),
        }
    }

    /// Builds the message. The same draft gives the same octets.
    ///
    /// # Errors
    /// [`DraftError`]
    pub fn build(&self) -> Result<Message, DraftError> {
        let seconds = i64::try_from(self.date.0 / 1000).unwrap_or(i64::MAX);
        let from_name = self.from_name.as_deref().map(one_line).filter(|name| !name.is_empty());
        let mut mail = MessageBuilder::new()
            .from(MailAddress::new_address(from_name, self.from.to_email()))
            .date(Date::new(seconds))
            .message_id(self.message_id.inner());
        if !self.to.is_empty() {
            mail = mail.to(MailAddress::new_list(self.to.iter().map(|to| bare(to)).collect()));
        }
        if let Some(subject) = &self.subject {
            mail = mail.header("Subject", unstructured(one_line(subject)));
        }
        if let Some(reply_to) = &self.reply_to {
            mail = mail.reply_to(bare(reply_to));
        }
        if let Some(id) = &self.in_reply_to {
            mail = mail.in_reply_to(id.inner()).references(id.inner());
        }
        if let Some(priority) = self.urgency.priority() {
            mail = mail.header("Priority", Raw::new(priority));
        }
        if self.urgency == Urgency::Emergency {
            mail = mail.header("Importance", Raw::new("high"));
        }
        if let Some(lang) = &self.lang {
            mail = mail.header("Content-Language", Raw::new(language(lang)?));
        }
        for (number, (name, value)) in self.headers.iter().enumerate() {
            check_header(number, name, value)?;
            mail = mail.header(name.as_str(), unstructured(value.clone()));
        }
        let mut octets = Vec::new();
        mail.body(self.structure()?).serialize(&mut octets);
        let head = memchr::memmem::find(&octets, b"\r\n\r\n").unwrap_or(octets.len());
        let content_type = content_type_of(octets.get(..head).unwrap_or_default());
        Ok(Message { content_type, octets: octets.into() })
    }

    fn structure(&self) -> Result<MimePart<'static>, DraftError> {
        let mut said = Vec::new();
        match &self.body {
            Some(Body::Text(octets)) => said.push(text_leaf(octets)),
            Some(Body::Typed(media_type, octets)) => said.push(Leaf::typed(media_type, octets)?),
            // An empty message still is one; beside HTML or files nothing needs to be said.
            None if self.html.is_none() && self.attachments.is_empty() => said.push(text_leaf(b"")),
            None => {}
        }
        if let Some(html) = &self.html {
            said.push(Leaf::text("text/html; charset=utf-8", html.as_bytes()));
        }
        let mut files = Vec::new();
        for file in &self.attachments {
            files.push(Leaf::file(file)?);
        }
        let boundary = self.boundary(said.iter().chain(&files));
        let mut parts: Vec<MimePart<'static>> = said.into_iter().map(Leaf::into_part).collect();
        if parts.len() > 1 {
            parts = vec![multipart("multipart/alternative", format!("=_a{boundary}"), parts)];
        }
        parts.extend(files.into_iter().map(Leaf::into_part));
        match <[_; 1]>::try_from(parts) {
            Ok([only]) => Ok(only),
            Err(parts) => Ok(multipart("multipart/mixed", format!("=_m{boundary}"), parts)),
        }
    }

    /// A word that stands in none of the parts. Not random, so that a repetition is the same octet for octet.
    fn boundary<'a>(&self, leaves: impl Iterator<Item = &'a Leaf> + Clone) -> String {
        let mut attempt = 0_u32;
        loop {
            let hash = Sha256::new().chain_update(self.message_id.as_str()).chain_update(attempt.to_be_bytes()).finalize();
            let word: String = hash.iter().take(16).map(|octet| format!("{octet:02x}")).collect();
            if !leaves.clone().any(|leaf| memchr::memmem::find(&leaf.encoded, word.as_bytes()).is_some()) {
                return word;
            }
            attempt += 1;
        }
    }
}

/// A header's text. What looks like an encoded word is encoded, so that readers show what was typed.
fn unstructured(text: String) -> HeaderType<'static> {
    if !text.is_ascii() || !text.contains("=?") {
        return Text::new(text).into();
    }
    let words = text.as_bytes().chunks(ENCODED_WORD).map(|octets| {
        let base64 = transfer::base64(octets);
        format!("=?us-ascii?B?{}?=", String::from_utf8_lossy(&base64).trim_end())
    });
    Raw::new(words.collect::<Vec<_>>().join(" ")).into()
}

/// A part without parts, encoded.
struct Leaf {
    content_type: String,
    file_name: Option<String>,
    encoding: Encoding,
    encoded: Vec<u8>,
}

impl Leaf {
    fn text(content_type: &str, octets: &[u8]) -> Self {
        let (encoding, encoded) = transfer::encode_text(octets);
        Self { content_type: content_type.to_owned(), file_name: None, encoding, encoded }
    }

    fn binary(content_type: &str, octets: &[u8]) -> Self {
        let encoded = transfer::base64(octets);
        Self { content_type: content_type.to_owned(), file_name: None, encoding: Encoding::Base64, encoded }
    }

    /// A body of a type of its own.
    fn typed(media_type: &str, octets: &[u8]) -> Result<Self, DraftError> {
        let content_type = checked_type(media_type, octets)?;
        let text = content_type.starts_with("text/") && std::str::from_utf8(octets).is_ok();
        Ok(if text { Self::text(&content_type, octets) } else { Self::whole(&content_type, octets) })
    }

    fn file(file: &Attachment) -> Result<Self, DraftError> {
        let leaf = Self::whole(&checked_type(&file.media_type, &file.octets)?, &file.octets);
        Ok(Self { file_name: Some(plain_file_name(&file.name).unwrap_or_else(|| "file".into())), ..leaf })
    }

    /// Every octet as it is, line ends included.
    fn whole(content_type: &str, octets: &[u8]) -> Self {
        // RFC 2045 and 6532: messages within messages are not encoded.
        if [media_type::RFC822, media_type::GLOBAL].iter().any(|name| media_type::is(content_type, name)) {
            let content_type = content_type.to_owned();
            return Self { content_type, file_name: None, encoding: Encoding::Binary, encoded: octets.to_vec() };
        }
        Self::binary(content_type, octets)
    }

    fn into_part(self) -> MimePart<'static> {
        let part = MimePart::raw(BodyPart::Binary(self.encoded.into())).header("Content-Type", Raw::new(self.content_type));
        let part = match self.file_name {
            Some(name) => part.attachment(name),
            None => part,
        };
        part.transfer_encoding(self.encoding.as_str())
    }
}

fn text_leaf(octets: &[u8]) -> Leaf {
    if octets.is_ascii() {
        Leaf::text("text/plain; charset=us-ascii", octets)
    } else if std::str::from_utf8(octets).is_ok() {
        Leaf::text("text/plain; charset=utf-8", octets)
    } else if memchr::memchr(0, octets).is_none() {
        Leaf::text("text/plain; charset=unknown-8bit", octets)
    } else {
        Leaf::binary("application/octet-stream", octets)
    }
}

fn multipart(name: &'static str, boundary: String, parts: Vec<MimePart<'static>>) -> MimePart<'static> {
    MimePart::new(ContentType::new(name).attribute("boundary", boundary), BodyPart::Multipart(parts))
}

fn bare(address: &Address) -> MailAddress<'static> {
    MailAddress::new_address(None::<String>, address.to_email())
}

/// The type in lower case, with its parameters as they are, and a charset where text lacks one.
fn checked_type(text: &str, octets: &[u8]) -> Result<String, DraftError> {
    let (name, parameters) = text.split_once(';').map_or((text, None), |(name, rest)| (name, Some(rest)));
    let name = name.trim().to_ascii_lowercase();
    let word = |word: &str| !word.is_empty() && word.bytes().all(is_tchar);
    let sound = name.split_once('/').is_some_and(|(kind, rest)| word(kind) && word(rest) && kind != "multipart")
        && parameters.is_none_or(|rest| rest.bytes().all(|c| matches!(c, b' '..=b'~')) && rest.contains('='));
    if !sound {
        return Err(DraftError::MediaType);
    }
    Ok(match parameters {
        Some(rest) => format!("{name};{rest}"),
        None if name.starts_with("text/") && octets.is_ascii() => format!("{name}; charset=us-ascii"),
        None if name.starts_with("text/") && std::str::from_utf8(octets).is_ok() => format!("{name}; charset=utf-8"),
        None => name,
    })
}

fn language(tag: &str) -> Result<&str, DraftError> {
    let subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric());
    if tag.len() <= 64 && tag.split('-').all(subtag) { Ok(tag) } else { Err(DraftError::Language) }
}

fn check_header(number: usize, name: &str, value: &str) -> Result<(), DraftError> {
    let content = name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content-"));
    let own = OWN.iter().any(|own| own.eq_ignore_ascii_case(name));
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_name_octet) || content || own {
        return Err(DraftError::HeaderName(number));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(DraftError::HeaderValue(number));
    }
    Ok(())
}

/// Text without what would end a header's line.
pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::content::Incoming;

    fn draft() -> Draft {
        let from = Address::parse("alice@example.org").unwrap();
        let mut draft = Draft::new(from, MessageId::parse("<m1@example.org>").unwrap(), UnixMillis(1_795_435_200_000));
        draft.to = vec![Address::parse("bob@example.net").unwrap()];
        draft
    }

    fn built(draft: &Draft) -> String {
        String::from_utf8(draft.build().unwrap().octets.to_vec()).unwrap()
    }

    #[test]
    fn a_small_message_whole() {
        let mut draft = draft();
        draft.subject = Some("disk full".into());
        draft.body = Some(Body::Text("/dev/sda1  100%\n".into()));
        draft.urgency = Urgency::Emergency;
        draft.lang = Some("en".into());
        draft.in_reply_to = MessageId::parse("<m0@example.org>");
        draft.headers = vec![("X-Host".into(), "café".into())];
        let expected = "From: <alice@example.org>\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <m1@example.org>\r\n\
            To: <bob@example.net>\r\nSubject: disk full\r\nIn-Reply-To: <m0@example.org>\r\nReferences: <m0@example.org>\r\n\
            Priority: urgent\r\nImportance: high\r\nContent-Language: en\r\nX-Host: =?utf-8?B?Y2Fmw6k=?=\r\nMIME-Version: 1.0\r\n\
            Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n/dev/sda1  100%\r\n";
        assert_eq!(built(&draft), expected);
        assert_eq!(draft.build().unwrap().content_type, "message/rfc822");
    }

    #[test]
    fn text_comes_back_as_it_was_but_for_line_ends() {
        let long = format!("{}\n{}", "x".repeat(5000), "é".repeat(3000));
        let rows: &[&[u8]] = &[
            b"",
            b"no end",
            b"one\n",
            b"one\ntwo \nthree\t\n\n\n",
            b".\n..\n.hidden\nFrom here\n--=_m\n",
            "Grüße\n".as_bytes(),
            b"10%\r50%\r100%\n",
            b"\x1b[31mred\x1b[0m\n",
            b"nul \0 in text\n",
            long.as_bytes(),
        ];
        for text in rows {
            for files in 0..2 {
                let mut draft = draft();
                draft.body = Some(Body::Text(Bytes::copy_from_slice(text)));
                draft.attachments =
                    vec![Attachment { name: "f".into(), media_type: "text/x".into(), octets: "1\n2".into() }; files];
                let read = Incoming::read(&draft.build().unwrap().octets);
                assert_eq!(read.text.as_deref().map(str::as_bytes), Some(*text), "{}", text.escape_ascii());
                assert_eq!(read.attachments.len(), files);
            }
        }
    }

    #[test]
    fn a_subject_that_looks_encoded_is_read_as_it_was_typed() {
        for subject in ["=?utf-8?q?x?=", "is it =?b?", &"=?us-ascii?B?eA==?= ".repeat(20)] {
            let mut draft = draft();
            draft.subject = Some(subject.to_owned());
            let octets = draft.build().unwrap().octets;
            assert_eq!(Incoming::read(&octets).subject.as_deref(), Some(subject.trim_end()));
            assert!(octets.split(|c| *c == b'\n').all(|line| line.len() <= 78), "{}", octets.escape_ascii());
        }
    }

    #[test]
    fn octets_that_are_no_utf8_are_not_lost() {
        for (octets, label) in [(&b"caf\xe9\n"[..], "unknown-8bit"), (b"\xff\xfe\0\0\n\n", "application/octet-stream")] {
            let mut draft = draft();
            draft.body = Some(Body::Text(Bytes::copy_from_slice(octets)));
            let text = built(&draft);
            assert!(text.contains(label), "{text}");
            let body = text.split_once("\r\n\r\n").unwrap().1;
            let encoding = if text.contains("quoted-printable") { Encoding::QuotedPrintable } else { Encoding::Base64 };
            let decoded = encoding.decode(body.as_bytes()).unwrap();
            let expected = if label == "unknown-8bit" { b"caf\xe9\r\n".to_vec() } else { octets.to_vec() };
            assert_eq!(decoded, expected);
        }
    }

    #[test]
    fn html_and_files_are_nested_properly() {
        let mut draft = draft();
        draft.body = Some(Body::Text("plain\n".into()));
        draft.html = Some("<p>plain</p>\n".into());
        let mail = Bytes::from_static(b"Subject: inner\r\n\r\nbare\nLF\xff");
        let file =
            |name: &str, media_type: &str, octets: Bytes| Attachment { name: name.into(), media_type: media_type.into(), octets };
        draft.attachments = vec![
            file("../../etc/päss wd\"", "Text/CSV", "a;b\nc\r\n".into()),
            file("inner.eml", "message/rfc822", mail.clone()),
            file("data", "application/octet-stream", Bytes::from(vec![0, 13, 10, 255])),
        ];
        let read = Incoming::read(&draft.build().unwrap().octets);
        assert_eq!((read.text.as_deref(), read.html.as_deref()), (Some("plain\n"), Some("<p>plain</p>\n")));
        let found: Vec<_> =
            read.attachments.iter().map(|a| (a.name.as_str(), a.media_type.as_str(), a.octets.as_ref())).collect();
        assert_eq!(
            found,
            [
                ("päss wd\"", "text/csv", &b"a;b\nc\r\n"[..]),
                ("inner.eml", "message/rfc822", &mail[..]),
                ("data", "application/octet-stream", &[0, 13, 10, 255][..]),
            ]
        );
        assert_eq!(draft.build(), draft.build(), "a repetition is the same octet for octet");
    }

    #[test]
    fn a_message_within_itself_does_not_end_the_outer_one() {
        let mut inner = draft();
        inner.body = Some(Body::Text("inner".into()));
        inner.attachments = vec![Attachment { name: "a".into(), media_type: "a/b".into(), octets: "x".into() }];
        let mut outer = inner.clone();
        outer.attachments =
            vec![Attachment { name: "m.eml".into(), media_type: "message/rfc822".into(), octets: inner.build().unwrap().octets }];
        let read = Incoming::read(&outer.build().unwrap().octets);
        assert_eq!(read.attachments.first().map(|a| a.octets.clone()), Some(inner.build().unwrap().octets));
    }

    #[test]
    fn strange_text_stays_within_its_header() {
        let mut draft = draft();
        draft.subject = Some("a\r\nBcc: x@y\u{0}\u{1b} é".into());
        draft.from_name = Some("Eve\r\nX: y \"quoted\" é".into());
        let text = built(&draft);
        assert!(!text.contains("\r\nBcc") && !text.contains("\r\nX:"), "{text}");
        let read = Incoming::read(&draft.build().unwrap().octets);
        assert_eq!(read.subject.as_deref(), Some("a  Bcc: x@y   é"));
        assert_eq!(read.from.first().and_then(|from| from.name.as_deref()), Some("Eve  X: y \"quoted\" é"));
    }

    #[test]
    fn addresses_with_utf8_make_a_global_message() {
        let mut draft = draft();
        draft.to.push(Address::parse("jürgen@bücher.example").unwrap());
        let message = draft.build().unwrap();
        assert_eq!(message.content_type, "message/global");
        let text = String::from_utf8(message.octets.to_vec()).unwrap();
        assert!(text.contains("To: <bob@example.net>, <jürgen@xn--bcher-kva.example>\r\n"), "{text}");
        draft.to = vec![Address::parse("\"john smith\"@example.org").unwrap()];
        assert!(built(&draft).contains("To: <\"john smith\"@example.org>\r\n"));
    }

    #[test]
    fn what_is_refused() {
        let header = |name: &str, value: &str| {
            let mut draft = draft();
            draft.headers = vec![(name.into(), value.into())];
            draft.build().err()
        };
        for name in ["", "a b", "a:", "é", "a\r\nb", "From", "bcc", "Content-Type", "MIME-version", "message-id"] {
            assert_eq!(header(name, "x"), Some(DraftError::HeaderName(0)), "{name}");
        }
        for value in ["a\r\nb", "a\nb", "a\rb", "\0", "\u{85}"] {
            assert_eq!(header("X-A", value), Some(DraftError::HeaderValue(0)), "{value:?}");
        }
        assert_eq!(header("X-A", "a\tb é"), None);
        for media_type in ["", "text", "text/", "/x", "a b/c", "text/plain;x", "multipart/mixed", "text/x; a=\r\nb", "té/x"] {
            let mut draft = draft();
            draft.body = Some(Body::Typed(media_type.into(), "x".into()));
            assert_eq!(draft.build().err(), Some(DraftError::MediaType), "{media_type}");
        }
        for tag in ["", "e n", "de_DE", "en\r\n", "waytoolongtag"] {
            let mut draft = draft();
            draft.lang = Some(tag.into());
            assert_eq!(draft.build().err(), Some(DraftError::Language), "{tag}");
        }
    }
}
