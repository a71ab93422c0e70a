//! `--chart`: who was open when, drawn on a terminal or as a picture, live or from what an earlier `--json` wrote.

mod history;
mod live;
mod log;
mod picture;
mod scale;
mod text;

pub(super) use live::Live;

use super::args::WatchArgs;
use crate::cli::account::AddressBook;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use history::History;
use jiff::tz::TimeZone;
use scale::Window;
use std::path::{Path, PathBuf};

/// Where a chart goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Canvas {
    /// Standard output.
    Text,
    /// This file, as SVG.
    Picture(PathBuf),
}

impl Canvas {
    /// Reads what follows `--chart=`; `-` is standard output.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "-" => Ok(Self::Text),
            file if Path::new(file).extension().is_some_and(|end| end.eq_ignore_ascii_case("svg")) => {
                Ok(Self::Picture(file.into()))
            }
            file => Err(format!("{file:?} does not end in .svg, and there is no other kind of picture")),
        }
    }

    /// Draws on it once.
    fn draw(&self, history: &History, window: Window, out: &Printer) -> Outcome<()> {
        let zone = TimeZone::system();
        match self {
            Self::Text => {
                let columns = out.columns();
                text::lines(history, window, &text::Look::new(columns, out), &zone).iter().try_for_each(|line| out.line(line))
            }
            Self::Picture(file) => replace(file, &picture::svg(history, window, &zone)),
        }
    }
}

/// Draws a chart of what stands in a log.
pub(super) fn of_log(args: &WatchArgs, book: &AddressBook, out: &Printer) -> Outcome<Exit> {
    let (Some(canvas), names) = (&args.chart, &args.addresses) else { return Err(Failure::silent(Exit::Internal)) };
    let wanted = book.find_all(names.iter().map(String::as_str))?;
    let file = args.read.as_deref().unwrap_or(Path::new("-"));
    let history = log::read(file, &wanted, out)?;
    let Some(window) = Window::of(&history, args.span) else {
        return Err(Failure::new(Exit::Data, format!("{} holds no line of impp-watch --json about them", log::name(file))));
    };
    canvas.draw(&history, window, out)?;
    Ok(Exit::Yes)
}

/// Writes a file whole or not at all: a browser may be reading the one before.
fn replace(file: &Path, text: &str) -> Outcome<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(name);
    std::fs::write(&new, text).map_err(|error| Failure::creating(&new, &error))?;
    std::fs::rename(&new, file).map_err(|error| {
        // What is left means nothing to anybody.
        _ = std::fs::remove_file(&new);
        Failure::creating(file, &error)
    })
}
