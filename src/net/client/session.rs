//! The task that owns a connection: it connects, logs in, writes requests, and sorts answers to those who wait.

use super::content::Content;
use super::error::Error;
use super::find::{self, Attempts};
use super::open::{self, ClientDrive, Opener};
use super::options::Options;
use crate::engine::{ByeCause, ClientCommand, ClientEvent, ClientRefusal, ServerHello};
use crate::model::{Address, Answer, ConnectionId, ErrorKind, RequestId, UnixMillis, UserCall, UserRequest};
use crate::net::connect::HostPort;
use crate::net::drive::Step;
use crate::net::{Clock, random};
use crate::wire::{Frame, Kind, Name};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};

/// What handles tell the task.
#[derive(Debug)]
pub(super) enum Command {
    /// A request, and who waits for the answer.
    Call(Call, Reply),
    /// The answer to a request of the server.
    Respond(Bytes),
    /// Say BYE and end.
    Close,
}

/// A request, but for what the session adds.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) target: Address,
    pub(super) call: UserCall,
    pub(super) content: Option<Content>,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(super) enum Reply {
    Once(oneshot::Sender<Result<Frame, Error>>),
    /// Among the events, in the order of the wire.
    Queued(u64),
}

/// What the task tells handles.
#[derive(Debug)]
pub(super) enum Queued {
    Request(Frame, UnixMillis),
    Answer(u64, Result<Frame, Error>),
    Bye { cause: Option<ByeCause>, reason: Option<String>, retry_after: Option<Duration> },
    Lost(Error),
}

/// How far a session is.
#[derive(Clone, Debug)]
pub(super) enum State {
    Opening,
    /// Requests may be given; the login is not done.
    Early,
    Ready(Arc<Ready>),
    Over(Error),
}

/// A session that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Who we are.
    pub identity: Address,
    /// The subscriptions of this Connection-ID stand.
    pub resumed: bool,
    /// What the server said of itself.
    pub hello: ServerHello,
    /// Where it is: `HOST:PORT`; `None` on a stream that the caller made.
    pub server: Option<HostPort>,
}

/// The task.
pub(super) struct Session {
    pub(super) options: Arc<Options>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) events: mpsc::UnboundedSender<Queued>,
    pub(super) state: watch::Sender<State>,
    /// Octets that the network has not taken yet.
    unsent: Arc<AtomicUsize>,
    requests: Requests,
}

/// Requests that wait or are on their way.
struct Requests {
    connection: ConnectionId,
    events: mpsc::UnboundedSender<Queued>,
    prefix: String,
    next: u64,
    held: VecDeque<(Call, Reply)>,
    pending: HashMap<RequestId, (Call, Reply)>,
    /// Who we are, or presume to be while requests may travel early.
    from: Option<Address>,
    max_body: u64,
    /// We want to end the session.
    closing: bool,
}

/// How a connection ended.
struct Finish {
    error: Error,
    /// The server wants to be reached there.
    redirect: Option<HostPort>,
    /// Requests were on their way, and nobody knows what became of them.
    unsettled: bool,
}

impl Finish {
    fn of(error: impl Into<Error>) -> Self {
        Self { error: error.into(), redirect: None, unsettled: false }
    }
}

impl Session {
    pub(super) fn new(
        options: Arc<Options>,
        commands: mpsc::UnboundedReceiver<Command>,
        events: mpsc::UnboundedSender<Queued>,
        state: watch::Sender<State>,
        unsent: Arc<AtomicUsize>,
    ) -> Self {
        let requests = Requests {
            connection: options.connection,
            events: events.clone(),
            prefix: random::request_prefix(),
            next: 0,
            held: VecDeque::new(),
            pending: HashMap::new(),
            from: None,
            max_body: u64::MAX,
            closing: false,
        };
        Self { options, commands, events, state, unsent, requests }
    }

    /// Connects to the domain's server, and serves the session until it ends.
    pub(super) async fn connect(mut self) {
        let mut server = self.options.server.clone();
        let deadline = self.deadline();
        for _ in 0..=open::REDIRECTS {
            let finish = self.connect_once(server.as_ref(), deadline).await;
            match finish {
                // Obeyed only from a server that proved who it is, and asked of the next one as well.
                Finish { redirect: Some(elsewhere), .. } if self.options.obeys_redirects() => {
                    self.requests.hold_all();
                    server = Some(elsewhere);
                }
                finish => return self.over(finish.error),
            }
        }
        self.over(Error::Login(ClientRefusal::Hello(Answer::new(ErrorKind::Redirect))));
    }

    /// Serves the session on a stream that leads to the server.
    pub(super) async fn over_stream<S>(mut self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let deadline = self.deadline();
        let opening = async {
            let opener = Opener::new(&self.options).await?;
            let drive = opener.open(stream, self.options.tls, &self.options.domain.clone().into()).await?;
            Ok((drive, opener.verifies()))
        };
        let opened = tokio::time::timeout_at(deadline.into(), opening).await.unwrap_or(Err(Error::Timeout));
        let finish = match opened {
            Ok((drive, verifies)) => self.serve(drive, verifies, None, None, &mut None).await,
            Err(error) => Finish::of(error),
        };
        self.over(finish.error);
    }

    fn deadline(&self) -> Instant {
        let now = Clock::instant();
        now.checked_add(self.options.timeout).unwrap_or(now)
    }

    /// Everybody who waits hears it: the state first, for they look there when their answer is dropped.
    fn over(self, error: Error) {
        self.state.send_replace(State::Over(error.clone()));
        if error != Error::Closed {
            // Nobody may be listening any more.
            let _ = self.events.send(Queued::Lost(error));
        }
    }

    /// Tries one place after the other until there is a session (SPEC §2.3).
    async fn connect_once(&mut self, server: Option<&HostPort>, deadline: Instant) -> Finish {
        let (race, verifies) = match find::begin(&self.options, server, deadline).await {
            Ok(begun) => begun,
            Err(error) => return Finish::of(error),
        };
        let mut rest = Some(race);
        loop {
            let Some(race) = &mut rest else { return Finish::of(Error::Closed) };
            let (place, drive) = match race.next().await {
                Ok(opened) => opened,
                Err(error) => return Finish::of(error),
            };
            let now = Clock::instant();
            let give_up = race.has_more().then(|| open::patience(now, deadline));
            let at = HostPort { host: place.candidate.host.clone(), port: Some(place.candidate.port) };
            let finish = self.serve(drive, verifies, Some(at), give_up, &mut rest).await;
            match &mut rest {
                Some(race)
                    if finish.redirect.is_none()
                        && !self.requests.closing
                        && open::another_may_do(&finish.error, finish.unsettled) =>
                {
                    self.requests.hold_all();
                    race.failed(&place, finish.error);
                }
                _ => return finish,
            }
        }
    }

    /// Serves one connection. Once there is a session, the `rest` of the places is forgotten.
    async fn serve<S>(
        &mut self,
        mut drive: ClientDrive<S>,
        pipeline: bool,
        at: Option<HostPort>,
        give_up: Option<Instant>,
        rest: &mut Option<Attempts>,
    ) -> Finish
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut give_up = give_up.map(|at| Box::pin(tokio::time::sleep_until(at.into())));
        self.requests.from = self.options.presumed_identity().filter(|_| pipeline);
        if self.options.early && self.requests.from.is_some() {
            self.state.send_replace(State::Early);
            self.requests.release(&mut drive);
        }
        let mut goodbye = None;
        loop {
            let woken = poll_fn(|cx| {
                if let Poll::Ready(command) = self.commands.poll_recv(cx) {
                    return Poll::Ready(Woken::Command(command));
                }
                if let Some(alarm) = &mut give_up
                    && alarm.as_mut().poll(cx).is_ready()
                {
                    return Poll::Ready(Woken::TooSlow);
                }
                let step = drive.poll_step(cx).map(Woken::Step);
                self.unsent.store(drive.queued(), Ordering::Relaxed);
                step
            });
            match woken.await {
                Woken::Command(Some(command)) => self.requests.command(command, &mut drive),
                // All handles are gone: what they said last is written, and the session is left as it is.
                Woken::Command(None) => {
                    drive.linger().await;
                    return Finish::of(Error::Closed);
                }
                Woken::TooSlow => {
                    let unsettled = drive.engine().has_outstanding();
                    return Finish { unsettled, ..Finish::of(Error::Timeout) };
                }
                Woken::Step(Step::Broken(error)) => {
                    let unsettled = drive.engine().has_outstanding();
                    return Finish { unsettled, ..Finish::of(Error::Broken(error.kind())) };
                }
                // It was had before the login began.
                Woken::Step(Step::Event(ClientEvent::StartTls)) => return Finish::of(Error::Login(ClientRefusal::BadAnswer)),
                Woken::Step(Step::Event(ClientEvent::Ready { identity, resumed, hello })) => {
                    (*rest, give_up) = (None, None);
                    self.requests.ready(&identity, &hello, &mut drive);
                    let server = at.clone();
                    self.state.send_replace(State::Ready(Arc::new(Ready { identity, resumed, hello, server })));
                }
                Woken::Step(Step::Event(ClientEvent::Refused(refusal))) => {
                    let (redirect, unsettled) = (open::elsewhere(&refusal), drive.engine().has_outstanding());
                    tokio::spawn(drive.linger());
                    return Finish { error: Error::Login(refusal), redirect, unsettled };
                }
                Woken::Step(Step::Event(ClientEvent::Response(frame))) => {
                    self.requests.answered(frame);
                }
                Woken::Step(Step::Event(ClientEvent::Request(frame))) => {
                    let _ = self.events.send(Queued::Request(frame, Clock::now().unix));
                }
                Woken::Step(Step::Event(ClientEvent::Pong)) => {}
                Woken::Step(Step::Event(ClientEvent::Bye { cause, reason, retry_after })) => {
                    goodbye = Some(Error::Bye { cause, reason: reason.clone(), retry_after });
                    let _ = self.events.send(Queued::Bye { cause, reason, retry_after });
                }
                Woken::Step(Step::Event(ClientEvent::Ended(end))) => {
                    let unsettled = drive.engine().has_outstanding();
                    // Nobody need wait while the last octets go out.
                    tokio::spawn(drive.linger());
                    let ended = if self.requests.closing { Error::Closed } else { Error::Ended(end) };
                    return Finish { unsettled, ..Finish::of(goodbye.take().unwrap_or(ended)) };
                }
            }
        }
    }
}

/// What woke the task.
enum Woken {
    /// `None`: there is nobody left to give one.
    Command(Option<Command>),
    Step(Step<ClientEvent>),
    TooSlow,
}

impl Requests {
    fn command<S>(&mut self, command: Command, drive: &mut ClientDrive<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        match command {
            Command::Call(call, reply) if self.from.is_some() => self.issue(call, reply, drive),
            Command::Call(call, reply) => self.held.push_back((call, reply)),
            Command::Respond(head) => give(drive, ClientCommand::Respond { head, body: Bytes::new() }),
            Command::Close => {
                self.closing = true;
                give(drive, ClientCommand::Bye);
            }
        }
    }

    /// The login is done: what waited for it goes out, and what went out under a wrong name goes out again. The server
    /// refused that without doing any of it (SPEC §5: From must be the Identity).
    fn ready<S>(&mut self, identity: &Address, hello: &ServerHello, drive: &mut ClientDrive<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if self.from.as_ref() != Some(identity) {
            self.hold_all();
        }
        self.from = Some(identity.clone());
        self.max_body = hello.max_body;
        self.release(drive);
    }

    /// What is on its way is to be sent again. In the order of the request-ids, which is the order sent.
    fn hold_all(&mut self) {
        let mut pending: Vec<_> = self.pending.drain().collect();
        pending.sort_by_key(|(id, _)| (id.as_str().len(), *id));
        pending.into_iter().rev().for_each(|(_, call)| self.held.push_front(call));
        self.from = None;
    }

    fn release<S>(&mut self, drive: &mut ClientDrive<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while let Some((call, reply)) = self.held.pop_front() {
            self.issue(call, reply, drive);
        }
    }

    fn issue<S>(&mut self, call: Call, reply: Reply, drive: &mut ClientDrive<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let octets = call.content.as_ref().map_or(0, |content| content.octets.len() as u64);
        if octets > self.max_body {
            return self.tell(reply, Err(Error::TooLarge { octets, limit: self.max_body }));
        }
        self.next += 1;
        let id = RequestId::parse(&format!("{}.{}", self.prefix, self.next));
        // The prefix leaves room for every number.
        let (Some(id), Some(from)) = (id, self.from.as_ref()) else { return self.tell(reply, Err(Error::Closed)) };
        let request = UserRequest { id, connection: self.connection, target: call.target.clone(), call: call.call.clone() };
        let writer = request.write(from);
        let (head, body) = match &call.content {
            None => (writer.finish(), Bytes::new()),
            Some(content) => {
                let writer = writer
                    .maybe(Name::ContentTransferEncoding, content.transfer_encoding.as_deref())
                    .maybe(Name::ContentDisposition, content.disposition.as_deref());
                (writer.finish_head(&content.content_type, content.octets.len()), content.octets.clone())
            }
        };
        give(drive, ClientCommand::Request { head, body });
        self.pending.insert(id, (call, reply));
    }

    /// Gives the answer to whoever waits. A response that matches nothing is ignored (SPEC §3).
    fn answered(&mut self, frame: Frame) {
        let Some(id) = RequestId::parse(frame.request_id()) else { return };
        if self.pending.get(&id).is_none_or(|(call, _)| call.call.method().as_str() != frame.method()) {
            return;
        }
        let Some((_, reply)) = self.pending.remove(&id) else { return };
        let ok = frame.kind() == Kind::Ok;
        self.tell(reply, if ok { Ok(frame) } else { Err(Error::Refused(Answer::read(&frame))) });
    }

    fn tell(&self, reply: Reply, answer: Result<Frame, Error>) {
        // Whoever no longer waits needs no answer.
        match reply {
            Reply::Once(waiting) => drop(waiting.send(answer)),
            Reply::Queued(tag) => drop(self.events.send(Queued::Answer(tag, answer))),
        }
    }
}

fn give<S>(drive: &mut ClientDrive<S>, command: ClientCommand)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    drive.command(|engine, now| engine.handle_command(now, command));
}
