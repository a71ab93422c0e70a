//! The asking side: one question to a relay that runs on this machine.

use core::fmt;
use serde_json::Value;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why there is no answer.
#[derive(Debug)]
pub enum AskError {
    /// Nobody listens: the relay does not run.
    NotRunning,
    /// This user may not open the socket.
    Denied,
    /// It runs, and does not answer.
    Silent,
    /// The system's.
    Io(io::Error),
    /// The relay refuses, in its words; with the exit status that it means.
    Refused(String, Option<u8>),
    /// The relay ended before it had answered.
    Ended,
    /// The answer makes no sense: a relay of another version, perhaps.
    BadAnswer,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning => f.write_str("no relay runs with this configuration; start it first"),
            Self::Denied => f.write_str("this user may not ask the relay; run it as root or as the relay's user"),
            Self::Silent => f.write_str("the relay runs, but does not answer; look into its log"),
            Self::Io(error) => write!(f, "the relay cannot be asked: {error}"),
            Self::Refused(reason, _) => f.write_str(reason),
            Self::Ended => f.write_str("the relay ended before it had answered"),
            Self::BadAnswer => f.write_str("the relay's answer makes no sense; is it of another version?"),
        }
    }
}

impl std::error::Error for AskError {}

impl From<io::Error> for AskError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Self::NotRunning,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Silent,
            _ => Self::Io(error),
        }
    }
}

/// Asks the relay whose control socket this is; gives back the lines of its answer. Blocks.
///
/// *Shape:* of the question `{"do":"sessions","user":"ann@example.org"}`
///
/// # Errors
/// [`AskError`]
pub fn ask(socket: &Path, question: Value) -> Result<Vec<Value>, AskError> {
    let mut lines = Vec::new();
    ask_each(socket, question, Some(PATIENCE), |line| -> Result<(), AskError> {
        lines.push(line);
        Ok(())
    })?;
    Ok(lines)
}

/// The same, line by line as they come; each may take so long, or `None`: as long as it takes.
///
/// # Errors
/// [`AskError`], or what `each` gives.
pub fn ask_each<E: From<AskError>>(
    socket: &Path,
    mut question: Value,
    patience: Option<Duration>,
    mut each: impl FnMut(Value) -> Result<(), E>,
) -> Result<(), E> {
    let stream = (|| -> Result<_, AskError> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(patience)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        if let Some(object) = question.as_object_mut() {
            object.insert("v".to_owned(), Value::from(1));
        }
        stream.write_all(format!("{question}\n").as_bytes())?;
        Ok(stream)
    })()?;
    for line in BufReader::new(stream).lines() {
        let line = line.map_err(|error| E::from(error.into()))?;
        let line: Value = serde_json::from_str(&line).map_err(|_| AskError::BadAnswer)?;
        match line.get("end").and_then(Value::as_str) {
            None => each(line)?,
            Some("ok") => return Ok(()),
            Some(_) => {
                let reason = line.get("reason").and_then(Value::as_str).unwrap_or_default();
                let code = line.get("code").and_then(Value::as_u64).and_then(|code| u8::try_from(code).ok());
                return Err(AskError::Refused(reason.to_owned(), code).into());
            }
        }
    }
    Err(AskError::Ended.into())
}
