//! The secret that is shared with another domain, in a file of its own.

use crate::model::Secret;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// No secret is longer.
const LONGEST: u64 = 64 << 10;

/// Why there is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay) enum SecretFault {
    /// The file cannot be read.
    Unreadable(io::ErrorKind),
    /// Its first line is empty, or no text.
    None,
}

/// The first line of the file.
pub(in crate::relay) fn read(path: &Path) -> Result<Secret, SecretFault> {
    let unreadable = |error: io::Error| SecretFault::Unreadable(error.kind());
    let mut octets = zeroize::Zeroizing::new(Vec::new());
    File::open(path).map_err(unreadable)?.take(LONGEST).read_to_end(&mut octets).map_err(unreadable)?;
    let line = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line).ok().filter(|text| !text.is_empty()).ok_or(SecretFault::None)?;
    Ok(Secret::new(text.to_owned()))
}
