//! The two engines talk to each other: every way to log in, how many flights it takes, and what strange octets do.

#[cfg(test)]
mod engines {
    use bytes::Bytes;
    use impp::engine::Client;
    use impp::engine::ClientCommand;
    use impp::engine::ClientConfig;
    use impp::engine::ClientEvent;
    use impp::engine::ClientTls;
    use impp::engine::DomainConfig;
    use impp::engine::End;
    use impp::engine::Login;
    use impp::engine::Mechanism;
    use impp::engine::Server;
    use impp::engine::ServerCommand;
    use impp::engine::ServerConfig;
    use impp::engine::ServerEvent;
    use impp::engine::TlsInfo;
    use impp::engine::TlsPolicy;
    use impp::engine::sasl;
    use impp::model::Address;
    use impp::model::ConnectionId;
    use impp::model::Credentials;
    use impp::model::Domain;
    use impp::model::LeaseBounds;
    use impp::model::Secret;
    use impp::model::Services;
    use impp::model::response::ok_to;
    use proptest::prelude::any;
    use proptest::proptest;
    use proptest::strategy::Strategy;
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::LazyLock;
    use std::time::Instant;

    static RECORD: LazyLock<Credentials> = LazyLock::new(|| sasl::derive(&password(), 4096, &[1; 16]).unwrap());

    fn password() -> Secret {
        Secret::new("wonderland".into())
    }

    fn domain() -> Domain {
        Domain::parse("example.org").unwrap()
    }

    fn alice() -> Address {
        Address::new("alice", &domain()).unwrap()
    }

    fn config(mechanisms: &[Mechanism]) -> ServerConfig {
        let domain_config = DomainConfig {
            mechanisms: mechanisms.to_vec(),
            iterations: 4096,
            decoy_key: [1; 32],
            anonymous: true,
            services: Services::ALL,
            lease: LeaseBounds::default(),
        };
        let domains = BTreeMap::from([(domain(), domain_config)]);
        ServerConfig { domains, tls: TlsPolicy::None, ..ServerConfig::new("x/1") }
    }

    fn moment() -> Instant {
        #[allow(clippy::disallowed_methods, reason = "any moment will do")]
        Instant::now()
    }

    /// A server whose one user is alice, and which answers every request with OK.
    fn serve(server: &mut Server, now: Instant) {
        while let Some(event) = server.poll_event() {
            let command = match event {
                ServerEvent::LookUp(user) => ServerCommand::Credentials((user == alice()).then(|| RECORD.clone())),
                ServerEvent::CheckPassword(work) => ServerCommand::Checked(work.run()),
                ServerEvent::Authenticated(_) => ServerCommand::Opened(Ok(false)),
                ServerEvent::Request(frame) => ServerCommand::Send { head: ok_to(&frame).finish(), body: Bytes::new() },
                _ => continue,
            };
            server.handle_command(now, command);
        }
    }

    /// Both until silence; gives the client's events and in which of its flights a request's answer was earned.
    fn talk(client: &mut Client, server: &mut Server) -> (Vec<ClientEvent>, Option<usize>) {
        let now = moment();
        let mut events = Vec::new();
        let mut answered = None;
        for flight in 1.. {
            let mut octets = Vec::new();
            while let Some(piece) = client.poll_output() {
                octets.extend_from_slice(&piece);
            }
            if octets.is_empty() {
                return (events, answered);
            }
            server.handle_input(now, &octets);
            serve(server, now);
            while let Some(piece) = server.poll_output() {
                client.handle_input(now, &piece);
            }
            while let Some(event) = client.poll_event() {
                if matches!(event, ClientEvent::Response(_)) {
                    answered.get_or_insert(flight);
                }
                events.push(event);
            }
        }
        (events, answered)
    }

    fn pair(login: Login, tls: Option<Option<Vec<u8>>>, pipeline: bool, mechanisms: &[Mechanism]) -> (Client, Server) {
        let now = moment();
        let info = tls.clone().map(|exporter| TlsInfo {
            exporter,
            client_identities: matches!(login, Login::External(_)).then(alice).into_iter().collect(),
            client_certificate: false,
            version: "TLSv1.3",
        });
        let client_tls = tls.map_or(ClientTls::Plain { credentials: true }, |exporter| ClientTls::Active { exporter });
        let config_of_client =
            ClientConfig { pipeline, ..ClientConfig::new(domain(), login, ConnectionId::parse("c1").unwrap(), client_tls) };
        let server = Server::new(Arc::new(config(mechanisms)), info, [2; 32], now);
        (Client::new(config_of_client, [3; 32], now), server)
    }

    fn with_password() -> Login {
        Login::Password { user: alice(), secret: password() }
    }

    #[test]
    fn every_way_to_log_in() {
        let bound = || Some(Some(vec![9; 32]));
        type Row<'a> = (Login, Option<Option<Vec<u8>>>, &'a [Mechanism], &'a str);
        let rows: Vec<Row<'_>> = vec![
            (with_password(), bound(), &Mechanism::ALL, "impp://example.org/alice"),
            (with_password(), bound(), &[Mechanism::ScramSha256], "impp://example.org/alice"),
            (with_password(), Some(None), &[Mechanism::ScramSha256], "impp://example.org/alice"),
            (with_password(), None, &Mechanism::ALL, "impp://example.org/alice"),
            (with_password(), bound(), &[Mechanism::Plain], "impp://example.org/alice"),
            (Login::External(alice()), Some(None), &Mechanism::ALL, "impp://example.org/alice"),
            (Login::Anonymous, None, &Mechanism::ALL, "impp://anonymous.invalid/"),
        ];
        for pipeline in [false, true] {
            for (login, tls, mechanisms, identity) in &rows {
                let (mut client, mut server) = pair(login.clone(), tls.clone(), pipeline, mechanisms);
                let (events, _) = talk(&mut client, &mut server);
                let ready =
                    matches!(events.as_slice(), [ClientEvent::Ready { identity: got, .. }] if got.as_str().starts_with(identity));
                assert!(ready, "{login:?} {mechanisms:?}: {events:?}");
            }
        }
    }

    /// What FRAME_STALL is measured by.
    #[test]
    fn both_sides_know_when_they_are_within_a_frame() {
        let now = moment();
        let send = |length| format!("SEND 1 impp/1.0\r\nContent-Type: x/y\r\nContent-Length: {length}\r\n\r\n");
        for (octets, mid_frame) in [("", false), ("P", true), ("PING 1 impp/1.0\r\n", true), ("PING 1 impp/1.0\r\n\r\n", false)] {
            let (mut client, mut server) = pair(Login::Anonymous, None, false, &Mechanism::ALL);
            talk(&mut client, &mut server);
            client.handle_input(now, octets.as_bytes());
            server.handle_input(now, octets.as_bytes());
            assert_eq!((client.is_mid_frame(), server.is_mid_frame()), (mid_frame, mid_frame), "{octets:?}");
        }
        let (mut client, mut server) = pair(Login::Anonymous, None, false, &Mechanism::ALL);
        talk(&mut client, &mut server);
        server.handle_input(now, send(20_000_000).as_bytes());
        assert!(server.is_mid_frame(), "a body is to come");
        client.handle_input(now, send(4_000_000).as_bytes());
        assert!(client.is_mid_frame(), "a body that is thrown away is to come");
        client.handle_input(now, &vec![0; 4_000_000]);
        assert!(!client.is_mid_frame());
    }

    /// TCP and TLS take one round trip each, so two flights are what is left of four.
    #[test]
    fn a_send_is_answered_in_the_second_flight() {
        let (mut client, mut server) = pair(with_password(), Some(Some(vec![9; 32])), true, &Mechanism::ALL);
        let send = b"SEND 1 impp/1.0\r\nFrom: impp://example.org/alice\r\n\r\n";
        client.handle_command(moment(), ClientCommand::Request { head: Bytes::from_static(send), body: Bytes::new() });
        let (events, answered) = talk(&mut client, &mut server);
        assert_eq!(answered, Some(2), "{events:?}");
        client.handle_command(moment(), ClientCommand::Bye);
        let (events, _) = talk(&mut client, &mut server);
        assert!(matches!(events.as_slice(), [ClientEvent::Ended(End::Bye)]), "{events:?}");
    }

    #[test]
    fn a_relay_between_two_tls_connections_gains_nothing() {
        let (mut client, _) = pair(with_password(), Some(Some(vec![9; 32])), true, &Mechanism::ALL);
        let (_, mut server) = pair(with_password(), Some(Some(vec![8; 32])), true, &Mechanism::ALL);
        let (events, _) = talk(&mut client, &mut server);
        assert!(!events.iter().any(|event| matches!(event, ClientEvent::Ready { .. })), "{events:?}");
        assert!(events.iter().any(|event| matches!(event, ClientEvent::Ended(End::Refused))), "{events:?}");
    }

    #[test]
    fn engines_may_move_between_threads() {
        fn may_move<T: Send + 'static>() {}
        may_move::<Server>();
        may_move::<Client>();
        may_move::<ServerEvent>();
        may_move::<ClientEvent>();
    }

    /// Pieces of frames, mostly sound, in any order.
    fn nearly() -> impl Strategy<Value = Vec<u8>> {
        let parts: &[&[u8]] = &[
            b"PING 1 impp/1.0\r\n",
            b"HELLO 1 impp/1.0\r\nDomain: example.org\r\nConnection-ID: c1\r\n",
            b"AUTH 2 impp/1.0\r\nMechanism: ANONYMOUS\r\nData: =\r\n",
            b"AUTH 3 impp/1.0\r\nMechanism: SCRAM-SHA-256\r\nData: biwsbj1hbGljZSxyPWFiYw==\r\n",
            b"AUTH 4 impp/1.0\r\nData: Yz1iaXdzLHI9YWJj\r\n",
            b"SEND 5 impp/1.0\r\nFrom: x\r\nContent-Length: 3\r\n",
            b"OK (SEND) 6 impp/1.0\r\n",
            b"BYE 7 impp/1.0\r\n",
            b"STARTTLS 8 impp/1.0\r\n",
            b"\r\n",
            b"\r\n",
            b"\r\n",
            b"abc",
            b"Agent: x\r\n",
            b"Data: *\r\n",
        ];
        let owned: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        let piece = proptest::prop_oneof![
            20 => proptest::sample::select(owned),
            1 => proptest::collection::vec(any::<u8>(), 0..8),
        ];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    /// What a server says to `octets`, cut into pieces of `cut` octets; the nonces of SCRAM are not its own choice.
    fn said(octets: &[u8], cut: usize) -> (String, String) {
        let now = moment();
        let mut server = Server::new(Arc::new(config(&Mechanism::ALL)), None, [2; 32], now);
        let (mut out, mut seen) = (Vec::new(), String::new());
        for piece in octets.chunks(cut) {
            server.handle_input(now, piece);
            while let Some(event) = server.poll_event() {
                let command = match event {
                    ServerEvent::LookUp(_) => ServerCommand::Credentials(None),
                    ServerEvent::Authenticated(_) => ServerCommand::Opened(Ok(false)),
                    event => {
                        seen += &format!("{event:?}\n");
                        continue;
                    }
                };
                server.handle_command(now, command);
            }
            while let Some(octets) = server.poll_output() {
                out.extend_from_slice(&octets);
            }
        }
        let out = String::from_utf8(out).unwrap();
        let known: Vec<&str> = out.lines().filter(|line| !line.starts_with("Data: ")).collect();
        (known.join("\n"), seen)
    }

    proptest! {
        #[test]
        fn how_octets_are_cut_changes_nothing(octets in nearly(), cut in 1_usize..40) {
            proptest::prop_assert_eq!(said(&octets, usize::MAX), said(&octets, cut));
        }

        #[test]
        fn a_client_survives_every_server(octets in nearly(), cut in 1_usize..40, pipeline: bool) {
            let (mut client, _) = pair(with_password(), Some(None), pipeline, &Mechanism::ALL);
            for piece in octets.chunks(cut) {
                client.handle_input(moment(), piece);
            }
            let events: Vec<_> = std::iter::from_fn(|| client.poll_event()).collect();
            let believed = events.iter().any(|event| matches!(event, ClientEvent::Ready { .. } | ClientEvent::Response(_)));
            proptest::prop_assert!(!believed, "{events:?}");
        }
    }
}
