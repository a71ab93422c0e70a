//! One address looked at by somebody who wants to know everything: TCP, TLS, HELLO, each with its own verdict.

use super::clock::Clock;
use super::connect::TlsKind;
use super::connect::race::connect;
use super::random;
use super::tls::{ClientTls, Examined, Reference, TlsError};
use crate::engine::{ServerHello, TlsState};
use crate::model::{Answer, Method};
use crate::wire::{Frame, Kind, Name, Piece, Splitter, Writer, limits};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
use tokio::net::{TcpSocket, TcpStream};

/// What there is at one address. A step that was not reached is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// How long the connection took.
    pub tcp: Result<Duration, io::ErrorKind>,
    /// What HELLO says in the clear, where that is how one begins.
    pub before_tls: Option<Result<ServerHello, HelloFault>>,
    /// The handshake: whatever the certificate is worth, it is looked at to the end.
    pub tls: Option<Result<Examined, TlsError>>,
    /// What HELLO says inside TLS; in the clear, where there is to be no TLS.
    pub hello: Option<Result<ServerHello, HelloFault>>,
}

/// A HELLO without the answer that it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HelloFault {
    /// The server says ERROR: it does not serve the domain (target-unknown), speaks another version, is busy ...
    Refused(Answer),
    /// What came is not IMPP.
    NotImpp,
    /// It is, but its headers make no sense, or are about another domain.
    BadAnswer,
    /// STARTTLS is not offered.
    NoStartTls,
    /// The connection broke.
    Broken(io::ErrorKind),
    /// No answer in time.
    Timeout,
}

impl HelloFault {
    /// The shortest that can be said of it; of a refusal its token.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Refused(answer) => answer.kind.as_str(),
            Self::NoStartTls => "no STARTTLS",
            Self::Timeout => "no answer",
            Self::Broken(_) => "connection closed",
            Self::NotImpp | Self::BadAnswer => "not IMPP/1.0",
        }
    }
}

/// Looks at an address. Each step has `limit` for itself. Nothing secret is sent, and nobody logs in.
pub async fn probe(address: SocketAddr, kind: TlsKind, expected: &Reference, tls: &ClientTls, limit: Duration) -> Probe {
    look(connect(address), kind, expected, tls, limit).await
}

/// The same at an address of this machine, by a connection of which `announce` hears its own end before it is made.
pub async fn probe_own(
    address: SocketAddr,
    announce: impl FnOnce(SocketAddr),
    kind: TlsKind,
    expected: &Reference,
    tls: &ClientTls,
    limit: Duration,
) -> Probe {
    look(connect_own(address, announce), kind, expected, tls, limit).await
}

/// From the same address to the same address; one that is not specified is loopback's.
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
async fn connect_own(address: SocketAddr, announce: impl FnOnce(SocketAddr)) -> io::Result<TcpStream> {
    let (socket, ip) = match address.ip() {
        IpAddr::V4(ip) => (TcpSocket::new_v4()?, IpAddr::from(if ip.is_unspecified() { Ipv4Addr::LOCALHOST } else { ip })),
        IpAddr::V6(ip) => (TcpSocket::new_v6()?, IpAddr::from(if ip.is_unspecified() { Ipv6Addr::LOCALHOST } else { ip })),
    };
    socket.bind(SocketAddr::new(ip, 0))?;
    announce(socket.local_addr()?);
    socket.connect(SocketAddr::new(ip, address.port())).await
}

#[allow(clippy::disallowed_types, reason = "sockets live in net")]
async fn look(
    connecting: impl Future<Output = io::Result<TcpStream>>,
    kind: TlsKind,
    expected: &Reference,
    tls: &ClientTls,
    limit: Duration,
) -> Probe {
    let begun = Clock::instant();
    let mut found = Probe { tcp: Err(io::ErrorKind::TimedOut), before_tls: None, tls: None, hello: None };
    let mut stream = match tokio::time::timeout(limit, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Probe { tcp: Err(error.kind()), ..found },
        Err(_) => return found,
    };
    found.tcp = Ok(Clock::instant().duration_since(begun));
    if kind == TlsKind::Off {
        return Probe { hello: Some(hello(&mut stream, expected, limit).await), ..found };
    }
    if kind == TlsKind::StartTls {
        let said = hello(&mut stream, expected, limit).await;
        let ready = match &said {
            Ok(hello) if matches!(hello.tls, TlsState::Offered | TlsState::Required) => start_tls(&mut stream, limit).await,
            Ok(_) => Err(HelloFault::NoStartTls),
            Err(_) => return Probe { before_tls: Some(said), ..found },
        };
        found.before_tls = Some(said);
        if let Err(fault) = ready {
            return Probe { hello: Some(Err(fault)), ..found };
        }
    }
    let silent = || Err(TlsError::Broken(io::ErrorKind::TimedOut));
    match tokio::time::timeout(limit, tls.examine(expected, stream)).await.unwrap_or_else(|_| silent()) {
        Ok((mut stream, examined)) => {
            found.tls = Some(Ok(examined));
            found.hello = Some(hello(&mut stream, expected, limit).await);
        }
        Err(error) => found.tls = Some(Err(error)),
    }
    found
}

async fn hello<S>(stream: &mut S, expected: &Reference, limit: Duration) -> Result<ServerHello, HelloFault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = Writer::request(Method::Hello.as_str(), "1")
        .header(Name::Domain, expected.domain.as_str())
        .header(Name::ConnectionId, random::connection_id().as_str())
        .header(Name::Agent, concat!("impp/", env!("CARGO_PKG_VERSION")));
    let answer = ask(stream, request, Method::Hello, limit).await?;
    ServerHello::read(&answer, &expected.domain).ok_or(HelloFault::BadAnswer)
}

async fn start_tls<S>(stream: &mut S, limit: Duration) -> Result<(), HelloFault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    ask(stream, Writer::request(Method::StartTls.as_str(), "2"), Method::StartTls, limit).await.map(drop)
}

/// The OK to a request.
async fn ask<S>(stream: &mut S, request: Writer, method: Method, limit: Duration) -> Result<Frame, HelloFault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let talk = async {
        let broken = |error: io::Error| HelloFault::Broken(error.kind());
        stream.write_all(&request.finish()).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;
        let mut splitter = Splitter::new(limits::MAX_BODY_FLOOR);
        let mut octets = [0; 4096];
        loop {
            let size = stream.read(&mut octets).await.map_err(broken)?;
            if size == 0 {
                return Err(HelloFault::Broken(io::ErrorKind::UnexpectedEof));
            }
            splitter.push(octets.get(..size).unwrap_or_default());
            while let Some(piece) = splitter.poll().map_err(|_| HelloFault::NotImpp)? {
                let (Piece::Frame(frame) | Piece::TooLarge { head: frame, .. }) = piece;
                match frame.kind() {
                    // A PING, say, which nobody here has to answer.
                    Kind::Request => {}
                    Kind::Ok if frame.method() == method.as_str() => return Ok(frame),
                    Kind::Error => return Err(HelloFault::Refused(Answer::read(&frame))),
                    Kind::Ok => return Err(HelloFault::BadAnswer),
                }
            }
        }
    };
    tokio::time::timeout(limit, talk).await.unwrap_or(Err(HelloFault::Timeout))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Domain, ErrorKind};
    use crate::net::testing::{Authority, Relay, RelayKind};
    use crate::net::tls::{AcceptedBy, CertificateFault};
    use std::sync::Arc;
    use tokio::net::TcpListener;

    const LIMIT: Duration = Duration::from_secs(10);

    async fn at(kind: RelayKind) -> (SocketAddr, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let relay = Relay::start(listener.accept().await.unwrap().0, kind);
            relay.ended.await.unwrap();
        });
        (address, serving)
    }

    #[tokio::test]
    async fn every_step_is_told() {
        let (authority, stranger) = (Authority::new(), Authority::new());
        for (kind, trusted, verdict) in [
            (TlsKind::Require, &authority, Ok(AcceptedBy::Domain)),
            (TlsKind::StartTls, &authority, Ok(AcceptedBy::Domain)),
            // A certificate that nobody vouches for does not hide what is behind it.
            (TlsKind::Require, &stranger, Err(CertificateFault::UnknownIssuer)),
        ] {
            let server = Arc::new(authority.server(&["example.org"]));
            let (address, _serving) = at(RelayKind { tls: Some((server, kind)), ..RelayKind::default() }).await;
            let tls = ClientTls::new(&trusted.trust(), None).unwrap();
            let expected = Domain::parse("example.org").unwrap().into();
            let found = probe(address, kind, &expected, &tls, LIMIT).await;
            assert!(found.tcp.is_ok());
            assert_eq!(found.before_tls.is_some(), kind == TlsKind::StartTls);
            let examined = found.tls.unwrap().unwrap();
            assert_eq!((examined.verdict, examined.without_tlsa), (verdict, verdict));
            let hello = found.hello.unwrap().unwrap();
            assert_eq!((hello.tls, hello.max_body), (TlsState::Active, 100_000));
        }
    }

    #[tokio::test]
    async fn whatever_is_wrong_is_told_apart() {
        let authority = Authority::new();
        let tls = ClientTls::new(&authority.trust(), None).unwrap();
        let look =
            async |address, kind, domain: &str| probe(address, kind, &Domain::parse(domain).unwrap().into(), &tls, LIMIT).await;
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let found = look(closed, TlsKind::Require, "example.org").await;
        assert_eq!((found.tcp, found.tls), (Err(io::ErrorKind::ConnectionRefused), None));

        let (address, _serving) = at(RelayKind::default()).await;
        let found = look(address, TlsKind::StartTls, "example.org").await;
        assert_eq!(found.hello, Some(Err(HelloFault::NoStartTls)));
        let (address, _serving) = at(RelayKind::default()).await;
        let found = look(address, TlsKind::Off, "example.net").await;
        assert!(matches!(found.hello, Some(Err(HelloFault::Refused(answer))) if answer.kind == ErrorKind::TargetUnknown));
        let (address, _serving) = at(RelayKind::default()).await;
        let found = look(address, TlsKind::Require, "example.org").await;
        assert_eq!((found.tls.unwrap().unwrap_err(), found.hello), (TlsError::NotTls, None));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _web = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            stream
        });
        assert_eq!(look(address, TlsKind::Off, "example.org").await.hello, Some(Err(HelloFault::NotImpp)));
    }
}
