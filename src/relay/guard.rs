//! Logins that fail, and how long the next one takes: whoever guesses waits, and locks nobody out but himself.
//!
//! Two things are counted. From one address (an IPv4 address, or an IPv6 network of 64 bits) one attempt follows the other, each
//! later by a delay that doubles with each failure. At one account, whoever comes from where nobody has proved to be its owner
//! waits too, but never long, and not behind others: else a stranger could keep the owner out. Where the owner has been let in
//! before, he waits for nothing; that is known as long as the relay runs.
//!
//! Behind one address there may be many people, and one of them who guesses: each who is let in takes one failure off the address, and
//! the next one in its line need not wait behind him. But one person does so once in a while only, or whoever has an account could
//! guess at the others' without a delay.

use super::crowd::origin_of;
use super::limits::InForce;
use crate::model::Address;
use crate::service::few::Few;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// The first delay; the next ones double.
const FIRST: Duration = Duration::from_millis(250);
/// One failure is forgotten after so long without another.
const FORGET: Duration = Duration::from_secs(60);
/// The longest delay at an account for those who were never let in: it must leave time to log in.
const ACCOUNT_MAX: Duration = Duration::from_secs(4);
/// Addresses, accounts and owners of whom something is known.
const KNOWN: usize = 65_536;
/// Places from which one owner was let in, the latest.
const PLACES: usize = 8;

/// What is known of failures.
pub(super) struct Guard {
    limits: Arc<InForce>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    addresses: HashMap<IpAddr, Failures>,
    accounts: HashMap<Address, Failures>,
    owners: HashMap<Address, Owner>,
}

#[derive(Default)]
struct Owner {
    /// Where they were let in, the latest last. Most come from one.
    places: Few<IpAddr>,
    /// When that last took a failure off a place.
    forgave: Option<Instant>,
}

struct Failures {
    count: u32,
    last: Instant,
    /// Before that no further attempt is looked at.
    next: Instant,
}

/// So many wait already that this one could not be looked at in time; after so long it could.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany(pub(super) Duration);

impl Guard {
    pub(super) fn new(limits: Arc<InForce>) -> Self {
        Self { limits, state: Mutex::default() }
    }

    /// How long an attempt waits before it is looked at.
    ///
    /// # Errors
    /// [`TooMany`]: longer than anybody may.
    pub(super) fn delay(&self, now: Instant, peer: IpAddr, account: &Address) -> Result<Duration, TooMany> {
        let limits = self.limits.load();
        let (free, longest) = (limits.failed_logins, limits.failed_login_delay);
        let origin = origin_of(peer);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.owners.get(account).is_some_and(|owner| owner.places.contains(&origin)) {
            return Ok(Duration::ZERO);
        }
        let at_account = state.accounts.get(account).map(|failures| failures.delay(now, free)).unwrap_or_default();
        let at_account = at_account.min(ACCOUNT_MAX).min(longest);
        let Some(failures) = state.addresses.get_mut(&origin) else { return Ok(at_account) };
        let each = failures.delay(now, free).min(longest);
        let turn = failures.next.max(now);
        let wait = turn.saturating_duration_since(now);
        if wait > longest {
            return Err(TooMany(wait));
        }
        if !each.is_zero() {
            failures.next = turn + each;
        }
        Ok(wait.max(at_account))
    }

    /// An attempt failed.
    pub(super) fn failed(&self, now: Instant, peer: IpAddr, account: Option<&Address>) {
        let limits = self.limits.load();
        let (free, longest) = (limits.failed_logins, limits.failed_login_delay);
        let origin = origin_of(peer);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        note(&mut state.addresses, now, origin, free, longest);
        if let Some(account) = account {
            note(&mut state.accounts, now, account.clone(), free, longest);
        }
    }

    /// Somebody proved to be the owner.
    pub(super) fn passed(&self, now: Instant, peer: IpAddr, account: &Address) {
        let limits = self.limits.load();
        let (free, longest) = (limits.failed_logins, limits.failed_login_delay);
        let origin = origin_of(peer);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.owners.len() >= KNOWN && !state.owners.contains_key(account) {
            // Some owner waits a little once more, if somebody guesses at his password.
            let some = state.owners.keys().next().cloned();
            some.map(|some| state.owners.remove(&some));
        }
        let owner = state.owners.entry(account.clone()).or_default();
        owner.places.remove(&origin);
        if owner.places.len() >= PLACES {
            let first = owner.places.iter().next().copied();
            if let Some(first) = first {
                owner.places.remove(&first);
            }
        }
        owner.places.insert(origin);
        if owner.forgave.is_some_and(|at| now.saturating_duration_since(at) < FORGET) {
            return;
        }
        owner.forgave = Some(now);
        if let Some(failures) = state.addresses.get_mut(&origin) {
            failures.forgive(now, free, longest);
        }
    }
}

impl Failures {
    /// How many count by now.
    fn count(&self, now: Instant) -> u32 {
        let forgotten = now.saturating_duration_since(self.last).as_secs() / FORGET.as_secs();
        self.count.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    fn delay(&self, now: Instant, free: u32) -> Duration {
        match self.count(now).checked_sub(free) {
            None | Some(0) => Duration::ZERO,
            Some(more) => FIRST.saturating_mul(1 << (more - 1).min(16)),
        }
    }

    /// One counts no more, nor does the wait behind whoever was let in.
    fn forgive(&mut self, now: Instant, free: u32, longest: Duration) {
        let waited = self.delay(now, free).min(longest);
        self.next = self.next.checked_sub(waited).unwrap_or(now).max(now);
        self.count = self.count.saturating_sub(1);
    }
}

fn note<K: Eq + std::hash::Hash>(all: &mut HashMap<K, Failures>, now: Instant, who: K, free: u32, longest: Duration) {
    if all.len() >= KNOWN && !all.contains_key(&who) {
        all.retain(|_, failures| failures.count(now) > 0);
        if all.len() >= KNOWN {
            // So many guess at once that none of them gets far.
            return;
        }
    }
    let failures = all.entry(who).or_insert(Failures { count: 0, last: now, next: now });
    // What is above makes no difference any more, and would only take longer to be forgotten.
    let most = free.saturating_add(doublings_to(longest)).saturating_add(1);
    failures.count = failures.count(now).saturating_add(1).min(most);
    failures.last = now;
    failures.next = failures.next.max(now + failures.delay(now, free).min(longest));
}

/// How often the first delay doubles before it is as long.
fn doublings_to(longest: Duration) -> u32 {
    (0..16).find(|doublings| FIRST.saturating_mul(1 << doublings) >= longest).unwrap_or(16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Clock;
    use crate::relay::limits::testing;

    const SECOND: Duration = Duration::from_secs(1);

    fn user(name: &str) -> Address {
        format!("{name}@a.test").parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn guard() -> Guard {
        Guard::new(testing(|limits| (limits.failed_logins, limits.failed_login_delay) = (3, 8 * SECOND)))
    }

    #[test]
    fn from_one_address_each_attempt_waits_for_the_one_before() {
        let (guard, now) = (guard(), Clock::instant());
        let (here, alice) = (ip("192.0.2.1"), user("alice"));
        for _ in 0..3 {
            assert_eq!(guard.delay(now, here, &alice), Ok(Duration::ZERO));
            guard.failed(now, here, None);
        }
        // Three are free.
        assert_eq!(guard.delay(now, here, &alice), Ok(Duration::ZERO));
        let mut waits = Vec::new();
        let mut at = now;
        for _ in 0..8 {
            guard.failed(at, here, None);
            let wait = guard.delay(at, here, &alice).unwrap();
            waits.push(wait.as_millis());
            at += wait;
        }
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
        // At the same time there is only one; the others queue, and soon there are too many.
        assert_eq!(guard.delay(at, here, &alice), Ok(8 * SECOND));
        assert_eq!(guard.delay(at, here, &alice), Err(TooMany(16 * SECOND)));
        // The same network waits with it, all others do not.
        assert_eq!(guard.delay(at, ip("::ffff:192.0.2.1"), &alice), Err(TooMany(16 * SECOND)));
        assert_eq!(guard.delay(at, ip("192.0.2.2"), &alice), Ok(Duration::ZERO));
        // All is forgiven after some time.
        assert_eq!(guard.delay(at + 20 * FORGET, here, &alice), Ok(Duration::ZERO));
    }

    #[test]
    fn an_owner_is_not_kept_out_by_those_who_guess() {
        let (guard, now) = (guard(), Clock::instant());
        let (home, alice) = (ip("198.51.100.7"), user("alice"));
        guard.passed(now, home, &alice);
        for host in 0..200 {
            guard.failed(now, ip(&format!("192.0.2.{host}")), Some(&alice));
        }
        // Where she was before: nothing. Elsewhere: a while, and never more.
        assert_eq!(guard.delay(now, home, &alice), Ok(Duration::ZERO));
        let elsewhere = ip("203.0.113.9");
        assert_eq!([guard.delay(now, elsewhere, &alice), guard.delay(now, elsewhere, &alice)], [Ok(ACCOUNT_MAX); 2]);
        assert_eq!(guard.delay(now, elsewhere, &user("bob")), Ok(Duration::ZERO));
        guard.passed(now, elsewhere, &alice);
        assert_eq!(guard.delay(now, elsewhere, &alice), Ok(Duration::ZERO));
    }

    /// The relay has started again, so that nobody is known, and somebody among them has a wrong password.
    #[test]
    fn many_behind_one_address_are_let_in_one_after_the_other() {
        let (guard, now) = (guard(), Clock::instant());
        let nat = ip("192.0.2.1");
        for _ in 0..20 {
            guard.failed(now, nat, None);
        }
        let mut line: Vec<_> = (0..50).map(|number| (now, user(&format!("u{number}")))).collect();
        let mut at = now;
        while !line.is_empty() {
            line.sort_by_key(|(next, _)| std::cmp::Reverse(*next));
            let (next, who) = line.pop().unwrap();
            at = at.max(next);
            match guard.delay(at, nat, &who) {
                Ok(wait) => {
                    at += wait;
                    guard.passed(at, nat, &who);
                }
                Err(TooMany(wait)) => line.push((at + wait, who)),
            }
        }
        // Each who is let in halves the delay of the next.
        assert!(at - now < 20 * SECOND, "{:?}", at - now);
        assert_eq!(guard.delay(at, nat, &user("newcomer")), Ok(Duration::ZERO));
    }

    #[test]
    fn an_account_of_ones_own_buys_no_free_guesses() {
        let (guard, mut at) = (guard(), Clock::instant());
        let (here, own, begun) = (ip("192.0.2.1"), user("mallory"), at);
        for number in 0..100 {
            let victim = user(&format!("u{number}"));
            at += guard.delay(at, here, &victim).unwrap();
            guard.failed(at, here, Some(&victim));
            guard.passed(at, here, &own);
        }
        assert!(at - begun > 80 * 8 * SECOND, "{:?}", at - begun);
    }

    #[test]
    fn there_is_room_for_so_many() {
        let (guard, now) = (guard(), Clock::instant());
        for number in 0..KNOWN as u32 + 100 {
            let peer = IpAddr::from(number.to_be_bytes());
            guard.failed(now, peer, Some(&user(&format!("u{number}"))));
            guard.passed(now, ip("2001:db8::1"), &user(&format!("u{number}")));
        }
        let state = guard.state.lock().unwrap();
        assert_eq!((state.addresses.len(), state.accounts.len(), state.owners.len()), (KNOWN, KNOWN, KNOWN));
    }
}
