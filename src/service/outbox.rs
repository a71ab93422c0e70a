//! What was sent to a client and awaits its answer, what waits for its turn, and whose answer a response is (SPEC §3).

use super::effect::ConnectionKey;
use super::{Service, mailbox};
use crate::model::{Address, Answer, ConnectionId, Method, Now, RequestId};
use crate::wire::{Frame, Kind, Name};
use std::collections::{HashMap, VecDeque};

/// Unanswered requests that one client is sent, however many it would take: what it does not read waits in memory.
const OUTSTANDING_MAX: usize = 256;

/// By what a response finds its request. No two equal ones are outstanding on a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) from: Address,
    pub(super) connection: ConnectionId,
    pub(super) id: RequestId,
}

/// What a request to a client is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// CHANGE-NOTIFY of this user's presence.
    Notify(Address),
    /// TERMINATE-SUBSCRIPTION of this user's presence.
    Ending(Address),
    /// An unsettled SEND.
    Live(u64),
    /// A SEND that was stored in the meantime.
    Late(mailbox::Row),
    /// A stored SEND.
    Stored(mailbox::Row),
    /// Something whose outcome no longer matters; it takes up its place until it is answered.
    Nothing,
}

/// Something that is sent when its turn comes.
#[derive(Clone, Debug)]
pub(super) enum Waiting {
    /// CHANGE-NOTIFY, with the value of that moment.
    Notify(Address),
    /// TERMINATE-SUBSCRIPTION.
    Ending(Address),
    /// A SEND, settled or not.
    Live(Box<Copy>),
}

/// A SEND that is to go to one more connection.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) send: u64,
    pub(super) identity: Identity,
    pub(super) frame: Frame,
}

/// One connection's requests to its client.
#[derive(Debug)]
pub(super) struct Outbox {
    max: usize,
    sent: HashMap<Identity, (Method, About)>,
    waiting: VecDeque<Waiting>,
}

impl Outbox {
    pub(super) fn new(max_outstanding: u32) -> Self {
        let max = usize::try_from(max_outstanding).unwrap_or(usize::MAX).clamp(1, OUTSTANDING_MAX);
        Self { max, sent: HashMap::new(), waiting: VecDeque::new() }
    }

    /// Whether the client takes one more request now, and nothing has waited longer.
    pub(super) fn is_free(&self) -> bool {
        self.sent.len() < self.max && self.waiting.is_empty()
    }

    /// Whether a request of this identity awaits its answer.
    pub(super) fn has(&self, identity: &Identity) -> bool {
        self.sent.contains_key(identity)
    }

    /// Notes a request as sent.
    pub(super) fn sent(&mut self, identity: Identity, method: Method, about: About) {
        self.sent.insert(identity, (method, about));
    }

    /// No longer waits for the answer to a request of the relay's own.
    pub(super) fn give_up(&mut self, identity: &Identity) {
        self.sent.remove(identity);
    }

    /// What was sent without an answer, and what waits.
    pub(super) fn sent_about(&self) -> impl Iterator<Item = &About> {
        self.sent.values().map(|(_, about)| about)
    }

    /// What was sent without an answer, to be given another meaning.
    pub(super) fn sent_about_mut(&mut self) -> impl Iterator<Item = &mut About> {
        self.sent.values_mut().map(|(_, about)| about)
    }

    /// What waits for its turn.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter()
    }

    /// Takes out what need not wait any longer.
    pub(super) fn keep_waiting(&mut self, keep: impl FnMut(&Waiting) -> bool) {
        self.waiting.retain(keep);
    }

    /// The first in line that can go. One whose identity is still outstanding lets others pass.
    fn next(&mut self) -> Option<Waiting> {
        if self.sent.len() >= self.max {
            return None;
        }
        let ready = |waiting: &Waiting| !matches!(waiting, Waiting::Live(copy) if self.sent.contains_key(&copy.identity));
        let at = self.waiting.iter().position(ready)?;
        self.waiting.remove(at)
    }
}

impl Service {
    /// Sends something as soon as its turn comes.
    pub(super) fn line_up(&mut self, now: Now, connection: ConnectionKey, waiting: Waiting) {
        if let Some(at) = self.connections.get_mut(&connection) {
            at.outbox.waiting.push_back(waiting);
            self.pump(now, connection);
        }
    }

    /// Sends what the client has room for.
    pub(super) fn pump(&mut self, now: Now, connection: ConnectionKey) {
        while let Some(next) = self.connections.get_mut(&connection).and_then(|at| at.outbox.next()) {
            match next {
                Waiting::Notify(presentity) => self.send_notify(now, connection, &presentity),
                Waiting::Ending(presentity) => self.send_ending(now, connection, &presentity),
                Waiting::Live(copy) => self.send_live(connection, *copy),
            }
        }
        let inbox = self.connections.get(&connection).and_then(|at| at.inbox.clone());
        if let Some(inbox) = inbox {
            self.drain(now, &inbox);
        }
    }

    /// A client's response. One that matches nothing is ignored.
    pub(super) fn match_response(&mut self, now: Now, connection: ConnectionKey, frame: &Frame) {
        let Some((identity, about)) = self.take_matching(connection, frame) else { return };
        let session = self.connections.get_mut(&connection).map(|at| {
            at.silent &= matches!(about, About::Notify(_) | About::Ending(_));
            at.session.clone()
        });
        let outcome = if frame.kind() == Kind::Ok { Ok(()) } else { Err(Answer::read(frame)) };
        match (about, session) {
            (About::Notify(presentity), Some(session)) => self.notify_answered(now, &presentity, &session, identity.id, outcome),
            (About::Ending(presentity), Some(session)) => self.ending_answered(now, &presentity, &session, identity.id, outcome),
            (About::Live(send), _) => self.live_answered(now, connection, send, outcome),
            (About::Late(row), _) => self.late_answered(&row, outcome),
            (About::Stored(row), _) => self.stored_answered(now, &row, outcome),
            (About::Nothing | About::Notify(_) | About::Ending(_), _) => {}
        }
        self.pump(now, connection);
    }

    fn take_matching(&mut self, connection: ConnectionKey, frame: &Frame) -> Option<(Identity, About)> {
        let at = self.connections.get_mut(&connection)?;
        let to = frame.header(Name::To)?;
        let identity = Identity {
            from: Address::parse_url(to).ok().filter(|from| from.as_str() == to)?,
            connection: ConnectionId::parse_any(frame.header(Name::ConnectionId)?)?,
            id: RequestId::parse(frame.request_id())?,
        };
        let (method, _) = at.outbox.sent.get(&identity)?;
        if method.as_str() != frame.method() {
            return None;
        }
        at.outbox.sent.remove(&identity).map(|(_, about)| (identity, about))
    }

    /// The identity of a new request that the relay makes itself on behalf of this user.
    pub(super) fn own_identity(&mut self, presentity: &Address) -> Option<Identity> {
        self.next_request += 1;
        let id = RequestId::parse(&format!("{}-{}", self.config.request_prefix, self.next_request))?;
        Some(Identity { from: Address::of_domain(&presentity.domain()), connection: ConnectionId::server(), id })
    }
}

/// The identity of a forwarded frame.
pub(super) fn identity_of(frame: &Frame) -> Option<Identity> {
    Some(Identity {
        from: Address::parse_url(frame.header(Name::From)?).ok()?,
        connection: ConnectionId::parse(frame.header(Name::ConnectionId)?)?,
        id: RequestId::parse(frame.request_id())?,
    })
}
