//! nats-server: request and reply, so that the receiver's answer reaches the sender; core subjects for fan-out.

use super::{Receiving, Sending};
use crate::flow::{self, Receiver, Sender, Stream};
use crate::server::{Prepared, Server, free_port};
use std::io::Write as _;
use std::process::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub struct Nats {
    pub server: Server,
}

impl Nats {
    /// `None` if it is not installed.
    pub fn start() -> Option<Self> {
        let program = super::super::server::find("nats-server")?;
        let plain = free_port();
        let mut command = Command::new(program);
        command.args(["-a", "127.0.0.1", "-p", &plain.port().to_string()]);
        let folder = tempfile::tempdir().unwrap();
        Some(Self { server: Prepared { folder, command, plain, tls: plain }.start() })
    }

    pub async fn connect(&self) -> Stream {
        let mut stream = flow::connect(self.server.plain, None).await.unwrap();
        stream.write_all(b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n").await.unwrap();
        until_pong(&mut stream).await;
        stream
    }

    pub async fn sending(&self, number: usize, subject: &str, octets: usize) -> Sending {
        let mut stream = self.connect().await;
        let inbox = format!("inbox.{number}");
        stream.write_all(format!("SUB {inbox} 1\r\nPING\r\n").as_bytes()).await.unwrap();
        until_pong(&mut stream).await;
        let protocol = Asking { subject: subject.to_owned(), inbox, body: "x".repeat(octets), input: Vec::new() };
        Sending { stream, protocol: Box::new(protocol) }
    }

    /// Who publishes and knows that it came when a PING behind it is answered.
    pub async fn publishing(&self, subject: &str, octets: usize) -> Sending {
        let stream = self.connect().await;
        let protocol = Telling { subject: subject.to_owned(), body: "x".repeat(octets), input: Vec::new() };
        Sending { stream, protocol: Box::new(protocol) }
    }

    pub async fn receiving(&self, subject: &str) -> Receiving {
        let mut stream = self.connect().await;
        stream.write_all(format!("SUB {subject} 1\r\nPING\r\n").as_bytes()).await.unwrap();
        until_pong(&mut stream).await;
        Receiving { stream, protocol: Box::new(Answering { input: Vec::new() }) }
    }
}

async fn until_pong(stream: &mut Stream) {
    stream.flush().await.unwrap();
    let (mut input, mut buffer) = (Vec::new(), [0; 4096]);
    while !input.ends_with(b"PONG\r\n") {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "closed");
        input.extend_from_slice(&buffer[..read]);
    }
}

/// Takes all whole messages out of `input`; gives each one's subject for the reply. Answers PING.
fn messages(input: &mut Vec<u8>, out: &mut Vec<u8>, mut take: impl FnMut(Option<&str>, &mut Vec<u8>)) {
    let mut begin = 0;
    while let Some(line) = input[begin..].windows(2).position(|pair| pair == b"\r\n") {
        let text = std::str::from_utf8(&input[begin..begin + line]).unwrap();
        let mut end = begin + line + 2;
        if let Some(words) = text.strip_prefix("MSG ") {
            let words: Vec<&str> = words.split(' ').collect();
            let length: usize = words.last().unwrap().parse().unwrap();
            end += length + 2;
            if input.len() < end {
                break;
            }
            take((words.len() == 4).then(|| words[2]), out);
        } else if text == "PING" {
            out.extend_from_slice(b"PONG\r\n");
        } else {
            assert!(!text.starts_with("-ERR"), "{text}");
        }
        begin = end;
    }
    input.drain(..begin);
}

struct Asking {
    subject: String,
    inbox: String,
    body: String,
    input: Vec<u8>,
}

impl Sender for Asking {
    fn next(&mut self, out: &mut Vec<u8>) {
        let Self { subject, inbox, body, .. } = self;
        write!(out, "PUB {subject} {inbox} {}\r\n{body}\r\n", body.len()).unwrap();
    }

    fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        self.input.extend_from_slice(input);
        let mut many = 0;
        messages(&mut self.input, out, |_, _| many += 1);
        many
    }
}

struct Answering {
    input: Vec<u8>,
}

impl Receiver for Answering {
    fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        self.input.extend_from_slice(input);
        let mut many = 0;
        messages(&mut self.input, out, |reply, out| {
            if let Some(reply) = reply {
                write!(out, "PUB {reply} 0\r\n\r\n").unwrap();
            }
            many += 1;
        });
        many
    }
}

struct Telling {
    subject: String,
    body: String,
    input: Vec<u8>,
}

impl Sender for Telling {
    fn next(&mut self, out: &mut Vec<u8>) {
        let Self { subject, body, .. } = self;
        write!(out, "PUB {subject} {}\r\n{body}\r\nPING\r\n", body.len()).unwrap();
    }

    fn read(&mut self, input: &[u8], _: &mut Vec<u8>) -> usize {
        self.input.extend_from_slice(input);
        let whole = self.input.ends_with(b"PONG\r\n");
        if whole {
            self.input.clear();
        }
        usize::from(whole)
    }
}
