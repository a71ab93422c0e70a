//! A chart that grows while the watch goes on.

use super::history::{History, State};
use super::scale::Window;
use super::{Canvas, text};
use crate::cli::exit::Outcome;
use crate::cli::print::Printer;
use crate::cli::safe;
use crate::cli::seen::Seen;
use crate::model::{Address, UnixMillis};
use crate::net::Clock;
use jiff::tz::TimeZone;
use std::time::Duration;

/// How often the picture in a file becomes new without a change.
const PICTURE: Duration = Duration::from_secs(60);
/// How often the chart on a terminal does, at the most.
const TERMINAL: Duration = Duration::from_secs(1);

/// The chart of a running watch.
#[derive(Debug)]
pub(in crate::cli::tools::watch) struct Live {
    canvas: Canvas,
    span: Option<Duration>,
    history: History,
    begun: UnixMillis,
    /// Lines of the chart that stands on the terminal.
    standing: usize,
    /// What was last said, which stands below it.
    said: Option<String>,
}

impl Live {
    /// A chart of these addresses, of whom nothing is known yet.
    pub(in crate::cli::tools::watch) fn new(canvas: &Canvas, span: Option<Duration>, addresses: &[Address]) -> Self {
        let mut history = History::default();
        for address in addresses {
            history.row(&address.to_email(), || safe::line(&address.shown()).into_owned());
        }
        Self { canvas: canvas.clone(), span, history, begun: Clock::now().unix, standing: 0, said: None }
    }

    /// Somebody is in another state from now on.
    pub(in crate::cli::tools::watch) fn tell(&mut self, seen: &Seen) {
        let state = State::of(seen.word(), Some(seen.activity()));
        self.history.row(&seen.address.to_email(), || seen.address.shown()).tell(Clock::now().unix, state);
    }

    /// Takes what would be said on standard error, if the chart stands on a terminal, where that would tear it.
    pub(in crate::cli::tools::watch) fn takes(&mut self, text: &str, out: &Printer) -> bool {
        let takes = self.canvas == Canvas::Text && out.rows().is_some();
        if takes {
            self.said = Some(safe::cut(&safe::line(text), out.columns().saturating_sub(2)).into_owned());
        }
        takes
    }

    /// Waits until the chart would look different though nothing has happened.
    pub(in crate::cli::tools::watch) async fn stale(&self) {
        tokio::time::sleep(if self.canvas == Canvas::Text { TERMINAL } else { PICTURE }).await;
    }

    /// Draws it as it is now, over the one before. What is no terminal gets it once, at the end.
    pub(in crate::cli::tools::watch) fn draw(&mut self, out: &Printer) -> Outcome<()> {
        let window = Window::until(self.begun, Clock::now().unix, self.span);
        let Some(rows) = out.rows().filter(|_| self.canvas == Canvas::Text) else {
            return if self.canvas == Canvas::Text { Ok(()) } else { self.canvas.draw(&self.history, window, out) };
        };
        let lines = text::lines(&self.history, window, &text::Look::new(out.columns(), out), &TimeZone::system());
        let mut lines: Vec<&str> = lines.iter().flat_map(|line| line.split('\n')).collect();
        lines.extend(self.said.as_deref());
        // What has scrolled away cannot be drawn over: the newest lines of a low terminal have to do.
        lines.drain(..lines.len().saturating_sub(rows.saturating_sub(1).max(1)));
        out.redraw(self.standing, &lines)?;
        self.standing = lines.len();
        Ok(())
    }

    /// The last drawing.
    pub(in crate::cli::tools::watch) fn finish(&mut self, out: &Printer) -> Outcome<()> {
        match out.rows() {
            None if self.canvas == Canvas::Text => {
                let window = Window::until(self.begun, Clock::now().unix, self.span);
                self.canvas.draw(&self.history, window, out)
            }
            _ => self.draw(out),
        }
    }
}
