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

/// Sends a message whose sender is known, and tells what became of it. `open`: the way to a session, or why there is none.
///
/// # Errors
/// 128+n; standard output does not take what is told.
pub(super) async fn send(
    run: &Run<'_>,
    open: Result<&Open<'_>, Failure>,
    stop: &Stop,
    message: &Outgoing,
    me: &Address,
    spool: Option<(&Spool, Keeping)>,
) -> Outcome<Exit> {
    let report = Report::new(run.args, run.out);
    // A message that cannot be kept, on a full disk, may still be delivered.
    let (kept, unkept) = match spool.map(|(spool, keeping)| Kept::new(spool, run, message, me).map(|kept| (kept, keeping))) {
        None => (None, None),
        Some(Ok(kept)) => (Some(kept), None),
        Some(Err(failure)) => (None, Some(failure)),
    };
    let session = async |session: &Session<'_>| {
        let work = async {
            match &kept {
                Some((kept, _)) => kept.deliver(run, session, &report).await?,
                None => Delivering { run, session, report: &report }.deliver(message).await,
            }
            Ok(())
        };
        watched(run, session, &report, message, work).await
    };
    let done = match open {
        Ok(open) => open.with(stop, Ask::OneShot, session).await,
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
    let exit = conclude(run, stop, &report, message, done, stays).await?;
    match unkept {
        Some(failure) if exit == Exit::TryLater => Err(failure),
        _ => Ok(exit),
    }
}

/// Does `work` and shows on a terminal how it gets along.
pub(super) async fn watched<T>(
    run: &Run<'_>,
    session: &Session<'_>,
    report: &Report<'_>,
    message: &Outgoing,
    work: impl Future<Output = T>,
) -> T {
    let bar = progress::deliveries(run.out, message.octets.len() as u64, message.to.len(), WIDTH);
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(GLANCE), if !bar.is_hidden() => bar.show(report.told(), session.unsent()),
        }
    }
}

/// What is left to be done when a session with one message has ended: those who were not told, the fallback, the status.
/// `stays`: it is in the spool.
///
/// # Errors
/// 128+n; standard output does not take what is told.
pub(super) async fn conclude(
    run: &Run<'_>,
    stop: &Stop,
    report: &Report<'_>,
    message: &Outgoing,
    done: Outcome<()>,
    stays: bool,
) -> Outcome<Exit> {
    if let Err(failure) = done {
        if let Exit::Signal(_) = failure.exit {
            if stays {
                run.out.note("the message stays in the spool");
            }
            return Err(failure);
        }
        over(run, report, message, failure, stays);
    }
    if !report.somebody_got_it() {
        fallback(run, stop, report, message).await?;
    }
    report.exit()
}

/// There is no session, or no longer: whoever was not told of has it not.
fn over(run: &Run<'_>, report: &Report<'_>, message: &Outgoing, failure: Failure, stays: bool) {
    if stays && failure.exit != Exit::TryLater {
        // Kept, but somebody has to mend something before it can go.
        run.out.complain(&format!("{}; the message stays in the spool", failure.line().unwrap_or("there is no session")));
        return report.rest(&message.to, &failure.unsaid(), false, Some(&message.id));
    }
    report.rest(&message.to, &failure, stays, Some(&message.id));
}

/// Hands a message that nobody got to the person's own command.
///
/// # Errors
/// 128+n.
pub(super) async fn fallback(run: &Run<'_>, stop: &Stop, report: &Report<'_>, message: &Outgoing) -> Outcome<()> {
    let Some(command) = &run.args.fallback else { return Ok(()) };
    let to: Vec<_> = message.to.iter().map(Address::to_email).collect();
    let variables = [
        ("IMPP_TO", to.join(",")),
        ("IMPP_ID", message.id.as_str().to_owned()),
        ("IMPP_ERROR", report.why().unwrap_or_default()),
    ];
    let end = stop.or_late(Deadline::after(Some(FALLBACK)));
    match handler::run_until(command, &variables, message.octets.to_vec(), end).await {
        Ok(Ended::Well) => run.out.note("nobody got it: the fallback has it"),
        Ok(Ended::Badly(status)) => run.out.complain(&format!("nobody got it, and the fallback failed with status {status}")),
        Ok(Ended::Later) => run.out.complain("nobody got it, and the fallback failed"),
        Ok(Ended::Stopped) => run.out.complain("nobody got it, and the fallback was ended before it was done"),
        Err(failure) => run.out.failure(&failure),
    }
    stop.or(async { Ok(()) }).await
}
