//! The flood: many who come to no good, from many addresses of loopback.

use crate::support::Site;
use crate::support::wire::{base64, message};
use crate::{SESSIONS, Size, is_set};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Connections that are being made at a time.
const AT_ONCE: usize = 128;
/// No connection of the flood waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A flood under way.
pub(crate) struct Attack {
    thread: JoinHandle<String>,
    /// All connections were made or tried.
    over: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
}

/// What every attacker knows.
struct Target {
    plain: SocketAddr,
    tls: SocketAddr,
    domain: String,
    connector: TlsConnector,
    opened: AtomicUsize,
    logged_in: AtomicUsize,
    flooded: AtomicUsize,
    next: AtomicUsize,
    places: Semaphore,
}

impl Attack {
    pub(crate) fn begin(site: &Site, size: Size, slow_users: Vec<String>) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(site.path("cert.pem")).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let target = Arc::new(Target {
            plain: site.plain,
            tls: site.tls,
            domain: site.domain.clone(),
            connector: TlsConnector::from(Arc::new(config)),
            opened: AtomicUsize::new(0),
            logged_in: AtomicUsize::new(0),
            flooded: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            places: Semaphore::new(AT_ONCE),
        });
        let over = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = watch::channel(false);
        let said = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(run(target, size, slow_users, said, stopped))
        });
        Self { thread, over, stop }
    }

    pub(crate) fn is_over(&self) -> bool {
        is_set(&self.over) || self.thread.is_finished()
    }

    /// Lets go of all connections; says what there was.
    pub(crate) fn end(self) -> String {
        self.stop.send(true).unwrap();
        self.thread.join().unwrap()
    }
}

async fn run(
    target: Arc<Target>,
    size: Size,
    slow_users: Vec<String>,
    over: Arc<AtomicBool>,
    mut stopped: watch::Receiver<bool>,
) -> String {
    // Slow readers come first: it is for them that the flooding sender sends.
    let mut slow = JoinSet::new();
    for number in 0..size.slow {
        let (target, user) = (Arc::clone(&target), slow_users[number / SESSIONS].clone());
        slow.spawn(async move { target.read_nothing(&user, &format!("S{number}")).await });
    }
    let mut held: Vec<_> = slow.join_all().await.into_iter().flatten().collect();
    let flooding = tokio::spawn(Arc::clone(&target).flood(slow_users, stopped.clone()));
    let mut attackers = JoinSet::new();
    for number in 0..size.attempts.max(size.stalled) {
        if number < size.stalled {
            let target = Arc::clone(&target);
            attackers.spawn(async move { target.stall(number).await });
        }
        if number < size.attempts {
            let target = Arc::clone(&target);
            attackers.spawn(async move {
                target.knock(number).await;
                None
            });
        }
    }
    let stalled: Vec<Held> = attackers.join_all().await.into_iter().flatten().collect();
    let kept = stalled.len();
    held.extend(stalled);
    over.store(true, Ordering::Relaxed);
    let _ = stopped.wait_for(|stop| *stop).await;
    let _ = flooding.await;
    let slow = target.logged_in.load(Ordering::Relaxed);
    let (opened, flooded) = (target.opened.load(Ordering::Relaxed), target.flooded.load(Ordering::Relaxed));
    drop(held);
    format!(
        "{opened} connections opened, {kept} of them left half-way, {slow} slow readers, {flooded} requests of the flooding sender"
    )
}

/// A connection that nobody reads from.
#[allow(dead_code, reason = "held, and no more")]
enum Held {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Target {
    /// A connection from one of 200 addresses, and with a small window.
    async fn connect(&self, to: SocketAddr) -> std::io::Result<TcpStream> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % 200;
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(8192)?;
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 1, 1 + number as u8), 0)))?;
        let stream = tokio::time::timeout(PATIENCE, socket.connect(to)).await??;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(stream)
    }

    async fn connect_tls(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = self.connect(self.tls).await?;
        let name = ServerName::try_from(self.domain.clone()).unwrap();
        tokio::time::timeout(PATIENCE, self.connector.connect(name, stream)).await?
    }

    /// Opens a connection, says something or nothing, and goes.
    async fn knock(&self, number: usize) {
        let _place = self.places.acquire().await;
        let to = if number.is_multiple_of(2) { self.plain } else { self.tls };
        let Ok(mut stream) = self.connect(to).await else { return };
        if number.is_multiple_of(3) {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
        }
    }

    /// Stops half-way.
    async fn stall(&self, number: usize) -> Option<Held> {
        let _place = self.places.acquire().await;
        let hello = format!("HELLO h impp/1.0\r\nDomain: {}\r\nConnection-ID: X\r\n\r\n", self.domain);
        Some(match number % 4 {
            0 => {
                let mut stream = self.connect(self.plain).await.ok()?;
                stream.write_all(&hello.as_bytes()[..20]).await.ok()?;
                Held::Plain(stream)
            }
            1 => {
                let mut stream = self.connect_tls().await.ok()?;
                stream.write_all(format!("{hello}AUTH a impp/1.0\r\nMechanism: PL").as_bytes()).await.ok()?;
                stream.flush().await.ok()?;
                Held::Tls(Box::new(stream))
            }
            2 => {
                let mut stream = self.connect(self.plain).await.ok()?;
                let half = b"SEND s impp/1.0\r\nContent-Type: message/rfc822\r\nContent-Length: 4000\r\n\r\nFrom: half";
                stream.write_all(half).await.ok()?;
                Held::Plain(stream)
            }
            _ => {
                // A record of the handshake that never ends.
                let mut stream = self.connect(self.tls).await.ok()?;
                stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).await.ok()?;
                Held::Plain(stream)
            }
        })
    }

    /// Logs in to take messages, and then takes nothing from the socket.
    async fn read_nothing(&self, user: &str, connection: &str) -> Option<Held> {
        let _place = self.places.acquire().await;
        let stream = self.login(user, connection, "Accept: messages\r\n").await?;
        self.logged_in.fetch_add(1, Ordering::Relaxed);
        Some(Held::Tls(Box::new(stream)))
    }

    async fn login(&self, user: &str, connection: &str, hello: &str) -> Option<TlsStream<TcpStream>> {
        let mut stream = self.connect_tls().await.ok()?;
        let data = base64(format!("\0{user}\0{user}'s secret").as_bytes());
        let domain = &self.domain;
        let text = format!(
            "HELLO h impp/1.0\r\nDomain: {domain}\r\nConnection-ID: {connection}\r\n{hello}\r\nAUTH a impp/1.0\r\nMechanism: PLAIN\r\nData: {data}\r\n\r\n"
        );
        stream.write_all(text.as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        let said = tokio::time::timeout(PATIENCE, read_until(&mut stream, "OK (AUTH)")).await.ok()?;
        said.then_some(stream)
    }

    /// Sends without measure, and comes back each time that it is sent away.
    async fn flood(self: Arc<Self>, users: Vec<String>, mut stopped: watch::Receiver<bool>) {
        let text = "x".repeat(8000);
        let mut number = 0;
        while !*stopped.borrow_and_update() {
            let Some(stream) = self.login("flood", "F", "").await else {
                tokio::task::yield_now().await;
                continue;
            };
            let (mut reading, mut writing) = tokio::io::split(stream);
            let ended = async {
                let mut some = [0; 65_536];
                while reading.read(&mut some).await.is_ok_and(|octets| octets > 0) {}
            };
            let sending = async {
                loop {
                    number += 1;
                    let (to, id) = (&users[number % users.len()], format!("f{number}@x"));
                    let body = message("flood", to, &id, &text);
                    let head = format!(
                        "SEND f{number} impp/1.0\r\nFrom: impp://{0}/flood\r\nConnection-ID: F\r\nTarget: impp://{0}/{to}\r\nMessage-ID: <{id}>\r\nContent-Type: message/rfc822\r\nContent-Length: {1}\r\n\r\n",
                        self.domain,
                        body.len()
                    );
                    if writing.write_all(format!("{head}{body}").as_bytes()).await.is_err() || writing.flush().await.is_err() {
                        break;
                    }
                    self.flooded.fetch_add(1, Ordering::Relaxed);
                }
            };
            tokio::select! {
                () = ended => {}
                () = sending => {}
                _ = stopped.changed() => {}
            }
        }
    }
}

/// Reads until this was said; false if it never is.
async fn read_until(stream: &mut (impl AsyncRead + Unpin), needle: &str) -> bool {
    let mut text = Vec::new();
    let mut some = [0; 4096];
    while let Ok(octets @ 1..) = stream.read(&mut some).await {
        text.extend_from_slice(&some[..octets]);
        if String::from_utf8_lossy(&text).contains(needle) {
            return true;
        }
    }
    false
}
