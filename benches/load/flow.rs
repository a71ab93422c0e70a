//! Octets to and from a server, whatever its protocol: windows of messages, answers to what arrives, and the time between.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const READ_OCTETS: usize = 64 * 1024;

/// Plain or TLS.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}
/// One connection.
pub type Stream = Box<dyn Duplex>;

/// Connects, without delay of small segments.
pub async fn connect(to: SocketAddr, tls: Option<&TlsConnector>) -> io::Result<Stream> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(match tls {
        None => Box::new(stream),
        Some(tls) => Box::new(tls.connect("localhost".try_into().unwrap(), stream).await?),
    })
}

/// Who sends: a protocol's way to write a message, and to count what was acknowledged.
pub trait Sender: Send {
    /// Appends the next message.
    fn next(&mut self, out: &mut Vec<u8>);
    /// Takes octets that came; gives the number of acknowledgements that they complete. May answer.
    fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize;
}

/// Who takes: a protocol's way to acknowledge.
pub trait Receiver: Send {
    /// Takes octets that came; gives the number of messages that they complete, and appends what acknowledges them.
    fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize;
}

/// Sends so many, with so many under way, until all are acknowledged; gives how long each took.
pub async fn send(stream: &mut Stream, sender: &mut dyn Sender, many: usize, window: usize) -> Vec<Duration> {
    let (mut sent, mut times) = (0, Vec::with_capacity(many));
    let mut under_way: VecDeque<Instant> = VecDeque::new();
    let (mut out, mut buffer) = (Vec::new(), vec![0; READ_OCTETS]);
    while times.len() < many {
        while sent < many && under_way.len() < window {
            sender.next(&mut out);
            under_way.push_back(Instant::now());
            sent += 1;
        }
        if !out.is_empty() {
            stream.write_all(&out).await.unwrap();
            stream.flush().await.unwrap();
            out.clear();
        }
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the server closed the connection");
        let now = Instant::now();
        for _ in 0..sender.read(&buffer[..read], &mut out) {
            times.push(now - under_way.pop_front().expect("no more acknowledgements than messages"));
        }
    }
    times
}

/// Takes and acknowledges until so many have come.
pub async fn receive(stream: &mut Stream, receiver: &mut dyn Receiver, many: usize) {
    let (mut taken, mut out, mut buffer) = (0, Vec::new(), vec![0; READ_OCTETS]);
    while taken < many {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the server closed the connection");
        taken += receiver.read(&buffer[..read], &mut out);
        if !out.is_empty() {
            stream.write_all(&out).await.unwrap();
            stream.flush().await.unwrap();
            out.clear();
        }
    }
}
