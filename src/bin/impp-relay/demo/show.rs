//! What the demo shows: a message through a pipe, presence that is watched, and a lease that runs out.

use super::stage::{Listening, Stage, command_line, quoted};
use impp::cli::exit::{Exit, Failure, Outcome};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// A file system that does not answer must not hold the demo up.
const DF_PATIENCE: Duration = Duration::from_secs(5);
/// What is sent where there is no `df`.
const OWN_TEXT: &str = "Filesystem  Size  Used  Avail  Use%  Mounted on\n(there is no df on this machine)\n";
/// Long enough for the two steps that need it, short enough to be waited for.
const LEASE: &str = "4s";

/// The whole show; fails at the first step that does not hold.
pub(super) async fn perform(stage: &Stage<'_>) -> Outcome<()> {
    message(stage).await?;
    presence(stage).await?;
    stage.say("")?;
    stage.say("All of it held.")
}

/// An alert for somebody who is not there, and then is.
async fn message(stage: &Stage<'_>) -> Outcome<()> {
    stage.say("\n1. alice sends the output of a command to bob, who is not connected: the relay keeps it.\n")?;
    let (command, alert) = alert().await;
    let send = ["impp-send", "-a", "alice", "-s", "disk", "bob@demo.test"];
    stage.typed(&format!("{command} | {}", command_line(&send)))?;
    let said = stage.feed(&send, alert.as_bytes()).await?;
    stage.read(&said)?;
    stage.say("\n   bob comes and takes it.\n")?;
    let body = stage.run(&["impp-recv", "-a", "bob", "--count", "1", "--timeout", "20s", "--body"]).await?;
    holds(body.trim_end().lines().eq(alert.trim_end().lines()), "what bob received is not what alice sent")?;
    let lines = alert.lines().count();
    stage.say(&format!("\n   The same {lines} lines that went into the pipe."))
}

/// Presence: the state now, a change, and the end of a lease.
async fn presence(stage: &Stage<'_>) -> Outcome<()> {
    stage.say("\n2. alice publishes her presence, and bob watches it: first the state now, then each change.\n")?;
    stage.run(&["impp-set", "-a", "alice", "open", "--note", "at my desk"]).await?;
    let mut watch = stage.listen(&["impp-watch", "-a", "bob", "--count", "3", "alice@demo.test"])?;
    expect(stage, &mut watch, "at my desk", "initial").await?;
    stage.say(&format!("\n3. alice is away for a moment: a lease of {LEASE}.\n"))?;
    stage.run(&["impp-set", "-a", "alice", "open", "--activity", "away", "--note", "lunch", "--lease", LEASE]).await?;
    expect(stage, &mut watch, "lunch", "change").await?;
    let fetched = stage.run(&["impp-fetch", "-a", "bob", "alice@demo.test"]).await?;
    holds(fetched.contains("open") && fetched.contains("lunch"), "impp-fetch shows something else")?;
    stage.say("\n   Nobody renews the lease; the value before shows again.\n")?;
    expect(stage, &mut watch, "at my desk", "lease-expired").await?;
    watch.end().await
}

/// The next line of impp-watch says open, this note and this reason.
async fn expect(stage: &Stage<'_>, watch: &mut Listening, note: &str, why: &str) -> Outcome<()> {
    let line = watch.line().await?;
    stage.read(&line)?;
    let right = line.split_whitespace().nth(1) == Some("open") && line.contains(note) && line.ends_with(why);
    holds(right, &format!("impp-watch should have said: open, {note:?}, {why}"))
}

fn holds(right: bool, otherwise: &str) -> Outcome<()> {
    if right { Ok(()) } else { Err(Failure::new(Exit::Internal, format!("the demo does not hold: {otherwise}"))) }
}

/// A command and what it printed.
async fn alert() -> (&'static str, String) {
    let df = Command::new("df").arg("-h").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).output();
    match tokio::time::timeout(DF_PATIENCE, df).await {
        // df says with its status that it could not look at every file system; what it printed is good all the same.
        Ok(Ok(done)) if !done.stdout.is_empty() => ("df -h", String::from_utf8_lossy(&done.stdout).into_owned()),
        _ => ("cat disk.txt", OWN_TEXT.to_owned()),
    }
}

/// Commands to try in another terminal, as long as the relay stays.
pub(super) fn what_to_type(stage: &Stage<'_>) -> Outcome<()> {
    let path = stage.bin().display().to_string();
    let config = stage.path().join("impp-relay.toml").display().to_string();
    stage.say("\nThe relay stays until Ctrl-C. In another terminal:\n")?;
    for line in [
        format!("export PATH={}:\"$PATH\"", quoted(&path)),
        "impp-recv -a bob".to_owned(),
        "echo hello | impp-send -a alice bob@demo.test".to_owned(),
        "impp-watch -a bob alice@demo.test".to_owned(),
        "impp-set -a alice open --activity away --note lunch --lease 30s".to_owned(),
        "impp-fetch -a bob alice@demo.test".to_owned(),
        "impp-acl -a alice show".to_owned(),
        format!("impp-relay user list -c {}", quoted(&config)),
    ] {
        stage.say(&format!("  {line}"))?;
    }
    stage.say("")
}
