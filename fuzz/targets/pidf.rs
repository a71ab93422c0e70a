//! PIDF in and out: what is read can be written, and is then read as the same.
#![no_main]

use impp::model::pidf::{from_pidf, to_pidf};
use impp::model::simple_xml::Document;
use impp::model::{Address, Presence};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static ALICE: LazyLock<Address> = LazyLock::new(|| "impp://example.org/alice".parse().expect("an address"));

fn through(presence: &Presence) {
    let written = to_pidf(presence, &ALICE);
    assert!(!written.contains(['\n', '\r']), "one line");
    if written.len() > 256 << 10 {
        return;
    }
    let read = from_pidf(written.as_bytes()).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(read.status, presence.status);
    assert_eq!(read.tuples.len(), presence.tuples.len());
    let again = from_pidf(to_pidf(&read, &ALICE).as_bytes()).expect("again");
    assert_eq!(again, read);
}

fuzz_target!(|octets: &[u8]| {
    if let Ok(presence) = from_pidf(octets) {
        // It is to be published: as our own XML it is read back.
        let xml = presence.to_xml();
        if Document::parse(&xml).is_ok() {
            Presence::parse(&xml).expect("our own form");
        }
        through(&presence);
    }
    if let Ok(presence) = Presence::parse(octets) {
        through(&presence);
    }
});
