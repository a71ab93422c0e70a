//! Hosts and ports as text, and races on loopback.

use super::*;
use crate::model::Domain;
use crate::net::dns::Security;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

#[test]
fn hosts_and_ports() {
    let rows = [
        ("im.example.org", Some(("im.example.org", None))),
        ("im.example.org:5773", Some(("im.example.org", Some(5773)))),
        ("192.0.2.1:1", Some(("192.0.2.1", Some(1)))),
        ("2001:db8::1", Some(("2001:db8::1", None))),
        ("[2001:db8::1]", Some(("2001:db8::1", None))),
        ("[2001:db8::1]:5773", Some(("2001:db8::1", Some(5773)))),
        ("", None),
        (":5773", None),
        ("host:", None),
        ("host:0", None),
        ("host:+1", None),
        ("host:65536", None),
        ("[host]:1", None),
        ("[::1]1", None),
        ("a b", None),
        ("host\u{1b}", None),
    ];
    for (text, expected) in rows {
        let read = HostPort::parse(text);
        assert_eq!(read.as_ref().map(|at| (at.host.as_str(), at.port)), expected, "{text}");
        if let Some(at) = read {
            assert_eq!(HostPort::parse(&at.to_string()), Some(at));
        }
    }
    assert_eq!(TlsKind::Require.port(), 5773);
    assert_eq!(TlsKind::StartTls.port(), 5772);
}

fn domain() -> Domain {
    Domain::parse("example.org").unwrap()
}

fn named(address: SocketAddr, tls: TlsKind) -> Candidates {
    Candidates::named(&domain(), &HostPort { host: address.ip().to_string(), port: Some(address.port()) }, tls)
}

fn all(addresses: &[SocketAddr]) -> Candidates {
    let list = addresses.iter().flat_map(|address| named(*address, TlsKind::Require).list).collect();
    Candidates { domain: domain(), list }
}

async fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn closed() -> SocketAddr {
    listening().await.1
}

/// A race in which an open stream is success.
fn race(candidates: Candidates, limits: Limits) -> Race<SocketAddr, ConnectError> {
    Race::new(candidates, None, false, limits, Arc::new(|stream, _| Box::pin(async move { Ok(stream.peer_addr().unwrap()) })))
}

#[tokio::test]
async fn the_first_address_that_answers_wins() {
    let limits = Limits::within(Duration::from_secs(10));
    let ((_listener, open), refuses, another) = (listening().await, closed().await, closed().await);
    let error = race(all(&[refuses]), limits).next().await.unwrap_err();
    let failed = |tried| ConnectError::Failed {
        host: "127.0.0.1".into(),
        address: refuses,
        kind: io::ErrorKind::ConnectionRefused,
        tried,
    };
    assert_eq!(error, failed(1));
    // Of equal failures the best candidate's is told; the same place twice is one.
    assert_eq!(race(all(&[refuses, another, refuses]), limits).next().await.unwrap_err(), failed(2));
    let mut race = race(all(&[refuses, open, another]), limits);
    let (place, peer) = race.next().await.unwrap();
    assert_eq!((place.address, peer), (open, open));
    // A winner that is of no use is followed by the rest.
    race.failed(&place, ConnectError::InTheClear("worst".into()));
    assert_eq!(race.next().await.unwrap_err(), ConnectError::InTheClear("worst".into()));
}

#[tokio::test]
async fn what_an_open_stream_comes_to_counts() {
    let limits = Limits::within(Duration::from_secs(10));
    let ((_a, mute), (_b, wrong), (_c, right)) = (listening().await, listening().await, listening().await);
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = order.clone();
    let open: race::Open<SocketAddr, ConnectError> = Arc::new(move |_, place| {
        seen.lock().unwrap().push(place.address);
        Box::pin(async move {
            match place.address {
                address if address == mute => std::future::pending().await,
                address if address == wrong => Err(ConnectError::InTheClear("wrong".into())),
                address => Ok(address),
            }
        })
    });
    let begun = Clock::instant();
    let mut race = Race::new(all(&[wrong, mute, right]), None, false, limits, open);
    assert_eq!(race.next().await.unwrap().1, right);
    assert_eq!(*order.lock().unwrap(), [wrong, mute, right]);
    // The silent one was given the time of a handshake, and not all there is.
    assert!(Clock::instant().duration_since(begun) < Duration::from_secs(8));
}

#[tokio::test]
async fn one_deadline_over_all_and_the_failure_that_helps_most() {
    let limits = Limits { attempt: Duration::from_secs(60), ..Limits::within(Duration::from_millis(400)) };
    let ((_listener, mute), refuses) = (listening().await, closed().await);
    let open: race::Open<(), ConnectError> = Arc::new(|_, _| Box::pin(std::future::pending()));
    let silent = Race::new(all(&[mute]), None, false, limits, open.clone()).next().await.unwrap_err();
    assert_eq!(silent, ConnectError::Timeout("example.org".into()));
    let limits = Limits { attempt: Duration::from_secs(60), ..Limits::within(Duration::from_millis(400)) };
    let both = Race::new(all(&[refuses, mute]), None, false, limits, open).next().await.unwrap_err();
    assert!(matches!(both, ConnectError::Failed { kind: io::ErrorKind::ConnectionRefused, tried: 2, .. }), "{both:?}");
}

#[tokio::test]
async fn nothing_leaves_the_machine_in_the_clear() {
    let limits = Limits::within(Duration::from_secs(10));
    // An address for documentation (RFC 5737): it must not even be tried.
    let away = named("192.0.2.1:1".parse().unwrap(), TlsKind::Off);
    assert_eq!(race(away.clone(), limits).next().await.unwrap_err(), ConnectError::InTheClear("192.0.2.1".into()));
    let six = Limits { family: Family::V6, ..limits };
    assert_eq!(race(away, six).next().await.unwrap_err(), ConnectError::NoAddress("192.0.2.1".into()));
    let (_listener, near) = listening().await;
    race(named(near, TlsKind::Off), limits).next().await.unwrap();
}

#[test]
fn whose_names_and_tlsa_records_count() {
    let rows = [
        (Origin::Named, "example.org", false, false),
        (Origin::Record { secure: true }, "im.example.net", true, true),
        (Origin::Record { secure: false }, "im.example.net", false, false),
        (Origin::Record { secure: false }, "example.org", false, true),
        (Origin::Itself, "example.org", false, true),
    ];
    for (origin, host, name, tlsa) in rows {
        let candidate = Candidate { host: host.into(), port: 5773, tls: TlsKind::Require, origin };
        assert_eq!((candidate.is_proven(), candidate.may_have_tlsa(&domain())), (name, tlsa), "{origin:?} {host}");
        assert!(!Candidate { tls: TlsKind::Off, ..candidate }.may_have_tlsa(&domain()));
    }
    assert!(Security::Unchecked < Security::Insecure && Security::Insecure < Security::Secure);
}
