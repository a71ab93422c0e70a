//! `reload`, SIGHUP, and files that are looked at without either: all of it takes effect, or nothing.

use crate::support::tool::signal;
use crate::support::{Site, Wire, url};
use crate::{asked, ran};
use serde_json::Value;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};

fn config(site: &Site) -> String {
    fs::read_to_string(site.path("impp-relay.toml")).unwrap()
}

fn ports(value: &Value, name: &str) -> Vec<SocketAddr> {
    value[name].as_array().unwrap().iter().map(|port| port.as_str().unwrap().parse().unwrap()).collect()
}

fn mechanisms(site: &Site) -> String {
    let mut wire = site.wire();
    wire.say("HELLO h impp/1.0\nDomain: demo.test\nConnection-ID: anyone\n\n");
    wire.frame().header("Mechanisms").unwrap().to_owned()
}

/// How a good configuration is broken.
type Break = Box<dyn Fn(&str) -> String>;

/// What would let everybody in, if any of it took effect.
const OPEN: &str = "[auth]\nanonymous = true\n[acl]\ndefault = [{ who = \"*\", op = [\"fetch\", \"subscribe\", \"send\"], action = \"allow\" }]\n";

#[test]
fn any_fault_leaves_everything_as_it_was_and_lets_nobody_in() {
    let site = Site::with("", &["alice", "bob"]);
    let good = config(&site);
    let key = fs::read_to_string(site.path("key.pem")).unwrap();
    let mut alice = site.logged_in("alice", "laptop", "");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    site.write("garbage.pem", "no key");
    site.write("stranger.pem", rcgen::KeyPair::generate().unwrap().serialize_pem());
    let file = site.path("impp-relay.toml").display().to_string();
    let folder = site.path("").display().to_string();
    let cases: &[(&str, Break, String)] = &[
        ("syntax", Box::new(|good| format!("{good}{OPEN}[limits\n")), format!("{file}:")),
        ("unknown key", Box::new(|good| format!("{good}{OPEN}[mailboxx]\n")), "unknown".to_owned()),
        ("broken rules", Box::new(|good| format!("{good}{}", OPEN.replace("\"send\"]", "\"sned\"]"))), "acl.default".to_owned()),
        (
            "no key",
            Box::new(|good| format!("{}{OPEN}", good.replace("key.pem", "none.pem"))),
            format!("cannot read {folder}none.pem: no such file or directory"),
        ),
        (
            "garbage for a key",
            Box::new(|good| format!("{}{OPEN}", good.replace("key.pem", "garbage.pem"))),
            format!("there is no private key in {folder}garbage.pem"),
        ),
        (
            "another's key",
            Box::new(|good| format!("{}{OPEN}", good.replace("key.pem", "stranger.pem"))),
            format!("the private key in {folder}stranger.pem is not that of the certificate"),
        ),
        (
            "port in use",
            Box::new(move |good| {
                let more = good.replace("[\"demo.test\"]", "[\"demo.test\", \"more.test\"]");
                format!("{}{OPEN}", more.replacen("plain = [", &format!("plain = [\"{taken}\", "), 1))
            }),
            format!("{taken} is in use by another program; stop it or choose another port in [listen]"),
        ),
        (
            "no secret",
            Box::new(|good| format!("{good}{OPEN}[[peer]]\ndomain = \"b.test\"\nsecret-file = \"none\"\n")),
            format!("cannot read the secret in {folder}none"),
        ),
        (
            "no authorities",
            Box::new(|good| format!("{good}{OPEN}[interdomain]\nca = \"none.pem\"\n")),
            format!("cannot read {folder}none.pem"),
        ),
        (
            "other data",
            Box::new(|good| format!("{}{OPEN}", good.replace("data-dir = \"data\"", "data-dir = \"data/../data\""))),
            format!("{file}: data-dir cannot change while the relay runs; restart it, or take the change back"),
        ),
        (
            "other administrators",
            Box::new(|good| good.replacen("[listen]\n", "[listen]\ncontrol-mode = \"0660\"\n", 1)),
            "listen.control-mode cannot change while the relay runs".to_owned(),
        ),
        (
            "other log",
            Box::new(|good| format!("{}{OPEN}", good.replace("format = \"json\"", "format = \"text\""))),
            "log.format cannot change while the relay runs".to_owned(),
        ),
    ];
    // The command itself reads where the socket is: by a file that stays good.
    let aside = site.write("aside.toml", &good);
    for (refusals, (what, broken, line)) in cases.iter().enumerate() {
        let broken = broken(&good);
        assert_ne!(broken, good, "{what}");
        site.write("impp-relay.toml", broken);
        let done =
            crate::support::bare(crate::support::program("impp-relay")).args(["reload", "-c"]).arg(&aside).output().unwrap();
        let error = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(78), "{what}: {error}");
        assert!(error.contains(line.as_str()) && error.lines().count() == 1, "{what}: {error}\nnot {line}");
        site.log().wait_for_times("all stays as it was", refusals + 1);
        // Those who are there go on, those who may come can, and nobody else can.
        assert_eq!(alice.ask("FETCH", "alice", "", b"").header("Error"), None, "{what}");
        assert!(!mechanisms(&site).contains("ANONYMOUS"), "{what}");
        assert!(TcpStream::connect(site.plain).is_ok(), "{what}");
    }
    // Nor was a domain written down that a refused configuration had.
    let store = rusqlite::Connection::open(site.path("data/store.db")).unwrap();
    assert_eq!(store.query_row("SELECT group_concat(name) FROM domain", [], |row| row.get::<_, String>(0)).unwrap(), "demo.test");
    // By the signal as well, and a reload that can be done is done after all that.
    signal(site.pid(), "HUP");
    site.log().wait_for_times("all stays as it was", cases.len() + 1);
    site.write("impp-relay.toml", format!("{good}{OPEN}"));
    assert_eq!(fs::read_to_string(site.path("key.pem")).unwrap(), key);
    assert_eq!(ran(&site, &["reload"]), (0, String::new(), String::new()));
    assert!(mechanisms(&site).contains("ANONYMOUS"));
}

#[test]
fn what_is_new_holds_at_once_and_those_who_are_there_stay() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut alice = site.logged_in("alice", "laptop", "");
    let mut bob = site.logged_in("bob", "desk", "");
    assert_eq!(bob.ask("SUBSCRIBE", &url("alice"), "", b"").header("Lease-Time"), Some("3600"));
    let before = config(&site);
    let now = before
        .replace("domains = [\"demo.test\"]", "domains = [\"demo.test\", \"more.test\"]")
        .replace(&format!("tls = [\"{}\"]", site.tls), &format!("tls = [\"{}\", \"127.0.0.1:0\"]", site.tls))
        .replace(&format!("plain = [\"{}\"]", site.plain), "plain = []")
        + "[acl]\ndefault = [{ who = \"*\", op = \"send\", action = \"allow\" }]\n";
    site.write("impp-relay.toml", &now);
    let told = asked(&site, &["reload"]);
    assert_eq!(told[0]["domains"], serde_json::json!(["demo.test", "more.test"]));
    let tls = ports(&told[0], "tls");
    assert_eq!((tls.len(), tls[0], ports(&told[0], "plain").len()), (2, site.tls, 0));
    // The new default ends what it does not allow.
    let ended = bob.frame();
    assert_eq!(ended.header("Cause"), Some("permission-denied"), "{}", bob.talk());
    bob.accept(&ended);
    // The old port is closed, the new one open, and sessions on either go on.
    assert!(TcpStream::connect(site.plain).is_err());
    let mut other = Wire::tls(tls[1], &site.path("cert.pem")).login("alice", "phone", "");
    assert_eq!(other.ask("SEND", &url("bob"), "", b"").header("Error"), Some("malformed-request"));
    assert_eq!(alice.ask("FETCH", "alice", "", b"").header("Error"), None, "{}", alice.talk());
    // A domain that is new has users, and answers for them.
    let file = site.write("zoe.pass", "zoe's secret\n");
    site.administer(&["user", "add", "zoe@more.test", "--pass-file", file.to_str().unwrap()]);
    crate::support::until("the relay knows her", || {
        alice.send_message("impp://more.test/zoe", "z@x", "hello").header("Delivery") == Some("stored")
    });

    // And back, by the signal: users of a domain that is gone are sent away.
    signal(site.pid(), "HUP");
    site.log().wait_for_times("configuration reread", 2);
    assert_eq!(ports(&asked(&site, &["reload"])[0], "tls"), tls, "what is the same stays open");
    site.write("impp-relay.toml", &before);
    assert_eq!(ports(&asked(&site, &["reload"])[0], "plain"), [site.plain]);
    assert!(TcpStream::connect(site.plain).is_ok() && TcpStream::connect(tls[1]).is_err());
    assert_eq!(other.ask("FETCH", "alice", "", b"").header("Error"), None, "its port is closed, and it goes on");
    assert_eq!(alice.send_message("impp://more.test/zoe", "z2@x", "hello").header("Error"), Some("target-unknown"));
}

#[test]
fn an_address_within_another_is_told_apart_from_one_that_somebody_else_has() {
    let site = Site::with_users(&["alice"]);
    let wide =
        config(&site).replace(&format!("plain = [\"{}\"]", site.plain), &format!("plain = [\"0.0.0.0:{}\"]", site.plain.port()));
    site.write("impp-relay.toml", wide);
    let (status, _, error) = ran(&site, &["reload"]);
    let line = format!(
        "impp-relay: 0.0.0.0:{} cannot be opened while this relay listens on {}; restart it, or choose another port in [listen]\n",
        site.plain.port(),
        site.plain
    );
    assert_eq!((status, error), (78, line));
    assert!(TcpStream::connect(site.plain).is_ok());
}

#[test]
fn files_are_looked_at_without_being_asked() {
    let extra = "[interdomain]\nca = \"others.pem\"\n[[peer]]\ndomain = \"b.test\"\nserver = \"127.0.0.1:1\"\nsecret-file = \"b.secret\"\n";
    let mut site = Site::prepared(extra, &["alice"]);
    site.write("others.pem", fs::read_to_string(site.path("cert.pem")).unwrap());
    crate::support::site::private(&site.path("b.secret"), "one secret of both\n");
    site.start();
    let old = site.wire().certificate();
    // All at once, in three places, and no signal: the next look finds them.
    site.new_certificate();
    crate::support::site::private(&site.path("b.secret"), "another secret of both\n");
    site.log().wait_for("certificates reread");
    site.log().wait_for("authorities and secrets reread");
    assert_ne!(site.wire().certificate(), old);
    // What cannot be used is said once, and what was in force stays so.
    site.write("others.pem", "none\n");
    let told = "new authorities and secrets cannot be used; the old ones stay in force";
    site.log().wait_for(told);
    crate::support::site::private(&site.path("b.secret"), "");
    site.log().wait_for_times(told, 2);
    assert_eq!(asked(&site, &["sessions"]).len(), 0, "and the relay goes on");
    assert_eq!(site.wire().try_login("alice", "laptop"), "new");
}
