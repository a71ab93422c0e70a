//! 4.2: what a sender learns.

use crate::support::{Proxy, Tool, expect_text, run};
use crate::town::town;
use serde_json::Value;

#[test]
fn r_4_2_1_the_sender_learns_what_became_of_it() {
    // the sender learns of success, or of failure and its reason; and what an unknown outcome is, is defined
    let (alice, bob, carol) = (town().in_a("alice"), town().in_b("bob"), town().in_b("carol"));
    let outcome = |status: i32, args: &[&str]| {
        let told = expect_text(status, &mut alice.tool("impp-send", &[&["--json", "-m", "x"], args].concat()), "");
        let told: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
        (told["state"].as_str().unwrap().to_owned(), told["error"].as_str().unwrap_or_default().to_owned())
    };
    let is = |state: &str, error: &str| (state.to_owned(), error.to_owned());
    // Success of two kinds: she has it; or it lies in her inbox, which is told apart from it.
    assert_eq!(outcome(0, &[&bob.address()]), is("stored", ""));
    assert_eq!(outcome(3, &["--wait", "delivered", &bob.address()]), is("stored", ""));
    let mut recv = Tool::spawn(&mut bob.tool("impp-recv", &["--body"]));
    recv.line();
    recv.line();
    assert_eq!(outcome(0, &["--wait", "delivered", &bob.address()]), is("delivered", ""));
    // Failure, with its reason.
    carol.rules(&["deny", "send", "*"]);
    assert_eq!(outcome(77, &[&carol.address()]), is("failed", "permission-denied"));
    assert_eq!(outcome(67, &["nobody@b.test"]), is("failed", "target-unknown"));
    assert_eq!(outcome(67, &["bob@nowhere.test"]).0, "failed");
    // Unknown: the answer was lost. It says so, and the same identifier sent again settles it without a second message.
    let network = Proxy::to(alice.site.tls);
    let server = network.address.to_string();
    let sending =
        ["--server", &server, "--id", "<in-doubt@a.test>", "--json", "-m", "in doubt", "--timeout", "60s", &bob.address()];
    recv.line();
    let mut by_hand = bob.by_hand_with_inbox("by-hand");
    recv.kill();
    let mut doubt = Tool::spawn(&mut alice.tool("impp-send", &sending));
    let frame = by_hand.frame();
    // It has arrived; the acknowledgement will not get through.
    network.stall();
    by_hand.accept(&frame);
    network.wait_for_stalled();
    network.refuse(true);
    network.cut();
    network.resume();
    let told: Value = serde_json::from_str(&doubt.line()).unwrap();
    assert_eq!((&told["state"], &told["retry"]), (&"failed".into(), &true.into()), "{told}");
    assert_eq!(doubt.finish().0, 75);
    let again =
        run(&mut alice.tool("impp-send", &["--id", "<in-doubt@a.test>", "--json", "-m", "in doubt", &bob.address()]), b"");
    assert!(String::from_utf8_lossy(&again.stdout).contains("\"delivered\""), "{again:?}");
    by_hand.say("PING p impp/1.0\n\n");
    assert_eq!(by_hand.frame().start(), "OK (PING) p impp/1.0", "and it came once");
}
