//! The options of impp-send.

use super::rate::Rate;
use crate::cli::args::{Common, Manners};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::manual::Manual;
use crate::cli::print::Printer;
use crate::cli::run::{FURTHER, Tool};
use crate::cli::units;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  df -h | impp-send -s 'disks today' ann@example.org
  tail -F app.log | impp-send --lines --queue --max-rate 10/1m ops@example.org
  impp-send -s 'backup failed' --queue oncall --exec ./backup.sh --full";

const USAGE: &str = "\
impp-send [OPTIONS] RCPT... < body
       impp-send [OPTIONS] -m TEXT RCPT...
       impp-send [OPTIONS] -t | --raw RCPT... < message
       impp-send [OPTIONS] --lines RCPT... | --ndjson
       impp-send --flush | --queue-list";

/// Whatever makes the body or says whom it is for, but --ndjson.
const SOURCES: [&str; 7] = ["message", "file", "headers", "raw", "lines", "exec", "html"];
/// What works on the spool takes nothing from these.
const NOT_FOR_SPOOL: [&str; 12] =
    ["recipients", "message", "file", "headers", "raw", "lines", "ndjson", "exec", "probe", "dry_run", "tee", "fallback"];

/// Send instant messages
#[derive(Parser, Clone, Debug)]
#[command(
    name = "impp-send",
    version,
    about = "Send instant messages to user@domain, impp://domain/user, or an alias",
    long_about = None,
    after_help = EXAMPLES,
    override_usage = USAGE,
    max_term_width = 110
)]
pub(crate) struct SendArgs {
    /// Recipients: user@domain, impp://domain/user, or an alias
    #[arg(
        value_name = "RCPT",
        // The first line and the usage say as much, on a screen that is full.
        hide_short_help = true,
        hide_long_help = true,
        required_unless_present_any = ["headers", "ndjson", "flush", "queue_list", "sendmail"],
        conflicts_with = "ndjson"
    )]
    pub(super) recipients: Vec<String>,

    /// Subject
    #[arg(short, long, value_name = "TEXT")]
    pub(super) subject: Option<String>,
    /// The body; standard input stays untouched
    #[arg(short, long, value_name = "TEXT", conflicts_with_all = ["file", "headers", "raw", "lines", "ndjson"])]
    pub(super) message: Option<String>,
    /// The body (with -t and --raw the message)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lines", "ndjson"])]
    pub(super) file: Option<PathBuf>,
    /// Media type of the body [default: text/plain]
    #[arg(help_heading = FURTHER, long = "type", value_name = "TYPE", conflicts_with_all = ["headers", "raw"])]
    pub(super) media_type: Option<String>,
    /// Attach a file; may be repeated
    #[arg(long, value_name = "FILE[:TYPE]", conflicts_with_all = ["headers", "raw", "lines"])]
    pub(super) attach: Vec<String>,
    /// An HTML version of the body
    #[arg(help_heading = FURTHER, long, value_name = "FILE", conflicts_with_all = ["headers", "raw", "lines", "ndjson"])]
    pub(super) html: Option<PathBuf>,
    /// Recipients are those of the headers (Bcc removed)
    #[arg(short = 't', conflicts_with_all = ["raw", "lines", "ndjson", "subject"])]
    pub(super) headers: bool,
    /// Standard input is a whole message, sent as it is
    #[arg(long, conflicts_with_all = ["lines", "ndjson", "subject"])]
    pub(super) raw: bool,
    /// One message per line, over one connection
    #[arg(long, conflicts_with = "ndjson")]
    pub(super) lines: bool,
    /// One message per JSON line: to, subject, text ..
    #[arg(long)]
    pub(super) ndjson: bool,
    /// Run it, and send its output if it fails
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true,
          conflicts_with_all = ["message", "file", "headers", "raw", "lines", "ndjson", "html", "probe", "dry_run"])]
    pub(super) exec: Vec<String>,
    /// My name, beside the address
    #[arg(help_heading = FURTHER, short = 'F', value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Where answers shall go
    #[arg(help_heading = FURTHER, long, value_name = "ADDR")]
    pub(super) reply_to: Option<String>,
    /// The message that this one answers
    #[arg(help_heading = FURTHER, long, value_name = "ID")]
    pub(super) in_reply_to: Option<String>,
    /// Message-ID [default: a new one]
    #[arg(help_heading = FURTHER, long, value_name = "ID", conflicts_with_all = ["lines", "ndjson"])]
    pub(super) id: Option<String>,
    /// A further header; may be repeated
    #[arg(help_heading = FURTHER, short = 'H', value_name = "NAME: VALUE")]
    pub(super) header: Vec<String>,
    /// Language of the text
    #[arg(help_heading = FURTHER, long, value_name = "TAG")]
    pub(super) lang: Option<String>,
    /// low, normal, high or emergency
    #[arg(long, value_name = "HOW", hide_possible_values = true)]
    pub(super) urgency: Option<UrgencyChoice>,
    /// Worthless after this time (0: deliver now or fail)
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub(super) expires: Option<Duration>,
    /// Done when stored (default), delivered, or none
    #[arg(long, value_name = "WHAT", hide_possible_values = true)]
    pub(super) wait: Option<Wait>,
    /// Only to those who are open now
    #[arg(long)]
    pub(super) if_open: bool,
    /// Only to the first of them who is open now
    #[arg(long, conflicts_with_all = ["if_open", "probe"])]
    pub(super) first_open: bool,
    /// Send nothing: log in, and tell who is open
    #[arg(long, conflicts_with_all = ["lines", "ndjson", "headers"])]
    pub(super) probe: bool,
    /// Run CMD with the message if nobody got it
    #[arg(long, value_name = "CMD", conflicts_with_all = ["probe", "dry_run"])]
    pub(super) fallback: Option<String>,
    /// What fails for now stays in the spool (status 3)
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, conflicts_with_all = ["if_open", "first_open", "probe"])]
    pub(super) queue: Option<Option<PathBuf>>,
    /// Send what is in the spool
    #[arg(long, conflicts_with_all = NOT_FOR_SPOOL)]
    pub(super) flush: bool,
    /// Show what is in the spool
    #[arg(long, conflicts_with_all = NOT_FOR_SPOOL, conflicts_with = "flush")]
    pub(super) queue_list: bool,
    /// Send nothing if the body is empty
    #[arg(long)]
    pub(super) skip_empty: bool,
    /// Refuse a longer body
    #[arg(help_heading = FURTHER, long, value_name = "SIZE", value_parser = units::size)]
    pub(super) max_size: Option<u64>,
    /// Cut a longer body: keep head and tail, say how much is missing
    #[arg(help_heading = FURTHER, long, requires = "max_size")]
    pub(super) truncate: bool,
    /// Send no more than N messages in TIME; the others wait
    #[arg(help_heading = FURTHER, long, value_name = "N/TIME", value_parser = Rate::parse)]
    pub(super) max_rate: Option<Rate>,
    /// What is read from standard input (or CMD) also goes to standard output
    #[arg(help_heading = FURTHER, long, conflicts_with_all = ["json", "format", "dry_run", "message", "probe"])]
    pub(super) tee: bool,
    /// Print the message instead of sending it
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// Behave as sendmail does, with its options behind this one
    #[arg(help_heading = FURTHER, long, conflicts_with_all = SOURCES, conflicts_with_all = ["ndjson", "flush", "queue_list", "tee", "subject", "name"])]
    pub(super) sendmail: bool,

    #[command(flatten)]
    pub(super) common: Common,
}

/// How urgent a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum UrgencyChoice {
    /// Priority: non-urgent
    Low,
    /// Priority: normal
    Normal,
    /// Priority: urgent
    High,
    /// Priority: urgent, Importance: high
    Emergency,
}

/// What counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Wait {
    /// In durable storage, or delivered
    #[default]
    Stored,
    /// A receiving program has it; only stored is status 3
    Delivered,
    /// Handed to my server
    None,
}

impl Tool for SendArgs {
    const NAME: &'static str = "impp-send";
    const MANUAL: &'static Manual = &super::manual::MANUAL;

    fn manners(&self) -> &Manners {
        &self.common.manners
    }

    fn work(self, out: &Printer) -> Outcome<Exit> {
        super::work(self, out)
    }
}
