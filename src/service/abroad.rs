//! What our users' sessions subscribe to in other domains: the home server answers for the session, and keeps the newest
//! value until its client has it (SPEC §9.4).

use super::Service;
use super::effect::{ConnectionKey, Effect};
use super::outbox::{About, Identity, Sent, Waiting, identity_of};
use super::sessions::{Asker, SessionKey};
use super::timers::{Timer, TimerKey};
use crate::model::request::Cause;
use crate::model::response::ok_to;
use crate::model::{Address, Answer, ErrorKind, Method, Now, Version};
use crate::wire::{Frame, Name};
use bytes::Bytes;
use std::time::{Duration, Instant};

/// How much longer than its lease a subscription is believed in: the other domain tells its end itself, if it can.
const GRACE: Duration = Duration::from_secs(30);

/// One session's subscription to somebody in another domain.
#[derive(Debug, Default)]
pub(super) struct Abroad {
    /// SUBSCRIBEs without an answer.
    asked: u32,
    /// When the lease ends; `None`: nothing was granted yet.
    until: Option<Instant>,
    /// The newest version that is known here.
    version: Version,
    /// The newest notification, until the client has it and no older answer can come behind it.
    newest: Option<Kept>,
    /// It stands in line.
    queued: bool,
    /// The one that was sent and not answered.
    sent: Option<Version>,
    /// An older value went to the client behind it: it is to be sent once more.
    again: bool,
    timer: Option<TimerKey>,
}

/// A notification, octet for octet, in memory of its own: the frame would keep all that came with it.
#[derive(Debug)]
struct Kept {
    version: Version,
    identity: Identity,
    octets: Bytes,
    /// The client has answered it.
    known: bool,
}

impl Abroad {
    /// The connection is gone; the newest value goes to the next one.
    pub(super) fn restart(&mut self) {
        self.queued = false;
        self.sent = None;
        self.again = false;
    }

    /// What the client has is kept no longer than an answer may come that is older.
    fn tidy(&mut self) {
        if self.asked == 0 && self.newest.as_ref().is_some_and(|newest| newest.known) {
            self.newest = None;
        }
    }

    /// When the lease ends, if one was granted.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// The client does not have the newest value.
    pub(super) fn is_behind(&self) -> bool {
        self.newest.as_ref().is_some_and(|newest| !newest.known)
    }

    /// Nothing is granted any more.
    fn end(&mut self) -> Option<Instant> {
        self.newest = None;
        self.version = Version(0);
        self.until.take()
    }
}

impl Service {
    /// A session is about to SUBSCRIBE; `false`: it holds too many subscriptions.
    pub(super) fn subscribing_abroad(&mut self, session: &SessionKey, target: &Address) -> bool {
        let full = self.subscriptions_of(session) >= self.config.subscriptions_per_session;
        let Some(known) = self.sessions.get_mut(session) else { return false };
        if full && !known.abroad.contains_key(target) {
            return false;
        }
        known.abroad.entry(target.clone()).or_default().asked += 1;
        true
    }

    /// OK (SUBSCRIBE), which is always believed.
    pub(super) fn subscribed_abroad(
        &mut self,
        now: Now,
        session: &SessionKey,
        target: &Address,
        lease: Option<Duration>,
        version: Version,
    ) {
        let Some(known) = self.sessions.get_mut(session) else {
            // The session ended while it asked; nobody else will take the subscription back.
            return self.unsubscribe_abroad(now, session, target);
        };
        let abroad = known.abroad.entry(target.clone()).or_default();
        abroad.asked = abroad.asked.saturating_sub(1);
        let bounds = self.config.domains.get(session.user.domain_str()).map(|rules| rules.lease).unwrap_or_default();
        // Nobody is kept in mind for longer than our own domain would do it.
        let until = now.instant + lease.unwrap_or(bounds.default).min(bounds.max);
        abroad.until = Some(until);
        abroad.version = version.max(abroad.newest.as_ref().map_or(Version(0), |newest| newest.version));
        // What came before this answer by another link, and is newer, goes to the client once more: it believes the answer.
        abroad.newest = abroad.newest.take().filter(|newest| newest.version > version);
        if let Some(newest) = &mut abroad.newest {
            newest.known = false;
        }
        abroad.again = abroad.newest.is_some() && abroad.sent.is_some();
        let timer = Timer::Abroad(target.clone(), session.clone());
        self.timers.set(&mut abroad.timer, until + GRACE, timer);
        self.forget_ending(now, target, session);
        self.relay(now, session, target);
    }

    /// SUBSCRIBE failed; an older subscription stands.
    pub(super) fn not_subscribed_abroad(&mut self, session: &SessionKey, target: &Address) {
        let abroad = self.sessions.get_mut(session).and_then(|known| known.abroad.get_mut(target));
        let Some(abroad) = abroad else { return };
        abroad.asked = abroad.asked.saturating_sub(1);
        abroad.tidy();
        if abroad.until.is_none() {
            self.forget_abroad(session, target);
        }
    }

    /// The subscription is over on both sides; but it may have been asked for anew.
    pub(super) fn unsubscribed_abroad(&mut self, session: &SessionKey, target: &Address) {
        let abroad = self.sessions.get_mut(session).and_then(|known| known.abroad.get_mut(target));
        if let Some(abroad) = abroad {
            abroad.end();
            self.timers.clear(&mut abroad.timer);
            self.forget_abroad(session, target);
        }
    }

    /// Nothing is known of it any more, unless an answer is awaited.
    fn forget_abroad(&mut self, session: &SessionKey, target: &Address) {
        let Some(known) = self.sessions.get_mut(session) else { return };
        if known.abroad.get(target).is_some_and(|abroad| abroad.asked == 0) {
            known.abroad.remove(target);
            self.free_session(session);
        }
    }

    /// Whether the session subscribes to somebody in another domain, or is about to.
    pub(super) fn asks_abroad(&self, session: &SessionKey, target: &Address) -> bool {
        self.sessions.get(session).is_some_and(|known| known.abroad.contains_key(target))
    }

    /// The session is over; so is what it subscribed to.
    pub(super) fn leave_abroad(&mut self, now: Now, session: &SessionKey, target: &Address, mut abroad: Abroad) {
        self.timers.clear(&mut abroad.timer);
        if abroad.until.is_some() {
            self.unsubscribe_abroad(now, session, target);
        }
    }

    /// The lease is over, and nobody told: the other domain cannot be reached.
    pub(super) fn abroad_timer(&mut self, now: Now, target: &Address, session: &SessionKey) {
        let Some(known) = self.sessions.get_mut(session) else { return };
        let connected = known.connection.is_some();
        let Some(abroad) = known.abroad.get_mut(target) else { return };
        abroad.timer = None;
        abroad.end();
        if connected {
            self.must_tell_ending(now, target, session, Cause::Expired, now.instant + GRACE);
        }
        self.forget_abroad(session, target);
    }

    /// CHANGE-NOTIFY from another domain for a session of ours.
    pub(super) fn notified(&mut self, now: Now, asker: &Asker, session: &SessionKey, origin: &Address, version: Version) {
        let abroad = self.sessions.get_mut(session).and_then(|known| known.abroad.get_mut(origin));
        let known = abroad.and_then(|abroad| Some((abroad, identity_of(&asker.frame)?)));
        let Some((abroad, identity)) = known else { return self.refuse_with(asker, ErrorKind::SubscriptionUnknown) };
        // What is no news was answered before, by a link that broke or a relay that restarted.
        if version > abroad.version || (abroad.until.is_none() && abroad.newest.is_none()) {
            abroad.version = version;
            let octets = Bytes::copy_from_slice(asker.frame.octets());
            abroad.newest = Some(Kept { version, identity, octets, known: false });
        }
        self.answer(asker, ok_to(&asker.frame).finish().into());
        self.relay(now, session, origin);
    }

    /// TERMINATE-SUBSCRIPTION from another domain for a session of ours.
    pub(super) fn terminated(&mut self, now: Now, asker: &Asker, session: &SessionKey, origin: &Address, cause: Cause) {
        let abroad = self.sessions.get_mut(session).and_then(|known| known.abroad.get_mut(origin));
        let Some(abroad) = abroad else { return self.refuse_with(asker, ErrorKind::SubscriptionUnknown) };
        let until = abroad.end();
        self.timers.clear(&mut abroad.timer);
        self.answer(asker, ok_to(&asker.frame).finish().into());
        let connected = self.way(origin, session).is_some();
        // One that was not granted yet can only be an older one, of which the client knows nothing.
        if let Some(until) = until.filter(|_| connected || cause != Cause::Expired) {
            self.must_tell_ending(now, origin, session, cause, until.max(now.instant + GRACE));
        }
        self.forget_abroad(session, origin);
    }

    /// Hands the newest value on, if there is one, nothing is outstanding, and there is a connection.
    pub(super) fn relay(&mut self, now: Now, session: &SessionKey, origin: &Address) {
        let Some(known) = self.sessions.get_mut(session) else { return };
        let (Some(connection), Some(abroad)) = (known.connection, known.abroad.get_mut(origin)) else { return };
        let news = abroad.newest.as_ref().is_some_and(|newest| !newest.known);
        if news && abroad.until.is_some() && !abroad.queued && abroad.sent.is_none() {
            abroad.queued = true;
            self.line_up(now, connection, Waiting::Relayed(origin.clone()));
        }
    }

    /// Its turn has come.
    pub(super) fn send_relayed(&mut self, connection: ConnectionKey, origin: &Address) {
        let Some(at) = self.connections.get_mut(&connection) else { return };
        let abroad = self.sessions.get_mut(&at.session).and_then(|known| known.abroad.get_mut(origin));
        let Some(abroad) = abroad else { return };
        // An id that is used twice is the other domain's fault, and costs its own watchers alone a value.
        let news = abroad.newest.as_ref().filter(|newest| !newest.known && !at.outbox.has(&newest.identity));
        let (true, Some(newest)) = (std::mem::take(&mut abroad.queued), news) else { return };
        abroad.sent = Some(newest.version);
        let (about, octets) = (About::Relayed(origin.clone()), newest.octets.len() as u64);
        at.outbox.sent(newest.identity.clone(), Sent { method: Method::ChangeNotify, about, over: connection, octets });
        self.effects.push_back(Effect::Send { connection, octets: newest.octets.clone().into() });
    }

    /// The client answered.
    pub(super) fn relayed_answered(&mut self, now: Now, session: &SessionKey, origin: &Address, outcome: Result<(), Answer>) {
        let Some(abroad) = self.sessions.get_mut(session).and_then(|known| known.abroad.get_mut(origin)) else { return };
        let sent = abroad.sent.take();
        let again = std::mem::take(&mut abroad.again);
        if let Some(newest) = abroad.newest.as_mut().filter(|newest| sent == Some(newest.version) && !again) {
            // Whatever else it says, it has the value.
            newest.known = true;
        }
        abroad.tidy();
        if outcome.is_err_and(|answer| answer.kind == ErrorKind::SubscriptionUnknown) && abroad.asked == 0 {
            self.unsubscribed_abroad(session, origin);
            return self.unsubscribe_abroad(now, session, origin);
        }
        self.relay(now, session, origin);
    }
}

/// Octets of a notification's body; a longer one is no presence object.
pub(super) fn is_too_long(frame: &Frame, most: usize) -> Option<Answer> {
    let long = frame.body().is_some_and(|body| body.len() > most);
    long.then(|| Answer::new(ErrorKind::MessageTooLarge).with(Name::MaxBody, most.to_string()))
}
