//! One whole frame: the octets as they came, with the place of every header that IMPP/1.0 defines.

use super::header::Name;
use super::start_line::{Kind, StartLine};
use bytes::Bytes;
use bytestring::ByteString;
use core::fmt;
use std::sync::Arc;

/// A frame that keeps the grammar. Cloning shares the octets.
///
/// *Shape:* `PING 1 impp/1.0\r\n\r\n`; forwarding [`Frame::octets`] forwards it octet for octet.
#[derive(Clone)]
pub struct Frame {
    octets: Bytes,
    /// Apart, so that a frame is cheap to move and to share: it passes through many hands.
    head: Arc<Located>,
}

/// A head, and where what is where in it.
struct Located {
    /// Start line and headers: the octets once more, known to be UTF-8.
    text: ByteString,
    places: Head,
}

/// The places within the octets of a frame's head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) start: StartLine,
    /// Value of each defined header: offset and length; offset 0 is the start line and so means absent.
    pub(super) known: [(u16, u16); Name::COUNT],
    pub(super) octets: usize,
    pub(super) content_length: Option<u64>,
}

impl Frame {
    /// `octets` must be what `head` was read from, with the whole body or none of it.
    pub(super) fn new(octets: Bytes, head: Head) -> Self {
        // The splitter has looked at each line; what is no UTF-8 has no text.
        let text = ByteString::try_from(octets.slice(..head.octets.min(octets.len()))).unwrap_or_default();
        Self { octets, head: Arc::new(Located { text, places: head }) }
    }

    /// Request, OK or ERROR.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.head.places.start.kind
    }

    /// The method, case-sensitive, perhaps one that nobody defined.
    #[must_use]
    pub fn method(&self) -> &str {
        self.text(self.head.places.start.method)
    }

    /// The request-id.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.text(self.head.places.start.id)
    }

    /// The value of a header without the white space around it; empty values are `Some("")`.
    #[must_use]
    pub fn header(&self, name: Name) -> Option<&str> {
        let span = self.head.places.known.get(name as usize).copied().unwrap_or_default();
        (span.0 != 0).then(|| self.text(span))
    }

    /// Every header line in order, unknown ones included, as (name, value).
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.head
            .text
            .split("\r\n")
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name, value.trim_matches([' ', '\t'])))
    }

    /// The body; `None` where the frame has no Content-Length.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.head.places.content_length.map(|_| self.octets.get(self.head.places.octets..).unwrap_or_default())
    }

    /// The body as a slice of the shared buffer; empty where there is none.
    #[must_use]
    pub fn body_bytes(&self) -> Bytes {
        self.octets.slice(self.head.places.octets.min(self.octets.len())..)
    }

    /// Everything, as it came.
    #[must_use]
    pub fn octets(&self) -> &Bytes {
        &self.octets
    }

    fn text(&self, (start, len): (u16, u16)) -> &str {
        let (start, len) = (usize::from(start), usize::from(len));
        self.head.text.get(start..start + len).unwrap_or_default()
    }
}

impl fmt::Debug for Frame {
    /// Start line and size only: headers may carry secrets and bodies are private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {} ({} octets)", self.kind(), self.method(), self.request_id(), self.octets.len())
    }
}
