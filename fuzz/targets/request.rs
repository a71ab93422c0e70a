//! User requests and answers: what is understood is written so that it is understood alike.
#![no_main]

use impp::model::response::{error_to, ok_to};
use impp::model::{Address, Answer, UserRequest};
use impp::wire::{Frame, Kind, Name, Piece, Splitter};
use libfuzzer_sys::fuzz_target;

fn one(octets: &[u8]) -> Option<Frame> {
    let mut splitter = Splitter::new(65_536);
    splitter.push(octets);
    match splitter.poll() {
        Ok(Some(Piece::Frame(frame))) => Some(frame),
        _ => None,
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(frame) = one(input) else { return };
    let again = one(frame.octets()).expect("a frame is one again");
    assert_eq!(frame.headers().collect::<Vec<_>>(), again.headers().collect::<Vec<_>>());
    if frame.kind() == Kind::Error {
        let answer = Answer::read(&frame);
        let written = answer.write(error_to(&frame)).finish();
        let read = Answer::read(&one(&written).expect("an answer is a frame"));
        assert_eq!(read.kind, answer.kind);
        assert_eq!(read.retry_after, answer.retry_after);
        assert!(written.len() <= input.len() + 256, "an answer is about as long as what it passes on");
        return;
    }
    if frame.kind() != Kind::Request {
        return;
    }
    // The ways in which it may be answered are frames, too, and repeat what identifies it.
    for answer in [ok_to(&frame).finish(), Answer::new(impp::model::ErrorKind::TryLater).write(error_to(&frame)).finish()] {
        // An OK goes only to who kept the form; From and Connection-ID may be as long as the whole.
        let Some(answer) = one(&answer) else {
            assert!(input.len() > 8000, "an answer that is no frame");
            continue;
        };
        assert_eq!((answer.method(), answer.request_id()), (frame.method(), frame.request_id()));
    }
    let Ok(request) = UserRequest::parse(&frame) else { return };
    let from = Address::parse_url(frame.header(Name::From).expect("From")).expect("a sound From");
    let body = frame.body().unwrap_or_default();
    let octets = if body.is_empty() { request.write(&from).finish() } else { request.write(&from).finish_with("x/y", body) };
    let read = UserRequest::parse(&one(&octets).expect("a request is a frame")).expect("and understood");
    assert_eq!(format!("{read:?}"), format!("{request:?}"));
    assert_eq!(read.call, request.call);
});
