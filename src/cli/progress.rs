//! A bar on standard error for work that takes long, only where a terminal shows it.

use super::print::{Printer, Talk};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;

/// Bodies below this need no bar.
pub const BODY_OCTETS: u64 = 256 * 1024;
/// Fewer recipients or addresses need no bar.
pub const MANY: usize = 20;

/// A bar for a body of so many octets; hidden if it is small, nobody sees it, or `-q`.
#[must_use]
pub fn octets(out: &Printer, total: u64) -> ProgressBar {
    bar(out, total, total > BODY_OCTETS, "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes}")
}

/// A bar for so many addresses; hidden if they are few, nobody sees it, or `-q`.
#[must_use]
pub fn addresses(out: &Printer, total: usize) -> ProgressBar {
    bar(out, total as u64, total > MANY, "{msg} {wide_bar} {pos}/{len}")
}

/// A line for visits to addresses whose number becomes known on the way; hidden if nobody sees it, or `-q`.
#[must_use]
pub fn visits(out: &Printer) -> ProgressBar {
    bar(out, 0, true, "{msg}: {pos} of {len} addresses visited")
}

fn bar(out: &Printer, total: u64, long: bool, template: &str) -> ProgressBar {
    if !long || out.talk() == Talk::Quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style).with_message(out.tool()),
        Err(_) => bar,
    }
}
