//! Subscriptions of other domains' users: written before they are promised, and there again after a restart (SPEC §9.4).

use super::effect::{Effect, Notice, Ticket};
use super::notify::Telling;
use super::policy::Access;
use super::sessions::{Asker, SessionKey};
use super::store::{StoreError, StoredSubscription, Write};
use super::subscribe::Subscription;
use super::timers::Timer;
use super::{Service, Task};
use crate::model::acl::Op;
use crate::model::request::Cause;
use crate::model::response::ok_to;
use crate::model::{Address, Answer, Domain, ErrorKind, Now, UnixMillis, Version};
use crate::wire::Name;
use std::time::{Duration, Instant};

/// What subscribers acknowledged is noted so much later: lost in a crash, it costs one notification too many, which
/// the other side knows to be no news.
const NOTED_AFTER: Duration = Duration::from_secs(5);
/// Notes of one write.
const NOTES: usize = 256;
/// How long the end of a subscription that ended while the relay was down is told.
const LATE_ENDING: Duration = Duration::from_secs(30);

/// A SUBSCRIBE that is being written.
#[derive(Debug)]
pub(super) struct Subscribing {
    asker: Asker,
    target: Address,
    granted: Duration,
    /// The lease that it renews.
    former: Option<(UnixMillis, Instant)>,
    /// Of the subscription.
    serial: u64,
}

impl Service {
    /// Writes a subscription that stands in memory already, and is told nothing until it is written.
    pub(super) fn keep_subscription(
        &mut self,
        asker: &Asker,
        target: &Address,
        granted: Duration,
        former: Option<(UnixMillis, Instant)>,
    ) {
        let Some(user) = self.users.get_mut(target) else { return };
        let Some(subscription) = user.subscriptions.get_mut(&asker.session) else { return };
        subscription.unwritten += 1;
        user.keeping += 1;
        let stored = StoredSubscription {
            subscriber: asker.session.user.clone(),
            connection: asker.session.id,
            since: subscription.since,
            until: subscription.until,
            told: subscription.told,
        };
        let writes = vec![Write::Subscribe { user: target.clone(), subscription: stored }];
        let serial = subscription.serial;
        let subscribing = Subscribing { asker: asker.clone(), target: target.clone(), granted, former, serial };
        let ticket = self.ticket(Task::Subscribe(Box::new(subscribing)));
        self.effects.push_back(Effect::Write { ticket, writes });
    }

    /// The subscription is written, or is not.
    pub(super) fn subscription_written(&mut self, now: Now, subscribing: Subscribing, outcome: Result<(), StoreError>) {
        let Subscribing { asker, target, granted, former, serial } = subscribing;
        let session = &asker.session;
        let Some(user) = self.users.get_mut(&target) else { return };
        user.keeping = user.keeping.saturating_sub(1);
        let own = user.subscriptions.get_mut(session).filter(|subscription| subscription.serial == serial);
        if let Some(subscription) = own {
            subscription.unwritten = subscription.unwritten.saturating_sub(1);
            if outcome.is_err() {
                self.take_back(now, &target, session, former);
            }
        }
        match outcome {
            Ok(()) => self.answer_subscribed(now, &asker, &target, granted),
            Err(error) => {
                self.effects.push_back(Effect::Notice(Notice::StoreFailed { user: target.clone() }));
                self.refuse(&asker, &Answer::new(error.into()));
            }
        }
        self.tell(now, &target, session);
        let written = self.subscription(&target, session).filter(|subscription| subscription.unwritten == 0);
        for asker in written.map(|subscription| std::mem::take(&mut subscription.leaving)).unwrap_or_default() {
            self.unsubscribe(now, &asker, &target);
        }
    }

    /// The OK brings what the subscriber sees now, which may be another value than when it asked.
    fn answer_subscribed(&mut self, now: Now, asker: &Asker, target: &Address, granted: Duration) {
        let known = self.subscription(target, &asker.session).map(|subscription| subscription.access.clone());
        let access = match known {
            Some(access) => access,
            // It was ended while it was written: by its subscriber, or by rules that may let nobody see anything.
            None => {
                let access = self.access(target, &asker.session.user, Op::Subscribe);
                if !self.may_see(now, asker, target, &access, Op::Subscribe) {
                    return;
                }
                access
            }
        };
        let version = self.users.get(target).map(|user| user.version_shown(&access));
        let writer = ok_to(&asker.frame).number(Name::LeaseTime, granted.as_secs());
        self.answer_shown(asker, target, &access, writer);
        if let (Some(subscription), Some(version)) = (self.subscription(target, &asker.session), version) {
            subscription.behind = false;
            subscription.told = version;
            self.note_told(now, target, &asker.session);
        }
    }

    /// A subscription that could not be written does not stand; a renewal leaves the old lease in force.
    fn take_back(&mut self, now: Now, target: &Address, session: &SessionKey, former: Option<(UnixMillis, Instant)>) {
        let Some(user) = self.users.get_mut(target) else { return };
        let Some(subscription) = user.subscriptions.get(session) else { return };
        let behind = user.version_shown(&subscription.access) > subscription.told;
        let Some(subscription) = user.subscriptions.get_mut(session) else { return };
        match former {
            Some((until, ends)) => {
                subscription.until = until;
                subscription.ends = ends;
                // The OK that was to bring the newest value does not come.
                subscription.behind |= behind;
                let timer = Timer::Subscription(target.clone(), session.clone());
                self.timers.set(&mut subscription.timer, ends, timer);
            }
            // Another SUBSCRIBE that is being written may still make it stand.
            None if subscription.unwritten > 0 => {}
            None => drop(self.drop_subscription(now, target, session)),
        }
    }

    /// Whether another domain holds as many subscriptions as it may.
    pub(super) fn is_crowded_by(&self, domain: &Domain) -> bool {
        self.subscribers.get(domain).is_some_and(|count| *count >= self.config.links.subscriptions)
    }

    /// Whether another domain's users have a quarter of the places that one presentity has, and there are few left.
    pub(super) fn has_its_share(&self, presentity: &Address, domain: &Domain) -> bool {
        let places = self.config.subscribers_per_user;
        let Some(user) = self.users.get(presentity).filter(|user| user.subscriptions.len() >= places / 2) else { return false };
        let own = user.subscriptions.keys().filter(|session| session.user.domain_str() == domain.as_str());
        own.count() >= (places / 4).max(1)
    }

    /// One more subscriber of another domain, or one more whose end is being told.
    pub(super) fn count_subscriber(&mut self, session: &SessionKey) {
        *self.subscribers.entry(session.user.domain()).or_default() += 1;
    }

    /// One less.
    pub(super) fn uncount_subscriber(&mut self, session: &SessionKey) {
        let domain = session.user.domain();
        if let Some(count) = self.subscribers.get_mut(&domain) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.subscribers.remove(&domain);
            }
        }
    }

    /// One less, who is to be forgotten for good.
    pub(super) fn forget_subscriber(&mut self, presentity: &Address, session: &SessionKey) {
        self.uncount_subscriber(session);
        let write = Write::Unsubscribe { user: presentity.clone(), subscriber: session.user.clone(), connection: session.id };
        self.write_unasked(vec![write]);
    }

    /// A subscriber of another domain has the newest version: to be noted some time.
    pub(super) fn note_told(&mut self, now: Now, presentity: &Address, session: &SessionKey) {
        if self.is_abroad(&session.user) {
            self.untold.insert((presentity.clone(), session.clone()));
            if self.untold_timer.is_none() {
                self.timers.set(&mut self.untold_timer, now.instant + NOTED_AFTER, Timer::Told);
            }
        }
    }

    /// Writes what was noted.
    pub(super) fn told_timer(&mut self) {
        self.untold_timer = None;
        let noted: Vec<_> = std::mem::take(&mut self.untold).into_iter().collect();
        for some in noted.chunks(NOTES) {
            let told = some.iter().filter_map(|(presentity, session)| {
                let version = self.users.get(presentity)?.subscriptions.get(session)?.told;
                Some(Write::Told { user: presentity.clone(), subscriber: session.user.clone(), connection: session.id, version })
            });
            let writes: Vec<_> = told.collect();
            if !writes.is_empty() {
                self.write_unasked(writes);
            }
        }
    }

    /// Writes what nobody waits for.
    fn write_unasked(&mut self, writes: Vec<Write>) {
        self.next_ticket += 1;
        self.effects.push_back(Effect::Write { ticket: Ticket(self.next_ticket), writes });
    }

    /// The subscriptions of a user whose record was just read. What ended meanwhile ends now.
    pub(super) fn take_subscriptions(&mut self, now: Now, presentity: &Address, stored: Vec<StoredSubscription>) {
        for stored in stored {
            let session = SessionKey { user: stored.subscriber, id: stored.connection };
            if !self.is_abroad(&session.user) {
                // Its domain has become one of ours: sessions of ours are not kept.
                let write = Write::Unsubscribe { user: presentity.clone(), subscriber: session.user, connection: session.id };
                self.write_unasked(vec![write]);
                continue;
            }
            let access = self.access(presentity, &session.user, Op::Subscribe);
            let absence = self.presence_absence(presentity).filter(|_| matches!(access, Access::Allowed(_)));
            self.next_serial += 1;
            let serial = self.next_serial;
            let Some(user) = self.users.get_mut(presentity) else { return };
            let behind = user.version_shown(&access) > stored.told;
            let ends = now.instant_of(stored.until);
            let mut subscription = Subscription {
                since: stored.since,
                until: stored.until,
                ends,
                timer: None,
                access: access.clone(),
                behind,
                lapsed: false,
                telling: Telling::default(),
                saying: Version(0),
                told: stored.told,
                unwritten: 0,
                leaving: Vec::new(),
                serial,
            };
            let timer = Timer::Subscription(presentity.clone(), session.clone());
            self.timers.set(&mut subscription.timer, ends, timer);
            user.subscriptions.insert(session.clone(), subscription);
            self.count_subscriber(&session);
            if stored.until <= now.unix {
                self.drop_subscription(now, presentity, &session);
                self.must_tell_ending(now, presentity, &session, Cause::Expired, now.instant + LATE_ENDING);
            } else if access == Access::Denied {
                self.end_subscription(now, presentity, &session, Cause::PermissionDenied);
            } else if let Some(absence) = absence {
                // An administrator was at work while the relay was not.
                let gone = absence.kind == ErrorKind::TargetUnknown;
                let cause = if gone { Cause::TargetUnknown } else { Cause::Moved };
                self.end_subscription(now, presentity, &session, cause);
            }
        }
    }

    /// Tells those who do not have the newest value, once the record is whole.
    pub(super) fn tell_all(&mut self, now: Now, presentity: &Address) {
        let behind = self.users.get(presentity).map(|user| {
            let all = user.subscriptions.iter().filter(|(_, subscription)| subscription.behind);
            all.map(|(session, _)| session.clone()).collect::<Vec<_>>()
        });
        for session in behind.unwrap_or_default() {
            self.tell(now, presentity, &session);
        }
    }

    /// Subscribers whose domain has become one of ours: sessions of ours subscribe anew.
    pub(super) fn forget_former_strangers(&mut self, now: Now, presentity: &Address) {
        let Some(user) = self.users.get(presentity) else { return };
        let strange = |session: &&SessionKey| !self.is_abroad(&session.user) && !self.sessions.contains_key(*session);
        let former: Vec<SessionKey> = user.subscriptions.keys().filter(strange).cloned().collect();
        for session in former {
            self.drop_subscription(now, presentity, &session);
        }
    }
}
