//! A connection that the test itself types into: over TCP, or over TLS.

use super::{DOMAIN, PATIENCE};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// One connection to a relay.
pub struct Wire {
    stream: Stream,
    input: Vec<u8>,
    /// What both sides said, for the message of a failed test.
    talk: String,
    asked: u32,
    domain: String,
    user: String,
    connection: String,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
}

/// A frame that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Start line and header lines.
    pub head: Vec<String>,
    pub body: Vec<u8>,
}

impl Frame {
    /// The start line.
    pub fn start(&self) -> &str {
        &self.head[0]
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head[1..].iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    }
}

impl Wire {
    /// Connects in the clear.
    pub fn plain(address: SocketAddr) -> Self {
        Self::over(Stream::Plain(dial(address)), DOMAIN)
    }

    /// Connects and does the TLS handshake; `ca` is the only certificate trusted.
    pub fn tls(address: SocketAddr, ca: &Path) -> Self {
        Self::certified(address, ca, DOMAIN, None)
    }

    /// The same to another domain, and with a certificate and its key if they are given.
    pub fn certified(address: SocketAddr, ca: &Path, domain: &str, identity: Option<(&Path, &Path)>) -> Self {
        let mut wire = Self::over(Stream::Tls(Box::new(handshake(dial(address), ca, domain, identity))), domain);
        // So that the handshake is over, and its faults are seen here.
        wire.send(b"");
        wire
    }

    fn over(stream: Stream, domain: &str) -> Self {
        let (domain, user, connection) = (domain.to_owned(), String::new(), String::new());
        Self { stream, input: Vec::new(), talk: String::new(), asked: 0, domain, user, connection }
    }

    /// `name`, or the URL of that name in this domain.
    fn url(&self, name: &str) -> String {
        if name.contains("://") { name.to_owned() } else { format!("impp://{}/{name}", self.domain) }
    }

    /// A login by PLAIN, with a random-looking Connection-ID; more HELLO headers in `hello`, each with its line end.
    pub fn login(mut self, user: &str, connection: &str, hello: &str) -> Self {
        (self.user, self.connection) = (user.to_owned(), connection.to_owned());
        self.say(&format!("HELLO h impp/1.0\nDomain: {}\nConnection-ID: {connection}\n{hello}\n", self.domain));
        assert_eq!(self.frame().start(), "OK (HELLO) h impp/1.0", "{}", self.talk);
        let answer = self.plain_auth(user, &format!("{user}'s secret"));
        assert_eq!(answer.header("Auth"), Some("done"), "{}", self.talk);
        self
    }

    /// Logs in by PLAIN; the value of Session.
    pub fn try_login(&mut self, user: &str, connection: &str) -> String {
        (self.user, self.connection) = (user.to_owned(), connection.to_owned());
        self.say(&format!("HELLO h impp/1.0\nDomain: {}\nConnection-ID: {connection}\n\n", self.domain));
        assert_eq!(self.frame().start(), "OK (HELLO) h impp/1.0", "{}", self.talk);
        let answer = self.plain_auth(user, &format!("{user}'s secret"));
        answer.header("Session").unwrap_or_else(|| panic!("{}", self.talk)).to_owned()
    }

    /// Tries PLAIN.
    pub fn plain_auth(&mut self, user: &str, password: &str) -> Frame {
        let data = base64(format!("\0{user}\0{password}").as_bytes());
        self.say(&format!("AUTH a impp/1.0\nMechanism: PLAIN\nData: {data}\n\n"));
        self.frame()
    }

    /// A user request with the next id; the answer to it comes back, others in between are dropped.
    pub fn ask(&mut self, method: &str, target: &str, headers: &str, body: &[u8]) -> Frame {
        let id = self.request(method, target, headers, body);
        loop {
            let frame = self.frame();
            if frame.start().ends_with(&format!(" ({method}) {id} impp/1.0")) {
                return frame;
            }
        }
    }

    /// Sends a user request; its id comes back.
    pub fn request(&mut self, method: &str, target: &str, headers: &str, body: &[u8]) -> String {
        self.asked += 1;
        let id = format!("w{}", self.asked);
        let (from, target, connection) = (self.url(&self.user), self.url(target), self.connection.clone());
        let mut head = format!("{method} {id} impp/1.0\nFrom: {from}\nConnection-ID: {connection}\nTarget: {target}\n{headers}");
        if !body.is_empty() {
            let _ = writeln!(head, "Content-Length: {}", body.len());
        }
        self.say(&(head + "\n"));
        self.send(body);
        id
    }

    /// A short message; the answer comes back.
    pub fn send_message(&mut self, to: &str, id: &str, text: &str) -> Frame {
        let headers = format!("Message-ID: <{id}>\nContent-Type: message/rfc822\n");
        self.ask("SEND", to, &headers, message(&self.user, to, id, text).as_bytes())
    }

    /// Logs in as the server of a domain, by the certificate that TLS showed; the answer to AUTH.
    pub fn link(&mut self, origin: &str) -> Frame {
        self.say(&format!("HELLO h impp/1.0\nDomain: {}\nOrigin-Domain: {origin}\n\n", self.domain));
        assert_eq!(self.frame().start(), "OK (HELLO) h impp/1.0", "{}", self.talk);
        self.say("AUTH a impp/1.0\nMechanism: EXTERNAL\nData: =\n\n");
        self.frame()
    }

    /// Answers a request of the relay with OK.
    pub fn accept(&mut self, frame: &Frame) {
        let mut words = frame.start().split(' ');
        let (method, id) = (words.next().unwrap(), words.next().unwrap());
        let (from, connection) = (frame.header("From").unwrap(), frame.header("Connection-ID").unwrap());
        self.say(&format!("OK ({method}) {id} impp/1.0\nTo: {from}\nConnection-ID: {connection}\n\n"));
    }

    /// Sends text, each line feed as CRLF.
    pub fn say(&mut self, text: &str) {
        for line in text.lines() {
            let _ = writeln!(self.talk, "C: {line}");
        }
        self.send(text.replace('\n', "\r\n").as_bytes());
    }

    /// Sends octets.
    pub fn send(&mut self, octets: &[u8]) {
        self.try_send(octets).unwrap_or_else(|error| panic!("{error} after\n{}", self.talk));
    }

    /// Sends octets, as far as the peer lets us.
    pub fn try_send(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(octets),
            Stream::Tls(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
        }
    }

    /// The next frame.
    pub fn frame(&mut self) -> Frame {
        match self.try_frame() {
            Ok(frame) => frame,
            Err(error) => panic!("{error} after\n{}{}", self.talk, String::from_utf8_lossy(&self.input)),
        }
    }

    /// The next frame, or the end of the connection as an error.
    pub fn try_frame(&mut self) -> io::Result<Frame> {
        let end = loop {
            if let Some(end) = self.input.windows(4).position(|octets| octets == b"\r\n\r\n") {
                break end;
            }
            self.read()?;
        };
        let head: Vec<String> = String::from_utf8_lossy(&self.input[..end]).split("\r\n").map(str::to_owned).collect();
        let mut frame = Frame { head, body: Vec::new() };
        let length: usize = frame.header("Content-Length").map_or(0, |value| value.parse().unwrap());
        while self.input.len() < end + 4 + length {
            self.read()?;
        }
        frame.body = self.input[end + 4..end + 4 + length].to_vec();
        self.input.drain(..end + 4 + length);
        for line in &frame.head {
            let _ = writeln!(self.talk, "S: {line}");
        }
        Ok(frame)
    }

    /// The next frame, if it comes at once.
    pub fn frame_at_once(&mut self) -> Option<Frame> {
        self.tcp().set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let frame = self.try_frame();
        self.tcp().set_read_timeout(Some(PATIENCE)).unwrap();
        match frame {
            Ok(frame) => Some(frame),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => None,
            Err(error) => panic!("{error} after\n{}", self.talk),
        }
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.read().is_ok() {}
        std::mem::take(&mut self.input)
    }

    /// Sends FIN, and goes on reading.
    pub fn shut_write(&self) {
        self.tcp().shutdown(Shutdown::Write).unwrap();
    }

    /// The socket below.
    pub fn tcp(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref(),
        }
    }

    /// The certificate that the relay showed.
    pub fn certificate(&self) -> Vec<u8> {
        match &self.stream {
            Stream::Plain(_) => panic!("no TLS"),
            Stream::Tls(stream) => stream.conn.peer_certificates().unwrap()[0].to_vec(),
        }
    }

    /// What was said so far.
    pub fn talk(&self) -> &str {
        &self.talk
    }

    fn read(&mut self) -> io::Result<()> {
        let mut some = [0; 16384];
        let octets = match &mut self.stream {
            Stream::Plain(stream) => stream.read(&mut some)?,
            Stream::Tls(stream) => stream.read(&mut some)?,
        };
        if octets == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.input.extend_from_slice(&some[..octets]);
        Ok(())
    }
}

fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn handshake(
    stream: TcpStream,
    ca: &Path,
    domain: &str,
    identity: Option<(&Path, &Path)>,
) -> rustls::StreamOwned<rustls::ClientConnection, TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    let config = match identity {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect();
            config.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
        }
    };
    let name = ServerName::try_from(domain.to_owned()).unwrap();
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = stream;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).unwrap();
    }
    rustls::StreamOwned::new(connection, stream)
}

/// A message with one line of text, without a line end.
pub fn message(from: &str, to: &str, id: &str, text: &str) -> String {
    format!(
        "From: {from}@{DOMAIN}\r\nTo: {to}@{DOMAIN}\r\nMessage-ID: <{id}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}"
    )
}

/// Standard base64.
pub fn base64(octets: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(octets)
}

/// The octets behind standard base64.
pub fn unbase64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
