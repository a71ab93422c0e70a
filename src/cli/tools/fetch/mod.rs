//! impp-fetch: presence once, of one or many.

mod args;
mod manual;
mod nagios;
mod verdict;

pub(super) use args::FetchArgs;

use crate::cli::account::{self, AddressBook};
use crate::cli::config::Config;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::{Color, Printer};
use crate::cli::seen::Seen;
use crate::cli::session::{Ask, Open};
use crate::cli::trouble::Trouble;
use crate::cli::{list, progress, run, safe, together};
use crate::model::Address;
use crate::model::ErrorKind;
use crate::net::client::Fetched;
use indicatif::ProgressBar;
use std::cell::RefCell;
use std::path::Path;
use std::process::ExitCode;
use verdict::{Quantifier, word};

/// How many FETCHes are under way at a time.
const PARALLEL: u32 = 16;

/// Runs the tool with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    run::main::<FetchArgs>()
}

fn work(args: FetchArgs, out: &Printer) -> Outcome<Exit> {
    if args.nagios { nagios::or_unknown(ask(&args, out), out) } else { ask(&args, out) }
}

fn ask(args: &FetchArgs, out: &Printer) -> Outcome<Exit> {
    let config = Config::find(args.common.who.config.as_deref())?;
    let stdin_is_free = args.list.as_deref() != Some(Path::new("-"));
    let names = [args.addresses.clone(), args.list.as_deref().map(list::read).transpose()?.unwrap_or_default()].concat();
    let addresses = AddressBook::of(&config).find_all(names.iter().map(String::as_str))?;
    let Some(first) = addresses.first() else {
        return Err(Failure::new(Exit::Data, "nobody to ask for: the list is empty"));
    };
    let account = account::settle(&args.common, &config, stdin_is_free)?;
    let open = Open::new(&args.common, &account, out).towards(first);
    let width = args.parallel.unwrap_or(PARALLEL) as usize;
    run::block_on(async |stop| {
        open.with(&stop, Ask::OneShot, async |session| {
            let tally = Tally::new(args, &addresses, out);
            together::each(&addresses, width, async |at, address: &Address| {
                tally.add(at, session.fetch_following(address).await)
            })
            .await;
            tally.finish()
        })
        .await
    })
}

/// What has been answered so far, told in the order in which it was asked.
struct Tally<'a> {
    args: &'a FetchArgs,
    addresses: &'a [Address],
    out: &'a Printer,
    bar: ProgressBar,
    state: RefCell<State>,
}

struct State {
    answers: Vec<Option<Result<Fetched, Trouble>>>,
    told: usize,
    exits: Vec<Exit>,
    broken: Option<Failure>,
}

impl<'a> Tally<'a> {
    fn new(args: &'a FetchArgs, addresses: &'a [Address], out: &'a Printer) -> Self {
        let answers = addresses.iter().map(|_| None).collect();
        let state = RefCell::new(State { answers, told: 0, exits: Vec::new(), broken: None });
        Self { args, addresses, out, bar: progress::addresses(out, addresses.len()), state }
    }

    fn add(&self, at: usize, answer: Result<Fetched, Trouble>) {
        let mut state = self.state.borrow_mut();
        if let Some(slot) = state.answers.get_mut(at) {
            *slot = Some(answer);
        }
        self.bar.inc(1);
        // Those that are complete from the beginning on can be told.
        while state.broken.is_none() {
            let told = state.told;
            let Some((address, answer)) = self.addresses.get(told).zip(state.answers.get_mut(told).and_then(Option::take)) else {
                break;
            };
            state.told += 1;
            match self.tell(address, &answer) {
                Ok(exit) => state.exits.push(exit),
                Err(failure) => state.broken = Some(failure),
            }
        }
    }

    fn tell(&self, address: &Address, answer: &Result<Fetched, Trouble>) -> Outcome<Exit> {
        let (seen, trouble) = match answer {
            Ok(fetched) => (Seen::of(address, fetched), None),
            Err(trouble) => (Seen { address: address.clone(), presence: None, version: None }, Some(trouble)),
        };
        let exit = match (seen.is_open(), trouble) {
            (Some(true), _) => Exit::Yes,
            (Some(false), _) => Exit::No,
            (None, Some(trouble)) if trouble.kind() != Some(ErrorKind::PermissionDenied) => trouble.exit(),
            // Denied, or signed or encrypted so that its status cannot be read here.
            (None, _) => Exit::Unknown,
        };
        if let Some(trouble) = trouble.filter(|_| exit != Exit::Unknown && !self.args.nagios) {
            self.out.complain(&trouble.line(&format!("fetch {}", address.shown())));
        }
        if self.args.xml {
            if let Ok(fetched) = answer {
                self.out.data(&[&fetched.content.octets[..], b"\n"].concat())?;
            }
        } else if self.args.pidf {
            if let Some(document) = seen.pidf() {
                self.out.line(&document)?;
            }
        } else if !(self.args.one || self.args.nagios || (self.args.common.manners.quiet && self.out.is_text())) {
            let error = trouble.map(Trouble::token);
            let record = seen.record().with("error", error).with("code", exit.code());
            self.out.record(&record, &self.line(&seen, exit))?;
        }
        Ok(exit)
    }

    /// The word first: it is what people look for.
    ///
    /// *Shape:* `open  ann@example.org  away  "lunch"  2026-11-23T11:58:00Z`
    fn line(&self, seen: &Seen, exit: Exit) -> String {
        let (word, color) = match exit {
            Exit::Yes => ("open", Color::Good),
            Exit::No => ("closed", Color::Bad),
            Exit::Unknown => ("withheld", Color::Dim),
            _ => ("unknown", Color::Dim),
        };
        let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { safe::line(text).into_owned() };
        let note = if seen.note().is_empty() { "-".to_owned() } else { format!("\"{}\"", safe::line(seen.note())) };
        let since = or_none(&seen.since().unwrap_or_default());
        format!(
            "{}  {}  {}  {note}  {since}",
            self.out.paint(color, word),
            safe::line(&seen.address.shown()),
            or_none(seen.activity())
        )
    }

    fn finish(self) -> Outcome<Exit> {
        self.bar.finish_and_clear();
        let state = self.state.into_inner();
        if let Some(failure) = state.broken {
            return Err(failure);
        }
        if self.args.nagios {
            return nagios::tell(Quantifier::of(self.args), self.addresses, &state.exits, self.out);
        }
        if self.args.one && !self.args.common.manners.quiet {
            self.out.line(word(&state.exits))?;
        }
        Ok(Quantifier::of(self.args).judge(&state.exits))
    }
}
