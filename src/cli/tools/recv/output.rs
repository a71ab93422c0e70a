//! Where messages go: standard output, a maildir, a log, files for attachments. Nothing is acknowledged before it lies there.

use super::args::RecvArgs;
use super::letter::Letter;
use super::log::Log;
use super::maildir::Maildir;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::print::Printer;
use crate::net::random;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Names that are tried for one attachment before giving up.
const ATTEMPTS: u32 = 10_000;

/// What standard output gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Nothing,
    /// The tool's own lines, JSON or a template.
    Records,
    Mime,
    Body,
    Mbox,
}

/// The places that were asked for, open.
#[derive(Debug)]
pub(super) struct Output<'a> {
    out: &'a Printer,
    shape: Shape,
    maildir: Option<Maildir>,
    log: Option<Log>,
    attachments: Option<PathBuf>,
    /// Makes names in a maildir unlike those of other machines that share it.
    word: String,
}

impl<'a> Output<'a> {
    /// Opens all places, so that what cannot work fails before anything is received.
    ///
    /// # Errors
    /// 73
    pub(super) fn open(args: &RecvArgs, out: &'a Printer) -> Outcome<Self> {
        let elsewhere = args.dir.is_some() || args.exec.is_some() || args.common.manners.quiet;
        let shape = match (args.mime, args.body, args.mbox) {
            // With a handler these say what the handler gets.
            (true, ..) | (_, true, _) if args.exec.is_some() => Shape::Nothing,
            (true, ..) => Shape::Mime,
            (_, true, _) => Shape::Body,
            (.., true) => Shape::Mbox,
            _ if elsewhere && out.is_text() => Shape::Nothing,
            _ => Shape::Records,
        };
        if let Some(folder) = &args.save_attachments {
            std::fs::create_dir_all(folder).map_err(|error| Failure::creating(folder, &error))?;
        }
        Ok(Self {
            out,
            shape,
            maildir: args.dir.as_deref().map(Maildir::open).transpose()?,
            log: args.log.as_deref().map(Log::open).transpose()?,
            attachments: args.save_attachments.clone(),
            word: random::connection_id().to_string(),
        })
    }

    /// Writes a message everywhere.
    ///
    /// # Errors
    /// 73 or 74; then it must not be acknowledged.
    pub(super) fn write(&mut self, letter: &mut Letter) -> Outcome<()> {
        if let Some(maildir) = &mut self.maildir {
            maildir.deliver(&letter.delivered(), letter.received, &self.word)?;
        }
        if let Some(folder) = &self.attachments {
            letter.saved =
                letter.mail.attachments.iter().map(|part| save(folder, &part.name, &part.octets)).collect::<Outcome<_>>()?;
        }
        if let Some(log) = &mut self.log {
            log.append(&letter.record().to_json())?;
        }
        match self.shape {
            Shape::Nothing => Ok(()),
            Shape::Records => self.out.record(&letter.record(), &letter.shown(self.out)),
            Shape::Mime => self.out.data(&letter.mime()),
            Shape::Body => self.out.data(letter.text().as_bytes()),
            Shape::Mbox => self.out.data(&letter.mbox()),
        }
    }
}

/// Writes a new file of this name, or of one like it if there is one already. Names are plain: the model has seen to that.
fn save(folder: &Path, name: &str, octets: &[u8]) -> Outcome<PathBuf> {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    for number in 0..ATTEMPTS {
        let path = folder.join(if number == 0 { name.to_owned() } else { format!("{stem}-{number}{ending}") });
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(octets).and_then(|()| file.sync_all()).map_err(|error| Failure::writing(&path, &error))?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Failure::creating(&path, &error)),
        }
    }
    Err(Failure::creating(&folder.join(name), &ErrorKind::AlreadyExists.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut names = Vec::new();
        for (given, text) in [("a.txt", "1"), ("a.txt", "2"), ("a.txt", "3"), ("noending", "4"), ("noending", "5")] {
            names.push(name(save(folder.path(), given, text.as_bytes()).unwrap()));
        }
        assert_eq!(names, ["a.txt", "a-1.txt", "a-2.txt", "noending", "noending-1"]);
        assert_eq!(std::fs::read(folder.path().join("a.txt")).unwrap(), b"1");
    }
}
