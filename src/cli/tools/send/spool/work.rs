//! Working on the spool: each recipient gets their messages in the order in which these came, whoever sends them.
//!
//! Recipients share lanes, and whoever works on a lane holds its lock. Within a lane a message is sent only when all
//! earlier ones to the same recipient are settled; a recipient who cannot have one now waits with all later ones.

use super::entry::{Entry, Mark, Standing};
use super::{Rest, Spool, lane_of};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::together;
use crate::cli::tools::send::report::{Fault, State};
use crate::model::{Address, UnixMillis};
use crate::net::client::{Delivery, Message};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

/// Lanes at a time: each may have a large message in memory.
const WIDTH: usize = 8;
/// The word for a message that was too long in the spool.
const EXPIRED: &str = "expired";

/// Why a message could not be sent.
#[derive(Debug)]
pub(in super::super) enum Refusal {
    /// The answer to this one.
    Message(Fault),
    /// There is no session: nothing can be sent.
    Session(Failure),
}

/// What is worked on.
#[derive(Debug)]
pub(in super::super) struct Work<'a> {
    pub(in super::super) spool: &'a Spool,
    /// Whose messages.
    pub(in super::super) from: &'a Address,
    /// Only what is in the way of this one, and this one; its failures are told to whoever waits for it.
    pub(in super::super) own: Option<&'a Entry>,
}

/// Names of messages, each with the recipients who wait for it.
type Queue = Vec<(String, Vec<Address>)>;

impl Work<'_> {
    /// How many deliveries there are to do.
    ///
    /// # Errors
    /// 74.
    pub(in super::super) fn count(&self) -> Outcome<usize> {
        Ok(self.lanes(&|_| {})?.values().flatten().map(|(_, to)| to.len()).sum())
    }

    /// Notes why nothing could be tried at all, for whoever looks.
    ///
    /// # Errors
    /// 74.
    pub(in super::super) fn note_all(&self, failure: &Failure) -> Outcome<()> {
        let word = failure.token().unwrap_or_default();
        for (number, queue) in self.lanes(&|_| {})? {
            // Whoever is at work there knows better.
            let Some(_lock) = self.spool.free_lane(number)? else { continue };
            for (name, recipients) in queue {
                let Ok(Some(entry)) = self.spool.entry(&name) else { continue };
                for to in &recipients {
                    let mark = entry.mark(to).map_err(|error| self.unusable(&entry, &error))?;
                    if mark.is_some_and(|mark| mark.standing == Standing::Open) {
                        self.note(&entry, to, &Mark { standing: Standing::Open, exit: failure.exit, word: word.to_owned() })?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Works until everything is settled or waits. `told` hears of each delivery, `damaged` of files that cannot be read.
    ///
    /// # Errors
    /// Why there is no session (what is open stays open); 74.
    pub(in super::super) async fn run(
        &self,
        now: impl Fn() -> UnixMillis,
        send: impl AsyncFn(&Address, &Message) -> Result<Delivery, Refusal>,
        told: impl Fn(&Entry, &Address, State),
        damaged: impl Fn(&Failure),
    ) -> Outcome<()> {
        let lanes: Vec<_> = self.lanes(&damaged)?.into_iter().collect();
        let round = Round { work: self, now, send, told, failed: RefCell::new(None) };
        together::each(&lanes, WIDTH, async |_, (number, queue): &(u64, Queue)| {
            if round.failed.borrow().is_none()
                && let Err(failure) = round.lane(*number, queue).await
            {
                round.failed.borrow_mut().get_or_insert(failure);
            }
        })
        .await;
        // What was delivered may come again after a power cut, and is known there by its Message-ID.
        _ = self.spool.sync();
        round.failed.into_inner().map_or(Ok(()), Err)
    }

    fn lanes(&self, damaged: &dyn Fn(&Failure)) -> Outcome<BTreeMap<u64, Queue>> {
        let mut names = self.spool.names()?;
        // It may have been taken out already, by whoever worked on it.
        if let Some(own) = self.own
            && let Err(at) = names.binary_search(&own.name)
        {
            names.insert(at, own.name.clone());
        }
        let mut lanes: BTreeMap<u64, Queue> = BTreeMap::new();
        for name in names {
            let held;
            let entry = match self.own {
                Some(own) if own.name == name => own,
                _ => match self.spool.entry(&name) {
                    Ok(Some(entry)) => {
                        held = entry;
                        &held
                    }
                    Ok(None) => continue,
                    Err(failure) => {
                        damaged(&failure);
                        continue;
                    }
                },
            };
            if entry.facts.from != *self.from {
                continue;
            }
            for (to, mark) in self.marks(entry)? {
                let is_own = self.own.is_some_and(|own| own.name == name);
                let wanted = self.own.is_none_or(|own| own.recipients().any(|other| other == to));
                if !wanted || (mark.standing != Standing::Open && !is_own) {
                    continue;
                }
                let queue = lanes.entry(lane_of(to)).or_default();
                match queue.last_mut() {
                    Some((last, recipients)) if *last == name => recipients.push(to.clone()),
                    _ => queue.push((name.clone(), vec![to.clone()])),
                }
            }
        }
        Ok(lanes)
    }

    /// A message that is settled for everybody leaves the spool.
    fn settle(&self, entry: &Entry) -> Outcome<()> {
        let marks = self.marks(entry)?;
        if marks.iter().any(|(_, mark)| mark.standing == Standing::Open) {
            return Ok(());
        }
        let dead = marks.iter().any(|(_, mark)| mark.standing == Standing::Failed);
        self.spool.retire(entry, if dead { Rest::Dead } else { Rest::Gone })
    }

    fn note(&self, entry: &Entry, to: &Address, mark: &Mark) -> Outcome<()> {
        // Of several recipients the settled ones must not get it again, also after a power cut.
        let sync = mark.standing != Standing::Open && entry.recipients().nth(1).is_some();
        entry.set(to, mark, sync).map_err(|error| self.unusable(entry, &error))
    }

    fn marks<'e>(&self, entry: &'e Entry) -> Outcome<Vec<(&'e Address, Mark)>> {
        entry.marks().map_err(|error| self.unusable(entry, &error))
    }

    fn unusable(&self, entry: &Entry, error: &std::io::Error) -> Failure {
        Failure::writing(&self.spool.folder().join(&entry.name), error)
    }
}

/// One pass over all lanes, with what it needs of the world.
struct Round<'a, N, S, T> {
    work: &'a Work<'a>,
    now: N,
    send: S,
    told: T,
    /// Why there is no session: nobody goes on.
    failed: RefCell<Option<Failure>>,
}

impl<N, S, T> Round<'_, N, S, T>
where
    N: Fn() -> UnixMillis,
    S: AsyncFn(&Address, &Message) -> Result<Delivery, Refusal>,
    T: Fn(&Entry, &Address, State),
{
    async fn lane(&self, number: u64, queue: &Queue) -> Outcome<()> {
        let work = self.work;
        let _lock = work.spool.lane(number).await?;
        let mut waiting: HashMap<&Address, Fault> = HashMap::new();
        for (name, recipients) in queue {
            let held;
            let (entry, is_own) = match work.own {
                Some(own) if own.name == *name => (own, true),
                _ => match work.spool.entry(name) {
                    Ok(Some(entry)) => {
                        held = entry;
                        (&held, false)
                    }
                    // Done by whoever had the lane before.
                    _ => continue,
                },
            };
            for to in recipients {
                if self.failed.borrow().is_some() {
                    return Ok(());
                }
                let mark = entry.mark(to).map_err(|error| work.unusable(entry, &error))?.unwrap_or(Mark::fresh());
                if mark.standing != Standing::Open {
                    if let (true, Some(state)) = (is_own, State::of_mark(&mark, to)) {
                        (self.told)(entry, to, state);
                    }
                    continue;
                }
                let state = match waiting.get(to) {
                    Some(fault) => State::Queued(Fault { line: None, ..fault.clone() }),
                    None => self.one(entry, to, is_own).await?,
                };
                if let State::Queued(fault) = &state {
                    waiting.insert(to, fault.clone());
                }
                (self.told)(entry, to, state);
            }
            work.settle(entry)?;
        }
        Ok(())
    }

    /// Sends one message to one recipient and notes what became of it.
    async fn one(&self, entry: &Entry, to: &Address, is_own: bool) -> Outcome<State> {
        let failed = if is_own { Standing::Told } else { Standing::Failed };
        let (mark, state) = match self.attempt(entry, to).await? {
            Ok(delivery) => {
                let standing = if delivery == Delivery::Delivered { Standing::Delivered } else { Standing::Stored };
                (Mark::of(standing), State::from(delivery))
            }
            Err(Refusal::Session(failure)) => {
                let word = failure.token().unwrap_or_default().to_owned();
                self.work.note(entry, to, &Mark { standing: Standing::Open, exit: failure.exit, word })?;
                return Err(failure);
            }
            Err(Refusal::Message(fault)) => {
                let standing = if fault.is_temporary() { Standing::Open } else { failed };
                let mark = Mark { standing, exit: fault.exit, word: fault.token.clone().into_owned() };
                (mark, if standing == Standing::Open { State::Queued(fault) } else { State::Failed(fault) })
            }
        };
        self.work.note(entry, to, &mark)?;
        Ok(state)
    }

    async fn attempt(&self, entry: &Entry, to: &Address) -> Outcome<Result<Delivery, Refusal>> {
        let (facts, now) = (&entry.facts, (self.now)());
        if now >= facts.expires {
            let line = format!("cannot deliver to {}: {} was in the spool for too long", to.shown(), facts.id);
            return Ok(Err(Refusal::Message(Fault { token: EXPIRED.into(), exit: Exit::Unavailable, line: Some(line) })));
        }
        let body = entry.message().map_err(|error| self.work.unusable(entry, &error))?;
        let wanted = facts.wanted.map(|until| until.since(now));
        let message = Message { id: facts.id.clone(), content_type: facts.content_type.clone(), body, wanted };
        Ok((self.send)(to, &message).await)
    }
}

#[cfg(test)]
#[path = "time/tests.rs"]
mod tests;
