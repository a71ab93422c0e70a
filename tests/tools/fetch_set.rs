//! impp-fetch and impp-set against a relay.

use crate::site::Site;

#[test]
fn several_addresses_make_one_status() {
    let site = Site::start();
    site.call("impp-set", "alice", &["open"]).run().quietly(0);
    let fetch = |words: &[&str]| site.call("impp-fetch", "carol", words).run();
    let (open, closed) = ("alice@demo.test", "bob@demo.test");
    for (words, status) in [
        (&[open][..], 0),
        (&[closed], 1),
        (&[open, closed], 2),
        (&["--any", open, closed], 0),
        (&["--all", open, closed], 1),
        (&["--any", closed], 1),
    ] {
        fetch(&[&["-q"], words].concat()).quietly(status);
    }
    let done = fetch(&[closed, open]).quietly(2);
    assert!(done.out.starts_with("closed  bob@demo.test  -  -  -\nopen  alice@demo.test  -  -  "), "{}", done.out);
    fetch(&["nobody@demo.test"]).saying(67, "target-unknown");
    assert_eq!(fetch(&["-1", open, closed]).quietly(2).out, "mixed\n");
    assert_eq!(fetch(&["--format", "{status}\\t{address}\\n", open]).quietly(0).out, "open\talice@demo.test\n");
    assert!(fetch(&["--xml", open]).quietly(0).out.starts_with("<presence>"));
    site.acl("alice", &["deny", "fetch", "*"]).quietly(0);
    site.acl("alice", &["deny", "fetch", "local"]).quietly(0);
    let told = fetch(&["--json", open]).quietly(3).json().remove(0);
    assert_eq!((&told["status"], &told["error"], &told["code"]), (&"unknown".into(), &"permission-denied".into(), &3.into()));
}

#[test]
fn a_lease_lies_over_what_is_permanent() {
    let site = Site::start();
    let set = |words: &[&str]| site.call("impp-set", "alice", words).run();
    let shown =
        || site.call("impp-fetch", "bob", &["--format", "{status} {activity} {note} {card}", "alice@demo.test"]).run().out;
    set(&["open", "--card", "fn=Alice"]).quietly(0);
    assert_eq!(shown(), "open   {\"fn\":\"Alice\"}");
    let told = set(&["closed", "--note", "away for a while", "--lease", "10m", "--json"]).quietly(0).json().remove(0);
    assert_eq!((&told["status"], &told["lease"]), (&"closed".into(), &"600".into()));
    assert_eq!(shown(), "closed  away for a while {\"fn\":\"Alice\"}");
    set(&["--clear"]).quietly(0);
    assert_eq!(shown(), "open   {\"fn\":\"Alice\"}");
    // Without a lease it is for good, and no older lease hides it.
    set(&["closed", "--lease", "10m"]).quietly(0);
    set(&["open", "--activity", "busy"]).quietly(0);
    assert_eq!(shown(), "open busy  {\"fn\":\"Alice\"}");
    assert!(set(&["--show"]).quietly(0).out.starts_with("alice@demo.test  open  busy  -  "));
}

#[test]
fn tuples_change_one_at_a_time() {
    let site = Site::start();
    let set = |words: &[&str]| site.call("impp-set", "alice", words).run().quietly(0);
    let told = || site.call("impp-fetch", "bob", &["--json", "alice@demo.test"]).run().json().remove(0);
    set(&["open", "--tuple", "laptop"]);
    set(&["closed", "--tuple", "phone", "--contact", "tel:+41", "--priority", "0.3"]);
    let both = told();
    assert_eq!((&both["status"], both["tuples"].as_array().unwrap().len()), (&"open".into(), 2));
    set(&["--clear", "--tuple", "laptop"]);
    let one = told();
    assert_eq!(
        (&one["status"], &one["tuples"][0]["id"], &one["tuples"][0]["contact"]),
        (&"closed".into(), &"phone".into(), &"tel:+41".into())
    );
}

#[test]
fn a_hold_ends_with_its_command_or_signal() {
    let site = Site::start();
    let shown = || site.call("impp-fetch", "bob", &["--format", "{status}", "alice@demo.test"]).run().out;
    let (probe, seen) = (site.path("probe"), site.path("seen"));
    std::fs::write(&probe, format!("cat > {}\nexit 7\n", seen.display())).unwrap();
    let fetch = format!("sleep 0; sh {} < /dev/null", probe.display());
    let done = site.call("impp-set", "alice", &["open", "--exec", "sh", "-c", &fetch]).run();
    assert_eq!(done.status, 7, "{done:?}");
    assert!(seen.exists());
    assert_eq!(shown(), "closed");
    let mut hold = site.call("impp-set", "alice", &["open", "--hold", "--json"]).start();
    assert_eq!(hold.json()["lease"], "3600");
    assert_eq!(shown(), "open");
    hold.signal("INT");
    hold.end().quietly(130);
    assert_eq!(shown(), "closed");
}

#[test]
fn a_file_is_published_as_it_is_and_another_user_by_permission() {
    let site = Site::start();
    let file = site.path("presence.xml");
    std::fs::write(&file, "<presence><status>open</status><mood>good</mood></presence>").unwrap();
    site.call("impp-set", "alice", &["--file", file.to_str().unwrap()]).run().quietly(0);
    let done = site.call("impp-fetch", "bob", &["--xml", "alice@demo.test"]).run().quietly(0);
    assert!(done.out.contains("<mood>good</mood>"), "{}", done.out);
    std::fs::write(&file, "<presence><status>ajar</status></presence>").unwrap();
    site.call("impp-set", "alice", &["--file", file.to_str().unwrap()]).run().saying(65, "is no presence");
    let other = || site.call("impp-set", "bob", &["closed", "--for", "alice@demo.test"]).run();
    other().saying(77, "permission-denied");
    site.acl("alice", &["allow", "change", "bob@demo.test"]).quietly(0);
    other().quietly(0);
    assert_eq!(site.call("impp-fetch", "bob", &["-1", "alice@demo.test"]).run().quietly(1).out, "closed\n");
}
