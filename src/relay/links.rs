//! Links that we open: the other file in which engine and service meet, beside [`super::session`].

use super::connection::Connection;
use super::connection::LINK_SILENCE;
use super::connection::Next;
use super::connection::part;
use super::hub::Hub;
use super::material::Live;
use super::outbox::Item;
use super::rests::Rests;
use crate::engine;
use crate::engine::ClientCommand;
use crate::engine::ClientEvent;
use crate::engine::End;
use crate::net::Clock;
use crate::net::Drive;
use crate::net::MaybeTls;
use crate::net::Step;
use crate::net::client::Error;
use crate::net::connect::ConnectError;
use crate::net::link;
use crate::net::link::Opened;
use crate::service;
use crate::service::Closed;
use crate::service::NoLink;
use crate::service::Octets;
use crate::service::Route;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Links that are being opened at the same time; more of them wait.
const OPENED_AT_ONCE: usize = 256;

/// What the tasks of all links share.
struct Links {
    hub: Arc<Hub>,
    live: Live,
    opening: Semaphore,
    rests: Rests,
}

/// Opens what the service wants opened until `stop` changes, then waits for the links to end.
pub(super) async fn run(hub: Arc<Hub>, live: Live, mut wanted: UnboundedReceiver<Route>, mut stop: watch::Receiver<bool>) {
    let links = Arc::new(Links { hub, live, opening: Semaphore::new(OPENED_AT_ONCE), rests: Rests::default() });
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            Some(route) = wanted.recv() => {
                let links = Arc::clone(&links);
                let stop = stop.clone();
                tasks.spawn(async move { links.serve(route, stop).await });
            }
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            _ = stop.changed() => break,
        }
    }
    while tasks.join_next().await.is_some() {}
}

impl Links {
    /// Opens one link and serves it to its end.
    async fn serve(&self, route: Route, mut stop: watch::Receiver<bool>) {
        let mut owed = Owed { links: self, route: &route, outcome: Some(NotOpened::GivenUp) };
        let opened = tokio::select! {
            opened = self.open(&route) => opened,
            // Whoever waits for it is told good-bye anyway.
            _ = stop.changed() => return,
        };
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => {
                owed.outcome = Some(error);
                return;
            }
        };
        owed.outcome = None;
        drop(owed);
        let since = Clock::instant();
        let Opened { mut drive, hello, place } = opened;
        drive.stream().break_when_nothing_arrives(LINK_SILENCE);
        let connection = Connection::new(Arc::clone(&self.hub), place.address);
        let opening = service::LinkOpening {
            route: route.clone(),
            dialled: true,
            max_body: hello.max_body,
            max_outstanding: hello.max_outstanding,
        };
        connection.let_in(drive.stream().tls_version());
        self.hub.note_link(&route);
        self.hub.tell(|service, now| service.open_link(now, connection.key, opening));
        let mut session = Session { connection, of_use: false };
        let ending = session.run(&mut drive).await;
        self.rests.ended(&route, since, session.of_use);
        // The service hears of the end before the other side can see it.
        drop(session);
        let end = ending.as_ref().map_or_else(ToString::to_string, ToString::to_string);
        tracing::debug!(ours = %route.ours, theirs = %route.theirs, address = %place.address, end, "connection ended");
        if let Ok(end) = ending {
            part(drive, end).await;
        }
    }

    async fn open(&self, route: &Route) -> Result<Opened, NotOpened> {
        self.rests.over(route).await;
        // Never closed.
        let _place = self.opening.acquire().await;
        // An identity may be read anew by now.
        let neighbours = self.live.load().neighbours.clone().ok_or(NotOpened::SwitchedOff)?;
        let options = neighbours.options(route).ok_or(NotOpened::NoCertificate)?;
        link::open(&Arc::new(options)).await.map_err(NotOpened::Failed)
    }

    fn failed(&self, route: &Route, error: NotOpened) {
        let why = match &error {
            NotOpened::Failed(Error::Unreachable(ConnectError::NoService(_) | ConnectError::NotOffered(_)))
            | NotOpened::SwitchedOff => NoLink::NoService,
            NotOpened::Failed(_) | NotOpened::NoCertificate | NotOpened::GivenUp => NoLink::Unreachable,
        };
        let pause = self.rests.failed(route);
        let error = match error {
            NotOpened::Failed(error) => error.to_string(),
            NotOpened::NoCertificate => format!("there is no certificate to log in with as {}; see [tls]", route.ours),
            NotOpened::SwitchedOff => "interdomain.enabled is false".to_owned(),
            NotOpened::GivenUp => "the attempt was given up".to_owned(),
        };
        tracing::warn!(ours = %route.ours, theirs = %route.theirs, error, again_in_ms = pause.as_millis(), "no link");
        self.hub.note_failure(route, error);
        self.hub.tell(|service, now| service.link_failed(now, route, why, pause));
    }
}

/// The service waits for a link, or for why there is none: it is told on every way out, a panic included.
struct Owed<'a> {
    links: &'a Links,
    route: &'a Route,
    /// `None`: there is a link.
    outcome: Option<NotOpened>,
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        if let Some(error) = self.outcome.take() {
            self.links.failed(self.route, error);
        }
    }
}

/// Why there is no link.
enum NotOpened {
    Failed(Error),
    /// We have none to show.
    NoCertificate,
    /// The operator wants none.
    SwitchedOff,
    /// The relay stops, or something broke.
    GivenUp,
}

/// A link while its task runs.
struct Session {
    connection: Connection,
    /// Something came of it, or it was us who ended it: whoever is on the other side is well.
    of_use: bool,
}

impl Session {
    /// To the end, and how that came.
    async fn run(&mut self, drive: &mut Drive<engine::Client, MaybeTls>) -> Result<End, io::Error> {
        loop {
            match poll_fn(|cx| self.connection.poll_next(cx, drive)).await {
                Next::Items(items) => self.relay(drive, items),
                Next::Step(Step::Broken(error)) => return Err(error),
                Next::Step(Step::Event(event)) => match event {
                    ClientEvent::Request(frame) | ClientEvent::Response(frame) => {
                        self.of_use = true;
                        let ready = || match drive
                            .next_event_if(|event| matches!(event, ClientEvent::Request(_) | ClientEvent::Response(_)))
                        {
                            Some(ClientEvent::Request(frame) | ClientEvent::Response(frame)) => Some(frame),
                            _ => None,
                        };
                        self.connection.hand_in(frame, ready);
                    }
                    ClientEvent::Ended(end) => {
                        if end == End::Bye {
                            self.connection.how = Closed::Bye;
                        }
                        return Ok(end);
                    }
                    // The end follows, and what we were still asked is answered before.
                    ClientEvent::Bye { .. } => {}
                    // They belong to the login, which is done, or to nobody here.
                    ClientEvent::StartTls | ClientEvent::Ready { .. } | ClientEvent::Refused(_) | ClientEvent::Pong => {}
                },
            }
        }
    }

    /// From the service to the engine.
    fn relay(&mut self, drive: &mut Drive<engine::Client, MaybeTls>, items: VecDeque<Item>) {
        for item in items {
            let command = match item {
                Item::Opened(Ok(_)) => continue,
                Item::Send(Octets { head, body }) if engine::is_response(&head) => ClientCommand::Respond { head, body },
                Item::Send(Octets { head, body }) => ClientCommand::Request { head, body },
                Item::Opened(Err(_)) | Item::Close(_) | Item::Farewell(_) => {
                    self.of_use = true;
                    ClientCommand::Bye
                }
            };
            drive.command(|engine, now| engine.handle_command(now, command));
        }
    }
}
