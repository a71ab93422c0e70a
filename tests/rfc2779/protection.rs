//! 2.5: protection that is offered to all and forced on none.

use crate::person::FEW_ROUNDS;
use crate::person::Person;
use crate::smime::{Smime, message};
use crate::support::{Site, expect, until};
use crate::tap::{Tap, Way, contains};
use crate::town::town;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

#[test]
fn r_2_5_1_a_change_on_the_way_can_be_noticed() {
    // who receives can find out whether something was changed on the way
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    let Some(smime) = Smime::of(&alice.address()) else { return };
    // On each hop: TLS. A bit of the message is changed, and nothing arrives but the word that it failed.
    let tap = Tap::on(town().a().tls);
    let mut lines = crate::support::Tool::spawn(
        &mut alice.tool("impp-send", &["--server", &tap.address.to_string(), "--lines", "--retry", "0", &bob.address()]),
    );
    lines.type_in("sound\n");
    assert_eq!(bob.reads(), "sound");
    tap.forge(Way::There);
    lines.type_in("forged\n");
    let errors = lines.errors().clone();
    assert_ne!(lines.finish().0, 0);
    assert_eq!(tap.forged(), 1);
    assert!(!errors.all().is_empty());
    // From end to end: a signature, which passes two relays unharmed.
    let signed = smime.sign("Content-Type: text/plain\n\npay 10 to carol\n");
    expect(0, &mut alice.tool("impp-send", &["--raw", &bob.address()]), &message(&alice.address(), &bob.address(), &signed));
    let came = bob.takes_whole();
    assert!(smime.verify(&came).is_some_and(|text| text.contains("pay 10 to carol")), "and nothing forged came before it");
    let forged = String::from_utf8(came).unwrap().replace("pay 10", "pay 99");
    assert!(smime.verify(forged.as_bytes()).is_none(), "a relay that changed it would be found out");
}

#[test]
fn r_2_5_2_a_replay_can_be_noticed() {
    // who receives can find out that something is a replay
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    let tap = Tap::on(town().a().tls);
    alice.does("impp-send", &["--server", &tap.address.to_string(), "-m", "once", &bob.address()]);
    assert_eq!(bob.reads(), "once");
    // The same octets once more: TLS makes nothing of them.
    let mut again = TcpStream::connect(town().a().tls).unwrap();
    again.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    again.write_all(&tap.heard(Way::There)[0]).unwrap();
    let mut answer = Vec::new();
    let _ = again.read_to_end(&mut answer);
    assert!(!contains(&answer, b"impp/1.0"), "nothing was said in the clear");
    // A relay on the way that repeats the message: the same identifier from the same sender is the same message.
    let mut wire = alice.by_hand("by-hand");
    let headers = "Message-ID: <replayed@a.test>\nContent-Type: message/rfc822\n";
    for _ in 0..2 {
        let answer = wire.ask("SEND", &bob.url(), headers, b"Subject: s\r\n\r\ntwice\r\n");
        assert_eq!(answer.header("Delivery"), Some("stored"));
    }
    alice.sends("what comes next", &bob);
    assert_eq!([bob.reads(), bob.reads()], ["twice", "what comes next"]);
}

#[test]
fn r_2_5_3_only_the_chosen_can_read_it() {
    // it can be made readable to chosen ones only
    let mut site = Site::with(FEW_ROUNDS, &[]);
    let (alice, bob) = (Person::new(&site, "alice"), Person::new(&site, "bob"));
    let (Some(smime), Some(other)) = (Smime::of(&bob.address()), Smime::of("mallory@demo.test")) else { return };
    let secret = "the password is swordfish";
    let sealed = smime.encrypt(&format!("Content-Type: text/plain\n\n{secret}\n"));
    let whole = message(&alice.address(), &bob.address(), &sealed);
    expect(0, &mut alice.tool("impp-send", &["--raw", &bob.address()]), &whole);
    let came = bob.takes_whole();
    assert!(smime.decrypt(&came).is_some_and(|text| text.contains(secret)));
    assert!(other.decrypt(&came).is_none_or(|text| !text.contains(secret)));
    // Nor could the relay, which keeps one that nobody takes: what is in its folder and its log says nothing.
    expect(0, &mut alice.tool("impp-send", &["--raw", &bob.address()]), &whole);
    let (bob_name, data) = (bob.name.clone(), site.path("data"));
    assert!(site.stop());
    let kept: Vec<Vec<u8>> =
        std::fs::read_dir(data).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap_or_default()).collect();
    assert!(kept.iter().any(|file| contains(file, bob_name.as_bytes())), "it was looked at");
    assert!(!kept.iter().any(|file| contains(file, b"swordfish")) && !site.last_log().contains("swordfish"));
}

#[test]
fn r_2_5_4_protection_is_offered_to_all_and_forced_on_none() {
    // any client may use these protections, and none is forced on all
    let site = Site::with(&format!("{FEW_ROUNDS}[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\nrequired = false\n"), &[]);
    let (alice, bob) = (Person::new(&site, "alice"), Person::new(&site, "bob"));
    let Some(smime) = Smime::of(&alice.address()) else { return };
    let (plain, tls) = (site.plain.to_string(), site.tls.to_string());
    let tap = Tap::on(site.plain);
    let tapped = tap.address.to_string();
    alice.does("impp-send", &["--server", &tls, "-m", "by TLS", &bob.address()]);
    alice.does("impp-send", &["--server", &plain, "--tls", "starttls", "-m", "by STARTTLS", &bob.address()]);
    alice.does("impp-send", &["--server", &tapped, "--tls", "off", "-m", "in the clear", &bob.address()]);
    assert!(tap.understood(b"in the clear"), "it was meant so");
    let signed = smime.sign("Content-Type: text/plain\n\nsigned\n");
    let whole = message(&alice.address(), &bob.address(), &signed);
    expect(0, &mut alice.tool("impp-send", &["--raw", &bob.address()]), &whole);
    assert_eq!([bob.reads(), bob.reads(), bob.reads()], ["by TLS", "by STARTTLS", "in the clear"]);
    assert!(smime.verify(&bob.takes_whole()).is_some());
    until("the log tells who came without", || site.log().text().contains("authenticated"));
}
