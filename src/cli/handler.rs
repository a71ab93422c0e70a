//! Commands that a tool starts for a message or a change: run by the shell, data on standard input, facts in the environment.

use super::exit::{Exit, Failure, Outcome, reason};
use super::safe;
use super::secret::PRIVATE_VARIABLES;
use std::future::Future;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

/// How a handler ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With status 0.
    Well,
    /// With 75, or it could not run at all (126, 127, a signal): the fault of this machine, not of the message.
    Later,
    /// With another status.
    Badly(u8),
    /// It was ended, because this tool has to end.
    Stopped,
}

/// A command that was asked to end has so long for it.
const GRACE: Duration = Duration::from_secs(2);

impl Ended {
    fn of(status: ExitStatus) -> Self {
        match status.code() {
            Some(0) => Self::Well,
            Some(75 | 126 | 127) | None => Self::Later,
            Some(code) => Self::Badly(u8::try_from(code).unwrap_or(u8::MAX)),
        }
    }
}

/// Runs `command` by `/bin/sh -c` with these octets on its standard input. Values are made safe: they are one line each.
///
/// # Errors
/// 74 if the shell cannot be started or waited for.
pub async fn run(command: &str, variables: &[(&'static str, String)], input: Vec<u8>) -> Outcome<Ended> {
    run_until(command, variables, input, std::future::pending()).await
}

/// The same, unless `end` comes first and gives a signal: then the command and all that it started get that, and after a
/// while one that nobody survives.
///
/// # Errors
/// As [`run`].
pub async fn run_until(
    command: &str,
    variables: &[(&'static str, String)],
    input: Vec<u8>,
    end: impl Future<Output = u8>,
) -> Outcome<Ended> {
    let wrong = |error: &std::io::Error| Failure::new(Exit::Io, format!("cannot run {command:?}: {}", reason(error)));
    let mut child = Command::new("/bin/sh");
    // A group of its own, so that a signal reaches what the shell has started as well.
    child.arg("-c").arg(command).stdin(Stdio::piped()).process_group(0);
    PRIVATE_VARIABLES.iter().for_each(|name| _ = child.env_remove(name));
    for (name, value) in variables {
        child.env(name, safe::environment(value));
    }
    let mut child = child.spawn().map_err(|error| wrong(&error))?;
    let group = child.id().map(|id| format!("-{id}"));
    let stdin = child.stdin.take();
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A handler need not read what it is given.
            _ = stdin.write_all(&input).await;
            _ = stdin.shutdown().await;
        }
    };
    let number = tokio::select! {
        ((), status) = async { tokio::join!(feed, child.wait()) } => return status.map(Ended::of).map_err(|error| wrong(&error)),
        number = end => number,
    };
    finish(&mut child, group.as_deref(), number).await;
    Ok(Ended::Stopped)
}

/// Ends a child, or the group `-PROCESS` that it leads: with this signal, and if that does not help with SIGKILL.
pub async fn finish(child: &mut Child, whom: Option<&str>, number: u8) {
    let Some(whom) = whom else { return };
    kill(whom, number).await;
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        kill(whom, SIGKILL).await;
    }
    // What cannot be waited for is gone.
    _ = child.wait().await;
}

const SIGKILL: u8 = 9;

/// Starts `words` as a command with this tool's own standard input and output.
///
/// # Errors
/// 66 if there is no such command; 74 if it cannot be started.
pub fn start(words: &[String]) -> Outcome<Child> {
    start_into(words, Stdio::inherit(), Stdio::inherit())
}

/// The same with other places for what it writes.
///
/// # Errors
/// As there.
pub fn start_into(words: &[String], out: Stdio, errors: Stdio) -> Outcome<Child> {
    let (program, arguments) = words.split_first().ok_or_else(|| Failure::usage("--exec needs a command"))?;
    let mut child = Command::new(program);
    child.args(arguments).stdout(out).stderr(errors);
    PRIVATE_VARIABLES.iter().for_each(|name| _ = child.env_remove(name));
    child.spawn().map_err(|error| {
        let exit = if error.kind() == std::io::ErrorKind::NotFound { Exit::NoInput } else { Exit::Io };
        Failure::new(exit, format!("cannot run {program:?}: {}", reason(&error)))
    })
}

/// Sends a signal to a process that this tool started.
pub async fn signal(process: u32, number: u8) {
    kill(&process.to_string(), number).await;
}

/// By the shell's own `kill`.
async fn kill(whom: &str, number: u8) {
    // If it is gone already there is nobody to tell.
    _ = Command::new("/bin/sh").arg("-c").arg(format!("kill -s {number} -- {whom} 2>/dev/null")).status().await;
}

/// The status of a command as this tool's own: its number, or 128+n where a signal ended it.
#[must_use]
pub fn passed_on(status: ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(0), _) => Exit::Yes,
        (Some(code), _) => Exit::Child(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, signal) => Exit::Signal(signal.and_then(|number| u8::try_from(number).ok()).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_gets_its_data_and_tells_how_it_went() {
        for (command, ended) in [
            ("grep -q hello", Ended::Well),
            ("test \"$IMPP_SUBJECT\" = 'a\\x1bb'", Ended::Well),
            ("exit 75", Ended::Later),
            ("exit 3", Ended::Badly(3)),
            ("/nonexistent/command", Ended::Later),
            ("kill -9 $$", Ended::Later),
        ] {
            let got = run(command, &[("IMPP_SUBJECT", "a\u{1b}b".to_owned())], b"hello\n".to_vec()).await.unwrap();
            assert_eq!(got, ended, "{command}");
        }
    }

    #[tokio::test]
    async fn a_handler_need_not_read() {
        assert_eq!(run("exit 0", &[], vec![b'x'; 1 << 20]).await.unwrap(), Ended::Well);
    }

    #[tokio::test]
    async fn a_handler_that_stays_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("note");
        let end = async || {
            while !note.exists() {
                tokio::task::yield_now().await;
            }
            15
        };
        // One that goes when it is asked to, and one that does not listen.
        for trap in ["true", "trap '' TERM"] {
            let command = format!("{trap}; sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait", note.display());
            assert_eq!(run_until(&command, &[], Vec::new(), end()).await.unwrap(), Ended::Stopped, "{command}");
            let started = std::fs::read_to_string(&note).unwrap();
            let state = || {
                let stat = std::fs::read_to_string(format!("/proc/{}/stat", started.trim())).unwrap_or_default();
                stat.rsplit(") ").next().and_then(|rest| rest.chars().next())
            };
            // It has been told to go and is on its way; a thousand seconds would be noticed.
            while !matches!(state(), None | Some('Z' | 'X')) {
                tokio::task::yield_now().await;
            }
            std::fs::remove_file(&note).unwrap();
        }
    }

    #[tokio::test]
    async fn the_status_of_a_command_is_passed_on() {
        for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -15 $$", 143)] {
            let words = ["/bin/sh", "-c", script].map(str::to_owned);
            let status = start(&words).unwrap().wait().await.unwrap();
            assert_eq!(passed_on(status).code(), code);
        }
        assert_eq!(start(&["/nonexistent/command".to_owned()]).unwrap_err().exit, Exit::NoInput);
    }
}
