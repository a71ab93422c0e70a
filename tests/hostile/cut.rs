//! Behind every octet of every talk the other side is gone, or falls silent.

use crate::relay::{Relay, frames};
use crate::runner;
use crate::runner::script::{Talk, read};
use crate::states::{self, State};
use std::collections::HashSet;
use std::time::Duration;

/// Octets within a row of equal ones say nothing new; of those, one in so many is looked at.
const ALIKE: usize = 997;
/// Where each play hashes a password, one place in so many is tried; with CUTS=all in the environment every one.
const DEAR: usize = 61;

fn talks(side: Option<&str>) -> Vec<(String, Talk)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/talks");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "talk"));
    paths.sort();
    let all = paths.iter().flat_map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        read(&std::fs::read_to_string(path).unwrap()).into_iter().map(move |talk| (format!("{name}: {}", talk.title), talk))
    });
    let all: Vec<_> = all.filter(|(_, talk)| talk.setting("side") == side).collect();
    assert!(all.len() > 50, "{} talks", all.len());
    all
}

/// The places behind which a talk may be cut; `dear` is from where on each play takes its time.
fn places(octets: &[u8], dear: usize) -> impl Iterator<Item = usize> {
    let all = std::env::var_os("CUTS").is_some();
    let alike =
        |at: usize| !at.is_multiple_of(ALIKE) && at >= 2 && octets[at] == octets[at - 1] && octets[at - 1] == octets[at - 2];
    (0..octets.len()).filter(move |&at| !alike(at) && (all || at < dear || at.is_multiple_of(DEAR)))
}

/// From where on an engine has to hash a password: behind the first octet of SASL, if a password is part of the talk.
fn dear(talk: &Talk, octets: &[u8]) -> usize {
    let mut words = ["login", "user", "peer"].iter().filter_map(|name| talk.setting(name));
    let data = octets.windows(6).position(|octets| octets == b"Data: ").unwrap_or(usize::MAX);
    match talk.setting("authenticated") {
        Some(_) => 0,
        None if words.any(|words| words.contains(' ')) => data,
        None => usize::MAX,
    }
}

/// What a talk's own settings and octets have been tried with before need not be tried again: most begin alike.
#[derive(Default)]
struct Tried(HashSet<(String, Vec<u8>)>);

impl Tried {
    fn is_new(&mut self, setting: &str, pieces: &[Vec<u8>], at: usize) -> bool {
        let mut key = Vec::new();
        for piece in pieces {
            key.extend_from_slice(piece.get(..at - key.len()).unwrap_or(piece));
            if key.len() == at {
                break;
            }
        }
        self.0.insert((setting.to_owned(), key))
    }
}

/// Tries every cut of these talks, each in both ways.
fn every(
    side: Option<&str>,
    dear: impl Fn(&Talk, &[u8]) -> usize,
    setting: impl Fn(&Talk) -> String,
    cut: impl Fn(&Talk, &[Vec<u8>], usize, bool) -> Result<(), String>,
) {
    let mut tried = Tried::default();
    let mut count = 0;
    for (name, talk) in talks(side) {
        let pieces = runner::sent(&talk).unwrap_or_else(|error| panic!("{name}: {error}"));
        let octets = pieces.concat();
        for at in places(&octets, dear(&talk, &octets)) {
            if !tried.is_new(&setting(&talk), &pieces, at) {
                continue;
            }
            for gone in [true, false] {
                count += 1;
                if let Err(error) = cut(&talk, &pieces, at, gone) {
                    panic!("{name}, {} behind {at} octets: {error}", if gone { "gone" } else { "silent" });
                }
            }
        }
    }
    assert!(count > 3_000, "{count} cuts");
}

#[test]
fn a_client_ends_wherever_its_server_does() {
    every(Some("client"), dear, Talk::settings, |talk, _, at, gone| runner::cut(talk, at, gone).map(drop));
}

/// With all that a talk says of the order of things within an engine: a handshake, a login that is judged, a BYE.
#[test]
fn an_accepting_engine_ends_wherever_its_peer_does() {
    every(None, dear, Talk::settings, |talk, _, at, gone| runner::cut(talk, at, gone).map(drop));
}

#[test]
fn a_relay_keeps_nothing_wherever_its_peer_ends() {
    let state = |talk: &Talk| format!("{:?}", beginning(talk));
    every(None, |_, _| usize::MAX, state, |talk, pieces, at, gone| play(beginning(talk), pieces, at, gone));
}

/// How a talk begins, where the relay of these tests can begin alike.
fn beginning(talk: &Talk) -> State {
    match talk.setting("tls") {
        _ if talk.setting("authenticated").is_some() => State::Open,
        _ if talk.is("greeted") => State::Greeted,
        Some("active") => State::InTls,
        _ => State::Fresh,
    }
}

/// As much of a talk as stands in the first octets, on a relay where nothing else happens.
fn play(state: State, pieces: &[Vec<u8>], octets: usize, gone: bool) -> Result<(), String> {
    let mut relay = Relay::new();
    let key = states::bring(&mut relay, state);
    let mut left = octets;
    for piece in pieces {
        let arriving = piece.get(..left.min(piece.len())).unwrap_or_default();
        left -= arriving.len();
        relay.tls_up(key);
        relay.hear(key, arriving);
    }
    if gone {
        relay.eof(key);
    }
    // Longer than any lease, any promise and any silence.
    relay.pass(Duration::from_secs(2 * 86_400));
    let end = relay.end(key).ok_or("it never ends")?;
    states::judge(&frames(&relay.said(key))?, Some(end))?;
    relay.drop_connection(key);
    let left = relay.service.counts();
    let kept = [left.sessions, left.connected, left.subscriptions, left.abroad, left.unsettled, left.forwarded, left.links];
    if kept == [0; 7] { Ok(()) } else { Err(format!("{left:?} is kept")) }
}
