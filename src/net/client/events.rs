//! What a server has to say to a client by itself, and how the client answers.

use super::content::{Content, Fetched};
use super::error::Error;
use super::session::Command;
use crate::engine::ByeCause;
use crate::model::request::Cause;
use crate::model::response::{error_to, ok_to};
use crate::model::{Address, Answer, ErrorKind, MessageId, UnixMillis, UserCall, UserRequest};
use crate::wire::{Frame, Name};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Something that happened without being asked for.
#[derive(Debug)]
pub enum Event {
    /// A message came; it must be answered.
    Message(Incoming),
    /// The presence of a user to whom we subscribed changed.
    Changed {
        /// Whose.
        origin: Address,
        /// The value now.
        value: Fetched,
        /// Because a lease ended: the server's word.
        lapsed: bool,
    },
    /// A subscription ended.
    Terminated {
        /// To whom.
        origin: Address,
        /// Why.
        cause: Cause,
    },
    /// The server is about to close the connection; [`Event::Lost`] follows.
    Bye {
        /// Its token.
        cause: Option<ByeCause>,
        /// Its sentence: a stranger's text.
        reason: Option<String>,
        /// When to come back.
        retry_after: Option<Duration>,
    },
    /// The session's connection is gone. The last event.
    Lost(Error),
}

/// A message that waits for our answer. What is dropped unanswered is refused for now, so that it comes again.
#[derive(Debug)]
pub struct Incoming {
    /// Who sent it, as the domains vouch for it.
    pub from: Address,
    /// Its Message-ID.
    pub id: MessageId,
    /// For whom; another than ourselves where we read another's inbox.
    pub target: Address,
    /// The whole frame; the message is its body.
    pub frame: Frame,
    /// When it came here.
    pub received: UnixMillis,
    pub(super) responder: Option<Responder>,
}

impl Incoming {
    /// The RFC 5322 message.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.frame.body().unwrap_or_default()
    }

    /// `message/rfc822` or `message/global`, or whatever the sender wrote: a stranger's text.
    #[must_use]
    pub fn content_type(&self) -> &str {
        self.frame.header(Name::ContentType).unwrap_or_default()
    }

    /// We have it: the server may forget it.
    pub fn accept(mut self) {
        if let Some(responder) = self.responder.take() {
            responder.settle(&self.frame, None);
        }
    }

    /// We do not take it. A permanent kind makes the server forget it, a temporary one makes it try again.
    pub fn refuse(mut self, kind: ErrorKind, reason: Option<&str>) {
        let answer = Answer { reason: reason.map(str::to_owned), ..Answer::new(kind) };
        if let Some(responder) = self.responder.take() {
            responder.settle(&self.frame, Some(&answer));
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(responder) = self.responder.take() {
            responder.settle(&self.frame, Some(&Answer::new(ErrorKind::TryLater)));
        }
    }
}

/// Where the answer to one request goes.
#[derive(Debug)]
pub(super) struct Responder {
    pub(super) commands: UnboundedSender<Command>,
    /// Told what the answer was, before it is sent.
    pub(super) settled: Option<Settled>,
}

/// Hears whether a message was accepted.
#[derive(Clone)]
pub(super) struct Settled(pub(super) Arc<Hear>);

type Hear = dyn Fn(Option<&Answer>) + Send + Sync;

impl std::fmt::Debug for Settled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settled")
    }
}

impl Responder {
    pub(super) fn settle(self, request: &Frame, refusal: Option<&Answer>) {
        if let Some(Settled(hear)) = &self.settled {
            hear(refusal);
        }
        let octets = match refusal {
            None => ok_to(request).finish(),
            Some(answer) => answer.write(error_to(request)).finish(),
        };
        // Nobody is there to be told if the connection is gone: the server offers it again.
        let _ = self.commands.send(Command::Respond(octets));
    }
}

/// The acknowledgement of a notification: given when somebody takes it, so that a slow reader slows the server down,
/// which then sends the newest value alone.
#[derive(Debug)]
pub(super) struct Ack {
    responder: Responder,
    frame: Frame,
}

impl Ack {
    pub(super) fn give(self) {
        self.responder.settle(&self.frame, None);
    }

    /// Nobody here subscribed to that: the server shall stop.
    pub(super) fn unknown(self) {
        self.responder.settle(&self.frame, Some(&Answer::new(ErrorKind::SubscriptionUnknown)));
    }
}

/// A request of the server as an event. What makes no sense is answered so, and is no event.
pub(super) fn read(frame: Frame, received: UnixMillis, commands: &UnboundedSender<Command>) -> Option<(Event, Option<Ack>)> {
    let responder = Responder { commands: commands.clone(), settled: None };
    let refuse = |responder: Responder, kind, reason: String| {
        responder.settle(&frame, Some(&Answer::new(kind).because(reason)));
        None
    };
    let request = match UserRequest::parse(&frame) {
        Ok(request) => request,
        Err(fault) => return refuse(responder, ErrorKind::MalformedRequest, fault.to_string()),
    };
    let event = match request.call {
        UserCall::Send { message_id, .. } => {
            let Some(from) = frame.header(Name::From).and_then(|text| Address::parse_url(text).ok()) else {
                return refuse(responder, ErrorKind::MalformedRequest, "From is not of its form".to_owned());
            };
            let (target, responder) = (request.target, Some(responder));
            return Some((Event::Message(Incoming { from, id: message_id, target, frame, received, responder }), None));
        }
        UserCall::ChangeNotify { origin, version, lapsed, .. } => {
            // The parser has seen to it that there is a body.
            let content = Content::of(&frame)?;
            let presence = content.to_presence();
            Event::Changed { origin, value: Fetched { version, content, presence }, lapsed }
        }
        UserCall::TerminateSubscription { origin, cause, .. } => Event::Terminated { origin, cause },
        _ => return refuse(responder, ErrorKind::OperationNotSupported, "this is a client".to_owned()),
    };
    Some((event, Some(Ack { responder, frame })))
}
