//! The relay's pages: `/metrics` and `/healthz`.

use super::{PATIENCE, Site};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// Where a site's relay has its pages.
pub fn http_of(site: &Site) -> SocketAddr {
    let line = |text: &str| text.lines().find(|line| line.contains("relay is ready")).map(str::to_owned);
    let line = site.log().find(line).unwrap();
    line.split("\"http\":\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
}

/// Asks for something; status line with headers, and body.
pub fn ask(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {answer:?}"));
    (head.to_owned(), body.to_owned())
}

/// GET
pub fn get(address: SocketAddr, path: &str) -> (String, String) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
}
