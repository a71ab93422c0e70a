//! `--queue`: a message that lies in the spool before anything is tried, and leaves it when it is settled.

use super::compose::Outgoing;
use super::deliver::{Run, since};
use super::report::{How, Report, State};
use super::spool::work::Work;
use super::spool::{Entry, Rest, Spool};
use crate::cli::exit::{Failure, Outcome};
use crate::cli::session::Session;
use crate::model::Address;
use crate::net::Clock;
use crate::net::client::Message;
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

/// A message in the spool whose sender waits for its fate.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    spool: &'a Spool,
    pub(super) entry: Entry,
}

impl<'a> Kept<'a> {
    /// Puts it there.
    ///
    /// # Errors
    /// 73 or 74: it is not there.
    pub(super) fn new(spool: &'a Spool, run: &Run<'_>, message: &Outgoing, me: &Address) -> Outcome<Self> {
        let from = me.canonical_local().unwrap_or_else(|| me.clone());
        let entry = spool.keep(message, &from, run.args.expires, Clock::now().unix)?;
        Ok(Self { spool, entry })
    }

    /// Sends it, and before it what is in its way.
    ///
    /// # Errors
    /// Why there is no session; whoever was not told of has it not.
    pub(super) async fn deliver(&self, run: &Run<'_>, session: &Session<'_>, report: &Report<'_>) -> Outcome<()> {
        deliver(run, session, &self.work(), |entry, to, state, how| {
            if entry.facts.id == self.entry.facts.id {
                report.tell(to, state, how);
            } else {
                run.out.detail(&format!("{} to {}, from the spool: {}", state.word(), to.shown(), entry.facts.id));
            }
        })
        .await
    }

    /// Notes why nothing could be tried, for `--queue-list`.
    pub(super) fn note(&self, failure: &Failure) {
        // It is only what people are shown; what matters is that the message stays.
        _ = self.work().note_all(failure);
    }

    /// Takes it out again: its sender knows that nothing came of it.
    ///
    /// # Errors
    /// 74.
    pub(super) fn discard(&self) -> Outcome<()> {
        self.spool.retire(&self.entry, Rest::Gone)
    }

    fn work(&self) -> Work<'_> {
        Work { spool: self.spool, from: &self.entry.facts.from, own: Some(&self.entry) }
    }
}

/// Works on the spool over a session, and tells of each delivery.
///
/// # Errors
/// Why there is no session; 74.
pub(super) async fn deliver(
    run: &Run<'_>,
    session: &Session<'_>,
    work: &Work<'_>,
    told: impl Fn(&Entry, &Address, &State, How<'_>),
) -> Outcome<()> {
    // A recipient has one message at a time under way.
    let reached: RefCell<HashMap<Address, (Duration, Option<String>)>> = RefCell::default();
    let send = async |to: &Address, message: &Message| {
        let begun = Clock::instant();
        let answer = run.send(session, to, message).await;
        let took = since(begun);
        let server = session.server().await;
        reached.borrow_mut().insert(to.clone(), (took, server));
        answer
    };
    let told = |entry: &Entry, to: &Address, state: State| {
        let reached = reached.borrow_mut().remove(to);
        let server = reached.as_ref().and_then(|(_, server)| server.as_deref());
        told(entry, to, &state, How { id: Some(&entry.facts.id), server, took: reached.as_ref().map(|(took, _)| *took) });
    };
    work.run(|| Clock::now().unix, send, told, |failure: &Failure| run.out.failure(failure)).await
}
