//! 5.1: subscriptions. A watches B, C is a third.

use crate::country::{Country, link_as, state};
use crate::forger::{asks, error, says_no_place};
use crate::person::{FEW_ROUNDS, Person, nobodys, status};
use crate::smime::Smime;
use crate::support::site::private;
use crate::support::wire::Frame;
use crate::support::{Site, Tool, Wire, run, until};
use crate::tap::Tap;
use crate::town::town;
use std::time::{Duration, Instant};

/// A of a.test, whom B of b.test lets watch.
fn friends() -> (Person<'static>, Person<'static>) {
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "fetch,subscribe", &alice.address()]);
    (alice, bob)
}

/// Proves that nothing more came: an answer to a question is the next.
#[track_caller]
fn nothing_for(wire: &mut Wire) {
    wire.say("PING p impp/1.0\n\n");
    assert_eq!(wire.frame().start(), "OK (PING) p impp/1.0");
}

#[test]
fn r_5_1_1_the_watcher_can_verify_whose_presence_it_is() {
    // A can verify that the presentity is B's
    let country = Country::of(&["a.test", "evil.test"], FEW_ROUNDS);
    let [a, evil] = country.sites.as_slice() else { panic!() };
    let alice = Person::new(a, "alice");
    // Who answers in place of b.test is not b.test, and A's server does not ask it.
    country.publish(&[("b.test", evil.tls)]);
    alice.is_told(75, "connection-failure", "impp-fetch", &["bob@b.test"]);
    a.log().wait_for("the server's certificate is not for b.test; it names evil.test");
    // Nor does A believe that evil.test is her own server.
    let (server, ca) = (evil.tls.to_string(), a.path("others.pem"));
    let args = ["--server", &server, "--ca", ca.to_str().unwrap(), &alice.address()];
    alice.is_told(76, "evil.test", "impp-fetch", &args);
}

#[test]
fn r_5_1_2_a_third_party_cannot_read_it() {
    // a third party cannot read it along, if A so chooses
    let (alice, bob) = friends();
    let tap = Tap::on(town().a().tls);
    let mut watch = alice.watches_by(&["--server", &tap.address.to_string(), &bob.address()]);
    state(&mut watch);
    bob.sets(&["open", "--note", "for alice alone"]);
    assert_eq!(state(&mut watch), "open change for alice alone");
    for octets in [&b"for alice alone"[..], b"SUBSCRIBE", bob.name.as_bytes()] {
        assert!(!tap.understood(octets) && !town().is_understood(octets), "{}", String::from_utf8_lossy(octets));
    }
    // Nor can a third ask who watches.
    let carol = town().in_b("carol");
    assert_eq!(error(&carol.by_hand("by-hand").ask("GET-WATCHERS", &bob.name, "", b"")), "permission-denied");
}

#[test]
fn r_5_1_3_the_owner_may_allow_subscribers_without_a_name() {
    // B may allow subscribers who are not authenticated
    let bob = town().in_b("bob");
    bob.rules(&["allow", "subscribe", "anonymous"]);
    let mut watch = Tool::spawn(nobodys(town().b(), "impp-watch").args(["--anonymous", "--json", &bob.address()]));
    assert_eq!(state(&mut watch), "closed initial -");
    bob.sets(&["open", "--note", "to whom it may concern"]);
    assert_eq!(state(&mut watch), "open change to whom it may concern");
}

#[test]
fn r_5_1_4_the_watcher_can_check_that_it_is_what_the_owner_chose() {
    // A can check that what arrived is what B chose to show
    let (alice, bob) = friends();
    let Some(smime) = Smime::of(&bob.address()) else { return };
    let object = "Content-Type: application/presence\n\n<presence><status>open</status><note>signed</note></presence>\n";
    let entity = String::from_utf8(smime.sign(object)).unwrap();
    let (seen, kind) = (publish_signed(&bob, &entity), "multipart/signed");
    let frame = alice.by_hand("by-hand").ask("SUBSCRIBE", &bob.url(), "", b"");
    assert_eq!(frame.body, seen.as_bytes(), "octet for octet through two relays");
    let head = frame.header("Content-Type").unwrap();
    assert!(head.starts_with(kind));
    let arrived = format!("MIME-Version: 1.0\r\nContent-Type: {head}\r\n\r\n{}", String::from_utf8(frame.body.clone()).unwrap());
    assert!(smime.verify(arrived.as_bytes()).is_some_and(|text| text.contains("<note>signed</note>")));
    assert!(smime.verify(arrived.replace("<status>open", "<status>shut").as_bytes()).is_none());
}

/// Publishes what openssl signed; the body.
pub(crate) fn publish_signed(bob: &Person<'_>, entity: &str) -> String {
    let (head, body) = entity.split_once("\r\n\r\n").unwrap();
    let kind = head.lines().find_map(|line| line.strip_prefix("Content-Type: ")).unwrap();
    let headers = format!("Lease-Time: infinity\nContent-Type: {kind}\n");
    let answer = bob.by_hand("publishing").ask("CHANGE", &bob.name, &headers, body.as_bytes());
    assert!(answer.start().starts_with("OK (CHANGE)"), "{answer:?}");
    body.to_owned()
}

#[test]
fn r_5_1_5_the_watcher_is_told_of_a_refusal() {
    // A is told of a refusal
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["deny", "fetch,subscribe", &alice.address()]);
    let mut watch = alice.watches(&bob);
    let line = watch.line();
    assert!(line.contains("\"refused\"") && line.contains("\"permission-denied\""), "{line}");
    assert_eq!(watch.finish().0, 77);
}

#[test]
fn r_5_1_6_nobody_else_can_subscribe_for_the_watcher() {
    // C cannot subscribe A against her will
    let (alice, carol, bob) = (town().in_b("alice"), town().in_b("carol"), town().in_b("bob"));
    let mut hers = alice.by_hand("hers");
    let mut third = carol.by_hand("thirds");
    let mut forged = |session: &str| error(&asks(&mut third, "SUBSCRIBE", &alice.url(), session, &bob.url(), "", ""));
    assert_eq!([forged("hers"), forged("thirds")], ["permission-denied"; 2]);
    // Nor can the server of another domain.
    let mut link = link_as(town().b(), town().a());
    assert_eq!(error(&asks(&mut link, "SUBSCRIBE", &alice.url(), "hers", &bob.url(), "", "")), "permission-denied");
    assert_eq!(bob.watchers(), "");
    bob.sets(&["open"]);
    nothing_for(&mut hers);
}

#[test]
fn r_5_1_7_the_watcher_can_cancel_at_any_time() {
    // A can cancel at any time, and then B's server stops
    let (alice, bob) = friends();
    let mut wire = alice.by_hand("by-hand");
    wire.ask("SUBSCRIBE", &bob.url(), "", b"");
    assert!(bob.watchers().contains(&alice.address()));
    assert!(wire.ask("UNSUBSCRIBE", &bob.url(), "", b"").start().starts_with("OK (UNSUBSCRIBE)"));
    assert_eq!(bob.watchers(), "");
    bob.sets(&["open"]);
    // This crosses both relays behind whatever the change would have caused.
    assert!(wire.ask("FETCH", &bob.url(), "", b"").start().starts_with("OK"));
    assert!(!wire.talk().contains("CHANGE-NOTIFY"));
    // So does a tool that ends.
    let mut watch = alice.watches(&bob);
    state(&mut watch);
    watch.signal("TERM");
    assert_eq!(watch.finish().0, 143);
    until("it is no watcher any more", || bob.watchers().is_empty());
}

#[test]
fn r_5_1_8_nobody_else_can_cancel() {
    // C cannot cancel A's subscription
    let (alice, carol, bob) = (town().in_b("alice"), town().in_b("carol"), town().in_b("bob"));
    let mut hers = alice.by_hand("hers");
    hers.ask("SUBSCRIBE", &bob.name, "", b"");
    let mut third = carol.by_hand("thirds");
    assert_eq!(error(&asks(&mut third, "UNSUBSCRIBE", &alice.url(), "hers", &bob.url(), "", "")), "permission-denied");
    assert_eq!(error(&asks(&mut third, "UNSUBSCRIBE", &carol.url(), "thirds", &bob.url(), "", "")), "subscription-unknown");
    let mut link = link_as(town().b(), town().a());
    assert_eq!(error(&asks(&mut link, "UNSUBSCRIBE", &alice.url(), "hers", &bob.url(), "", "")), "permission-denied");
    let more = format!("Target-Connection: hers\nOrigin: {}\nCause: expired\n", bob.url());
    assert_eq!(
        error(&asks(&mut link, "TERMINATE-SUBSCRIPTION", "impp://a.test/", "0", &alice.url(), &more, "")),
        "permission-denied"
    );
    bob.sets(&["open", "--note", "still told"]);
    assert!(String::from_utf8_lossy(&hers.frame().body).contains("still told"));
}

#[test]
fn r_5_1_9_the_watcher_is_told_when_it_is_cancelled() {
    // A is told when it is cancelled
    let (alice, bob) = friends();
    let mut watch = alice.watches(&bob);
    state(&mut watch);
    bob.rules(&["deny", "subscribe", &alice.address()]);
    let line = watch.line();
    assert!(line.contains("\"terminated\"") && line.contains("\"permission-denied\""), "{line}");
    assert_eq!(watch.finish().0, 77);
}

#[test]
fn r_5_1_10_the_watcher_can_ask_for_its_state() {
    // A can ask how her subscription stands
    let (alice, bob) = friends();
    let mut wire = alice.by_hand("by-hand");
    wire.ask("SUBSCRIBE", &bob.url(), "Lease-Time: 600\n", b"");
    // Asked again, it is said for how long it stands and what the state is; nothing is told twice.
    bob.sets(&["open", "--note", "here"]);
    let told = wire.frame();
    wire.accept(&told);
    let again = wire.ask("SUBSCRIBE", &bob.url(), "Lease-Time: 600\n", b"");
    assert_eq!((again.header("Lease-Time"), &again.body), (Some("600"), &told.body));
    assert_eq!(bob.watchers().lines().count(), 1, "it is one subscription");
    bob.rules(&["deny", "subscribe", &alice.address()]);
    assert!(wire.frame().start().starts_with("TERMINATE-SUBSCRIPTION "));
    assert_eq!(error(&wire.ask("SUBSCRIBE", &bob.url(), "", b"")), "permission-denied");
}

#[test]
fn r_5_1_11_the_owner_can_learn_of_it() {
    // B can learn of A's subscription, at once and later
    let (alice, bob) = friends();
    assert_eq!(bob.watchers(), "");
    let mut watch = alice.watches(&bob);
    state(&mut watch);
    for _ in 0..2 {
        let told = bob.does("impp-acl", &["watchers", "--json"]);
        assert!(told.contains(&format!("\"who\":\"{}\"", alice.address())) && told.contains("\"since\":\"20"), "{told}");
    }
    // Of those that were refused as well.
    let carol = town().in_a("carol");
    assert_eq!(carol.tries("impp-watch", &["-q", &bob.address()]), 77);
    assert!(bob.does("impp-acl", &["refused"]).contains(&carol.address()));
}

#[test]
fn r_5_1_12_the_owner_can_identify_the_watcher() {
    // B can identify and authenticate A
    let site = Site::with(FEW_ROUNDS, &[]);
    let (alice, mallory, bob) = (Person::new(&site, "alice"), Person::new(&site, "mallory"), Person::new(&site, "bob"));
    let mut watch = alice.watches(&bob);
    state(&mut watch);
    // The name in the list is that of somebody who knew the password, and nobody else gets there under that name.
    private(&site.path(&format!("{}.pass", mallory.name)), "guessed\n");
    let login = ["--login", &alice.address(), &bob.address()];
    mallory.is_told(77, "", "impp-watch", &login);
    let watchers = bob.does("impp-acl", &["watchers", "--json"]);
    assert_eq!(watchers.lines().count(), 1, "{watchers}");
    assert!(watchers.contains(&format!("\"who\":\"{}\"", alice.address())), "{watchers}");
}

#[test]
fn r_5_1_13_the_owner_can_keep_anyone_out() {
    // B can keep anyone out
    let (alice, carol, bob) = (town().in_a("alice"), town().in_a("carol"), town().in_b("bob"));
    bob.rules(&["allow", "fetch,subscribe", "*@a.test"]);
    bob.rules(&["deny", "fetch,subscribe", &alice.address()]);
    assert_eq!(alice.tries("impp-watch", &["-q", &bob.address()]), 77);
    assert_eq!(alice.tries("impp-fetch", &["-q", &bob.address()]), 3);
    assert_eq!(state(&mut carol.watches(&bob)), "closed initial -");
}

#[test]
fn r_5_1_14_the_owner_can_keep_out_who_has_no_name() {
    // B can keep out those who are not authenticated
    let bob = town().in_b("bob");
    let anonymous = |tool: &str| status(&run(nobodys(town().b(), tool).args(["--anonymous", "-q", &bob.address()]), b""));
    assert_eq!((anonymous("impp-watch"), anonymous("impp-fetch")), (77, 3), "as shipped");
    bob.rules(&["allow", "fetch,subscribe", "*"]);
    assert_eq!((anonymous("impp-watch"), anonymous("impp-fetch")), (77, 3), "everybody with a name");
    bob.rules(&["allow", "fetch", "anonymous"]);
    assert_eq!((anonymous("impp-watch"), anonymous("impp-fetch")), (77, 1));
    bob.rules(&["deny", "fetch", "anonymous"]);
    assert_eq!(anonymous("impp-fetch"), 3);
}

/// An answer without what differs from one presentity to another, and from one request to the next.
fn alike(frame: &Frame, of: &Person<'_>) -> String {
    let id = frame.start().split(' ').nth(2).unwrap();
    let all = frame.head.join("\n").replacen(id, "ID", 1) + "\n\n" + &String::from_utf8_lossy(&frame.body);
    all.replace(&of.name, "NAME").lines().filter(|line| !line.starts_with("Content-Length:")).collect::<Vec<_>>().join("\n")
}

#[test]
fn r_5_1_15_a_polite_block_shows_nothing() {
    // a polite block: A sees success and nothing after it
    let (alice, bob, absent) = (town().in_a("alice"), town().in_b("bob"), town().in_b("abs"));
    absent.rules(&["allow", "all", &alice.address()]);
    bob.rules(&["conceal", "all", &alice.address()]);
    let mut wire = alice.by_hand("by-hand");
    // What comes is what comes of somebody who never set anything, octet for octet.
    let sees_the_same = |wire: &mut Wire| {
        for method in ["FETCH", "SUBSCRIBE"] {
            let [his, theirs] = [&bob, &absent].map(|whom| alike(&wire.ask(method, &whom.url(), "", b""), whom));
            assert_eq!(his, theirs);
            assert!(his.contains("<status>closed</status>") && his.starts_with("OK"), "{his}");
        }
    };
    sees_the_same(&mut wire);
    for note in ["here", "and there"] {
        bob.sets(&["open", "--note", note]);
        sees_the_same(&mut wire);
    }
    assert!(!wire.talk().contains("CHANGE-NOTIFY") && !wire.talk().contains("TERMINATE"), "{}", wire.talk());
    // Messages seem to be kept as well.
    let message = |id: &str| format!("Message-ID: <{id}>\nContent-Type: message/rfc822\n");
    let [his, theirs] =
        [&bob, &absent].map(|whom| alike(&wire.ask("SEND", &whom.url(), &message("1@a.test"), b"Subject: s\r\n\r\nx"), whom));
    assert_eq!(his, theirs);
    town().in_a("carol").sends("the first that bob gets", &bob);
    assert_eq!(bob.reads(), "the first that bob gets");
    // Nor does the time tell: asked in turn, one takes as long as the other.
    let mut times = [const { Vec::new() }; 2];
    for _ in 0..60 {
        for (times, whom) in times.iter_mut().zip([&bob, &absent]) {
            let begun = Instant::now();
            wire.ask("FETCH", &whom.url(), "", b"");
            times.push(begun.elapsed());
        }
    }
    let [his, theirs]: [Duration; 2] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    eprintln!("concealed {his:?}, never set {theirs:?} (medians)");
    assert!(his < theirs * 3 && theirs < his * 3, "concealed {his:?}, never set {theirs:?}");
}

#[test]
fn r_5_1_16_the_owner_can_cancel() {
    // B can cancel A's subscription
    let (alice, bob) = friends();
    let mut watch = alice.watches(&bob);
    state(&mut watch);
    bob.rules(&["deny", "subscribe", &alice.address()]);
    assert_eq!(state(&mut watch), "unknown terminated -");
    assert_eq!(bob.watchers(), "");
    // Which need not be for ever.
    bob.rules(&["remove", &alice.address()]);
    bob.rules(&["allow", "subscribe", &alice.address()]);
    assert_eq!(state(&mut alice.watches(&bob)), "closed initial -");
}

#[test]
fn r_5_1_17_the_owner_need_not_learn_where_the_watcher_is() {
    // A's address on the network need not be shown to B
    let (alice, bob) = friends();
    let mut watch = alice.watches(&bob);
    state(&mut watch);
    let mut wire = bob.by_hand("by-hand");
    let told = wire.ask("GET-WATCHERS", &bob.name, "", b"");
    assert!(String::from_utf8_lossy(&told.body).contains(&alice.url()), "{told:?}");
    says_no_place(&[told]);
}

#[test]
fn r_5_1_18_the_watcher_need_not_learn_where_the_owner_is() {
    // B's address on the network need not be shown to A
    let (alice, bob) = friends();
    let mut wire = alice.by_hand("by-hand");
    let mut seen = vec![wire.ask("SUBSCRIBE", &bob.url(), "", b""), wire.ask("FETCH", &bob.url(), "", b"")];
    let mut program = Tool::spawn(&mut bob.tool("impp-set", &["open", "--hold"]));
    seen.push(wire.frame());
    program.kill();
    says_no_place(&seen);
}
