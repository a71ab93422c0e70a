//! impp-acl against a relay.

use crate::site::Site;

#[test]
fn rules_are_set_shown_tested_and_taken_away() {
    let site = Site::start();
    let acl = |words: &[&str]| site.acl("alice", words);
    let rules = || -> Vec<String> {
        acl(&["show"]).quietly(0).out.lines().map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")).collect()
    };
    acl(&["show"]).saying(0, "no rules: the default of the domain decides");
    acl(&["allow", "fetch,subscribe", "bob@demo.test", "--view", "team"]).quietly(0);
    acl(&["conceal", "fetch,subscribe", "*@evil.example"]).quietly(0);
    assert!(rules().contains(&"allow fetch,subscribe bob@demo.test view=team".to_owned()), "{:?}", rules());
    assert!(rules().contains(&"conceal fetch,subscribe *@evil.example".to_owned()), "{:?}", rules());
    let done = acl(&["test", "eve@evil.example", "fetch"]).quietly(1);
    assert!(done.out.starts_with("conceal  fetch  rule "), "{}", done.out);
    let told = acl(&["test", "bob@demo.test", "subscribe", "--json"]).quietly(0).json().remove(0);
    assert_eq!((&told["allowed"], &told["view"]), (&true.into(), &"team".into()));
    acl(&["test", "alice@demo.test", "read"]).quietly(0);
    acl(&["remove", "bob@demo.test"]).quietly(0);
    acl(&["remove", "bob@demo.test"]).saying(1, "no rule speaks of bob@demo.test");
    acl(&["default"]).quietly(0);
    acl(&["show"]).saying(0, "the default of the domain decides");
}

#[test]
fn rules_travel_as_xml_and_are_edited_as_lines() {
    let site = Site::start();
    let file = site.path("rules.xml");
    site.acl("alice", &["deny", "send", "bob@demo.test"]).quietly(0);
    site.acl("alice", &["export", file.to_str().unwrap()]).quietly(0);
    site.acl("bob", &["import", file.to_str().unwrap()]).quietly(0);
    let done = site.acl("bob", &["export"]).quietly(0);
    assert!(done.out.starts_with("<acl><rule>") && done.out.contains("<action>deny</action>"), "{}", done.out);
    std::fs::write(&file, "<acl><rule><who>*</who><op>sned</op><action>allow</action></rule></acl>").unwrap();
    site.acl("bob", &["import", file.to_str().unwrap()]).saying(65, "holds no rules");
    let edit =
        |editor: &str| site.call("impp-acl", "bob", &["edit"]).env("EDITOR", editor).env("XDG_RUNTIME_DIR", site.path("")).run();
    edit("sed -i -e 's/^deny /conceal /'").quietly(0);
    assert!(site.acl("bob", &["show"]).out.contains("conceal  send"));
    edit("true").saying(0, "nothing changed");
    edit("false").saying(1, "nothing changed");
    edit("sed -i -e 's/^conceal /permit /'").saying(65, "the action is one of");
}

#[test]
fn who_watches_and_who_was_refused() {
    let site = Site::start();
    let mut watch = site.call("impp-watch", "bob", &["alice@demo.test"]).start();
    watch.line();
    let done = site.acl("alice", &["watchers"]).quietly(0);
    assert!(done.out.starts_with("bob@demo.test  since "), "{}", done.out);
    site.acl("alice", &["deny", "fetch", "carol@demo.test"]).quietly(0);
    site.call("impp-fetch", "carol", &["-q", "alice@demo.test"]).run().quietly(3);
    let told = site.acl("alice", &["refused", "--json"]).quietly(0).json().remove(0);
    assert_eq!((&told["who"], &told["op"]), (&"carol@demo.test".into(), &"fetch".into()));
    watch.signal("INT");
    watch.end().quietly(130);
}
