//! `--show`: what is published now, with tuples and card.

use super::{Plan, present};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::print::Printer;
use crate::cli::safe;
use crate::cli::seen::Seen;
use crate::cli::session::Session;
use crate::model::Presence;
use crate::model::Status;
use crate::model::presence::Tuple;

/// Prints it; the status says whether it is open.
pub(super) async fn show(plan: &Plan, session: &Session<'_>, out: &Printer) -> Outcome<Exit> {
    let owner = plan.owner(session)?;
    let (presence, version) = present(session, owner).await?;
    let mut line = lines_of_parts(&presence);
    let seen = Seen { address: owner.clone(), presence: Some(presence), version };
    let mut head = seen.columns(out);
    if let Some(since) = seen.since() {
        head += &format!("  {}", safe::line(&since));
    }
    line.insert(0, head);
    out.record(&seen.record().with("lease", None::<u64>), &line.join("\n"))?;
    Ok(if seen.is_open() == Some(true) { Exit::Yes } else { Exit::No })
}

/// A line per tuple and per field of the card.
///
/// *Shape:* `  laptop  open  busy  -  tel:+41  0.8`, `  fn: Ann Example`
fn lines_of_parts(presence: &Presence) -> Vec<String> {
    let tuples = presence.tuples.iter().map(tuple);
    let card = presence.card.iter().map(|(name, text)| format!("  {}: {}", safe::line(name), safe::line(text)));
    tuples.chain(card).collect()
}

fn tuple(tuple: &Tuple) -> String {
    let word = |text: Option<&str>| safe::line(text.unwrap_or("-")).into_owned();
    let note = tuple.note.as_deref().map(|note| format!("\"{note}\""));
    let status = tuple.status.map(Status::as_str);
    let columns = [&tuple.id, &status.map(str::to_owned), &tuple.activity, &note, &tuple.contact, &tuple.priority];
    format!("  {}", columns.map(|text| word(text.as_deref())).join("  "))
}
