//! `--hold` and `--exec`: a leased value that is renewed while this runs and taken back at the end.

use super::{Plan, lease, publish, take_back, tell};
use crate::cli::deadline::Deadline;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::handler;
use crate::cli::print::Printer;
use crate::cli::run::Stop;
use crate::cli::session::Session;
use crate::model::Lease;
use crate::net::random;
use std::time::Duration;
use tokio::process::Child;

/// Asked for where the person named no lease: short enough that a machine that dies is not open for long.
const LEASE: Lease = Lease::Seconds(3600);
/// How long to wait before a renewal that failed is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// The server has so long to hear that it is over.
const TAKING_BACK: Duration = Duration::from_secs(2);
const SIGTERM: u8 = 15;

fn wish(plan: &Plan) -> Lease {
    plan.args.lease.unwrap_or(LEASE)
}

/// Publishes, keeps it so, and takes it back when a signal comes, the time is over or the command ends.
pub(super) async fn hold(plan: &Plan, session: &Session<'_>, out: &Printer, stop: &Stop, deadline: Deadline) -> Outcome<Exit> {
    let lease = wish(plan);
    let published = stop.or(deadline.keep("cannot publish: no answer", publish(plan, session, lease))).await;
    let end = match published {
        Ok((changed, value)) => {
            lease::mention(lease, changed.lease, out);
            match tell(plan, session, out, &changed, value) {
                Ok(()) => stay(plan, session, out, stop, deadline, changed.lease).await,
                Err(failure) => Err(failure),
            }
        }
        // A signal came in the middle: it may be published by now.
        Err(failure) if matches!(failure.exit, Exit::Signal(_)) => Err(failure),
        Err(failure) => return Err(failure),
    };
    // A failure to take it back matters less than why we end: the lease ends by itself.
    let over = Deadline::after(Some(TAKING_BACK));
    if let Err(failure) = over.keep("the value was not taken back: no answer", take_back(plan, session, lease)).await {
        out.note(failure.line().unwrap_or("the value was not taken back"));
    }
    end
}

/// Until a signal, the end of the time, or the end of the command.
async fn stay(
    plan: &Plan,
    session: &Session<'_>,
    out: &Printer,
    stop: &Stop,
    deadline: Deadline,
    granted: Lease,
) -> Outcome<Exit> {
    let mut child = match plan.args.exec.is_empty() {
        true => None,
        false => Some(handler::start(&plan.args.exec)?),
    };
    tokio::select! {
        failure = renew(plan, session, out, granted) => Err(failure),
        number = stop.asked() => {
            terminate(child.as_mut(), number).await;
            Ok(Exit::Signal(number))
        }
        () = deadline.over() => {
            if let Some(child) = child.as_mut() {
                let id = child.id().map(|id| id.to_string());
                handler::finish(child, id.as_deref(), SIGTERM).await;
            }
            Ok(Exit::Yes)
        }
        ended = ended(child.as_mut()) => ended,
    }
}

/// Renews until it is refused. What may succeed later is tried again. A command goes on without its presence: what it
/// does may matter more.
async fn renew(plan: &Plan, session: &Session<'_>, out: &Printer, granted: Lease) -> Failure {
    let lease = wish(plan);
    let mut granted = granted;
    loop {
        let Lease::Seconds(seconds) = granted else { return std::future::pending().await };
        let length = Duration::from_secs(seconds.max(1));
        tokio::time::sleep(random::between(length / 2, length * 2 / 3)).await;
        granted = loop {
            match publish(plan, session, lease).await {
                Ok((changed, _)) => break changed.lease,
                Err(failure) if failure.exit == Exit::TryLater => {
                    out.note(failure.line().unwrap_or("cannot renew"));
                    tokio::time::sleep(AGAIN).await;
                }
                Err(failure) if plan.args.exec.is_empty() => return failure,
                Err(failure) => {
                    out.note(failure.line().unwrap_or("cannot renew"));
                    return std::future::pending().await;
                }
            }
        };
        out.detail(&format!("renewed for {granted}"));
    }
}

async fn ended(child: Option<&mut Child>) -> Outcome<Exit> {
    match child {
        Some(child) => match child.wait().await {
            Ok(status) => Ok(handler::passed_on(status)),
            Err(error) => Err(Failure::new(Exit::Io, format!("cannot wait for the command: {error}"))),
        },
        None => std::future::pending().await,
    }
}

/// Passes a signal on and waits for the end, which a person who loses patience brings about with a second signal.
async fn terminate(child: Option<&mut Child>, number: u8) {
    let Some(child) = child else { return };
    if let Some(id) = child.id() {
        handler::signal(id, number).await;
    }
    _ = child.wait().await;
}
