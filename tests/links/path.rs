//! `impp-relay check peers`: why there is a link, or why there is none.

use crate::country::Country;
use crate::support::{Quirk, Site, expect_text, run};
use serde_json::Value;

fn check(site: &Site, args: &[&str]) -> (i32, String) {
    let done = run(&mut site.relay_command(&[&["check", "peers"], args].concat()), b"");
    let text = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
    (done.status.code().unwrap(), text)
}

/// Lines with what differs from run to run replaced.
fn plain(text: &str, ports: &[(u16, &str)]) -> String {
    ports.iter().fold(text.to_owned(), |text, (port, name)| text.replace(&port.to_string(), name))
}

#[test]
fn every_decision_on_a_way_that_works() {
    let country = Country::of(&["a.test", "b.test"], "");
    let [a, b] = country.sites.as_slice() else { panic!() };
    let (status, text) = check(a, &["b.test"]);
    let text = plain(&text, &[(a.tls.port(), "A"), (b.tls.port(), "B")]);
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "a.test to b.test and back\n\
         ok      peer            nothing is configured for b.test: the DNS leads the way\n\
         ok      srv             _impps-server._tcp.b.test SRV: 0 0 B im.b.test. (DNSSEC: unchecked)\n\
         ok      srv             _impp-server._tcp.b.test SRV: none, no such name (DNSSEC: unchecked)\n\
         ok      servers         tried in this order: im.b.test:B (TLS)\n\
         ok      address         im.b.test: 127.0.0.1\n\
         ok      tlsa            _B._tcp.im.b.test TLSA: none: an authority decides\n\
         ok      server          127.0.0.1:B (im.b.test): TLS 1.3, proven by an authority for the domain\n\
         ok      login           logged in as a.test with its certificate at 127.0.0.1:B (im.b.test, impp-relay/{version}); bodies up to 33554432 octets, 1024 requests at a time\n\
         ok      our srv         _impps-server._tcp.a.test SRV: 0 0 A im.a.test. (DNSSEC: unchecked)\n\
         ok      our srv         _impp-server._tcp.a.test SRV: none, no such name (DNSSEC: unchecked)\n\
         ok      our servers     others try im.a.test:A; impp-relay check connect judges these\n\
         ok      our certificate believed by the name a.test, where the same authorities are trusted as here\n"
    );
    assert_eq!((status, text.as_str()), (0, expected.as_str()));
    // The relays serve their users meanwhile, and the link that was looked at has ended.
    b.log().wait_for("\"link down\"");
    let json = expect_text(0, &mut a.relay_command(&["check", "peers", "b.test", "--json", "--from", "a.test"]), "");
    let record: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&record["v"], &record["ours"], &record["theirs"]), (&1.into(), &"a.test".into(), &"b.test".into()));
    assert_eq!((&record["verdict"], &record["code"]), (&"ok".into(), &0.into()));
    assert_eq!(record["steps"].as_array().unwrap().len(), expected.lines().count() - 1);
    assert_eq!(record["steps"][7]["about"], "login");
}

#[test]
fn each_way_that_does_not_work_says_where_it_ends() {
    let country = Country::of(&["a.test", "b.test", "evil.test"], "");
    let [a, b, evil] = country.sites.as_slice() else { panic!() };
    let decided = |status: i32, words: &[&str]| {
        let (code, text) = check(a, &["b.test"]);
        assert_eq!(code, status, "{text}");
        for words in words {
            assert!(text.lines().any(|line| line.contains(words)), "{words}:\n{text}");
        }
    };
    country.publish_with(&[], "", &[("_impp-server._tcp.b.test", "SRV", Quirk::ServFail)]);
    decided(
        3,
        &[
            "unknown srv             _impp-server._tcp.b.test SRV: the resolver failed (SERVFAIL)",
            "unknown servers         nothing is tried until both questions are answered",
            "unknown login           the DNS does not answer _impp-server._tcp.b.test SRV",
        ],
    );
    country.publish(&[("b.test", evil.tls)]);
    decided(
        1,
        &[
            "warning server          127.0.0.1:",
            "the server's certificate is not for b.test; it names evil.test",
            "error   login           the server's certificate is not for b.test; it names evil.test",
        ],
    );
    country.dns.change("_impps-server._tcp.b.test. SRV 0 0 0 .", &[]);
    decided(1, &["error   servers         b.test says that it takes no links", "error   login           b.test says in the DNS"]);
    country.dns.change("im.b.test. A 127.0.0.1", &[]);
    decided(
        1,
        &[
            "ok      servers         without SRV records the domain itself: b.test:5773 (TLS), b.test:5772 (STARTTLS)",
            "warning address         b.test has no address",
            "error   login           b.test has no SRV record for IMPP and no address",
            "warning our servers     without SRV records others try a.test itself",
        ],
    );
    let port = b.tls.port();
    country.dns.change(
        &format!("_impps-server._tcp.b.test. SRV 0 0 {port} im.b.test.\nim.b.test. A 127.0.0.1\n"),
        &[("_impps-server._tcp.a.test", "SRV", Quirk::ServFail)],
    );
    decided(
        1,
        &[
            "ok      server          127.0.0.1:",
            "error   login           b.test does not believe that we are a.test; what it sees of us is below",
            "unknown our srv         _impps-server._tcp.a.test SRV: the resolver failed (SERVFAIL)",
            "unknown our certificate the DNS does not answer _impps-server._tcp.a.test SRV",
        ],
    );
    for (args, status, words) in [
        (&["a.test"][..], 64, "a.test is served here; name the domain to reach"),
        (&["b_test"], 65, "is no domain"),
        (&["b.test", "--from", "c.test"], 68, "c.test is none of the domains of"),
    ] {
        let (code, text) = check(a, args);
        assert!(code == status && text.contains(words), "{code}: {text}");
    }
}
