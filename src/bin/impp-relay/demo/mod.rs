//! `impp-relay demo`: a relay on loopback, two users, and the real tools at work between them.

mod folder;
mod show;
mod stage;

use crate::args::DemoArgs;
use crate::serve;
use folder::Folder;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::Printer;
use impp::cli::run::{self, Stop};
use impp::relay::config::Config;
use impp::relay::{self, Bound, Given, ServeError, Sockets};
use stage::Stage;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// Shows everything once, then stays up for whoever wants to try; the folder is removed at the end.
pub(crate) fn work(wish: DemoArgs, out: &Printer) -> Outcome<Exit> {
    let folder = Folder::make(wish.keep_dir)?;
    let done = run::block_on(async |stop| perform(wish, &folder, &stop, out).await);
    if wish.keep_dir {
        out.note(&format!("the folder stays: {}", folder.path().display()));
    }
    done
}

async fn perform(wish: DemoArgs, folder: &Folder, stop: &Stop, out: &Printer) -> Outcome<Exit> {
    let (relay, bound) = Relay::start(folder.furnish()?).await?;
    let address = bound.tls.first().copied().ok_or_else(|| Failure::new(Exit::Internal, "the relay listens nowhere"))?;
    folder.hand_out_tools(address)?;
    out.line(&format!("A relay for {} listens on {address}; everything is in {}.", folder::DOMAIN, folder.path().display()))?;
    let stage = Stage::new(folder, out);
    let shown = stop.or(show::perform(&stage)).await;
    let ended = match shown {
        Ok(()) if wish.once => Ok(Exit::Yes),
        Ok(()) => {
            show::what_to_type(&stage)?;
            Ok(Exit::Signal(stop.asked().await))
        }
        Err(failure) => Err(failure),
    };
    relay.end().await?;
    ended
}

/// The relay, in a task of this very process.
struct Relay {
    task: JoinHandle<Result<(), ServeError>>,
    enough: oneshot::Sender<()>,
    _rereading: watch::Sender<()>,
}

impl Relay {
    /// Starts it and waits until its ports accept.
    async fn start(config: Config) -> Outcome<(Self, Bound)> {
        let (say_ready, ready) = oneshot::channel();
        let (enough, asked) = oneshot::channel();
        let (rereading, reread) = watch::channel(());
        let sockets = Sockets::open(&config, Vec::new()).map_err(|error| serve::unbound(&error))?;
        let task = tokio::spawn(async move {
            let ready = |bound: &Bound| _ = say_ready.send(bound.clone());
            let given = Given { ready, reread, stop: async { _ = asked.await }, log: None, stage: None };
            relay::serve(&config, sockets, given).await
        });
        let relay = Self { task, enough, _rereading: rereading };
        match ready.await {
            Ok(bound) => Ok((relay, bound)),
            // It ended without having been ready: its result says why.
            Err(_) => {
                relay.end().await?;
                Err(Failure::new(Exit::Internal, "the relay ended before it was ready"))
            }
        }
    }

    /// Ends it in good order.
    async fn end(self) -> Outcome<()> {
        _ = self.enough.send(());
        match self.task.await {
            Ok(served) => served.map_err(|error| serve::failure(&error)),
            Err(error) => Err(Failure::new(Exit::Internal, format!("the relay broke off: {error}"))),
        }
    }
}
