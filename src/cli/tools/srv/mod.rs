//! impp-srv: how a domain is found, judged, with what to change.

mod args;
pub mod explain;
mod login;
mod manual;
mod monitor;
mod order;
pub mod report;
mod zone;

pub(super) use args::SrvArgs;

use crate::cli::account;
use crate::cli::deadline::Deadline;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::trouble::Trouble;
use crate::cli::{progress, run, together};
use crate::model::Domain;
use crate::net::client::Error;
use crate::net::connect::{ConnectError, Family, HostPort};
use crate::net::dns::resolver::TTL_MAX;
use crate::net::dns::{Resolver, ResolverOptions, Role, ZoneError, ZoneFault, ZoneFile};
use crate::net::judge::{Books, Expected, Facts, Finding, Look, Progress, Severity, gather, judge};
use crate::net::tls::{ClientTls, Trust, files};
use login::Login;
use std::cell::RefCell;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// The whole run.
const WHOLE: Duration = Duration::from_secs(30);
/// One step of a visit.
const STEP: Duration = Duration::from_secs(5);
/// One attempt to ask the DNS takes at most this part of the run, of which there are several.
const ASK_PART: u32 = 10;
/// Domains at a time.
const WIDTH: usize = 16;

/// Runs the tool with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    run::main::<SrvArgs>()
}

/// One domain, seen and judged.
pub struct Judged {
    /// What was seen.
    pub facts: Facts,
    /// What is to be said of it, the worst first.
    pub findings: Vec<Finding>,
    /// What `--probe-login` came to.
    ///
    /// *Shape:* `ann@example.org: logged in at im1.example.org:5773 in 41 ms`
    pub login: Option<String>,
}

fn work(args: &SrvArgs, out: &Printer) -> Outcome<Exit> {
    if let Some(id) = &args.explain {
        return explain::print(id, out);
    }
    let domains = domains(&args.domains)?;
    let setting = Setting::new(args, out)?;
    let limit = args.timeout.unwrap_or(WHOLE);
    // Before the time begins to run: a person may have to be asked.
    let surveys = args.order.is_none() && args.print_zone.is_empty();
    let logins = if surveys { login::prepare(args, &domains, out)? } else { None };
    run::block_on(async |stop| {
        let all = async {
            match args.order {
                Some(draws) => order::work(args, draws, &domains, &setting, out).await,
                None if !args.print_zone.is_empty() => zone::work(args, &domains, &setting, out).await,
                None => survey(args, &domains, &setting, logins, out).await,
            }
        };
        stop.or(Deadline::after(Some(limit)).keep("cannot finish: no answer", all)).await
    })
}

fn domains(names: &[String]) -> Outcome<Vec<Domain>> {
    let mut domains = Vec::new();
    for name in names {
        let wrong = |why| Failure::new(Exit::Data, format!("{name:?} is no domain: {why}"));
        let domain = Domain::parse(name.strip_suffix('.').unwrap_or(name)).map_err(|why| wrong(why.to_string()))?;
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    Ok(domains)
}

/// What holds for all domains of a run.
pub(super) struct Setting {
    resolver: Resolver,
    /// Where each name server of a zone is asked: a test zone has all of it on one port.
    port: u16,
    tls: ClientTls,
    family: Family,
    roles: Vec<(Role, bool)>,
    expected: Option<Expected>,
}

impl Setting {
    fn new(args: &SrvArgs, out: &Printer) -> Outcome<Self> {
        let asked = account::resolver(args.resolver.as_deref(), args.dnssec_anchor.as_deref())?.unwrap_or_default();
        let port = asked.servers.first().map_or(Look::AUTHORITY_PORT, std::net::SocketAddr::port);
        let timeout = asked.timeout.min(args.timeout.unwrap_or(WHOLE) / ASK_PART);
        let unusable = |_| Trouble::from(Error::Unreachable(ConnectError::NoResolver)).doing("ask the DNS");
        let resolver = Resolver::new(&ResolverOptions { timeout, longest_ttl: TTL_MAX, ..asked }).map_err(unusable)?;
        let unusable = |error| Trouble::from(Error::Files(error)).doing("use the certificates");
        let trust = match &args.ca {
            Some(file) => Trust::Authorities(files::read_authorities(file).map_err(unusable)?),
            None if args.connects() => Trust::System,
            None => Trust::Anyone,
        };
        let tls = ClientTls::new(&trust, None).map_err(unusable)?;
        let expected = args.expect.as_deref().map(|text| expected(text, &args.domains, out)).transpose()?;
        // A role that was named, or is expected, shall be there; that a domain takes nothing from others is its own affair.
        let roles = match (args.client, args.server) {
            (true, _) => vec![(Role::Client, true)],
            (_, true) => vec![(Role::Server, true)],
            _ => vec![(Role::Client, true), (Role::Server, expected.is_some())],
        };
        let family = match (args.ipv4, args.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            _ => Family::Any,
        };
        Ok(Self { resolver, port, tls, family, roles, expected })
    }

    fn books(&self, args: &SrvArgs, domain: &Domain) -> Outcome<Books> {
        let zone = args.zone_file.as_deref().map(|file| ZoneFile::read(file, domain.as_str()).map_err(|e| zone_failure(&e)));
        Ok(Books { zone: zone.transpose()?.map(Arc::new), resolver: self.resolver.clone() })
    }
}

fn zone_failure(error: &ZoneError) -> Failure {
    let exit = match error.fault {
        ZoneFault::Unreadable(std::io::ErrorKind::NotFound) => Exit::NoInput,
        ZoneFault::Unreadable(_) => Exit::Io,
        _ => Exit::Data,
    };
    Failure::new(exit, error.to_string())
}

/// A file that is there is meant; else it is a place.
fn expected(text: &str, domains: &[String], out: &Printer) -> Outcome<Expected> {
    let file = Path::new(text);
    if file.is_file() {
        let origin = domains.first().map_or(".", String::as_str);
        let records = ZoneFile::read(file, origin).map_err(|error| zone_failure(&error))?.all_srv();
        if records.is_empty() {
            return Err(Failure::new(Exit::Data, format!("{text} has no SRV records to expect")));
        }
        out.detail(&format!("{text}: SRV records at {} names are expected", records.len()));
        return Ok(Expected::Records(records));
    }
    match HostPort::parse(text).filter(|place| !place.host.contains('/')) {
        Some(place) => Ok(Expected::Place(place)),
        None => Err(Failure::new(Exit::NoInput, format!("--expect {text:?}: there is no such file, and it is not HOST:PORT"))),
    }
}

async fn survey(args: &SrvArgs, domains: &[Domain], setting: &Setting, logins: Option<Login>, out: &Printer) -> Outcome<Exit> {
    let books = domains.iter().map(|domain| setting.books(args, domain)).collect::<Outcome<Vec<Books>>>()?;
    // A little before the run is over, so that what was found by then is told.
    let time = args.timeout.unwrap_or(WHOLE).mul_f32(0.9);
    let look = Look {
        roles: setting.roles.clone(),
        connect: args.connects(),
        family: setting.family,
        authorities: args.authoritative.then_some(setting.port),
        expected: setting.expected.clone(),
        ..Look::within(time, args.connect_timeout.unwrap_or(STEP))
    };
    let bar = progress::visits(out);
    let tell = |progress| match progress {
        Progress::Found(count) => bar.inc_length(count as u64),
        Progress::Visited => bar.inc(1),
    };
    let judged: RefCell<Vec<Option<Judged>>> = RefCell::new(domains.iter().map(|_| None).collect());
    together::each(domains, WIDTH, async |at, domain: &Domain| {
        let Some(books) = books.get(at) else { return };
        let facts = gather(domain, &look, books, &setting.tls, tell).await;
        let mut findings = judge(&facts);
        let login = match logins.as_ref().filter(|login| login.domain() == domain) {
            Some(login) => {
                let (line, finding) = login.attempt().await;
                findings.extend(finding);
                Some(line)
            }
            None => None,
        };
        if args.strict {
            let warnings = findings.iter_mut().filter(|finding| finding.severity == Severity::Warning);
            warnings.for_each(|finding| finding.severity = Severity::Error);
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        if let Some(slot) = judged.borrow_mut().get_mut(at) {
            *slot = Some(Judged { facts, findings, login });
        }
    })
    .await;
    bar.finish_and_clear();
    let judged: Vec<Judged> = judged.into_inner().into_iter().flatten().collect();
    if args.nagios {
        return monitor::nagios(&judged, out);
    }
    if args.prometheus {
        monitor::prometheus(&judged, out)?;
    } else {
        let quiet = args.manners.quiet && out.is_text();
        for (at, one) in judged.iter().enumerate().filter(|_| !quiet) {
            if at > 0 && out.is_text() && !args.short {
                out.line("")?;
            }
            report::print(one, args.short, out)?;
        }
    }
    Ok(report::exit(&judged))
}
