//! Clients that do not read, send too much, or never log in: what becomes of them, and that it is nobody else's trouble.

use crate::HTTP;
use crate::metrics::read;
use crate::support::http::http_of;
use crate::support::{Site, until};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// A client takes nothing from its socket. Its messages go to the mailbox, its subscription to the newest value, and what waits
/// for it never grows beyond its bound.
#[test]
fn a_slow_reader_is_never_buffered_without_bound() {
    let extra =
        format!("{HTTP}[mailbox]\ndelivery-timeout = \"1s\"\n[limits]\nunacknowledged = \"1M\"\nmessages-burst = 100000\n");
    let site = Site::with(&extra, &["alice", "bob"]);
    let address = http_of(&site);
    let mut slow = site.logged_in("bob", "B", "Accept: messages\nMax-Body: 1000000\n");
    slow.ask("SUBSCRIBE", "alice", "", b"");
    let mut alice = site.logged_in("alice", "A", "");
    let body = [b"From: alice\r\n\r\n".as_slice(), &[b'x'; 300_000]].concat();
    for round in 0..40 {
        let headers = format!("Message-ID: <{round}@x>\nContent-Type: message/rfc822\n");
        let answer = alice.ask("SEND", "bob", &headers, &body);
        assert_eq!(answer.header("Delivery"), Some("stored"), "{answer:?}");
        let presence = format!("<presence><status>open</status><note>{round}</note></presence>");
        let answer =
            alice.ask("CHANGE", "alice", "Lease-Time: infinity\nContent-Type: application/presence\n", presence.as_bytes());
        assert!(answer.start().starts_with("OK"), "{answer:?}");
        // The bound, and what one message goes beyond it.
        let unwritten = read(address).value("impp_in_flight_bytes{what=\"unwritten\"}");
        assert!(unwritten < 1.5e6, "{unwritten} octets wait for one client");
    }
    assert_eq!(read(address).value("impp_mailbox_messages"), 40.0);
    // It begins to read: first what was under way, and of forty values the newest.
    let mut notes = Vec::new();
    let mut messages = 0;
    while messages < 40 || notes.last().is_none_or(|note| note != "39") {
        let frame = slow.frame();
        slow.accept(&frame);
        if frame.start().starts_with("SEND") {
            messages += 1;
        } else {
            let text = String::from_utf8(frame.body.clone()).unwrap();
            notes.push(text.split("<note>").nth(1).unwrap().split('<').next().unwrap().to_owned());
        }
    }
    assert!(notes.len() < 10, "values that nobody needed any more: {notes:?}");
    until("the mailbox is empty", || read(address).value("impp_mailbox_messages") == 0.0);
}

/// When all of them hold too much, whoever holds most is sent away; nothing is lost by it.
#[test]
fn when_memory_is_short_whoever_holds_most_goes() {
    let extra = format!(
        "{HTTP}[mailbox]\ndelivery-timeout = \"5s\"\n[limits]\nmemory = \"8M\"\nunacknowledged = \"8M\"\nmessages-burst = 100000\n"
    );
    let site = Site::with(&extra, &["alice", "bob", "carol"]);
    let address = http_of(&site);
    let ended = || read(address).value("impp_connections_ended_total{end=\"limit\"}");
    let hello = "Accept: messages\nMax-Body: 1000000\n";
    let slow: Vec<_> = (0..16).map(|number| site.logged_in("bob", &format!("B{number}"), hello)).collect();
    let mut carol = site.logged_in("carol", "C", hello);
    let mut alice = site.logged_in("alice", "A", "");
    let body = [b"From: alice\r\n\r\n".as_slice(), &[b'x'; 200_000]].concat();
    let mut stored = 0;
    // What lies in sockets is not memory of the relay, so that it takes some to fill it.
    for round in 0.. {
        for number in 0..40 {
            let headers = format!("Message-ID: <{round}.{number}@x>\nContent-Type: message/rfc822\n");
            alice.request("SEND", "bob", &headers, &body);
        }
        for _ in 0..40 {
            let answer = alice.frame();
            match (answer.header("Delivery"), answer.header("Error")) {
                (Some("stored"), None) => stored += 1,
                // All senders' requests have their bound as well.
                (None, Some("try-later")) => {}
                _ => panic!("{answer:?}"),
            }
        }
        if ended() > 0.0 {
            break;
        }
        assert!(round < 5, "nobody was sent away");
    }
    // Who reads is not touched.
    assert!(carol.ask("FETCH", "alice", "", b"").start().starts_with("OK"));
    until("memory is within its bound", || read(address).value("impp_in_flight_bytes{what=\"unwritten\"}") <= 8.0 * 1048576.0);
    assert!(site.log().text().contains("\"limit\":\"limits.memory\""), "{}", site.log().text());
    drop(slow);
    // The next connection gets all that were promised.
    let mut back = site.logged_in("bob", "back", hello);
    for _ in 0..stored {
        let frame = back.frame();
        assert!(frame.start().starts_with("SEND"), "{frame:?}");
        back.accept(&frame);
    }
    until("the mailbox is empty", || read(address).value("impp_mailbox_messages") == 0.0);
}

/// Whoever does not heed try-later is sent away, told why and when to come back; and the others do not notice.
#[test]
fn a_flooding_sender_is_sent_away() {
    let extra = format!("{HTTP}[limits]\nrequests-per-second = 20\nrequests-burst = 50\n");
    let site = Site::with(&extra, &["alice", "bob"]);
    let mut flood = site.logged_in("bob", "B", "");
    let mut alice = site.logged_in("alice", "A", "");
    for _ in 0..2000 {
        let request =
            "FETCH f impp/1.0\r\nFrom: impp://demo.test/bob\r\nConnection-ID: B\r\nTarget: impp://demo.test/alice\r\n\r\n";
        if flood.try_send(request.as_bytes()).is_err() {
            break;
        }
    }
    let (mut ok, mut later) = (0, 0);
    let bye = loop {
        let frame = flood.frame();
        match frame.header("Error") {
            None if frame.start().starts_with("OK") => ok += 1,
            Some("try-later") => {
                assert!(frame.header("Retry-After").is_some(), "{frame:?}");
                later += 1;
            }
            _ => break frame,
        }
    };
    assert!(bye.start().starts_with("BYE "), "{bye:?}");
    assert_eq!((bye.header("Cause"), bye.header("Retry-After")), (Some("limit"), Some("5")));
    assert!(ok >= 50 && later >= 50, "{ok} {later}");
    assert!(alice.ask("FETCH", "bob", "", b"").start().starts_with("OK"));
    until("it is counted", || read(http_of(&site)).value("impp_connections_ended_total{end=\"limit\"}") == 1.0);
}

/// Connections that begin a login and do not go on make room for those who do.
#[test]
fn strangers_who_dawdle_keep_nobody_out() {
    let site = Site::with(&format!("{HTTP}[limits]\nlogins = 20\n"), &["alice"]);
    let mut stalled: Vec<TcpStream> = Vec::new();
    for host in 2..12 {
        for _ in 0..4 {
            let mut stream = from(host, site.plain);
            let _ = stream.write_all(b"HELLO h impp/1.0\r\nDomain");
            stalled.push(stream);
        }
    }
    drop(site.logged_in("alice", "A", ""));
    let counted = |series| read(http_of(&site)).value(series);
    until("many had to make room", || counted("impp_limit_hits_total{limit=\"limits.logins\"}") >= 20.0);
    until("they are gone", || counted("impp_connections") <= 22.0);
    // Half of them at least.
    let gone = stalled.iter_mut().map(is_closed).filter(|gone| *gone).count();
    assert!(gone >= 20, "{gone}");
}

fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read(&mut [0; 64]) {
        Ok(octets) => octets == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

/// A connection from 127.0.0.HOST.
pub(crate) fn from(host: u8, to: std::net::SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, host], 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}

/// Whoever talks without end before logging in is cut off.
#[test]
fn a_stranger_may_say_so_much_and_no_more() {
    let site = Site::with(HTTP, &[]);
    let mut stream = TcpStream::connect(site.plain).unwrap();
    let hello = format!("HELLO h impp/1.0\r\nDomain: {}\r\nConnection-ID: X\r\n\r\n", site.domain);
    let mut said = 0;
    let ended = loop {
        match stream.write(hello.as_bytes()) {
            Ok(octets) => said += octets,
            Err(_) => break true,
        }
        if said > 64 << 20 {
            break false;
        }
        stream.set_read_timeout(Some(std::time::Duration::from_millis(1))).unwrap();
        let _ = stream.read(&mut [0; 65_536]);
    };
    assert!(ended, "{said} octets were taken");
    until("it is counted", || read(http_of(&site)).value("impp_connections_ended_total{end=\"flood\"}") == 1.0);
}
