//! The sendmail personality: what cron, mdadm and others pipe into `sendmail` becomes an instant message.
//!
//! Silent on success; status 0 when it is delivered or safe in the spool; no mail server.

mod aliases;
mod words;

use super::args::SendArgs;
use super::compose::{self, Changes, Outgoing};
use super::deliver::Run;
use super::input::{self, Limit, Tee};
use super::one::{self, Keeping, One};
use super::report::Report;
use super::{flush, list};
use crate::cli::account::{self, AddressBook};
use crate::cli::config::Config;
use crate::cli::deadline::Deadline;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::{Printer, Talk};
use crate::cli::run;
use crate::cli::session::Open;
use crate::model::Address;
use crate::model::content::{recipients_of, sender_of};
use aliases::Aliases;
use std::ffi::OsString;
use std::path::Path;
use words::{Task, Words};

/// The name under which this personality is called.
const CALLED: &str = "sendmail";

/// The arguments of the process as impp-send's own: what sendmail's options are comes behind `--`.
pub(super) fn arguments(arguments: Vec<OsString>) -> Vec<OsString> {
    let called = arguments.first().map(Path::new).and_then(Path::file_name).is_some_and(|name| name == CALLED);
    let flag = format!("--{CALLED}");
    let at = match called {
        true => Some(0),
        // What belongs to a command that is to be run, or comes behind `--`, is no option of ours.
        false => arguments.iter().take_while(|word| *word != "--" && *word != "--exec").position(|word| *word == *flag),
    };
    let Some(at) = at else { return arguments };
    let (own, theirs) = arguments.split_at(at.min(arguments.len()));
    let own = if called { vec![OsString::from("impp-send")] } else { own.to_vec() };
    let theirs = theirs.iter().skip(1).map(|word| OsString::from(word.to_string_lossy().into_owned()));
    own.into_iter().chain([flag.into(), "--".into()]).chain(theirs).collect()
}

/// Does what sendmail would be asked to.
pub(super) fn work(args: SendArgs, out: &Printer) -> Outcome<Exit> {
    let words = Words::read(&args.recipients)?;
    let args = SendArgs { recipients: Vec::new(), ..args };
    let config = Config::find(args.common.who.config.as_deref())?;
    match words.task {
        Task::Send => {}
        Task::Nothing => return Ok(Exit::Yes),
        Task::List => return list::list(&args, out),
        Task::Flush => return flush::flush(&args, &config, out),
    }
    let out = if words.verbose || args.common.manners.verbose > 0 { &out.clone() } else { &out.clone().with_talk(Talk::Quiet) };
    let queue = if args.common.who.anonymous { args.queue.clone() } else { args.queue.clone().or(Some(None)) };
    let args = SendArgs { queue, ..args };
    let (book, aliases) = (AddressBook::of(&config), Aliases::find()?);
    let desk = Desk { words: &words, aliases: &aliases, book: &book };
    desk.given()?;
    if args.dry_run {
        let message = input::read(None, limit(&args), &mut Tee::default())?;
        return super::show(&desk.prepare(&super::pretended(&args, &config)?, &message)?, out).map(|()| Exit::Yes);
    }
    let me = account::claimed(&args.common, &config);
    let account = account::settle(&args.common, &config, false);
    let me = match &account {
        Ok(account) => account.user().cloned(),
        Err(_) => me,
    };
    let (me, account) = match (me, account) {
        (Some(me), account) => (me, account),
        (None, Err(failure)) => return Err(failure),
        (None, Ok(_)) => return Err(Failure::new(Exit::Config, "sendmail needs a login, not --anonymous")),
    };
    run::block_on(async |stop| {
        let deadline = account.as_ref().map_or(Deadline::after(args.common.patience.timeout), |account| account.deadline);
        let message = super::read_all(deadline, &stop, None, limit(&args), Tee::default()).await?.0;
        let message = desk.prepare(&me, &message)?;
        let shared = Run::new(&args, out);
        let spool = match one::spool(&shared) {
            Ok(spool) => spool,
            // Without a spool it may still be delivered.
            Err(failure) => {
                out.detail(failure.line().unwrap_or("there is no spool"));
                None
            }
        };
        let spool = spool.as_ref().map(|spool| (spool, Keeping::Whatever));
        let report = Report::new(&args, out);
        let one = One::new(&shared, &stop, &message, &report);
        let sent = match account {
            Ok(account) => {
                let open = Open::new(&args.common, &account, out);
                one.send(Ok(&open), &me, spool).await?
            }
            // It waits for whoever mends that.
            Err(failure) => one.send(Err(failure), &me, spool).await?,
        };
        match sent {
            Exit::Unknown => Ok(Exit::Yes),
            exit => Ok(exit),
        }
    })
}

fn limit(args: &SendArgs) -> Limit {
    Limit { max: args.max_size, truncate: false }
}

/// What a message is prepared with.
struct Desk<'a> {
    words: &'a Words,
    aliases: &'a Aliases,
    book: &'a AddressBook,
}

impl Desk<'_> {
    /// Whom the words name. Asked before the message is read: what is wrong with them need not wait for it.
    fn given(&self) -> Outcome<Vec<Address>> {
        self.aliases.find_all(self.words.recipients.iter().map(String::as_str), self.book)
    }

    /// The message that was piped in, for whoever it is meant.
    fn prepare(&self, me: &Address, message: &[u8]) -> Outcome<Outgoing> {
        let message = words::until_dot(message, self.words.dots);
        let mut to = self.given()?;
        if self.words.headers {
            let named = recipients_of(message);
            let addresses: Vec<_> = [named.to, named.cc, named.bcc].concat().iter().map(Address::to_email).collect();
            let names = addresses.iter().chain(&named.names).map(String::as_str);
            for address in self.aliases.find_all(names, self.book)? {
                if !to.contains(&address) {
                    to.push(address);
                }
            }
        }
        if to.is_empty() {
            return Err(Failure::new(Exit::Data, "cannot send: no recipient is named"));
        }
        // A sender without a domain is a name of this machine: it stands beside the address that IMPP proves.
        let sender = sender_of(message);
        let bare = sender.as_ref().is_none_or(|sender| sender.address.is_none());
        let written = sender.as_ref().map(|sender| sender.written.clone());
        let name = sender.and_then(|sender| sender.name).or_else(|| self.words.name.clone()).or(written);
        let changes = Changes { hide_bcc: self.words.headers, from: bare, from_name: name.as_deref(), id: None };
        compose::complete(me, message, to, &changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(words: &[&str]) -> Vec<String> {
        let words = words.iter().map(OsString::from).collect();
        arguments(words).into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn the_options_of_sendmail_are_kept_apart() {
        for (words, expected) in [
            (&["/usr/sbin/sendmail", "-t", "-h"][..], &["impp-send", "--sendmail", "--", "-t", "-h"][..]),
            (&["impp-send", "-c", "f", "--sendmail", "-i", "root"], &["impp-send", "-c", "f", "--sendmail", "--", "-i", "root"]),
            (&["impp-send", "--sendmail"], &["impp-send", "--sendmail", "--"]),
            (&["impp-send", "a@x", "--exec", "x", "--sendmail"], &["impp-send", "a@x", "--exec", "x", "--sendmail"]),
            (&["impp-send", "--", "--sendmail"], &["impp-send", "--", "--sendmail"]),
        ] {
            assert_eq!(rewritten(words), expected, "{words:?}");
        }
    }

    #[test]
    fn a_local_sender_becomes_a_name_beside_the_login() {
        let me = Address::parse("host@example.org").unwrap();
        let from = |words: &[&str], message: &str| {
            let words = Words::read(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).unwrap();
            let (aliases, book) = (Aliases::default(), AddressBook::default());
            let desk = Desk { words: &words, aliases: &aliases, book: &book };
            let made = desk.prepare(&me, message.as_bytes()).unwrap();
            let text = String::from_utf8(made.octets.to_vec()).unwrap();
            text.lines().find(|line| line.starts_with("From: ")).unwrap().to_owned()
        };
        let cron = "From: root (Cron Daemon)\nTo: root\nSubject: s\n\nx\n";
        assert_eq!(from(&["-FCronDaemon", "ops@x"], cron), "From: \"CronDaemon\" <host@example.org>");
        assert_eq!(from(&["ops@x"], cron), "From: \"root\" <host@example.org>");
        assert_eq!(from(&["ops@x"], "From: mdadm monitoring <root>\n\nx"), "From: \"mdadm monitoring\" <host@example.org>");
        assert_eq!(from(&["ops@x"], "From: Web <web@example.net>\n\nx"), "From: Web <web@example.net>");
        assert_eq!(from(&["-F", "X", "ops@x"], "Subject: s\n\nx"), "From: \"X\" <host@example.org>");
        assert_eq!(from(&["ops@x"], "x\n"), "From: <host@example.org>");
    }
}
