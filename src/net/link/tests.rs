//! Links over sockets of this machine: who is believed, and what is tried.

use super::judge::Servers;
use super::open::{Opened, open};
use crate::engine::{ClientRefusal, LinkPolicy, PeerPolicy};
use crate::model::{Answer, Domain, ErrorKind, Secret, UnixMillis};
use crate::net::client::{Error, Options};
use crate::net::connect::{Candidate, ConnectError, HostPort, Origin, TlsKind};
use crate::net::dns::{Failure, Tlsa};
use crate::net::testing::{Authority, Relay, RelayKind};
use crate::net::tls::{AcceptedBy, CertificateFault, Identity, Pin, Prepared, Reference, Shown, TlsError, Trust};
use crate::wire::Name;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

const NOW: UnixMillis = UnixMillis(1_795_435_200_000);

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

fn chain((certificate, _): &(PathBuf, PathBuf)) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect()
}

/// The server of b.test at a place where these TLSA records decide.
fn server(host: &str, secure: bool, tlsa: Vec<Tlsa>) -> (Reference, Option<Candidate>) {
    let candidate = Candidate { host: host.into(), port: 5773, tls: TlsKind::Require, origin: Origin::Record { secure } };
    let reference = Reference { domain: domain("b.test"), host: secure.then(|| host.to_owned()), tlsa };
    (reference, Some(candidate))
}

fn key(chain: &[CertificateDer<'_>], change: u8) -> Tlsa {
    let pin = Shown::of(&chain[0]).pin.unwrap();
    let mut data = pin.hash().to_vec();
    data[0] ^= change;
    Tlsa { usage: 3, selector: 1, matching: 1, data }
}

fn servers(published: Vec<(Reference, Option<Candidate>)>, unanswered: bool) -> Servers {
    let mut servers = Servers::unpublished(&domain("b.test"));
    for (reference, place) in published {
        servers.expected.push(reference);
        servers.places.push(place);
    }
    let question = || ConnectError::Undecided { question: "_5773._tcp.im2.b.test TLSA".into(), why: Failure::ServFail };
    servers.unanswered = unanswered.then(question);
    servers
}

#[test]
fn what_proves_a_domain_and_what_does_not() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let good = chain(&authority.issue(&["b.test"], 2020, 2090));
    let other = chain(&authority.issue(&["c.test", "*.b.test"], 2020, 2090));
    let of_host = chain(&authority.issue(&["im.b.test"], 2020, 2090));
    let foreign = chain(&stranger.issue(&["b.test"], 2020, 2090));
    let old = chain(&authority.issue(&["b.test"], 2019, 2020));
    let of_user = chain(&authority.issue_user("bob@b.test"));
    let trust = authority.trust().prepared().unwrap();
    let pinned = Trust::Pins(vec![Shown::of(&foreign[0]).pin.unwrap()]).prepared().unwrap();
    let nobody = Trust::Nobody.prepared().unwrap();
    let at = |tlsa: Tlsa| vec![server("im.b.test", true, vec![tlsa])];
    let two = |tlsa: Tlsa| vec![server("im1.b.test", true, vec![key(&good, 1)]), server("im2.b.test", true, vec![tlsa])];

    #[derive(Debug, PartialEq)]
    enum Verdict {
        By(AcceptedBy),
        Not(CertificateFault),
        Undecided,
    }
    use AcceptedBy::Host;
    use CertificateFault::{Expired, UnknownIssuer, WrongName, WrongPin, WrongTlsa, WrongUse};
    use Verdict::{By, Not, Undecided};
    type Row<'a> = (&'a str, Servers, &'a Prepared, &'a [CertificateDer<'static>], Verdict);
    let (name, tlsa) = (By(AcceptedBy::Domain), || By(AcceptedBy::Tlsa(0)));
    let rows: Vec<Row<'_>> = vec![
        ("an authority vouches for the name", servers(vec![], false), &trust, &good, name),
        ("for another name", servers(vec![], false), &trust, &other, Not(WrongName)),
        ("an authority that nobody trusts", servers(vec![], false), &trust, &foreign, Not(UnknownIssuer)),
        ("out of date", servers(vec![], false), &trust, &old, Not(Expired)),
        ("a user's", servers(vec![], false), &trust, &of_user, Not(WrongUse)),
        ("no authority is trusted", servers(vec![], false), &nobody, &good, Not(UnknownIssuer)),
        ("the host that DNSSEC proves", servers(vec![server("im.b.test", true, vec![])], false), &trust, &of_host, By(Host)),
        (
            "a host that it does not prove",
            servers(vec![server("im.b.test", false, vec![])], false),
            &trust,
            &of_host,
            Not(WrongName),
        ),
        ("TLSA fits, whoever issued it", servers(at(key(&foreign, 0)), false), &trust, &foreign, tlsa()),
        ("TLSA fits, whatever it names", servers(at(key(&other, 0)), false), &nobody, &other, tlsa()),
        ("TLSA does not fit, whoever vouches", servers(at(key(&good, 1)), false), &trust, &good, Not(WrongTlsa)),
        ("TLSA of the second server", servers(two(key(&good, 0)), false), &trust, &good, tlsa()),
        ("TLSA of neither", servers(two(key(&good, 1)), false), &trust, &good, Not(WrongTlsa)),
        (
            "TLSA of one decides for the others",
            servers(vec![server("im1.b.test", true, vec![]), server("im2.b.test", true, vec![key(&foreign, 0)])], false),
            &trust,
            &good,
            Not(WrongTlsa),
        ),
        ("an answer is missing, and an authority vouches", servers(vec![], true), &trust, &good, Undecided),
        ("an answer is missing, and nobody vouches", servers(vec![], true), &trust, &foreign, Undecided),
        ("an answer is missing, and TLSA fits elsewhere", servers(at(key(&foreign, 0)), true), &trust, &foreign, tlsa()),
        ("an answer is missing, and TLSA does not fit", servers(at(key(&good, 1)), true), &trust, &good, Undecided),
        ("a pinned key", servers(vec![], false), &pinned, &foreign, By(AcceptedBy::Domain)),
        ("another key than the pinned one", servers(vec![], false), &pinned, &good, Not(WrongPin)),
    ];
    for (row, servers, trust, chain, expected) in rows {
        let verdict = match servers.prove(trust, chain, NOW) {
            Ok(proof) => By(proof.by),
            Err(Error::Tls(TlsError::Certificate { fault, .. })) => Not(fault),
            Err(Error::Unreachable(ConnectError::Undecided { .. })) => Undecided,
            Err(other) => panic!("{row}: {other:?}"),
        };
        assert_eq!(verdict, expected, "{row}");
    }
    let said = |servers: Servers, chain| servers.prove(&trust, chain, NOW).unwrap().to_string();
    assert_eq!(said(servers(vec![], false), &good), "the name b.test");
    assert_eq!(
        said(servers(vec![server("im.b.test", true, vec![])], false), &of_host),
        "the host im.b.test, which DNSSEC proves"
    );
    assert_eq!(said(servers(at(key(&good, 0)), false), &good), "TLSA 3 1 1 at _5773._tcp.im.b.test");
}

/// Two domains: ours is a.test, example.org is the other (which the accepting engine of the tests serves).
struct Pair {
    authority: Authority,
    identity: Identity,
}

impl Pair {
    fn new() -> Self {
        let authority = Authority::new();
        let (certificate, key) = authority.issue(&["a.test"], 2020, 2090);
        Self { identity: Identity::read(&certificate, &key).unwrap(), authority }
    }

    fn options(&self, at: SocketAddr) -> Options {
        let identity = Some(self.identity.clone());
        Options {
            server: HostPort::parse(&at.to_string()),
            trust: self.authority.trust(),
            ..Options::link(&domain("a.test"), &domain("example.org"), None, identity)
        }
    }

    /// A server that takes a.test's certificate.
    fn kind(&self, names: &[&str], tls: TlsKind) -> RelayKind {
        RelayKind {
            tls: Some((Arc::new(self.authority.server(names)), tls)),
            links: LinkPolicy { enabled: true, max_outstanding: 9, ..LinkPolicy::default() },
            neighbour: Some((domain("a.test"), None)),
            ..RelayKind::default()
        }
    }
}

/// Listens, and is a relay of these kinds, one connection after the other.
async fn listen(kinds: Vec<RelayKind>) -> (SocketAddr, tokio::task::JoinHandle<Vec<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let mut told = Vec::new();
        for kind in kinds {
            told.push(Relay::start(listener.accept().await.unwrap().0, kind).ended.await.unwrap());
        }
        told
    });
    (address, serving)
}

async fn tried(options: Options) -> Result<Opened, Error> {
    open(&Arc::new(options)).await
}

#[tokio::test]
async fn a_link_is_opened_by_certificate() {
    let pair = Pair::new();
    let (at, _serving) = listen(vec![pair.kind(&["example.org"], TlsKind::Require)]).await;
    let opened = tried(pair.options(at)).await.unwrap();
    assert_eq!((opened.hello.max_outstanding, opened.place.address), (9, at));
    // By STARTTLS as well.
    let (at, _serving) = listen(vec![pair.kind(&["example.org"], TlsKind::StartTls)]).await;
    tried(Options { tls: TlsKind::StartTls, ..pair.options(at) }).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_cut_while_the_link_is_opened_is_made_again() {
    let pair = Pair::new();
    for cuts in [1, 2, 3] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let kind = pair.kind(&["example.org"], TlsKind::Require);
        let _serving = tokio::spawn(async move {
            for _ in 0..cuts {
                drop(listener.accept().await.unwrap());
            }
            Relay::start(listener.accept().await.unwrap().0, kind).ended.await.unwrap()
        });
        let opened = tried(pair.options(at)).await.map(drop);
        assert_eq!(opened.is_ok(), cuts < 3, "{opened:?}");
    }
}

#[tokio::test]
async fn whoever_is_not_the_domain_gets_nothing() {
    let pair = Pair::new();
    let other = |names: &[&str]| pair.kind(names, TlsKind::Require);
    let (at, serving) = listen(vec![other(&["example.net"])]).await;
    let error = tried(pair.options(at)).await.map(drop).unwrap_err();
    assert!(matches!(&error, Error::Tls(TlsError::Certificate { fault: CertificateFault::WrongName, .. })), "{error}");
    assert_eq!(serving.await.unwrap(), [["no TLS"]]);

    let stranger = Authority::new();
    let kind =
        RelayKind { tls: Some((Arc::new(stranger.server(&["example.org"])), TlsKind::Require)), ..other(&["example.org"]) };
    let (at, _serving) = listen(vec![kind]).await;
    let error = tried(pair.options(at)).await.map(drop).unwrap_err();
    assert!(matches!(&error, Error::Tls(TlsError::Certificate { fault: CertificateFault::UnknownIssuer, .. })), "{error}");

    // A pinned key and no other.
    let server = Arc::new(stranger.server(&["elsewhere.example"]));
    let pin = server.certificates()[0].1.pin.unwrap();
    let kind = RelayKind { tls: Some((server, TlsKind::Require)), ..other(&["example.org"]) };
    let (at, _serving) = listen(vec![kind.clone(), kind]).await;
    tried(Options { trust: Trust::Pins(vec![pin]), ..pair.options(at) }).await.unwrap();
    let error = tried(Options { trust: Trust::Pins(vec![Pin::of_key(b"x")]), ..pair.options(at) }).await.map(drop).unwrap_err();
    assert!(matches!(&error, Error::Tls(TlsError::Certificate { fault: CertificateFault::WrongPin, .. })), "{error}");
}

#[tokio::test]
async fn starttls_that_is_stripped_leaves_nothing_but_a_failure() {
    let pair = Pair::new();
    // The same server, seen through somebody who takes STARTTLS out of HELLO.
    let stripped = RelayKind { tls: None, ..pair.kind(&["example.org"], TlsKind::StartTls) };
    let (at, serving) = listen(vec![stripped]).await;
    let error = tried(Options { tls: TlsKind::StartTls, ..pair.options(at) }).await.map(drop).unwrap_err();
    assert_eq!(error, Error::Login(ClientRefusal::NoTls));
    // Nothing was asked for and nobody logged in.
    assert_eq!(serving.await.unwrap(), [["closed without BYE"]]);
}

#[tokio::test]
async fn whom_the_other_side_does_not_believe_is_told_so() {
    let pair = Pair::new();
    let kind = RelayKind { neighbour: Some((domain("c.test"), None)), ..pair.kind(&["example.org"], TlsKind::Require) };
    let (at, serving) = listen(vec![kind]).await;
    assert_eq!(tried(pair.options(at)).await.map(drop), Err(Error::Login(ClientRefusal::LoginFailed)));
    assert_eq!(serving.await.unwrap(), [["login failed", "closed without BYE"]]);
    // A relay without links.
    let kind = RelayKind { links: LinkPolicy::default(), ..pair.kind(&["example.org"], TlsKind::Require) };
    let (at, _serving) = listen(vec![kind]).await;
    let error = tried(pair.options(at)).await.map(drop).unwrap_err();
    assert_eq!(error.answer().map(|answer| answer.kind), Some(ErrorKind::OperationNotSupported));
    // Nothing to log in with.
    let (at, _serving) = listen(vec![pair.kind(&["example.org"], TlsKind::Require)]).await;
    let error = tried(Options { certificate: None, ..pair.options(at) }).await.map(drop).unwrap_err();
    assert_eq!(error, Error::Login(ClientRefusal::NoMechanism(vec![])));
}

#[tokio::test]
async fn a_shared_secret_is_bound_to_tls() {
    let pair = Pair::new();
    let policy = |clear| PeerPolicy { secret: true, clear };
    let kind = |clear, tls: Option<TlsKind>| {
        let mut kind = pair.kind(&["example.org"], tls.unwrap_or_default());
        kind.links.peers.insert(domain("a.test"), policy(clear));
        kind.neighbour = Some((domain("a.test"), Some("between us")));
        kind.tls = kind.tls.filter(|_| tls.is_some());
        kind
    };
    let with = |at, secret: &str| {
        let secret = Some(Secret::new(secret.to_owned()));
        let options = pair.options(at);
        Options {
            certificate: None,
            ..Options { login: Options::link(&domain("a.test"), &domain("example.org"), secret, None).login, ..options }
        }
    };
    let (at, _serving) = listen(vec![kind(false, Some(TlsKind::Require)), kind(false, Some(TlsKind::Require))]).await;
    tried(with(at, "between us")).await.unwrap();
    assert_eq!(tried(with(at, "a guess")).await.map(drop), Err(Error::Login(ClientRefusal::LoginFailed)));
    // In the clear only where both agreed to it.
    let clear = |at| Options { tls: TlsKind::Off, clear_anywhere: true, ..with(at, "between us") };
    let (at, _serving) = listen(vec![kind(true, None), kind(false, None)]).await;
    tried(clear(at)).await.unwrap();
    let error = tried(clear(at)).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::Login(ClientRefusal::NoMechanism(_))), "{error:?}");
}

#[tokio::test]
async fn a_server_that_fails_is_followed_by_the_next_and_redirects_have_an_end() {
    let pair = Pair::new();
    let good = || pair.kind(&["example.org"], TlsKind::Require);
    let to = |at: SocketAddr| {
        let elsewhere = Answer::new(ErrorKind::Redirect).with(Name::Server, at.to_string());
        RelayKind { opened: Err(elsewhere), ..good() }
    };
    let (last, _serving) = listen(vec![good()]).await;
    let (first, _other) = listen(vec![to(last)]).await;
    assert_eq!(tried(pair.options(first)).await.unwrap().place.address, last);
    // The certificate there must be the domain's, too.
    let (wrong, _serving) = listen(vec![pair.kind(&["example.net"], TlsKind::Require)]).await;
    let (first, _other) = listen(vec![to(wrong)]).await;
    let error = tried(pair.options(first)).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::Tls(TlsError::Certificate { .. })), "{error}");
    // A circle.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let kind = to(at);
    let circling = tokio::spawn(async move {
        let mut relays = Vec::new();
        for _ in 0..4 {
            relays.push(Relay::start(listener.accept().await.unwrap().0, kind.clone()));
        }
        // Whoever came a fifth time would be refused.
        drop(listener);
        relays.pop().unwrap().ended.await.unwrap();
    });
    let error = tried(pair.options(at)).await.map(drop).unwrap_err();
    assert_eq!(error.answer().map(|answer| answer.kind), Some(ErrorKind::Redirect), "{error}");
    circling.await.unwrap();
    // Nobody who did not prove who it is may send us anywhere.
    let (first, _other) = listen(vec![to(last)]).await;
    let error = tried(Options { trust: Trust::Anyone, ..pair.options(first) }).await.map(drop).unwrap_err();
    assert_eq!(error.answer().map(|answer| answer.kind), Some(ErrorKind::Redirect), "{error}");
}
