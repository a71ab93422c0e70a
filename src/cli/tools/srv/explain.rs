//! `--explain`: what a finding means and what to do about it; the manual is made of the same.

use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::{Printer, Record};
use crate::net::judge::Id;
use crate::net::judge::catalogue::{CATALOGUE, Entry};

pub(super) fn print(id: &str, out: &Printer) -> Outcome<Exit> {
    let one = Id::parse(id).map(|id| std::slice::from_ref(id.entry()));
    let entries = one.or((id == "all").then_some(CATALOGUE));
    let entries = entries.ok_or_else(|| Failure::usage(format!("there is no finding {id:?}: S01 to S{}", CATALOGUE.len())))?;
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 && out.is_text() {
            out.line("")?;
        }
        let record = Record::new()
            .with("id", entry.code)
            .with("title", entry.title)
            .with("severity", entry.severity)
            .with("means", entry.means)
            .with("change", entry.change);
        out.record(&record, &text(entry))?;
    }
    Ok(Exit::Yes)
}

fn text(entry: &Entry) -> String {
    let Entry { code, title, severity, means, change, .. } = entry;
    format!("{code}  {title} ({severity})\n\n{}\n\nTo do: {}", wrapped(means), wrapped(change))
}

/// Lines of at most 78 characters.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if let Some(line) = lines.last_mut().filter(|line| line.is_empty() || line.len() + word.len() < 78) {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

/// The same as a section of the manual.
#[must_use]
pub fn markdown() -> String {
    let entry = |entry: &Entry| {
        let Entry { code, title, severity, means, change, .. } = entry;
        format!("### {code}: {title}\n\n*{severity}.* {means}\n\nTo do: {change}\n")
    };
    CATALOGUE.iter().map(entry).collect::<Vec<_>>().join("\n")
}
