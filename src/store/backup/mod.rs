//! Backups of a relay's data: made while it runs, and put back.
//!
//! A backup is a folder: the database, the memory of deliveries, the configuration, and a manifest with digests. Certificates,
//! keys and secrets of peers are not in it.
//!
//! *Why the two memories of deliveries agree in it:* the database is copied first, as of one moment, and the log after it. Whatever
//! was acknowledged before that moment is in the one or the other, since a message is noted in the log before its row goes. A row
//! that went in between is in both, and the log says so: it is taken out of the copy, for it was delivered.

mod error;
mod lift;
mod make;
mod place;
mod restore;
#[cfg(test)]
mod tests;

pub use error::BackupError;
pub use make::{Made, Making, make};
pub use restore::{Restored, Restoring, restore};

use super::recent::{Entry, What};
use crate::model::Fingerprint;
use rusqlite::Connection;
use std::collections::HashSet;

/// The configuration's name within a backup.
const CONFIG_FILE: &str = "impp-relay.toml";

/// Whether a file of this name is a part of the log of deliveries.
fn is_log(name: &str) -> bool {
    name.starts_with("recent-") && name.ends_with(".log")
}

/// What a stored message is known by: a later one with the same name was stored at another time.
pub(super) type Name = (Fingerprint, u64);

/// The messages that the log says were taken out of the store.
pub(super) fn settled(log: &[Entry]) -> HashSet<Name> {
    let taken_out = log.iter().filter(|entry| entry.what == What::TakenOut);
    taken_out.map(|entry| (entry.remembered.fingerprint, entry.remembered.at.0)).collect()
}

/// Deletes messages that the log says were taken out of the store already. How many there were.
fn drop_settled(connection: &Connection, log: &[Entry]) -> rusqlite::Result<u64> {
    let settled = settled(log);
    let mut rows = connection.prepare("SELECT number, fingerprint, stored FROM message")?;
    let all = rows.query_map([], |row| {
        let name = (Fingerprint(row.get(1)?), row.get::<_, i64>(2)?.cast_unsigned());
        Ok((row.get::<_, i64>(0)?, settled.contains(&name)))
    })?;
    let all: Vec<(i64, bool)> = all.collect::<Result<_, _>>()?;
    let mut dropped = 0;
    for (number, _) in all.into_iter().filter(|(_, settled)| *settled) {
        connection.prepare_cached("DELETE FROM message WHERE number = ?1")?.execute([number])?;
        dropped += 1;
    }
    Ok(dropped)
}

/// The entries of several logs as one: in order of their times, none twice.
pub(super) fn together(mut all: Vec<Entry>) -> Vec<Entry> {
    all.sort_by_key(|entry| entry.remembered.at);
    let mut known = HashSet::with_capacity(all.len());
    all.retain(|entry| {
        let Entry { remembered, what } = entry;
        known.insert((remembered.fingerprint, remembered.at, *what == What::TakenOut, remembered.delivery.as_str()))
    });
    all
}
