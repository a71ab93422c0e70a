//! 5.3: receiving. What A is told of B.

use crate::country::{link_as, state};
use crate::forger::notifies;
use crate::smime::Smime;
use crate::subscriptions::publish_signed;
use crate::tap::{Tap, Way};
use crate::town::town;
use serde_json::Value;

#[test]
fn r_5_3_1_the_watcher_can_verify_that_it_is_as_it_was_sent() {
    // A can verify that it is as B sent it
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "fetch,subscribe", &alice.address()]);
    // What is changed on the way to her is no news: TLS fails, she comes again, and sees what is true.
    let tap = Tap::on(town().a().tls);
    let mut watch = alice.watches_by(&["--server", &tap.address.to_string(), &bob.address()]);
    assert_eq!(state(&mut watch), "closed initial -");
    tap.forge(Way::Back);
    bob.sets(&["open", "--note", "as it was sent"]);
    let mut told: Vec<Value> = Vec::new();
    while told.last().is_none_or(|told| told["note"] != "as it was sent") {
        told.push(serde_json::from_str(&watch.line()).unwrap());
    }
    assert_eq!(tap.forged(), 1);
    assert!(told.iter().all(|told| told["note"].is_null() || told["note"] == "as it was sent"), "{told:?}");
    // A signature tells it of every relay on the way as well.
    let Some(smime) = Smime::of(&bob.address()) else { return };
    let mut hers = alice.by_hand("hers");
    hers.ask("SUBSCRIBE", &bob.url(), "", b"");
    let entity = String::from_utf8(smime.sign("Content-Type: text/plain\n\nat my desk\n")).unwrap();
    publish_signed(&bob, &entity);
    let told = hers.frame();
    let head = format!("MIME-Version: 1.0\r\nContent-Type: {}\r\n\r\n", told.header("Content-Type").unwrap());
    let arrived = head + &String::from_utf8(told.body).unwrap();
    assert!(smime.verify(arrived.as_bytes()).is_some());
    assert!(smime.verify(arrived.replace("at my desk", "at the beach").as_bytes()).is_none());
}

#[test]
fn r_5_3_2_the_watcher_gets_only_what_she_subscribed_to() {
    // A gets only what she subscribed to
    let (alice, eve, bob) = (town().in_b("alice"), town().in_a("eve"), town().in_b("bob"));
    let mut hers = alice.by_hand("hers");
    hers.ask("SUBSCRIBE", &bob.name, "", b"");
    // Her server takes nothing for her that she did not ask for, not even from the domain whose user it tells of.
    let mut link = link_as(town().b(), town().a());
    assert_eq!(notifies(&mut link, "impp://a.test/", &eve.url(), &alice, "hers"), "subscription-unknown");
    // Nor does what others of her own domain publish come to her.
    town().in_b("carol").sets(&["open", "--note", "nobody asked"]);
    bob.sets(&["open", "--note", "asked for"]);
    let told = hers.frame();
    assert!(String::from_utf8_lossy(&told.body).contains("asked for"), "nothing came before it: {told:?}");
}

#[test]
fn r_5_3_3_the_watcher_can_verify_from_whom_it_came() {
    // A can verify that it came from B
    let (alice, bob, namesake) = (town().in_a("alice"), town().in_b("bob"), town().in_a("bob"));
    bob.rules(&["allow", "subscribe", &alice.address()]);
    let mut hers = alice.by_hand("hers");
    hers.ask("SUBSCRIBE", &bob.url(), "", b"");
    namesake.sets(&["open", "--note", "somebody else"]);
    bob.sets(&["open", "--note", "himself"]);
    let told = hers.frame();
    // Her own server says it, whose certificate she checked, and it takes it from B's domain alone.
    assert_eq!((told.header("Origin"), told.header("From")), (Some(bob.url().as_str()), Some("impp://b.test/")));
    assert!(String::from_utf8_lossy(&told.body).contains(&format!("<entity>{}</entity>", bob.url())));
    hers.accept(&told);
    let mut link = link_as(town().b(), town().a());
    let carol = town().in_b("carol");
    carol.by_hand("hers").ask("SUBSCRIBE", &bob.name, "", b"");
    assert_eq!(notifies(&mut link, "impp://a.test/", &bob.url(), &carol, "hers"), "permission-denied");
}
