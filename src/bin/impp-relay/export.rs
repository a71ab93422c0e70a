//! `impp-relay export`: all that the relay keeps, one JSON object per line.

use crate::args::ExportArgs;
use crate::settings;
use crate::user::open_failure;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::Printer;
use impp::cli::safe;
use impp::model::Address;
use impp::store::dump::{ExportError, Exported, export};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Writes an export to a file that nobody else can read, or to standard output; 2 if the store is damaged, and not all is in it.
pub(crate) fn work(wish: &ExportArgs, config: &Path, out: &Printer) -> Outcome<Exit> {
    let data = settings::load(config)?.data_dir;
    let done = match &wish.output {
        Some(file) => to_file(&data, file)?,
        None => {
            if out.is_open_to_others() {
                out.note(
                    "others can read the file that this goes to, and it has what passwords are checked against: chmod 600 it",
                );
            }
            export(&data, |line| out.line(&safe::json(line))).map_err(failure)?
        }
    };
    if done.faults.is_empty() {
        return Ok(Exit::Yes);
    }
    for fault in &done.faults {
        out.complain(&fault.to_string());
    }
    for user in done.disabled.iter().map(Address::shown) {
        out.complain(&format!(
            "{user} is disabled in the export, for that user's account is lost: impp-relay user enable {user}"
        ));
    }
    for user in done.closed.iter().map(Address::shown) {
        out.complain(&format!("{user} allows nobody anything in the export, for that user's rules are lost: set them anew"));
    }
    out.complain("the store is damaged: what is sound of it is in the export, and can be imported; see above what is lost");
    Ok(Exit::Partly)
}

/// Whole and on the disk before it bears its name.
fn to_file(data: &Path, file: &Path) -> Outcome<Exported> {
    let mut half = file.as_os_str().to_owned();
    half.push(".half");
    let half = PathBuf::from(half);
    // What a killed one left; it might be readable by others.
    let _ = fs::remove_file(&half);
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half);
    let mut writer = BufWriter::new(opened.map_err(|error| Failure::creating(file, &error))?);
    let done = export(data, |line| writeln!(writer, "{}", safe::json(line)).map_err(|error| Failure::writing(file, &error)))
        .map_err(failure)
        .and_then(|done| named(writer, &half, file).map(|()| done).map_err(|error| Failure::writing(file, &error)));
    if done.is_err() {
        let _ = fs::remove_file(&half);
    }
    done
}

fn named(writer: BufWriter<File>, half: &Path, file: &Path) -> io::Result<()> {
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(half, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn failure(error: ExportError<Failure>) -> Failure {
    match error {
        ExportError::Open(error) => open_failure(&error),
        ExportError::Taker(failure) => failure,
        ExportError::Damaged => Failure::new(
            Exit::Io,
            "the store is damaged, and not all of it can be exported; impp-relay verify tells what is lost",
        ),
    }
}
