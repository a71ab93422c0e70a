//! Sockets that a service manager opened.

use super::manager::Manager;
use super::support::{Site, Tool, Wire, at, bare, expect, has, program, until};
use std::net::{SocketAddr, TcpListener, TcpStream};

const HELLO: &str = "HELLO 1 impp/1.0\nDomain: demo.test\nConnection-ID: sockets-1\n\n";

/// That a relay is behind it: HELLO is answered with what may follow.
fn greets(mut wire: Wire) {
    wire.say(HELLO);
    let frame = wire.frame();
    assert!(frame.start().starts_with("OK (HELLO) 1 "), "{}", frame.start());
}

#[test]
fn a_restart_on_passed_sockets_refuses_nobody() {
    if !has("python3") {
        return;
    }
    let site = Site::prepared("", &["alice", "bob"]);
    let mut manager = Manager::of(&site, "tls:plain");
    let [tls, plain] = manager.addresses[..] else { panic!("two sockets") };
    // The first connection comes before the first start.
    let early = Wire::plain(plain);
    manager.start();
    greets(early);
    let send = || {
        let mut command = site.tool("impp-send", "alice");
        command.args(["--server", &tls.to_string(), "-m", "x", &at("bob")]);
        command
    };
    expect(0, &mut send(), b"");
    for _ in 0..3 {
        manager.stop();
        // Nobody runs, and yet nobody is refused.
        let between = Wire::plain(plain);
        let sending = Tool::spawn(&mut send());
        manager.start();
        greets(between);
        assert_eq!(sending.finish().0, 0, "sent while no relay ran");
    }
    manager.stop();
}

#[test]
fn sockets_without_our_names_are_known_by_their_ports() {
    if !has("python3") {
        return;
    }
    let site = Site::prepared("", &["alice"]);
    let mut manager = Manager::of(&site, "impp-relay.socket:impp-relay.socket");
    let [one, two] = manager.addresses[..] else { panic!("two sockets") };
    let config = std::fs::read_to_string(site.path("impp-relay.toml")).unwrap();
    let lines = |plain: SocketAddr, tls: SocketAddr| format!("plain = [\"{plain}\"]\ntls = [\"{tls}\"]");
    let any = "127.0.0.1:0".parse().unwrap();
    assert!(config.contains(&lines(any, any)), "{config}");
    site.write("impp-relay.toml", config.replace(&lines(any, any), &lines(two, one)));
    manager.start();
    greets(Wire::plain(two));
    greets(Wire::tls(one, &site.path("cert.pem")));
    manager.stop();
}

#[test]
fn what_cannot_be_used_is_78_and_says_why() {
    if !has("python3") {
        return;
    }
    for (names, why) in [
        ("plain:mail", "the service manager passed a socket \"mail\" on 127.0.0.1:"),
        ("plain:deaf", "the socket \"deaf\" that the service manager passed cannot be used: it does not listen"),
    ] {
        let site = Site::prepared("", &[]);
        let (status, said) = Manager::of(&site, names).fail();
        assert_eq!(status, "ended 78", "{said}");
        assert!(said.contains(&format!("impp-relay: {why}")), "{said}");
    }
}

#[test]
fn systemds_own_activation_starts_the_relay_with_the_first_connection() {
    if !has("systemd-socket-activate") {
        return;
    }
    let site = Site::prepared("", &["alice"]);
    // It takes no port 0: one that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = bare("systemd-socket-activate");
    command.args(["-l", &port.to_string(), "--fdname=plain", program("impp-relay"), "serve", "-c"]);
    command.arg(site.path("impp-relay.toml"));
    let relay = Tool::spawn(&mut command);
    until("systemd listens", || TcpStream::connect(port).is_ok());
    greets(Wire::plain(port));
    relay.errors().wait_for(&format!("{port}"));
    relay.signal("TERM");
    assert_eq!(relay.finish().0, 0);
}
