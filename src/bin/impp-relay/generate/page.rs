//! A manual page as it grows: headings, paragraphs, lists and lines as they are, in roff.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};
use std::io;

/// What the library puts before everything that it renders; a page needs it once.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";
/// How the library leaves a line free before a list of words; manual pages have a request for that.
const TWO_BREAKS: &str = ".br\n\n.br\n";
/// Paragraphs that begin so are lines to be shown as they are.
const AS_IS: &str = "    ";

/// When the pages last changed by more than a word; moved on with the version.
const DATE: &str = "2026-11-26";
/// Lines of text are broken here, for whoever reads the source or a difference.
const WIDTH: usize = 80;

/// A page.
#[derive(Debug)]
pub(super) struct Page(String);

impl Page {
    /// Its head and its NAME. *Shape:* `Page::new("impp.toml", "5", "accounts and aliases of the tools")`
    pub(super) fn new(name: &str, section: &str, about: &str) -> Self {
        let source = format!("impp {}", env!("CARGO_PKG_VERSION"));
        let man =
            Man::new(Command::new("x")).title(name.to_uppercase()).section(section).date(DATE).source(source).manual("IMPP/1.0");
        let mut page = Self(String::from(PREAMBLE));
        page.add(|out| man.render_title(out));
        page.heading("NAME");
        page.roff(|roff| _ = roff.text([roman(format!("{name} - {about}"))]));
        page
    }

    /// What the library renders.
    pub(super) fn add(&mut self, render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
        let mut out = Vec::new();
        // Writing to memory cannot fail.
        _ = render(&mut out);
        self.append(&String::from_utf8_lossy(&out).replace(TWO_BREAKS, ".sp\n"));
    }

    fn append(&mut self, rendered: &str) {
        self.0.push_str(rendered.strip_prefix(PREAMBLE).unwrap_or(rendered));
    }

    fn roff(&mut self, build: impl FnOnce(&mut Roff)) {
        let mut roff = Roff::new();
        build(&mut roff);
        self.append(&roff.render());
    }

    /// A section begins.
    pub(super) fn heading(&mut self, title: &str) {
        self.roff(|roff| _ = roff.control("SH", [title]));
    }

    /// A section within the section begins.
    pub(super) fn subheading(&mut self, title: &str) {
        let title = title.replace('-', "\\-");
        self.roff(|roff| _ = roff.control("SS", [title.as_str()]));
    }

    /// Paragraphs under a heading. What stands in backticks is bold.
    pub(super) fn paragraphs(&mut self, all: &[&str]) {
        for text in all {
            match text.strip_prefix(AS_IS) {
                Some(lines) => self.lines(lines),
                None => {
                    self.paragraph_begins();
                    self.text(text);
                }
            }
        }
    }

    /// Lines as they are.
    pub(super) fn lines(&mut self, lines: &str) {
        self.paragraph_begins();
        self.roff(|roff| {
            roff.control("RS", ["4"]);
            roff.control("nf", []);
            for line in lines.lines() {
                roff.text([roman(line)]);
            }
            roff.control("fi", []);
            roff.control("RE", []);
        });
    }

    /// An item of a list and what is to be said of it, in one paragraph or several.
    pub(super) fn item(&mut self, name: &str, about: &[&str]) {
        self.roff(|roff| _ = roff.control("TP", []).text([bold(name)]));
        for (at, text) in about.iter().enumerate() {
            if at > 0 {
                self.roff(|roff| _ = roff.control("IP", []));
            }
            self.text(text);
        }
    }

    /// A heading is a beginning already.
    fn paragraph_begins(&mut self) {
        let last = self.0.lines().last().unwrap_or_default();
        if !last.starts_with(".SH") && !last.starts_with(".SS") {
            self.roff(|roff| _ = roff.control("PP", []));
        }
    }

    fn text(&mut self, text: &str) {
        let rendered = Roff::new().text(marked(text)).render();
        self.append(&folded(rendered.strip_prefix(PREAMBLE).unwrap_or(&rendered)));
    }

    /// The page as a file.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Bold where backticks are.
fn marked(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(at, part)| if at % 2 == 1 { bold(part) } else { roman(part) }).collect()
}

/// Text in lines, none of which could be taken for a request.
fn folded(text: &str) -> String {
    let mut lines = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > 0 {
            let breaks = length + 1 + word.len() > WIDTH && !word.starts_with(['.', '\'']);
            lines.push(if breaks { '\n' } else { ' ' });
            length = if breaks { 0 } else { length + 1 };
        }
        lines.push_str(word);
        length += word.len();
    }
    lines + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_folded_does_not_begin_with_a_dot() {
        let text = format!("{} .nf {} end", "a".repeat(79), "b".repeat(70));
        assert_eq!(folded(&text), format!("{} .nf\n{} end\n", "a".repeat(79), "b".repeat(70)));
    }

    #[test]
    fn text_cannot_become_a_request() {
        let mut page = Page::new("x", "7", "a thing - of 'tests'");
        page.heading("TEXT");
        page.paragraphs(&[".SH is no request, `-v` is bold", "    .nf\n  'as' it is"]);
        let text = page.finish();
        assert_eq!(text.matches(".ie ").count(), 1, "{text}");
        assert!(text.contains("\n\\&.SH is no request, \\fB\\-v\\fR is bold\n"), "{text}");
        assert!(text.contains("\n\\&.nf\n  \\*(Aqas\\*(Aq it is\n.fi\n"), "{text}");
    }
}
