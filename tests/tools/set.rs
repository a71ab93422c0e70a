//! impp-set: leases as they are granted, what holds and how it ends, what is shown.

use crate::site::Site;

#[test]
fn a_lease_shorter_than_the_wish_is_said() {
    let site = Site::start();
    let set = |words: &[&str]| site.call("impp-set", "alice", &[&["open"], words].concat()).run();
    set(&["--lease", "10m"]).quietly(0);
    // The relay's own bounds: a minute to a day.
    set(&["--lease", "3d"]).saying(0, "the lease is 24 h, not 3 d: the server grants no other");
    set(&["-q", "--lease", "3d"]).quietly(0);
    set(&["--lease", "10s"]).quietly(0);
    set(&["-v", "--lease", "10s"]).saying(0, "the lease is 60 s, not 10 s");
    let told = set(&["--json", "-q", "--lease", "10s"]).quietly(0).json().remove(0);
    assert_eq!(told["lease"], "60");
    set(&["--lease", "0"]).saying(64, "--clear takes the leased value away");
    set(&["--hold", "--lease", "infinity"]).saying(64, "--lease infinity does not go with them");
}

#[test]
fn a_held_tuple_goes_and_the_rest_stays() {
    let site = Site::start();
    let shown = || {
        let told = site.call("impp-fetch", "bob", &["--json", "alice@demo.test"]).run().json().remove(0);
        let ids: Vec<_> =
            told["tuples"].as_array().unwrap().iter().map(|tuple| tuple["id"].as_str().unwrap().to_owned()).collect();
        format!("{} {}", told["status"].as_str().unwrap(), ids.join(","))
    };
    site.call("impp-set", "alice", &["closed", "--tuple", "phone"]).run().quietly(0);
    let mut hold = site.call("impp-set", "alice", &["open", "--hold", "--tuple", "laptop", "--json"]).start();
    assert_eq!(hold.json()["status"], "open");
    assert_eq!(shown(), "open phone,laptop");
    hold.signal("TERM");
    hold.end().quietly(143);
    assert_eq!(shown(), "closed phone");
    // For good, and out of a leased value as well.
    site.call("impp-set", "alice", &["open", "--tuple", "desk", "--lease", "10m"]).run().quietly(0);
    assert_eq!(shown(), "open phone,desk");
    site.call("impp-set", "alice", &["--clear", "--tuple", "desk"]).run().quietly(0);
    assert_eq!(shown(), "closed phone");
}

#[test]
fn what_is_published_is_shown_with_its_parts() {
    let site = Site::start();
    let set = |words: &[&str]| site.call("impp-set", "alice", words).run();
    assert_eq!(set(&["--show"]).quietly(1).out, "alice@demo.test  closed  -  -\n");
    set(&["open", "--note", "here", "--card", "fn=Alice\u{202e}", "--card", "title=Dr"]).quietly(0);
    set(&["closed", "--tuple", "phone", "--contact", "tel:+41", "--priority", "0.3"]).quietly(0);
    set(&["open", "--tuple", "desk", "--activity", "busy"]).quietly(0);
    let shown = set(&["--show"]).quietly(0).out;
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].starts_with("alice@demo.test  open  -  \"here\"  "), "{shown}");
    assert_eq!(
        lines[1..],
        ["  phone  closed  -  -  tel:+41  0.3", "  desk  open  busy  -  -  -", "  fn: Alice\\u{202e}", "  title: Dr"]
    );
}

#[test]
fn a_view_is_for_those_to_whom_it_is_shown() {
    let site = Site::start();
    site.acl("alice", &["allow", "fetch", "bob@demo.test", "--view", "team"]).quietly(0);
    site.call("impp-set", "alice", &["closed"]).run().quietly(0);
    site.call("impp-set", "alice", &["open", "--note", "for the team", "--view", "team"]).run().quietly(0);
    let seen = |who: &str| site.call("impp-fetch", who, &["--format", "{status} {note}", "alice@demo.test"]).run().out;
    assert_eq!((seen("bob"), seen("carol")), ("open for the team".to_owned(), "closed ".to_owned()));
    site.call("impp-set", "alice", &["--show", "--view", "team"]).run().saying(64, "shows no view");
}

#[test]
fn a_command_that_outlasts_the_time_is_ended_and_the_value_taken_back() {
    let site = Site::start();
    let words = ["open", "--timeout", "3s", "--exec", "sh", "-c", "trap '' TERM; while :; do sleep 1; done"];
    site.call("impp-set", "alice", &words).run().quietly(0);
    assert_eq!(site.call("impp-fetch", "bob", &["-1", "alice@demo.test"]).run().quietly(1).out, "closed\n");
    site.call("impp-set", "alice", &["open", "--exec", "/nonexistent/command"]).run().saying(66, "cannot run");
    assert_eq!(site.call("impp-fetch", "bob", &["-1", "alice@demo.test"]).run().quietly(1).out, "closed\n");
}
