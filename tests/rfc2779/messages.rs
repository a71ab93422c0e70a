//! 5.4: messages. A sends to B, C is a third.

use crate::country::link_as;
use crate::forger::{asks, error, says_no_place};
use crate::person::{FEW_ROUNDS, Person};
use crate::smime::{Smime, message};
use crate::support::{Proxy, Site, Tool, expect, until};
use crate::tap::{Tap, Way, contains};
use crate::town::town;

#[test]
fn r_5_4_1_the_sender_is_told_of_non_delivery() {
    // A is told when a message is not delivered
    let mut site = Site::with(
        &format!("{FEW_ROUNDS}[interdomain]\nenabled = false\n[mailbox]\nmax-messages = 1\n[limits]\nbody = \"64K\"\n"),
        &[],
    );
    let [alice, full, closed, disabled, refuses] =
        ["alice", "full", "closed", "disabled", "refuses"].map(|name| Person::new(&site, name));
    alice.sends("fills it", &full);
    closed.rules(&["deny", "send", "*"]);
    site.administer(&["user", "disable", &disabled.address()]);
    let mut handler = Tool::spawn(&mut refuses.tool("impp-recv", &["--exec", "exit 1", "--trace=/dev/stdout"]));
    handler.lines_until("Session: new");
    let huge = site.write("huge", "x".repeat(100_000));
    let (huge, nobody) = (huge.to_str().unwrap(), site.at("nobody"));
    for (to, args, status, words) in [
        (full.address(), &["-m", "x"][..], 75, "mailbox-full"),
        (closed.address(), &["-m", "x"], 77, "permission-denied"),
        (disabled.address(), &["-m", "x"], 69, "mailbox-unavailable"),
        (refuses.address(), &["-m", "x"], 69, "mailbox-unavailable"),
        (alice.address(), &["-m", "x", "--expires", "0"], 69, "mailbox-unavailable"),
        (alice.address(), &["--file", huge], 65, "message-too-large"),
        (nobody, &["-m", "x"], 67, "target-unknown"),
        ("bob@elsewhere.test".to_owned(), &["-m", "x"], 69, "operation-not-supported"),
    ] {
        let args = [args, &["--timeout", "20s", &to]].concat();
        let done = crate::support::run(&mut alice.tool("impp-send", &args), b"");
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(status) && told.contains(words) && told.contains(&to), "{to}: {done:?}");
    }
    // That it only lies in an inbox is told to those who ask for more.
    let kept = ["--wait", "delivered", "-m", "x", &alice.address()];
    assert_eq!(alice.tries("impp-send", &kept), 3);
    let address = closed.address();
    let mut command = alice.tool("impp-send", &["-m", "x", &address]);
    assert!(site.stop());
    assert_eq!(crate::person::status(&crate::support::run(&mut command, b"")), 75);
}

#[test]
fn r_5_4_2_the_recipient_gets_it_once() {
    // B gets it once only
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    let network = Proxy::to(town().a().tls);
    let server = network.address.to_string();
    let mut his = bob.by_hand_with_inbox("his");
    let args = ["--server", &server, "--retry", "5", "--retry-wait", "1s", "--json", "-m", "once", &bob.address()];
    let mut sending = Tool::spawn(&mut alice.tool("impp-send", &args));
    let frame = his.frame();
    assert!(contains(&frame.body, b"once"));
    // The connection is cut before the answer; the tool sends it again, under the same identifier.
    network.stall();
    his.accept(&frame);
    network.wait_for_stalled();
    network.cut();
    network.resume();
    assert!(sending.line().contains("\"delivered\""));
    assert!(network.accepted() > 1, "sent again");
    his.say("PING p impp/1.0\n\n");
    assert_eq!(his.frame().start(), "OK (PING) p impp/1.0", "it came once");
    // On B's side: his connection is cut before his acknowledgement, and his program comes back.
    let network = Proxy::to(town().b().tls);
    drop(his);
    let mut recv = Tool::spawn(&mut bob.tool("impp-recv", &["--server", &network.address.to_string(), "--body"]));
    network.wait_for_connections(1);
    alice.sends("first", &bob);
    assert_eq!(recv.line(), "first");
    network.cut();
    alice.sends("second", &bob);
    assert_eq!(recv.line(), "second", "nothing twice");
}

#[test]
fn r_5_4_3_the_recipient_can_verify_the_sender() {
    // B can verify that A sent it
    let (alice, carol, bob) = (town().in_b("alice"), town().in_b("carol"), town().in_b("bob"));
    alice.sends("from alice", &bob);
    let told = bob.takes();
    assert_eq!((&told["from"], &told["auth"]), (&alice.address().into(), &"verified".into()));
    // Nobody sends under her name: no user, no other domain.
    let headers = "Message-ID: <forged@b.test>\nContent-Type: message/rfc822\n";
    let body = "Subject: s\r\n\r\nforged\r\n";
    let mut third = carol.by_hand("thirds");
    assert_eq!(error(&asks(&mut third, "SEND", &alice.url(), "thirds", &bob.url(), headers, body)), "permission-denied");
    let mut link = link_as(town().b(), town().a());
    assert_eq!(error(&asks(&mut link, "SEND", &alice.url(), "c1", &bob.url(), headers, body)), "permission-denied");
    // What a message claims of itself is marked.
    let claims = format!("From: {}\nSubject: s\n\nit is me\n", alice.address());
    expect(0, &mut carol.tool("impp-send", &["--raw", &bob.address()]), claims.as_bytes());
    let told = bob.takes();
    assert_eq!((&told["from"], &told["auth"]), (&carol.address().into(), &"claims-other".into()));
    assert_eq!(told["claims"], alice.address());
}

#[test]
fn r_5_4_4_the_recipient_can_answer() {
    // B can answer
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    alice.sends("lunch?", &bob);
    let told = bob.takes();
    let (from, id) = (told["from"].as_str().unwrap(), told["id"].as_str().unwrap());
    bob.does("impp-send", &["--in-reply-to", id, "-m", "yes", from]);
    let answer = alice.takes();
    assert_eq!((&answer["text"], &answer["in_reply_to"], &answer["from"]), (&"yes".into(), &id.into(), &bob.address().into()));
}

#[test]
fn r_5_4_5_the_recipient_need_not_learn_where_the_sender_is() {
    // A's address on the network is not always shown to B
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    let mut his = bob.by_hand_with_inbox("his");
    let mut sending = Tool::spawn(&mut alice.tool("impp-send", &["-m", "guess from where", &bob.address()]));
    let frame = his.frame();
    his.accept(&frame);
    assert!(sending.end().success());
    assert!(contains(&frame.body, b"guess from where"));
    says_no_place(&[frame]);
}

#[test]
fn r_5_4_6_nobody_else_can_read_it() {
    // A can keep C from reading it
    let (alice, carol, bob) = (town().in_a("alice"), town().in_b("carol"), town().in_b("bob"));
    let (hers, his) = (Tap::on(town().a().tls), Tap::on(town().b().tls));
    let secret = "a word between us";
    alice.does("impp-send", &["--server", &hers.address.to_string(), "-m", secret, &bob.address()]);
    let text = bob.does("impp-recv", &["--server", &his.address.to_string(), "--once", "--body"]);
    assert_eq!(text.trim_end(), secret);
    assert!(!hers.understood(secret.as_bytes()) && !his.understood(secret.as_bytes()), "TLS on each hop");
    assert!(!town().is_understood(secret.as_bytes()));
    // C cannot have it out of B's inbox.
    alice.sends("for bob", &bob);
    assert_eq!(carol.tries("impp-recv", &["-q", "--once", "--inbox", &bob.address()]), 77);
    // Who trusts no relay encrypts from end to end.
    let (Some(smime), Some(others)) = (Smime::of(&bob.address()), Smime::of(&carol.address())) else { return };
    let sealed = smime.encrypt(&format!("Content-Type: text/plain\n\n{secret}\n"));
    assert_eq!(bob.reads(), "for bob");
    let whole = message(&alice.address(), &bob.address(), &sealed);
    expect(0, &mut alice.tool("impp-send", &["--raw", &bob.address()]), &whole);
    let came = bob.takes_whole();
    assert!(!contains(&came, secret.as_bytes()) && smime.decrypt(&came).is_some_and(|text| text.contains(secret)));
    assert!(others.decrypt(&came).is_none_or(|text| !text.contains(secret)));
}

#[test]
fn r_5_4_7_a_change_on_the_way_is_noticed() {
    // nobody can change it on the way without B's noticing
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    let tap = Tap::on(town().b().tls);
    let server = tap.address.to_string();
    let mut recv = Tool::spawn(&mut bob.tool("impp-recv", &["--server", &server, "--body"]));
    alice.sends("sound", &bob);
    assert_eq!(recv.line(), "sound");
    // On the way to B: his program hangs up on who changed it, comes again, and has it as it was.
    tap.forge(Way::Back);
    alice.sends("as alice wrote it", &bob);
    assert_eq!((recv.line().as_str(), tap.forged()), ("as alice wrote it", 1));
    // He acknowledged it if he does so for what came behind it.
    until("all is taken", || alice.tries("impp-send", &["--wait", "delivered", "-m", "behind it", &bob.address()]) == 0);
    recv.kill();
    // Even a relay could not: what is signed tells.
    let Some(smime) = Smime::of(&alice.address()) else { return };
    let signed = smime.sign("Content-Type: text/plain\n\nmeet me at noon\n");
    expect(0, &mut alice.tool("impp-send", &["--raw", &bob.address()]), &message(&alice.address(), &bob.address(), &signed));
    let came = String::from_utf8(bob.takes_whole()).unwrap();
    assert!(smime.verify(came.as_bytes()).is_some());
    assert!(smime.verify(came.replace("at noon", "at nine").as_bytes()).is_none());
}

#[test]
fn r_5_4_8_the_recipient_can_read_it() {
    // B can read it: what everybody understands is plain text in UTF-8
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    let text = "Grüße\n  日本語 🔥\n";
    expect(0, &mut alice.tool("impp-send", &[&bob.address()]), text.as_bytes());
    assert_eq!(bob.does("impp-recv", &["--once", "--body"]), text);
    // Beside HTML there is plain text, and of HTML alone there is what can be read of it.
    let html = alice.site.write(&format!("{}.html", alice.name), "<p>Hello <b>Bob</b>");
    alice.does("impp-send", &["--html", html.to_str().unwrap(), "-m", "Hello Bob", &bob.address()]);
    assert_eq!(bob.does("impp-recv", &["--once", "--body"]).trim_end(), "Hello Bob");
    let alone = b"Subject: s\nMIME-Version: 1.0\nContent-Type: text/html\n\n<p>Hello <b>again</b>\n";
    expect(0, &mut alice.tool("impp-send", &["--raw", &bob.address()]), alone);
    assert!(bob.reads().contains("Hello again"));
}

#[test]
fn r_5_4_9_the_sender_can_sign_by_existing_standards() {
    // A can sign by existing standards
    let (alice, bob) = (town().in_a("alice"), town().in_b("bob"));
    let Some(smime) = Smime::of(&alice.address()) else { return };
    // S/MIME, by openssl on both sides.
    let signed = smime.sign("Content-Type: text/plain\n\nsigned and sealed\n");
    let whole = message(&alice.address(), &bob.address(), &signed);
    expect(0, &mut alice.tool("impp-send", &["--raw", &bob.address()]), &whole);
    assert!(smime.verify(&bob.takes_whole()).is_some_and(|text| text.contains("signed and sealed")));
    // Any other works alike, for no octet of what is signed is touched: blanks at line ends, long lines, odd boundaries.
    let entity = format!("Content-Type: text/plain; charset=utf-8\r\n\r\nm\u{e4}t  \r\n{}\r\n-- \r\n", "x".repeat(900));
    let parts = format!(
        "Message-ID: <pgp.{}@a.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; micalg=pgp-sha512;\r\n \
         protocol=\"application/pgp-signature\"; boundary=\"=-\"\r\n\r\n--=-\r\n{entity}\r\n--=-\r\n\
         Content-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\n-----END PGP SIGNATURE-----\r\n\r\n--=---\r\n",
        alice.name
    );
    expect(
        0,
        &mut alice.tool("impp-send", &["--raw", &bob.address()]),
        &message(&alice.address(), &bob.address(), parts.as_bytes()),
    );
    let came = bob.takes_whole();
    assert!(contains(&came, parts.split_once("boundary").unwrap().1.as_bytes()), "{}", String::from_utf8_lossy(&came));
}

#[test]
fn r_5_4_10_the_recipient_can_stop_the_sender() {
    // B can stop A from sending
    let (alice, carol, bob) = (town().in_a("alice"), town().in_a("carol"), town().in_b("bob"));
    alice.sends("one", &bob);
    bob.rules(&["deny", "send", &alice.address()]);
    alice.is_told(77, "permission-denied", "impp-send", &["-m", "two", &bob.address()]);
    carol.sends("three", &bob);
    assert_eq!([bob.reads(), bob.reads()], ["one", "three"]);
}
