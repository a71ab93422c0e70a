//! Who may do what to whom: the owner's rules, else the domain's (SPEC §7).

use super::Service;
use super::store::StoredAcl;
use super::users::{OwnAcl, User};
use crate::model::acl::{Acl, Action, Op, Rule, Watcher};
use crate::model::{Address, Token, Version};

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// permission-denied
    Denied,
    /// Presence is closed, with this version, and stays so; messages seem to be stored.
    Concealed(Version),
    /// Yes; presence is shown as in this view.
    Allowed(Option<Token>),
}

impl Service {
    /// What `who` may do to `owner`. The same for users that exist and users that do not.
    pub(super) fn access(&self, owner: &Address, who: &Address, op: Op) -> Access {
        self.access_to(self.users.get(owner).map(Box::as_ref), owner, who, op)
    }

    /// The same where the owner's record is at hand; `None`: there is none.
    pub(super) fn access_to(&self, user: Option<&User>, owner: &Address, who: &Address, op: Op) -> Access {
        if owner == who {
            return Access::Allowed(None);
        }
        let watcher = Watcher::new(who, owner);
        let own = user.and_then(|user| user.acl.as_ref());
        if let Some((acl, number)) = own.and_then(|acl| Some((acl, acl.rules.first_match(&watcher, op)?))) {
            let concealed = acl.stored.concealed.get(number).copied().flatten();
            return decided(&acl.rules, number, concealed);
        }
        let default = self.config.domains.get(owner.domain_str()).map(|rules| &rules.default_acl);
        match default.and_then(|acl| Some((acl, acl.first_match(&watcher, op)?))) {
            // What a domain conceals it has concealed ever since: as if never set.
            Some((acl, number)) => decided(acl, number, None),
            None => Access::Denied,
        }
    }
}

fn decided(acl: &Acl, number: usize, concealed: Option<Version>) -> Access {
    match acl.rules.get(number).map(|rule| (rule.action, rule.view)) {
        Some((Action::Allow, view)) => Access::Allowed(view),
        Some((Action::Conceal, _)) => Access::Concealed(concealed.unwrap_or_default()),
        Some((Action::Deny, _)) | None => Access::Denied,
    }
}

impl User {
    /// New rules with the versions that their concealed watchers are shown (SPEC §7.6): that of the moment of
    /// concealment + 1. A rule keeps the old number if the old rules concealed everybody whom it means: they see no
    /// change then. If some of them saw more, all are shown a new number, for a version that goes back would tell.
    pub(super) fn with_rules(&self, owner: &Address, stored: StoredAcl, rules: Acl) -> OwnAcl {
        let fresh =
            if self.presence.version == Version(0) { Version(0) } else { Version(self.presence.version.0.saturating_add(1)) };
        let home = owner.domain();
        let before = |rule: &Rule, op: Op| {
            let old = self.acl.as_ref()?;
            let met = |before: &Rule| before.who.covers(&rule.who, &home) || rule.who.covers(&before.who, &home);
            let first = old.rules.rules.iter().position(|before| before.ops.contains(&op) && met(before))?;
            let covers = old.rules.rules.get(first)?.who.covers(&rule.who, &home);
            old.stored.concealed.get(first).copied().flatten().filter(|_| covers)
        };
        let concealed = rules.rules.iter().map(|rule| {
            let shown = rule.ops.iter().filter(|op| matches!(op, Op::Fetch | Op::Subscribe));
            let inherited = || shown.map(|op| before(rule, *op)).collect::<Option<Vec<_>>>()?.into_iter().max();
            (rule.action == Action::Conceal).then(|| inherited().unwrap_or(fresh))
        });
        let concealed = concealed.collect();
        OwnAcl { stored: StoredAcl { concealed, ..stored }, rules }
    }

    /// Whether these rules, after the old ones, may show the true value to somebody who has seen another one:
    /// it must then be newer than all that was shown.
    pub(super) fn reveals(&self, rules: &Acl) -> bool {
        let views =
            |acl: &Acl| acl.rules.iter().map(|rule| (rule.who.clone(), rule.view)).filter(|(_, view)| view.is_some()).collect();
        let old: Vec<_> = self.acl.as_ref().map(|acl| views(&acl.rules)).unwrap_or_default();
        let new: Vec<_> = views(rules);
        let concealed = self.acl.as_ref().is_some_and(|acl| acl.rules.rules.iter().any(|rule| rule.action == Action::Conceal));
        self.presence.version != Version(0) && (concealed || old != new)
    }
}
