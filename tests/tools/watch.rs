//! impp-watch against a relay.

use crate::site::Site;

#[test]
fn the_state_now_then_each_change() {
    let site = Site::start();
    let mut watch = site.call("impp-watch", "bob", &["alice@demo.test"]).start();
    let line = watch.line();
    assert!(line.starts_with("alice@demo.test  closed  -  -  ") && line.ends_with("  initial"), "{line}");
    site.call("impp-set", "alice", &["open", "--activity", "away", "--note", "lunch\u{9b}"]).run().quietly(0);
    let line = watch.line();
    assert!(line.starts_with("alice@demo.test  open  away  \"lunch\\u{9b}\"  ") && line.ends_with("  change"), "{line}");
    watch.signal("TERM");
    watch.end().quietly(143);
}

#[test]
fn until_open_waits_for_it() {
    let site = Site::start();
    site.call("impp-watch", "bob", &["--until", "open", "--timeout", "3s", "-q", "alice@demo.test"]).run().quietly(1);
    let mut watch = site.call("impp-watch", "bob", &["--until", "open", "--json", "alice@demo.test", "carol@demo.test"]).start();
    let first = [watch.json(), watch.json()];
    assert!(first.iter().all(|told| told["v"] == 1 && told["status"] == "closed" && told["why"] == "initial"), "{first:?}");
    site.call("impp-set", "carol", &["open"]).run().quietly(0);
    let told = watch.json();
    assert_eq!((&told["address"], &told["status"], &told["why"]), (&"carol@demo.test".into(), &"open".into(), &"change".into()));
    watch.end().quietly(0);
}

#[test]
fn a_handler_and_a_count() {
    let site = Site::start();
    let seen = site.path("seen");
    let command = format!("echo \"$IMPP_ADDR $IMPP_STATUS $IMPP_WHY\" >> {}", seen.display());
    site.call("impp-watch", "bob", &["--count", "1", "--exec", &command, "alice@demo.test"]).run().quietly(0);
    assert_eq!(std::fs::read_to_string(seen).unwrap(), "alice@demo.test closed initial\n");
}

#[test]
fn who_may_not_watch_is_told_so() {
    let site = Site::start();
    site.acl("alice", &["deny", "subscribe", "bob@demo.test"]).quietly(0);
    let done = site.call("impp-watch", "bob", &["alice@demo.test"]).run().saying(77, "cannot watch alice@demo.test");
    assert!(done.out.ends_with("  refused\n"), "{done:?}");
    // One line was asked for, and one came; but not what was waited for.
    site.call("impp-watch", "bob", &["--count", "1", "alice@demo.test"]).run().saying(77, "cannot watch alice@demo.test");
    let mut watch = site.call("impp-watch", "carol", &["alice@demo.test"]).start();
    watch.line();
    site.acl("alice", &["deny", "subscribe", "local"]).quietly(0);
    assert!(watch.line().ends_with("  terminated"));
    watch.end().saying(77, "permission-denied");
}

#[test]
fn a_status_line_for_all() {
    let site = Site::start();
    let mut watch =
        site.call("impp-watch", "bob", &["--status", "--until", "change", "alice@demo.test", "carol@demo.test"]).start();
    assert_eq!([watch.line(), watch.line()], ["0/2 open", "0/2 open"]);
    site.call("impp-set", "carol", &["open"]).run().quietly(0);
    assert_eq!(watch.line(), "1/2 open: carol@demo.test");
    watch.end().quietly(0);
}

#[test]
fn pidf_tells_each_state() {
    let site = Site::start();
    let mut watch = site.call("impp-watch", "bob", &["--pidf", "--count", "2", "alice@demo.test"]).start();
    assert!(watch.line().contains("<tuple id=\"impp\"><status><basic>closed</basic></status>"));
    site.call("impp-set", "alice", &["open", "--note", "a\nb"]).run().quietly(0);
    let line = watch.line();
    assert!(line.contains("<basic>open</basic>") && line.contains("<note>a&#10;b</note>"), "{line}");
    watch.end().quietly(0);
}

#[test]
fn a_handler_that_stays_keeps_nobody() {
    let site = Site::start();
    let begun = site.path("begun");
    let command = format!("touch {}; trap '' TERM; sleep 1000 & wait; wait; sleep 1000", begun.display());
    let watch = site.call("impp-watch", "bob", &["--exec", &command, "alice@demo.test"]).start();
    while !begun.exists() {}
    watch.signal("TERM");
    assert_eq!(watch.end().status, 143);
    let late = site.call("impp-watch", "bob", &["--timeout", "3s", "--exec", "sleep 1000", "alice@demo.test"]).run();
    assert_eq!(late.status, 1, "{late:?}");
}

#[test]
fn a_list_of_those_who_are_watched() {
    let site = Site::start();
    let list = site.path("list");
    std::fs::write(&list, "# the team\nalice@demo.test  # on call\n\nimpp://demo.test/alice\ncarol@demo.test\n").unwrap();
    let words = ["--count", "2", "--format", "{address}\\n", "--list"];
    let told = site.call("impp-watch", "bob", &[&words[..], &[list.to_str().unwrap()]].concat()).run().quietly(0).out;
    let mut told: Vec<_> = told.lines().collect();
    told.sort_unstable();
    assert_eq!(told, ["alice@demo.test", "carol@demo.test"]);
    let piped = site.call("impp-watch", "bob", &[&words[..], &["-"]].concat()).input("alice@demo.test\ncarol@demo.test\n").run();
    assert_eq!(piped.quietly(0).out.lines().count(), 2);
    site.call("impp-watch", "bob", &["--list", "/nonexistent/list"]).run().saying(66, "/nonexistent/list");
}
