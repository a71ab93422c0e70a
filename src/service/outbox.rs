//! What was sent to a client or another domain and awaits its answer, what waits for its turn, and whose answer a
//! response is (SPEC §3).

use super::effect::{ConnectionKey, Effect, Route};
use super::map::HashMap;
use super::sessions::SessionKey;
use super::{Service, mailbox};
use crate::model::{Address, Answer, ConnectionId, Method, Now, RequestId};
use crate::wire::{Frame, Kind, Name};
use hashbrown::Equivalent;
use hashbrown::hash_map::{Entry, EntryRef};
use std::collections::VecDeque;

/// Unanswered requests that one client is sent, however many it would take: what it does not read waits in memory.
const OUTSTANDING_MAX: usize = 256;

/// By what a response finds its request. No two equal ones are outstanding on a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) from: Address,
    pub(super) connection: ConnectionId,
    pub(super) id: RequestId,
}

/// The same as a response names it, its To octet for octet: nothing of it is kept.
#[derive(Hash)]
struct Named<'a> {
    from: &'a str,
    connection: ConnectionId,
    id: RequestId,
}

impl Equivalent<Identity> for Named<'_> {
    fn equivalent(&self, identity: &Identity) -> bool {
        self.id == identity.id && self.connection == identity.connection && self.from == identity.from.as_str()
    }
}

/// Where requests of a kind are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To a client.
    Client(ConnectionKey),
    /// To another domain, over whatever link stands.
    Route(Route),
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// CHANGE-NOTIFY of this user's presence to this session.
    Notify(Address, SessionKey),
    /// TERMINATE-SUBSCRIPTION of this user's presence to this session.
    Ending(Address, SessionKey),
    /// CHANGE-NOTIFY of another domain, handed on to the client.
    Relayed(Address),
    /// A request that was handed on to another domain.
    Forwarded(u64),
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
    /// CHANGE-NOTIFY of this user's presence to this session, with the value of that moment.
    Notify(Address, SessionKey),
    /// TERMINATE-SUBSCRIPTION.
    Ending(Address, SessionKey),
    /// CHANGE-NOTIFY of another domain, the newest one of that moment.
    Relayed(Address),
    /// A request to another domain.
    Forwarded(u64),
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

/// One connection's, or one route's, requests to the other side.
#[derive(Debug)]
pub(super) struct Outbox {
    max: usize,
    /// Octets that may be under way before all else waits.
    octets_max: u64,
    /// Octets that are.
    octets: u64,
    sent: HashMap<Identity, Sent>,
    waiting: VecDeque<Waiting>,
}

/// A request without an answer.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) about: About,
    /// By which connection it went.
    pub(super) over: ConnectionKey,
    pub(super) octets: u64,
}

impl Outbox {
    /// For a client that takes so many requests. When so many octets are under way, all else waits; what is under way is
    /// counted by whole frames, of which the last may go beyond.
    pub(super) fn new(max_outstanding: u32, octets_max: u64) -> Self {
        Self { octets_max, ..Self::bounded(max_outstanding, OUTSTANDING_MAX) }
    }

    /// For whoever takes so many requests, but never more than `most`.
    pub(super) fn bounded(max_outstanding: u32, most: usize) -> Self {
        let mut outbox = Self { max: most, octets_max: u64::MAX, octets: 0, sent: HashMap::default(), waiting: VecDeque::new() };
        outbox.allow(max_outstanding, most);
        outbox
    }

    /// The other side takes so many requests now.
    pub(super) fn allow(&mut self, max_outstanding: u32, most: usize) {
        self.max = usize::try_from(max_outstanding).unwrap_or(usize::MAX).clamp(1, most);
    }

    /// Nothing is under way or waits.
    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.waiting.is_empty()
    }

    /// Whether the client takes one more request now, and nothing has waited longer.
    pub(super) fn is_free(&self) -> bool {
        !self.is_full() && self.waiting.is_empty()
    }

    fn is_full(&self) -> bool {
        self.sent.len() >= self.max || self.octets >= self.octets_max
    }

    /// Whether a request of this identity awaits its answer.
    pub(super) fn has(&self, identity: &Identity) -> bool {
        self.sent.contains_key(identity)
    }

    /// Notes a request as sent.
    pub(super) fn sent(&mut self, identity: Identity, sent: Sent) {
        self.octets += sent.octets;
        if let Some(former) = self.sent.insert(identity, sent) {
            self.octets = self.octets.saturating_sub(former.octets);
        }
    }

    /// The same if the client takes one more now, nothing has waited longer, and no other of this identity awaits its answer; else
    /// gives the identity back.
    pub(super) fn send(&mut self, identity: Identity, sent: Sent) -> Result<(), Identity> {
        if !self.is_free() {
            return Err(identity);
        }
        match self.sent.entry(identity) {
            Entry::Occupied(entry) => Err(entry.key().clone()),
            Entry::Vacant(place) => {
                self.octets += sent.octets;
                place.insert(sent);
                Ok(())
            }
        }
    }

    fn take(&mut self, identity: &Identity) -> Option<Sent> {
        let sent = self.sent.remove(identity)?;
        self.octets = self.octets.saturating_sub(sent.octets);
        Some(sent)
    }

    /// Puts something at the end of the line.
    pub(super) fn wait(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    /// Puts something at the head of the line.
    pub(super) fn wait_first(&mut self, waiting: Waiting) {
        self.waiting.push_front(waiting);
    }

    /// Takes out all that waits.
    pub(super) fn take_waiting(&mut self) -> VecDeque<Waiting> {
        std::mem::take(&mut self.waiting)
    }

    /// Takes out what went by this connection and was not answered.
    pub(super) fn take_sent_over(&mut self, over: ConnectionKey) -> Vec<(Identity, About)> {
        let gone: Vec<(Identity, Sent)> = self.sent.extract_if(|_, sent| sent.over == over).collect();
        self.octets = self.octets.saturating_sub(gone.iter().map(|(_, sent)| sent.octets).sum());
        gone.into_iter().map(|(identity, sent)| (identity, sent.about)).collect()
    }

    /// Whether something that went by this connection was not answered.
    pub(super) fn has_sent_over(&self, over: ConnectionKey) -> bool {
        self.sent.values().any(|sent| sent.over == over)
    }

    /// Takes out the request to which this is the response; `None`: it answers nothing.
    pub(super) fn take_answered(&mut self, frame: &Frame) -> Option<(Identity, About)> {
        let EntryRef::Occupied(entry) = self.sent.entry_ref(&named(frame)?) else { return None };
        if entry.get().method.as_str() != frame.method() {
            return None;
        }
        let (identity, sent) = entry.remove_entry();
        self.octets = self.octets.saturating_sub(sent.octets);
        Some((identity, sent.about))
    }

    /// No longer waits for the answer to a request; gives back by which connection it went.
    pub(super) fn give_up(&mut self, identity: &Identity) -> Option<ConnectionKey> {
        self.take(identity).map(|sent| sent.over)
    }

    /// By which connection something went that is not answered; any, if there are several.
    pub(super) fn sent_over(&self) -> Option<ConnectionKey> {
        self.sent.values().next().map(|sent| sent.over)
    }

    /// What was sent without an answer, and what waits.
    pub(super) fn sent_about(&self) -> impl Iterator<Item = &About> {
        self.sent.values().map(|sent| &sent.about)
    }

    /// What was sent without an answer, to be given another meaning.
    pub(super) fn sent_about_mut(&mut self) -> impl Iterator<Item = &mut About> {
        self.sent.values_mut().map(|sent| &mut sent.about)
    }

    /// What waits for its turn.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter()
    }

    /// Whether something waits for its turn.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Takes out what need not wait any longer.
    pub(super) fn keep_waiting(&mut self, keep: impl FnMut(&Waiting) -> bool) {
        self.waiting.retain(keep);
    }

    /// The first in line that can go. One whose identity is still outstanding lets others pass.
    pub(super) fn next(&mut self) -> Option<Waiting> {
        if self.is_full() {
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
        let Some(at) = self.connections.get_mut(&connection) else { return };
        if at.outbox.is_free() && !matches!(waiting, Waiting::Live(_)) {
            return self.send_waiting(now, connection, waiting);
        }
        at.outbox.waiting.push_back(waiting);
        self.pump(now, connection);
    }

    /// Its turn has come.
    fn send_waiting(&mut self, now: Now, connection: ConnectionKey, waiting: Waiting) {
        let own = match waiting {
            Waiting::Notify(presentity, session) => self.make_notify(now, &presentity, &session),
            Waiting::Ending(presentity, session) => self.make_ending(now, &presentity, &session),
            Waiting::Relayed(presentity) => return self.send_relayed(connection, &presentity),
            Waiting::Live(copy) => return self.send_live(connection, *copy),
            // Goes to other domains only.
            Waiting::Forwarded(_) => None,
        };
        if let Some(own) = own {
            self.send_own(connection, own);
        }
    }

    /// By which way a session hears of a presentity; `None`: it has no connection.
    pub(super) fn way(&self, presentity: &Address, session: &SessionKey) -> Option<Way> {
        if !self.is_abroad(&session.user) {
            return self.sessions.get(session)?.connection.map(Way::Client);
        }
        Some(Way::Route(Route { ours: presentity.domain(), theirs: session.user.domain() }))
    }

    /// Sends something by that way as soon as its turn comes.
    pub(super) fn line_up_by(&mut self, now: Now, way: Way, waiting: Waiting) {
        match way {
            Way::Client(connection) => self.line_up(now, connection, waiting),
            Way::Route(route) => self.line_up_abroad(now, &route, waiting),
        }
    }

    /// The same for one more copy of a SEND, which most often need not wait: then nothing else does, and nothing but it changes.
    pub(super) fn line_up_copy(&mut self, now: Now, connection: ConnectionKey, copy: Copy) {
        let Some(at) = self.connections.get_mut(&connection) else { return };
        let Copy { send, identity, frame } = copy;
        let octets = frame.octets().len() as u64;
        let sent = Sent { method: Method::Send, about: About::Live(send), over: connection, octets };
        match at.outbox.send(identity, sent) {
            Ok(()) => self.effects.push_back(Effect::Send { connection, octets: frame.octets().clone().into() }),
            Err(identity) => self.line_up(now, connection, Waiting::Live(Box::new(Copy { send, identity, frame }))),
        }
    }

    /// Sends what the client has room for.
    pub(super) fn pump(&mut self, now: Now, connection: ConnectionKey) {
        let inbox = loop {
            let Some(at) = self.connections.get_mut(&connection) else { return };
            let Some(next) = at.outbox.next() else { break at.inbox.clone() };
            self.send_waiting(now, connection, next);
        };
        if let Some(inbox) = inbox {
            self.drain(now, &inbox);
        }
    }

    /// A client's response. One that matches nothing is ignored.
    pub(super) fn match_response(&mut self, now: Now, connection: ConnectionKey, frame: &Frame) {
        let Some(at) = self.connections.get_mut(&connection) else { return };
        let Some((identity, about)) = at.outbox.take_answered(frame) else { return };
        at.silent &= matches!(about, About::Notify(..) | About::Ending(..) | About::Relayed(_));
        let session = at.session.clone();
        let outcome = outcome_of(frame);
        match about {
            About::Notify(presentity, session) => self.notify_answered(now, &presentity, &session, identity.id, outcome),
            About::Ending(presentity, session) => self.ending_answered(now, &presentity, &session, identity.id, outcome),
            About::Relayed(presentity) => self.relayed_answered(now, &session, &presentity, outcome),
            About::Live(send) => self.live_answered(now, connection, send, outcome),
            About::Late(row) => self.late_answered(&row, outcome),
            About::Stored(row) => self.stored_answered(now, &row, outcome),
            About::Nothing | About::Forwarded(_) => {}
        }
        self.pump(now, connection);
    }

    /// The address in whose name the relay speaks of this user: that of the domain.
    pub(super) fn voice(&self, presentity: &Address) -> Address {
        let domain = presentity.domain_str();
        self.voices.get(domain).cloned().unwrap_or_else(|| Address::of_domain(&presentity.domain()))
    }

    /// The identity of a new request that the relay makes itself on behalf of this user.
    pub(super) fn own_identity(&mut self, presentity: &Address) -> Option<Identity> {
        self.next_request += 1;
        let id = RequestId::numbered(&self.config.request_prefix, self.next_request)?;
        Some(Identity { from: self.voice(presentity), connection: ConnectionId::server(), id })
    }
}

/// The identity of the request that this response answers.
fn named(frame: &Frame) -> Option<Named<'_>> {
    Some(Named {
        from: frame.header(Name::To)?,
        connection: ConnectionId::parse_any(frame.header(Name::ConnectionId)?)?,
        id: RequestId::parse(frame.request_id())?,
    })
}

/// What a response says.
pub(super) fn outcome_of(frame: &Frame) -> Result<(), Answer> {
    if frame.kind() == Kind::Ok { Ok(()) } else { Err(Answer::read(frame)) }
}

/// The identity of a forwarded frame.
pub(super) fn identity_of(frame: &Frame) -> Option<Identity> {
    Some(Identity {
        from: Address::parse_url(frame.header(Name::From)?).ok()?,
        connection: ConnectionId::parse_any(frame.header(Name::ConnectionId)?)?,
        id: RequestId::parse(frame.request_id())?,
    })
}
