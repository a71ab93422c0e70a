//! What a relay has when it starts: its configuration, its certificate, and a store as full as the row wants it.

use super::PASSWORD;
use impp::engine::sasl;
use impp::model::{Domain, Secret};
use impp::store::dump::Import;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The fewest that the protocol allows: what is measured is the relay, which hashes nothing at a login by SCRAM.
const ITERATIONS: u32 = 4096;
const SECRET_SHARED: &str = "between-two-domains";
const DAY_MILLIS: u64 = 86_400_000;

/// What the store has.
pub struct Stock {
    /// Users `u0` and so on.
    pub users: usize,
    /// Rounds of hashing of their passwords.
    pub iterations: u32,
    /// To so many of the first users another domain's have subscribed, so often in all.
    pub subscriptions: (usize, usize),
    /// Messages that wait, for so many of the last users, each.
    pub waiting: (usize, usize),
    /// Their octets.
    pub octets: usize,
}

impl Default for Stock {
    fn default() -> Self {
        Self { users: 0, iterations: ITERATIONS, subscriptions: (0, 0), waiting: (0, 0), octets: 100 }
    }
}

impl Stock {
    /// In the lines of an export, which is read in one transaction.
    fn lines(&self, domain: &str, mut take: impl FnMut(Value)) {
        let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        let record = sasl::derive(&Secret::new(PASSWORD.into()), self.iterations, &[7; 16]).unwrap();
        let base64 = |octets: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, octets);
        let url = |user: usize| format!("impp://{domain}/u{user}");
        take(json!({"v": 1, "kind": "export", "of": "impp-relay", "last_message": 0}));
        take(json!({"v": 1, "kind": "domain", "domain": domain, "decoy_key": base64(&[7; 32]), "iterations": self.iterations}));
        for user in 0..self.users {
            take(json!({
                "v": 1, "kind": "user", "address": url(user), "created": now, "disabled": false, "presence": true, "inbox": true,
                "moved_to": null, "moved_permanently": null, "scram_sha_256": {
                    "iterations": self.iterations, "salt": base64(&record.salt),
                    "stored_key": base64(&record.stored_key), "server_key": base64(&record.server_key),
                },
            }));
        }
        let (watched, subscriptions) = self.subscriptions;
        for number in 0..subscriptions {
            take(json!({
                "v": 1, "kind": "subscription", "address": url(number % watched), "subscriber": format!("impp://far.test/w{number}"),
                "connection": "w", "since": now, "until": now + DAY_MILLIS, "told": 0,
            }));
        }
        let (mailboxes, each) = self.waiting;
        let body = "x".repeat(self.octets);
        for number in 1..=mailboxes * each {
            // As they would have come: not one mailbox after the other.
            let (from, to, length) = (url(0), url(self.users - 1 - number % mailboxes), body.len());
            let id = format!("<{number}.waiting@load>");
            let frame = format!(
                "SEND {number} impp/1.0\r\nFrom: {from}\r\nConnection-ID: s0\r\nTarget: {to}\r\nMessage-ID: {id}\r\n\
                 Content-Type: message/rfc822\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            take(json!({
                "v": 1, "kind": "message", "address": to, "number": number, "from": from, "id": id, "stored": now,
                "expires": null, "frame": frame,
            }));
        }
    }
}

/// Fills a folder.
pub fn prepare(folder: &Path, domain: &str, stock: &Stock, plain: SocketAddr, tls: SocketAddr, extra: &str) {
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec![domain.to_owned(), "localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap().pem();
    private(&folder.join("key.pem"), key.serialize_pem().as_bytes());
    private(&folder.join("secret"), SECRET_SHARED.as_bytes());
    fs::write(folder.join("cert.pem"), certificate).unwrap();
    let config = format!(
        "domains = [\"{domain}\"]\ndata-dir = \"data\"\n[listen]\nplain = [\"{plain}\"]\ntls = [\"{tls}\"]\n\
         [tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\nrequired = false\n[auth]\nscram-iterations = {}\n\
         [mailbox]\nmax-messages = 10000000\nmax-octets = \"100G\"\n\
         [limits]\nconnections = 100000\nconnections-per-address = 100000\nsubscribers-per-user = 100000\n\
         requests-per-second = 1000000\nrequests-burst = 1000000\nmessages-per-second = 1000000\nmessages-burst = 1000000\n\
         [acl]\ndefault = [{{ who = \"*\", op = [\"fetch\", \"subscribe\", \"send\"], action = \"allow\" }}]\n\
         [log]\nlevel = \"warn\"\n{extra}",
        stock.iterations
    );
    fs::write(folder.join("impp-relay.toml"), config).unwrap();
    let data = folder.join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    let mut import = Import::begin(&data, [Domain::parse(domain).unwrap()]).unwrap();
    stock.lines(domain, |line| import.line(line.to_string().as_bytes()).unwrap());
    import.finish().unwrap();
}

fn private(path: &Path, octets: &[u8]) {
    fs::write(path, octets).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
