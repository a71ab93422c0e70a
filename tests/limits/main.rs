//! What a relay as a process tells those who watch it, and what becomes of those who take more than they may.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    reason = "tests"
)]

mod exposition;
mod logins;
mod metrics;
mod packaging;
mod pages;
mod pressure;
#[path = "../support/mod.rs"]
mod support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use support::{PATIENCE, Site};

/// The line of configuration that opens the port for HTTP.
pub(crate) const HTTP: &str = "http = \"127.0.0.1:0\"\n";

/// Where a site's relay has its pages.
pub(crate) fn http_of(site: &Site) -> SocketAddr {
    let line = |text: &str| text.lines().find(|line| line.contains("relay is ready")).map(str::to_owned);
    let line = site.log().find(line).unwrap();
    line.split("\"http\":\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
}

/// Asks for something; status line with headers, and body.
pub(crate) fn ask(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {answer:?}"));
    (head.to_owned(), body.to_owned())
}

/// GET
pub(crate) fn get(address: SocketAddr, path: &str) -> (String, String) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
}
