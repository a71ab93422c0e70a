//! impp-fetch's answers for monitors, for other systems, and of many at once.

use crate::site::{Call, Site};

#[test]
fn a_monitor_gets_one_line_and_its_own_status() {
    let site = Site::start();
    site.call("impp-set", "alice", &["open"]).run().quietly(0);
    let fetch = |words: &[&str]| site.call("impp-fetch", "carol", &[&["--nagios"], words].concat()).run();
    let (open, closed) = ("alice@demo.test", "bob@demo.test");
    for (words, status, line) in [
        (&[open][..], 0, "PRESENCE OK - 1 of 1 open | open=1 closed=0 unknown=0\n"),
        (&[closed], 2, "PRESENCE CRITICAL - 0 of 1 open; closed: bob@demo.test | open=0 closed=1 unknown=0\n"),
        (&[open, closed], 1, "PRESENCE WARNING - 1 of 2 open; closed: bob@demo.test | open=1 closed=1 unknown=0\n"),
        (&["--any", open, closed], 0, "PRESENCE OK - 1 of 2 open; closed: bob@demo.test | open=1 closed=1 unknown=0\n"),
        (&["nobody@demo.test"], 3, "PRESENCE UNKNOWN - 0 of 1 open; unknown: nobody@demo.test | open=0 closed=0 unknown=1\n"),
    ] {
        let done = fetch(words).quietly(status);
        assert_eq!(done.out, line);
    }
    // Trouble is no alarm, wherever it comes from; only a wrong command line is for the person who wrote it.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let words = ["--nagios", "--login", "a@demo.test", "--server", &nobody, open];
    let lost = Call::new("impp-fetch", &words).env("IMPP_PASSWORD", "x").run().quietly(3);
    assert!(lost.out.starts_with("PRESENCE UNKNOWN - ") && lost.out.lines().count() == 1, "{lost:?}");
    assert!(fetch(&["bob|x"]).quietly(3).out.starts_with("PRESENCE UNKNOWN - \"bob/x\" is no address"));
    fetch(&["--json", open]).saying(64, "cannot be used with");
}

#[test]
fn pidf_is_a_document_per_line() {
    let site = Site::start();
    let words = ["open", "--activity", "meeting", "--note", "a\u{202e} <b>", "--card", "fn=Alice"];
    site.call("impp-set", "alice", &words).run().quietly(0);
    site.call("impp-set", "alice", &["open", "--tuple", "phone", "--contact", "tel:+41", "--priority", "0.5"]).run().quietly(0);
    let done = site.call("impp-fetch", "bob", &["--pidf", "alice@demo.test", "bob@demo.test"]).run().quietly(2);
    let documents: Vec<_> = done.out.lines().collect();
    assert_eq!(documents.len(), 2, "{}", done.out);
    for part in [
        " entity=\"pres:alice@demo.test\">",
        "<tuple id=\"impp\"><status><basic>open</basic></status><contact>impp://demo.test/alice</contact>",
        "<tuple id=\"phone\"><status><basic>open</basic></status><contact priority=\"0.5\">tel:+41</contact>",
        "<note>a&#8238; &lt;b&gt;</note>",
        "<rpid:activities><rpid:meeting/></rpid:activities><c:display-name>Alice</c:display-name>",
    ] {
        assert!(documents[0].contains(part), "{part}: {}", documents[0]);
    }
    // What one publishes another can publish as well, apart from whose it is.
    let file = site.path("pidf.xml");
    std::fs::write(&file, documents[0]).unwrap();
    let file = file.to_str().unwrap();
    site.call("impp-set", "bob", &["--file", file])
        .run()
        .saying(65, "it is the presence of alice@demo.test, not of bob@demo.test");
    site.call("impp-set", "alice", &["closed"]).run().quietly(0);
    site.call("impp-set", "alice", &["--file", "-"]).input(documents[0]).run().quietly(0);
    let back = site.call("impp-fetch", "bob", &["--json", "alice@demo.test"]).run().quietly(0).json().remove(0);
    assert_eq!((&back["activity"], &back["tuples"][0]["contact"]), (&"meeting".into(), &"tel:+41".into()));
    assert_eq!(back["note"], "a\u{202e} <b>");
    let again = site.call("impp-fetch", "bob", &["--pidf", "alice@demo.test"]).run().quietly(0);
    assert_eq!(again.out.trim_end(), documents[0]);
}

#[test]
fn a_list_of_many_is_asked_in_order_a_few_at_a_time() {
    let site = Site::start();
    site.call("impp-set", "alice", &["open"]).run().quietly(0);
    let list = site.path("list");
    std::fs::write(&list, "# the team\nbob@demo.test  # on call\nalice@demo.test\n\nimpp://demo.test/bob\n").unwrap();
    let words = ["--list", list.to_str().unwrap(), "--parallel", "1", "--format", "{address} {status}\\n", "carol@demo.test"];
    let done = site.call("impp-fetch", "carol", &words).run().quietly(2);
    assert_eq!(done.out, "carol@demo.test closed\nbob@demo.test closed\nalice@demo.test open\n");
    let piped = site.call("impp-fetch", "carol", &["--list", "-", "-1"]).input("alice@demo.test\n").run().quietly(0);
    assert_eq!(piped.out, "open\n");
    Call::new("impp-fetch", &["--list", "/dev/null", "--login", "a@x"]).run().saying(65, "the list is empty");
    Call::new("impp-fetch", &["--parallel", "0", "a@x"]).run().saying(64, "0");
}
