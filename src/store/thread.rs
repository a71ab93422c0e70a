//! The threads on which the store works: one that writes, many jobs per commit, and a few that read.

mod progress;
mod reading;

use self::progress::{EndOfWriting, LastWrites, Progress};
use self::reading::{Look, ReadJob, read_all};
use super::{Backend, Remember};
use crate::model::{Address, Credentials};
use crate::service::effect::Ticket;
use crate::service::store::{Loaded, Read, Remembered, StoreError, StoreRead, StoreWrite, Totals, Write};
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Jobs in one transaction: they share one wait for the disk.
const BATCH_JOBS: usize = 256;
/// Octets in one transaction, after which no further job joins it.
const BATCH_OCTETS: usize = 16 << 20;
/// How often an idle store looks whether someone else wrote.
const TICK: Duration = Duration::from_secs(1);

/// What happened. Given to the callback on one of the store's threads.
#[derive(Debug)]
pub enum Completion {
    /// A write was performed and survives a power cut, or nothing of it was performed.
    Written {
        /// The job's.
        ticket: Ticket,
        /// How it went.
        result: Result<(), StoreError>,
    },
    /// A read was performed.
    Loaded {
        /// The job's.
        ticket: Ticket,
        /// What was found.
        result: Result<Loaded, StoreError>,
    },
    /// Another process wrote: what was read before may be stale.
    ChangedOutside,
    /// A thread panicked in the midst of a job. Jobs that it had, and perhaps all that are given from now on, never complete.
    Died,
}

/// The store at work. Dropping it finishes all jobs, and so must not be done on one of its own threads.
///
/// *Order:* writes are performed in the order in which they were given. A read sees every write to the same user that was given before it,
/// and waits for no other: what a disk is busy with for others delays nobody who only wants to know.
pub struct StoreThread {
    queues: Mutex<Option<Queues>>,
    remember: Arc<dyn Remember>,
    progress: Arc<Progress>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Queues {
    writes: Sender<WriteJob>,
    reads: Sender<ReadJob>,
    /// Write jobs given so far.
    given: u64,
    last: LastWrites,
}

impl Queues {
    /// How many write jobs a read has to wait for.
    fn before(&self, read: &Read) -> u64 {
        match read {
            Read::User(user) | Read::Mailbox { user, .. } => self.last.to(user),
            Read::Totals => self.given,
        }
    }
}

struct WriteJob {
    ticket: Ticket,
    writes: Vec<Write>,
}

/// Told of all that a thread has finished since it last told.
type Complete = dyn Fn(Vec<Completion>) + Send + Sync;

impl StoreThread {
    /// Starts one thread for the writer and one for each reader.
    ///
    /// `complete` may take locks that callers of [`Self::write`] and [`Self::read`] hold: those never wait for it.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn start<W, R>(
        writer: W,
        readers: Vec<R>,
        remember: Arc<dyn Remember>,
        complete: impl Fn(Vec<Completion>) + Send + Sync + 'static,
    ) -> io::Result<Self>
    where
        W: Backend + 'static,
        R: StoreRead + Send + 'static,
    {
        Self::start_ticking(TICK, writer, readers, remember, Arc::new(complete))
    }

    fn start_ticking<W, R>(
        tick: Duration,
        mut writer: W,
        readers: Vec<R>,
        remember: Arc<dyn Remember>,
        complete: Arc<Complete>,
    ) -> io::Result<Self>
    where
        W: Backend + 'static,
        R: StoreRead + Send + 'static,
    {
        let (writes, write_jobs) = mpsc::channel();
        let (reads, read_jobs) = mpsc::channel();
        let read_jobs = Arc::new(Mutex::new(read_jobs));
        let progress = Arc::new(Progress::default());
        let queues = Mutex::new(Some(Queues { writes, reads, given: 0, last: LastWrites::default() }));
        let mut threads = Vec::new();
        let writing = (Arc::clone(&progress), Arc::clone(&complete));
        threads.push(Builder::new().name("store-writer".into()).spawn(move || {
            let (progress, complete) = writing;
            let _death = Death(&*complete);
            let _end = EndOfWriting(&progress);
            write_all(tick, &mut writer, &write_jobs, &progress, &*complete);
        })?);
        for reader in readers {
            let reading = (Arc::clone(&read_jobs), Arc::clone(&progress), Arc::clone(&complete));
            threads.push(Builder::new().name("store-reader".into()).spawn(move || {
                let (jobs, progress, complete) = reading;
                let _death = Death(&*complete);
                read_all(&reader, &jobs, &progress, &*complete);
            })?);
        }
        Ok(Self { queues, remember, progress, threads: Mutex::new(threads) })
    }

    /// Performs all writes or none, then completes with [`Completion::Written`]. May be empty: that
    /// changes nothing, and takes as long, and fails as soon, as a change.
    pub fn write(&self, ticket: Ticket, writes: Vec<Write>) {
        if let Some(queues) = lock(&self.queues).as_mut() {
            queues.given += 1;
            queues.last.note(&writes, queues.given);
            // A send fails only after the thread has died, which it told by `Completion::Died`.
            let _ = queues.writes.send(WriteJob { ticket, writes });
        }
    }

    /// Reads, then completes with [`Completion::Loaded`].
    pub fn read(&self, ticket: Ticket, read: Read) {
        if let Some(queues) = lock(&self.queues).as_ref() {
            let _ = queues.reads.send(ReadJob::Read { ticket, after: queues.before(&read), read });
        }
    }

    /// Looks a user's credentials up, then calls `answer` on one of the store's threads.
    pub fn credentials(&self, user: Address, answer: impl FnOnce(Result<Option<Credentials>, StoreError>) + Send + 'static) {
        if let Some(queues) = lock(&self.queues).as_ref() {
            // A password is set by an administrator's command, in a process of its own: no write given here has to be waited for.
            let look: Look = Box::new(move |store| answer(store.credentials(&user)));
            let _ = queues.reads.send(ReadJob::Look { look, after: 0 });
        }
    }

    /// Counts what there is, then calls `answer` on one of the store's threads. A write that is under way is not waited for: a
    /// disk that hangs is told of by other numbers, and must not hold up the readers, whom each login needs.
    pub fn totals(&self, answer: impl FnOnce(Result<Totals, StoreError>) + Send + 'static) {
        if let Some(queues) = lock(&self.queues).as_ref() {
            let look: Look = Box::new(move |store| {
                answer(match store.read(&Read::Totals) {
                    Ok(Loaded::Totals(totals)) => Ok(totals),
                    Ok(_) => Err(StoreError::Corrupt),
                    Err(error) => Err(error),
                });
            });
            let _ = queues.reads.send(ReadJob::Look { look, after: 0 });
        }
    }

    /// Reads, then calls `answer` on one of the store's threads.
    pub fn ask(&self, read: Read, answer: impl FnOnce(Result<Loaded, StoreError>) + Send + 'static) {
        if let Some(queues) = lock(&self.queues).as_ref() {
            let after = queues.before(&read);
            let look: Look = Box::new(move |store| answer(store.read(&read)));
            let _ = queues.reads.send(ReadJob::Look { look, after });
        }
    }

    /// Write jobs that are given and not done.
    pub fn pending(&self) -> u64 {
        let given = lock(&self.queues).as_ref().map_or(0, |queues| queues.given);
        given.saturating_sub(self.progress.done())
    }

    /// Notes deliveries at once, on the caller's thread; on `Ok` they survive a crash of the process.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn remember(&self, deliveries: &[Remembered]) -> Result<(), StoreError> {
        self.remember.remember(deliveries)
    }

    /// Takes no further jobs, finishes those given, tidies up and returns when all is on the disk.
    pub fn stop(&self) {
        drop(lock(&self.queues).take());
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!(target: "impp::store", "a thread of the store died");
            }
        }
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        self.stop();
    }
}

impl core::fmt::Debug for StoreThread {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "StoreThread({} threads)", lock(&self.threads).len())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_all(tick: Duration, writer: &mut impl Backend, jobs: &Receiver<WriteJob>, progress: &Progress, complete: &Complete) {
    let mut untidy = true;
    loop {
        match jobs.recv_timeout(tick) {
            Ok(first) => {
                untidy = true;
                let batch = gather(first, jobs);
                let results = perform(writer, &batch);
                // Before the callbacks: they may wait for a lock whose holder waits for nothing here, but readers must not.
                progress.advance(batch.len() as u64);
                let done = batch.iter().zip(results).map(|(job, result)| Completion::Written { ticket: job.ticket, result });
                complete(done.collect());
            }
            Err(RecvTimeoutError::Timeout) if untidy => untidy = writer.tidy(),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if writer.changed_outside() {
            complete(vec![Completion::ChangedOutside]);
        }
    }
    writer.finish();
}

/// The first job and those that came meanwhile.
fn gather(first: WriteJob, jobs: &Receiver<WriteJob>) -> Vec<WriteJob> {
    let mut octets = first.octets();
    let mut batch = vec![first];
    while batch.len() < BATCH_JOBS && octets < BATCH_OCTETS {
        let Ok(job) = jobs.try_recv() else { break };
        octets += job.octets();
        batch.push(job);
    }
    batch
}

/// All jobs in one transaction. If that fails, each alone, so that one job's fault is not another's.
fn perform(writer: &mut impl StoreWrite, batch: &[WriteJob]) -> Vec<Result<(), StoreError>> {
    let all: Vec<&Write> = batch.iter().flat_map(|job| &job.writes).collect();
    match writer.write(&all) {
        Err(_) if batch.len() > 1 => batch.iter().map(|job| writer.write(&job.writes.iter().collect::<Vec<_>>())).collect(),
        result => vec![result; batch.len()],
    }
}

impl WriteJob {
    fn octets(&self) -> usize {
        let octets = self.writes.iter().map(|write| match write {
            Write::Store { message, .. } => message.frame.len(),
            Write::Presence { presence, .. } => presence.values.iter().map(|value| value.body.octets.len()).sum(),
            Write::Acl { acl, .. } => acl.body.len(),
            Write::Subscribe { .. } | Write::Told { .. } | Write::Unsubscribe { .. } | Write::Delete { .. } => 0,
        });
        octets.sum()
    }
}

/// Says so when a thread ends by a panic.
struct Death<'a>(&'a Complete);

impl Drop for Death<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)(vec![Completion::Died]);
        }
    }
}

#[cfg(test)]
mod tests;
