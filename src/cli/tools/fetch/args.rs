//! The options of impp-fetch.

use crate::cli::args::{Common, Manners};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::manual::Manual;
use crate::cli::print::Printer;
use crate::cli::run::Tool;
use clap::Parser;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  impp-fetch ann@example.org && echo ann is there
  impp-fetch --format '{status}\\t{address}\\n' --list team.txt
  impp-fetch -q --any --list duty || [ $? -ne 1 ] || impp-send -m nobody a@x.org";

/// Ask for presence once
#[derive(Parser, Clone, Debug)]
#[command(
    name = "impp-fetch",
    version,
    about = "Ask for presence once. Status: 0 open, 1 closed, 2 some of each, 3 withheld",
    long_about = None,
    after_help = EXAMPLES,
    override_usage = "impp-fetch [OPTIONS] ADDR...",
    max_term_width = 110
)]
pub(crate) struct FetchArgs {
    /// Whose: user@domain, impp://domain/user, or an alias
    #[arg(value_name = "ADDR", required_unless_present = "list")]
    pub(super) addresses: Vec<String>,

    /// Status 0 if at least one is open, 1 if none
    #[arg(long, conflicts_with = "all")]
    pub(super) any: bool,
    /// Status 0 if all are open, 1 if not
    #[arg(long)]
    pub(super) all: bool,
    /// Also those in FILE, one per line (-: standard input)
    #[arg(long, value_name = "FILE")]
    pub(super) list: Option<PathBuf>,
    /// One word for all: open, closed, mixed or unknown
    #[arg(short = '1', group = "shape", conflicts_with_all = ["json", "format"])]
    pub(super) one: bool,
    /// Write the presence objects as they came
    #[arg(long, group = "shape", conflicts_with_all = ["json", "format"])]
    pub(super) xml: bool,
    /// Write PIDF (RFC 3863), a document per line
    #[arg(long, group = "shape", conflicts_with_all = ["json", "format"])]
    pub(super) pidf: bool,
    /// One line, and 0 all open, 1 some, 2 none, 3 unknown, as Nagios has it
    #[arg(long, group = "shape", conflicts_with_all = ["json", "format", "quiet"])]
    pub(super) nagios: bool,
    /// Ask so many at a time [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(super) parallel: Option<u32>,

    #[command(flatten)]
    pub(super) common: Common,
}

impl Tool for FetchArgs {
    const NAME: &'static str = "impp-fetch";
    const MANUAL: &'static Manual = &super::manual::MANUAL;

    fn manners(&self) -> &Manners {
        &self.common.manners
    }

    fn work(self, out: &Printer) -> Outcome<Exit> {
        super::work(self, out)
    }
}
