//! And back: what the other domain sees of ours when it looks for our server, or judges whom we say we are.

use super::State;
use super::Step;
use super::records;
use super::step;
use crate::model::Domain;
use crate::net::Clock;
use crate::net::client::Error;
use crate::net::dns::NoOffer;
use crate::net::dns::Published;
use crate::net::dns::Role;
use crate::net::link::Servers;
use crate::net::tls::AcceptedBy;
use crate::net::tls::Identity;
use crate::relay::neighbours::Neighbours;
use crate::service::Route;

/// Each finding. `reached`: whether the other domain let us in, so that it believes us for whatever reason.
pub(super) async fn explain(neighbours: &Neighbours, route: &Route, identity: Option<&Identity>, reached: bool) -> Vec<Step> {
    let published = Published::ask(neighbours.resolver(), &route.ours, Role::Server).await;
    let mut steps = records("our srv", &published);
    steps.push(found(&route.ours, &published));
    steps.push(match identity {
        Some(identity) => believed(neighbours, &route.ours, identity, reached).await,
        None => {
            let state = if reached { State::Warning } else { State::Error };
            step("our certificate", state, "there is none, so that other domains believe us by a secret alone")
        }
    });
    steps
}

/// Whether others find our server.
fn found(ours: &Domain, published: &Published) -> Step {
    let told = |state, text: String| step("our servers", state, text);
    match published.offers(&mut |_| 0) {
        Err(NoOffer::Declined) => told(
            State::Warning,
            format!("{ours} says that it takes no links: others answer over links that it opened, and open none"),
        ),
        Err(NoOffer::Undecided(..)) => told(State::Unknown, "others cannot find us either, if they hear the same".to_owned()),
        Ok(_) if published.is_silent() => told(
            State::Warning,
            format!("without SRV records others try {ours} itself; impp-srv --print-zone writes the lines to publish"),
        ),
        Ok(offers) => {
            let all: Vec<String> = offers.iter().map(|offer| format!("{}:{}", offer.host, offer.port)).collect();
            told(State::Good, format!("others try {}; impp-relay check connect judges these", all.join(", ")))
        }
    }
}

/// Whether others who trust the same authorities as we do would take our certificate for ours.
async fn believed(neighbours: &Neighbours, ours: &Domain, identity: &Identity, reached: bool) -> Step {
    let told = |state, text: String| step("our certificate", state, text);
    let servers = Servers::ask(ours, neighbours.resolver()).await.map_err(Error::Unreachable);
    let judged = servers.and_then(|servers| servers.prove(neighbours.authorities(), identity.chain(), Clock::now().unix));
    match judged {
        Ok(proof) if matches!(proof.by, AcceptedBy::Tlsa(_)) => {
            told(State::Good, format!("believed by {proof}, whoever issued it"))
        }
        Ok(proof) => told(State::Good, format!("believed by {proof}, where the same authorities are trusted as here")),
        Err(error @ Error::Unreachable(_)) => told(State::Unknown, error.to_string()),
        // The other side may know our key or our secret.
        Err(error) if reached => told(State::Warning, format!("{error}; this domain believes it, others would not")),
        Err(error) => told(State::Error, error.to_string()),
    }
}
