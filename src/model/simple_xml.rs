//! Simple XML: elements and text only, read strictly into a small tree and written back (SPEC §7).

use core::fmt;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Octets of a document.
pub const OCTETS: usize = 65_536;
/// Elements within elements, the root included.
pub const DEPTH: usize = 16;
/// Elements of a document. More fit into [`OCTETS`] only if nearly all are empty and have names of one letter.
pub const ELEMENTS: usize = 8192;

/// An element: a leaf with text, or a parent of others.
///
/// *Shape:* `<note>Back at three</note>`; `<card><fn>Alice</fn></card>`. White space between children is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// An XML 1.0 name without a colon.
    pub name: String,
    /// The text of a leaf, untrimmed, references resolved; empty for a parent.
    pub text: String,
    /// In order.
    pub children: Vec<Element>,
}

/// A document: its root, and where the root's content begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The one root.
    pub root: Element,
    /// Offset of the octet right after the root's start tag.
    pub inside: usize,
}

/// What breaks the rules, and at which octet of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlError {
    /// What.
    pub fault: XmlFault,
    /// Where; for a fault of the whole, its end.
    pub offset: usize,
}

/// Why a document is not Simple XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum XmlFault {
    /// More than [`OCTETS`].
    TooLong,
    /// Not UTF-8.
    Utf8,
    /// A byte order mark.
    ByteOrderMark,
    /// A character that XML 1.0 has not, raw or as a reference.
    Character,
    /// A declaration that is not of its form, names another version or encoding, or stands elsewhere than first.
    Declaration,
    /// An attribute.
    Attribute,
    /// A document type declaration.
    Doctype,
    /// A processing instruction.
    Instruction,
    /// A comment.
    Comment,
    /// A CDATA section.
    CData,
    /// `]]>` in text.
    CDataEnd,
    /// Not an XML 1.0 name, or one with a colon.
    Name,
    /// More than [`DEPTH`] deep.
    Depth,
    /// More than [`ELEMENTS`].
    Elements,
    /// Text beside elements, or outside the root.
    Text,
    /// An entity other than the five, or an `&` that begins none.
    Reference,
    /// No root, or a second.
    Root,
    /// Tags that do not match or do not end.
    Tags,
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.fault {
            XmlFault::TooLong => "longer than 65536 octets",
            XmlFault::Utf8 => "not UTF-8",
            XmlFault::ByteOrderMark => "a byte order mark",
            XmlFault::Character => "a character that XML does not have",
            XmlFault::Declaration => "an XML declaration that cannot be accepted",
            XmlFault::Attribute => "an attribute",
            XmlFault::Doctype => "a DOCTYPE",
            XmlFault::Instruction => "a processing instruction",
            XmlFault::Comment => "a comment",
            XmlFault::CData => "a CDATA section",
            XmlFault::CDataEnd => "]]> in text",
            XmlFault::Name => "not an element name",
            XmlFault::Depth => "nested too deeply",
            XmlFault::Elements => "too many elements",
            XmlFault::Text => "text outside a leaf element",
            XmlFault::Reference => "an unknown reference",
            XmlFault::Root => "not exactly one root element",
            XmlFault::Tags => "tags that do not match",
        };
        write!(f, "{what} at octet {}", self.offset)
    }
}

impl std::error::Error for XmlError {}

impl Document {
    /// Reads a whole document.
    ///
    /// # Errors
    /// The first thing found that is not Simple XML. Nothing is repaired.
    pub fn parse(octets: &[u8]) -> Result<Self, XmlError> {
        let fail = |fault, offset| Err(XmlError { fault, offset });
        if octets.len() > OCTETS {
            return fail(XmlFault::TooLong, OCTETS);
        }
        if octets.starts_with(b"\xef\xbb\xbf") {
            return fail(XmlFault::ByteOrderMark, 0);
        }
        let text = match std::str::from_utf8(octets) {
            Ok(text) => text,
            Err(error) => return fail(XmlFault::Utf8, error.valid_up_to()),
        };
        // The reader behind this line lets all of these through.
        if let Some((at, _)) = text.char_indices().find(|(_, c)| !is_char(*c)) {
            return fail(XmlFault::Character, at);
        }
        if let Some(at) = text.find("]]>") {
            return fail(XmlFault::CDataEnd, at);
        }
        let start = declaration(text).ok_or(XmlError { fault: XmlFault::Declaration, offset: 0 })?;
        Tree::default().read(text.get(start..).unwrap_or_default()).map_or_else(
            |error| fail(error.fault, start + error.offset),
            |document| Ok(Self { inside: start + document.inside, ..document }),
        )
    }
}

/// An element whose end has not come.
#[derive(Default)]
struct Open {
    element: Element,
    /// Whether its text has references: even if they stand for white space, it is a leaf.
    referenced: bool,
}

/// What has been read so far.
#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    root: Option<Element>,
    inside: usize,
    elements: usize,
}

impl Tree {
    fn read(mut self, text: &str) -> Result<Document, XmlError> {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = true;
        config.allow_dangling_amp = false;
        config.allow_unmatched_ends = false;
        config.expand_empty_elements = true;
        loop {
            let offset = position(&reader);
            let event = reader.read_event().map_err(|_| XmlError { fault: unread(text, offset), offset })?;
            let after = position(&reader);
            let step = match event {
                Event::Start(tag) => self.start(&tag, after),
                Event::End(_) => self.end(),
                Event::Text(text) => self.text(&text.xml10_content()),
                Event::GeneralRef(reference) => resolve(&reference).and_then(|c| self.reference(c)),
                Event::Eof => break,
                Event::Decl(_) => Err(XmlFault::Declaration),
                Event::DocType(_) => Err(XmlFault::Doctype),
                Event::PI(_) => Err(XmlFault::Instruction),
                Event::Comment(_) => Err(XmlFault::Comment),
                Event::CData(_) => Err(XmlFault::CData),
                // Only without `expand_empty_elements`.
                Event::Empty(_) => Err(XmlFault::Tags),
            };
            step.map_err(|fault| XmlError { fault, offset })?;
        }
        let fault = if self.open.is_empty() { XmlFault::Root } else { XmlFault::Tags };
        match self.root.filter(|_| self.open.is_empty()) {
            Some(root) => Ok(Document { root, inside: self.inside }),
            None => Err(XmlError { fault, offset: text.len() }),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, after: usize) -> Result<(), XmlFault> {
        let name = tag.name();
        if !is_name(name.as_ref()) {
            return Err(XmlFault::Name);
        }
        if !is_blank(tag.attributes_raw()) {
            return Err(XmlFault::Attribute);
        }
        match self.open.last_mut() {
            Some(parent) if is_blank(&parent.element.text) && !parent.referenced => parent.element.text.clear(),
            Some(_) => return Err(XmlFault::Text),
            None if self.root.is_some() => return Err(XmlFault::Root),
            None => self.inside = after,
        }
        self.elements += 1;
        if self.elements > ELEMENTS {
            return Err(XmlFault::Elements);
        }
        if self.open.len() >= DEPTH {
            return Err(XmlFault::Depth);
        }
        let element = Element { name: name.as_ref().to_owned(), ..Element::default() };
        self.open.push(Open { element, referenced: false });
        Ok(())
    }

    fn end(&mut self) -> Result<(), XmlFault> {
        let element = self.open.pop().ok_or(XmlFault::Tags)?.element;
        match self.open.last_mut() {
            Some(parent) => parent.element.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), XmlFault> {
        match self.open.last_mut() {
            Some(leaf) if leaf.element.children.is_empty() => leaf.element.text.push_str(text),
            _ if is_blank(text) => {}
            _ => return Err(XmlFault::Text),
        }
        Ok(())
    }

    fn reference(&mut self, c: char) -> Result<(), XmlFault> {
        match self.open.last_mut() {
            Some(leaf) if leaf.element.children.is_empty() => {
                leaf.element.text.push(c);
                leaf.referenced = true;
                Ok(())
            }
            _ => Err(XmlFault::Text),
        }
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// What the reader stumbled over at this octet: it tells its faults apart in words only.
fn unread(text: &str, offset: usize) -> XmlFault {
    let rest = text.get(offset..).unwrap_or_default();
    match rest.get(..2) {
        _ if rest.starts_with('&') => XmlFault::Reference,
        _ if rest.starts_with("<!--") => XmlFault::Comment,
        _ if rest.starts_with("<![") => XmlFault::CData,
        Some("<!") => XmlFault::Doctype,
        Some("<?") => XmlFault::Instruction,
        _ => XmlFault::Tags,
    }
}

pub(super) fn resolve(reference: &BytesRef<'_>) -> Result<char, XmlFault> {
    match reference.resolve_char_ref() {
        Ok(Some(c)) if is_char(c) => Ok(c),
        Ok(Some(_)) => Err(XmlFault::Character),
        Ok(None) => match reference.as_ref() {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            _ => Err(XmlFault::Reference),
        },
        Err(_) => Err(XmlFault::Reference),
    }
}

/// The octets of the XML declaration at the start, 0 if there is none; `None` if it cannot be accepted.
fn declaration(text: &str) -> Option<usize> {
    let Some(rest) = text.strip_prefix("<?xml").filter(|rest| rest.starts_with(is_blank_char)) else { return Some(0) };
    let (inner, _) = rest.split_once("?>")?;
    let mut names = ["version", "encoding", "standalone"].into_iter();
    let mut left = inner;
    while !is_blank(left) {
        let pair = left.trim_start_matches(is_blank_char);
        let (name, value) = pair.split_once('=')?;
        let value = value.trim_start_matches(is_blank_char);
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = value.get(1..)?.split_once(quote)?;
        // In this order, each at most once, the version always, and white space before each.
        let name = name.trim_end_matches(is_blank_char);
        names.position(|known| known == name)?;
        let sound = match name {
            "version" => value == "1.0",
            "encoding" => value.eq_ignore_ascii_case("utf-8"),
            _ => matches!(value, "yes" | "no"),
        };
        if !sound || pair.len() == left.len() || (left.len() == inner.len()) != (name == "version") {
            return None;
        }
        left = after;
    }
    (!is_blank(inner)).then_some("<?xml".len() + inner.len() + "?>".len())
}

const fn is_blank_char(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_blank(text: &str) -> bool {
    text.chars().all(is_blank_char)
}

/// XML 1.0's Char.
pub(super) const fn is_char(c: char) -> bool {
    is_blank_char(c) || matches!(c, ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether this is an XML 1.0 (fifth edition) name without a colon: what an element may be called.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let start = |c: char| {
        matches!(c, 'A'..='Z' | 'a'..='z' | '_' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
            | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}' | '\u{200d}' | '\u{2070}'..='\u{218f}'
            | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
            | '\u{10000}'..='\u{effff}')
    };
    let later =
        |c: char| matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}') || start(c);
    text.starts_with(start) && text.chars().all(later)
}

impl Element {
    /// An element with text.
    #[must_use]
    pub fn leaf(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), children: Vec::new() }
    }

    /// An element with children.
    #[must_use]
    pub fn parent(name: &str, children: Vec<Self>) -> Self {
        Self { name: name.to_owned(), text: String::new(), children }
    }

    /// Whether it has no children.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    /// The first child with this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Writes the element without any white space of its own, so that a reader finds an equal one.
    ///
    /// A character that XML has not becomes U+FFFD; an element whose name is none ([`is_name`]) is left out with
    /// all that is in it. [`OCTETS`], [`DEPTH`] and [`ELEMENTS`] are the caller's to keep.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        if !is_name(&self.name) {
            return;
        }
        out.push('<');
        out.push_str(&self.name);
        if self.is_leaf() && self.text.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        if self.is_leaf() {
            escape(&self.text, out);
        }
        for child in &self.children {
            child.write(out);
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}

/// Appends text so that it reads back as it was.
pub(super) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            // Only `]]>` would need it; always is simpler to trust.
            '>' => out.push_str("&gt;"),
            // Raw, a reader would take it for a line end.
            '\r' => out.push_str("&#13;"),
            c if is_char(c) => out.push(c),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<XmlFault> {
        Document::parse(text.as_bytes()).err().map(|error| error.fault)
    }

    fn root_text(text: &str) -> String {
        Document::parse(text.as_bytes()).unwrap().root.text
    }

    #[test]
    fn what_is_simple() {
        let rows = [
            "<a/>",
            "<a />",
            "<a></a>",
            "<a\n></a\t>",
            " \r\n<a/>\n",
            "<a> <b/>\r\n\t<c>x</c> </a>",
            "<a>&#32;</a>",
            "<?xml version=\"1.0\"?><a/>",
            "<?xml version='1.0' encoding='utf-8'?>\n<a/>",
            "<?xml version = \"1.0\" encoding=\"UTF-8\" standalone=\"yes\" ?><a/>",
            "<?xml version='1.0' standalone='no'?><a/>",
            "<été-1.x_·/>",
            "<_/>",
            "<a>a > b</a>",
            "<a>]]&gt;</a>",
            "<a>\u{85}\u{9f}\u{feff}</a>",
        ];
        for row in rows {
            assert_eq!(fault(row), None, "{row}");
        }
    }

    #[test]
    fn what_is_refused() {
        use XmlFault as F;
        let rows = [
            ("", F::Root),
            (" ", F::Root),
            ("x", F::Text),
            ("<a/>x", F::Text),
            ("x<a/>", F::Text),
            ("&#32;<a/>", F::Text),
            ("<a/>&#32;", F::Text),
            ("<a/><a/>", F::Root),
            ("<a/><b></b>", F::Root),
            ("<a>", F::Tags),
            ("<a><b></a>", F::Tags),
            ("<a></b>", F::Tags),
            ("<a></a></a>", F::Tags),
            ("</a>", F::Tags),
            ("<a", F::Tags),
            ("<a></a", F::Tags),
            ("<a></ a>", F::Tags),
            ("<a></a x>", F::Tags),
            ("<a b='c'/>", F::Attribute),
            ("<a b/>", F::Attribute),
            ("<a xmlns='x'/>", F::Attribute),
            ("<a / >", F::Attribute),
            ("<a/ >", F::Name),
            ("<a/b>", F::Name),
            ("< a/>", F::Name),
            ("<>x</>", F::Name),
            ("<1a/>", F::Name),
            ("<-a/>", F::Name),
            ("<A:b/>", F::Name),
            ("<:b/>", F::Name),
            ("<a\u{d7}/>", F::Name),
            ("<a\u{a0}/>", F::Name),
            ("<a<b/>", F::Name),
            ("<!DOCTYPE a><a/>", F::Doctype),
            ("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", F::Doctype),
            ("<a><!ELEMENT b ANY></a>", F::Doctype),
            ("<?php x?><a/>", F::Instruction),
            ("<?xml-stylesheet x?><a/>", F::Instruction),
            ("<a><?x y?></a>", F::Instruction),
            ("<!-- x --><a/>", F::Comment),
            ("<a><!-- x --></a>", F::Comment),
            ("<a><!-- x -- y --></a>", F::Comment),
            ("<a><!-- x</a>", F::Comment),
            ("<a><![CDATA[x]]></a>", F::CDataEnd),
            ("<a><![CDATA[x]]</a>", F::CData),
            ("<a>]]></a>", F::CDataEnd),
            (" <?xml version='1.0'?><a/>", F::Declaration),
            ("<a/><?xml version='1.0'?>", F::Declaration),
            ("<?xml?><a/>", F::Declaration),
            ("<?xml ?><a/>", F::Declaration),
            ("<?xml version='1.1'?><a/>", F::Declaration),
            ("<?xml version=1.0?><a/>", F::Declaration),
            ("<?xml encoding='utf-8'?><a/>", F::Declaration),
            ("<?xml version='1.0' encoding='iso-8859-1'?><a/>", F::Declaration),
            ("<?xml version='1.0' encoding='utf-16'?><a/>", F::Declaration),
            ("<?xml encoding='utf-8' version='1.0'?><a/>", F::Declaration),
            ("<?xml version='1.0'encoding='utf-8'?><a/>", F::Declaration),
            ("<?xml version='1.0' version='1.0'?><a/>", F::Declaration),
            ("<?xml version='1.0' x='y'?><a/>", F::Declaration),
            ("<?xml version='1.0' standalone='maybe'?><a/>", F::Declaration),
            ("<?xml version='1.0'", F::Declaration),
            ("\u{feff}<a/>", F::ByteOrderMark),
            ("<a>x<b/></a>", F::Text),
            ("<a><b/>x</a>", F::Text),
            ("<a><b/>&amp;</a>", F::Text),
            ("<a>&#160;<b/></a>", F::Text),
            ("<a>&#32;<b/></a>", F::Text),
            ("<a><b/>&#32;</a>", F::Text),
            ("<a>&#X41;</a>", F::Reference),
            ("<a>&#x 41;</a>", F::Reference),
            ("<a>& amp;</a>", F::Reference),
            ("<a>&nbsp;</a>", F::Reference),
            ("<a>&AMP;</a>", F::Reference),
            ("<a>& b</a>", F::Reference),
            ("<a>&amp</a>", F::Reference),
            ("<a>&;</a>", F::Reference),
            ("<a>&#;</a>", F::Reference),
            ("<a>&#x;</a>", F::Reference),
            ("<a>&#xd800;</a>", F::Reference),
            ("<a>&#x110000;</a>", F::Reference),
            ("<a>&#+65;</a>", F::Reference),
            ("<a>&#0;</a>", F::Reference),
            ("<a>&#1;</a>", F::Character),
            ("<a>&#x1b;</a>", F::Character),
            ("<a>&#xfffe;</a>", F::Character),
            ("<a>\u{0}</a>", F::Character),
            ("<a>\u{1b}</a>", F::Character),
            ("<a>\u{b}</a>", F::Character),
            ("<a>\u{fffe}</a>", F::Character),
        ];
        for (row, expected) in rows {
            assert_eq!(fault(row), Some(expected), "{row:?}");
        }
    }

    #[test]
    fn no_other_encoding() {
        for octets in
            [&b"<a>\xff</a>"[..], b"\xff\xfe<\0a\0/\0>\0", b"\xfe\xff\0<\0a\0/\0>", b"<a>\xed\xa0\x80</a>", b"<a>\xc0\xbc</a>"]
        {
            assert_eq!(Document::parse(octets).err().map(|e| e.fault), Some(XmlFault::Utf8), "{octets:?}");
        }
        assert!(Document::parse(b"<\0a\0/\0>\0").is_err());
    }

    #[test]
    fn text_is_resolved_and_not_trimmed() {
        let rows = [
            ("<a> x </a>", " x "),
            ("<a>\n</a>", "\n"),
            ("<a>a&amp;b&lt;c&gt;d&quot;e&apos;f</a>", "a&b<c>d\"e'f"),
            ("<a>&#233;&#xE9;&#x1F600;&#9;&#10;&#13;</a>", "éé😀\t\n\r"),
            ("<a>&amp;lt;</a>", "&lt;"),
            ("<a>1\r\n2\r3\n4</a>", "1\n2\n3\n4"),
            ("<a/>", ""),
        ];
        for (row, expected) in rows {
            assert_eq!(root_text(row), expected, "{row}");
        }
    }

    #[test]
    fn limits_hold_exactly() {
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert_eq!((fault(&nested(DEPTH)), fault(&nested(DEPTH + 1))), (None, Some(XmlFault::Depth)));
        let long = |octets: usize| format!("<a>{}</a>", "x".repeat(octets - 7));
        assert_eq!((fault(&long(OCTETS)), fault(&long(OCTETS + 1))), (None, Some(XmlFault::TooLong)));
        let many = |elements: usize| format!("<a>{}</a>", "<b/>".repeat(elements - 1));
        assert_eq!((fault(&many(ELEMENTS)), fault(&many(ELEMENTS + 1))), (None, Some(XmlFault::Elements)));
    }

    #[test]
    fn offsets_count_from_the_first_octet() {
        let at = |text: &str| Document::parse(text.as_bytes()).err().map(|e| e.offset);
        assert_eq!(at("<?xml version='1.0'?><é><b c='d'/></é>"), Some(25));
        assert_eq!(at("<a>é\u{1}</a>"), Some(5));
        assert_eq!(at("<a>x &y; z</a>"), Some(5));
        let inside = |text: &str| Document::parse(text.as_bytes()).unwrap().inside;
        assert_eq!(inside("<?xml version='1.0'?> <a >x</a>"), 26);
        assert_eq!(inside("<a>x</a>"), 3);
    }

    #[test]
    fn what_is_written_reads_back() {
        let texts = ["", " ", "<&>\"' ]]> \r\n é 😀", "a\tb", "\u{85}"];
        for text in texts {
            let element =
                Element::parent("r", vec![Element::leaf("a", text), Element::parent("é", vec![Element::leaf("x", text)])]);
            assert_eq!(Document::parse(element.to_xml().as_bytes()).unwrap().root, element, "{text:?}");
        }
        assert_eq!(Element::leaf("a", "x\u{1b}[31m\u{0}").to_xml(), "<a>x\u{fffd}[31m\u{fffd}</a>");
        let odd = Element::parent("a", vec![Element::leaf("b c='d'", "x"), Element::leaf("", "y"), Element::leaf("z", "")]);
        assert_eq!(odd.to_xml(), "<a><z/></a>");
    }
}
