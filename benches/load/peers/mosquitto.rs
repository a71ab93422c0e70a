//! mosquitto: MQTT 3.1.1, QoS 1 both ways, so that the receiver acknowledges to the server and the server to the sender.

use super::{Receiving, Sending};
use crate::flow::{self, Receiver, Sender, Stream};
use crate::server::{Prepared, Server, certificate, find, free_port};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CONNECT: u8 = 1;
const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const SUBSCRIBE: u8 = 8;
const SUBACK: u8 = 9;
const QOS_1: u8 = 0b0010;
const RETAIN: u8 = 0b0001;

pub const USER: &str = "u0";
pub const PASSWORD: &str = "secret";

pub struct Mosquitto {
    pub server: Server,
    tls: tokio_rustls::TlsConnector,
}

/// What its configuration says beyond the usual.
#[derive(Clone, Copy)]
pub struct Settings {
    /// Small segments go out at once.
    pub no_delay: bool,
    /// Whoever comes has a name and a password.
    pub password: bool,
}

/// `None` if it is not installed.
pub fn prepared(settings: Settings) -> Option<Prepared> {
    let program = find("mosquitto")?;
    let folder = tempfile::tempdir().unwrap();
    let (plain, tls) = (free_port(), free_port());
    certificate(folder.path());
    let at = folder.path().display();
    let who = if settings.password { format!("password_file {at}/passwords\n") } else { String::new() };
    if settings.password {
        let mut passwd = Command::new(find("mosquitto_passwd")?);
        assert!(
            passwd.args(["-b", "-c"]).arg(folder.path().join("passwords")).args([USER, PASSWORD]).status().unwrap().success()
        );
        fs::set_permissions(folder.path().join("passwords"), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let config = format!(
        "per_listener_settings false\nallow_anonymous {}\n{who}persistence false\nset_tcp_nodelay {}\nlog_type none\n\
             max_inflight_messages 0\nmax_queued_messages 0\n\
             listener {} 127.0.0.1\nlistener {} 127.0.0.1\ncertfile {at}/cert.pem\nkeyfile {at}/key.pem\n",
        !settings.password,
        settings.no_delay,
        plain.port(),
        tls.port()
    );
    fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
    let mut command = Command::new(program);
    // As root it would become another user, who cannot read the key.
    command.arg("-c").arg(folder.path().join("mosquitto.conf"));
    Some(Prepared { folder, command, plain, tls })
}

impl Mosquitto {
    /// `None` if it is not installed.
    pub fn start() -> Option<Self> {
        Self::with(Settings { no_delay: true, password: false })
    }

    pub fn with(settings: Settings) -> Option<Self> {
        Some(Self { server: prepared(settings)?.start(), tls: crate::tls::connector(None) })
    }

    pub async fn connect(&self, name: &str, over_tls: bool) -> Stream {
        let to = if over_tls { self.server.tls } else { self.server.plain };
        let mut stream = flow::connect(to, over_tls.then_some(&self.tls)).await.unwrap();
        exchange(&mut stream, &hello(name), CONNACK).await;
        stream
    }

    pub async fn sending(&self, number: usize, topic: &str, octets: usize, retained: bool, over_tls: bool) -> Sending {
        let stream = self.connect(&format!("s{number}"), over_tls).await;
        let protocol = Publishing { topic: topic.to_owned(), body: vec![b'x'; octets], retained, id: 0, input: Vec::new() };
        Sending { stream, protocol: Box::new(protocol) }
    }

    pub async fn receiving(&self, number: usize, topic: &str, over_tls: bool) -> Receiving {
        let mut stream = self.connect(&format!("r{number}"), over_tls).await;
        let mut body = vec![0, 1];
        text(&mut body, topic);
        body.push(1);
        let mut out = Vec::new();
        packet(&mut out, SUBSCRIBE, QOS_1, &body);
        exchange(&mut stream, &out, SUBACK).await;
        Receiving { stream, protocol: Box::new(Acknowledging { input: Vec::new() }) }
    }
}

/// What a client says first.
pub fn hello(name: &str) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, "MQTT");
    body.extend([4, 0b10, 0, 0]);
    text(&mut body, name);
    let mut out = Vec::new();
    packet(&mut out, CONNECT, 0, &body);
    out
}

async fn exchange(stream: &mut Stream, out: &[u8], expected: u8) {
    stream.write_all(out).await.unwrap();
    stream.flush().await.unwrap();
    let (mut input, mut buffer) = (Vec::new(), [0; 512]);
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "closed");
        input.extend_from_slice(&buffer[..read]);
        if let Some((head, _, _)) = first(&input) {
            assert_eq!(head >> 4, expected);
            return;
        }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn packet(out: &mut Vec<u8>, kind: u8, flags: u8, body: &[u8]) {
    out.push(kind << 4 | flags);
    let mut left = body.len();
    loop {
        let low = u8::try_from(left % 128).unwrap();
        left /= 128;
        out.push(if left > 0 { low | 0x80 } else { low });
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(body);
}

/// Type and flags of the first whole packet, where its body begins, and where it ends.
fn first(input: &[u8]) -> Option<(u8, usize, usize)> {
    let (mut length, mut at) = (0, 1);
    loop {
        let octet = *input.get(at)?;
        length |= usize::from(octet & 0x7f) << (7 * (at - 1));
        at += 1;
        if octet & 0x80 == 0 {
            break;
        }
    }
    (input.len() >= at + length).then(|| (input[0], at, at + length))
}

/// Takes all whole packets out of `input`.
fn packets(input: &mut Vec<u8>, mut take: impl FnMut(u8, &[u8])) {
    let mut begin = 0;
    while let Some((head, body, end)) = input.get(begin..).and_then(first) {
        take(head, &input[begin + body..begin + end]);
        begin += end;
    }
    input.drain(..begin);
}

struct Publishing {
    topic: String,
    body: Vec<u8>,
    retained: bool,
    id: u16,
    input: Vec<u8>,
}

impl Sender for Publishing {
    fn next(&mut self, out: &mut Vec<u8>) {
        self.id = self.id.checked_add(1).unwrap_or(1);
        let mut body = Vec::with_capacity(self.body.len() + 32);
        text(&mut body, &self.topic);
        body.extend_from_slice(&self.id.to_be_bytes());
        body.extend_from_slice(&self.body);
        packet(out, PUBLISH, QOS_1 | if self.retained { RETAIN } else { 0 }, &body);
    }

    fn read(&mut self, input: &[u8], _: &mut Vec<u8>) -> usize {
        self.input.extend_from_slice(input);
        let mut many = 0;
        packets(&mut self.input, |head, _| many += usize::from(head >> 4 == PUBACK));
        many
    }
}

struct Acknowledging {
    input: Vec<u8>,
}

impl Receiver for Acknowledging {
    fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        self.input.extend_from_slice(input);
        let mut many = 0;
        packets(&mut self.input, |head, body| {
            if head >> 4 == PUBLISH {
                let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
                packet(out, PUBACK, 0, &body[2 + topic..4 + topic]);
                many += 1;
            }
        });
        many
    }
}
