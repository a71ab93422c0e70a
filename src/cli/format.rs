//! `--format`: a line made from the fields of a record, as the person wrote it.

use super::safe;
use serde_json::{Map, Value};

/// A template, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(String),
}

impl Template {
    /// Reads `{field}\t{field}\n`. Escapes: `\n \t \r \0 \\`; `{{` and `}}` stand for braces.
    ///
    /// # Errors
    /// A sentence: an unknown field (with those that exist), an unknown escape, a brace that is not closed.
    pub fn parse(text: &str, fields: &[&str]) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\\' => plain.push(match rest.next() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some('0') => '\0',
                    Some('\\') => '\\',
                    Some(other) => return Err(format!("the format has an unknown escape \\{other}")),
                    None => return Err("the format ends in a backslash".to_owned()),
                }),
                '{' | '}' if rest.peek() == Some(&c) => {
                    rest.next();
                    plain.push(c);
                }
                '{' => {
                    let mut name = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some(c) => name.push(c),
                            None => return Err("a brace in the format is not closed".to_owned()),
                        }
                    }
                    if !fields.contains(&name.as_str()) {
                        return Err(format!("there is no field {{{name}}}; there are {}", fields.join(", ")));
                    }
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Field(name));
                }
                '}' => return Err("a brace in the format is not opened; write }} for one".to_owned()),
                c => plain.push(c),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// The line of one record. Values are made safe; a missing or null one is empty, a list is joined by commas.
    #[must_use]
    pub fn fill(&self, record: &Map<String, Value>) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field(name) => put(&mut out, record.get(name).unwrap_or(&Value::Null)),
            }
        }
        out
    }
}

fn put(out: &mut String, value: &Value) {
    match value {
        Value::Null => {}
        Value::String(text) => out.push_str(&safe::line(text)),
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                put(out, value);
            }
        }
        other => out.push_str(&safe::json(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FIELDS: &[&str] = &["to", "ms", "error", "tags"];

    #[test]
    fn a_template_is_filled() {
        let Value::Object(record) = json!({"to": "a@b\u{1b}", "ms": 41, "error": null, "tags": ["x", "y"]}) else { panic!() };
        for (text, line) in [
            ("{to}\\t{ms}\\n", "a@b\\x1b\t41\n"),
            ("{{{to}}}", "{a@b\\x1b}"),
            ("[{error}] {tags}\\0", "[] x,y\0"),
            ("a\\\\b", "a\\b"),
        ] {
            assert_eq!(Template::parse(text, FIELDS).unwrap().fill(&record), line, "{text}");
        }
    }

    #[test]
    fn a_wrong_template_says_why() {
        for (text, part) in
            [("{nope}", "there are to, ms"), ("{to", "not closed"), ("to}", "not opened"), ("\\q", "escape"), ("\\", "backslash")]
        {
            let error = Template::parse(text, FIELDS).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
