//! impp-relay: one domain's server, and what its administrator does with it.

mod args;
mod backup;
mod check;
mod control;
mod demo;
mod export;
mod generate;
mod import;
mod init;
mod log;
mod notify;
mod passed;
mod password;
mod peers;
mod process;
mod reach;
mod restore;
mod serve;
mod settings;
mod table;
mod user;
mod verify;

use args::{CheckWhat, RelayArgs, Wish};
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::Printer;
use impp::cli::run;
use impp::cli::tools;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // A link to this program that bears a tool's name is that tool: `demo` needs no other file than this one.
    let called_as = arguments.first().and_then(|name| name.to_str()).unwrap_or_default();
    match tools::dispatch(called_as) {
        Some(tool) => tool(),
        None if arguments.get(1).is_some_and(|word| word == generate::WORD) => {
            run::program("impp-relay", arguments.into_iter().skip(1).collect(), |wish, out| generate::work(&wish, out)).into()
        }
        None => run::program("impp-relay", arguments, work).into(),
    }
}

fn work(wish: RelayArgs, out: &Printer) -> Outcome<Exit> {
    let config = wish.config();
    match &wish.wish {
        Wish::Demo(_) | Wish::Init(_) if wish.names_config() => Err(Failure::usage("this subcommand reads no configuration")),
        Wish::Demo(wish) => demo::work(*wish, out),
        Wish::Init(wish) => init::work(wish, out),
        Wish::Serve => serve::work(config),
        Wish::Check(wish) => match &wish.what {
            CheckWhat::Config { json } => check::work(config, *json, out),
            what @ (CheckWhat::Dns(outside) | CheckWhat::Certs(outside) | CheckWhat::Connect(outside)) => {
                reach::work(config, what, outside, out)
            }
            CheckWhat::Peers(wish) => peers::work(config, wish, out),
        },
        Wish::Control(wish) => control::work(wish, config, out),
        Wish::User(wish) => user::work(wish, config, out),
        Wish::Backup(wish) => backup::work(wish, config, out),
        Wish::Verify(wish) => verify::work(wish, out),
        Wish::Restore(wish) => restore::work(wish, config, out),
        Wish::Export(wish) => export::work(wish, config, out),
        Wish::Import(wish) => import::work(wish, config, out),
    }
}
