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
use impp::relay::{Alive, Bound, Given, Heartbeat, ServeError, SocketError, Sockets};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How often the service manager is told how many are connected.
const STATUS_EVERY: Duration = Duration::from_secs(30);

/// Serves. SIGTERM and SIGINT end it in good order, with status 0 since that is how a service ends; SIGHUP has the
/// certificates read again.
pub(crate) fn work(config: &Path) -> Outcome<Exit> {
    let passed = passed::take()?;
    let config = settings::load(config)?;
    log::start(config.log);
    let sockets = Sockets::open(&config, passed).map_err(|error| unbound(&error))?;
    let user = process::drop_root(&config.data_dir)?;
    let open_files = process::raise_open_files(config.limits.connections);
    tracing::info!(%user, open_files, "relay starts");
    run::block_on_all(async |stop| {
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
            notify::say("STOPPING=1\nSTATUS=Saying good-bye");
        };
        let status = format!("STATUS=Serving {}", domains(&config));
        let ready = |_: &Bound| notify::say(&format!("READY=1\n{status}"));
        let given = Given { ready, reread, heartbeat: heartbeat(status.clone()), stop: stopped };
        relay::serve(&config, sockets, given).await.map_err(|error| failure(&error))?;
        Ok(Exit::Yes)
    })
}

/// What the service manager hears as long as the relay is alive: twice in the time after which it would be taken for dead.
fn heartbeat(status: String) -> Option<Heartbeat> {
    if !notify::is_heard() {
        return None;
    }
    let watchdog = notify::watchdog();
    let every = watchdog.map_or(STATUS_EVERY, |patience| STATUS_EVERY.min(patience / 2));
    let beat = move |alive: Alive| {
        let sign = if watchdog.is_some() { "WATCHDOG=1\n" } else { "" };
        notify::say(&format!("{sign}{status}; connections: {}", alive.connections));
    };
    Some(Heartbeat { every, beat: Box::new(beat) })
}

fn domains(config: &Config) -> String {
    match config.domains.as_slice() {
        [] => String::new(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
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
