//! What one reader does: all users who are asked for at the same time are read as of one moment, and handed over together.

use super::progress::Progress;
use super::{Complete, Completion, lock};
use crate::service::effect::Ticket;
use crate::service::store::{Read, StoreRead};
use std::sync::Mutex;
use std::sync::mpsc::Receiver;

/// Users read in one go. More would leave nothing for the next reader.
const BATCH: usize = 32;

/// Something to be read, when so many write jobs are done.
pub(super) enum ReadJob {
    Read { ticket: Ticket, read: Read, after: u64 },
    Look { look: Look, after: u64 },
}

pub(super) type Look = Box<dyn FnOnce(&dyn StoreRead) + Send>;

/// Reads until nothing more can come.
pub(super) fn read_all(reader: &impl StoreRead, jobs: &Mutex<Receiver<ReadJob>>, progress: &Progress, complete: &Complete) {
    loop {
        // In its own statement: the next reader may wait for a job while this one works.
        let gathered = gather(&lock(jobs));
        let Some((users, other)) = gathered else { return };
        if !users.is_empty() {
            progress.wait_for(users.iter().map(|user| user.after).max().unwrap_or_default());
            let reads: Vec<&Read> = users.iter().map(|user| &user.read).collect();
            let results = reader.read_all(&reads);
            let done = users.iter().zip(results).map(|(user, result)| Completion::Loaded { ticket: user.ticket, result });
            complete(done.collect());
        }
        match other {
            Some(ReadJob::Read { ticket, read, after }) => {
                progress.wait_for(after);
                complete(vec![Completion::Loaded { ticket, result: reader.read(&read) }]);
            }
            Some(ReadJob::Look { look, after }) => {
                progress.wait_for(after);
                look(reader);
            }
            None => {}
        }
    }
}

pub(super) struct UserJob {
    ticket: Ticket,
    read: Read,
    after: u64,
}

/// The users who are asked for now, and the first job of another kind: what a mailbox holds is more than should wait here for others.
/// `None`: nothing can come any more.
pub(super) fn gather(jobs: &Receiver<ReadJob>) -> Option<(Vec<UserJob>, Option<ReadJob>)> {
    let mut users = Vec::new();
    let mut next = Some(jobs.recv().ok()?);
    while let Some(ReadJob::Read { ticket, read: read @ Read::User(_), after }) = next {
        users.push(UserJob { ticket, read, after });
        next = if users.len() < BATCH { jobs.try_recv().ok() } else { None };
    }
    Some((users, next))
}
