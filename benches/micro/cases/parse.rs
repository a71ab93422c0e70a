//! Octets to frames, frames to requests, text to values.

use super::Work;
use super::people::{frames, send};
use super::relay::address;
use impp::model::Address;
use impp::model::presence::Presence;
use impp::model::request::UserRequest;
use impp::wire::{Frame, Piece, Splitter};
use std::hint::black_box;

/// Operations of one round.
pub(super) const ROUND: usize = 60;

fn messages() -> Vec<u8> {
    let bob = address("bob");
    (1..=ROUND).map(|id| send(id, "alice", bob.as_str())).collect::<Vec<_>>().concat()
}

/// Frames out of a stream that comes in pieces.
pub(super) struct Split {
    octets: Vec<u8>,
    piece: usize,
    found: usize,
}

impl Split {
    pub(super) fn new(piece: usize) -> Self {
        Self { octets: messages(), piece, found: ROUND }
    }
}

impl Work for Split {
    fn prepare(&mut self) {
        assert_eq!(self.found, ROUND);
        self.found = 0;
    }

    fn run(&mut self) {
        let mut splitter = Splitter::new(1 << 20);
        for piece in self.octets.chunks(self.piece) {
            splitter.push(piece);
            while let Some(Piece::Frame(frame)) = splitter.poll().expect("sound frames") {
                black_box(frame);
                self.found += 1;
            }
        }
    }
}

/// Requests out of frames.
pub(super) struct Requests(Vec<Frame>);

impl Requests {
    pub(super) fn new() -> Self {
        Self(frames(&messages()).expect("frames"))
    }
}

impl Work for Requests {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        for frame in &self.0 {
            black_box(UserRequest::parse(frame).expect("a request"));
        }
    }
}

/// Addresses out of text.
pub(super) struct Addresses(Vec<&'static str>);

impl Addresses {
    pub(super) fn new(texts: &[&'static str]) -> Self {
        Self(texts.iter().copied().cycle().take(ROUND).collect())
    }
}

impl Work for Addresses {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        for text in &self.0 {
            black_box(Address::parse(text).expect("an address"));
        }
    }
}

const BODY: &[u8] = b"<presence><entity>impp://example.org/alice</entity><status>open</status><activity>meeting</activity>\
<note>Back at three</note><since>2026-11-23T12:00:00Z</since>\
<tuple><id>laptop</id><status>open</status><activity>busy</activity><priority>0.8</priority></tuple>\
<tuple><id>phone</id><status>closed</status><note>In a drawer &amp; off</note></tuple>\
<card><fn>Alice Example</fn><org>Example</org><tel>+1 555 0100</tel></card></presence>";

/// Presence out of XML.
pub(super) struct Bodies;

impl Bodies {
    pub(super) fn new() -> Self {
        Self
    }
}

impl Work for Bodies {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        for _ in 0..ROUND {
            black_box(Presence::parse(black_box(BODY)).expect("presence"));
        }
    }
}
