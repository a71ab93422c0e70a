//! The frame around every tool: arguments, runtime, signals, and the one place that ends the process.

use super::args::Manners;
use super::complete;
use super::deadline::Deadline;
use super::exit::{Exit, Failure, Outcome, reason};
use super::manual::Manual;
use super::print::Printer;
use clap::error::ErrorKind as UsageKind;
use clap::{Arg, ArgAction};
use std::ffi::OsString;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// What makes a tool: its options, its name, and the fields of its records.
pub trait Tool: clap::Parser {
    /// The name in front of every message.
    const NAME: &'static str;
    /// Its part of the manual, with the records that it writes.
    const MANUAL: &'static Manual;

    /// The definition of its options.
    #[must_use]
    fn definition() -> clap::Command {
        dressed(Self::command())
    }

    /// How it writes and talks.
    fn manners(&self) -> &Manners;

    /// Does the work.
    ///
    /// # Errors
    /// Whatever ends it before its time.
    fn work(self, out: &Printer) -> Outcome<Exit>;
}

/// The heading of the options that all tools share.
const SHARED: &str = "Common options";
/// The heading of options that few people need: the help only names them.
pub const FURTHER: &str = "Further options";
/// Columns of the lists of options that are only named: those of the narrowest screen.
const COLUMNS: usize = 78;

/// A definition as all tools have it: `-h` and `--help` give the same screen, on which the options that all tools share
/// are only named. What these mean is the same everywhere and would push the tool's own off the screen.
#[must_use]
pub fn dressed(definition: clap::Command) -> clap::Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::HelpShort).help("Print this");
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version).help("Print the version");
    let definition = definition
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args([help, version].map(|arg| arg.help_heading(SHARED)))
        .mut_args(|arg| {
            let named = matches!(arg.get_help_heading(), Some(SHARED | FURTHER));
            let arg = if named { arg.hide_short_help(true).hide_long_help(true) } else { arg };
            // `IMPP_SERVER= impp-send ..` is how a shell takes a variable away for one command.
            let empty = arg.get_env().is_some_and(|name| std::env::var_os(name).is_some_and(|value| value.is_empty()));
            if empty { arg.env(None::<&'static str>) } else { arg }
        });
    let further = match named(&definition, FURTHER) {
        list if list.is_empty() => list,
        list => format!("{FURTHER}, explained in {}(1):\n{list}\n", definition.get_name()),
    };
    let screen = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{{all-args}}\n\n{further}{SHARED}, explained in impp(7):\n{}{{after-help}}",
        named(&definition, SHARED)
    );
    definition.help_template(screen)
}

/// The options under a heading, with their values, as a paragraph.
fn named(definition: &clap::Command, heading: &str) -> String {
    let mut text = String::new();
    let mut column = COLUMNS;
    for arg in definition.get_arguments().filter(|arg| arg.get_help_heading() == Some(heading)) {
        let value = arg.get_value_names().filter(|_| arg.get_action().takes_values()).and_then(|names| names.first());
        let short = arg.get_short().map(|short| format!("-{short}"));
        let names: Vec<_> = short.into_iter().chain(arg.get_long().map(|long| format!("--{long}"))).collect();
        let entry = match value {
            Some(value) if arg.is_require_equals_set() => format!("{}[={value}]", names.join(", ")),
            Some(value) => format!("{} {value}", names.join(", ")),
            None => names.join(", "),
        };
        let width = entry.chars().count() + 2;
        if column + width > COLUMNS {
            text.push_str(if text.is_empty() { "  " } else { ";\n  " });
            column = 2;
        } else {
            text.push_str("; ");
        }
        text.push_str(&entry);
        column += width;
    }
    text
}

/// Runs a tool with the arguments of the process.
#[must_use]
pub fn main<T: Tool>() -> ExitCode {
    with_arguments::<T>(std::env::args_os().collect()).into()
}

/// Runs a tool with these arguments, the first being its own name.
#[must_use]
pub fn with_arguments<T: Tool>(arguments: Vec<OsString>) -> Exit {
    let bare = Printer::new(T::NAME);
    if let Some(names) = complete::answer(&arguments) {
        return names.iter().try_for_each(|name| bare.line(name)).map_or_else(|failure| failure.exit, |()| Exit::Yes);
    }
    let parsed = T::definition().try_get_matches_from(arguments).and_then(|mut matches| T::from_arg_matches_mut(&mut matches));
    let tool = match parsed {
        Ok(tool) => tool,
        Err(error) => return explain(&bare, &error),
    };
    let out = match tool.manners().printer(T::NAME, &T::MANUAL.fields()) {
        Ok(out) => out,
        Err(failure) => return fail(&bare, &failure),
    };
    match guarded(Elsewhere::Silent, || tool.work(&out)) {
        Ok(exit) => exit,
        Err(failure) => fail(&out, &failure),
    }
}

/// What is said of a panic in another thread than that which does the work, and which goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Elsewhere {
    /// Nothing: what failed there is told by whoever waited for it.
    Silent,
    /// All: it costs one connection of many, and nobody else tells of it.
    Told,
}

/// Does `work`. A panic in it is a fault of this program and ends it as such: with one line and 70, not with a page and a status
/// that no script knows. Only the place is told: what was panicked about may be somebody's text.
fn guarded(elsewhere: Elsewhere, work: impl FnOnce() -> Outcome<Exit>) -> Outcome<Exit> {
    static PLACE: Mutex<Option<String>> = Mutex::new(None);
    let place = || PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    let usual = panic::take_hook();
    let here = std::thread::current().id();
    panic::set_hook(Box::new(move |about| {
        if elsewhere == Elsewhere::Told && std::thread::current().id() != here {
            return usual(about);
        }
        let file = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        *place() = about.location().map(|at| format!(" ({} line {})", file(at.file()), at.line()));
        if std::env::var_os("RUST_BACKTRACE").is_some() {
            usual(about);
        }
    }));
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let place = place().take().unwrap_or_default();
        let line = format!("a fault of this program, or too few resources{place}; RUST_BACKTRACE=1 shows more");
        Err(Failure::new(Exit::Internal, line))
    })
}

/// Runs a program that has manners of its own, with these arguments.
#[must_use]
pub fn program<T: clap::Parser>(
    name: &'static str,
    arguments: Vec<OsString>,
    work: impl FnOnce(T, &Printer) -> Outcome<Exit>,
) -> Exit {
    let out = Printer::new(name);
    match T::try_parse_from(arguments) {
        Ok(wish) => guarded(Elsewhere::Told, || work(wish, &out)).unwrap_or_else(|failure| fail(&out, &failure)),
        Err(error) => explain(&out, &error),
    }
}

fn fail(out: &Printer, failure: &Failure) -> Exit {
    out.failure(failure);
    failure.exit
}

/// Help and version go to standard output and are no failure; everything else is usage.
fn explain(out: &Printer, error: &clap::Error) -> Exit {
    let text = error.render().to_string();
    match error.kind() {
        UsageKind::DisplayHelp | UsageKind::DisplayVersion => match out.data(text.as_bytes()) {
            Ok(()) => Exit::Yes,
            Err(failure) => fail(out, &failure),
        },
        _ => {
            out.usage(&text.replacen("error:", &format!("{}:", out.tool()), 1));
            Exit::Usage
        }
    }
}

/// Whether somebody wants the tool to end: SIGINT or SIGTERM.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Option<u8>>);

impl Stop {
    /// Waits for the signal and gives its number.
    pub async fn asked(&self) -> u8 {
        let mut seen = self.0.clone();
        match seen.wait_for(Option::is_some).await.map(|number| *number) {
            Ok(Some(number)) => number,
            // The sender lives as long as the runtime: without one there is nothing to wait for.
            _ => std::future::pending().await,
        }
    }

    /// Waits for the signal or the end of the time, which is as good as SIGTERM to whatever has to end then.
    pub async fn or_late(&self, deadline: Deadline) -> u8 {
        const SIGTERM: u8 = 15;
        tokio::select! {
            number = self.asked() => number,
            () = deadline.over() => SIGTERM,
        }
    }

    /// Does `work` unless a signal comes first.
    ///
    /// # Errors
    /// What the work gives, or a silent end with 128+n.
    pub async fn or<T>(&self, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        tokio::select! {
            biased;
            number = self.asked() => Err(Failure::silent(Exit::Signal(number))),
            done = work => done,
        }
    }
}

/// Sets up the runtime, listens for signals and runs `work` to its end. A second signal ends the process at once.
///
/// # Errors
/// What the work gives; 70 if the system gives no runtime.
pub fn block_on<T>(work: impl AsyncFnOnce(Stop) -> Outcome<T>) -> Outcome<T> {
    block_with(&mut Builder::new_current_thread(), work)
}

/// As [`block_on`], for a server: on half of the processors, or on as many threads as `TOKIO_WORKER_THREADS` says. If that is one, it is
/// this one, and nobody has to be woken.
///
/// The rules of a relay have one lock. Threads that wait for it, and wake each other, cost more than they bring; store and
/// password hashing have threads of their own.
///
/// # Errors
/// As there.
pub fn block_on_half<T>(work: impl AsyncFnOnce(Stop) -> Outcome<T>) -> Outcome<T> {
    let wish = std::env::var("TOKIO_WORKER_THREADS").ok().and_then(|wish| wish.parse().ok());
    let half = || std::thread::available_parallelism().map_or(1, |all| all.get().div_ceil(2));
    match wish.unwrap_or_else(half) {
        0 | 1 => block_on(work),
        threads => block_with(Builder::new_multi_thread().worker_threads(threads), work),
    }
}

fn block_with<T>(builder: &mut Builder, work: impl AsyncFnOnce(Stop) -> Outcome<T>) -> Outcome<T> {
    let broken = |error: std::io::Error| Failure::new(Exit::Internal, format!("cannot start: {}", reason(&error)));
    let runtime = builder.enable_all().build().map_err(broken)?;
    let done = runtime.block_on(async {
        let (tell, stop) = watch::channel(None);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(broken)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(broken)?;
        tokio::spawn(async move {
            loop {
                let number = tokio::select! {
                    _ = interrupt.recv() => 2,
                    _ = terminate.recv() => 15,
                };
                if tell.borrow().is_some() {
                    end_now(Exit::Signal(number));
                }
                _ = tell.send(Some(number));
            }
        });
        work(Stop(stop)).await
    });
    // A thread may sit in a read of standard input for ever: nobody waits for it.
    runtime.shutdown_timeout(Duration::ZERO);
    done
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that ends the process")]
fn end_now(exit: Exit) {
    std::process::exit(i32::from(exit.code()));
}
