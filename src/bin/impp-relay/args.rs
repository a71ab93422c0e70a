//! The command line of impp-relay.

use crate::control::args::ControlWish;
use crate::password::NewPassword;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::path::{Path, PathBuf};

/// Where the configuration is unless `-c` says otherwise.
pub(crate) const USUAL_FILE: &str = "/etc/impp/impp-relay.toml";

const EXAMPLES: &str = "\
Status: 0 done; 64 usage, 65 bad address, 66 no such file, 67 no such user, 68 foreign domain,
73 cannot create or listen, 74 store, 75 try later, 78 configuration.

Examples:
  impp-relay demo                                   see it work, on this machine alone
  impp-relay init example.org --admin ann           configuration, certificate, first user
  impp-relay user add bob@example.org --generate    one more user";

/// A relay for instant messages and presence
#[derive(Parser, Debug)]
#[command(
    name = "impp-relay",
    version,
    about = "A relay for instant messages and presence, and what its administrator does",
    long_about = None,
    after_help = EXAMPLES,
    disable_help_subcommand = true,
    max_term_width = 110
)]
pub(crate) struct RelayArgs {
    /// Configuration [default: /etc/impp/impp-relay.toml]
    #[arg(short, long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub(crate) wish: Wish,
}

impl RelayArgs {
    /// The configuration to read.
    pub(crate) fn config(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(USUAL_FILE))
    }

    /// Whether `-c` was given, where it would mean nothing.
    pub(crate) const fn names_config(&self) -> bool {
        self.config.is_some()
    }
}

/// The subcommands.
#[derive(Subcommand, Debug)]
pub(crate) enum Wish {
    /// Show everything on loopback, in a temporary folder, with the real tools
    Demo(DemoArgs),
    /// Make configuration, data folder, key, self-signed certificate and first user
    Init(InitArgs),
    /// Run the relay
    Serve,
    /// Judge configuration, DNS, certificates: status 0 sound, 1 errors, 2 warnings, 3 could not be found out
    Check(CheckArgs),
    #[command(flatten)]
    Control(ControlWish),
    /// Users: add, change, list, delete; also while the relay runs
    #[command(subcommand)]
    User(UserWish),
    /// Copy all that the relay keeps to DIR, also while it runs
    Backup(BackupArgs),
    /// Whether a backup or a data folder is whole, and what is lost: status 0 whole, 1 damaged
    Verify(VerifyArgs),
    /// Make a backup the relay's data again, while no relay runs
    Restore(RestoreArgs),
    /// Write all that the relay keeps as lines of JSON, also while it runs
    Export(ExportArgs),
    /// Fill an empty data folder from such lines, while no relay runs
    Import(ImportArgs),
}

/// `export`
#[derive(Args, Clone, Debug)]
pub(crate) struct ExportArgs {
    /// Write to FILE, which only its owner can read [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

/// `import`
#[derive(Args, Clone, Debug)]
pub(crate) struct ImportArgs {
    /// Read from FILE [default: standard input]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
}

/// `backup`
#[derive(Args, Clone, Debug)]
pub(crate) struct BackupArgs {
    /// The folder that becomes the backup; empty, or not there yet
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Take the place of an earlier backup, which goes when the new one is whole
    #[arg(long)]
    pub(crate) replace: bool,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `verify`
#[derive(Args, Clone, Debug)]
pub(crate) struct VerifyArgs {
    /// A backup, or a data folder, which a relay may be using
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// One JSON object per fault, and one for the whole
    #[arg(long)]
    pub(crate) json: bool,
}

/// `restore`
#[derive(Args, Clone, Debug)]
pub(crate) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Set a store aside that is there already
    #[arg(long)]
    pub(crate) replace: bool,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `demo`
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct DemoArgs {
    /// End after the show instead of staying for you to try
    #[arg(long)]
    pub(crate) once: bool,
    /// Leave the folder behind
    #[arg(long)]
    pub(crate) keep_dir: bool,
}

/// `init`
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// The domain whose users live here
    pub(crate) domain: String,
    /// The name of this machine in DNS [default: DOMAIN]
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// The first user
    #[arg(long, value_name = "USER")]
    pub(crate) admin: Option<String>,
    /// Put everything below DIR [default: /etc/impp, /var/lib/impp-relay]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Have systemd start it, now and with the machine
    #[arg(long)]
    pub(crate) start: bool,
    #[command(flatten)]
    pub(crate) password: NewPassword,
}

/// `check`
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// What to check.
    #[command(subcommand)]
    pub(crate) what: CheckWhat,
}

/// What can be checked.
#[derive(Subcommand, Clone, Debug)]
pub(crate) enum CheckWhat {
    /// The configuration and the files that it names
    Config {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// What the DNS says of the domains, as impp-srv judges it
    Dns(Outside),
    /// The certificates that the servers found there show
    Certs(Outside),
    /// Everything: records, addresses, certificates, HELLO
    Connect(Outside),
    /// The whole way to another domain and back, decision by decision
    Peers(PeersArgs),
}

/// `check peers`
#[derive(Args, Clone, Debug)]
pub(crate) struct PeersArgs {
    /// The other domain
    pub(crate) domain: String,
    /// Go there as this domain of ours only [default: as each of them]
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) from: Option<String>,
    /// One JSON object per domain of ours
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the domains are looked at from outside.
#[derive(Args, Clone, Debug)]
pub(crate) struct Outside {
    /// Ask this name server instead of the system's
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub(crate) resolver: Option<String>,
    /// Validate DNS answers from these keys on, always (none: never)
    #[arg(long, value_name = "FILE")]
    pub(crate) dnssec_anchor: Option<PathBuf>,
    /// Trust these certificates (PEM) instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// One JSON object per domain
    #[arg(long)]
    pub(crate) json: bool,
}

/// What an account may lack.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Presence,
    Inbox,
}

/// `user ..`; ADDR is `user@domain`, or the bare user where the relay has one domain.
#[derive(Subcommand, Debug)]
pub(crate) enum UserWish {
    /// Add a user
    Add {
        /// user@domain, or the user alone where there is one domain
        #[arg(value_name = "ADDR")]
        address: String,
        /// The user has none of that: no presence to be watched, or no messages are taken
        #[arg(long, value_name = "WHAT", value_enum)]
        without: Vec<Part>,
        #[command(flatten)]
        password: NewPassword,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Give a user a new password
    Passwd {
        /// user@domain, or the user alone
        #[arg(value_name = "ADDR")]
        address: String,
        #[command(flatten)]
        password: NewPassword,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// List users
    List {
        /// Only those of this domain
        domain: Option<String>,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Show one user
    Show {
        /// user@domain, or the user alone
        #[arg(value_name = "ADDR")]
        address: String,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// No login and no new messages for the user, until enabled
    Disable {
        /// user@domain, or the user alone
        #[arg(value_name = "ADDR")]
        address: String,
    },
    /// Undo disable
    Enable {
        /// user@domain, or the user alone
        #[arg(value_name = "ADDR")]
        address: String,
    },
    /// Delete a user and all that is stored for them
    Del {
        /// user@domain, or the user alone
        #[arg(value_name = "ADDR")]
        address: String,
    },
    /// Tell senders and watchers that the user lives at TARGET now
    Move {
        /// user@domain, or the user alone
        #[arg(value_name = "ADDR")]
        address: String,
        /// The new address
        #[arg(value_name = "TARGET", required_unless_present = "back")]
        target: Option<String>,
        /// Only for a while: senders keep the old address
        #[arg(long)]
        temporarily: bool,
        /// The user is here again
        #[arg(long, conflicts_with_all = ["target", "temporarily"])]
        back: bool,
    },
    /// Add a name that leads to TARGET, and under which nobody logs in
    Alias {
        /// user@domain, or the user alone
        #[arg(value_name = "ADDR")]
        address: String,
        /// Where it leads
        #[arg(value_name = "TARGET")]
        target: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(line: &str) -> Result<RelayArgs, clap::Error> {
        RelayArgs::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_table_is_sound() {
        RelayArgs::command().debug_assert();
    }

    #[test]
    fn the_configuration_may_be_named_before_or_behind() {
        for line in
            ["r -c x serve", "r serve -c x", "r user list -c x", "r -c x user list", "r check config -c x", "r check dns -c x"]
        {
            assert_eq!(parse(line).unwrap().config(), Path::new("x"), "{line}");
        }
        assert_eq!(parse("r serve").unwrap().config(), Path::new(USUAL_FILE));
    }

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "r",
            "r user",
            "r user add",
            "r user add a --generate --pass-stdin",
            "r user add a secret",
            "r user move a",
            "r user move a b@c --back",
            "r user passwd a --password x",
            "r check",
            "r demo x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
