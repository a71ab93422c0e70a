//! A visit to one address: TCP, TLS whatever the certificate is, and HELLO, with nothing secret said.

use super::facts::{Unheard, Visit};
use crate::engine::ServerHello;
use crate::model::{Answer, Domain, Method};
use crate::net::clock::Clock;
use crate::net::connect::{TlsKind, race};
use crate::net::printable::printable;
use crate::net::random;
use crate::net::tls::{ClientTls, Reference, TlsError};
use crate::wire::splitter::Piece;
use crate::wire::{Kind, Name, Splitter, Writer, limits};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Characters of what is not IMPP that are shown.
const FOREIGN_CHARS: usize = 60;
const AGENT: &str = concat!("impp-srv/", env!("CARGO_PKG_VERSION"));

/// Whom to visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) address: SocketAddr,
    pub(super) tls: TlsKind,
    pub(super) expected: Reference,
}

impl Door {
    /// Goes there. Each step may take `limit`.
    pub(super) async fn visit(&self, client: &ClientTls, limit: Duration) -> Visit {
        let mut visit = Visit::failed(self.address, io::ErrorKind::TimedOut);
        let begun = Clock::instant();
        let stream = match tokio::time::timeout(limit, race::connect(self.address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                visit.tcp = Err(error.kind());
                return visit;
            }
            Err(_) => return visit,
        };
        visit.tcp = Ok(Clock::instant().saturating_duration_since(begun));
        match self.tls {
            TlsKind::Require => {
                self.inside(stream, client, limit, &mut visit).await;
                if matches!(visit.tls, Some(Err(_))) {
                    visit.answers_the_other_way = self.speaks_plainly(limit).await;
                }
            }
            TlsKind::StartTls | TlsKind::Off => self.plain_start(stream, client, limit, &mut visit).await,
        }
        visit
    }

    async fn inside<S>(&self, stream: S, client: &ClientTls, limit: Duration, visit: &mut Visit)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let late = Err(TlsError::Broken(io::ErrorKind::TimedOut));
        match tokio::time::timeout(limit, client.examine(&self.expected, stream)).await.unwrap_or(late) {
            Ok((mut stream, examined)) => {
                visit.tls = Some(Ok(examined));
                visit.hello = Some(hello(&mut stream, &self.expected.domain, limit).await);
                bye(&mut stream).await;
            }
            Err(error) => visit.tls = Some(Err(error)),
        }
    }

    async fn plain_start<S>(&self, mut stream: S, client: &ClientTls, limit: Duration, visit: &mut Visit)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let heard = hello(&mut stream, &self.expected.domain, limit).await;
        let goes_on = heard.is_ok();
        let foreign = matches!(heard, Err(Unheard::Foreign(_) | Unheard::Silence | Unheard::Closed));
        visit.plain = Some(heard);
        if goes_on {
            let request = Writer::request(Method::StartTls.as_str(), "2").finish();
            match exchange(&mut stream, &request, limit).await {
                Ok(frame) if frame.kind() == Kind::Ok => self.inside(stream, client, limit, visit).await,
                Ok(frame) => visit.refused = Some(Answer::read(&frame)),
                Err(unheard) => visit.plain = Some(Err(unheard)),
            }
        } else if foreign && let Ok(Ok(stream)) = tokio::time::timeout(limit, race::connect(self.address)).await {
            let handshake = tokio::time::timeout(limit, client.examine(&self.expected, stream)).await;
            visit.answers_the_other_way = matches!(handshake, Ok(Ok(_)));
        }
    }

    async fn speaks_plainly(&self, limit: Duration) -> bool {
        match tokio::time::timeout(limit, race::connect(self.address)).await {
            Ok(Ok(mut stream)) => {
                let heard = hello(&mut stream, &self.expected.domain, limit).await;
                bye(&mut stream).await;
                matches!(heard, Ok(_) | Err(Unheard::Refused(_)))
            }
            _ => false,
        }
    }
}

/// HELLO, as a client that takes nothing.
async fn hello<S>(stream: &mut S, domain: &Domain, limit: Duration) -> Result<ServerHello, Unheard>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = Writer::request(Method::Hello.as_str(), "1")
        .header(Name::Domain, domain.as_str())
        .header(Name::ConnectionId, random::connection_id().as_str())
        .header(Name::Agent, AGENT)
        .number(Name::MaxBody, limits::MAX_BODY_FLOOR)
        .finish();
    let frame = exchange(stream, &request, limit).await?;
    match frame.kind() {
        Kind::Error => Err(Unheard::Refused(Answer::read(&frame))),
        Kind::Ok => ServerHello::read(&frame, domain).ok_or_else(|| foreign(frame.octets())),
        Kind::Request => Err(foreign(frame.octets())),
    }
}

/// One request, and the first frame that comes.
async fn exchange<S>(stream: &mut S, request: &[u8], limit: Duration) -> Result<crate::wire::Frame, Unheard>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let talk = async {
        // Whoever closes at once may have said why before.
        let written = async {
            stream.write_all(request).await?;
            stream.flush().await
        };
        let _ = written.await;
        let mut splitter = Splitter::new(limits::MAX_BODY_UNAUTHENTICATED);
        let mut begin = Vec::new();
        let mut octets = [0; 4096];
        loop {
            let count = match stream.read(&mut octets).await {
                Ok(0) | Err(_) => return Err(if begin.is_empty() { Unheard::Closed } else { foreign(&begin) }),
                Ok(count) => count,
            };
            let fresh = octets.get(..count).unwrap_or_default();
            // The splitter ends what never ends; of the rest only the beginning is of interest.
            begin.extend(fresh.iter().take(4 * FOREIGN_CHARS).copied().filter(|_| begin.len() < 4 * FOREIGN_CHARS));
            splitter.push(fresh);
            match splitter.poll() {
                Ok(Some(Piece::Frame(frame))) => return Ok(frame),
                Ok(None) => {}
                Ok(Some(Piece::TooLarge { .. })) | Err(_) => return Err(foreign(&begin)),
            }
        }
    };
    tokio::time::timeout(limit, talk).await.unwrap_or(Err(Unheard::Silence))
}

fn foreign(octets: &[u8]) -> Unheard {
    let text = String::from_utf8_lossy(octets);
    Unheard::Foreign(printable(text.lines().next().unwrap_or_default(), FOREIGN_CHARS))
}

/// A farewell that nobody waits for.
async fn bye<S: AsyncWrite + Unpin>(stream: &mut S) {
    let end = async {
        stream.write_all(&Writer::request(Method::Bye.as_str(), "9").finish()).await?;
        stream.shutdown().await
    };
    let _ = tokio::time::timeout(Duration::from_millis(500), end).await;
}
