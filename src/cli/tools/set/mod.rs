//! impp-set: my presence, for a while or for good.

mod args;
mod edit;
mod hold;
mod manual;

pub(super) use args::SetArgs;

use crate::cli::account;
use crate::cli::account::AddressBook;
use crate::cli::config::Config;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::run;
use crate::cli::seen::Seen;
use crate::cli::session::{Ask, Open, Session};
use crate::model::ErrorKind;
use crate::model::media_type::PRESENCE;
use crate::model::{Address, Lease, Presence, Status, Version};
use crate::net::Clock;
use crate::net::client::{Change, ChangeDone, Content};
use args::StatusChoice;
use bytes::Bytes;
use edit::Wish;
use std::process::ExitCode;

/// What is to be published, and for whom.
#[derive(Debug)]
struct Plan {
    owner: Option<Address>,
    wish: Wish,
    file: Option<Bytes>,
    args: SetArgs,
}

/// Runs the tool with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    run::main::<SetArgs>()
}

fn work(args: SetArgs, out: &Printer) -> Outcome<Exit> {
    let nothing = args.status.is_none() && args.file.is_none() && !args.clear && !args.show && !edits(&args);
    if nothing {
        return Err(Failure::usage("what shall be published? open, closed, --file, --clear or --show"));
    }
    if args.show && (args.view.is_some() || edits(&args)) {
        return Err(Failure::usage("--show goes with no value, and shows no view"));
    }
    let config = Config::find(args.common.who.config.as_deref())?;
    let owner = args.owner.as_deref().map(|text| AddressBook::of(&config).find_one(text)).transpose()?;
    let file = match &args.file {
        Some(path) => {
            let octets = std::fs::read(path).map_err(|error| Failure::reading(path, &error))?;
            edit::check_file(&octets, &path.display().to_string())?;
            Some(Bytes::from(octets))
        }
        None => None,
    };
    let wish = Wish {
        status: args.status.map(|choice| match choice {
            StatusChoice::Open => Status::Open,
            StatusChoice::Closed => Status::Closed,
        }),
        activity: args.activity.clone(),
        note: args.note.clone(),
        contact: args.contact.clone(),
        priority: args.priority.clone(),
        card: args.card.clone(),
        tuple: args.tuple.clone(),
        since: Clock::now().unix.to_rfc3339(),
    };
    let account = account::settle(&args.common, &config, true)?;
    let plan = Plan { owner, wish, file, args };
    let open = Open::new(&plan.args.common, &account, out);
    run::block_on(async |stop| {
        if plan.args.hold || !plan.args.exec.is_empty() {
            return open.with_own_end(&stop, async |session| hold::hold(&plan, session, out, &stop).await).await;
        }
        open.with(&stop, Ask::OneShot, async |session| once(&plan, session, out).await).await
    })
}

fn edits(args: &SetArgs) -> bool {
    args.activity.is_some() || args.note.is_some() || args.contact.is_some() || args.priority.is_some() || !args.card.is_empty()
}

async fn once(plan: &Plan, session: &Session<'_>, out: &Printer) -> Outcome<Exit> {
    if plan.args.show {
        return show(plan, session, out).await;
    }
    if plan.args.clear {
        take_back(plan, session).await?;
        return Ok(Exit::Yes);
    }
    let lease = plan.args.lease.unwrap_or(Lease::Infinity);
    let (changed, value) = publish(plan, session, lease).await?;
    if lease == Lease::Infinity && plan.args.view.is_none() {
        // A leased value would lie over the one that was just set for good.
        session
            .change(plan.owner(session)?, &Change { lease: Lease::Seconds(0), content: None, if_version: None, view: None })
            .await
            .map_err(|trouble| trouble.doing("take the leased value away"))?;
    }
    tell(plan, session, out, &changed, value)?;
    Ok(Exit::Yes)
}

impl Plan {
    fn owner<'a>(&'a self, session: &'a Session<'_>) -> Outcome<&'a Address> {
        self.owner.as_ref().map_or_else(|| session.me(), Ok)
    }
}

/// Publishes with this lease: the file as it is, or the present value changed, once more if somebody else
/// changed it in between.
async fn publish(plan: &Plan, session: &Session<'_>, lease: Lease) -> Outcome<(ChangeDone, Option<Presence>)> {
    let owner = plan.owner(session)?;
    let doing = || format!("publish the presence of {}", owner.shown());
    if let Some(body) = &plan.file {
        let change =
            Change { lease, content: Some(Content::new(PRESENCE, body.clone())), if_version: None, view: plan.args.view };
        let changed = session.change(owner, &change).await.map_err(|trouble| trouble.doing(&doing()))?;
        return Ok((changed, Presence::parse(body).ok()));
    }
    let mut again = true;
    loop {
        let (present, version) = present(session, owner).await?;
        let value = plan.wish.apply(present)?;
        let change = Change { lease, content: Some(Content::presence(&value)), if_version: version, view: plan.args.view };
        match session.change(owner, &change).await {
            Ok(changed) => return Ok((changed, Some(value))),
            Err(trouble) if again && trouble.kind() == Some(ErrorKind::Conflict) => again = false,
            Err(trouble) => return Err(trouble.doing(&doing())),
        }
    }
}

/// The value that shows now, and its version. What is no `application/presence` cannot be kept in part.
async fn present(session: &Session<'_>, owner: &Address) -> Outcome<(Presence, Option<Version>)> {
    let fetched =
        session.fetch(owner).await.map_err(|trouble| trouble.doing(&format!("read the presence of {}", owner.shown())))?;
    Ok((fetched.presence.unwrap_or_else(Presence::closed), Some(fetched.version)))
}

/// Takes the leased value away, or one tuple out of the value.
async fn take_back(plan: &Plan, session: &Session<'_>) -> Outcome<()> {
    let owner = plan.owner(session)?;
    let doing = || format!("take back the presence of {}", owner.shown());
    let Some(id) = &plan.args.tuple else {
        let change = Change { lease: Lease::Seconds(0), content: None, if_version: None, view: plan.args.view };
        return session.change(owner, &change).await.map(|_| ()).map_err(|trouble| trouble.doing(&doing()));
    };
    let mut again = true;
    loop {
        let (value, version) = present(session, owner).await?;
        let value = Wish::without_tuple(id, value, &Clock::now().unix.to_rfc3339());
        let lease = plan.args.lease.unwrap_or(Lease::Infinity);
        let change = Change { lease, content: Some(Content::presence(&value)), if_version: version, view: plan.args.view };
        match session.change(owner, &change).await {
            Ok(_) => return Ok(()),
            Err(trouble) if again && trouble.kind() == Some(ErrorKind::Conflict) => again = false,
            Err(trouble) => return Err(trouble.doing(&doing())),
        }
    }
}

async fn show(plan: &Plan, session: &Session<'_>, out: &Printer) -> Outcome<Exit> {
    let owner = plan.owner(session)?;
    let (presence, version) = present(session, owner).await?;
    let seen = Seen { address: owner.clone(), presence: Some(presence), version };
    let mut line = seen.columns(out);
    if let Some(since) = seen.since() {
        line += &format!("  {}", crate::cli::safe::line(&since));
    }
    out.record(&seen.record().with("lease", None::<u64>), &line)?;
    Ok(if seen.is_open() == Some(true) { Exit::Yes } else { Exit::No })
}

/// Tells scripts what was published; people asked for nothing.
fn tell(plan: &Plan, session: &Session<'_>, out: &Printer, changed: &ChangeDone, value: Option<Presence>) -> Outcome<()> {
    let seen = Seen { address: plan.owner(session)?.clone(), presence: value, version: Some(changed.version) };
    let lease = changed.lease.to_string();
    out.record(&seen.record().with("lease", lease), "")
}
