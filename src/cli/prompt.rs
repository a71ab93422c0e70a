//! A question on the terminal whose answer is not shown. A signal or the end of the time ends the wait, and the terminal is left as it was.

use super::deadline::Deadline;
use super::exit::{Exit, Failure, Outcome, reason};
use super::run;
use crate::model::Secret;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

/// The terminal that this process belongs to, wherever its input and output go.
const TERMINAL: &str = "/dev/tty";
const SIGINT: u8 = 2;

/// Asks for a secret.
///
/// # Errors
/// 78 if there is nobody to ask; 75 when the time is over; 128+n.
pub fn secret(question: String, deadline: Deadline) -> Outcome<Secret> {
    let before = settings();
    let asked = run::block_on(async |stop| {
        if before.is_some() {
            // Before there is a question: what is typed ahead of it is not shown either.
            set(&["-echo"]);
        }
        let ask = tokio::task::spawn_blocking(move || rpassword::prompt_password(question));
        let answer = async {
            match ask.await {
                Ok(Ok(typed)) => Ok(Secret::new(typed)),
                // The key for it came as a character: while a secret is typed the terminal makes no signals of its own.
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => Err(Failure::silent(Exit::Signal(SIGINT))),
                Ok(Err(error)) => Err(Failure::new(Exit::Config, format!("cannot ask for the password: {}", reason(&error)))),
                Err(_) => Err(Failure::new(Exit::Internal, "the question was broken off")),
            }
        };
        stop.or(deadline.keep("cannot get the password: no answer", answer)).await
    });
    // Also where somebody still reads: the next shell must not be typed into blindly.
    before.iter().for_each(|before| set(&[before]));
    if asked.is_err() {
        // The cursor stands behind the question. A terminal that is gone needs no line.
        _ = OpenOptions::new().write(true).open(TERMINAL).and_then(|mut terminal| terminal.write_all(b"\n"));
    }
    asked
}

/// How the terminal is set, in a form that `stty` takes back; `None` if there is none, or no `stty`.
fn settings() -> Option<String> {
    let done = stty(&["-g"])?.stderr(Stdio::null()).output().ok()?;
    String::from_utf8(done.stdout).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn set(words: &[&str]) {
    // A terminal that is gone needs no settings.
    _ = stty(words).and_then(|mut stty| stty.status().ok());
}

fn stty(words: &[&str]) -> Option<Command> {
    let terminal = OpenOptions::new().read(true).open(TERMINAL).ok()?;
    let mut stty = Command::new("stty");
    stty.args(words).stdin(terminal);
    Some(stty)
}
