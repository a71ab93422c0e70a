//! Opening a link: to the server of another domain, as the server of ours, until it is authenticated (SPEC §9.1).

use crate::engine::{ClientEvent, ClientRefusal, End, ServerHello};
use crate::model::{Answer, ErrorKind};
use crate::net::client::open::{self, ClientDrive};
use crate::net::client::{Error, Options, find};
use crate::net::clock::Clock;
use crate::net::connect::{HostPort, Place};
use crate::net::drive::Step;
use crate::net::tls::TlsError;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite};
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
use tokio::net::TcpStream;

/// A link that stands.
#[derive(Debug)]
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
pub struct Opened {
    /// The engine and its stream. What the other side said behind its OK is still in there.
    pub drive: ClientDrive<TcpStream>,
    /// What the other side said of itself.
    pub hello: ServerHello,
    /// Where it is.
    pub place: Place,
}

/// How often all of it is tried where a connection broke without a word: that may happen to anybody, and is no reason yet to
/// tell people that a domain cannot be reached.
const TRIES: usize = 3;

/// Opens a link: every address of every server is tried, and redirects are followed.
///
/// # Errors
/// Why there is none.
pub async fn open(options: &Arc<Options>) -> Result<Opened, Error> {
    let now = Clock::instant();
    let deadline = now.checked_add(options.timeout).unwrap_or(now);
    for _ in 1..TRIES {
        match follow(options, deadline).await {
            Err(Error::Broken(_) | Error::Ended(End::Eof) | Error::Tls(TlsError::Broken(_))) => {}
            settled => return settled,
        }
    }
    follow(options, deadline).await
}

async fn follow(options: &Arc<Options>, deadline: Instant) -> Result<Opened, Error> {
    let mut server = options.server.clone();
    for _ in 0..=open::REDIRECTS {
        match attempt(options, server.as_ref(), deadline).await? {
            Reached::Here(opened) => return Ok(*opened),
            Reached::Elsewhere(at, _) if options.obeys_redirects() => server = Some(at),
            Reached::Elsewhere(_, error) => return Err(error),
        }
    }
    Err(Error::Login(ClientRefusal::Hello(Answer::new(ErrorKind::Redirect))))
}

enum Reached {
    Here(Box<Opened>),
    /// And the error that it is if we do not go there.
    Elsewhere(HostPort, Error),
}

async fn attempt(options: &Arc<Options>, server: Option<&HostPort>, deadline: Instant) -> Result<Reached, Error> {
    let (mut race, _) = find::begin(options, server, deadline).await?;
    loop {
        let (place, drive) = race.next().await?;
        let patience = if race.has_more() { open::patience(Clock::instant(), deadline) } else { deadline };
        match tokio::time::timeout_at(patience.into(), log_in(drive)).await.unwrap_or(Err(Error::Timeout)) {
            Ok((drive, hello)) => return Ok(Reached::Here(Box::new(Opened { drive, hello, place }))),
            Err(error) => {
                let sent = if let Error::Login(refusal) = &error { open::elsewhere(refusal) } else { None };
                match sent {
                    Some(at) => return Ok(Reached::Elsewhere(at, error)),
                    None if open::another_may_do(&error, false) => race.failed(&place, error),
                    None => return Err(error),
                }
            }
        }
    }
}

async fn log_in<S>(mut drive: ClientDrive<S>) -> Result<(ClientDrive<S>, ServerHello), Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    loop {
        match poll_fn(|cx| drive.poll_step(cx)).await {
            Step::Event(ClientEvent::Ready { hello, .. }) => return Ok((drive, hello)),
            Step::Event(ClientEvent::Refused(refusal)) => {
                // Nobody need wait while the last octets go out.
                tokio::spawn(drive.linger());
                return Err(Error::Login(refusal));
            }
            Step::Event(ClientEvent::Bye { cause, reason, retry_after }) => {
                tokio::spawn(drive.linger());
                return Err(Error::Bye { cause, reason, retry_after });
            }
            Step::Event(ClientEvent::Ended(end)) => return Err(Error::Ended(end)),
            // TLS was had before the login began.
            Step::Event(ClientEvent::StartTls) => return Err(Error::Login(ClientRefusal::BadAnswer)),
            // None of them comes before the login is done.
            Step::Event(ClientEvent::Request(_) | ClientEvent::Response(_) | ClientEvent::Pong) => {}
            Step::Broken(error) => return Err(Error::Broken(error.kind())),
        }
    }
}
