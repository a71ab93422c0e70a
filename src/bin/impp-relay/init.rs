//! `impp-relay init`: everything for a first start, and what is left to do.

use crate::args::InitArgs;
use crate::process;
use crate::settings;
use crate::user;
use impp::cli::exit::{Exit, Failure, Outcome, reason};
use impp::cli::print::Printer;
use impp::cli::safe;
use impp::engine::sasl::{self, PasswordRefused};
use impp::model::{Credentials, Domain, Secret};
use impp::net::{Clock, random};
use impp::relay::init::{Init, InitError, Random, Report, SYSTEM_USER};
use std::io::{ErrorKind, IsTerminal as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// Where systemd looks for units that packages and administrators bring.
const UNITS: [&str; 4] =
    ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
/// What the relay's is called there.
const UNIT: &str = "impp-relay.service";

/// Sets up and tells what to do next.
pub(crate) fn work(wish: &InitArgs, out: &Printer) -> Outcome<Exit> {
    let domain = domain_of(&wish.domain)?;
    let host = wish.host.as_deref().map(domain_of).transpose()?;
    let program =
        std::env::current_exe().map_err(|error| Failure::new(Exit::Internal, format!("where am I? {}", reason(&error))))?;
    // The unit runs in another working directory.
    let folder = wish
        .dir
        .as_ref()
        .map(std::path::absolute)
        .transpose()
        .map_err(|error| Failure::usage(format!("--dir: {}", reason(&error))))?;
    let random = Random { password: random::octets(), decoy_key: random::octets() };
    let report = Init {
        password: password(wish, &domain)?,
        domain,
        host,
        admin: wish.admin.as_deref(),
        folder: folder.as_deref(),
        owner: if folder.is_none() { process::system_user(SYSTEM_USER) } else { None },
        has_unit: UNITS.iter().any(|folder| Path::new(folder).join(UNIT).exists()),
        program: &program,
        random,
        now: Clock::now().unix,
        derive: &derive,
    };
    let report = report.run().map_err(failure)?;
    lines(&report).iter().try_for_each(|line| out.line(line))?;
    if wish.start {
        start(&report, folder.is_some())?;
    }
    Ok(Exit::Yes)
}

/// Has systemd run it. Everything is made by then, and stays.
fn start(report: &Report, is_own: bool) -> Outcome<()> {
    let mut words = vec!["enable", "--now", report.service.as_str()];
    if is_own {
        words.insert(0, "--user");
    }
    let failed =
        |why: String| Failure::new(Exit::Internal, format!("all is made, but not started: systemctl {}: {why}", words.join(" ")));
    match Command::new("systemctl").args(&words).stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(status.to_string())),
        Err(error) => Err(failed(reason(&error))),
    }
}

/// The first user's password; `None`: one is to be made. That is also what a script gets that says nothing.
fn password(wish: &InitArgs, domain: &Domain) -> Outcome<Option<Secret>> {
    let from = &wish.password;
    let Some(admin) = wish.admin.as_deref() else {
        let idle = from.is_given().then(|| Failure::usage("a password is for the first user: name one with --admin USER"));
        return idle.map_or(Ok(None), Err);
    };
    if from.is_generated() || (!from.is_given() && !std::io::stdin().is_terminal()) {
        return Ok(None);
    }
    from.take(&user::full_address(admin, std::slice::from_ref(domain))?).map(Some)
}

fn derive(secret: &Secret, iterations: u32) -> Result<Credentials, PasswordRefused> {
    sasl::derive(secret, iterations, &random::octets::<{ sasl::SALT_OCTETS }>())
}

fn domain_of(text: &str) -> Outcome<Domain> {
    Domain::parse(text).map_err(|why| Failure::new(Exit::Data, format!("{text:?}: {why}")))
}

/// What was made, the password if one was, and what is left to do.
fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec!["Made:".to_owned()];
    for (what, path) in [
        ("configuration", &report.config),
        ("data", &report.data_dir),
        ("certificate", &report.certificate),
        ("key", &report.key),
    ]
    .into_iter()
    .chain(report.unit.iter().map(|unit| ("systemd unit", unit)))
    {
        lines.push(format!("  {what:<14} {}", safe::line(&path.display().to_string())));
    }
    if let Some(admin) = &report.admin {
        lines.push(format!("  {:<14} {}", "first user", admin.address.shown()));
        if let Some(secret) = &admin.password {
            lines.push(format!("  {:<14} {}    (note it now: it is not shown again)", "password", secret.declassify()));
        }
    }
    lines.extend(["".to_owned(), "DNS lines for the domain's zone:".to_owned()]);
    lines.extend(report.dns.iter().map(|line| format!("  {line}")));
    lines.push(
        "and, if the zone is signed with DNSSEC, these, which vouch for the certificate so that no authority has to:".to_owned(),
    );
    lines.extend(report.tlsa.iter().map(|line| format!("  {line}")));
    lines.extend(["".to_owned(), "Next:".to_owned()]);
    for (at, step) in report.next.iter().enumerate() {
        lines.push(format!("{:>2}. {}", at + 1, step.what));
        lines.extend(step.commands.iter().map(|command| format!("      {}", safe::line(command))));
    }
    lines
}

fn failure(error: InitError) -> Failure {
    let exit = match error {
        InitError::Write { kind: ErrorKind::StorageFull, .. } => Exit::Io,
        InitError::AlreadyThere(_) | InitError::Write { .. } => Exit::CannotCreate,
        InitError::Admin(_) | InitError::Password(_) => Exit::Data,
        InitError::Account(error) => return user::failure(error),
        InitError::Store(error) => return user::open_failure(&error),
        InitError::Config(error) => return settings::failure(&error),
        _ => Exit::Internal,
    };
    Failure::new(exit, error.to_string())
}
