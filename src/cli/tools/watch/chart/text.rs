//! The chart on a terminal: a row per address, a column per time step, a legend.

use super::history::{History, Lasted, Row};
use super::scale::{Scale, Window};
use crate::cli::print::{Color, Printer};
use jiff::tz::TimeZone;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns between the beginnings of two labels of the axis.
const APART: usize = 10;
/// Fewer columns for the time are no chart.
const FEWEST: usize = 10;
/// What stands behind a row: ` 100 %`.
const SHARE: usize = 6;

/// How it may look.
pub(super) struct Look<'a> {
    columns: usize,
    marks: &'static Marks,
    out: &'a Printer,
}

/// A character for each kind of column; each is told from the others without colour.
struct Marks {
    open: char,
    away: char,
    part: char,
    closed: char,
    unknown: char,
    cut: char,
}

const UNICODE: Marks = Marks { open: '█', away: '▒', part: '▄', closed: '·', unknown: ' ', cut: '…' };
const ASCII: Marks = Marks { open: '#', away: '=', part: '+', closed: '.', unknown: ' ', cut: '~' };

/// What a column shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Open,
    Away,
    /// Open for a part of the time.
    Part,
    Closed,
    Unknown,
}

impl<'a> Look<'a> {
    /// For a terminal of so many columns, with the characters that its locale has.
    pub(super) fn new(columns: usize, out: &'a Printer) -> Self {
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let locale = locale.unwrap_or_default().to_lowercase();
        let unicode = locale.contains("utf-8") || locale.contains("utf8");
        Self { columns, marks: if unicode { &UNICODE } else { &ASCII }, out }
    }

    fn mark(&self, cell: Cell) -> char {
        match cell {
            Cell::Open => self.marks.open,
            Cell::Away => self.marks.away,
            Cell::Part => self.marks.part,
            Cell::Closed => self.marks.closed,
            Cell::Unknown => self.marks.unknown,
        }
    }

    /// Neighbours of one kind in one go, so that colours cost little.
    fn paint(&self, cells: &[Cell]) -> String {
        cells
            .chunk_by(|one, next| one == next)
            .map(|run| {
                let cell = run.first().copied().unwrap_or(Cell::Unknown);
                let text: String = run.iter().map(|_| self.mark(cell)).collect();
                match cell {
                    Cell::Open | Cell::Part => self.out.paint(Color::Good, &text),
                    Cell::Away => self.out.paint(Color::Dim, &text),
                    Cell::Closed | Cell::Unknown => text,
                }
            })
            .collect()
    }
}

/// The lines of a chart.
pub(super) fn lines(history: &History, window: Window, look: &Look<'_>, zone: &TimeZone) -> Vec<String> {
    let widest = history.rows.iter().map(|row| row.label.width()).max().unwrap_or(0);
    let names = widest.min((look.columns / 3).max(FEWEST));
    // One column stays free: a terminal that is written full begins a line by itself.
    let room = look.columns.saturating_sub(names + 1 + SHARE + 1).max(FEWEST);
    let scale = Scale::new(window, room, zone);
    let mut lines = vec![scale.title(window), format!("{:names$} {}", "", axis(&scale))];
    lines.extend(history.rows.iter().map(|row| line(row, window, &scale, names, look)));
    lines.push(legend(&scale, look));
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Labels, each behind a bar at its column.
fn axis(scale: &Scale) -> String {
    let mut line = String::new();
    for (at, label) in scale.ticks(APART) {
        let column = usize::try_from((at.0 - scale.start.0) / scale.step).unwrap_or(usize::MAX);
        let label = format!("|{label}");
        // The last may reach over the shares, not over the edge.
        if column + label.len() <= scale.columns + SHARE && column >= line.len() {
            line += &format!("{:column$}", "").split_off(line.len());
            line += &label;
        }
    }
    line
}

fn line(row: &Row, window: Window, scale: &Scale, names: usize, look: &Look<'_>) -> String {
    let cells: Vec<Cell> = (0..scale.columns)
        .map(|column| {
            let (from, to) = (scale.at(column).max(window.from), scale.at(column + 1).min(window.to));
            if from < to { cell(row.lasted(from, to)) } else { Cell::Unknown }
        })
        .collect();
    let share = row.lasted(window.from, window.to).percent();
    let share = share.map_or_else(|| "-".to_owned(), |percent| format!("{percent} %"));
    format!("{} {} {share:>5}", fit(&row.label, names, look.marks.cut), look.paint(&cells))
}

fn cell(lasted: Lasted) -> Cell {
    match lasted {
        Lasted { open: 0, away: 0, closed: 0, .. } => Cell::Unknown,
        Lasted { open: 0, away: 0, .. } => Cell::Closed,
        Lasted { closed: 1.., .. } => Cell::Part,
        Lasted { open, away, .. } if away > open => Cell::Away,
        _ => Cell::Open,
    }
}

/// A name in exactly so many columns.
fn fit(name: &str, columns: usize, cut: char) -> String {
    let width = name.width();
    if width <= columns {
        return format!("{name}{:1$}", "", columns - width);
    }
    let mut text = String::new();
    let mut used = 1;
    for c in name.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            used -= c.width().unwrap_or(0);
            break;
        }
        text.push(c);
    }
    format!("{text}{cut}{:1$}", "", columns.saturating_sub(used))
}

fn legend(scale: &Scale, look: &Look<'_>) -> String {
    let entry = |cell, words| format!("{} {words}", look.paint(&[cell]));
    let entries = [
        entry(Cell::Open, "open"),
        entry(Cell::Away, "open but away, busy .."),
        entry(Cell::Part, "open for a part"),
        entry(Cell::Closed, "closed"),
        "blank: not known".to_owned(),
        "%: open, of the known time".to_owned(),
        format!("a column: {}", crate::cli::units::shown(std::time::Duration::from_millis(scale.step))),
    ];
    // In lines that fit, by their width without colours.
    let plain = |text: &str| {
        text.split('\u{1b}')
            .enumerate()
            .map(|(at, part)| if at == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) })
            .collect::<String>()
            .width()
    };
    let mut lines: Vec<String> = Vec::new();
    for entry in entries {
        match lines.last_mut() {
            Some(line) if plain(line) + 2 + plain(&entry) < look.columns => *line += &format!("  {entry}"),
            _ => lines.push(entry),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::print::{Shape, Talk};
    use crate::cli::tools::watch::chart::history::State;
    use crate::model::UnixMillis;

    fn history() -> History {
        let mut history = History::default();
        let at = |text: &str| UnixMillis::parse_rfc3339(&format!("2026-11-23T{text}:00Z")).unwrap();
        for (name, changes) in [
            (
                "ann@example.org",
                &[
                    ("08:00", State::Closed),
                    ("09:00", State::Open),
                    ("12:10", State::Away),
                    ("13:00", State::Open),
                    ("17:00", State::Closed),
                ][..],
            ),
            (
                "bob-with-a-very-long-name@department.example.org",
                &[("08:30", State::Open), ("10:00", State::Unknown), ("11:00", State::Open)],
            ),
            ("李@example.org", &[("08:00", State::Closed)]),
        ] {
            let row = history.row(name, || name.to_owned());
            changes.iter().for_each(|(time, state)| row.tell(at(time), *state));
        }
        history
    }

    fn drawn(columns: usize, marks: &'static Marks, color: bool) -> String {
        let history = history();
        let out = Printer::new("t").with(Shape::Text, Talk::Normal, false, color);
        let window = Window::of(&history, None).unwrap();
        lines(&history, window, &Look { columns, marks, out: &out }, &TimeZone::UTC).join("\n")
    }

    #[test]
    fn a_row_per_address_and_a_column_per_step() {
        let expected = "\
Mon 23 Nov 2026, 08:00 to 17:00 (UTC)
                           |08:00    |10:00    |12:00    |14:00    |16:00
ann@example.org            ·····████████████████▒▒▒▒████████████████████  89 %
bob-with-a-very-long-name…   ████████     ██████████████████████████████ 100 %
李@example.org             ·············································   0 %
█ open  ▒ open but away, busy ..  ▄ open for a part  · closed  blank: not known
%: open, of the known time  a column: 12 min";
        let text = drawn(80, &UNICODE, false);
        assert_eq!(text, expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in [20, 40, 80, 132, 300] {
            for line in drawn(columns, &UNICODE, false).lines().skip(1) {
                assert!(line.width() < columns.max(50), "{columns}: {line}");
            }
        }
    }

    #[test]
    fn without_unicode_and_with_colours() {
        let text = drawn(60, &ASCII, true);
        assert!(text.contains("\u{1b}[32m#") && text.contains("\u{1b}[33m=") && text.contains('~'), "{text}");
        assert!(drawn(60, &ASCII, false).lines().filter(|line| !line.contains('李')).all(str::is_ascii));
    }
}
