//! What a user shows: leased values over permanent ones, per view, and FETCH (SPEC §5, §7).

use super::policy::Access;
use super::sessions::Asker;
use super::store::{Entity, StoredPresence, StoredValue};
use super::timers::Timer;
use super::users::User;
use super::{Octets, Service};
use crate::model::acl::Op;
use crate::model::presence::Presence;
use crate::model::response::ok_to;
use crate::model::{Address, ErrorKind, Now, Token, UnixMillis, Version, media_type};
use crate::wire::{Name, Writer};
use bytes::Bytes;
use std::collections::BTreeMap;

/// The value of those who have set none, and of those who conceal theirs: not to be told apart.
pub(super) fn closed(owner: &Address) -> Entity {
    let presence = Presence { entity: Some(owner.clone()), ..Presence::closed() };
    Entity {
        content_type: media_type::PRESENCE.to_owned(),
        transfer_encoding: None,
        disposition: None,
        octets: presence.to_xml(),
    }
}

/// Ends the head of a frame that carries this object.
pub(super) fn entity_head(writer: Writer, entity: &Entity) -> Bytes {
    writer
        .maybe(Name::ContentTransferEncoding, entity.transfer_encoding.as_deref())
        .maybe(Name::ContentDisposition, entity.disposition.as_deref())
        .finish_head(&entity.content_type, entity.octets.len())
}

impl StoredPresence {
    /// What a view shows: its own value, leased before permanent, else the ordinary one's.
    fn shown(&self, view: Option<&Token>) -> Option<&Entity> {
        let own = |view: Option<&Token>| {
            let of_view = || self.values.iter().filter(move |value| value.view.as_ref() == view);
            of_view().find(|value| value.until.is_some()).or_else(|| of_view().next())
        };
        own(view).or_else(|| own(None)).map(|value| &value.body)
    }

    /// The values without those whose lease has ended. Each end is a change of its own moment, so that a relay that
    /// was not running then finds the same version as one that was.
    pub(super) fn expire(&mut self, now: UnixMillis) -> bool {
        let mut ends: Vec<UnixMillis> =
            self.values.iter().filter_map(|value| value.until).filter(|until| *until <= now).collect();
        ends.sort_unstable();
        self.values.retain(|value| value.until.is_none_or(|until| until > now));
        for end in &ends {
            self.version = self.version.next(*end);
        }
        !ends.is_empty()
    }

    /// The values with one put in the place of the former of its kind.
    pub(super) fn with(&self, value: StoredValue, now: UnixMillis) -> Self {
        let mut next = self.without(&value);
        next.values.push(value);
        next.version = self.version.next(now);
        next
    }

    /// The values without the leased one of a view; `None` if there is none.
    pub(super) fn without_leased(&self, view: Option<&Token>, now: UnixMillis) -> Option<Self> {
        let leased = self.values.iter().find(|value| value.view.as_ref() == view && value.until.is_some())?;
        let mut next = self.without(leased);
        next.version = self.version.next(now);
        Some(next)
    }

    fn without(&self, value: &StoredValue) -> Self {
        let same = |other: &&StoredValue| other.view == value.view && other.until.is_some() == value.until.is_some();
        Self { version: self.version, values: self.values.iter().filter(|other| !same(other)).cloned().collect() }
    }
}

impl User {
    /// What somebody with this access sees of this user, whose address it is.
    pub(super) fn shown(&self, address: &Address, access: &Access) -> (Version, &Entity) {
        let entity = match access {
            Access::Allowed(view) => self.presence.shown(view.as_ref()),
            Access::Concealed(_) | Access::Denied => None,
        };
        (self.version_shown(access), entity.unwrap_or_else(|| self.closed(address)))
    }

    /// The version of that.
    pub(super) fn version_shown(&self, access: &Access) -> Version {
        match access {
            Access::Allowed(_) => self.presence.version,
            Access::Concealed(version) => *version,
            Access::Denied => Version(0),
        }
    }
}

impl Service {
    /// FETCH
    pub(super) fn fetch(&mut self, now: Now, asker: &Asker, target: &Address) {
        let access = self.access(target, &asker.session.user, Op::Fetch);
        if !self.may_see(now, asker, target, &access, Op::Fetch) {
            return;
        }
        let writer = ok_to(&asker.frame);
        self.answer_shown(asker, target, &access, writer);
    }

    /// Whether presence is shown at all; else the request is answered.
    pub(super) fn may_see(&mut self, now: Now, asker: &Asker, target: &Address, access: &Access, op: Op) -> bool {
        match access {
            Access::Concealed(_) => true,
            Access::Denied => {
                self.deny(now, asker, target, op);
                false
            }
            Access::Allowed(_) => {
                // Who has moved away may still look at what lies here.
                let own = *target == asker.session.user;
                let absence = self.presence_absence(target).filter(|answer| !own || answer.kind == ErrorKind::TargetUnknown);
                if let Some(answer) = &absence {
                    self.refuse(asker, answer);
                }
                absence.is_none()
            }
        }
    }

    /// Answers OK with what somebody with this access sees.
    pub(super) fn answer_shown(&mut self, asker: &Asker, target: &Address, access: &Access, writer: Writer) {
        let Some(user) = self.users.get(target) else { return };
        let (version, entity) = user.shown(target, access);
        let head = entity_head(writer.number(Name::PresenceVersion, version.0), entity);
        let octets = Octets { head, body: entity.octets.clone() };
        self.answer(asker, octets);
    }

    /// The note of somebody who is not there, for whom writes to them (SPEC §5, SEND).
    pub(super) fn note(&self, target: &Address, who: &Address) -> Option<(Version, Entity)> {
        let user = self.users.get(target).filter(|user| user.account.as_ref().is_some_and(|account| account.presence))?;
        // Hardly anybody is away: the rules are asked behind that.
        if !user.presence.values.iter().any(|value| value.body.is_note_of_absence()) {
            return None;
        }
        let access = self.access_to(Some(user), target, who, Op::Fetch);
        let (version, entity) = match &access {
            Access::Allowed(_) => user.shown(target, &access),
            Access::Concealed(_) | Access::Denied => return None,
        };
        entity.is_note_of_absence().then(|| (version, entity.clone()))
    }

    /// Takes away the leased values that have ended, tells those who see it, and sets the timer for the next end.
    pub(super) fn expire_presence(&mut self, now: Now, address: &Address) {
        let Some(user) = self.users.get_mut(address) else { return };
        let old = user.presence.clone();
        let ended = user.presence.expire(now.unix);
        let next = user.presence.values.iter().filter_map(|value| value.until).min();
        match next {
            Some(until) => {
                // The calendar counts in milliseconds, the other clock in less: never ring too early.
                let at = now.instant_of(until) + std::time::Duration::from_millis(1);
                self.timers.set(&mut user.presence_timer, at, Timer::Presence(address.clone()));
            }
            None => self.timers.clear(&mut user.presence_timer),
        }
        if ended {
            self.tell_changes(now, address, &old, true);
        }
    }

    /// A leased value may have ended. While a change is being written this waits for it.
    pub(super) fn presence_timer(&mut self, now: Now, address: &Address) {
        if self.users.get(address).is_some_and(|user| !user.is_changing()) {
            self.expire_presence(now, address);
        }
    }

    /// Tells every subscriber whose view shows another object than `old` did; `lapsed`: because leases ended.
    pub(super) fn tell_changes(&mut self, now: Now, address: &Address, old: &StoredPresence, lapsed: bool) {
        let Some(user) = self.users.get(address) else { return };
        let mut changed = BTreeMap::new();
        let mut affected = Vec::new();
        for (session, subscription) in user.subscriptions.iter() {
            let Access::Allowed(view) = &subscription.access else { continue };
            let differs = *changed.entry(*view).or_insert_with(|| {
                let closed = || user.closed(address);
                let before = old.shown(view.as_ref()).unwrap_or_else(closed);
                before != user.presence.shown(view.as_ref()).unwrap_or_else(closed)
            });
            if differs {
                affected.push(session.clone());
            }
        }
        for session in affected {
            self.must_tell(now, address, &session, lapsed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(view: &str, until: u64, text: &'static str) -> StoredValue {
        let body = Entity {
            content_type: "text/plain".to_owned(),
            transfer_encoding: None,
            disposition: None,
            octets: Bytes::from_static(text.as_bytes()),
        };
        StoredValue { view: Token::parse(view), until: (until > 0).then_some(UnixMillis(until)), body }
    }

    fn shown(presence: &StoredPresence, view: &str) -> String {
        let entity = presence.shown(Token::parse(view).as_ref());
        entity.map(|entity| String::from_utf8_lossy(&entity.octets).into_owned()).unwrap_or_default()
    }

    #[test]
    fn leased_over_permanent_and_own_view_over_ordinary() {
        let mut presence = StoredPresence::default();
        assert_eq!(shown(&presence, "work"), "");
        for (value, ordinary, work) in [
            (value("", 0, "permanent"), "permanent", "permanent"),
            (value("work", 500, "busy"), "permanent", "busy"),
            (value("", 400, "leased"), "leased", "busy"),
            (value("", 0, "permanent 2"), "leased", "busy"),
        ] {
            presence = presence.with(value, UnixMillis(100));
            assert_eq!((shown(&presence, ""), shown(&presence, "work")), (ordinary.to_owned(), work.to_owned()));
        }
        assert_eq!((presence.version, presence.values.len()), (Version(103), 3));
        let without = presence.without_leased(None, UnixMillis(50)).unwrap();
        assert_eq!((shown(&without, ""), without.version), ("permanent 2".to_owned(), Version(104)));
        assert_eq!(without.without_leased(None, UnixMillis(50)), None);
    }

    #[test]
    fn leases_end_alike_at_once_and_one_by_one() {
        let values = vec![value("", 500, "a"), value("work", 400, "b"), value("x", 500, "c"), value("", 0, "d")];
        let mut late = StoredPresence { version: Version(300), values };
        let mut live = late.clone();
        assert!(!live.expire(UnixMillis(399)) && live.expire(UnixMillis(400)) && live.expire(UnixMillis(500)));
        assert!(late.expire(UnixMillis(9999)));
        assert_eq!(late, live);
        assert_eq!((live.version, live.values.len()), (Version(501), 1));
    }
}
