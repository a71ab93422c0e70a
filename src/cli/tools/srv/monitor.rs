//! What was found in the forms of two monitors: Nagios' plugin line and status, Prometheus' text format.

use super::{Judged, report};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::print::Printer;
use crate::cli::safe;
use crate::net::judge::{Severity, Verdict, Visit};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const DAY: u64 = 86_400;

/// One line, then the findings; the statuses are Nagios' own: 0 OK, 1 warning, 2 critical, 3 unknown.
///
/// *Shape:* `IMPP OK - example.org: sound | errors=0 warnings=0 days=63 tcp=0.012s`
pub(super) fn nagios(judged: &[Judged], out: &Printer) -> Outcome<Exit> {
    let findings = || judged.iter().flat_map(|one| &one.findings);
    // The number is Nagios'; that of ours which is the same means something else.
    let (word, exit) = match Verdict::of(findings()) {
        Verdict::Good => ("OK", Exit::Yes),
        Verdict::Warnings => ("WARNING", Exit::No),
        Verdict::Errors => ("CRITICAL", Exit::Partly),
        Verdict::Undecided => ("UNKNOWN", Exit::Unknown),
    };
    let plain = Printer::new(out.tool());
    let told: Vec<String> = judged.iter().map(|one| report::short(one, &plain)).collect();
    let count = |severity| findings().filter(|finding| finding.severity == severity).count();
    let mut data = format!("errors={} warnings={}", count(Severity::Error), count(Severity::Warning));
    let visits = || judged.iter().flat_map(visits_of).map(|(_, visit)| visit);
    let ends = judged.iter().flat_map(|one| visits_of(one).map(|(_, visit)| (one.facts.now, visit)));
    let days = ends.filter_map(|(now, visit)| Some(not_after(visit)?.saturating_sub(now.0 / 1000) / DAY)).min();
    if let Some(days) = days {
        let _ = write!(data, " days={days}");
    }
    if let Some(slowest) = visits().filter_map(|visit| visit.probe.tcp.as_ref().ok()).max() {
        let _ = write!(data, " tcp={:.3}s", slowest.as_secs_f64());
    }
    // A bar begins the numbers.
    out.line(&format!("IMPP {word} - {} | {data}", told.join("; ").replace('|', "/")))?;
    for finding in findings() {
        let line = format!("{} {} {}: {}", finding.severity.as_str(), finding.id, finding.about, finding.text);
        out.line(&safe::line(&line).replace('|', "/"))?;
    }
    Ok(exit)
}

/// Metrics for a textfile collector.
pub(super) fn prometheus(judged: &[Judged], out: &Printer) -> Outcome<()> {
    let mut text = Metrics::default();
    for one in judged {
        let domain = one.facts.domain.as_str();
        let code = report::exit(std::slice::from_ref(one)).code();
        text.add("impp_srv_status", "0 sound, 1 errors, 2 warnings, 3 could not be found out", &[("domain", domain)], code);
        let mut counts: BTreeMap<(String, &str), u64> = BTreeMap::new();
        for finding in &one.findings {
            *counts.entry((finding.id.to_string(), finding.severity.as_str())).or_default() += 1;
        }
        for ((id, severity), count) in counts {
            let labels = [("domain", domain), ("id", &id), ("severity", severity)];
            text.add("impp_srv_findings", "Findings by number", &labels, count);
        }
        for (place, visit) in visits_of(one) {
            let address = visit.address.to_string();
            let labels = [("domain", domain), ("target", place.as_str()), ("address", address.as_str())];
            text.add("impp_srv_up", "Whether a client could log in there", &labels, u8::from(visit.is_good()));
            if let Ok(took) = visit.probe.tcp {
                text.add("impp_srv_tcp_seconds", "Time to connect", &labels, took.as_secs_f64());
            }
            if let Some(end) = not_after(visit) {
                text.add("impp_srv_certificate_expiry_timestamp_seconds", "When the certificate ends", &labels, end);
            }
        }
    }
    out.data(text.whole().as_bytes())
}

/// Each visit once, with the place that led there.
fn visits_of(one: &Judged) -> impl Iterator<Item = (String, &Visit)> {
    let all = one.facts.roles.iter().flat_map(|role| role.places()).flat_map(|(offer, host)| {
        let place = format!("{}:{}", offer.host, offer.port);
        host.visits.iter().map(move |visit| (place.clone(), visit))
    });
    let mut seen = std::collections::HashSet::new();
    all.filter(move |(place, visit)| seen.insert((place.clone(), visit.address)))
}

/// Seconds since 1970.
fn not_after(visit: &Visit) -> Option<u64> {
    match &visit.probe.tls {
        Some(Ok(examined)) => Some(examined.certificate.not_after.0 / 1000),
        _ => None,
    }
}

/// The samples of a metric stand together, whoever gave them.
#[derive(Default)]
struct Metrics(BTreeMap<&'static str, (&'static str, String)>);

impl Metrics {
    fn add(&mut self, name: &'static str, help: &'static str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let (_, samples) = self.0.entry(name).or_insert_with(|| (help, String::new()));
        let quoted = |text: &str| safe::line(text).replace('\\', "\\\\").replace('"', "\\\"");
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", quoted(value))).collect();
        let _ = writeln!(samples, "{name}{{{}}} {value}", labels.join(","));
    }

    fn whole(&self) -> String {
        let metric =
            |(name, (help, samples)): (&&str, &(&str, String))| format!("# HELP {name} {help}\n# TYPE {name} gauge\n{samples}");
        self.0.iter().map(metric).collect()
    }
}
