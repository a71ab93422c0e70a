//! Trust anchors: the keys from which on DNSSEC is believed.

use hickory_resolver::proto::dnssec::TrustAnchors;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

/// A file of anchors is never larger than this.
const FILE_OCTETS: u64 = 1 << 20;

/// Keys of the root zone, or of another.
#[derive(Clone)]
pub struct Anchors(pub(super) Arc<TrustAnchors>);

impl fmt::Debug for Anchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Anchors")
    }
}

impl Default for Anchors {
    /// The keys of the root zone as IANA publishes them (those of 2018 and 2024).
    fn default() -> Self {
        Self(Arc::new(TrustAnchors::default()))
    }
}

impl Anchors {
    /// Reads anchors.
    ///
    /// *Shape:* DNSKEY records in the form of a master file, `. 172800 IN DNSKEY 257 3 8 AwEAA..`; of a zone other than the
    /// root all its keys. Comments start with `;`.
    ///
    /// # Errors
    /// If the file cannot be read, or holds anything else or nothing.
    pub fn read(file: &Path) -> Result<Self, AnchorError> {
        let error = |fault| AnchorError { file: file.to_owned(), fault };
        let size = std::fs::metadata(file).map_err(|e| error(AnchorFault::Unreadable(e.kind())))?.len();
        if size > FILE_OCTETS {
            return Err(error(AnchorFault::NotAnchors));
        }
        let text = std::fs::read_to_string(file).map_err(|e| error(AnchorFault::Unreadable(e.kind())))?;
        Self::parse(&text).ok_or_else(|| error(AnchorFault::NotAnchors))
    }

    /// Reads anchors from text; `None` as [`Anchors::read`] says.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // An empty set would make everything bogus; whoever empties the file has something else in mind.
        let found = text.lines().any(|line| line.split(';').next().is_some_and(|line| line.contains("DNSKEY")));
        // The crate's lexer stops at the end of the text without the line's: it must have one.
        let anchors = format!("{}\n", text.trim_end()).parse().ok()?;
        found.then(|| Self(Arc::new(anchors)))
    }
}

/// A file of anchors that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorError {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub fault: AnchorFault,
}

/// Why a file of anchors cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnchorFault {
    /// It cannot be read.
    Unreadable(io::ErrorKind),
    /// It has anything but DNSKEY records, or none.
    NotAnchors,
}

impl fmt::Display for AnchorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            AnchorFault::Unreadable(kind) => write!(f, "cannot read the trust anchors in {}: {kind}", self.file.display()),
            AnchorFault::NotAnchors => {
                write!(f, "{} has no trust anchors: DNSKEY records, one on each line", self.file.display())
            }
        }
    }
}

impl std::error::Error for AnchorError {}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = ". 3600 IN DNSKEY 257 3 13 \
                       mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==";

    #[test]
    fn keys_and_nothing_else() {
        for (text, good) in [
            (KEY.to_owned(), true),
            (format!("; the root\n{KEY}\n\n"), true),
            (KEY.replace(" 3600 IN ", " IN "), true),
            (String::new(), false),
            ("; DNSKEY\n".to_owned(), false),
            (". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D".to_owned(), false),
            (KEY.replace("257", "many"), false),
            ("DNSKEY".to_owned(), false),
        ] {
            assert_eq!(Anchors::parse(&text).is_some(), good, "{text}");
        }
        let nowhere = Anchors::read(Path::new("/nonexistent/root.key")).unwrap_err();
        assert_eq!(nowhere.to_string(), "cannot read the trust anchors in /nonexistent/root.key: entity not found");
    }
}
