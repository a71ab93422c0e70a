//! PIDF against documents that others write, and there and back.

use super::*;
use crate::model::address::Address;
use crate::model::presence::{Presence, Status, Tuple};
use proptest::prelude::*;

fn ann() -> Address {
    Address::parse("ann@example.org").unwrap()
}

/// After RFC 3863's and RFC 4480's own examples.
const OTHERS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- from elsewhere -->
<impp:presence xmlns:impp="urn:ietf:params:xml:ns:pidf" xmlns:p="urn:ietf:params:xml:ns:pidf:data-model"
    xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" xmlns:x="urn:example:x" entity="pres:someone@example.com">
  <impp:tuple id="sg89ae">
    <impp:status><impp:basic>open</impp:basic><x:im>busy</x:im></impp:status>
    <impp:contact priority="0.8">tel:+09012345678</impp:contact>
    <impp:note xml:lang="en">Don't disturb &amp; wait</impp:note>
    <impp:note xml:lang="fr">Ne d&#233;rangez pas</impp:note>
    <impp:timestamp>2001-10-27T16:49:29Z</impp:timestamp>
  </impp:tuple>
  <impp:tuple id="b"><impp:status><impp:basic>closed</impp:basic></impp:status></impp:tuple>
  <impp:note><![CDATA[in <Tokyo>]]></impp:note>
  <p:person id="p1"><r:activities><r:note>far</r:note><r:on-the-phone/></r:activities></p:person>
</impp:presence>"#;

#[test]
fn what_others_write_is_read() {
    let presence = from_pidf(OTHERS.as_bytes()).unwrap();
    assert_eq!(presence.entity, Address::parse("someone@example.com").ok());
    assert_eq!((presence.status, presence.note.as_deref()), (Status::Open, Some("in <Tokyo>")));
    assert_eq!(presence.activity.as_deref(), Some("on-the-phone"));
    let [first, second] = presence.tuples.as_slice() else { panic!("two tuples: {presence:?}") };
    let expected = Tuple {
        id: Some("sg89ae".into()),
        status: Some(Status::Open),
        note: Some("Don't disturb & wait".into()),
        since: Some("2001-10-27T16:49:29Z".into()),
        contact: Some("tel:+09012345678".into()),
        priority: Some("0.8".into()),
        ..Tuple::default()
    };
    assert_eq!(first, &expected);
    assert_eq!(second.status, Some(Status::Closed));
    // What has been read can be published.
    assert_eq!(Presence::parse(&presence.to_xml()).as_ref(), Ok(&presence));
}

#[test]
fn one_line_has_all_that_pidf_has_words_for() {
    let xml = "<presence><status>open</status><activity>meeting</activity><note>a\nb</note><since>2026-11-23T13:00:00+01:00</since>\
               <tuple><id>laptop</id><status>closed</status><activity>own words</activity><contact>tel:1?a&amp;b</contact>\
               <priority>0.12345</priority></tuple><tuple><id>no id</id></tuple><tuple><id>laptop</id></tuple>\
               <card><fn>Ann</fn><tel>1</tel></card></presence>";
    let line = to_pidf(&Presence::parse(xml.as_bytes()).unwrap(), &Address::parse("\"a n'n\"@example.org").unwrap());
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
        xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" \
        xmlns:c=\"urn:ietf:params:xml:ns:pidf:cipid\" entity=\"pres:%22a%20n'n%22@example.org\">\
        <tuple id=\"impp\"><status><basic>open</basic></status><contact>impp://example.org/a%20n'n</contact>\
        <timestamp>2026-11-23T12:00:00Z</timestamp></tuple>\
        <tuple id=\"laptop\"><status><basic>closed</basic></status><rpid:activities><rpid:other>own words</rpid:other>\
        </rpid:activities><contact priority=\"0.123\">tel:1?a&amp;b</contact></tuple>\
        <tuple id=\"t1\"><status></status></tuple><tuple id=\"t2\"><status></status></tuple><note>a&#10;b</note>\
        <dm:person id=\"person\"><rpid:activities><rpid:meeting/></rpid:activities><c:display-name>Ann</c:display-name>\
        </dm:person></presence>";
    assert_eq!(line, expected);
}

#[test]
fn whose_it_is() {
    for (entity, expected) in [
        ("pres:ann@example.org", Some("ann@example.org")),
        ("PRES:%22a%20n%22@example.org?x=y", Some("\"a n\"@example.org")),
        ("im:ann@example.org", Some("ann@example.org")),
        ("impp://example.org/ann", Some("ann@example.org")),
        ("impp:ann@example.org", Some("ann@example.org")),
        ("sip:ann@example.org", None),
        ("pres:%zz@x", None),
        ("impp://example.org/", None),
        ("", None),
    ] {
        let text = format!(
            "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='{entity}'><tuple id='a'><status><basic>open</basic></status></tuple></presence>"
        );
        let presence = from_pidf(text.as_bytes()).unwrap();
        assert_eq!(presence.entity.map(|entity| entity.to_email()).as_deref(), expected, "{entity}");
    }
}

#[test]
fn what_is_refused() {
    let inside = |inner: &str| format!("<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:a@b'>{inner}</presence>");
    let open = "<tuple id='a'><status><basic>open</basic></status></tuple>";
    for (text, fault) in [
        ("<presence><status>open</status></presence>".to_owned(), PidfError::Root),
        ("<p:presence/>".to_owned(), PidfError::Xml(0)),
        (inside(""), PidfError::Status),
        (inside("<tuple id='a'><status/></tuple>"), PidfError::Status),
        (inside("<tuple id='a'><status><basic>ajar</basic></status></tuple>"), PidfError::Basic),
        (inside("<tuple id='a'><status><basic>&open;</basic></status></tuple>"), PidfError::Xml(93)),
        (format!("<!DOCTYPE presence [<!ENTITY open 'open'>]>{}", inside(open)), PidfError::Xml(0)),
        (format!("<?xml version='1.0' encoding='latin1'?>{}", inside(open)), PidfError::Xml(0)),
        (
            inside(&format!("{open}<x:y xmlns:x='urn:x' p:mustUnderstand='1' xmlns:p='urn:ietf:params:xml:ns:pidf'/>")),
            PidfError::MustUnderstand("y".into()),
        ),
        (inside(&"<x>".repeat(20)), PidfError::Xml(64 + 15 * 3)),
        (" ".repeat(300_000), PidfError::TooLong),
    ] {
        assert_eq!(from_pidf(text.as_bytes()), Err(fault), "{:.200}", text);
    }
    assert!(matches!(from_pidf(b"\xff"), Err(PidfError::Xml(0))));
    assert!(matches!(from_pidf(&inside(open).as_bytes()[..90]), Err(PidfError::Xml(_))));
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[a-zA-Zé<>&\"' ]{0,12}[a-zA-Zé<>&\"']")
        .prop_map(|text| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Open), Just(Status::Closed)]
}

proptest! {
    #[test]
    fn there_and_back_is_the_same(status in status(), activity in text(), note in text(), name in text(), statuses in proptest::collection::vec((status_of_tuple(), text(), text()), 0..4)) {
        let tuples = statuses.into_iter().enumerate().map(|(at, (status, note, contact))| Tuple {
            id: Some(format!("tuple-{at}")), status, note, contact, ..Tuple::default()
        }).collect();
        let card = name.map(|name| ("fn".to_owned(), name)).into_iter().collect();
        let presence = Presence { entity: Some(ann()), status, activity, note, since: Some("2026-11-23T12:00:00Z".into()), tuples, card, other: Vec::new() };
        let line = to_pidf(&presence, &ann());
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(from_pidf(line.as_bytes()), Ok(presence));
    }

    #[test]
    fn nothing_makes_the_reader_fall(octets in proptest::collection::vec(any::<u8>(), 0..200), at in 0..OTHERS.len(), c in any::<char>()) {
        let _ = from_pidf(&octets);
        if OTHERS.is_char_boundary(at) {
            let mut text = OTHERS.to_owned();
            text.insert(at, c);
            let _ = from_pidf(text.as_bytes());
        }
    }
}

fn status_of_tuple() -> impl Strategy<Value = Option<Status>> {
    proptest::option::of(status())
}
