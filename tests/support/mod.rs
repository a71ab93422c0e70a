//! A relay as a process, with users and accounts, for tests that run the programs themselves.
#![allow(dead_code, reason = "each test crate uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, clippy::print_stderr, reason = "tests")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The domain of every test relay.
pub const DOMAIN: &str = "demo.test";
/// How long anything may take before a test gives up; never how long something is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a configuration, a certificate, a store and accounts, and perhaps a relay that runs on it.
pub struct Site {
    dir: tempfile::TempDir,
    relay: Option<Running>,
    pub plain: SocketAddr,
    pub tls: SocketAddr,
}

struct Running {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Site {
    /// A running relay with these users; their passwords are `NAME's secret`.
    pub fn with_users(users: &[&str]) -> Self {
        Self::with("", users)
    }

    /// The same, with more lines of configuration.
    pub fn with(extra: &str, users: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![DOMAIN.to_owned(), "localhost".to_owned()]).unwrap();
        fs::write(dir.path().join("cert.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        private(&dir.path().join("key.pem"), &key.serialize_pem());
        let any = "127.0.0.1:0".parse().unwrap();
        let mut site = Self { dir, relay: None, plain: any, tls: any };
        site.write_config(extra);
        for user in users {
            site.add_user(user);
        }
        site.start();
        // From now on the ports are known, and a restarted relay takes them again.
        site.write_config(extra);
        site.write_accounts(users);
        site
    }

    fn write_config(&self, extra: &str) {
        let (plain, tls) = (self.plain, self.tls);
        let config = format!(
            "domains = [\"{DOMAIN}\"]\ndata-dir = \"data\"\n\
             [listen]\nplain = [\"{plain}\"]\ntls = [\"{tls}\"]\n\
             [tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n\
             [log]\nlevel = \"debug\"\nformat = \"json\"\n{extra}\n"
        );
        fs::write(self.path("impp-relay.toml"), config).unwrap();
    }

    fn write_accounts(&self, users: &[&str]) {
        let mut text = String::new();
        for user in users {
            text += &format!("[account.{user}]\nlogin = \"{user}@{DOMAIN}\"\nserver = \"{}\"\nca = {:?}\npass-file = {:?}\n", self.tls, self.path("cert.pem"), self.path(&format!("{user}.pass")));
        }
        fs::write(self.path("impp.toml"), text).unwrap();
    }

    /// Adds a user with the real command.
    pub fn add_user(&self, user: &str) {
        let file = self.path(&format!("{user}.pass"));
        private(&file, &format!("{user}'s secret\n"));
        let done = self.relay_command(&["user", "add", &format!("{user}@{DOMAIN}"), "--pass-file", file.to_str().unwrap()]).output().unwrap();
        assert!(done.status.success(), "user add: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// `impp-relay` with this site's configuration.
    pub fn relay_command(&self, args: &[&str]) -> Command {
        let mut command = bare(env!("CARGO_BIN_EXE_impp-relay"));
        command.args(args).arg("-c").arg(self.path("impp-relay.toml"));
        command
    }

    /// A tool with `-a ACCOUNT`.
    pub fn tool(&self, name: &str, account: &str) -> Command {
        let mut command = bare(&program(name));
        command.env("IMPP_CONFIG", self.path("impp.toml")).arg("-a").arg(account);
        command
    }

    /// A file of the site.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts the relay and waits until both ports accept.
    pub fn start(&mut self) {
        let mut child = self.relay_command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (ready, is_ready) = mpsc::channel();
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push_str(&(line.clone() + "\n"));
                if line.contains("relay is ready") {
                    let _ = ready.send(line);
                }
            }
        });
        let Ok(line) = is_ready.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("the relay did not start:\n{}", log.lock().unwrap());
        };
        (self.plain, self.tls) = (address(&line, "plain"), address(&line, "tls"));
        self.relay = Some(Running { child, log });
    }

    /// Kills the relay as a power switch would, without a chance to tidy up.
    pub fn kill(&mut self) {
        let mut relay = self.relay.take().unwrap();
        relay.child.kill().unwrap();
        relay.child.wait().unwrap();
    }

    /// Asks the relay to stop; true if it said good-bye with status 0.
    pub fn stop(&mut self) -> bool {
        let mut relay = self.relay.take().unwrap();
        let done = Command::new("kill").arg(relay.child.id().to_string()).status().unwrap();
        done.success() && relay.child.wait().unwrap().success()
    }

    /// What the relay logged so far.
    pub fn log(&self) -> String {
        self.relay.as_ref().map(|relay| relay.log.lock().unwrap().clone()).unwrap_or_default()
    }

    /// The relay's process.
    pub fn pid(&self) -> u32 {
        self.relay.as_ref().unwrap().child.id()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut relay) = self.relay.take() {
            let _ = relay.child.kill();
            let _ = relay.child.wait();
            if std::thread::panicking() {
                eprintln!("--- the relay's log:\n{}", relay.log.lock().unwrap());
            }
        }
    }
}

/// A program that runs while the test goes on; its lines can be waited for.
pub struct Tool {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    errors: Arc<Mutex<String>>,
}

impl Tool {
    /// Starts it.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let errors = Arc::new(Mutex::new(String::new()));
        let (err, kept) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&errors));
        std::thread::spawn(move || err.lines().map_while(Result::ok).for_each(|line| kept.lock().unwrap().push_str(&(line + "\n"))));
        Self { child, lines, seen: Vec::new(), errors }
    }

    /// The next line of its output.
    pub fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.seen.push(line.clone());
                line
            }
            Err(_) => panic!("no further line after {:#?}\nstderr: {}", self.seen, self.errors()),
        }
    }

    /// Its standard input.
    pub fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().unwrap()
    }

    /// What it said on stderr so far.
    pub fn errors(&self) -> String {
        self.errors.lock().unwrap().clone()
    }

    /// Waits until stderr has this text.
    pub fn wait_for_error(&self, text: &str) {
        let begun = std::time::Instant::now();
        while !self.errors().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "never said {text:?}: {}", self.errors());
            std::thread::yield_now();
        }
    }

    /// Ends it without a chance to tidy up.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM.
    pub fn terminate(&mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
    }

    /// Waits for its end: status and the lines not read yet.
    pub fn finish(mut self) -> (i32, Vec<String>) {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        (status.code().unwrap_or(-1), self.lines.iter().collect())
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command with this on its standard input.
pub fn run(command: &mut Command, stdin: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    // A program that does not read its input must not hold up the test.
    let writer = std::thread::spawn(move || drop(input.write_all(&stdin)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Runs a command and insists on its exit status; the answer is its output.
pub fn expect(status: i32, command: &mut Command, stdin: &[u8]) -> String {
    let done = run(command, stdin);
    let (out, err) = (String::from_utf8_lossy(&done.stdout).into_owned(), String::from_utf8_lossy(&done.stderr).into_owned());
    assert_eq!(done.status.code(), Some(status), "{command:?}\nstdout: {out}\nstderr: {err}");
    out
}

/// The path of one of our programs.
pub fn program(name: &str) -> String {
    match name {
        "impp-send" => env!("CARGO_BIN_EXE_impp-send"),
        "impp-recv" => env!("CARGO_BIN_EXE_impp-recv"),
        "impp-watch" => env!("CARGO_BIN_EXE_impp-watch"),
        "impp-fetch" => env!("CARGO_BIN_EXE_impp-fetch"),
        "impp-set" => env!("CARGO_BIN_EXE_impp-set"),
        "impp-acl" => env!("CARGO_BIN_EXE_impp-acl"),
        "impp-relay" => env!("CARGO_BIN_EXE_impp-relay"),
        other => panic!("no program {other}"),
    }
    .to_owned()
}

/// Whether a program of the system is there; a test that needs it says so and ends.
pub fn has(name: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()));
    if !found {
        eprintln!("skipped: {name} is not installed");
    }
    found
}

/// A command that inherits none of the tester's own settings.
fn bare(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("IMPP_")) {
        command.env_remove(name);
    }
    command.env_remove("CREDENTIALS_DIRECTORY").env("NO_COLOR", "1");
    command
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// `"plain":"[127.0.0.1:1234]"` in a line of the log.
fn address(line: &str, name: &str) -> SocketAddr {
    let key = format!("\"{name}\":\"[");
    let start = line.find(&key).unwrap_or_else(|| panic!("no {name} in {line}")) + key.len();
    line[start..].split([',', ']']).next().unwrap().parse().unwrap()
}
