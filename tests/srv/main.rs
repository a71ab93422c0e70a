//! `impp-srv` as an administrator runs it: against a name server and a relay of the test's own.
#![cfg(feature = "relay")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, clippy::disallowed_types, reason = "tests")]

mod broken;
mod findings;
mod output;
#[path = "../support/mod.rs"]
mod support;

use impp::net::tls::{CertificateSource, ServerTls, ServerTlsOptions};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};
use support::dns::Dns;
use support::{DOMAIN, Site, bare, program, run};

/// What of the output fits on a screen.
pub(crate) const SCREEN: usize = 24;

pub(crate) fn srv(dns: &Dns, site: &Site, options: &[&str]) -> Command {
    let mut command = bare(program("impp-srv"));
    command.args(["--resolver", &dns.address.to_string(), "--ca", site.path("cert.pem").to_str().unwrap()]);
    command.args(["--timeout", "20s", "--connect-timeout", "3s"]).args(options);
    command
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
pub(crate) fn ends(status: i32, what: &str, command: &mut Command) -> String {
    let output = run(command, b"");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{what}\n{}{errors}", text(&output));
    if command.get_args().any(|word| word == "--json") {
        support::records::hold("impp-srv", &text(&output));
    }
    text(&output)
}

/// Records for all four names of the domain, TLS first.
pub(crate) fn zone(site: &Site) -> String {
    let (tls, plain) = (site.tls.port(), site.plain.port());
    format!(
        "_impps-client._tcp.{DOMAIN}. SRV 10 100 {tls} im.{DOMAIN}.\n\
         _impp-client._tcp.{DOMAIN}. SRV 20 100 {plain} im.{DOMAIN}.\n\
         _impps-server._tcp.{DOMAIN}. SRV 10 100 {tls} im.{DOMAIN}.\n\
         _impp-server._tcp.{DOMAIN}. SRV 20 100 {plain} im.{DOMAIN}.\n\
         im.{DOMAIN}. A 127.0.0.1\n"
    )
}

/// A port on which nobody listens.
pub(crate) fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Something that speaks, but no IMPP.
pub(crate) fn web() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    address
}

/// A TLS server with this certificate, that says nothing once the handshake is over; and the certificate's file.
pub(crate) fn secured(site: &Site, adapt: impl Fn(&mut rcgen::CertificateParams)) -> (SocketAddr, std::path::PathBuf) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![DOMAIN.to_owned()]).unwrap();
    adapt(&mut params);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let certificate = site.write(&format!("{}.pem", address.port()), params.self_signed(&key).unwrap().pem());
    let file = site.write(&format!("{}.key", address.port()), key.serialize_pem());
    let source = CertificateSource { domain: None, certificate: certificate.clone(), key: file };
    let server = ServerTls::new(ServerTlsOptions { certificates: vec![source], ..ServerTlsOptions::default() }).unwrap();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = server.accept(stream).await;
            }
        });
    });
    (address, certificate)
}

/// Speaks IMPP, has no TLS, and would take passwords in the clear.
pub(crate) fn careless() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 2048]);
            let hello = format!(
                "OK (HELLO) 1 impp/1.0\r\nDomain: {DOMAIN}\r\nAgent: careless/1\u{202e}\r\nTLS: none\r\nMechanisms: PLAIN\r\nServices: \r\n\
                 Max-Body: 65536\r\nMax-Outstanding: 1\r\nLease-Min: 60\r\nLease-Max: 60\r\n\r\n"
            );
            let _ = stream.write_all(hello.as_bytes());
            let _ = stream.read(&mut [0; 2048]);
        }
    });
    address
}

pub(crate) fn leads_to(kind: &str, address: SocketAddr) -> Dns {
    let zone = format!("_{kind}-client._tcp.{DOMAIN}. SRV 0 0 {} im.{DOMAIN}.\nim.{DOMAIN}. A 127.0.0.1", address.port());
    Dns::start(&zone, &[])
}
