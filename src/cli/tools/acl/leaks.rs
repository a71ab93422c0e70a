//! Rules that conceal less than they seem to.

use super::rules;
use crate::cli::print::Printer;
use crate::model::Domain;
use crate::model::acl::{Acl, Action, Op, Who};

/// Says where `after`, unlike `before`, conceals one way to presence and leaves the other open.
pub(super) fn warn(before: &Acl, after: &Acl, home: &Domain, out: &Printer) {
    let known = leaks(before, home);
    for (who, hidden, open) in leaks(after, home).into_iter().filter(|leak| !known.contains(leak)) {
        let who = rules::shown(&who);
        out.note(&format!(
            "{hidden} is concealed from {who}, but {open} is allowed, and shows the same: conceal fetch,subscribe {who} closes both"
        ));
    }
}

/// From whom one op is concealed while the other, which tells the same, is allowed: those of whom a rule speaks, and those
/// within them of whom a further rule or the domain's default does.
fn leaks(acl: &Acl, home: &Domain) -> Vec<(Who, Op, Op)> {
    let default = Acl::shipped_default();
    let spoken_of = || acl.rules.iter().chain(&default.rules).map(|rule| &rule.who);
    let mut found = Vec::new();
    for concealed in acl.rules.iter().filter(|rule| rule.action == Action::Conceal).map(|rule| &rule.who) {
        for who in spoken_of().filter(|who| concealed.covers(who, home)) {
            for (hidden, open) in [(Op::Subscribe, Op::Fetch), (Op::Fetch, Op::Subscribe)] {
                let leak = (who.clone(), hidden, open);
                let leaks = decided(acl, who, hidden, home) == Action::Conceal && decided(acl, who, open, home) == Action::Allow;
                if leaks && !found.contains(&leak) {
                    found.push(leak);
                }
            }
        }
    }
    found
}

/// What is done about all of `who`; the domain's default is taken as shipped.
fn decided(acl: &Acl, who: &Who, op: Op, home: &Domain) -> Action {
    let default = Acl::shipped_default();
    let mut rules = acl.rules.iter().chain(&default.rules);
    rules.find(|rule| rule.ops.contains(&op) && rule.who.covers(who, home)).map_or(Action::Deny, |rule| rule.action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::account::AddressBook;

    #[test]
    fn half_a_concealment_is_found() {
        let home = Domain::parse("home").unwrap();
        for (lines, expected) in [
            (&[("conceal", "subscribe", "ann@home")][..], "subscribe ann@home"),
            (&[("conceal", "fetch", "local")], "fetch local"),
            (&[("conceal", "fetch,subscribe", "ann@home")], ""),
            // Others may not fetch by default, which gives nothing away that they could see.
            (&[("conceal", "subscribe", "bob@away")], ""),
            (&[("allow", "fetch", "*@away"), ("conceal", "subscribe", "bob@away")], "subscribe bob@away"),
            (&[("deny", "fetch", "*"), ("conceal", "subscribe", "ann@home")], ""),
            // The concealment is not what decides.
            (&[("allow", "subscribe", "local"), ("conceal", "subscribe", "ann@home")], ""),
            (&[("conceal", "send", "ann@home")], ""),
            // By default those at home may fetch.
            (&[("conceal", "subscribe", "*")], "subscribe local"),
            (&[("deny", "fetch", "local"), ("conceal", "subscribe", "*")], ""),
            (
                &[("allow", "fetch", "bob@away"), ("conceal", "fetch", "local"), ("conceal", "subscribe", "*")],
                "subscribe bob@away",
            ),
        ] {
            let mut acl = Acl::default();
            for (action, ops, who) in lines {
                let who = rules::who(who, &AddressBook::default()).unwrap().remove(0);
                acl.rules.push(rules::rule(who, &rules::ops(ops).unwrap(), Action::parse(action).unwrap(), None).unwrap());
            }
            let found: Vec<_> = leaks(&acl, &home).iter().map(|(who, op, _)| format!("{op} {}", rules::shown(who))).collect();
            assert_eq!(found.join(", "), expected, "{lines:?}");
        }
    }
}
