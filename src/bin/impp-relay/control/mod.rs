//! Commands to a running relay, over its control socket.

mod acl;
pub(crate) mod args;
mod kick;
mod links;
mod mailbox;
mod orders;
mod sessions;
mod status;

use crate::settings;
use args::ControlWish;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::{Printer, Record, Shape};
use impp::cli::safe;
use impp::relay::control::{self, AskError};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Does one of them.
pub(crate) fn work(wish: &ControlWish, config: &Path, out: &Printer) -> Outcome<Exit> {
    let relay = Relay::of(config)?;
    match wish {
        ControlWish::Status(wish) => status::status(&relay, wish, out),
        ControlWish::Health(wish) => status::health(&relay, wish, out),
        ControlWish::Reload(wish) => orders::reload(&relay, wish, out),
        ControlWish::Drain(wish) => orders::drain(&relay, wish, out),
        ControlWish::LogLevel(wish) => orders::log_level(&relay, wish, out),
        ControlWish::Sessions(wish) => sessions::sessions(&relay, wish, out),
        ControlWish::Subscriptions(wish) => sessions::subscriptions(&relay, wish, out),
        ControlWish::Links(wish) => links::work(&relay, *wish, out),
        ControlWish::Mailbox(wish) => mailbox::work(&relay, wish, out),
        ControlWish::Acl(wish) => acl::work(&relay, wish, out),
        ControlWish::Kick(wish) => kick::work(&relay, wish, out),
    }
}

/// A relay that runs, as far as we know.
pub(crate) struct Relay {
    socket: PathBuf,
    pub(crate) config: impp::relay::config::Config,
}

impl Relay {
    /// The one of this configuration.
    pub(crate) fn of(config: &Path) -> Outcome<Self> {
        let config = settings::load(config)?;
        Ok(Self { socket: config.listen.control.clone(), config })
    }

    /// Where it is asked.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks; gives back the lines of the answer.
    pub(crate) fn ask(&self, question: Value) -> Outcome<Vec<Value>> {
        control::ask(&self.socket, question).map_err(|error| failure(&error))
    }

    /// Asks, and prints the answer: with `json` each line as it comes, else what `text` makes of all.
    pub(crate) fn list(
        &self,
        question: Value,
        json: bool,
        out: &Printer,
        text: impl FnOnce(&[Value]) -> Outcome<()>,
    ) -> Outcome<Exit> {
        if !json {
            text(&self.ask(question)?)?;
            return Ok(Exit::Yes);
        }
        let out = as_json(out);
        control::ask_each(&self.socket, question, None, |line| out.record(&record(&line), "").map_err(Stopped::Printing))
            .map_err(|stopped| match stopped {
                Stopped::Printing(failure) => failure,
                Stopped::Asking(error) => failure(&error),
            })?;
        Ok(Exit::Yes)
    }
}

enum Stopped {
    Asking(AskError),
    Printing(Failure),
}

impl From<AskError> for Stopped {
    fn from(error: AskError) -> Self {
        Self::Asking(error)
    }
}

/// A printer of objects.
pub(crate) fn as_json(out: &Printer) -> Printer {
    out.clone().with(Shape::Json, out.talk(), false, false)
}

/// A line of the answer as what we print.
pub(crate) fn record(line: &Value) -> Record {
    let fields = line.as_object().into_iter().flatten().filter(|(key, _)| *key != "v");
    fields.fold(Record::new(), |record, (key, value)| record.with(key, value.clone()))
}

/// A text of the answer, fit for a terminal.
pub(crate) fn said(line: &Value, key: &str) -> Option<String> {
    line.get(key).and_then(Value::as_str).map(|text| safe::line(text).into_owned())
}

/// The same, or a dash.
pub(crate) fn said_or_dash(line: &Value, key: &str) -> String {
    said(line, key).unwrap_or_else(|| "-".to_owned())
}

/// A number of the answer.
pub(crate) fn number(line: &Value, key: &str) -> u64 {
    line.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// What was typed for a user, as the relay is asked.
pub(crate) fn user(relay: &Relay, address: Option<&str>) -> Outcome<Value> {
    match address {
        None => Ok(Value::Null),
        Some(text) => Ok(json!(crate::user::full_address(text, &relay.config.domains)?.to_string())),
    }
}

/// The line and status of a question without an answer.
pub(crate) fn failure(error: &AskError) -> Failure {
    let exit = match error {
        AskError::NotRunning | AskError::Ended | AskError::Silent => Exit::TryLater,
        AskError::Denied => Exit::Denied,
        AskError::Io(_) => Exit::Io,
        AskError::Refused(_, code) => code.map_or(Exit::Unavailable, Exit::of_code),
        AskError::BadAnswer => Exit::Protocol,
    };
    Failure::new(exit, safe::line(&error.to_string()).into_owned())
}
