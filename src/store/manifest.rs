//! What a backup says of itself: when, of which program and schema, which files with which digests, how much of what.
//!
//! *Shape:* `manifest.json`, one JSON object; the last file written of a backup, so that one without it is none.

use super::create_private;
use super::open_error::OpenError;
use super::verify::{Counts, Fault};
use crate::model::UnixMillis;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// Its name within a backup.
pub const MANIFEST_FILE: &str = "manifest.json";
/// Its longest form.
const MAX_OCTETS: u64 = 1 << 20;
/// Read at a time.
const CHUNK: usize = 1 << 16;

/// A manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Which program made the backup.
    pub program: String,
    /// When it began.
    pub time: UnixMillis,
    /// The version of the schema.
    pub schema: u32,
    /// The files.
    pub files: Vec<Listed>,
    /// What is in them.
    pub counts: Counts,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name; never a path.
    pub name: String,
    /// Its length.
    pub octets: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Reads it; `None` if it makes no sense.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn read(path: &Path) -> Result<Option<Self>, OpenError> {
        let mut text = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_OCTETS).read_to_end(&mut text));
        read.map_err(|error| OpenError::io(path, &error))?;
        Ok(serde_json::from_slice(&text).ok().and_then(|value| Self::of_json(&value)))
    }

    fn of_json(value: &Value) -> Option<Self> {
        if value.get("v")?.as_u64()? != 1 {
            return None;
        }
        let counts = value.get("counts")?;
        let count = |name: &str| counts.get(name)?.as_u64();
        let files = value.get("files")?.as_array()?.iter().map(|file| {
            let name = file.get("name")?.as_str()?.to_owned();
            let plain = !name.is_empty() && !name.starts_with('.') && !name.contains('/');
            let listed = Listed { name, octets: file.get("octets")?.as_u64()?, sha256: file.get("sha256")?.as_str()?.to_owned() };
            plain.then_some(listed)
        });
        Some(Self {
            program: value.get("program")?.as_str()?.to_owned(),
            time: UnixMillis::parse_rfc3339(value.get("time")?.as_str()?)?,
            schema: u32::try_from(value.get("schema")?.as_u64()?).ok()?,
            files: files.collect::<Option<_>>()?,
            counts: Counts {
                accounts: count("accounts")?,
                messages: count("messages")?,
                octets: count("octets")?,
                subscriptions: count("subscriptions")?,
                deliveries: count("deliveries")?,
            },
        })
    }

    /// The object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Counts { accounts, messages, octets, subscriptions, deliveries } = self.counts;
        let files = self.files.iter().map(|file| json!({"name": file.name, "octets": file.octets, "sha256": file.sha256}));
        json!({
            "v": 1,
            "program": self.program,
            "time": self.time.to_rfc3339(),
            "schema": self.schema,
            "files": files.collect::<Vec<_>>(),
            "counts": {"accounts": accounts, "messages": messages, "octets": octets, "subscriptions": subscriptions, "deliveries": deliveries},
        })
    }

    /// Writes it and waits until it is on the disk.
    pub(super) fn write(&self, folder: &Path) -> Result<(), OpenError> {
        let path = folder.join(MANIFEST_FILE);
        let text = format!("{:#}\n", self.to_json());
        let written = create_private(OpenOptions::new().write(true).create_new(true), &path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| OpenError::io(&path, &error))
    }

    /// Which of the files are not what they were.
    pub(super) fn check_files(&self, folder: &Path) -> Result<Vec<Fault>, OpenError> {
        let mut faults = Vec::new();
        for listed in &self.files {
            match Listed::of(folder, &listed.name) {
                Ok(found) if found == *listed => {}
                Ok(_) => faults.push(Fault::File { name: listed.name.clone(), there: true }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    faults.push(Fault::File { name: listed.name.clone(), there: false });
                }
                Err(error) => return Err(OpenError::io(&folder.join(&listed.name), &error)),
            }
        }
        Ok(faults)
    }
}

impl Listed {
    /// What a manifest says of this file.
    pub(super) fn of(folder: &Path, name: &str) -> io::Result<Self> {
        let mut file = File::open(folder.join(name))?;
        let mut hash = Sha256::new();
        let mut chunk = vec![0; CHUNK];
        let mut octets = 0;
        loop {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            hash.update(chunk.get(..read).unwrap_or_default());
            octets += read as u64;
        }
        let sha256 = hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect();
        Ok(Self { name: name.to_owned(), octets, sha256 })
    }
}
