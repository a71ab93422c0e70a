//! One answer to `/metrics`: the counters as they stand, and what the rules, the store and the certificates say now.

use super::Metrics;
use super::catalogue;
use super::process;
use super::text::Text;
use crate::model::UnixMillis;
use crate::net::Clock;
use crate::relay::hub::Hub;
use crate::relay::material::Live;
use crate::service::Counts;
use crate::service::RouteStatus;
use crate::service::store::Totals;
use std::sync::Arc;
use std::time::Duration;

/// Pairs of domains that are told of one by one; a relay that talks to more has them counted in sum.
const ROUTES: usize = 1000;
/// How long the store may take to count.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who is asked.
#[derive(Clone)]
pub(in crate::relay) struct Scrape {
    hub: Arc<Hub>,
    live: Live,
}

/// What is so at this moment.
struct Gauges {
    connections: usize,
    counts: Counts,
    unanswered: u64,
    routes: Vec<RouteStatus>,
    writes: u64,
    unwritten: u64,
    /// `None`: the store does not answer.
    store: Option<Totals>,
    certificates: Vec<(String, UnixMillis)>,
}

impl Scrape {
    pub(in crate::relay) fn new(hub: Arc<Hub>, live: Live) -> Self {
        Self { hub, live }
    }

    /// The whole text.
    pub(in crate::relay) async fn text(&self) -> String {
        let store = tokio::time::timeout(PATIENCE, self.hub.totals()).await.ok().flatten();
        let (counts, unanswered, routes) =
            self.hub.look(|service, _| (service.counts(), service.unanswered_octets(), service.routes(Clock::now())));
        let named = |(domain, shown): (Option<crate::model::Domain>, crate::net::tls::Shown)| {
            (domain.map_or_else(|| "*".to_owned(), |domain| domain.as_str().to_owned()), shown.not_after)
        };
        let gauges = Gauges {
            connections: self.hub.connections(),
            counts,
            unanswered,
            routes,
            writes: self.hub.store().pending(),
            unwritten: self.hub.memory().used(),
            store,
            certificates: self.live.load().tls.iter().flat_map(|tls| tls.certificates()).map(named).collect(),
        };
        write(self.hub.metrics(), &gauges)
    }
}

fn write(metrics: &Metrics, gauges: &Gauges) -> String {
    let mut text = Text::default();
    counted(metrics, &mut text);
    standing(metrics, gauges, &mut text);
    links(&gauges.routes, &mut text);
    text.family(&catalogue::CERTIFICATE_EXPIRY, |samples| {
        for (domain, until) in &gauges.certificates {
            samples.put(&[("domain", domain)], until.0 / 1000);
        }
    });
    for (family, value) in [
        (&catalogue::MEMORY, process::resident_memory()),
        (&catalogue::DESCRIPTORS, process::open_descriptors().map(|count| count as u64)),
        (&catalogue::DESCRIPTORS_MAX, process::most_descriptors()),
    ] {
        text.family(family, |samples| {
            if let Some(value) = value {
                samples.put(&[], value);
            }
        });
    }
    text.finish()
}

fn counted(metrics: &Metrics, text: &mut Text) {
    text.family(&catalogue::ACCEPTED, |samples| {
        samples.put(&[("start", "plain")], metrics.accepted_plain.read());
        samples.put(&[("start", "tls")], metrics.accepted_tls.read());
    });
    text.family(&catalogue::LOGINS, |samples| {
        samples.put(&[("of", "user")], metrics.logins_users.read());
        samples.put(&[("of", "domain")], metrics.logins_domains.read());
    });
    text.family(&catalogue::MESSAGES, |samples| {
        samples.put(&[("outcome", "delivered")], metrics.delivered.read());
        samples.put(&[("outcome", "stored")], metrics.stored.read());
    });
    for (family, counter) in
        [(&catalogue::HANDSHAKES_FAILED, &metrics.handshakes_failed), (&catalogue::STORE_FAILURES, &metrics.store_failures)]
    {
        text.family(family, |samples| samples.put(&[], counter.read()));
    }
    for (family, label, counters) in [
        (&catalogue::ENDED, "end", &metrics.ended),
        (&catalogue::LOGIN_FAILURES, "mechanism", &metrics.login_failures),
        (&catalogue::LIMITS, "limit", &metrics.limits),
        (&catalogue::REQUESTS, "method", &metrics.requests),
        (&catalogue::ERRORS, "error", &metrics.errors),
    ] {
        text.family(family, |samples| counters.read().for_each(|(name, count)| samples.put(&[(label, name)], count)));
    }
    for (family, histogram) in [(&catalogue::DELIVERY, &metrics.delivery), (&catalogue::COMMIT, &metrics.commit)] {
        text.family(family, |samples| samples.histogram(&[], &histogram.read()));
    }
}

fn standing(metrics: &Metrics, gauges: &Gauges, text: &mut Text) {
    let counts = &gauges.counts;
    text.family(&catalogue::BUILD, |samples| samples.put(&[("version", env!("CARGO_PKG_VERSION"))], 1));
    text.family(&catalogue::STARTED, |samples| samples.put(&[], metrics.started.0 / 1000));
    text.family(&catalogue::SESSIONS, |samples| {
        samples.put(&[("connected", "yes")], counts.connected);
        samples.put(&[("connected", "no")], counts.sessions.saturating_sub(counts.connected));
    });
    text.family(&catalogue::SUBSCRIPTIONS, |samples| {
        samples.put(&[("to", "here")], counts.subscriptions);
        samples.put(&[("to", "elsewhere")], counts.abroad);
    });
    text.family(&catalogue::IN_FLIGHT, |samples| {
        samples.put(&[("what", "unanswered")], gauges.unanswered);
        samples.put(&[("what", "unwritten")], gauges.unwritten);
    });
    for (family, count) in [
        (&catalogue::CONNECTIONS, gauges.connections as u64),
        (&catalogue::STORE_QUEUE, gauges.writes),
        (&catalogue::UNSETTLED, counts.unsettled as u64),
        (&catalogue::USERS_CACHED, counts.users as u64),
    ] {
        text.family(family, |samples| samples.put(&[], count));
    }
    let Some(store) = &gauges.store else { return };
    for (family, count) in [
        (&catalogue::ACCOUNTS, store.accounts),
        (&catalogue::MAILBOX_MESSAGES, store.mailboxes.messages),
        (&catalogue::MAILBOX_BYTES, store.mailboxes.octets),
    ] {
        text.family(family, |samples| samples.put(&[], count));
    }
}

fn links(routes: &[RouteStatus], text: &mut Text) {
    let labels = |status: &'_ RouteStatus| (status.route.ours.as_str().to_owned(), status.route.theirs.as_str().to_owned());
    let told = routes.get(..routes.len().min(ROUTES)).unwrap_or_default();
    text.family(&catalogue::LINKS, |samples| {
        for status in told {
            let (ours, theirs) = labels(status);
            samples.put(&[("ours", &ours), ("theirs", &theirs)], status.links.len());
        }
    });
    text.family(&catalogue::LINK_STATE, |samples| {
        for status in told {
            let (ours, theirs) = labels(status);
            let state = match (status.links.is_empty(), status.dialling) {
                (false, _) => "up",
                (true, true) => "opening",
                (true, false) => "down",
            };
            samples.put(&[("ours", &ours), ("theirs", &theirs), ("state", state)], 1);
        }
    });
    text.family(&catalogue::LINK_WAITING, |samples| {
        for status in told {
            let (ours, theirs) = labels(status);
            samples.put(&[("ours", &ours), ("theirs", &theirs)], status.waiting);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Domain;
    use crate::relay::metrics::FAMILIES;
    use crate::service::LinkStatus;
    use crate::service::Route;
    use crate::service::store::MailboxSize;

    #[test]
    fn every_metric_is_told() {
        let domain = |name| Domain::parse(name).unwrap();
        let status = RouteStatus {
            route: Route { ours: domain("a.test"), theirs: domain("b.test") },
            links: Vec::<LinkStatus>::new(),
            dialling: true,
            pause: None,
            waiting: 3,
            sent: 0,
            owed: 0,
            subscriptions: 0,
        };
        let gauges = Gauges {
            connections: 7,
            counts: Counts { sessions: 5, connected: 3, ..Counts::default() },
            unanswered: 0,
            routes: vec![status],
            writes: 0,
            unwritten: 0,
            store: Some(Totals { accounts: 2, mailboxes: MailboxSize { messages: 1, octets: 300 } }),
            certificates: vec![("*".to_owned(), UnixMillis(1_795_435_200_000))],
        };
        let text = write(&Metrics::new(UnixMillis(1_764_000_000_123)), &gauges);
        for family in FAMILIES {
            let head = format!("# HELP {0} {1}\n# TYPE {0} {2}\n", family.name, family.help, family.kind.as_str());
            assert_eq!(text.matches(&head).count(), 1, "{}", family.name);
        }
        for line in [
            "impp_start_time_seconds 1764000000\n",
            "impp_connections 7\n",
            "impp_sessions{connected=\"no\"} 2\n",
            "impp_link_state{ours=\"a.test\",theirs=\"b.test\",state=\"opening\"} 1\n",
            "impp_link_waiting{ours=\"a.test\",theirs=\"b.test\"} 3\n",
            "impp_certificate_expiry_timestamp_seconds{domain=\"*\"} 1795435200\n",
            "impp_mailbox_bytes 300\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }
}
