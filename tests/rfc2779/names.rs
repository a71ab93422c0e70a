//! 2.1: names and who administers them.

use crate::country::Country;
use crate::person::FEW_ROUNDS;
use crate::person::Person;
use crate::support::site::private;
use crate::support::{Site, expect_text};
use crate::town::town;
use std::fmt::Write as _;

#[test]
fn r_2_1_1_presence_works_without_messages_and_messages_without_presence() {
    // a presence service is of use without a message service, and the reverse
    let offering = |service: &str| Site::with(&format!("services = [\"{service}\"]\n{FEW_ROUNDS}"), &[]);
    let hello = |site: &Site| {
        let mut wire = site.wire();
        wire.say(&format!("HELLO h impp/1.0\nDomain: {}\nConnection-ID: X\n\n", site.domain));
        wire.frame().header("Services").unwrap().to_owned()
    };
    let unsupported = "operation-not-supported";

    let site = offering("presence");
    assert_eq!(hello(&site), "presence");
    let (alice, bob) = (Person::new(&site, "alice"), Person::new(&site, "bob"));
    let mut watch = alice.watches(&bob);
    watch.line();
    bob.sets(&["open"]);
    assert!(watch.line().contains("\"open\""));
    assert_eq!(alice.tries("impp-fetch", &[&bob.address()]), 0);
    alice.is_told(69, unsupported, "impp-send", &["-m", "x", &bob.address()]);

    let site = offering("messages");
    assert_eq!(hello(&site), "messages");
    let (alice, bob) = (Person::new(&site, "alice"), Person::new(&site, "bob"));
    alice.sends("no presence needed", &bob);
    assert_eq!(bob.reads(), "no presence needed");
    bob.is_told(69, unsupported, "impp-set", &["open"]);
    alice.is_told(69, unsupported, "impp-fetch", &[&bob.address()]);
}

#[test]
fn r_2_1_2_an_inbox_may_have_another_name_than_the_presentity() {
    // the name of an inbox need not be that of a presentity; either may exist without the other
    let alice = town().in_a("alice");
    let bob = Person::added(town().b(), "bob-who-is-seen", &["--without", "inbox"]);
    let inbox = Person::added(town().b(), "inbox-of-bob", &["--without", "presence"]);
    bob.rules(&["allow", "fetch", &alice.address()]);
    inbox.rules(&["allow", "fetch,subscribe", "*"]);
    inbox.rules(&["allow", "read", &bob.address()]);
    bob.sets(&["open", "--contact", &inbox.url(), "--tuple", "messages"]);
    // Alice learns from the presentity where its messages go.
    let seen = alice.sees(&bob);
    let contact = seen["tuples"][0]["contact"].as_str().unwrap();
    alice.does("impp-send", &["-m", "to another name", contact]);
    let text = bob.does("impp-recv", &["--once", "--body", "--inbox", &inbox.address()]);
    assert_eq!(text, "to another name\n");
    alice.is_told(69, "mailbox-unavailable", "impp-send", &["-m", "x", &bob.address()]);
    alice.is_told(67, "target-unknown", "impp-fetch", &[&inbox.address()]);
    inbox.is_told(67, "target-unknown", "impp-set", &["open"]);
}

#[test]
fn r_2_1_3_one_name_serves_both() {
    // one name may be that of a presentity and of an inbox
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "fetch", &alice.address()]);
    bob.sets(&["open"]);
    assert_eq!(alice.tries("impp-fetch", &[&bob.address()]), 0);
    alice.sends("the same name", &bob);
    assert_eq!(bob.reads(), "the same name");
}

#[test]
fn r_2_1_4_each_domain_administers_its_own_names() {
    // each domain gives out and administers names without any other
    let mut country = Country::of(&["a.test", "b.test"], FEW_ROUNDS);
    assert!(country.sites[1].stop(), "the other may even be away");
    let [a, b] = country.sites.as_mut_slice() else { panic!() };
    a.add_user("carol");
    assert!(a.administer(&["user", "list"]).contains("carol@a.test"));
    a.administer(&["user", "del", "bob@a.test"]);
    b.start();
    country.publish(&[]);
    let [a, b] = country.sites.as_slice() else { panic!() };
    // The same names, other people: bob is gone in one domain and not in the other, and carol is known in one of them.
    let send = |site: &Site, to: &str| {
        crate::person::status(&crate::support::run(site.tool("impp-send", "alice").args(["-q", "-m", "x", to]), b""))
    };
    assert_eq!((send(b, "bob@a.test"), send(a, "bob@b.test")), (67, 0));
    assert_eq!((send(b, "carol@a.test"), send(a, "carol@b.test")), (0, 67));
    let foreign = crate::support::run(&mut a.relay_command(&["user", "add", "dave@b.test", "--generate"]), b"");
    assert_eq!(foreign.status.code(), Some(68), "{foreign:?}");
}

#[test]
fn r_2_1_5_there_may_be_any_number_of_domains() {
    // any number of domains
    const MANY: usize = 200;
    let mut site = Site::prepared(FEW_ROUNDS, &[]);
    let names: Vec<String> = (0..MANY).map(|number| format!("d{number}.test")).collect();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(names.clone()).unwrap().self_signed(&key).unwrap().pem();
    private(&site.path("key.pem"), &key.serialize_pem());
    let config = std::fs::read_to_string(site.write("cert.pem", certificate).with_file_name("impp-relay.toml")).unwrap();
    site.write("impp-relay.toml", config.replace("[\"demo.test\"]", &format!("{names:?}")));
    let mut accounts = String::new();
    for domain in [&names[0], &names[MANY - 1]] {
        let pass = site.path("pass");
        private(&pass, "secret\n");
        site.administer(&["user", "add", &format!("ann@{domain}"), "--pass-file", pass.to_str().unwrap()]);
        let _ = write!(
            accounts,
            "[account.\"{domain}\"]\nlogin = \"ann@{domain}\"\npass-file = {pass:?}\nca = {:?}\n",
            site.path("cert.pem")
        );
    }
    site.start_again();
    private(&site.path("impp.toml"), &accounts);
    let call = |tool: &str, domain: &str, args: &[&str]| {
        let server = site.tls.to_string();
        expect_text(0, site.tool(tool, domain).args(["--server", &server]).args(args), "")
    };
    call("impp-send", &names[0], &["-m", "from the first to the last", &format!("ann@{}", names[MANY - 1])]);
    assert_eq!(call("impp-recv", &names[MANY - 1], &["--once", "--body"]), "from the first to the last\n");
}
