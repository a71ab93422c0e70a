//! impp-watch: presence now, and every change.

mod args;
mod board;
mod chart;
mod manual;

pub(super) use args::WatchArgs;

use crate::cli::account::{self, AddressBook};
use crate::cli::config::Config;
use crate::cli::deadline::Deadline;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::handler::{self, Ended};
use crate::cli::print::Printer;
use crate::cli::run::{self, Stop};
use crate::cli::session::{self, Open};
use crate::cli::trouble::Trouble;
use crate::cli::{list, safe, units};
use crate::model::Address;
use crate::model::request::Cause;
use crate::net::Clock;
use crate::net::client::{Occasion, Steady, SteadyEvent};
use args::Until;
use board::{Board, Line, Why};
use chart::Live;
use std::path::Path;
use std::process::ExitCode;

/// Runs the tool with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    run::main::<WatchArgs>()
}

fn work(args: WatchArgs, out: &Printer) -> Outcome<Exit> {
    let config = Config::find(args.common.who.config.as_deref())?;
    let of_log = args.read.is_some() || (args.addresses.is_empty() && args.list.is_none());
    if args.chart.is_some() && of_log {
        return chart::of_log(&args, &AddressBook::of(&config), out);
    }
    let stdin_is_free = args.list.as_deref() != Some(Path::new("-"));
    let names = [args.addresses.clone(), args.list.as_deref().map(list::read).transpose()?.unwrap_or_default()].concat();
    let addresses = AddressBook::of(&config).find_all(names.iter().map(String::as_str))?;
    let Some(first) = addresses.first() else {
        return Err(Failure::new(Exit::Data, "nobody to watch: the list is empty"));
    };
    let account = account::settle(&args.common, &config, stdin_is_free)?;
    let open = Open::new(&args.common, &account, out).towards(first);
    run::block_on(async |stop| {
        let options = open.options()?;
        let mut steady = stop.or(open.steady(options)).await?;
        for address in &addresses {
            steady.subscribe(address, args.lease);
        }
        let deadline = open.deadline();
        let chart = args.chart.as_ref().map(|canvas| Live::new(canvas, args.span, &addresses));
        let mut watch = Watch { args: &args, out, board: Board::new(&addresses), told: 0, lost: false, deadline, chart };
        let end = watch.follow(&mut steady, &stop).await;
        session::part(steady).await;
        watch.chart.map_or(Ok(()), |mut chart| chart.finish(out))?;
        end
    })
}

/// The watch as it goes on.
struct Watch<'a> {
    args: &'a WatchArgs,
    out: &'a Printer,
    board: Board,
    told: u64,
    /// The connection is gone, and that was told.
    lost: bool,
    deadline: Deadline,
    chart: Option<Live>,
}

impl Watch<'_> {
    async fn follow(&mut self, steady: &mut Steady, stop: &Stop) -> Outcome<Exit> {
        loop {
            let event = tokio::select! {
                biased;
                number = stop.asked() => return Ok(Exit::Signal(number)),
                () = self.deadline.over() => return self.out_of_time(),
                event = steady.next_event() => event,
                () = stale(self.chart.as_ref()) => {
                    self.chart.as_mut().map_or(Ok(()), |chart| chart.draw(self.out))?;
                    continue;
                }
            };
            for line in self.lines(event)? {
                if let Some(exit) = self.tell(&line, stop).await? {
                    // A last line that says why nobody is watched any more is not what was waited for.
                    return Ok(self.board.nobody_left().unwrap_or(exit));
                }
            }
            if let Some(exit) = self.board.nobody_left() {
                return Ok(exit);
            }
        }
    }

    /// What an event means for whom.
    fn lines(&mut self, event: Option<SteadyEvent>) -> Outcome<Vec<Line>> {
        Ok(match event {
            Some(SteadyEvent::Changed { target, value, occasion }) => {
                let why = match occasion {
                    Occasion::First => Why::Initial,
                    Occasion::Change => Why::Change,
                    Occasion::LeaseExpired => Why::LeaseExpired,
                };
                self.board.shows(&target, &value, why).into_iter().collect()
            }
            Some(SteadyEvent::Terminated { target, cause }) => self.terminated(&target, cause).into_iter().collect(),
            Some(SteadyEvent::Refused { target, error }) => {
                let trouble = Trouble::from(error);
                self.say(&trouble.line(&format!("watch {}", target.shown())), Printer::complain);
                self.board.gone(&target, Why::Refused, trouble.token(), trouble.exit()).into_iter().collect()
            }
            Some(SteadyEvent::Lost { error, retry_in }) => {
                self.say(&format!("lost: {error}; next attempt in {}", units::shown(retry_in)), Printer::note);
                if std::mem::replace(&mut self.lost, true) { Vec::new() } else { self.board.all(Why::Lost) }
            }
            Some(SteadyEvent::Resumed { kept }) => {
                self.say(if kept { "resumed" } else { "resumed, subscriptions begun again" }, Printer::note);
                self.lost = false;
                self.board.all(Why::Resumed)
            }
            Some(SteadyEvent::Over(error)) => return Err(Trouble::from(error).doing("go on watching")),
            None => return Err(Failure::new(Exit::Internal, "cannot go on watching")),
            // Nothing else was asked for; what is dropped here stays with the server.
            Some(_) => Vec::new(),
        })
    }

    /// Says something, in its place if there is a chart.
    fn say(&mut self, text: &str, aloud: fn(&Printer, &str)) {
        if !self.chart.as_mut().is_some_and(|chart| chart.takes(text, self.out)) {
            aloud(self.out, text);
        }
    }

    fn terminated(&mut self, target: &Address, cause: Cause) -> Option<Line> {
        match cause {
            // Begun again by itself: the next line tells the state, if it is another.
            Cause::Expired => None,
            cause => {
                self.say(&format!("cannot go on watching {}: {}", target.shown(), cause.as_str()), Printer::complain);
                let exit = match cause {
                    Cause::PermissionDenied => Exit::Denied,
                    Cause::TargetUnknown => Exit::NoUser,
                    _ => Exit::Unavailable,
                };
                self.board.gone(target, Why::Terminated, cause.as_str(), exit)
            }
        }
    }

    /// Writes a line and runs the handler; gives the status if that was what was waited for.
    async fn tell(&mut self, line: &Line, stop: &Stop) -> Outcome<Option<Exit>> {
        let settled = match self.args.until {
            Some(Until::Open) => line.seen.is_open() == Some(true) && line.why.is_news(),
            Some(Until::Closed) => line.seen.is_open() == Some(false) && line.why.is_news(),
            Some(Until::Change) => line.why == Why::Change,
            None => false,
        };
        if !(self.args.changes_only && line.why == Why::Initial) {
            self.write(line)?;
            if let Some(command) = &self.args.exec {
                let variables = [
                    ("IMPP_ADDR", line.seen.address.to_email()),
                    ("IMPP_STATUS", line.seen.word().to_owned()),
                    ("IMPP_ACTIVITY", line.seen.activity().to_owned()),
                    ("IMPP_NOTE", line.seen.note().to_owned()),
                    ("IMPP_WHY", line.why.as_str().to_owned()),
                ];
                match handler::run_until(command, &variables, Vec::new(), stop.or_late(self.deadline)).await? {
                    Ended::Well => {}
                    // Who ended it is asked again by whoever waits for the next event.
                    Ended::Stopped => return Ok(None),
                    _ => self.out.note(&format!("the command for {} failed", line.seen.address.shown())),
                }
            }
            self.told += 1;
        }
        let enough = self.args.count.is_some_and(|count| self.told >= count);
        Ok((settled || enough).then_some(Exit::Yes))
    }

    fn write(&mut self, line: &Line) -> Outcome<()> {
        if let Some(chart) = &mut self.chart {
            chart.tell(&line.seen);
            return chart.draw(self.out);
        }
        if self.args.common.manners.quiet && self.out.is_text() {
            return Ok(());
        }
        if self.args.status {
            return self.out.line(&safe::line(&self.board.summary()));
        }
        if self.args.pidf {
            return line.seen.pidf().map_or(Ok(()), |document| self.out.line(&document));
        }
        let at = units::local(Clock::now().unix);
        let time = line.seen.since().unwrap_or_else(|| at.clone());
        let text = format!("{}  {}  {}", line.seen.columns(self.out), safe::line(&time), line.why.as_str());
        let record = line.seen.record().with("why", line.why.as_str()).with("at", at).with("error", line.error);
        self.out.record(&record, &text)
    }

    /// What had not come by now: a no only if it would have been heard of.
    fn out_of_time(&self) -> Outcome<Exit> {
        let waited_for_something = self.args.until.is_some() || self.args.count.is_some() || self.told == 0;
        match (waited_for_something, self.lost) {
            (false, _) => Ok(Exit::Yes),
            (true, false) => Ok(Exit::No),
            (true, true) => Err(Deadline::unheard()),
        }
    }
}

async fn stale(chart: Option<&Live>) {
    match chart {
        Some(chart) => chart.stale().await,
        None => std::future::pending().await,
    }
}
