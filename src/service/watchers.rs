//! GET-WATCHERS: who subscribes now, and who was refused lately (SPEC §7).

use super::sessions::Asker;
use super::{Octets, Service};
use crate::model::acl::Op;
use crate::model::response::ok_to;
use crate::model::watchers::{Refused, Watchers, Watching};
use crate::model::{Address, ErrorKind, Now, UnixMillis, media_type};
use std::time::Duration;

/// How long a refusal is kept.
const MEMORY: Duration = Duration::from_secs(24 * 3600);
/// Refusals kept of one user.
const REFUSALS: usize = 64;

/// Somebody was told permission-denied.
#[derive(Debug)]
pub(super) struct Refusal {
    who: Address,
    op: Op,
    when: UnixMillis,
}

impl Service {
    /// GET-WATCHERS
    pub(super) fn list_watchers(&mut self, now: Now, asker: &Asker, target: &Address) {
        if asker.session.user != *target {
            return self.refuse_with(asker, ErrorKind::PermissionDenied);
        }
        let Some(user) = self.users.get(target) else { return };
        let mut all: Vec<_> = user.subscriptions.iter().collect();
        all.sort_unstable_by_key(|(session, _)| *session);
        let watching = all.into_iter().map(|(session, subscription)| Watching {
            who: session.user.clone(),
            connection: session.id,
            since: subscription.since,
            until: subscription.until,
        });
        let recent = user.refused.iter().filter(|refusal| now.unix.since(refusal.when) < MEMORY);
        let refused = recent.map(|refusal| Refused { who: refusal.who.clone(), op: refusal.op, when: refusal.when });
        let body = Watchers { watching: watching.collect(), refused: refused.collect() }.to_xml();
        let head = ok_to(&asker.frame).finish_head(media_type::WATCHERS, body.len());
        self.answer(asker, Octets { head, body });
    }

    /// Answers permission-denied, and notes it for the owner.
    pub(super) fn deny(&mut self, now: Now, asker: &Asker, target: &Address, op: Op) {
        self.note_refusal(now, asker, target, op);
        self.refuse_with(asker, ErrorKind::PermissionDenied);
    }

    /// Notes a refusal. Of somebody who asks again only the last one counts.
    pub(super) fn note_refusal(&mut self, now: Now, asker: &Asker, target: &Address, op: Op) {
        // Somebody who is not there will not ask.
        let Some(user) = self.users.get_mut(target).filter(|user| user.account.is_some()) else { return };
        let who = &asker.session.user;
        user.refused.retain(|refusal| (&refusal.who, refusal.op) != (who, op) && now.unix.since(refusal.when) < MEMORY);
        if user.refused.len() >= REFUSALS {
            user.refused.pop_front();
        }
        user.refused.push_back(Refusal { who: who.clone(), op, when: now.unix });
    }
}
