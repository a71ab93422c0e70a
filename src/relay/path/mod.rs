//! The way to another domain and back, decision by decision: for whoever wants to know why there is a link or why there is none.

mod back;
mod there;

use super::config::Config;
use super::domains;
use super::neighbours::Neighbours;
use super::neighbours::NeighboursError;
use crate::model::Domain;
use crate::net::ServerTls;
use crate::net::TlsFileError;
use crate::net::connect::TlsKind;
use crate::net::dns::Absent;
use crate::net::dns::Outcome;
use crate::net::dns::Published;
use crate::service::Route;
use core::fmt;
use std::sync::Arc;

/// The way between one of our domains and another.
#[derive(Debug)]
pub struct Path {
    /// Ours.
    pub ours: Domain,
    /// The other.
    pub theirs: Domain,
    /// What was found and decided, in order.
    pub steps: Vec<Step>,
}

/// One finding or decision.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is about; see docs/relay.md for all of these words.
    pub about: &'static str,
    /// What it means for the link.
    pub state: State,
    /// In words. Some of them may be a stranger's.
    pub text: String,
}

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Good,
    /// It works without this.
    Warning,
    /// It cannot be found out now.
    Unknown,
    /// So there is no link.
    Error,
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Error => "error",
        }
    }
}

impl Path {
    /// The worst of all steps.
    #[must_use]
    pub fn state(&self) -> State {
        self.steps.iter().map(|step| step.state).max().unwrap_or(State::Good)
    }
}

/// Why nothing can be said.
#[derive(Debug)]
pub enum PathError {
    /// Our certificate or its key.
    Tls(TlsFileError),
    /// What other domains are told by.
    Neighbours(NeighboursError),
    /// `interdomain.enabled` is false.
    SwitchedOff,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => error.fmt(f),
            Self::Neighbours(error) => error.fmt(f),
            Self::SwitchedOff => f.write_str("this relay talks to no other domain: interdomain.enabled is false"),
        }
    }
}

/// Goes the whole way to another domain as one of ours, logs in there and leaves, and looks back. The relay may be running.
///
/// # Errors
/// [`PathError`]; whatever is wrong with the way itself is told in its steps.
pub async fn explain(config: &Config, ours: &Domain, theirs: &Domain) -> Result<Path, PathError> {
    if !config.interdomain.enabled {
        return Err(PathError::SwitchedOff);
    }
    let tls = domains::tls_options(config).map(ServerTls::new).transpose().map_err(PathError::Tls)?.map(Arc::new);
    let us = domains::introduction(config);
    let neighbours = Neighbours::load(config, tls.clone(), us).map_err(PathError::Neighbours)?;
    let route = Route { ours: ours.clone(), theirs: theirs.clone() };
    let (mut there, reached) = there::explain(&neighbours, &route).await;
    let identity = tls.and_then(|tls| tls.identity(ours));
    there.extend(back::explain(&neighbours, &route, identity.as_ref(), reached).await);
    Ok(Path { ours: route.ours, theirs: route.theirs, steps: there })
}

fn step(about: &'static str, state: State, text: impl Into<String>) -> Step {
    Step { about, state, text: text.into() }
}

/// Both questions for SRV records with their answers.
fn records(about: &'static str, published: &Published) -> Vec<Step> {
    let sets = [(TlsKind::Require, &published.tls_first), (TlsKind::StartTls, &published.plain_start)];
    sets.into_iter()
        .map(|(kind, outcome)| {
            let question = published.role.question(kind, &published.domain);
            let (state, answer) = match outcome {
                Outcome::Records(answer) => {
                    let records: Vec<String> = answer.records.iter().map(ToString::to_string).collect();
                    (State::Good, format!("{} (DNSSEC: {})", records.join(", "), answer.security.as_str()))
                }
                Outcome::Absent(absence) => {
                    let what = if absence.what == Absent::Name { "no such name" } else { "no such record" };
                    (State::Good, format!("none, {what} (DNSSEC: {})", absence.security.as_str()))
                }
                Outcome::Failed(failure) => (State::Unknown, failure.to_string()),
            };
            step(about, state, format!("{question} SRV: {answer}"))
        })
        .collect()
}
