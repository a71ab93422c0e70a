//! What people notice: messages and presence go from one domain to another, found by SRV records alone.

use crate::country::{Country, SHORT_LEASES, does, state, watch};
use crate::support::site::private;
use crate::support::{Site, Tool, bare, expect_text, program, run};

#[test]
fn a_message_finds_its_way_by_srv_records_alone() {
    let country = Country::of(&["a.test", "b.test"], "");
    let [a, b] = country.sites.as_slice() else { panic!() };
    let mut recv = Tool::spawn(b.tool("impp-recv", "bob").args(["--once", "--format", "{from} {text}\\n"]));
    b.wait_for_logins("bob", 1);
    expect_text(0, a.tool("impp-send", "alice").args(["--wait", "delivered", "-m", "hi", &b.at("bob")]), "");
    assert_eq!(recv.line(), "alice@a.test hi");
    assert!(recv.end().success());
    // The other way, over the same link, and to somebody who is away.
    let sent = expect_text(0, b.tool("impp-send", "bob").args(["--json", "-m", "ho", &a.at("alice")]), "");
    assert!(sent.contains("\"state\":\"stored\""), "{sent}");
    let text = expect_text(0, a.tool("impp-recv", "alice").args(["--once", "--body"]), "");
    assert_eq!(text, "ho\n");
    for site in [a, b] {
        site.log().wait_for("\"link up\"");
        assert_eq!(site.log().text().matches("\"link up\"").count(), 1, "{}", site.log().text());
    }
    // Nobody there, no such domain, and a domain that takes no links.
    let send = |to: &str| run(a.tool("impp-send", "alice").args(["-m", "x", to]), b"");
    for (to, status, words) in [(b.at("nobody"), 67, "target-unknown"), ("bob@nowhere.test".to_owned(), 67, "target-unknown")] {
        let done = send(&to);
        let error = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(status), "{to}: {error}");
        assert!(error.contains(words), "{to}: {error}");
    }
}

#[test]
fn a_large_body_crosses_on_a_link_of_its_own() {
    let country = Country::of(&["a.test", "b.test"], "");
    let [a, b] = country.sites.as_slice() else { panic!() };
    let body = "x".repeat(79) + "\n";
    let large = body.repeat(100_000);
    a.write("large.txt", &large);
    let path = a.path("large.txt");
    does(a, "impp-send", "alice", &["-m", "see the attachment", "--attach", path.to_str().unwrap(), &b.at("bob")]);
    let mail = expect_text(0, b.tool("impp-recv", "bob").args(["--once", "--mime"]), "");
    assert!(mail.len() > large.len(), "{} octets", mail.len());
    a.log().wait_for_times("\"link up\"", 2);
}

#[test]
fn a_watcher_in_another_domain_sees_each_change() {
    let country = Country::of(&["a.test", "b.test"], SHORT_LEASES);
    let [a, b] = country.sites.as_slice() else { panic!() };
    does(b, "impp-set", "bob", &["closed", "--note", "at home"]);
    // By default only messages come in from elsewhere.
    let refused = run(a.tool("impp-watch", "alice").arg(b.at("bob")), b"");
    assert_eq!(refused.status.code(), Some(77), "{}", String::from_utf8_lossy(&refused.stderr));
    does(b, "impp-acl", "bob", &["allow", "fetch,subscribe", "impp://a.test/*"]);
    let mut alice = watch(a.tool("impp-watch", "alice").arg(b.at("bob")));
    assert_eq!(state(&mut alice), "closed initial at home");
    does(b, "impp-set", "bob", &["open", "--note", "here"]);
    assert_eq!(state(&mut alice), "open change here");
    does(b, "impp-set", "bob", &["closed", "--note", "at home"]);
    assert_eq!(state(&mut alice), "closed change at home");
    // A publisher that is killed, and whose lease ends.
    let mut bob = Tool::spawn(b.tool("impp-set", "bob").args(["open", "--hold", "--lease", "2s", "--note", "at work"]));
    assert_eq!(state(&mut alice), "open change at work");
    bob.kill();
    assert_eq!(state(&mut alice), "closed lease-expired at home");
    // The owner sees who watches; and when it is over, so does the watcher.
    let watchers = expect_text(0, b.tool("impp-acl", "bob").args(["watchers"]), "");
    assert!(watchers.contains("alice@a.test"), "{watchers}");
    does(b, "impp-acl", "bob", &["deny", "subscribe", "impp://a.test/*"]);
    assert_eq!(state(&mut alice), "unknown terminated -");
    assert_eq!(alice.finish().0, 77);
}

/// What one user of a.test gets of bob@b.test: statuses of fetch and send.
fn gets(a: &Site, b: &Site, user: &str) -> (i32, i32) {
    let fetch = run(a.tool("impp-fetch", user).args(["-q", &b.at("bob")]), b"").status.code();
    let send = run(a.tool("impp-send", user).args(["-q", "-m", "x", &b.at("bob")]), b"").status.code();
    (fetch.unwrap(), send.unwrap())
}

#[test]
fn rules_for_a_whole_domain_hold() {
    let country = Country::of(&["a.test", "b.test", "c.test"], "");
    let [a, b, c] = country.sites.as_slice() else { panic!() };
    does(b, "impp-set", "bob", &["open"]);
    assert_eq!(gets(a, b, "alice"), (3, 0), "as shipped: messages, and no presence");
    does(b, "impp-acl", "bob", &["allow", "fetch", "impp://a.test/*"]);
    assert_eq!((gets(a, b, "alice"), gets(a, b, "bob"), gets(c, b, "alice")), ((0, 0), (0, 0), (3, 0)));
    does(b, "impp-acl", "bob", &["deny", "send", "impp://a.test/*"]);
    assert_eq!((gets(a, b, "alice"), gets(a, b, "bob"), gets(c, b, "alice")), ((0, 77), (0, 77), (3, 0)));
    // One of them may, for all that.
    does(b, "impp-acl", "bob", &["allow", "send", "impp://a.test/alice"]);
    assert_eq!((gets(a, b, "alice"), gets(a, b, "bob")), ((0, 0), (0, 77)));
    does(b, "impp-acl", "bob", &["conceal", "fetch", "impp://a.test/*"]);
    assert_eq!((gets(a, b, "alice").0, gets(b, b, "alice").0), (1, 0));
}

#[test]
fn several_domains_live_on_one_relay_each_with_its_certificate() {
    let mut country = Country::of(&["a.test", "b.test"], "");
    // c.test is served beside b.test, by a certificate of its own.
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["c.test".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
    country.trust(&certificate);
    assert!(country.sites[0].stop());
    country.sites[0].start();
    let b = &mut country.sites[1];
    assert!(b.stop());
    b.write("c.pem", &certificate);
    private(&b.path("c.key"), &key.serialize_pem());
    let config = std::fs::read_to_string(b.path("impp-relay.toml")).unwrap();
    let config = config.replace("domains = [\"b.test\"]", "domains = [\"b.test\", \"c.test\"]");
    b.write("impp-relay.toml", config + "[tls.\"c.test\"]\ncertificate = \"c.pem\"\nkey = \"c.key\"\n");
    let pass = b.path("bob.pass");
    let pass = pass.to_str().unwrap();
    b.administer(&["user", "add", "bob@c.test", "--pass-file", pass]);
    b.start_again();
    country.publish(&[("c.test", country.sites[1].tls)]);
    let [a, b] = country.sites.as_slice() else { panic!() };
    let as_bob_of_c = |tool: &str, args: &[&str]| {
        let (server, ca) = (b.tls.to_string(), b.path("c.pem"));
        let mut command = bare(program(tool));
        command.args(["--login", "bob@c.test", "--pass-file", pass, "--server", &server, "--ca", ca.to_str().unwrap()]);
        expect_text(0, command.args(args), "")
    };
    // In from a.test, out to a.test, each as who they are.
    does(a, "impp-send", "alice", &["-m", "to both", &b.at("bob"), "bob@c.test"]);
    assert_eq!(as_bob_of_c("impp-recv", &["--once", "--format", "{from} {text}"]), "alice@a.test to both");
    assert_eq!(expect_text(0, b.tool("impp-recv", "bob").args(["--once", "--body"]), ""), "to both\n");
    as_bob_of_c("impp-send", &["-m", "from c", &a.at("alice")]);
    does(b, "impp-send", "bob", &["-m", "from b", &a.at("alice")]);
    let text = expect_text(0, a.tool("impp-recv", "alice").args(["--count", "2", "--format", "{from} {text}\\n"]), "");
    assert_eq!(text, "bob@c.test from c\nbob@b.test from b\n");
    // One domain to the other beside it, without any link.
    as_bob_of_c("impp-send", &["-m", "neighbour", &b.at("bob")]);
    assert_eq!(expect_text(0, b.tool("impp-recv", "bob").args(["--once", "--body"]), ""), "neighbour\n");
    let log = b.log().text();
    assert!(
        !log.contains("\"ours\":\"b.test\",\"theirs\":\"c.test\"") && !log.contains("\"ours\":\"c.test\",\"theirs\":\"b.test\""),
        "{log}"
    );
}
