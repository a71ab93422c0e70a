//! Those who make the load: each repeats what it was not answered, and reports what it was answered.

use super::record::{Record, Shown};
use super::{ABSENT, GUEST, OWNER, PRESENT, PUBLISHER, SENDERS, WATCHERS};
use crate::support::{PATIENCE, Site};
use impp::model::acl::{Acl, Action, Op, Rule, Who};
use impp::model::presence::{Presence, Status};
use impp::model::{Address, ConnectionId, ErrorKind, Lease, MessageId, Secret};
use impp::net::client::{Change, Client, Content, Error, Event, Fetched, Message};
use impp::net::connect::HostPort;
use impp::net::random;
use impp::net::tls::Trust;
use impp::net::tls::files::read_authorities;
use impp::{Options, net::client::Incoming};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::task::{JoinHandle, JoinSet};

/// A relay that is not there yet is asked again so often.
const PACE: Duration = Duration::from_millis(10);
/// Messages that an absent user takes at a time.
const GLANCE: usize = 60;
/// Acknowledgements to others that an absent user lets pass before the next look.
const ABSENCE: usize = 150;
/// How often the guest asks about the same rules.
const ASKED: usize = 3;

/// What all actors know.
#[derive(Clone)]
pub(crate) struct Stage {
    record: Arc<Record>,
    options: Arc<HashMap<&'static str, Options>>,
    ended: Arc<AtomicBool>,
    /// One permit for each of those who come now and then; they have it while they are there.
    visits: Arc<Semaphore>,
    /// How many are without a session, and have reported all that they heard.
    idle: Arc<AtomicUsize>,
}

/// The actors at work.
pub(crate) struct Actors {
    /// Those who end when the load does.
    loads: Vec<JoinHandle<()>>,
    /// Receivers and watchers, who stay until they are dropped.
    others: JoinSet<()>,
}

fn address(user: &str) -> Address {
    crate::support::at(user).parse().unwrap()
}

impl Stage {
    pub(crate) fn new(site: &Site, record: Arc<Record>) -> Self {
        let trust = Trust::Authorities(read_authorities(&site.path("cert.pem")).unwrap());
        let server = HostPort::parse(&site.tls.to_string());
        let options = |user: &'static str| {
            let mut options = Options::password(&address(user), Secret::new(format!("{user}'s secret")));
            options.server.clone_from(&server);
            options.trust = trust.clone();
            options.connection = ConnectionId::parse(&format!("{user}-all-along")).unwrap();
            options.accepts_messages = PRESENT.contains(&user) || ABSENT.contains(&user);
            (user, options)
        };
        let options = Arc::new(super::users().into_iter().map(options).collect());
        Self { record, options, ended: Arc::default(), visits: Arc::new(Semaphore::new(ABSENT.len())), idle: Arc::default() }
    }

    /// All of them begin. In a runtime.
    pub(crate) fn begin(&self) -> Actors {
        let mut loads: Vec<JoinHandle<()>> = SENDERS.iter().map(|user| tokio::spawn(self.clone().send(user))).collect();
        loads.push(tokio::spawn(self.clone().publish()));
        loads.push(tokio::spawn(self.clone().fetch()));
        loads.push(tokio::spawn(self.clone().rule()));
        let mut others = JoinSet::new();
        for user in PRESENT {
            others.spawn(self.clone().receive(user, usize::MAX));
        }
        for user in ABSENT {
            others.spawn(self.clone().receive(user, GLANCE));
        }
        for user in WATCHERS {
            others.spawn(self.clone().watch(user));
        }
        Actors { loads, others }
    }

    /// Waits until none of those who come now and then is there. They stay away, and mail waits, as long as this is kept.
    pub(crate) async fn keep_away(&self) -> OwnedSemaphorePermit {
        let all = self.visits.clone().acquire_many_owned(u32::try_from(ABSENT.len()).unwrap());
        tokio::time::timeout(PATIENCE, all).await.expect("each visit ends").unwrap()
    }

    /// The relay is dead: waits until everybody has noticed, and nothing that it said is left to report.
    pub(crate) fn wait_for_silence(&self, actors: &Actors) {
        let all = actors.loads.len() + actors.others.len();
        crate::support::until("everybody notices that the relay is gone", || {
            std::thread::sleep(PACE);
            self.idle.load(Ordering::SeqCst) == all
        });
    }

    /// Nothing new is begun from now on. Waits until all that was begun, and all that was acknowledged, has come to its end, and judges.
    pub(crate) async fn end(&self, actors: &mut Actors) {
        self.ended.store(true, Ordering::SeqCst);
        for actor in actors.loads.drain(..) {
            tokio::time::timeout(PATIENCE, actor).await.expect("an actor finishes what it began").unwrap();
        }
        let record = &self.record;
        record.wait("all that was acknowledged", |record| record.is_complete() || record.is_broken());
        record.wait("each watcher's newest value", |record| record.watchers_are_current(&WATCHERS) || record.is_broken());
        assert!(!record.is_broken(), "{}", record.verdict());
        record.must_have_seen_everything();
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// A session, as soon as the relay gives one.
    async fn connect(&self, user: &str, fresh: bool) -> Client {
        let mut options = self.options[user].clone();
        if fresh {
            options.connection = random::connection_id();
        }
        let _idle = Idle::new(&self.idle);
        loop {
            match Client::connect(options.clone()).await {
                Ok(client) => return client,
                Err(error) => self.bear(user, &error),
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// What a kill explains is borne; anything else is a fault.
    fn bear(&self, user: &str, error: &Error) {
        if !error.is_temporary() && !matches!(error, Error::Closed) {
            self.record.fault(format!("{user} hears: {error}"));
        }
    }

    /// What an answer is worth: done; refused as `refused` says; or to be asked again over a new session, which is made here.
    async fn heed<T>(
        &self,
        user: &str,
        client: &mut Client,
        answer: Result<T, Error>,
        refused: Option<ErrorKind>,
    ) -> ControlFlow<Option<T>> {
        match answer {
            Ok(answer) => return ControlFlow::Break(Some(answer)),
            Err(Error::Refused(answer)) if Some(answer.kind) == refused => return ControlFlow::Break(None),
            Err(error) => self.bear(user, &error),
        }
        if self.record.is_broken() {
            return ControlFlow::Break(None);
        }
        *client = self.connect(user, false).await;
        ControlFlow::Continue(())
    }

    /// One message after the other, each to the next of the receivers.
    async fn send(self, user: &'static str) {
        let mut client = self.connect(user, false).await;
        let receivers: Vec<&str> = PRESENT.iter().chain(&ABSENT).copied().collect();
        for number in 0.. {
            if self.has_ended() || self.record.is_broken() {
                return;
            }
            let to = receivers[number % receivers.len()];
            let id = format!("<{number}.{user}.{to}@demo.test>");
            let body = format!("From: {user}@demo.test\r\nMessage-ID: {id}\r\n\r\n{number}\r\n");
            let id = MessageId::parse(&id).unwrap();
            let message = Message { id, content_type: "message/rfc822".into(), body: body.into(), wanted: None };
            let to = address(to);
            let sent = loop {
                let answer = client.send(&to, &message).await;
                if let ControlFlow::Break(sent) = self.heed(user, &mut client, answer, None).await {
                    break sent;
                }
            };
            if let Some(sent) = sent {
                self.record.sent(message.id.as_str(), sent.delivery);
            }
        }
    }

    /// Takes messages: so many over each session, which then ends.
    async fn receive(self, user: &'static str, at_a_time: usize) {
        loop {
            let visit = if at_a_time < usize::MAX { Some(self.visit().await) } else { None };
            let client = self.connect(user, false).await;
            let session = self.record.session();
            let mut taken = 0;
            while taken < at_a_time {
                match client.next_event().await {
                    Some(Event::Message(incoming)) => {
                        self.take(user, incoming, session);
                        taken += 1;
                    }
                    Some(_) => {}
                    None => break,
                }
            }
            if taken >= at_a_time {
                // The good-bye comes behind the last OK; a relay that is killed meanwhile does not hear it.
                if client.close().await.is_ok() {
                    self.record.parted(session);
                }
                let _idle = Idle::new(&self.idle);
                let enough = self.record.acknowledgements() + ABSENCE;
                drop(visit);
                while self.record.acknowledgements() < enough && !self.has_ended() && !self.record.is_broken() {
                    tokio::time::sleep(PACE).await;
                }
            }
        }
    }

    async fn visit(&self) -> SemaphorePermit<'_> {
        let _idle = Idle::new(&self.idle);
        self.visits.acquire().await.unwrap()
    }

    fn take(&self, user: &str, incoming: Incoming, session: usize) {
        let id = incoming.id.as_str();
        let mut parts = id.trim_start_matches('<').split(['.', '@']);
        let (number, from) = (parts.next().unwrap().parse().unwrap(), parts.next().unwrap());
        self.record.arrived(id, from, user, number, session);
        incoming.accept();
    }

    /// One value after the other.
    async fn publish(self) {
        let mut client = self.connect(PUBLISHER, false).await;
        let target = address(PUBLISHER);
        for number in 1.. {
            if self.has_ended() || self.record.is_broken() {
                return;
            }
            let value = Presence { status: Status::Open, note: Some(number.to_string()), ..Presence::closed() };
            let content = Some(Content::presence(&value));
            let change = Change { lease: Lease::Infinity, if_version: None, view: None, content };
            let done = loop {
                let answer = client.change(&target, &change).await;
                if let ControlFlow::Break(done) = self.heed(PUBLISHER, &mut client, answer, None).await {
                    break done;
                }
            };
            if let Some(done) = done {
                self.record.published(Shown::new(number, done.version));
            }
        }
    }

    /// Asks again and again, under a new Connection-ID each time.
    async fn fetch(self) {
        let target = address(PUBLISHER);
        let mut client = self.connect(GUEST, true).await;
        while !self.has_ended() && !self.record.is_broken() {
            let floor = self.record.floor();
            match client.fetch(&target).await {
                Ok(value) => self.record.fetched(floor, shown(&value)),
                Err(error) => {
                    self.bear(GUEST, &error);
                    client = self.connect(GUEST, true).await;
                }
            }
        }
    }

    /// Watches over whatever sessions the relay gives; begins anew where the relay does not know the session any more.
    async fn watch(self, user: &'static str) {
        let target = address(PUBLISHER);
        loop {
            let client = self.connect(user, false).await;
            if !client.resumed().await.unwrap_or(false) {
                let floor = self.record.floor();
                match client.subscribe(&target, None).await {
                    Ok(subscribed) => self.record.watched(user, Some(floor), shown(&subscribed.value)),
                    Err(error) => {
                        self.bear(user, &error);
                        continue;
                    }
                }
            }
            while let Some(event) = client.next_event().await {
                match event {
                    Event::Changed { value, .. } => self.record.watched(user, None, shown(&value)),
                    Event::Terminated { cause, .. } => {
                        self.record.fault(format!("{user}'s subscription ended: {}", cause.as_str()))
                    }
                    _ => {}
                }
            }
        }
    }

    /// Lets the guest in and keeps it out by turns, and has it asked each time.
    async fn rule(self) {
        let mut owner = self.connect(OWNER, false).await;
        let mut guest = self.connect(GUEST, false).await;
        let target = address(OWNER);
        for round in 1.. {
            if self.has_ended() || self.record.is_broken() {
                return;
            }
            let found = loop {
                let answer = owner.get_acl(&target).await;
                if let ControlFlow::Break(found) = self.heed(OWNER, &mut owner, answer, None).await {
                    break found;
                }
            };
            let Some((_, found)) = found else { return };
            self.record.rules_found(round_of(&found));
            let allowed = round % 2 == 0;
            let action = if allowed { Action::Allow } else { Action::Deny };
            let rule = |who, ops, action| Rule { who: Who::User(who), ops: vec![ops], action, view: None };
            // The second says which round it is.
            let rules =
                vec![rule(address(GUEST), Op::Fetch, action), rule(address(&format!("round-{round}")), Op::Send, Action::Deny)];
            let acl = Acl { rules };
            loop {
                let answer = owner.set_acl(&target, &acl, None).await;
                match self.heed(OWNER, &mut owner, answer, None).await {
                    ControlFlow::Break(Some(_)) => break,
                    ControlFlow::Break(None) => return,
                    ControlFlow::Continue(()) => {}
                }
            }
            let past = self.record.ruled(round);
            for _ in 0..ASKED {
                let answer = loop {
                    let answer = guest.fetch(&target).await;
                    if let ControlFlow::Break(answer) =
                        self.heed(GUEST, &mut guest, answer, Some(ErrorKind::PermissionDenied)).await
                    {
                        break answer;
                    }
                };
                if !self.record.is_broken() {
                    self.record.asked(past, allowed, answer.is_some());
                }
            }
        }
    }
}

/// Counts one more who is idle, as long as it is there.
struct Idle(Arc<AtomicUsize>);

impl Idle {
    fn new(idle: &Arc<AtomicUsize>) -> Self {
        idle.fetch_add(1, Ordering::SeqCst);
        Self(idle.clone())
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The number in the note, zero before anything was published.
fn shown(value: &Fetched) -> Shown {
    let note = value.presence.as_ref().and_then(|presence| presence.note.as_deref());
    Shown::new(note.map_or(0, |note| note.parse().unwrap()), value.version)
}

/// The round in which these rules were set, zero for none.
fn round_of(acl: &Acl) -> usize {
    let users = acl.rules.iter().filter_map(|rule| match &rule.who {
        Who::User(user) => Some(user.user()),
        _ => None,
    });
    users.filter_map(|user| user.strip_prefix("round-")?.parse().ok()).next().unwrap_or_default()
}
