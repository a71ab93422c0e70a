//! The options of impp-watch.

use super::chart::Canvas;
use crate::cli::args::{Common, Manners};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::manual::Manual;
use crate::cli::print::Printer;
use crate::cli::run::Tool;
use crate::cli::units;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  impp-watch ann@example.org bob@example.org
  impp-watch -q --until open ann@example.org && echo ann is there
  impp-watch --exec 'logger \"$IMPP_ADDR is $IMPP_STATUS\"' --list team.txt";

/// Watch presence
#[derive(Parser, Clone, Debug)]
#[command(
    name = "impp-watch",
    version,
    about = "Watch presence: the state now, then each change",
    long_about = None,
    after_help = EXAMPLES,
    override_usage = "impp-watch [OPTIONS] ADDR...\n       impp-watch --chart[=FILE.svg] [--read FILE] [--span TIME] [ADDR...]",
    max_term_width = 110
)]
pub(crate) struct WatchArgs {
    /// Whom to watch: user@domain, impp://domain/user, or an alias
    #[arg(value_name = "ADDR", required_unless_present_any = ["list", "chart"])]
    pub(super) addresses: Vec<String>,

    /// End with status 0 when one of them is open, is closed, or changes
    #[arg(long, value_name = "open|closed|change", hide_possible_values = true)]
    pub(super) until: Option<Until>,
    /// End after N lines
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,
    /// Leave out the state at the beginning
    #[arg(long)]
    pub(super) changes_only: bool,
    /// Also those in FILE, one per line (-: standard input)
    #[arg(long, value_name = "FILE")]
    pub(super) list: Option<PathBuf>,
    /// For how long to ask at a time; renewed as long as this runs
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub(super) lease: Option<Duration>,
    /// Run a command for each line
    #[arg(long, value_name = "CMD")]
    pub(super) exec: Option<String>,
    /// One line about all of them instead, anew after each change: for status bars
    #[arg(long, group = "shape", conflicts_with_all = ["json", "format"])]
    pub(super) status: bool,
    /// Write PIDF (RFC 3863), a document per line
    #[arg(long, group = "shape", conflicts_with_all = ["json", "format"])]
    pub(super) pidf: bool,
    /// Draw who was open when, live or of a log, on the terminal or as a picture; see --read
    #[arg(long, value_name = "FILE.svg", num_args = 0..=1, require_equals = true, default_missing_value = "-",
        value_parser = Canvas::parse, group = "shape", conflicts_with_all = ["json", "format", "quiet"])]
    pub(super) chart: Option<Canvas>,
    /// Chart what --json wrote into FILE (-: standard input, as without ADDR) instead of watching
    #[arg(long, value_name = "FILE", requires = "chart", conflicts_with_all = ["list", "until", "count", "exec"])]
    pub(super) read: Option<PathBuf>,
    /// Chart only the last so much time
    #[arg(long, value_name = "TIME", requires = "chart", value_parser = units::duration)]
    pub(super) span: Option<Duration>,

    #[command(flatten)]
    pub(super) common: Common,
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Until {
    /// One of them is open
    Open,
    /// One of them is closed
    Closed,
    /// One of them changes
    Change,
}

impl Tool for WatchArgs {
    const NAME: &'static str = "impp-watch";
    const MANUAL: &'static Manual = &super::manual::MANUAL;

    fn manners(&self) -> &Manners {
        &self.common.manners
    }

    fn work(self, out: &Printer) -> Outcome<Exit> {
        super::work(self, out)
    }
}
