//! 4.1: the format of messages.

use crate::person::{FEW_ROUNDS, Person};
use crate::smime::{Smime, message};
use crate::support::wire::unbase64;
use crate::support::{Site, expect, expect_text, has};
use crate::tap::contains;
use crate::town::town;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// What Python's email package makes of a message.
const PYTHON: &str = r#"
import base64, email, email.policy, json, sys
message = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
parts = [part for part in message.walk() if not part.is_multipart()]
print(json.dumps({
    "defects": [str(defect) for part in message.walk() for defect in part.defects],
    "headers": {name.lower(): str(value) for name, value in message.items()},
    "types": [part.get_content_type() for part in parts], "charsets": [part.get_content_charset() for part in parts],
    "encodings": [str(part.get("content-transfer-encoding")) for part in parts],
    "octets": [base64.b64encode(part.get_payload(decode=True)).decode() for part in parts],
}))
"#;

/// Reads a message by somebody else's library, which must find no fault; `None` where it is not installed.
fn python(message: &[u8]) -> Option<Value> {
    if !has("python3") {
        return None;
    }
    let read: Value = serde_json::from_slice(&expect(0, Command::new("python3").args(["-c", PYTHON]), message)).unwrap();
    assert_eq!(read["defects"], serde_json::json!([]), "{}", String::from_utf8_lossy(message));
    Some(read)
}

#[test]
fn r_4_1_1_there_is_one_format_for_all() {
    // one base format that all have in common
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    let mut wire = alice.by_hand("by-hand");
    let mut send = |id: &str, headers: &str, body: &[u8]| {
        let answer = wire.ask("SEND", &bob.url(), &format!("{id}{headers}"), body);
        answer.header("Error").or_else(|| answer.header("Delivery")).unwrap().to_owned()
    };
    let body = "Subject: ü\r\n\r\ntext\r\n".as_bytes();
    assert_eq!(send("Message-ID: <1@a.test>\n", "Content-Type: message/rfc822\n", b"Subject: s\r\n\r\ntext\r\n"), "stored");
    assert_eq!(send("Message-ID: <2@a.test>\n", "Content-Type: message/global\n", body), "stored");
    for kind in ["text/plain", "application/presence", "message/partial", "multipart/mixed; boundary=x"] {
        let headers = format!("Content-Type: {kind}\n");
        assert_eq!(send("Message-ID: <3@a.test>\n", &headers, body), "mime-type-not-understood", "{kind}");
    }
    assert_eq!(send("", "Content-Type: message/rfc822\n", body), "malformed-request", "without identifier");
    assert_eq!([bob.reads(), bob.reads()], ["text", "text"]);
}

#[test]
fn r_4_1_2_it_names_sender_and_recipient() {
    // it names sender and recipient
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    alice.sends("x", &bob);
    let whole = String::from_utf8(bob.takes_whole()).unwrap();
    for line in [format!("From: <{}>", alice.address()), format!("To: <{}>", bob.address())] {
        assert!(whole.replace("\r\n", "\n").contains(&line), "{line}: {whole}");
    }
    alice.sends("x", &bob);
    let told = bob.takes();
    assert_eq!((&told["from"], &told["to"]), (&alice.address().into(), &bob.address().into()));
}

#[test]
fn r_4_1_3_it_has_an_address_for_the_answer() {
    // it can have an address for the answer
    let (alice, office, bob) = (town().in_a("alice"), town().in_a("office"), town().in_b("bob"));
    alice.does("impp-send", &["--reply-to", &office.address(), "-m", "lunch?", &bob.address()]);
    let whole = String::from_utf8(bob.takes_whole()).unwrap();
    let answer_to = whole.lines().find_map(|line| line.strip_prefix("Reply-To: <")?.trim_end().strip_suffix('>')).unwrap();
    bob.does("impp-send", &["-m", "yes", answer_to]);
    assert_eq!(office.reads(), "yes");
}

#[test]
fn r_4_1_4_it_can_carry_contact_data() {
    // it can carry telephone number, mail and the like in standard form
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    let card =
        "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Alice\r\nTEL;VALUE=uri:tel:+4930123456\r\nEMAIL:alice@example.com\r\nEND:VCARD\r\n";
    let file = alice.site.write(&format!("{}.vcf", alice.name), card);
    let attached = format!("{}:text/vcard", file.display());
    alice.does("impp-send", &["-H", "Organization: Example", "--attach", &attached, "-m", "my card", &bob.address()]);
    let folder = bob.site.path(&format!("{}.saved", bob.name));
    let told = bob.does("impp-recv", &["--once", "--json", "--save-attachments", folder.to_str().unwrap()]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let attachment = &told["attachments"][0];
    assert_eq!(attachment["type"], "text/vcard");
    assert_eq!(std::fs::read_to_string(attachment["saved"].as_str().unwrap()).unwrap(), card);
}

#[test]
fn r_4_1_5_encoding_and_type_of_the_content_are_named() {
    // encoding and type of the content are named: text beyond ASCII, octets, what is encrypted
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    let octets: Vec<u8> = (0..=255).collect();
    let file = alice.site.write(&format!("{}.bin", alice.name), &octets);
    let text = "Füllstand 98 % – 日本語 🔥";
    alice.does("impp-send", &["--attach", file.to_str().unwrap(), "-m", text, &bob.address()]);
    let whole = bob.takes_whole();
    let Some(read) = python(&whole) else { return };
    assert_eq!((&read["types"][0], &read["charsets"][0]), (&"text/plain".into(), &"utf-8".into()));
    assert_eq!(unbase64(read["octets"][0].as_str().unwrap()), text.as_bytes());
    assert_eq!((&read["types"][1], &read["encodings"][1]), (&"application/octet-stream".into(), &"base64".into()));
    assert_eq!(unbase64(read["octets"][1].as_str().unwrap()), octets);
    alice.does("impp-send", &["--type", "text/markdown", "-m", "*bold*", &bob.address()]);
    assert_eq!(bob.takes()["type"], "text/markdown");
    let Some(smime) = Smime::of(&bob.address()) else { return };
    let sealed = message(&alice.address(), &bob.address(), &smime.encrypt("Content-Type: text/plain\n\nsealed\n"));
    expect(0, &mut alice.tool("impp-send", &["--raw", &bob.address()]), &sealed);
    let told = bob.takes();
    assert!(told["type"].as_str().unwrap().contains("pkcs7-mime"), "{told}");
}

#[test]
fn r_4_1_6_names_and_text_of_all_languages() {
    // present practice in internationalisation
    let site = Site::of("xn--bcher-kva.test", FEW_ROUNDS, &[]);
    let mut site = site;
    site.start();
    let (alice, jörg) = (Person::new(&site, "alice"), Person::new(&site, "jörg"));
    // The domain in its own letters, and a name that is written with a combining mark.
    let typed = jörg.address().replace("xn--bcher-kva.test", "Bücher.test").replace('ö', "o\u{308}");
    alice.does("impp-send", &["-s", "日本語の件名", "--lang", "ja", "-m", "こんにちは", &typed]);
    let told = jörg.takes();
    assert_eq!((&told["subject"], &told["text"]), (&"日本語の件名".into(), &"こんにちは".into()));
    alice.does("impp-send", &["-s", "日本語の件名", "--lang", "ja", "-m", "こんにちは", &typed]);
    let whole = jörg.takes_whole();
    assert!(contains(&whole, b"Content-Language: ja"), "{}", String::from_utf8_lossy(&whole));
    jörg.sets(&["open", "--note", "Grüße aus Köln"]);
    let seen = expect_text(0, &mut alice.tool("impp-fetch", &["--json", &typed]), "");
    assert!(seen.contains("Grüße aus Köln"), "{seen}");
}

#[test]
fn r_4_1_9_message_identifiers_have_a_scope_and_a_way_to_be_made() {
    // it is decided what a message identifier is, where it holds and how it is made
    let (alice, carol, bob) = (town().in_a("alice"), town().in_a("carol"), town().in_b("bob"));
    let mut made = BTreeSet::new();
    for lines in ["x\n".repeat(50), "x\n".repeat(50)] {
        let told = expect_text(0, &mut alice.tool("impp-send", &["--lines", "--json", &bob.address()]), &lines);
        made.extend(told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(made.len(), 100, "each one new, in every run");
    assert!(made.iter().all(|id| id.starts_with('<') && id.ends_with("@a.test>") && id.len() <= 255), "{made:?}");
    bob.does("impp-recv", &["--count", "100", "--body"]);
    // It holds for one sender: repeated it is the same message, of another sender another.
    let id = ["--id", "<the-same@example.org>", &bob.address()];
    for (sender, text) in [(&alice, "of alice"), (&alice, "of alice again"), (&carol, "of carol")] {
        sender.does("impp-send", &[&["-m", text], &id[..]].concat());
    }
    assert_eq!([bob.reads(), bob.reads()], ["of alice", "of carol"]);
}

#[test]
fn r_4_1_10_it_is_mime() {
    // it is MIME: libraries that others wrote read it
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    let html = alice.site.write(&format!("{}.html", alice.name), "<p>Hello <b>Bob</b></p>");
    let file = alice.site.write(&format!("{}.csv", alice.name), "a;b\r\n1;2\r\n");
    let (html, file) = (html.to_str().unwrap(), file.to_str().unwrap());
    alice.does("impp-send", &["-s", "all kinds", "-m", "Hello Bob", "--html", html, "--attach", file, &bob.address()]);
    let Some(read) = python(&bob.takes_whole()) else { return };
    assert_eq!(read["headers"]["mime-version"], "1.0");
    assert_eq!(read["types"].as_array().unwrap().len(), 3, "{read}");
    assert_eq!((&read["types"][0], &read["types"][1]), (&"text/plain".into(), &"text/html".into()), "{read}");
    assert_eq!(unbase64(read["octets"][2].as_str().unwrap()), b"a;b\r\n1;2\r\n");
}
