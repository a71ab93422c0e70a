//! `--lines` and `--ndjson`: a message per line, over one session that is made anew when it breaks.
//!
//! Without `--queue` a line waits until the one before it is settled, so that a pipe fills up while the server is away.
//! With it every line is in the spool as soon as it was read, and goes out in order when that can be.

use super::args::SendArgs;
use super::compose::{Composer, Outgoing};
use super::deliver::Run;
use super::input::{self, Tee};
use super::kept::{self, Kept};
use super::one::{self, One};
use super::report::{How, Report, State};
use super::spool::Spool;
use super::spool::work::Work;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::run::Stop;
use crate::cli::session::{Ask, Open, Session};
use crate::model::Address;
use crate::net::Clock;
use std::collections::HashSet;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Stdin};

/// A stream outlives a restart of the server, also where `--retry` says nothing.
const RETRIES: u32 = 10;
/// How long the spool rests after the server could not be reached: at first, and at most.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How long it rests for a recipient who cannot have a message now.
const AGAIN: Duration = Duration::from_secs(60);

/// Sends what comes until standard input ends. A line that fails does not end the others.
pub(super) async fn send(run: &Run<'_>, composer: &Composer<'_>, open: &Open<'_>, stop: &Stop) -> Outcome<Exit> {
    let tee = Tee::new(run.args.tee, run.out);
    let mut lines = Lines { from: BufReader::new(tokio::io::stdin()), tee, number: 0 };
    let mut exits = Exits::default();
    match (one::spool(run)?, open.user()) {
        (Some(spool), Some(me)) => {
            let me = me.canonical_local().unwrap_or_else(|| me.clone());
            let work = async |session: &Session<'_>| {
                let mut stream =
                    Queued { run, composer, spool: &spool, me, session, left: HashSet::new(), down: None, again: None };
                stream.send(&mut lines, &mut exits).await
            };
            open.clone().retries(0).lazily(stop, work).await?;
        }
        _ => {
            let work = async |session: &Session<'_>| {
                while let Some((line, number)) = lines.next().await? {
                    let exit = match compose(run.args, composer, session.me()?, &line, number) {
                        Ok(Some(message)) => {
                            let report = Report::new(run.args, run.out);
                            let one = One::new(run, stop, &message, &report);
                            one.over(session).await;
                            one.conclude(Ok(()), false).await?
                        }
                        Ok(None) => continue,
                        Err(failure) => {
                            run.out.failure(&failure);
                            failure.exit
                        }
                    };
                    exits.add(exit);
                }
                Ok(())
            };
            open.clone().retries(RETRIES).with(stop, Ask::Long, work).await?;
        }
    }
    lines.tee.finish(exits.all())
}

/// The statuses that there were. A stream may be endless, so that each is kept once.
#[derive(Debug, Default)]
struct Exits(Vec<Exit>);

impl Exits {
    fn add(&mut self, exit: Exit) {
        if !self.0.contains(&exit) {
            self.0.push(exit);
        }
    }

    fn all(&self) -> Exit {
        Exit::combine(&self.0)
    }
}

/// A stream whose lines go through the spool.
struct Queued<'a> {
    run: &'a Run<'a>,
    composer: &'a Composer<'a>,
    spool: &'a Spool,
    me: Address,
    session: &'a Session<'a>,
    /// Names of our messages that were still in the spool when last seen.
    left: HashSet<String>,
    /// The server cannot be reached: when it is tried again, and the pause after that.
    down: Option<(Instant, Duration)>,
    /// When what a recipient did not take is tried again.
    again: Option<Instant>,
}

impl Queued<'_> {
    async fn send(&mut self, lines: &mut Lines, exits: &mut Exits) -> Outcome<()> {
        loop {
            let line = {
                let mut next = pin!(lines.next());
                loop {
                    tokio::select! {
                        line = &mut next => break line?,
                        () = until(self.down.map(|(at, _)| at).or(self.again)), if !self.left.is_empty() => self.flush(exits).await?,
                    }
                }
            };
            let Some((line, number)) = line else { break };
            match compose(self.run.args, self.composer, &self.me, &line, number) {
                Ok(Some(message)) => self.take(&message, exits).await?,
                Ok(None) => {}
                Err(failure) => {
                    self.run.out.failure(&failure);
                    exits.add(failure.exit);
                }
            }
        }
        if !self.left.is_empty() {
            self.flush(exits).await?;
        }
        exits.add(if self.left.is_empty() { Exit::Yes } else { Exit::Unknown });
        Ok(())
    }

    /// Keeps a message, and sends it if the server is there.
    async fn take(&mut self, message: &Outgoing, exits: &mut Exits) -> Outcome<()> {
        let kept = Kept::new(self.spool, self.run, message, &self.me)?;
        let report = Report::new(self.run.args, self.run.out);
        let reachable = self.down.is_none_or(|(again, _)| again <= Clock::instant());
        let done = match reachable {
            true => kept.deliver(self.run, self.session, &report).await,
            false => Err(Failure::silent(Exit::TryLater).called("network")),
        };
        match done {
            Ok(()) => self.down = None,
            Err(failure) if failure.exit == Exit::TryLater => {
                report.rest(&message.to, &failure, true, Some(&message.id));
                if reachable {
                    kept.note(&failure);
                    self.rest();
                }
            }
            Err(failure) => {
                report.rest(&message.to, &failure, true, Some(&message.id));
                return Err(failure.unsaid());
            }
        }
        match report.exit()? {
            Exit::Unknown if !kept.entry.is_gone() => {
                self.left.insert(kept.entry.name().to_owned());
                self.again.get_or_insert_with(|| later(AGAIN));
            }
            exit => exits.add(exit),
        }
        Ok(())
    }

    /// Tries what lies in the spool.
    async fn flush(&mut self, exits: &mut Exits) -> Outcome<()> {
        let report = Report::new(self.run.args, self.run.out);
        let work = Work { spool: self.spool, from: &self.me, own: None };
        let told = |_: &super::spool::Entry, to: &Address, state: &State, how: How<'_>| {
            // That it stays was told when it came.
            if !matches!(state, State::Queued(_)) {
                report.tell(to, state, how);
            }
        };
        match kept::deliver(self.run, self.session, &work, told).await {
            Ok(()) => self.down = None,
            Err(failure) if failure.exit == Exit::TryLater => {
                self.run.out.detail(failure.line().unwrap_or("the server cannot be reached"));
                self.rest();
            }
            Err(failure) => return Err(failure),
        }
        exits.add(report.exit()?);
        let names: HashSet<_> = self.spool.names()?.into_iter().collect();
        self.left.retain(|name| names.contains(name));
        self.again = (!self.left.is_empty()).then(|| later(AGAIN));
        Ok(())
    }

    fn rest(&mut self) {
        let pause = self.down.map_or(REST.0, |(_, pause)| (pause * 2).min(REST.1));
        self.down = Some((later(pause), pause));
    }
}

fn later(pause: Duration) -> Instant {
    let now = Clock::instant();
    now.checked_add(pause).unwrap_or(now)
}

async fn until(at: Option<Instant>) {
    match at {
        Some(again) => tokio::time::sleep_until(again.into()).await,
        None => std::future::pending().await,
    }
}

/// The lines of standard input.
struct Lines {
    from: BufReader<Stdin>,
    tee: Tee,
    number: u64,
}

impl Lines {
    /// The next line without its end, and its number; `None` after the last.
    async fn next(&mut self) -> Outcome<Option<(Vec<u8>, u64)>> {
        let mut line = Vec::new();
        let read = (&mut self.from).take(input::LARGEST + 1).read_until(b'\n', &mut line).await;
        if read.map_err(|error| Failure::reading("standard input".as_ref(), &error))? == 0 {
            return Ok(None);
        }
        if line.len() as u64 > input::LARGEST {
            return Err(Failure::new(Exit::Data, "cannot send a line of more than 64M"));
        }
        self.tee.copy(&line);
        self.number += 1;
        line.truncate(trim(&line).len());
        Ok(Some((line, self.number)))
    }
}

/// The message of one line.
pub(super) fn compose(
    args: &SendArgs,
    composer: &Composer<'_>,
    me: &Address,
    line: &[u8],
    number: u64,
) -> Outcome<Option<Outgoing>> {
    if !args.ndjson {
        return composer.plain(me, line.to_vec());
    }
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(line).map_err(|_| Failure::new(Exit::Data, format!("line {number}: not UTF-8")))?;
    composer.json(me, &input::json_line(text, number)?)
}

fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
