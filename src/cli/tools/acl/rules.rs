//! Changing and explaining rules: where a new one goes, which old ones it replaces, which one decides.

use crate::cli::account::AddressBook;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::model::acl::{ANONYMOUS_DOMAIN, Acl, Action, Op, Rule, Who};
use crate::model::{Address, Domain, Token, Watcher};

/// Reads `fetch,subscribe`; `all` is fetch, subscribe and send.
pub(super) fn ops(text: &str) -> Result<Vec<Op>, String> {
    let mut ops = Vec::new();
    for word in text.split(',') {
        let meant = match word {
            "all" => vec![Op::Fetch, Op::Subscribe, Op::Send],
            word => {
                vec![Op::parse(word).ok_or_else(|| format!("{word:?} is none of fetch, subscribe, send, change, read, all"))?]
            }
        };
        ops.extend(meant.into_iter().filter(|op| !ops.contains(op)).collect::<Vec<_>>());
    }
    Ok(ops)
}

/// Reads whom a rule concerns: `*`, `local`, `anonymous`, `*@domain`, `impp://domain/*`, an address, an alias for one or several.
pub(super) fn who(text: &str, book: &AddressBook) -> Outcome<Vec<Who>> {
    let domain = text.strip_prefix("*@").or_else(|| text.strip_prefix('@'));
    if let Some(domain) = domain {
        let domain = Domain::parse(domain).map_err(|why| Failure::new(Exit::Data, format!("{text:?}: {why}")))?;
        return Ok(vec![Who::Domain(domain)]);
    }
    let word = matches!(text, "*" | "local" | "anonymous") || text.ends_with("/*");
    match Who::parse(text) {
        Some(who) if word => Ok(vec![who]),
        _ => Ok(book.find(text)?.into_iter().map(Who::User).collect()),
    }
}

/// Takes what the rules say about this `who` and these ops out of them; empty `ops`: everything about `who`.
/// Gives how many rules were touched.
pub(super) fn remove(acl: &mut Acl, who: &Who, ops: &[Op]) -> usize {
    let mut touched = 0;
    acl.rules.retain_mut(|rule| {
        let before = rule.ops.len();
        if rule.who == *who {
            rule.ops.retain(|op| !ops.is_empty() && !ops.contains(op));
        }
        touched += usize::from(rule.ops.len() != before);
        !rule.ops.is_empty()
    });
    touched
}

/// Adds a rule so that it takes effect for `who` without changing anything for those about whom a narrower rule
/// speaks: it stands before the first rule that means everybody it means. What was said about the same `who` and ops goes.
pub(super) fn add(acl: &mut Acl, new: Rule, home: &Domain) {
    remove(acl, &new.who, &new.ops);
    let at = acl.rules.iter().position(|rule| rule.who.covers(&new.who, home) && rule.ops.iter().any(|op| new.ops.contains(op)));
    acl.rules.insert(at.unwrap_or(acl.rules.len()), new);
}

/// A rule from the command line.
pub(super) fn rule(who: Who, ops: &[Op], action: Action, view: Option<Token>) -> Outcome<Rule> {
    let shows = action == Action::Allow && ops.iter().any(|op| matches!(op, Op::Fetch | Op::Subscribe));
    if view.is_some() && !shows {
        return Err(Failure::usage("--view goes only with allow fetch or allow subscribe"));
    }
    Ok(Rule { who, ops: ops.to_vec(), action, view })
}

/// What decides about a watcher and an op.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The owner may always.
    Owner,
    /// The rule with this number, counted from 1.
    Rule(usize, Action, Option<Token>),
    /// No rule speaks of it: the domain's default.
    Default(Action),
}

impl Verdict {
    pub(super) fn allows(&self) -> bool {
        match self {
            Self::Owner => true,
            Self::Rule(_, action, _) | Self::Default(action) => *action == Action::Allow,
        }
    }
}

/// Who decides whether `watcher` may do `op` to `owner`.
pub(super) fn verdict(acl: &Acl, default: &Acl, owner: &Address, watcher: &Address, op: Op) -> Verdict {
    if owner == watcher {
        return Verdict::Owner;
    }
    let asks = Watcher::new(watcher, owner);
    match acl.first_match(&asks, op).and_then(|at| acl.rules.get(at).map(|rule| (at, rule))) {
        Some((at, rule)) => Verdict::Rule(at + 1, rule.action, rule.view),
        None => Verdict::Default(default.decide(&asks, op).map_or(Action::Deny, |rule| rule.action)),
    }
}

/// Who is asked about in `test`: an address, or `anonymous`.
pub(super) fn watcher(text: &str, book: &AddressBook) -> Outcome<Address> {
    match text {
        "anonymous" => {
            Address::parse(&format!("someone@{ANONYMOUS_DOMAIN}")).map_err(|why| Failure::new(Exit::Internal, why.to_string()))
        }
        text => book.find_one(text),
    }
}

/// A `who` for people: email form where there is one.
pub(super) fn shown(who: &Who) -> String {
    match who {
        Who::User(address) => address.shown(),
        Who::Domain(domain) => format!("*@{}", domain.shown()),
        other => other.to_string(),
    }
}

/// A rule on one line.
///
/// *Shape:* `allow    fetch,subscribe  ann@example.org  view=team`
pub(super) fn line(rule: &Rule) -> String {
    let ops: Vec<_> = rule.ops.iter().map(|op| op.as_str()).collect();
    let view = rule.view.as_ref().map(|view| format!("  view={view}")).unwrap_or_default();
    format!("{:<8} {:<16} {}{view}", rule.action.as_str(), ops.join(","), shown(&rule.who))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(lines: &[(&str, &str, Action)]) -> Acl {
        let mut acl = Acl { rules: Vec::new() };
        for (name, words, action) in lines {
            for who in who(name, &AddressBook::default()).unwrap() {
                acl.rules.push(rule(who, &ops(words).unwrap(), *action, None).unwrap());
            }
        }
        acl
    }

    fn shown_rules(acl: &Acl) -> Vec<String> {
        acl.rules.iter().map(|rule| line(rule).split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn a_new_rule_goes_before_those_that_would_hide_it() {
        let home = Domain::parse("home").unwrap();
        let mut rules = acl(&[("bob@x", "send", Action::Allow), ("*", "send", Action::Deny)]);
        for (name, words, action) in [
            ("carol@x", "send", Action::Allow),
            ("*@x", "send", Action::Conceal),
            ("*", "send", Action::Allow),
            ("eve@x", "fetch", Action::Deny),
        ] {
            let who = who(name, &AddressBook::default()).unwrap().remove(0);
            add(&mut rules, rule(who, &ops(words).unwrap(), action, None).unwrap(), &home);
        }
        assert_eq!(
            shown_rules(&rules),
            ["allow send bob@x", "allow send carol@x", "conceal send *@x", "allow send *", "deny fetch eve@x"]
        );
    }

    #[test]
    fn a_new_rule_replaces_what_was_said_of_the_same() {
        let home = Domain::parse("home").unwrap();
        let mut rules = acl(&[("bob@x", "all", Action::Allow)]);
        let bob = Who::User(Address::parse("bob@x").unwrap());
        add(&mut rules, rule(bob.clone(), &[Op::Send], Action::Deny, None).unwrap(), &home);
        assert_eq!(shown_rules(&rules), ["allow fetch,subscribe bob@x", "deny send bob@x"]);
        assert_eq!(remove(&mut rules, &bob, &[]), 2);
        assert_eq!(rules.rules.len(), 0);
    }

    #[test]
    fn the_deciding_rule_is_found() {
        let address = |text: &str| Address::parse(text).unwrap();
        let owner = address("alice@home");
        let rules = acl(&[("bob@x", "send", Action::Deny), ("*", "fetch", Action::Conceal)]);
        for (name, op, verdict_is) in [
            ("alice@home", Op::Read, Verdict::Owner),
            ("bob@x", Op::Send, Verdict::Rule(1, Action::Deny, None)),
            ("bob@x", Op::Fetch, Verdict::Rule(2, Action::Conceal, None)),
            ("carol@x", Op::Send, Verdict::Default(Action::Allow)),
            ("carol@home", Op::Subscribe, Verdict::Default(Action::Allow)),
            ("carol@x", Op::Subscribe, Verdict::Default(Action::Deny)),
        ] {
            assert_eq!(verdict(&rules, &Acl::shipped_default(), &owner, &address(name), op), verdict_is, "{name} {op}");
        }
        let nobody = watcher("anonymous", &AddressBook::default()).unwrap();
        assert_eq!(verdict(&rules, &Acl::shipped_default(), &owner, &nobody, Op::Send), Verdict::Default(Action::Deny));
    }

    #[test]
    fn words_are_read_strictly() {
        assert_eq!(ops("send,fetch,send").unwrap(), [Op::Send, Op::Fetch]);
        assert!(ops("sned").is_err() && ops("").is_err());
        assert!(who("everyone", &AddressBook::default()).is_err());
        let everyone = who("*", &AddressBook::default()).unwrap().remove(0);
        assert!(rule(everyone, &[Op::Send], Action::Allow, Token::parse("team")).is_err());
    }
}
