//! The chart as a picture: SVG that stands alone and follows the reader's light or dark screen.

use super::history::{History, Row, State};
use super::scale::{Scale, Window};
use crate::cli::safe;
use crate::cli::units;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

/// Pixels, as all lengths here.
const TIME: f64 = 760.0;
const ROW: f64 = 26.0;
const BAR: f64 = 16.0;
const TOP: f64 = 74.0;
const MARGIN: f64 = 20.0;
const BELOW: f64 = 58.0;
const SHARE: f64 = 52.0;
/// A character of a name, about.
const CHARACTER: f64 = 7.3;
/// A row of more pieces is drawn by its columns: nobody can tell more apart.
const PIECES: usize = 2000;

const STYLE: &str = "\
text{font:13px system-ui,'DejaVu Sans',sans-serif;fill:#222}.h{font-size:15px;font-weight:600}.a{font-size:11px;fill:#666}\
.page{fill:#fff}.g{stroke:#ddd}.open{fill:#2c9a52}.away{fill:#e3a21a}.closed{fill:#d5d9dd}.track{fill:#f3f4f6}\
@media(prefers-color-scheme:dark){text{fill:#e6e6e6}.a{fill:#a0a4a8}.page{fill:#16181b}.g{stroke:#33383d}\
.closed{fill:#454b52}.track{fill:#1f2327}}";

/// Draws it.
pub(super) fn svg(history: &History, window: Window, zone: &TimeZone) -> String {
    let widest = history.rows.iter().map(|row| row.label.width()).max().unwrap_or(0).min(48);
    let left = MARGIN + CHARACTER * widest as f64 + 14.0;
    let bottom = TOP + ROW * history.rows.len() as f64;
    let (width, height) = (left + TIME + SHARE + MARGIN, bottom + BELOW);
    // Columns are the pixels; their step rounds nothing here but the times of the labels.
    let scale = Scale::new(window, TIME as usize, zone);
    let place = Place { left, window };
    let mut out = String::new();
    _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         role=\"img\"><title>Who was open when</title><style>{STYLE}</style>\
         <rect class=\"page\" width=\"100%\" height=\"100%\"/>\
         <text class=\"h\" x=\"{MARGIN}\" y=\"32\">Who was open when</text>\
         <text class=\"a\" x=\"{MARGIN}\" y=\"50\">{}</text>",
        escape(&scale.title(window))
    );
    for (at, label) in scale.ticks(84) {
        let x = place.x(at.0);
        if (left..=left + TIME).contains(&x) {
            _ = write!(
                out,
                "<line class=\"g\" x1=\"{x:.1}\" y1=\"{:.0}\" x2=\"{x:.1}\" y2=\"{bottom:.0}\"/>\
                 <text class=\"a\" x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
                TOP - 4.0,
                TOP - 9.0,
                escape(&label)
            );
        }
    }
    for (number, row) in history.rows.iter().enumerate() {
        draw_row(&mut out, row, TOP + ROW * number as f64, &place, &scale);
    }
    legend(&mut out, left, bottom + 30.0);
    out.push_str("</svg>\n");
    out
}

/// Where moments lie.
struct Place {
    left: f64,
    window: Window,
}

impl Place {
    fn x(&self, millis: u64) -> f64 {
        let length = (self.window.to.0 - self.window.from.0).max(1) as f64;
        self.left + TIME * (millis as f64 - self.window.from.0 as f64) / length
    }
}

fn draw_row(out: &mut String, row: &Row, top: f64, place: &Place, scale: &Scale) {
    let (base, bar) = (top + ROW / 2.0 + 4.5, top + (ROW - BAR) / 2.0);
    let name = safe::cut(&row.label, 46);
    _ = write!(out, "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\">{}</text>", place.left - 10.0, escape(&name));
    _ = write!(out, "<rect class=\"track\" x=\"{:.1}\" y=\"{bar:.1}\" width=\"{TIME}\" height=\"{BAR}\"/>", place.left);
    for (from, to, state) in pieces(row, place.window, scale) {
        let Some((class, word)) = class(state) else { continue };
        // Closed is a thin line, so that open stands out in print as well.
        let (y, height) = if state == State::Closed { (bar + BAR / 2.0 - 2.0, 4.0) } else { (bar, BAR) };
        let (x, end) = (place.x(from), place.x(to));
        let at = |millis| units::local(crate::model::UnixMillis(millis));
        _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{y:.1}\" width=\"{:.2}\" height=\"{height}\"><title>{}: {word}, {} to {}</title></rect>",
            (end - x).max(0.5),
            escape(&name),
            at(from),
            at(to)
        );
    }
    let share = row.lasted(place.window.from, place.window.to).percent();
    let share = share.map_or_else(|| "-".to_owned(), |percent| format!("{percent} %"));
    _ = write!(out, "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\">{share}</text>", place.left + TIME + SHARE);
}

fn pieces(row: &Row, window: Window, scale: &Scale) -> Vec<(u64, u64, State)> {
    let exact = row.pieces(window.from, window.to);
    if exact.len() <= PIECES {
        return exact.into_iter().map(|(from, to, state)| (from.0, to.0, state)).collect();
    }
    let columns = (0..scale.columns).map(|column| (scale.at(column).max(window.from), scale.at(column + 1).min(window.to)));
    columns
        .filter(|(from, to)| from < to)
        .map(|(from, to)| {
            let lasted = row.lasted(from, to);
            let by_length = [(lasted.open, State::Open), (lasted.away, State::Away), (lasted.closed, State::Closed)];
            let most = by_length.into_iter().filter(|(length, _)| *length > 0).max_by_key(|(length, _)| *length);
            (from.0, to.0, most.map_or(State::Unknown, |(_, state)| state))
        })
        .collect()
}

const fn class(state: State) -> Option<(&'static str, &'static str)> {
    match state {
        State::Open => Some(("open", "open")),
        State::Away => Some(("away", "open but away, busy ..")),
        State::Closed => Some(("closed", "closed")),
        State::Unknown => None,
    }
}

fn legend(out: &mut String, left: f64, y: f64) {
    let mut x = left;
    for (state, width) in [(State::Open, 70.0), (State::Away, 180.0), (State::Closed, 85.0), (State::Unknown, 0.0)] {
        let (class, word) = class(state).unwrap_or(("track", "not known"));
        let (top, height) = if state == State::Closed { (y - 6.0, 4.0) } else { (y - 10.0, 12.0) };
        _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"18\" height=\"{height}\"/>\
             <text class=\"a\" x=\"{:.1}\" y=\"{y:.1}\">{word}</text>",
            x + 24.0
        );
        x += width;
    }
    _ = write!(
        out,
        "<text class=\"a\" x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\">% open, of the known time</text>",
        left + TIME + SHARE
    );
}

/// Text between tags. Names are safe for a line already; XML has its own three.
fn escape(text: &str) -> String {
    safe::xml(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnixMillis;

    fn drawn(changes: u64) -> String {
        let mut history = History::default();
        let noon = UnixMillis::parse_rfc3339("2026-11-23T12:00:00Z").unwrap().0;
        let row = history.row("a&b@x", || "a&b<i>@x".to_owned());
        for number in 0..changes {
            let state = if number % 2 == 0 { State::Open } else { State::Closed };
            row.tell(UnixMillis(noon + number * 60_000), state);
        }
        svg(&history, Window::of(&history, None).unwrap(), &TimeZone::UTC)
    }

    #[test]
    fn a_picture_is_sound_xml_with_exact_times() {
        let text = drawn(3);
        let mut reader = quick_xml_reader(&text);
        assert!(reader > 20, "{reader}: {text}");
        reader = text.matches("class=\"open\"").count();
        assert_eq!(reader, 2, "one piece and the legend");
        assert!(text.contains("a&amp;b&lt;i&gt;@x: open, ") && text.contains(">50 %<"), "{text}");
        assert!(text.contains("x=\"85.10\"") || text.contains("width=\"380.00\""), "{text}");
    }

    /// How many elements it has, nested as they should be.
    fn quick_xml_reader(text: &str) -> usize {
        let mut open = Vec::new();
        let mut elements = 0;
        for part in text.split('<').skip(1) {
            let (tag, _) = part.split_once('>').unwrap();
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{text}"),
                None => {
                    elements += 1;
                    if !tag.ends_with('/') {
                        open.push(tag.split(' ').next().unwrap());
                    }
                }
            }
        }
        assert!(open.is_empty());
        elements
    }

    #[test]
    fn a_picture_of_many_changes_stays_small() {
        let text = drawn(20_000);
        assert!(text.len() < 400_000, "{}", text.len());
        quick_xml_reader(&text);
    }
}
