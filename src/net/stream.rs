//! One stream that may turn from plain to TLS: what STARTTLS swaps inside.

use rustls::pki_types::CertificateDer;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// A connection, inside TLS or not.
///
/// The TLS half is boxed: most of its size is state that a plain connection should not carry.
#[derive(Debug)]
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
pub enum MaybeTls<S = TcpStream> {
    /// In the clear.
    Plain(S),
    /// Inside TLS.
    Tls(Box<TlsStream<S>>),
}

impl<S> MaybeTls<S> {
    /// For people: `TLS 1.3`; `None` in the clear.
    #[must_use]
    pub fn tls_version(&self) -> Option<&'static str> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => Some(super::tls::version(stream.get_ref().1.protocol_version())),
        }
    }

    /// The chain that the other side showed, leaf first; empty without TLS, or if it showed none.
    #[must_use]
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        match self {
            Self::Plain(_) => &[],
            Self::Tls(stream) => stream.get_ref().1.peer_certificates().unwrap_or_default(),
        }
    }
}

impl MaybeTls {
    /// Has the system break the connection when something that was sent has not arrived for so long, where it can: who sends into
    /// a network that drops everything would otherwise believe in the connection until a PING is not answered.
    pub fn break_when_nothing_arrives(&self, within: Duration) {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        #[cfg(target_os = "linux")]
        // A help, and no more: a connection without it works as well.
        let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(within));
        #[cfg(not(target_os = "linux"))]
        let _ = (stream, within);
    }
}

macro_rules! either {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            MaybeTls::Plain($stream) => $call,
            MaybeTls::Tls(boxed) => {
                let $stream = &mut **boxed;
                $call
            }
        }
    };
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for MaybeTls<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for MaybeTls<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write(cx, octets))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_is_told_when_to_give_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = MaybeTls::Plain(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        stream.break_when_nothing_arrives(Duration::from_secs(20));
        let MaybeTls::Plain(stream) = stream else { unreachable!() };
        assert_eq!(socket2::SockRef::from(&stream).tcp_user_timeout().unwrap(), Some(Duration::from_secs(20)));
    }
}
