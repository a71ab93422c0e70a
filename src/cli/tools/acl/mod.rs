//! impp-acl: who may see and reach me.

mod args;
mod edit;
mod leaks;
mod manual;
mod owner;
mod rules;

pub(super) use args::AclArgs;
pub use args::{Ops, Permit, Target, What};
pub use owner::Owner;

use crate::cli::account::{self, AddressBook};
use crate::cli::config::Config;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::{Color, Printer, Record};
use crate::cli::run;
use crate::cli::session::{Ask, Open};
use crate::cli::{safe, units};
use crate::model::acl::{Acl, Action, Op, Rule, Who};
use crate::model::{Address, Token, UnixMillis};
use rules::Verdict;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// What changes the rules; may be done twice, when somebody else changed them in between.
type Change<'a> = &'a dyn Fn(&mut Acl, &Address) -> Outcome<()>;

/// Runs the tool with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    run::main::<AclArgs>()
}

fn work(args: AclArgs, out: &Printer) -> Outcome<Exit> {
    let config = Config::find(args.common.who.config.as_deref())?;
    let book = AddressBook::of(&config);
    let stdin_is_free = !matches!(&args.what, What::Import { file } if file == Path::new("-"));
    let account = account::settle(&args.common, &config, stdin_is_free)?;
    let open = Open::new(&args.common, &account, out);
    run::block_on(async |stop| match &args.what {
        What::Edit => edit::edit(&edit::Sessions { open: &open, stop: &stop, out }, &stop, out, &book).await,
        what => open.with(&stop, Ask::OneShot, async |session| perform(what, session, out, &book).await).await,
    })
}

/// Does for whoever's rules they are what impp-acl does for its own user.
///
/// # Errors
/// As impp-acl.
pub async fn administer(what: &What, owner: &impl Owner, stop: &run::Stop, out: &Printer) -> Outcome<Exit> {
    let book = AddressBook::default();
    match what {
        What::Edit => edit::edit(&edit::Kept(owner, out), stop, out, &book).await,
        what => perform(what, owner, out, &book).await,
    }
}

async fn perform(what: &What, owner: &impl Owner, out: &Printer, book: &AddressBook) -> Outcome<Exit> {
    match what {
        What::Show => show(owner, out).await,
        What::Allow(permit) => put(owner, out, said(&permit.target, Action::Allow, permit.view, book)?).await,
        What::Deny(target) => put(owner, out, said(target, Action::Deny, None, book)?).await,
        What::Conceal(target) => put(owner, out, said(target, Action::Conceal, None, book)?).await,
        What::Remove { who, ops } => {
            let whom = rules::who(who, book)?;
            let ops = ops.as_ref().map(|ops| ops.0.as_slice()).unwrap_or_default();
            let gone = std::cell::Cell::new(0);
            change(owner, out, &|acl, _| {
                gone.set(whom.iter().map(|who| rules::remove(acl, who, ops)).sum());
                Ok(())
            })
            .await?;
            match gone.get() {
                0 => {
                    out.note(&format!("no rule speaks of {who}"));
                    Ok(Exit::No)
                }
                _ => Ok(Exit::Yes),
            }
        }
        What::Default => {
            change(owner, out, &|acl, _| {
                acl.rules.clear();
                Ok(())
            })
            .await
        }
        What::Test { who, op } => {
            let (acl, _) = owner.rules().await?;
            test(&acl, owner, &rules::watcher(who, book)?, &op.0, out)
        }
        What::Watchers => watchers(owner, out, false).await,
        What::Refused => watchers(owner, out, true).await,
        What::Export { file } => {
            let (acl, _) = owner.rules().await?;
            let xml = [&acl.to_xml()[..], b"\n"].concat();
            match file {
                Some(path) => {
                    let mut file = std::fs::File::create(path).map_err(|error| Failure::creating(path, &error))?;
                    file.write_all(&xml).map_err(|error| Failure::writing(path, &error))?;
                }
                None => out.data(&xml)?,
            }
            Ok(Exit::Yes)
        }
        What::Import { file } => {
            let new = import(file)?;
            change(owner, out, &|acl, _| {
                acl.clone_from(&new);
                Ok(())
            })
            .await
        }
        What::Edit => Err(Failure::silent(Exit::Internal)),
    }
}

/// Read, change, write; once more if somebody else wrote in between.
async fn change(owner: &impl Owner, out: &Printer, change: Change<'_>) -> Outcome<Exit> {
    let mut again = true;
    loop {
        let (mut acl, version) = owner.rules().await?;
        let before = acl.clone();
        change(&mut acl, owner.address()?)?;
        if acl == before {
            return Ok(Exit::Yes);
        }
        if owner.set_rules(&acl, version).await? {
            leaks::warn(&before, &acl, &owner.address()?.domain(), out);
            return Ok(Exit::Yes);
        }
        if !std::mem::take(&mut again) {
            return Err(Failure::new(
                Exit::TryLater,
                "cannot change the rules: somebody else changes them all the time; try again",
            ));
        }
    }
}

/// The rules of a command line: an alias may stand for several people.
fn said(target: &args::Target, action: Action, view: Option<Token>, book: &AddressBook) -> Outcome<Vec<Rule>> {
    let whom = rules::who(&target.who, book)?;
    whom.into_iter().map(|who| rules::rule(who, &target.ops.0, action, view)).collect()
}

async fn put(owner: &impl Owner, out: &Printer, new: Vec<Rule>) -> Outcome<Exit> {
    let me = owner.address()?;
    for rule in &new {
        let local =
            matches!(&rule.who, Who::Local) || matches!(&rule.who, Who::User(user) if user.domain_str() == me.domain_str());
        if rule.action == Action::Allow && rule.ops.iter().any(|op| op.is_local_only()) && !local {
            return Err(Failure::new(
                Exit::Data,
                format!("cannot allow change or read to {}: only to users of my own domain", rules::shown(&rule.who)),
            ));
        }
    }
    change(owner, out, &|acl, me| {
        new.iter().for_each(|rule| rules::add(acl, rule.clone(), &me.domain()));
        Ok(())
    })
    .await
}

async fn show(owner: &impl Owner, out: &Printer) -> Outcome<Exit> {
    let (acl, version) = owner.rules().await?;
    out.detail(&format!("version {version}"));
    if acl.rules.is_empty() {
        out.note("no rules: the default of the domain decides");
    }
    for (at, rule) in acl.rules.iter().enumerate() {
        let record = rule_record(at + 1, rule);
        out.record(&record, &format!("{:>3}  {}", at + 1, safe::line(&rules::line(rule))))?;
    }
    Ok(Exit::Yes)
}

fn rule_record(number: usize, rule: &Rule) -> Record {
    let ops: Vec<&str> = rule.ops.iter().map(|op| op.as_str()).collect();
    Record::new()
        .with("rule", number)
        .with("who", rule.who.to_string())
        .with("ops", ops)
        .with("action", rule.action.as_str())
        .with("view", rule.view.map(|view| view.to_string()))
}

fn test(acl: &Acl, owner: &impl Owner, watcher: &Address, ops: &[Op], out: &Printer) -> Outcome<Exit> {
    let default = owner.domain_default().cloned().unwrap_or_else(Acl::shipped_default);
    let mut all = true;
    for op in ops {
        let verdict = rules::verdict(acl, &default, owner.address()?, watcher, *op);
        let (number, why) = match &verdict {
            Verdict::Owner => (None, "the owner may always".to_owned()),
            Verdict::Default(_) if owner.domain_default().is_some() => (None, "no rule; the domain's default".to_owned()),
            Verdict::Default(_) => (None, "no rule; the domain's default, taken as shipped".to_owned()),
            Verdict::Rule(number, ..) => {
                let rule = number.checked_sub(1).and_then(|at| acl.rules.get(at)).map(rules::line).unwrap_or_default();
                (Some(*number), format!("rule {number}: {}", rule.split_whitespace().collect::<Vec<_>>().join(" ")))
            }
        };
        let action = match &verdict {
            Verdict::Owner => Action::Allow,
            Verdict::Default(action) | Verdict::Rule(_, action, _) => *action,
        };
        let view = match &verdict {
            Verdict::Rule(_, _, view) => view.map(|view| view.to_string()),
            _ => None,
        };
        let record = Record::new()
            .with("who", watcher.to_email())
            .with("op", op.as_str())
            .with("allowed", verdict.allows())
            .with("action", action.as_str())
            .with("rule", number)
            .with("view", view);
        let color = if verdict.allows() { Color::Good } else { Color::Bad };
        out.record(&record, &format!("{}  {op}  {}", out.paint(color, action.as_str()), safe::line(&why)))?;
        all &= verdict.allows();
    }
    Ok(if all { Exit::Yes } else { Exit::No })
}

async fn watchers(owner: &impl Owner, out: &Printer, refused: bool) -> Outcome<Exit> {
    let all = owner.watchers().await?;
    let local = |moment: UnixMillis| units::local(moment);
    if refused {
        for entry in &all.refused {
            let record =
                Record::new().with("who", entry.who.to_email()).with("op", entry.op.as_str()).with("when", local(entry.when));
            out.record(&record, &safe::line(&format!("{}  {}  {}", entry.who.shown(), entry.op, local(entry.when))))?;
        }
    } else {
        for entry in &all.watching {
            let record = Record::new()
                .with("who", entry.who.to_email())
                .with("connection", entry.connection.as_str())
                .with("since", local(entry.since))
                .with("until", local(entry.until));
            let line = format!("{}  since {}  until {}", entry.who.shown(), local(entry.since), local(entry.until));
            out.record(&record, &safe::line(&line))?;
        }
    }
    Ok(Exit::Yes)
}

fn import(file: &Path) -> Outcome<Acl> {
    let mut octets = Vec::new();
    match file == Path::new("-") {
        true => std::io::stdin().lock().take(1 << 20).read_to_end(&mut octets),
        false => std::fs::File::open(file).and_then(|open| open.take(1 << 20).read_to_end(&mut octets)),
    }
    .map_err(|error| Failure::reading(file, &error))?;
    let sound = octets.trim_ascii();
    Acl::parse(sound).map_err(|why| Failure::new(Exit::Data, format!("{} holds no rules: {why}", file.display())))
}
