//! The command line of the commands to a running relay.

use clap::{Args, Subcommand};

/// What a running relay is asked.
#[derive(Subcommand, Clone, Debug)]
pub(crate) enum ControlWish {
    /// Who is logged in, and who may come back to a session
    Sessions(Of),
    /// Who watches whom, here and in other domains
    Subscriptions(Of),
    /// With which domains the running relay talks, and what waits
    Links(LinksArgs),
    /// Messages that wait for a user
    Mailbox(MailboxArgs),
    /// End a user's sessions; they may log in again, unless the account is disabled
    Kick(KickArgs),
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
