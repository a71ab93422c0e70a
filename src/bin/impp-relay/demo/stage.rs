//! Where the demo happens: tools run as processes of their own, shown as a person would type and read them.

use super::folder::Folder;
use impp::cli::exit::{Exit, Failure, Outcome, reason};
use impp::cli::print::Printer;
use impp::cli::safe;
use std::borrow::Cow;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// No step takes longer, unless something is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// The folder with the tools, and the one who reads.
pub(super) struct Stage<'a> {
    folder: &'a Folder,
    out: &'a Printer,
}

impl<'a> Stage<'a> {
    pub(super) const fn new(folder: &'a Folder, out: &'a Printer) -> Self {
        Self { folder, out }
    }

    /// Where everything is.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the tools are.
    pub(super) fn bin(&self) -> std::path::PathBuf {
        self.folder.bin()
    }

    /// Says something.
    pub(super) fn say(&self, text: &str) -> Outcome<()> {
        self.out.line(text)
    }

    /// Shows what is typed.
    pub(super) fn typed(&self, line: &str) -> Outcome<()> {
        self.say(&format!("  $ {line}"))
    }

    /// Shows what came out.
    pub(super) fn read(&self, text: &str) -> Outcome<()> {
        safe::block(text).lines().try_for_each(|line| self.say(&format!("  | {line}")))
    }

    /// Shows and runs a tool to its end, and shows its output. Anything but status 0 is a failure.
    pub(super) async fn run(&self, words: &[&str]) -> Outcome<String> {
        self.typed(&command_line(words))?;
        let output = self.feed(words, b"").await?;
        self.read(&output)?;
        Ok(output)
    }

    /// Runs a tool to its end with this input. Anything but status 0 is a failure.
    pub(super) async fn feed(&self, words: &[&str], input: &[u8]) -> Outcome<String> {
        let failed = |why: String| Failure::new(Exit::Internal, format!("{} {why}", command_line(words)));
        let mut child = self.spawn(words, Stdio::piped())?;
        let stdin = child.stdin.take();
        let write = async {
            if let Some(mut stdin) = stdin {
                // A tool that does not read its input to the end says why by its status.
                _ = stdin.write_all(input).await;
            }
        };
        let both = async { tokio::join!(write, child.wait_with_output()).1 };
        let done = tokio::time::timeout(PATIENCE, both).await.map_err(|_| failed("did not end".to_owned()))?;
        let done = done.map_err(|error| failed(format!("broke: {}", reason(&error))))?;
        match done.status.code() {
            Some(0) => Ok(String::from_utf8_lossy(&done.stdout).into_owned()),
            code => {
                let code = code.map_or_else(|| "by a signal".to_owned(), |code| format!("with status {code}"));
                Err(failed(format!("ended {code}: {}", String::from_utf8_lossy(&done.stderr).trim())))
            }
        }
    }

    /// Shows and starts a tool whose lines are read one by one.
    pub(super) fn listen(&self, words: &[&str]) -> Outcome<Listening> {
        self.typed(&format!("{} &", command_line(words)))?;
        let mut child = self.spawn(words, Stdio::null())?;
        let lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        Ok(Listening { child, lines, what: command_line(words) })
    }

    fn spawn(&self, words: &[&str], stdin: Stdio) -> Outcome<Child> {
        let (tool, rest) = words.split_first().unwrap_or((&"", &[]));
        let path = self.bin().join(tool);
        Command::new(&path)
            .args(rest)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::new(Exit::Internal, format!("cannot run {}: {}", path.display(), reason(&error))))
    }
}

/// A tool that runs and writes lines.
pub(super) struct Listening {
    child: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
    what: String,
}

impl Listening {
    /// Its next line.
    pub(super) async fn line(&mut self) -> Outcome<String> {
        let failed = |why: &str| Failure::new(Exit::Internal, format!("{} {why}", self.what));
        let Some(lines) = &mut self.lines else { return Err(failed("has no output")) };
        match tokio::time::timeout(PATIENCE, lines.next_line()).await {
            Ok(Ok(Some(line))) => Ok(line),
            Ok(_) => Err(failed("ended too early")),
            Err(_) => Err(failed("says nothing")),
        }
    }

    /// Waits for its end; anything but status 0 is a failure.
    pub(super) async fn end(mut self) -> Outcome<()> {
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(Failure::new(Exit::Internal, format!("{} ended with {status}", self.what))),
            _ => Err(Failure::new(Exit::Internal, format!("{} does not end", self.what))),
        }
    }
}

/// The words as one would type them.
pub(super) fn command_line(words: &[&str]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word that the shell reads as it is.
pub(super) fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ':' | '@' | '=' | ',');
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_can_be_pasted() {
        assert_eq!(
            command_line(&["impp-set", "--note", "it's late", "--lease", "3s"]),
            r"impp-set --note 'it'\''s late' --lease 3s"
        );
        assert_eq!(quoted(""), "''");
    }
}
