//! 2.2: how many of everything there may be. Small editions; what is bigger is run by hand for its figures.

use crate::country::{Country, state};
use crate::person::FEW_ROUNDS;
use crate::person::Person;
use crate::support::site::private;
use crate::support::{Site, Tool, Wire};
use crate::town::town;
use impp::model::Domain;
use impp::net::Clock;
use impp::store::accounts::Accounts;
use std::fmt::Write as _;
use std::time::Instant;

#[test]
fn r_2_2_1_two_domains_that_never_met_work_together() {
    // two domains that never heard of each other work together
    let country = Country::of(&["fresh.test", "other.test"], FEW_ROUNDS);
    let [fresh, other] = country.sites.as_slice() else { panic!() };
    let (alice, bob) = (Person::new(fresh, "alice"), Person::new(other, "bob"));
    bob.rules(&["allow", "subscribe", &alice.address()]);
    let mut watch = alice.watches(&bob);
    assert_eq!(state(&mut watch), "closed initial -");
    bob.sets(&["open", "--note", "hello there"]);
    assert_eq!(state(&mut watch), "open change hello there");
    alice.sends("nice to meet you", &bob);
    assert_eq!(bob.reads(), "nice to meet you");
}

/// Resident memory of a relay in KiB.
fn resident(site: &Site) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", site.pid())).unwrap();
    status.lines().find(|line| line.starts_with("VmRSS:")).unwrap().split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Asks a relay of so many names for some of them, and gives its memory before and after in KiB.
fn asked_of(names: usize, asked: usize) -> (u64, u64) {
    let mut site = Site::prepared(&format!("{FEW_ROUNDS}[limits]\ncached-users = 100\n"), &[]);
    let alice = site.at("alice");
    let pass = site.path("alice.pass");
    private(&pass, "alice's secret\n");
    site.administer(&["user", "add", &alice, "--pass-file", pass.to_str().unwrap()]);
    let store = rusqlite::Connection::open(site.path("data/store.db")).unwrap();
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
                INSERT INTO account (address, created) SELECT 'impp://demo.test/user' || i, 0 FROM n";
    store.execute(many, [i64::try_from(names).unwrap()]).unwrap();
    drop(store);
    site.start();
    let mut wire = site.logged_in("alice", "by-hand", "");
    let before = resident(&site);
    let begun = Instant::now();
    for number in 0..asked {
        // Spread over all of them, and most of them strangers to the cache.
        let user = format!("user{}", 1 + number * 7919 % names);
        assert_eq!(wire.ask("FETCH", &user, "", b"").header("Presence-Version"), Some("0"), "{user}");
    }
    let each = begun.elapsed() / u32::try_from(asked).unwrap();
    let after = resident(&site);
    eprintln!("{names} names: {each:?} a look-up, {before} KiB at first, {after} KiB after {asked} look-ups");
    (before, after)
}

#[test]
fn r_2_2_2_a_domain_may_have_millions_of_names() {
    // millions of names in one domain
    let (few, many) = (asked_of(10, 500), asked_of(50_000, 500));
    // Names cost the relay no memory: those that it knows are in the store.
    assert!(many.0 < few.0 + few.0 / 2, "{few:?} {many:?}");
    assert!(many.1 < many.0 + many.0 / 2, "nor does asking for them: {many:?}");
}

/// `cargo test --release --test rfc2779 -- --ignored --nocapture millions_by_the_figures` prints memory and the time of a look-up.
#[test]
#[ignore = "takes a minute; run it for its figures"]
fn millions_by_the_figures() {
    for names in [1000, 100_000, 3_000_000] {
        asked_of(names, 5000);
    }
}

#[test]
fn r_2_2_4_each_subscriber_may_watch_hundreds() {
    // each subscriber watches hundreds
    const MANY: usize = 500;
    let (alice, last) = (town().in_a("alice"), town().in_a("watched-500"));
    let names: Vec<String> = (1..MANY).map(|number| format!("watched-{number}")).collect();
    town().a().add_silent_users(&names);
    let list: String = names.iter().map(|name| format!("{}\n", town().a().at(name))).collect();
    let list = town().a().write("hundreds", list + &last.address());
    let mut watch = alice.watches_by(&["--list", list.to_str().unwrap()]);
    let mut first: Vec<String> = (0..MANY).map(|_| watch.line()).collect();
    assert!(first.iter().all(|line| line.contains("\"initial\"")));
    first.sort_unstable();
    first.dedup();
    assert_eq!(first.len(), MANY, "each told once");
    last.sets(&["open", "--note", "the last of them"]);
    assert_eq!(state(&mut watch), "open change the last of them");
}

#[test]
fn r_2_2_5_hundreds_may_watch_one() {
    // hundreds watch one
    const SESSIONS: usize = 50;
    let bob = town().in_a("bob");
    let watchers: Vec<Person<'_>> = (0..4).map(|_| town().in_a("watcher")).collect();
    let mut told: Vec<Wire> = Vec::new();
    for (watcher, session) in watchers.iter().flat_map(|watcher| (0..SESSIONS).map(move |session| (watcher, session))) {
        let mut wire = watcher.by_hand(&format!("session-{session}"));
        assert_eq!(wire.ask("SUBSCRIBE", &bob.name, "", b"").header("Presence-Version"), Some("0"));
        told.push(wire);
    }
    let begun = Instant::now();
    bob.sets(&["open", "--note", "hello to all"]);
    for wire in &mut told {
        let frame = wire.frame();
        assert!(frame.start().starts_with("CHANGE-NOTIFY ") && String::from_utf8_lossy(&frame.body).contains("hello to all"));
        wire.accept(&frame);
    }
    eprintln!("{} watchers told within {:?}, the setting included", told.len(), begun.elapsed());
    // Everybody once: an answer to a question of their own is the next that comes.
    for wire in &mut told {
        wire.say("PING p impp/1.0\n\n");
        assert_eq!(wire.frame().start(), "OK (PING) p impp/1.0");
    }
}

#[test]
fn r_2_2_6_subscriptions_may_go_to_hundreds_of_domains() {
    // subscriptions across hundreds of domains
    const DOMAINS: usize = 100;
    let mut country = Country::prepared(&["a.test", "first.test"], FEW_ROUNDS);
    let many = &country.sites[1];
    let names: Vec<String> = (0..DOMAINS).map(|number| format!("d{number}.test")).collect();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(names.clone()).unwrap().self_signed(&key).unwrap().pem();
    private(&many.path("key.pem"), &key.serialize_pem());
    many.write("cert.pem", &certificate);
    let config = std::fs::read_to_string(many.path("impp-relay.toml")).unwrap();
    let open = "\n[acl]\ndefault = [{ who = \"*\", op = [\"fetch\", \"subscribe\"], action = \"allow\" }]\n";
    many.write("impp-relay.toml", config.replace("[\"first.test\"]", &format!("{names:?}")) + open);
    let mut accounts = Accounts::open(&many.path("data"), names.iter().map(|name| Domain::parse(name).unwrap())).unwrap();
    for name in &names {
        accounts.add(&format!("u@{name}").parse().unwrap(), None, Clock::now().unix).unwrap();
    }
    drop(accounts);
    country.trust(&certificate);
    country.sites[0].start();
    country.sites[1].start_again();
    let [a, many] = country.sites.as_slice() else { panic!() };
    let mut zone = format!("_impps-server._tcp.a.test. SRV 0 0 {} im.a.test.\nim.a.test. A 127.0.0.1\n", a.tls.port());
    for name in &names {
        let _ = writeln!(zone, "_impps-server._tcp.{name}. SRV 0 0 {} im.a.test.", many.tls.port());
    }
    country.dns.change(&zone, &[]);
    let list: String = names.iter().map(|name| format!("u@{name}\n")).collect();
    let list = a.write("list", list);
    let mut watch = Tool::spawn(a.tool("impp-watch", "alice").args(["--list", list.to_str().unwrap(), "--json"]));
    let mut seen: Vec<String> = (0..DOMAINS).map(|_| watch.line()).collect();
    assert!(seen.iter().all(|line| line.contains("\"initial\"")), "{seen:?}");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), DOMAINS);
}
