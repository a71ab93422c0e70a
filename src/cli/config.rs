//! The configuration `impp.toml`: accounts and aliases, read strictly.

use super::exit::{Exit, Failure, Outcome};
use super::safe;
use crate::model::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No configuration is larger.
const LARGEST: u64 = 1 << 20;

/// A configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[account.NAME]`
    #[serde(default)]
    pub account: BTreeMap<String, AccountTable>,
    /// `[aliases]`: a name for one address or several.
    #[serde(default)]
    pub aliases: BTreeMap<String, Names>,
    /// Where it was read from; relative paths in it are relative to this file.
    #[serde(skip)]
    pub path: Option<PathBuf>,
}

/// One account.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccountTable {
    /// `user@domain`
    pub login: Option<String>,
    /// Log in as nobody.
    #[serde(default)]
    pub anonymous: bool,
    /// `host[:port]`
    pub server: Option<String>,
    /// `address[:port]` of a name server.
    pub resolver: Option<String>,
    /// Trust anchors, DNSKEY records; or `none`.
    pub dnssec_anchor: Option<PathBuf>,
    /// `require`, `starttls` or `off`
    pub tls: Option<TlsWord>,
    /// Do not verify the server.
    #[serde(default)]
    pub insecure: bool,
    /// Trusted certificates, PEM.
    pub ca: Option<PathBuf>,
    /// `sha256:HEX`
    pub pin: Option<String>,
    /// A certificate to log in with, PEM.
    pub client_cert: Option<PathBuf>,
    /// Its key, PEM.
    pub client_key: Option<PathBuf>,
    /// The password itself.
    pub password: Option<Password>,
    /// A file whose first line is the password.
    pub pass_file: Option<PathBuf>,
    /// A command whose first line is the password.
    pub pass_cmd: Option<String>,
    /// The password is in the desktop's keyring.
    #[cfg(feature = "keyring")]
    #[serde(default)]
    pub pass_keyring: bool,
}

/// How TLS begins, as the configuration spells it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsWord {
    /// From the first octet.
    Require,
    /// Plain start, then STARTTLS.
    Starttls,
    /// None.
    Off,
}

/// One address or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Names {
    /// `ops = "ann@example.org"`
    One(String),
    /// `ops = ["ann@example.org", "bob@example.org"]`
    Several(Vec<String>),
}

/// A password in a configuration: never shown, also not in the complaint about a wrong type.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "toml::Value")]
pub struct Password(pub Secret);

impl TryFrom<toml::Value> for Password {
    type Error = &'static str;

    fn try_from(value: toml::Value) -> Result<Self, Self::Error> {
        match value {
            toml::Value::String(text) => Ok(Self(Secret::new(text))),
            _ => Err("the password must be a string"),
        }
    }
}

impl Config {
    /// Reads the file that was named, or the first that exists of the usual ones; none of them is an empty configuration.
    ///
    /// # Errors
    /// 66 if a named file is missing; 78 if one cannot be read, is wrong (with its line), or holds a password that others can read.
    pub fn find(named: Option<&Path>) -> Outcome<Self> {
        if let Some(path) = named {
            return Self::read(path)?.ok_or_else(|| Failure::reading(path, &ErrorKind::NotFound.into()));
        }
        for path in usual_places() {
            if let Some(config) = Self::read(&path)? {
                return Ok(config);
            }
        }
        Ok(Self::default())
    }

    fn read(path: &Path) -> Outcome<Option<Self>> {
        let wrong = |why: String| Failure::new(Exit::Config, format!("cannot read {}: {why}", path.display()));
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(super::exit::reason(&error))),
        };
        let about = file.metadata().map_err(|error| wrong(super::exit::reason(&error)))?;
        let mut text = Zeroizing::new(String::new());
        file.take(LARGEST).read_to_string(&mut text).map_err(|error| wrong(super::exit::reason(&error)))?;
        let mut config = Self::parse(&text, path)?;
        let holds_password = config.account.values().any(|account| account.password.is_some());
        if holds_password && others_can_read(about.mode(), about.uid()) {
            let line = format!("{0} holds a password and others can read it; mend it with: chmod 600 {0}", path.display());
            return Err(Failure::new(Exit::Config, line));
        }
        config.path = Some(path.to_owned());
        Ok(Some(config))
    }

    fn parse(text: &str, path: &Path) -> Outcome<Self> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            // Only the message: the library's own rendering would show the line, and with it perhaps a password.
            let why = safe::line(error.message()).into_owned();
            Failure::new(Exit::Config, format!("{}:{line}: {why}", path.display()))
        })
    }

    /// A path that the configuration names, relative to its own folder.
    #[must_use]
    pub fn beside(&self, path: &Path) -> PathBuf {
        match self.path.as_deref().and_then(Path::parent) {
            Some(folder) => folder.join(path),
            None => path.to_owned(),
        }
    }
}

/// A file of mode 0640 that belongs to root is the administrator's choice of a group; anything else that more
/// than its owner can read is an accident.
fn others_can_read(mode: u32, owner: u32) -> bool {
    let shared = if owner == 0 { 0o007 } else { 0o077 };
    mode & shared != 0
}

fn usual_places() -> Vec<PathBuf> {
    let home = || std::env::var_os("HOME").filter(|value| !value.is_empty()).map(|home| PathBuf::from(home).join(".config"));
    let own = std::env::var_os("XDG_CONFIG_HOME").filter(|value| !value.is_empty()).map(PathBuf::from).or_else(home);
    own.into_iter().map(|folder| folder.join("impp/impp.toml")).chain([PathBuf::from("/etc/impp/impp.toml")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const GOOD: &str = "[account.default]\nlogin = 'alice@example.org'\nserver = 'im1.example.org'\ntls = 'starttls'\npassword = 'geheim'\n\n\
                        [aliases]\nops = ['ann@example.org', 'bob@example.org']\nme = 'alice@example.org'\n";

    fn line_of(text: &str) -> String {
        let failure = Config::parse(text, Path::new("impp.toml")).unwrap_err();
        assert_eq!(failure.exit, Exit::Config);
        failure.line().unwrap().to_owned()
    }

    #[test]
    fn a_sound_file_is_read() {
        let config = Config::parse(GOOD, Path::new("impp.toml")).unwrap();
        let account = &config.account["default"];
        assert_eq!(account.login.as_deref(), Some("alice@example.org"));
        assert_eq!(account.password.as_ref().unwrap().0.declassify(), "geheim");
        assert!(matches!(&config.aliases["ops"], Names::Several(names) if names.len() == 2));
        assert!(!format!("{config:?}").contains("geheim"));
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_line_and_without_its_secrets() {
        assert!(line_of("[account.default]\nlogin = 'a@b'\nlogn = 'a@b'\n").starts_with("impp.toml:3: unknown field `logn`"));
        assert!(line_of("[acount.default]\n").starts_with("impp.toml:1: unknown field `acount`"));
        let number = line_of("[account.default]\npassword = 12345678\n");
        assert!(number.contains("must be a string") && !number.contains("12345678"), "{number}");
        let torn = line_of("[account.default]\nx = 1\npassword = 'geheim\n");
        assert!(torn.starts_with("impp.toml:") && !torn.contains("geheim"), "{torn}");
    }

    #[test]
    fn a_password_that_others_can_read_is_refused() {
        for (mode, owner, refused) in [
            (0o600, 1000, false),
            (0o644, 1000, true),
            (0o640, 1000, true),
            (0o640, 0, false),
            (0o644, 0, true),
            (0o400, 0, false),
        ] {
            assert_eq!(others_can_read(mode, owner), refused, "{mode:o} {owner}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("impp.toml");
        std::fs::write(&path, GOOD).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let failure = Config::find(Some(&path)).unwrap_err();
        assert_eq!(failure.exit, Exit::Config);
        assert!(failure.line().unwrap().contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(Config::find(Some(&path)).unwrap().beside(Path::new("ca.pem")), folder.path().join("ca.pem"));
    }

    #[test]
    fn a_named_file_must_exist() {
        let failure = Config::find(Some(Path::new("/nonexistent/impp.toml"))).unwrap_err();
        assert_eq!(failure.exit, Exit::NoInput);
    }
}
