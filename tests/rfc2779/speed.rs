//! 3.4 and 4.3: how fast news and messages are, told by ratios and counts; the figures themselves are printed.

use crate::person::Person;
use crate::support::{Proxy, Tool, Wire};
use crate::town::town;
use std::time::{Duration, Instant};

const MESSAGE: &[u8] = b"Subject: x\r\n\r\nx\r\n";

/// How long it takes.
fn time(once: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    once();
    begun.elapsed()
}

/// The value below which so many in a hundred are.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// Takes the next request, which must be of this method.
fn next(wire: &mut Wire, method: &str) {
    let frame = wire.frame();
    assert!(frame.start().starts_with(method), "{frame:?}");
    wire.accept(&frame);
}

#[test]
fn r_3_4_1_news_are_as_fast_as_a_message() {
    // a change reaches its subscribers as fast as a message would
    const MANY: usize = 60;
    let (alice, carol, bob) = (town().in_a("alice"), town().in_a("carol"), town().in_b("bob"));
    bob.rules(&["allow", "subscribe", &alice.address()]);
    let (mut hers, mut his) = (alice.by_hand_with_inbox("hers"), bob.by_hand("his"));
    hers.ask("SUBSCRIBE", &bob.url(), "", b"");
    let kind = "Content-Type: message/rfc822\n";
    let mut times = [const { Vec::new() }; 3];
    // In turn, so that what else this machine does befalls all three.
    for number in 0..MANY {
        times[0].push(time(|| {
            his.request("SEND", &alice.url(), &format!("Message-ID: <{number}.{}@b.test>\n{kind}", bob.name), MESSAGE);
            next(&mut hers, "SEND ");
        }));
        assert_eq!(his.frame().header("Delivery"), Some("delivered"));
        times[1].push(time(|| {
            let headers = format!("Message-ID: <s{number}.{}@b.test>\n{kind}", bob.name);
            assert_eq!(his.ask("SEND", &carol.url(), &headers, MESSAGE).header("Delivery"), Some("stored"));
        }));
        let body = format!("<presence><status>open</status><note>{number}</note></presence>");
        times[2].push(time(|| {
            his.request("CHANGE", &bob.name, "Lease-Time: infinity\nContent-Type: application/presence\n", body.as_bytes());
            next(&mut hers, "CHANGE-NOTIFY ");
        }));
        assert!(his.frame().start().starts_with("OK (CHANGE)"));
    }
    let [delivered, stored, change] = times.each_mut().map(|times| percentile(times, 50));
    eprintln!("to another domain, medians of {MANY}: delivered {delivered:?}, into an inbox {stored:?}, a change {change:?}");
    // Like a message to an inbox, a change is on the disk before anybody hears of it; nothing else makes it wait.
    assert!(change < stored * 3 + delivered * 3, "delivered {delivered:?}, stored {stored:?}, change {change:?}");
}

/// Sends so many messages to somebody who is there, by hand, and prints how long each took until it was acknowledged.
fn talk(what: &str, from: &Person<'_>, to: &Person<'_>, many: usize) {
    let (mut hers, mut his) = (from.by_hand("hers"), to.by_hand_with_inbox("his"));
    let mut times: Vec<Duration> = (0..many)
        .map(|number| {
            let headers = format!("Message-ID: <{number}.{}@a.test>\nContent-Type: message/rfc822\n", from.name);
            time(|| {
                hers.request("SEND", &to.url(), &headers, MESSAGE);
                next(&mut his, "SEND ");
                assert_eq!(hers.frame().header("Delivery"), Some("delivered"));
            })
        })
        .collect();
    let (p50, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
    eprintln!("{what}, {many} messages: delivered after {p50:?} (p50), {p99:?} (p99)");
}

#[test]
fn r_4_3_1_messages_are_fast_enough_to_talk() {
    // messages are fast enough for a conversation
    const MANY: usize = 20;
    let (alice, carol, bob) = (town().in_a("alice"), town().in_a("carol"), town().in_b("bob"));
    for to in [&carol, &bob] {
        let mut recv = Tool::spawn(&mut to.tool("impp-recv", &["--body"]));
        let network = Proxy::to(alice.site.tls);
        let server = network.address.to_string();
        let mut lines = Tool::spawn(&mut alice.tool("impp-send", &["--server", &server, "--lines", &to.address()]));
        let mut say = |text: &str| {
            lines.type_in(&format!("{text}\n"));
            assert_eq!(recv.line(), text);
        };
        say("the first one logs in");
        let before = network.turns().len();
        (0..MANY).for_each(|number| say(&number.to_string()));
        assert_eq!(lines.finish().0, 0);
        // There and back once for each, the goodbye included: nothing is negotiated any more.
        let turns = network.turns().len() - before;
        assert!(turns <= 2 * MANY + 4, "{turns} turns for {MANY} messages");
        assert_eq!(network.accepted(), 1);
    }
    talk("within a domain", &alice, &carol, 50);
    talk("between domains", &alice, &bob, 50);
}

/// `cargo test --release --test rfc2779 -- --ignored --nocapture talk_by_the_figures`
#[test]
#[ignore = "run it for its figures"]
fn talk_by_the_figures() {
    let (alice, carol, bob) = (town().in_a("alice"), town().in_a("carol"), town().in_b("bob"));
    talk("within a domain", &alice, &carol, 5000);
    talk("between domains", &alice, &bob, 5000);
}
