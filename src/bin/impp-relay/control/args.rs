//! The command line of the commands to a running relay.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use impp::cli::tools::acl::What;
use impp::cli::units;
use impp::relay::config::keys::LEVELS;
use impp::relay::control::{DRAIN_LONGER, DRAIN_OVER};
use std::time::Duration;

/// What a running relay is asked.
#[derive(Subcommand, Clone, Debug)]
pub(crate) enum ControlWish {
    /// How the running relay does, at a glance
    Status(StatusArgs),
    /// Whether the running relay does its work: status 0 it does, 1 it does not
    Health(Plainly),
    /// Who is logged in, and who may come back to a session
    Sessions(Of),
    /// Who watches whom, here and in other domains
    Subscriptions(Of),
    /// With which domains the running relay talks, and what waits
    Links(LinksArgs),
    /// Messages that wait for a user
    Mailbox(MailboxArgs),
    /// Any user's rules, by the commands of impp-acl
    Acl(AclArgs),
    /// Have everything read again: configuration, certificates, keys, secrets; or nothing, with status 78
    Reload(Plainly),
    /// Send everybody away little by little, and end the relay
    Drain(DrainArgs),
    /// Tell or change how much is logged, until the next reload
    LogLevel(LogLevelArgs),
    /// End a user's sessions; they may log in again, unless the account is disabled
    Kick(KickArgs),
}

/// `status`
#[derive(Args, Clone, Debug)]
pub(crate) struct StatusArgs {
    /// Again and again, with graphs of the last minutes
    #[arg(long, value_name = "EVERY", num_args = 0..=1, default_missing_value = "2s", value_parser = units::duration)]
    pub(crate) watch: Option<Duration>,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// A command that needs no more words.
#[derive(Args, Clone, Debug)]
pub(crate) struct Plainly {
    /// One JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// `drain`
#[derive(Args, Clone, Debug)]
pub(crate) struct DrainArgs {
    #[arg(long, value_name = "TIME", value_parser = units::duration, help = over_help())]
    pub(crate) over: Option<Duration>,
    #[arg(long, value_name = "TIME", value_parser = units::duration, help = deadline_help())]
    pub(crate) deadline: Option<Duration>,
    /// Wait until the relay has ended
    #[arg(long)]
    pub(crate) wait: bool,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

fn over_help() -> String {
    let default = DRAIN_OVER.as_secs();
    format!("Spread the good-byes over so long, and the returns over as long again [default: {default}s]")
}

fn deadline_help() -> String {
    format!("End after so long, whoever is still there [default: {}s more]", DRAIN_LONGER.as_secs())
}

fn level_help() -> String {
    let (last, others) = LEVELS.split_last().unwrap_or((&"", &[]));
    format!("{} or {last}", others.join(", "))
}

/// `log-level`
#[derive(Args, Clone, Debug)]
pub(crate) struct LogLevelArgs {
    #[arg(value_name = "LEVEL", value_parser = PossibleValuesParser::new(LEVELS), help = level_help())]
    pub(crate) level: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// A list, or one user's part of it.
#[derive(Args, Clone, Debug)]
pub(crate) struct Of {
    /// Only of this user: user@domain, or the user alone
    #[arg(value_name = "ADDR")]
    pub(crate) address: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// `links`
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LinksArgs {
    /// One JSON object per domain
    #[arg(long)]
    pub(crate) json: bool,
}

/// `mailbox`
#[derive(Args, Clone, Debug)]
pub(crate) struct MailboxArgs {
    #[command(subcommand)]
    pub(crate) what: MailboxWish,
}

/// What to do with a mailbox.
#[derive(Subcommand, Clone, Debug)]
pub(crate) enum MailboxWish {
    /// List what waits for a user, oldest first
    List {
        /// user@domain, or the user alone
        #[arg(value_name = "ADDR")]
        address: String,
        /// One JSON object per message
        #[arg(long)]
        json: bool,
    },
    /// Delete messages that wait for a user, for good
    Drop {
        /// user@domain, or the user alone
        #[arg(value_name = "ADDR")]
        address: String,
        /// Which, as `list` numbers them
        #[arg(value_name = "NUMBER", required_unless_present = "all", conflicts_with = "all")]
        messages: Vec<u64>,
        /// All that wait now
        #[arg(long)]
        all: bool,
        /// One JSON object per message that is gone
        #[arg(long)]
        json: bool,
    },
}

/// `acl`
#[derive(Args, Clone, Debug)]
#[command(subcommand_value_name = "COMMAND", disable_help_subcommand = true)]
pub(crate) struct AclArgs {
    /// Whose: user@domain, or the user alone
    #[arg(value_name = "ADDR")]
    pub(crate) address: String,
    /// One JSON object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do with them.
    #[command(subcommand)]
    pub(crate) what: What,
}

/// `kick`
#[derive(Args, Clone, Debug)]
pub(crate) struct KickArgs {
    /// user@domain, or the user alone
    #[arg(value_name = "ADDR")]
    pub(crate) address: String,
    /// Only the session of this name, as `sessions` shows it
    #[arg(long, value_name = "ID")]
    pub(crate) connection: Option<String>,
    /// One JSON object per session that ended
    #[arg(long)]
    pub(crate) json: bool,
}
