//! A bar on standard error for work that takes long, only where a terminal shows it.

use super::print::{Printer, Talk};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;

/// Bodies below this need no bar.
pub const BODY_OCTETS: u64 = 256 * 1024;
/// Fewer recipients or addresses need no bar.
pub const MANY: usize = 20;

/// The deliveries of one message, by octets where it is large and else by recipients. Goes away when dropped.
#[derive(Debug)]
pub struct Deliveries {
    bar: ProgressBar,
    octets: u64,
    recipients: usize,
    width: usize,
}

/// A bar for a message of so many octets to so many recipients, `width` of them at a time; hidden if it is small and they
/// are few, nobody sees it, or `-q`.
#[must_use]
pub fn deliveries(out: &Printer, octets: u64, recipients: usize, width: usize) -> Deliveries {
    let bar = match octets > BODY_OCTETS {
        true => bar(out, octets * recipients as u64, true, "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes}"),
        false => addresses(out, recipients),
    };
    Deliveries { bar, octets, recipients, width }
}

impl Deliveries {
    /// Whether nobody sees it.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// So many recipients are answered for, and so many octets for others still wait here; `None`: there is no session yet.
    pub fn show(&self, settled: usize, unsent: Option<u64>) {
        if self.octets <= BODY_OCTETS {
            return self.bar.set_position(settled as u64);
        }
        let begun = if unsent.is_some() { settled.saturating_add(self.width).min(self.recipients) } else { settled };
        let gone = (begun as u64 * self.octets).saturating_sub(unsent.unwrap_or_default());
        self.bar.set_position(gone.max(settled as u64 * self.octets));
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar for what is in the spool, whose length is yet to be counted; hidden if nobody sees it, or `-q`.
#[must_use]
pub fn spool(out: &Printer) -> ProgressBar {
    bar(out, 0, true, "{msg} spool {wide_bar} {pos}/{len}")
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
    let bar = match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style).with_message(out.tool()),
        Err(_) => bar,
    };
    // From the beginning, however fast the rest is.
    bar.tick();
    bar
}
