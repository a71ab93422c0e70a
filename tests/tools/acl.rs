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

#[test]
fn half_a_concealment_is_warned_of() {
    let site = Site::start();
    let acl = |words: &[&str]| site.acl("alice", words);
    let warning = "subscribe is concealed from bob@demo.test, but fetch is allowed, and shows the same: \
                   conceal fetch,subscribe bob@demo.test closes both";
    acl(&["conceal", "subscribe", "bob@demo.test"]).saying(0, warning);
    acl(&["deny", "send", "carol@demo.test"]).quietly(0);
    acl(&["conceal", "fetch,subscribe", "bob@demo.test"]).quietly(0);
    acl(&["allow", "fetch", "bob@demo.test"]).saying(0, warning);
    acl(&["-q", "default"]).quietly(0);
    let file = site.path("rules.xml");
    std::fs::write(&file, "<acl><rule><who>local</who><op>fetch</op><action>conceal</action></rule></acl>").unwrap();
    acl(&["import", file.to_str().unwrap()]).saying(0, "fetch is concealed from local, but subscribe is allowed");
}

/// An editor that replaces the rules by the next of these texts each time it is called.
fn editor(site: &Site, texts: &[&str]) -> String {
    let script = site.path("editor");
    let mut text =
        "#!/bin/sh\nn=$(cat \"$0.calls\" 2>/dev/null || echo 0)\necho $((n + 1)) > \"$0.calls\"\ncp \"$1\" \"$0.seen.$n\"\n"
            .to_owned();
    for (at, rules) in texts.iter().enumerate() {
        text += &format!("[ $n != {at} ] || cat > \"$1\" <<'END'\n{rules}\nEND\n");
    }
    std::fs::write(&script, text).unwrap();
    format!("sh {}", script.display())
}

#[test]
fn a_mistake_is_shown_and_edited_again() {
    if !std::path::Path::new("/usr/bin/script").exists() {
        // Without it there is no terminal to be had.
        return eprintln!("skipped: script is not installed");
    }
    let site = Site::start();
    let edit = |texts: &[&str], typed: &str| {
        let call = site.call("impp-acl", "bob", &["edit"]).on_terminal();
        call.env("EDITOR", editor(&site, texts)).env("XDG_RUNTIME_DIR", site.path("")).input(typed).run()
    };
    let done = edit(&["deny sned *", "deny send carol@demo.test"], "\n");
    assert!(done.status == 0 && done.out.contains(".txt:1: ") && done.out.contains("edit again? [Y/n]"), "{done:?}");
    assert!(site.acl("bob", &["show"]).quietly(0).out.contains("deny     send             carol@demo.test"));
    std::fs::remove_file(site.path("editor.calls")).unwrap();
    let done = edit(&["deny sned *"], "n\n");
    assert!(done.status == 65 && done.out.contains("the edited rules are kept in "), "{done:?}");
    assert_eq!(done.out.matches(".txt:1: ").count(), 1, "said once: {done:?}");
    assert!(site.acl("bob", &["show"]).quietly(0).out.contains("carol@demo.test"), "nothing was written");
}

#[test]
fn a_change_by_somebody_else_is_not_overwritten() {
    let site = Site::start();
    let (begun, go) = (site.path("begun"), site.path("go"));
    let editor = format!(
        "sh -c 'touch {}; while ! [ -e {} ]; do :; done; echo deny send carol@demo.test > \"$0\"'",
        begun.display(),
        go.display()
    );
    let call = site
        .call("impp-acl", "bob", &["edit"])
        .env("VISUAL", editor)
        .env("EDITOR", "false")
        .env("XDG_RUNTIME_DIR", site.path(""));
    let edit = call.start();
    while !begun.exists() {}
    site.acl("bob", &["deny", "send", "alice@demo.test"]).quietly(0);
    std::fs::write(go, "").unwrap();
    let done = edit.end().saying(75, "somebody else changed the rules meanwhile");
    let kept = done.err.split_once("kept in ").unwrap().1.lines().next().unwrap();
    let kept = std::fs::read_to_string(kept).unwrap();
    assert_eq!(kept, "deny send carol@demo.test\n\n# The rules are now:\n# deny     send             alice@demo.test\n");
    assert!(!site.acl("bob", &["show"]).quietly(0).out.contains("carol"));
    // Commands that only add read again and try once more: many at once leave nothing out.
    let adding: Vec<_> =
        (0..2).map(|n| site.call("impp-acl", "bob", &["deny", "send", &format!("user{n}@demo.test")]).start()).collect();
    adding.into_iter().for_each(|one| drop(one.end().quietly(0)));
    let rules = site.acl("bob", &["show"]).quietly(0).out;
    assert!(rules.contains("user0@demo.test") && rules.contains("user1@demo.test"), "{rules}");
}
