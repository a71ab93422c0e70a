//! From options and bodies to messages that are ready to go.

use super::args::{SendArgs, UrgencyChoice};
use super::input::{JsonMessage, Limit};
use crate::cli::account::AddressBook;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::model::content::{Attachment, Body, Defaults, Draft, Urgency, ensure_headers, recipients_of, without_fields};
use crate::model::{Address, MessageId};
use crate::net::{Clock, random};
use bytes::Bytes;
use std::path::{Path, PathBuf};

/// A message and whom it is for.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    /// Its name; the same in every repetition.
    pub(super) id: MessageId,
    /// message/rfc822 or message/global.
    pub(super) content_type: &'static str,
    /// The message.
    pub(super) octets: Bytes,
    /// The recipients.
    pub(super) to: Vec<Address>,
}

/// What makes messages: the options, and what was read once for all of them.
#[derive(Debug)]
pub(super) struct Composer<'a> {
    args: &'a SendArgs,
    book: &'a AddressBook,
    to: Vec<Address>,
    limit: Limit,
    html: Option<String>,
    attachments: Vec<Attachment>,
    id: Option<MessageId>,
    in_reply_to: Option<MessageId>,
    reply_to: Option<Address>,
    headers: Vec<(String, String)>,
}

impl<'a> Composer<'a> {
    /// Checks the options and reads the files that they name.
    ///
    /// # Errors
    /// 64, 65 or 66.
    pub(super) fn new(args: &'a SendArgs, book: &'a AddressBook) -> Outcome<Self> {
        let whole = args.headers || args.raw;
        let parts = [
            (args.name.is_some(), "-F"),
            (args.reply_to.is_some(), "--reply-to"),
            (args.in_reply_to.is_some(), "--in-reply-to"),
            (!args.header.is_empty(), "-H"),
            (args.lang.is_some(), "--lang"),
            (args.urgency.is_some(), "--urgency"),
            (args.truncate, "--truncate"),
        ];
        if let Some((_, name)) = parts.iter().find(|(given, _)| whole && *given) {
            return Err(Failure::usage(format!("{name} does not go with -t and --raw: the message has its own headers")));
        }
        let message_id = |text: &Option<String>, option: &str| text.as_deref().map(|text| parse_id(text, option)).transpose();
        let html = args.html.as_deref().map(|path| std::fs::read_to_string(path).map_err(|error| Failure::reading(path, &error)));
        Ok(Self {
            args,
            book,
            to: book.find_all(args.recipients.iter().map(String::as_str))?,
            limit: Limit { max: args.max_size, truncate: args.truncate },
            html: html.transpose()?,
            attachments: args.attach.iter().map(|text| attachment(text)).collect::<Outcome<_>>()?,
            id: message_id(&args.id, "--id")?,
            in_reply_to: message_id(&args.in_reply_to, "--in-reply-to")?,
            reply_to: args.reply_to.as_deref().map(|text| book.find_one(text)).transpose()?,
            headers: args.header.iter().map(|text| header(text)).collect::<Outcome<_>>()?,
        })
    }

    /// The recipients of the command line.
    pub(super) fn recipients(&self) -> &[Address] {
        &self.to
    }

    /// A message with this body; `None` if it is empty and empty ones are skipped.
    ///
    /// # Errors
    /// 65.
    pub(super) fn plain(&self, me: &Address, body: Vec<u8>) -> Outcome<Option<Outgoing>> {
        if self.args.skip_empty && body.trim_ascii().is_empty() {
            return Ok(None);
        }
        let body = Bytes::from(self.limit.apply(body)?);
        let mut draft = self.draft(me, self.id.clone());
        draft.to.clone_from(&self.to);
        draft.body = Some(match &self.args.media_type {
            Some(name) => Body::Typed(name.clone(), body),
            None => Body::Text(body),
        });
        draft.html.clone_from(&self.html);
        draft.attachments.clone_from(&self.attachments);
        finish(&draft, self.to.clone()).map(Some)
    }

    /// The message of a JSON line.
    ///
    /// # Errors
    /// 65 or 66.
    pub(super) fn json(&self, me: &Address, json: &JsonMessage) -> Outcome<Option<Outgoing>> {
        if self.args.skip_empty && json.text.trim().is_empty() && json.attach.0.is_empty() {
            return Ok(None);
        }
        let to = self.book.find_all(json.to.0.iter().map(String::as_str))?;
        let id = json.id.as_deref().map(|text| parse_id(text, "\"id\"")).transpose()?;
        let mut draft = self.draft(me, id);
        draft.to.clone_from(&to);
        draft.body = Some(Body::Text(Bytes::from(self.limit.apply(json.text.clone().into_bytes())?)));
        draft.attachments = json.attach.0.iter().map(|text| attachment(text)).collect::<Outcome<_>>()?;
        if let Some(subject) = &json.subject {
            draft.subject = Some(subject.clone());
        }
        if let Some(id) = &json.in_reply_to {
            draft.in_reply_to = Some(parse_id(id, "\"in_reply_to\"")?);
        }
        if let Some(word) = &json.urgency {
            let wrong = || Failure::new(Exit::Data, format!("{word:?} is none of low, normal, high, emergency"));
            draft.urgency = Urgency::parse(word).ok_or_else(wrong)?;
        }
        finish(&draft, to).map(Some)
    }

    /// A message that came whole: with `-t` also its recipients.
    ///
    /// # Errors
    /// 65.
    pub(super) fn whole(&self, me: &Address, octets: &[u8]) -> Outcome<Option<Outgoing>> {
        if octets.trim_ascii().is_empty() {
            return if self.args.skip_empty {
                Ok(None)
            } else {
                Err(Failure::new(Exit::Data, "cannot send an empty message: it has no header"))
            };
        }
        let mut to = self.to.clone();
        if self.args.headers {
            let named = recipients_of(octets);
            let from_names = self.book.find_all(named.names.iter().map(String::as_str))?;
            for address in named.to.into_iter().chain(named.cc).chain(named.bcc).chain(from_names) {
                if !to.contains(&address) {
                    to.push(address);
                }
            }
            if to.is_empty() {
                return Err(Failure::new(Exit::Data, "cannot send: no recipient in To, Cc or Bcc"));
            }
        }
        let changes = Changes { hide_bcc: self.args.headers, id: self.id.clone(), ..Changes::default() };
        complete(me, octets, to, &changes).map(Some)
    }

    /// How much may be read for one message.
    pub(super) fn limit(&self) -> Limit {
        self.limit
    }

    /// The output of a command that failed, and why.
    ///
    /// # Errors
    /// 65.
    pub(super) fn failed(&self, me: &Address, why: &str, mut output: Vec<u8>) -> Outcome<Option<Outgoing>> {
        if self.args.skip_empty && output.trim_ascii().is_empty() {
            return Ok(None);
        }
        if !output.is_empty() && !output.ends_with(b"\n") {
            output.push(b'\n');
        }
        output.extend_from_slice(format!("[{why}]\n").as_bytes());
        let mut draft = self.draft(me, self.id.clone());
        draft.to.clone_from(&self.to);
        draft.subject.get_or_insert_with(|| why.to_owned());
        draft.body = Some(Body::Text(output.into()));
        draft.attachments.clone_from(&self.attachments);
        finish(&draft, self.to.clone()).map(Some)
    }

    fn draft(&self, me: &Address, id: Option<MessageId>) -> Draft {
        let id = id.unwrap_or_else(|| random::message_id(&me.domain()));
        let mut draft = Draft::new(me.clone(), id, Clock::now().unix);
        draft.from_name.clone_from(&self.args.name);
        draft.subject.clone_from(&self.args.subject);
        draft.reply_to.clone_from(&self.reply_to);
        draft.in_reply_to.clone_from(&self.in_reply_to);
        draft.lang.clone_from(&self.args.lang);
        draft.headers.clone_from(&self.headers);
        draft.urgency = match self.args.urgency {
            Some(UrgencyChoice::Low) => Urgency::Low,
            Some(UrgencyChoice::Normal) | None => Urgency::Normal,
            Some(UrgencyChoice::High) => Urgency::High,
            Some(UrgencyChoice::Emergency) => Urgency::Emergency,
        };
        draft
    }
}

/// What is changed in a message that came whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes<'a> {
    /// The Message-ID where it has none; `None`: a new one.
    pub(super) id: Option<MessageId>,
    /// Bcc goes.
    pub(super) hide_bcc: bool,
    /// From is replaced by whoever logs in.
    pub(super) from: bool,
    /// The name beside that.
    pub(super) from_name: Option<&'a str>,
}

/// A message that came whole, with what it lacks.
///
/// # Errors
/// 65.
pub(super) fn complete(me: &Address, octets: &[u8], to: Vec<Address>, changes: &Changes<'_>) -> Outcome<Outgoing> {
    let away: &[&str] = match (changes.hide_bcc, changes.from) {
        (true, true) => &["Bcc", "Resent-Bcc", "From"],
        (true, false) => &["Bcc", "Resent-Bcc"],
        (false, true) => &["From"],
        (false, false) => &[],
    };
    let left = without_fields(octets, away);
    let id = changes.id.clone().unwrap_or_else(|| random::message_id(&me.domain()));
    let defaults = Defaults { message_id: &id, from: me, from_name: changes.from_name, date: Clock::now().unix };
    let complete = ensure_headers(&left, &defaults).map_err(|why| Failure::new(Exit::Data, format!("cannot send: {why}")))?;
    Ok(Outgoing { id: complete.message_id, content_type: complete.content_type, octets: complete.octets, to })
}

fn finish(draft: &Draft, to: Vec<Address>) -> Outcome<Outgoing> {
    let message = draft.build().map_err(|why| Failure::new(Exit::Data, format!("cannot build the message: {why}")))?;
    Ok(Outgoing { id: draft.message_id.clone(), content_type: message.content_type, octets: message.octets, to })
}

fn parse_id(text: &str, option: &str) -> Outcome<MessageId> {
    let bracketed = if text.starts_with('<') { text.to_owned() } else { format!("<{text}>") };
    MessageId::parse(&bracketed)
        .ok_or_else(|| Failure::new(Exit::Data, format!("{option} {text:?} is no Message-ID: write <word@domain>")))
}

fn header(text: &str) -> Outcome<(String, String)> {
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.trim().to_owned())),
        _ => Err(Failure::usage(format!("-H {text:?} is not NAME: VALUE"))),
    }
}

/// Reads `FILE` or `FILE:TYPE`; a file whose own name has the colon comes first.
fn attachment(text: &str) -> Outcome<Attachment> {
    let (path, named) = match text.rsplit_once(':') {
        Some((path, name)) if name.contains('/') && !name.starts_with('/') && !Path::new(text).exists() => {
            (PathBuf::from(path), Some(name))
        }
        _ => (PathBuf::from(text), None),
    };
    let octets = std::fs::read(&path).map_err(|error| Failure::reading(&path, &error))?;
    let name = path.file_name().map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned());
    let media_type = named.unwrap_or_else(|| type_of(&path)).to_owned();
    Ok(Attachment { name, media_type, octets: octets.into() })
}

/// The type that an ending stands for, for the endings that people attach.
fn type_of(path: &Path) -> &'static str {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "txt" | "log" | "md" | "conf" | "diff" | "patch" => "text/plain",
        "html" | "htm" => "text/html",
        "csv" => "text/csv",
        "ics" => "text/calendar",
        "vcf" => "text/vcard",
        "json" => "application/json",
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "webp" => "image/webp",
        "mp3" => "audio/mpeg",
        "ogg" | "opus" => "audio/ogg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "eml" => "message/rfc822",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::content::Incoming;
    use clap::Parser as _;

    fn args(words: &[&str]) -> SendArgs {
        SendArgs::try_parse_from([&["impp-send"], words].concat()).unwrap()
    }

    fn me() -> Address {
        Address::parse("alice@example.org").unwrap()
    }

    #[test]
    fn options_become_headers() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a.csv");
        std::fs::write(&file, "1,2\n").unwrap();
        let attach = format!("{}:application/x-mine", file.display());
        let args = args(&[
            "-s",
            "Grüße",
            "-m",
            "x",
            "--urgency",
            "emergency",
            "--id",
            "one@x",
            "-F",
            "Alice",
            "-H",
            "X-A: b",
            "--attach",
            &attach,
            "bob@x",
        ]);
        let book = AddressBook::default();
        let composer = Composer::new(&args, &book).unwrap();
        let sent = composer.plain(&me(), b"Guten Tag\n".to_vec()).unwrap().unwrap();
        let read = Incoming::read(&sent.octets);
        assert_eq!(read.subject.as_deref(), Some("Grüße"));
        assert_eq!(read.urgency, Urgency::Emergency);
        assert_eq!(read.header("X-A").as_deref(), Some("b"));
        assert_eq!((sent.id.as_str(), read.message_id.unwrap().as_str()), ("<one@x>", "<one@x>"));
        assert_eq!(read.text.as_deref().map(str::trim), Some("Guten Tag"));
        assert_eq!((read.attachments[0].name.as_str(), read.attachments[0].media_type.as_str()), ("a.csv", "application/x-mine"));
        assert_eq!(sent.to[0].shown(), "bob@x");
    }

    #[test]
    fn recipients_of_headers_are_found_and_bcc_goes() {
        let args = args(&["-t"]);
        let book = AddressBook::default();
        let composer = Composer::new(&args, &book).unwrap();
        let mail = b"To: Bob <bob@x>, carol@x\nBcc: eve@x\nSubject: s\n\nhello\n";
        let sent = composer.whole(&me(), mail).unwrap().unwrap();
        assert_eq!(sent.to.iter().map(Address::shown).collect::<Vec<_>>(), ["bob@x", "carol@x", "eve@x"]);
        let text = String::from_utf8(sent.octets.to_vec()).unwrap();
        assert!(!text.contains("eve") && text.contains("From: <alice@example.org>"), "{text}");
        assert_eq!(composer.whole(&me(), b"Subject: s\n\nx").unwrap_err().exit, Exit::Data);
    }

    #[test]
    fn an_empty_body_is_skipped_only_if_asked() {
        let book = AddressBook::default();
        let (skip, keep) = (args(&["--skip-empty", "bob@x"]), args(&["bob@x"]));
        assert!(Composer::new(&skip, &book).unwrap().plain(&me(), b" \n".to_vec()).unwrap().is_none());
        assert!(Composer::new(&keep, &book).unwrap().plain(&me(), Vec::new()).unwrap().is_some());
    }

    #[test]
    fn what_does_not_fit_together_is_usage() {
        let book = AddressBook::default();
        assert_eq!(Composer::new(&args(&["--raw", "-F", "x", "bob@x"]), &book).unwrap_err().exit, Exit::Usage);
        assert_eq!(Composer::new(&args(&["-H", "nocolon", "bob@x"]), &book).unwrap_err().exit, Exit::Usage);
        assert_eq!(Composer::new(&args(&["--id", "a b", "bob@x"]), &book).unwrap_err().exit, Exit::Data);
        assert_eq!(Composer::new(&args(&["--attach", "/nonexistent", "bob@x"]), &book).unwrap_err().exit, Exit::NoInput);
    }
}
