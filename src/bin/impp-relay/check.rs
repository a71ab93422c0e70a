//! `impp-relay check config`: what is wrong with a configuration, one finding per line.

use crate::settings;
use impp::cli::exit::{Exit, Outcome};
use impp::cli::print::{Color, Printer, Record, Shape};
use impp::cli::safe;
use impp::net::Clock;
use impp::relay::config::check::Severity;
use impp::relay::config::{Config, ConfigError, ConfigFault};
use std::path::Path;

/// Judges the configuration and the files that it names: 0 sound, 1 errors, 2 warnings only.
pub(crate) fn work(file: &Path, json: bool, out: &Printer) -> Outcome<Exit> {
    let out = if json { &out.clone().with(Shape::Json, out.talk(), false, false) } else { out };
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error @ ConfigError { fault: ConfigFault::Read(_), .. }) => return Err(settings::failure(&error)),
        Err(error) => {
            say(out, Severity::Error, &error.to_string(), error.line)?;
            return Ok(Exit::No);
        }
    };
    let findings = config.check(Clock::now().unix);
    for finding in &findings {
        say(out, finding.severity(), &finding.to_string(), None)?;
    }
    Ok(verdict(findings.iter().map(|finding| finding.severity())))
}

fn verdict(findings: impl Iterator<Item = Severity>) -> Exit {
    match findings.max() {
        None => Exit::Yes,
        Some(Severity::Warning) => Exit::Partly,
        Some(Severity::Error) => Exit::No,
    }
}

fn say(out: &Printer, severity: Severity, text: &str, line: Option<usize>) -> Outcome<()> {
    let (word, color) = match severity {
        Severity::Warning => ("warning", Color::Dim),
        Severity::Error => ("error", Color::Bad),
    };
    let record = Record::new().with("severity", word).with("text", text).with("line", line);
    out.record(&record, &format!("{}: {}", out.paint(color, word), safe::line(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides() {
        use Severity::{Error, Warning};
        for (findings, exit) in [(&[][..], 0), (&[Warning], 2), (&[Warning, Error], 1), (&[Error], 1)] {
            assert_eq!(verdict(findings.iter().copied()).code(), exit, "{findings:?}");
        }
    }
}
