//! What is known of each local user, read from the store at first need, and the order in which requests take effect.

use super::effect::{ConnectionKey, Effect, Notice, Ticket};
use super::mailbox::{Mailbox, Row};
use super::map::OrderedMap;
use super::rare::Rare;
use super::sessions::{Asker, SessionKey};
use super::store::{Account, Entity, MailboxSize, Read, StoreError, StoredAcl, StoredPresence, UserRecord};
use super::subscribe::Subscription;
use super::timers::TimerKey;
use super::watchers::Refusal;
use super::{Opening, Service, Task, few::Few, presence};
use crate::model::acl::Acl;
use crate::model::{Address, Answer, ConnectionId, ErrorKind, Now, UserCall, UserRequest};
use std::cell::OnceCell;
use std::collections::VecDeque;

/// Users whose turn to be forgotten is looked at in one go.
const SWEEP: usize = 4;

/// One local address: a user, or nobody. As many are in memory as are connected, and most of them do nothing: what few of them need
/// has room of its own.
#[derive(Debug)]
pub(super) struct User {
    /// What is under way; `None`: requests take effect at once.
    busy: Option<Busy>,
    /// What waits for it, oldest first.
    held: Rare<VecDeque<Held>>,
    /// The record may have changed since it was read.
    stale: bool,
    /// Somebody needed the record since it was last thought of forgetting it.
    used: bool,
    pub(super) account: Option<Account>,
    pub(super) acl: Option<Box<OwnAcl>>,
    /// Without expired leases, as of the last look.
    pub(super) presence: StoredPresence,
    pub(super) presence_timer: Option<TimerKey>,
    /// What those see who may see nothing, and all while nothing is set; made when somebody looks.
    closed: OnceCell<Box<Entity>>,
    /// Who watches.
    pub(super) subscriptions: Rare<OrderedMap<SessionKey, Subscription>>,
    pub(super) refused: Rare<VecDeque<Refusal>>,
    /// Connections that take this user's messages, oldest first.
    pub(super) inboxes: Few<ConnectionKey>,
    /// This user's sessions.
    pub(super) sessions: Few<ConnectionId>,
    pub(super) mailbox: Rare<Mailbox>,
    /// Messages to this user that nobody acknowledged yet.
    pub(super) unsettled: u32,
    /// Subscriptions of other domains that are being written.
    pub(super) keeping: u32,
}

/// An ACL with its rules read.
#[derive(Debug)]
pub(super) struct OwnAcl {
    pub(super) stored: StoredAcl,
    pub(super) rules: Acl,
}

/// Why requests to a user wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Busy {
    /// Nothing is known yet.
    Loading,
    /// A change is being written, or the record read again; messages need not wait for that.
    Changing,
}

/// Something that needs a user's record.
#[derive(Debug)]
pub(super) enum Held {
    /// A request with that user as Target.
    Request(Box<(Asker, UserRequest)>),
    /// A connection of that user.
    Open(ConnectionKey, Box<Opening>),
    /// Another user's connection that wants this user's messages.
    Inbox(ConnectionKey, Box<Opening>),
    /// An administrator, under this number, wants this stored message deleted.
    Drop { number: u64, message: u64, octets: u64 },
}

impl Held {
    /// Whether this must see what earlier requests changed. Messages and logins are judged by the rules that hold.
    fn is_ordered(&self) -> bool {
        matches!(self, Self::Request(asked) if !matches!(asked.1.call, UserCall::Send { .. }))
    }
}

impl OwnAcl {
    /// Reads the rules of a stored ACL; a damaged one is an error, lest it be taken for a laxer one.
    pub(super) fn read(stored: StoredAcl) -> Result<Self, StoreError> {
        let rules = Acl::parse(&stored.body).map_err(|_| StoreError::Corrupt)?;
        Ok(Self { stored, rules })
    }
}

impl User {
    fn new(busy: Option<Busy>) -> Self {
        Self {
            busy,
            held: Rare::default(),
            stale: false,
            used: true,
            account: None,
            acl: None,
            presence: StoredPresence::default(),
            presence_timer: None,
            closed: OnceCell::new(),
            subscriptions: Rare::default(),
            refused: Rare::default(),
            inboxes: Few::default(),
            sessions: Few::default(),
            mailbox: Rare::default(),
            unsettled: 0,
            keeping: 0,
        }
    }

    /// Whether the user can be forgotten without anybody noticing.
    fn is_idle(&self) -> bool {
        self.busy.is_none()
            && self.held.is_empty()
            && self.subscriptions.is_empty()
            && self.inboxes.is_empty()
            && self.sessions.is_empty()
            && self.unsettled == 0
            && self.keeping == 0
            && self.mailbox.is_idle()
    }

    /// Whether a write of presence or rules is under way.
    pub(super) fn is_changing(&self) -> bool {
        self.busy.is_some()
    }

    /// What those see who may see nothing of this user, whose address it is.
    pub(super) fn closed(&self, address: &Address) -> &Entity {
        self.closed.get_or_init(|| Box::new(presence::closed(address)))
    }

    /// From now on ordered requests wait.
    pub(super) fn hold(&mut self) {
        self.busy = Some(Busy::Changing);
    }
}

impl Service {
    /// Does what needs a user's record as soon as the record is there and earlier changes are written.
    pub(super) fn enter(&mut self, now: Now, address: &Address, held: Held) {
        let Some(user) = self.users.get_mut(address) else {
            self.load(address);
            if let Some(user) = self.users.get_mut(address) {
                user.held.push_back(held);
            }
            return;
        };
        user.used = true;
        let waits = match user.busy {
            Some(Busy::Loading) => true,
            Some(Busy::Changing) => held.is_ordered(),
            None => false,
        };
        if waits {
            user.held.push_back(held);
        } else {
            self.perform(now, address, held);
        }
    }

    /// The same for a request, which most often need not wait.
    pub(super) fn enter_request(&mut self, now: Now, address: &Address, asker: Asker, request: UserRequest) {
        match self.users.get_mut(address) {
            Some(user) if user.busy.is_none() => {
                user.used = true;
                self.perform_request(now, asker, request, address);
            }
            _ => self.enter(now, address, Held::Request(Box::new((asker, request)))),
        }
    }

    /// The same for an address that no account can have.
    pub(super) fn enter_nobody(&mut self, now: Now, address: &Address, asker: Asker, request: UserRequest) {
        if !self.users.contains_key(address) {
            self.insert_user(address, None);
        }
        self.enter_request(now, address, asker, request);
    }

    /// Has a user's record read for its own sake.
    pub(super) fn load(&mut self, address: &Address) {
        self.insert_user(address, Some(Busy::Loading));
        let ticket = self.ticket(Task::Load(address.clone()));
        self.effects.push_back(Effect::Read { ticket, read: Read::User(address.clone()) });
    }

    fn insert_user(&mut self, address: &Address, busy: Option<Busy>) {
        self.forget_idle_users();
        self.clock.push_back(address.clone());
        self.users.insert(address.clone(), Box::new(User::new(busy)));
    }

    fn perform(&mut self, now: Now, address: &Address, held: Held) {
        match held {
            Held::Request(asked) => self.perform_request(now, asked.0, asked.1, address),
            Held::Open(connection, opening) => self.open_own(now, connection, *opening),
            Held::Inbox(connection, opening) => self.open_inbox(now, connection, *opening, address),
            Held::Drop { number, message, octets } => {
                self.drop_row(number, &Row { user: address.clone(), number: message, octets });
            }
        }
    }

    /// A user's record was read for the first time.
    pub(super) fn user_loaded(&mut self, now: Now, address: &Address, outcome: Result<UserRecord, StoreError>) {
        let outcome = outcome.and_then(|record| {
            let acl = record.acl.map(OwnAcl::read).transpose()?.map(Box::new);
            Ok((record.account, acl, record.presence, record.mailbox, record.subscriptions))
        });
        match outcome {
            Ok((account, acl, presence, mailbox, subscriptions)) => {
                if let Some(user) = self.users.get_mut(address) {
                    user.account = account;
                    user.acl = acl;
                    user.presence = presence;
                    if mailbox != MailboxSize::default() {
                        user.mailbox.size = mailbox;
                    }
                }
                self.take_subscriptions(now, address, subscriptions);
                self.release(now, address);
                self.tell_all(now, address);
            }
            Err(_) => {
                self.effects.push_back(Effect::Notice(Notice::StoreFailed { user: address.clone() }));
                let held = self.users.remove(address).map(|user| user.held.into_inner()).unwrap_or_default();
                self.clock.retain(|known| known != address);
                for one in held {
                    self.fail(one);
                }
            }
        }
    }

    fn fail(&mut self, held: Held) {
        let answer = Answer::new(ErrorKind::ServerError);
        match held {
            Held::Request(asked) => self.refuse(&asked.0, &answer),
            Held::Open(connection, _) | Held::Inbox(connection, _) => self.refuse_opening(connection, answer),
            Held::Drop { number, .. } => self.dropped(number, Err(StoreError::Io)),
        }
    }

    /// What made the user busy is over: requests go on in their order until the next one makes the user busy.
    pub(super) fn release(&mut self, now: Now, address: &Address) {
        if let Some(user) = self.users.get_mut(address) {
            user.busy = None;
        }
        self.expire_presence(now, address);
        loop {
            let Some(user) = self.users.get_mut(address).filter(|user| user.busy.is_none()) else { return };
            if std::mem::take(&mut user.stale) {
                user.busy = Some(Busy::Changing);
                let known = user.mailbox.mark();
                let ticket = self.ticket(Task::Reload(address.clone(), known));
                self.effects.push_back(Effect::Read { ticket, read: Read::User(address.clone()) });
                return;
            }
            let Some(held) = user.held.changed().and_then(VecDeque::pop_front) else {
                // Most never wait again.
                user.held = Rare::default();
                return;
            };
            self.perform(now, address, held);
        }
    }

    /// Reads again every record that is in use, and forgets the others.
    pub(super) fn reload_users(&mut self, now: Now) {
        let addresses: Vec<Address> = self.clock.iter().cloned().collect();
        for address in addresses {
            match self.users.get_mut(&address) {
                // Of an idle one the refusals are what only memory has.
                Some(user) if !user.is_idle() || !user.refused.is_empty() => self.reread(now, &address),
                _ => self.forget(&address),
            }
        }
        self.clock.retain(|address| self.users.contains_key(address));
    }

    /// Reads a record again as soon as nothing else goes on with it.
    pub(super) fn reread(&mut self, now: Now, address: &Address) {
        let Some(user) = self.users.get_mut(address) else { return };
        user.stale = true;
        if user.busy.is_none() {
            self.release(now, address);
        }
    }

    fn forget(&mut self, address: &Address) {
        if let Some(mut user) = self.users.remove(address) {
            self.timers.clear(&mut user.presence_timer);
            if let Some(mailbox) = user.mailbox.changed() {
                mailbox.clear_timers(&mut self.timers);
            }
        }
    }

    /// Keeps the number of idle users in memory near its bound: those not used since the last look go.
    fn forget_idle_users(&mut self) {
        for _ in 0..SWEEP {
            if self.users.len() < self.config.cached_users {
                return;
            }
            let Some(address) = self.clock.pop_front() else { return };
            match self.users.get_mut(&address) {
                Some(user) if user.used || !user.is_idle() => {
                    user.used = false;
                    self.clock.push_back(address);
                }
                _ => self.forget(&address),
            }
        }
    }

    /// A number under which the outcome of a read or write finds back.
    pub(super) fn ticket(&mut self, task: Task) -> Ticket {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.tasks.insert(ticket, task);
        ticket
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::sessions::{Connection, Session};

    /// Ten thousand of them are idle at the same time.
    #[test]
    fn who_is_connected_and_idle_is_small() {
        let octets = [size_of::<User>(), size_of::<Session>(), size_of::<Connection>()];
        assert!(octets.iter().zip([232, 64, 208]).all(|(octets, most)| *octets <= most), "{octets:?}");
    }
}
