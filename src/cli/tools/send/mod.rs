//! impp-send: instant messages from a shell.

mod args;
mod compose;
mod deliver;
mod exec;
mod flush;
mod input;
mod kept;
mod list;
mod manual;
mod one;
mod rate;
mod report;
mod sendmail;
mod spool;
mod stream;

pub(super) use args::SendArgs;

use crate::cli::account::{self, Account, AddressBook};
use crate::cli::config::Config;
use crate::cli::deadline::Deadline;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::run;
use crate::cli::run::Stop;
use crate::cli::session::{Ask, Open, Session};
use crate::model::Address;
use crate::model::acl::ANONYMOUS_DOMAIN;
use compose::{Composer, Outgoing};
use deliver::{Delivering, Run};
use input::{Limit, Tee};
use one::{Keeping, One};
use report::Report;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the tool with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    run::with_arguments::<SendArgs>(sendmail::arguments(std::env::args_os().collect())).into()
}

fn work(args: SendArgs, out: &Printer) -> Outcome<Exit> {
    if args.sendmail {
        return sendmail::work(args, out);
    }
    if args.queue_list {
        return list::list(&args, out);
    }
    let config = Config::find(args.common.who.config.as_deref())?;
    if args.flush {
        return flush::flush(&args, &config, out);
    }
    let book = AddressBook::of(&config);
    let composer = Composer::new(&args, &book)?;
    if args.dry_run {
        return dry_run(&args, &config, &composer, out);
    }
    let task = Task { args: &args, config: &config, composer: &composer, out };
    if !args.exec.is_empty() {
        return task.exec();
    }
    let streaming = args.lines || args.ndjson;
    let reads_stdin = streaming || (args.message.is_none() && args.file.as_deref().is_none_or(|path| path == Path::new("-")));
    let settled;
    let open = match task.account(args.probe || !reads_stdin) {
        Ok(account) => {
            settled = account;
            Ok(task.open(&settled))
        }
        Err(failure) if streaming || args.probe || !task.has_another_way(&failure) => return Err(failure),
        Err(failure) => Err(failure),
    };
    let shared = Run::new(&args, out);
    run::block_on(async |stop| {
        if let (true, Ok(open)) = (streaming, &open) {
            return stream::send(&shared, &composer, open, &stop).await;
        }
        if let (true, Ok(open)) = (args.probe, &open) {
            let report = Report::new(&args, out);
            let probe = async |session: &Session<'_>| {
                Delivering { run: &shared, session, report: &report }.probe(composer.recipients()).await
            };
            return open.with(&stop, Ask::OneShot, probe).await;
        }
        let (body, tee) = match &args.message {
            Some(text) => (composer.limit().apply(text.clone().into_bytes())?, Tee::default()),
            None => {
                let deadline = open.as_ref().map_or(Deadline::after(args.common.patience.timeout), Open::deadline);
                read_all(deadline, &stop, args.file.clone(), task.limit(), Tee::new(args.tee, out)).await?
            }
        };
        let exit = task.send(&shared, open, &stop, |me| task.compose(me, &body)).await?;
        tee.finish(exit)
    })
}

/// What there is to do, and with what.
struct Task<'a> {
    args: &'a SendArgs,
    config: &'a Config,
    composer: &'a Composer<'a>,
    out: &'a Printer,
}

impl Task<'_> {
    fn account(&self, stdin_is_free: bool) -> Outcome<Account> {
        let account = account::settle(&self.args.common, self.config, stdin_is_free)?;
        if self.args.queue.is_some() && account.user().is_none() {
            return Err(Failure::usage("--queue needs a login: nobody knows an anonymous sender again"));
        }
        Ok(account)
    }

    fn open<'o>(&'o self, account: &'o Account) -> Open<'o> {
        let open = Open::new(&self.args.common, account, self.out);
        match self.composer.recipients() {
            [first, ..] => open.towards(first),
            [] => open,
        }
    }

    /// Whether a message can do without a login that cannot be had: it can be kept, or somebody else takes it.
    fn has_another_way(&self, failure: &Failure) -> bool {
        failure.exit != Exit::Usage && (self.args.queue.is_some() || self.args.fallback.is_some())
    }

    /// A message that came whole has its own form and cannot be cut.
    fn limit(&self) -> Limit {
        let limit = self.composer.limit();
        Limit { truncate: limit.truncate && !(self.args.headers || self.args.raw), ..limit }
    }

    fn compose(&self, me: &Address, body: &[u8]) -> Outcome<Option<Outgoing>> {
        match self.args.headers || self.args.raw {
            true => self.composer.whole(me, body),
            false => self.composer.plain(me, body.to_vec()),
        }
    }

    /// Sends the message that `compose` makes for whoever logs in.
    async fn send(
        &self,
        shared: &Run<'_>,
        open: Result<Open<'_>, Failure>,
        stop: &Stop,
        compose: impl Fn(&Address) -> Outcome<Option<Outgoing>>,
    ) -> Outcome<Exit> {
        let claimed = account::claimed(&self.args.common, self.config);
        // Whoever is not known cannot send it later either.
        let spool = if open.is_err() && claimed.is_none() { None } else { one::spool(shared)? };
        let me = match &open {
            Ok(open) => open.user().cloned(),
            Err(_) => Some(claimed.map_or_else(nobody, Ok)?),
        };
        let nothing = || {
            self.out.detail("nothing to send: the body is empty");
            Ok(Exit::Yes)
        };
        let report = Report::new(self.args, self.out);
        let open = match (me, open) {
            (None, Ok(open)) => open,
            (Some(me), open) => {
                // Whatever is wrong with the message is said before anybody is connected to.
                let Some(message) = compose(&me)? else { return nothing() };
                let spool = spool.as_ref().map(|spool| (spool, Keeping::ForNow));
                let one = One::new(shared, stop, &message, &report);
                return match open {
                    Ok(open) => one.send(Ok(&open), &me, spool).await,
                    Err(failure) => one.send(Err(failure), &me, spool).await,
                };
            }
            (None, Err(failure)) => return Err(failure),
        };
        // Who that is, only the server says. Without one the message still goes to the fallback.
        let Some(unnamed) = compose(&nobody()?)? else { return nothing() };
        let done = open.with(stop, Ask::OneShot, async |session| {
            let Some(message) = compose(session.me()?)? else { return Ok(Exit::Yes) };
            let one = One::new(shared, stop, &message, &report);
            one.over(session).await;
            one.conclude(Ok(()), false).await
        });
        match done.await {
            Ok(exit) => Ok(exit),
            Err(failure) => One::new(shared, stop, &unnamed, &report).conclude(Err(failure), false).await,
        }
    }

    /// `--exec`: whatever is wrong with the sending must not keep the command from being run.
    fn exec(&self) -> Outcome<Exit> {
        let shared = Run::new(self.args, self.out);
        let Some(failed) = run::block_on(async |stop| exec::run(&shared, &stop).await)? else { return Ok(Exit::Yes) };
        let settled;
        let open = match self.account(false) {
            Ok(account) => {
                settled = account;
                Ok(self.open(&settled))
            }
            Err(failure) => Err(failure),
        };
        let sent = match open {
            Err(failure) if !self.has_another_way(&failure) => Err(failure),
            open => run::block_on(async |stop| {
                let compose = |me: &Address| self.composer.failed(me, &failed.why, failed.output.clone());
                self.send(&shared, open, &stop, compose).await
            }),
        };
        match sent {
            Ok(Exit::Yes | Exit::Unknown) => {}
            Ok(_) | Err(_) => {
                if let Err(failure) = &sent {
                    self.out.failure(failure);
                }
                // Nobody has it: whoever runs this shall see it.
                if !self.args.tee {
                    self.out.data(&failed.output)?;
                }
                self.out.complain(&failed.why);
            }
        }
        Ok(failed.exit)
    }
}

/// Reads a whole body, within the time of the run.
async fn read_all(deadline: Deadline, stop: &Stop, path: Option<PathBuf>, limit: Limit, tee: Tee) -> Outcome<(Vec<u8>, Tee)> {
    let reading = async {
        let read = tokio::task::spawn_blocking(move || {
            let mut tee = tee;
            input::read(path.as_deref(), limit, &mut tee).map(|octets| (octets, tee))
        });
        read.await.unwrap_or_else(|_| Err(Failure::new(Exit::Internal, "reading was broken off")))
    };
    stop.or(deadline.keep("cannot finish: the input did not end", reading)).await
}

/// Who is shown as the sender where nobody logs in.
fn pretended(args: &SendArgs, config: &Config) -> Outcome<Address> {
    account::claimed(&args.common, config).map_or_else(nobody, Ok)
}

fn nobody() -> Outcome<Address> {
    Address::parse(&format!("nobody@{ANONYMOUS_DOMAIN}")).map_err(|why| Failure::new(Exit::Internal, why.to_string()))
}

/// Shows the messages. Needs no password and no server.
fn dry_run(args: &SendArgs, config: &Config, composer: &Composer<'_>, out: &Printer) -> Outcome<Exit> {
    let me = pretended(args, config)?;
    let task = Task { args, config, composer, out };
    let show = |message: Option<Outgoing>| match message {
        Some(message) => show(&message, out),
        None => {
            out.detail("nothing to send: the body is empty");
            Ok(())
        }
    };
    if args.lines || args.ndjson {
        let text = String::from_utf8_lossy(&input::read(None, Limit::default(), &mut Tee::default())?).into_owned();
        for (line, number) in text.lines().zip(1..) {
            show(stream::compose(args, composer, &me, line.as_bytes(), number)?)?;
        }
        return Ok(Exit::Yes);
    }
    let body = match &args.message {
        Some(text) => text.clone().into_bytes(),
        None => input::read(args.file.as_deref(), task.limit(), &mut Tee::default())?,
    };
    show(task.compose(&me, &body)?)?;
    Ok(Exit::Yes)
}

/// Prints a message that would be sent.
fn show(message: &Outgoing, out: &Printer) -> Outcome<()> {
    let to: Vec<_> = message.to.iter().map(Address::shown).collect();
    out.detail(&format!("would send {} to {}", message.id, to.join(", ")));
    out.data(&message.octets)?;
    if message.octets.ends_with(b"\n") { Ok(()) } else { out.data(b"\n") }
}
