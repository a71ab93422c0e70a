//! To the other domain: what the DNS says, what each server there proves, and whether we may log in.

use super::State;
use super::Step;
use super::records;
use super::step;
use crate::engine::ClientCommand;
use crate::engine::ClientRefusal;
use crate::engine::Login;
use crate::model::Domain;
use crate::net::client::Error;
use crate::net::connect::ConnectError;
use crate::net::connect::TlsKind;
use crate::net::dns::NoOffer;
use crate::net::dns::Offer;
use crate::net::dns::Outcome;
use crate::net::dns::Role;
use crate::net::dns::Security;
use crate::net::judge::Books;
use crate::net::judge::Host;
use crate::net::judge::Look;
use crate::net::judge::RoleFacts;
use crate::net::judge::Visit;
use crate::net::judge::gather;
use crate::net::link;
use crate::net::tls::AcceptedBy;
use crate::net::tls::ClientTls;
use crate::net::tls::Examined;
use crate::net::tls::TlsError;
use crate::net::tls::dane;
use crate::relay::neighbours::Neighbours;
use crate::service::Route;
use std::sync::Arc;
use std::time::Duration;

/// For all servers together.
const WHOLE: Duration = Duration::from_secs(20);
/// For each step of a visit.
const EACH: Duration = Duration::from_secs(5);

/// Each decision, and whether a link came about.
pub(super) async fn explain(neighbours: &Neighbours, route: &Route) -> (Vec<Step>, bool) {
    let mut steps = vec![step("peer", State::Good, neighbours.describe(&route.theirs))];
    let Some(options) = neighbours.options(route) else {
        let text = format!("there is no certificate to log in with as {}; see [tls]", route.ours);
        steps.push(step("login", State::Error, text));
        return (steps, false);
    };
    if options.server.is_none() && options.tls != TlsKind::Off {
        match ClientTls::new(&options.trust, options.certificate.as_ref()) {
            Ok(tls) => {
                let voucher = if options.trust.heeds_tlsa() { "an authority for the domain" } else { "its pinned key" };
                steps.extend(published(neighbours, route, &tls, voucher).await);
            }
            Err(error) => steps.push(step("certificate", State::Error, error.to_string())),
        }
    }
    let how =
        if matches!(options.login, Login::Domain { secret: Some(_), .. }) { "the shared secret" } else { "its certificate" };
    match link::open(&Arc::new(options)).await {
        Ok(mut opened) => {
            let (hello, place) = (&opened.hello, &opened.place);
            let agent = hello.agent.as_deref().map(|agent| format!(", {agent}")).unwrap_or_default();
            let text = format!(
                "logged in as {} with {how} at {} ({}{agent}); bodies up to {} octets, {} requests at a time",
                route.ours, place.address, place.candidate.host, hello.max_body, hello.max_outstanding
            );
            steps.push(step("login", State::Good, text));
            opened.drive.command(|engine, now| engine.handle_command(now, ClientCommand::Bye));
            opened.drive.linger().await;
            (steps, true)
        }
        Err(error) => {
            steps.push(match error {
                Error::Unreachable(ConnectError::Undecided { .. }) => step("login", State::Unknown, error.to_string()),
                Error::Login(ClientRefusal::LoginFailed) => {
                    let Route { ours, theirs } = route;
                    step(
                        "login",
                        State::Error,
                        format!("{theirs} does not believe that we are {ours}; what it sees of us is below"),
                    )
                }
                error => step("login", State::Error, error.to_string()),
            });
            (steps, false)
        }
    }
}

/// What the DNS says, and what is there.
async fn published(neighbours: &Neighbours, route: &Route, tls: &ClientTls, voucher: &str) -> Vec<Step> {
    let look = Look { roles: vec![(Role::Server, true)], ..Look::within(WHOLE, EACH) };
    let books = Books { zone: None, resolver: neighbours.resolver().clone() };
    let facts = gather(&route.theirs, &look, &books, tls, |_| ()).await;
    let mut steps = Vec::new();
    for role in &facts.roles {
        steps.extend(records("srv", &role.published));
        steps.push(order(role));
        let places: Vec<_> = role.places().collect();
        for (offer, host) in places {
            steps.push(addresses(offer, host));
            steps.push(tlsa(&route.theirs, offer, host));
            let seen = Seen { domain: &route.theirs, offer, host, voucher };
            steps.extend(host.visits.iter().map(|visit| seen.visited(visit)));
        }
    }
    steps
}

/// What follows from the records.
fn order(role: &RoleFacts) -> Step {
    let domain = &role.published.domain;
    match &role.offers {
        Err(NoOffer::Declined) => step("servers", State::Error, format!("{domain} says that it takes no links")),
        Err(NoOffer::Undecided(..)) => {
            step("servers", State::Unknown, "nothing is tried until both questions are answered; neither is enough alone")
        }
        Ok(offers) => {
            let shown = |offer: &Offer| {
                let way = if offer.tls == TlsKind::Require { "TLS" } else { "STARTTLS" };
                format!("{}:{} ({way})", offer.host, offer.port)
            };
            let all: Vec<String> = offers.iter().map(shown).collect();
            let why =
                if role.published.is_silent() { "without SRV records the domain itself: " } else { "tried in this order: " };
            step("servers", State::Good, format!("{why}{}", all.join(", ")))
        }
    }
}

fn addresses(offer: &Offer, host: &Host) -> Step {
    let all: Vec<String> = host.addresses.all().iter().map(ToString::to_string).collect();
    if all.is_empty() {
        return step("address", State::Warning, format!("{} has no address", offer.host));
    }
    let alias = host.alias.as_ref().map(|alias| format!(" (an alias of {alias})")).unwrap_or_default();
    step("address", State::Good, format!("{}{alias}: {}", offer.host, all.join(", ")))
}

/// Who has to vouch for the server: its zone, or an authority.
fn tlsa(domain: &Domain, offer: &Offer, host: &Host) -> Step {
    let name = format!("_{}._tcp.{} TLSA", offer.port, offer.host);
    let believed = offer.security == Security::Secure || offer.host == domain.as_str();
    match &host.tlsa {
        Outcome::Failed(failure) if believed => {
            step("tlsa", State::Warning, format!("{name}: {failure}; this server is not used, as no answer is not \"no TLSA\""))
        }
        Outcome::Records(answer) => {
            let records: Vec<String> = answer.records.iter().map(ToString::to_string).collect();
            let decision = match (believed, answer.security) {
                (true, Security::Secure) if answer.records.iter().any(dane::is_usable) => "they alone decide",
                (true, Security::Secure) => "none of them is of use, so that an authority decides",
                (true, _) => "not secure, so that an authority decides",
                (false, _) => "the SRV answer is not secure, so that they count for nothing and an authority decides",
            };
            step(
                "tlsa",
                State::Good,
                format!("{name}: {} (DNSSEC: {}): {decision}", records.join(", "), answer.security.as_str()),
            )
        }
        Outcome::Failed(_) | Outcome::Absent(_) => step("tlsa", State::Good, format!("{name}: none: an authority decides")),
    }
}

/// A server, as far as it is known.
struct Seen<'a> {
    domain: &'a Domain,
    offer: &'a Offer,
    host: &'a Host,
    /// What proves it where TLSA does not decide.
    voucher: &'a str,
}

impl Seen<'_> {
    /// What answered at one address.
    fn visited(&self, visit: &Visit) -> Step {
        let probe = &visit.probe;
        let told = |state, text: String| step("server", state, format!("{} ({}): {text}", visit.address, self.offer.host));
        let bad = |text: String| told(State::Warning, text);
        match (&probe.tcp, &probe.tls, &probe.before_tls, &probe.hello) {
            (Err(kind), ..) => bad(format!("no connection: {kind}")),
            (_, Some(Err(error)), ..) => bad(error.to_string()),
            (_, Some(Ok(examined)), _, hello) => match (self.proof(examined), hello) {
                (Err(error), _) => bad(error),
                (Ok(by), Some(Err(fault))) => bad(format!("{}, proven by {by}; HELLO: {}", examined.version, fault.word())),
                (Ok(by), _) => told(State::Good, format!("{}, proven by {by}", examined.version)),
            },
            (_, None, Some(Err(fault)), _) | (_, None, _, Some(Err(fault))) => {
                bad(format!("HELLO in the clear: {}", fault.word()))
            }
            (_, None, ..) => bad("no TLS".to_owned()),
        }
    }

    /// What made the certificate good enough, or why it is not.
    fn proof(&self, examined: &Examined) -> Result<String, String> {
        match examined.verdict {
            Ok(AcceptedBy::Domain) => Ok(self.voucher.to_owned()),
            Ok(AcceptedBy::Host) => Ok(format!("an authority for the host {}, which DNSSEC proves", self.offer.host)),
            Ok(AcceptedBy::Tlsa(at)) => {
                let record = self.host.tlsa.records().get(at).map(ToString::to_string).unwrap_or_default();
                Ok(format!("TLSA {record}"))
            }
            Err(fault) => {
                let certificate = Box::new(examined.certificate.clone());
                Err(TlsError::Certificate { domain: self.domain.clone(), fault, certificate }.to_string())
            }
        }
    }
}
