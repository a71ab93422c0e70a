//! S/MIME by openssl, so that what is signed and encrypted here is so by somebody else's program.

use crate::support::{expect, has, run};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Somebody's certificate and key.
pub(crate) struct Smime {
    dir: tempfile::TempDir,
}

impl Smime {
    /// New ones; `None`, with a word about it, where openssl is not installed.
    pub(crate) fn of(address: &str) -> Option<Self> {
        if !has("openssl") {
            return None;
        }
        let own = Self { dir: tempfile::tempdir().unwrap() };
        let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout key.pem -out cert.pem -subj";
        let alternative = format!("subjectAltName=email:{address}");
        expect(0, own.openssl(words).args([&format!("/CN={address}"), "-addext", &alternative]), b"");
        Some(own)
    }

    fn openssl(&self, words: &str) -> Command {
        let mut command = Command::new("openssl");
        command.current_dir(self.dir.path()).args(words.split(' '));
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A MIME entity, signed, with header lines of its own; lines end in CRLF.
    pub(crate) fn sign(&self, entity: &str) -> Vec<u8> {
        expect(0, &mut self.openssl("cms -sign -signer cert.pem -inkey key.pem -crlfeol"), entity.as_bytes())
    }

    /// The text of what was signed, if it is as it was signed.
    pub(crate) fn verify(&self, message: &[u8]) -> Option<String> {
        let done = run(&mut self.openssl("cms -verify -purpose any -CAfile cert.pem"), message);
        done.status.success().then(|| String::from_utf8(done.stdout).unwrap())
    }

    /// A MIME entity that only the holder of the key can read.
    pub(crate) fn encrypt(&self, entity: &str) -> Vec<u8> {
        expect(0, &mut self.openssl("cms -encrypt -aes256 -crlfeol cert.pem"), entity.as_bytes())
    }

    /// What it says, to the holder of the key.
    pub(crate) fn decrypt(&self, message: &[u8]) -> Option<String> {
        fs::write(self.path("message"), message).unwrap();
        let done = run(&mut self.openssl("cms -decrypt -in message -recip cert.pem -inkey key.pem"), b"");
        done.status.success().then(|| String::from_utf8(done.stdout).unwrap())
    }
}

/// Headers of a message before those of an entity that has some already.
pub(crate) fn message(from: &str, to: &str, entity: &[u8]) -> Vec<u8> {
    let mut message = format!("From: {from}\r\nTo: {to}\r\nSubject: s\r\n").into_bytes();
    message.extend_from_slice(entity);
    message
}
