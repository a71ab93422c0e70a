//! The options of impp-srv.

use crate::cli::args::{Common, Manners, Patience, Place, Who};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::manual::Manual;
use crate::cli::print::Printer;
use crate::cli::run::Tool;
use crate::cli::units;
use clap::Parser;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  impp-srv example.org
  impp-srv --print-zone im1.example.org --cert fullchain.pem example.org
  impp-srv --zone-file example.org.zone --strict example.org && rndc reload";

/// Judge how a domain is found
#[derive(Parser, Clone, Debug)]
#[command(
    name = "impp-srv",
    version,
    about = "Judge how a domain is found. Status: 0 sound, 1 errors, 2 warnings, 3 unknown",
    long_about = None,
    after_help = EXAMPLES,
    override_usage = "impp-srv [OPTIONS] DOMAIN...\n       impp-srv --explain ID",
    max_term_width = 110
)]
pub(crate) struct SrvArgs {
    /// Which domains
    #[arg(value_name = "DOMAIN", required_unless_present = "explain")]
    pub(super) domains: Vec<String>,

    /// Look as a client does
    #[arg(long, conflicts_with_all = ["server", "all"])]
    pub(super) client: bool,
    /// Look as the server of another domain does
    #[arg(long, conflicts_with = "all")]
    pub(super) server: bool,
    /// Look as both [default]
    #[arg(long)]
    pub(super) all: bool,
    /// Visit every address (default without --zone-file)
    #[arg(long, conflicts_with = "no_connect")]
    pub(super) connect: bool,
    /// Look at records only
    #[arg(long)]
    pub(super) no_connect: bool,
    /// Log in with the account, too
    #[arg(long)]
    pub(super) probe_login: bool,
    /// Ask each name server of the zone by itself
    #[arg(long, conflicts_with = "zone_file")]
    pub(super) authoritative: bool,
    /// It must be so: SRV records in a file, or HOST:PORT
    #[arg(long, value_name = "WHAT")]
    pub(super) expect: Option<String>,
    /// Judge this master file before it is published
    #[arg(long, value_name = "FILE")]
    pub(super) zone_file: Option<PathBuf>,
    /// Draw N times as clients do; print the shares
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(super) order: Option<u32>,
    /// The same draws each time
    #[arg(long, value_name = "S", requires = "order")]
    pub(super) seed: Option<u64>,
    /// Print the records to publish for HOST[:PORT]
    #[arg(long, value_name = "SERVER", value_delimiter = ',', conflicts_with_all = ["order", "zone_file"])]
    pub(super) print_zone: Vec<String>,
    /// Its certificate (PEM), not the running server's
    #[arg(long, value_name = "FILE", requires = "print_zone")]
    pub(super) cert: Option<PathBuf>,
    /// One line per domain
    #[arg(long, conflicts_with_all = ["json", "format", "nagios", "prometheus"])]
    pub(super) short: bool,
    /// For Nagios: its line, and 1 warning, 2 critical
    #[arg(long, conflicts_with_all = ["json", "format", "prometheus"])]
    pub(super) nagios: bool,
    /// For Prometheus: metrics in its text format
    #[arg(long, conflicts_with_all = ["json", "format"])]
    pub(super) prometheus: bool,
    /// Warnings count as errors
    #[arg(long)]
    pub(super) strict: bool,
    /// What a finding means (S01 ..; all), and what to do
    #[arg(long, value_name = "ID", conflicts_with_all = ["domains", "order", "print_zone", "zone_file"])]
    pub(super) explain: Option<String>,

    /// Ask this name server instead of the system's
    #[arg(long, value_name = "ADDR[:PORT]", env = "IMPP_RESOLVER", hide_env = true, help_heading = COMMON)]
    pub(super) resolver: Option<String>,
    /// Validate DNS answers from these keys on, always (none: never)
    #[arg(long, value_name = "FILE", help_heading = COMMON)]
    pub(super) dnssec_anchor: Option<PathBuf>,
    /// Only IPv4
    #[arg(short = '4', conflicts_with = "ipv6", help_heading = COMMON)]
    pub(super) ipv4: bool,
    /// Only IPv6
    #[arg(short = '6', help_heading = COMMON)]
    pub(super) ipv6: bool,
    /// Trust these certificates (PEM) instead of the system's
    #[arg(long, value_name = "FILE", env = "IMPP_CA", hide_env = true, help_heading = COMMON)]
    pub(super) ca: Option<PathBuf>,
    /// Time for the whole run [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = units::duration, env = "IMPP_TIMEOUT", hide_env = true, help_heading = COMMON)]
    pub(super) timeout: Option<Duration>,
    /// Time for each step of a visit [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = units::duration, help_heading = COMMON)]
    pub(super) connect_timeout: Option<Duration>,
    #[command(flatten)]
    pub(super) who: Who,
    #[command(flatten)]
    pub(super) manners: Manners,
}

const COMMON: &str = "Common options";

impl SrvArgs {
    /// The options that all tools share, as far as there are any here: `--server` means something else.
    pub(super) fn common(&self) -> Common {
        let place = Place {
            resolver: self.resolver.clone(),
            dnssec_anchor: self.dnssec_anchor.clone(),
            ipv4: self.ipv4,
            ipv6: self.ipv6,
            ca: self.ca.clone(),
            ..Place::default()
        };
        let patience = Patience { timeout: self.timeout, connect_timeout: self.connect_timeout, ..Patience::default() };
        Common { who: self.who.clone(), place, patience, manners: self.manners.clone() }
    }

    /// Whether servers are visited.
    pub(super) fn connects(&self) -> bool {
        !self.no_connect && (self.connect || self.zone_file.is_none())
    }
}

impl Tool for SrvArgs {
    const NAME: &'static str = "impp-srv";
    const MANUAL: &'static Manual = &super::manual::MANUAL;

    fn manners(&self) -> &Manners {
        &self.manners
    }

    fn work(self, out: &Printer) -> Outcome<Exit> {
        super::work(&self, out)
    }
}
