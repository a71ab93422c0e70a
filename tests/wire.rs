//! Runs the rows of `tests/wire/*.txt`: octets into an accepting engine, and what it makes of them.
//!
//! A row is `OCTETS => OUTCOME`. In OCTETS `\r`, `\n`, `\t`, `\\` and `\xNN` stand for one octet and `{S*N}` for N times S.
//! OUTCOME lists answers, as `ERROR token (METHOD) id` or `OK (METHOD) id`, and frames handed out, as `request METHOD id` or
//! `response METHOD id`; behind a semicolon stands `stays`, `answered` (closed, the answer being the last thing said) or
//! `silent` (closed without a word). `[fresh]`, `[greeted]` and `[open]` say how far the connection is.

#[cfg(test)]
mod rows {
    use impp::engine::DomainConfig;
    use impp::engine::End;
    use impp::engine::Mechanism;
    use impp::engine::Server;
    use impp::engine::ServerCommand;
    use impp::engine::ServerConfig;
    use impp::engine::ServerEvent;
    use impp::engine::Services;
    use impp::engine::TlsPolicy;
    use impp::model::Domain;
    use impp::model::LeaseBounds;
    use impp::wire::Kind;
    use impp::wire::Name;
    use impp::wire::Piece;
    use impp::wire::Splitter;
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Instant;

    const HELLO: &str = "HELLO h impp/1.0\r\nDomain: example.org\r\nConnection-ID: c1\r\n\r\n";
    const AUTH: &str = "AUTH a impp/1.0\r\nMechanism: ANONYMOUS\r\nData: =\r\n\r\n";
    const TAIL: &str = "PING tail impp/1.0\r\n\r\n";

    fn server(state: &str, now: Instant) -> Server {
        let domain = DomainConfig {
            mechanisms: vec![Mechanism::ScramSha256],
            iterations: 4096,
            decoy_key: [1; 32],
            anonymous: true,
            services: Services { presence: true, messages: true },
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

    /// Feeds pieces and says what came of them.
    fn outcome<'a>(state: &str, pieces: impl Iterator<Item = &'a [u8]>) -> String {
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

    fn unescape(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let (octets, used) = match (c, rest.get(1..2)) {
                ('\\', Some("r")) => (vec![b'\r'], 2),
                ('\\', Some("n")) => (vec![b'\n'], 2),
                ('\\', Some("t")) => (vec![b'\t'], 2),
                ('\\', Some("\\")) => (vec![b'\\'], 2),
                ('\\', Some("x")) => (vec![u8::from_str_radix(&rest[2..4], 16).unwrap()], 4),
                ('{', _) => {
                    let end = rest.find('}').unwrap();
                    let (unit, count) = rest[1..end].rsplit_once('*').unwrap();
                    (unescape(unit).repeat(count.parse().unwrap()), end + 1)
                }
                _ => (c.to_string().into_bytes(), c.len_utf8()),
            };
            out.extend_from_slice(&octets);
            rest = &rest[used..];
        }
        out
    }

    fn run(text: &str, least: usize) {
        let mut state = "fresh";
        let mut failures = Vec::new();
        let mut rows = 0;
        for (number, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line)) {
            match line {
                "" => continue,
                "[fresh]" | "[greeted]" | "[open]" => {
                    state = line.trim_matches(['[', ']']);
                    continue;
                }
                line if line.starts_with('#') => continue,
                _ => {}
            }
            rows += 1;
            let (octets, expected) = line.split_once(" => ").unwrap_or_else(|| panic!("line {number}: {line}"));
            let octets = unescape(octets);
            let mut check = |how: &str, got: String, expected: &str| {
                if got != expected {
                    failures.push(format!("line {number}, {how}: {line}\n  came to {got}"));
                }
            };
            check("whole", outcome(state, std::iter::once(&octets[..])), expected);
            check("octet by octet", outcome(state, octets.chunks(1)), expected);
            let tail = [&octets[..], TAIL.as_bytes()].concat();
            let expected_tail = match expected.split_once(';') {
                Some((seen, " stays")) => with_tail(seen, state),
                _ => expected.to_owned(),
            };
            check("with a tail", outcome(state, std::iter::once(&tail[..])), &expected_tail);
            check("with a tail, octet by octet", outcome(state, tail.chunks(1)), &expected_tail);
        }
        assert!(rows >= least, "{rows} rows");
        assert!(failures.is_empty(), "{} of {rows} rows:\n{}", failures.len(), failures.join("\n"));
    }

    /// What a PING behind a row adds: its answer stands behind the others and before the frames handed out.
    fn with_tail(seen: &str, state: &str) -> String {
        let pong = if state == "fresh" { "ERROR malformed-request (PING) tail" } else { "OK (PING) tail" };
        let (handed, mut all): (Vec<&str>, Vec<&str>) =
            seen.split(", ").filter(|part| !part.is_empty()).partition(|part| part.starts_with("re"));
        all.push(pong);
        all.extend(handed);
        format!("{}; stays", all.join(", "))
    }

    #[test]
    fn bad_rows() {
        run(include_str!("wire/bad.txt"), 60);
    }

    #[test]
    fn good_rows() {
        run(include_str!("wire/good.txt"), 25);
    }
}
