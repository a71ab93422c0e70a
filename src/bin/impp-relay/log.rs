//! The relay's log: one event per line on standard error, in the form that the configuration asks for.

use impp::relay::config::Log;
use tracing_subscriber::EnvFilter;

/// Begins to log. Whatever a peer sent stands quoted or escaped: the library's formatter sees to controls as well.
pub(crate) fn start(log: Log) {
    let lines = tracing_subscriber::fmt().with_target(false).with_writer(std::io::stderr).with_env_filter(filter(log.level));
    // A second subscriber in the same process is refused; there is none.
    _ = if log.json { lines.json().flatten_event(true).try_init() } else { lines.with_ansi(false).try_init() };
}

/// Libraries that we use tell each of their steps at `debug`, and what strangers wrote with it; that is for `trace` alone.
fn filter(level: &str) -> EnvFilter {
    let others = if level == "trace" { "debug" } else { "off" };
    EnvFilter::new(format!("{others},impp={level},impp_relay={level}"))
}
