//! The only door to standard output and standard error: records, raw data, and talk.

use super::exit::{Failure, Outcome};
use super::format::Template;
use super::safe;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;

/// How records are written.
#[derive(Clone, Debug, Default)]
pub enum Shape {
    /// The tool's own line for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
    /// The person's template.
    Format(Template),
}

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// `-q`: errors only where nothing else tells them, no notes.
    Quiet,
    /// Errors, and what a person must know.
    #[default]
    Normal,
    /// `-v`: what is being done.
    Verbose,
    /// `-vv`: everything.
    Debug,
}

/// Standard output and standard error, with the manners that the person asked for.
#[derive(Clone, Debug)]
pub struct Printer {
    tool: &'static str,
    shape: Shape,
    talk: Talk,
    end: &'static str,
    color: bool,
}

/// Colours that carry meaning beside a word, never instead of it.
#[derive(Clone, Copy, Debug)]
pub enum Color {
    /// Open, delivered, allowed.
    Good,
    /// Closed, failed, denied.
    Bad,
    /// Withheld, stored.
    Dim,
}

/// One thing to tell: its fields for scripts and its line for people.
#[derive(Clone, Debug)]
pub struct Record(Map<String, Value>);

impl Record {
    /// A record with `"v":1`.
    #[must_use]
    pub fn new() -> Self {
        Self(Map::from_iter([("v".to_owned(), Value::from(1))]))
    }

    /// Adds a field. Keys keep their order.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// The object on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        safe::json(Value::Object(self.0.clone()).to_string())
    }
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

impl Printer {
    /// A printer for the tool of this name.
    #[must_use]
    pub fn new(tool: &'static str) -> Self {
        Self { tool, shape: Shape::Text, talk: Talk::Normal, end: "\n", color: false }
    }

    /// With these manners. `zero`: records end in NUL.
    #[must_use]
    pub fn with(self, shape: Shape, talk: Talk, zero: bool, color: bool) -> Self {
        Self { shape, talk, end: if zero { "\0" } else { "\n" }, color, ..self }
    }

    /// The same, saying so much.
    #[must_use]
    pub fn with_talk(self, talk: Talk) -> Self {
        Self { talk, ..self }
    }

    /// The tool's name.
    #[must_use]
    pub fn tool(&self) -> &'static str {
        self.tool
    }

    /// How much is said.
    #[must_use]
    pub fn talk(&self) -> Talk {
        self.talk
    }

    /// Whether records are the tool's own lines.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.shape, Shape::Text)
    }

    /// Writes a record: as JSON, by the template, or `line` (which must be safe already; empty: nothing).
    ///
    /// # Errors
    /// Standard output does not take it.
    pub fn record(&self, record: &Record, line: &str) -> Outcome<()> {
        match &self.shape {
            Shape::Text if line.is_empty() => Ok(()),
            Shape::Text => self.write(format!("{line}{}", self.end).as_bytes()),
            Shape::Json => self.write(format!("{}{}", record.to_json(), self.end).as_bytes()),
            Shape::Format(template) => {
                let end = if self.end == "\0" { "\0" } else { "" };
                self.write(format!("{}{end}", template.fill(&record.0)).as_bytes())
            }
        }
    }

    /// Writes a line of the tool's own, whatever the shape.
    ///
    /// # Errors
    /// Standard output does not take it.
    pub fn line(&self, line: &str) -> Outcome<()> {
        self.write(format!("{line}{}", self.end).as_bytes())
    }

    /// Writes data as it is; to a terminal only what is safe there.
    ///
    /// # Errors
    /// Standard output does not take it.
    pub fn data(&self, octets: &[u8]) -> Outcome<()> {
        if std::io::stdout().is_terminal() {
            return self.write(safe::block(&String::from_utf8_lossy(octets)).as_bytes());
        }
        self.write(octets)
    }

    /// Whether standard output is a file that more than its owner can read.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        let found = std::io::stdout().as_fd().try_clone_to_owned().and_then(|fd| File::from(fd).metadata());
        found.is_ok_and(|found| found.is_file() && found.mode() & 0o077 != 0)
    }

    /// Columns of the terminal that standard output is, or else what fits a page.
    #[must_use]
    pub fn columns(&self) -> usize {
        const PAGE: usize = 100;
        terminal().map(|(columns, _)| columns).or_else(|| said("COLUMNS")).unwrap_or(PAGE)
    }

    /// Rows of the terminal that standard output is; `None` if it is none.
    #[must_use]
    pub fn rows(&self) -> Option<usize> {
        terminal().map(|(_, rows)| rows)
    }

    /// Puts lines, which must be safe already, in the place of the `standing` ones last written.
    ///
    /// # Errors
    /// Standard output does not take it.
    pub fn redraw(&self, standing: usize, lines: &[&str]) -> Outcome<()> {
        let up = if standing == 0 { String::new() } else { format!("\u{1b}[{standing}A") };
        self.write(format!("{up}\r\u{1b}[J{}\n", lines.join("\n")).as_bytes())
    }

    fn write(&self, octets: &[u8]) -> Outcome<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(octets).and_then(|()| out.flush()).map_err(|error| Failure::stdout(&error))
    }

    /// Says something that a person should know, unless `-q`.
    pub fn note(&self, text: &str) {
        if self.talk >= Talk::Normal {
            self.err(text);
        }
    }

    /// Says what is being done, with `-v`.
    pub fn detail(&self, text: &str) {
        if self.talk >= Talk::Verbose {
            self.err(text);
        }
    }

    /// Says an error, also with `-q`.
    pub fn complain(&self, text: &str) {
        self.err(text);
    }

    /// Says how the tool failed.
    pub fn failure(&self, failure: &Failure) {
        if let Some(line) = failure.line() {
            self.err(line);
        }
    }

    fn err(&self, text: &str) {
        // Nobody is left to tell if this fails.
        _ = writeln!(std::io::stderr().lock(), "{}: {}", self.tool, safe::line(text));
    }

    /// A line of the trace, which is safe already.
    pub fn trace(&self, line: &str) {
        _ = writeln!(std::io::stderr().lock(), "{line}");
    }

    /// Text on standard error as it is, several lines: usage.
    pub fn usage(&self, text: &str) {
        _ = std::io::stderr().lock().write_all(safe::block(text).as_bytes());
    }

    /// `text` in a colour, if colours are wanted.
    #[must_use]
    pub fn paint(&self, color: Color, text: &str) -> String {
        let code = match color {
            Color::Good => "32",
            Color::Bad => "31",
            Color::Dim => "33",
        };
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Columns and rows. A terminal that does not know them, such as one on a serial line, is taken for an old one.
fn terminal() -> Option<(usize, usize)> {
    const OLD: (usize, usize) = (80, 24);
    let out = std::io::stdout();
    let known = terminal_size::terminal_size_of(&out).map(|(columns, rows)| (usize::from(columns.0), usize::from(rows.0)));
    let either = |known: usize, name, old| if known > 0 { known } else { said(name).unwrap_or(old) };
    let (columns, rows) = known.unwrap_or_default();
    out.is_terminal().then(|| (either(columns, "COLUMNS", OLD.0), either(rows, "LINES", OLD.1)))
}

fn said(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok().filter(|number| *number > 0)
}

/// Whether to use colours: `--color`, then `NO_COLOR`, then whether a terminal reads.
#[must_use]
pub fn wants_color(choice: Option<bool>) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    choice.unwrap_or_else(|| !unwanted && std::io::stdout().is_terminal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_begins_with_its_version_and_keeps_its_order() {
        let record = Record::new().with("to", "a@b").with("error", None::<&str>).with("ms", 41);
        assert_eq!(record.to_json(), r#"{"v":1,"to":"a@b","error":null,"ms":41}"#);
    }

    #[test]
    fn colours_only_where_wanted() {
        let plain = Printer::new("t");
        assert_eq!(plain.paint(Color::Good, "open"), "open");
        let painted = plain.with(Shape::Text, Talk::Normal, false, true);
        assert_eq!(painted.paint(Color::Bad, "no"), "\u{1b}[31mno\u{1b}[0m");
    }
}
