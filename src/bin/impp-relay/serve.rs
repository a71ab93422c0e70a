//! `impp-relay serve`: the relay until a signal ends it.

use crate::log;
use crate::notify;
use crate::settings;
use crate::user::open_failure;
use impp::cli::exit::{Exit, Failure, Outcome, reason};
use impp::cli::run;
use impp::relay;
use impp::relay::ServeError;
use std::io;
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Serves. SIGTERM and SIGINT end it in good order, with status 0 since that is how a service ends; SIGHUP has the
/// certificates read again.
pub(crate) fn work(config: &Path) -> Outcome<Exit> {
    let config = settings::load(config)?;
    log::start(config.log);
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
            say("STOPPING=1");
        };
        relay::serve(&config, |_| say("READY=1"), reread, stopped).await.map_err(|error| failure(&error))?;
        Ok(Exit::Yes)
    })
}

fn say(state: &str) {
    if let Err(error) = notify::say(state) {
        tracing::warn!(%error, "the service manager does not listen");
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
        ServeError::Bind { .. } | ServeError::Control { .. } => Exit::CannotCreate,
        ServeError::Threads(error) => return cannot_start(error),
        ServeError::StoreDied => Exit::Internal,
    };
    Failure::new(exit, error.to_string())
}
