//! One message, from being ready to the status: sent, or kept, or handed to the fallback.

use super::compose::Outgoing;
use super::deliver::{Delivering, Run, WIDTH};
use super::kept::Kept;
use super::report::Report;
use super::spool::{self, Spool};
use crate::cli::deadline::Deadline;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::handler::{self, Ended};
use crate::cli::progress;
use crate::cli::run::Stop;
use crate::cli::session::{Ask, Open, Session};
use crate::model::Address;
use std::pin::pin;
use std::time::Duration;

/// How long the fallback is waited for: the time of the run may be over before it begins.
const FALLBACK: Duration = Duration::from_secs(30);
/// How often a bar is moved.
const GLANCE: Duration = Duration::from_millis(100);

/// What becomes of a message that `--queue` keeps when no session can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// It stays if that may pass; otherwise whoever called knows, and calls again.
    ForNow,
    /// It stays: whoever called will not call again.
    Whatever,
}

/// The spool that the options ask for; `None` without `--queue`.
///
/// # Errors
/// 64, 73 or 78.
pub(super) fn spool(run: &Run<'_>) -> Outcome<Option<Spool>> {
    let Some(named) = &run.args.queue else { return Ok(None) };
    if run.args.expires == Some(Duration::ZERO) {
        return Err(Failure::usage("--expires 0 is now or never: that does not go with --queue"));
    }
    spool::find(named.as_deref()).and_then(Spool::open).map(Some)
}

/// One message, and where its fate is told.
#[derive(Debug)]
pub(super) struct One<'a> {
    run: &'a Run<'a>,
    stop: &'a Stop,
    message: &'a Outgoing,
    report: &'a Report<'a>,
}

impl<'a> One<'a> {
    pub(super) const fn new(run: &'a Run<'a>, stop: &'a Stop, message: &'a Outgoing, report: &'a Report<'a>) -> Self {
        Self { run, stop, message, report }
    }

    /// Sends it for `me`, by way of the spool if there is one. `open`: the way to a session, or why there is none.
    ///
    /// # Errors
    /// 128+n; standard output does not take what is told.
    pub(super) async fn send(
        &self,
        open: Result<&Open<'_>, Failure>,
        me: &Address,
        spool: Option<(&Spool, Keeping)>,
    ) -> Outcome<Exit> {
        // A message that cannot be kept, on a full disk, may still be delivered.
        let keep = |(spool, keeping)| Kept::new(spool, self.run, self.message, me).map(|kept| (kept, keeping));
        let (kept, unkept) = match spool.map(keep).transpose() {
            Ok(kept) => (kept, None),
            Err(failure) => (None, Some(failure)),
        };
        let session = async |session: &Session<'_>| match &kept {
            Some((kept, _)) => self.watched(session, kept.deliver(self.run, session, self.report)).await,
            None => {
                self.over(session).await;
                Ok(())
            }
        };
        let done = match open {
            Ok(open) => open.with(self.stop, Ask::OneShot, session).await,
            Err(failure) => Err(failure),
        };
        let stays = match (&done, &kept) {
            (Ok(()), _) | (_, None) => false,
            (Err(failure), Some((kept, keeping))) => {
                let stays = *keeping == Keeping::Whatever || matches!(failure.exit, Exit::TryLater | Exit::Signal(_));
                if stays {
                    kept.note(failure);
                } else {
                    kept.discard()?;
                }
                stays
            }
        };
        let exit = self.conclude(done, stays).await?;
        match unkept {
            Some(failure) if exit == Exit::TryLater => Err(failure),
            _ => Ok(exit),
        }
    }

    /// Sends it over a session, as it is.
    pub(super) async fn over(&self, session: &Session<'_>) {
        let delivering = Delivering { run: self.run, session, report: self.report };
        self.watched(session, delivering.deliver(self.message)).await;
    }

    /// Does `work` and shows on a terminal how it gets along.
    async fn watched<T>(&self, session: &Session<'_>, work: impl Future<Output = T>) -> T {
        let bar = progress::deliveries(self.run.out, self.message.octets.len() as u64, self.message.to.len(), WIDTH);
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(GLANCE), if !bar.is_hidden() => bar.show(self.report.told(), session.unsent()),
            }
        }
    }

    /// What is left to be done when the session has ended: those who were not told, the fallback, the status. `stays`: it is
    /// in the spool.
    ///
    /// # Errors
    /// 128+n; standard output does not take what is told.
    pub(super) async fn conclude(&self, done: Outcome<()>, stays: bool) -> Outcome<Exit> {
        if let Err(failure) = done {
            if let Exit::Signal(_) = failure.exit {
                if stays {
                    self.run.out.note("the message stays in the spool");
                }
                return Err(failure);
            }
            self.no_session(failure, stays);
        }
        if !self.report.somebody_got_it() {
            self.fall_back().await?;
        }
        self.report.exit()
    }

    /// There is no session, or no longer: whoever was not told of has it not.
    fn no_session(&self, failure: Failure, stays: bool) {
        if stays && failure.exit != Exit::TryLater {
            // Kept, but somebody has to mend something before it can go.
            let why = failure.line().unwrap_or("there is no session");
            self.run.out.complain(&format!("{why}; the message stays in the spool"));
            return self.report.rest(&self.message.to, &failure.unsaid(), false, Some(&self.message.id));
        }
        self.report.rest(&self.message.to, &failure, stays, Some(&self.message.id));
    }

    /// Hands a message that nobody got to the person's own command.
    ///
    /// # Errors
    /// 128+n.
    async fn fall_back(&self) -> Outcome<()> {
        let out = self.run.out;
        let Some(command) = &self.run.args.fallback else { return Ok(()) };
        let to: Vec<_> = self.message.to.iter().map(Address::to_email).collect();
        let variables = [
            ("IMPP_TO", to.join(",")),
            ("IMPP_ID", self.message.id.as_str().to_owned()),
            ("IMPP_ERROR", self.report.why().unwrap_or_default()),
        ];
        let end = self.stop.or_late(Deadline::after(Some(FALLBACK)));
        match handler::run_until(command, &variables, self.message.octets.to_vec(), end).await {
            Ok(Ended::Well) => out.note("nobody got it: the fallback has it"),
            Ok(Ended::Badly(status)) => out.complain(&format!("nobody got it, and the fallback failed with status {status}")),
            Ok(Ended::Later) => out.complain("nobody got it, and the fallback failed"),
            Ok(Ended::Stopped) => out.complain("nobody got it, and the fallback was ended before it was done"),
            Err(failure) => out.failure(&failure),
        }
        self.stop.or(async { Ok(()) }).await
    }
}
