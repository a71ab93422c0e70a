//! A signed root and a zone below it: served by this process, and by Debian's knot where that is installed.

use super::knot::Knot;
use super::signer::Signer;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// How the zone hangs below the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Signed, and the root says so.
    Signed,
    /// Not signed, and the root says so.
    Unsigned,
    /// Signed, but the root names another key.
    Broken,
}

/// Who signs and serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// This process.
    Ourselves,
    /// knotd.
    Knot,
}

impl By {
    /// Everybody who can do it on this machine; says who that is.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Ourselves];
        if Knot::is_installed() {
            all.push(Self::Knot);
        }
        eprintln!("signed zones are served by: {all:?}");
        all
    }
}

/// The zones, while they are served.
pub struct Signed {
    pub address: SocketAddr,
    anchor: PathBuf,
    _knot: Option<Knot>,
    _dir: Option<tempfile::TempDir>,
}

impl Signed {
    /// Serves a signed root and one zone below it, with these records (names relative to the zone).
    pub fn start(by: By, zone: &str, records: &str, chain: Chain) -> Self {
        match by {
            By::Knot => {
                let knot = Knot::start(zone, records, chain);
                Self { address: knot.address, anchor: knot.anchor(), _knot: Some(knot), _dir: None }
            }
            By::Ourselves => {
                let signer = Signer::start(zone, records, chain);
                let dir = tempfile::tempdir().unwrap();
                let anchor = dir.path().join("anchor");
                std::fs::write(&anchor, signer.anchor).unwrap();
                Self { address: signer.address, anchor, _knot: None, _dir: Some(dir) }
            }
        }
    }

    /// The root's key, as `--dnssec-anchor` takes it.
    pub fn anchor(&self) -> &Path {
        &self.anchor
    }
}
