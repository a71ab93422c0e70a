//! What an administrator does to those who are there: ends their sessions, drops what waits for them, acts in their name.

use super::effect::{Administered, Effect};
use super::locate::Place;
use super::mailbox::Row;
use super::sessions::{Asker, SessionKey};
use super::store::StoreError;
use super::users::Held;
use super::{Closed, Service, Task};
use crate::model::{Address, Answer, ByeCause, ConnectionId, ErrorKind, Now, UserRequest};
use crate::wire::Frame;

impl Service {
    /// Ends sessions of a user: all, or the one of this name. Whoever is connected is told, and whatever they watched is no
    /// longer watched. Gives back which sessions ended; they may log in again, unless the account is disabled too.
    pub fn kick(&mut self, now: Now, user: &Address, only: Option<ConnectionId>) -> Vec<ConnectionId> {
        let meant = |key: &&SessionKey| key.user == *user && only.is_none_or(|id| id == key.id);
        let keys: Vec<SessionKey> = self.sessions.keys().filter(meant).cloned().collect();
        for key in &keys {
            self.dismiss(now, key, ByeCause::Kicked);
        }
        self.settle_routes(now);
        keys.into_iter().map(|key| key.id).collect()
    }

    /// Ends a session, whether it has a connection or not.
    pub(super) fn dismiss(&mut self, now: Now, key: &SessionKey, cause: ByeCause) {
        if let Some(connection) = self.sessions.get(key).and_then(|session| session.connection) {
            self.effects.push_back(Effect::Close { connection, cause });
            self.disconnect(now, connection, Closed::Bye);
        }
        self.end_session(now, key);
    }

    /// Deletes a stored message, which has so many octets. Answered by [`Effect::Administered`] when it is gone for good.
    pub fn drop_message(&mut self, now: Now, number: u64, user: &Address, message: u64, octets: u64) {
        match self.locate(user) {
            Place::User(address) => self.enter(now, &address, Held::Drop { number, message, octets }),
            // What was stored while the domain was served still is, and only whoever serves it deletes it.
            _ => self.effects.push_back(Effect::Administered { number, outcome: Administered::NotServed }),
        }
    }

    /// The record of the mailbox's owner is there.
    pub(super) fn drop_row(&mut self, number: u64, row: &Row) {
        if self.mark_deleted(row) {
            self.write_deletion(row, Task::Drop(Some(row.clone()), number));
        } else {
            // It is being deleted already: an empty write behind that one tells when it is done.
            self.write_nothing(Task::Drop(None, number));
        }
    }

    /// A message was deleted on demand, or was not.
    pub(super) fn row_dropped(&mut self, now: Now, row: Option<&Row>, number: u64, outcome: Result<(), StoreError>) {
        if let Some(row) = row {
            self.message_deleted(now, row, outcome);
            // Its client may have acknowledged it in the same moment, and then it was counted out twice.
            self.reread(now, &row.user);
        }
        self.dropped(number, outcome);
    }

    pub(super) fn dropped(&mut self, number: u64, outcome: Result<(), StoreError>) {
        self.effects.push_back(Effect::Administered { number, outcome: Administered::Dropped(outcome) });
    }

    /// A request to a user's own record as if that user had made it: From and Target are the user. Answered by
    /// [`Effect::Administered`] when what it changed is written.
    ///
    /// Whether the user is connected, disabled or has moved makes no difference; somebody who is not there is target-unknown.
    pub fn act_for(&mut self, now: Now, number: u64, user: &Address, frame: Frame) {
        let asker = Asker::administrator(user.clone(), frame, number);
        let request = match UserRequest::parse(&asker.frame) {
            Ok(request) => request,
            Err(fault) => return self.refuse(&asker, &Answer::new(ErrorKind::MalformedRequest).because(fault.to_string())),
        };
        match self.locate(user) {
            Place::User(address) if address == request.target => {
                self.enter_request(now, &address, asker, request);
            }
            _ => self.refuse_with(&asker, ErrorKind::TargetUnknown),
        }
        self.settle_routes(now);
    }
}
