//! `--print-zone`: the records to publish for a server, SRV and TLSA, as a master file has them.

use super::Setting;
use super::args::SrvArgs;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::trouble::Trouble;
use crate::model::Domain;
use crate::net::client::Error;
use crate::net::connect::{HostPort, TlsKind};
use crate::net::dns::{Outcome as Answer, Srv, Tlsa};
use crate::net::survey::probe;
use crate::net::tls::{Pin, Reference, files};
use std::net::SocketAddr;

const TTL: u32 = 3600;
/// The first server's; each further one is tried after those before it.
const PRIORITY: u16 = 10;
const WEIGHT: u16 = 100;

pub(super) async fn work(args: &SrvArgs, domains: &[Domain], setting: &Setting, out: &Printer) -> Outcome<Exit> {
    let places = args.print_zone.iter().map(|text| place(text)).collect::<Outcome<Vec<_>>>()?;
    let named = match &args.cert {
        Some(file) => {
            let unusable = |error| Trouble::from(Error::Files(error)).doing("use the certificate");
            files::read_shown(file).map_err(unusable)?.pin
        }
        None => None,
    };
    let mut exit = Exit::Yes;
    for domain in domains {
        for (role, _) in &setting.roles {
            for (at, place) in places.iter().enumerate() {
                let steps = u16::try_from(at + 1).unwrap_or(u16::MAX);
                for tls in kinds(place) {
                    let target = Some(place.host.clone());
                    let port = place.port.unwrap_or(tls.port());
                    let srv = Srv { priority: PRIORITY.saturating_mul(steps), weight: WEIGHT, port, target };
                    out.line(&format!("{}. {TTL} IN SRV {srv}", role.question(tls, domain)))?;
                }
            }
        }
    }
    // A host's TLSA records are the same whichever domain leads there.
    let Some(domain) = domains.first() else { return Ok(exit) };
    for place in &places {
        for tls in kinds(place) {
            let port = place.port.unwrap_or(tls.port());
            let found = match named {
                Some(pin) => Ok(pin),
                None if args.connects() => live(domain, &place.host, port, tls, args, setting).await,
                None => continue,
            };
            match found {
                Ok(pin) => {
                    let tlsa = Tlsa { usage: 3, selector: 1, matching: 1, data: pin.hash().to_vec() };
                    out.line(&format!("_{port}._tcp.{}. {TTL} IN TLSA {tlsa}", place.host))?;
                }
                Err(why) => {
                    out.note(&format!("no TLSA record for {}:{port}: {why}; --cert FILE names its certificate", place.host));
                    exit = Exit::Partly;
                }
            }
        }
    }
    Ok(exit)
}

fn place(text: &str) -> Outcome<HostPort> {
    let wrong = |why: &str| Failure::usage(format!("--print-zone {text:?}: {why}"));
    let place = HostPort::parse(text).ok_or_else(|| wrong("this is not HOST[:PORT]"))?;
    if place.host.parse::<std::net::IpAddr>().is_ok() {
        return Err(wrong("an SRV record leads to a name, never to an address"));
    }
    let host = place.host.trim_end_matches('.').to_ascii_lowercase();
    if host.is_empty() { Err(wrong("this is no name")) } else { Ok(HostPort { host, ..place }) }
}

/// The port tells the kind; without one there are both.
fn kinds(place: &HostPort) -> Vec<TlsKind> {
    match place.port {
        None => vec![TlsKind::Require, TlsKind::StartTls],
        Some(port) if port == TlsKind::StartTls.port() => vec![TlsKind::StartTls],
        Some(_) => vec![TlsKind::Require],
    }
}

/// The key of the server that runs there, whoever signed its certificate: to publish it is to vouch for it.
async fn live(domain: &Domain, host: &str, port: u16, tls: TlsKind, args: &SrvArgs, setting: &Setting) -> Result<Pin, String> {
    let limit = args.connect_timeout.unwrap_or(super::STEP);
    let expected = Reference::from(domain.clone());
    let found = setting.resolver.addresses(host, setting.family).await;
    let failures = [found.v6.as_ref().and_then(Answer::failure), found.v4.as_ref().and_then(Answer::failure)];
    let mut why = match failures.into_iter().flatten().next() {
        Some(failure) => format!("its address could not be found out: {failure}"),
        None => "it has no address".to_owned(),
    };
    for ip in found.all() {
        let found = probe(SocketAddr::new(ip, port), tls, &expected, &setting.tls, limit).await;
        why = match (found.tcp, found.tls) {
            (Err(kind), _) => format!("{ip}: {kind}"),
            (Ok(_), Some(Ok(examined))) => match examined.certificate.pin {
                Some(pin) => return Ok(pin),
                None => format!("{ip}: the certificate makes no sense"),
            },
            (Ok(_), Some(Err(error))) => format!("{ip}: {error}"),
            (Ok(_), None) => format!("{ip}: no TLS"),
        };
    }
    Err(why)
}
