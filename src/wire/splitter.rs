//! Finds the frames in a growing buffer and holds them to the grammar and to the receiver's Max-Body.

use super::error::{Fault, Malformed};
use super::frame::{Frame, Head};
use super::header::{self, Name};
use super::limits;
use super::scan;
use super::start_line;
use bytes::{Buf, Bytes, BytesMut};
use core::fmt;

/// What the splitter found.
#[derive(Debug)]
pub enum Piece {
    /// A whole frame.
    Frame(Frame),
    /// The head of a frame whose body is longer than Max-Body. The body is skipped if it has at most
    /// [`limits::DISCARD_OCTETS`]; else nothing more will come out and the connection must be closed.
    TooLarge {
        /// Start line and headers, no body.
        head: Frame,
        /// The stream goes on behind the skipped body.
        skipped: bool,
    },
}

/// Cuts a stream of octets into frames.
///
/// *Order:* [`Splitter::push`] octets, then [`Splitter::poll`] until it gives `None`.
/// After an error nothing more comes out. Between frames it holds no memory.
pub struct Splitter {
    buffer: BytesMut,
    state: State,
    max_body: u64,
}

#[derive(Debug)]
enum State {
    /// Lines of a head: octets of complete lines so far, how far the search for LF went, and what they said.
    Head {
        line: usize,
        searched: usize,
        /// Boxed only while more is waited for: a head that comes whole costs no allocation, an idle splitter no room.
        head: Option<Box<Head>>,
        headers: usize,
    },
    /// A body whose rest is waited for: its head, and the octets of both.
    Body(Box<Head>, usize),
    Skip(u64),
    Dead,
}

impl fmt::Debug for Splitter {
    /// Sizes only: headers may carry secrets and bodies are private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Splitter").field("waiting", &self.waiting()).field("state", &self.state).finish_non_exhaustive()
    }
}

const FRESH: State = State::Head { line: 0, searched: 0, head: None, headers: 0 };

impl Splitter {
    /// A splitter that takes bodies of up to `max_body` octets.
    #[must_use]
    pub fn new(max_body: u64) -> Self {
        Self { buffer: BytesMut::new(), state: FRESH, max_body }
    }

    /// Changes Max-Body; holds from the next head that is completed.
    pub fn set_max_body(&mut self, max_body: u64) {
        self.max_body = max_body;
    }

    /// The Max-Body that holds now.
    #[must_use]
    pub fn max_body(&self) -> u64 {
        self.max_body
    }

    /// Octets that wait for [`Splitter::poll`].
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// Takes octets from the stream. Dropped after an error.
    pub fn push(&mut self, octets: &[u8]) {
        match &mut self.state {
            State::Dead => {}
            // A body that is thrown away is never held.
            State::Skip(left) if self.buffer.is_empty() => {
                let skip = usize::try_from(*left).unwrap_or(usize::MAX).min(octets.len());
                *left -= skip as u64;
                self.buffer.extend_from_slice(octets.get(skip..).unwrap_or_default());
            }
            _ => self.buffer.extend_from_slice(octets),
        }
    }

    /// Whether no octet waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Whether no frame has begun that has not ended; a body that is thrown away belongs to its frame.
    #[must_use]
    pub fn is_between_frames(&self) -> bool {
        self.buffer.is_empty() && !matches!(self.state, State::Skip(_))
    }

    /// The next frame, or `None` when more octets are needed.
    ///
    /// # Errors
    /// The first violation of the grammar; the splitter is finished then.
    pub fn poll(&mut self) -> Result<Option<Piece>, Malformed> {
        loop {
            match &mut self.state {
                State::Dead => return Ok(None),
                State::Skip(left) => {
                    let skip = usize::try_from(*left).unwrap_or(usize::MAX).min(self.buffer.len());
                    self.buffer.advance(skip);
                    *left -= skip as u64;
                    if *left > 0 {
                        self.rest();
                        return Ok(None);
                    }
                    self.state = FRESH;
                }
                State::Body(head, whole) => {
                    if self.buffer.len() < *whole {
                        return Ok(None);
                    }
                    let (head, whole) = (**head, *whole);
                    self.state = FRESH;
                    return Ok(Some(Piece::Frame(Frame::new(self.take(whole), head))));
                }
                State::Head { .. } => match self.read_lines() {
                    Ok(Some(head)) => {
                        let body = head.content_length.unwrap_or(0);
                        if body <= self.max_body {
                            let whole = head.octets.saturating_add(usize::try_from(body).unwrap_or(usize::MAX));
                            if self.buffer.len() < whole {
                                self.state = State::Body(Box::new(head), whole);
                                return Ok(None);
                            }
                            self.state = FRESH;
                            return Ok(Some(Piece::Frame(Frame::new(self.take(whole), head))));
                        }
                        let skipped = body <= limits::DISCARD_OCTETS;
                        let octets = self.take(head.octets);
                        self.state = if skipped { State::Skip(body) } else { State::Dead };
                        let head = Frame::new(octets, Head { content_length: None, ..head });
                        return Ok(Some(Piece::TooLarge { head, skipped }));
                    }
                    Ok(None) => {
                        self.rest();
                        return Ok(None);
                    }
                    Err(malformed) => {
                        self.state = State::Dead;
                        self.buffer = BytesMut::new();
                        return Err(malformed);
                    }
                },
            }
        }
    }

    fn take(&mut self, octets: usize) -> Bytes {
        let taken = self.buffer.split_to(octets.min(self.buffer.len())).freeze();
        self.rest();
        taken
    }

    /// An idle connection holds no buffer.
    fn rest(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// Reads complete lines until the blank one.
    fn read_lines(&mut self) -> Result<Option<Head>, Malformed> {
        let State::Head { line, searched, head: kept, headers } = &mut self.state else { return Ok(None) };
        let buffer: &[u8] = &self.buffer;
        let mut head = kept.take().map(|kept| *kept);
        // SPEC §3.2: judged as soon as it is visible. TLS at the port without it, or another protocol altogether, would
        // else wait for an answer that waits for the end of a line.
        let foreign = |first: &u8| !matches!(first, b'A'..=b'Z' | b'-' | b'\r' | b'\n');
        if head.is_none() && buffer.first().is_some_and(foreign) {
            return Err(blame(Fault::StartLine, 0, None, buffer));
        }
        while let Some(found) = scan::line(buffer, *searched) {
            let lf = found.lf;
            if lf >= limits::HEAD_OCTETS {
                break;
            }
            let start = *line;
            let text = buffer.get(start..lf).unwrap_or_default();
            let Some((b'\r', text)) = text.split_last().map(|(last, text)| (*last, text)) else {
                return Err(blame(Fault::BareLf, lf, head.as_ref(), buffer));
            };
            // What is known is known of what was looked at now.
            let plain = found.plain && *searched == start;
            *line = lf + 1;
            *searched = lf + 1;
            let outcome = match &mut head {
                None => match start_line::parse(text) {
                    Ok(start) => {
                        head = Some(Head { start, known: [(0, 0); Name::COUNT], octets: 0, content_length: None });
                        continue;
                    }
                    Err(refused) => {
                        Malformed { fault: refused.fault, at: refused.at, request: refused.sound, response: refused.response }
                    }
                },
                Some(found) if text.is_empty() => {
                    found.octets = lf + 1;
                    return Ok(head);
                }
                Some(found) => {
                    *headers += 1;
                    let noted = if *headers > limits::HEADERS {
                        Err((Fault::TooManyHeaders, 0))
                    } else {
                        note_header(found, text, start, plain)
                    };
                    match noted {
                        Ok(()) => continue,
                        Err((fault, at)) => blame(fault, start + at, head.as_ref(), buffer),
                    }
                }
            };
            // No sound line has a CR within, so that it is looked for only here; it counts before all else.
            let cr = text.iter().position(|c| *c == b'\r');
            return Err(cr.map_or(outcome, |cr| blame(Fault::BareCr, start + cr, head.as_ref(), buffer)));
        }
        if buffer.len() >= limits::HEAD_OCTETS {
            return Err(blame(Fault::HeadTooLong, limits::HEAD_OCTETS, head.as_ref(), buffer));
        }
        *searched = buffer.len();
        *kept = head.map(Box::new);
        Ok(None)
    }
}

/// What is wrong, with as much of the frame's head as was sound.
fn blame(fault: Fault, at: usize, head: Option<&Head>, buffer: &[u8]) -> Malformed {
    let text = |(start, len): (u16, u16)| {
        let octets = buffer.get(usize::from(start)..usize::from(start) + usize::from(len));
        String::from_utf8_lossy(octets.unwrap_or_default()).into_owned()
    };
    Malformed {
        fault,
        at,
        request: head.map(|h| (text(h.start.method), text(h.start.id))),
        response: head.map_or_else(
            || buffer.starts_with(b"OK ") || buffer.starts_with(b"ERROR "),
            |h| h.start.kind != start_line::Kind::Request,
        ),
    }
}

/// Enters one header line, which starts at `start`, into the head; `plain` as in [`header::parse_line`].
fn note_header(head: &mut Head, line: &[u8], start: usize, plain: bool) -> Result<(), (Fault, usize)> {
    let (name, value_start, value_end) = header::parse_line(line, plain)?;
    let Some(name) = name else { return Ok(()) };
    let Some(slot) = head.known.get_mut(name as usize) else { return Ok(()) };
    if slot.0 != 0 {
        return Err((Fault::Repeated, 0));
    }
    // Offsets are below HEAD_OCTETS, which fits 16 bits.
    *slot = ((start + value_start) as u16, (value_end - value_start) as u16);
    if name == Name::ContentLength {
        let value = line.get(value_start..value_end).unwrap_or_default();
        let sound = (1..=limits::CONTENT_LENGTH_DIGITS).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(value).ok().filter(|_| sound).and_then(|text| text.parse().ok());
        head.content_length = Some(number.ok_or((Fault::ContentLength, value_start))?);
    }
    Ok(())
}
