//! What somebody says who speaks for others, over a connection of the test's own.

use crate::person::Person;
use crate::support::Wire;
use crate::support::wire::Frame;

/// A request in somebody's name, from their session; the answer to it.
pub(crate) fn asks(wire: &mut Wire, method: &str, from: &str, session: &str, target: &str, more: &str, body: &str) -> Frame {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\n", body.len()) };
    wire.say(&format!("{method} f1 impp/1.0\nFrom: {from}\nConnection-ID: {session}\nTarget: {target}\n{more}{length}\n"));
    wire.send(body.as_bytes());
    loop {
        let frame = wire.frame();
        if frame.start().ends_with(&format!("({method}) f1 impp/1.0")) {
            return frame;
        }
    }
}

/// A notification that nobody asked for, or that somebody else should have sent; the error that answers it.
pub(crate) fn notifies(wire: &mut Wire, from: &str, origin: &str, target: &Person<'_>, session: &str) -> String {
    let more = format!(
        "Target-Connection: {session}\nOrigin: {origin}\nPresence-Version: 9000000000000000000\nContent-Type: application/presence\n"
    );
    let body = "<presence><status>open</status><note>forged</note></presence>";
    error(&asks(wire, "CHANGE-NOTIFY", from, "0", &target.url(), &more, body))
}

/// Which error this is.
pub(crate) fn error(answer: &Frame) -> String {
    answer.header("Error").unwrap_or_else(|| panic!("it was taken: {answer:?}")).to_owned()
}

/// That nothing in what somebody got says where the other's machine is.
#[track_caller]
pub(crate) fn says_no_place(frames: &[Frame]) {
    assert!(!frames.is_empty());
    for frame in frames {
        let all = frame.head.join("\n") + &String::from_utf8_lossy(&frame.body);
        for place in ["127.0.0.", "::1", "localhost"] {
            assert!(!all.contains(place), "{place}: {all}");
        }
    }
}
