//! The options of impp-recv.

use crate::cli::args::{Common, Manners};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::manual::Manual;
use crate::cli::pattern::HeaderPattern;
use crate::cli::print::Printer;
use crate::cli::run::Tool;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  impp-recv                                        show messages as they come
  impp-recv --once --body --timeout 5m             wait for one, print its text
  impp-recv --from '*@example.org' --exec ./handle --session ~/.impp-session";

/// Receive instant messages
#[derive(Parser, Clone, Debug)]
#[command(
    name = "impp-recv",
    version,
    about = "Receive instant messages",
    long_about = None,
    after_help = EXAMPLES,
    override_usage = "impp-recv [OPTIONS]",
    max_term_width = 110
)]
pub(crate) struct RecvArgs {
    /// End after N messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,
    /// End after one message
    #[arg(long, conflicts_with = "count")]
    pub(super) once: bool,
    /// Only from senders that match; others are left for other receivers
    #[arg(long, value_name = "PATTERN")]
    pub(super) from: Vec<String>,
    /// Only messages with such a header; may be repeated
    #[arg(long = "match", value_name = "HEADER=PATTERN", value_parser = HeaderPattern::parse)]
    pub(super) matches: Vec<HeaderPattern>,
    /// Write the whole message
    #[arg(long, group = "shape", conflicts_with_all = ["json", "format"])]
    pub(super) mime: bool,
    /// Write only the text
    #[arg(long, group = "shape", conflicts_with_all = ["json", "format"])]
    pub(super) body: bool,
    /// Write the messages as a mailbox in mbox format
    #[arg(long, group = "shape", conflicts_with_all = ["json", "format"])]
    pub(super) mbox: bool,
    /// Put each message into this maildir
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Run a command for each message; its status decides (0 taken, 75 later, else refused)
    #[arg(long, value_name = "CMD")]
    pub(super) exec: Option<String>,
    /// When a message counts as taken [default: after-exec with --exec]
    #[arg(long, value_name = "auto|after-exec", hide_possible_values = true, requires = "exec")]
    pub(super) ack: Option<AckChoice>,
    /// Write attachments as files into this folder
    #[arg(long, value_name = "DIR")]
    pub(super) save_attachments: Option<PathBuf>,
    /// Append each message as a JSON line to this file
    #[arg(long, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,
    /// Go on with the session of the last run, and keep it for the next
    #[arg(long, value_name = "FILE")]
    pub(super) session: Option<PathBuf>,
    /// Take another user's messages, where they allow it
    #[arg(long, value_name = "ADDR")]
    pub(super) inbox: Option<String>,

    #[command(flatten)]
    pub(super) common: Common,
}

/// When a message is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AckChoice {
    /// When it has been written; the handler's status does not matter
    Auto,
    /// When the handler ended with status 0
    AfterExec,
}

impl Tool for RecvArgs {
    const NAME: &'static str = "impp-recv";
    const MANUAL: &'static Manual = &super::manual::MANUAL;

    fn manners(&self) -> &Manners {
        &self.common.manners
    }

    fn work(self, out: &Printer) -> Outcome<Exit> {
        super::work(self, out)
    }
}
