//! What a configuration says about the world, held against the world: files, certificates, folders.

use super::secret::{self, SecretFault};
use super::{Config, KeyPair};
use crate::model::{Domain, UnixMillis};
use crate::net::dns::Anchors;
use crate::net::dns::anchors::AnchorFault;
use core::fmt;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Days before the end of a certificate from which it is mentioned.
const SOON_DAYS: u64 = 14;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The relay runs, but perhaps not as meant.
    Warning,
    /// The relay refuses to run.
    Error,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A file or folder that cannot be read or written.
    Unusable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// A file without a PEM certificate.
    NoCertificate(PathBuf),
    /// A file without a PEM private key that can be used without a passphrase.
    NoKey(PathBuf),
    /// A private key or a secret that others can read.
    KeyOpen(PathBuf),
    /// A file whose first line holds no secret.
    NoSecret(PathBuf),
    /// A file without DNSKEY records.
    NoAnchors(PathBuf),
    /// Key and certificate are not of one pair.
    KeyMismatch(KeyPair),
    /// A certificate that does not name a domain it is used for.
    NameMissing {
        /// Which.
        certificate: PathBuf,
        /// The domain.
        domain: Domain,
    },
    /// A certificate whose time is not now.
    NotValid {
        /// Which.
        certificate: PathBuf,
        /// From.
        from: UnixMillis,
        /// Until.
        until: UnixMillis,
    },
    /// A certificate that ends soon.
    EndsSoon {
        /// Which.
        certificate: PathBuf,
        /// Whole days.
        days: u64,
    },
    /// A certificate that no client trusts by itself.
    SelfSigned(PathBuf),
    /// The data folder does not exist.
    NoDataDir(PathBuf),
    /// The data folder is no folder.
    NotAFolder(PathBuf),
    /// Others can look into the data folder.
    DataDirOpen(PathBuf),
    /// One address is to be listened on twice.
    AddressTwice(SocketAddr),
    /// TLS is not required, and not only this machine can connect.
    ClearText,
    /// No way to log in is left.
    NobodyCanLogIn,
}

impl Finding {
    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Unusable { .. }
            | Self::NoCertificate(_)
            | Self::NoKey(_)
            | Self::KeyOpen(_)
            | Self::NoSecret(_)
            | Self::NoAnchors(_)
            | Self::KeyMismatch(_)
            | Self::NotAFolder(_)
            | Self::AddressTwice(_) => Severity::Error,
            // An expired or foreign certificate does not stop a server that is restarted: clients decide.
            Self::NameMissing { .. }
            | Self::NotValid { .. }
            | Self::EndsSoon { .. }
            | Self::SelfSigned(_)
            | Self::NoDataDir(_)
            | Self::DataDirOpen(_)
            | Self::ClearText
            | Self::NobodyCanLogIn => Severity::Warning,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable { path, kind: io::ErrorKind::NotFound } => {
                write!(f, "{} is named in the configuration, but there is no such file", path.display())
            }
            Self::Unusable { path, kind } => write!(f, "{} cannot be used: {kind}", path.display()),
            Self::NoCertificate(path) => write!(f, "{} holds no certificate in PEM", path.display()),
            Self::NoKey(path) => {
                write!(f, "{} holds no private key in PEM that can be used without a passphrase", path.display())
            }
            Self::KeyOpen(path) => write!(f, "{0} can be read by everyone; run: chmod 600 {0}", path.display()),
            Self::NoSecret(path) => write!(f, "{} must have a secret alone on its first line", path.display()),
            Self::NoAnchors(path) => write!(f, "{} must hold DNSKEY records, and nothing else", path.display()),
            Self::KeyMismatch(pair) => {
                write!(f, "{} is not the key of the certificate in {}", pair.key.display(), pair.certificate.display())
            }
            Self::NameMissing { certificate, domain } => {
                write!(f, "{} does not name {domain}; clients of that domain will refuse it", certificate.display())
            }
            Self::NotValid { certificate, from, until } => {
                let (from, until) = (from.to_rfc3339(), until.to_rfc3339());
                write!(f, "{} is valid from {from} until {until}, which is not now", certificate.display())
            }
            Self::EndsSoon { certificate, days } => write!(f, "{} is valid for {days} more days only", certificate.display()),
            Self::SelfSigned(path) => {
                write!(f, "{0} is signed by itself: clients refuse it unless they are given it with --ca {0}", path.display())
            }
            Self::NoDataDir(path) => write!(f, "{} does not exist; serve will make it", path.display()),
            Self::NotAFolder(path) => write!(f, "{} is not a folder; data-dir must name one", path.display()),
            Self::DataDirOpen(path) => write!(f, "others can look into {0}; run: chmod 700 {0}", path.display()),
            Self::AddressTwice(address) => write!(f, "{address} is listed twice in [listen]"),
            Self::ClearText => f.write_str("tls.required is false: messages may travel in the clear"),
            Self::NobodyCanLogIn => f.write_str("auth.mechanisms leaves no way to log in"),
        }
    }
}

impl Config {
    /// Holds the configuration against the world, changing nothing. Empty: all is well.
    #[must_use]
    pub fn check(&self, now: UnixMillis) -> Vec<Finding> {
        let mut findings = self.certificates(now);
        if let Some(path) = &self.tls.client_ca {
            findings.extend(certificates(path).err());
        }
        findings.extend(self.others());
        findings.extend(data_dir(&self.data_dir));
        findings.extend(self.listeners());
        let external_only = self.auth.mechanisms.iter().all(|name| *name == "EXTERNAL");
        if external_only && (self.tls.client_ca.is_none() || self.auth.mechanisms.is_empty()) && !self.auth.anonymous {
            findings.push(Finding::NobodyCanLogIn);
        }
        findings
    }

    fn certificates(&self, now: UnixMillis) -> Vec<Finding> {
        let mut used: BTreeMap<(&Path, &Path), (&KeyPair, Vec<&Domain>)> = BTreeMap::new();
        for domain in &self.domains {
            if let Some(pair) = self.key_pair(domain) {
                used.entry((&pair.certificate, &pair.key)).or_insert((pair, Vec::new())).1.push(domain);
            }
        }
        used.into_values().flat_map(|(pair, domains)| key_pair(pair, &domains, now)).collect()
    }

    /// What other domains are judged by.
    fn others(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(path) = &self.interdomain.ca {
            findings.extend(certificates(path).err());
        }
        if let Some(path) = &self.dns.trust_anchor {
            findings.extend(Anchors::read(path).err().map(|error| match error.fault {
                AnchorFault::Unreadable(kind) => Finding::Unusable { path: path.clone(), kind },
                _ => Finding::NoAnchors(path.clone()),
            }));
        }
        for path in self.interdomain.peers.iter().filter_map(|peer| peer.secret_file.as_deref()) {
            findings.extend(secret::read(path).err().map(|fault| match fault {
                SecretFault::Unreadable(kind) => Finding::Unusable { path: path.to_owned(), kind },
                SecretFault::None => Finding::NoSecret(path.to_owned()),
            }));
            findings.extend(open_to_all(path));
        }
        findings
    }

    fn listeners(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut known = Vec::new();
        for address in self.listen.plain.iter().chain(&self.listen.tls).chain(&self.listen.http) {
            if address.port() != 0 && known.contains(address) {
                findings.push(Finding::AddressTwice(*address));
            }
            known.push(*address);
        }
        if !self.tls.required && self.listen.plain.iter().any(|address| !address.ip().is_loopback()) {
            findings.push(Finding::ClearText);
        }
        findings
    }
}

fn key_pair(pair: &KeyPair, domains: &[&Domain], now: UnixMillis) -> Vec<Finding> {
    let mut findings = Vec::new();
    let chain = certificates(&pair.certificate).map_err(|finding| findings.push(finding)).ok();
    let key = private_key(&pair.key).map_err(|finding| findings.push(finding)).ok();
    findings.extend(open_to_all(&pair.key));
    let Some(chain) = chain else { return findings };
    if let Some(leaf) = chain.first() {
        findings.extend(leaf_findings(&pair.certificate, leaf, domains, now));
    }
    if let Some(key) = key {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        match CertifiedKey::from_der(chain, key, &provider) {
            Ok(_) => {}
            Err(rustls::Error::InconsistentKeys(_)) => findings.push(Finding::KeyMismatch(pair.clone())),
            Err(_) => findings.push(Finding::NoKey(pair.key.clone())),
        }
    }
    findings
}

fn open_to_all(path: &Path) -> Option<Finding> {
    let open = std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o007 != 0);
    open.then(|| Finding::KeyOpen(path.to_owned()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Finding> {
    let text = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| Finding::NoCertificate(path.to_owned()))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Finding> {
    let text = zeroize::Zeroizing::new(read(path)?);
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| Finding::NoKey(path.to_owned()))
}

fn read(path: &Path) -> Result<Vec<u8>, Finding> {
    std::fs::read(path).map_err(|error| Finding::Unusable { path: path.to_owned(), kind: error.kind() })
}

fn leaf_findings(path: &Path, leaf: &CertificateDer<'_>, domains: &[&Domain], now: UnixMillis) -> Vec<Finding> {
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(leaf) else {
        return vec![Finding::NoCertificate(path.to_owned())];
    };
    let mut findings = Vec::new();
    let verifier = webpki::EndEntityCert::try_from(leaf).ok();
    for domain in domains {
        let name = rustls::pki_types::ServerName::try_from(domain.as_str()).ok();
        let named = verifier.as_ref().zip(name).is_some_and(|(leaf, name)| leaf.verify_is_valid_for_subject_name(&name).is_ok());
        if !named {
            findings.push(Finding::NameMissing { certificate: path.to_owned(), domain: (*domain).clone() });
        }
    }
    let millis =
        |time: x509_parser::time::ASN1Time| UnixMillis(u64::try_from(time.timestamp()).unwrap_or(0).saturating_mul(1000));
    let (from, until) = (millis(parsed.validity().not_before), millis(parsed.validity().not_after));
    let days = until.since(now).as_secs() / 86_400;
    if now < from || now >= until {
        findings.push(Finding::NotValid { certificate: path.to_owned(), from, until });
    } else if days < SOON_DAYS {
        findings.push(Finding::EndsSoon { certificate: path.to_owned(), days });
    }
    if parsed.issuer() == parsed.subject() {
        findings.push(Finding::SelfSigned(path.to_owned()));
    }
    findings
}

fn data_dir(path: &Path) -> Vec<Finding> {
    let unusable = |error: &io::Error| vec![Finding::Unusable { path: path.to_owned(), kind: error.kind() }];
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return vec![Finding::NoDataDir(path.to_owned())],
        Err(error) => return unusable(&error),
    };
    if !found.is_dir() {
        return vec![Finding::NotAFolder(path.to_owned())];
    }
    // Only making a file tells whether one can be made.
    let probe = path.join(format!("check-{}.tmp", std::process::id()));
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&probe);
    let mut findings = match made.and_then(|_| std::fs::remove_file(&probe)) {
        Ok(()) => Vec::new(),
        Err(error) => unusable(&error),
    };
    if found.permissions().mode() & 0o077 != 0 {
        findings.push(Finding::DataDirOpen(path.to_owned()));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::config::Peer;
    use crate::relay::selfsigned::self_signed;
    use std::fs::{self, Permissions};

    const NOW: UnixMillis = UnixMillis(1_795_435_200_000);
    const DAY: u64 = 86_400_000;

    struct Site {
        folder: tempfile::TempDir,
        config: Config,
    }

    impl Site {
        /// All is well here, but for the certificate's being signed by itself.
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let text = "domains = [\"example.org\"]\ndata-dir = \"data\"\ntls.certificate = \"c.pem\"\ntls.key = \"k.pem\"\n";
            let config = Config::parse(&folder.path().join("impp-relay.toml"), text).unwrap();
            let site = Self { folder, config };
            site.pair(&["example.org"], NOW);
            fs::create_dir(site.at("data")).unwrap();
            site.mode("data", 0o700);
            site
        }

        fn at(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn mode(&self, name: &str, mode: u32) {
            fs::set_permissions(self.at(name), Permissions::from_mode(mode)).unwrap();
        }

        fn pair(&self, names: &[&str], now: UnixMillis) {
            let names: Vec<Domain> = names.iter().map(|name| Domain::parse(name).unwrap()).collect();
            let pair = self_signed(&names, now).unwrap();
            fs::write(self.at("c.pem"), pair.certificate).unwrap();
            fs::write(self.at("k.pem"), pair.key.declassify()).unwrap();
            self.mode("k.pem", 0o600);
        }

        /// A peer with this content of its secret file.
        fn peer(&mut self, secret: &str, mode: u32) {
            fs::write(self.at("s"), secret).unwrap();
            self.mode("s", mode);
            let domain = Domain::parse("lab.internal").unwrap();
            let secret_file = Some(self.at("s"));
            self.config.interdomain.peers = vec![Peer { domain, server: None, secret_file, pin: None, insecure: false }];
        }

        /// The findings in words, without the folder and without the one about self-signing.
        fn found(&self) -> Vec<String> {
            let folder = format!("{}/", self.folder.path().display());
            let findings = self.config.check(NOW).into_iter().filter(|finding| !matches!(finding, Finding::SelfSigned(_)));
            findings.map(|finding| format!("{:?}: {finding}", finding.severity()).replace(&folder, "")).collect()
        }
    }

    #[test]
    fn nothing_to_say_where_all_is_well() {
        let site = Site::new();
        assert_eq!(site.found(), [""; 0]);
        assert_eq!(site.config.check(NOW), [Finding::SelfSigned(site.at("c.pem"))]);
        assert_eq!(fs::read_dir(site.at("data")).unwrap().count(), 0);
    }

    #[test]
    fn each_finding_says_what_and_what_to_do() {
        type Spoil = fn(&mut Site);
        let rows: &[(Spoil, &[&str])] = &[
            (|site| site.mode("k.pem", 0o604), &["Error: k.pem can be read by everyone; run: chmod 600 k.pem"]),
            (|site| site.mode("k.pem", 0o640), &[]),
            (
                |site| fs::remove_file(site.at("c.pem")).unwrap(),
                &["Error: c.pem is named in the configuration, but there is no such file"],
            ),
            (|site| fs::write(site.at("c.pem"), "x").unwrap(), &["Error: c.pem holds no certificate in PEM"]),
            (
                |site| fs::write(site.at("k.pem"), "x").unwrap(),
                &["Error: k.pem holds no private key in PEM that can be used without a passphrase"],
            ),
            (
                |site| fs::write(site.at("k.pem"), fs::read(site.at("c.pem")).unwrap()).unwrap(),
                &["Error: k.pem holds no private key in PEM that can be used without a passphrase"],
            ),
            (
                |site| {
                    let certificate = fs::read(site.at("c.pem")).unwrap();
                    site.pair(&["example.org"], NOW);
                    fs::write(site.at("c.pem"), certificate).unwrap();
                },
                &["Error: k.pem is not the key of the certificate in c.pem"],
            ),
            (
                |site| site.pair(&["example.net", "im.example.org"], NOW),
                &["Warning: c.pem does not name example.org; clients of that domain will refuse it"],
            ),
            (
                |site| site.pair(&["example.org"], UnixMillis(NOW.0 - 825 * DAY)),
                &["Warning: c.pem is valid from 2024-08-19T12:00:00Z until 2026-11-23T12:00:00Z, which is not now"],
            ),
            (
                |site| site.pair(&["example.org"], UnixMillis(NOW.0 - 816 * DAY)),
                &["Warning: c.pem is valid for 9 more days only"],
            ),
            (
                |site| site.pair(&["example.org"], UnixMillis(NOW.0 + 2 * DAY)),
                &["Warning: c.pem is valid from 2026-11-24T12:00:00Z until 2029-02-27T12:00:00Z, which is not now"],
            ),
            (
                |site| site.config.tls.client_ca = Some(site.at("users.pem")),
                &["Error: users.pem is named in the configuration, but there is no such file"],
            ),
            (
                |site| site.config.interdomain.ca = Some(site.at("others.pem")),
                &["Error: others.pem is named in the configuration, but there is no such file"],
            ),
            (
                |site| {
                    fs::write(site.at("root.key"), "no keys").unwrap();
                    site.config.dns.trust_anchor = Some(site.at("root.key"));
                },
                &["Error: root.key must hold DNSKEY records, and nothing else"],
            ),
            (|site| site.peer("between us\n", 0o600), &[]),
            (|site| site.peer("between us\n", 0o644), &["Error: s can be read by everyone; run: chmod 600 s"]),
            (|site| site.peer("\nbetween us\n", 0o600), &["Error: s must have a secret alone on its first line"]),
            (|site| fs::remove_dir(site.at("data")).unwrap(), &["Warning: data does not exist; serve will make it"]),
            (|site| site.mode("data", 0o750), &["Warning: others can look into data; run: chmod 700 data"]),
            (|site| site.config.data_dir = site.at("c.pem"), &["Error: c.pem is not a folder; data-dir must name one"]),
            (
                |site| site.config.listen.plain = vec!["[::]:5773".parse().unwrap()],
                &["Error: [::]:5773 is listed twice in [listen]"],
            ),
            (|site| site.config.tls.required = false, &["Warning: tls.required is false: messages may travel in the clear"]),
            (|site| site.config.auth.mechanisms.clear(), &["Warning: auth.mechanisms leaves no way to log in"]),
            (|site| site.config.auth.mechanisms = vec!["EXTERNAL"], &["Warning: auth.mechanisms leaves no way to log in"]),
        ];
        for (at, (spoil, expected)) in rows.iter().enumerate() {
            let mut site = Site::new();
            spoil(&mut site);
            assert_eq!(site.found(), *expected, "row {at}");
        }
    }
}
