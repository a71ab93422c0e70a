//! `impp-relay init`: everything that a first start needs, and nothing overwritten.

use super::config::{Config, ConfigError, Sample};
use super::selfsigned::{SelfSignedError, self_signed};
use crate::engine::sasl::PasswordRefused;
use crate::model::{Address, AddressError, Credentials, Domain, Secret, UnixMillis};
use crate::store::accounts::{AccountError, Accounts};
use crate::store::sqlite::DATABASE_FILE;
use crate::store::{DomainRecord, OpenError};
use core::fmt;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Letters and digits that are not taken for each other; 32 of them, five bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// The configuration's file name.
pub const CONFIG_FILE: &str = "impp-relay.toml";
const CERTIFICATE_FILE: &str = "fullchain.pem";
const KEY_FILE: &str = "privkey.pem";
const UNIT_FILE: &str = "impp-relay.service";
const SYSTEM_FOLDER: &str = "/etc/impp";
const SYSTEM_DATA: &str = "/var/lib/impp-relay";
const SYSTEM_USER: &str = "impp-relay";

/// What to set up.
pub struct Init<'a> {
    /// The domain whose users live here.
    pub domain: Domain,
    /// The machine's name in DNS, if it is not the domain's.
    pub host: Option<Domain>,
    /// The first user: a name, or an address in the domain.
    pub admin: Option<&'a str>,
    /// Everything goes below it; `None`: /etc/impp and /var/lib/impp-relay.
    pub folder: Option<&'a Path>,
    /// The program, for the systemd unit.
    pub program: &'a Path,
    /// The first user's password; `None`: one is made of `random`.
    pub password: Option<Secret>,
    /// What has to be unguessable is made of it.
    pub random: Random,
    /// Now.
    pub now: UnixMillis,
    /// Hashes a password with so many rounds.
    pub derive: &'a dyn Fn(&Secret, u32) -> Result<Credentials, PasswordRefused>,
}

/// Random octets.
#[derive(Clone, Copy)]
pub struct Random {
    /// For [`password`].
    pub password: [u8; 20],
    /// For [`DomainRecord::decoy_key`].
    pub decoy_key: [u8; 32],
}

/// What was set up, and what is left to do.
#[derive(Debug)]
pub struct Report {
    /// The configuration.
    pub config: PathBuf,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The certificate, signed by itself.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The systemd unit.
    pub unit: PathBuf,
    /// The first user.
    pub admin: Option<Admin>,
    /// Lines for the domain's zone.
    pub dns: Vec<String>,
    /// What to do next, in order: a sentence, and commands for it.
    pub next: Vec<Step>,
}

/// The first user.
#[derive(Debug)]
pub struct Admin {
    /// The account.
    pub address: Address,
    /// The password, if it was made here; known nowhere else.
    pub password: Option<Secret>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What for.
    pub what: &'static str,
    /// What to type; may be empty.
    pub commands: Vec<String>,
}

/// Why nothing was set up. Files made so far were removed again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InitError {
    /// This is there already, and is not overwritten.
    AlreadyThere(PathBuf),
    /// This cannot be written.
    Write {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// The first user's name is none.
    Admin(AddressError),
    /// The first user's password is none.
    Password(PasswordRefused),
    /// The first user's account cannot be.
    Account(AccountError),
    /// The store cannot be opened.
    Store(OpenError),
    /// No certificate could be made.
    Certificate,
    /// The written configuration cannot be read.
    Config(ConfigError),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyThere(path) => write!(
                f,
                "{} is there already; nothing was changed; keep it, or choose another folder with --dir",
                path.display()
            ),
            Self::Write { path, kind: io::ErrorKind::PermissionDenied } => {
                write!(f, "{} cannot be written by this user; run as root, or choose a folder with --dir", path.display())
            }
            Self::Write { path, kind } => write!(f, "{} cannot be written: {kind}", path.display()),
            Self::Admin(error) => write!(f, "the first user: {error}"),
            Self::Password(error) => error.fmt(f),
            Self::Account(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Certificate => SelfSignedError.fmt(f),
            Self::Config(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InitError {}

/// A password for a person: 20 letters and digits in groups of five, 100 bits.
///
/// *Shape:* `mh3vq-7xk2p-w9dcn-4rtae`
#[must_use]
pub fn password(random: &[u8; 20]) -> Secret {
    let letter = |octet: &u8| char::from(ALPHABET.get(usize::from(octet & 31)).copied().unwrap_or(b'a'));
    let groups: Vec<String> = random.chunks(5).map(|group| group.iter().map(letter).collect()).collect();
    Secret::new(groups.join("-"))
}

/// Where everything goes.
struct Places {
    folder: PathBuf,
    config: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    unit: PathBuf,
    data_dir: PathBuf,
    /// As the configuration names it.
    data_name: String,
}

impl Init<'_> {
    /// Sets everything up.
    ///
    /// # Errors
    /// [`InitError`]
    pub fn run(mut self) -> Result<Report, InitError> {
        let places = self.places();
        let admin = self.admin.map(|text| admin_address(text, &self.domain)).transpose().map_err(InitError::Admin)?;
        for path in [&places.config, &places.certificate, &places.key, &places.unit, &places.data_dir.join(DATABASE_FILE)] {
            if path.symlink_metadata().is_ok() {
                return Err(InitError::AlreadyThere(path.clone()));
            }
        }
        let mut made = Made(Vec::new());
        make_folder(&places.folder, 0o755)?;
        make_folder(&places.data_dir, 0o700)?;
        let names: Vec<Domain> =
            std::iter::once(self.domain.clone()).chain(self.host.clone().filter(|host| *host != self.domain)).collect();
        let pair = self_signed(&names, self.now).map_err(|SelfSignedError| InitError::Certificate)?;
        made.file(&places.key, 0o600, pair.key.declassify())?;
        made.file(&places.certificate, 0o644, &pair.certificate)?;
        let sample = Sample { domain: &self.domain, data_dir: &places.data_name, certificate: CERTIFICATE_FILE, key: KEY_FILE };
        made.file(&places.config, 0o644, &Config::sample(&sample))?;
        made.file(&places.unit, 0o644, &self.unit(&places))?;
        let config = Config::load(&places.config).map_err(InitError::Config)?;
        made.store(&places.data_dir);
        let admin = self.first_user(&config, admin)?;
        made.0.clear();
        Ok(Report {
            dns: self.dns(),
            next: self.next(&places, admin.as_ref()),
            admin,
            config: places.config,
            data_dir: places.data_dir,
            certificate: places.certificate,
            key: places.key,
            unit: places.unit,
        })
    }

    fn places(&self) -> Places {
        let folder = self.folder.unwrap_or(Path::new(SYSTEM_FOLDER));
        let data_name = if self.folder.is_some() { "data" } else { SYSTEM_DATA };
        let at = |name: &str| folder.join(name);
        Places {
            config: at(CONFIG_FILE),
            certificate: at(CERTIFICATE_FILE),
            key: at(KEY_FILE),
            unit: at(UNIT_FILE),
            data_dir: at(data_name),
            data_name: data_name.to_owned(),
            folder: folder.to_owned(),
        }
    }

    fn first_user(&mut self, config: &Config, admin: Option<Address>) -> Result<Option<Admin>, InitError> {
        let mut accounts = Accounts::open(&config.data_dir, config.domains.iter().cloned()).map_err(InitError::Store)?;
        let fresh = DomainRecord {
            name: self.domain.clone(),
            decoy_key: self.random.decoy_key,
            iterations: config.auth.scram_iterations,
        };
        let domain = accounts.domain(&fresh).map_err(InitError::Account)?;
        let Some(address) = admin else { return Ok(None) };
        let (secret, made) = match self.password.take() {
            Some(given) => (given, false),
            None => (password(&self.random.password), true),
        };
        let credentials = (self.derive)(&secret, domain.iterations).map_err(InitError::Password)?;
        let address = accounts.add(&address, Some(&credentials), self.now).map_err(InitError::Account)?;
        Ok(Some(Admin { address, password: made.then_some(secret) }))
    }

    fn host(&self) -> &Domain {
        self.host.as_ref().unwrap_or(&self.domain)
    }

    fn dns(&self) -> Vec<String> {
        let line = |service: &str, port: u16| format!("{service}._tcp.{}. 3600 IN SRV 0 0 {port} {}.", self.domain, self.host());
        let both = |role: &str| [line(&format!("_impps-{role}"), 5773), line(&format!("_impp-{role}"), 5772)];
        ["client", "server"].iter().flat_map(|role| both(role)).collect()
    }

    fn unit(&self, places: &Places) -> String {
        let user = if self.folder.is_none() { format!("User={SYSTEM_USER}\nGroup={SYSTEM_USER}\n") } else { String::new() };
        let wanted = if self.folder.is_none() { "multi-user.target" } else { "default.target" };
        let [program, config, data] = [self.program, &places.config, &places.data_dir].map(unit_word);
        format!(
            "[Unit]\n\
             Description=Instant messages and presence for {domain}\n\
             Wants=network-online.target\n\
             After=network-online.target\n\
             \n\
             [Service]\n\
             ExecStart={program} serve --config {config}\n\
             {user}\
             Restart=on-failure\n\
             RestartPreventExitStatus=64 66 78\n\
             LimitNOFILE=65536\n\
             UMask=0077\n\
             NoNewPrivileges=yes\n\
             ProtectSystem=strict\n\
             ReadWritePaths={data}\n\
             PrivateTmp=yes\n\
             PrivateDevices=yes\n\
             ProtectKernelTunables=yes\n\
             ProtectControlGroups=yes\n\
             RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n\
             \n\
             [Install]\n\
             WantedBy={wanted}\n",
            domain = self.domain,
        )
    }

    fn next(&self, places: &Places, admin: Option<&Admin>) -> Vec<Step> {
        let (config, certificate, key) = (shell(&places.config), shell(&places.certificate), shell(&places.key));
        let step = |what, commands: &[String]| Step { what, commands: commands.to_vec() };
        let mut steps = vec![step("Publish the DNS lines, so that clients and other domains find this machine.", &[])];
        if self.folder.is_none() {
            let data = shell(&places.data_dir);
            steps.push(step(
                "Give the relay a user of its own.",
                &[
                    format!("useradd --system --home-dir {data} --shell /usr/sbin/nologin {SYSTEM_USER}"),
                    format!("chown -R {SYSTEM_USER}: {data} {key}"),
                ],
            ));
        }
        if admin.is_none() {
            steps.push(step("Add a user.", &[format!("impp-relay user add --config {config} alice@{} --generate", self.domain)]));
        }
        steps.push(step("Start it, now or with the machine.", &self.start(places)));
        steps.push(step("See whether all is well.", &[format!("impp-relay check config --config {config}")]));
        if let Some(admin) = admin {
            let address = admin.address.to_email();
            let send = format!("impp-send --login {address} --server localhost --ca {certificate} -m hello {address}");
            steps.push(step("Send yourself a message; this certificate has to be named until a real one is there.", &[send]));
        }
        steps.push(Step {
            what: "Get a certificate that clients trust, and put it and its key in the place of these.",
            commands: vec![certificate, key],
        });
        steps
    }

    fn start(&self, places: &Places) -> Vec<String> {
        let (config, unit) = (shell(&places.config), shell(&places.unit));
        let manager = if self.folder.is_none() { "systemctl" } else { "systemctl --user" };
        vec![format!("impp-relay serve --config {config}"), format!("{manager} enable --now {unit}")]
    }
}

/// A bare name is a user of the domain.
fn admin_address(text: &str, domain: &Domain) -> Result<Address, AddressError> {
    match Address::parse(text) {
        Err(AddressError::Form) => Address::new(text, domain),
        parsed => parsed,
    }
}

/// As it can stand in a unit, where percent signs and dollars mean something.
fn unit_word(path: &Path) -> String {
    let text = path.display().to_string().replace('\\', r"\\").replace('"', r#"\""#).replace('%', "%%").replace('$', "$$");
    format!("\"{text}\"")
}

/// As it can be pasted into a shell.
fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'/' | b'.' | b'-' | b'_' | b'+' | b':'));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn make_folder(path: &Path, mode: u32) -> Result<(), InitError> {
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &io::Error) -> InitError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => InitError::AlreadyThere(path.to_owned()),
        kind => InitError::Write { path: path.to_owned(), kind },
    }
}

/// Files made so far; removed again unless all went well.
struct Made(Vec<PathBuf>);

impl Made {
    fn file(&mut self, path: &Path, mode: u32, text: &str) -> Result<(), InitError> {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|error| cannot(path, &error))?;
        self.0.push(path.to_owned());
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| cannot(path, &error))
    }

    fn store(&mut self, folder: &Path) {
        self.0.extend(["", "-wal", "-shm"].map(|suffix| folder.join(format!("{DATABASE_FILE}{suffix}"))));
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::config::check::Finding;
    use std::os::unix::fs::PermissionsExt;

    const NOW: UnixMillis = UnixMillis(1_795_435_200_000);

    fn derive(_: &Secret, iterations: u32) -> Result<Credentials, PasswordRefused> {
        Ok(Credentials { iterations, salt: vec![1; 16], stored_key: [2; 32], server_key: [3; 32] })
    }

    fn plan<'a>(folder: &'a Path, admin: Option<&'a str>) -> Init<'a> {
        let domain = |name| Domain::parse(name).unwrap();
        Init {
            domain: domain("example.org"),
            host: Some(domain("im.example.org")),
            admin,
            folder: Some(folder),
            program: Path::new("/usr/bin/impp-relay"),
            password: None,
            random: Random { password: *b"abcdefghijklmnopqrst", decoy_key: [9; 32] },
            now: NOW,
            derive: &derive,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_site_in_one_folder() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("my site");
        let report = plan(&folder, Some("Ann")).run().unwrap();
        assert_eq!(names(&folder), ["data", "fullchain.pem", "impp-relay.service", "impp-relay.toml", "privkey.pem"]);
        let config = Config::load(&report.config).unwrap();
        assert_eq!(config.check(NOW), [Finding::SelfSigned(report.certificate.clone())]);
        assert_eq!(std::fs::metadata(&report.key).unwrap().permissions().mode() & 0o777, 0o600);

        let admin = report.admin.unwrap();
        assert_eq!(admin.address.to_email(), "ann@example.org");
        assert_eq!(admin.password.unwrap().declassify(), "bcdef-ghijk-mnpqr-stuvw");
        let mut accounts = Accounts::open(&report.data_dir, config.domains).unwrap();
        assert!(accounts.show(&admin.address).unwrap().password);
        let other = DomainRecord { name: Domain::parse("example.org").unwrap(), decoy_key: [0; 32], iterations: 4096 };
        assert_eq!(accounts.domain(&other).unwrap(), DomainRecord { decoy_key: [9; 32], iterations: 10_000, ..other });

        assert_eq!(
            report.dns,
            [
                "_impps-client._tcp.example.org. 3600 IN SRV 0 0 5773 im.example.org.",
                "_impp-client._tcp.example.org. 3600 IN SRV 0 0 5772 im.example.org.",
                "_impps-server._tcp.example.org. 3600 IN SRV 0 0 5773 im.example.org.",
                "_impp-server._tcp.example.org. 3600 IN SRV 0 0 5772 im.example.org.",
            ]
        );
        let quoted = format!("'{}/impp-relay.toml'", folder.display());
        assert_eq!(report.next[1].commands[0], format!("impp-relay serve --config {quoted}"));
        let unit = std::fs::read_to_string(&report.unit).unwrap();
        let start = format!("ExecStart=\"/usr/bin/impp-relay\" serve --config \"{}/impp-relay.toml\"\n", folder.display());
        assert!(unit.contains(&start) && !unit.contains("User="), "{unit}");
    }

    #[test]
    fn a_password_that_was_given_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let given = Init { password: Some(Secret::new("given".into())), ..plan(folder.path(), Some("ann@example.org")) };
        assert!(given.run().unwrap().admin.unwrap().password.is_none());
        let nobody = tempfile::tempdir().unwrap();
        let report = plan(nobody.path(), None).run().unwrap();
        assert!(report.admin.is_none());
        assert!(report.next.iter().any(|step| step.what == "Add a user."));
    }

    #[test]
    fn nothing_is_overwritten() {
        for there in ["impp-relay.toml", "fullchain.pem", "privkey.pem", "impp-relay.service", "data/store.db"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(there);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "mine").unwrap();
            let before = names(folder.path());
            assert_eq!(plan(folder.path(), None).run().unwrap_err(), InitError::AlreadyThere(path.clone()));
            assert_eq!(std::fs::read(&path).unwrap(), b"mine");
            assert_eq!(names(folder.path()), before);
        }
    }

    #[test]
    fn what_fails_halfway_leaves_nothing_behind() {
        for (admin, error) in [
            ("ann@example.com", "example.com is not one of the domains in the configuration"),
            (
                "john smith",
                "\"john smith\"@example.org cannot be the name of a user: letters, digits and most punctuation, but no space and no @",
            ),
            ("*", "the first user: the user part is empty, too long, or has a control character"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(plan(folder.path(), Some(admin)).run().unwrap_err().to_string(), error);
            let files: Vec<String> = names(folder.path()).into_iter().filter(|name| name != "data").collect();
            assert_eq!(files, [""; 0], "{admin}");
            plan(folder.path(), Some("ann")).run().unwrap();
        }
    }

    #[test]
    fn a_site_of_the_system() {
        let folder = tempfile::tempdir().unwrap();
        let init = Init { folder: None, ..plan(folder.path(), None) };
        let places = init.places();
        assert_eq!(places.config, Path::new("/etc/impp/impp-relay.toml"));
        assert_eq!(places.data_dir, Path::new("/var/lib/impp-relay"));
        let unit = init.unit(&places);
        assert!(unit.contains("\nUser=impp-relay\n") && unit.contains("\nReadWritePaths=\"/var/lib/impp-relay\"\n"), "{unit}");
        let next = init.next(&places, None);
        assert_eq!(next[1].commands[1], "chown -R impp-relay: /var/lib/impp-relay /etc/impp/privkey.pem");
    }

    #[test]
    fn passwords_use_every_letter_alike() {
        let mut counts = std::collections::BTreeMap::new();
        for first in 0..=255_u8 {
            *counts.entry(password(&[first; 20]).declassify().chars().next().unwrap()).or_insert(0) += 1;
        }
        assert!(counts.len() == 32 && counts.values().all(|count| *count == 8), "{counts:?}");
    }
}
