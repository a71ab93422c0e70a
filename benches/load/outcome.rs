//! What one row came to.

use serde_json::json;
use std::fmt;
use std::time::Duration;

/// One row's figures; what a row does not measure is `None`.
#[derive(Debug, Default)]
pub struct Outcome {
    pub row: &'static str,
    /// How much there was around the work, in a row that grows.
    pub size: Option<usize>,
    pub peer: &'static str,
    pub tls: bool,
    /// What was done, and how often.
    pub operations: usize,
    /// Wall time of all.
    pub elapsed: Duration,
    /// The server's CPU time for all.
    pub cpu: Option<Duration>,
    /// Sorted.
    pub latencies: Vec<Duration>,
    /// The server's memory per connection, in octets.
    pub octets_per_connection: Option<u64>,
    /// The server's resident memory, in octets.
    pub resident: Option<u64>,
}

impl Outcome {
    pub const TITLES: &str = "row                          server      tls       ops     ops/s  us CPU/op    p50 us    p99 us    max us  KiB/conn   RSS MiB";

    fn quantile(&self, part: f64) -> Option<Duration> {
        let last = self.latencies.len().checked_sub(1)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index")]
        self.latencies.get((last as f64 * part).round() as usize).copied()
    }

    #[allow(clippy::cast_precision_loss, reason = "figures for people")]
    fn per_second(&self) -> f64 {
        self.operations as f64 / self.elapsed.as_secs_f64()
    }

    #[allow(clippy::cast_precision_loss, reason = "figures for people")]
    fn cpu_micros(&self) -> Option<f64> {
        self.cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / self.operations as f64)
    }

    /// For programs; times in microseconds, memory in octets.
    pub fn json(&self) -> serde_json::Value {
        let micros = |part| self.quantile(part).map(|time| time.as_secs_f64() * 1e6);
        json!({
            "v": 1, "row": self.row, "size": self.size, "server": self.peer, "tls": self.tls, "operations": self.operations,
            "per_second": self.per_second(), "cpu_us": self.cpu_micros(),
            "p50_us": micros(0.5), "p99_us": micros(0.99), "max_us": micros(1.0),
            "octets_per_connection": self.octets_per_connection, "resident_octets": self.resident,
        })
    }
}

impl fmt::Display for Outcome {
    #[allow(clippy::cast_precision_loss, reason = "figures for people")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
        let micros = |part| shown(self.quantile(part).map(|time| time.as_secs_f64() * 1e6));
        let row = self.size.map_or_else(|| self.row.to_owned(), |size| format!("{} {size}", self.row));
        write!(
            f,
            "{:<28} {:<11} {:<4} {:>8} {:>9.0} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9}",
            row,
            self.peer,
            if self.tls { "yes" } else { "no" },
            self.operations,
            self.per_second(),
            shown(self.cpu_micros()),
            micros(0.5),
            micros(0.99),
            micros(1.0),
            shown(self.octets_per_connection.map(|octets| octets as f64 / 1024.0)),
            shown(self.resident.map(|octets| octets as f64 / 1_048_576.0)),
        )
    }
}
