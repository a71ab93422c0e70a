//! Nobody learns from a failed login whether a user exists, and nobody learns a password from what is written down.

use crate::support::wire::{base64, unbase64};
use crate::support::{Site, Wire, at};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

/// Those who fail: name, password, and what is wrong.
const FAILING: &[(&str, &str)] = &[
    ("nobody", "alice's secret"),
    ("alice", "not alice's secret"),
    ("dora", "not dora's secret"),
    // Disabled; the password is right.
    ("dora", "dora's secret"),
    // A name that leads elsewhere, and one that no account could have.
    ("postmaster", "alice's secret"),
    ("no one", "alice's secret"),
];

fn site(log: &str) -> Site {
    let site = Site::with(log, &["alice", "dora"]);
    site.administer(&["user", "disable", &at("dora")]);
    site.administer(&["user", "alias", &at("postmaster"), &at("alice")]);
    site
}

/// A greeted connection.
fn greeted(site: &Site, connection: &str) -> Wire {
    let mut wire = site.wire();
    wire.say(&format!("HELLO h impp/1.0\nDomain: demo.test\nConnection-ID: {connection}\n\n"));
    assert_eq!(wire.frame().start(), "OK (HELLO) h impp/1.0");
    wire
}

#[test]
fn plain_fails_in_the_same_octets() {
    let site = site("");
    for (user, password) in FAILING {
        let mut wire = greeted(&site, "enumeration-1");
        for attempt in 1..=3 {
            let answer = wire.plain_auth(user, password);
            assert_eq!(answer.head, ["ERROR (AUTH) a impp/1.0", "Error: authentication-failed"], "{user}, attempt {attempt}");
            assert_eq!(answer.body, b"");
        }
        assert_eq!(wire.rest(), b"", "the third failure ends the connection, for {user} too");
    }
    let mut wire = greeted(&site, "enumeration-2");
    assert_eq!(wire.plain_auth("alice", "alice's secret").header("Auth"), Some("done"), "and the right one succeeds");
}

#[test]
fn scram_fails_in_the_same_octets() {
    let site = site("");
    for (user, password) in FAILING {
        let (first, salt, end) = scram(&site, user, password);
        let (again, same_salt, same_end) = scram(&site, user, password);
        assert_eq!(first, ["OK (AUTH) s impp/1.0", "Auth: continue", "r=CLIENT+24,s=16,i=10000"], "{user}");
        assert_eq!((&again, &same_end), (&first, &end), "{user}");
        assert_eq!(salt, same_salt, "{user}: a salt that changes is a salt that was made up");
        assert_eq!(end, ["ERROR (AUTH) t impp/1.0", "Error: authentication-failed"], "{user}");
    }
    let (_, _, end) = scram(&site, "alice", "alice's secret");
    assert_eq!(end[1..3], ["Auth: done", "Identity: impp://demo.test/alice"], "and the right one succeeds");
}

/// One SCRAM-SHA-256 login: the challenge with nonce and salt replaced by their lengths, the salt, the last answer.
fn scram(site: &Site, user: &str, password: &str) -> (Vec<String>, Vec<u8>, Vec<String>) {
    let mut wire = greeted(site, "enumeration-3");
    let bare = format!("n={user},r=fyko+d2lbbFgONRv9qkxdawL");
    wire.say(&format!("AUTH s impp/1.0\nMechanism: SCRAM-SHA-256\nData: {}\n\n", base64(format!("n,,{bare}").as_bytes())));
    let mut challenge = wire.frame();
    let data = challenge.head.pop().unwrap();
    let server_first = String::from_utf8(unbase64(data.strip_prefix("Data: ").unwrap())).unwrap();
    let field = |name: &str| server_first.split(',').find_map(|field| field.strip_prefix(name)).unwrap().to_owned();
    let (nonce, salt, iterations) = (field("r="), unbase64(&field("s=")), field("i="));
    let ours = nonce.strip_prefix("fyko+d2lbbFgONRv9qkxdawL").unwrap();
    challenge.head.push(format!("r=CLIENT+{},s={},i={iterations}", ours.len(), salt.len()));

    let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(
        password.as_bytes(),
        &salt,
        iterations.strip_prefix("i=").unwrap_or(&iterations).parse().unwrap(),
    );
    let client_key = hmac(&salted, b"Client Key");
    let without_proof = format!("c=biws,r={nonce}");
    let signature = hmac(&Sha256::digest(client_key), format!("{bare},{server_first},{without_proof}").as_bytes());
    let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, signature)| key ^ signature).collect();
    let last = format!("{without_proof},p={}", base64(&proof));
    wire.say(&format!("AUTH t impp/1.0\nData: {}\n\n", base64(last.as_bytes())));
    (challenge.head, salt, wire.frame().head)
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().into()
}
