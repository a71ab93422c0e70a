//! Time along an axis: which stretch, how much per column, and where the labels stand.

use super::history::History;
use crate::model::UnixMillis;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Lengths, in milliseconds, of which a round time of the clock has a whole number; a column may be any of them, labels stand
/// only as far apart as those with `true`, which people count time by.
const STEPS: [(u64, bool); 34] = [
    (SECOND, true),
    (2 * SECOND, true),
    (3 * SECOND, false),
    (4 * SECOND, false),
    (5 * SECOND, true),
    (6 * SECOND, false),
    (10 * SECOND, true),
    (12 * SECOND, false),
    (15 * SECOND, true),
    (20 * SECOND, false),
    (30 * SECOND, true),
    (MINUTE, true),
    (2 * MINUTE, true),
    (3 * MINUTE, false),
    (4 * MINUTE, false),
    (5 * MINUTE, true),
    (6 * MINUTE, false),
    (10 * MINUTE, true),
    (12 * MINUTE, false),
    (15 * MINUTE, true),
    (20 * MINUTE, false),
    (30 * MINUTE, true),
    (HOUR, true),
    (2 * HOUR, true),
    (3 * HOUR, true),
    (4 * HOUR, false),
    (6 * HOUR, true),
    (8 * HOUR, false),
    (12 * HOUR, true),
    (DAY, true),
    (2 * DAY, true),
    (7 * DAY, true),
    (14 * DAY, true),
    (28 * DAY, true),
];

/// The stretch of time that is drawn; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: UnixMillis,
    pub(super) to: UnixMillis,
}

/// A window cut into columns.
#[derive(Debug)]
pub(super) struct Scale {
    /// Where the first column begins: a round time of the clock on the wall.
    pub(super) start: UnixMillis,
    /// Milliseconds of a column.
    pub(super) step: u64,
    pub(super) columns: usize,
    zone: TimeZone,
    /// The clock on the wall is ahead of UTC by so many milliseconds, at the start.
    offset: i64,
}

impl Window {
    /// What a history spans, or the last `span` of it. `None`: nothing was told.
    pub(super) fn of(history: &History, span: Option<Duration>) -> Option<Self> {
        let (first, last) = history.bounds()?;
        Some(Self::until(first, last, span))
    }

    /// From `first`, or `span` before the end if that is later; at least a second.
    pub(super) fn until(first: UnixMillis, last: UnixMillis, span: Option<Duration>) -> Self {
        let to = UnixMillis(last.0.max(first.0 + SECOND));
        let span = span.and_then(|span| u64::try_from(span.as_millis()).ok()).map(|span| to.0.saturating_sub(span.max(SECOND)));
        Self { from: UnixMillis(span.unwrap_or(0).max(first.0)), to }
    }
}

impl Scale {
    /// As fine as fits into so many columns.
    pub(super) fn new(window: Window, columns: usize, zone: &TimeZone) -> Self {
        let zone = zone.clone();
        let offset = i64::from(zone.to_offset(stamp(window.from)).seconds()) * 1000;
        let columns = columns.max(1) as u64;
        let longer = (2..).map(|factor: u64| factor * 28 * DAY);
        let fits = |step: &u64| {
            let start = floor(window.from, *step, offset);
            (window.to.0 - start.0).div_ceil(*step) <= columns
        };
        let step = STEPS.into_iter().map(|(step, _)| step).chain(longer).find(fits).unwrap_or(u64::MAX);
        let start = floor(window.from, step, offset);
        let columns = usize::try_from((window.to.0 - start.0).div_ceil(step)).unwrap_or(1);
        Self { start, step, columns, zone, offset }
    }

    /// Where a column begins.
    pub(super) fn at(&self, column: usize) -> UnixMillis {
        UnixMillis(self.start.0.saturating_add(self.step.saturating_mul(column as u64)))
    }

    /// Moments to be labelled, at least so many columns apart, with their labels.
    pub(super) fn ticks(&self, apart: usize) -> Vec<(UnixMillis, String)> {
        let least = self.step.saturating_mul(apart as u64);
        let longer = (2..).map(|factor: u64| factor * 28 * DAY);
        let periods = STEPS.into_iter().filter_map(|(step, labels)| labels.then_some(step));
        let period = periods.chain(longer).find(|period| *period >= least).unwrap_or(u64::MAX);
        let end = self.at(self.columns);
        let mut at = floor(self.start, period, self.offset);
        let mut ticks = Vec::new();
        while at < end {
            if at >= self.start {
                ticks.push((at, self.label(at, period)));
            }
            at = UnixMillis(at.0.saturating_add(period));
        }
        ticks
    }

    fn label(&self, at: UnixMillis, period: u64) -> String {
        let there = stamp(at).to_zoned(self.zone.clone());
        let midnight = there.strftime("%H:%M:%S").to_string() == "00:00:00";
        let format = match period {
            _ if period >= DAY || midnight => "%d %b",
            _ if period >= MINUTE => "%H:%M",
            _ => "%H:%M:%S",
        };
        there.strftime(format).to_string()
    }

    /// What the whole shows.
    ///
    /// *Shape:* `Mon 23 Nov 2026, 08:00 to 17:30 (UTC+01:00)`
    pub(super) fn title(&self, window: Window) -> String {
        let there = |at| stamp(at).to_zoned(self.zone.clone());
        let (from, to) = (there(window.from), there(window.to));
        let clock = if self.step < MINUTE { "%H:%M:%S" } else { "%H:%M" };
        let day = "%a %d %b %Y";
        let same = from.date() == to.date();
        let until = if same { to.strftime(clock).to_string() } else { to.strftime(&format!("{day}, {clock}")).to_string() };
        let offset = from.strftime("%:z").to_string().replace("+00:00", "");
        format!("{} to {until} (UTC{offset})", from.strftime(&format!("{day}, {clock}")))
    }
}

/// The last round time before, by the clock on the wall.
fn floor(at: UnixMillis, step: u64, offset: i64) -> UnixMillis {
    // The days of this count begin on a Thursday, weeks on the wall on a Monday.
    let monday = if step.is_multiple_of(7 * DAY) { 4 * DAY } else { 0 };
    let wall = at.0.saturating_add_signed(offset).saturating_sub(monday);
    UnixMillis((wall - wall % step).saturating_add(monday).saturating_add_signed(-offset))
}

fn stamp(at: UnixMillis) -> Timestamp {
    i64::try_from(at.0).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMillis {
        UnixMillis::parse_rfc3339(text).unwrap()
    }

    fn scale(from: &str, to: &str, columns: usize) -> Scale {
        let window = Window { from: at(from), to: at(to) };
        Scale::new(window, columns, &TimeZone::fixed(jiff::tz::offset(1)))
    }

    #[test]
    fn columns_begin_at_round_times_of_the_wall() {
        for (from, to, columns, step, start, used) in [
            ("2026-11-23T12:00:01Z", "2026-11-23T12:00:09Z", 80, SECOND, "2026-11-23T12:00:01Z", 8),
            ("2026-11-23T07:52:00Z", "2026-11-23T16:10:00Z", 60, 10 * MINUTE, "2026-11-23T07:50:00Z", 50),
            // What fits only without the rounding takes the next step.
            ("2026-11-23T07:51:00Z", "2026-11-23T08:51:00Z", 6, 12 * MINUTE, "2026-11-23T07:48:00Z", 6),
            ("2026-11-23T12:00:00Z", "2026-11-29T12:00:00Z", 10, DAY, "2026-11-22T23:00:00Z", 7),
            // Weeks begin on a Monday.
            ("2026-11-23T12:00:00Z", "2026-12-23T12:00:00Z", 6, 7 * DAY, "2026-11-22T23:00:00Z", 5),
        ] {
            let scale = scale(from, to, columns);
            assert_eq!((scale.step, scale.start, scale.columns), (step, at(start), used), "{from} {to}");
        }
        let years = scale("1990-11-23T12:00:00Z", "2026-11-29T12:00:00Z", 10);
        assert!(years.columns <= 10 && years.step > 365 * DAY, "{years:?}");
    }

    #[test]
    fn labels_stand_at_round_times_far_enough_apart() {
        let labels = |from: &str, to: &str, columns: usize| {
            scale(from, to, columns).ticks(8).into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels("2026-11-23T07:52:00Z", "2026-11-23T16:10:00Z", 60), "10:00 12:00 14:00 16:00");
        assert_eq!(labels("2026-11-23T19:00:00Z", "2026-11-24T07:00:00Z", 60), "20:00 22:00 24 Nov 02:00 04:00 06:00");
        assert_eq!(labels("2026-11-23T12:00:00Z", "2026-12-23T12:00:00Z", 60), "23 Nov 07 Dec 21 Dec");
        assert_eq!(labels("2026-11-23T12:00:01Z", "2026-11-23T12:00:21Z", 60), "13:00:10 13:00:20");
    }

    #[test]
    fn a_window_is_never_empty() {
        let noon = at("2026-11-23T12:00:00Z");
        let whole = Window::until(noon, noon, None);
        assert_eq!((whole.from, whole.to), (noon, UnixMillis(noon.0 + SECOND)));
        let later = UnixMillis(noon.0 + HOUR);
        assert_eq!(Window::until(noon, later, Some(Duration::from_secs(60))).from, UnixMillis(later.0 - MINUTE));
        assert_eq!(Window::until(noon, later, Some(Duration::from_secs(86_400))).from, noon);
        let title = scale("2026-11-23T07:52:00Z", "2026-11-23T16:10:00Z", 60);
        let window = Window { from: at("2026-11-23T07:52:00Z"), to: at("2026-11-23T16:10:00Z") };
        assert_eq!(title.title(window), "Mon 23 Nov 2026, 08:52 to 17:10 (UTC+01:00)");
    }
}
