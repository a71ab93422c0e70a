//! From the answers about several addresses to one status and one word.

use super::args::FetchArgs;
use crate::cli::exit::Exit;

/// How several states become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// All open, all closed, or some of each.
    #[default]
    Plain,
    /// At least one open.
    Any,
    /// All open.
    All,
}

impl Quantifier {
    pub(super) fn of(args: &FetchArgs) -> Self {
        match (args.any, args.all) {
            (true, _) => Self::Any,
            (_, true) => Self::All,
            _ => Self::Plain,
        }
    }

    /// The status. Each address has given [`Exit::Yes`] (open), [`Exit::No`] (closed), [`Exit::Unknown`] (withheld) or an error.
    ///
    /// What is not known never becomes a "no" that might be false: if the known ones do not settle the
    /// question, the first error is the answer, so that a network fault raises no false alarm.
    pub(super) fn judge(self, states: &[Exit]) -> Exit {
        let (open, closed) = (states.contains(&Exit::Yes), states.contains(&Exit::No));
        let unsure = states.iter().copied().find(|state| !matches!(state, Exit::Yes | Exit::No));
        match self {
            Self::Any if open => Exit::Yes,
            Self::All if closed => Exit::No,
            Self::Any => unsure.unwrap_or(Exit::No),
            Self::All => unsure.unwrap_or(Exit::Yes),
            Self::Plain => match (open, closed, unsure) {
                (true, false, None) => Exit::Yes,
                (false, true, None) => Exit::No,
                (false, false, Some(_)) => Exit::combine(states),
                _ => Exit::Partly,
            },
        }
    }
}

/// The word of `-1`.
pub(super) fn word(states: &[Exit]) -> &'static str {
    match Quantifier::Plain.judge(states) {
        Exit::Yes => "open",
        Exit::No => "closed",
        Exit::Partly if states.contains(&Exit::Yes) && states.contains(&Exit::No) => "mixed",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_become_one_status() {
        const O: Exit = Exit::Yes;
        const C: Exit = Exit::No;
        const W: Exit = Exit::Unknown;
        const N: Exit = Exit::TryLater;
        for (states, plain, any, all) in [
            (&[O][..], 0, 0, 0),
            (&[C], 1, 1, 1),
            (&[W], 3, 3, 3),
            (&[N], 75, 75, 75),
            (&[O, O], 0, 0, 0),
            (&[O, C], 2, 0, 1),
            (&[O, N], 2, 0, 75),
            (&[C, N], 2, 75, 1),
            (&[C, W], 2, 3, 1),
            (&[N, N], 75, 75, 75),
            (&[N, W], 2, 75, 75),
        ] {
            let judged = [Quantifier::Plain, Quantifier::Any, Quantifier::All].map(|how| how.judge(states).code());
            assert_eq!(judged, [plain, any, all], "{states:?}");
        }
        assert_eq!(
            [word(&[O]), word(&[C]), word(&[O, C]), word(&[O, N]), word(&[W])],
            ["open", "closed", "mixed", "unknown", "unknown"]
        );
    }
}
