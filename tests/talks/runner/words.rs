//! What stands in braces in a talk: wildcards, names, base64 and SCRAM, computed apart from the library's own code.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::Mac;
use sha2::Digest;
use sha2::Sha256;
use std::cell::RefCell;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Words {
    names: BTreeMap<String, String>,
    scram: Scram,
}

/// The messages of the SCRAM exchange that was seen last.
#[derive(Default)]
struct Scram {
    gs2: String,
    first_bare: String,
    server_first: String,
    final_bare: String,
}

/// ClientKey and ServerKey by password, salt and iteration count.
type Derived = BTreeMap<(String, String, String), [[u8; 32]; 2]>;

thread_local! {
    static DERIVED: RefCell<Derived> = const { RefCell::new(BTreeMap::new()) };
}

pub(crate) const EXPORTER: [u8; 32] = [7; 32];
pub(crate) const SALT: [u8; 16] = *b"0123456789abcdef";

fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().into()
}

impl Words {
    /// Notes what a line says of a SCRAM exchange.
    pub(crate) fn note(&mut self, line: &str) {
        let Some(data) = line.strip_prefix("Data: ").and_then(|text| STANDARD.decode(text).ok()) else { return };
        let Ok(text) = String::from_utf8(data) else { return };
        let scram = &mut self.scram;
        if text.starts_with("n,") || text.starts_with("y,") || text.starts_with("p=") {
            let bare = text.find("n=").filter(|at| *at > 0).or_else(|| text.rfind(",n=").map(|at| at + 1)).unwrap_or(0);
            scram.gs2 = text[..bare].to_owned();
            scram.first_bare = text[bare..].to_owned();
        } else if text.starts_with("r=") {
            scram.server_first = text;
        } else if text.starts_with("c=") {
            scram.final_bare = text.rsplit_once(",p=").map_or("", |(bare, _)| bare).to_owned();
        }
    }

    /// Salt and iteration count that were seen last, as they stood there.
    pub(crate) fn salt(&self) -> (String, String) {
        (self.part(",s=").to_owned(), self.part(",i=").to_owned())
    }

    fn part(&self, label: &str) -> &str {
        self.scram.server_first.split_once(label).map_or("", |(_, rest)| rest.split(',').next().unwrap())
    }

    fn keys(&self, password: &str) -> [[u8; 32]; 2] {
        let (salt, count) = self.salt();
        let derive = || {
            let mut salted = [0; 32];
            let salt = STANDARD.decode(&salt).unwrap();
            pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, count.parse().unwrap(), &mut salted);
            [hmac(&salted, b"Client Key"), hmac(&salted, b"Server Key")]
        };
        // Few passwords and salts occur, and each again and again where a talk is played many times.
        DERIVED.with_borrow_mut(|known| *known.entry((password.to_owned(), salt.clone(), count.clone())).or_insert_with(derive))
    }

    fn final_message(&self, password: &str) -> String {
        let mut binding = self.scram.gs2.clone().into_bytes();
        if self.scram.gs2.starts_with("p=") {
            binding.extend_from_slice(&EXPORTER);
        }
        let nonce = self.scram.server_first.split(',').next().unwrap();
        let bare = format!("c={},{nonce}", STANDARD.encode(binding));
        let message = format!("{},{},{bare}", self.scram.first_bare, self.scram.server_first);
        let [client_key, _] = self.keys(password);
        let signature = hmac(&Sha256::digest(client_key), message.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        format!("{bare},p={}", STANDARD.encode(proof))
    }

    fn proof(&self, password: &str) -> String {
        let message = format!("{},{},{}", self.scram.first_bare, self.scram.server_first, self.scram.final_bare);
        format!("v={}", STANDARD.encode(hmac(&self.keys(password)[1], message.as_bytes())))
    }

    /// The text of a computed word, before base64; `None` if it is no such word.
    fn computed(&self, word: &str) -> Option<Vec<u8>> {
        let (name, rest) = word.split_once(' ')?;
        Some(match name {
            "b64" => rest.replace("\\0", "\0").into_bytes(),
            "final" => self.final_message(rest).into_bytes(),
            "proof" => self.proof(rest).into_bytes(),
            "challenge" => {
                let nonce = self.scram.first_bare.split(',').nth(1).unwrap_or_default();
                format!("{nonce}server,s={},i={rest}", STANDARD.encode(SALT)).into_bytes()
            }
            _ => return None,
        })
    }

    /// A line to be sent.
    pub(crate) fn fill(&self, line: &str) -> String {
        let mut out = String::new();
        let mut rest = line;
        while let Some((before, word, after)) = braces(rest) {
            out.push_str(before);
            if let Some(count) = word.strip_suffix(" octets") {
                out.push_str(&"x".repeat(count.parse().unwrap()));
            } else if let Some(text) = self.computed(word) {
                out.push_str(&STANDARD.encode(text));
            } else {
                out.push_str(self.names.get(word).unwrap_or_else(|| panic!("{{{word}}} is not known yet")));
            }
            rest = after;
        }
        out + rest
    }

    /// Whether `said` is what was expected.
    pub(crate) fn fits(&mut self, expected: &str, said: &str) -> bool {
        let Some((before, word, after)) = braces(expected) else { return expected == said };
        let Some(said) = said.strip_prefix(before) else { return false };
        // A word reaches up to the next fixed text, or to the end.
        let next = after.split('{').next().unwrap();
        let end = if next.is_empty() { Some(said.len()) } else { said.find(next) };
        let Some((found, tail)) = end.and_then(|at| said.split_at_checked(at)) else { return false };
        let good = if word == ".." {
            true
        } else if let Some(text) = self.computed(word) {
            match (STANDARD.decode(found), text.strip_suffix(b"..")) {
                (Ok(found), Some(start)) => found.starts_with(start),
                (Ok(found), None) => found == text,
                (Err(_), _) => false,
            }
        } else {
            self.names.entry(word.to_owned()).or_insert_with(|| found.to_owned()) == found
        };
        good && self.fits(after, tail)
    }
}

fn braces(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (word, after) = rest.split_once('}')?;
    Some((before, word, after))
}

/// Lines to octets: CRLF behind each, but a body ends where Content-Length says.
pub(crate) fn to_octets(lines: &[String]) -> Vec<u8> {
    let mut out = String::new();
    let mut length = 0;
    let mut rest = lines.iter();
    while let Some(line) = rest.next() {
        out.push_str(line);
        out.push_str("\r\n");
        length = content_length(line).unwrap_or(length);
        if !line.is_empty() || length == 0 {
            continue;
        }
        let mut body: Option<String> = None;
        while body.as_ref().is_none_or(|body| body.len() < length) {
            let Some(line) = rest.next() else { break };
            body = Some(body.map_or_else(|| line.clone(), |body| format!("{body}\r\n{line}")));
        }
        let body = body.unwrap_or_default();
        assert!(body.len() <= length, "the body has {} octets and not {length}: {body}", body.len());
        out.push_str(&body);
        length = 0;
    }
    out.into_bytes()
}

/// Octets to lines, the other way round; what is no whole line yet is kept in `octets`.
pub(crate) fn to_lines(octets: &mut Vec<u8>) -> Vec<String> {
    let text = String::from_utf8(std::mem::take(octets)).unwrap();
    let mut lines = Vec::new();
    let mut length = 0;
    let mut rest = text.as_str();
    while let Some((line, tail)) = rest.split_once("\r\n") {
        lines.push(line.to_owned());
        length = content_length(line).unwrap_or(length);
        rest = tail;
        if line.is_empty() && length > 0 {
            let (body, tail) = tail.split_at(length);
            lines.extend(body.split("\r\n").map(str::to_owned));
            rest = tail;
            length = 0;
        }
    }
    assert!(rest.is_empty(), "half a line was said: {rest}");
    lines
}

fn content_length(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(':')?;
    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap_or(0))
}
