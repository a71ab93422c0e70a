//! Sessions against the accepting engine, over streams in memory; the test is the service.

use super::content::{Change, Content, Delivery, Message};
use super::steady::{Connector, Occasion, Steady, SteadyEvent};
use super::{Client, Error, Event, Options};
use crate::engine::{ByeCause, ClientRefusal, End, Mechanism};
use crate::model::request::Cause;
use crate::model::{Address, Answer, ErrorKind, Lease, MessageId, Secret, Token, Version};
use crate::net::Clock;
use crate::net::connect::{HostPort, TlsKind};
use crate::net::testing::{Authority, Relay, RelayKind};
use crate::net::tls::{ServerTls, TlsError, Trust};
use crate::net::trace::Sink;
use crate::wire::{Frame, Kind, Name, Writer};
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn alice() -> Address {
    address("alice@example.org")
}

fn bob() -> Address {
    address("bob@example.org")
}

/// In the clear, over a stream in memory.
fn plain() -> Options {
    Options { tls: TlsKind::Off, ..Options::password(&alice(), Secret::new("wonderland".into())) }
}

fn message(id: &str) -> Message {
    let body = Bytes::from_static(b"Subject: Lunch\r\n\r\nNoodles at one?");
    Message { id: MessageId::parse(id).unwrap(), content_type: "message/rfc822".into(), body, wanted: None }
}

const OPEN: &str = "<presence><entity>impp://example.org/bob</entity><status>open</status></presence>";
const CLOSED: &str = "<presence><entity>impp://example.org/bob</entity><status>closed</status></presence>";

/// A client and the relay that it talks to.
async fn session(options: Options, kind: RelayKind) -> (Result<Client, Error>, Relay) {
    let (near, far) = tokio::io::duplex(1 << 16);
    let relay = Relay::start(far, kind);
    (Client::connect_over(near, options).await, relay)
}

async fn plain_session() -> (Client, Relay) {
    let (client, relay) = session(plain(), RelayKind::default()).await;
    (client.unwrap(), relay)
}

fn secure(authority: &Authority, kind: TlsKind) -> (Options, RelayKind) {
    let server: ServerTls = authority.server(&["example.org"]);
    let options = Options { tls: kind, trust: authority.trust(), ..plain() };
    (options, RelayKind { tls: Some((Arc::new(server), kind)), ..RelayKind::default() })
}

/// Answers requests until the client has what it wants.
fn serve(mut relay: Relay, answer: impl Fn(&Relay, Frame) + Send + 'static) -> tokio::task::JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        while let Some(frame) = relay.inbound.recv().await {
            answer(&relay, frame);
        }
        relay.ended.await.unwrap()
    })
}

#[tokio::test]
async fn logs_in_asks_and_says_goodbye() {
    let (client, relay) = plain_session().await;
    let ready = client.ready().await.unwrap();
    assert_eq!((ready.identity.clone(), ready.resumed), (alice(), false));
    assert_eq!(ready.hello.max_body, 100_000);
    let ended = serve(relay, |relay, frame| {
        assert_eq!(frame.header(Name::From), Some("impp://example.org/alice"));
        match frame.method() {
            "SEND" => relay.ok_with(&frame, |w| w.header(Name::Delivery, "stored"), CLOSED),
            "FETCH" => relay.ok_with(&frame, |w| w.header(Name::PresenceVersion, "7"), OPEN),
            "SUBSCRIBE" => {
                assert_eq!(frame.header(Name::LeaseTime), Some("90"));
                relay.ok_with(&frame, |w| w.header(Name::LeaseTime, "120").header(Name::PresenceVersion, "8"), OPEN);
            }
            "UNSUBSCRIBE" => relay.error(&frame, &Answer::new(ErrorKind::SubscriptionUnknown)),
            "CHANGE" => {
                assert_eq!(frame.header(Name::View), Some("work"));
                assert_eq!(frame.header(Name::IfVersion), Some("3"));
                relay.ok(&frame, |w| w.header(Name::LeaseTime, "infinity").header(Name::PresenceVersion, "9"));
            }
            "GET-ACL" => {
                let ok = crate::model::response::ok_to(&frame).header(Name::AclVersion, "0");
                relay.write(ok.finish_with("application/impp-acl", b"<acl></acl>"));
            }
            "SET-ACL" => relay.ok(&frame, |w| w.header(Name::AclVersion, "10")),
            "GET-WATCHERS" => {
                let ok = crate::model::response::ok_to(&frame);
                relay.write(ok.finish_with("application/impp-watchers", b"<watchers></watchers>"));
            }
            other => panic!("{other}"),
        }
    });
    let sent = client.send(&bob(), &message("<1@x>")).await.unwrap();
    assert_eq!(sent.delivery, Delivery::Stored);
    assert!(sent.presence.is_some());
    let fetched = client.fetch(&bob()).await.unwrap();
    assert_eq!((fetched.version, fetched.content.octets), (Version(7), Bytes::from(OPEN)));
    let subscribed = client.subscribe(&bob(), Some(Duration::from_secs(90))).await.unwrap();
    assert_eq!((subscribed.lease.as_secs(), subscribed.value.version), (120, Version(8)));
    let error = client.unsubscribe(&bob()).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no such subscription (subscription-unknown)");
    let change = Change {
        lease: Lease::Infinity,
        if_version: Some(Version(3)),
        view: Token::parse("work"),
        content: Some(Content::new("application/presence", OPEN)),
    };
    let done = client.change(&alice(), &change).await.unwrap();
    assert_eq!((done.lease, done.version), (Lease::Infinity, Version(9)));
    let (version, acl) = client.get_acl(&alice()).await.unwrap();
    assert_eq!(version, Version(0));
    assert_eq!(client.set_acl(&alice(), &acl, Some(version)).await.unwrap(), Version(10));
    assert!(client.watchers(&alice()).await.unwrap().watching.is_empty());
    client.close().await.unwrap();
    assert_eq!(ended.await.unwrap(), ["bye", "BYE"]);
}

#[tokio::test]
async fn answers_find_their_requests_in_any_order() {
    let (client, mut relay) = plain_session().await;
    let users: Vec<Address> = (0..20).map(|n| address(&format!("u{n}@example.org"))).collect();
    let asking: Vec<_> = users
        .iter()
        .map(|user| {
            let (client, user) = (client.clone(), user.clone());
            tokio::spawn(async move { client.fetch(&user).await.unwrap().version })
        })
        .collect();
    let mut frames = Vec::new();
    for _ in 0..20 {
        frames.push(relay.next().await);
    }
    frames.reverse();
    for frame in &frames {
        // The wrong method matches nothing, nor does an unknown id.
        let id = frame.request_id();
        relay.write(Writer::start(Kind::Ok, "SEND", id).header(Name::Delivery, "stored").finish());
        relay.write(Writer::start(Kind::Ok, "FETCH", "nobody.1").finish());
        let number = frame.header(Name::Target).unwrap().trim_start_matches("impp://example.org/u");
        relay.ok_with(frame, |w| w.header(Name::PresenceVersion, number), OPEN);
    }
    for (n, task) in asking.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), Version(n as u64));
    }
}

#[tokio::test]
async fn an_answer_that_says_too_little_is_no_answer() {
    let (client, relay) = plain_session().await;
    serve(relay, |relay, frame| match frame.method() {
        "SEND" => relay.ok(&frame, |w| w.header(Name::Delivery, "lost")),
        "FETCH" => relay.ok(&frame, |w| w.header(Name::PresenceVersion, "1")),
        _ => relay.ok_with(&frame, |w| w.header(Name::LeaseTime, "infinity").header(Name::PresenceVersion, "1"), OPEN),
    });
    assert_eq!(client.send(&bob(), &message("<1@x>")).await, Err(Error::BadAnswer(Name::Delivery)));
    assert_eq!(client.fetch(&bob()).await, Err(Error::BadAnswer(Name::ContentLength)));
    assert_eq!(client.subscribe(&bob(), None).await, Err(Error::BadAnswer(Name::LeaseTime)));
    let large = Message { body: vec![b'x'; 100_001].into(), ..message("<2@x>") };
    assert_eq!(client.send(&bob(), &large).await, Err(Error::TooLarge { octets: 100_001, limit: 100_000 }));
}

/// Forwards both ways and writes down whose turn it is to speak.
async fn between(mut near: DuplexStream, mut far: DuplexStream, turns: Arc<Mutex<String>>) {
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let note = |who: char| {
        let mut turns = turns.lock().unwrap();
        if !turns.ends_with(who) {
            turns.push(who);
        }
    };
    loop {
        tokio::select! {
            // What the client sends without waiting is one turn.
            biased;
            Ok(n @ 1..) = near.read(&mut up) => {
                note('C');
                far.write_all(&up[..n]).await.unwrap();
            }
            Ok(n @ 1..) = far.read(&mut down) => {
                note('S');
                near.write_all(&down[..n]).await.unwrap();
            }
            else => return,
        }
    }
}

#[tokio::test]
async fn the_first_request_is_answered_after_four_round_trips() {
    let authority = Authority::new();
    for (mechanism, trips) in [(None, 3), (Some(Mechanism::Plain), 2)] {
        let (options, mut kind) = secure(&authority, TlsKind::Require);
        kind.mechanisms.push(Mechanism::Plain);
        let options = Options { early: true, mechanism, ..options };
        let (near, client_end) = tokio::io::duplex(1 << 16);
        let (server_end, far) = tokio::io::duplex(1 << 16);
        let turns = Arc::new(Mutex::new(String::new()));
        tokio::spawn(between(client_end, server_end, turns.clone()));
        let relay = Relay::start(far, kind);
        serve(relay, |relay, frame| relay.ok(&frame, |w| w.header(Name::Delivery, "delivered")));
        // A task among tasks: the test's own future is looked at only when all of these have nothing to do.
        let sending = tokio::spawn(async move {
            let client = Client::connect_over(near, options).await.unwrap();
            assert_eq!(client.send(&bob(), &message("<1@x>")).await.unwrap().delivery, Delivery::Delivered);
            client
        });
        let client = sending.await.unwrap();
        // TCP's own round trip comes before these.
        assert_eq!(*turns.lock().unwrap(), "CS".repeat(trips), "{mechanism:?}");
        assert_eq!(client.identity().await.unwrap(), alice());
    }
}

#[tokio::test]
async fn starttls_comes_before_anything_of_value() {
    let authority = Authority::new();
    let (options, kind) = secure(&authority, TlsKind::StartTls);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let trace = {
        let lines = lines.clone();
        Some(Sink::new(move |line| lines.lock().unwrap().push(line.to_owned())))
    };
    let (client, relay) = session(Options { trace, ..options }, kind).await;
    serve(relay, |relay, frame| relay.ok(&frame, |w| w.header(Name::Delivery, "stored")));
    client.unwrap().send(&bob(), &message("<1@x>")).await.unwrap();
    let lines = lines.lock().unwrap();
    let at = |text: &str| lines.iter().position(|line| line.starts_with(text)).unwrap_or_else(|| panic!("{text}: {lines:#?}"));
    assert!(at("-> STARTTLS") < at("* TLS 1.3"));
    assert!(at("* TLS 1.3") < at("-> AUTH"));
    assert!(lines.iter().filter(|line| line.contains("Data")).all(|line| line.ends_with("Data: (masked)")));
    assert!(at("-> Mechanism: SCRAM-SHA-256-PLUS") < at("<- OK (SEND)"));
}

#[tokio::test]
async fn logins_that_come_to_nothing() {
    let authority = Authority::new();
    let wrong = |options: Options| Options { login: Options::password(&alice(), Secret::new("x".into())).login, ..options };
    // The first request of an early client hears of it.
    for early in [false, true] {
        let (options, kind) = secure(&authority, TlsKind::Require);
        let (client, relay) = session(Options { early, ..wrong(options) }, kind).await;
        let error = match client {
            Ok(client) if early => client.send(&bob(), &message("<1@x>")).await.unwrap_err(),
            other => other.map(drop).unwrap_err(),
        };
        assert_eq!(error, Error::Login(ClientRefusal::LoginFailed));
        assert_eq!(relay.ended.await.unwrap()[0], "login failed");
    }
    let refused = RelayKind { opened: Err(Answer::new(ErrorKind::PermissionDenied)), ..RelayKind::default() };
    let error = session(plain(), refused).await.0.map(drop).unwrap_err();
    assert_eq!(error.to_string(), "the server refuses the session: permission denied (permission-denied)");

    let stranger = Options::password(&address("alice@elsewhere.test"), Secret::new("x".into()));
    let error = session(Options { tls: TlsKind::Off, ..stranger }, RelayKind::default()).await.0.map(drop).unwrap_err();
    assert_eq!(error.answer().map(|answer| answer.kind), Some(ErrorKind::TargetUnknown));

    let (options, kind) = secure(&authority, TlsKind::Require);
    let error = session(Options { trust: Authority::new().trust(), ..options }, kind).await.0.map(drop).unwrap_err();
    assert!(matches!(error, Error::Tls(TlsError::Certificate { .. })), "{error}");

    let options = Options { tls: TlsKind::StartTls, trust: Trust::Anyone, ..plain() };
    let error = session(options, RelayKind::default()).await.0.map(drop).unwrap_err();
    assert_eq!(error, Error::Login(ClientRefusal::NoTls));
}

#[tokio::test]
async fn who_presumes_no_name_waits_for_the_login() {
    let authority = Authority::new();
    let (options, kind) = secure(&authority, TlsKind::Require);
    let anonymous = Options { login: crate::engine::Login::Anonymous, early: true, ..options };
    let (client, mut relay) = session(anonymous, kind).await;
    let client = client.unwrap();
    let asking = tokio::spawn(async move { client.fetch(&bob()).await });
    let frame = relay.next().await;
    assert!(frame.header(Name::From).unwrap().starts_with("impp://anonymous.invalid/"));
    relay.ok_with(&frame, |w| w.header(Name::PresenceVersion, "1"), OPEN);
    asking.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_went_out_under_a_wrong_name_goes_out_again() {
    let authority = Authority::new();
    let server = authority.server(&["example.org"]);
    let options = Options { tls: TlsKind::Require, trust: authority.trust(), mechanism: Some(Mechanism::Plain), ..plain() };
    let (near, far) = tokio::io::duplex(1 << 16);
    // A server that knows Alice under another name than the one that she logs in with.
    let serving = tokio::spawn(async move {
        let (mut stream, ..) = server.accept(far).await.unwrap();
        let mut splitter = crate::wire::Splitter::new(100_000);
        let (mut froms, mut auth) = (Vec::new(), String::new());
        loop {
            let mut octets = vec![0; 4096];
            let n = stream.read(&mut octets).await.unwrap();
            splitter.push(&octets[..n]);
            while let Some(crate::wire::Piece::Frame(frame)) = splitter.poll().unwrap() {
                let ok = Writer::start(Kind::Ok, frame.method(), frame.request_id());
                let answer = match frame.method() {
                    "HELLO" => ok
                        .header(Name::Domain, "example.org")
                        .header(Name::Tls, "active")
                        .header(Name::Mechanisms, "PLAIN")
                        .header(Name::Services, "messages")
                        .header(Name::MaxBody, "65536")
                        .header(Name::MaxOutstanding, "9")
                        .header(Name::LeaseMin, "60")
                        .header(Name::LeaseMax, "60"),
                    // Not before both requests are here.
                    "AUTH" => {
                        auth = frame.request_id().to_owned();
                        continue;
                    }
                    _ => {
                        froms.push(frame.header(Name::From).unwrap().rsplit('/').next().unwrap().to_owned());
                        if froms.len() == 2 {
                            let done = Writer::start(Kind::Ok, "AUTH", &auth).header(Name::Auth, "done");
                            let done = done.header(Name::Identity, "impp://example.org/alice.example");
                            stream.write_all(&done.header(Name::Session, "new").finish()).await.unwrap();
                        }
                        if froms.last().unwrap() == "alice" {
                            continue;
                        }
                        ok.header(Name::Delivery, "stored")
                    }
                };
                stream.write_all(&answer.finish()).await.unwrap();
                if froms.len() == 4 {
                    return froms;
                }
            }
        }
    });
    let client = Client::connect_over(near, Options { early: true, ..options }).await.unwrap();
    let (to, one, two) = (bob(), message("<1@x>"), message("<2@x>"));
    let (first, second) = tokio::join!(client.send(&to, &one), client.send(&to, &two));
    assert_eq!((first.unwrap().delivery, second.unwrap().delivery), (Delivery::Stored, Delivery::Stored));
    assert_eq!(serving.await.unwrap(), ["alice", "alice", "alice.example", "alice.example"]);
}

fn incoming(id: &str, message_id: &str) -> Bytes {
    Writer::request("SEND", id)
        .header(Name::From, "impp://example.net/bob")
        .header(Name::ConnectionId, "x")
        .header(Name::Target, alice().as_str())
        .header(Name::MessageId, message_id)
        .finish_with("message/rfc822", b"Subject: x\r\n\r\n")
}

fn notification(id: &str, version: u64, body: &str) -> Bytes {
    Writer::request("CHANGE-NOTIFY", id)
        .header(Name::From, "impp://example.org/")
        .header(Name::ConnectionId, "0")
        .header(Name::Target, alice().as_str())
        .header(Name::TargetConnection, "c")
        .header(Name::Origin, bob().as_str())
        .number(Name::PresenceVersion, version)
        .finish_with("application/presence", body.as_bytes())
}

fn termination(id: &str, cause: Cause) -> Bytes {
    Writer::request("TERMINATE-SUBSCRIPTION", id)
        .header(Name::From, "impp://example.org/")
        .header(Name::ConnectionId, "0")
        .header(Name::Target, alice().as_str())
        .header(Name::TargetConnection, "c")
        .header(Name::Origin, bob().as_str())
        .header(Name::Cause, cause.as_str())
        .finish()
}

/// `OK SEND 1` or `ERROR SEND 1 try-later`
fn told(frame: &Frame) -> String {
    let error = frame.header(Name::Error).map(|error| format!(" {error}")).unwrap_or_default();
    format!("{:?} {} {}{error}", frame.kind(), frame.method(), frame.request_id())
}

#[tokio::test]
async fn messages_are_answered_by_whoever_takes_them() {
    let (client, mut relay) = plain_session().await;
    for n in 1..=4 {
        relay.write(incoming(&n.to_string(), &format!("<{n}@x>")));
    }
    relay.write(notification("5", 9, OPEN));
    relay.write(termination("6", Cause::Moved));
    relay.write(Writer::request("SEND", "7").header(Name::From, "impp://example.net/bob").finish());
    let next = async || match client.next_event().await {
        Some(Event::Message(message)) => message,
        other => panic!("{other:?}"),
    };
    let (first, second, third, fourth) = (next().await, next().await, next().await, next().await);
    assert_eq!(first.from, address("bob@example.net"));
    assert_eq!((first.body(), first.content_type()), (&b"Subject: x\r\n\r\n"[..], "message/rfc822"));
    second.refuse(ErrorKind::MimeTypeNotUnderstood, Some("no"));
    assert_eq!(told(&relay.next().await), "Error SEND 2 mime-type-not-understood");
    first.accept();
    assert_eq!(told(&relay.next().await), "Ok SEND 1");
    drop(third);
    assert_eq!(told(&relay.next().await), "Error SEND 3 try-later");
    match client.next_event().await {
        Some(Event::Changed { origin, value, .. }) => assert_eq!((origin, value.version), (bob(), Version(9))),
        other => panic!("{other:?}"),
    }
    assert_eq!(told(&relay.next().await), "Ok CHANGE-NOTIFY 5");
    assert!(matches!(client.next_event().await, Some(Event::Terminated { cause: Cause::Moved, .. })));
    assert_eq!(told(&relay.next().await), "Ok TERMINATE-SUBSCRIPTION 6");
    // What makes no sense is no event. The answer that the server is owed outlives the client.
    let ended = tokio::spawn(async move { client.next_event().await.map(drop) });
    assert_eq!(told(&relay.next().await), "Error SEND 7 malformed-request");
    ended.abort();
    fourth.accept();
    assert_eq!(told(&relay.next().await), "Ok SEND 4");
}

#[tokio::test]
async fn the_end_of_a_connection_reaches_everyone() {
    let (client, mut relay) = plain_session().await;
    let asking = tokio::spawn({
        let client = client.clone();
        async move { client.fetch(&bob()).await.unwrap_err() }
    });
    relay.next().await;
    relay.bye(ByeCause::Replaced);
    let bye = Error::Bye { cause: Some(ByeCause::Replaced), reason: None, retry_after: None };
    assert_eq!(asking.await.unwrap(), bye);
    assert!(matches!(client.next_event().await, Some(Event::Bye { cause: Some(ByeCause::Replaced), .. })));
    assert!(matches!(client.next_event().await, Some(Event::Lost(error)) if error == bye));
    assert!(client.next_event().await.is_none());
    assert_eq!(client.fetch(&bob()).await, Err(bye.clone()));
    assert_eq!(client.close().await, Err(bye));

    let (client, relay) = plain_session().await;
    relay.cut();
    assert!(matches!(client.next_event().await, Some(Event::Lost(Error::Ended(End::Eof)))));
    // All handles gone: no BYE, so that the session stays.
    let (client, relay) = plain_session().await;
    drop(client);
    assert_eq!(relay.ended.await.unwrap(), ["closed without BYE"]);
}

#[tokio::test(start_paused = true)]
async fn waiting_has_an_end() {
    let (client, _relay) = plain_session().await;
    let before = Clock::instant();
    assert_eq!(client.fetch(&bob()).await, Err(Error::Timeout));
    assert_eq!(Clock::instant().duration_since(before).as_secs(), 60);
    // A server that says nothing at all.
    let (near, _far) = tokio::io::duplex(64);
    let options = Options { timeout: Duration::from_secs(7), ..plain() };
    let before = Clock::instant();
    assert_eq!(Client::connect_over(near, options).await.map(drop), Err(Error::Timeout));
    assert_eq!(Clock::instant().duration_since(before).as_secs(), 7);
}

#[tokio::test]
async fn redirects_are_obeyed_inside_verified_tls_alone() {
    let authority = Authority::new();
    let first = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = |listener: &tokio::net::TcpListener| HostPort::parse(&listener.local_addr().unwrap().to_string());
    let elsewhere = Answer::new(ErrorKind::Redirect).with(Name::Server, at(&second).unwrap().to_string());
    let (options, kind) = secure(&authority, TlsKind::Require);
    let options = Options { server: at(&first), early: true, ..options };
    let redirecting = RelayKind { opened: Err(elsewhere), ..kind.clone() };
    let insecure = Options { trust: Trust::Anyone, early: false, ..options.clone() };
    let servers = tokio::spawn(async move {
        let _first = Relay::start(first.accept().await.unwrap().0, redirecting.clone());
        let relay = Relay::start(second.accept().await.unwrap().0, kind);
        let ended = serve(relay, |relay, frame| relay.ok(&frame, |w| w.header(Name::Delivery, "stored")));
        let again = Relay::start(first.accept().await.unwrap().0, redirecting);
        (ended.await.unwrap(), again)
    });
    let client = Client::connect(options).await.unwrap();
    client.send(&bob(), &message("<1@x>")).await.unwrap();
    let ready = client.ready().await.unwrap();
    assert_eq!(
        ready.server.as_ref().map(ToString::to_string),
        ready.server.as_ref().map(|at| format!("127.0.0.1:{}", at.port.unwrap()))
    );
    client.close().await.unwrap();
    let error = Client::connect(insecure).await.map(drop).unwrap_err();
    assert_eq!(error.answer().map(|answer| answer.kind), Some(ErrorKind::Redirect), "{error}");
    assert_eq!(servers.await.unwrap().0, ["bye", "BYE"]);
}

/// A steady session and the relays that its connections lead to, one after the other.
struct Line {
    relays: mpsc::UnboundedReceiver<Relay>,
    /// Whether the next connection finds its session; `None`: finds no server.
    next: Arc<Mutex<Option<RelayKind>>>,
}

impl Line {
    fn new() -> (Self, Connector) {
        let (told, relays) = mpsc::unbounded_channel();
        let next = Arc::new(Mutex::new(Some(RelayKind::default())));
        let kinds = next.clone();
        let connector = Connector::new(move |options: Options| {
            let (told, kind) = (told.clone(), kinds.lock().unwrap().clone());
            async move {
                let Some(kind) = kind else { return Err(Error::Broken(std::io::ErrorKind::ConnectionRefused)) };
                let (near, far) = tokio::io::duplex(1 << 16);
                let relay = Relay::start(far, kind);
                let client = Client::connect_over(near, options).await;
                told.send(relay).unwrap();
                client
            }
        });
        (Self { relays, next }, connector)
    }

    fn resumes(&self, opened: Option<bool>) {
        *self.next.lock().unwrap() = opened.map(|resumed| RelayKind { opened: Ok(resumed), ..RelayKind::default() });
    }

    async fn relay(&mut self) -> Relay {
        self.relays.recv().await.unwrap()
    }
}

async fn steady() -> (Steady, Line, Relay) {
    let (mut line, connector) = Line::new();
    let steady = Steady::connect_with(plain(), connector).await.unwrap();
    let relay = line.relay().await;
    (steady, line, relay)
}

fn grant(relay: &Relay, frame: &Frame, seconds: u64, version: u64, body: &str) {
    relay.ok_with(frame, |w| w.number(Name::LeaseTime, seconds).number(Name::PresenceVersion, version), body);
}

/// `changed 7 initial`, `lost`, `resumed kept` and so on.
async fn next(steady: &mut Steady) -> String {
    match steady.next_event().await.unwrap() {
        SteadyEvent::Changed { target, value, occasion } => {
            format!("{} {}{}", target.user(), value.version, if occasion == Occasion::First { " initial" } else { "" })
        }
        SteadyEvent::Terminated { target, cause } => format!("{} terminated {}", target.user(), cause.as_str()),
        SteadyEvent::Refused { target, error } => format!("{} refused: {error}", target.user()),
        SteadyEvent::Held { done, .. } => format!("held {}", done.version),
        SteadyEvent::HoldRefused { error, .. } => format!("not held: {error}"),
        SteadyEvent::Lost { .. } => "lost".into(),
        SteadyEvent::Resumed { kept } => if kept { "resumed kept" } else { "resumed anew" }.into(),
        SteadyEvent::Over(error) => format!("over: {error}"),
        SteadyEvent::Message(message) => {
            let id = message.id.to_string();
            message.accept();
            id
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_renewed_and_old_news_are_dropped() {
    let (mut steady, _line, mut relay) = steady().await;
    steady.subscribe(&address("Bob@example.org"), Some(Duration::from_secs(600)));
    let frame = relay.next().await;
    let (asked, id) = (Clock::instant(), frame.request_id().to_owned());
    assert_eq!(frame.header(Name::LeaseTime), Some("600"));
    grant(&relay, &frame, 300, 10, OPEN);
    // A notification that the answer overtook on its way is older than what the answer said.
    relay.write(notification("n1", 9, CLOSED));
    relay.write(notification("n2", 10, OPEN));
    relay.write(notification("n3", 11, CLOSED));
    assert_eq!(next(&mut steady).await, "Bob 10 initial");
    assert_eq!(told(&relay.next().await), "Ok CHANGE-NOTIFY n1");
    assert_eq!(told(&relay.next().await), "Ok CHANGE-NOTIFY n2");
    // Not acknowledged before somebody takes it: the renewal is the next that comes.
    let frame = relay.next().await;
    assert_eq!(frame.method(), "SUBSCRIBE");
    assert_ne!(frame.request_id(), id);
    let after = Clock::instant().duration_since(asked);
    assert!((150..=200).contains(&after.as_secs()), "{after:?}");
    // An OK is believed although its version is older.
    grant(&relay, &frame, 300, 5, OPEN);
    assert_eq!(next(&mut steady).await, "Bob 11");
    assert_eq!(told(&relay.next().await), "Ok CHANGE-NOTIFY n3");
    assert_eq!(next(&mut steady).await, "Bob 5");
    // An OK that says what is known is no news; the next event is the next change.
    let frame = relay.next().await;
    grant(&relay, &frame, 300, 5, OPEN);
    relay.write(notification("n4", 6, CLOSED));
    assert_eq!(next(&mut steady).await, "Bob 6");
}

#[tokio::test(start_paused = true)]
async fn connections_come_and_go_and_the_session_stays() {
    let (mut steady, mut line, mut relay) = steady().await;
    steady.subscribe(&bob(), None);
    let frame = relay.next().await;
    grant(&relay, &frame, 3600, 1, OPEN);
    assert_eq!(next(&mut steady).await, "bob 1 initial");

    // The session was kept: nothing is asked again, and what changed meanwhile comes by itself.
    line.resumes(Some(true));
    relay.cut();
    assert_eq!(next(&mut steady).await, "lost");
    let mut relay = line.relay().await;
    assert_eq!(next(&mut steady).await, "resumed kept");
    relay.write(notification("n", 2, CLOSED));
    assert_eq!(next(&mut steady).await, "bob 2");
    assert_eq!(told(&relay.next().await), "Ok CHANGE-NOTIFY n");

    // No server for a while, then one that knows nothing: subscribed again. What an order says meanwhile holds too.
    line.resumes(None);
    relay.cut();
    for _ in 0..5 {
        assert_eq!(next(&mut steady).await, "lost");
    }
    steady.subscribe(&address("carol@example.org"), None);
    line.resumes(Some(false));
    let mut relay = line.relay().await;
    let frames = [relay.next().await, relay.next().await];
    for (frame, user) in frames.iter().zip(["bob", "carol"]) {
        assert_eq!(frame.header(Name::Target), Some(format!("impp://example.org/{user}").as_str()));
        grant(&relay, frame, 3600, 2, CLOSED);
    }
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| last != "carol 2 initial") {
        heard.push(next(&mut steady).await);
    }
    heard.retain(|event| event != "lost");
    assert_eq!(heard, ["resumed anew", "carol 2 initial"], "bob's value was known");

    // Somebody else took the session: coming back would take it from them.
    relay.bye(ByeCause::Replaced);
    assert_eq!(next(&mut steady).await, "over: the server said goodbye (replaced)");
    assert!(steady.next_event().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn subscriptions_end_for_good_or_begin_again() {
    let (mut steady, _line, mut relay) = steady().await;
    steady.subscribe(&bob(), None);
    // Temporary: asked again. Moved: asked there.
    let frame = relay.next().await;
    let asked = Clock::instant();
    relay.error(&frame, &Answer::new(ErrorKind::TryLater).retry_after(Duration::from_secs(20)));
    let frame = relay.next().await;
    assert_eq!(Clock::instant().duration_since(asked).as_secs(), 20);
    let moved = Answer::new(ErrorKind::TemporarilyForwarded).with(Name::Location, "impp://example.org/robert");
    relay.error(&frame, &moved);
    let frame = relay.next().await;
    assert_eq!(frame.header(Name::Target), Some("impp://example.org/robert"));
    grant(&relay, &frame, 3600, 1, OPEN);
    assert_eq!(next(&mut steady).await, "bob 1 initial");
    steady.unsubscribe(&bob());
    let frame = relay.next().await;
    assert_eq!((frame.method(), frame.header(Name::Target)), ("UNSUBSCRIBE", Some("impp://example.org/robert")));
    relay.ok(&frame, |w| w);

    steady.subscribe(&bob(), None);
    let frame = relay.next().await;
    grant(&relay, &frame, 3600, 1, OPEN);
    assert_eq!(next(&mut steady).await, "bob 1 initial");
    relay.write(termination("t1", Cause::Expired));
    assert_eq!(next(&mut steady).await, "bob terminated expired");
    let mut next_two = [relay.next().await, relay.next().await];
    next_two.sort_by_key(|frame| frame.kind() != Kind::Request);
    assert_eq!((next_two[0].method(), told(&next_two[1])), ("SUBSCRIBE", "Ok TERMINATE-SUBSCRIPTION t1".to_owned()));
    relay.error(&next_two[0], &Answer::new(ErrorKind::PermissionDenied));
    assert_eq!(next(&mut steady).await, "bob refused: permission denied (permission-denied)");
    // It is forgotten: whoever still notifies is told so, and nobody else.
    relay.write(notification("n", 9, OPEN));
    assert_eq!(told(&relay.next().await), "Error CHANGE-NOTIFY n subscription-unknown");
    steady.close().await;
    assert_eq!(relay.ended.await.unwrap(), ["bye", "BYE"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_is_shown_once_however_often_it_comes() {
    let (mut steady, mut line, mut relay) = steady().await;
    relay.write(incoming("1", "<a@x>"));
    assert_eq!(next(&mut steady).await, "<a@x>");
    assert_eq!(told(&relay.next().await), "Ok SEND 1");
    relay.write(incoming("2", "<b@x>"));
    let Some(SteadyEvent::Message(held)) = steady.next_event().await else { panic!() };
    line.resumes(Some(true));
    relay.cut();
    assert_eq!(next(&mut steady).await, "lost");
    let mut relay = line.relay().await;
    assert_eq!(next(&mut steady).await, "resumed kept");
    // Offered again: one was accepted, the other is in somebody's hands and gets the answer that they give.
    relay.write(incoming("3", "<a@x>"));
    assert_eq!(told(&relay.next().await), "Ok SEND 3");
    relay.write(incoming("4", "<b@x>"));
    relay.write(incoming("5", "<c@x>"));
    assert_eq!(next(&mut steady).await, "<c@x>");
    assert_eq!(told(&relay.next().await), "Ok SEND 5");
    held.refuse(ErrorKind::TryLater, None);
    assert_eq!(told(&relay.next().await), "Error SEND 4 try-later");
    // What was refused may come again.
    relay.write(incoming("6", "<b@x>"));
    assert_eq!(next(&mut steady).await, "<b@x>");
    assert_eq!(told(&relay.next().await), "Ok SEND 6");
}

#[tokio::test(start_paused = true)]
async fn a_value_is_held_and_taken_back() {
    let (mut steady, mut line, mut relay) = steady().await;
    let change = Change {
        lease: Lease::Seconds(100),
        if_version: Some(Version(3)),
        view: None,
        content: Some(Content::new("application/presence", OPEN)),
    };
    steady.hold(&alice(), change.clone());
    let done = |relay: &Relay, frame: &Frame, version: u64| {
        relay.ok(frame, |w| w.header(Name::LeaseTime, "100").number(Name::PresenceVersion, version));
    };
    let frame = relay.next().await;
    assert_eq!((frame.header(Name::IfVersion), frame.header(Name::LeaseTime)), (Some("3"), Some("100")));
    done(&relay, &frame, 4);
    assert_eq!(next(&mut steady).await, "held 4");
    let frame = relay.next().await;
    assert_eq!((frame.method(), frame.header(Name::IfVersion)), ("CHANGE", None));
    // Unanswered when the connection goes: asked again on the next.
    line.resumes(Some(true));
    relay.cut();
    assert_eq!(next(&mut steady).await, "lost");
    let mut relay = line.relay().await;
    assert_eq!(next(&mut steady).await, "resumed kept");
    let frame = relay.next().await;
    done(&relay, &frame, 5);
    let releasing = async {
        let frame = relay.next().await;
        assert_eq!((frame.header(Name::LeaseTime), frame.body()), (Some("0"), None));
        relay.ok(&frame, |w| w.header(Name::LeaseTime, "0").number(Name::PresenceVersion, 6));
    };
    let owner = alice();
    let (released, ()) = tokio::join!(steady.release(&owner, None), releasing);
    released.unwrap();
    steady.hold(&bob(), change);
    let frame = relay.next().await;
    assert_eq!(frame.header(Name::Target), Some(bob().as_str()), "what was released is not renewed");
    relay.error(&frame, &Answer::new(ErrorKind::Conflict));
    assert!(next(&mut steady).await.starts_with("not held: it was changed by somebody else"));
}
