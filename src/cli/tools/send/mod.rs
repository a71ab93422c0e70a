//! impp-send: instant messages from a shell.

mod args;
mod compose;
mod deliver;
mod input;
mod manual;
mod stream;

pub(super) use args::SendArgs;

use crate::cli::account::{self, AddressBook};
use crate::cli::config::Config;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::run;
use crate::cli::session::{Ask, Open};
use crate::model::Address;
use crate::model::acl::ANONYMOUS_DOMAIN;
use compose::{Composer, Outgoing};
use deliver::Delivering;
use input::Tee;
use std::process::ExitCode;

/// Runs the tool with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    run::main::<SendArgs>()
}

fn work(args: SendArgs, out: &Printer) -> Outcome<Exit> {
    if args.headers && args.if_open && args.probe {
        return Err(Failure::usage("--probe sends nothing: it does not go with -t"));
    }
    let config = Config::find(args.common.who.config.as_deref())?;
    let book = AddressBook::of(&config);
    let composer = Composer::new(&args, &book)?;
    if args.dry_run {
        return dry_run(&args, &config, &composer, out);
    }
    let streaming = args.lines || args.ndjson;
    let reads_stdin =
        streaming || (args.message.is_none() && args.file.as_deref().is_none_or(|path| path == std::path::Path::new("-")));
    let account = account::settle(&args.common, &config, args.probe || !reads_stdin)?;
    let open = match composer.recipients() {
        [first, ..] => Open::new(&args.common, &account, out).towards(first),
        [] => Open::new(&args.common, &account, out),
    };
    if streaming {
        return run::block_on(async |stop| stream::send(&args, &composer, &open, &stop, out).await);
    }
    if args.probe {
        return run::block_on(async |stop| {
            open.with(&stop, Ask::OneShot, async |session| {
                Delivering::new(&args, session, out).probe(composer.recipients()).await
            })
            .await
        });
    }
    let body = body(&args, out)?;
    // Whatever is wrong with the message is said before anybody is connected to.
    let early = account.user().map(|me| compose(&args, &composer, me, &body)).transpose()?;
    if matches!(early, Some(None)) {
        out.detail("nothing to send: the body is empty");
        return Ok(Exit::Yes);
    }
    run::block_on(async |stop| {
        open.with(&stop, Ask::OneShot, async |session| {
            let message = match early {
                Some(message) => message,
                None => compose(&args, &composer, session.me()?, &body)?,
            };
            match message {
                Some(message) => Delivering::new(&args, session, out).deliver(&message).await,
                None => Ok(Exit::Yes),
            }
        })
        .await
    })
}

fn body(args: &SendArgs, out: &Printer) -> Outcome<Vec<u8>> {
    match &args.message {
        Some(text) => Ok(text.clone().into_bytes()),
        None => input::read(args.file.as_deref(), &mut Tee::new(args.tee, out)),
    }
}

fn compose(args: &SendArgs, composer: &Composer<'_>, me: &Address, body: &[u8]) -> Outcome<Option<Outgoing>> {
    match args.headers || args.raw {
        true => composer.whole(me, body),
        false => composer.plain(me, body.to_vec()),
    }
}

/// Shows the messages. Needs no password and no server.
fn dry_run(args: &SendArgs, config: &Config, composer: &Composer<'_>, out: &Printer) -> Outcome<Exit> {
    let nobody =
        || Address::parse(&format!("nobody@{ANONYMOUS_DOMAIN}")).map_err(|why| Failure::new(Exit::Internal, why.to_string()));
    let me = account::claimed(&args.common, config).map_or_else(nobody, Ok)?;
    let show = |message: Option<Outgoing>| -> Outcome<()> {
        let Some(message) = message else {
            out.detail("nothing to send: the body is empty");
            return Ok(());
        };
        let to: Vec<_> = message.to.iter().map(Address::shown).collect();
        out.detail(&format!("would send {} to {}", message.id, to.join(", ")));
        out.data(&message.octets)?;
        if message.octets.ends_with(b"\n") { Ok(()) } else { out.data(b"\n") }
    };
    if args.lines || args.ndjson {
        let text = String::from_utf8_lossy(&input::read(None, &mut Tee::new(false, out))?).into_owned();
        for (line, number) in text.lines().zip(1..) {
            show(stream::compose(args, composer, &me, line.as_bytes(), number)?)?;
        }
        return Ok(Exit::Yes);
    }
    show(compose(args, composer, &me, &body(args, out)?)?)?;
    Ok(Exit::Yes)
}
