//! The wire for people: a line for each line of a frame, secrets masked, bodies shortened, nothing that a terminal obeys.

use super::printable::printable;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Characters of one line that are shown.
const LINE_CHARS: usize = 200;
/// Octets of a line that are kept; a longer one is cut.
const LINE_OCTETS: usize = 1024;
/// Characters of a body that are shown.
const BODY_CHARS: usize = 60;

/// Where a trace goes: a function that takes one line without its end.
#[derive(Clone)]
pub struct Sink(Arc<dyn Fn(&str) + Send + Sync>);

impl Sink {
    /// Takes lines with this function.
    pub fn new(take: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

/// Traces both directions of one connection.
///
/// *Shape:*
/// ```text
/// -> AUTH 2 impp/1.0
/// -> Mechanism: PLAIN
/// -> Data: (masked)
/// ->
/// <- OK (FETCH) 3 impp/1.0
/// <- Content-Length: 81
/// <-
/// <- <presence><entity>impp://example.org/bob</entity><status>op [81 octets]
/// ```
pub struct Trace {
    sink: Sink,
    directions: Mutex<[Direction; 2]>,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

#[derive(Default)]
struct Direction {
    /// The line so far, or the first octets of a body.
    line: Vec<u8>,
    /// Content-Length of the head that is being read.
    announced: u64,
    /// Octets of the body that have not come yet, and of the whole; `None` within a head.
    body: Option<(u64, u64)>,
}

impl Trace {
    /// A trace into `sink`.
    #[must_use]
    pub fn new(sink: Sink) -> Self {
        Self { sink, directions: Mutex::default() }
    }

    /// Octets that we sent.
    pub fn sent(&self, octets: &[u8]) {
        self.note("->", 0, octets);
    }

    /// Octets that came.
    pub fn received(&self, octets: &[u8]) {
        self.note("<-", 1, octets);
    }

    /// Something about the connection that is not on the wire, such as the version of TLS.
    pub fn remark(&self, text: &str) {
        (self.sink.0)(&format!("* {}", shown(text.as_bytes(), LINE_CHARS)));
    }

    fn note(&self, arrow: &str, direction: usize, octets: &[u8]) {
        let mut directions = self.directions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(direction) = directions.get_mut(direction) {
            direction.note(octets, &mut |line| (self.sink.0)(format!("{arrow} {line}").trim_end()));
        }
    }
}

impl Direction {
    fn note(&mut self, mut octets: &[u8], say: &mut dyn FnMut(&str)) {
        while !octets.is_empty() {
            if let Some((left, whole)) = &mut self.body {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(octets.len());
                let (body, rest) = octets.split_at(here);
                keep(&mut self.line, body);
                *left -= here as u64;
                octets = rest;
                if *left == 0 {
                    let first = self.line.split(|c| matches!(c, b'\r' | b'\n')).next().unwrap_or_default();
                    say(&format!("{} [{whole} octets]", shown(first, BODY_CHARS)));
                    (self.line, self.body) = (Vec::new(), None);
                }
                continue;
            }
            let end = memchr::memchr(b'\n', octets).map_or(octets.len(), |at| at + 1);
            let (line, rest) = octets.split_at(end);
            keep(&mut self.line, line);
            octets = rest;
            if line.ends_with(b"\n") {
                self.end_line(say);
            }
        }
    }

    fn end_line(&mut self, say: &mut dyn FnMut(&str)) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_ascii_end();
        let (name, value) = line.iter().position(|c| *c == b':').map_or((line, None), |at| {
            let (name, value) = line.split_at(at);
            (name, Some(value.get(1..).unwrap_or_default().trim_ascii()))
        });
        let is = |text: &str| name.trim_ascii().eq_ignore_ascii_case(text.as_bytes());
        // Data is SASL's: passwords, tokens, and what proves them.
        match value {
            Some(_) if is("Data") => say("Data: (masked)"),
            _ => say(&shown(line, LINE_CHARS)),
        }
        if let Some(length) = value.filter(|_| is("Content-Length")) {
            self.announced = std::str::from_utf8(length).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        }
        if line.is_empty() {
            let announced = std::mem::take(&mut self.announced);
            self.body = (announced > 0).then_some((announced, announced));
        }
    }
}

fn keep(line: &mut Vec<u8>, octets: &[u8]) {
    let room = LINE_OCTETS.saturating_sub(line.len());
    line.extend_from_slice(octets.get(..room.min(octets.len())).unwrap_or_default());
    // The cut must not hide where the line ends.
    if octets.ends_with(b"\n") && !line.ends_with(b"\n") {
        line.extend_from_slice(b"\r\n");
    }
}

fn shown(octets: &[u8], chars: usize) -> String {
    printable(&String::from_utf8_lossy(octets), chars)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a trace of these octets, fed in pieces of every size.
    fn traced(octets: &[u8]) -> Vec<String> {
        let mut all: Vec<Vec<String>> = Vec::new();
        for size in [1, 2, 7, octets.len()] {
            let lines = Arc::new(Mutex::new(Vec::new()));
            let trace = {
                let lines = lines.clone();
                Trace::new(Sink::new(move |line| lines.lock().unwrap().push(line.to_owned())))
            };
            octets.chunks(size).for_each(|piece| trace.sent(piece));
            trace.received(b"OK (PING) 1 impp/1.0\r\n\r\n");
            all.push(lines.lock().unwrap().clone());
        }
        assert!(all.iter().all(|lines| *lines == all[0]), "{all:?}");
        all.swap_remove(0)
    }

    #[test]
    fn heads_line_by_line_secrets_masked_bodies_shortened() {
        let body = format!("Subject: x\r\n\r\n{}", "secret\r\n".repeat(100));
        let octets = format!(
            "AUTH 2 impp/1.0\r\nMechanism: PLAIN\r\ndata : oops\r\ndATA: AGFsaWNl\r\n\r\nSEND 3 impp/1.0\r\nContent-Length: {}\r\n\r\n{body}PING 4 impp/1.0\r\n\r\n",
            body.len()
        );
        assert_eq!(
            traced(octets.as_bytes()),
            [
                "-> AUTH 2 impp/1.0",
                "-> Mechanism: PLAIN",
                "-> Data: (masked)",
                "-> Data: (masked)",
                "->",
                "-> SEND 3 impp/1.0",
                &format!("-> Content-Length: {}", body.len()),
                "->",
                &format!("-> Subject: x [{} octets]", body.len()),
                "-> PING 4 impp/1.0",
                "->",
                "<- OK (PING) 1 impp/1.0",
                "<-",
            ]
        );
    }

    #[test]
    fn nothing_that_a_terminal_obeys_and_nothing_endless() {
        let long = format!("X: \u{1b}[31m\u{202e}{}\r\n", "y".repeat(5000));
        let lines = traced(&[long.as_bytes(), b"\xff\r\n\r\n"].concat());
        assert!(lines[0].starts_with("-> X: \\u{1b}[31m\\u{202e}yyy"), "{}", lines[0]);
        assert!(lines[0].ends_with("y ...") && lines[0].len() < 300);
        assert_eq!(lines[1], "-> \u{fffd}");
        let lines = traced(b"Content-Length: 99999999999999\r\n\r\nabc");
        assert_eq!(lines.len(), 4, "a body that never ends is not shown: {lines:?}");
    }
}
