//! A relay on loopback for one domain, and the tools called as its users.

use crate::records;
use impp::engine::sasl::derive;
use impp::model::{Address, Credentials, Domain, Secret};
use impp::net::{Clock, random};
use impp::relay::config::Config;
use impp::relay::init::{Init, Random};
use impp::relay::{Bound, Given, Sockets, serve};
use impp::store::accounts::Accounts;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};

/// The password of all users.
pub(crate) const PASSWORD: &str = "correct horse";
const USERS: [&str; 3] = ["alice", "bob", "carol"];

/// A running relay. Ends when dropped.
pub(crate) struct Site {
    folder: TempDir,
    port: String,
    certificate: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    relay: Option<JoinHandle<()>>,
}

impl Site {
    /// Starts a relay for `demo.test` with the users alice, bob and carol.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let domain = Domain::parse("demo.test").unwrap();
        let report = Init {
            domain: domain.clone(),
            host: None,
            admin: None,
            folder: Some(folder.path()),
            owner: None,
            has_unit: false,
            program: "impp-relay".as_ref(),
            password: None,
            random: Random { password: random::octets(), decoy_key: random::octets() },
            now: Clock::now().unix,
            derive: &|password: &Secret, iterations| Ok(hash(password, iterations)),
        }
        .run()
        .unwrap();
        let text = std::fs::read_to_string(&report.config).unwrap();
        let mut config = Config::parse(&report.config, &text).unwrap();
        config.listen.plain.clear();
        config.listen.tls = vec!["127.0.0.1:0".parse().unwrap()];
        let mut accounts = Accounts::open(&config.data_dir, [domain.clone()]).unwrap();
        let iterations = accounts.domain(&impp::relay::fresh_record(&domain, &config)).unwrap().iterations;
        for user in USERS {
            let address = Address::new(user, &domain).unwrap();
            accounts.add(&address, Some(&hash(&Secret::new(PASSWORD.into()), iterations)), Clock::now().unix).unwrap();
        }
        drop(accounts);
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();

        let (ready, is_ready) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let relay = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let (_reread, reread) = watch::channel(());
            let ready = move |bound: &Bound| ready.send(bound.clone()).unwrap();
            let sockets = Sockets::open(&config, Vec::new()).unwrap();
            let given = Given { ready, reread, stop: async { drop(stopped.await) }, log: None, stage: None };
            runtime.block_on(async { serve(&config, sockets, given).await }).unwrap();
        });
        let port = is_ready.recv().expect("the relay starts").tls[0].to_string();
        Self { folder, port, certificate: report.certificate, stop: Some(stop), relay: Some(relay) }
    }

    /// A folder that goes with the site.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the relay is: `HOST:PORT`.
    pub(crate) fn server(&self) -> &str {
        &self.port
    }

    /// Its certificate, which nobody else vouches for.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// A tool called by a user of the site.
    pub(crate) fn call(&self, tool: &str, user: &str, words: &[&str]) -> Call {
        self.call_at(&self.port, tool, user, words)
    }

    /// The same with another server than the site's.
    pub(crate) fn call_at(&self, server: &str, tool: &str, user: &str, words: &[&str]) -> Call {
        let mut call = Call::new(tool, &[]);
        let login = format!("{user}@demo.test");
        call.command.args(["--login", &login, "--server", server]);
        call.command.arg("--ca").arg(&self.certificate).arg("--pass-file").arg(self.path("password"));
        call.command.args(words);
        call
    }

    /// The same with `tool` and its first word before the options.
    pub(crate) fn acl(&self, user: &str, words: &[&str]) -> Done {
        self.call("impp-acl", user, words).run()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(relay) = self.relay.take() {
            let ended = relay.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

fn hash(password: &Secret, iterations: u32) -> Credentials {
    derive(password, iterations, &random::octets::<16>()).unwrap()
}

/// A tool about to be run, in an environment of its own.
pub(crate) struct Call {
    tool: String,
    pub(crate) command: Command,
    input: Vec<u8>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// The JSON objects of standard output.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {self:?}"))).collect()
    }

    /// Ended with this status and said nothing on standard error.
    #[track_caller]
    pub(crate) fn quietly(self, status: i32) -> Self {
        assert_eq!((self.status, self.err.as_str()), (status, ""), "{self:?}");
        self
    }

    /// Ended with this status and said so.
    #[track_caller]
    pub(crate) fn saying(self, status: i32, part: &str) -> Self {
        assert!(self.status == status && self.err.contains(part), "{status} {part:?}: {self:?}");
        self
    }
}

impl Call {
    /// A tool without a site.
    pub(crate) fn new(tool: &str, words: &[&str]) -> Self {
        let path = match tool {
            "impp-send" => env!("CARGO_BIN_EXE_impp-send"),
            "impp-recv" => env!("CARGO_BIN_EXE_impp-recv"),
            "impp-watch" => env!("CARGO_BIN_EXE_impp-watch"),
            "impp-fetch" => env!("CARGO_BIN_EXE_impp-fetch"),
            "impp-set" => env!("CARGO_BIN_EXE_impp-set"),
            "impp-acl" => env!("CARGO_BIN_EXE_impp-acl"),
            "impp-srv" => env!("CARGO_BIN_EXE_impp-srv"),
            other => panic!("no tool {other}"),
        };
        Self { tool: tool.to_owned(), ..Self::program(path, words) }
    }

    /// Another program, in the same surroundings.
    pub(crate) fn program(path: &str, words: &[&str]) -> Self {
        let mut command = Command::new(path);
        // Nothing of the machine that runs the tests may matter.
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent").env("TZ", "UTC").args(words);
        // A tool that waits in vain ends, and the test with it.
        command.env("IMPP_TIMEOUT", "60s");
        Self { tool: path.to_owned(), command, input: Vec::new() }
    }

    /// The same with a terminal for its input and output, by `script`.
    pub(crate) fn on_terminal(self) -> Self {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        let words: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        let mut call = Self::program("/usr/bin/script", &["-qec", &words.join(" "), "/dev/null"]);
        for (name, value) in self.command.get_envs() {
            value.map(|value| call.command.env(name, value));
        }
        Self { tool: self.tool, input: self.input, ..call }
    }

    pub(crate) fn input(mut self, octets: impl Into<Vec<u8>>) -> Self {
        self.input = octets.into();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Done {
        let mut child = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = std::mem::take(&mut self.input);
        let feeder = std::thread::spawn(move || {
            // A tool that takes no input may be gone before it is all written.
            _ = stdin.write_all(&input);
        });
        let done = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        let done = Done { status: code(done.status), out: text(done.stdout), err: text(done.stderr) };
        if self.command.get_args().any(|word| word == "--json") {
            records::hold(&self.tool, &done.out);
        }
        done
    }

    /// Starts it and leaves it running.
    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Running { tool: self.tool, child, lines }
    }
}

/// A tool that runs.
pub(crate) struct Running {
    tool: String,
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    /// Its next line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "it ended: {line:?} {}", self.errors());
        line.trim_end().to_owned()
    }

    pub(crate) fn json(&mut self) -> serde_json::Value {
        let line = self.line();
        records::hold(&self.tool, &line);
        serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line}"))
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("/bin/sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status().unwrap();
        assert!(sent.success());
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().map(|mut from| from.read_to_string(&mut text));
        text
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Done {
        let mut out = String::new();
        self.lines.read_to_string(&mut out).unwrap();
        let err = self.errors();
        let status = code(self.child.wait().unwrap());
        Done { status, out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed must not leave its tool behind; one that ended is past killing.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 1000 + status.signal().unwrap_or_default())
}
