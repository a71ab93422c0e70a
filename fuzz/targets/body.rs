//! Simple XML and the three bodies made of it: what is accepted, is written so that it is read as equal.
#![no_main]

use bytes::Bytes;
use impp::model::acl::{Acl, Op, Watcher};
use impp::model::presence::insert_entity;
use impp::model::simple_xml::{DEPTH, Document, ELEMENTS, Element, OCTETS};
use impp::model::{Address, Presence, Watchers};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static ALICE: LazyLock<Address> = LazyLock::new(|| "impp://example.org/alice".parse().expect("an address"));

fn deep(element: &Element) -> (usize, usize) {
    element.children.iter().map(deep).fold((1, 1), |(depth, count), (below, more)| (depth.max(below + 1), count + more))
}

fuzz_target!(|octets: &[u8]| {
    let Ok(document) = Document::parse(octets) else {
        assert!(Presence::parse(octets).is_err() && Acl::parse(octets).is_err() && Watchers::parse(octets).is_err());
        return;
    };
    assert!(octets.len() <= OCTETS);
    let (depth, count) = deep(&document.root);
    assert!(depth <= DEPTH && count <= ELEMENTS, "{depth} deep, {count} elements");
    let written = document.root.to_xml();
    assert_eq!(Document::parse(written.as_bytes()).expect("what is written is read").root, document.root);

    if let Ok(presence) = Presence::parse(octets) {
        let written = presence.to_xml();
        if written.len() <= OCTETS {
            assert_eq!(Presence::parse(&written).as_ref(), Ok(&presence));
        }
        if let Ok(named) = insert_entity(&Bytes::copy_from_slice(octets), &ALICE) {
            let read = Presence::parse(&named).expect("still a presence object");
            assert_eq!(read, Presence { entity: Some(ALICE.clone()), ..presence });
        }
    }
    if let Ok(acl) = Acl::parse(octets) {
        assert_eq!(Acl::parse(&acl.to_xml()).as_ref(), Ok(&acl));
        for who in ["impp://example.org/bob", "impp://example.net/bob", "impp://anonymous.invalid/x"] {
            let who: Address = who.parse().expect("an address");
            let watcher = Watcher::new(&who, &ALICE);
            for op in [Op::Fetch, Op::Subscribe, Op::Send, Op::Change, Op::Read] {
                let decided = acl.decide(&watcher, op);
                assert_eq!(decided, acl.first_match(&watcher, op).and_then(|number| acl.rules.get(number)));
            }
        }
    }
    if let Ok(watchers) = Watchers::parse(octets) {
        let written = watchers.to_xml();
        let read = Watchers::parse(&written).expect("what is written is read");
        assert!(read.watching.len() <= watchers.watching.len() && read.refused.len() <= watchers.refused.len());
        assert_eq!(read.to_xml(), written);
    }
});
