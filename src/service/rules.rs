//! GET-ACL and SET-ACL: the owner reads and replaces the rules, which hold at once (SPEC §7).

use super::effect::{Effect, Notice};
use super::limit::Limit;
use super::sessions::Asker;
use super::store::{StoreError, StoredAcl, StoredPresence, Write};
use super::users::OwnAcl;
use super::{Octets, Service, Task};
use crate::model::acl::Acl;
use crate::model::response::ok_to;
use crate::model::{Address, Answer, ByeCause, ErrorKind, Now, UnixMillis, Version, media_type};
use crate::wire::Name;
use bytes::Bytes;

/// What an owner without rules of their own is shown.
const NO_RULES: &[u8] = b"<acl></acl>";

/// A SET-ACL that is being written.
#[derive(Debug)]
pub(super) struct NewRules {
    asker: Asker,
    acl: OwnAcl,
    /// The same values under a new version, where the rules show them to somebody who saw others.
    presence: Option<StoredPresence>,
}

impl Service {
    /// GET-ACL
    pub(super) fn read_rules(&mut self, asker: &Asker, target: &Address) {
        if asker.session.user != *target {
            return self.refuse_with(asker, ErrorKind::PermissionDenied);
        }
        // Never the domain's default: an owner who edits and sets it back would freeze what the domain may change.
        let acl = self.users.get(target).and_then(|user| user.acl.as_ref());
        let own = acl.map(|acl| (acl.stored.version, acl.stored.body.clone()));
        let (version, body) = own.unwrap_or((Version(0), Bytes::from_static(NO_RULES)));
        let head = ok_to(&asker.frame).number(Name::AclVersion, version.0).finish_head(media_type::ACL, body.len());
        self.answer(asker, Octets { head, body });
    }

    /// SET-ACL
    pub(super) fn set_rules(&mut self, now: Now, asker: Asker, target: &Address, if_version: Option<Version>) {
        if asker.session.user != *target {
            return self.refuse_with(&asker, ErrorKind::PermissionDenied);
        }
        self.expire_presence(now, target);
        let Some(user) = self.users.get_mut(target) else { return };
        let version = user.acl.as_ref().map(|acl| acl.stored.version).unwrap_or_default();
        if if_version.is_some_and(|wanted| wanted != version) {
            return self.refuse_with(&asker, ErrorKind::Conflict);
        }
        let body = asker.frame.body_bytes();
        let rules = match Acl::parse(&body) {
            Ok(rules) => rules,
            Err(error) => {
                let answer = Answer::new(ErrorKind::MimeTypeNotUnderstood).because(error.to_string());
                return self.refuse(&asker, &answer);
            }
        };
        if rules.rules.len() > self.config.acl_rules {
            self.reached(Limit::AclRules, target);
            let answer = Answer::new(ErrorKind::OperationNotSupported).because("too many rules");
            return self.refuse(&asker, &answer);
        }
        let presence = user.reveals(&rules).then(|| {
            // The concealed may have seen one version more than there was.
            let version = user.presence.version.next(UnixMillis(0)).next(now.unix);
            StoredPresence { version, values: user.presence.values.clone() }
        });
        let stored = StoredAcl { version: version.next(now.unix), body, concealed: Vec::new() };
        let acl = user.with_rules(target, stored, rules);
        user.hold();
        let mut writes = vec![Write::Acl { user: target.clone(), acl: acl.stored.clone() }];
        writes.extend(presence.clone().map(|presence| Write::Presence { user: target.clone(), presence }));
        let ticket = self.ticket(Task::Rules(target.clone(), Box::new(NewRules { asker, acl, presence })));
        self.effects.push_back(Effect::Write { ticket, writes });
    }

    /// A SET-ACL was written, or was not.
    pub(super) fn rules_written(&mut self, now: Now, target: &Address, new: NewRules, outcome: Result<(), StoreError>) {
        match outcome {
            Ok(()) => {
                let Some(user) = self.users.get_mut(target) else { return };
                let version = new.acl.stored.version;
                user.acl = Some(Box::new(new.acl));
                if let Some(presence) = new.presence {
                    user.presence = presence;
                }
                let head = ok_to(&new.asker.frame).number(Name::AclVersion, version.0).finish();
                self.answer(&new.asker, head.into());
                self.judge_subscriptions(now, target);
                self.judge_readers(now, target);
            }
            Err(error) => {
                self.effects.push_back(Effect::Notice(Notice::StoreFailed { user: target.clone() }));
                self.refuse_with(&new.asker, error.into());
            }
        }
        self.release(now, target);
    }

    /// Connections of others that take this user's messages go if the rules no longer let them.
    pub(super) fn judge_readers(&mut self, now: Now, inbox: &Address) {
        let inboxes = self.users.get(inbox).map(|user| user.inboxes.clone()).unwrap_or_default();
        for connection in inboxes.iter().copied() {
            let reader = self.connections.get(&connection).map(|at| at.session.user.clone());
            if reader.is_some_and(|reader| reader != *inbox && !self.may_read(inbox, &reader)) {
                self.close(now, connection, ByeCause::PermissionDenied);
            }
        }
    }
}
