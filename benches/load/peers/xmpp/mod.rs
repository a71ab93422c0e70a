//! ejabberd and Prosody: XMPP with delivery receipts (XEP-0184), so that the receiver's answer reaches the sender.

mod servers;

pub use servers::Xmpp;

use super::{Receiving, Sending};
use crate::flow::{self, Receiver, Sender, Stream};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use std::io::Write as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const DOMAIN: &str = "localhost";
const PASSWORD: &str = "secret";
/// Who publishes.
const PUBLISHER: &str = "p";
/// Answered behind all that was said before it, if with an error.
const PING: &str = "<iq type='get' id='ping' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>";
const PONG: &[u8] = b"<iq";

/// A connection that has logged in, and what came on it and was not looked at.
struct Client {
    stream: Stream,
    input: Vec<u8>,
}

impl Client {
    async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads until this text has come, and forgets all up to its end.
    async fn hear(&mut self, text: &str) {
        let mut buffer = vec![0; 4096];
        loop {
            if let Some(at) = memmem::find(&self.input, text.as_bytes()) {
                self.input.drain(..at + text.len());
                return;
            }
            let read = self.stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "closed before {text}: {}", String::from_utf8_lossy(&self.input));
            self.input.extend_from_slice(&buffer[..read]);
        }
    }

    async fn open(&mut self) {
        self.say(&format!(
            "<?xml version='1.0'?><stream:stream to='{DOMAIN}' version='1.0' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams'>"
        ))
        .await;
        self.hear("</stream:features>").await;
    }
}

impl Xmpp {
    /// Logs in, and is there for messages.
    async fn log_in(&self, user: &str, over_tls: bool) -> Client {
        let to = if over_tls { self.server.tls } else { self.server.plain };
        let stream = flow::connect(to, over_tls.then_some(&self.tls)).await.unwrap();
        let mut client = Client { stream, input: Vec::new() };
        client.open().await;
        let secret = STANDARD.encode(format!("\0{user}\0{PASSWORD}"));
        client.say(&format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>")).await;
        client.hear("<success").await;
        client.open().await;
        client
            .say("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>")
            .await;
        client.hear("</jid>").await;
        client.say(&format!("<presence/>{PING}")).await;
        client.hear("id='ping'").await;
        client.input.clear();
        client
    }

    pub async fn connect(&self, number: usize, over_tls: bool) -> Stream {
        self.log_in(&format!("u{number}"), over_tls).await.stream
    }

    /// Who sends to the receiver of the same number.
    pub async fn sending(&self, number: usize, octets: usize, over_tls: bool) -> Sending {
        let client = self.log_in(&format!("s{number}"), over_tls).await;
        let to = format!("u{number}@{DOMAIN}");
        let protocol = Messages { to, body: "x".repeat(octets), sent: 0, input: Vec::new() };
        Sending { stream: client.stream, protocol: Box::new(protocol) }
    }

    pub async fn receiving(&self, number: usize, over_tls: bool) -> Receiving {
        let client = self.log_in(&format!("u{number}"), over_tls).await;
        Receiving { stream: client.stream, protocol: Box::new(Confirming { input: Vec::new() }) }
    }

    /// Who changes its presence, and those who have subscribed to it.
    pub async fn published(&self, watchers: usize, over_tls: bool) -> (Sending, Vec<Receiving>) {
        let mut publisher = self.log_in(PUBLISHER, over_tls).await;
        let mut watching = Vec::new();
        for number in 0..watchers {
            let user = format!("u{number}");
            let mut watcher = self.log_in(&user, over_tls).await;
            if !self.subscribed {
                watcher.say(&format!("<presence type='subscribe' to='{PUBLISHER}@{DOMAIN}'/>")).await;
                publisher.hear("type='subscribe'").await;
                publisher.say(&format!("<presence type='subscribed' to='{user}@{DOMAIN}'/>{PING}")).await;
                publisher.hear("id='ping'").await;
                // Its first sight of the publisher's connection.
                watcher.hear(&format!("from='{PUBLISHER}@{DOMAIN}/r'")).await;
                watcher.say(PING).await;
                watcher.hear("id='ping'").await;
            }
            watching.push(Receiving { stream: watcher.stream, protocol: Box::new(Watching { input: Vec::new() }) });
        }
        let protocol = Changes { sent: 0, input: Vec::new() };
        (Sending { stream: publisher.stream, protocol: Box::new(protocol) }, watching)
    }
}

/// Takes all whole elements of this name that stand on their own out of what came, whatever stands between them.
fn elements(input: &mut Vec<u8>, name: &str, mut take: impl FnMut(&[u8])) {
    let (open, close) = (format!("<{name} "), format!("</{name}>"));
    let mut done = 0;
    while let Some(begin) = memmem::find(&input[done..], open.as_bytes()).map(|at| done + at) {
        let Some(end) = memmem::find(&input[begin..], close.as_bytes()).map(|at| begin + at + close.len()) else { break };
        take(&input[begin..end]);
        done = end;
    }
    input.drain(..done);
}

/// The value of an attribute of an element's first tag.
fn attribute<'a>(element: &'a [u8], name: &str) -> &'a [u8] {
    let tag = &element[..memchr::memchr(b'>', element).unwrap()];
    let begin = memmem::find(tag, format!(" {name}='").as_bytes()).expect("the attribute") + name.len() + 3;
    let end = begin + memchr::memchr(b'\'', &tag[begin..]).unwrap();
    &tag[begin..end]
}

struct Messages {
    to: String,
    body: String,
    sent: usize,
    input: Vec<u8>,
}

impl Sender for Messages {
    fn next(&mut self, out: &mut Vec<u8>) {
        self.sent += 1;
        let Self { to, body, sent, .. } = self;
        write!(
            out,
            "<message to='{to}' type='chat' id='{sent}'><body>{body}</body><request xmlns='urn:xmpp:receipts'/></message>"
        )
        .unwrap();
    }

    fn read(&mut self, input: &[u8], _: &mut Vec<u8>) -> usize {
        self.input.extend_from_slice(input);
        let mut many = 0;
        elements(&mut self.input, "message", |message| {
            assert!(memmem::find(message, b"<received").is_some(), "{}", String::from_utf8_lossy(message));
            many += 1;
        });
        many
    }
}

/// Sends a receipt for each message.
struct Confirming {
    input: Vec<u8>,
}

impl Receiver for Confirming {
    fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        self.input.extend_from_slice(input);
        let mut many = 0;
        elements(&mut self.input, "message", |message| {
            let (from, id) = (attribute(message, "from"), attribute(message, "id"));
            out.extend_from_slice(b"<message type='chat' to='");
            out.extend_from_slice(from);
            out.extend_from_slice(b"'><received xmlns='urn:xmpp:receipts' id='");
            out.extend_from_slice(id);
            out.extend_from_slice(b"'/></message>");
            many += 1;
        });
        many
    }
}

/// Says something new about itself, and asks whether that was taken.
struct Changes {
    sent: usize,
    input: Vec<u8>,
}

impl Sender for Changes {
    fn next(&mut self, out: &mut Vec<u8>) {
        self.sent += 1;
        write!(out, "<presence><status>{}</status></presence>{PING}", self.sent).unwrap();
    }

    fn read(&mut self, input: &[u8], _: &mut Vec<u8>) -> usize {
        self.input.extend_from_slice(input);
        let answered = memmem::find(&self.input, PONG).is_some() && self.input.ends_with(b">");
        if answered {
            self.input.clear();
        }
        usize::from(answered)
    }
}

/// Sees presence; XMPP acknowledges none.
struct Watching {
    input: Vec<u8>,
}

impl Receiver for Watching {
    fn read(&mut self, input: &[u8], _: &mut Vec<u8>) -> usize {
        self.input.extend_from_slice(input);
        let mut many = 0;
        elements(&mut self.input, "presence", |presence| {
            many += usize::from(memmem::find(presence, b"<status").is_some());
        });
        many
    }
}
