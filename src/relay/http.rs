//! `/metrics` and `/healthz` for whoever watches this relay: as much of HTTP/1.1 as they need, and not a line more.
//!
//! One request a connection, GET or HEAD, no body. Everything has its bound: connections at a time, octets of a request, time
//! for it to come, time for the answer to be made and to be taken.

use super::health::Health;
use super::health::Probe;
use super::metrics::CONTENT_TYPE;
use super::metrics::Scrape;
use core::fmt::Write;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections at a time; more wait in the kernel's queue.
const AT_ONCE: usize = 16;
/// Octets of a request.
const REQUEST_OCTETS: usize = 8192;
/// Time for the request to come, and for the answer to be taken.
const PATIENCE: Duration = Duration::from_secs(5);
/// Rest after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What is not a metric.
const PLAIN: &str = "text/plain; charset=utf-8";

/// What is told here.
pub(super) struct Told {
    pub(super) probe: Probe,
    pub(super) scrape: Scrape,
}

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, told: Told) {
    let told = Arc::new(told);
    let mut talks = JoinSet::new();
    loop {
        let full = talks.len() >= AT_ONCE;
        tokio::select! {
            accepted = listener.accept(), if !full => match accepted {
                Ok((stream, _)) => {
                    let told = Arc::clone(&told);
                    talks.spawn(async move {
                        // Who asks and does not take the answer is nobody's concern.
                        let _ = talk(stream, &told).await;
                    });
                }
                Err(error) => {
                    tracing::error!(%error, "cannot accept on the port of [listen] http");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = talks.join_next(), if !talks.is_empty() => {}
        }
    }
}

impl Told {
    async fn answer(&self, page: Page) -> Answer {
        match page {
            Page::Metrics => Answer { status: Status::Ok, kind: CONTENT_TYPE, body: self.scrape.text().await, head_only: false },
            Page::Health => Answer::health(&self.probe.look().await),
        }
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, told: &Told) -> io::Result<()> {
    let answer = match timeout(PATIENCE, head(&mut stream)).await {
        Err(_) => Answer::of(Status::Timeout),
        Ok(Err(status)) => Answer::of(status?),
        Ok(Ok(head)) => match Request::read(&head) {
            Err(status) => Answer::of(status),
            Ok(request) => Answer { head_only: request.head_only, ..told.answer(request.page).await },
        },
    };
    timeout(PATIENCE, async {
        stream.write_all(answer.octets().as_bytes()).await?;
        stream.shutdown().await
    })
    .await?
}

/// The octets up to the empty line; else what to answer, or nothing if there is nobody to answer.
async fn head<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Vec<u8>, io::Result<Status>> {
    let mut octets = Vec::new();
    let mut some = [0; 1024];
    loop {
        let size = stream.read(&mut some).await.map_err(Err)?;
        if size == 0 {
            return Err(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        octets.extend_from_slice(some.get(..size).unwrap_or_default());
        if octets.windows(4).any(|four| four == b"\r\n\r\n") {
            return Ok(octets);
        }
        if octets.len() > REQUEST_OCTETS {
            return Err(Ok(Status::TooLong));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Metrics,
    Health,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Request {
    page: Page,
    head_only: bool,
}

impl Request {
    fn read(head: &[u8]) -> Result<Self, Status> {
        let line = head.split(|octet| *octet == b'\r').next().unwrap_or_default();
        let line = std::str::from_utf8(line).map_err(|_| Status::BadRequest)?;
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next()) else {
            return Err(Status::BadRequest);
        };
        if !version.starts_with("HTTP/1.") || method.is_empty() {
            return Err(Status::BadRequest);
        }
        let page = match target.split('?').next() {
            Some("/metrics") => Page::Metrics,
            Some("/healthz") => Page::Health,
            _ => return Err(Status::NotFound),
        };
        match method {
            "GET" => Ok(Self { page, head_only: false }),
            "HEAD" => Ok(Self { page, head_only: true }),
            _ => Err(Status::Method),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ok,
    BadRequest,
    NotFound,
    Method,
    Timeout,
    TooLong,
    NotWell,
}

impl Status {
    const fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::Method => "405 Method Not Allowed",
            Self::Timeout => "408 Request Timeout",
            Self::TooLong => "431 Request Header Fields Too Large",
            Self::NotWell => "503 Service Unavailable",
        }
    }
}

struct Answer {
    status: Status,
    kind: &'static str,
    body: String,
    head_only: bool,
}

impl Answer {
    fn of(status: Status) -> Self {
        let body = match status {
            Status::NotFound => "there are /metrics and /healthz\n".to_owned(),
            status => format!("{}\n", status.line()),
        };
        Self { status, kind: PLAIN, body, head_only: false }
    }

    /// One line if all is well; else what is not.
    fn health(health: &Health) -> Self {
        let mut body = if health.is_well() { "ok\n".to_owned() } else { "not well\n".to_owned() };
        for part in &health.parts {
            if let Some(fault) = &part.fault {
                // Writing to a String cannot fail.
                let _ = writeln!(body, "{}: {fault}", part.name);
            }
        }
        Self { status: if health.is_well() { Status::Ok } else { Status::NotWell }, kind: PLAIN, body, head_only: false }
    }

    fn octets(&self) -> String {
        let allow = if self.status == Status::Method { "Allow: GET, HEAD\r\n" } else { "" };
        format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n{allow}Connection: close\r\n\r\n{}",
            self.status.line(),
            self.kind,
            self.body.len(),
            if self.head_only { "" } else { &self.body },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::health::Fault;
    use crate::relay::health::Part;

    #[test]
    fn requests_and_what_is_none() {
        let get = |page| Ok(Request { page, head_only: false });
        let rows = [
            ("GET /metrics HTTP/1.1", get(Page::Metrics)),
            ("GET /healthz?verbose HTTP/1.0", get(Page::Health)),
            ("HEAD /healthz HTTP/1.1", Ok(Request { page: Page::Health, head_only: true })),
            ("POST /metrics HTTP/1.1", Err(Status::Method)),
            ("GET / HTTP/1.1", Err(Status::NotFound)),
            ("GET /metrics/ HTTP/1.1", Err(Status::NotFound)),
            ("GET http://x/metrics HTTP/1.1", Err(Status::NotFound)),
            ("GET /metrics", Err(Status::BadRequest)),
            ("GET /metrics HTTP/2.0", Err(Status::BadRequest)),
            ("GET  /metrics HTTP/1.1", Err(Status::BadRequest)),
            ("HELLO 1 impp/1.0", Err(Status::BadRequest)),
            ("", Err(Status::BadRequest)),
        ];
        for (line, expected) in rows {
            assert_eq!(Request::read(format!("{line}\r\nHost: x\r\n\r\n").as_bytes()), expected, "{line}");
        }
        assert_eq!(Request::read(b"\xff /metrics HTTP/1.1\r\n\r\n"), Err(Status::BadRequest));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let part = |name: &str, fault| Part { name: name.to_owned(), fault, took: Duration::ZERO };
        let well = Health { parts: vec![part("rules", None)] };
        let octets = Answer::health(&well).octets();
        assert!(octets.starts_with("HTTP/1.1 200 OK\r\n") && octets.ends_with("\r\n\r\nok\n"), "{octets}");
        let ill = Health { parts: vec![part("rules", None), part("store-write", Some(Fault::Silent))] };
        let octets = Answer::health(&ill).octets();
        assert!(octets.starts_with("HTTP/1.1 503 "), "{octets}");
        assert!(octets.ends_with("\r\n\r\nnot well\nstore-write: no answer in time\n"), "{octets}");
        let octets = Answer { head_only: true, ..Answer::health(&well) }.octets();
        assert!(octets.contains("Content-Length: 3\r\n") && octets.ends_with("\r\n\r\n"), "{octets}");
        assert!(Answer::of(Status::Method).octets().contains("\r\nAllow: GET, HEAD\r\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_takes_long_or_much() {
        let (mut near, mut far) = tokio::io::duplex(64);
        let asking = tokio::spawn(async move { timeout(PATIENCE, head(&mut near)).await.is_err() });
        far.write_all(b"GET /metrics HTTP/1.1\r\n").await.unwrap();
        assert!(asking.await.unwrap());
        let (mut near, mut far) = tokio::io::duplex(64);
        let asking = tokio::spawn(async move { head(&mut near).await });
        for _ in 0..REQUEST_OCTETS {
            if far.write_all(b"GET ").await.is_err() {
                break;
            }
        }
        assert!(matches!(asking.await.unwrap(), Err(Ok(Status::TooLong))));
    }
}
