//! The options that all client tools share, in groups, and how they become manners of printing.

use super::exit::{Failure, Outcome};
use super::format::Template;
use super::print::{Printer, Shape, Talk, wants_color};
use super::units;
use clap::{ArgAction, Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// What every client tool takes.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Who.
    #[command(flatten)]
    pub who: Who,
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// How long.
    #[command(flatten)]
    pub patience: Patience,
    /// How it talks.
    #[command(flatten)]
    pub manners: Manners,
}

/// Who logs in, and with which secret.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Common options")]
pub struct Who {
    /// Section [account.NAME] of the configuration
    #[arg(short, long, value_name = "NAME", env = "IMPP_ACCOUNT", hide_env = true)]
    pub account: Option<String>,
    /// Instead of ~/.config/impp/impp.toml and /etc/impp/impp.toml
    #[arg(short, long, value_name = "FILE", env = "IMPP_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,
    /// Who I am: user@domain
    #[arg(long, value_name = "ADDR", env = "IMPP_LOGIN", hide_env = true)]
    pub login: Option<String>,
    /// Log in as nobody, where the domain allows it
    #[arg(long, conflicts_with_all = ["pass_file", "pass_cmd"])]
    pub anonymous: bool,
    /// The password is the first line of FILE (-: standard input)
    #[arg(long, value_name = "FILE", conflicts_with = "pass_cmd")]
    pub pass_file: Option<PathBuf>,
    /// The password is the first line that CMD prints
    #[arg(long, value_name = "CMD")]
    pub pass_cmd: Option<String>,
    /// The password is in the desktop's keyring
    #[cfg(feature = "keyring")]
    #[arg(long, conflicts_with_all = ["anonymous", "pass_file", "pass_cmd"])]
    pub pass_keyring: bool,
}

/// Which server, and how it is verified.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Common options")]
pub struct Place {
    /// Server to connect to; otherwise the DNS says where it is
    #[arg(long, value_name = "HOST[:PORT]", env = "IMPP_SERVER", hide_env = true)]
    pub server: Option<String>,
    /// Ask this name server instead of the system's
    #[arg(long, value_name = "ADDR[:PORT]", env = "IMPP_RESOLVER", hide_env = true)]
    pub resolver: Option<String>,
    /// Validate DNS answers from these keys on, always (none: never)
    #[arg(long, value_name = "FILE")]
    pub dnssec_anchor: Option<PathBuf>,
    /// Only IPv4
    #[arg(short = '4', conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// Only IPv6
    #[arg(short = '6')]
    pub ipv6: bool,
    /// require, starttls or off (off: only to loopback or with --insecure)
    #[arg(long, value_name = "HOW", hide_possible_values = true)]
    pub tls: Option<TlsChoice>,
    /// Do not verify the server
    #[arg(long)]
    pub insecure: bool,
    /// Trust these certificates (PEM) instead of the system's
    #[arg(long, value_name = "FILE", env = "IMPP_CA", hide_env = true)]
    pub ca: Option<PathBuf>,
    /// The server's key must have this fingerprint
    #[arg(long, value_name = "sha256:HEX")]
    pub pin: Option<String>,
    /// Log in with this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
}

/// How TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TlsChoice {
    /// From the first octet
    Require,
    /// Plain start, then STARTTLS
    Starttls,
    /// None
    Off,
}

/// How long to wait, and how often to try.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Common options")]
pub struct Patience {
    /// Time for the whole run (90s, 10m, 12h, 7d)
    #[arg(long, value_name = "TIME", value_parser = units::duration, env = "IMPP_TIMEOUT", hide_env = true)]
    pub timeout: Option<Duration>,
    /// Time to connect and log in [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub connect_timeout: Option<Duration>,
    /// Try again so often what would end in status 75
    #[arg(long, value_name = "N")]
    pub retry: Option<u32>,
    /// Wait before the first retry, doubled each time [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub retry_wait: Option<Duration>,
}

/// How the tool writes and talks.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Common options")]
pub struct Manners {
    /// One JSON object per line
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// A line per record: '{field}\t{field}\n'
    #[arg(long, value_name = "TEMPLATE")]
    pub format: Option<String>,
    /// Records end in NUL instead of a line feed
    #[arg(short = '0')]
    pub zero: bool,
    /// Colours: auto, always or never
    #[arg(long, value_name = "WHEN", hide_possible_values = true)]
    pub color: Option<ColorChoice>,
    /// Say less
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more; twice: everything
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
    /// Show what is sent (->) and received (<-), secrets masked
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub trace: Option<PathBuf>,
}

/// Colours: auto, always or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also into a pipe
    Always,
    /// Not at all
    Never,
}

impl Manners {
    /// The printer that writes so. `fields`: those of the tool's records.
    ///
    /// # Errors
    /// Usage: a wrong template, a wrong IMPP_LOG.
    pub fn printer(&self, tool: &'static str, fields: &[&str]) -> Outcome<Printer> {
        let shape = match &self.format {
            Some(text) => Shape::Format(Template::parse(text, fields).map_err(|why| Failure::usage(format!("--format: {why}")))?),
            None if self.json => Shape::Json,
            None => Shape::Text,
        };
        let color = wants_color(match self.color {
            Some(ColorChoice::Always) => Some(true),
            Some(ColorChoice::Never) => Some(false),
            Some(ColorChoice::Auto) | None => None,
        });
        Ok(Printer::new(tool).with(shape, self.talk()?, self.zero, color))
    }

    fn talk(&self) -> Outcome<Talk> {
        let flag = match (self.quiet, self.verbose) {
            (true, _) => Talk::Quiet,
            (false, 0) => return talk_of_environment(std::env::var("IMPP_LOG").ok().as_deref()),
            (false, 1) => Talk::Verbose,
            (false, _) => Talk::Debug,
        };
        Ok(flag)
    }

    /// Where the trace goes: `-` is standard error.
    #[must_use]
    pub fn trace(&self) -> Option<PathBuf> {
        self.trace.clone().or_else(|| (std::env::var("IMPP_LOG").as_deref() == Ok("trace")).then(|| PathBuf::from("-")))
    }
}

fn talk_of_environment(value: Option<&str>) -> Outcome<Talk> {
    match value {
        None | Some("" | "normal") => Ok(Talk::Normal),
        Some("quiet") => Ok(Talk::Quiet),
        Some("verbose") => Ok(Talk::Verbose),
        Some("debug" | "trace") => Ok(Talk::Debug),
        Some(_) => Err(Failure::usage("IMPP_LOG is one of quiet, normal, verbose, debug and trace")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Any {
        #[command(flatten)]
        common: Common,
    }

    fn parse(words: &[&str]) -> Result<Common, clap::Error> {
        Any::try_parse_from([&["any"], words].concat()).map(|any| any.common)
    }

    #[test]
    fn long_options_are_not_guessed_from_prefixes() {
        assert!(parse(&["--timeou", "3s"]).is_err());
        assert_eq!(parse(&["--timeout", "3s"]).unwrap().patience.timeout, Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_trace_takes_its_file_only_after_an_equals_sign() {
        assert_eq!(parse(&["--trace"]).unwrap().manners.trace(), Some(PathBuf::from("-")));
        assert_eq!(parse(&["--trace=x"]).unwrap().manners.trace(), Some(PathBuf::from("x")));
        assert!(parse(&["--trace", "x"]).is_err());
    }

    #[test]
    fn talk_has_levels() {
        for (words, talk) in [(&["-q"][..], Talk::Quiet), (&["-v"], Talk::Verbose), (&["-vv"], Talk::Debug)] {
            assert_eq!(parse(words).unwrap().manners.talk().unwrap(), talk);
        }
        assert_eq!(talk_of_environment(Some("debug")).unwrap(), Talk::Debug);
        assert!(talk_of_environment(Some("loud")).is_err());
        assert!(parse(&["-q", "-v"]).is_err());
    }

    #[test]
    fn contradictions_are_refused() {
        for words in
            [&["-4", "-6"][..], &["--json", "--format", "x"], &["--anonymous", "--pass-file", "x"], &["--client-cert", "x"]]
        {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
