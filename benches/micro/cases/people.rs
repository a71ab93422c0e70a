//! A relay in memory with people who have logged in, and what they say.

use super::relay::{DOMAIN, OTHER, Relay, address, certificate};
use impp::service::ConnectionKey;
use impp::service::store::Account;
use impp::wire::{Frame, Kind};

pub(super) use super::relay::frames;

/// A connection of a user, who takes messages on it.
pub(super) fn log_in(relay: &mut Relay, user: &str) -> ConnectionKey {
    relay.store.accounts.insert(address(user), Account::default());
    let key = relay.connect(certificate(Some(user)), true);
    enter(relay, key, "Connection-ID: c1\nAccept: messages\n");
    key
}

/// A link that the other domain opened.
pub(super) fn link(relay: &mut Relay) -> ConnectionKey {
    let key = relay.connect(certificate(None), true);
    enter(relay, key, &format!("Origin-Domain: {OTHER}\n"));
    key
}

fn enter(relay: &mut Relay, key: ConnectionKey, who: &str) {
    relay.hear_text(key, &format!("HELLO h impp/1.0\nDomain: {DOMAIN}\n{who}Max-Outstanding: 1024\n\n"));
    relay.hear_text(key, "AUTH a impp/1.0\nMechanism: EXTERNAL\nData: =\n\n");
    let said = relay.frames(key);
    assert!(said.len() == 2 && said.iter().all(|frame| frame.kind() == Kind::Ok), "no login: {said:?}");
}

/// A request of a user's only connection, numbered from one.
pub(super) fn request(method: &str, id: usize, from: &str, target: &str, more: &str) -> Vec<u8> {
    let from = address(from);
    format!("{method} {id} impp/1.0\nFrom: {}\nConnection-ID: c1\nTarget: {target}\n{more}", from.as_str())
        .replace('\n', "\r\n")
        .into_bytes()
}

/// A message of a hundred octets.
pub(super) fn send(id: usize, from: &str, target: &str) -> Vec<u8> {
    let more = format!("Message-ID: <{id}.{from}@load.example.org>\nContent-Type: message/rfc822\nContent-Length: 100\n\n");
    let mut octets = request("SEND", id, from, target, &more);
    octets.resize(octets.len() + 100, b'x');
    octets
}

/// A receiver's OK to a message or a change.
pub(super) fn ok(method: &str, id: &str, to: &str, connection: &str) -> Vec<u8> {
    format!("OK ({method}) {id} impp/1.0\r\nTo: {to}\r\nConnection-ID: {connection}\r\n\r\n").into_bytes()
}

/// So many frames were said on this connection, and all of them are of this kind.
pub(super) fn expect(relay: &mut Relay, key: ConnectionKey, many: usize, kind: Kind) -> Vec<Frame> {
    let said = relay.frames(key);
    assert!(said.len() == many && said.iter().all(|frame| frame.kind() == kind), "not {many} of {kind:?}: {said:?}");
    said
}
