//! An accepting engine that octets are fed to, and what came of them in one line.

use impp::engine::DomainConfig;
use impp::engine::End;
use impp::engine::Mechanism;
use impp::engine::Server;
use impp::engine::ServerCommand;
use impp::engine::ServerConfig;
use impp::engine::ServerEvent;
use impp::engine::TlsPolicy;
use impp::model::Domain;
use impp::model::LeaseBounds;
use impp::model::Services;
use impp::wire::Kind;
use impp::wire::Name;
use impp::wire::Piece;
use impp::wire::Splitter;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

const HELLO: &str = "HELLO h impp/1.0\r\nDomain: example.org\r\nConnection-ID: c1\r\n\r\n";
const AUTH: &str = "AUTH a impp/1.0\r\nMechanism: ANONYMOUS\r\nData: =\r\n\r\n";

fn server(state: &str, now: Instant) -> Server {
    let domain = DomainConfig {
        mechanisms: vec![Mechanism::ScramSha256],
        iterations: 4096,
        decoy_key: [1; 32],
        anonymous: true,
        services: Services::ALL,
        lease: LeaseBounds::default(),
    };
    let domains = BTreeMap::from([(Domain::parse("example.org").unwrap(), domain)]);
    let config = ServerConfig { domains, tls: TlsPolicy::None, max_body: 65_536, ..ServerConfig::new("x/1") };
    let mut server = Server::new(Arc::new(config), None, [1; 32], now);
    if state != "fresh" {
        server.handle_input(now, HELLO.as_bytes());
    }
    if state == "open" {
        server.handle_input(now, AUTH.as_bytes());
        server.handle_command(now, ServerCommand::Opened(Ok(false)));
    }
    while server.poll_output().is_some() {}
    while server.poll_event().is_some() {}
    server
}

/// Feeds pieces to a connection in this state (`fresh`, `greeted` or `open`) and says what came of them, as rows do.
pub(crate) fn outcome<'a>(state: &str, pieces: impl Iterator<Item = &'a [u8]>) -> String {
    #[allow(clippy::disallowed_methods, reason = "any moment will do")]
    let now = Instant::now();
    let mut server = server(state, now);
    let mut said = Vec::new();
    let mut events = Vec::new();
    for piece in pieces {
        server.handle_input(now, piece);
        while let Some(octets) = server.poll_output() {
            said.extend_from_slice(&octets);
        }
        while let Some(event) = server.poll_event() {
            events.push(event);
        }
    }
    let mut seen = Vec::new();
    let mut splitter = Splitter::new(0);
    splitter.push(&said);
    while let Ok(Some(Piece::Frame(frame))) = splitter.poll() {
        let head = format!("({}) {}", frame.method(), frame.request_id());
        seen.push(match frame.kind() {
            Kind::Error => format!("ERROR {} {head}", frame.header(Name::Error).unwrap()),
            Kind::Ok => format!("OK {head}"),
            Kind::Request => panic!("the engine asks {head}"),
        });
    }
    assert!(splitter.is_empty(), "half a frame was said");
    let mut end = "stays";
    for event in events {
        match event {
            ServerEvent::Request(frame) => seen.push(format!("request {} {}", frame.method(), frame.request_id())),
            ServerEvent::Response(frame) => seen.push(format!("response {} {}", frame.method(), frame.request_id())),
            ServerEvent::Ended(ended) => {
                assert_eq!(end, "stays", "an end has no end");
                end = if ended.lingers() { "answered" } else { "silent" };
                assert!(matches!(ended, End::Malformed(_) | End::MalformedResponse(_) | End::TooLarge { .. }), "{ended:?}");
            }
            event => panic!("{event:?}"),
        }
    }
    format!("{}; {end}", seen.join(", "))
}
