//! `impp-relay check dns|certs|connect`: the domains of the configuration as others find them, by the judge of impp-srv.

use crate::args::{CheckWhat, Outside};
use crate::settings;
use impp::cli::account;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::{Printer, Shape};
use impp::cli::run;
use impp::cli::tools::srv::{Judged, report};
use impp::net::dns::resolver::TTL_MAX;
use impp::net::dns::{Resolver, ResolverOptions};
use impp::net::judge::{Books, Id, Look, gather, judge};
use impp::net::tls::{ClientTls, Trust, files};
use impp::relay::config::Config;
use std::path::Path;
use std::time::Duration;

const WHOLE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_secs(5);
/// What `certs` is about.
const CERTIFICATES: &[Id] = &[Id::NoTls, Id::Expiry, Id::WrongName, Id::TlsaMismatch, Id::Untrusted];

/// Judges each domain: 0 nothing worse than information, 1 errors, 2 warnings only, 3 could not be found out.
pub(crate) fn work(file: &Path, what: &CheckWhat, outside: &Outside, out: &Printer) -> Outcome<Exit> {
    let out = if outside.json { &out.clone().with(Shape::Json, out.talk(), false, false) } else { out };
    let config = Config::load(file).map_err(|error| settings::failure(&error))?;
    let options = account::resolver(outside.resolver.as_deref(), outside.dnssec_anchor.as_deref())?.unwrap_or_default();
    let options = ResolverOptions { longest_ttl: TTL_MAX, ..options };
    let unusable = |why: String| Failure::new(Exit::Config, why);
    let resolver = Resolver::new(&options).map_err(|error| unusable(error.to_string()))?;
    let connect = !matches!(what, CheckWhat::Dns(_));
    let trust = match &outside.ca {
        Some(file) => Trust::Authorities(files::read_authorities(file).map_err(|error| unusable(error.to_string()))?),
        None if connect => Trust::System,
        None => Trust::Anyone,
    };
    let tls = ClientTls::new(&trust, None).map_err(|error| unusable(error.to_string()))?;
    let books = Books { zone: None, resolver };
    let judged = run::block_on(async |stop| {
        stop.or(async {
            let mut judged = Vec::new();
            for domain in &config.domains {
                let look = Look { connect, ..Look::within(WHOLE, STEP) };
                let facts = gather(domain, &look, &books, &tls, |_| ()).await;
                let mut findings = judge(&facts);
                if matches!(what, CheckWhat::Certs(_)) {
                    // Who asks for certificates must hear as well that none could be seen.
                    findings.retain(|finding| CERTIFICATES.contains(&finding.id) || !seen_any(&facts));
                }
                judged.push(Judged { facts, findings, login: None });
            }
            Ok(judged)
        })
        .await
    })?;
    for one in &judged {
        report::print(one, false, out)?;
    }
    Ok(report::exit(&judged))
}

/// Whether any server showed a certificate.
fn seen_any(facts: &impp::net::judge::Facts) -> bool {
    let hosts = facts.roles.iter().flat_map(|role| &role.hosts);
    hosts.flat_map(|host| &host.visits).any(|visit| matches!(visit.probe.tls, Some(Ok(_))))
}
