//! What was seen and found, for people and as JSON: the places in the order in which a client tries them, then the findings.

use super::Judged;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::print::{Color, Printer, Record};
use crate::cli::{safe, units};
use crate::model::UnixMillis;
use crate::net::connect::TlsKind;
use crate::net::dns::{NoOffer, Offer, Outcome as Answer, Role};
use crate::net::judge::{Finding, Host, RoleFacts, Severity, Verdict, Visit};
use crate::net::tls::{AcceptedBy, CertificateFault, Examined, Shown};
use serde_json::{Value, json};

const DAY: u64 = 86_400;

/// The status of several domains: errors before what could not be found out, and that before warnings.
#[must_use]
pub fn exit(judged: &[Judged]) -> Exit {
    match Verdict::of(judged.iter().flat_map(|one| &one.findings)) {
        Verdict::Good => Exit::Yes,
        Verdict::Warnings => Exit::Partly,
        Verdict::Undecided => Exit::Unknown,
        Verdict::Errors => Exit::No,
    }
}

/// Prints one domain.
///
/// # Errors
/// Standard output does not take it.
pub fn print(one: &Judged, short: bool, out: &Printer) -> Outcome<()> {
    if !out.is_text() {
        return out.record(&record(one), "");
    }
    if short {
        return out.line(&self::short(one, out));
    }
    for role in &one.facts.roles {
        places(one, role, out)?;
    }
    if let Some(login) = &one.login {
        out.line(&format!("login  {}", safe::line(login)))?;
    }
    for finding in &one.findings {
        self::finding(finding, out)?;
    }
    out.line(&summary(one))
}

/// Prints one finding.
///
/// # Errors
/// Standard output does not take it.
pub fn finding(finding: &Finding, out: &Printer) -> Outcome<()> {
    let whom = finding.role.map(|role| format!(" ({})", for_whom(role))).unwrap_or_default();
    let word = out.paint(color(finding.severity), &format!("{:<7}", finding.severity.as_str()));
    let text = format!("{}{whom}: {}", finding.about, finding.text);
    out.line(&format!("{word} {} {}", finding.id, safe::line(&text)))?;
    finding.change.iter().try_for_each(|line| out.line(&format!("        -> {}", safe::line(line))))
}

fn color(severity: Severity) -> Color {
    match severity {
        Severity::Error => Color::Bad,
        Severity::Warning | Severity::Unknown => Color::Dim,
        Severity::Info => Color::Good,
    }
}

/// *Shape:* `example.org  error  S07 the target im1.example.org has no address (and 2 more)`
pub(super) fn short(one: &Judged, out: &Printer) -> String {
    let domain = one.facts.domain.shown();
    let Some(worst) = one.findings.first() else { return format!("{domain}  {}", out.paint(Color::Good, "ok")) };
    let rest = one.findings.len() - 1;
    let more = if rest > 0 { format!(" (and {rest} more)") } else { String::new() };
    let word = if worst.severity == Severity::Info { "ok" } else { worst.severity.as_str() };
    let text = safe::line(&worst.text).into_owned();
    format!("{domain}  {}  {} {text}{more}", out.paint(color(worst.severity), word), worst.id)
}

fn summary(one: &Judged) -> String {
    let count = |severity| one.findings.iter().filter(|finding| finding.severity == severity).count();
    let some = |severity, word: &str, many: &str| match count(severity) {
        0 => None,
        1 => Some(format!("1 {word}")),
        number => Some(format!("{number} {many}")),
    };
    let parts: Vec<String> = [
        some(Severity::Error, "error", "errors"),
        some(Severity::Unknown, "question without an answer", "questions without an answer"),
        some(Severity::Warning, "warning", "warnings"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let domain = one.facts.domain.shown();
    match parts.as_slice() {
        [] => format!("{domain}: sound"),
        parts => {
            let first = one.findings.first().map(|finding| finding.id.to_string()).unwrap_or_default();
            format!("{domain}: {}; impp-srv --explain {first} says more", parts.join(", "))
        }
    }
}

/// `client`, `server`; `both` where it is for everybody.
pub(super) fn role_word(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::Client) => "client",
        Some(Role::Server) => "server",
        None => "both",
    }
}

fn for_whom(role: Role) -> &'static str {
    match role {
        Role::Client => "for clients",
        Role::Server => "for other domains",
    }
}

fn places(one: &Judged, role: &RoleFacts, out: &Printer) -> Outcome<()> {
    let head = format!("{}, {}", one.facts.domain.shown(), for_whom(role.role()));
    if one.facts.is_forgotten(role) {
        return out.line(&format!("{head}: no SRV records"));
    }
    match &role.offers {
        Err(NoOffer::Declined) => return out.line(&format!("{head}: not offered")),
        Err(NoOffer::Undecided(..)) => return out.line(&format!("{head}: could not be found out")),
        Ok(_) => out.line(&format!("{head}:"))?,
    }
    for (at, (offer, host)) in role.places().enumerate() {
        let tlsa: Vec<String> =
            host.tlsa.records().iter().map(|tlsa| format!("{} {} {}", tlsa.usage, tlsa.selector, tlsa.matching)).collect();
        let tlsa = if tlsa.is_empty() { "none".to_owned() } else { tlsa.join(", ") };
        let share = share(role, offer).map(|share| format!("  share {:.0} %", share * 100.0)).unwrap_or_default();
        let line = format!("{}{share}  DNSSEC {}  TLSA {tlsa}", name(role, offer), offer.security.as_str());
        out.line(&format!("{:>3}. {}", at + 1, safe::line(&line)))?;
        if host.visits.is_empty() {
            for address in host.addresses.all() {
                out.line(&format!("     {address}"))?;
            }
        }
        for visit in &host.visits {
            let line = visited(visit, host, one.facts.now);
            out.line(&format!("     {}  {}", visit.address.ip(), safe::line(&line)))?;
        }
        if host.addresses.all().is_empty() {
            out.line("     no address")?;
        }
    }
    Ok(())
}

/// *Shape:* `_impps-client._tcp SRV 10 100 5773 im1.example.org.`
fn name(role: &RoleFacts, offer: &Offer) -> String {
    let question = role.role().question(offer.tls, &role.published.domain);
    let label = question.split("._tcp.").next().unwrap_or_default();
    match &offer.record {
        Some(srv) => format!("{label} SRV {srv}"),
        None => {
            format!("(no record) {}:{}{}", offer.host, offer.port, if offer.tls == TlsKind::Require { "" } else { " STARTTLS" })
        }
    }
}

/// The part of the draws in which the record comes first among those of its priority and kind.
fn share(role: &RoleFacts, offer: &Offer) -> Option<f64> {
    let srv = offer.record.as_ref()?;
    let group = role.offers.iter().flatten().filter(|other| other.tls == offer.tls);
    let weights: Vec<u16> = group
        .filter_map(|other| other.record.as_ref().filter(|other| other.priority == srv.priority))
        .map(|other| other.weight)
        .collect();
    let sum: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let zeros = weights.iter().filter(|weight| **weight == 0).count();
    // RFC 2782: a draw from 0 to the sum; 0 takes a record of weight 0 where there is one.
    Some(match (srv.weight, zeros) {
        (0, zeros) => 1.0 / (sum + 1.0) / zeros.max(1) as f64,
        (weight, 0) => f64::from(weight) / sum,
        (weight, _) => f64::from(weight) / (sum + 1.0),
    })
}

fn visited(visit: &Visit, host: &Host, now: UnixMillis) -> String {
    let probe = &visit.probe;
    let tcp = match &probe.tcp {
        Ok(took) => format!("TCP {} ms", took.as_millis()),
        Err(kind) => return format!("TCP {kind}"),
    };
    let mut parts = vec![tcp];
    match &probe.tls {
        None if probe.before_tls.is_some() => parts.push("no TLS".to_owned()),
        None => {}
        Some(Err(error)) => parts.push(format!("TLS: {error}")),
        Some(Ok(examined)) => {
            parts.push(format!("{} {}", examined.version, life(&examined.certificate, now)));
            parts.push(format!("domain {}", domain_match(examined)));
            parts.extend(tlsa_match(examined, host).map(|word| format!("TLSA {word}")));
        }
    }
    // What was said in the clear is of interest where nothing better came.
    let plain = probe.before_tls.as_ref().filter(|_| !matches!(probe.hello, Some(Ok(_))));
    for heard in [plain, probe.hello.as_ref()].into_iter().flatten() {
        parts.push(match heard {
            Ok(hello) => format!("{}: {}", hello.agent.as_deref().unwrap_or("HELLO"), hello.mechanisms.join(" ")),
            Err(fault) => format!("HELLO: {}", fault.word()),
        });
    }
    parts.join("  ")
}

fn life(shown: &Shown, now: UnixMillis) -> String {
    if shown.not_after <= now {
        return "expired".to_owned();
    }
    match shown.not_after.since(now).as_secs() / DAY {
        0 => format!("{} left", units::shown(shown.not_after.since(now))),
        days => format!("{days} d left"),
    }
}

fn domain_match(examined: &Examined) -> &'static str {
    match examined.without_tlsa {
        Ok(AcceptedBy::Host) => "by its host",
        Ok(_) => "yes",
        Err(CertificateFault::WrongName) => "no",
        Err(CertificateFault::Expired | CertificateFault::NotYetValid) => "out of date",
        Err(_) => "not trusted",
    }
}

fn tlsa_match(examined: &Examined, host: &Host) -> Option<&'static str> {
    match examined.verdict {
        Ok(AcceptedBy::Tlsa(_)) => Some("fits"),
        Err(CertificateFault::WrongTlsa) => Some("does not fit"),
        _ => (!host.tlsa.records().is_empty()).then_some("not used"),
    }
}

/// The JSON object of one domain: docs/json.md has its keys.
#[must_use]
pub fn record(one: &Judged) -> Record {
    let verdict = match Verdict::of(&one.findings) {
        Verdict::Good => "ok",
        Verdict::Warnings => "warning",
        Verdict::Undecided => "unknown",
        Verdict::Errors => "error",
    };
    let count = |severity| one.findings.iter().filter(|finding| finding.severity == severity).count();
    let findings: Vec<Value> = one.findings.iter().map(finding_json).collect();
    let ids: Vec<String> = one.findings.iter().map(|finding| finding.id.to_string()).collect();
    let roles: Vec<Value> = one.facts.roles.iter().map(|role| role_json(role, one.facts.now)).collect();
    Record::new()
        .with("domain", one.facts.domain.as_str())
        .with("verdict", verdict)
        .with("code", exit(std::slice::from_ref(one)).code())
        .with("errors", count(Severity::Error))
        .with("warnings", count(Severity::Warning))
        .with("ids", ids)
        .with("findings", findings)
        .with("roles", roles)
        .with("login", one.login.clone())
}

/// One finding as JSON.
#[must_use]
pub fn finding_json(finding: &Finding) -> Value {
    json!({
        "id": finding.id.to_string(),
        "severity": finding.severity.as_str(),
        "role": role_word(finding.role),
        "about": finding.about,
        "text": finding.text,
        "change": finding.change,
    })
}

fn role_json(role: &RoleFacts, now: UnixMillis) -> Value {
    let state = match &role.offers {
        Ok(_) if role.published.is_silent() => "fallback",
        Ok(_) => "offered",
        Err(NoOffer::Declined) => "declined",
        Err(NoOffer::Undecided(..)) => "unknown",
    };
    let places: Vec<Value> = role.places().map(|(offer, host)| place_json(role, offer, host, now)).collect();
    json!({"role": role_word(Some(role.role())), "state": state, "places": places})
}

fn place_json(role: &RoleFacts, offer: &Offer, host: &Host, now: UnixMillis) -> Value {
    let addresses: Vec<Value> = if host.visits.is_empty() {
        host.addresses.all().iter().map(|ip| json!({"address": ip.to_string()})).collect()
    } else {
        host.visits.iter().map(|visit| visit_json(visit, host, now)).collect()
    };
    let tlsa: Vec<String> = host.tlsa.records().iter().map(ToString::to_string).collect();
    let question = role.role().question(offer.tls, &role.published.domain);
    let set = if offer.tls == TlsKind::Require { &role.published.tls_first } else { &role.published.plain_start };
    let ttl = match set {
        Answer::Records(answer) => Some(answer.ttl.as_secs()),
        _ => None,
    };
    json!({
        "name": question,
        "record": offer.record.as_ref().map(ToString::to_string),
        "ttl": ttl,
        "share": share(role, offer),
        "host": offer.host,
        "port": offer.port,
        "tls": if offer.tls == TlsKind::Require { "require" } else { "starttls" },
        "dnssec": offer.security.as_str(),
        "tlsa": tlsa,
        "addresses": addresses,
    })
}

fn visit_json(visit: &Visit, host: &Host, now: UnixMillis) -> Value {
    let probe = &visit.probe;
    let certificate = match &probe.tls {
        Some(Ok(examined)) => {
            let shown = &examined.certificate;
            let days = (shown.not_after > now).then(|| shown.not_after.since(now).as_secs() / DAY);
            json!({
                "version": examined.version,
                "names": shown.names,
                "issuer": shown.issuer,
                "not-after": shown.not_after.to_rfc3339(),
                "days": days.unwrap_or(0),
                "pin": shown.pin.as_ref().map(ToString::to_string),
                "domain": domain_match(examined),
                "tlsa": tlsa_match(examined, host),
                "accepted": examined.verdict.is_ok(),
            })
        }
        Some(Err(error)) => json!({"error": error.to_string()}),
        None => Value::Null,
    };
    let hello = match probe.hello.as_ref().or(probe.before_tls.as_ref()) {
        Some(Ok(hello)) => json!({"agent": hello.agent, "mechanisms": hello.mechanisms}),
        Some(Err(fault)) => json!({"error": fault.word()}),
        None => Value::Null,
    };
    json!({
        "address": visit.address.ip().to_string(),
        "tcp-ms": probe.tcp.as_ref().ok().map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        "error": probe.tcp.as_ref().err().map(ToString::to_string),
        "tls": certificate,
        "hello": hello,
    })
}
