//! 3.1: the format of presence.

use crate::person::Person;
use crate::support::Wire;
use crate::support::wire::Frame;
use crate::town::town;

/// Publishes an object octet for octet.
fn publish(by: &mut Wire, whom: &Person<'_>, kind: &str, object: &[u8]) -> Frame {
    by.ask("CHANGE", &whom.name, &format!("Lease-Time: infinity\nContent-Type: {kind}\n"), object)
}

const GOOD: &[&str] = &[
    "<presence><status>open</status></presence>",
    "<presence>\r\n  <status>closed</status>\r\n  <note/>\r\n</presence>",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence><status>open</status></presence>",
    "<presence><status>open</status><activity>own words</activity><note>5 &lt; 6 &amp; &#x41; – ü 🔥</note></presence>",
    "<presence><status>open</status><since>2026-11-23T12:00:00Z</since><tuple><id>phone</id><status>closed</status>\
     <contact>tel:+4930123</contact><priority>0.8</priority></tuple><card><fn>Bob</fn></card></presence>",
];
const BAD: &[&str] = &[
    "",
    "open",
    "<presence></presence>",
    "<presence><status>away</status></presence>",
    "<presence><status>open</status><status>closed</status></presence>",
    "<presence><status>open</status></presence><presence/>",
    "<presence><status>open</presence>",
    "<presence lang=\"en\"><status>open</status></presence>",
    "<presence><!-- hm --><status>open</status></presence>",
    "<presence><status><![CDATA[open]]></status></presence>",
    "<presence>between<status>open</status></presence>",
    "<presence><status>open</status><note>&nbsp;</note></presence>",
    "<!DOCTYPE presence><presence><status>open</status></presence>",
    "<?pi?><presence><status>open</status></presence>",
    "<im:presence><status>open</status></im:presence>",
];

#[test]
fn r_3_1_1_there_is_one_format_for_all() {
    // one base format that all have in common
    let (alice, bob) = (town().in_b("alice"), town().in_b("bob"));
    let mut wire = bob.by_hand("by-hand");
    for object in GOOD {
        let answer = publish(&mut wire, &bob, "application/presence", object.as_bytes());
        assert!(answer.start().starts_with("OK (CHANGE)"), "{object}: {answer:?}");
        assert!(matches!(alice.sees(&bob)["status"].as_str(), Some("open" | "closed")), "{object}");
    }
    let before = alice.sees(&bob);
    for object in BAD.iter().filter(|object| !object.is_empty()) {
        let answer = publish(&mut wire, &bob, "application/presence", object.as_bytes());
        assert_eq!(answer.header("Error"), Some("mime-type-not-understood"), "{object}");
    }
    // The tool says so before anything is sent.
    for object in BAD {
        let file = bob.site.write(&format!("{}.xml", bob.name), object);
        assert_eq!(bob.tries("impp-set", &["--file", file.to_str().unwrap()]), 65, "{object}");
    }
    assert_eq!(alice.sees(&bob), before, "nothing of it was taken");
}

#[test]
fn r_3_1_2_it_names_the_presentity() {
    // it names the presentity, and only this one
    let (alice, carol, bob) = (town().in_a("alice"), town().in_b("carol"), town().in_b("bob"));
    bob.rules(&["allow", "fetch", &alice.address()]);
    bob.sets(&["open"]);
    let seen = alice.sees_xml(&bob);
    assert!(seen.starts_with(&format!("<presence><entity>{}</entity>", bob.url())), "{seen}");
    let mut wire = bob.by_hand("by-hand");
    let false_name = format!("<presence><entity>{}</entity><status>open</status></presence>", carol.url());
    assert_eq!(
        publish(&mut wire, &bob, "application/presence", false_name.as_bytes()).header("Error"),
        Some("permission-denied")
    );
    assert_eq!(alice.sees_xml(&bob), seen);
}

#[test]
fn r_3_1_3_it_can_carry_contact_data() {
    // it can carry how to reach somebody by other means: mail, telephone, post
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "fetch", &alice.address()]);
    let card =
        [("email", "bob@example.com"), ("tel", "+49 30 123456"), ("adr", "Hauptstraße 1; 10115 Berlin"), ("fn", "Bob Example")];
    let fields: Vec<String> = card.iter().map(|(name, value)| format!("--card={name}={value}")).collect();
    let mut args = vec!["open", "--tuple", "desk", "--contact", "tel:+4930123456"];
    bob.sets(&fields.iter().fold(vec!["open"], |args, field| [args.as_slice(), &[field]].concat()));
    args.extend(["--priority", "0.5"]);
    bob.sets(&args);
    let seen = alice.sees(&bob);
    for (name, value) in card {
        assert_eq!(seen["card"][name], value, "{seen}");
    }
    assert_eq!(seen["tuples"][0]["contact"], "tel:+4930123456", "{seen}");
}

#[test]
fn r_3_1_4_it_is_extended_without_harm() {
    // it can be extended, and who does not know the extension loses nothing
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "fetch,subscribe", &alice.address()]);
    let object = format!(
        "<presence><entity>{}</entity>\r\n<status>open</status>\t<x-mood><x-colour>blue</x-colour>so so</x-mood><note>hm</note></presence>",
        bob.url()
    );
    // Text beside elements is no simple XML; the extension itself keeps to that.
    let object = object.replace("so so", "");
    let file = bob.site.write(&format!("{}.xml", bob.name), &object);
    bob.sets(&["--file", file.to_str().unwrap()]);
    assert_eq!(alice.sees_xml(&bob), object, "through two relays octet for octet");
    let seen = alice.sees(&bob);
    assert_eq!((&seen["status"], &seen["note"]), (&"open".into(), &"hm".into()), "and to those who know no moods");
    // What is known is changed by a tool that does not know the rest, which stays.
    bob.sets(&["closed", "--note", "gone"]);
    let changed = alice.sees_xml(&bob);
    assert!(changed.contains("<x-mood><x-colour>blue</x-colour></x-mood>") && changed.contains("gone"), "{changed}");
}
