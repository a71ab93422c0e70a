//! One message to its recipients, over one session, all at once; and what is told of it.

use super::args::{SendArgs, Wait};
use super::compose::Outgoing;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::print::{Printer, Record};
use crate::cli::session::Session;
use crate::cli::trouble::Trouble;
use crate::cli::{progress, safe, together, units};
use crate::model::{Address, MessageId, Status};
use crate::net::Clock;
use crate::net::client::{Delivery, Message};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Recipients under way at a time; within what every server takes.
const WIDTH: usize = 32;

/// The message and the manner in which it is sent.
#[derive(Debug)]
pub(super) struct Delivering<'a> {
    args: &'a SendArgs,
    session: &'a Session<'a>,
    out: &'a Printer,
}

/// What became of the message for one recipient.
#[derive(Debug)]
enum State {
    Delivered,
    Stored,
    /// Handed over, not waited for.
    Sent,
    /// `--if-open`: not open.
    Skipped,
    /// `--probe`: what the address shows.
    Shows(Option<Status>),
    Failed(Trouble),
}

impl State {
    fn word(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Stored => "stored",
            Self::Sent => "sent",
            Self::Skipped => "skipped",
            Self::Shows(status) => status.map_or("unknown", Status::as_str),
            Self::Failed(_) => "failed",
        }
    }

    fn exit(&self, wait: Wait) -> Exit {
        match self {
            Self::Stored if wait == Wait::Delivered => Exit::Unknown,
            Self::Delivered | Self::Stored | Self::Sent | Self::Shows(_) => Exit::Yes,
            Self::Skipped => Exit::No,
            Self::Failed(trouble) => trouble.exit(),
        }
    }
}

impl<'a> Delivering<'a> {
    pub(super) fn new(args: &'a SendArgs, session: &'a Session<'a>, out: &'a Printer) -> Self {
        Self { args, session, out }
    }

    /// Sends to all, tells each, and gives the status of all together.
    pub(super) async fn deliver(&self, message: &Outgoing) -> Outcome<Exit> {
        let wire = Message {
            id: message.id.clone(),
            content_type: message.content_type.to_owned(),
            body: message.octets.clone(),
            wanted: self.args.expires,
        };
        let bar = progress::octets(self.out, message.octets.len() as u64 * message.to.len() as u64);
        let done = self.each(&message.to, Some(&message.id), async |to| {
            let state = self.one(to, &wire).await;
            bar.inc(message.octets.len() as u64);
            state
        });
        let exit = done.await;
        bar.finish_and_clear();
        exit
    }

    /// Asks for the presence of all and tells it; nothing is sent.
    pub(super) async fn probe(&self, recipients: &[Address]) -> Outcome<Exit> {
        self.each(recipients, None, async |to| match self.session.fetch_following(to).await {
            Ok(value) => State::Shows(value.presence.map(|presence| presence.status)),
            // They exist and keep to themselves: that is no obstacle to sending.
            Err(trouble) if trouble.exit() == Exit::Denied && trouble.kind().is_some() => State::Shows(None),
            Err(trouble) => State::Failed(trouble),
        })
        .await
    }

    async fn one(&self, to: &Address, message: &Message) -> State {
        if self.args.if_open {
            match self.session.fetch_following(to).await {
                Ok(value) if value.presence.as_ref().is_some_and(|presence| presence.status == Status::Open) => {}
                Ok(_) => return State::Skipped,
                Err(trouble) if trouble.exit() == Exit::Denied && trouble.kind().is_some() => return State::Skipped,
                Err(trouble) => return State::Failed(trouble),
            }
        }
        if self.args.wait == Some(Wait::None) {
            return self.session.send_blindly(to, message).await.map_or_else(State::Failed, |()| State::Sent);
        }
        match self.session.send(to, message).await {
            Ok(sent) if sent.delivery == Delivery::Delivered => State::Delivered,
            Ok(_) => State::Stored,
            Err(trouble) => State::Failed(trouble),
        }
    }

    /// Does `one` for all recipients and tells each as soon as it is settled.
    async fn each(&self, recipients: &[Address], id: Option<&MessageId>, one: impl AsyncFn(&Address) -> State) -> Outcome<Exit> {
        let told = RefCell::new(Vec::new());
        together::each(recipients, WIDTH, async |_, to: &Address| {
            let begun = Clock::instant();
            let state = one(to).await;
            let took = since(begun);
            let server = self.session.server().await;
            let result = self.tell(to, id, &state, server, took);
            told.borrow_mut().push(result.map(|()| state.exit(self.args.wait.unwrap_or_default())));
        })
        .await;
        let exits = told.into_inner().into_iter().collect::<Outcome<Vec<_>>>()?;
        Ok(Exit::combine(&exits))
    }

    fn tell(&self, to: &Address, id: Option<&MessageId>, state: &State, server: Option<String>, took: Duration) -> Outcome<()> {
        let trouble = match state {
            State::Failed(trouble) => Some(trouble),
            _ => None,
        };
        let record = Record::new()
            .with("to", to.to_email())
            .with("state", state.word())
            .with("id", id.map(MessageId::as_str))
            .with("server", server)
            .with("ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
            .with("error", trouble.map(Trouble::token))
            .with("code", state.exit(self.args.wait.unwrap_or_default()).code())
            .with("retry", trouble.is_some_and(Trouble::is_temporary));
        let shown = to.shown();
        let line = match state {
            State::Shows(_) => safe::line(&format!("{shown}  {}", state.word())).into_owned(),
            _ => String::new(),
        };
        match state {
            State::Failed(trouble) => {
                self.out.complain(&trouble.line(&format!("{} {shown}", if self.args.probe { "reach" } else { "deliver to" })))
            }
            State::Skipped => self.out.note(&format!("not sent to {shown}: not open")),
            State::Stored if self.args.wait == Some(Wait::Delivered) => {
                self.out.note(&format!("stored for {shown}, not yet delivered"))
            }
            State::Shows(_) => {}
            state => self.out.detail(&format!("{} to {shown} in {}", state.word(), units::shown(took))),
        }
        self.out.record(&record, &line)
    }
}

fn since(begun: Instant) -> Duration {
    Clock::instant().saturating_duration_since(begun)
}
