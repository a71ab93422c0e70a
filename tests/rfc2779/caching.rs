//! 3.3: presence in a cache. The server of the watcher's domain keeps the newest value for watchers that lost their connection.

use crate::country::Country;
use crate::country::state;
use crate::person::FEW_ROUNDS;
use crate::person::Person;
use crate::support::until;
use crate::support::wire::Frame;
use crate::town::town;

fn version(frame: &Frame) -> u64 {
    frame.header("Presence-Version").unwrap().parse().unwrap()
}

#[test]
fn r_3_3_1_presence_can_be_cached() {
    // presence can be cached: how new it is and how long it may be kept come with it
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "fetch,subscribe", &alice.address()]);
    let mut wire = alice.by_hand("by-hand");
    let first = wire.ask("SUBSCRIBE", &bob.url(), "Lease-Time: 600\n", b"");
    assert_eq!((first.header("Lease-Time"), version(&first)), (Some("600"), 0));
    let mut last = 0;
    for note in ["one", "two", "three"] {
        bob.sets(&["open", "--note", note]);
        let told = wire.frame();
        wire.accept(&told);
        let asked = wire.ask("FETCH", &bob.url(), "", b"");
        assert!(version(&told) > last, "newer has the greater number");
        assert_eq!((version(&asked), &asked.body), (version(&told), &told.body), "the same number is the same value");
        last = version(&told);
    }
}

/// Alice of a.test watched bob of b.test, and lost her connection.
fn alice_is_away(country: &Country) -> (Person<'_>, Person<'_>) {
    let [a, b] = country.sites.as_slice() else { panic!() };
    let (alice, bob) = (Person::new(a, "alice"), Person::new(b, "bob"));
    bob.rules(&["allow", "subscribe,fetch", &alice.address()]);
    bob.sets(&["open", "--note", "old"]);
    let mut wire = alice.by_hand("her-session");
    let seen = wire.ask("SUBSCRIBE", &bob.url(), "", b"");
    assert!(String::from_utf8_lossy(&seen.body).contains("old"));
    (alice, bob)
}

#[test]
fn r_3_3_2_a_cache_follows_its_master() {
    // a cache shows what its master shows
    let mut country = Country::of(&["a.test", "b.test"], FEW_ROUNDS);
    let (alice, bob) = alice_is_away(&country);
    let dave = Person::new(&country.sites[0], "dave");
    bob.rules(&["allow", "subscribe,fetch", &dave.address()]);
    let mut watch = dave.watches(&bob);
    state(&mut watch);
    for note in ["newer", "newest"] {
        bob.sets(&["closed", "--note", note]);
        assert!(state(&mut watch).ends_with(&format!(" change {note}")));
    }
    // This answer comes over the same link, behind what was said to alice; then bob's server is gone.
    assert_eq!(dave.sees(&bob)["note"], "newest");
    let name = alice.name.clone();
    watch.kill();
    country.sites[1].stop();
    let mut wire = country.sites[0].wire();
    assert_eq!(wire.try_login(&name, "her-session"), "resumed");
    let seen = wire.frame();
    assert!(String::from_utf8_lossy(&seen.body).contains("newest"), "{seen:?}");
    wire.accept(&seen);
    wire.say("PING p impp/1.0\n\n");
    assert_eq!(wire.frame().start(), "OK (PING) p impp/1.0", "and nothing older after it");
}

#[test]
fn r_3_3_3_a_cache_goes_round_no_rule() {
    // a cache goes round neither rules nor protection
    let country = Country::of(&["a.test", "b.test"], FEW_ROUNDS);
    let (alice, bob) = alice_is_away(&country);
    let carol = Person::new(&country.sites[0], "carol");
    bob.sets(&["open", "--note", "not for everybody"]);
    // Somebody else of the domain whose server keeps the value has to ask bob's.
    assert_eq!(carol.sees(&bob)["error"], "permission-denied");
    // And alice gets nothing that lies there when she may see it no more.
    bob.rules(&["deny", "all", &alice.address()]);
    until("she is no watcher any more", || !bob.watchers().contains(&alice.address()));
    assert_eq!(alice.sees(&bob)["error"], "permission-denied");
    let mut wire = alice.site.wire();
    assert_eq!(wire.try_login(&alice.name, "her-session"), "resumed");
    let told = wire.frame();
    assert!(told.start().starts_with("TERMINATE-SUBSCRIPTION "), "{told:?}");
    assert_eq!(told.header("Cause"), Some("permission-denied"));
    wire.accept(&told);
    wire.say("PING p impp/1.0\n\n");
    assert_eq!(wire.frame().start(), "OK (PING) p impp/1.0", "and nothing after it");
}
