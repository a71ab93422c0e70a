//! The relay's log: one event per line on standard error, in the form that the configuration asks for.

use impp::relay::config::Log;
use tracing::level_filters::LevelFilter;

/// Begins to log. Whatever a peer sent stands quoted or escaped: the library's formatter sees to controls as well.
pub(crate) fn start(log: Log) {
    let level = log.level.parse().unwrap_or(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt().with_max_level(level).with_target(false).with_writer(std::io::stderr);
    // A second subscriber in the same process is refused; there is none.
    _ = if log.json { lines.json().flatten_event(true).try_init() } else { lines.with_ansi(false).try_init() };
}
