//! The asking side: one question to a relay that runs on this machine.

use core::fmt;
use serde_json::Value;
use serde_json::json;
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
    /// The system's.
    Io(io::Error),
    /// The relay refuses, in its words.
    Refused(String),
    /// The answer makes no sense: a relay of another version, perhaps.
    BadAnswer,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning => f.write_str("no relay runs with this configuration; start it first"),
            Self::Denied => f.write_str("this user may not ask the relay; run it as root or as the relay's user"),
            Self::Io(error) => write!(f, "the relay cannot be asked: {error}"),
            Self::Refused(reason) => write!(f, "the relay refuses: {reason}"),
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
            _ => Self::Io(error),
        }
    }
}

/// Asks the relay whose control socket this is; gives back the lines of its answer. Blocks.
///
/// # Errors
/// [`AskError`]
pub fn ask(socket: &Path, command: &str) -> Result<Vec<Value>, AskError> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{}\n", json!({"v": 1, "do": command})).as_bytes())?;
    let mut lines = Vec::new();
    for line in BufReader::new(stream).lines() {
        let line: Value = serde_json::from_str(&line?).map_err(|_| AskError::BadAnswer)?;
        match line.get("end").and_then(Value::as_str) {
            None => lines.push(line),
            Some("ok") => return Ok(lines),
            Some(_) => {
                let reason = line.get("reason").and_then(Value::as_str).unwrap_or_default();
                return Err(AskError::Refused(reason.to_owned()));
            }
        }
    }
    Err(AskError::BadAnswer)
}
