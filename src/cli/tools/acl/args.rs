//! The options of impp-acl.

use super::rules;
use crate::cli::args::{Common, Manners};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::manual::Manual;
use crate::cli::print::Printer;
use crate::cli::run::{self, Tool};
use crate::model::Token;
use crate::model::acl::Op;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use std::path::PathBuf;

const EXAMPLES: &str = "\
OP: fetch, subscribe, send, change, read, all (the first three); several with commas.
WHO: user@domain, an alias, *@domain, local, anonymous, '*' (anyone logged in).

Examples:
  impp-acl allow fetch,subscribe ann@example.org
  impp-acl conceal fetch,subscribe '*@example.net'
  impp-acl test ann@example.org send && echo may write to me";

/// Rules about who may see and reach me
#[derive(Parser, Clone, Debug)]
#[command(
    name = "impp-acl",
    version,
    about = "Rules about who may see and reach me",
    long_about = None,
    after_help = EXAMPLES,
    override_usage = "impp-acl COMMAND [OPTIONS]",
    subcommand_value_name = "COMMAND",
    disable_help_subcommand = true,
    max_term_width = 110
)]
pub(crate) struct AclArgs {
    #[command(subcommand)]
    pub(super) what: What,

    #[command(flatten)]
    pub(super) common: Common,
}

/// What to do.
#[derive(Subcommand, Clone, Debug)]
pub enum What {
    /// Print the rules, the first that matches decides
    Show,
    /// Let WHO do OP
    Allow(Permit),
    /// Refuse OP to WHO
    Deny(Target),
    /// Refuse OP to WHO without letting them know
    Conceal(Target),
    /// Take away what is said about WHO (and OP)
    Remove {
        /// Whom
        #[arg(value_name = "WHO")]
        who: String,
        /// For what [default: everything]
        #[arg(value_name = "OP", value_parser = parse_ops)]
        ops: Option<Ops>,
    },
    /// Take all rules away: the domain's default decides
    Default,
    /// Tell which rule decides; status 0 allowed, 1 not
    Test {
        /// Who asks
        #[arg(value_name = "WHO")]
        who: String,
        /// For what
        #[arg(value_name = "OP", value_parser = parse_ops)]
        op: Ops,
    },
    /// Print who subscribes now
    Watchers,
    /// Print who was refused lately
    Refused,
    /// Write the rules as XML
    Export {
        /// Where to; else standard output
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Replace the rules by those of an XML file
    Import {
        /// Where from; - is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Change the rules in $VISUAL or $EDITOR
    Edit,
}

/// Ops on the command line.
#[derive(Clone, Debug)]
pub struct Ops(pub(super) Vec<Op>);

fn parse_ops(text: &str) -> Result<Ops, String> {
    rules::ops(text).map(Ops)
}

/// OP and WHO.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// For what
    #[arg(value_name = "OP", value_parser = parse_ops)]
    pub(super) ops: Ops,
    /// Whom
    #[arg(value_name = "WHO")]
    pub(super) who: String,
}

/// OP, WHO, and perhaps what they see.
#[derive(Args, Clone, Debug)]
pub struct Permit {
    #[command(flatten)]
    pub(super) target: Target,
    /// They see the value published with this view
    #[arg(long, value_name = "NAME", value_parser = view)]
    pub(super) view: Option<Token>,
}

fn view(text: &str) -> Result<Token, String> {
    Token::parse(text).ok_or_else(|| "a view has up to 32 letters, digits, -, _ and .".to_owned())
}

impl Tool for AclArgs {
    const NAME: &'static str = "impp-acl";
    const MANUAL: &'static Manual = &super::manual::MANUAL;

    /// The common options may stand before or after the command.
    fn definition() -> clap::Command {
        run::dressed(Self::command()).mut_args(|arg| if arg.get_id() == "version" { arg } else { arg.global(true) })
    }

    fn manners(&self) -> &Manners {
        &self.common.manners
    }

    fn work(self, out: &Printer) -> Outcome<Exit> {
        super::work(self, out)
    }
}
