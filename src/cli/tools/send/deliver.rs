//! One message to its recipients over one session, all at once; or to the first who is open.

use super::args::{SendArgs, Wait};
use super::compose::Outgoing;
use super::rate::Pace;
use super::report::{Fault, How, Report, State};
use super::spool::work::Refusal;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::print::Printer;
use crate::cli::session::Session;
use crate::cli::together;
use crate::cli::trouble::Trouble;
use crate::model::{Address, MessageId, Status};
use crate::net::Clock;
use crate::net::client::{Delivery, Message};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Recipients under way at a time; within what every server takes.
pub(super) const WIDTH: usize = 32;

/// What all messages of a run have in common.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) args: &'a SendArgs,
    pub(super) out: &'a Printer,
    pub(super) pace: Pace,
}

impl<'a> Run<'a> {
    pub(super) fn new(args: &'a SendArgs, out: &'a Printer) -> Self {
        Self { args, out, pace: Pace::new(args.max_rate) }
    }

    /// Sends one message out of the spool.
    pub(super) async fn send(&self, session: &Session<'_>, to: &Address, message: &Message) -> Result<Delivery, Refusal> {
        self.pace.turn().await;
        match session.send(to, message).await {
            Ok(sent) => Ok(sent.delivery),
            Err(trouble) if trouble.is_an_answer() => Err(Refusal::Message(Fault::of(&trouble, "deliver to", to))),
            Err(trouble) => Err(Refusal::Session(trouble.doing(&format!("deliver to {}", to.shown())))),
        }
    }
}

/// A session that messages are sent over, and where their fate is told.
#[derive(Debug)]
pub(super) struct Delivering<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) session: &'a Session<'a>,
    pub(super) report: &'a Report<'a>,
}

impl Delivering<'_> {
    /// Sends to all, or to the first who is open.
    pub(super) async fn deliver(&self, message: &Outgoing) {
        let wire = Message {
            id: message.id.clone(),
            content_type: message.content_type.to_owned(),
            body: message.octets.clone(),
            wanted: self.run.args.expires,
        };
        if self.run.args.first_open {
            return self.first_open(&message.to, &wire).await;
        }
        self.each(&message.to, Some(&message.id), async |to| self.one(to, &wire).await).await;
    }

    /// Asks for the presence of all and tells it; nothing is sent.
    pub(super) async fn probe(&self, recipients: &[Address]) -> Outcome<Exit> {
        self.each(recipients, None, async |to| match self.session.fetch_following(to).await {
            Ok(value) => State::Shows(value.presence.map(|presence| presence.status)),
            // They exist and keep to themselves: that is no obstacle to sending.
            Err(trouble) if is_withheld(&trouble) => State::Shows(None),
            Err(trouble) => State::Failed(Fault::of(&trouble, "reach", to)),
        })
        .await;
        self.report.exit()
    }

    async fn one(&self, to: &Address, message: &Message) -> State {
        if self.run.args.if_open {
            match self.is_open(to).await {
                Ok(true) => {}
                Ok(false) => return State::Skipped,
                Err(fault) => return State::Failed(fault),
            }
        }
        self.send(to, message).await
    }

    async fn send(&self, to: &Address, message: &Message) -> State {
        self.run.pace.turn().await;
        if self.run.args.wait == Some(Wait::None) {
            let sent = self.session.send_blindly(to, message).await;
            return sent.map_or_else(|trouble| State::Failed(Fault::of(&trouble, "deliver to", to)), |()| State::Sent);
        }
        match self.session.send(to, message).await {
            Ok(sent) => sent.delivery.into(),
            Err(trouble) => State::Failed(Fault::of(&trouble, "deliver to", to)),
        }
    }

    async fn is_open(&self, to: &Address) -> Result<bool, Fault> {
        match self.session.fetch_following(to).await {
            Ok(value) => Ok(value.presence.is_some_and(|presence| presence.status == Status::Open)),
            Err(trouble) if is_withheld(&trouble) => Ok(false),
            Err(trouble) => Err(Fault::of(&trouble, "reach", to)),
        }
    }

    /// All are asked at once, and the first in their order who is open gets it; where that fails, the next.
    async fn first_open(&self, recipients: &[Address], message: &Message) {
        let answers = RefCell::new(Vec::new());
        answers.borrow_mut().resize_with(recipients.len(), || None);
        together::each(recipients, WIDTH, async |at, to: &Address| {
            let answer = self.is_open(to).await;
            if let Some(place) = answers.borrow_mut().get_mut(at) {
                *place = Some(answer);
            }
        })
        .await;
        for (to, answer) in recipients.iter().zip(answers.into_inner()) {
            let begun = Clock::instant();
            let state = match answer {
                Some(Ok(true)) if !self.report.somebody_got_it() => self.send(to, message).await,
                Some(Err(fault)) => State::Failed(fault),
                _ => State::Skipped,
            };
            self.tell(to, Some(&message.id), &state, begun).await;
        }
    }

    /// Does `one` for all recipients and tells each as soon as it is settled.
    async fn each(&self, recipients: &[Address], id: Option<&MessageId>, one: impl AsyncFn(&Address) -> State) {
        together::each(recipients, WIDTH, async |_, to: &Address| {
            let begun = Clock::instant();
            let state = one(to).await;
            self.tell(to, id, &state, begun).await;
        })
        .await;
    }

    async fn tell(&self, to: &Address, id: Option<&MessageId>, state: &State, begun: Instant) {
        let took = since(begun);
        let server = self.session.server().await;
        self.report.tell(to, state, How { id, server: server.as_deref(), took: Some(took) });
    }
}

fn is_withheld(trouble: &Trouble) -> bool {
    trouble.exit() == Exit::Denied && trouble.is_an_answer()
}

pub(super) fn since(begun: Instant) -> Duration {
    Clock::instant().saturating_duration_since(begun)
}
