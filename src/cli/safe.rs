//! Strangers' text made safe for a terminal: what could move the cursor, hide or reorder text becomes a visible escape.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Characters that a terminal acts on, or that make text read differently from what it is: the C0 and C1
/// controls, the bidirectional marks, embeddings, overrides and isolates, the line separators, and invisible tags.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// One line: no character of it does anything but stand there.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    clean(text, |_| false)
}

/// A text that fits: the rest of a longer one is replaced by an ellipsis.
#[must_use]
pub fn cut(text: &str, characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
    }
}

/// Several lines: line feeds and tabs stay, carriage returns before a line feed go.
#[must_use]
pub fn block(text: &str) -> Cow<'_, str> {
    match text.contains("\r\n") {
        true => Cow::Owned(clean(&text.replace("\r\n", "\n"), |c| matches!(c, '\n' | '\t')).into_owned()),
        false => clean(text, |c| matches!(c, '\n' | '\t')),
    }
}

fn clean(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let bad = |c: char| is_unsafe(c) && !stays(c);
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            c if !bad(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii() => _ = write!(out, "\\x{:02x}", u32::from(c)),
            c => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
        }
    }
    Cow::Owned(out)
}

/// JSON text in which the same characters are JSON's own escapes, so that its meaning is unchanged.
#[must_use]
pub fn json(text: String) -> String {
    if !text.contains(is_unsafe) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut pair = [0; 2];
    for c in text.chars() {
        if is_unsafe(c) {
            // serde_json has escaped what lies below U+0020; the rest can only stand inside strings.
            for unit in c.encode_utf16(&mut pair) {
                _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// XML of our own making, in which such characters stand in text alone, with XML's own references for them.
#[must_use]
pub fn xml(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) { _ = write!(out, "&#{};", u32::from(c)) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// A value that stands in an environment variable of a handler: one line without controls, at most so many octets.
#[must_use]
pub fn environment(text: &str) -> String {
    const OCTETS: usize = 4096;
    let mut value = line(text).into_owned();
    if value.len() > OCTETS {
        let end = (0..=OCTETS).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
        value.truncate(end);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_shown() {
        for (text, safe) in [
            ("plain ü 漢 👩‍👩‍👧", "plain ü 漢 👩‍👩‍👧"),
            ("a\u{1b}[2Jb", "a\\x1b[2Jb"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("a\u{9b}b\u{7f}", "a\\u{9b}b\\x7f"),
            ("a\u{202e}b\u{2066}c\u{2028}", "a\\u{202e}b\\u{2066}c\\u{2028}"),
        ] {
            assert_eq!(line(text), safe);
        }
        assert_eq!(block("a\r\nb\tc\n\u{7}\r"), "a\nb\tc\n\\x07\\r");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!((cut("äöü", 3), cut("äöü", 2), cut("", 0)), ("äöü".into(), "äö…".into(), "".into()));
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({"a": "\u{1b}[m\u{9b}\u{202e}\u{e0041}\u{7f} ü"});
        let text = json(value.to_string());
        assert!(!text.contains(is_unsafe), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn xml_keeps_its_meaning() {
        assert_eq!(xml("<note>a\u{9b}\u{202e}\nü</note>"), "<note>a&#155;&#8238;&#10;ü</note>");
    }

    #[test]
    fn environment_values_are_short_lines() {
        assert_eq!(environment("a\nb"), "a\\nb");
        assert!(environment(&"x".repeat(10_000)).len() <= 4096);
    }
}
