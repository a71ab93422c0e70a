//! `--queue-list`: what is in the spool, a line for each recipient who waits, and what was given up.

use super::args::SendArgs;
use super::spool::{self, Entry, Spool, Standing};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::print::{Color, Printer, Record};
use crate::cli::{safe, units};

/// Prints it.
pub(super) fn list(args: &SendArgs, out: &Printer) -> Outcome<Exit> {
    let folder = spool::find(args.queue.as_ref().and_then(Option::as_deref))?;
    let Some(spool) = Spool::existing(folder)? else { return Ok(Exit::Yes) };
    for name in spool.names()? {
        tell(spool.entry(&name), Standing::Open, out)?;
    }
    for name in spool.dead()? {
        tell(spool.dead_entry(&name), Standing::Failed, out)?;
    }
    Ok(Exit::Yes)
}

fn tell(entry: Outcome<Option<Entry>>, which: Standing, out: &Printer) -> Outcome<()> {
    let entry = match entry {
        Ok(Some(entry)) => entry,
        Ok(None) => return Ok(()),
        Err(failure) => {
            out.failure(&failure);
            return Ok(());
        }
    };
    let facts = &entry.facts;
    // One that cannot be read any more was just taken away.
    for (to, mark) in entry.marks().unwrap_or_default() {
        if mark.standing != which {
            continue;
        }
        let (state, color, code) = match which {
            Standing::Open => ("queued", Color::Dim, Exit::Unknown),
            _ => ("failed", Color::Bad, mark.exit),
        };
        let why = (!mark.word.is_empty()).then_some(mark.word.as_str());
        let record = Record::new()
            .with("to", to.to_email())
            .with("state", state)
            .with("id", facts.id.as_str())
            .with("server", None::<&str>)
            .with("ms", None::<u64>)
            .with("error", why)
            .with("code", code.code())
            .with("retry", which == Standing::Open)
            .with("queued", units::local(facts.queued))
            .with("expires", units::local(facts.expires))
            .with("octets", facts.octets);
        let line = format!(
            "{}  {}  {}  {}  {}  {}",
            units::local(facts.queued),
            units::shown_size(facts.octets),
            out.paint(color, state),
            safe::line(&to.shown()),
            safe::line(why.unwrap_or("-")),
            safe::line(facts.id.as_str())
        );
        out.record(&record, &line)?;
    }
    Ok(())
}
