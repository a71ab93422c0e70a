//! Octets out of rows, talks and the blocks of the specification: what strangers say, to be thrown where it does not belong.
//!
//! `fuzz/` makes its seeds of the same.

use crate::unescape::unescape;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The octets of every row of `tests/wire/*.txt`; the notation is that file's.
pub(crate) fn rows(text: &str) -> Vec<Vec<u8>> {
    let rows = text.lines().filter(|line| !line.starts_with(['#', '[']));
    rows.filter_map(|line| line.split_once(" => ")).map(|(octets, _)| unescape(octets)).collect()
}

/// What each side of every talk says in one go: whether it is C, and the octets. What depends on the other side is guessed.
pub(crate) fn talks(text: &str) -> Vec<(bool, Vec<u8>)> {
    let mut stretches: Vec<(bool, Vec<u8>)> = Vec::new();
    let mut last = ' ';
    for line in text.lines() {
        let side = match line.get(..2) {
            Some("C:") => 'C',
            Some("S:") => 'S',
            _ => ' ',
        };
        if side != ' ' {
            if side != last {
                stretches.push((side == 'C', Vec::new()));
            }
            let said = line.get(3..).unwrap_or_default();
            if let Some((_, octets)) = stretches.last_mut() {
                octets.extend_from_slice(fill(said).as_bytes());
                octets.extend_from_slice(b"\r\n");
            }
        }
        last = side;
    }
    stretches
}

/// A line of a talk with a guess at what stands in braces. An engine's own ids start with its nonce's digest.
fn fill(line: &str) -> String {
    let Some((before, rest)) = line.split_once('{') else { return line.to_owned() };
    let Some((word, after)) = rest.split_once('}') else { return line.to_owned() };
    let filled = match word.split_once(' ') {
        Some(("b64", text)) => STANDARD.encode(text.replace("\\0", "\0")),
        Some((count, "octets")) => "x".repeat(count.parse().unwrap_or(1)),
        Some(("challenge", count)) => STANDARD.encode(format!("r=abcdef,s={},i={count}", STANDARD.encode("0123456789abcdef"))),
        Some(("final", _)) => STANDARD.encode(format!("c=biws,r=abcdef,p={}", STANDARD.encode([7; 32]))),
        Some(("proof", _)) => STANDARD.encode(format!("v={}", STANDARD.encode([7; 32]))),
        _ if word.bytes().all(|c| c.is_ascii_digit()) => format!("{}-{word}", own_prefix()),
        _ => String::new(),
    };
    format!("{before}{filled}{}", fill(after))
}

/// The prefix of the ids of an opening engine with the nonce that the targets use.
fn own_prefix() -> String {
    use impp::engine::{Client, ClientConfig, ClientTls, Login};
    use impp::model::{ConnectionId, Domain};
    let (Ok(domain), Some(connection)) = (Domain::parse("example.org"), ConnectionId::parse("c1")) else { return String::new() };
    let config = ClientConfig::new(domain, Login::Anonymous, connection, ClientTls::Plain { credentials: true });
    #[allow(clippy::disallowed_methods, reason = "any moment will do")]
    let mut client = Client::new(config, [3; 32], std::time::Instant::now());
    let hello = client.poll_output().unwrap_or_default();
    let words = String::from_utf8_lossy(&hello).into_owned();
    words.split(' ').nth(1).and_then(|id| id.split_once('-')).map(|(prefix, _)| prefix.to_owned()).unwrap_or_default()
}
