//! XML with names in namespaces and attributes, as PIDF has it: read into a small tree, without anything that expands.

use super::names::PIDF;
use super::read::PidfError;
use crate::model::simple_xml::{DEPTH, ELEMENTS, is_char, resolve};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// Octets of a document: PIDF is wordier than Simple XML.
pub(super) const OCTETS: usize = 256 * 1024;

/// An element with what stands in it.
#[derive(Debug, Default)]
pub(super) struct Node {
    space: String,
    name: String,
    attributes: Vec<(String, String)>,
    /// Its own text, in one piece.
    pub(super) text: String,
    pub(super) children: Vec<Node>,
}

impl Node {
    /// Reads a whole document.
    pub(super) fn read(octets: &[u8]) -> Result<Self, PidfError> {
        if octets.len() > OCTETS {
            return Err(PidfError::TooLong);
        }
        let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
        let text = std::str::from_utf8(octets).map_err(|error| PidfError::Xml(error.valid_up_to()))?;
        if let Some((at, _)) = text.char_indices().find(|(_, c)| !is_char(*c)) {
            return Err(PidfError::Xml(at));
        }
        let mut reader = NsReader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        let mut elements = 0;
        loop {
            let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let broken = || PidfError::Xml(at);
            let (space, event) = reader.read_resolved_event().map_err(|_| broken())?;
            match event {
                Event::Start(tag) => {
                    elements += 1;
                    if root.is_some() || open.len() >= DEPTH || elements > ELEMENTS {
                        return Err(broken());
                    }
                    let space = match space {
                        ResolveResult::Bound(space) => space.as_ref().to_owned(),
                        ResolveResult::Unbound => String::new(),
                        ResolveResult::Unknown(_) => return Err(broken()),
                    };
                    let node = Self::begin(space, &tag).ok_or_else(broken)?;
                    open.push(node);
                }
                Event::End(_) => {
                    let node = open.pop().ok_or_else(broken)?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(node),
                        None => root = Some(node),
                    }
                }
                Event::Text(text) => add(&mut open, &text.xml10_content()).ok_or_else(broken)?,
                Event::CData(text) => add(&mut open, &text.xml10_content()).ok_or_else(broken)?,
                Event::GeneralRef(reference) => {
                    let c = resolve(&reference).map_err(|_| broken())?;
                    open.last_mut().ok_or_else(broken)?.text.push(c);
                }
                Event::Decl(declaration) => match declaration.encoding() {
                    None => {}
                    Some(Ok(name)) if ["utf-8", "us-ascii"].iter().any(|known| name.eq_ignore_ascii_case(known)) => {}
                    Some(_) => return Err(broken()),
                },
                Event::Comment(_) | Event::PI(_) => {}
                // A DTD may define entities.
                Event::DocType(_) | Event::Empty(_) => return Err(broken()),
                Event::Eof => break,
            }
        }
        root.filter(|_| open.is_empty()).ok_or(PidfError::Xml(text.len()))
    }

    fn begin(space: String, tag: &BytesStart<'_>) -> Option<Self> {
        let name = tag.local_name().as_ref().to_owned();
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Some(Self { space, name, attributes, ..Self::default() })
    }

    /// Whether it has this name in this namespace.
    pub(super) fn is(&self, space: &str, name: &str) -> bool {
        self.space == space && self.name == name
    }

    /// Whether it belongs to this namespace.
    pub(super) fn is_of(&self, space: &str) -> bool {
        self.space == space
    }

    /// Its name without a prefix.
    pub(super) fn local_name(&self) -> &str {
        &self.name
    }

    /// The value of an attribute without a prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a reader that does not know this element must not go on (RFC 3863's mustUnderstand).
    pub(super) fn must_be_understood(&self) -> bool {
        let wanted = |(name, value): &(String, String)| {
            name.rsplit(':').next() == Some("mustUnderstand") && matches!(value.trim(), "true" | "1")
        };
        !self.is_of(PIDF) && self.attributes.iter().any(wanted)
    }

    /// The children of this name in this namespace.
    pub(super) fn all<'a>(&'a self, space: &'a str, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.is(space, name))
    }

    /// The text of the first child of this name, if there is any in it.
    pub(super) fn text_of(&self, space: &str, name: &str) -> Option<String> {
        let text = self.all(space, name).next()?.text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// Text outside the root can only be white space.
fn add(open: &mut [Node], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(node) => node.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}
