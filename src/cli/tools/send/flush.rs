//! `--flush`: what is in the spool is sent, each message by the account that it came from.

use super::args::SendArgs;
use super::deliver::Run;
use super::kept;
use super::report::{How, Report, State};
use super::spool::work::Work;
use super::spool::{self, Entry, Spool};
use crate::cli::account;
use crate::cli::args::Common;
use crate::cli::config::Config;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::session::{Ask, Open};
use crate::cli::{progress, run};
use crate::model::Address;
use crate::net::Clock;
use std::collections::BTreeMap;

/// Sends what can be sent. What stays, for a reason that may pass, makes status 3.
pub(super) fn flush(args: &SendArgs, config: &Config, out: &Printer) -> Outcome<Exit> {
    let folder = spool::find(args.queue.as_ref().and_then(Option::as_deref))?;
    let Some(spool) = Spool::existing(folder)? else { return Ok(Exit::Yes) };
    spool.tidy(Clock::now().unix);
    let mut exits = Vec::new();
    for from in senders(&spool, out)?.into_values() {
        let exit = match of(args, config, &spool, &from, out) {
            Ok(exit) => exit,
            Err(failure) if matches!(failure.exit, Exit::Signal(_)) => return Err(failure),
            Err(failure) => {
                out.failure(&failure);
                failure.exit
            }
        };
        exits.push(exit);
    }
    Ok(Exit::combine(&exits))
}

/// Whose messages there are.
fn senders(spool: &Spool, out: &Printer) -> Outcome<BTreeMap<String, Address>> {
    let mut senders = BTreeMap::new();
    for name in spool.names()? {
        match spool.entry(&name) {
            Ok(Some(entry)) => _ = senders.insert(entry.facts.from.as_str().to_owned(), entry.facts.from),
            Ok(None) => {}
            // Told when it is its turn; here only where it never comes to that.
            Err(failure) => out.detail(failure.line().unwrap_or_default()),
        }
    }
    Ok(senders)
}

fn of(args: &SendArgs, config: &Config, spool: &Spool, from: &Address, out: &Printer) -> Outcome<Exit> {
    let common = login_of(&args.common, config, from)?;
    let account = account::settle(&common, config, true)?;
    let open = Open::new(&common, &account, out);
    let work = Work { spool, from, own: None };
    let report = Report::new(args, out);
    let bar = progress::spool(out);
    if !bar.is_hidden() {
        bar.set_length(work.count()? as u64);
    }
    let told = |_: &Entry, to: &Address, state: &State, how: How<'_>| {
        bar.inc(1);
        report.tell(to, state, how);
    };
    let shared = Run::new(args, out);
    let done = run::block_on(async |stop| {
        open.with(&stop, Ask::Long, async |session| kept::deliver(&shared, session, &work, told).await).await
    });
    bar.finish_and_clear();
    let told = report.exit()?;
    match done {
        Ok(()) => Ok(told),
        Err(failure) if failure.exit == Exit::TryLater => {
            let left = work.count()?;
            work.note_all(&failure)?;
            out.note(&format!("{}; {left} in the spool", failure.line().unwrap_or("there is no session")));
            Ok(Exit::combine(&[told, Exit::Unknown]))
        }
        Err(failure) => {
            work.note_all(&failure)?;
            Err(failure)
        }
    }
}

/// The options with which this user logs in: those of the command line, or else an account of the configuration.
fn login_of(common: &Common, config: &Config, from: &Address) -> Outcome<Common> {
    let is_from = |login: &str| Address::parse(login).is_ok_and(|login| login.canonical_local().as_ref() == Some(from));
    if account::claimed(common, config).is_some_and(|login| is_from(login.as_str())) {
        return Ok(common.clone());
    }
    let table = config.account.iter().find(|(_, table)| table.login.as_deref().is_some_and(is_from));
    let Some((name, _)) = table else {
        let line =
            format!("messages of {} stay in the spool: no account of the configuration logs in as this user", from.shown());
        return Err(Failure::new(Exit::Config, line));
    };
    let mut common = common.clone();
    (common.who.account, common.who.login, common.who.anonymous) = (Some(name.clone()), None, false);
    Ok(common)
}
