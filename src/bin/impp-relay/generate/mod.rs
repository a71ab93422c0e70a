//! `impp-relay generate DIR`: manual pages and completions, made of the programs' own tables, for the repository and for packages.

mod completions;
mod control;
mod formats;
mod overview;
mod page;
mod program;
mod relay;
mod upkeep;

use clap::Parser;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::Printer;
use impp::cli::tools;
use std::fs;
use std::path::{Path, PathBuf};

/// The first word that asks for it. It stands in no table: nobody needs it who only uses the programs.
pub(crate) const WORD: &str = "generate";

/// `generate`
#[derive(Parser, Debug)]
#[command(name = "impp-relay generate", about = "Write DIR/man and DIR/completions", max_term_width = 110)]
pub(crate) struct GenerateArgs {
    /// Where to; made if it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Writes all of it.
pub(crate) fn work(wish: &GenerateArgs, _: &Printer) -> Outcome<Exit> {
    let man = wish.dir.join("man");
    for (name, manual) in tools::MANUALS {
        if let Some(definition) = tools::definitions().into_iter().find(|definition| definition.get_name() == *name) {
            write(&man, &format!("{name}.1"), &program::page(definition, manual))?;
        }
    }
    write(&man, "impp-relay.8", &relay::page())?;
    write(&man, "impp.toml.5", &formats::client())?;
    write(&man, "impp-relay.toml.5", &formats::relay())?;
    write(&man, "impp-aliases.5", &formats::aliases())?;
    write(&man, "impp.7", &overview::page())?;
    for definition in tools::definitions().into_iter().chain([relay::definition()]) {
        for (name, script) in completions::of(definition)? {
            write(&wish.dir.join("completions"), &name, &script)?;
        }
    }
    Ok(Exit::Yes)
}

fn write(folder: &Path, name: &str, text: &str) -> Outcome<()> {
    let path = folder.join(name);
    fs::create_dir_all(folder).map_err(|error| Failure::creating(folder, &error))?;
    fs::write(&path, text).map_err(|error| Failure::creating(&path, &error))
}
