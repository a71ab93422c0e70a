//! `impp-relay import`: fills an empty data folder from an export.

use crate::args::ImportArgs;
use crate::settings;
use crate::user::open_failure;
use impp::cli::exit::{Exit, Failure, Outcome, reason};
use impp::cli::print::Printer;
use impp::store::dump::{Import, ImportError};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

/// The longest line: the largest body that a relay may be told to take, and what JSON makes of it.
const LINE_OCTETS: u64 = 1 << 30;

/// Imports all lines or none.
pub(crate) fn work(wish: &ImportArgs, config: &Path, out: &Printer) -> Outcome<Exit> {
    let settings = settings::load(config)?;
    let named = wish.file.as_deref().filter(|file| *file != Path::new("-"));
    let name = named.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
    let mut input: Box<dyn BufRead> = match named {
        Some(file) => Box::new(BufReader::new(File::open(file).map_err(|error| Failure::reading(file, &error))?)),
        None => Box::new(io::stdin().lock()),
    };
    let failed = |error: &ImportError| match error {
        ImportError::Open(error) => open_failure(error),
        ImportError::NotEmpty(_) => Failure::new(Exit::CannotCreate, error.to_string()),
        _ => Failure::new(Exit::Data, format!("{name}: {error}")),
    };
    let mut import = Import::begin(&settings.data_dir, settings.domains.iter().cloned()).map_err(|error| failed(&error))?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut input).take(LINE_OCTETS).read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => import.line(line.trim_ascii_end()).map_err(|error| failed(&error))?,
            Err(error) => return Err(Failure::new(Exit::Io, format!("cannot read {name}: {}", reason(&error)))),
        }
    }
    let done = import.finish().map_err(|error| failed(&error))?;
    out.note(&format!("{} user(s) and {} message(s) imported; start the relay", done.users, done.messages));
    Ok(Exit::Yes)
}
