//! The answer on its way to whoever asked, line by line.

use super::refusal::Refusal;
use serde_json::Value;
use serde_json::json;
use std::io;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;

/// Time for a line to be read by the other side, once its buffers are full.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where an answer goes.
pub(super) struct Reply(OwnedWriteHalf);

/// Why an answer does not end well.
#[derive(Debug)]
pub(super) enum Halt {
    /// The relay says no.
    Refused(Refusal),
    /// Nobody reads.
    Gone,
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Halt {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Reply {
    pub(super) fn new(stream: OwnedWriteHalf) -> Self {
        Self(stream)
    }

    /// One object.
    pub(super) async fn line(&mut self, line: &Value) -> Result<(), Halt> {
        self.lines(std::slice::from_ref(line)).await
    }

    /// Several in one write.
    pub(super) async fn lines(&mut self, lines: &[Value]) -> Result<(), Halt> {
        let mut text = String::new();
        for line in lines {
            text.push_str(&line.to_string());
            text.push('\n');
        }
        match tokio::time::timeout(PATIENCE, self.0.write_all(text.as_bytes())).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(Halt::Gone),
        }
    }

    /// The last line.
    pub(super) async fn end(mut self, outcome: Result<(), Halt>) {
        let line = match outcome {
            Ok(()) => json!({"v": 1, "end": "ok"}),
            Err(Halt::Refused(Refusal { why, reason })) => {
                json!({"v": 1, "end": "error", "reason": reason, "code": why as u8})
            }
            Err(Halt::Gone) => return,
        };
        // Who asks and does not read the answer is nobody's concern.
        let _ = self.line(&line).await;
        let _ = self.0.shutdown().await;
    }
}
