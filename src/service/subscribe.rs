//! SUBSCRIBE and UNSUBSCRIBE, and what new rules mean for those who subscribe (SPEC §5, §7).

use super::Service;
use super::limit::Limit;
use super::notify::Telling;
use super::policy::Access;
use super::sessions::{Asker, SessionKey};
use super::timers::{Timer, TimerKey};
use crate::model::acl::Op;
use crate::model::request::Cause;
use crate::model::response::ok_to;
use crate::model::{Address, ErrorKind, Now, UnixMillis, Version};
use crate::wire::Name;
use std::time::Instant;

/// One session's subscription to one user's presence.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) since: UnixMillis,
    pub(super) until: UnixMillis,
    pub(super) ends: Instant,
    pub(super) timer: Option<TimerKey>,
    /// What the rules let the subscriber see.
    pub(super) access: Access,
    /// There is a value that the subscriber has not acknowledged and that is not under way.
    pub(super) behind: bool,
    /// That value shows because a lease ended.
    pub(super) lapsed: bool,
    pub(super) telling: Telling,
    /// The version that is being told.
    pub(super) saying: Version,
    /// The newest version that the subscriber has for certain.
    pub(super) told: Version,
    /// SUBSCRIBEs that are being written, and so not answered.
    pub(super) unwritten: u32,
    /// UNSUBSCRIBEs that came behind these.
    pub(super) leaving: Vec<Asker>,
    /// Tells it from an earlier one of the same session.
    pub(super) serial: u64,
}

impl Service {
    /// SUBSCRIBE; a second one renews.
    pub(super) fn subscribe(&mut self, now: Now, asker: &Asker, target: &Address, wish: Option<u64>) {
        let session = &asker.session;
        let mut access = self.access(target, &session.user, Op::Subscribe);
        if !self.may_see(now, asker, target, &access, Op::Subscribe) {
            return;
        }
        if !asker.is_abroad() && !self.sessions.contains_key(session) {
            return;
        }
        let held = self.subscriptions_of(session);
        let crowded = asker.is_abroad() && self.is_crowded_by(&session.user.domain());
        let shares = asker.is_abroad() && self.has_its_share(target, &session.user.domain());
        let heard = asker.is_abroad() || self.sessions.get(session).is_some_and(|known| known.connection.is_some());
        self.next_serial += 1;
        let serial = self.next_serial;
        let Some(user) = self.users.get_mut(target) else { return };
        let bounds = self.config.domains.get(target.domain_str()).map(|rules| rules.lease).unwrap_or_default();
        let granted = bounds.grant(wish);
        let (until, ends) = (now.unix.plus(granted), now.instant + granted);
        let timer = Timer::Subscription(target.clone(), session.clone());
        let former = user.subscriptions.get(session).map(|subscription| (subscription.until, subscription.ends));
        if let Some(subscription) = user.subscriptions.get_mut(session) {
            subscription.until = until;
            subscription.ends = ends;
            if let (Access::Concealed(_), Access::Concealed(_)) = (&subscription.access, &access) {
                access = subscription.access.clone();
            }
            subscription.access = access.clone();
            // The OK brings the newest value, if somebody is there to hear it, and shows that the client is well: nothing
            // pauses any more.
            subscription.behind &= !heard;
            subscription.telling.recover();
            self.timers.set(&mut subscription.timer, ends, timer);
        } else {
            if crowded {
                let domain = Address::of_domain(&session.user.domain());
                let answer = self.over(Limit::LinkSubscriptions, &domain, "too many subscriptions of this domain");
                return self.refuse(asker, &answer);
            }
            if held >= self.config.subscriptions_per_session {
                let answer = self.over(Limit::SubscriptionsPerSession, &session.user, "too many subscriptions of this session");
                return self.refuse(asker, &answer);
            }
            if shares || user.subscriptions.len() >= self.config.subscribers_per_user {
                let answer = self.over(Limit::SubscribersPerUser, target, "too many subscriptions to this user");
                return self.refuse(asker, &answer);
            }
            let mut subscription = Subscription {
                since: now.unix,
                until,
                ends,
                timer: None,
                access: access.clone(),
                behind: !heard,
                lapsed: false,
                telling: Telling::default(),
                saying: Version(0),
                told: Version(0),
                unwritten: 0,
                leaving: Vec::new(),
                serial,
            };
            self.timers.set(&mut subscription.timer, ends, timer);
            user.subscriptions.insert(session.clone(), subscription);
            match self.sessions.get_mut(session) {
                Some(known) => drop(known.subscriptions.insert(target.clone())),
                None => self.count_subscriber(session),
            }
        }
        self.forget_ending(now, target, session);
        if asker.is_abroad() {
            return self.keep_subscription(asker, target, granted, former);
        }
        let writer = ok_to(&asker.frame).number(Name::LeaseTime, granted.as_secs());
        self.answer_shown(asker, target, &access, writer);
    }

    /// How many subscriptions a session of ours holds.
    pub(super) fn subscriptions_of(&self, session: &SessionKey) -> usize {
        self.sessions.get(session).map_or(0, |known| known.subscriptions.len() + known.abroad.len())
    }

    /// UNSUBSCRIBE
    pub(super) fn unsubscribe(&mut self, now: Now, asker: &Asker, target: &Address) {
        let writing = self.subscription(target, &asker.session).filter(|subscription| subscription.unwritten > 0);
        if let Some(subscription) = writing {
            // Each takes effect in its turn; how many there are, the count of unanswered requests bounds.
            return subscription.leaving.push(asker.clone());
        }
        if self.drop_subscription(now, target, &asker.session).is_none() {
            return self.refuse_with(asker, ErrorKind::SubscriptionUnknown);
        }
        self.answer(asker, ok_to(&asker.frame).finish().into());
        self.forget_subscription(target, &asker.session);
    }

    /// A subscription's lease may be over.
    pub(super) fn subscription_timer(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        if self.subscription(presentity, session).is_some_and(|subscription| subscription.ends <= now.instant) {
            self.end_subscription(now, presentity, session, Cause::Expired);
        }
    }

    pub(super) fn subscription(&mut self, presentity: &Address, session: &SessionKey) -> Option<&mut Subscription> {
        self.users.get_mut(presentity)?.subscriptions.get_mut(session)
    }

    /// Takes the subscription from the presentity's side; gives back when it would have ended.
    pub(super) fn drop_subscription(&mut self, now: Now, presentity: &Address, session: &SessionKey) -> Option<Instant> {
        let mut gone = self.users.get_mut(presentity)?.subscriptions.swap_remove(session)?;
        self.timers.clear(&mut gone.timer);
        self.timers.disarm(&mut gone.telling.alarm);
        if self.is_abroad(&session.user) {
            self.forget_subscriber(presentity, session);
            if let Some(id) = gone.telling.sent {
                self.give_up(now, presentity, session, id);
            }
        }
        for asker in gone.leaving {
            self.refuse_with(&asker, ErrorKind::SubscriptionUnknown);
        }
        Some(gone.ends)
    }

    /// Takes it from the session's side.
    pub(super) fn forget_subscription(&mut self, presentity: &Address, session: &SessionKey) {
        if let Some(known) = self.sessions.get_mut(session) {
            known.subscriptions.remove(presentity);
        }
        self.free_session(session);
    }

    /// Ends every subscription to a user.
    pub(super) fn end_subscriptions(&mut self, now: Now, presentity: &Address, cause: Cause) {
        let user = self.users.get(presentity);
        let sessions: Vec<SessionKey> = user.map(|user| user.subscriptions.keys().cloned().collect()).unwrap_or_default();
        for session in sessions {
            self.end_subscription(now, presentity, &session, cause);
        }
    }

    /// Other rules hold: subscriptions end, are turned to the concealed value, or get the true one.
    pub(super) fn judge_subscriptions(&mut self, now: Now, presentity: &Address) {
        let Some(user) = self.users.get(presentity) else { return };
        let shown = user.presence.version;
        let unset = shown == Version(0);
        let subscriptions: Vec<_> =
            user.subscriptions.iter().map(|(session, subscription)| (session.clone(), subscription.access.clone())).collect();
        for (session, old) in subscriptions {
            let mut new = self.access(presentity, &session.user, Op::Subscribe);
            // Newer than all that this subscriber has seen, so that it is believed.
            if let (Access::Allowed(_), Access::Concealed(version), false) = (&old, &mut new, unset) {
                *version = (*version).max(shown.next(UnixMillis(0)));
            }
            if new == Access::Denied {
                self.end_subscription(now, presentity, &session, Cause::PermissionDenied);
                continue;
            }
            if let (Access::Concealed(_), Access::Concealed(_)) = (&old, &new) {
                // Closed before and after; another version would tell that the rules are others.
                continue;
            }
            let same =
                self.users.get(presentity).is_some_and(|user| user.shown(presentity, &old).1 == user.shown(presentity, &new).1);
            if let Some(subscription) = self.subscription(presentity, &session) {
                subscription.access = new;
            }
            if !same {
                self.must_tell(now, presentity, &session, false);
            }
        }
    }
}
