//! A file of the log of deliveries: made, read whole, and judged.

use super::record::{self, Entry, RECORD};
use super::{Open, Sealed};
use crate::model::UnixMillis;
use crate::store::{OpenError, create_private};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const HEADER: &[u8; RECORD] = b"impp recent deliveries, form 2\r\n";
/// Whose records have another checksum.
const FIRST_HEADER: &[u8; RECORD] = b"impp recent deliveries, form 1\r\n";

/// What is in a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Found {
    /// The sound records.
    pub(in crate::store) entries: Vec<Entry>,
    /// Records that are not what was written.
    pub(in crate::store) damaged: usize,
    /// The first octets are not those of a segment. The records speak for themselves.
    pub(in crate::store) foreign: bool,
}

/// Begins a segment.
pub(super) fn begin(folder: &Path, number: u32) -> io::Result<Open> {
    let path = folder.join(file_name(number));
    let mut file = create_private(OpenOptions::new().append(true).create_new(true), &path)?;
    if let Err(error) = file.write_all(HEADER) {
        let _ = std::fs::remove_file(&path);
        return Err(error);
    }
    Ok(Open { file, sealed: Sealed { path, entries: 0, newest: UnixMillis(0) } })
}

fn file_name(number: u32) -> String {
    format!("recent-{number:04}.log")
}

/// The segments of a folder in order of their numbers.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("recent-")?.strip_suffix(".log")?.parse().ok());
        found.extend(number.map(|number: u32| (number, entry.path())));
    }
    found.sort_unstable();
    Ok(found)
}

/// Reads a segment. A torn record at its end is none: it was being written, or its writer was killed.
pub(super) fn read(path: &Path) -> io::Result<Found> {
    let octets = std::fs::read(path)?;
    let (header, records) = octets.split_at_checked(RECORD).unwrap_or((&octets, &[]));
    let mut found = Found { foreign: !HEADER.starts_with(header) && !FIRST_HEADER.starts_with(header), ..Found::default() };
    // What a file system may leave at the end after a power cut: room that was never written.
    let written = records.len() - records.iter().rev().take_while(|octet| **octet == 0).count();
    for (at, record) in records.chunks_exact(RECORD).enumerate() {
        match record::decode(record) {
            Some(entry) => found.entries.push(entry),
            None if at * RECORD >= written => {}
            None => found.damaged += 1,
        }
    }
    Ok(found)
}

/// Every segment of a folder, whether a relay writes there or not.
///
/// # Errors
/// The system's. A segment that goes meanwhile is past its time and no error.
pub(in crate::store) fn read_all(folder: &Path) -> io::Result<Vec<(PathBuf, Found)>> {
    let mut all = Vec::new();
    for (_, path) in segments(folder)? {
        match read(&path) {
            Ok(found) => all.push((path, found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// The sound entries of every segment.
///
/// # Errors
/// As [`read_all`].
pub(in crate::store) fn entries(folder: &Path) -> Result<Vec<Entry>, OpenError> {
    let all = read_all(folder).map_err(|error| OpenError::io(folder, &error))?;
    Ok(all.into_iter().flat_map(|(_, found)| found.entries).collect())
}

/// Writes a whole segment behind those that are there, and waits until it is on the disk. Nothing for no entries.
pub(in crate::store) fn write_whole(folder: &Path, entries: &[Entry]) -> io::Result<Option<PathBuf>> {
    if entries.is_empty() {
        return Ok(None);
    }
    let last = segments(folder)?.last().map_or(0, |(number, _)| *number);
    let mut open = begin(folder, last.saturating_add(1))?;
    let octets = record::encode(entries.iter().copied());
    let written = open.file.write_all(&octets).and_then(|()| open.file.sync_all());
    written.inspect_err(|_| {
        let _ = std::fs::remove_file(&open.sealed.path);
    })?;
    Ok(Some(open.sealed.path))
}
