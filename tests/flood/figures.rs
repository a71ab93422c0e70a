//! Times in order, and what they come to.

use std::fmt;
use std::time::Duration;

/// What one round took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) send: Duration,
    pub(crate) fetch: Duration,
    /// Only in some rounds.
    pub(crate) login: Option<Duration>,
}

/// What many took.
#[derive(Default)]
pub(crate) struct Times {
    sends: Vec<Duration>,
    fetches: Vec<Duration>,
    logins: Vec<Duration>,
}

impl Times {
    pub(crate) fn add(&mut self, round: Round) {
        self.sends.push(round.send);
        self.fetches.push(round.fetch);
        self.logins.extend(round.login);
    }

    pub(crate) fn rounds(&self) -> usize {
        self.sends.len()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, times)) in [("send", &self.sends), ("fetch", &self.fetches), ("login", &self.logins)].iter().enumerate() {
            let mut times = (*times).clone();
            times.sort_unstable();
            let part = |share: f64| {
                let at = ((times.len() as f64 * share).ceil() as usize).clamp(1, times.len().max(1)) - 1;
                times.get(at).copied().unwrap_or_default().as_secs_f64() * 1000.0
            };
            let comma = if at > 0 { "; " } else { "" };
            write!(f, "{comma}{name} p50 {:.1} ms, p99 {:.1} ms ({} times)", part(0.5), part(0.99), times.len())?;
        }
        Ok(())
    }
}

/// Octets of memory that the process has.
pub(crate) fn rss(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1024
}

#[test]
fn percentiles_are_of_the_sorted() {
    let mut times = Times::default();
    for millis in (1..=100).rev() {
        let time = Duration::from_millis(millis);
        times.add(Round { send: time, fetch: time * 2, login: None });
    }
    let text = times.to_string();
    assert!(text.starts_with("send p50 50.0 ms, p99 99.0 ms (100 times); fetch p50 100.0 ms, p99 198.0 ms"), "{text}");
}
