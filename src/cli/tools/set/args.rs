//! The options of impp-set.

use super::edit;
use crate::cli::args::{Common, Manners};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::manual::Manual;
use crate::cli::print::Printer;
use crate::cli::run::Tool;
use crate::cli::units;
use crate::model::{Lease, Token};
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  impp-set open --activity meeting --note 'back at three' --lease 2h
  impp-set open --lease 12m          from cron: a dead man's switch
  impp-set open --exec ./backup.sh   open while the command runs";

/// Publish my presence
#[derive(Parser, Clone, Debug)]
#[command(
    name = "impp-set",
    version,
    about = "Publish presence",
    long_about = None,
    after_help = EXAMPLES,
    override_usage = "impp-set open|closed [OPTIONS] [--exec CMD...]\n       impp-set --show | --clear | --file FILE [OPTIONS]",
    max_term_width = 110
)]
pub(crate) struct SetArgs {
    /// open: messages reach me now; closed: they do not
    #[arg(value_name = "open|closed", hide_possible_values = true, conflicts_with_all = ["clear", "show", "file"])]
    pub(super) status: Option<StatusChoice>,

    /// away, busy, meeting, vacation .. or own words
    #[arg(long, value_name = "WORD")]
    pub(super) activity: Option<String>,
    /// A sentence for people
    #[arg(long, value_name = "TEXT")]
    pub(super) note: Option<String>,
    /// For how long; then the value before shows again [default: infinity; 1h with --hold]
    #[arg(long, value_name = "TIME", value_parser = units::lease)]
    pub(super) lease: Option<Lease>,
    /// Stay, renew the lease, and take the value back at the end
    #[arg(long)]
    pub(super) hold: bool,
    /// Hold while a command runs; its status is passed on
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true, conflicts_with = "show")]
    pub(super) exec: Vec<String>,
    /// Change only this device or medium
    #[arg(long, value_name = "ID")]
    pub(super) tuple: Option<String>,
    /// A URL to reach me
    #[arg(long, value_name = "URL")]
    pub(super) contact: Option<String>,
    /// How much I prefer to be reached there, 0 to 1
    #[arg(long, value_name = "P", value_parser = edit::priority)]
    pub(super) priority: Option<String>,
    /// A field of my card (fn, title, tel ..); empty takes it away; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = edit::card_field)]
    pub(super) card: Vec<(String, String)>,
    /// Publish this file (-: standard input): application/presence as it is, or PIDF (RFC 3863)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["activity", "note", "tuple", "contact", "priority", "card"])]
    pub(super) file: Option<PathBuf>,
    /// The value for those to whom the rules show this view
    #[arg(long, value_name = "NAME", value_parser = token)]
    pub(super) view: Option<Token>,
    /// For another user, where their rules allow it
    #[arg(long = "for", value_name = "ADDR")]
    pub(super) owner: Option<String>,
    /// Take the leased value (or with --tuple that tuple) away
    #[arg(long, conflicts_with_all = ["show", "file", "hold", "exec"])]
    pub(super) clear: bool,
    /// Print what is published now
    #[arg(long, conflicts_with_all = ["file", "hold"])]
    pub(super) show: bool,

    #[command(flatten)]
    pub(super) common: Common,
}

/// What is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StatusChoice {
    /// Messages reach me now
    Open,
    /// They do not
    Closed,
}

fn token(text: &str) -> Result<Token, String> {
    Token::parse(text).ok_or_else(|| "a view has up to 32 letters, digits, -, _ and .".to_owned())
}

impl Tool for SetArgs {
    const NAME: &'static str = "impp-set";
    const MANUAL: &'static Manual = &super::manual::MANUAL;

    fn manners(&self) -> &Manners {
        &self.common.manners
    }

    fn work(self, out: &Printer) -> Outcome<Exit> {
        super::work(self, out)
    }
}
