//! `impp-relay status` and `health`: how the relay does, at a glance, and whether it does its work.

use super::args::{Plainly, StatusArgs};
use super::{Relay, as_json, number, record, said, said_or_dash};
use impp::cli::exit::{Exit, Outcome};
use impp::cli::print::{Color, Printer};
use impp::cli::{run, safe, units};
use serde_json::{Value, json};
use std::time::Duration;

/// Certificates that end sooner are shown in colour.
const SOON_DAYS: i64 = 14;
/// The steps of a small graph.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Once, or again and again.
pub(super) fn status(relay: &Relay, wish: &StatusArgs, out: &Printer) -> Outcome<Exit> {
    let out = &if wish.json { as_json(out) } else { out.clone() };
    let Some(every) = wish.watch else {
        show(&ask(relay, false)?, out, &mut 0, false)?;
        return Ok(Exit::Yes);
    };
    run::block_on(async |stop| {
        stop.or(async {
            let mut standing = 0;
            loop {
                show(&ask(relay, true)?, out, &mut standing, true)?;
                tokio::time::sleep(every).await;
            }
        })
        .await
    })
}

fn ask(relay: &Relay, samples: bool) -> Outcome<Value> {
    let lines = relay.ask(json!({"do": "status", "samples": samples}))?;
    lines.into_iter().next().ok_or_else(|| super::failure(&impp::relay::control::AskError::BadAnswer))
}

fn show(status: &Value, out: &Printer, standing: &mut usize, again: bool) -> Outcome<()> {
    if !out.is_text() {
        return out.record(&record(status), "");
    }
    let mut lines = facts(status, out);
    if again {
        lines.extend(graphs(status, out.columns()));
    }
    // Over what stood there before, on a terminal; otherwise one behind the other.
    if again && out.rows().is_some() {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        out.redraw(*standing, &lines)?;
        *standing = lines.len();
        return Ok(());
    }
    lines.iter().try_for_each(|line| out.line(line))?;
    if again { out.line("") } else { Ok(()) }
}

fn list(status: &Value, key: &str) -> Vec<String> {
    let items = status.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(|text| safe::line(text).into_owned()).collect()
}

fn facts(status: &Value, out: &Printer) -> Vec<String> {
    let n = |key: &str| number(status, key);
    let maybe = |key: &str| status.get(key).and_then(Value::as_u64).map_or_else(|| "?".to_owned(), |number| number.to_string());
    let ports = [("plain", list(status, "plain")), ("TLS", list(status, "tls"))];
    let ports = ports.iter().filter(|(_, all)| !all.is_empty()).map(|(name, all)| format!("{name} {}", all.join(", ")));
    let down = list(status, "peers_down");
    let peers = match down.as_slice() {
        [] => format!("{} up", n("peers_up")),
        down => format!("{} up, {} down: {}", n("peers_up"), down.len(), down.join(", ")),
    };
    let store = match said(status, "fault") {
        None => out.paint(Color::Good, "well"),
        Some(fault) => out.paint(Color::Bad, &fault),
    };
    let rows = [
        (
            "relay",
            format!(
                "{}, up {}, process {}",
                said_or_dash(status, "version"),
                units::shown(Duration::from_secs(n("uptime_s"))),
                n("pid")
            ),
        ),
        ("domains", list(status, "domains").join(", ")),
        ("listens", ports.collect::<Vec<_>>().join("; ")),
        ("connections", format!("{}, {} of them links", n("connections"), n("links"))),
        ("sessions", format!("{}, {} of them away", n("sessions"), n("away"))),
        ("users", format!("{}, {} in memory", maybe("accounts"), n("users_in_memory"))),
        ("watching", format!("{} here, {} in other domains", n("subscriptions"), n("subscriptions_abroad"))),
        ("mailboxes", format!("{} messages, {}", maybe("messages"), units::shown_size(n("octets")))),
        (
            "under way",
            format!("{} messages, {} requests to other domains, {} writes", n("unsettled"), n("forwarded"), n("writes")),
        ),
        ("store", store),
        ("peers", peers),
        ("log", said_or_dash(status, "log_level")),
    ];
    let mut lines: Vec<String> = rows.iter().map(|(name, value)| format!("{name:<12} {value}")).collect();
    for certificate in status.get("certificates").and_then(Value::as_array).into_iter().flatten() {
        let days = certificate.get("days_left").and_then(Value::as_i64).unwrap_or_default();
        let left = if days < 0 { "expired".to_owned() } else { format!("{days} days left") };
        let left = if days < SOON_DAYS { out.paint(Color::Bad, &left) } else { left };
        let names = certificate.get("names").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let whose = said(certificate, "domain").unwrap_or_else(|| names.map(safe::line).collect::<Vec<_>>().join(", "));
        lines.push(format!("{:<12} {whose}: {left}, until {}", "certificate", said_or_dash(certificate, "until")));
    }
    lines
}

/// The last minutes, a row per figure.
fn graphs(status: &Value, columns: usize) -> Vec<String> {
    let samples: Vec<&Value> = status.get("samples").and_then(Value::as_array).into_iter().flatten().collect();
    let every = number(status, "sample_s").max(1);
    let room = columns.saturating_sub(34).clamp(8, 120);
    let shown = samples.get(samples.len().saturating_sub(room)..).unwrap_or_default();
    let row = |name: &str, key: &str, per_second: bool| {
        let figures: Vec<u64> = shown.iter().map(|sample| number(sample, key)).collect();
        let (now, most) = (figures.last().copied().unwrap_or_default(), figures.iter().copied().max().unwrap_or_default());
        let figure = |number: u64| if per_second { format!("{}/s", number.div_ceil(every)) } else { number.to_string() };
        format!("{name:<12} {} {}, at most {}", graph(&figures), figure(now), figure(most))
    };
    let minutes = units::shown(Duration::from_secs(every * shown.len() as u64));
    vec![
        format!("{:<12} the last {minutes}", ""),
        row("connections", "connections", false),
        row("received", "received", true),
        row("sent", "sent", true),
        row("writes", "writes", false),
    ]
}

/// Figures as bars; the largest is the highest.
fn graph(figures: &[u64]) -> String {
    let most = figures.iter().copied().max().unwrap_or_default();
    let step = |figure: u64| match most {
        0 => 0,
        most => usize::try_from((u128::from(figure) * 7).div_ceil(u128::from(most))).unwrap_or(7),
    };
    figures.iter().filter_map(|figure| STEPS.get(step(*figure))).collect()
}

/// Looks from outside as well; 0 if all parts do their work, else 1.
pub(super) fn health(relay: &Relay, wish: &Plainly, out: &Printer) -> Outcome<Exit> {
    let out = &if wish.json { as_json(out) } else { out.clone() };
    let parts = relay.ask(json!({"do": "health"}))?;
    let mut well = !parts.is_empty();
    for part in &parts {
        let fault = said(part, "fault");
        well &= fault.is_none();
        let word = match &fault {
            None => out.paint(Color::Good, "well"),
            Some(_) => out.paint(Color::Bad, "ill "),
        };
        let why = fault.map(|fault| format!(": {fault}")).unwrap_or_default();
        let took = units::shown(Duration::from_millis(number(part, "ms")));
        out.record(&record(part), &format!("{word}  {}{why} ({took})", said_or_dash(part, "part")))?;
    }
    Ok(if well { Exit::Yes } else { Exit::No })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_figure_is_the_highest_bar() {
        assert_eq!(graph(&[0, 1, 7, 14]), "▁▂▅█");
        assert_eq!(graph(&[0, 0]), "▁▁");
        assert_eq!(graph(&[]), "");
        assert_eq!(graph(&[u64::MAX, 1]), "█▂");
    }
}
