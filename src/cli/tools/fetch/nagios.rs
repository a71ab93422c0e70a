//! `--nagios`: the answers as one line and one status for a monitor.

use super::verdict::Quantifier;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::safe;
use crate::model::Address;

/// Names in a line; monitors cut long ones.
const NAMES: usize = 10;

/// A monitor's own statuses. The numbers from 64 would be out of its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl Grade {
    /// What has not been found out is never an alarm by itself.
    fn of(quantifier: Quantifier, states: &[Exit]) -> Self {
        let (open, closed) = (states.contains(&Exit::Yes), states.contains(&Exit::No));
        match quantifier.judge(states) {
            Exit::Yes => Self::Ok,
            Exit::No => Self::Critical,
            _ if quantifier != Quantifier::Plain => Self::Unknown,
            _ if closed && (open || states.len() > 1) => Self::Warning,
            _ => Self::Unknown,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The number is the monitor's; that of ours which is the same means something else.
    const fn exit(self) -> Exit {
        match self {
            Self::Ok => Exit::Yes,
            Self::Warning => Exit::No,
            Self::Critical => Exit::Partly,
            Self::Unknown => Exit::Unknown,
        }
    }
}

/// Writes the line and gives the status.
///
/// *Shape:* `PRESENCE WARNING - 1 of 2 open; closed: bob@example.org | open=1 closed=1 unknown=0`
pub(super) fn tell(quantifier: Quantifier, addresses: &[Address], states: &[Exit], out: &Printer) -> Outcome<Exit> {
    let grade = Grade::of(quantifier, states);
    let those = |wanted: &dyn Fn(Exit) -> bool| -> Vec<String> {
        addresses.iter().zip(states).filter(|(_, state)| wanted(**state)).map(|(address, _)| address.shown()).collect()
    };
    let (open, closed) = (those(&|state| state == Exit::Yes), those(&|state| state == Exit::No));
    let unknown = those(&|state| !matches!(state, Exit::Yes | Exit::No));
    let mut parts = vec![format!("{} of {} open", open.len(), addresses.len())];
    parts.extend([("closed", &closed), ("unknown", &unknown)].into_iter().filter_map(|(word, names)| list(word, names)));
    let data = format!("open={} closed={} unknown={}", open.len(), closed.len(), unknown.len());
    line(grade, &parts.join("; "), Some(&data), out)?;
    Ok(grade.exit())
}

/// A failure as a monitor understands it. An end by a signal, and a reader that went away, stay what they are.
pub(super) fn or_unknown(done: Outcome<Exit>, out: &Printer) -> Outcome<Exit> {
    match done {
        Err(failure) if failure.line().is_some() => {
            line(Grade::Unknown, failure.line().unwrap_or_default(), None, out).map_err(|_| Failure::silent(Exit::Unknown))?;
            Ok(Exit::Unknown)
        }
        other => other,
    }
}

fn line(grade: Grade, text: &str, data: Option<&str>, out: &Printer) -> Outcome<()> {
    // A bar begins the numbers.
    let text = safe::line(text).replace('|', "/");
    let data = data.map(|data| format!(" | {data}")).unwrap_or_default();
    out.line(&format!("PRESENCE {} - {text}{data}", grade.word()))
}

fn list(word: &str, names: &[String]) -> Option<String> {
    let shown = names.get(..NAMES).unwrap_or(names).join(", ");
    let more = names.len().saturating_sub(NAMES);
    match (names.is_empty(), more) {
        (true, _) => None,
        (_, 0) => Some(format!("{word}: {shown}")),
        _ => Some(format!("{word}: {shown} and {more} more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_no_alarm() {
        const O: Exit = Exit::Yes;
        const C: Exit = Exit::No;
        const N: Exit = Exit::TryLater;
        for (states, plain, any, all) in [
            (&[O][..], 0, 0, 0),
            (&[C], 2, 2, 2),
            (&[N], 3, 3, 3),
            (&[Exit::Unknown], 3, 3, 3),
            (&[O, C], 1, 0, 2),
            (&[O, N], 3, 0, 3),
            (&[C, N], 1, 3, 2),
            (&[C, C], 2, 2, 2),
        ] {
            let graded = [Quantifier::Plain, Quantifier::Any, Quantifier::All].map(|how| Grade::of(how, states).exit().code());
            assert_eq!(graded, [plain, any, all], "{states:?}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (0..12).map(|at| at.to_string()).collect();
        assert_eq!(list("closed", &names).unwrap(), "closed: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more");
        assert_eq!(list("closed", &[]), None);
    }
}
