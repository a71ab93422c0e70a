//! impp-relay as an administrator meets it: what it prints, and with which status it ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_types, reason = "what is tested here is what a socket gets to see")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// What a run gave.
struct Run {
    status: i32,
    out: String,
    err: String,
}

fn relay(words: &[&str]) -> Run {
    relay_with(words, "")
}

fn relay_with(words: &[&str], input: &str) -> Run {
    let mut child = start(words);
    // A program that ends without reading its input is no failure of the test.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let done = child.wait_with_output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    let run = Run { status: done.status.code().unwrap_or(-1), out: text(done.stdout), err: text(done.stderr) };
    if words.contains(&"--json") {
        told(&run.out);
    }
    run
}

/// Every key of a record has its item in the manual.
fn told(out: &str) {
    let manual = include_str!("../man/impp-relay.8");
    for record in out.lines().filter_map(|line| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(line).ok()) {
        for key in record.keys().filter(|key| *key != "v") {
            assert!(manual.contains(&format!("\n.TP\n\\fB{}\\fR\n", key.replace('-', "\\-"))), "man/impp-relay.8 has no {key}");
        }
    }
}

fn start(words: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_impp-relay"));
    command.args(words).env_remove("NOTIFY_SOCKET").env("TZ", "UTC");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A site made by `init`, listening on ports that the system chooses.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = relay(&["init", "example.org", "--dir", folder.path().to_str().unwrap()]);
        assert_eq!(made.status, 0, "{}", made.err);
        let site = Self { folder };
        let text = fs::read_to_string(site.config()).unwrap();
        let text = text.replace("#plain = [\"[::]:5772\"]", "plain = [\"127.0.0.1:0\"]");
        fs::write(site.config(), text.replace("#tls = [\"[::]:5773\"]", "tls = [\"127.0.0.1:0\"]")).unwrap();
        site
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("impp-relay.toml")
    }

    fn run(&self, words: &[&str]) -> Run {
        self.run_with(words, "")
    }

    fn run_with(&self, words: &[&str], input: &str) -> Run {
        relay_with(&[words, &["-c", self.config().to_str().unwrap()]].concat(), input)
    }
}

#[test]
fn usage_is_64() {
    for words in [
        &[][..],
        &["bogus"],
        &["user"],
        &["user", "add"],
        &["user", "add", "bob", "--password", "x"],
        &["init", "example.org", "-c", "x"],
        &["init", "example.org", "--generate"],
        &["demo", "--twice"],
    ] {
        let run = relay(words);
        assert_eq!((run.status, run.out.as_str()), (64, ""), "{words:?}");
        assert!(run.err.starts_with("impp-relay: ") || run.err.contains("Usage: impp-relay"), "{words:?}: {}", run.err);
    }
}

#[test]
fn help_is_on_standard_output() {
    for words in [&["--help"][..], &["-h"], &["user", "add", "--help"], &["demo", "-h"]] {
        let run = relay(words);
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{words:?}");
        assert!(run.out.contains("Usage: impp-relay"), "{words:?}: {}", run.out);
    }
    assert_eq!(relay(&["--help"]).out, relay(&["-h"]).out);
    assert_eq!(relay(&["--version"]).out, concat!("impp-relay ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_link_named_like_a_tool_is_that_tool() {
    let folder = tempfile::tempdir().unwrap();
    for tool in ["impp-send", "impp-recv", "impp-watch", "impp-fetch", "impp-set", "impp-acl"] {
        let link = folder.path().join(tool);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_impp-relay"), &link).unwrap();
        let done = Command::new(&link).arg("--version").output().unwrap();
        assert!(String::from_utf8(done.stdout).unwrap().starts_with(&format!("{tool} ")), "{tool}");
    }
}

#[test]
fn a_wrong_configuration_is_78_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    fs::write(&file, "domains = [\"example.org\"]\ndata-dir = \"data\"\nmailboxx = 1\n").unwrap();
    let file = file.to_str().unwrap();
    let line = format!("impp-relay: {file}:3: unknown key \"mailboxx\"; did you mean \"mailbox\"?\n");
    for words in [&["serve"][..], &["user", "list"], &["user", "add", "bob", "--generate"]] {
        let run = relay(&[words, &["-c", file]].concat());
        assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (78, "", line.as_str()), "{words:?}");
    }
    let missing = relay(&["serve", "-c", "/nonexistent/relay.toml"]);
    assert_eq!(missing.status, 66);
    assert!(missing.err.starts_with("impp-relay: there is no /nonexistent/relay.toml; "), "{}", missing.err);
}

#[test]
fn check_judges_by_its_status() {
    let site = Site::new();
    let sound = site.run(&["check", "config"]);
    assert_eq!((sound.status, sound.err.as_str()), (2, ""), "{}", sound.out);
    assert!(sound.out.starts_with("warning: ") && sound.out.contains("is signed by itself"), "{}", sound.out);
    assert_eq!(sound.out.lines().count(), 1, "{}", sound.out);

    fs::set_permissions(site.folder.path().join("privkey.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    let open = site.run(&["check", "config", "--json"]);
    assert_eq!(open.status, 1);
    let findings: Vec<serde_json::Value> = open.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let error = findings.iter().find(|finding| finding["severity"] == "error").unwrap();
    assert!(error["v"] == 1 && error["text"].as_str().unwrap().contains("chmod 600"), "{error}");

    fs::write(site.config(), "domains = 1\n").unwrap();
    let wrong = site.run(&["check", "config", "--json"]);
    let finding: serde_json::Value = serde_json::from_str(&wrong.out).unwrap();
    assert_eq!((wrong.status, &finding["line"], &finding["severity"]), (1, &1.into(), &"error".into()));
}

#[test]
fn init_tells_what_is_left_to_do_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let words = ["init", "example.org", "--host", "im.example.org", "--admin", "ann", "--pass-stdin", "--dir", dir];
    let made = relay_with(&words, "correct horse\n");
    assert_eq!((made.status, made.err.as_str()), (0, ""));
    for part in [
        "_impps-client._tcp.example.org. 3600 IN SRV 0 0 5773 im.example.org.",
        "first user     ann@example.org",
        "impp-relay serve --config",
        "impp-send --login ann@example.org --server localhost",
    ] {
        assert!(made.out.contains(part), "{part} is missing in\n{}", made.out);
    }
    assert!(!made.out.contains("correct horse"), "{}", made.out);
    let before = files(folder.path());
    let again = relay(&["init", "example.org", "--admin", "ann", "--generate", "--dir", dir]);
    assert_eq!((again.status, again.out.as_str()), (73, ""));
    assert!(again.err.contains("is there already; nothing was changed"), "{}", again.err);
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_generated_first_password_is_printed_once() {
    let folder = tempfile::tempdir().unwrap();
    let made = relay(&["init", "example.org", "--admin", "ann", "--generate", "--dir", folder.path().to_str().unwrap()]);
    let line = made.out.lines().find(|line| line.trim_start().starts_with("password")).unwrap();
    let password = line.split_whitespace().nth(1).unwrap();
    assert_eq!(password.len(), 23, "{line}");
    assert_eq!(made.out.matches(password).count(), 1);
    for (name, octets) in files(folder.path()) {
        let found = octets.windows(password.len()).any(|window| window == password.as_bytes());
        assert!(!found, "{name} holds the password");
    }
    for refused in ["\n", "a\u{7}b\n"] {
        let other = folder.path().join("other");
        let words = ["init", "example.org", "--admin", "ann", "--pass-stdin", "--dir", other.to_str().unwrap()];
        let run = relay_with(&words, refused);
        assert!(matches!(run.status, 65 | 78), "{}: {}", run.status, run.err);
        assert!(files(&other).is_empty(), "{:?}", files(&other).iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    }
}

#[test]
fn the_life_of_a_user() {
    let site = Site::new();
    let added = site.run(&["user", "add", "Bob", "--generate"]);
    assert_eq!(added.status, 0, "{}", added.err);
    assert_eq!((added.out.trim().len(), added.out.lines().count()), (23, 1), "{}", added.out);
    assert_eq!(added.err, "impp-relay: this is the password of bob@example.org; note it now, it is not shown again\n");
    let file = site.folder.path().join("pass");
    fs::write(&file, "geheim\n").unwrap();
    let carl = site.run(&["user", "add", "carl@example.org", "--pass-file", file.to_str().unwrap()]);
    assert_eq!((carl.status, carl.out.as_str(), carl.err.as_str()), (0, "", ""));

    let list = site.run(&["user", "list"]);
    let words: Vec<Vec<&str>> = list.out.lines().map(|line| line.split_whitespace().take(4).collect()).collect();
    assert_eq!(words[0], ["ADDRESS", "STATE", "PASSWORD", "WAITING"]);
    assert_eq!(words[1], ["bob@example.org", "active", "yes", "-"]);
    assert_eq!(words[2], ["carl@example.org", "active", "yes", "-"]);

    for (words, state) in [
        (&["user", "disable", "bob"][..], "disabled"),
        (&["user", "enable", "bob"], "active"),
        (&["user", "move", "bob", "bob@example.net"], "moved"),
        (&["user", "move", "bob", "--back"], "active"),
    ] {
        let run = site.run(words);
        assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (0, "", ""), "{words:?}");
        let shown: serde_json::Value = serde_json::from_str(&site.run(&["user", "show", "bob", "--json"]).out).unwrap();
        assert_eq!((&shown["v"], &shown["state"]), (&1.into(), &state.into()), "{words:?}");
    }

    let passwd = site.run_with(&["user", "passwd", "bob", "--pass-stdin"], "new one\n");
    assert_eq!((passwd.status, passwd.out.as_str(), passwd.err.as_str()), (0, "", ""));
    let made: serde_json::Value =
        serde_json::from_str(&site.run(&["user", "passwd", "bob", "--generate", "--json"]).out).unwrap();
    assert_eq!((&made["address"], made["password"].as_str().map(str::len)), (&"bob@example.org".into(), Some(23)));

    assert_eq!(site.run(&["user", "alias", "info", "carl"]).status, 0);
    assert_eq!(site.run(&["user", "del", "bob"]).status, 0);
    let left = site.run(&["user", "list", "example.org", "--json"]);
    let names: Vec<_> = left.out.lines().map(|line| line.split('"').nth(5).unwrap_or_default().to_owned()).collect();
    assert_eq!(names, ["carl@example.org", "info@example.org"]);
}

#[test]
fn what_cannot_be_done_to_users_has_its_status() {
    let site = Site::new();
    assert_eq!(site.run(&["user", "add", "bob", "--generate"]).status, 0);
    for (words, input, status, line) in [
        (&["user", "add", "bob", "--generate"][..], "", 73, "there is an account bob@example.org already"),
        (&["user", "add", "x@example.net", "--generate"], "", 68, "example.net is not one of the domains in the configuration"),
        (&["user", "list", "example.net"], "", 68, "example.net is not one of the domains in the configuration"),
        (&["user", "passwd", "eve", "--generate"], "", 67, "there is no account eve@example.org"),
        (&["user", "show", "eve"], "", 67, "there is no account eve@example.org"),
        (&["user", "del", "eve"], "", 67, "there is no account eve@example.org"),
        (&["user", "add", "a@b@", "--generate"], "", 65, "\"a@b@\" is no address: the domain is not a host name"),
        (&["user", "move", "bob", "bob"], "", 65, "bob@example.org would lead back to itself"),
        (&["user", "add", "eve", "--pass-stdin"], "a\u{7}\n", 65, "a password must not be empty or hold control characters"),
        (
            &["user", "add", "eve"],
            "",
            64,
            "no terminal to ask for the password: give --pass-file FILE, --pass-stdin or --generate",
        ),
        (&["user", "add", "eve", "--pass-file", "/nonexistent"], "", 66, "cannot read /nonexistent: no such file or directory"),
    ] {
        let run = site.run_with(words, input);
        assert_eq!((run.status, run.out.as_str()), (status, ""), "{words:?}: {}", run.err);
        assert_eq!(run.err, format!("impp-relay: {line}\n"), "{words:?}");
    }
    let left = site.run(&["user", "list", "--json"]);
    assert_eq!(left.out.lines().count(), 1, "{}", left.out);
}

#[test]
fn a_relay_serves_until_it_is_told_to_stop_and_only_once() {
    let site = Site::new();
    let config = site.config();
    let words = ["serve", "-c", config.to_str().unwrap()];
    let mut child = start(&words);
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = log.by_ref().map(Result::unwrap).find(|line| line.contains("relay is ready")).unwrap();
    assert!(ready.contains(" INFO relay is ready plain=[127.0.0.1:"), "{ready}");

    let second = relay(&words);
    assert_eq!(second.status, 75, "{}", second.err);
    assert!(second.err.contains("is in use by another impp-relay"), "{}", second.err);
    // Accounts are changed beside it.
    assert_eq!(site.run(&["user", "add", "bob", "--generate"]).status, 0);

    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<String> = log.map(Result::unwrap).collect();
    assert!(rest.iter().any(|line| line.ends_with("INFO asked to stop signal=15")), "{rest:?}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_73() {
    let site = Site::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let text = fs::read_to_string(site.config()).unwrap().replacen("127.0.0.1:0", &address.to_string(), 1);
    fs::write(site.config(), text).unwrap();
    let run = site.run(&["serve"]);
    assert_eq!(run.status, 73, "{}", run.err);
    assert!(run.err.contains(&format!("{address} is in use by another program")), "{}", run.err);
}

#[test]
fn one_address_takes_no_more_connections_than_it_may() {
    let site = Site::new();
    let text = fs::read_to_string(site.config()).unwrap();
    let few = text.replace("#connections-per-address = 1000", "connections-per-address = 2");
    assert_ne!(few, text);
    fs::write(site.config(), few).unwrap();
    let mut child = start(&["serve", "-c", site.config().to_str().unwrap()]);
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = log.by_ref().map(Result::unwrap).find(|line| line.contains("relay is ready")).unwrap();
    let address = ready.split_once("plain=[").unwrap().1.split_once(']').unwrap().0;

    let held: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut refused = TcpStream::connect(address).unwrap();
    // Nothing comes, neither an answer nor the silence of a connection that is kept.
    assert!(matches!(refused.read(&mut [0; 1]), Ok(0) | Err(_)));
    let line = log.next().unwrap().unwrap();
    assert!(line.ends_with("WARN limit reached limit=limits.connections-per-address who=127.0.0.1 unsaid=0"), "{line}");
    drop(held);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_demo_holds_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_impp-relay"))
        .args(["demo", "--once"])
        .env("TMPDIR", temporary.path())
        // What a person has set for themselves must not reach the demo.
        .env("IMPP_SERVER", "nowhere.invalid")
        .env("IMPP_PASSWORD", "wrong")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert_eq!((done.status.code(), err.as_str()), (Some(0), ""), "{out}");
    let watched: Vec<_> = out.lines().filter_map(|line| line.strip_prefix("  | alice@demo.test  open  ")).collect();
    let parts: Vec<_> = watched.iter().map(|line| (line.contains("\"lunch\""), line.rsplit("  ").next())).collect();
    assert_eq!(parts, [(false, Some("initial")), (true, Some("change")), (false, Some("lease-expired"))], "{out}");
    assert!(out.contains("  $ impp-recv -a bob --count 1") && out.ends_with("\nAll of it held.\n"), "{out}");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

/// Every file below a folder, with its octets.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn links_asks_the_running_relay() {
    let site = Site::new();
    let asked = site.run(&["links"]);
    assert_eq!((asked.status, asked.out.as_str()), (75, ""), "{}", asked.err);
    assert_eq!(asked.err, "impp-relay: no relay runs with this configuration; start it first\n");
    let mut relay = start(&["serve", "-c", site.config().to_str().unwrap()]);
    let mut log = BufReader::new(relay.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("relay is ready") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended before it was ready");
    }
    let socket = site.folder.path().join("data/control");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let asked = site.run(&["links"]);
    assert_eq!((asked.status, asked.out.as_str()), (0, ""), "{}", asked.err);
    assert_eq!(asked.err, "impp-relay: nothing goes on with other domains\n");
    let asked = site.run(&["links", "--json"]);
    assert_eq!((asked.status, asked.out.as_str(), asked.err.as_str()), (0, "", ""));
    // Killed: the name stays behind, and the next relay takes it over.
    relay.kill().unwrap();
    relay.wait().unwrap();
    assert!(socket.exists());
    assert_eq!(site.run(&["links"]).status, 75);
}
