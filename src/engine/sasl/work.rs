//! Passwords to keys: the CPU-heavy part of SASL, kept out of the engines' own steps.

use crate::model::Credentials;
use crate::model::Secret;
use core::fmt;
use hmac::Hmac;
use hmac::Mac;
use precis_core::profile::Profile;
use precis_profiles::OpaqueString;
use sha2::Digest;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Octets of an account's salt; decoys have as many.
pub const SALT_OCTETS: usize = 16;

/// The profile OpaqueString (RFC 8265) refuses this password: it is empty or holds a control character or
/// an unassigned code point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRefused;

impl fmt::Display for PasswordRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a password must not be empty or hold control characters")
    }
}

impl std::error::Error for PasswordRefused {}

/// What a domain keeps for a password: SCRAM's record for SHA-256.
///
/// *Units and limits:* takes `iterations` rounds of PBKDF2, about 0.14 ms per thousand: call it where blocking is allowed.
///
/// # Errors
/// [`PasswordRefused`].
pub fn derive(password: &Secret, iterations: u32, salt: &[u8]) -> Result<Credentials, PasswordRefused> {
    let prepared = prepare(password.declassify())?;
    let keys = Keys::derive(&prepared, iterations, salt);
    Ok(Credentials { iterations, salt: salt.to_vec(), stored_key: keys.stored_key(), server_key: keys.server_key })
}

/// The form of a password in which it is hashed.
pub(super) fn prepare(password: &str) -> Result<Secret, PasswordRefused> {
    match OpaqueString::new().enforce(password) {
        Ok(prepared) => Ok(Secret::new(prepared.into_owned())),
        Err(_) => Err(PasswordRefused),
    }
}

/// SaltedPassword of RFC 5802: where the time goes.
pub(super) fn salted(prepared: &Secret, iterations: u32, salt: &[u8]) -> [u8; 32] {
    let mut salted = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(prepared.declassify().as_bytes(), salt, iterations, &mut salted);
    salted
}

/// ClientKey and ServerKey of RFC 5802; whoever holds the first can log in.
struct Keys {
    client_key: [u8; 32],
    server_key: [u8; 32],
}

impl Keys {
    fn derive(prepared: &Secret, iterations: u32, salt: &[u8]) -> Self {
        let mut salted = salted(prepared, iterations, salt);
        let keys = Self { client_key: hmac(&salted, &[b"Client Key"]), server_key: hmac(&salted, &[b"Server Key"]) };
        salted.zeroize();
        keys
    }

    fn stored_key(&self) -> [u8; 32] {
        Sha256::digest(self.client_key).into()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.client_key.zeroize();
        self.server_key.zeroize();
    }
}

/// HMAC-SHA-256 over the parts in order.
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of every length, so the one error of the constructor cannot occur.
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// A password to be checked against a record: run it where blocking is allowed.
///
/// There is one for users who do not exist too, with a record that fits no password, so that the time tells nothing.
pub struct PasswordWork {
    credentials: Credentials,
    password: Secret,
    acceptable: bool,
}

impl PasswordWork {
    pub(super) fn new(password: &str, credentials: Credentials) -> Self {
        match prepare(password) {
            Ok(password) => Self { credentials, password, acceptable: true },
            // The same work for a password that nobody can have.
            Err(PasswordRefused) => Self { credentials, password: Secret::new(password.to_owned()), acceptable: false },
        }
    }

    /// Hashes and compares, in constant time for one iteration count.
    #[must_use]
    pub fn run(self) -> PasswordVerdict {
        let keys = Keys::derive(&self.password, self.credentials.iterations, &self.credentials.salt);
        let equal = bool::from(keys.stored_key().ct_eq(&self.credentials.stored_key));
        PasswordVerdict { right: equal && self.acceptable }
    }
}

impl fmt::Debug for PasswordWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordWork(..)")
    }
}

/// What came out of [`PasswordWork::run`]; nothing else makes one.
#[derive(Debug)]
pub struct PasswordVerdict {
    pub(super) right: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn the_record_of_rfc_7677() {
        // The exchange in RFC 7677 section 3: user "user", password "pencil".
        let salt = [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
        let kept = derive(&secret("pencil"), 4096, &salt).unwrap();
        let auth_message = b"n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let proof = hmac(&kept.server_key, &[auth_message]);
        let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, proof);
        assert_eq!(text, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_password_is_prepared_before_it_is_hashed() {
        let keys = |text| derive(&secret(text), 4096, &[1; 16]).unwrap().stored_key;
        // OpaqueString: composed, and every space is U+0020; case stays.
        assert_eq!(keys("cafe\u{301}\u{a0}x"), keys("caf\u{e9} x"));
        assert_ne!(keys("pencil"), keys("Pencil"));
        assert_eq!(derive(&secret(""), 4096, &[1; 16]), Err(PasswordRefused));
        assert_eq!(derive(&secret("a\u{7}"), 4096, &[1; 16]), Err(PasswordRefused));
    }

    #[test]
    fn a_verdict_is_that_of_the_record() {
        let kept = derive(&secret("pen cil"), 4096, &[1; 16]).unwrap();
        for (text, right) in [("pen cil", true), ("pen\u{a0}cil", true), ("pencil", false), ("", false), ("\u{7}", false)] {
            assert_eq!(PasswordWork::new(text, kept.clone()).run().right, right, "{text:?}");
        }
    }
}
