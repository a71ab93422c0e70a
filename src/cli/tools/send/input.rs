//! What impp-send reads: bodies with their limits, lines, and JSON lines.

use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::units;
use serde::Deserialize;
use serde_json::Value;
use std::io::Read;
use std::path::Path;

/// What nobody means to send as an instant message, whatever a server would take.
const LARGEST: u64 = 1 << 30;

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
        let size = body.len() as u64;
        match self.max {
            Some(max) if size > max && self.truncate => Ok(cut(&body, usize::try_from(max).unwrap_or(usize::MAX))),
            Some(max) if size > max => {
                let line = format!("cannot send a body of {}: --max-size is {}", units::shown_size(size), units::shown_size(max));
                Err(Failure::new(Exit::Data, line))
            }
            _ => Ok(body),
        }
    }
}

/// Head and tail of a text with a line between them that says how much is missing; whole lines where there are
/// any, never part of a character.
fn cut(body: &[u8], max: usize) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let note = |missing: usize| format!("\n[... {missing} octets left out ...]\n");
    let room = max.saturating_sub(note(text.len()).len());
    let head_end = floor(&text, room / 2);
    let tail_start = ceil(&text, text.len().saturating_sub(room - room / 2));
    let (head, tail) = (text.get(..head_end).unwrap_or_default(), text.get(tail_start..).unwrap_or_default());
    let head = head.rfind('\n').and_then(|at| head.get(..at)).unwrap_or(head);
    let tail = tail.split_once('\n').filter(|(_, rest)| !rest.is_empty()).map_or(tail, |(_, rest)| rest);
    let missing = text.len() - head.len() - tail.len();
    format!("{head}{}{tail}", note(missing)).into_bytes()
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn ceil(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// `--tee`: where a copy of standard input goes as it comes.
#[derive(Debug)]
pub(super) struct Tee<'a>(Option<&'a Printer>);

impl<'a> Tee<'a> {
    /// A copy to standard output, if `wanted`.
    pub(super) fn new(wanted: bool, out: &'a Printer) -> Self {
        Self(wanted.then_some(out))
    }

    /// Copies. A reader of the copy who went away must not keep the message from being sent.
    pub(super) fn copy(&mut self, octets: &[u8]) {
        if self.0.is_some_and(|out| out.data(octets).is_err()) {
            self.0 = None;
        }
    }
}

/// Standard input, copied while it is read.
struct Copied<'a, 'b>(std::io::StdinLock<'static>, &'a mut Tee<'b>);

impl Read for Copied<'_, '_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let octets = self.0.read(room)?;
        self.1.copy(room.get(..octets).unwrap_or_default());
        Ok(octets)
    }
}

/// Reads a file, or standard input.
///
/// # Errors
/// 66 or 74 if it cannot be read; 65 if it is absurdly large.
pub(super) fn read(path: Option<&Path>, tee: &mut Tee<'_>) -> Outcome<Vec<u8>> {
    let mut octets = Vec::new();
    let done = match path {
        Some(path) if path != Path::new("-") => {
            std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut octets))
        }
        _ => Copied(std::io::stdin().lock(), tee).take(LARGEST + 1).read_to_end(&mut octets),
    };
    let name = path.unwrap_or_else(|| Path::new("standard input"));
    done.map_err(|error| Failure::reading(name, &error))?;
    if octets.len() as u64 > LARGEST {
        return Err(Failure::new(Exit::Data, format!("cannot send {}: it is larger than 1G", name.display())));
    }
    Ok(octets)
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
