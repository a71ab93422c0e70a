//! A real signed root and a zone below it, served by Debian's knot.

use super::signed::Chain;
use super::{PATIENCE, has};
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// knotd, in a folder of its own, until it is dropped.
pub struct Knot {
    dir: tempfile::TempDir,
    child: Child,
    pub address: SocketAddr,
}

impl Knot {
    /// Whether knot is installed; says so if not.
    pub fn is_installed() -> bool {
        has("knotd") && has("keymgr") && has("kdig")
    }

    /// Serves a signed root and one zone below it, with these records (names relative to the zone).
    pub fn start(zone: &str, records: &str, chain: Chain) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let soa = "@ 60 SOA ns hostmaster 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 127.0.0.1\n";
        fs::write(path("child.zone"), format!("$TTL 60\n{soa}{records}")).unwrap();
        // The root must know the child's key before it is signed, so that nothing has to be signed again.
        let root = |ds: &str| {
            let soa = ". 60 SOA ns. hostmaster. 1 3600 600 86400 60\n. 60 NS ns.\nns. 60 A 127.0.0.1\n";
            format!("$TTL 60\n{soa}{zone}. 60 NS ns.{zone}.\nns.{zone}. 60 A 127.0.0.1\n{ds}")
        };
        fs::write(path("root.zone"), root("")).unwrap();
        fs::create_dir(path("run")).unwrap();
        fs::create_dir(path("db")).unwrap();
        let signed = if chain == Chain::Unsigned { "" } else { "    dnssec-signing: on\n    dnssec-policy: p\n" };
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "server:\n    rundir: {0}/run\n    listen: 127.0.0.1@{port}\n    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n\
             database:\n    storage: {0}/db\n\
             log:\n  - target: stderr\n    any: warning\n\
             policy:\n  - id: p\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n\
             template:\n  - id: default\n    storage: {0}\n    zonefile-sync: -1\n    zonefile-load: difference-no-serial\n    journal-content: all\n\
             zone:\n  - domain: .\n    file: root.zone\n    dnssec-signing: on\n    dnssec-policy: p\n\
             \x20 - domain: {zone}\n    file: child.zone\n{signed}",
            dir.path().display()
        );
        fs::write(path("knot.conf"), config).unwrap();
        let keymgr = |args: &[&str]| {
            let done = Command::new("keymgr").arg("-c").arg(path("knot.conf")).args(args).output().unwrap();
            assert!(done.status.success(), "keymgr {args:?}: {}", String::from_utf8_lossy(&done.stderr));
            String::from_utf8(done.stdout).unwrap()
        };
        let keys = |zone: &str| keymgr(&[zone, "generate", "algorithm=ecdsap256sha256", "ksk=yes", "zsk=yes"]);
        keys(".");
        if chain != Chain::Unsigned {
            keys(zone);
            let mut ds = keymgr(&[zone, "ds"]).lines().next().unwrap().to_owned();
            if chain == Chain::Broken {
                let last = if ds.ends_with('0') { "1" } else { "0" };
                ds.replace_range(ds.len() - 1.., last);
            }
            fs::write(path("root.zone"), root(&format!("{ds}\n"))).unwrap();
        }
        let anchor = keymgr(&[".", "dnskey"]);
        let anchor: String = anchor.lines().map(|line| line.replacen(". DNSKEY", ". 60 IN DNSKEY", 1) + "\n").collect();
        fs::write(path("anchor"), anchor).unwrap();
        let child = Command::new("knotd")
            .arg("-c")
            .arg(path("knot.conf"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(path("log")).unwrap())
            .spawn()
            .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut knot = Self { dir, child, address };
        // A port that is free for UDP is most likely free for TCP; if not, knotd ends, and another is tried.
        if knot.is_ready(zone, chain) { knot } else { Self::start(zone, records, chain) }
    }

    /// The root's key, as `--dnssec-anchor` takes it.
    pub fn anchor(&self) -> PathBuf {
        self.dir.path().join("anchor")
    }

    /// Waits until both zones are served and signed; false if knotd ended.
    fn is_ready(&mut self, zone: &str, chain: Chain) -> bool {
        let begun = Instant::now();
        loop {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            let signed = |name: &str| {
                let port = self.address.port().to_string();
                let args = ["@127.0.0.1", "-p", &port, "+dnssec", "+short", "+timeout=1", "+retry=0", name, "SOA"];
                let done = Command::new("kdig").args(args).output().unwrap();
                let text = String::from_utf8_lossy(&done.stdout).into_owned();
                (!text.trim().is_empty(), text.contains("SOA 13"))
            };
            if signed(".").1 && (signed(zone).1 || (chain == Chain::Unsigned && signed(zone).0)) {
                return true;
            }
            let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "knotd is not ready:\n{log}");
        }
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- knotd:\n{}", fs::read_to_string(self.dir.path().join("log")).unwrap_or_default());
        }
    }
}
