//! The relay's log: one event per line on standard error, in the form that the configuration asks for.

use impp::relay::LogLevel;
use impp::relay::config::Log;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, reload};

/// Begins to log; gives back how to log more or less. Whatever a peer sent stands quoted or escaped: the library's formatter sees to controls as well.
pub(crate) fn start(log: Log) -> LogLevel {
    let (filter_now, handle) = reload::Layer::new(filter(log.level));
    let lines = tracing_subscriber::fmt::layer().with_target(false).with_writer(std::io::stderr);
    let filtered = tracing_subscriber::registry().with(filter_now);
    // A second subscriber in the same process is refused; there is none.
    _ = match log.json {
        true => filtered.with(lines.json().flatten_event(true)).try_init(),
        false => filtered.with(lines.with_ansi(false)).try_init(),
    };
    // Fails only once the subscriber is gone, with the process.
    LogLevel::new(log.level, move |level| _ = handle.reload(filter(level)))
}

/// Libraries that we use tell each of their steps at `debug`, and what strangers wrote with it; that is for `trace` alone.
fn filter(level: &str) -> EnvFilter {
    let others = if level == "trace" { "debug" } else { "off" };
    EnvFilter::new(format!("{others},impp={level},impp_relay={level}"))
}
