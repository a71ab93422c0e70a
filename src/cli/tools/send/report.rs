//! What became of a message for each recipient: told as soon as it is known, each once, and what all of it comes to.

use super::args::{SendArgs, Wait};
use super::spool::{Mark, Standing};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::{Printer, Record};
use crate::cli::safe;
use crate::cli::trouble::Trouble;
use crate::cli::units;
use crate::model::{Address, Answer, ErrorKind, MessageId, Status};
use crate::net::client::{Delivery, Error};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// What became of a message for one recipient.
#[derive(Clone, Debug)]
pub(super) enum State {
    Delivered,
    Stored,
    /// Handed over, not waited for.
    Sent,
    /// `--if-open`: not open.
    Skipped,
    /// `--probe`: what the address shows.
    Shows(Option<Status>),
    /// It stays in the spool, because of this.
    Queued(Fault),
    Failed(Fault),
}

/// Why somebody does not have the message.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// The word for records.
    pub(super) token: Cow<'static, str>,
    /// The status that this alone gives.
    pub(super) exit: Exit,
    /// The line for people; `None` if it was said already.
    pub(super) line: Option<String>,
}

impl Fault {
    /// An answer, or why there is none. `doing`: what was attempted, without the recipient.
    pub(super) fn of(trouble: &Trouble, doing: &str, to: &Address) -> Self {
        let line = trouble.line(&format!("{doing} {}", to.shown()));
        Self { token: trouble.token().into(), exit: trouble.exit(), line: Some(line) }
    }

    /// What ended the whole session, for one of those who wait.
    pub(super) fn of_failure(failure: &Failure) -> Self {
        Self { token: failure.token().unwrap_or("local").into(), exit: failure.exit, line: None }
    }

    /// What another process found out.
    fn of_mark(mark: &Mark, to: &Address) -> Self {
        let line = match ErrorKind::parse(&mark.word) {
            Some(kind) => {
                let refused = Trouble::from(Error::Refused(Answer::new(kind)));
                refused.line(&format!("deliver to {}", to.shown()))
            }
            None => format!("cannot deliver to {}: {}", to.shown(), mark.word),
        };
        Self { token: mark.word.clone().into(), exit: mark.exit, line: Some(line) }
    }

    /// Whether the same may succeed later.
    pub(super) fn is_temporary(&self) -> bool {
        self.exit == Exit::TryLater
    }
}

impl From<Delivery> for State {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Delivered => Self::Delivered,
            Delivery::Stored => Self::Stored,
        }
    }
}

impl State {
    /// As a mark in the spool says; `None` where nothing is settled.
    pub(super) fn of_mark(mark: &Mark, to: &Address) -> Option<Self> {
        match mark.standing {
            Standing::Open => None,
            Standing::Delivered => Some(Self::Delivered),
            Standing::Stored => Some(Self::Stored),
            Standing::Failed | Standing::Told => Some(Self::Failed(Fault::of_mark(mark, to))),
        }
    }

    /// The word for records.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Stored => "stored",
            Self::Sent => "sent",
            Self::Skipped => "skipped",
            Self::Shows(status) => status.map_or("unknown", Status::as_str),
            Self::Queued(_) => "queued",
            Self::Failed(_) => "failed",
        }
    }

    fn exit(&self, wait: Wait) -> Exit {
        match self {
            Self::Stored if wait == Wait::Delivered => Exit::Unknown,
            Self::Delivered | Self::Stored | Self::Sent | Self::Shows(_) => Exit::Yes,
            Self::Skipped => Exit::No,
            Self::Queued(_) => Exit::Unknown,
            Self::Failed(fault) => fault.exit,
        }
    }

    /// Whether the message has left our hands for this recipient.
    fn is_gone(&self) -> bool {
        matches!(self, Self::Delivered | Self::Stored | Self::Sent)
    }
}

/// What is told beside the state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct How<'a> {
    /// Which message; `None`: none was sent.
    pub(super) id: Option<&'a MessageId>,
    /// The server that was reached.
    pub(super) server: Option<&'a str>,
    /// From asking to the answer.
    pub(super) took: Option<Duration>,
}

/// Tells what becomes of messages.
#[derive(Debug)]
pub(super) struct Report<'a> {
    args: &'a SendArgs,
    out: &'a Printer,
    /// Each recipient with what they alone would come to.
    rows: RefCell<Vec<(Address, Exit)>>,
    somebody: Cell<bool>,
    /// Why the last one has it not.
    why: RefCell<Option<Cow<'static, str>>>,
    /// Records are no longer written, and why.
    broken: RefCell<Option<Failure>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(args: &'a SendArgs, out: &'a Printer) -> Self {
        Self {
            args,
            out,
            rows: RefCell::default(),
            somebody: Cell::new(false),
            why: RefCell::default(),
            broken: RefCell::default(),
        }
    }

    /// Tells what became of it for one recipient.
    pub(super) fn tell(&self, to: &Address, state: &State, how: How<'_>) {
        let exit = state.exit(self.args.wait.unwrap_or_default());
        self.rows.borrow_mut().push((to.clone(), exit));
        self.somebody.set(self.somebody.get() || state.is_gone());
        if let State::Queued(fault) | State::Failed(fault) = state {
            *self.why.borrow_mut() = Some(fault.token.clone());
        }
        self.say(to, state, how.took);
        self.record(to, state, exit, how);
    }

    /// Whoever was not told yet has this failure, which is said once.
    pub(super) fn rest(&self, all: &[Address], failure: &Failure, queued: bool, id: Option<&MessageId>) {
        let fault = Fault::of_failure(failure);
        let waiting: Vec<_> = all.iter().filter(|to| !self.rows.borrow().iter().any(|(told, _)| told == *to)).collect();
        if let (Some(line), false) = (failure.line(), waiting.is_empty()) {
            match queued {
                true => self.out.note(&format!("{line}; the message stays in the spool")),
                false => self.out.complain(line),
            }
        }
        for to in waiting {
            let state = if queued { State::Queued(fault.clone()) } else { State::Failed(fault.clone()) };
            self.tell(to, &state, How { id, ..How::default() });
        }
    }

    /// How many were told.
    pub(super) fn told(&self) -> usize {
        self.rows.borrow().len()
    }

    /// Whether anybody got it.
    pub(super) fn somebody_got_it(&self) -> bool {
        self.somebody.get()
    }

    /// Why somebody got it not.
    pub(super) fn why(&self) -> Option<String> {
        self.why.borrow().as_deref().map(str::to_owned)
    }

    /// What all of it comes to.
    ///
    /// # Errors
    /// Standard output took not all.
    pub(super) fn exit(&self) -> Outcome<Exit> {
        let exits: Vec<_> = self.rows.borrow().iter().map(|(_, exit)| *exit).collect();
        let exit = if self.args.first_open { first_open(&exits) } else { Exit::combine(&exits) };
        match self.broken.take() {
            // Whoever stopped reading wants the status all the same.
            Some(failure) if failure.exit != Exit::Yes && exit == Exit::Yes => Err(failure),
            Some(failure) if failure.exit != Exit::Yes => {
                self.out.failure(&failure);
                Ok(exit)
            }
            _ => Ok(exit),
        }
    }

    fn say(&self, to: &Address, state: &State, took: Option<Duration>) {
        let shown = to.shown();
        match state {
            State::Failed(Fault { line: Some(line), .. }) => self.out.complain(line),
            State::Queued(Fault { line: Some(line), .. }) => self.out.note(&format!("{line}; the message stays in the spool")),
            State::Failed(_) | State::Queued(_) | State::Shows(_) => {}
            State::Skipped if self.args.first_open => self.out.detail(&format!("not sent to {shown}")),
            State::Skipped => self.out.note(&format!("not sent to {shown}: not open")),
            State::Stored if self.args.wait == Some(Wait::Delivered) => {
                self.out.note(&format!("stored for {shown}, not yet delivered"));
            }
            state => {
                let time = took.map(|took| format!(" in {}", units::shown(took))).unwrap_or_default();
                self.out.detail(&format!("{} to {shown}{time}", state.word()));
            }
        }
    }

    fn record(&self, to: &Address, state: &State, exit: Exit, how: How<'_>) {
        if self.broken.borrow().is_some() {
            return;
        }
        let fault = match state {
            State::Failed(fault) | State::Queued(fault) => Some(fault),
            _ => None,
        };
        let record = Record::new()
            .with("to", to.to_email())
            .with("state", state.word())
            .with("id", how.id.map(MessageId::as_str))
            .with("server", how.server)
            .with("ms", how.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)))
            .with("error", fault.map(|fault| fault.token.as_ref()))
            .with("code", exit.code())
            .with("retry", fault.is_some_and(Fault::is_temporary));
        let line = match state {
            State::Shows(_) => safe::line(&format!("{}  {}", to.shown(), state.word())).into_owned(),
            _ => String::new(),
        };
        if let Err(failure) = self.out.record(&record, &line) {
            *self.broken.borrow_mut() = Some(failure);
        }
    }
}

/// Who got it decides; where nobody did, what could not be found out is no "no".
fn first_open(exits: &[Exit]) -> Exit {
    let settled = exits.iter().find(|exit| matches!(exit, Exit::Yes | Exit::Unknown));
    let failed: Vec<_> = exits.iter().copied().filter(|exit| *exit != Exit::No).collect();
    match (settled, failed.as_slice()) {
        (Some(exit), _) => *exit,
        (None, []) => Exit::No,
        (None, failed) => Exit::combine(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_on_call_list_one_has_to_get_it() {
        for (exits, one) in [
            (&[Exit::No, Exit::No][..], Exit::No),
            (&[Exit::No, Exit::Yes, Exit::No], Exit::Yes),
            (&[Exit::TryLater, Exit::Yes], Exit::Yes),
            (&[Exit::No, Exit::TryLater], Exit::TryLater),
            (&[Exit::NoUser, Exit::TryLater], Exit::Partly),
            (&[Exit::No, Exit::Unknown], Exit::Unknown),
        ] {
            assert_eq!(first_open(exits), one, "{exits:?}");
        }
    }

    #[test]
    fn another_process_is_believed() {
        let to = Address::parse("bob@x").unwrap();
        let mark = Mark { standing: Standing::Failed, exit: Exit::NoUser, word: "target-unknown".to_owned() };
        let Some(State::Failed(fault)) = State::of_mark(&mark, &to) else { panic!() };
        assert_eq!(fault.line.as_deref(), Some("cannot deliver to bob@x: there is no such address (target-unknown)"));
        assert!(State::of_mark(&Mark::fresh(), &to).is_none());
        assert!(matches!(State::of_mark(&Mark::of(Standing::Stored), &to), Some(State::Stored)));
    }
}
