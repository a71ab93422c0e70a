//! What impp-send reads: bodies with their limits, lines, and JSON lines.

use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::units;
use serde::Deserialize;
use serde_json::Value;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Where `--max-size` says nothing: more than any server takes by itself, less than hurts this machine.
pub(super) const LARGEST: u64 = 64 << 20;
/// Octets read at a time.
const READ: usize = 64 << 10;

/// What happens to a body that is longer than wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limit {
    /// Octets.
    pub(super) max: Option<u64>,
    /// Cut it instead of refusing it.
    pub(super) truncate: bool,
}

impl Limit {
    /// The body within the limit.
    ///
    /// # Errors
    /// 65 if it is longer and must not be cut.
    pub(super) fn apply(self, body: Vec<u8>) -> Outcome<Vec<u8>> {
        let mut collected = Collected::new(self);
        collected.take(&body);
        collected.finish()
    }
}

/// Head and tail of a text with a line between them that says how much is missing; whole lines where there are
/// any, never part of a character. `between`: octets that were not even kept.
fn cut(head: &[u8], between: u64, tail: &[u8], max: usize) -> Vec<u8> {
    let (first, last) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
    // Where all of it is there, the tail may reach back into the head.
    let last = if between == 0 { format!("{first}{last}") } else { last.into_owned() };
    let whole = if between == 0 { last.len() as u64 } else { first.len() as u64 + between + last.len() as u64 };
    let note = |missing: u64| format!("\n[... {missing} octets left out ...]\n");
    let room = max.saturating_sub(note(whole).len());
    let head_end = floor(&first, room / 2);
    let tail_start = ceil(&last, last.len().saturating_sub(room - room / 2));
    let (head, tail) = (first.get(..head_end).unwrap_or_default(), last.get(tail_start..).unwrap_or_default());
    let head = head.rfind('\n').and_then(|at| head.get(..at)).unwrap_or(head);
    let tail = tail.split_once('\n').filter(|(_, rest)| !rest.is_empty()).map_or(tail, |(_, rest)| rest);
    let missing = whole.saturating_sub((head.len() + tail.len()) as u64);
    format!("{head}{}{tail}", note(missing)).into_bytes()
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn ceil(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// `--tee`: where a copy of standard input goes as it comes.
#[derive(Debug, Default)]
pub(super) struct Tee {
    out: Option<Printer>,
    broken: Option<Failure>,
}

impl Tee {
    /// A copy to standard output, if `wanted`.
    pub(super) fn new(wanted: bool, out: &Printer) -> Self {
        Self { out: wanted.then(|| out.clone()), broken: None }
    }

    /// Copies. A copy that nobody takes must not keep the message from being sent.
    pub(super) fn copy(&mut self, octets: &[u8]) {
        if let Some(out) = &self.out
            && let Err(failure) = out.data(octets)
        {
            (self.out, self.broken) = (None, Some(failure));
        }
    }

    /// The status of all, with that of the copy.
    ///
    /// # Errors
    /// 74 if all went well but the copy, and its reader did not just go away.
    pub(super) fn finish(self, exit: Exit) -> Outcome<Exit> {
        match self.broken {
            Some(failure) if exit == Exit::Yes && failure.exit != Exit::Yes => Err(failure),
            _ => Ok(exit),
        }
    }
}

/// What is read, within its limit: of what may be cut only the two ends are kept, however much comes.
#[derive(Debug)]
pub(super) struct Collected {
    limit: Limit,
    head: Vec<u8>,
    /// What came behind the head; of more than is needed the last.
    tail: Vec<u8>,
    total: u64,
}

impl Collected {
    pub(super) fn new(limit: Limit) -> Self {
        Self { limit, head: Vec::new(), tail: Vec::new(), total: 0 }
    }

    fn max(&self) -> usize {
        usize::try_from(self.limit.max.unwrap_or(LARGEST)).unwrap_or(usize::MAX)
    }

    /// Takes what came. `false`: it is too much already.
    pub(super) fn take(&mut self, octets: &[u8]) -> bool {
        self.total += octets.len() as u64;
        let room = self.max().saturating_sub(self.head.len()).min(octets.len());
        let (head, rest) = octets.split_at(room);
        self.head.extend_from_slice(head);
        if !rest.is_empty() && self.limit.truncate {
            self.tail.extend_from_slice(rest);
            let spare = self.tail.len().saturating_sub(self.max());
            // Not at every turn, so that it costs no more than what is copied anyway.
            if spare > self.max() {
                self.tail.drain(..spare);
            }
        }
        rest.is_empty() || self.limit.truncate
    }

    /// The body.
    ///
    /// # Errors
    /// 65 if it is too long and must not be cut.
    pub(super) fn finish(mut self) -> Outcome<Vec<u8>> {
        let max = self.max();
        if self.total <= max as u64 {
            return Ok(self.head);
        }
        if !self.limit.truncate {
            let line = match self.limit.max {
                Some(max) => format!("cannot send so long a body: --max-size is {}", units::shown_size(max)),
                None => format!("cannot send more than {}; --max-size allows more", units::shown_size(LARGEST)),
            };
            return Err(Failure::new(Exit::Data, line));
        }
        let spare = self.tail.len().saturating_sub(max);
        self.tail.drain(..spare);
        let between = self.total - (self.head.len() + self.tail.len()) as u64;
        Ok(cut(&self.head, between, &self.tail, max))
    }
}

/// Reads a file, or standard input, to its end.
///
/// # Errors
/// 66 or 74 if it cannot be read; 65 if it is longer than the limit.
pub(super) fn read(path: Option<&Path>, limit: Limit, tee: &mut Tee) -> Outcome<Vec<u8>> {
    let path = path.filter(|path| *path != Path::new("-"));
    let name = path.unwrap_or_else(|| Path::new("standard input"));
    let failed = |error| Failure::reading(name, &error);
    match path {
        Some(path) => collect(std::fs::File::open(path).map_err(failed)?, limit, |_| {}).map_err(failed)?,
        None => collect(std::io::stdin().lock(), limit, |octets| tee.copy(octets)).map_err(failed)?,
    }
    .finish()
}

/// Reads to the end, or until it is too much.
pub(super) fn collect(mut from: impl Read, limit: Limit, mut seen: impl FnMut(&[u8])) -> std::io::Result<Collected> {
    let mut collected = Collected::new(limit);
    let mut room = vec![0; READ];
    loop {
        let octets = match from.read(&mut room) {
            Ok(0) => return Ok(collected),
            Ok(octets) => room.get(..octets).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        seen(octets);
        if !collected.take(octets) {
            return Ok(collected);
        }
    }
}

/// A message as one JSON line has it.
///
/// *Shape:* `{"to":["ann@example.org"],"subject":"..","text":"..","attach":["/a/file"],"urgency":"high","id":"<x@y>"}`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonMessage {
    /// One address or several.
    #[serde(default)]
    pub(super) to: OneOrMany,
    pub(super) subject: Option<String>,
    #[serde(default)]
    pub(super) text: String,
    #[serde(default)]
    pub(super) attach: OneOrMany,
    pub(super) urgency: Option<String>,
    pub(super) id: Option<String>,
    pub(super) in_reply_to: Option<String>,
    /// Anything else that this program wrote itself is of no use here.
    #[serde(rename = "v", default)]
    _version: Option<Value>,
}

/// A string or a list of strings.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Strings")]
pub(super) struct OneOrMany(pub(super) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Strings {
    One(String),
    Many(Vec<String>),
}

impl From<Strings> for OneOrMany {
    fn from(strings: Strings) -> Self {
        Self(match strings {
            Strings::One(one) => vec![one],
            Strings::Many(many) => many,
        })
    }
}

/// Reads a JSON line; `number` is the line's, from 1.
///
/// # Errors
/// 65 with the line's number.
pub(super) fn json_line(line: &str, number: u64) -> Outcome<JsonMessage> {
    let wrong = |why: String| Failure::new(Exit::Data, format!("line {number}: {why}"));
    let message: JsonMessage = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
    if message.to.0.is_empty() {
        return Err(wrong("\"to\" is missing".to_owned()));
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_body_is_refused_or_cut() {
        let refuse = Limit { max: Some(10), truncate: false };
        assert_eq!(refuse.apply(vec![b'x'; 11]).unwrap_err().exit, Exit::Data);
        assert_eq!(refuse.apply(vec![b'x'; 10]).unwrap().len(), 10);
        let lines: String = (0..100).map(|number| format!("line {number}\n")).collect();
        let cut = String::from_utf8(Limit { max: Some(200), truncate: true }.apply(lines.clone().into_bytes()).unwrap()).unwrap();
        assert!(cut.len() <= 200, "{}", cut.len());
        assert!(cut.starts_with("line 0\nline 1\n") && cut.ends_with("line 98\nline 99\n"), "{cut}");
        let missing: usize = cut.split("[... ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let kept: usize = cut.split("\n[...").next().unwrap().len() + cut.split("...]\n").nth(1).unwrap().len();
        assert_eq!(missing + kept, lines.len());
    }

    #[test]
    fn however_much_comes_only_the_ends_are_kept() {
        let mut collected = Collected::new(Limit { max: Some(1000), truncate: true });
        for number in 0..100_000 {
            assert!(collected.take(format!("line {number}\n").as_bytes()));
            assert!(collected.head.len() + collected.tail.len() <= 4000);
        }
        let total = collected.total;
        let cut = String::from_utf8(collected.finish().unwrap()).unwrap();
        assert!(cut.len() <= 1000 && cut.starts_with("line 0\n") && cut.ends_with("line 99999\n"), "{cut}");
        let missing: u64 = cut.split("[... ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let note = format!("\n[... {missing} octets left out ...]\n").len() as u64;
        assert_eq!(cut.len() as u64 - note + missing, total);
        let mut refused = Collected::new(Limit { max: Some(10), truncate: false });
        assert!(refused.take(b"0123456789") && !refused.take(b"x"), "nothing more need be read");
        assert_eq!(refused.finish().unwrap_err().exit, Exit::Data);
    }

    #[test]
    fn characters_stay_whole_when_a_line_is_cut() {
        for max in 60..70 {
            let cut = Limit { max: Some(max), truncate: true }.apply("ü".repeat(500).into_bytes()).unwrap();
            assert!(cut.len() as u64 <= max);
            assert!(!String::from_utf8(cut).unwrap().contains('\u{fffd}'));
        }
    }

    #[test]
    fn json_lines() {
        let message = json_line(r#"{"to":"a@x","text":"hi","attach":["f"],"urgency":"high"}"#, 1).unwrap();
        assert_eq!((message.to.0.len(), message.text.as_str(), message.attach.0.len()), (1, "hi", 1));
        for (line, part) in
            [(r#"{"to":[]}"#, "\"to\""), ("{", "line 7"), (r#"{"to":"a@x","subjet":"x"}"#, "subjet"), ("[]", "line 7")]
        {
            let failure = json_line(line, 7).unwrap_err();
            assert!(failure.exit == Exit::Data && failure.line().unwrap().contains(part), "{line}: {failure:?}");
        }
    }
}
