//! impp-set: my presence, for a while or for good.

mod args;
mod edit;
mod hold;
mod lease;
mod manual;
mod show;

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
use edit::{Document, Wish};
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

/// What is to be published, and for whom.
#[derive(Debug)]
struct Plan {
    owner: Option<Address>,
    wish: Wish,
    file: Option<Document>,
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
    lease::check(&args)?;
    let config = Config::find(args.common.who.config.as_deref())?;
    let owner = args.owner.as_deref().map(|text| AddressBook::of(&config).find_one(text)).transpose()?;
    let stdin_is_free = args.file.as_deref() != Some(Path::new("-"));
    let file = args.file.as_deref().map(|path| Document::read(&read(path)?, &path.display().to_string())).transpose()?;
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
    let account = account::settle(&args.common, &config, stdin_is_free)?;
    let plan = Plan { owner, wish, file, args };
    let open = Open::new(&plan.args.common, &account, out);
    run::block_on(async |stop| {
        if plan.args.hold || !plan.args.exec.is_empty() {
            return open.with_own_end(&stop, async |session| hold::hold(&plan, session, out, &stop, open.deadline()).await).await;
        }
        open.with(&stop, Ask::OneShot, async |session| once(&plan, session, out).await).await
    })
}

/// A presence object; more of it than any may have is enough to refuse it.
fn read(path: &Path) -> Outcome<Vec<u8>> {
    const MOST: u64 = 1 << 20;
    let mut octets = Vec::new();
    match path == Path::new("-") {
        true => std::io::stdin().lock().take(MOST).read_to_end(&mut octets),
        false => std::fs::File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut octets)),
    }
    .map_err(|error| Failure::reading(path, &error))?;
    Ok(octets)
}

fn edits(args: &SetArgs) -> bool {
    args.activity.is_some() || args.note.is_some() || args.contact.is_some() || args.priority.is_some() || !args.card.is_empty()
}

async fn once(plan: &Plan, session: &Session<'_>, out: &Printer) -> Outcome<Exit> {
    if plan.args.show {
        return show::show(plan, session, out).await;
    }
    let lease = plan.args.lease.unwrap_or(Lease::Infinity);
    if plan.args.clear {
        take_back(plan, session, lease).await?;
        return Ok(Exit::Yes);
    }
    let (changed, value) = publish(plan, session, lease).await?;
    uncover(plan, session, lease).await?;
    lease::mention(lease, changed.lease, out);
    tell(plan, session, out, &changed, value)?;
    Ok(Exit::Yes)
}

/// A leased value would lie over one that was just set for good.
async fn uncover(plan: &Plan, session: &Session<'_>, lease: Lease) -> Outcome<()> {
    if lease != Lease::Infinity || plan.args.view.is_some() {
        return Ok(());
    }
    let nothing = Change { lease: Lease::Seconds(0), content: None, if_version: None, view: None };
    let done = session.change(plan.owner(session)?, &nothing).await;
    done.map(drop).map_err(|trouble| trouble.doing("take the leased value away"))
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
    if let Some(document) = &plan.file {
        document.check_owner(owner)?;
        let content = Content::new(PRESENCE, document.octets.clone());
        let change = Change { lease, content: Some(content), if_version: None, view: plan.args.view };
        let changed = session.change(owner, &change).await.map_err(|trouble| trouble.doing(&doing()))?;
        return Ok((changed, Some(document.presence.clone())));
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

/// Takes the leased value away, or one tuple out of the value, the rest of which is published with this lease.
async fn take_back(plan: &Plan, session: &Session<'_>, lease: Lease) -> Outcome<()> {
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
        let change = Change { lease, content: Some(Content::presence(&value)), if_version: version, view: plan.args.view };
        match session.change(owner, &change).await {
            Ok(_) => return uncover(plan, session, lease).await,
            Err(trouble) if again && trouble.kind() == Some(ErrorKind::Conflict) => again = false,
            Err(trouble) => return Err(trouble.doing(&doing())),
        }
    }
}

/// Tells scripts what was published; people asked for nothing.
fn tell(plan: &Plan, session: &Session<'_>, out: &Printer, changed: &ChangeDone, value: Option<Presence>) -> Outcome<()> {
    let seen = Seen { address: plan.owner(session)?.clone(), presence: value, version: Some(changed.version) };
    let lease = changed.lease.to_string();
    out.record(&seen.record().with("lease", lease), "")
}
