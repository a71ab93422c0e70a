//! `impp-relay serve`: the relay until a signal ends it.

use crate::log;
use crate::notify;
use crate::passed;
use crate::process;
use crate::settings;
use crate::user::open_failure;
use impp::cli::exit::{Exit, Failure, Outcome, reason};
use impp::cli::run;
use impp::relay;
use impp::relay::config::Config;
use impp::relay::health::Probe;
use impp::relay::{Bound, Given, ServeError, SocketError, Sockets, Stage};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// What the service manager shows while everybody is sent away, and while the relay ends.
const DRAINING: &str = "STATUS=Sending everybody away";
const STOPPING: &str = "STATUS=Saying good-bye";

/// Serves. SIGTERM and SIGINT end it in good order, with status 0 since that is how a service ends; SIGHUP has
/// everything read again.
pub(crate) fn work(config: &Path) -> Outcome<Exit> {
    let passed = passed::take()?;
    let config = settings::load(config)?;
    let log = log::start(config.log);
    let open_files = process::raise_open_files(config.limits.connections)?;
    let sockets = Sockets::open(&config, passed).map_err(|error| unbound(&error))?;
    let user = process::drop_root(&config.data_dir)?;
    tracing::info!(%user, open_files, "relay starts");
    run::block_on_half(async |stop| {
        let (tell, reread) = watch::channel(());
        let mut hangup = signal(SignalKind::hangup()).map_err(|error| cannot_start(&error))?;
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                _ = tell.send(());
            }
        });
        let stopped = async {
            let number = stop.asked().await;
            tracing::info!(signal = number, "asked to stop");
        };
        let status = Arc::new(Mutex::new(status(&config)));
        let ready = |bound: &Bound| {
            say_with(&status, |status| notify::say(&format!("READY=1\n{status}")));
            if let Some((health, every)) = bound.health.clone().zip(rounds()) {
                tokio::spawn(give_signs_of_life(health, every, Arc::clone(&status)));
            }
        };
        let stage = Some(Box::new(tell_stage(Arc::clone(&status))) as _);
        let given = Given { ready, reread, stop: stopped, log: Some(log), stage };
        relay::serve(&config, sockets, given).await.map_err(|error| failure(&error))?;
        Ok(Exit::Yes)
    })
}

/// How often the service manager wants to hear of a relay that goes on: twice in the time after which it takes silence for death.
fn rounds() -> Option<Duration> {
    notify::watchdog().map(|patience| patience / 2)
}

/// Tells the service manager that the relay lives, as often as it does; a relay that hangs is silent, and is started anew.
async fn give_signs_of_life(health: Probe, every: Duration, status: Arc<Mutex<String>>) {
    loop {
        let found = health.inside().await;
        let faults = found.parts.iter().filter_map(|part| Some(format!("; {}: {}", part.name, part.fault.as_ref()?)));
        let faults: String = faults.collect();
        if !found.is_alive() {
            tracing::error!("parts of the relay do not answer{faults}");
        }
        say_with(&status, |status| {
            let alive = if found.is_alive() { "WATCHDOG=1\n" } else { "" };
            notify::say(&format!("{alive}{status}{faults}"));
        });
        tokio::time::sleep(every).await;
    }
}

/// Tells the service manager of a reload, from its begin to its end (in between the relay serves on), and of the relay's end when
/// it begins. The signs of life go on, and show what was said last.
fn tell_stage(told: Arc<Mutex<String>>) -> impl Fn(Stage<'_>) + Send + Sync {
    move |stage| match stage {
        Stage::Reloading => notify::say_reloading(),
        Stage::Serving(config) => say_with(&told, |told| {
            *told = status(config);
            notify::say(&format!("READY=1\n{told}"));
        }),
        // No STOPPING: from there on the service manager waits for `TimeoutStopSec=`, and a drain may take a day.
        Stage::Draining => say_with(&told, |told| {
            *told = DRAINING.to_owned();
            notify::say(told);
        }),
        Stage::Stopping => say_with(&told, |told| {
            *told = STOPPING.to_owned();
            notify::say(&format!("STOPPING=1\n{told}"));
        }),
    }
}

/// Says something with the status as it is while it is said: a sign of life must not overtake the end.
fn say_with(status: &Mutex<String>, say: impl FnOnce(&mut String)) {
    say(&mut status.lock().unwrap_or_else(PoisonError::into_inner));
}

/// *Shape:* `STATUS=Serving example.org and 2 more`
fn status(config: &Config) -> String {
    let domains = match config.domains.as_slice() {
        [] => String::new(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    format!("STATUS=Serving {domains}")
}

fn cannot_start(error: &io::Error) -> Failure {
    Failure::new(Exit::Internal, format!("cannot start: {}", reason(error)))
}

/// The line and status of a relay that did not start.
pub(crate) fn failure(error: &ServeError) -> Failure {
    let exit = match error {
        ServeError::Open(error) => return open_failure(error),
        ServeError::Store(_) => Exit::Io,
        ServeError::Tls(_) | ServeError::Neighbours(_) => Exit::Config,
        ServeError::Socket(error) => return unbound(error),
        ServeError::Control { .. } => Exit::CannotCreate,
        ServeError::Threads(error) => return cannot_start(error),
        ServeError::StoreDied => Exit::Internal,
    };
    Failure::new(exit, error.to_string())
}

/// The line and status of a relay that does not listen.
pub(crate) fn unbound(error: &SocketError) -> Failure {
    let exit = match error {
        SocketError::Bind { .. } => Exit::CannotCreate,
        _ => Exit::Config,
    };
    Failure::new(exit, error.to_string())
}
