//! `impp-relay check peers DOMAIN`: why there is a link to another domain, or why there is none.

use crate::args::PeersArgs;
use crate::settings;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::{Color, Printer, Record, Shape};
use impp::cli::{run, safe};
use impp::model::Domain;
use impp::relay::config::Config;
use impp::relay::path::{self, Path, PathError, State};
use serde_json::{Value, json};
use std::path::Path as FilePath;

/// Goes there as each of our domains: 0 it works, 1 it does not, 2 with warnings, 3 it could not be found out.
pub(crate) fn work(file: &FilePath, wish: &PeersArgs, out: &Printer) -> Outcome<Exit> {
    let out = if wish.json { &out.clone().with(Shape::Json, out.talk(), false, false) } else { out };
    let config = settings::load(file)?;
    let theirs = domain(&wish.domain)?;
    if config.domains.contains(&theirs) {
        return Err(Failure::usage(format!("{} is served here; name the domain to reach", theirs.shown())));
    }
    let ours = ours(&config, wish.from.as_deref())?;
    let paths = run::block_on(async |stop| {
        stop.or(async {
            let mut paths = Vec::new();
            for ours in &ours {
                paths.push(path::explain(&config, ours, &theirs).await.map_err(|error| failure(&error))?);
            }
            Ok(paths)
        })
        .await
    })?;
    for path in &paths {
        print(path, out)?;
    }
    Ok(exit(paths.iter().map(Path::state)))
}

fn domain(text: &str) -> Outcome<Domain> {
    Domain::parse(text).map_err(|why| Failure::new(Exit::Data, format!("{text:?} is no domain: {why}")))
}

fn ours(config: &Config, from: Option<&str>) -> Outcome<Vec<Domain>> {
    let Some(text) = from else { return Ok(config.domains.clone()) };
    let from = domain(text)?;
    if config.domains.contains(&from) {
        return Ok(vec![from]);
    }
    Err(Failure::new(Exit::NoHost, format!("{} is none of the domains of {}", from.shown(), config.file.display())))
}

fn failure(error: &PathError) -> Failure {
    Failure::new(Exit::Config, error.to_string())
}

fn exit(states: impl Iterator<Item = State>) -> Exit {
    match states.max() {
        None | Some(State::Good) => Exit::Yes,
        Some(State::Warning) => Exit::Partly,
        Some(State::Unknown) => Exit::Unknown,
        Some(State::Error) => Exit::No,
    }
}

fn print(path: &Path, out: &Printer) -> Outcome<()> {
    if !out.is_text() {
        let steps: Vec<Value> =
            path.steps.iter().map(|step| json!({"about": step.about, "state": step.state.as_str(), "text": step.text})).collect();
        let record = Record::new()
            .with("ours", path.ours.as_str())
            .with("theirs", path.theirs.as_str())
            .with("verdict", path.state().as_str())
            .with("code", exit(std::iter::once(path.state())).code())
            .with("steps", steps);
        return out.record(&record, "");
    }
    out.line(&format!("{} to {} and back", path.ours.shown(), path.theirs.shown()))?;
    for step in &path.steps {
        let color = match step.state {
            State::Good => Color::Good,
            State::Warning | State::Unknown => Color::Dim,
            State::Error => Color::Bad,
        };
        let word = out.paint(color, &format!("{:<7}", step.state.as_str()));
        out.line(&format!("{word} {:<15} {}", step.about, safe::line(&step.text)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_before_what_is_not_known_and_that_before_warnings() {
        use State::{Error, Good, Unknown, Warning};
        for (states, code) in
            [(&[][..], 0), (&[Good], 0), (&[Good, Warning], 2), (&[Warning, Unknown], 3), (&[Unknown, Error, Good], 1)]
        {
            assert_eq!(exit(states.iter().copied()).code(), code, "{states:?}");
        }
    }
}
