//! `acl`: an administrator reads and changes anybody's rules, and they hold at once.

use crate::support::{Site, at, url};
use crate::{asked, ran};

#[test]
fn rules_that_an_administrator_sets_hold_at_once_and_outlive_a_crash() {
    let mut site = Site::with_users(&["alice", "bob"]);
    let mut alice = site.logged_in("alice", "laptop", "");
    let mut bob = site.logged_in("bob", "desk", "");
    assert_eq!(bob.ask("SUBSCRIBE", &url("alice"), "", b"").header("Lease-Time"), Some("3600"));
    let none = (0, String::new(), "impp-relay: no rules: the default of the domain decides\n".to_owned());
    assert_eq!(ran(&site, &["acl", "alice", "show"]), none);
    let watching = asked(&site, &["acl", "alice", "watchers"]);
    assert_eq!((watching.len(), &watching[0]["who"]), (1, &at("bob").into()));

    assert_eq!(ran(&site, &["acl", "alice", "deny", "fetch,subscribe", &at("bob")]), (0, String::new(), String::new()));
    let ended = bob.frame();
    assert!(ended.start().starts_with("TERMINATE-SUBSCRIPTION "), "{}", bob.talk());
    assert_eq!(ended.header("Cause"), Some("permission-denied"), "{}", bob.talk());
    bob.accept(&ended);
    assert_eq!(bob.ask("FETCH", &url("alice"), "", b"").header("Error"), Some("permission-denied"), "{}", bob.talk());
    assert_eq!(asked(&site, &["acl", "alice", "refused"])[0]["who"], at("bob"));
    // The owner sees them, and the version that stands.
    let seen = alice.ask("GET-ACL", "alice", "", b"");
    let (version, body) = (seen.header("ACL-Version").unwrap().to_owned(), String::from_utf8(seen.body).unwrap());
    assert!(version != "0" && body.contains("<action>deny</action>"), "{}", alice.talk());
    let tested = ran(&site, &["acl", "alice", "test", &at("bob"), "fetch"]);
    assert_eq!((tested.0, tested.2.as_str()), (1, ""), "{}", tested.1);
    assert!(tested.1.starts_with("deny  fetch  rule 1: deny fetch,subscribe bob@demo.test"), "{}", tested.1);

    site.kill();
    site.start();
    let rules = asked(&site, &["acl", "alice", "show"]);
    assert_eq!((rules.len(), &rules[0]["action"], &rules[0]["who"]), (1, &"deny".into(), &url("bob").into()));
    let file = site.path("rules.xml");
    site.administer(&["acl", "alice", "export", file.to_str().unwrap()]);
    site.administer(&["acl", "alice", "default"]);
    assert_eq!(ran(&site, &["acl", "alice", "show"]), none);
    site.administer(&["acl", "alice", "import", file.to_str().unwrap()]);
    assert_eq!(asked(&site, &["acl", "alice", "show"]), rules);
    assert_eq!(ran(&site, &["acl", "alice", "remove", &at("bob")]).0, 0);
}

#[test]
fn who_is_not_there_has_no_rules_and_who_is_disabled_has() {
    let site = Site::with_users(&["alice"]);
    let line = format!("impp-relay: there is no account {}\n", at("nobody"));
    for words in [&["acl", "nobody", "show"][..], &["acl", "nobody", "deny", "send", "*"], &["acl", "nobody", "watchers"]] {
        assert_eq!(ran(&site, words), (67, String::new(), line.clone()), "{words:?}");
    }
    site.administer(&["user", "disable", "alice"]);
    site.administer(&["acl", "alice", "conceal", "send", "*"]);
    assert_eq!(asked(&site, &["acl", "alice", "show"]).len(), 1);
    // Where no rule speaks the domain's default does, as it is configured.
    let tested = ran(&site, &["acl", "alice", "test", "eve@elsewhere.test", "fetch"]);
    assert_eq!((tested.0, tested.1.as_str()), (1, "deny  fetch  no rule; the domain's default\n"));
    // What no rule may say is refused before anything is asked; so is what is no rules at all.
    let (status, _, error) = ran(&site, &["acl", "alice", "allow", "read", "eve@elsewhere.test"]);
    assert_eq!(
        (status, error.as_str()),
        (65, "impp-relay: cannot allow change or read to eve@elsewhere.test: only to users of my own domain\n")
    );
    let broken = site.write("broken.xml", "<acl><rule></rule></acl>");
    assert_eq!(ran(&site, &["acl", "alice", "import", broken.to_str().unwrap()]).0, 65);
    assert_eq!(asked(&site, &["acl", "alice", "show"]).len(), 1);
}

#[test]
fn rules_are_edited_in_the_administrators_editor() {
    let site = Site::with_users(&["alice"]);
    let edited = |editor: &str| site.relay_command(&["acl", "alice", "edit"]).env("VISUAL", editor).output().unwrap();
    let done = edited("sh -c 'echo \"deny send *@x.test\" >> \"$0\"'");
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(asked(&site, &["acl", "alice", "show"])[0]["who"], "impp://x.test/*");
    // The owner changes them while the administrator's editor is open: nothing of theirs is overwritten.
    let command = format!(
        "sh -c 'echo \"deny send *@y.test\" >> \"$0\"; {} -c {} acl alice default'",
        crate::support::program("impp-relay"),
        site.path("impp-relay.toml").display()
    );
    let done = edited(&command);
    let error = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(75), "{error}");
    assert!(error.contains("somebody else changed the rules meanwhile"), "{error}");
    assert_eq!(asked(&site, &["acl", "alice", "show"]).len(), 0);
}
