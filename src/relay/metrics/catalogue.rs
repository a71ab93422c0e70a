//! Every metric there is: what `/metrics` says of each, and what dashboards and the manual may name.

/// One metric, with all its labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// *Shape:* `impp_delivery_seconds`; the unit is in the name.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// One sentence.
    pub help: &'static str,
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the relay starts again.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often something took how long.
    Histogram,
}

impl Kind {
    /// The word of the exposition format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

macro_rules! families {
    ($($constant:ident $kind:ident $name:literal $help:literal;)*) => {
        $(pub(super) const $constant: Family = Family { name: $name, kind: Kind::$kind, help: $help };)*

        /// All of them, in the order of `/metrics`.
        pub const FAMILIES: &[Family] = &[$($constant),*];
    };
}

families! {
    BUILD Gauge "impp_build_info" "1; the label has the version.";
    STARTED Gauge "impp_start_time_seconds" "When the relay started, in Unix time.";
    ACCEPTED Counter "impp_connections_accepted_total" "Connections that were let in.";
    ENDED Counter "impp_connections_ended_total" "Connections that ended, by how; those that were refused were never let in.";
    CONNECTIONS Gauge "impp_connections" "Connections that stand, links and those not logged in included.";
    HANDSHAKES_FAILED Counter "impp_tls_handshakes_failed_total" "TLS handshakes of accepted connections that came to nothing.";
    LOGINS Counter "impp_logins_total" "Users and domains that were let in.";
    LOGIN_FAILURES Counter "impp_login_failures_total" "Logins that failed, by the mechanism tried.";
    LIMITS Counter "impp_limit_hits_total" "How often a limit was reached, by the configuration key that sets it.";
    REQUESTS Counter "impp_requests_total" "Requests that reached the rules, by method.";
    ERRORS Counter "impp_errors_total" "ERRORs that the rules sent or handed on, by token.";
    MESSAGES Counter "impp_messages_total" "Messages that were settled, by what the sender was told.";
    DELIVERY Histogram "impp_delivery_seconds" "Time from a message's arrival until its sender was told OK.";
    COMMIT Histogram "impp_store_commit_seconds" "Time until a write was on the disk, waiting for its turn included.";
    STORE_FAILURES Counter "impp_store_failures_total" "Writes that failed.";
    STORE_QUEUE Gauge "impp_store_queue" "Writes that are not on the disk yet.";
    SESSIONS Gauge "impp_sessions" "Sessions of users, by whether they have a connection.";
    SUBSCRIPTIONS Gauge "impp_subscriptions" "Subscriptions to the presence of users here, whoever holds them, and of users here to others elsewhere.";
    UNSETTLED Gauge "impp_messages_unsettled" "Messages whose sender has no answer yet.";
    USERS_CACHED Gauge "impp_users_cached" "Users kept in memory.";
    IN_FLIGHT Gauge "impp_in_flight_bytes" "Frames in memory: requests without an answer, and what waits to be written to connections.";
    ACCOUNTS Gauge "impp_accounts" "Accounts in the store.";
    MAILBOX_MESSAGES Gauge "impp_mailbox_messages" "Messages that wait in the mailboxes of all users.";
    MAILBOX_BYTES Gauge "impp_mailbox_bytes" "Octets of these.";
    LINKS Gauge "impp_links" "Links that stand, for each pair of domains with which anything goes on.";
    LINK_STATE Gauge "impp_link_state" "1 for the state in which a pair of domains is: up, opening or down.";
    LINK_WAITING Gauge "impp_link_waiting" "Requests and answers that wait for a link, or for room at the other side.";
    CERTIFICATE_EXPIRY Gauge "impp_certificate_expiry_timestamp_seconds" "When the certificate in force ends, in Unix time; the domain is * for the one of all others.";
    MEMORY Gauge "process_resident_memory_bytes" "Memory of the process.";
    DESCRIPTORS Gauge "process_open_fds" "Open file descriptors.";
    DESCRIPTORS_MAX Gauge "process_max_fds" "How many there may be.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_kind_and_unit() {
        for (at, family) in FAMILIES.iter().enumerate() {
            let name = family.name;
            assert_eq!(FAMILIES.iter().position(|other| other.name == name), Some(at), "{name}");
            assert!(name.starts_with("impp_") || name.starts_with("process_"), "{name}");
            assert!(name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{name}");
            assert_eq!(name.ends_with("_total"), family.kind == Kind::Counter, "{name}");
            assert!(family.kind != Kind::Histogram || name.ends_with("_seconds"), "{name}");
            assert!(family.help.ends_with('.') && !family.help.contains(['\n', '\\']), "{name}");
        }
    }
}
