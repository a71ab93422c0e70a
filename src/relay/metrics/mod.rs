//! What the relay counts while it works, and how Prometheus is told.

mod catalogue;
mod ending;
mod number;
mod process;
mod scrape;
mod text;

pub use catalogue::FAMILIES;
pub use catalogue::Family;
pub use catalogue::Kind;
pub(super) use ending::Ending;
pub(super) use scrape::Scrape;
pub(super) use text::CONTENT_TYPE;

use crate::engine::End;
use crate::engine::Mechanism;
use crate::model::ErrorKind;
use crate::model::Method;
use crate::model::UnixMillis;
use crate::service::Limit;
use number::ByName;
use number::Counter;
use number::Histogram;
use std::time::Duration;

/// From a message between two that are connected to one that waits for a client's whole patience.
const DELIVERY_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// From a good SSD to a disk in trouble.
const COMMIT_SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// How an accepted connection ends, in one word each.
const ENDS: &[&str] = &[
    "bye",
    "closed",
    "lost",
    "malformed",
    "too-large",
    "flood",
    "failures",
    "login-time",
    "idle",
    "limit",
    "handshake",
    "room",
    "refused",
    "dropped",
];
/// Names of mechanisms, and what stands for any other.
const MECHANISMS: &[&str] = &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "EXTERNAL", "PLAIN", "ANONYMOUS", UNKNOWN];
const UNKNOWN: &str = "unknown";

/// How an accepted connection ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// As the engine says.
    Ended(End),
    /// The stream broke, or the peer stalled.
    Broke,
    /// It took more than it may.
    SentAway,
    /// The handshake of TLS came to nothing.
    Handshake,
    /// So did the time for it.
    LoginTime,
    /// It had not logged in, and another needed its place.
    MadeRoom,
    /// It was never let in.
    NotLetIn,
    /// The relay ended first, or something in it broke.
    Dropped,
}

/// Counted as it happens.
#[derive(Debug)]
pub(super) struct Metrics {
    started: UnixMillis,
    pub(super) accepted_plain: Counter,
    pub(super) accepted_tls: Counter,
    pub(super) handshakes_failed: Counter,
    pub(super) logins_users: Counter,
    pub(super) logins_domains: Counter,
    pub(super) store_failures: Counter,
    pub(super) delivered: Counter,
    pub(super) stored: Counter,
    ended: ByName,
    login_failures: ByName,
    limits: ByName,
    requests: ByName,
    errors: ByName,
    delivery: Histogram,
    commit: Histogram,
}

impl Metrics {
    pub(super) fn new(started: UnixMillis) -> Self {
        Self {
            started,
            accepted_plain: Counter::default(),
            accepted_tls: Counter::default(),
            handshakes_failed: Counter::default(),
            logins_users: Counter::default(),
            logins_domains: Counter::default(),
            store_failures: Counter::default(),
            delivered: Counter::default(),
            stored: Counter::default(),
            ended: ByName::new(ENDS.iter().copied()),
            login_failures: ByName::new(MECHANISMS.iter().copied()),
            limits: ByName::new(Limit::ALL.iter().map(|limit| limit.as_str())),
            requests: ByName::new(Method::ALL.iter().filter(|method| !method.is_session()).map(|method| method.as_str())),
            errors: ByName::new(ErrorKind::ALL.iter().map(|kind| kind.as_str())),
            delivery: Histogram::new(DELIVERY_SECONDS),
            commit: Histogram::new(COMMIT_SECONDS),
        }
    }

    /// A request of this method reached the rules.
    pub(super) fn request(&self, method: &str) {
        self.requests.up(method);
    }

    /// This goes to a peer; only ERRORs are looked into, by their token.
    pub(super) fn sent(&self, head: &[u8]) {
        if head.starts_with(b"ERROR ")
            && let Some(at) = memchr_of(head, b"\r\nError: ")
            && let Some(rest) = head.get(at + b"\r\nError: ".len()..)
            && let Some(token) = rest.split(|octet| *octet == b'\r').next()
            && let Ok(token) = std::str::from_utf8(token)
        {
            self.errors.up(token);
        }
    }

    pub(super) fn limit(&self, limit: Limit) {
        self.limits.up(limit.as_str());
    }

    pub(super) fn login_failed(&self, mechanism: Option<Mechanism>) {
        self.login_failures.up(mechanism.map_or(UNKNOWN, Mechanism::as_str));
    }

    /// An accepted connection ended.
    pub(super) fn ended(&self, outcome: Outcome) {
        self.ended.up(match outcome {
            Outcome::Broke => "lost",
            Outcome::SentAway => "limit",
            Outcome::Handshake => "handshake",
            Outcome::MadeRoom => "room",
            Outcome::NotLetIn => "refused",
            Outcome::Dropped => "dropped",
            Outcome::Ended(End::Bye) => "bye",
            Outcome::Ended(
                End::Malformed(_) | End::MalformedResponse(_) | End::PlaintextBehindStartTls | End::NotUnderstood(_),
            ) => "malformed",
            Outcome::Ended(End::TooLarge { .. }) => "too-large",
            Outcome::Ended(End::Flood) => "flood",
            Outcome::Ended(End::TooManyFailures) => "failures",
            Outcome::LoginTime | Outcome::Ended(End::AuthTimeout) => "login-time",
            Outcome::Ended(End::Idle) => "idle",
            Outcome::Ended(_) => "closed",
        });
    }

    pub(super) fn settled(&self, stored: bool, took: Duration) {
        if stored { &self.stored } else { &self.delivered }.up();
        self.delivery.observe(took);
    }

    pub(super) fn committed(&self, took: Duration) {
        self.commit.observe(took);
    }
}

/// Where this begins. An ERROR is a few hundred octets, and rare.
fn memchr_of(octets: &[u8], needle: &[u8]) -> Option<usize> {
    octets.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_by_token_and_nothing_else_is() {
        let metrics = Metrics::new(UnixMillis(0));
        for head in [
            "ERROR (SEND) 1 impp/1.0\r\nTo: impp://a.test/b\r\nError: try-later\r\n\r\n",
            "ERROR (SEND) 2 impp/1.0\r\nError: no-such-token\r\n\r\n",
            "ERROR (SEND) 3 impp/1.0\r\n\r\n",
            "OK (SEND) 4 impp/1.0\r\nError: try-later\r\n\r\n",
        ] {
            metrics.sent(head.as_bytes());
        }
        let counted: Vec<_> = metrics.errors.read().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("try-later", 1)]);
    }
}
