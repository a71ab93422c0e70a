//! 4.4: what presence says at the least, for messages and for other media.

use crate::town::town;

#[test]
fn r_4_4_1_there_is_a_minimum_of_presence_for_messages() {
    // a minimum that presence says where messages are concerned
    let (alice, bob) = (town().in_b("alice"), town().in_b("bob"));
    let mut wire = bob.by_hand("by-hand");
    let headers = "Lease-Time: infinity\nContent-Type: application/presence\n";
    assert!(wire.ask("CHANGE", &bob.name, headers, b"<presence><status>open</status></presence>").start().starts_with("OK"));
    let least = format!("<presence><entity>{}</entity><status>open</status></presence>", bob.url());
    assert_eq!(alice.sees_xml(&bob), least);
    let without = b"<presence><note>neither open nor closed</note></presence>";
    let answer = wire.ask("CHANGE", &bob.name, headers, without);
    assert_eq!(answer.header("Error"), Some("mime-type-not-understood"));
}

#[test]
fn r_4_4_2_open_and_closed_can_be_said() {
    // OPEN and CLOSED can be said
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "fetch", &alice.address()]);
    for (status, code) in [("open", 0), ("closed", 1), ("open", 0)] {
        bob.sets(&[status]);
        assert_eq!(alice.sees(&bob)["status"], status);
        assert_eq!(alice.tries("impp-fetch", &[&bob.address()]), code);
        // A sender may go by it.
        assert_eq!(alice.tries("impp-send", &["-q", "--if-open", "-m", "x", &bob.address()]), code);
    }
}

#[test]
fn r_4_4_3_open_and_closed_hold_for_other_media_as_well() {
    // OPEN and CLOSED may be said of other media as well
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    bob.rules(&["allow", "fetch", &alice.address()]);
    bob.sets(&["open"]);
    bob.sets(&["closed", "--tuple", "phone", "--contact", "tel:+4930123456"]);
    bob.sets(&["open", "--tuple", "mail", "--contact", "mailto:bob@example.com"]);
    let seen = alice.sees(&bob);
    let tuple = |id: &str| seen["tuples"].as_array().unwrap().iter().find(|tuple| tuple["id"] == id).unwrap();
    assert_eq!((&tuple("phone")["status"], &tuple("phone")["contact"]), (&"closed".into(), &"tel:+4930123456".into()));
    assert_eq!((&tuple("mail")["status"], &seen["status"]), (&"open".into(), &"open".into()));
}
