//! `--exec`: a command is run, and what it said is sent if it fails.

use super::deliver::Run;
use super::input::{Collected, Limit, Tee};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::handler;
use crate::cli::run::Stop;
use std::io::{PipeReader, Read as _};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Of a long output head and tail are sent, where `--max-size` says nothing: a person has to read it.
const OUTPUT: u64 = 256 << 10;
/// How long the output is read after the command ended: what it left running may hold it open for ever.
const AFTER: Duration = Duration::from_secs(2);

/// A command that ended badly.
#[derive(Debug)]
pub(super) struct Failed {
    /// Its status, to be passed on.
    pub(super) exit: Exit,
    /// The same in words.
    pub(super) why: String,
    /// What it said.
    pub(super) output: Vec<u8>,
}

/// Runs the command to its end; `None` if it went well.
///
/// # Errors
/// 128+n: the signal was passed on to the command; 74.
pub(super) async fn run(run: &Run<'_>, stop: &Stop) -> Outcome<Option<Failed>> {
    let words = &run.args.exec;
    let name = words.first().map_or("the command", |program| program.rsplit('/').next().unwrap_or(program));
    let broken = |error: std::io::Error| Failure::new(Exit::Io, format!("cannot run {name}: {error}"));
    let (output, into) = std::io::pipe().map_err(broken)?;
    let started = handler::start_into(words, Stdio::from(into.try_clone().map_err(broken)?), Stdio::from(into));
    let mut child = match started {
        Ok(child) => child,
        Err(failure) => {
            let why = failure.line().unwrap_or("it cannot be run").to_owned();
            return Ok(Some(Failed { exit: failure.exit, output: Vec::new(), why }));
        }
    };
    let limit = Limit { max: Some(run.args.max_size.unwrap_or(OUTPUT)), truncate: true };
    let collected = Arc::new(Mutex::new(Collected::new(limit)));
    let reader = tokio::task::spawn_blocking({
        let (collected, tee) = (collected.clone(), Tee::new(run.args.tee, run.out));
        move || read(output, &collected, tee)
    });
    let status = tokio::select! {
        biased;
        number = stop.asked() => {
            if let Some(id) = child.id() {
                handler::signal(id, number).await;
            }
            _ = child.wait().await;
            Err(Failure::silent(Exit::Signal(number)))
        }
        status = child.wait() => status.map_err(broken),
    };
    _ = tokio::time::timeout(AFTER, reader).await;
    let status = status?;
    let exit = handler::passed_on(status);
    let why = match exit {
        Exit::Yes => return Ok(None),
        Exit::Signal(number) => format!("{name} was ended by signal {number}"),
        exit => format!("{name} ended with status {}", exit.code()),
    };
    let said = std::mem::replace(&mut *lock(&collected), Collected::new(limit));
    Ok(Some(Failed { exit, why, output: said.finish()? }))
}

fn read(mut output: PipeReader, collected: &Mutex<Collected>, mut tee: Tee) {
    let mut room = vec![0; 16 << 10];
    while let Ok(octets) = output.read(&mut room)
        && octets > 0
    {
        let octets = room.get(..octets).unwrap_or_default();
        tee.copy(octets);
        lock(collected).take(octets);
    }
}

fn lock(collected: &Mutex<Collected>) -> std::sync::MutexGuard<'_, Collected> {
    collected.lock().unwrap_or_else(PoisonError::into_inner)
}
