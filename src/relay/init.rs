//! `impp-relay init`: everything that a first start needs, and nothing overwritten.

use super::config::{Config, ConfigError, Sample};
use super::selfsigned::{SelfSignedError, self_signed};
use crate::engine::sasl::PasswordRefused;
use crate::model::{Address, AddressError, Credentials, Domain, Secret, UnixMillis};
use crate::net::dns::answer::Tlsa;
use crate::net::tls::Pin;
use crate::store::accounts::{AccountError, Accounts};
use crate::store::sqlite::DATABASE_FILE;
use crate::store::{DomainRecord, OpenError};
use core::fmt;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
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
/// The user that a relay of the system runs as.
pub const SYSTEM_USER: &str = "impp-relay";
/// The unit as packages ship it.
const SYSTEM_UNIT: &str = include_str!("../../packaging/systemd/impp-relay.service");
/// What it runs.
const SYSTEM_PROGRAM: &str = "/usr/bin/impp-relay";
/// Where a program goes that lies in somebody's home, into which a service cannot look.
const LOCAL_PROGRAM: &str = "/usr/local/bin/impp-relay";
const HOMES: [&str; 2] = ["/root", "/home"];
/// How long resolvers keep the records.
const TTL: u32 = 3600;

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
    /// To whom key and data go, so that a relay of the system can use them; `None`: they stay with whoever calls.
    pub owner: Option<Owner>,
    /// Whether systemd has a unit for a relay of the system already.
    pub has_unit: bool,
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

/// A user of the machine with their group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user's number.
    pub uid: u32,
    /// The group's.
    pub gid: u32,
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
    /// The systemd unit that was written, unless there was one.
    pub unit: Option<PathBuf>,
    /// What systemd knows the relay by.
    pub service: String,
    /// The first user.
    pub admin: Option<Admin>,
    /// Lines for the domain's zone.
    pub dns: Vec<String>,
    /// Further lines for a zone that is signed with DNSSEC: they vouch for the certificate.
    pub tlsa: Vec<String>,
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
    /// What is to be written, unless systemd has it.
    unit: Option<PathBuf>,
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
        let database = places.data_dir.join(DATABASE_FILE);
        let files = [&places.config, &places.certificate, &places.key].into_iter().chain(&places.unit).chain([&database]);
        if let Some(path) = files.into_iter().find(|path| path.symlink_metadata().is_ok()) {
            return Err(InitError::AlreadyThere(path.clone()));
        }
        let mut made = Made(Vec::new());
        make_folder(&places.folder, 0o755)?;
        make_folder(&places.data_dir, 0o700)?;
        // Before there is anything in it: files of the store go to the folder's owner.
        self.give(&places.data_dir)?;
        let names: Vec<Domain> =
            std::iter::once(self.domain.clone()).chain(self.host.clone().filter(|host| *host != self.domain)).collect();
        let pair = self_signed(&names, self.now).map_err(|SelfSignedError| InitError::Certificate)?;
        made.file(&places.key, 0o600, pair.key.declassify())?;
        self.give(&places.key)?;
        made.file(&places.certificate, 0o644, &pair.certificate)?;
        let sample = Sample { domain: &self.domain, data_dir: &places.data_name, certificate: CERTIFICATE_FILE, key: KEY_FILE };
        made.file(&places.config, 0o644, &Config::sample(&sample))?;
        if let Some(unit) = &places.unit {
            made.file(unit, 0o644, &self.unit(&places))?;
        }
        let config = Config::load(&places.config).map_err(InitError::Config)?;
        made.store(&places.data_dir);
        let admin = self.first_user(&config, admin)?;
        made.0.clear();
        Ok(Report {
            dns: self.dns(),
            tlsa: self.tlsa(&pair.pin),
            next: self.next(&places, admin.as_ref()),
            service: service(&places),
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
            unit: (self.folder.is_some() || !self.has_unit).then(|| at(UNIT_FILE)),
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
        let line = |service: &str, port: u16| format!("{service}._tcp.{}. {TTL} IN SRV 0 0 {port} {}.", self.domain, self.host());
        let both = |role: &str| [line(&format!("_impps-{role}"), 5773), line(&format!("_impp-{role}"), 5772)];
        ["client", "server"].iter().flat_map(|role| both(role)).collect()
    }

    fn tlsa(&self, pin: &Pin) -> Vec<String> {
        let tlsa = Tlsa { usage: 3, selector: 1, matching: 1, data: pin.hash().to_vec() };
        [5773, 5772].iter().map(|port| format!("_{port}._tcp.{}. {TTL} IN TLSA {tlsa}", self.host())).collect()
    }

    fn give(&self, path: &Path) -> Result<(), InitError> {
        self.owner.map_or(Ok(()), |owner| chown(path, Some(owner.uid), Some(owner.gid))).map_err(|error| cannot(path, &error))
    }

    /// The unit for this place: the packages' own, or one that the user's systemd can run.
    fn unit(&self, places: &Places) -> String {
        let [program, config] = [self.installed(), &places.config].map(unit_word);
        if self.folder.is_none() {
            return SYSTEM_UNIT.replace(&format!("={SYSTEM_PROGRAM} "), &format!("={program} "));
        }
        format!(
            "[Unit]\n\
             Description=Instant messages and presence for {domain}\n\
             \n\
             [Service]\n\
             Type=notify\n\
             ExecStart={program} serve --config {config}\n\
             ExecReload={program} reload --config {config}\n\
             Restart=on-failure\n\
             RestartPreventExitStatus=64 66 78\n\
             WatchdogSec=2min\n\
             UMask=0077\n\
             NoNewPrivileges=yes\n\
             \n\
             [Install]\n\
             WantedBy=default.target\n",
            domain = self.domain,
        )
    }

    /// Where the program is when the unit runs it.
    fn installed(&self) -> &Path {
        if self.is_to_be_moved() { Path::new(LOCAL_PROGRAM) } else { self.program }
    }

    /// Whether the program lies where a service of the system cannot see it.
    fn is_to_be_moved(&self) -> bool {
        self.folder.is_none() && !self.has_unit && HOMES.iter().any(|home| self.program.starts_with(home))
    }

    fn next(&self, places: &Places, admin: Option<&Admin>) -> Vec<Step> {
        let (config, certificate, key) = (shell(&places.config), shell(&places.certificate), shell(&places.key));
        let named = if self.folder.is_some() { format!(" --config {config}") } else { String::new() };
        let step = |what, commands: &[String]| Step { what, commands: commands.to_vec() };
        let mut steps = vec![step("Publish the DNS lines, so that clients and other domains find this machine.", &[])];
        if self.is_to_be_moved() {
            steps.push(step(
                "Put the program where a service can see it.",
                &[format!("install -m 755 {} {LOCAL_PROGRAM}", shell(self.program))],
            ));
        }
        if self.folder.is_none() && self.owner.is_none() {
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
            steps.push(step("Add a user.", &[format!("impp-relay user add{named} alice@{} --generate", self.domain)]));
        }
        steps.push(step("Start it, now and with the machine.", &self.start(places)));
        steps.push(step("See whether all is well.", &[format!("impp-relay check config{named}")]));
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
        match self.folder {
            None => vec![format!("systemctl enable --now {}", service(places))],
            Some(_) => vec![
                format!("impp-relay serve --config {}", shell(&places.config)),
                format!("systemctl --user enable --now {}", service(places)),
            ],
        }
    }
}

/// What systemctl is told: a file of ours, or the unit that it has.
fn service(places: &Places) -> String {
    places.unit.as_deref().map_or_else(|| "impp-relay".to_owned(), shell)
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
            owner: None,
            has_unit: true,
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
        let pin = self_signed_pin(&report.certificate);
        assert_eq!(report.tlsa, [5773, 5772].map(|port| format!("_{port}._tcp.im.example.org. 3600 IN TLSA 3 1 1 {pin}")));
        let quoted = format!("'{}/impp-relay.toml'", folder.display());
        assert_eq!(report.next[1].commands[0], format!("impp-relay serve --config {quoted}"));
        let unit = std::fs::read_to_string(report.unit.unwrap()).unwrap();
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

    /// The hash of the key in a certificate, as TLSA records write it.
    fn self_signed_pin(certificate: &Path) -> String {
        let shown = crate::net::tls::files::read_shown(certificate).unwrap();
        shown.pin.unwrap().hash().iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn a_site_of_the_system() {
        let folder = tempfile::tempdir().unwrap();
        let bare = || Init { folder: None, has_unit: false, ..plan(folder.path(), None) };
        let places = bare().places();
        assert_eq!(places.config, Path::new("/etc/impp/impp-relay.toml"));
        assert_eq!(places.data_dir, Path::new("/var/lib/impp-relay"));
        let unit = bare().unit(&places);
        let start = "\nExecStart=\"/usr/bin/impp-relay\" serve --config /etc/impp/impp-relay.toml\n";
        assert!(unit.contains("\nUser=impp-relay\n") && unit.contains(start), "{unit}");
        let commands = |init: &Init<'_>| -> Vec<String> {
            init.next(&init.places(), None).into_iter().flat_map(|step| step.commands).collect()
        };
        assert_eq!(
            commands(&bare())[..5],
            [
                "useradd --system --home-dir /var/lib/impp-relay --shell /usr/sbin/nologin impp-relay",
                "chown -R impp-relay: /var/lib/impp-relay /etc/impp/privkey.pem",
                "impp-relay user add alice@example.org --generate",
                "systemctl enable --now /etc/impp/impp-relay.service",
                "impp-relay check config",
            ]
        );

        // A package made the user, and brought the unit.
        let packaged = Init { owner: Some(Owner { uid: 1, gid: 1 }), has_unit: true, ..bare() };
        assert_eq!(packaged.places().unit, None);
        let typed = commands(&packaged);
        assert_eq!(typed[1], "systemctl enable --now impp-relay");

        // Built in a home, into which the unit cannot look.
        let built = Init { program: Path::new("/home/ann/.cargo/bin/impp-relay"), ..bare() };
        assert!(built.unit(&built.places()).contains("ExecStart=\"/usr/local/bin/impp-relay\" serve"));
        assert_eq!(commands(&built)[0], "install -m 755 /home/ann/.cargo/bin/impp-relay /usr/local/bin/impp-relay");
    }

    /// Whoever runs the tests: what they own already they can give to themselves.
    #[test]
    fn key_and_data_go_to_the_relays_user() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let me = std::fs::metadata(folder.path()).unwrap();
        let (uid, gid) = if me.uid() == 0 { (65534, 65534) } else { (me.uid(), me.gid()) };
        let report = Init { owner: Some(Owner { uid, gid }), ..plan(folder.path(), Some("ann")) }.run().unwrap();
        for path in [&report.key, &report.data_dir, &report.data_dir.join(DATABASE_FILE)] {
            let found = std::fs::metadata(path).unwrap();
            assert_eq!((found.uid(), found.gid()), (uid, gid), "{}", path.display());
        }
        assert_eq!(std::fs::metadata(&report.config).unwrap().uid(), me.uid(), "it may read its configuration, and not write it");
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
