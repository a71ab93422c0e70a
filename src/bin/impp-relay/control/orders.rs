//! `impp-relay reload`, `drain` and `log-level`: what changes the relay itself.

use super::args::{DrainArgs, LogLevelArgs, Plainly};
use super::{Relay, Stopped, as_json, failure, number, record, said_or_dash};
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::Printer;
use impp::relay::control::{AskError, ask_each};
use serde_json::json;

/// 78 and all stays as it was, if anything new is wrong.
pub(super) fn reload(relay: &Relay, wish: &Plainly, out: &Printer) -> Outcome<Exit> {
    relay.list(json!({"do": "reload"}), wish.json, out, |_| Ok(()))
}

/// Ends when that has begun; with `--wait` when the relay has ended.
pub(super) fn drain(relay: &Relay, wish: &DrainArgs, out: &Printer) -> Outcome<Exit> {
    let question = json!({
        "do": "drain",
        "over_s": wish.over.map(|over| over.as_secs()),
        "deadline_s": wish.deadline.map(|deadline| deadline.as_secs()),
        "wait": wish.wait,
    });
    let mut begun = false;
    let asked = ask_each(relay.socket(), question, None, |line| {
        begun = true;
        let text = format!("{} connections are sent away within {} s", number(&line, "connections"), number(&line, "over_s"));
        match wish.json {
            true => as_json(out).record(&record(&line), "").map_err(Stopped::Printing),
            false => {
                out.note(&text);
                Ok(())
            }
        }
    });
    match asked {
        Ok(()) => Ok(Exit::Yes),
        // It ended, and everything with it: that is what was waited for.
        Err(Stopped::Asking(AskError::Ended)) if wish.wait && begun => Ok(Exit::Yes),
        Err(Stopped::Asking(error)) => Err(failure(&error)),
        Err(Stopped::Printing(failure)) => Err(failure),
    }
}

/// Tells the level, or sets it until the next reload.
pub(super) fn log_level(relay: &Relay, wish: &LogLevelArgs, out: &Printer) -> Outcome<Exit> {
    let level = wish.level.as_deref();
    relay.list(json!({"do": "log-level", "level": level}), wish.json, out, |lines| match (level, lines) {
        (Some(_), _) => Ok(()),
        (None, [line]) => out.line(&said_or_dash(line, "level")),
        (None, _) => Err(Failure::silent(Exit::Protocol)),
    })
}
