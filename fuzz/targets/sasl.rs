//! What clients say in AUTH, up to four times, as every mechanism reads it; and the same as a server's answers to a client.
#![no_main]
#![allow(dead_code, reason = "the tests use all of it")]

#[path = "../../tests/hostile/client.rs"]
mod client;
#[path = "../../tests/hostile/relay.rs"]
mod relay;
#[path = "../../tests/hostile/states.rs"]
mod states;
#[path = "../../tests/scenes/store.rs"]
mod store;

use impp::engine::End;
use impp::wire::Kind;
use libfuzzer_sys::fuzz_target;

const MECHANISMS: [&str; 5] = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "EXTERNAL", "ANONYMOUS"];

fn accept(choice: u8, messages: &[&[u8]]) {
    let mut relay = relay::Relay::new();
    let link = choice & 32 == 32;
    // No certificate that speaks for anybody: whoever gets in has said the right words.
    let key = relay.connect(relay::certificate(None), choice & 64 == 0);
    relay.proven.clear();
    let who = if link { "Origin-Domain: peer.test" } else { "Connection-ID: c1" };
    relay.hear_text(key, &format!("HELLO h impp/1.0\nDomain: example.org\n{who}\n\n"));
    relay.said(key);
    for (number, message) in messages.iter().enumerate() {
        let raw = choice & 128 == 128;
        let data = if raw { String::from_utf8_lossy(message).into_owned() } else { relay::b64(message) };
        let mechanism = MECHANISMS[usize::from(choice & 31) % MECHANISMS.len()];
        let mechanism = if number == 0 { format!("Mechanism: {mechanism}\n") } else { String::new() };
        if relay.end(key).is_some() {
            break;
        }
        relay.hear_text(key, &format!("AUTH a{number} impp/1.0\n{mechanism}Data: {data}\n\n"));
        let said = relay.frames(key);
        states::judge(&said, relay.end(key)).unwrap_or_else(|error| panic!("{error}"));
        if !raw {
            assert_eq!(said.len(), 1, "each AUTH has one answer: {said:?}");
        }
        // ANONYMOUS asks for nothing, and PLAIN for a password that can be guessed: all others need what nobody has here.
        let done = said.iter().any(|frame| frame.kind() == Kind::Ok && frame.header(impp::wire::Name::Auth) == Some("done"));
        let plain = String::from_utf8_lossy(message).contains("wonderland");
        assert!(
            !done || choice & 31 == 4 || plain || MECHANISMS[usize::from(choice & 31) % 5] == "ANONYMOUS",
            "{mechanism} let {message:?} in"
        );
    }
    // Raw octets may end the line, and begin what is no AUTH at all: that end was judged like any other.
    let raw = choice & 128 == 128;
    let expected = |end| matches!(end, End::TooManyFailures | End::Malformed(_) | End::TooLarge { .. });
    assert!(raw || relay.end(key).is_none_or(expected));
}

fn open(choice: u8, messages: &[&[u8]]) {
    let states = [client::State::Blind, client::State::Challenged, client::State::Last];
    let mut stage = client::Stage::new(states[usize::from(choice) % states.len()]);
    let mut said = 0;
    for message in messages {
        // As the answer to whatever it asked last.
        let frames = relay::frames(&stage.said).unwrap_or_else(|error| panic!("{error}"));
        let Some(asked) = frames.get(said..).and_then(|new| new.iter().rfind(|frame| frame.method() == "AUTH")) else { break };
        let (id, auth) = (asked.request_id().to_owned(), if choice & 64 == 0 { "continue" } else { "done" });
        said = frames.len();
        stage.hear(format!("OK (AUTH) {id} impp/1.0\r\nAuth: {auth}\r\nSession: new\r\nIdentity: impp://example.org/alice\r\nData: {}\r\n\r\n", relay::b64(message)).as_bytes());
        stage.judge().unwrap_or_else(|error| panic!("{error}"));
    }
}

fuzz_target!(|input: &[u8]| {
    let [side, choice, rest @ ..] = input else { return };
    let messages: Vec<&[u8]> = rest.splitn(4, |octet| *octet == b'\n').collect();
    if side & 1 == 0 { accept(*choice, &messages) } else { open(*choice, &messages) }
});
