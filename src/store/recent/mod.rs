//! The log behind `remember`: deliveries of the last 24 hours in append-only segments.
//!
//! *Shape:* `recent-0001.log`, `recent-0002.log`, ..; 32 octets of header, then records of 32 octets ([`record`]). Written, not
//! synced: a crash of the process loses nothing, a power cut perhaps the last seconds (SPEC §5 allows it). Each start begins a
//! new segment, so that nothing is ever written behind a torn record.

mod record;
mod segment;

pub(super) use record::{Entry, What};
pub(super) use segment::{entries, read_all, write_whole};

use super::Remember;
use super::open_error::OpenError;
use crate::model::UnixMillis;
use crate::service::store::{Remembered, StoreError};
use record::RECORD;
use segment::{begin, segments};
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// For how long a delivery is remembered (SPEC §5).
pub const MEMORY_MILLIS: u64 = 24 * 3600 * 1000;
/// The bound is kept by dropping whole segments, each this part of it.
const SEGMENTS: usize = 8;

/// The log. Clones are the same log.
#[derive(Clone, Debug)]
pub struct Recent(Arc<Mutex<Log>>);

#[derive(Debug)]
struct Log {
    folder: PathBuf,
    /// How many deliveries are remembered at least, once there were so many.
    bound: usize,
    current: Option<Open>,
    sealed: VecDeque<Sealed>,
    next: u32,
}

#[derive(Debug)]
struct Open {
    file: File,
    sealed: Sealed,
}

#[derive(Debug)]
struct Sealed {
    path: PathBuf,
    entries: usize,
    newest: UnixMillis,
}

impl Recent {
    /// Opens the log of a folder, which must exist. Nothing is read or written yet.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(folder: &Path, bound: usize) -> Result<Self, OpenError> {
        let found = segments(folder).map_err(|error| OpenError::io(folder, &error))?;
        let next = found.last().map_or(0, |(number, _)| *number).saturating_add(1);
        let log = Log { folder: folder.to_owned(), bound, current: None, sealed: VecDeque::new(), next };
        Ok(Self(Arc::new(Mutex::new(log))))
    }

    /// The deliveries of the last 24 hours, oldest first, at most as many as the bound. Segments that hold none are removed.
    /// Call it once, before the first delivery is noted.
    ///
    /// # Errors
    /// [`StoreError::Io`]
    pub fn load(&self, now: UnixMillis) -> Result<Vec<Remembered>, StoreError> {
        self.with(|log| log.load(now))
    }

    /// Notes stored messages that are taken out of the store: from then on this log alone remembers them.
    ///
    /// # Errors
    /// [`StoreError`]
    pub(super) fn taken_out(&self, deliveries: &[Remembered]) -> Result<(), StoreError> {
        self.note(What::TakenOut, deliveries)
    }

    fn note(&self, what: What, deliveries: &[Remembered]) -> Result<(), StoreError> {
        self.with(|log| if deliveries.is_empty() || log.bound == 0 { Ok(()) } else { log.append(what, deliveries) })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Log) -> io::Result<T>) -> Result<T, StoreError> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut log).map_err(|error| {
            tracing::error!(target: "impp::store", %error, folder = %log.folder.display(), "the log of deliveries failed");
            match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
                _ => StoreError::Io,
            }
        })
    }
}

impl Remember for Recent {
    fn remember(&self, deliveries: &[Remembered]) -> Result<(), StoreError> {
        self.note(What::Answered, deliveries)
    }
}

impl Log {
    fn load(&mut self, now: UnixMillis) -> io::Result<Vec<Remembered>> {
        let mut all = Vec::new();
        self.sealed.clear();
        for (_, path) in segments(&self.folder)? {
            let entries: Vec<Remembered> = segment::read(&path)?.entries.iter().map(|entry| entry.remembered).collect();
            let newest = entries.iter().map(|entry| entry.at).max().unwrap_or_default();
            if is_past(newest, now) {
                std::fs::remove_file(&path)?;
                continue;
            }
            self.sealed.push_back(Sealed { path, entries: entries.len(), newest });
            all.extend(entries.into_iter().filter(|entry| !is_past(entry.at, now)));
        }
        let mut all = merge(all);
        all.drain(..all.len().saturating_sub(self.bound));
        Ok(all)
    }

    fn append(&mut self, what: What, deliveries: &[Remembered]) -> io::Result<()> {
        let octets = record::encode(deliveries.iter().map(|remembered| Entry { remembered: *remembered, what }));
        let newest = deliveries.iter().map(|delivery| delivery.at).max().unwrap_or_default();
        let full = self.bound.div_ceil(SEGMENTS);
        if self.current.as_ref().is_some_and(|open| open.sealed.entries >= full) {
            self.seal();
        }
        self.drop_old(newest);
        let open = match &mut self.current {
            Some(open) => open,
            none => {
                let open = begin(&self.folder, self.next)?;
                self.next = self.next.saturating_add(1);
                none.insert(open)
            }
        };
        if let Err(error) = open.file.write_all(&octets) {
            // Half a record would hide those behind it. If it cannot be cut off, the next begins a new segment.
            let sound = (RECORD + open.sealed.entries * RECORD) as u64;
            if open.file.set_len(sound).is_err() {
                self.seal();
            }
            return Err(error);
        }
        open.sealed.entries += deliveries.len();
        open.sealed.newest = open.sealed.newest.max(newest);
        Ok(())
    }

    fn seal(&mut self) {
        self.sealed.extend(self.current.take().map(|open| open.sealed));
    }

    fn drop_old(&mut self, now: UnixMillis) {
        let mut kept: usize =
            self.sealed.iter().chain(self.current.as_ref().map(|open| &open.sealed)).map(|one| one.entries).sum();
        while let Some(oldest) = self.sealed.front() {
            let without = kept.saturating_sub(oldest.entries);
            if without < self.bound && !is_past(oldest.newest, now) {
                return;
            }
            // One that cannot be removed is only read again at the next start.
            let _ = std::fs::remove_file(&oldest.path);
            kept = without;
            self.sealed.pop_front();
        }
    }
}

fn is_past(at: UnixMillis, now: UnixMillis) -> bool {
    at.0.saturating_add(MEMORY_MILLIS) <= now.0
}

/// Oldest first, and each message once: as it was first answered.
#[must_use]
pub fn merge(mut all: Vec<Remembered>) -> Vec<Remembered> {
    all.sort_by_key(|entry| entry.at);
    let mut known = HashMap::with_capacity(all.len());
    all.retain(|entry| known.insert(entry.fingerprint, ()).is_none());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fingerprint;
    use crate::service::store::Delivery;

    const DAY: u64 = MEMORY_MILLIS;

    fn entry(number: u64, at: u64) -> Remembered {
        let mut fingerprint = [0; 16];
        fingerprint[..8].copy_from_slice(&number.to_be_bytes());
        let delivery = if number.is_multiple_of(2) { Delivery::Delivered } else { Delivery::Stored };
        Remembered { fingerprint: Fingerprint(fingerprint), delivery, at: UnixMillis(at) }
    }

    fn entries(range: std::ops::Range<u64>) -> Vec<Remembered> {
        range.map(|number| entry(number, 1000 + number)).collect()
    }

    fn names(folder: &Path) -> Vec<String> {
        let paths = segments(folder).unwrap().into_iter();
        paths.map(|(_, path)| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    fn reopened(folder: &Path, bound: usize, now: u64) -> Vec<Remembered> {
        Recent::open(folder, bound).unwrap().load(UnixMillis(now)).unwrap()
    }

    #[test]
    fn what_was_noted_is_found_after_each_restart() {
        let folder = tempfile::tempdir().unwrap();
        for run in 0..3 {
            let recent = Recent::open(folder.path(), 100).unwrap();
            assert_eq!(recent.load(UnixMillis(2000)).unwrap(), entries(0..run * 4));
            recent.remember(&entries(run * 4..run * 4 + 1)).unwrap();
            recent.remember(&entries(run * 4 + 1..run * 4 + 4)).unwrap();
        }
        assert_eq!(names(folder.path()), ["recent-0001.log", "recent-0002.log", "recent-0003.log"]);
    }

    #[test]
    fn a_torn_tail_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        Recent::open(folder.path(), 100).unwrap().remember(&entries(0..5)).unwrap();
        let path = folder.path().join("recent-0001.log");
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.len(), 6 * RECORD);
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let sound = (length / RECORD).saturating_sub(1) as u64;
            let recent = Recent::open(folder.path(), 100).unwrap();
            assert_eq!(recent.load(UnixMillis(2000)).unwrap(), entries(0..sound), "cut at {length}");
            recent.remember(&entries(50..51)).unwrap();
            assert_eq!(reopened(folder.path(), 100, 2000).len() as u64, sound + 1, "cut at {length}");
            for (_, segment) in segments(folder.path()).unwrap() {
                std::fs::remove_file(segment).unwrap();
            }
        }
    }

    /// Its records are judged in `record`.
    #[test]
    fn a_segment_of_the_first_form_is_none_of_another_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recent-0001.log");
        for (form, foreign) in [("1", false), ("2", false), ("3", true)] {
            std::fs::write(&path, format!("impp recent deliveries, form {form}\r\n")).unwrap();
            assert_eq!(segment::read(&path).unwrap().foreign, foreign, "form {form}");
        }
    }

    #[test]
    fn a_damaged_record_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        Recent::open(folder.path(), 100).unwrap().remember(&entries(0..3)).unwrap();
        let path = folder.path().join("recent-0001.log");
        let whole = std::fs::read(&path).unwrap();
        for at in 0..3 * RECORD {
            let mut octets = whole.clone();
            octets[RECORD + at] ^= 0x10;
            std::fs::write(&path, &octets).unwrap();
            let mut expected = entries(0..3);
            expected.remove(at / RECORD);
            assert_eq!(reopened(folder.path(), 100, 2000), expected, "octet {at}");
        }
        // What a file system may leave behind after a power cut.
        std::fs::write(&path, [whole.as_slice(), &[0; 64]].concat()).unwrap();
        assert_eq!(reopened(folder.path(), 100, 2000), entries(0..3));
    }

    #[test]
    fn a_day_later_it_is_forgotten_and_the_segment_removed() {
        let folder = tempfile::tempdir().unwrap();
        Recent::open(folder.path(), 100).unwrap().remember(&[entry(1, 1000), entry(2, 5000)]).unwrap();
        assert_eq!(reopened(folder.path(), 100, 1000 + DAY - 1).len(), 2);
        assert_eq!(reopened(folder.path(), 100, 1000 + DAY), [entry(2, 5000)]);
        assert_eq!(names(folder.path()).len(), 1);
        assert_eq!(reopened(folder.path(), 100, 5000 + DAY), []);
        assert_eq!(names(folder.path()).len(), 0);
    }

    #[test]
    fn the_bound_holds_in_memory_and_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let recent = Recent::open(folder.path(), 80).unwrap();
        for number in 0..1000 {
            recent.remember(&[entry(number, 1000 + number)]).unwrap();
        }
        assert_eq!(reopened(folder.path(), 80, 2000), entries(920..1000));
        let octets: u64 =
            names(folder.path()).iter().map(|name| std::fs::metadata(folder.path().join(name)).unwrap().len()).sum();
        assert!(octets <= ((80 + 10 + 10) * RECORD) as u64, "{octets}");
        let none = tempfile::tempdir().unwrap();
        Recent::open(none.path(), 0).unwrap().remember(&entries(0..9)).unwrap();
        assert_eq!(names(none.path()).len(), 0);
    }

    #[test]
    fn segments_past_a_day_go_while_running() {
        let folder = tempfile::tempdir().unwrap();
        let recent = Recent::open(folder.path(), 80).unwrap();
        recent.remember(&entries(0..10)).unwrap();
        recent.remember(&[entry(10, 1100 + DAY)]).unwrap();
        assert_eq!(names(folder.path()), ["recent-0002.log"]);
    }

    /// A device that is always full stands for the disk; it cannot be cut back either.
    #[test]
    fn a_full_disk_costs_the_delivery_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let recent = Recent::open(folder.path(), 80).unwrap();
        recent.remember(&entries(0..2)).unwrap();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let disk = std::mem::replace(&mut recent.0.lock().unwrap().current.as_mut().unwrap().file, full);
        assert_eq!(recent.remember(&entries(2..3)), Err(StoreError::Full));
        recent.remember(&entries(3..4)).unwrap();
        drop(disk);
        assert_eq!(reopened(folder.path(), 80, 2000), [entries(0..2), entries(3..4)].concat());
    }

    #[test]
    fn the_first_answer_stands() {
        let again = Remembered { delivery: Delivery::Delivered, at: UnixMillis(9), ..entry(1, 5) };
        assert_eq!(merge(vec![again, entry(3, 7), entry(1, 5)]), [entry(1, 5), entry(3, 7)]);
    }
}
