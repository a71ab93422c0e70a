//! CHANGE: a new value is written, and then shown (SPEC §5).

use super::Service;
use super::Task;
use super::effect::{Effect, Notice};
use super::limit::Limit;
use super::policy::Access;
use super::requests::absence;
use super::sessions::Asker;
use super::store::{Entity, StoreError, StoredPresence, StoredValue, Write};
use crate::model::acl::Op;
use crate::model::presence::{EntityFault, insert_entity};
use crate::model::response::ok_to;
use crate::model::{Address, Answer, ErrorKind, Lease, Now, Token, Version, media_type};
use crate::wire::Name;

/// Octets of a presence object's Content-Type, -Transfer-Encoding and -Disposition: with them and three addresses the head
/// of a CHANGE-NOTIFY is still one that every receiver takes.
const HEADERS_OCTETS: usize = 4096;

/// A CHANGE that is being written.
#[derive(Debug)]
pub(super) struct Change {
    asker: Asker,
    presence: StoredPresence,
    granted: Lease,
}

impl Service {
    /// CHANGE
    pub(super) fn change(
        &mut self,
        now: Now,
        asker: Asker,
        target: &Address,
        lease: Lease,
        if_version: Option<Version>,
        view: Option<Token>,
    ) {
        if let Err(answer) = self.may_change(now, &asker, target) {
            return self.refuse(&asker, &answer);
        }
        // A lease may have ended since the timer last rang: what holds now is what the version is compared with.
        self.expire_presence(now, target);
        let Some(user) = self.users.get(target) else { return };
        if if_version.is_some_and(|wanted| wanted != user.presence.version) {
            return self.refuse_with(&asker, ErrorKind::Conflict);
        }
        let bounds = self.config.domains.get(target.domain_str()).map(|rules| rules.lease).unwrap_or_default();
        let (until, granted) = match lease {
            Lease::Infinity => (None, Lease::Infinity),
            Lease::Seconds(0) => {
                return match user.presence.without_leased(view.as_ref(), now.unix) {
                    Some(presence) => self.write_change(target, Change { asker, presence, granted: lease }),
                    None => {
                        let version = user.presence.version;
                        self.answer_change(&asker, version, lease);
                    }
                };
            }
            Lease::Seconds(wish) => {
                let granted = bounds.grant(Some(wish));
                (Some(now.unix.plus(granted)), Lease::Seconds(granted.as_secs()))
            }
        };
        let body = match self.presence_object(&asker, target) {
            Ok(body) => body,
            Err(answer) => return self.refuse(&asker, &answer),
        };
        let values = &user.presence.values;
        let known = view.is_none() || values.iter().any(|value| value.view == view);
        let views = values.iter().filter_map(|value| value.view).collect::<std::collections::BTreeSet<_>>().len();
        if !known && views >= self.config.views_per_user {
            self.reached(Limit::ViewsPerUser, target);
            let answer = Answer::new(ErrorKind::OperationNotSupported).because("too many views");
            return self.refuse(&asker, &answer);
        }
        let presence = user.presence.with(StoredValue { view, until, body }, now.unix);
        self.write_change(target, Change { asker, presence, granted });
    }

    /// The owner may; others of the domain only if the owner's rules say so.
    fn may_change(&mut self, now: Now, asker: &Asker, target: &Address) -> Result<(), Answer> {
        let who = &asker.session.user;
        if who.domain_str() != target.domain_str() || self.access(target, who, Op::Change) != Access::Allowed(None) {
            self.note_refusal(now, asker, target, Op::Change);
            return Err(Answer::new(ErrorKind::PermissionDenied));
        }
        let account = self.users.get(target).and_then(|user| user.account.as_ref());
        if account.is_some_and(|account| !account.presence) {
            return Err(Answer::new(ErrorKind::TargetUnknown));
        }
        absence(self.users.get(target).map(Box::as_ref)).filter(|_| who != target).map_or(Ok(()), Err)
    }

    /// The object that a CHANGE brings, with the owner's entity in it if it is one of ours.
    fn presence_object(&self, asker: &Asker, target: &Address) -> Result<Entity, Answer> {
        let text = |name| asker.frame.header(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let mut octets = asker.frame.body_bytes();
        let content_type = text(Name::ContentType).unwrap_or_default();
        let headers = [Name::ContentType, Name::ContentTransferEncoding, Name::ContentDisposition];
        if headers.into_iter().filter_map(|name| asker.frame.header(name)).map(str::len).sum::<usize>() > HEADERS_OCTETS {
            return Err(Answer::new(ErrorKind::MimeTypeNotUnderstood).because("the body's headers are too long"));
        }
        let transfer_encoding = text(Name::ContentTransferEncoding);
        if media_type::is(&content_type, media_type::PRESENCE) {
            // An encoded one could not be read, and so not be vouched for.
            let plain = transfer_encoding
                .as_deref()
                .is_none_or(|encoding| ["7bit", "8bit", "binary"].iter().any(|plain| encoding.eq_ignore_ascii_case(plain)));
            if !plain {
                return Err(Answer::new(ErrorKind::MimeTypeNotUnderstood).because("the presence object is encoded"));
            }
            octets = insert_entity(&octets, target).map_err(|fault| match fault {
                EntityFault::Foreign => Answer::new(ErrorKind::PermissionDenied).because("entity is not the target"),
                EntityFault::Presence(error) => Answer::new(ErrorKind::MimeTypeNotUnderstood).because(error.to_string()),
                EntityFault::TooLong => Answer::new(ErrorKind::MimeTypeNotUnderstood).because("longer than 65536 octets"),
            })?;
        } else if octets.len() > self.config.presence_octets {
            let max = self.config.presence_octets.to_string();
            return Err(Answer::new(ErrorKind::MessageTooLarge).with(Name::MaxBody, max));
        }
        Ok(Entity { content_type, transfer_encoding, disposition: text(Name::ContentDisposition), octets })
    }

    fn write_change(&mut self, target: &Address, change: Change) {
        let Some(user) = self.users.get_mut(target) else { return };
        user.hold();
        let writes = vec![Write::Presence { user: target.clone(), presence: change.presence.clone() }];
        let ticket = self.ticket(Task::Change(target.clone(), Box::new(change)));
        self.effects.push_back(Effect::Write { ticket, writes });
    }

    /// A CHANGE was written, or was not.
    pub(super) fn change_written(&mut self, now: Now, target: &Address, change: Change, outcome: Result<(), StoreError>) {
        match outcome {
            Ok(()) => {
                let Some(user) = self.users.get_mut(target) else { return };
                let old = std::mem::replace(&mut user.presence, change.presence);
                let version = user.presence.version;
                self.answer_change(&change.asker, version, change.granted);
                self.tell_changes(now, target, &old, false);
            }
            Err(error) => {
                self.effects.push_back(Effect::Notice(Notice::StoreFailed { user: target.clone() }));
                self.refuse_with(&change.asker, error.into());
            }
        }
        self.release(now, target);
    }

    fn answer_change(&mut self, asker: &Asker, version: Version, granted: Lease) {
        let writer = ok_to(&asker.frame).header(Name::LeaseTime, &granted.to_string());
        let head = writer.number(Name::PresenceVersion, version.0).finish();
        self.answer(asker, head.into());
    }
}
