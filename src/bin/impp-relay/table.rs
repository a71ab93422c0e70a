//! Tables for the eye: a heading, and columns that stand below each other.

use impp::cli::exit::Outcome;
use impp::cli::print::Printer;

/// Lines with a heading; none for no rows.
pub(crate) fn lines<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut widths = head.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    std::iter::once(line(&head.map(str::to_owned))).chain(rows.iter().map(|row| line(row))).collect()
}

/// Prints them.
pub(crate) fn print<const N: usize>(out: &Printer, head: [&str; N], rows: &[[String; N]]) -> Outcome<()> {
    lines(head, rows).iter().try_for_each(|line| out.line(line))
}
