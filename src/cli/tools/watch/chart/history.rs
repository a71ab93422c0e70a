//! Who was in which state from when on.

use crate::model::UnixMillis;
use std::ops::AddAssign;

/// Changes of a row that are remembered; a chart that goes on for ever forgets its beginning.
const CHANGES: usize = 200_000;

/// What a chart tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::tools::watch) enum State {
    /// Nothing was told, or the connection was lost.
    Unknown,
    Closed,
    /// Open, with an activity other than `available`.
    Away,
    Open,
}

impl State {
    /// From the words of a record.
    pub(in crate::cli::tools::watch) fn of(status: &str, activity: Option<&str>) -> Self {
        match (status, activity.unwrap_or_default()) {
            ("open", "" | "available") => Self::Open,
            ("open", _) => Self::Away,
            ("closed", _) => Self::Closed,
            _ => Self::Unknown,
        }
    }
}

/// All rows, in the order in which they were first heard of.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) rows: Vec<Row>,
}

/// One address.
#[derive(Debug)]
pub(super) struct Row {
    /// As records name it.
    pub(super) address: String,
    /// As people read it, safe for one line.
    pub(super) label: String,
    /// In the order of time; neighbours differ.
    changes: Vec<(UnixMillis, State)>,
}

/// How long each state lasted, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lasted {
    pub(super) open: u64,
    pub(super) away: u64,
    pub(super) closed: u64,
    pub(super) unknown: u64,
}

impl History {
    /// The row of an address, made if it is new.
    pub(super) fn row(&mut self, address: &str, label: impl FnOnce() -> String) -> &mut Row {
        let at = self.rows.iter().position(|row| row.address == address).unwrap_or_else(|| {
            self.rows.push(Row { address: address.to_owned(), label: label(), changes: Vec::new() });
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }

    /// The first and the last moment at which anything was told.
    pub(super) fn bounds(&self) -> Option<(UnixMillis, UnixMillis)> {
        let first = self.rows.iter().filter_map(|row| row.changes.first()).map(|(at, _)| *at).min()?;
        let last = self.rows.iter().filter_map(|row| row.changes.last()).map(|(at, _)| *at).max()?;
        Some((first, last))
    }
}

impl Row {
    /// From `at` on it is so. Records mostly come in their order; one that does not goes where it belongs.
    pub(super) fn tell(&mut self, at: UnixMillis, state: State) {
        let place = self.changes.partition_point(|(known, _)| *known <= at);
        let newest = place == self.changes.len();
        match place.checked_sub(1).and_then(|before| self.changes.get_mut(before)) {
            Some((known, old)) if *known == at => *old = state,
            Some((_, old)) if *old == state && newest => {}
            _ => self.changes.insert(place, (at, state)),
        }
        if self.changes.len() > CHANGES {
            self.changes.drain(..CHANGES / 2);
        }
    }

    /// The pieces of this time in which the state was the same.
    pub(super) fn pieces(&self, from: UnixMillis, to: UnixMillis) -> Vec<(UnixMillis, UnixMillis, State)> {
        let first = self.changes.partition_point(|(at, _)| *at <= from);
        let state = first.checked_sub(1).and_then(|before| self.changes.get(before)).map_or(State::Unknown, |(_, state)| *state);
        let mut pieces = Vec::new();
        let (mut begun, mut state) = (from, state);
        for (at, next) in self.changes.iter().skip(first).take_while(|(at, _)| *at < to) {
            if *next != state {
                pieces.push((begun, *at, state));
                (begun, state) = (*at, *next);
            }
        }
        if begun < to {
            pieces.push((begun, to, state));
        }
        pieces
    }

    /// How long it was how.
    pub(super) fn lasted(&self, from: UnixMillis, to: UnixMillis) -> Lasted {
        let mut sum = Lasted::default();
        for (begun, ended, state) in self.pieces(from, to) {
            sum += (state, ended.0 - begun.0);
        }
        sum
    }
}

impl AddAssign<(State, u64)> for Lasted {
    fn add_assign(&mut self, (state, millis): (State, u64)) {
        match state {
            State::Unknown => self.unknown += millis,
            State::Closed => self.closed += millis,
            State::Away => self.away += millis,
            State::Open => self.open += millis,
        }
    }
}

impl Lasted {
    /// The share of the known time in which it was open, in whole percent; `None` if nothing is known.
    pub(super) fn percent(self) -> Option<u64> {
        let here = self.open + self.away;
        (100 * here + (here + self.closed) / 2).checked_div(here + self.closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasted_how_long() {
        let mut history = History::default();
        let row = history.row("a@x", || "a@x".into());
        for (at, state) in [
            (10, State::Closed),
            (20, State::Open),
            (25, State::Open),
            (40, State::Away),
            (30, State::Unknown),
            (30, State::Closed),
        ] {
            row.tell(UnixMillis(at), state);
        }
        let at = UnixMillis;
        assert_eq!(
            row.pieces(at(5), at(50)),
            [
                (at(5), at(10), State::Unknown),
                (at(10), at(20), State::Closed),
                (at(20), at(30), State::Open),
                (at(30), at(40), State::Closed),
                (at(40), at(50), State::Away),
            ]
        );
        let sum = row.lasted(at(0), at(50));
        assert_eq!(sum, Lasted { open: 10, away: 10, closed: 20, unknown: 10 });
        assert_eq!(sum.percent(), Some(50));
        assert_eq!((row.pieces(at(22), at(24)).len(), row.lasted(at(0), at(5)).percent()), (1, None));
        assert_eq!(history.bounds(), Some((at(10), at(40))));
    }

    #[test]
    fn the_beginning_is_forgotten_in_the_end() {
        let mut history = History::default();
        let row = history.row("a@x", || "a@x".into());
        for at in 0..=CHANGES as u64 {
            row.tell(UnixMillis(at), if at % 2 == 0 { State::Open } else { State::Closed });
        }
        assert_eq!(row.changes.len(), CHANGES / 2 + 1);
        assert_eq!(row.lasted(UnixMillis(0), UnixMillis(CHANGES as u64)).unknown, CHANGES as u64 / 2);
    }

    #[test]
    fn words_become_states() {
        for (status, activity, state) in [
            ("open", None, State::Open),
            ("open", Some("available"), State::Open),
            ("open", Some("lunch"), State::Away),
            ("closed", Some("lunch"), State::Closed),
            ("unknown", None, State::Unknown),
        ] {
            assert_eq!(State::of(status, activity), state);
        }
    }
}
