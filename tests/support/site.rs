//! A relay as a process, with users and accounts, in a folder of its own.

use super::said::Said;
use super::tool::signal;
use super::{DOMAIN, Wire, bare, program};
use impp::engine::sasl;
use impp::model::{Domain, Secret};
use impp::net::Clock;
use impp::store::accounts::Accounts;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A folder with a configuration, a certificate, a store and accounts, and perhaps a relay that runs on it.
///
/// Passwords are `NAME's secret`; every user has a section `[account.NAME]` in `impp.toml`.
pub struct Site {
    pub domain: String,
    dir: tempfile::TempDir,
    relay: Option<Running>,
    extra: String,
    users: Vec<String>,
    last_log: String,
    pub plain: SocketAddr,
    pub tls: SocketAddr,
}

struct Running {
    child: Child,
    log: Said,
}

/// Lines of `extra` that belong into `[listen]`.
const LISTEN_KEYS: [&str; 2] = ["http = ", "control-mode = "];

impl Site {
    /// A running relay with these users.
    pub fn with_users(users: &[&str]) -> Self {
        Self::with("", users)
    }

    /// The same, with more lines of configuration.
    pub fn with(extra: &str, users: &[&str]) -> Self {
        let mut site = Self::prepared(extra, users);
        site.start();
        site
    }

    /// The same, with the relay yet to be started.
    pub fn prepared(extra: &str, users: &[&str]) -> Self {
        Self::of(DOMAIN, extra, users)
    }

    /// The same for another domain.
    pub fn of(domain: &str, extra: &str, users: &[&str]) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let extra = extra.to_owned();
        let mut site = Self {
            domain: domain.to_owned(),
            dir: tempfile::tempdir().unwrap(),
            relay: None,
            extra,
            users: Vec::new(),
            last_log: String::new(),
            plain: any,
            tls: any,
        };
        site.new_certificate();
        site.write_config();
        for user in users {
            site.add_user(user);
        }
        site
    }

    /// A new key and a new self-signed certificate, in the same files.
    pub fn new_certificate(&self) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![self.domain.clone(), "localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        // Replaced as a careful administrator would: no reader ever sees half a file.
        private(&self.path("key.new"), &key.serialize_pem());
        fs::write(self.path("cert.new"), certificate).unwrap();
        fs::rename(self.path("key.new"), self.path("key.pem")).unwrap();
        fs::rename(self.path("cert.new"), self.path("cert.pem")).unwrap();
    }

    fn write_config(&self) {
        let (domain, plain, tls) = (&self.domain, self.plain, self.tls);
        // A section can be written once only.
        let (listen, extra): (Vec<&str>, Vec<&str>) =
            self.extra.lines().partition(|line| LISTEN_KEYS.iter().any(|key| line.starts_with(key)));
        let (first, extra): (Vec<&str>, Vec<&str>) = extra.iter().partition(|line| line.starts_with("services = "));
        let (first, listen, extra) = (first.join("\n"), listen.join("\n"), extra.join("\n"));
        let log = if extra.contains("[log]") { "" } else { "[log]\nlevel = \"debug\"\nformat = \"json\"\n" };
        let config = format!(
            "domains = [\"{domain}\"]\ndata-dir = \"data\"\n\
             {first}\n[listen]\nplain = [\"{plain}\"]\ntls = [\"{tls}\"]\n{listen}\n\
             {log}{extra}\n"
        );
        let tls = if extra.contains("[tls]") { "" } else { "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n" };
        fs::write(self.path("impp-relay.toml"), config + tls).unwrap();
    }

    /// Adds a user with the real command.
    pub fn add_user(&mut self, user: &str) {
        let file = self.path(&format!("{user}.pass"));
        private(&file, &format!("{user}'s secret\n"));
        self.administer(&["user", "add", &self.at(user), "--pass-file", file.to_str().unwrap()]);
        self.users.push(user.to_owned());
        self.write_accounts();
    }

    /// Adds many users who never log in; the store is asked directly, since a process for each would take its time.
    pub fn add_silent_users(&self, users: &[String]) {
        let mut accounts = Accounts::open(&self.path("data"), [Domain::parse(&self.domain).unwrap()]).unwrap();
        for user in users {
            accounts.add(&self.at(user).parse().unwrap(), None, Clock::now().unix).unwrap();
        }
    }

    /// Adds many users at once, without a process for each; they are not in `impp.toml`.
    pub fn add_many_users(&self, users: &[String]) {
        let mut accounts = Accounts::open(&self.path("data"), [Domain::parse(&self.domain).unwrap()]).unwrap();
        for user in users {
            let secret = Secret::new(format!("{user}'s secret"));
            let record = sasl::derive(&secret, 10_000, &user.repeat(16).as_bytes()[..16]).unwrap();
            accounts.add(&self.at(user).parse().unwrap(), Some(&record), Clock::now().unix).unwrap();
        }
    }

    fn write_accounts(&self) {
        let mut text = String::new();
        for user in &self.users {
            let (ca, pass) = (self.path("cert.pem"), self.path(&format!("{user}.pass")));
            let _ = write!(
                text,
                "[account.{user}]\nlogin = \"{user}@{}\"\nserver = \"{}\"\nca = {ca:?}\npass-file = {pass:?}\n",
                self.domain, self.tls
            );
        }
        private(&self.path("impp.toml"), &text);
    }

    /// Runs `impp-relay` with this site's configuration, and insists that it succeeds.
    #[track_caller]
    pub fn administer(&self, args: &[&str]) -> String {
        super::expect_text(0, &mut self.relay_command(args), "")
    }

    /// `impp-relay` with this site's configuration.
    pub fn relay_command(&self, args: &[&str]) -> Command {
        let mut command = bare(program("impp-relay"));
        command.args(args).arg("-c").arg(self.path("impp-relay.toml"));
        command
    }

    /// A tool with `-a ACCOUNT`.
    pub fn tool(&self, name: &str, account: &str) -> Command {
        let mut command = bare(program(name));
        command.env("IMPP_CONFIG", self.path("impp.toml")).arg("-a").arg(account);
        command
    }

    /// `name@` this site's domain.
    pub fn at(&self, name: &str) -> String {
        format!("{name}@{}", self.domain)
    }

    /// A file of the site.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file of the site.
    pub fn write(&self, name: &str, octets: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, octets).unwrap();
        path
    }

    /// Starts the relay and waits until both ports accept.
    pub fn start(&mut self) {
        let command = self.relay_command(&["serve"]);
        self.start_as(command);
    }

    /// Starts it with the configuration as the test has left it, which names ports by now.
    pub fn start_again(&mut self) {
        let command = self.relay_command(&["serve"]);
        self.run(command);
    }

    /// Starts the relay by a command of the test's own.
    pub fn start_as(&mut self, command: Command) {
        self.run(command);
        // From now on the ports are known, and a restarted relay takes them again.
        self.write_config();
        self.write_accounts();
    }

    fn run(&mut self, mut command: Command) {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Said::listen(child.stderr.take().unwrap());
        let line = log.find(|text| {
            text.split_inclusive('\n').find(|line| line.contains("relay is ready") && line.ends_with('\n')).map(str::to_owned)
        });
        let Some(line) = line else {
            let _ = child.kill();
            panic!("the relay did not start:\n{}", log.text());
        };
        (self.plain, self.tls) = (address(&line, "plain"), address(&line, "tls"));
        self.relay = Some(Running { child, log });
    }

    /// Kills the relay without a chance to tidy up.
    pub fn kill(&mut self) {
        let mut relay = self.relay.take().unwrap();
        relay.child.kill().unwrap();
        relay.child.wait().unwrap();
        self.last_log = relay.log.all();
    }

    /// Asks the relay to stop; true if it said good-bye with status 0.
    pub fn stop(&mut self) -> bool {
        signal(self.pid(), "TERM");
        self.stopped()
    }

    /// Waits for the end of a relay that was asked to stop; true if that was with status 0.
    pub fn stopped(&mut self) -> bool {
        let mut relay = self.relay.take().unwrap();
        let status = relay.child.wait().unwrap();
        self.last_log = relay.log.all();
        status.success()
    }

    /// What the relay had logged when it was stopped or killed.
    pub fn last_log(&self) -> &str {
        &self.last_log
    }

    /// What the relay has logged since it was started.
    pub fn log(&self) -> &Said {
        &self.relay.as_ref().unwrap().log
    }

    /// Waits until the relay, since it was started, has let this user in so often.
    pub fn wait_for_logins(&self, user: &str, times: usize) {
        let by = format!("\"impp://{}/{user}\"", self.domain);
        let found = self.log().find(|text| {
            let logins = text.lines().filter(|line| line.contains("\"authenticated\"") && line.contains(&by));
            (logins.count() >= times).then_some(())
        });
        assert!(found.is_some(), "{user} logged in less than {times} times:\n{}", self.log().text());
    }

    /// The relay's process.
    pub fn pid(&self) -> u32 {
        self.relay.as_ref().unwrap().child.id()
    }

    /// A connection of the test's own to the TLS port.
    pub fn wire(&self) -> Wire {
        Wire::certified(self.tls, &self.path("cert.pem"), &self.domain, None)
    }

    /// The same to the port without TLS at the start.
    pub fn plain_wire(&self) -> Wire {
        Wire::plain(self.plain)
    }

    /// The same to the TLS port, logged in.
    pub fn logged_in(&self, user: &str, connection: &str, hello: &str) -> Wire {
        self.wire().login(user, connection, hello)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut relay) = self.relay.take() {
            let _ = relay.child.kill();
            let _ = relay.child.wait();
            if std::thread::panicking() {
                eprintln!("--- the relay's log:\n{}", relay.log.text());
            }
        }
    }
}

/// Writes a file that nobody else can read.
pub fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// `"plain":"[127.0.0.1:1234]"` in a line of the log, or `plain=[127.0.0.1:1234]`.
pub fn address(line: &str, name: &str) -> SocketAddr {
    let keys = [format!("\"{name}\":\"["), format!("{name}=[")];
    let start = keys.iter().find_map(|key| line.find(key.as_str()).map(|at| at + key.len()));
    let start = start.unwrap_or_else(|| panic!("no {name} in {line}"));
    line[start..].split([',', ']']).next().unwrap().parse().unwrap()
}
