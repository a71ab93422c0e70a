//! What a domain keeps instead of a password: the SCRAM-SHA-256 record of RFC 5803.

use core::fmt;

/// Salt, iteration count and the two derived keys. Verifies SCRAM and PLAIN alike; the password cannot be
/// read back from it, yet whoever holds it can pose as the server, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// PBKDF2 rounds; one number for the whole domain.
    pub iterations: u32,
    /// 16 octets.
    pub salt: Vec<u8>,
    /// H(ClientKey).
    pub stored_key: [u8; 32],
    /// ServerKey.
    pub server_key: [u8; 32],
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}
