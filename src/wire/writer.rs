//! Writes a frame; what comes out always keeps the grammar.

use super::header::{self, Name};
use super::start_line::{Kind, VERSION};
use bytes::Bytes;

/// Room for what nearly every head is: it need not grow.
const HEAD: usize = 384;

/// Builds the octets of one frame, start line first.
///
/// Method and request-id are the caller's to get right (the model's types are); header values are made
/// safe here: a character that may not stand in a value is written as a space, so no value can end its line.
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Starts a request.
    #[must_use]
    pub fn request(method: &str, id: &str) -> Self {
        Self::start(Kind::Request, method, id)
    }

    /// Starts a frame of any kind.
    #[must_use]
    pub fn start(kind: Kind, method: &str, id: &str) -> Self {
        let mut out = Vec::with_capacity(HEAD);
        let (open, close) = match kind {
            Kind::Request => ("", " "),
            Kind::Ok => ("OK (", ") "),
            Kind::Error => ("ERROR (", ") "),
        };
        for part in [open, method, close, id, " ", VERSION, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        Self { out }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(self, name: Name, value: &str) -> Self {
        self.line(name.as_str(), value)
    }

    /// Adds a header if there is a value.
    #[must_use]
    pub fn maybe(self, name: Name, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// Adds a header with a number.
    #[must_use]
    pub fn number(self, name: Name, value: u64) -> Self {
        self.line(name.as_str(), itoa::Buffer::new().format(value))
    }

    fn line(mut self, name: &str, value: &str) -> Self {
        self.out.extend_from_slice(name.as_bytes());
        // Transcripts show nothing behind the colon of an empty value, and so nothing stands there.
        self.out.extend_from_slice(if value.is_empty() { b":" } else { b": " });
        // Without a way out many octets are looked at at once.
        if value.bytes().fold(true, |all, c| all & matches!(c, b' '..=b'~')) {
            self.out.extend_from_slice(value.as_bytes());
        } else {
            let mut utf8 = [0; 4];
            for c in value.chars() {
                let c = if header::is_value_char(c) { c } else { ' ' };
                self.out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
            }
        }
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Ends a frame without a body.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        self.out.extend_from_slice(b"\r\n");
        self.out.into()
    }

    /// Ends the head of a frame whose body of `octets` octets is written separately, so that one body can
    /// be shared by many frames.
    #[must_use]
    pub fn finish_head(self, content_type: &str, octets: usize) -> Bytes {
        self.header(Name::ContentType, content_type).number(Name::ContentLength, octets as u64).finish()
    }

    /// Ends a frame with a body.
    #[must_use]
    pub fn finish_with(self, content_type: &str, body: &[u8]) -> Bytes {
        let mut out = self.header(Name::ContentType, content_type).number(Name::ContentLength, body.len() as u64);
        out.out.extend_from_slice(b"\r\n");
        out.out.extend_from_slice(body);
        out.out.into()
    }
}
