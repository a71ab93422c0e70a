//! `impp-relay kick`: a user's sessions end.

use super::args::KickArgs;
use super::{Relay, user};
use impp::cli::exit::{Exit, Outcome};
use impp::cli::print::Printer;
use serde_json::json;

/// Ends them; 69 if there is none.
pub(super) fn work(relay: &Relay, wish: &KickArgs, out: &Printer) -> Outcome<Exit> {
    let question = json!({"do": "kick", "user": user(relay, Some(&wish.address))?, "connection": wish.connection});
    relay.list(question, wish.json, out, |_| Ok(()))
}
