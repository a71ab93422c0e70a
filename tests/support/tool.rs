//! Programs that are run: to their end, or while the test goes on.

use super::said::Said;
use std::io::Write;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};

/// A program that runs while the test goes on; its lines can be waited for.
pub struct Tool {
    child: Child,
    out: Said,
    errors: Said,
    read: usize,
    what: String,
}

impl Tool {
    /// Starts it.
    pub fn spawn(command: &mut Command) -> Self {
        let what = format!("{command:?}");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, errors) = (Said::listen(child.stdout.take().unwrap()), Said::listen(child.stderr.take().unwrap()));
        Self { child, out, errors, read: 0, what }
    }

    /// The next line of its output.
    pub fn line(&mut self) -> String {
        let Some(line) = self.out.line(self.read) else {
            panic!("no further line from {}\n{}\nstderr: {}", self.what, self.out.text(), self.errors.text());
        };
        self.read += 1;
        line
    }

    /// The next lines up to one that has this text; they are given back.
    pub fn lines_until(&mut self, needle: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &String| !line.contains(needle)) {
            lines.push(self.line());
        }
        lines
    }

    /// How many lines of its output have been taken.
    pub const fn lines_read(&self) -> usize {
        self.read
    }

    /// Its standard input.
    pub fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().unwrap()
    }

    /// Writes to its standard input.
    pub fn type_in(&mut self, text: &str) {
        let stdin = self.stdin();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Closes its standard input.
    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// What it wrote to standard output.
    pub const fn out(&self) -> &Said {
        &self.out
    }

    /// What it said on standard error.
    pub const fn errors(&self) -> &Said {
        &self.errors
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it without a chance to tidy up.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal: `TERM`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Closes its input and waits for its end.
    pub fn end(&mut self) -> ExitStatus {
        self.close_stdin();
        self.child.wait().unwrap()
    }

    /// Closes its input and waits for its end: status and the lines not read yet.
    pub fn finish(mut self) -> (i32, Vec<String>) {
        let status = self.end();
        let lines = self.out.all().lines().skip(self.read).map(str::to_owned).collect();
        // As a shell counts: a program that a signal ended before it could say so itself has that signal's status too.
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
        (code.unwrap_or(-1), lines)
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- {}\nstdout:\n{}stderr:\n{}", self.what, self.out.text(), self.errors.text());
        }
    }
}

/// Sends a signal to a process that the test started.
pub fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap().success());
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
#[track_caller]
pub fn expect(status: i32, command: &mut Command, stdin: &[u8]) -> Vec<u8> {
    let done = run(command, stdin);
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert_eq!(done.status.code(), Some(status), "{command:?}\nstdout: {out}\nstderr: {err}");
    done.stdout
}

/// The same for text.
#[track_caller]
pub fn expect_text(status: i32, command: &mut Command, stdin: &str) -> String {
    String::from_utf8(expect(status, command, stdin.as_bytes())).unwrap()
}
