//! `/healthz`, and how little HTTP there is.

use crate::HTTP;
use crate::support::http::{ask, get, http_of};
use crate::support::{PATIENCE, Site};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

#[test]
fn health_is_told_as_it_is() {
    let mut site = Site::with(&format!("{HTTP}[mailbox]\nmax-messages = 7\n"), &["alice"]);
    let address = http_of(&site);
    assert_eq!(get(address, "/healthz").1, "ok\n");
    assert!(get(address, "/healthz").0.starts_with("HTTP/1.1 200 OK\r\n"));
    // Somebody holds the store: it cannot write, and says so; and it is well again when it can.
    let other = rusqlite::Connection::open(site.path("data").join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    crate::support::until("the relay notices", || {
        let (head, body) = get(address, "/healthz");
        head.starts_with("HTTP/1.1 503 ") && body.starts_with("not well\nstore-write: ")
    });
    other.execute_batch("ROLLBACK").unwrap();
    crate::support::until("the relay is well again", || get(address, "/healthz").0.starts_with("HTTP/1.1 200 "));
    assert!(site.stop());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn nothing_else_is_served() {
    let site = Site::with(HTTP, &[]);
    let address = http_of(&site);
    let status = |request: &str| ask(address, request).0.split("\r\n").next().unwrap().to_owned();
    assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found");
    assert_eq!(status("POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), "HTTP/1.1 405 Method Not Allowed");
    assert_eq!(status("what\r\n\r\n"), "HTTP/1.1 400 Bad Request");
    let (head, body) = ask(address, "HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK") && body.is_empty());
    // One that sends without end is not read without end.
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(&[b'x'; 9000]);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
    // And many that say nothing keep nobody from asking for longer than their time.
    let silent: Vec<_> = (0..40).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert_eq!(get(address, "/healthz").1, "ok\n");
    drop(silent);
}

#[test]
fn without_the_key_there_is_no_port() {
    let site = Site::with_users(&[]);
    let line = site.log().find(|text| text.lines().find(|line| line.contains("relay is ready")).map(str::to_owned)).unwrap();
    assert!(!line.contains("http"), "{line}");
}
