//! Where a password comes from: flag, credentials of the service manager, environment, configuration, prompt.

use super::args::{Common, Who};
use super::config::{AccountTable, Config};
use super::deadline::Deadline;
use super::exit::{Exit, Failure, Outcome, reason};
use super::prompt;
use crate::model::{Address, Secret};
use std::io::{IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use zeroize::Zeroizing;

/// No password is longer.
const LONGEST: u64 = 64 * 1024;
/// A command or a keyring has so long where nobody is there who could be asked for something.
const NOBODY_THERE: Duration = Duration::from_secs(60);
/// The name of the credential that a service manager passes.
const CREDENTIAL: &str = "impp-password";
/// Variables that no command which a tool starts gets to see.
pub const PRIVATE_VARIABLES: &[&str] = &["IMPP_PASSWORD", "IMPP_PASSWORD_FILE"];

/// Where a password is, before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    Stdin,
    Command(String),
    #[cfg(feature = "keyring")]
    Keyring,
    Value(Secret),
    Prompt,
}

/// The environment, as an argument so that a test can state it.
#[derive(Clone, Debug, Default)]
struct Surroundings {
    credentials: Option<PathBuf>,
    password_file: Option<PathBuf>,
    password: Option<Secret>,
    terminal: bool,
}

impl Surroundings {
    fn of_process() -> Self {
        let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            credentials: path("CREDENTIALS_DIRECTORY").map(|folder| folder.join(CREDENTIAL)).filter(|file| file.exists()),
            password_file: path("IMPP_PASSWORD_FILE"),
            password: std::env::var("IMPP_PASSWORD").ok().filter(|value| !value.is_empty()).map(Secret::new),
            terminal: std::io::stderr().is_terminal(),
        }
    }
}

/// Reads the password of `user`. `stdin_is_free`: the tool does not read standard input for something else.
///
/// # Errors
/// 64 if standard input is wanted twice; 78 if there is no password; 66 or 74 if a source cannot be read.
pub fn find(user: &Address, common: &Common, account: &AccountTable, config: &Config, stdin_is_free: bool) -> Outcome<Secret> {
    let around = Surroundings::of_process();
    let limit = common.patience.timeout.or((!around.terminal).then_some(NOBODY_THERE));
    let Some(source) = choose(&common.who, account, config, around) else {
        let line = format!(
            "no password for {}: give --pass-file or --pass-cmd, set IMPP_PASSWORD_FILE, or put pass-file or pass-cmd into the account",
            user.shown()
        );
        return Err(Failure::new(Exit::Config, line));
    };
    match source {
        Source::Value(secret) => Ok(secret),
        Source::File(path) => within(limit, &path.display().to_string(), move || of_file(&path)),
        Source::Stdin if stdin_is_free => within(limit, "standard input", of_stdin),
        Source::Stdin => Err(Failure::usage("--pass-file - needs standard input, which is read for something else here")),
        Source::Command(command) => of_command(&command, limit),
        #[cfg(feature = "keyring")]
        Source::Keyring => {
            let owner = user.clone();
            within(limit, "the keyring", move || super::keyring::password(&owner))
        }
        Source::Prompt => prompt::secret(format!("Password for {}: ", user.shown()), Deadline::after(common.patience.timeout)),
    }
}

fn choose(who: &Who, account: &AccountTable, config: &Config, around: Surroundings) -> Option<Source> {
    let file = |path: &Path| if path == Path::new("-") { Source::Stdin } else { Source::File(path.to_owned()) };
    None.or_else(|| who.pass_file.as_deref().map(file))
        .or_else(|| who.pass_cmd.clone().map(Source::Command))
        .or_else(|| keyring_of_flag(who))
        .or_else(|| around.credentials.map(Source::File))
        .or_else(|| around.password_file.map(Source::File))
        .or_else(|| around.password.map(Source::Value))
        .or_else(|| account.password.clone().map(|password| Source::Value(password.0)))
        .or_else(|| account.pass_file.as_deref().map(|path| Source::File(config.beside(path))))
        .or_else(|| account.pass_cmd.clone().map(Source::Command))
        .or_else(|| keyring_of_key(account))
        .or_else(|| around.terminal.then_some(Source::Prompt))
}

#[cfg(feature = "keyring")]
fn keyring_of_flag(who: &Who) -> Option<Source> {
    who.pass_keyring.then_some(Source::Keyring)
}

#[cfg(feature = "keyring")]
fn keyring_of_key(account: &AccountTable) -> Option<Source> {
    account.pass_keyring.then_some(Source::Keyring)
}

#[cfg(not(feature = "keyring"))]
const fn keyring_of_flag(_: &Who) -> Option<Source> {
    None
}

#[cfg(not(feature = "keyring"))]
const fn keyring_of_key(_: &AccountTable) -> Option<Source> {
    None
}

/// The first line of a file.
///
/// # Errors
/// 66 or 74 if it cannot be read; 78 if it holds no password.
pub fn of_file(path: &Path) -> Outcome<Secret> {
    let file = std::fs::File::open(path).map_err(|error| Failure::reading(path, &error))?;
    first_line(file, &format!("cannot read the password from {}", path.display()))
}

/// The first line of standard input.
///
/// # Errors
/// As [`of_file`].
pub fn of_stdin() -> Outcome<Secret> {
    first_line(std::io::stdin().lock(), "cannot read the password from standard input")
}

fn of_command(command: &str, limit: Option<Duration>) -> Outcome<Secret> {
    let wrong = |why: &str| Failure::new(Exit::Config, format!("cannot get the password: {command:?} {why}"));
    let mut child = Command::new("/bin/sh");
    child.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    PRIVATE_VARIABLES.iter().for_each(|name| _ = child.env_remove(name));
    let mut child = child.spawn().map_err(|error| wrong(&reason(&error)))?;
    let out = child.stdout.take().ok_or_else(|| wrong("has no output"))?;
    let line = within(limit, &format!("{command:?}"), move || Ok(first_line(out, "cannot get the password")));
    let line = line.inspect_err(|_| _ = child.kill())?;
    match child.wait() {
        Ok(status) if status.success() => line,
        Ok(status) => Err(wrong(&format!("ended with {status}"))),
        Err(error) => Err(wrong(&reason(&error))),
    }
}

/// Does what may wait for something outside, and gives up when the time is over.
fn within<T: Send + 'static>(
    limit: Option<Duration>,
    whom: &str,
    ask: impl FnOnce() -> Outcome<T> + Send + 'static,
) -> Outcome<T> {
    let (tell, told) = mpsc::channel();
    // Nobody hears a thread that is late; it ends with the process.
    std::thread::spawn(move || _ = tell.send(ask()));
    let answer = match limit {
        Some(limit) => told.recv_timeout(limit).ok(),
        None => told.recv().ok(),
    };
    let late =
        || Failure::new(Exit::TryLater, format!("cannot get the password: no answer from {whom} in time")).called("timeout");
    answer.ok_or_else(late)?
}

fn first_line(mut from: impl Read, what: &str) -> Outcome<Secret> {
    let wrong = |exit, why: &str| Failure::new(exit, format!("{what}: {why}"));
    let mut octets = Zeroizing::new(Vec::new());
    (&mut from).take(LONGEST).read_to_end(&mut octets).map_err(|error| wrong(Exit::Io, &reason(&error)))?;
    let line = octets.split(|c| *c == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err(wrong(Exit::Config, "its first line is empty")),
        Ok(text) => Ok(Secret::new(text.to_owned())),
        Err(_) => Err(wrong(Exit::Config, "it is not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::Password;

    #[test]
    fn sources_come_in_their_order() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let mut who = Who { pass_file: Some("flag".into()), ..Who::default() };
        let mut account = AccountTable {
            password: Some(Password(secret("configured"))),
            pass_file: Some("conf-file".into()),
            pass_cmd: Some("conf-cmd".into()),
            #[cfg(feature = "keyring")]
            pass_keyring: true,
            ..AccountTable::default()
        };
        let mut around = Surroundings {
            credentials: Some("cred".into()),
            password_file: Some("env-file".into()),
            password: Some(secret("env")),
            terminal: true,
        };
        let config = Config { path: Some("/home/a/impp.toml".into()), ..Config::default() };
        let mut order = Vec::new();
        while let Some(source) = choose(&who, &account, &config, around.clone()) {
            match &source {
                Source::File(path) if path == Path::new("flag") => who.pass_file = Some("-".into()),
                Source::Stdin => (who.pass_file, who.pass_cmd) = (None, Some("cmd".into())),
                #[cfg(feature = "keyring")]
                Source::Command(command) if command == "cmd" => (who.pass_cmd, who.pass_keyring) = (None, true),
                #[cfg(not(feature = "keyring"))]
                Source::Command(command) if command == "cmd" => who.pass_cmd = None,
                Source::File(path) if path == Path::new("cred") => around.credentials = None,
                Source::File(path) if path == Path::new("env-file") => around.password_file = None,
                Source::Value(value) if *value == secret("env") => around.password = None,
                Source::Value(_) => account.password = None,
                Source::File(_) => account.pass_file = None,
                Source::Command(_) => account.pass_cmd = None,
                #[cfg(feature = "keyring")]
                Source::Keyring if who.pass_keyring => who.pass_keyring = false,
                #[cfg(feature = "keyring")]
                Source::Keyring => account.pass_keyring = false,
                Source::Prompt => around.terminal = false,
            }
            order.push(source);
        }
        let expected = [
            Source::File("flag".into()),
            Source::Stdin,
            Source::Command("cmd".into()),
            #[cfg(feature = "keyring")]
            Source::Keyring,
            Source::File("cred".into()),
            Source::File("env-file".into()),
            Source::Value(secret("env")),
            Source::Value(secret("configured")),
            Source::File("/home/a/conf-file".into()),
            Source::Command("conf-cmd".into()),
            #[cfg(feature = "keyring")]
            Source::Keyring,
            Source::Prompt,
        ];
        assert_eq!(order, expected);
    }

    #[test]
    fn only_the_first_line_counts() {
        for (text, secret) in [("geheim\n", "geheim"), ("a b\r\nuser: x\n", "a b"), ("no-newline", "no-newline")] {
            assert_eq!(first_line(text.as_bytes(), "x").unwrap().declassify(), secret);
        }
        assert_eq!(first_line(&b"\nx"[..], "x").unwrap_err().exit, Exit::Config);
        assert_eq!(first_line(&b"\xff\n"[..], "x").unwrap_err().exit, Exit::Config);
    }

    #[test]
    fn a_command_that_fails_gives_no_password() {
        assert_eq!(of_command("echo geheim; echo more", None).unwrap().declassify(), "geheim");
        assert_eq!(of_command("echo geheim; exit 3", None).unwrap_err().exit, Exit::Config);
        let late = of_command("exec sleep 1000", Some(Duration::from_millis(1))).unwrap_err();
        assert_eq!(late.exit, Exit::TryLater);
    }
}
