//! impp-recv: messages as they come, acknowledged when they are safe.

mod args;
mod letter;
mod log;
mod maildir;
mod manual;
mod output;
mod session_file;

pub(super) use args::RecvArgs;

use crate::cli::account::{self, AddressBook};
use crate::cli::config::Config;
use crate::cli::deadline::Deadline;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::handler::{self, Ended};
use crate::cli::pattern::Pattern;
use crate::cli::print::Printer;
use crate::cli::run::{self, Stop};
use crate::cli::session::{self, Open};
use crate::cli::trouble::Trouble;
use crate::cli::units;
use crate::engine::ByeCause;
use crate::model::ErrorKind;
use crate::net::client::{Error, Incoming, Steady, SteadyEvent};
use crate::net::random;
use args::AckChoice;
use letter::Letter;
use output::Output;
use session_file::Session;
use std::collections::VecDeque;
use std::process::ExitCode;

/// The largest message that is taken.
const MAX_BODY: u64 = 32 << 20;
/// Messages for somebody else that are kept waiting; beyond it the oldest goes back.
const ASIDE: usize = 32;

/// Runs the tool with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    run::main::<RecvArgs>()
}

fn work(args: RecvArgs, out: &Printer) -> Outcome<Exit> {
    let config = Config::find(args.common.who.config.as_deref())?;
    let inbox = args.inbox.as_deref().map(|text| AddressBook::of(&config).find_one(text)).transpose()?;
    let account = account::settle(&args.common, &config, true)?;
    if account.user().is_none() {
        return Err(Failure::usage("nobody in particular gets no messages: --anonymous does not go with impp-recv"));
    }
    let fresh = random::connection_id();
    let session = match &args.session {
        Some(path) => Session::open(path, fresh)?,
        None => Session::new(fresh),
    };
    let output = Output::open(&args, out)?;
    let open = Open::new(&args.common, &account, out);
    run::block_on(async |stop| {
        let mut options = open.options()?;
        options.connection = session.connection;
        options.accepts_messages = true;
        options.inbox = inbox;
        options.max_body = MAX_BODY;
        let mut steady = stop.or(open.steady(options)).await?;
        let senders = args.from.iter().map(|text| Pattern::new(text)).collect();
        let deadline = open.deadline();
        let receiver =
            Receiver { args: &args, out, session, output, senders, aside: VecDeque::new(), taken: 0, lost: false, deadline };
        let end = receiver.receive(&mut steady, &stop).await;
        session::part(steady).await;
        end
    })
}

/// The reception as it goes on.
struct Receiver<'a> {
    args: &'a RecvArgs,
    out: &'a Printer,
    session: Session,
    output: Output<'a>,
    senders: Vec<Pattern>,
    /// Not for us: neither taken nor refused until we end, so that the server offers the ones behind them.
    aside: VecDeque<Incoming>,
    taken: u64,
    /// There is no connection at the moment.
    lost: bool,
    deadline: Deadline,
}

impl Receiver<'_> {
    async fn receive(mut self, steady: &mut Steady, stop: &Stop) -> Outcome<Exit> {
        let wanted = self.args.count.or(self.args.once.then_some(1));
        loop {
            let event = tokio::select! {
                biased;
                number = stop.asked() => return Ok(Exit::Signal(number)),
                () = self.deadline.over() => return self.out_of_time(wanted),
                event = steady.next_event() => event,
            };
            match event {
                Some(SteadyEvent::Message(message)) => self.message(message, stop).await?,
                Some(SteadyEvent::Lost { error, retry_in }) => {
                    self.lost = true;
                    self.out.note(&format!("lost: {error}; next attempt in {}", units::shown(retry_in)));
                }
                Some(SteadyEvent::Resumed { .. }) => {
                    self.lost = false;
                    self.out.note("resumed");
                }
                Some(SteadyEvent::Over(error)) => return Err(ended(error)),
                None => return Err(Failure::new(Exit::Internal, "cannot go on receiving")),
                Some(_) => {}
            }
            if wanted.is_some_and(|wanted| self.taken >= wanted) {
                return Ok(Exit::Yes);
            }
        }
    }

    /// Takes a message, leaves it, or refuses it. What fails on our side leaves it with the server.
    async fn message(&mut self, message: Incoming, stop: &Stop) -> Outcome<()> {
        if self.session.knows(&message.from, &message.target, &message.id) {
            message.accept();
            return Ok(());
        }
        let raw = message.frame.body_bytes();
        let mut letter = Letter::new(message.from.clone(), message.target.clone(), message.id.clone(), message.received, raw);
        if !self.is_wanted(&letter) {
            self.out.detail(&format!("left: {} from {}", letter.id, letter.from.shown()));
            self.aside.push_back(message);
            if self.aside.len() > ASIDE {
                self.aside.pop_front();
            }
            return Ok(());
        }
        if let Some(command) = &self.args.exec {
            let end = stop.or_late(self.deadline);
            let ended = handler::run_until(command, &variables(&letter), self.input(&letter), end).await?;
            let decides = self.args.ack != Some(AckChoice::Auto);
            match ended {
                // We end as well, and the message comes again.
                Ended::Stopped => return Ok(()),
                Ended::Later if decides => {
                    self.out.note(&format!("left for later by the command: {} from {}", letter.id, letter.from.shown()));
                    message.refuse(ErrorKind::TryLater, None);
                    return Ok(());
                }
                Ended::Badly(status) if decides => {
                    self.out.note(&format!("refused by the command ({status}): {} from {}", letter.id, letter.from.shown()));
                    message.refuse(ErrorKind::MailboxUnavailable, Some("refused by the receiver"));
                    return Ok(());
                }
                _ => {}
            }
        }
        self.output.write(&mut letter)?;
        self.session.shown(&letter.from, &letter.to, &letter.id)?;
        message.accept();
        self.taken += 1;
        Ok(())
    }

    fn is_wanted(&self, letter: &Letter) -> bool {
        let from = letter.from.to_email();
        let sender = self.senders.is_empty()
            || self.senders.iter().any(|pattern| pattern.fits(&from) || pattern.fits(letter.from.as_str()));
        let headers =
            self.args.matches.iter().all(|wanted| letter.header(&wanted.name).is_some_and(|value| wanted.pattern.fits(&value)));
        sender && headers
    }

    fn input(&self, letter: &Letter) -> Vec<u8> {
        if self.args.mime { letter.mime() } else { letter.text().into_bytes() }
    }

    /// What had not come by now: a no only if it would have been heard of.
    fn out_of_time(&self, wanted: Option<u64>) -> Outcome<Exit> {
        match (self.taken, wanted) {
            (1.., None) => Ok(Exit::Yes),
            _ if self.lost => Err(Deadline::unheard()),
            (0, _) => Ok(Exit::No),
            (_, Some(_)) => Ok(Exit::Partly),
        }
    }
}

/// What a handler is told in its environment.
fn variables(letter: &Letter) -> Vec<(&'static str, String)> {
    vec![
        ("IMPP_FROM", letter.from.to_email()),
        ("IMPP_TO", letter.to.to_email()),
        ("IMPP_ID", letter.id.to_string()),
        ("IMPP_SUBJECT", letter.mail.subject.clone().unwrap_or_default()),
        ("IMPP_URGENCY", letter.mail.urgency.as_str().to_owned()),
        ("IMPP_DATE", letter.date()),
        ("IMPP_TYPE", letter.mail.content_type.clone()),
        ("IMPP_AUTH", letter.auth().to_owned()),
        ("IMPP_CLAIMS", letter.claims().unwrap_or_default()),
    ]
}

fn ended(error: Error) -> Failure {
    if matches!(error, Error::Bye { cause: Some(ByeCause::Replaced), .. }) {
        return Failure::new(Exit::Unavailable, "cannot go on receiving: displaced, another program took this session over");
    }
    Trouble::from(error).doing("go on receiving")
}
