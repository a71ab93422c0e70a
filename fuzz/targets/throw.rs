//! Throws an input at an accepted connection: state, manner, then octets.

use crate::relay::{Relay, frames};
use crate::states::{State, bring, judge};
use std::sync::LazyLock;
use std::time::Duration;

static STATES: LazyLock<[Vec<State>; 2]> =
    LazyLock::new(|| [false, true].map(|link| State::ALL.iter().copied().filter(|state| state.is_link() == link).collect()));

const GREET: &str =
    "HELLO h impp/1.0\nDomain: example.org\nConnection-ID: g1\n\nAUTH a impp/1.0\nMechanism: EXTERNAL\nData: =\n\n";
const ASK: &str = "FETCH f impp/1.0\nFrom: impp://example.org/bob\nConnection-ID: g1\nTarget: impp://example.org/bob\n\n";

pub(crate) fn at(link: bool, input: &[u8]) {
    let [state, manner, octets @ ..] = input else { return };
    let states = &STATES[usize::from(link)];
    let state = states[usize::from(*state) % states.len()];
    let mut relay = Relay::new();
    let good = relay.connect(crate::relay::certificate(Some("bob")), true);
    relay.hear_text(good, GREET);
    assert_eq!(relay.frames(good).len(), 2);

    let key = bring(&mut relay, state);
    if manner & 1 == 1 {
        relay.tls_up(key);
    }
    match manner >> 5 {
        0 => relay.hear(key, octets),
        cut => octets.chunks(usize::from(cut) * 13).for_each(|piece| relay.hear(key, piece)),
    }
    if manner & 2 == 2 {
        relay.pass(Duration::from_secs(40));
    }
    if manner & 4 == 4 {
        relay.eof(key);
    }
    let said = frames(&relay.said(key)).unwrap_or_else(|error| panic!("{error}"));
    judge(&said, relay.end(key)).unwrap_or_else(|error| panic!("{state:?}: {error}"));

    relay.said(good);
    relay.hear_text(good, ASK);
    let answers = relay.frames(good);
    assert!(answers.iter().any(|frame| frame.request_id() == "f"), "{answers:?}");
}
