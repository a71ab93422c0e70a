//! Mail: reading a message loses and invents nothing, and what goes into a mailbox has the proof on top and only there.
#![no_main]

use bytes::Bytes;
use impp::model::content::head::{Head, resolve};
use impp::model::content::incoming::PARTS;
use impp::model::content::transfer::{Encoding, base64, canonical_text, encode_text};
use impp::model::content::{
    Defaults, Incoming, Proof, address_list, ensure_headers, recipients_of, sender_of, strip_bcc, with_proof,
};
use impp::model::{Address, MessageId, UnixMillis};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static ALICE: LazyLock<Address> = LazyLock::new(|| "impp://example.org/alice".parse().expect("an address"));
static BOB: LazyLock<Address> = LazyLock::new(|| "impp://example.org/bob".parse().expect("an address"));
static ID: LazyLock<MessageId> = LazyLock::new(|| MessageId::parse("<new@example.org>").expect("an id"));

fn fields(raw: &[u8]) {
    let head = Head::find(raw);
    let mut at = head.block.start;
    for field in &head.fields {
        assert!(field.whole.start >= at && field.name.start == field.whole.start && field.name.end < field.whole.end);
        at = field.whole.end;
    }
    assert!(at <= head.block.end.max(at) && head.block.end <= head.body && head.body <= raw.len());
    assert!(strip_bcc(raw).len() <= raw.len());
    assert!(Head::find(&strip_bcc(raw)).named(&strip_bcc(raw), "Bcc").next().is_none(), "no Bcc is left");
}

fn texts(raw: &[u8]) {
    let text = String::from_utf8_lossy(raw);
    let _ = resolve(&text);
    for mailbox in address_list::read(&text) {
        if let Some(address) = mailbox.address {
            assert_eq!(Address::parse_url(address.as_str()).as_ref(), Ok(&address));
        }
    }
    let canonical = canonical_text(raw);
    assert_eq!(canonical_text(&canonical), canonical);
    let (encoding, encoded) = encode_text(&canonical);
    let decoded = encoding.decode(&encoded).unwrap_or_else(|| encoded.clone());
    assert_eq!(decoded, canonical, "{encoding:?}");
    assert_eq!(Encoding::Base64.decode(&base64(raw)).as_deref(), Some(raw));
    for encoding in [Encoding::QuotedPrintable, Encoding::Base64] {
        assert!(encoding.decode(raw).is_none_or(|decoded| decoded.len() <= raw.len()));
    }
}

fuzz_target!(|raw: &[u8]| {
    fields(raw);
    texts(raw);
    let shared = Bytes::copy_from_slice(raw);
    let incoming = Incoming::read(&shared);
    assert!(incoming.attachments.len() <= PARTS);
    let differs = incoming.from_differs(&ALICE);
    assert!(differs || incoming.from.len() <= 1);
    let _ = (incoming.header("Subject"), sender_of(raw), recipients_of(raw));

    let proof = Proof { sender: &ALICE, recipient: &BOB, auth: "domain", own_from_is_true: !differs };
    let kept = with_proof(raw, &proof);
    assert!(kept.starts_with(b"Return-Path: <alice@example.org>"));
    let head = Head::find(&kept);
    for name in ["Return-Path", "Delivered-To", "X-IMPP-From", "X-IMPP-Auth"] {
        assert_eq!(head.named(&kept, name).count(), 1, "{name}");
    }
    if differs {
        let read = Incoming::read(&Bytes::from(kept.clone()));
        assert!(read.header_is_cut || !read.from_differs(&ALICE), "the From that is left is the sender's");
    }

    let defaults = Defaults { message_id: &ID, from: &ALICE, from_name: Some("A, \"B\""), date: UnixMillis(1_795_435_200_000) };
    if let Ok(complete) = ensure_headers(raw, &defaults) {
        let head = Head::find(&complete.octets);
        assert_eq!(head.named(&complete.octets, "Message-ID").count(), 1);
        assert_eq!(head.text(&complete.octets, "Message-ID").as_deref(), Some(complete.message_id.as_str()));
        for name in ["From", "Date"] {
            assert!(head.named(&complete.octets, name).next().is_some(), "{name}");
        }
        let again = ensure_headers(&complete.octets, &defaults).expect("complete");
        assert_eq!(again, complete, "complete is complete");
    }
});
